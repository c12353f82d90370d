/* SPDX-License-Identifier: MIT */
/* errand.c: verbs as sequences of method calls. */
#include "errand.h"

#include "supervisor/rpc/rpc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAGES_MAX 2

struct stage {
    const char *one, *group, *all; /* methods; NULL: there is none for this scope */
    bool takes_wait, takes_signal;
};

static const struct stage start_stage = { "supervisor.startProcess", "supervisor.startProcessGroup",
                                          "supervisor.startAllProcesses", true, false };
static const struct stage stop_stage = { "supervisor.stopProcess", "supervisor.stopProcessGroup",
                                         "supervisor.stopAllProcesses", true, false };
static const struct stage signal_stage = { "supervisor.signalProcess",
                                           "supervisor.signalProcessGroup",
                                           "supervisor.signalAllProcesses", false, true };
static const struct stage clear_stage = { "supervisor.clearProcessLogs", NULL,
                                          "supervisor.clearAllProcessLogs", false, false };

static const struct {
    const char *name, *past;
    const struct stage *stages[STAGES_MAX]; /* only the last one's result counts */
} verbs[VERBS] = {
    [VERB_START] = { "start", "started", { &start_stage } },
    [VERB_STOP] = { "stop", "stopped", { &stop_stage } },
    [VERB_RESTART] = { "restart", "restarted", { &stop_stage, &start_stage } },
    [VERB_SIGNAL] = { "signal", "signalled", { &signal_stage } },
    [VERB_CLEAR] = { "clear", "cleared", { &clear_stage } },
};

/* One target on its way through the stages. */
struct step {
    struct errand *errand;
    char *name; /* NULL: all */
    unsigned stage;
    struct rpc_call *call; /* while it waits */
};

struct errand {
    struct errand_order order; /* its names are not kept */
    char *signal, *who;
    struct step *steps;
    size_t n_steps;
    size_t n_left; /* steps not yet done, and one while they are being begun */
    struct errand_results results;
    void (*done)(const struct errand_results *results, void *arg);
    void *arg;
    struct errand *prev, *next;
};

static struct errand *errands;

const char *verb_name(enum verb verb)
{
    return verbs[verb].name;
}

const char *verb_past(enum verb verb)
{
    return verbs[verb].past;
}

int verb_from_name(const char *name, enum verb *ret_verb)
{
    for (enum verb verb = 0; verb < VERBS; verb++) {
        if (strcmp(verbs[verb].name, name) == 0) {
            *ret_verb = verb;
            return 0;
        }
    }
    return -EINVAL;
}

/* ---- results ---- */

/* name is taken over. */
static void add_result(struct errand_results *results, char *name, int fault, const char *text)
{
    char *copy = strdup(text ? text : "");
    if (results->n == results->cap) {
        size_t cap = results->cap ? results->cap * 2 : 16;
        struct errand_result *list = reallocarray(results->list, cap, sizeof(*list));
        if (list) {
            results->list = list;
            results->cap = cap;
        }
    }
    if (!name || !copy || results->n == results->cap) {
        results->is_incomplete = true;
        free(name);
        free(copy);
        return;
    }
    results->list[results->n++] = (struct errand_result){ name, fault, copy };
}

static char *full_name(const char *group, const char *name)
{
    size_t size = strlen(group) + strlen(name) + 2;
    char *full = malloc(size);
    if (full && strcmp(group, name) == 0)
        memcpy(full, name, strlen(name) + 1);
    else if (full)
        (void)snprintf(full, size, "%s:%s", group, name);
    return full;
}

/* The array of a group's or of all programs' results. */
static void add_array(struct errand_results *results, const struct rpc_answer *answer)
{
    struct buf xml = BUF_INIT;
    struct xmlrpc_response response;

    xmlrpc_write_response_begin(&xml);
    buf_append(&xml, answer->value, answer->value_len);
    xmlrpc_write_response_end(&xml);
    if (xml.error || xmlrpc_decode_response(xml.data, xml.len, &response) < 0) {
        results->is_incomplete = true;
        buf_free(&xml);
        return;
    }
    for (size_t i = 0; i < response.value.n; i++) {
        const struct value *item = &response.value.items[i];
        int status = (int)value_member_int(item, "status", FAULT_FAILED);
        add_result(results,
                   full_name(value_member_string(item, "group", ""),
                             value_member_string(item, "name", "")),
                   status == FAULT_SUCCESS ? 0 : status,
                   value_member_string(item, "description", ""));
    }
    xmlrpc_response_free(&response);
    buf_free(&xml);
}

/* ---- the walk ---- */

static void errand_free(struct errand *errand)
{
    *(errand->prev ? &errand->prev->next : &errands) = errand->next;
    if (errand->next)
        errand->next->prev = errand->prev;
    for (size_t i = 0; i < errand->n_steps; i++)
        free(errand->steps[i].name);
    for (size_t i = 0; i < errand->results.n; i++) {
        free(errand->results.list[i].name);
        free(errand->results.list[i].text);
    }
    free(errand->results.list);
    free(errand->steps);
    free(errand->signal);
    free(errand->who);
    free(errand);
}

static int name_order(const void *a, const void *b)
{
    const struct errand_result *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static void errand_release(struct errand *errand)
{
    if (--errand->n_left)
        return;
    if (errand->n_steps > 1) /* they were done in any order */
        qsort(errand->results.list, errand->results.n, sizeof(*errand->results.list), name_order);
    if (errand->done)
        errand->done(&errand->results, errand->arg);
    errand_free(errand);
}

static void step_begin(struct step *step);

static void step_done(void *arg, const struct rpc_answer *answer)
{
    struct step *step = arg;
    struct errand *errand = step->errand;
    bool is_last =
        step->stage + 1 == STAGES_MAX || !verbs[errand->order.verb].stages[step->stage + 1];

    step->call = NULL;
    if (!is_last) { /* a program that did not run is stopped already */
        step->stage++;
        step_begin(step);
        return;
    }
    if (errand->order.scope == ERRAND_NAMES || answer->fault)
        add_result(&errand->results, strdup(step->name ? step->name : "all"), answer->fault,
                   answer->fault ? answer->fault_string : "");
    else
        add_array(&errand->results, answer);
    errand_release(errand);
}

static void step_begin(struct step *step)
{
    const struct errand *errand = step->errand;
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): errand_new() sets it for every step
    const struct stage *stage = verbs[errand->order.verb].stages[step->stage];
    const char *method = errand->order.scope == ERRAND_NAMES   ? stage->one
                         : errand->order.scope == ERRAND_GROUP ? stage->group
                                                               : stage->all;
    struct value items[2] = { 0 };
    struct value params = { .kind = VALUE_ARRAY, .items = items };

    if (step->name)
        items[params.n++] =
            (struct value){ .kind = VALUE_STRING, .string = step->name, .len = strlen(step->name) };
    if (stage->takes_wait) {
        /* A restart always waits for the stop: the start would be refused else. */
        bool is_stop_of_restart = errand->order.verb == VERB_RESTART && step->stage == 0;
        items[params.n++] = (struct value){ .kind = VALUE_BOOL,
                                            .boolean = errand->order.wait || is_stop_of_restart };
    }
    if (stage->takes_signal)
        items[params.n++] = (struct value){ .kind = VALUE_STRING,
                                            .string = errand->signal,
                                            .len = strlen(errand->signal) };
    struct rpc_call *call =
        rpc_call(method, &params, errand->order.refusal, errand->who, step_done, step);
    if (call) /* else it was done, and step may be gone */
        step->call = call;
}

static struct errand *errand_new(const struct errand_order *order)
{
    struct errand *errand = calloc(1, sizeof(*errand));
    if (!errand)
        return NULL;
    errand->next = errands;
    if (errands)
        errands->prev = errand;
    errands = errand;
    errand->order = *order;
    errand->order.names = NULL;
    size_t n = order->scope == ERRAND_ALL ? 1 : order->n_names;
    errand->steps = calloc(n + 1, sizeof(*errand->steps));
    errand->signal = strdup(order->signal ? order->signal : "");
    errand->who = order->who ? strdup(order->who) : NULL;
    bool is_whole = errand->steps && errand->signal && (errand->who || !order->who);
    for (size_t i = 0; is_whole && i < n; i++) {
        struct step *step = &errand->steps[i];
        step->errand = errand;
        errand->n_steps++;
        if (order->scope == ERRAND_ALL)
            break;
        step->name = strdup(order->names[i]);
        is_whole = step->name;
    }
    if (is_whole)
        return errand;
    errand_free(errand);
    return NULL;
}

struct errand *errand_run(const struct errand_order *order,
                          void (*done)(const struct errand_results *results, void *arg), void *arg)
{
    struct errand *errand = errand_new(order);
    if (!errand) {
        const struct errand_results none = { .is_incomplete = true };
        done(&none, arg);
        return NULL;
    }
    errand->done = done;
    errand->arg = arg;
    errand->n_left = errand->n_steps + 1;
    for (size_t i = 0; i < errand->n_steps; i++)
        step_begin(&errand->steps[i]);
    bool is_under_way = errand->n_left > 1;
    errand_release(errand);
    return is_under_way ? errand : NULL;
}

void errand_detach(struct errand *errand)
{
    errand->done = NULL;
}

void errand_free_all(void)
{
    struct errand *next;
    for (struct errand *errand = errands; errand; errand = next) {
        next = errand->next;
        for (size_t i = 0; i < errand->n_steps; i++)
            if (errand->steps[i].call)
                rpc_call_cancel(errand->steps[i].call);
        errand_free(errand);
    }
}
