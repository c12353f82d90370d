/* SPDX-License-Identifier: MIT */
/* test_listener.c: a listener between its pool and its pipes, with the test as the child. */
#include "log_capture.h"
#include "supervisor/core/clock.h"
#include "supervisor/core/event.h"
#include "supervisor/workers/listener.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static char process_name[] = "pool_0";
static struct process_config process_config = {
    .name = process_name,
    .stopsignal = SIGTERM,
    .stopwaitsecs = 10,
};
static struct group_config group_config;

/* Stands in for process.c: what would have been sent. */
static int killed_with;

int process_kill(struct process *p, int signal, bool as_group)
{
    (void)p;
    (void)as_group;
    killed_with = signal;
    return 0;
}

struct bench {
    struct process process;
    struct event_pool *pool;
    struct listener *listener;
    int stdin_fd, child_fd; /* the daemon's end, the child's end */
};

static void no_wake(void *arg)
{
    (void)arg;
}

static void bench_init(struct bench *b, size_t buffer_size)
{
    *b = (struct bench){ .process = { .config = &process_config, .group_config = &group_config } };
    struct event_pool_config config = { .name = "pool",
                                        .mask = UINT64_C(1) << EVENT_REMOTE_COMMUNICATION,
                                        .buffer_size = buffer_size };
    int fds[2];
    log_capture_clear();
    group_config = (struct group_config){ .kind = GROUP_EVENTLISTENER };
    killed_with = 0;
    (void)signal(SIGPIPE, SIG_IGN); /* as in the daemon */
    CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    b->child_fd = fds[0];
    b->stdin_fd = fds[1];
    CU_ASSERT_EQUAL_FATAL(event_pool_new(&config, &b->pool), 0);
    CU_ASSERT_EQUAL_FATAL(event_member_new(b->pool, "pool_0", no_wake, NULL, &b->process.member),
                          0);
    CU_ASSERT_EQUAL_FATAL(listener_new(&b->process, &b->listener), 0);
    listener_on_spawn(b->listener);
}

static void bench_free(struct bench *b)
{
    listener_free(b->listener);
    event_member_free(b->process.member);
    event_pool_free(b->pool);
    (void)close(b->stdin_fd);
    if (b->child_fd >= 0)
        (void)close(b->child_fd);
}

static void say(struct bench *b, const char *text)
{
    listener_on_output(b->listener, text, strlen(text));
}

/* What the child reads after a pump; "" if nothing. */
static const char *hear(struct bench *b)
{
    static char text[64 * 1024 + 1];
    CU_ASSERT_TRUE(listener_pump(b->listener, b->stdin_fd) >= 0);
    ssize_t n = read(b->child_fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static bool hears(struct bench *b, const char *data)
{
    const char *text = hear(b);
    size_t len = strlen(text), want = strlen(data);
    return len >= want && strcmp(text + len - want, data) == 0;
}

static void publish_text(const char *data)
{
    char payload[256];
    int len = snprintf(payload, sizeof(payload), "type:t\n%s", data);
    bus_publish(EVENT_REMOTE_COMMUNICATION, payload, (size_t)len);
}

static struct event_pool_stats stats_of(struct bench *b)
{
    struct event_pool_stats stats;
    event_pool_stats(b->pool, &stats);
    return stats;
}

static enum listener_state state_of(struct bench *b)
{
    CU_ASSERT_EQUAL(atomic_load(&b->process.listener_state), (int)listener_state(b->listener));
    return listener_state(b->listener);
}

static void an_event_needs_running_and_ready(void)
{
    struct bench b;
    bench_init(&b, 10);
    publish_text("e0");
    CU_ASSERT_STRING_EQUAL(hear(&b), "");
    say(&b, "READY\n");
    CU_ASSERT_STRING_EQUAL(hear(&b), ""); /* not RUNNING yet */
    listener_on_running(b.listener, true);
    CU_ASSERT_TRUE(hears(&b, "len:9 bytelen:9\ntype:t\ne0"));
    CU_ASSERT_EQUAL(state_of(&b), LISTENER_BUSY);
    bench_free(&b);
}

static void a_whole_exchange_is_logged_in_the_reference_s_words(void)
{
    struct bench b;
    bench_init(&b, 10);
    listener_on_running(b.listener, true);
    publish_text("e0");
    publish_text("e1");
    say(&b, "READY\n");
    CU_ASSERT_TRUE(hears(&b, "e0"));
    say(&b, "RESULT 2\nOKREADY\n");
    CU_ASSERT_EQUAL(state_of(&b), LISTENER_READY);
    CU_ASSERT_TRUE(hears(&b, "e1"));
    CU_ASSERT_TRUE(log_has("DEBG pool_0: ACKNOWLEDGED -> READY\nDEBG event "));
    CU_ASSERT_TRUE(log_has(" sent to listener pool_0\nDEBG pool_0: event was processed\n"
                           "DEBG pool_0: BUSY -> ACKNOWLEDGED\nDEBG pool_0: ACKNOWLEDGED -> "
                           "READY\n"));
    CU_ASSERT_EQUAL(stats_of(&b).delivered, 1);
    bench_free(&b);
}

static void a_rejected_event_comes_again_later(void)
{
    struct bench b;
    bench_init(&b, 10);
    listener_on_running(b.listener, true);
    publish_text("e0");
    publish_text("e1");
    say(&b, "READY\n");
    CU_ASSERT_TRUE(hears(&b, "e0"));
    uint64_t before_ns = clock_now_ns();
    say(&b, "RESULT 4\nFAILREADY\n");
    CU_ASSERT_TRUE(log_has("WARN pool_0: event was rejected\n"));
    CU_ASSERT_STRING_EQUAL(hear(&b), "");
    uint64_t deadline_ns = listener_deadline_ns(b.listener);
    CU_ASSERT_TRUE(deadline_ns >= before_ns + 100 * NS_PER_MS);
    CU_ASSERT_TRUE(deadline_ns <= clock_now_ns() + 100 * NS_PER_MS);
    while (clock_now_ns() < deadline_ns)
        (void)usleep(1000);
    CU_ASSERT_TRUE(hears(&b, "e0"));
    say(&b, "RESULT 2\nOKREADY\n");
    CU_ASSERT_TRUE(hears(&b, "e1"));
    bench_free(&b);
}

static void a_bad_result_line_is_told_and_the_event_kept(void)
{
    struct bench b;
    bench_init(&b, 10);
    listener_on_running(b.listener, true);
    publish_text("e0");
    say(&b, "READY\n");
    CU_ASSERT_TRUE(hears(&b, "e0"));
    say(&b, "HELLO\n");
    CU_ASSERT_EQUAL(state_of(&b), LISTENER_UNKNOWN);
    CU_ASSERT_TRUE(
        log_has("WARN pool_0: bad result line: 'HELLO'\n"
                "DEBG pool_0: BUSY -> UNKNOWN\n"
                "WARN pool_0: has entered the UNKNOWN state and will no longer receive events, "
                "this usually indicates the process violated the eventlistener protocol\n"
                "DEBG rebuffering event "));
    CU_ASSERT_EQUAL(stats_of(&b).queued, 1);
    say(&b, "READY\n");
    CU_ASSERT_STRING_EQUAL(hear(&b), "");
    listener_on_child_end(b.listener); /* a new child begins anew */
    listener_on_spawn(b.listener);
    listener_on_running(b.listener, true);
    say(&b, "READY\n");
    CU_ASSERT_TRUE(hears(&b, "e0"));
    bench_free(&b);
}

static void an_undecodable_result_line_is_told_as_bytes(void)
{
    struct bench b;
    bench_init(&b, 10);
    listener_on_running(b.listener, true);
    publish_text("e0");
    say(&b, "READY\n");
    CU_ASSERT_TRUE(hears(&b, "e0"));
    say(&b, "\xff!\n");
    CU_ASSERT_TRUE(log_has("WARN pool_0: bad result line: 'Undecodable: b'\\xff!''\n"));
    bench_free(&b);
}

static void a_listener_that_dies_while_busy_loses_nothing(void)
{
    struct bench b;
    bench_init(&b, 10);
    listener_on_running(b.listener, true);
    publish_text("e0");
    say(&b, "READY\n");
    CU_ASSERT_TRUE(hears(&b, "e0"));
    listener_on_running(b.listener, false);
    listener_on_child_end(b.listener);
    CU_ASSERT_EQUAL(stats_of(&b).queued, 1);
    CU_ASSERT_EQUAL(stats_of(&b).returned, 1);
    listener_on_spawn(b.listener);
    CU_ASSERT_EQUAL(state_of(&b), LISTENER_ACKNOWLEDGED);
    listener_on_running(b.listener, true);
    say(&b, "READY\n");
    CU_ASSERT_TRUE(hears(&b, "e0"));
    bench_free(&b);
}

static void a_closed_stdin_keeps_the_event_and_the_state(void)
{
    struct bench b;
    bench_init(&b, 10);
    listener_on_running(b.listener, true);
    say(&b, "READY\n");
    (void)close(b.child_fd);
    b.child_fd = -1;
    publish_text("e0");
    CU_ASSERT_EQUAL(listener_pump(b.listener, b.stdin_fd), -EPIPE);
    CU_ASSERT_EQUAL(listener_pump(b.listener, b.stdin_fd), 0);
    CU_ASSERT_EQUAL(state_of(&b), LISTENER_READY);
    CU_ASSERT_TRUE(log_has("DEBG epipe occurred while sending event "));
    CU_ASSERT_TRUE(log_has(" to listener pool_0, listener state unchanged\n"));
    CU_ASSERT_EQUAL(stats_of(&b).queued, 1);
    CU_ASSERT_EQUAL(listener_deadline_ns(b.listener), NS_NEVER); /* no spinning */
    bench_free(&b);
}

static void a_large_event_is_written_as_the_pipe_drains(void)
{
    struct bench b;
    bench_init(&b, 10);
    size_t len = 300 * 1000, heard = 0;
    char *big = malloc(len);
    CU_ASSERT_PTR_NOT_NULL_FATAL(big);
    memset(big, 'x', len);
    listener_on_running(b.listener, true);
    say(&b, "READY\n");
    bus_publish(EVENT_REMOTE_COMMUNICATION, big, len);
    CU_ASSERT_EQUAL(listener_pump(b.listener, b.stdin_fd), 1); /* asks for POLLOUT */
    CU_ASSERT_EQUAL(state_of(&b), LISTENER_BUSY);
    for (int i = 0; i < 1000 && heard < len; i++)
        heard += strlen(hear(&b));
    CU_ASSERT_TRUE(heard > len && heard < len + 200);
    CU_ASSERT_EQUAL(listener_pump(b.listener, b.stdin_fd), 0);
    say(&b, "RESULT 2\nOK");
    CU_ASSERT_EQUAL(stats_of(&b).delivered, 1);
    free(big);
    bench_free(&b);
}

static void who_answers_without_reading_is_given_up_not_buffered_for_ever(void)
{
    struct bench b;
    bench_init(&b, 10);
    static char big[200 * 1000];
    memset(big, 'x', sizeof(big));
    listener_on_running(b.listener, true);
    say(&b, "READY\n");
    int answered = 0;
    for (; answered < 100 && state_of(&b) != LISTENER_UNKNOWN; answered++) {
        bus_publish(EVENT_REMOTE_COMMUNICATION, big, sizeof(big));
        CU_ASSERT_TRUE(listener_pump(b.listener, b.stdin_fd) >= 0);
        if (state_of(&b) == LISTENER_BUSY)
            say(&b, "RESULT 2\nOKREADY\n");
    }
    CU_ASSERT_TRUE(answered >= 5 && answered < 12);
    CU_ASSERT_TRUE(log_has("WARN pool_0: does not read its events, "));
    CU_ASSERT_TRUE(log_has("has entered the UNKNOWN state"));
    CU_ASSERT_EQUAL(stats_of(&b).queued, 1);
    bench_free(&b);
}

static void an_event_in_flight_has_a_deadline_for_its_answer(void)
{
    struct bench b;
    bench_init(&b, 10);
    listener_on_running(b.listener, true);
    say(&b, "READY\n");
    CU_ASSERT_EQUAL(listener_deadline_ns(b.listener), NS_NEVER);
    publish_text("e0");
    CU_ASSERT_TRUE(hears(&b, "e0"));
    uint64_t deadline_ns = listener_deadline_ns(b.listener);
    CU_ASSERT_TRUE(deadline_ns > clock_now_ns() + 59 * NS_PER_SEC);
    CU_ASSERT_TRUE(deadline_ns <= clock_now_ns() + 60 * NS_PER_SEC);
    say(&b, "RESULT 2\nOK");
    CU_ASSERT_EQUAL(listener_deadline_ns(b.listener), NS_NEVER);
    bench_free(&b);
}

static void a_ready_taken_back_by_junk_gives_the_assigned_event_back(void)
{
    struct bench b;
    bench_init(&b, 10);
    listener_on_running(b.listener, true);
    say(&b, "READY\n");
    publish_text("e0"); /* assigned, and before the worker looks: */
    say(&b, "junk");
    CU_ASSERT_EQUAL(state_of(&b), LISTENER_UNKNOWN);
    CU_ASSERT_STRING_EQUAL(hear(&b), "");
    CU_ASSERT_EQUAL(stats_of(&b).queued, 1);
    bench_free(&b);
}

static void a_protocol_error_ends_the_child_where_that_is_wanted(void)
{
    struct bench b;
    bench_init(&b, 10);
    listener_on_running(b.listener, true);
    say(&b, "nonsense");
    CU_ASSERT_EQUAL(killed_with, 0); /* by default it is left alone */
    listener_on_child_end(b.listener);
    listener_on_spawn(b.listener);
    group_config.restart_on_protocol_error = true;
    say(&b, "nonsense");
    CU_ASSERT_EQUAL(killed_with, SIGTERM);
    uint64_t left_ns = listener_deadline_ns(b.listener) - clock_now_ns();
    CU_ASSERT_TRUE(left_ns > 9 * NS_PER_SEC && left_ns <= 10 * NS_PER_SEC); /* then SIGKILL */
    listener_on_child_end(b.listener);
    CU_ASSERT_EQUAL(listener_deadline_ns(b.listener), NS_NEVER);
    bench_free(&b);
}

static void a_result_that_never_comes_breaks_the_protocol_in_time(void)
{
    struct bench b;
    bench_init(&b, 10);
    group_config.result_timeout = 1;
    listener_on_running(b.listener, true);
    publish_text("e0");
    say(&b, "READY\n");
    CU_ASSERT_TRUE(hears(&b, "e0"));
    uint64_t deadline_ns = listener_deadline_ns(b.listener);
    CU_ASSERT_TRUE(deadline_ns <= clock_now_ns() + NS_PER_SEC);
    while (clock_now_ns() < deadline_ns)
        (void)usleep(10000);
    CU_ASSERT_STRING_EQUAL(hear(&b), "");
    CU_ASSERT_EQUAL(state_of(&b), LISTENER_UNKNOWN);
    CU_ASSERT_TRUE(log_has(" within result_timeout (1 seconds)\n"));
    CU_ASSERT_EQUAL(stats_of(&b).queued, 1); /* for another listener of the pool */
    bench_free(&b);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(an_event_needs_running_and_ready),
        UNIT_TEST(a_whole_exchange_is_logged_in_the_reference_s_words),
        UNIT_TEST(a_rejected_event_comes_again_later),
        UNIT_TEST(a_bad_result_line_is_told_and_the_event_kept),
        UNIT_TEST(an_undecodable_result_line_is_told_as_bytes),
        UNIT_TEST(a_listener_that_dies_while_busy_loses_nothing),
        UNIT_TEST(a_closed_stdin_keeps_the_event_and_the_state),
        UNIT_TEST(a_large_event_is_written_as_the_pipe_drains),
        UNIT_TEST(who_answers_without_reading_is_given_up_not_buffered_for_ever),
        UNIT_TEST(an_event_in_flight_has_a_deadline_for_its_answer),
        UNIT_TEST(a_ready_taken_back_by_junk_gives_the_assigned_event_back),
        UNIT_TEST(a_protocol_error_ends_the_child_where_that_is_wanted),
        UNIT_TEST(a_result_that_never_comes_breaks_the_protocol_in_time),
    };
    return UNIT_RUN("listener", tests);
}
