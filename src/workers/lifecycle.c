/* SPDX-License-Identifier: MIT */
/* lifecycle.c: every transition of a program's state. */
#include "supervisor/workers/lifecycle.h"

#include "supervisor/core/clock.h"

#include <assert.h>

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

/* Each failure makes the pause a second longer. The last one is not waited for. */
static enum life_action back_off(struct life *life, uint64_t now_ns,
                                 const struct process_config *config)
{
    life->state = PROCESS_BACKOFF;
    life->tries++;
    life->deadline_ns = gives_up(life, config) ? now_ns : after_secs(now_ns, life->tries);
    return LIFE_NOTHING;
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
    if (gives_up(life, config)) {
        life->note = LIFE_NOTE_GAVE_UP;
        return settle(life, PROCESS_FATAL);
    }
    if (life->draining) { /* no retry any more; the stop that is coming makes it FATAL */
        life->deadline_ns = NS_NEVER;
        return LIFE_NOTHING;
    }
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
        life->deadline_ns = NS_NEVER;
        return life->draining ? LIFE_NOTHING : start(life, now_ns, false);
    case PROCESS_STOPPED:
    case PROCESS_RUNNING:
    case PROCESS_FATAL:
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
        life->deadline_ns = NS_NEVER; /* a restart that is due is called off */
        return LIFE_REFUSE;
    case PROCESS_STOPPED:
    case PROCESS_STOPPING:
    case PROCESS_FATAL:
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
    life->deadline_ns = restarts(life, config) ? now_ns : NS_NEVER;
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
