/* SPDX-License-Identifier: MIT */
/* loop.c: epoll for descriptors, a heap for timers, an eventfd for other threads. */
#include "supervisor/core/loop.h"

#include "supervisor/core/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS_PER_WAIT = 64 };

struct loop_fd {
    int fd; /* -1: unwatched, to be freed after this pass */
    void (*ready)(uint32_t events, void *arg);
    void *arg;
    struct loop_fd *next_dead;
};

struct prepare {
    void (*run)(void *arg);
    void *arg;
};

struct loop {
    int epoll_fd;
    int wake_fd;
    bool stop;
    struct loop_fd *dead; /* unwatched during this pass: events in hand may still name them */
    struct loop_timer **heap;
    unsigned n_timers;
    unsigned heap_cap;
    struct prepare prepare[LOOP_PREPARE_MAX];
    unsigned n_prepare;
};

/* ---- timers: a binary heap, each timer knowing its place ---- */

static void heap_put(struct loop *loop, unsigned i, struct loop_timer *timer)
{
    loop->heap[i] = timer;
    timer->index_ = i;
}

static void heap_up(struct loop *loop, unsigned i)
{
    struct loop_timer *timer = loop->heap[i];
    for (; i > 0; i = (i - 1) / 2) {
        struct loop_timer *parent = loop->heap[(i - 1) / 2];
        if (parent->deadline_ns <= timer->deadline_ns)
            break;
        heap_put(loop, i, parent);
    }
    heap_put(loop, i, timer);
}

static void heap_down(struct loop *loop, unsigned i)
{
    struct loop_timer *timer = loop->heap[i];
    for (;;) {
        unsigned child = 2 * i + 1;
        if (child >= loop->n_timers)
            break;
        if (child + 1 < loop->n_timers &&
            loop->heap[child + 1]->deadline_ns < loop->heap[child]->deadline_ns)
            child++;
        if (timer->deadline_ns <= loop->heap[child]->deadline_ns)
            break;
        heap_put(loop, i, loop->heap[child]);
        i = child;
    }
    heap_put(loop, i, timer);
}

void loop_timer_init(struct loop_timer *timer, void (*fire)(void *arg), void *arg)
{
    *timer = (struct loop_timer){ .deadline_ns = NS_NEVER, .fire = fire, .arg = arg };
}

static int heap_reserve(struct loop *loop)
{
    if (loop->n_timers < loop->heap_cap)
        return 0;
    unsigned cap = loop->heap_cap ? loop->heap_cap * 2 : 16;
    struct loop_timer **heap = realloc(loop->heap, cap * sizeof(struct loop_timer *));
    if (!heap)
        return -ENOMEM;
    loop->heap = heap;
    loop->heap_cap = cap;
    return 0;
}

void loop_timer_cancel(struct loop *loop, struct loop_timer *timer)
{
    if (!timer->fire || timer->deadline_ns == NS_NEVER)
        return; /* all zeros: a static timer that was never initialised */
    timer->deadline_ns = NS_NEVER;
    unsigned i = timer->index_;
    assert(i < loop->n_timers && loop->heap[i] == timer);
    struct loop_timer *last = loop->heap[--loop->n_timers];
    if (last == timer)
        return;
    heap_put(loop, i, last);
    heap_down(loop, i);
    heap_up(loop, last->index_);
}

int loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t deadline_ns)
{
    loop_timer_cancel(loop, timer);
    if (deadline_ns == NS_NEVER)
        return 0;
    int r = heap_reserve(loop);
    if (r < 0)
        return r;
    timer->deadline_ns = deadline_ns;
    heap_put(loop, loop->n_timers++, timer);
    heap_up(loop, timer->index_);
    return 0;
}

static void fire_due_timers(struct loop *loop)
{
    uint64_t now_ns = clock_now_ns();
    while (loop->n_timers > 0 && loop->heap[0]->deadline_ns <= now_ns && !loop->stop) {
        struct loop_timer *timer = loop->heap[0];
        loop_timer_cancel(loop, timer);
        timer->fire(timer->arg); /* may set it again, or free its owner */
    }
}

/* ---- descriptors ---- */

int loop_watch(struct loop *loop, int fd, uint32_t events,
               void (*ready)(uint32_t events, void *arg), void *arg, struct loop_fd **ret_watch)
{
    struct loop_fd *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return -ENOMEM;
    *watch = (struct loop_fd){ .fd = fd, .ready = ready, .arg = arg };
    struct epoll_event event = { .events = events, .data.ptr = watch };
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        int error = errno;
        free(watch);
        return -error;
    }
    *ret_watch = watch;
    return 0;
}

int loop_watch_change(struct loop *loop, struct loop_fd *watch, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = watch };
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) < 0 ? -errno : 0;
}

void loop_unwatch(struct loop *loop, struct loop_fd *watch)
{
    if (!watch)
        return;
    /* Fails only if the owner closed fd first, which ended the watch as well. */
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->fd = -1;
    watch->next_dead = loop->dead;
    loop->dead = watch;
}

static void free_dead_watches(struct loop *loop)
{
    while (loop->dead) {
        struct loop_fd *watch = loop->dead;
        loop->dead = watch->next_dead;
        free(watch);
    }
}

/* ---- the loop ---- */

int loop_new(struct loop **ret_loop)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        return -ENOMEM;
    loop->wake_fd = -1;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd >= 0)
        loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
    if (loop->wake_fd < 0 || epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event) < 0) {
        int error = errno;
        loop_free(loop);
        return -error;
    }
    *ret_loop = loop;
    return 0;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    free_dead_watches(loop);
    if (loop->wake_fd >= 0)
        (void)close(loop->wake_fd); /* an eventfd holds nothing to lose */
    if (loop->epoll_fd >= 0)
        (void)close(loop->epoll_fd);
    free(loop->heap);
    free(loop);
}

int loop_on_prepare(struct loop *loop, void (*prepare)(void *arg), void *arg)
{
    for (unsigned i = 0; i < loop->n_prepare; i++) {
        if (loop->prepare[i].run == prepare && loop->prepare[i].arg == arg)
            return 0;
    }
    if (loop->n_prepare == LOOP_PREPARE_MAX)
        return -ENOSPC;
    loop->prepare[loop->n_prepare++] = (struct prepare){ .run = prepare, .arg = arg };
    return 0;
}

void loop_wake(struct loop *loop)
{
    uint64_t one = 1;
    /* It fails only when the counter is full, and then a wake is pending. */
    if (write(loop->wake_fd, &one, sizeof(one)) < 0)
        return;
}

static void drain_wake(struct loop *loop)
{
    uint64_t count;
    if (read(loop->wake_fd, &count, sizeof(count)) < 0)
        return; /* EAGAIN: somebody else's wake was counted in already */
}

void loop_stop(struct loop *loop)
{
    loop->stop = true;
}

static void run_prepare(struct loop *loop)
{
    for (unsigned i = 0; i < loop->n_prepare; i++)
        loop->prepare[i].run(loop->prepare[i].arg);
}

static int wait_once(struct loop *loop, struct epoll_event *events)
{
    uint64_t deadline_ns = loop->n_timers > 0 ? loop->heap[0]->deadline_ns : NS_NEVER;
    int n = epoll_wait(loop->epoll_fd, events, EVENTS_PER_WAIT,
                       clock_poll_ms(clock_now_ns(), deadline_ns));
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    return n;
}

static void dispatch(struct loop *loop, const struct epoll_event *events, int n)
{
    for (int i = 0; i < n; i++) {
        struct loop_fd *watch = events[i].data.ptr;
        if (!watch)
            drain_wake(loop);
        else if (watch->fd >= 0)
            watch->ready(events[i].events, watch->arg);
    }
}

int loop_run(struct loop *loop)
{
    struct epoll_event events[EVENTS_PER_WAIT];
    loop->stop = false;
    while (!loop->stop) {
        run_prepare(loop);
        if (loop->stop)
            break;
        int n = wait_once(loop, events);
        if (n < 0)
            return n;
        dispatch(loop, events, n);
        fire_due_timers(loop);
        free_dead_watches(loop);
    }
    return 0;
}
