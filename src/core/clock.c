/* SPDX-License-Identifier: MIT */
/* clock.c: reads the clocks. */
#include "supervisor/core/clock.h"

#include <limits.h>
#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec ts = { 0 };
    (void)clock_gettime(id, &ts); /* cannot fail for these ids */
    return (int64_t)ts.tv_sec * (int64_t)NS_PER_SEC + ts.tv_nsec;
}

uint64_t clock_now_ns(void)
{
    return (uint64_t)read_ns(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}

int clock_poll_ms(uint64_t now_ns, uint64_t deadline_ns)
{
    if (deadline_ns == NS_NEVER)
        return -1;
    if (deadline_ns <= now_ns)
        return 0;
    uint64_t ms = (deadline_ns - now_ns - 1) / NS_PER_MS + 1;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}
