/* SPDX-License-Identifier: MIT */
/* lifecycle.c: every transition of a program's state. */
#include "supervisor/workers/lifecycle.h"

#include "supervisor/core/clock.h"

#include <assert.h>
#include <stdint.h>

/* With stopwaitsecs=0 SIGKILL goes out at once; a process that survives it (uninterruptible
 * sleep) gets the next one after so long, instead of as fast as we can. */
#define KILL_AGAIN_MIN_NS NS_PER_SEC

void life_init(struct life *life)
{
    *life = (struct life){ .state = PROCESS_STOPPED, .deadline_ns = NS_NEVER };
}

static uint64_t after_secs(uint64_t from_ns, int64_t secs)
{
    if (secs <= 0)
        return from_ns;
    if ((uint64_t)secs >= (NS_NEVER - from_ns) / NS_PER_SEC)
        return NS_NEVER;
    return from_ns + (uint64_t)secs * NS_PER_SEC;
}

static enum life_action start(struct life *life, uint64_t now_ns, bool asked)
{
    life->state = PROCESS_STARTING;
    life->started_ns = now_ns;
    life->deadline_ns = NS_NEVER; /* until the spawn has succeeded */
    life->asked = asked;
    life->stopping = false;
    return LIFE_SPAWN;
}

static enum life_action settle(struct life *life, enum process_state state)
{
    life->state = state;
    life->tries = 0;
    life->deadline_ns = NS_NEVER;
    return LIFE_NOTHING;
}

static bool gives_up(const struct life *life, const struct process_config *config)
{
    return (int64_t)life->tries > config->startretries;
}

/* Beyond any use, and far from what a double holds exactly. */
#define PAUSE_MAX_SECS 1e9

/* Seconds before the next attempt: 1, 2, 3 ... or, with a factor, 1, f, f * f ... */
static double growing_pause(unsigned tries, const struct process_config *config)
{
    double secs = tries;
    if (config->backoff_factor > 0) {
        secs = 1;
        for (unsigned i = 1; i < tries && secs < PAUSE_MAX_SECS; i++)
            secs *= config->backoff_factor;
    }
    if (config->backoff_max > 0 && secs > (double)config->backoff_max)
        secs = (double)config->backoff_max;
    return secs < PAUSE_MAX_SECS ? secs : PAUSE_MAX_SECS;
}

/* Up to so many percent shorter or longer, so that many do not retry in step. */
static double vary(double secs, const struct life *life, const struct process_config *config)
{
    if (config->backoff_jitter <= 0)
        return secs;
    double dice = (double)life->random / UINT32_MAX * 2 - 1;
    return secs * (1 + dice * (double)config->backoff_jitter / 100);
}

static uint64_t backoff_deadline(const struct life *life, uint64_t now_ns,
                                 const struct process_config *config)
{
    double secs = vary(growing_pause(life->tries, config), life, config);
    uint64_t deadline_ns = now_ns + (uint64_t)(secs * (double)NS_PER_SEC);
    uint64_t least_ns = after_secs(now_ns, config->restartpause);
    return deadline_ns > least_ns ? deadline_ns : least_ns;
}

/* Each failure makes the pause longer. The last one is not waited for. */
static enum life_action back_off(struct life *life, uint64_t now_ns,
                                 const struct process_config *config)
{
    life->state = PROCESS_BACKOFF;
    life->tries++;
    life->deadline_ns = gives_up(life, config) ? now_ns : backoff_deadline(life, now_ns, config);
    return LIFE_NOTHING;
}

static enum life_action give_up(struct life *life, enum life_note note, uint64_t now_ns,
                                const struct process_config *config)
{
    life->note = note;
    (void)settle(life, PROCESS_FATAL);
    if (config->fatal_retry_secs > 0 && !life->draining)
        life->deadline_ns = after_secs(now_ns, config->fatal_retry_secs);
    return LIFE_NOTHING;
}

/* Is one more restart by ourselves within N of restart_limit=N/SECS? The seconds count from the
 * first restart after a quiet time. */
static bool within_limit(struct life *life, uint64_t now_ns, const struct process_config *config)
{
    if (config->restart_limit <= 0)
        return true;
    if (life->restarts == 0 || now_ns >= after_secs(life->window_ns, config->restart_limit_secs)) {
        life->window_ns = now_ns;
        life->restarts = 0;
    }
    return ++life->restarts <= config->restart_limit;
}

static bool restarts(const struct life *life, const struct process_config *config)
{
    switch (config->autorestart) {
    case AUTORESTART_NEVER:
        return false;
    case AUTORESTART_UNEXPECTED:
        return !process_config_expects(config, life->ended_code);
    case AUTORESTART_ALWAYS:
        break;
    }
    return true;
}

/* ---- one function an event ---- */

static enum life_action on_tick_backoff(struct life *life, uint64_t now_ns,
                                        const struct process_config *config)
{
    if (gives_up(life, config))
        return give_up(life, LIFE_NOTE_GAVE_UP, now_ns, config);
    if (life->draining) { /* no retry any more; the stop that is coming makes it FATAL */
        life->deadline_ns = NS_NEVER;
        return LIFE_NOTHING;
    }
    return start(life, now_ns, false);
}

/* autorestart, or fatal_retry_secs. */
static enum life_action on_tick_at_rest(struct life *life, uint64_t now_ns,
                                        const struct process_config *config)
{
    life->deadline_ns = NS_NEVER;
    if (life->draining)
        return LIFE_NOTHING;
    if (life->state == PROCESS_EXITED && !within_limit(life, now_ns, config))
        return give_up(life, LIFE_NOTE_LIMIT, now_ns, config);
    return start(life, now_ns, false);
}

static enum life_action on_tick(struct life *life, uint64_t now_ns,
                                const struct process_config *config)
{
    if (now_ns < life->deadline_ns)
        return LIFE_NOTHING;
    switch (life->state) {
    case PROCESS_STARTING:
        life->note = LIFE_NOTE_SUCCESS;
        return settle(life, PROCESS_RUNNING);
    case PROCESS_BACKOFF:
        return on_tick_backoff(life, now_ns, config);
    case PROCESS_STOPPING: {
        uint64_t next_ns = after_secs(now_ns, config->stopwaitsecs);
        life->deadline_ns =
            next_ns - now_ns < KILL_AGAIN_MIN_NS ? now_ns + KILL_AGAIN_MIN_NS : next_ns;
        return LIFE_SIGNAL_KILL;
    }
    case PROCESS_EXITED:
    case PROCESS_FATAL:
        return on_tick_at_rest(life, now_ns, config);
    case PROCESS_STOPPED:
    case PROCESS_RUNNING:
    case PROCESS_UNKNOWN:
        break;
    }
    life->deadline_ns = NS_NEVER;
    return LIFE_NOTHING;
}

static enum life_action on_start(struct life *life, uint64_t now_ns)
{
    switch (life->state) {
    case PROCESS_STOPPED:
    case PROCESS_EXITED:
    case PROCESS_FATAL:
        if (life->draining)
            return LIFE_REFUSE;
        life->tries = 0; /* a start after a repair has all its retries */
        life->restarts = 0;
        return start(life, now_ns, true);
    case PROCESS_STARTING:
    case PROCESS_RUNNING:
    case PROCESS_BACKOFF:
    case PROCESS_STOPPING:
    case PROCESS_UNKNOWN:
        break;
    }
    return LIFE_REFUSE;
}

static enum life_action on_stop(struct life *life, uint64_t now_ns,
                                const struct process_config *config)
{
    switch (life->state) {
    case PROCESS_STARTING:
    case PROCESS_RUNNING:
        life->state = PROCESS_STOPPING;
        life->stopping = true;
        life->deadline_ns = after_secs(now_ns, config->stopwaitsecs);
        return LIFE_SIGNAL_STOP;
    case PROCESS_BACKOFF: /* nothing to kill; a daemon that ends leaves it FATAL, without a word */
        return settle(life, life->draining ? PROCESS_FATAL : PROCESS_STOPPED);
    case PROCESS_EXITED:
    case PROCESS_FATAL:
        life->deadline_ns = NS_NEVER; /* a restart that is due is called off */
        return LIFE_REFUSE;
    case PROCESS_STOPPED:
    case PROCESS_STOPPING:
    case PROCESS_UNKNOWN:
        break;
    }
    return LIFE_REFUSE;
}

static enum life_action on_spawned(struct life *life, uint64_t now_ns,
                                   const struct process_config *config)
{
    (void)now_ns; /* startsecs count from the attempt, as people see it in the start time */
    assert(life->state == PROCESS_STARTING);
    life->has_child = true;
    life->deadline_ns = after_secs(life->started_ns, config->startsecs);
    return LIFE_NOTHING;
}

static enum life_action on_kill_failed(struct life *life)
{
    if (!process_state_is_signallable(life->state))
        return LIFE_NOTHING;
    life->state = PROCESS_UNKNOWN;
    life->deadline_ns = NS_NEVER;
    return LIFE_NOTHING;
}

static enum life_action exited(struct life *life, uint64_t now_ns,
                               const struct process_config *config)
{
    life->has_child = false;
    life->note = LIFE_NOTE_EXITED;
    (void)settle(life, PROCESS_EXITED);
    life->deadline_ns =
        restarts(life, config) ? after_secs(now_ns, config->restartpause) : NS_NEVER;
    return LIFE_NOTHING;
}

static enum life_action on_ended_starting(struct life *life, uint64_t now_ns,
                                          const struct process_config *config)
{
    if (life->ended_ns < after_secs(life->started_ns, config->startsecs)) {
        life->has_child = false;
        life->note = LIFE_NOTE_TOO_QUICK;
        return back_off(life, now_ns, config);
    }
    /* It ran long enough, only nobody looked: both changes are told, without a success line. */
    (void)settle(life, PROCESS_RUNNING);
    return LIFE_AGAIN;
}

static enum life_action on_ended(struct life *life, uint64_t now_ns,
                                 const struct process_config *config)
{
    if (life->stopping) { /* asked for: whatever the status, also out of UNKNOWN */
        life->has_child = false;
        life->stopping = false;
        life->note = LIFE_NOTE_STOPPED;
        return settle(life, PROCESS_STOPPED);
    }
    if (life->state == PROCESS_STARTING)
        return on_ended_starting(life, now_ns, config);
    return exited(life, now_ns, config);
}

enum life_action life_step(struct life *life, enum life_event event, uint64_t now_ns,
                           const struct process_config *config)
{
    life->note = LIFE_NOTE_NONE;
    switch (event) {
    case LIFE_TICK:
        return on_tick(life, now_ns, config);
    case LIFE_START:
        return on_start(life, now_ns);
    case LIFE_STOP:
        return on_stop(life, now_ns, config);
    case LIFE_DRAIN:
        life->draining = true;
        return LIFE_NOTHING;
    case LIFE_SPAWNED:
        return on_spawned(life, now_ns, config);
    case LIFE_SPAWN_FAILED:
        return back_off(life, now_ns, config);
    case LIFE_KILL_FAILED:
        return on_kill_failed(life);
    case LIFE_ENDED:
        return on_ended(life, now_ns, config);
    }
    return LIFE_NOTHING;
}
