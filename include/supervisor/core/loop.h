/* SPDX-License-Identifier: MIT */
/* loop.h: the main thread's wait: descriptors, timers, and calls posted by other threads.
 *
 * One epoll, one timerfd-free timeout computed from a heap of timers, one eventfd. With
 * nothing to do it sleeps for ever: no tick of its own.
 */
#ifndef SUPERVISOR_CORE_LOOP_H
#define SUPERVISOR_CORE_LOOP_H

#include <stdint.h>

struct loop;
struct loop_fd;

struct loop_timer {
    uint64_t deadline_ns;   /* read only: NS_NEVER when not set */
    void (*fire)(void *arg);
    void *arg;
    unsigned index_;        /* place in the heap, loop.c's own */
};

/* Returns 0 or a negative errno. The loop belongs to the thread that runs it. */
int loop_new(struct loop **ret_loop);
void loop_free(struct loop *loop);

/* Watch fd for events (EPOLLIN, ...). ready() may remove any watch, its own included.
 * The fd stays the caller's. Returns 0, -ENOMEM or epoll_ctl's errno. */
int loop_watch(struct loop *loop, int fd, uint32_t events,
               void (*ready)(uint32_t events, void *arg), void *arg, struct loop_fd **ret_watch);
int loop_watch_change(struct loop *loop, struct loop_fd *watch, uint32_t events);
void loop_unwatch(struct loop *loop, struct loop_fd *watch);

/* A timer is a field of its owner: fill fire and arg with loop_timer_init, then set. Setting again moves it.
 * fire() runs once per set, on the loop's thread. */
void loop_timer_init(struct loop_timer *timer, void (*fire)(void *arg), void *arg);
int loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t deadline_ns);
void loop_timer_cancel(struct loop *loop, struct loop_timer *timer);

/* Called before each wait: where MHD and the notices are run. At most LOOP_PREPARE_MAX; the same
 * call again changes nothing. */
#define LOOP_PREPARE_MAX 8
int loop_on_prepare(struct loop *loop, void (*prepare)(void *arg), void *arg);

/* Make the loop pass once more. Any thread; async-signal-safe. */
void loop_wake(struct loop *loop);

/* Wait and dispatch until loop_stop(). Returns 0 or a negative errno of epoll_wait. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
