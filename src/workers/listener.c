/* SPDX-License-Identifier: MIT */
/* listener.c: one event listener: its pool on one side, its pipes on the other.
 *
 * The protocol itself is listener_protocol.c; here are its consequences.
 */
#include "supervisor/workers/listener.h"

#include "bytes_repr.h"
#include "supervisor/core/buf.h"
#include "supervisor/core/clock.h"
#include "supervisor/core/event.h"
#include "supervisor/core/log.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* All of it belongs to the worker's thread. */
struct listener {
    struct process *process; /* never changes; outlives it */
    const char *name;        /* never changes; the process's, without its group */
    struct event_member *member;
    struct listener_protocol protocol;
    bool running;          /* the process is RUNNING */
    bool stdin_broken;     /* until the next spawn */
    bool offered;          /* the pool was told that it is ready */
    bool holds_event;      /* taken and not finished */
    uint64_t serial;       /* of that event */
    uint64_t silent_at_ns; /* when its silence is worth a warning; NS_NEVER once said */
    uint64_t late_at_ns;   /* when its silence breaks the protocol; NS_NEVER: no limit */
    uint64_t kill_at_ns;   /* when a child told to end is killed; NS_NEVER: not told */
    struct buf pending;    /* to be written to stdin */
};

int listener_new(struct process *p, struct listener **ret_listener)
{
    assert(p->member);
    struct listener *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->process = p;
    l->name = p->config->name;
    l->member = p->member;
    l->silent_at_ns = l->late_at_ns = l->kill_at_ns = NS_NEVER;
    listener_protocol_reset(&l->protocol);
    atomic_store(&p->listener_state, (int)l->protocol.state);
    *ret_listener = l;
    return 0;
}

/* The pool gives events only to those who can take them. */
static void update_offer(struct listener *l)
{
    bool ready = l->running && !l->stdin_broken && l->protocol.state == LISTENER_READY;
    if (ready == l->offered)
        return;
    l->offered = ready;
    event_member_set_ready(l->member, ready);
}

static void give_event_up(struct listener *l, enum event_outcome outcome)
{
    if (!l->holds_event)
        return;
    l->holds_event = false;
    l->silent_at_ns = l->late_at_ns = NS_NEVER;
    event_member_finish(l->member, outcome);
}

void listener_free(struct listener *l)
{
    if (!l)
        return;
    l->running = false;
    update_offer(l);
    give_event_up(l, EVENT_RETURNED);
    buf_free(&l->pending);
    free(l);
}

/* restart_on_protocol_error: end the child; autorestart brings a new one, which begins anew. */
static void end_child(struct listener *l)
{
    const struct process_config *config = l->process->config;
    int signal = config->stopsignal ? config->stopsignal : SIGKILL;
    int rc = process_kill(l->process, signal, config->stopasgroup);
    if (rc < 0 && rc != -ESRCH)
        log_warn("%s: cannot end it: %s", l->name, strerror(-rc));
    l->kill_at_ns = clock_now_ns() + (uint64_t)config->stopwaitsecs * NS_PER_SEC;
}

static void check_end(struct listener *l, uint64_t now_ns)
{
    if (now_ns < l->kill_at_ns)
        return;
    l->kill_at_ns = NS_NEVER;
    log_warn("killing '%s' with SIGKILL", l->name);
    (void)process_kill(l->process, SIGKILL, l->process->config->killasgroup); /* gone is well */
}

/* Tell of a change of the protocol's state, after the fact. */
static void note_state(struct listener *l, enum listener_state before)
{
    enum listener_state now = l->protocol.state;
    if (now == before)
        return;
    atomic_store(&l->process->listener_state, (int)now);
    log_debg("%s: %s -> %s", l->name, listener_state_name(before), listener_state_name(now));
    if (now == LISTENER_UNKNOWN)
        log_warn("%s: has entered the UNKNOWN state and will no longer receive events, this "
                 "usually indicates the process violated the eventlistener protocol",
                 l->name);
    if (now == LISTENER_UNKNOWN && l->process->group_config->restart_on_protocol_error)
        end_child(l);
}

/* Broken not by what it said, but by what it did not do. */
static void give_listener_up(struct listener *l)
{
    enum listener_state before = l->protocol.state;
    l->protocol.state = LISTENER_UNKNOWN;
    note_state(l, before);
    buf_free(&l->pending);
    give_event_up(l, EVENT_RETURNED);
    update_offer(l);
}

void listener_on_spawn(struct listener *l)
{
    give_event_up(l, EVENT_RETURNED);
    listener_protocol_reset(&l->protocol);
    atomic_store(&l->process->listener_state, (int)l->protocol.state);
    buf_free(&l->pending);
    l->stdin_broken = false;
    update_offer(l);
}

void listener_on_running(struct listener *l, bool running)
{
    l->running = running;
    update_offer(l);
}

void listener_reconfigure(struct listener *l)
{
    l->name = l->process->config->name;
}

void listener_on_child_end(struct listener *l)
{
    l->running = false;
    l->kill_at_ns = NS_NEVER;
    update_offer(l);
    give_event_up(l, EVENT_RETURNED);
    buf_free(&l->pending);
}

static void say_bad_result(const struct listener *l)
{
    struct buf text = BUF_INIT;
    bytes_text_append(&text, l->protocol.line, l->protocol.line_len);
    log_warn("%s: bad result line: '%s'", l->name, buf_text(&text));
    buf_free(&text);
}

static void act_on(struct listener *l, enum listener_outcome outcome, enum listener_state before)
{
    switch (outcome) {
    case LISTENER_OUTCOME_NONE:
    case LISTENER_OUTCOME_READY:
    case LISTENER_OUTCOME_VIOLATION:
        note_state(l, before);
        break;
    case LISTENER_OUTCOME_OK:
        log_debg("%s: event was processed", l->name);
        note_state(l, before);
        give_event_up(l, EVENT_ACCEPTED);
        break;
    case LISTENER_OUTCOME_FAIL:
        log_warn("%s: event was rejected", l->name);
        note_state(l, before);
        give_event_up(l, EVENT_REJECTED);
        break;
    case LISTENER_OUTCOME_BAD_RESULT:
        say_bad_result(l);
        note_state(l, before);
        give_event_up(l, EVENT_RETURNED);
        break;
    }
}

void listener_on_output(struct listener *l, const char *data, size_t len)
{
    while (len) {
        enum listener_outcome outcome;
        enum listener_state before = l->protocol.state;
        size_t used = listener_protocol_feed(&l->protocol, data, len, &outcome);
        data += used;
        len -= used;
        act_on(l, outcome, before);
    }
    update_offer(l); /* once: what READY was taken back by a later byte was never offered */
}

/* As much as the pipe takes. 0 all, 1 some is left, negative: stdin is broken. */
static int write_pending(struct listener *l, int stdin_fd)
{
    while (l->pending.len) {
        ssize_t n = write(stdin_fd, l->pending.data, l->pending.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return 1;
        if (n < 0)
            return -errno;
        buf_consume(&l->pending, (size_t)n);
    }
    return 0;
}

/* Stdin broke. An event that is not wholly delivered can no longer be, so it goes back; the state
 * stays, for the listener may yet say something. */
static void on_stdin_broken(struct listener *l)
{
    bool undelivered = l->holds_event && l->pending.len;
    l->stdin_broken = true;
    buf_free(&l->pending);
    if (undelivered) {
        log_debg("epipe occurred while sending event %" PRIu64
                 " to listener %s, listener state unchanged",
                 l->serial, l->name);
        give_event_up(l, EVENT_RETURNED);
    }
    update_offer(l);
}

static void start_patience(struct listener *l)
{
    uint64_t now_ns = clock_now_ns();
    int64_t timeout = l->process->group_config->result_timeout;
    l->silent_at_ns = now_ns + LISTENER_SILENT_NS;
    l->late_at_ns = timeout > 0 ? now_ns + (uint64_t)timeout * NS_PER_SEC : NS_NEVER;
}

/* An event was taken: BUSY as soon as its first byte is in the pipe or waits behind others. */
static int send_event(struct listener *l, const char *envelope, size_t len, int stdin_fd)
{
    size_t behind = l->pending.len;
    if (behind > LISTENER_BACKLOG_MAX) { /* it answers without reading */
        log_warn("%s: does not read its events, %zu bytes are waiting", l->name, behind);
        give_listener_up(l);
        return 0;
    }
    buf_append(&l->pending, envelope, len);
    if (l->pending.error) {
        log_erro("%s: no memory to send event %" PRIu64 " now", l->name, l->serial);
        buf_truncate(&l->pending, behind);
        l->pending.error = 0;
        give_event_up(l, EVENT_REJECTED); /* comes again after a while */
        return 0;
    }
    int rc = write_pending(l, stdin_fd);
    if (rc < 0) {
        on_stdin_broken(l);
        return rc;
    }
    log_debg("event %" PRIu64 " sent to listener %s", l->serial, l->name);
    listener_protocol_sent(&l->protocol);
    start_patience(l);
    atomic_store(&l->process->listener_state, (int)l->protocol.state);
    return rc;
}

static void check_silence(struct listener *l, uint64_t now_ns)
{
    if (now_ns >= l->late_at_ns) {
        log_warn("%s: has not answered event %" PRIu64 " within result_timeout (%" PRId64
                 " seconds)",
                 l->name, l->serial, l->process->group_config->result_timeout);
        give_listener_up(l);
    } else if (now_ns >= l->silent_at_ns) {
        l->silent_at_ns = NS_NEVER;
        log_warn("%s: has not answered event %" PRIu64 " for %u seconds", l->name, l->serial,
                 (unsigned)(LISTENER_SILENT_NS / NS_PER_SEC));
    }
}

int listener_pump(struct listener *l, int stdin_fd)
{
    uint64_t now_ns = clock_now_ns();
    check_silence(l, now_ns);
    check_end(l, now_ns);
    event_member_tick(l->member);
    if (stdin_fd < 0 && !l->stdin_broken)
        on_stdin_broken(l);
    if (l->stdin_broken)
        return 0;

    int rc = write_pending(l, stdin_fd);
    if (rc < 0) {
        on_stdin_broken(l);
        return rc;
    }
    size_t len;
    const char *envelope = l->offered ? event_member_take(l->member, &len, &l->serial) : NULL;
    if (!envelope)
        return rc;
    l->offered = false; /* taking an event ends the offer */
    l->holds_event = true;
    rc = send_event(l, envelope, len, stdin_fd);
    update_offer(l);
    return rc;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t listener_deadline_ns(const struct listener *l)
{
    uint64_t own_ns = earlier(l->kill_at_ns, earlier(l->silent_at_ns, l->late_at_ns));
    return earlier(own_ns, event_member_deadline_ns(l->member));
}

enum listener_state listener_state(const struct listener *l)
{
    return l->protocol.state;
}
