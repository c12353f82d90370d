/* SPDX-License-Identifier: MIT */
/* api.c: the daemon and its programs as JSON, and verbs for them. */
#include "api.h"

#include "asked.h"
#include "errand.h"
#include "json.h"
#include "reply.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/clock.h"
#include "supervisor/core/process_table.h"
#include "supervisor/rpc/xmlrpc.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API       "/api/v1/"
#define BATCH_MAX 10000 /* programs in one selection */

/* ---- refusals ---- */

bool api_may_change(struct http_request *request)
{
    const char *refusal = http_request_refusal(request);
    const char *token = http_request_header(request, "X-Supervisor-Token");

    if (refusal)
        reply_json_error(request, 403, "READ_ONLY", refusal);
    else if (token && !token_allows_post(request, token))
        reply_json_error(request, 403, "BAD_TOKEN",
                         "the daemon was started anew: load the page again");
    else
        return true;
    return false;
}

unsigned api_status_of_fault(int fault)
{
    switch (fault) {
    case 0:
        return 200;
    case FAULT_BAD_NAME:
        return 404;
    case FAULT_BAD_ARGUMENTS:
    case FAULT_BAD_SIGNAL:
    case FAULT_INCORRECT_PARAMETERS:
        return 400;
    case FAULT_ALREADY_STARTED:
    case FAULT_NOT_RUNNING:
    case FAULT_ALREADY_ADDED:
    case FAULT_STILL_RUNNING:
        return 409;
    case FAULT_NO_FILE:
    case FAULT_NOT_EXECUTABLE:
    case FAULT_SPAWN_ERROR:
    case FAULT_ABNORMAL_TERMINATION:
    case FAULT_CANT_REREAD:
        return 422;
    case FAULT_SHUTDOWN_STATE:
        return 503;
    default:
        return 500;
    }
}

const char *api_fault_detail(int fault, const char *text)
{
    const char *name = xmlrpc_fault_name(fault);
    size_t len = strlen(name);
    if (strncmp(text, name, len) == 0 && strncmp(text + len, ": ", 2) == 0)
        return text + len + 2;
    return text;
}

/* ---- reading ---- */

void api_handle_supervisor(struct http_request *request, void *arg)
{
    struct buf body = BUF_INIT;
    const char *refusal = http_request_refusal(request);

    (void)arg;
    json_supervisor(&body, true);
    json_put_member(&body, "refusal", refusal);
    json_put_member(&body, "user", http_request_user(request));
    buf_puts(&body, "}\n");
    reply_json(request, 200, &body);
}

static void answer_processes(struct http_request *request)
{
    struct buf body = BUF_INIT;
    buf_printf(&body, "{\"now\":%.3f,\"processes\":", (double)clock_wall_ns() / 1e9);
    json_processes(&body, true);
    buf_puts(&body, "}\n");
    reply_json(request, 200, &body);
}

void api_handle_processes(struct http_request *request, void *arg)
{
    (void)arg;
    answer_when_sampled(request, answer_processes);
}

/* ---- what a path below /processes/ means ---- */

/* path is what follows /processes/. NULL: no memory. The name is to free. */
static char *split_name(const char *path, const char **ret_rest)
{
    size_t len = strcspn(path, "/");
    *ret_rest = path[len] ? path + len + 1 : "";
    return strndup(path, len);
}

static struct process *find_process(const char *name)
{
    struct group *group;
    struct process *process = NULL;
    if (process_table_resolve(name, &group, &process) < 0)
        return NULL;
    return process;
}

static void answer_process(struct http_request *request)
{
    const char *rest;
    CLEANUP_FREE char *name =
        split_name(http_request_path(request) + strlen(API "processes/"), &rest);
    struct process *process = name ? find_process(name) : NULL; /* it may be gone by now */
    struct buf body = BUF_INIT;

    if (!process) {
        reply_json_error(request, 404, "BAD_NAME", "no such program");
        return;
    }
    json_process_details(&body, process);
    buf_putc(&body, '\n');
    reply_json(request, 200, &body);
}

static void reply_log(struct http_request *request, const struct process *p, const char *channel)
{
    char file[256];
    bool is_stderr = strcmp(channel, "stderr") == 0;
    if (!is_stderr && strcmp(channel, "stdout") != 0) {
        reply_json_error(request, 404, "NOT_FOUND", "the logs are stdout and stderr");
        return;
    }
    (void)snprintf(file, sizeof(file), "%s.%s.log", p->config->name,
                   channel); /* cut is well enough */
    api_reply_file(request, p->logfile[is_stderr ? CHANNEL_STDERR : CHANNEL_STDOUT], file);
}

static void get_process(struct http_request *request, const char *name, const char *rest)
{
    const struct process *process = find_process(name);
    if (!process)
        reply_json_error(request, 404, "BAD_NAME", "no such program");
    else if (!*rest)
        answer_when_sampled(request, answer_process);
    else if (strncmp(rest, "logs/", 5) == 0)
        reply_log(request, process, rest + 5);
    else
        reply_json_error(request, 404, "NOT_FOUND", "no such resource");
}

/* ---- verbs ---- */

/* A request that waits for its errand. */
struct verb_request {
    struct http_request *request;
    struct errand *errand;
    enum verb verb;
    bool is_one; /* its fault is the answer's status */
    bool is_answered;
};

static void append_result(struct buf *out, const struct errand_result *result, enum verb verb)
{
    buf_puts(out, "{\"name\":");
    json_put_string(out, result->name);
    buf_printf(out, ",\"ok\":%s,\"code\":%d", result->fault ? "false" : "true", result->fault);
    json_put_member(out, "fault", result->fault ? xmlrpc_fault_name(result->fault) : NULL);
    json_put_member(out, "message",
                    result->fault ? api_fault_detail(result->fault, result->text)
                                  : verb_past(verb));
    buf_putc(out, '}');
}

static void on_errand(const struct errand_results *results, void *arg)
{
    struct verb_request *v = arg;
    struct buf body = BUF_INIT;
    unsigned status =
        v->is_one && results->n == 1 ? api_status_of_fault(results->list[0].fault) : 200;

    buf_puts(&body, "{\"results\":[");
    for (size_t i = 0; i < results->n; i++) {
        if (i)
            buf_putc(&body, ',');
        append_result(&body, &results->list[i], v->verb);
    }
    buf_puts(&body, "]}\n");
    if (results->is_incomplete)
        body.error = -ENOMEM; /* the answer is 500, though what was asked for was done */
    reply_json(v->request, status, &body);
    v->is_answered = true;
    if (v->errand)
        free(v);
}

static void on_gone(void *arg)
{
    struct verb_request *v = arg;
    errand_detach(v->errand);
    free(v);
}

static void run(struct http_request *request, const struct errand_order *order, bool is_one)
{
    struct verb_request *v = calloc(1, sizeof(*v));
    if (!v) {
        http_reply_error(request, 500);
        return;
    }
    *v = (struct verb_request){ .request = request, .verb = order->verb, .is_one = is_one };
    struct errand *errand = errand_run(order, on_errand, v);
    if (v->is_answered) {
        free(v);
        return;
    }
    v->errand = errand;
    http_defer(request, on_gone, v);
}

/* Read {"wait":true,"signal":"HUP","names":[...]}; all may be left out. The order's texts are
 * body's. NULL if it was answered: 400. */
static json_t *read_order(struct http_request *request, struct errand_order *order)
{
    size_t len;
    const char *text = http_request_body(request, &len);
    json_t *body = len ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : json_object();
    const char *error = NULL;

    if (!json_is_object(body)) {
        error = "the body is no JSON object";
    } else {
        const json_t *wait = json_object_get(body, "wait");
        const json_t *signal = json_object_get(body, "signal");
        order->wait = !wait || json_is_true(wait);
        order->signal = json_string_value(signal);
        if (wait && !json_is_boolean(wait))
            error = "wait is true or false";
        else if (order->verb == VERB_SIGNAL && !order->signal)
            error = "signal is missing: a name or a number, as a string";
    }
    if (!error)
        return body;
    json_decref(body);
    reply_json_error(request, 400, "BAD_ARGUMENTS", error);
    return NULL;
}

static bool read_verb(struct http_request *request, const char *word, struct errand_order *order)
{
    if (verb_from_name(word, &order->verb) < 0) {
        reply_json_error(request, 404, "NOT_FOUND",
                         "the verbs are start, stop, restart, signal and clear");
        return false;
    }
    order->refusal = http_request_refusal(request);
    order->who = http_request_peer(request);
    return api_may_change(request);
}

static void post_process(struct http_request *request, const char *name, const char *word)
{
    struct errand_order order = { .scope = ERRAND_NAMES, .names = &name, .n_names = 1 };
    const struct process *process = find_process(name);
    if (!read_verb(request, word, &order))
        return;
    if (!process) {
        reply_json_error(request, 404, "BAD_NAME", "no such program");
        return;
    }
    json_t *body = read_order(request, &order);
    if (body)
        run(request, &order, true);
    json_decref(body);
}

void api_handle_process(struct http_request *request, void *arg)
{
    const char *rest;
    CLEANUP_FREE char *name =
        split_name(http_request_path(request) + strlen(API "processes/"), &rest);

    (void)arg;
    if (!name)
        http_reply_error(request, 500);
    else if (http_request_method(request) == HTTP_METHOD_GET)
        get_process(request, name, rest);
    else
        post_process(request, name, rest);
}

static void run_names(struct http_request *request, struct errand_order *order, size_t n,
                      const char *(*name_at)(const void *from, size_t i), const void *from)
{
    CLEANUP_FREE const char **names = calloc(n + 1, sizeof(*names));
    if (!names) {
        http_reply_error(request, 500);
        return;
    }
    for (size_t i = 0; i < n; i++)
        names[i] = name_at(from, i);
    order->scope = ERRAND_NAMES;
    order->names = names;
    order->n_names = n;
    run(request, order, false);
}

static const char *name_in_group(const void *from, size_t i)
{
    const struct group *group = from;
    return group->processes[i]->display_name;
}

void api_handle_group(struct http_request *request, void *arg)
{
    const char *word;
    CLEANUP_FREE char *name = split_name(http_request_path(request) + strlen(API "groups/"), &word);
    struct errand_order order = { .scope = ERRAND_GROUP, .n_names = 1 };

    (void)arg;
    if (!name) {
        http_reply_error(request, 500);
        return;
    }
    if (!read_verb(request, word, &order))
        return;
    const struct group *group = process_table_find_group(name);
    if (!group) {
        reply_json_error(request, 404, "BAD_NAME", "no such group");
        return;
    }
    json_t *body = read_order(request, &order);
    if (!body)
        return;
    order.names = (const char *const *)&name;
    if (order.verb == VERB_CLEAR) /* there is no method for the logs of a group */
        run_names(request, &order, group->n_processes, name_in_group, group);
    else
        run(request, &order, false);
    json_decref(body);
}

void api_handle_all(struct http_request *request, void *arg)
{
    struct errand_order order = { .scope = ERRAND_ALL };
    (void)arg;
    if (!read_verb(request, http_request_path(request) + strlen(API "all/"), &order))
        return;
    json_t *body = read_order(request, &order);
    if (body)
        run(request, &order, false);
    json_decref(body);
}

static const char *name_in_array(const void *from, size_t i)
{
    return json_string_value(json_array_get(from, i));
}

static bool is_array_of_names(const json_t *names)
{
    if (!json_is_array(names) || json_array_size(names) > BATCH_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(names); i++)
        if (!json_is_string(json_array_get(names, i)))
            return false;
    return true;
}

void api_handle_batch(struct http_request *request, void *arg)
{
    struct errand_order order = { .scope = ERRAND_NAMES };
    (void)arg;
    if (!read_verb(request, http_request_path(request) + strlen(API "batch/"), &order))
        return;
    json_t *body = read_order(request, &order);
    if (!body)
        return;
    const json_t *names = json_object_get(body, "names");
    if (is_array_of_names(names))
        run_names(request, &order, json_array_size(names), name_in_array, names);
    else
        reply_json_error(request, 400, "BAD_ARGUMENTS",
                         "names is an array of at most 10000 strings");
    json_decref(body);
}
