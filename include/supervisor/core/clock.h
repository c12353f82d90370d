/* SPDX-License-Identifier: MIT */
/* clock.h: the two clocks and their units.
 *
 * Durations and deadlines are CLOCK_MONOTONIC nanoseconds, so a stepped wall clock changes
 * nothing. The wall clock is read only to show times to people and to align TICKs.
 */
#ifndef SUPERVISOR_CORE_CLOCK_H
#define SUPERVISOR_CORE_CLOCK_H

#include <stdint.h>

#define NS_PER_SEC UINT64_C(1000000000)
#define NS_PER_MS  UINT64_C(1000000)
#define NS_NEVER   UINT64_MAX /* a deadline that does not come */

/* CLOCK_MONOTONIC in nanoseconds. Any thread. */
uint64_t clock_now_ns(void);

/* CLOCK_REALTIME in nanoseconds since the epoch. Any thread. */
int64_t clock_wall_ns(void);

/* Milliseconds from now_ns until deadline_ns for poll(2) and epoll_wait(2): rounded up so
 * that waking early never spins, 0 when due, -1 for NS_NEVER. */
int clock_poll_ms(uint64_t now_ns, uint64_t deadline_ns);

#endif
