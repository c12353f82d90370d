/* SPDX-License-Identifier: MIT */
/* test_event.c: event types, pools and their queues. */
#include "log_capture.h"
#include "supervisor/core/clock.h"
#include "supervisor/core/event.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#define BIT(type) (UINT64_C(1) << EVENT_##type)

/* ---- a clock that stands still, and listeners that count their wakes ---- */

static uint64_t test_now_ns;

static uint64_t test_clock(void)
{
    return test_now_ns;
}

static void count_wake(void *arg)
{
    (*(unsigned *)arg)++;
}

struct one {
    struct event_pool *pool;
    struct event_member *member;
    unsigned wakes;
};

static struct one one_new(const char *name, uint64_t mask, size_t buffer_size, unsigned *wakes)
{
    struct one one = { 0 };
    struct event_pool_config config = { .name = name, .mask = mask, .buffer_size = buffer_size };
    test_now_ns = 1000 * NS_PER_SEC;
    bus_use_clock(test_clock);
    log_capture_clear();
    CU_ASSERT_EQUAL_FATAL(event_pool_new(&config, &one.pool), 0);
    CU_ASSERT_EQUAL_FATAL(event_member_new(one.pool, name, count_wake, wakes, &one.member), 0);
    return one;
}

static void one_free(struct one *one)
{
    event_pool_unsubscribe(one->pool);
    event_member_free(one->member);
    event_pool_free(one->pool);
}

static void publish_text(const char *data)
{
    char payload[256];
    int len = snprintf(payload, sizeof(payload), "type:t\n%s", data);
    bus_publish(EVENT_REMOTE_COMMUNICATION, payload, (size_t)len);
}

static void publish_tick(enum event_type type, int64_t when)
{
    char payload[64];
    int len = snprintf(payload, sizeof(payload), "when:%lld", (long long)when);
    bus_publish(type, payload, (size_t)len);
}

/* The payload's last line of the event that the member gets now; "" if none. Ready first. */
static const char *next_data(struct event_member *member)
{
    static char data[256];
    size_t len = 0;
    uint64_t serial;
    data[0] = '\0';
    event_member_set_ready(member, true);
    const char *envelope = event_member_take(member, &len, &serial);
    if (envelope) {
        const char *last = memrchr(envelope, '\n', len);
        size_t n = len - (size_t)(last + 1 - envelope);
        memcpy(data, last + 1, n);
        data[n] = '\0';
    }
    return data;
}

/* The same, and accepted. */
static const char *eat_data(struct event_member *member)
{
    const char *data = next_data(member);
    if (*data)
        event_member_finish(member, EVENT_ACCEPTED);
    return data;
}

static uint64_t token_of(const char *envelope, const char *token)
{
    const char *at = strstr(envelope, token);
    return at ? strtoull(at + strlen(token), NULL, 10) : UINT64_MAX;
}

/* ---- types ---- */

static void names_are_found_in_any_case(void)
{
    enum event_type type;
    CU_ASSERT_EQUAL(event_type_from_name("tick_5", &type), 0);
    CU_ASSERT_EQUAL(type, EVENT_TICK_5);
    CU_ASSERT_EQUAL(event_type_from_name("PROCESS_STATE_EXITED", &type), 0);
    CU_ASSERT_EQUAL(type, EVENT_PROCESS_STATE_EXITED);
    CU_ASSERT_EQUAL(event_type_from_name("NOPE", &type), -EINVAL);
    CU_ASSERT_EQUAL(event_type_from_name("", &type), -EINVAL);
    CU_ASSERT_STRING_EQUAL(event_type_name(EVENT_PROCESS_LOG_STDERR), "PROCESS_LOG_STDERR");
}

static void a_type_covers_all_below_it(void)
{
    CU_ASSERT_EQUAL(event_type_mask(EVENT_TICK),
                    BIT(TICK) | BIT(TICK_5) | BIT(TICK_60) | BIT(TICK_3600));
    CU_ASSERT_EQUAL(event_type_mask(EVENT_TICK_60), BIT(TICK_60));
    CU_ASSERT_EQUAL(event_type_mask(EVENT_EVENT), (UINT64_C(1) << EVENT_TYPE_COUNT) - 1);
    uint64_t state = event_type_mask(EVENT_PROCESS_STATE);
    CU_ASSERT_TRUE(state & BIT(PROCESS_STATE_UNKNOWN));
    CU_ASSERT_FALSE(state & BIT(PROCESS_LOG_STDOUT));
    CU_ASSERT_FALSE(state & BIT(SUPERVISOR_STATE_CHANGE_RUNNING));
    CU_ASSERT_EQUAL(event_mask_widen(BIT(TICK) | BIT(PROCESS_STATE)),
                    event_type_mask(EVENT_TICK) | event_type_mask(EVENT_PROCESS_STATE));
    CU_ASSERT_EQUAL(event_mask_widen(0), 0);
}

/* ---- the envelope ---- */

static void check_payload(struct one *one, const char *header, const char *payload)
{
    size_t len = 0;
    uint64_t serial;
    event_member_set_ready(one->member, true);
    const char *envelope = event_member_take(one->member, &len, &serial);
    CU_ASSERT_PTR_NOT_NULL_FATAL(envelope);
    const char *lf = memchr(envelope, '\n', len);
    CU_ASSERT_PTR_NOT_NULL_FATAL(lf);
    CU_ASSERT_PTR_NOT_NULL(memmem(envelope, (size_t)(lf - envelope), header, strlen(header)));
    CU_ASSERT_STRING_EQUAL(lf + 1, payload);
    event_member_finish(one->member, EVENT_ACCEPTED);
}

static void the_envelope_is_the_reference_s(void)
{
    unsigned wakes = 0;
    struct one one = one_new("pool", BIT(EVENT), 10, &wakes);
    size_t len;
    uint64_t serial;
    char header[256];
    publish_tick(EVENT_TICK_5, 1795381200);
    event_member_set_ready(one.member, true);
    const char *envelope = event_member_take(one.member, &len, &serial);
    CU_ASSERT_PTR_NOT_NULL_FATAL(envelope);
    (void)snprintf(header, sizeof(header),
                   "ver:3.0 server:supervisor serial:%llu pool:pool poolserial:0 eventname:TICK_5 "
                   "len:15 bytelen:15\nwhen:1795381200",
                   (unsigned long long)serial);
    CU_ASSERT_STRING_EQUAL(envelope, header);
    CU_ASSERT_EQUAL(len, strlen(header));
    event_member_finish(one.member, EVENT_ACCEPTED);
    bus_publish(EVENT_SUPERVISOR_STATE_CHANGE_RUNNING, "", 0);
    check_payload(&one, " eventname:SUPERVISOR_STATE_CHANGE_RUNNING len:0 bytelen:0", "");
    one_free(&one);
}

static void len_counts_characters_and_bytelen_bytes(void)
{
    static const char accents[] = "type:caf\xc3\xa9\nd\xc3\xa9";
    unsigned wakes = 0;
    struct one one = one_new("p", BIT(REMOTE_COMMUNICATION), 10, &wakes);
    bus_publish(EVENT_REMOTE_COMMUNICATION, accents, strlen(accents));
    check_payload(&one, " len:12 bytelen:14", "type:caf\xc3\xa9\nd\xc3\xa9");
    one_free(&one);

    struct event_pool_config config = { .name = "b",
                                        .mask = BIT(REMOTE_COMMUNICATION),
                                        .payload_length_bytes = true };
    CU_ASSERT_EQUAL_FATAL(event_pool_new(&config, &one.pool), 0);
    CU_ASSERT_EQUAL_FATAL(event_member_new(one.pool, "b", count_wake, &wakes, &one.member), 0);
    bus_publish(EVENT_REMOTE_COMMUNICATION, accents, strlen(accents));
    check_payload(&one, " len:14 bytelen:14", "type:caf\xc3\xa9\nd\xc3\xa9");
    one_free(&one);
}

static void the_identifier_cannot_break_the_header(void)
{
    unsigned wakes = 0;
    struct one one = one_new("p", BIT(TICK), 10, &wakes);
    CU_ASSERT_EQUAL(bus_set_identifier("my id:1\n"), 0);
    publish_tick(EVENT_TICK_5, 5);
    check_payload(&one, "ver:3.0 server:my_id_1_ serial:", "when:5");
    CU_ASSERT_EQUAL(bus_set_identifier("supervisor"), 0);
    one_free(&one);
}

/* ---- serials ---- */

static void only_wanted_events_take_a_serial(void)
{
    unsigned wakes = 0;
    struct one a = one_new("a", BIT(REMOTE_COMMUNICATION), 10, &wakes);
    struct one b = one_new("b", BIT(REMOTE_COMMUNICATION) | BIT(TICK), 10, &wakes);
    size_t len;
    uint64_t first, serial;

    CU_ASSERT_FALSE(bus_wants(EVENT_PROCESS_STATE_RUNNING));
    CU_ASSERT_TRUE(bus_wants(EVENT_TICK_3600));
    CU_ASSERT_TRUE(bus_wants_ticks());
    publish_tick(EVENT_TICK_5, 5);
    bus_publish(EVENT_PROCESS_GROUP_ADDED, "groupname:nobody\n", 17);
    publish_text("x");

    event_member_set_ready(b.member, true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(event_member_take(b.member, &len, &first));
    event_member_finish(b.member, EVENT_ACCEPTED);
    event_member_set_ready(b.member, true);
    const char *in_b = event_member_take(b.member, &len, &serial);
    CU_ASSERT_EQUAL(serial, first + 1); /* the group event took none */
    CU_ASSERT_EQUAL(token_of(in_b, "poolserial:"), 1);
    event_member_finish(b.member, EVENT_ACCEPTED);

    event_member_set_ready(a.member, true);
    const char *in_a = event_member_take(a.member, &len, &serial);
    CU_ASSERT_EQUAL(serial, first + 1); /* the same event in every pool */
    CU_ASSERT_EQUAL(token_of(in_a, "poolserial:"), 0);
    event_member_finish(a.member, EVENT_ACCEPTED);
    one_free(&a);
    one_free(&b);
    CU_ASSERT_FALSE(bus_wants(EVENT_TICK_5));
    CU_ASSERT_FALSE(bus_wants_ticks());
}

static void overlapping_subscriptions_deliver_once(void)
{
    unsigned wakes = 0;
    struct one one = one_new("p", BIT(EVENT) | BIT(REMOTE_COMMUNICATION), 10, &wakes);
    publish_text("x");
    struct event_pool_stats stats;
    event_pool_stats(one.pool, &stats);
    CU_ASSERT_EQUAL(stats.queued, 1);
    one_free(&one);
}

/* ---- queues ---- */

static void a_full_queue_drops_the_oldest(void)
{
    unsigned wakes = 0;
    struct one one = one_new("pool", BIT(REMOTE_COMMUNICATION), 2, &wakes);
    publish_text("e0");
    CU_ASSERT_STRING_EQUAL(next_data(one.member), "e0"); /* in progress: not in the queue */
    publish_text("e1");
    publish_text("e2");
    publish_text("e3");
    publish_text("e4");
    publish_text("e5");
    event_member_finish(one.member, EVENT_ACCEPTED);
    CU_ASSERT_STRING_EQUAL(eat_data(one.member), "e4");
    CU_ASSERT_STRING_EQUAL(eat_data(one.member), "e5");
    CU_ASSERT_STRING_EQUAL(eat_data(one.member), "");
    CU_ASSERT_TRUE(log_has("ERRO pool pool event buffer overflowed, discarding event "));
    struct event_pool_stats stats;
    event_pool_stats(one.pool, &stats);
    CU_ASSERT_EQUAL(stats.discarded, 3);
    CU_ASSERT_EQUAL(stats.delivered, 3);
    CU_ASSERT_EQUAL(stats.queued, 0);
    CU_ASSERT_EQUAL(stats.queued_bytes, 0);
    one_free(&one);
}

static void a_queue_is_bounded_in_bytes(void)
{
    struct event_pool_config config = {
        .name = "p", .mask = BIT(REMOTE_COMMUNICATION), .buffer_size = 1000, .buffer_bytes = 100
    };
    struct event_pool *pool;
    struct event_pool_stats stats;
    char big[400];
    memset(big, 'x', sizeof(big));
    CU_ASSERT_EQUAL_FATAL(event_pool_new(&config, &pool), 0);
    for (int i = 0; i < 50; i++)
        bus_publish(EVENT_REMOTE_COMMUNICATION, big, 37);
    event_pool_stats(pool, &stats);
    CU_ASSERT_EQUAL(stats.queued, 2); /* of 37 bytes each */
    CU_ASSERT_EQUAL(stats.discarded, 48);
    bus_publish(EVENT_REMOTE_COMMUNICATION, big, sizeof(big)); /* too large for the limit: alone */
    event_pool_stats(pool, &stats);
    CU_ASSERT_EQUAL(stats.queued, 1);
    CU_ASSERT_EQUAL(stats.queued_bytes, 400);
    event_pool_free(pool);
}

static void a_burst_of_losses_is_counted_not_told_one_by_one(void)
{
    unsigned wakes = 0;
    struct one one = one_new("p", BIT(REMOTE_COMMUNICATION), 1, &wakes);
    for (int i = 0; i < 501; i++)
        publish_text("x");
    unsigned lines = 0;
    for (const char *at = log_capture.text; (at = strstr(at, "discarding event")); at++)
        lines++;
    CU_ASSERT_EQUAL(lines, 10);
    CU_ASSERT_FALSE(log_has("more events"));
    CU_ASSERT_EQUAL(wakes, 1); /* to keep the time */
    uint64_t deadline_ns = event_member_deadline_ns(one.member);
    CU_ASSERT_EQUAL(deadline_ns, test_now_ns + NS_PER_SEC);
    test_now_ns = deadline_ns;
    event_member_tick(one.member);
    CU_ASSERT_TRUE(log_has("discarded 490 more events (500 since the start)"));
    CU_ASSERT_EQUAL(event_member_deadline_ns(one.member), NS_NEVER);
    one_free(&one);
}

static void a_rejected_event_comes_first_again(void)
{
    unsigned wakes = 0;
    struct one one = one_new("p", BIT(REMOTE_COMMUNICATION), 10, &wakes);
    publish_text("e0");
    publish_text("e1");
    CU_ASSERT_STRING_EQUAL(next_data(one.member), "e0");
    event_member_finish(one.member, EVENT_REJECTED);
    CU_ASSERT_STRING_EQUAL(next_data(one.member), ""); /* not yet */
    CU_ASSERT_EQUAL(event_member_deadline_ns(one.member), test_now_ns + 100 * NS_PER_MS);
    test_now_ns += 100 * NS_PER_MS;
    event_member_tick(one.member);
    CU_ASSERT_STRING_EQUAL(next_data(one.member), "e0");
    event_member_finish(one.member, EVENT_ACCEPTED);
    CU_ASSERT_STRING_EQUAL(eat_data(one.member), "e1");
    one_free(&one);
}

static void redelivery_waits_twice_as_long_each_time_up_to_five_seconds(void)
{
    static const uint64_t delays_ms[] = { 100, 200, 400, 800, 1600, 3200, 5000, 5000 };
    unsigned wakes = 0;
    struct one one = one_new("p", BIT(REMOTE_COMMUNICATION), 10, &wakes);
    publish_text("e0");
    for (size_t i = 0; i < sizeof(delays_ms) / sizeof(delays_ms[0]); i++) {
        CU_ASSERT_STRING_EQUAL(next_data(one.member), "e0");
        event_member_finish(one.member, EVENT_REJECTED);
        event_member_set_ready(one.member, true);
        uint64_t due_ns = test_now_ns + delays_ms[i] * NS_PER_MS;
        CU_ASSERT_EQUAL(event_member_deadline_ns(one.member), due_ns);
        test_now_ns = due_ns - 1;
        CU_ASSERT_STRING_EQUAL(next_data(one.member), "");
        test_now_ns = due_ns;
    }
    CU_ASSERT_STRING_EQUAL(eat_data(one.member), "e0");
    one_free(&one);
}

static void another_member_gets_a_rejected_event_at_once(void)
{
    unsigned wakes = 0;
    struct one one = one_new("p", BIT(REMOTE_COMMUNICATION), 10, &wakes);
    struct event_member *second;
    CU_ASSERT_EQUAL_FATAL(event_member_new(one.pool, "q", count_wake, &wakes, &second), 0);
    publish_text("e0");
    CU_ASSERT_STRING_EQUAL(next_data(one.member), "e0");
    event_member_set_ready(second, true);
    event_member_finish(one.member, EVENT_REJECTED);
    CU_ASSERT_STRING_EQUAL(next_data(second), "e0");
    event_member_finish(second, EVENT_REJECTED); /* both refused it: now it waits for all */
    CU_ASSERT_STRING_EQUAL(next_data(one.member), "");
    CU_ASSERT_STRING_EQUAL(next_data(second), "");
    test_now_ns += 200 * NS_PER_MS;
    CU_ASSERT_STRING_EQUAL(eat_data(one.member), "e0");
    event_member_free(second);
    one_free(&one);
}

static void a_full_queue_makes_room_for_a_rejected_event(void)
{
    unsigned wakes = 0;
    struct one one = one_new("p", BIT(REMOTE_COMMUNICATION), 2, &wakes);
    publish_text("e0");
    CU_ASSERT_STRING_EQUAL(next_data(one.member), "e0");
    publish_text("e2");
    publish_text("e3");
    event_member_finish(one.member, EVENT_REJECTED);
    test_now_ns += NS_PER_SEC;
    CU_ASSERT_STRING_EQUAL(eat_data(one.member), "e0");
    CU_ASSERT_STRING_EQUAL(eat_data(one.member), "e3");
    one_free(&one);
}

static void a_returned_event_keeps_its_numbers(void)
{
    unsigned wakes = 0;
    struct one one = one_new("p", BIT(REMOTE_COMMUNICATION), 10, &wakes);
    size_t len;
    uint64_t serial, again;
    publish_text("e0");
    event_member_set_ready(one.member, true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(event_member_take(one.member, &len, &serial));
    event_member_finish(one.member, EVENT_RETURNED);
    event_member_set_ready(one.member, true);
    const char *envelope = event_member_take(one.member, &len, &again);
    CU_ASSERT_PTR_NOT_NULL_FATAL(envelope);
    CU_ASSERT_EQUAL(again, serial);
    CU_ASSERT_EQUAL(token_of(envelope, "poolserial:"), 0);
    CU_ASSERT_TRUE(log_has("DEBG rebuffering event "));
    CU_ASSERT_TRUE(log_has(" for pool p (buf size=0, max=10)"));
    event_member_finish(one.member, EVENT_ACCEPTED);
    one_free(&one);
}

static void a_rejection_concerns_its_own_pool_only(void)
{
    unsigned wakes = 0;
    struct one a = one_new("a", BIT(REMOTE_COMMUNICATION), 10, &wakes);
    struct one b = one_new("b", BIT(TICK_3600), 10, &wakes);
    publish_text("e0");
    CU_ASSERT_STRING_EQUAL(next_data(a.member), "e0");
    event_member_finish(a.member, EVENT_REJECTED);
    CU_ASSERT_STRING_EQUAL(next_data(b.member), "");
    one_free(&a);
    one_free(&b);
}

static void what_was_assigned_but_not_taken_goes_to_another(void)
{
    unsigned wakes = 0;
    struct one one = one_new("p", BIT(REMOTE_COMMUNICATION), 10, &wakes);
    struct event_member *second;
    CU_ASSERT_EQUAL_FATAL(event_member_new(one.pool, "q", count_wake, &wakes, &second), 0);
    event_member_set_ready(one.member, true);
    publish_text("e0");
    publish_text("e1");
    event_member_set_ready(second, true);      /* gets e1 */
    event_member_set_ready(one.member, false); /* died before it took e0 */
    CU_ASSERT_STRING_EQUAL(eat_data(second), "e1");
    CU_ASSERT_STRING_EQUAL(eat_data(second), "e0");
    event_member_free(second);
    one_free(&one);
}

static void several_members_work_at_the_same_time(void)
{
    unsigned wakes = 0;
    struct one one = one_new("p", BIT(REMOTE_COMMUNICATION), 10, &wakes);
    struct event_member *more[2];
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL_FATAL(event_member_new(one.pool, "m", count_wake, &wakes, &more[i]), 0);
        event_member_set_ready(more[i], true);
    }
    event_member_set_ready(one.member, true);
    publish_text("e0");
    publish_text("e1");
    publish_text("e2");
    CU_ASSERT_EQUAL(wakes, 3);
    CU_ASSERT_STRING_EQUAL(next_data(one.member), "e0"); /* in the order of the members */
    CU_ASSERT_STRING_EQUAL(next_data(more[0]), "e1");
    CU_ASSERT_STRING_EQUAL(next_data(more[1]), "e2");
    event_member_free(more[0]);
    event_member_free(more[1]);
    one_free(&one);
}

static void a_member_s_end_gives_its_event_back(void)
{
    unsigned wakes = 0;
    struct one one = one_new("p", BIT(REMOTE_COMMUNICATION), 10, &wakes);
    struct event_member *second;
    CU_ASSERT_EQUAL_FATAL(event_member_new(one.pool, "q", count_wake, &wakes, &second), 0);
    publish_text("e0");
    CU_ASSERT_STRING_EQUAL(next_data(second), "e0");
    event_member_free(second);
    CU_ASSERT_STRING_EQUAL(eat_data(one.member), "e0");
    one_free(&one);
}

static void stale_ticks_are_replaced(void)
{
    unsigned wakes = 0;
    struct one one = one_new("p", BIT(TICK) | BIT(REMOTE_COMMUNICATION), 10, &wakes);
    for (int i = 1; i <= 500; i++)
        publish_tick(EVENT_TICK_5, i * 5);
    publish_tick(EVENT_TICK_60, 2460);
    publish_text("x");
    publish_tick(EVENT_TICK_5, 2505);
    struct event_pool_stats stats;
    event_pool_stats(one.pool, &stats);
    CU_ASSERT_EQUAL(stats.queued, 3);
    CU_ASSERT_EQUAL(stats.coalesced, 500);
    CU_ASSERT_EQUAL(stats.discarded, 0);
    check_payload(&one, " eventname:TICK_60 ", "when:2460");
    CU_ASSERT_STRING_EQUAL(eat_data(one.member), "x");
    check_payload(&one, " eventname:TICK_5 ", "when:2505");
    one_free(&one);
}

static void an_unsubscribed_pool_gets_nothing(void)
{
    unsigned wakes = 0;
    struct one one = one_new("p", BIT(REMOTE_COMMUNICATION), 10, &wakes);
    publish_text("e0");
    publish_text("e1");
    CU_ASSERT_STRING_EQUAL(next_data(one.member), "e0");
    event_pool_unsubscribe(one.pool);
    event_member_finish(one.member, EVENT_REJECTED);
    CU_ASSERT_STRING_EQUAL(next_data(one.member), "");
    CU_ASSERT_FALSE(bus_wants(EVENT_REMOTE_COMMUNICATION));
    one_free(&one);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(names_are_found_in_any_case),
        UNIT_TEST(a_type_covers_all_below_it),
        UNIT_TEST(the_envelope_is_the_reference_s),
        UNIT_TEST(len_counts_characters_and_bytelen_bytes),
        UNIT_TEST(the_identifier_cannot_break_the_header),
        UNIT_TEST(only_wanted_events_take_a_serial),
        UNIT_TEST(overlapping_subscriptions_deliver_once),
        UNIT_TEST(a_full_queue_drops_the_oldest),
        UNIT_TEST(a_queue_is_bounded_in_bytes),
        UNIT_TEST(a_burst_of_losses_is_counted_not_told_one_by_one),
        UNIT_TEST(a_rejected_event_comes_first_again),
        UNIT_TEST(redelivery_waits_twice_as_long_each_time_up_to_five_seconds),
        UNIT_TEST(another_member_gets_a_rejected_event_at_once),
        UNIT_TEST(a_full_queue_makes_room_for_a_rejected_event),
        UNIT_TEST(a_returned_event_keeps_its_numbers),
        UNIT_TEST(a_rejection_concerns_its_own_pool_only),
        UNIT_TEST(what_was_assigned_but_not_taken_goes_to_another),
        UNIT_TEST(several_members_work_at_the_same_time),
        UNIT_TEST(a_member_s_end_gives_its_event_back),
        UNIT_TEST(stale_ticks_are_replaced),
        UNIT_TEST(an_unsubscribed_pool_gets_nothing),
    };
    return UNIT_RUN("event", tests);
}
