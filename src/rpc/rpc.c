/* SPDX-License-Identifier: MIT */
/* rpc.c: finds the method, judges the call, and brings the answer back to whoever asked.
 *
 * Order of the judgements, as clients know it: the name (1), the number of parameters (2), the
 * daemon's mood (6), the right to change things (30), then the method's own.
 */
#include "supervisor/rpc/rpc.h"

#include "call.h"
#include "deferred.h"
#include "logtail.h"
#include "param.h"
#include "supervisor/core/log.h"
#include "supervisor/rpc/http.h"
#include "supervisor/workers/crew.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char **namespaces; /* of [rpcinterface:x] */
static size_t n_namespaces;

static const struct method *const interface_tables[] = {
    daemon_methods,
    control_methods,
    info_methods,
    log_methods,
};
enum { N_INTERFACE_TABLES = sizeof(interface_tables) / sizeof(interface_tables[0]) };

/* ---- methods ---- */

static const struct method *find_in(const struct method *table, const char *name)
{
    for (; table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

static bool namespace_is(const char *full_name, size_t len, const char *name)
{
    return strncmp(full_name, name, len) == 0 && name[len] == '\0';
}

const struct method *method_find(const char *full_name)
{
    const char *dot = strchr(full_name, '.');
    if (!dot)
        return NULL;
    size_t len = (size_t)(dot - full_name);
    if (namespace_is(full_name, len, "system"))
        return find_in(system_methods, dot + 1);
    for (size_t i = 0; i < n_namespaces; i++) {
        if (!namespace_is(full_name, len, namespaces[i]))
            continue;
        for (size_t t = 0; t < N_INTERFACE_TABLES; t++) {
            const struct method *method = find_in(interface_tables[t], dot + 1);
            if (method)
                return method;
        }
    }
    return NULL;
}

size_t method_n_params(const struct method *method)
{
    size_t n = 0;
    for (const char *c = method->signature; *c; c++)
        n += *c == ',';
    return n;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Appends "namespace.method" of a whole table to names. */
static int add_names(const char *namespace, const struct method *table, char **names, size_t *n)
{
    for (; table->name; table++) {
        if (asprintf(&names[*n], "%s.%s", namespace, table->name) < 0)
            return -ENOMEM;
        (*n)++;
    }
    return 0;
}

static size_t count_methods(const struct method *table)
{
    size_t n = 0;
    while (table[n].name)
        n++;
    return n;
}

char **method_names(size_t *ret_n)
{
    size_t n = 0, max = count_methods(system_methods) + 1;
    for (size_t t = 0; t < N_INTERFACE_TABLES; t++)
        max += count_methods(interface_tables[t]) * n_namespaces;
    char **names = calloc(max, sizeof(*names));
    if (!names)
        return NULL;
    int r = add_names("system", system_methods, names, &n);
    for (size_t i = 0; i < n_namespaces; i++)
        for (size_t t = 0; t < N_INTERFACE_TABLES && r == 0; t++)
            r = add_names(namespaces[i], interface_tables[t], names, &n);
    if (r < 0) {
        while (n)
            free(names[--n]);
        free(names);
        return NULL;
    }
    qsort(names, n, sizeof(*names), compare_texts);
    *ret_n = n;
    return names;
}

/* ---- one call ---- */

void call_fault(struct rpc_call *call, enum xmlrpc_fault fault, const char *detail)
{
    free(call->detail);
    call->has_fault = true;
    call->fault = fault;
    call->detail = detail ? strdup(detail) : NULL; /* without memory the name has to do */
}

void call_faultf(struct rpc_call *call, enum xmlrpc_fault fault, const char *format, ...)
{
    va_list ap;
    char *detail = NULL;

    va_start(ap, format);
    if (vasprintf(&detail, format, ap) < 0)
        detail = NULL;
    va_end(ap);
    call_fault(call, fault, detail);
    free(detail);
}

char *call_fault_string(const struct rpc_call *call)
{
    char *text;
    if (asprintf(&text, "%s%s%s", xmlrpc_fault_name((int)call->fault), call->detail ? ": " : "",
                 call->detail ? call->detail : "") < 0)
        return NULL;
    return text;
}

void call_defer(struct rpc_call *call, void (*drop)(void *work), void *work)
{
    call->is_deferred = true;
    call->drop = drop;
    call->work = work;
}

static void log_called(const char *method, const struct value *params)
{
    struct buf text = BUF_LIMITED(4096);

    if (!log_wants(LOG_LEVEL_TRAC))
        return;
    for (size_t i = 0; i < params->n; i++) {
        if (i)
            buf_puts(&text, ", ");
        param_repr(&text, &params->items[i]);
    }
    log_trac("XML-RPC method called: %s(%s)", method, buf_text(&text));
    buf_free(&text);
}

static void log_answered(const struct rpc_call *call)
{
    const char *name = call->method ? call->method->name : "?";

    if (!log_wants(LOG_LEVEL_TRAC))
        return;
    if (call->has_fault)
        log_trac("XML-RPC method %s() returned fault: [%d] %s%s%s", name, (int)call->fault,
                 xmlrpc_fault_name((int)call->fault), call->detail ? ": " : "",
                 call->detail ? call->detail : "");
    else
        log_trac("XML-RPC method %s() returned successfully", name);
}

static void call_free(struct rpc_call *call)
{
    free(call->detail);
    free(call->who);
    free(call);
}

/* Tell whoever asked, unless nobody listens. What a fault left half-written is cut off. */
static void call_answer(struct rpc_call *call)
{
    log_answered(call);
    if (!call->is_cancelled) {
        if (call->has_fault)
            buf_truncate(call->out, call->mark);
        call->done(call, call->arg);
    }
    call_free(call);
}

void call_finish(struct rpc_call *call)
{
    call->is_finished = true;
    if (!call->is_handling) /* else call_start() answers, once the handler has returned */
        call_answer(call);
}

static bool has_right_count(const struct method *method, size_t n)
{
    size_t most = method_n_params(method);
    return n == most || (method->flags & METHOD_OPTIONAL_LAST && n + 1 == most);
}

/* The judgements that are the same for all methods. true: go on. */
static bool call_is_allowed(struct rpc_call *call)
{
    if (!call->method) {
        call_fault(call, FAULT_UNKNOWN_METHOD, NULL);
    } else if (!has_right_count(call->method, call->params->n)) {
        call_fault(call, FAULT_INCORRECT_PARAMETERS, NULL);
    } else if (!(call->method->flags & METHOD_ANY_MOOD) && crew_mood() != DAEMON_RUNNING) {
        call_fault(call, FAULT_SHUTDOWN_STATE, NULL);
    } else if (call->refusal && call->method->flags & METHOD_CHANGES) {
        call_fault(call, FAULT_FAILED, call->refusal);
    } else {
        return true;
    }
    return false;
}

struct rpc_call *call_start(const char *method, const struct value *params, const char *refusal,
                            const char *who, struct buf *out,
                            void (*done)(struct rpc_call *call, void *arg), void *arg)
{
    struct rpc_call *call = calloc(1, sizeof(*call));
    if (!call) {
        struct rpc_call none = { .has_fault = true, .fault = FAULT_FAILED, .out = out };
        done(&none, arg);
        return NULL;
    }
    *call = (struct rpc_call){
        .method = method_find(method),
        .params = params,
        .refusal = refusal,
        .who = who ? strdup(who) : NULL,
        .out = out,
        .mark = out->len,
        .done = done,
        .arg = arg,
    };
    log_called(method, params);
    if (call_is_allowed(call)) {
        if (call->method->flags & METHOD_CHANGES && who)
            log_debg("%s() for %s", method, who);
        call->is_handling = true;
        call->method->handle(call);
        call->is_handling = false;
    }
    if (call->is_deferred && !call->is_finished)
        return call;
    call_answer(call);
    return NULL;
}

void rpc_call_cancel(struct rpc_call *call)
{
    void *work = call->work;
    void (*drop)(void *) = call->drop;

    call->is_cancelled = true;
    if (drop)
        drop(work);
    call_free(call);
}

/* ---- calls from within ---- */

struct inner_call {
    struct buf out;
    void (*done)(void *arg, const struct rpc_answer *answer);
    void *arg;
};

static void inner_done(struct rpc_call *call, void *arg)
{
    struct inner_call *inner = arg;
    char *text = call->has_fault ? call_fault_string(call) : NULL;
    struct rpc_answer answer = {
        .fault = call->has_fault ? (int)call->fault : 0,
        .fault_string = text ? text : xmlrpc_fault_name((int)call->fault),
        .value = buf_text(&inner->out),
        .value_len = inner->out.len,
    };
    if (!answer.fault && inner->out.error)
        answer = (struct rpc_answer){ .fault = FAULT_FAILED, .fault_string = "FAILED" };
    inner->done(inner->arg, &answer);
    free(text);
    buf_free(&inner->out);
    free(inner);
}

struct rpc_call *rpc_call(const char *method, const struct value *params, const char *refusal,
                          const char *who, void (*done)(void *arg, const struct rpc_answer *answer),
                          void *arg)
{
    static const struct value none = { .kind = VALUE_ARRAY };
    struct inner_call *inner = calloc(1, sizeof(*inner));
    if (!inner) {
        const struct rpc_answer answer = { .fault = FAULT_FAILED, .fault_string = "FAILED" };
        done(arg, &answer);
        return NULL;
    }
    *inner = (struct inner_call){ .out = BUF_LIMITED(CALL_OUT_MAX), .done = done, .arg = arg };
    struct rpc_call *call =
        call_start(method, params ? params : &none, refusal, who, &inner->out, inner_done, inner);
    return call;
}

struct rpc_call *rpc_call_text(const char *method, const char *param, const char *refusal,
                               const char *who,
                               void (*done)(void *arg, const struct rpc_answer *answer), void *arg)
{
    struct value text = { .kind = VALUE_STRING,
                          .string = (char *)(uintptr_t)param,
                          .len = param ? strlen(param) : 0 };
    const struct value params = { .kind = VALUE_ARRAY, .items = &text, .n = param ? 1 : 0 };

    return rpc_call(method, &params, refusal, who, done, arg);
}

/* ---- over HTTP ---- */

struct exchange {
    struct http_request *request;
    struct xmlrpc_call decoded;
    struct buf out;
    struct rpc_call *call; /* while it is waiting */
};

static void exchange_free(struct exchange *x)
{
    xmlrpc_call_free(&x->decoded);
    buf_free(&x->out);
    free(x);
}

static void exchange_done(struct rpc_call *call, void *arg)
{
    struct exchange *x = arg;

    if (call->has_fault) {
        buf_reset(&x->out);
        xmlrpc_write_fault(&x->out, call->fault, call->detail);
    } else {
        xmlrpc_write_response_end(&x->out);
    }
    http_reply_buf(x->request, 200, "text/xml", &x->out);
    exchange_free(x);
}

static void exchange_gone(void *arg)
{
    struct exchange *x = arg;

    rpc_call_cancel(x->call);
    exchange_free(x);
}

static void refuse_body(struct http_request *request, const char *body, size_t len, int error)
{
    struct value shown = { .kind = VALUE_STRING, .string = strndup(body, len < 512 ? len : 512) };
    struct buf text = BUF_LIMITED(4096);

    if (shown.string)
        param_repr(&text, &shown);
    log_erro("XML-RPC request data %s is invalid: %s", buf_text(&text),
             error == -ENOMSG ? "no method name" : "unmarshallable");
    buf_free(&text);
    free(shown.string);
    http_reply_error(request, error == -ENOMEM ? 500 : 400);
}

static void on_rpc2(struct http_request *request, void *arg)
{
    size_t len;
    const char *body = http_request_body(request, &len);
    struct xmlrpc_call decoded;

    (void)arg;
    int r = xmlrpc_decode_call(body, len, &decoded);
    if (r < 0) {
        refuse_body(request, body, len, r);
        return;
    }
    struct exchange *x = calloc(1, sizeof(*x));
    if (!x) {
        xmlrpc_call_free(&decoded);
        http_reply_error(request, 500);
        return;
    }
    *x = (struct exchange){ .request = request,
                            .decoded = decoded,
                            .out = BUF_LIMITED(CALL_OUT_MAX) };
    xmlrpc_write_response_begin(&x->out);
    struct rpc_call *call =
        call_start(decoded.method, &x->decoded.params, http_request_refusal(request),
                   http_request_peer(request), &x->out, exchange_done, x);
    if (call) {
        x->call = call;
        http_defer(request, exchange_gone, x);
    }
}

/* ---- the room ---- */

static int add_routes(void)
{
    static const struct http_route rpc_routes[] = {
        { .path = "/RPC2", .methods = HTTP_METHOD_POST, .needs_length = true, .handle = on_rpc2 },
        { .path = "/RPC2/", .methods = HTTP_METHOD_POST, .needs_length = true, .handle = on_rpc2 },
        { .path = "/logtail/", .methods = HTTP_METHOD_GET, .handle = logtail_handle },
        { .path = "/mainlogtail", .methods = HTTP_METHOD_GET, .handle = logtail_handle_main },
    };
    static bool are_added;
    int r = 0;

    for (size_t i = 0; i < sizeof(rpc_routes) / sizeof(rpc_routes[0]) && r == 0 && !are_added; i++)
        r = http_route_add(&rpc_routes[i]);
    are_added = r == 0;
    return r;
}

int rpc_init(const struct config *config, struct loop *loop)
{
    int r = add_routes();
    if (r < 0)
        return r;
    namespaces = calloc(config->n_rpcinterfaces + 1, sizeof(*namespaces));
    if (!namespaces)
        return -ENOMEM;
    for (size_t i = 0; i < config->n_rpcinterfaces; i++) {
        namespaces[n_namespaces] = strdup(config->rpcinterfaces[i].name);
        if (!namespaces[n_namespaces]) {
            rpc_free();
            return -ENOMEM;
        }
        n_namespaces++;
    }
    r = deferred_init(loop);
    if (r == 0)
        r = logtail_init(loop);
    if (r < 0)
        rpc_free();
    return r;
}

void rpc_free(void)
{
    logtail_free();
    deferred_free();
    while (n_namespaces)
        free(namespaces[--n_namespaces]);
    free(namespaces);
    namespaces = NULL;
}
