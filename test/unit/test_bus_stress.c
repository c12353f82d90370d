/* SPDX-License-Identifier: MIT */
/* test_bus_stress.c: several publishers, several pools, one of them stuck; made for
 * ThreadSanitizer.
 *
 * Three pools want the same events. Two have members that answer (one of them rejects now and
 * then), the third has a member that takes one event and never answers. Nobody may wait for it.
 */
#include "supervisor/core/clock.h"
#include "supervisor/core/event.h"
#include "supervisor/core/log.h"
#include "unit.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { PUBLISHERS = 4, EVENTS_EACH = 5000, EVENTS = PUBLISHERS * EVENTS_EACH };

void log_msg(enum log_level level, const char *format, ...)
{
    (void)level; /* what is logged is test_event's business */
    (void)format;
}

struct member_thread {
    struct event_pool *pool;
    struct event_member *member;
    pthread_t thread;
    int wake_fd;
    bool stuck;            /* takes one event and never answers */
    unsigned reject_every; /* 0: never */
    _Atomic uint64_t accepted;
    _Atomic bool quit;
    bool in_order; /* alone in its pool: poolserials must not go back */
    uint64_t last_poolserial;
};

static void wake_member(void *arg)
{
    struct member_thread *m = arg;
    uint64_t one = 1;
    (void)!write(m->wake_fd, &one, sizeof(one)); /* full means awake already */
}

static void *member_main(void *arg)
{
    struct member_thread *m = arg;
    unsigned seen = 0;
    event_member_set_ready(m->member, true);
    while (!atomic_load(&m->quit)) {
        size_t len;
        uint64_t serial;
        event_member_tick(m->member);
        const char *envelope = event_member_take(m->member, &len, &serial);
        if (envelope && !m->stuck) {
            seen++;
            bool reject = m->reject_every && seen % m->reject_every == 0;
            if (m->in_order && !reject) {
                const char *at = strstr(envelope, "poolserial:");
                uint64_t poolserial = strtoull(at + strlen("poolserial:"), NULL, 10);
                if (poolserial < m->last_poolserial)
                    atomic_store(&m->accepted, UINT64_MAX / 2); /* fails the test */
                m->last_poolserial = poolserial;
            }
            event_member_finish(m->member, reject ? EVENT_REJECTED : EVENT_ACCEPTED);
            if (!reject)
                atomic_fetch_add(&m->accepted, 1);
            event_member_set_ready(m->member, true);
            continue;
        }
        struct pollfd pfd = { .fd = m->wake_fd, .events = POLLIN };
        uint64_t deadline_ns = event_member_deadline_ns(m->member);
        if (poll(&pfd, 1, clock_poll_ms(clock_now_ns(), deadline_ns)) > 0) {
            uint64_t count;
            (void)!read(m->wake_fd, &count, sizeof(count));
        }
    }
    return NULL;
}

static void member_begin(struct member_thread *m, struct event_pool *pool)
{
    m->pool = pool;
    m->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CU_ASSERT_FATAL(m->wake_fd >= 0);
    CU_ASSERT_EQUAL_FATAL(event_member_new(pool, "m", wake_member, m, &m->member), 0);
}

static void member_end(struct member_thread *m)
{
    atomic_store(&m->quit, true);
    wake_member(m);
    CU_ASSERT_EQUAL(pthread_join(m->thread, NULL), 0);
    event_member_free(m->member);
    (void)close(m->wake_fd);
}

static void *publisher_main(void *arg)
{
    (void)arg;
    static const char payload[] = "processname:p groupname:g from_state:STARTING pid:1";
    for (int i = 0; i < EVENTS_EACH; i++)
        bus_publish(EVENT_PROCESS_STATE_RUNNING, payload, strlen(payload));
    return NULL;
}

static struct event_pool *pool_begin(const char *name, size_t buffer_size)
{
    struct event_pool *pool;
    struct event_pool_config config = { .name = name,
                                        .mask = UINT64_C(1) << EVENT_PROCESS_STATE,
                                        .buffer_size = buffer_size,
                                        .buffer_bytes = 64 * 1024 * 1024 };
    CU_ASSERT_EQUAL_FATAL(event_pool_new(&config, &pool), 0);
    return pool;
}

static void a_stuck_pool_costs_the_others_nothing(void)
{
    static struct member_thread members[5];
    struct event_pool *pools[3] = { pool_begin("quick", EVENTS), pool_begin("several", EVENTS),
                                    pool_begin("stuck", 50) };
    memset(members, 0, sizeof(members));
    members[0].in_order = true;
    members[1].reject_every = 1000;
    members[4].stuck = true;
    for (int i = 0; i < 5; i++)
        member_begin(&members[i], pools[i == 0 ? 0 : i == 4 ? 2 : 1]);
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&members[i].thread, NULL, member_main, &members[i]),
                              0);

    pthread_t publishers[PUBLISHERS];
    for (int i = 0; i < PUBLISHERS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&publishers[i], NULL, publisher_main, NULL), 0);
    for (int i = 0; i < PUBLISHERS; i++)
        CU_ASSERT_EQUAL(pthread_join(publishers[i], NULL), 0);

    uint64_t limit_ns = clock_now_ns() + 60 * NS_PER_SEC;
    uint64_t quick = 0, several = 0;
    while ((quick < EVENTS || several < EVENTS) && clock_now_ns() < limit_ns) {
        quick = atomic_load(&members[0].accepted);
        several = 0;
        for (int i = 1; i < 4; i++)
            several += atomic_load(&members[i].accepted);
        (void)usleep(1000);
    }
    CU_ASSERT_EQUAL(quick, EVENTS);
    CU_ASSERT_EQUAL(several, EVENTS);

    struct event_pool_stats stats;
    event_pool_stats(pools[2], &stats);
    CU_ASSERT_EQUAL(stats.queued, 50);
    CU_ASSERT_EQUAL(stats.published, EVENTS);
    CU_ASSERT_EQUAL(stats.discarded, EVENTS - 50 - 1); /* one is with the stuck member */
    for (int i = 0; i < 5; i++)
        member_end(&members[i]);
    for (int i = 0; i < 3; i++)
        event_pool_free(pools[i]);
}

/* Members and pools come and go while others publish. */
static void pools_come_and_go_under_fire(void)
{
    pthread_t publishers[PUBLISHERS];
    for (int i = 0; i < PUBLISHERS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&publishers[i], NULL, publisher_main, NULL), 0);
    uint64_t taken = 0;
    for (int round = 0; round < 50; round++) {
        static struct member_thread members[2];
        struct event_pool *pool = pool_begin("brief", 10);
        memset(members, 0, sizeof(members));
        for (int i = 0; i < 2; i++) {
            member_begin(&members[i], pool);
            CU_ASSERT_EQUAL_FATAL(
                pthread_create(&members[i].thread, NULL, member_main, &members[i]), 0);
        }
        bus_publish(EVENT_PROCESS_STATE_STOPPING, "", 0);
        uint64_t limit_ns = clock_now_ns() + 30 * NS_PER_SEC;
        while (!atomic_load(&members[0].accepted) && !atomic_load(&members[1].accepted) &&
               clock_now_ns() < limit_ns)
            (void)sched_yield();
        event_pool_unsubscribe(pool);
        for (int i = 0; i < 2; i++) {
            member_end(&members[i]);
            taken += atomic_load(&members[i].accepted);
        }
        event_pool_free(pool);
    }
    for (int i = 0; i < PUBLISHERS; i++)
        CU_ASSERT_EQUAL(pthread_join(publishers[i], NULL), 0);
    CU_ASSERT_TRUE(taken >= 50);
    CU_ASSERT_FALSE(bus_wants(EVENT_PROCESS_STATE_RUNNING));
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_stuck_pool_costs_the_others_nothing),
        UNIT_TEST(pools_come_and_go_under_fire),
    };
    return UNIT_RUN("bus_stress", tests);
}
