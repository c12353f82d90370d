/* SPDX-License-Identifier: MIT */
/* deferred.c: calls that ask programs for something and answer when it was done.
 *
 * The order of a result array is the reference's: first what is settled at once (faults, and
 * successes that need no waiting) in the order of visit, then the others as they settle. Source:
 * Supervisor rpcinterface.py, startProcess(), stopProcess(), make_allfunc().
 */
#include "deferred.h"

#include "supervisor/core/clock.h"
#include "supervisor/core/log.h"
#include "supervisor/workers/command.h"
#include "supervisor/workers/crew.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STILL_WAITING_SECS = 2 }; /* between two lines "waiting for x to stop" */

/* Programs that are there within this time of each other are told of in the order of visit: the
 * reference looks so seldom that scripts have come to expect it. */
#define TOGETHER_NS (500 * NS_PER_MS)

/* How long programs of one priority are waited for before the next are asked. */
#define WAVE_WAIT_NS (100 * NS_PER_MS)

enum step_state {
    STEP_ASKED,   /* the worker has not answered yet */
    STEP_WAITING, /* granted: wait for the facts */
    STEP_SETTLED, /* its outcome is known */
    STEP_WRITTEN, /* in the answer */
};

/* One program of a task. */
struct step {
    struct task *task;
    struct process *process; /* a reference */
    enum step_state state;
    uint64_t spawn_seq;      /* START: our attempt; STOP: the attempt that is to end */
    uint64_t settled_ns;     /* 0: without waiting */
    enum xmlrpc_fault fault; /* 0: success */
    char *detail;
};

struct task {
    struct rpc_call *call; /* NULL: nobody waits for the answer */
    enum task_kind kind;
    bool wait;
    bool is_array;
    char *name;         /* as the caller named the program; NULL: display names */
    unsigned n_asked;   /* requests that have not come back: they point here */
    bool is_concerned;  /* on_changed() has yet to look at it */
    bool is_collecting; /* requests are still being made: answer nothing yet */
    struct step *steps;
    size_t n_steps;
    struct task_order order; /* of START and STOP: what later waves ask for; its texts are gone */
    size_t n_begun;          /* steps that were asked, in order */
    struct loop_timer wave;  /* no longer than this does a wave wait for the one before */
    struct task *prev, *next;
};

static struct task *tasks;
static struct loop *task_loop;
static struct loop_timer still_waiting;
static bool is_observing;

/* ---- tasks ---- */

static void task_free(struct task *t)
{
    *(t->prev ? &t->prev->next : &tasks) = t->next;
    if (t->next)
        t->next->prev = t->prev;
    for (size_t i = 0; i < t->n_steps; i++) {
        process_unref(t->steps[i].process);
        free(t->steps[i].detail);
    }
    free(t->steps);
    free(t->name);
    free(t);
}

static struct task *task_new(struct rpc_call *call, const struct task_order *order, size_t n)
{
    struct task *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->steps = calloc(n + 1, sizeof(*t->steps));
    t->name = order->name ? strdup(order->name) : NULL;
    if (!t->steps || (order->name && !t->name)) {
        free(t->steps);
        free(t->name);
        free(t);
        return NULL;
    }
    t->call = call;
    t->kind = order->kind;
    t->wait = order->wait;
    t->is_array = order->is_array;
    t->next = tasks;
    if (tasks)
        tasks->prev = t;
    tasks = t;
    return t;
}

/* The call was cancelled. Requests under way still point here, so they end the task. */
static void task_drop(void *work)
{
    struct task *t = work;

    t->call = NULL;
    if (t->n_asked == 0 && !t->is_collecting)
        task_free(t);
}

/* ---- outcomes ---- */

static const char *step_name(const struct step *s)
{
    return s->task->name ? s->task->name : s->process->display_name;
}

static void settle(struct step *s, enum xmlrpc_fault fault, const char *detail)
{
    s->state = STEP_SETTLED;
    s->fault = fault;
    free(s->detail);
    s->detail = fault && detail ? strdup(detail) : NULL;
}

static void settle_ok(struct step *s)
{
    settle(s, 0, NULL);
}

static void settle_named(struct step *s, enum xmlrpc_fault fault)
{
    settle(s, fault, step_name(s));
}

static void write_result(struct step *s)
{
    struct buf *out = s->task->call->out;
    struct buf text = BUF_INIT;

    if (s->fault)
        buf_printf(&text, "%s%s%s", xmlrpc_fault_name((int)s->fault), s->detail ? ": " : "",
                   s->detail ? s->detail : "");
    else
        buf_puts(&text, "OK");
    xmlrpc_write_struct_begin(out);
    xmlrpc_write_member_string(out, "name", s->process->config->name);
    xmlrpc_write_member_string(out, "group", s->process->group_config->name);
    xmlrpc_write_member_int(out, "status", s->fault ? (int)s->fault : FAULT_SUCCESS);
    xmlrpc_write_member_string(out, "description", buf_text(&text));
    xmlrpc_write_struct_end(out);
    buf_free(&text);
}

/* Those that settled until then, in the order of visit. */
static void write_settled(struct task *t, uint64_t until_ns)
{
    for (size_t i = 0; i < t->n_steps; i++) {
        struct step *s = &t->steps[i];
        if (s->state != STEP_SETTLED || s->settled_ns > until_ns)
            continue;
        write_result(s);
        s->state = STEP_WRITTEN;
    }
}

static uint64_t first_settled(const struct task *t)
{
    uint64_t first_ns = NS_NEVER;
    for (size_t i = 0; i < t->n_steps; i++)
        if (t->steps[i].state == STEP_SETTLED && t->steps[i].settled_ns < first_ns)
            first_ns = t->steps[i].settled_ns;
    return first_ns;
}

static void write_results(struct task *t)
{
    uint64_t first_ns;

    write_settled(t, 0);
    while ((first_ns = first_settled(t)) != NS_NEVER)
        write_settled(t, first_ns + TOGETHER_NS);
    xmlrpc_write_array_end(t->call->out);
}

/* Every step is settled: that is the answer. */
static void task_finish(struct task *t)
{
    struct rpc_call *call = t->call;

    if (t->is_array)
        write_results(t);
    else if (t->steps[0].fault)
        call_fault(call, t->steps[0].fault, t->steps[0].detail);
    else
        xmlrpc_write_bool(call->out, true);
    task_free(t);
    call_finish(call);
}

/* ---- waiting ---- */

/* Is the program that was started where it should be, or will it never be? */
static void look_at_start(struct step *s, const struct process_facts *facts)
{
    if (facts->ran_seq >= s->spawn_seq)
        settle_ok(s);
    else if (facts->failed_seq >= s->spawn_seq)
        settle_named(s, FAULT_SPAWN_ERROR);
    else if (facts->state != PROCESS_STARTING && facts->state != PROCESS_RUNNING)
        settle_named(s, FAULT_ABNORMAL_TERMINATION);
}

static void look_at_stop(struct step *s, const struct process_facts *facts)
{
    if (process_state_is_stopped(facts->state) || facts->spawn_seq > s->spawn_seq)
        settle_ok(s);
}

static void look_at(struct step *s)
{
    struct process_facts facts;

    process_facts(s->process, &facts);
    if (s->task->kind == TASK_START)
        look_at_start(s, &facts);
    else
        look_at_stop(s, &facts);
}

/* Bring t forward as far as it goes. It may be gone afterwards. */
static void task_advance(struct task *t)
{
    size_t n_waiting = 0;

    if (t->n_asked || t->is_collecting || t->n_begun < t->n_steps)
        return;
    if (!t->call) {
        task_free(t);
        return;
    }
    for (size_t i = 0; i < t->n_steps; i++) {
        struct step *s = &t->steps[i];
        if (s->state == STEP_WAITING) {
            look_at(s);
            s->settled_ns = s->state == STEP_SETTLED ? clock_now_ns() : 0;
        }
        n_waiting += s->state == STEP_WAITING;
    }
    if (n_waiting == 0)
        task_finish(t);
}

static bool concerns(const struct task *t, const struct process *p)
{
    for (size_t i = 0; i < t->n_steps; i++)
        if (t->steps[i].process == p && t->steps[i].state == STEP_WAITING)
            return true;
    return false;
}

/* The crew saw a change. Answering one task may begin others (a multicall goes on to its next call)
 * and end others, so those concerned are marked first and the list is looked at from its start
 * again after each. */
static void on_changed(struct process *p, void *arg)
{
    struct task *t;

    (void)arg;
    if (!p)
        return;
    for (t = tasks; t; t = t->next)
        t->is_concerned = concerns(t, p);
    for (;;) {
        for (t = tasks; t && !t->is_concerned; t = t->next)
            ;
        if (!t)
            return;
        t->is_concerned = false;
        task_advance(t);
    }
}

static void say_still_waiting(void *arg)
{
    bool any = false;

    (void)arg;
    for (struct task *t = tasks; t; t = t->next) {
        for (size_t i = 0; i < t->n_steps && t->kind == TASK_STOP; i++) {
            if (t->steps[i].state != STEP_WAITING)
                continue;
            log_info("waiting for %s to stop", t->steps[i].process->config->name);
            any = true;
        }
    }
    if (any)
        (void)loop_timer_set(task_loop, &still_waiting,
                             clock_now_ns() + STILL_WAITING_SECS * NS_PER_SEC);
}

/* ---- what the workers say ---- */

static void granted(struct step *s, const struct request *r)
{
    if (s->task->kind == TASK_START)
        s->spawn_seq = r->spawn_seq;
    bool waits = s->task->wait && (s->task->kind == TASK_START || s->task->kind == TASK_STOP);
    if (!waits) {
        settle_ok(s);
        return;
    }
    s->state = STEP_WAITING;
    look_at(s); /* startsecs=0, or a BACKOFF that was stopped: settled at once */
    if (s->state == STEP_WAITING && s->task->kind == TASK_STOP) {
        log_info("waiting for %s to stop", s->process->config->name);
        if (still_waiting.deadline_ns == NS_NEVER)
            (void)loop_timer_set(task_loop, &still_waiting,
                                 clock_now_ns() + STILL_WAITING_SECS * NS_PER_SEC);
    }
}

static void settle_failed(struct step *s, const struct request *r)
{
    struct buf text = BUF_INIT;

    if (s->task->kind == TASK_CLEAR_LOGS)
        buf_puts(&text, step_name(s));
    else if (s->task->kind == TASK_ROTATE_LOGS || s->task->kind == TASK_REOPEN_LOGS)
        buf_printf(&text, "%s: %s", step_name(s), r->text);
    else if (r->text[0])
        buf_puts(&text, r->text);
    else
        buf_puts(&text, step_name(s));
    settle(s, FAULT_FAILED, buf_text(&text));
    buf_free(&text);
}

static void settle_unknown(struct step *s)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "%s is in an unknown process state", step_name(s));
    settle(s, FAULT_FAILED, text);
}

static void take_result(struct step *s, const struct request *r)
{
    switch (r->result) {
    case REQUEST_OK:
        granted(s, r);
        break;
    case REQUEST_ALREADY_STARTED:
        settle_named(s, FAULT_ALREADY_STARTED);
        break;
    case REQUEST_STOP_PENDING:
        if (s->task->wait)
            settle_named(s, FAULT_ABNORMAL_TERMINATION);
        else
            settle_ok(s);
        break;
    case REQUEST_SPAWN_ERROR:
        settle_named(s, FAULT_SPAWN_ERROR);
        break;
    case REQUEST_NOT_RUNNING:
        settle_named(s, FAULT_NOT_RUNNING);
        break;
    case REQUEST_NO_FILE:
        settle_named(s, FAULT_NO_FILE);
        break;
    case REQUEST_UNKNOWN_STATE:
        settle_unknown(s);
        break;
    case REQUEST_FAILED:
        settle_failed(s, r);
        break;
    case REQUEST_CANCELLED:
        settle_named(s,
                     s->task->kind == TASK_START ? FAULT_ABNORMAL_TERMINATION : FAULT_NOT_RUNNING);
        break;
    }
}

static void ask_waves(struct task *t);

static void on_request_done(struct request *r)
{
    struct step *s = r->arg;
    struct task *t = s->task;

    take_result(s, r);
    t->n_asked--;
    if (t->n_asked == 0)
        ask_waves(t);
    task_advance(t);
}

/* ---- asking ---- */

static enum request_kind request_kind_of(enum task_kind kind)
{
    switch (kind) {
    case TASK_START:
        return REQUEST_START;
    case TASK_STOP:
        return REQUEST_STOP;
    case TASK_SIGNAL:
    case TASK_RELOAD:
        return REQUEST_SIGNAL;
    case TASK_CLEAR_LOGS:
        return REQUEST_CLEAR_LOGS;
    case TASK_ROTATE_LOGS:
        return REQUEST_ROTATE_LOGS;
    case TASK_REOPEN_LOGS:
        return REQUEST_REOPEN_LOGS;
    case TASK_STDIN:
        break;
    }
    return REQUEST_STDIN;
}

/* The reference looks for the command before it looks at the state. */
static bool command_is_fine(struct step *s)
{
    struct command command;
    char text[PROCESS_SPAWNERR_MAX];

    switch (command_resolve(s->process->config, &command, text, sizeof(text))) {
    case COMMAND_OK:
        command_free(&command);
        return true;
    case COMMAND_NOT_FOUND:
        settle(s, FAULT_NO_FILE, text);
        break;
    case COMMAND_NOT_EXECUTABLE:
        settle(s, FAULT_NOT_EXECUTABLE, text);
        break;
    case COMMAND_NO_MEMORY:
        settle(s, FAULT_FAILED, "out of memory");
        break;
    }
    return false;
}

/* What can be refused without asking the worker. The worker decides again, from what it alone
 * knows. */
static bool may_be_asked(struct step *s, const struct task_order *order)
{
    struct process_facts facts;

    if (order->kind == TASK_START && !command_is_fine(s))
        return false;
    if (order->kind == TASK_SIGNAL && order->signal < 0) {
        settle(s, FAULT_BAD_SIGNAL, order->text);
        return false;
    }
    process_facts(s->process, &facts);
    s->spawn_seq = facts.spawn_seq;
    /* One that is stopping, or is down, may be about to be started again (memory_restart,
     * restartpause, fatal_retry_secs): that a stop calls off. */
    bool stops = process_state_is_running(facts.state) || facts.state == PROCESS_STOPPING ||
                 facts.restart_due;
    bool signals = order->kind == TASK_SIGNAL || order->kind == TASK_RELOAD;
    if ((order->kind == TASK_STOP && !stops) ||
        (signals && !process_state_is_signallable(facts.state))) {
        settle_named(s, FAULT_NOT_RUNNING);
        return false;
    }
    return true;
}

static int fill_request(struct request *r, const struct task_order *order,
                        const struct process_config *config)
{
    r->signal = order->kind == TASK_RELOAD ? config->reloadsignal : order->signal;
    if (order->kind != TASK_STDIN)
        return 0;
    r->data = malloc(order->len + 1);
    if (!r->data)
        return -ENOMEM;
    memcpy(r->data, order->text, order->len);
    r->len = order->len;
    return 0;
}

static void ask(struct step *s, const struct task_order *order)
{
    if (!may_be_asked(s, order))
        return;
    struct request *r = request_new(request_kind_of(order->kind), on_request_done, s);
    int error = r ? fill_request(r, order, s->process->config) : -ENOMEM;
    if (error == 0)
        error = process_post(s->process, r);
    if (error == 0) {
        s->state = STEP_ASKED;
        s->task->n_asked++;
        return;
    }
    request_free(r);
    settle(s, FAULT_FAILED, strerror(-error));
}

/* Programs of one priority are asked at once, the next priority when these have done what
 * was asked (have been spawned, have been sent the signal): the order that users configured. */
static bool same_wave(const struct task *t, const struct step *a, const struct step *b)
{
    if (t->kind != TASK_START && t->kind != TASK_STOP)
        return true;
    return a->process->group_config->priority == b->process->group_config->priority &&
           a->process->config->priority == b->process->config->priority;
}

static void ask_wave(struct task *t)
{
    const struct step *first = &t->steps[t->n_begun];
    t->is_collecting = true;
    while (t->n_begun < t->n_steps && same_wave(t, first, &t->steps[t->n_begun]))
        ask(&t->steps[t->n_begun++], &t->order);
    t->is_collecting = false;
}

/* Ask until something was asked, or all was. */
static void ask_waves(struct task *t)
{
    while (t->n_begun < t->n_steps && t->n_asked == 0)
        ask_wave(t);
    if (t->n_begun == t->n_steps)
        loop_timer_cancel(task_loop, &t->wave);
    else if (loop_timer_set(task_loop, &t->wave, clock_now_ns() + WAVE_WAIT_NS) < 0)
        log_debg("a slow program may hold up those after it: out of memory");
}

/* A worker that takes its time holds up nobody else. */
static void on_wave_late(void *arg)
{
    struct task *t = arg;
    ask_wave(t);
    ask_waves(t);
    task_advance(t);
}

void deferred_run(struct rpc_call *call, const struct task_order *order, struct process **processes,
                  size_t n)
{
    struct task *t = task_new(call, order, n);
    if (!t) {
        call_fault(call, FAULT_FAILED, "out of memory");
        return;
    }
    call_defer(call, task_drop, t);
    if (t->is_array)
        xmlrpc_write_array_begin(call->out);
    for (size_t i = 0; i < n; i++) {
        t->steps[i].task = t;
        t->steps[i].process = process_ref(processes[i]);
    }
    t->n_steps = n;
    t->order = *order;
    loop_timer_init(&t->wave, on_wave_late, t);
    ask_waves(t);
    task_advance(t);
}

/* ---- the room ---- */

int deferred_init(struct loop *loop)
{
    task_loop = loop;
    loop_timer_init(&still_waiting, say_still_waiting, NULL);
    if (is_observing)
        return 0;
    int r = crew_observe(on_changed, NULL);
    is_observing = r == 0;
    return r;
}

/* Calls were cancelled with their connections; what is left waits for requests that the crew's end
 * gives back. */
void deferred_free(void)
{
    if (task_loop)
        loop_timer_cancel(task_loop, &still_waiting);
    is_observing = false;
}
