/* SPDX-License-Identifier: MIT */
/* lock.c: mutexes that know their place. */
#include "supervisor/core/lock.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef NDEBUG
/* A bit for each rank this thread holds. */
static _Thread_local unsigned held;

static void check_order(enum lock_rank rank)
{
    if (held >> rank) {
        fprintf(stderr, "lock order: taking rank %d while holding 0x%x\n", (int)rank, held);
        abort();
    }
    held |= 1U << rank;
}

static void check_release(enum lock_rank rank)
{
    held &= ~(1U << rank);
}
#else
static void check_order(enum lock_rank rank)
{
    (void)rank;
}

static void check_release(enum lock_rank rank)
{
    (void)rank;
}
#endif

/* A mutex call fails only if we misuse it: stop at once rather than go on unprotected. */
static void must(int error)
{
    if (error)
        abort();
}

void lock_init(struct lock *l, enum lock_rank rank)
{
    must(pthread_mutex_init(&l->mutex, NULL));
    l->rank = rank;
}

void lock_destroy(struct lock *l)
{
    must(pthread_mutex_destroy(&l->mutex));
}

void lock_take(struct lock *l) NO_LOCK_CHECK
{
    check_order(l->rank);
    must(pthread_mutex_lock(&l->mutex));
}

void lock_release(struct lock *l) NO_LOCK_CHECK
{
    check_release(l->rank);
    must(pthread_mutex_unlock(&l->mutex));
}

void lock_wait(struct lock *l, pthread_cond_t *cond)
{
    must(pthread_cond_wait(cond, &l->mutex));
}
