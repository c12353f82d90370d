/* SPDX-License-Identifier: MIT */
/* worker_state.c: drives the state machine and tells of every change: facts, event, log line,
 * in this order.
 */
#include "worker_priv.h"

#include "supervisor/core/clock.h"
#include "supervisor/core/event.h"
#include "supervisor/core/log.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* ---- facts ---- */

/* autorestart or fatal_retry_secs will start it. */
static bool restart_is_due(const struct worker *w)
{
    bool at_rest = w->life.state == PROCESS_EXITED || w->life.state == PROCESS_FATAL;
    return at_rest && w->life.deadline_ns != NS_NEVER;
}

void worker_publish(struct worker *w)
{
    w->facts.stdin_open = w->stdin_fd >= 0;
    w->facts.tries = w->life.tries;
    w->facts.restart_due = restart_is_due(w);
    process_publish(w->process, &w->facts);
}

void worker_set_spawnerr(struct worker *w, const char *text)
{
    (void)snprintf(w->facts.spawnerr, sizeof(w->facts.spawnerr), "%s", text);
}

static void remember_attempt(struct worker *w, uint64_t now_ns)
{
    w->facts.start_wall = clock_wall_ns() / (int64_t)NS_PER_SEC;
    w->facts.start_ns = now_ns;
    w->facts.spawn_seq++;
    w->facts.exit_status = 0;
    worker_set_spawnerr(w, "");
}

static void remember_exit(struct worker *w, bool asked, bool expected)
{
    struct process_exit *exit = &w->facts.exits[w->facts.n_exits++ % PROCESS_EXITS_KEPT];
    *exit = (struct process_exit){
        .wall = w->facts.stop_wall,
        .status = w->wait_status,
        .lived_ns = w->life.ended_ns - w->life.started_ns,
        .expected = expected,
        .asked = asked,
    };
}

static bool end_was_expected(const struct worker *w)
{
    return process_config_expects(w->process->config, w->life.ended_code);
}

/* What the end of a run leaves behind, by the verdict of the state machine. */
static void remember_end(struct worker *w)
{
    char text[32];
    switch (w->life.note) {
    case LIFE_NOTE_STOPPED:
        w->facts.exit_status = w->life.ended_code;
        remember_exit(w, true, end_was_expected(w));
        break;
    case LIFE_NOTE_EXITED:
        w->facts.exit_status = w->life.ended_code;
        if (!end_was_expected(w)) {
            (void)snprintf(text, sizeof(text), "Bad exit code %d", w->life.ended_code);
            worker_set_spawnerr(w, text);
        }
        remember_exit(w, false, end_was_expected(w));
        break;
    case LIFE_NOTE_TOO_QUICK:
        w->facts.exit_status = 0;
        worker_set_spawnerr(w, "Exited too quickly (process log may have details)");
        remember_exit(w, false, false);
        break;
    case LIFE_NOTE_NONE:
    case LIFE_NOTE_SUCCESS:
    case LIFE_NOTE_GAVE_UP:
    case LIFE_NOTE_LIMIT:
        return;
    }
    w->facts.pid = 0;
}

static void remember_state(struct worker *w, uint64_t now_ns)
{
    w->facts.state = w->life.state;
    w->facts.state_ns = now_ns;
    switch (w->life.state) {
    case PROCESS_STARTING:
        remember_attempt(w, now_ns);
        break;
    case PROCESS_RUNNING:
        w->facts.ran_seq = w->facts.spawn_seq;
        break;
    case PROCESS_BACKOFF:
    case PROCESS_FATAL:
        w->facts.failed_seq = w->facts.spawn_seq;
        break;
    case PROCESS_STOPPED:
    case PROCESS_STOPPING:
    case PROCESS_EXITED:
    case PROCESS_UNKNOWN:
        break;
    }
}

/* ---- events ---- */

static enum event_type event_of(enum process_state state)
{
    switch (state) {
#define X(name, code)                                                                              \
    case PROCESS_##name:                                                                           \
        return EVENT_PROCESS_STATE_##name;
        PROCESS_STATES(X)
#undef X
    }
    return EVENT_PROCESS_STATE_UNKNOWN;
}

static void append_extras(const struct worker *w, struct buf *payload)
{
    switch (w->life.state) {
    case PROCESS_STARTING:
    case PROCESS_BACKOFF:
        buf_printf(payload, " tries:%u", w->life.tries);
        break;
    case PROCESS_EXITED:
        buf_printf(payload, " expected:%d pid:%d exitstatus:%d", end_was_expected(w), (int)w->pid,
                   w->facts.exit_status);
        break;
    case PROCESS_RUNNING:
    case PROCESS_STOPPING:
    case PROCESS_STOPPED:
        buf_printf(payload, " pid:%d", (int)w->pid);
        break;
    case PROCESS_FATAL:
    case PROCESS_UNKNOWN:
        break;
    }
}

static void publish_event(const struct worker *w, enum process_state from)
{
    enum event_type type = event_of(w->life.state);
    if (!bus_wants(type))
        return;
    struct buf payload = BUF_INIT;
    buf_printf(&payload, "processname:%s groupname:%s from_state:%s", w->process->config->name,
               w->process->group_config->name, process_state_name(from));
    append_extras(w, &payload);
    if (payload.error)
        log_crit("no memory for an event of '%s'", w->process->config->name);
    else
        bus_publish(type, payload.data, payload.len);
    buf_free(&payload);
}

/* ---- log ---- */

static void log_end(const struct worker *w)
{
    char how[64];
    const char *name = w->process->config->name;
    process_describe_end(w->wait_status, how, sizeof(how));
    bool expected = end_was_expected(w);
    if (w->life.note == LIFE_NOTE_STOPPED)
        log_msg(expected ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "stopped: %s (%s)", name, how);
    else if (w->life.note == LIFE_NOTE_EXITED && expected)
        log_info("exited: %s (%s; expected)", name, how);
    else
        log_warn("exited: %s (%s; not expected)", name, how);
}

static void log_note(const struct worker *w)
{
    const struct process_config *config = w->process->config;
    switch (w->life.note) {
    case LIFE_NOTE_NONE:
        break;
    case LIFE_NOTE_SUCCESS:
        log_info("success: %s entered RUNNING state, process has stayed up for > than %lld "
                 "seconds (startsecs)",
                 config->name, (long long)config->startsecs);
        break;
    case LIFE_NOTE_GAVE_UP:
        log_info("gave up: %s entered FATAL state, too many start retries too quickly",
                 config->name);
        break;
    case LIFE_NOTE_LIMIT:
        log_info("gave up: %s entered FATAL state, restarted more than %lld times in %lld seconds "
                 "(restart_limit)",
                 config->name, (long long)config->restart_limit,
                 (long long)config->restart_limit_secs);
        break;
    case LIFE_NOTE_STOPPED:
    case LIFE_NOTE_EXITED:
    case LIFE_NOTE_TOO_QUICK:
        log_end(w);
        break;
    }
}

/* ---- a step ---- */

static void tell_change(struct worker *w, enum process_state from, uint64_t now_ns)
{
    remember_state(w, now_ns);
    worker_publish(w);
    if (w->listener)
        listener_on_running(w->listener, w->life.state == PROCESS_RUNNING);
    publish_event(w, from);
}

/* xorshift32: pauses are to differ, not to be secret. */
uint32_t worker_random(struct worker *w)
{
    w->dice ^= w->dice << 13;
    w->dice ^= w->dice >> 17;
    w->dice ^= w->dice << 5;
    return w->dice;
}

static enum life_action step_once(struct worker *w, enum life_event event, uint64_t now_ns)
{
    enum process_state from = w->life.state;
    w->life.random = worker_random(w);
    enum life_action action = life_step(&w->life, event, now_ns, w->process->config);
    remember_end(w);
    if (w->life.state != from)
        tell_change(w, from, now_ns);
    log_note(w);
    return action;
}

static void spawn(struct worker *w, uint64_t now_ns)
{
    if (!worker_spawn(w)) {
        log_info("spawnerr: %s", w->facts.spawnerr);
        (void)worker_step(w, LIFE_SPAWN_FAILED, now_ns);
        return;
    }
    if (!w->life.asked)
        w->facts.restarts++;
    w->facts.pid = w->pid;
    (void)worker_step(w, LIFE_SPAWNED, now_ns);
    worker_recycle_arm(w);
    worker_publish(w);
}

bool worker_step(struct worker *w, enum life_event event, uint64_t now_ns)
{
    enum life_action action;
    do
        action = step_once(w, event, now_ns);
    while (action == LIFE_AGAIN);

    switch (action) {
    case LIFE_NOTHING:
    case LIFE_AGAIN:
        break;
    case LIFE_SPAWN:
        spawn(w, now_ns);
        break;
    case LIFE_SIGNAL_STOP:
        if (worker_signal_stop(w) < 0)
            (void)worker_step(w, LIFE_KILL_FAILED, now_ns);
        break;
    case LIFE_SIGNAL_KILL:
        if (worker_signal_kill(w) < 0)
            (void)worker_step(w, LIFE_KILL_FAILED, now_ns);
        break;
    case LIFE_REFUSE:
        return false;
    }
    return true;
}
