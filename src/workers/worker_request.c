/* SPDX-License-Identifier: MIT */
/* worker_request.c: answers what is asked of a worker. */
#include "worker_priv.h"

#include "supervisor/core/clock.h"
#include "supervisor/core/log.h"
#include "supervisor/core/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static enum request_result start_refusal(struct worker *w)
{
    switch (w->life.state) {
    case PROCESS_STARTING:
    case PROCESS_RUNNING:
    case PROCESS_BACKOFF:
        return REQUEST_ALREADY_STARTED;
    case PROCESS_STOPPING:
        log_warn("process '%s' already running", w->process->config->name);
        return REQUEST_STOP_PENDING;
    case PROCESS_UNKNOWN:
        return REQUEST_UNKNOWN_STATE;
    case PROCESS_STOPPED:
    case PROCESS_EXITED:
    case PROCESS_FATAL:
        break;
    }
    return REQUEST_CANCELLED; /* the daemon is going down */
}

static enum request_result handle_start(struct worker *w, struct request *r)
{
    uint64_t now_ns = clock_now_ns();
    if (!worker_step(w, LIFE_START, now_ns))
        return start_refusal(w);
    r->spawn_seq = w->facts.spawn_seq;
    bool failed = w->life.state == PROCESS_BACKOFF;
    if (failed)
        (void)snprintf(r->text, sizeof(r->text), "%s", w->facts.spawnerr);
    /* With startsecs=0 it is RUNNING, without retries FATAL, before the asker hears of it. */
    if (w->life.deadline_ns <= now_ns)
        (void)worker_step(w, LIFE_TICK, now_ns);
    return failed ? REQUEST_SPAWN_ERROR : REQUEST_OK;
}

static enum request_result handle_stop(struct worker *w, struct request *r)
{
    const char *name = w->process->config->name;
    pid_t pid = w->pid;
    bool was_backoff = w->life.state == PROCESS_BACKOFF;
    w->recycling = false; /* who asks for a stop wants no start behind it */
    if (!worker_step(w, LIFE_STOP, clock_now_ns())) {
        if (w->facts.restart_due)
            worker_publish(w); /* it was called off */
        return REQUEST_NOT_RUNNING;
    }
    if (was_backoff)
        log_debg("Attempted to kill %s, which is in BACKOFF state.", name);
    if (w->life.state != PROCESS_UNKNOWN)
        return REQUEST_OK;
    (void)snprintf(r->text, sizeof(r->text), "unknown problem killing %s (%d): %s", name, (int)pid,
                   name_of_errno(w->kill_error));
    return REQUEST_FAILED;
}

static enum request_result handle_signal(struct worker *w, struct request *r)
{
    const char *name = w->process->config->name;
    const char *signal = name_of_signal(r->signal);
    char number[24];
    (void)snprintf(number, sizeof(number), "signal %d", r->signal);
    if (!process_state_is_signallable(w->life.state)) {
        log_debg("attempted to send %s sig %s but it wasn't running", name,
                 signal ? signal : number);
        return REQUEST_NOT_RUNNING;
    }
    log_debg("sending %s (pid %d) sig %s", name, (int)w->pid, signal ? signal : number);
    int result = process_kill(w->process, r->signal, false);
    if (result == -ESRCH) {
        log_debg("unable to signal %s (pid %d), it probably just now exited on its own: %s", name,
                 (int)w->pid, "No such process");
        return REQUEST_OK;
    }
    if (result == 0)
        return REQUEST_OK;
    (void)snprintf(r->text, sizeof(r->text), "unknown problem sending sig %s (%d): %s", name,
                   (int)w->pid, name_of_errno(-result));
    log_crit("%s", r->text);
    (void)worker_step(w, LIFE_KILL_FAILED, clock_now_ns());
    return REQUEST_FAILED;
}

static enum request_result handle_stdin(struct worker *w, struct request *r)
{
    if (w->listener) { /* it would break the protocol between them */
        (void)snprintf(r->text, sizeof(r->text), "%s is an event listener",
                       w->process->display_name);
        return REQUEST_FAILED;
    }
    if (!w->life.has_child || w->life.stopping)
        return REQUEST_NOT_RUNNING;
    if (w->stdin_fd < 0)
        return REQUEST_NO_FILE;
    if (r->len > PROCESS_STDIN_MAX - w->stdin_buf.len) {
        (void)snprintf(r->text, sizeof(r->text), "stdin buffer full");
        return REQUEST_FAILED;
    }
    size_t before = w->stdin_buf.len;
    buf_append(&w->stdin_buf, r->data, r->len);
    if (w->stdin_buf.error) {
        w->stdin_buf.error = 0;
        buf_truncate(&w->stdin_buf, before);
        (void)snprintf(r->text, sizeof(r->text), "out of memory");
        return REQUEST_FAILED;
    }
    return worker_flush_stdin(w) < 0 ? REQUEST_NO_FILE : REQUEST_OK;
}

static int on_running_log(struct worker *w, enum channel c, enum request_kind kind)
{
    struct stream *stream = w->output[c].stream;
    if (kind == REQUEST_CLEAR_LOGS)
        return stream_clear(stream);
    return kind == REQUEST_ROTATE_LOGS ? stream_rotate(stream) : stream_reopen(stream);
}

static int on_resting_log(struct worker *w, enum channel c, enum request_kind kind)
{
    if (!w->process->logfile[c])
        return 0;
    if (kind == REQUEST_CLEAR_LOGS)
        return stream_clear_path(w->process->logfile[c]);
    return kind == REQUEST_ROTATE_LOGS ? stream_rotate_path(w->process, c) : 0;
}

static enum request_result handle_logs(struct worker *w, struct request *r)
{
    int error = 0;
    for (int i = 0; i < CHANNELS; i++) {
        enum channel c = (enum channel)i;
        int result =
            w->output[c].stream ? on_running_log(w, c, r->kind) : on_resting_log(w, c, r->kind);
        if (result < 0)
            error = result;
    }
    if (error == 0)
        return REQUEST_OK;
    (void)snprintf(r->text, sizeof(r->text), "%s", name_of_errno(-error));
    return REQUEST_FAILED;
}

/* The old configuration lives until r has come back to the main thread. */
static enum request_result handle_reconfigure(struct worker *w, struct request *r)
{
    process_take_config(w->process, r);
    worker_recycle_arm(w);
    if (w->listener)
        listener_reconfigure(w->listener);
    for (int c = 0; c < CHANNELS; c++) {
        if (w->output[c].stream)
            stream_reconfigure(w->output[c].stream);
    }
    return REQUEST_OK;
}

/* Keep the request: it comes back with the thread's end. A child that lives still (a start
 * came between) is stopped first. */
static void handle_quit(struct worker *w, struct request *r)
{
    (void)worker_step(w, LIFE_DRAIN, clock_now_ns());
    (void)worker_step(w, LIFE_STOP, clock_now_ns());
    if (w->quit)
        request_finish(r, REQUEST_OK);
    else
        w->quit = r;
}

void worker_handle(struct worker *w, struct request *r)
{
    enum request_result result = REQUEST_OK;
    switch (r->kind) {
    case REQUEST_START:
        result = handle_start(w, r);
        break;
    case REQUEST_STOP:
        result = handle_stop(w, r);
        break;
    case REQUEST_SIGNAL:
        result = handle_signal(w, r);
        break;
    case REQUEST_STDIN:
        result = handle_stdin(w, r);
        break;
    case REQUEST_REOPEN_LOGS:
    case REQUEST_CLEAR_LOGS:
    case REQUEST_ROTATE_LOGS:
        result = handle_logs(w, r);
        break;
    case REQUEST_RECONFIGURE:
        result = handle_reconfigure(w, r);
        break;
    case REQUEST_DRAIN:
        (void)worker_step(w, LIFE_DRAIN, clock_now_ns());
        break;
    case REQUEST_QUIT:
        handle_quit(w, r);
        return;
    }
    request_finish(r, result);
}
