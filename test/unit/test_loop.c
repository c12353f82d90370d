/* SPDX-License-Identifier: MIT */
/* test_loop.c: descriptors, timers and wakes of the main thread's loop. */
#include "supervisor/core/clock.h"
#include "supervisor/core/loop.h"

#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static struct loop *loop;
static unsigned order[256];
static unsigned n_order;

struct numbered {
    struct loop_timer timer;
    unsigned number;
};

static void note(void *arg)
{
    const struct numbered *timer = arg;
    if (n_order < 256)
        order[n_order++] = timer->number;
}

static void stop(void *arg)
{
    loop_stop(arg);
}

static void begin(void)
{
    n_order = 0;
    CU_ASSERT_EQUAL_FATAL(loop_new(&loop), 0);
}

static void run_for_ms(unsigned ms)
{
    struct loop_timer limit;
    loop_timer_init(&limit, stop, loop);
    CU_ASSERT_EQUAL(loop_timer_set(loop, &limit, clock_now_ns() + ms * NS_PER_MS), 0);
    CU_ASSERT_EQUAL(loop_run(loop), 0);
    loop_timer_cancel(loop, &limit);
}

static void timers_fire_in_the_order_of_their_deadlines(void)
{
    enum { N = 200 };
    static struct numbered timers[N];
    begin();
    uint64_t base_ns = clock_now_ns() - NS_PER_SEC;
    for (unsigned i = 0; i < N; i++) {
        timers[i].number = i * 7919 % N; /* a permutation */
        loop_timer_init(&timers[i].timer, note, &timers[i]);
        CU_ASSERT_EQUAL(loop_timer_set(loop, &timers[i].timer, base_ns + timers[i].number), 0);
    }
    run_for_ms(1);
    CU_ASSERT_EQUAL_FATAL(n_order, N);
    for (unsigned i = 0; i < N; i++)
        CU_ASSERT_EQUAL(order[i], i);
    loop_free(loop);
}

static void a_cancelled_or_moved_timer_does_not_fire_at_its_old_time(void)
{
    static struct numbered timers[3];
    begin();
    uint64_t past_ns = clock_now_ns() - NS_PER_SEC;
    for (unsigned i = 0; i < 3; i++) {
        timers[i].number = i;
        loop_timer_init(&timers[i].timer, note, &timers[i]);
        CU_ASSERT_EQUAL(loop_timer_set(loop, &timers[i].timer, past_ns + i), 0);
    }
    loop_timer_cancel(loop, &timers[1].timer);
    CU_ASSERT_EQUAL(timers[1].timer.deadline_ns, NS_NEVER);
    CU_ASSERT_EQUAL(loop_timer_set(loop, &timers[0].timer, past_ns + 9), 0);
    run_for_ms(1);
    CU_ASSERT_EQUAL_FATAL(n_order, 2);
    CU_ASSERT_EQUAL(order[0], 2);
    CU_ASSERT_EQUAL(order[1], 0);
    loop_free(loop);
}

static void a_timer_of_zeros_may_be_cancelled(void)
{
    static struct loop_timer zeros;
    begin();
    loop_timer_cancel(loop, &zeros);
    loop_free(loop);
}

struct ends {
    struct loop_fd *watch[2];
    int fired;
};

static void remove_both(uint32_t events, void *arg)
{
    struct ends *ends = arg;
    (void)events;
    ends->fired++;
    loop_unwatch(loop, ends->watch[0]);
    loop_unwatch(loop, ends->watch[1]);
    loop_stop(loop);
}

static void a_callback_may_remove_itself_and_others_that_are_ready_too(void)
{
    struct ends ends = { .fired = 0 };
    int fds[2][2];
    begin();
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL_FATAL(pipe2(fds[i], O_CLOEXEC), 0);
        CU_ASSERT_EQUAL(write(fds[i][1], "x", 1), 1);
        CU_ASSERT_EQUAL(loop_watch(loop, fds[i][0], EPOLLIN, remove_both, &ends, &ends.watch[i]),
                        0);
    }
    CU_ASSERT_EQUAL(loop_run(loop), 0);
    CU_ASSERT_EQUAL(ends.fired, 1);
    for (int i = 0; i < 2; i++) {
        (void)close(fds[i][0]);
        (void)close(fds[i][1]);
    }
    loop_free(loop);
}

static void *wake_from_elsewhere(void *arg)
{
    loop_wake(arg);
    return NULL;
}

static unsigned prepared;
static void stop_at_second_pass(void *arg)
{
    if (++prepared == 2)
        loop_stop(arg);
}

static void another_thread_wakes_it_for_one_more_pass(void)
{
    pthread_t thread;
    begin();
    prepared = 0;
    CU_ASSERT_EQUAL(loop_on_prepare(loop, stop_at_second_pass, loop), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, wake_from_elsewhere, loop), 0);
    CU_ASSERT_EQUAL(loop_run(loop), 0); /* without the wake it would sleep for ever */
    CU_ASSERT_EQUAL(prepared, 2);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    loop_free(loop);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(timers_fire_in_the_order_of_their_deadlines),
        UNIT_TEST(a_cancelled_or_moved_timer_does_not_fire_at_its_old_time),
        UNIT_TEST(a_timer_of_zeros_may_be_cancelled),
        UNIT_TEST(a_callback_may_remove_itself_and_others_that_are_ready_too),
        UNIT_TEST(another_thread_wakes_it_for_one_more_pass),
    };
    return UNIT_RUN("loop", tests);
}
