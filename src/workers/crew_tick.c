/* SPDX-License-Identifier: MIT */
/* crew_tick.c: TICK events, aligned to the wall clock; without a subscriber there is no timer.
 *
 * The kernel's timer follows the wall clock and says when somebody sets it.
 * Source: Supervisor supervisord.py, tick().
 */
#include "crew_priv.h"

#include "supervisor/core/clock.h"
#include "supervisor/core/event.h"
#include "supervisor/core/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

static const struct {
    enum event_type type;
    int64_t period; /* seconds */
} periods[] = {
    { EVENT_TICK_5, 5 },
    { EVENT_TICK_60, 60 },
    { EVENT_TICK_3600, 3600 },
};
enum { PERIODS = sizeof(periods) / sizeof(periods[0]) };

static int timer_fd = -1;
static struct loop_fd *watch;
static int64_t slices[PERIODS]; /* the last one told, or seen when the timer was armed */

static int64_t slice_of(int64_t wall, int64_t period)
{
    return wall - wall % period;
}

static void arm(int64_t wall)
{
    struct itimerspec at = { .it_value.tv_sec =
                                 slice_of(wall, periods[0].period) + periods[0].period };
    if (timerfd_settime(timer_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL) < 0)
        log_crit("cannot set the timer of TICK events: %s", strerror(errno));
}

static void emit(enum event_type type, int64_t slice)
{
    char payload[40];
    int len = snprintf(payload, sizeof(payload), "when:%lld", (long long)slice);
    if (bus_wants(type))
        bus_publish(type, payload, (size_t)len);
}

static void tick(uint32_t events, void *arg)
{
    uint64_t expirations;
    (void)events;
    (void)arg;
    /* ECANCELED: the clock was set. Either way what counts is what it shows now. */
    if (read(timer_fd, &expirations, sizeof(expirations)) < 0 && errno == EAGAIN)
        return;
    int64_t wall = clock_wall_ns() / (int64_t)NS_PER_SEC;
    for (int i = 0; i < PERIODS; i++) {
        int64_t slice = slice_of(wall, periods[i].period);
        if (slice == slices[i])
            continue;
        slices[i] = slice;
        emit(periods[i].type, slice);
    }
    arm(wall);
}

void crew_tick_stop(void)
{
    if (timer_fd < 0)
        return;
    loop_unwatch(crew.loop, watch);
    (void)close(timer_fd); /* a timer holds nothing to lose */
    watch = NULL;
    timer_fd = -1;
}

static void start(void)
{
    int64_t wall = clock_wall_ns() / (int64_t)NS_PER_SEC;
    timer_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    int r = timer_fd < 0 ? -errno : loop_watch(crew.loop, timer_fd, EPOLLIN, tick, NULL, &watch);
    if (r < 0) {
        log_crit("cannot make the timer of TICK events: %s", strerror(-r));
        if (timer_fd >= 0)
            (void)close(timer_fd);
        timer_fd = -1;
        return;
    }
    for (int i = 0; i < PERIODS; i++)
        slices[i] = slice_of(wall, periods[i].period);
    arm(wall);
}

void crew_tick_update(void)
{
    bool wanted = crew.started && bus_wants_ticks();
    if (wanted && timer_fd < 0)
        start();
    else if (!wanted)
        crew_tick_stop();
}
