/* SPDX-License-Identifier: MIT */
/* lock.h: mutexes that know their place.
 *
 * Lock order, outermost first. Holding one, take only ones below it.
 *   1 table     names -> processes, pid -> process
 *   2 process   one program's published facts and mailbox
 *   3 bus       event pools
 *   4 notice    the list of processes whose facts changed
 *   5 log       queues of log lines, one log file's sharers
 * Hold none across a call that may block, a callback, or an answer to a client.
 */
#ifndef SUPERVISOR_CORE_LOCK_H
#define SUPERVISOR_CORE_LOCK_H

#include <pthread.h>

#if defined(__clang__)
#define CAPABILITY(x)  __attribute__((capability(x)))
#define ACQUIRE(...)   __attribute__((acquire_capability(__VA_ARGS__)))
#define RELEASE(...)   __attribute__((release_capability(__VA_ARGS__)))
#define REQUIRES(...)  __attribute__((requires_capability(__VA_ARGS__)))
#define EXCLUDES(...)  __attribute__((locks_excluded(__VA_ARGS__)))
#define NO_LOCK_CHECK  __attribute__((no_thread_safety_analysis))
#else
#define CAPABILITY(x)
#define ACQUIRE(...)
#define RELEASE(...)
#define REQUIRES(...)
#define EXCLUDES(...)
#define NO_LOCK_CHECK
#endif

enum lock_rank {
    LOCK_RANK_TABLE = 1,
    LOCK_RANK_PROCESS,
    LOCK_RANK_BUS,
    LOCK_RANK_NOTICE,
    LOCK_RANK_LOG,
};

struct CAPABILITY("mutex") lock {
    pthread_mutex_t mutex;
    enum lock_rank rank; /* never changes */
};

/* For static locks. */
#define LOCK_INIT(rank_) { PTHREAD_MUTEX_INITIALIZER, (rank_) }

void lock_init(struct lock *l, enum lock_rank rank);
void lock_destroy(struct lock *l);

/* Take l. Aborts in builds without NDEBUG if the thread holds a lock of the same or a
 * lower place: that is our mistake, never the world's. */
void lock_take(struct lock *l) ACQUIRE(*l);
void lock_release(struct lock *l) RELEASE(*l);

/* pthread_cond_wait() under l, keeping the order check right. */
void lock_wait(struct lock *l, pthread_cond_t *cond) REQUIRES(*l);

#endif
