/* SPDX-License-Identifier: MIT */
/* methods_system.c: system.*: what methods there are, and several calls in one.
 *
 * Source: Supervisor xmlrpc.py, SystemNamespaceRPCInterface.
 */
#include "call.h"

#include <stdlib.h>
#include <string.h>

static void handle_list_methods(struct rpc_call *call)
{
    size_t n;
    char **names = method_names(&n);
    if (!names) {
        call_fault(call, FAULT_FAILED, "out of memory");
        return;
    }
    xmlrpc_write_array_begin(call->out);
    for (size_t i = 0; i < n; i++) {
        xmlrpc_write_string(call->out, names[i]);
        free(names[i]);
    }
    xmlrpc_write_array_end(call->out);
    free(names);
}

/* The method that the first parameter names. NULL: the fault is set. */
static const struct method *get_method(struct rpc_call *call)
{
    const char *name = value_string(call_param(call, 0), NULL);
    const struct method *method = name ? method_find(name) : NULL;
    if (!method)
        call_fault(call, FAULT_SIGNATURE_UNSUPPORTED, NULL);
    return method;
}

static void handle_method_help(struct rpc_call *call)
{
    const struct method *method = get_method(call);
    if (method)
        xmlrpc_write_string(call->out, method->help);
}

static void handle_method_signature(struct rpc_call *call)
{
    const struct method *method = get_method(call);
    if (!method)
        return;
    xmlrpc_write_array_begin(call->out);
    for (const char *type = method->signature; *type;) {
        size_t len = strcspn(type, ",");
        xmlrpc_write_string_n(call->out, type, len);
        type += len + (type[len] == ',');
    }
    xmlrpc_write_array_end(call->out);
}

/* ---- multicall ---- */

/* Calls run one after the other; one that waits holds up those behind it. */
struct multicall {
    struct rpc_call *call;     /* the whole */
    struct rpc_call *inner;    /* the one that is waiting, NULL while they run through */
    const struct value *items; /* of its parameter: theirs who asked, until the answer */
    size_t n, next;
    bool is_running;
    struct value spread; /* arguments made of a string or a struct */
};

static void multicall_free(struct multicall *m)
{
    value_free(&m->spread);
    free(m);
}

static void multicall_drop(void *work)
{
    struct multicall *m = work;

    if (m->inner)
        rpc_call_cancel(m->inner);
    multicall_free(m);
}

/* A success is its bare value, not an array of one: clients of the reference count on it. */
static void write_inner_fault(struct rpc_call *inner)
{
    buf_truncate(inner->out, inner->mark);
    xmlrpc_write_fault_value(inner->out, inner->fault, inner->detail);
}

static void multicall_run(struct multicall *m);

static void on_inner_done(struct rpc_call *inner, void *arg)
{
    struct multicall *m = arg;

    if (inner->has_fault)
        write_inner_fault(inner);
    m->inner = NULL;
    if (!m->is_running)
        multicall_run(m);
}

/* Python takes anything it can iterate over for the arguments: a string is its characters, a struct
 * its names. false: not even that. */
static bool get_arguments(struct multicall *m, const struct value *item, const struct value **ret)
{
    static const struct value none = { .kind = VALUE_ARRAY };
    const struct value *params = value_member(item, "params");

    *ret = params ? params : &none;
    if (!params || params->kind == VALUE_ARRAY)
        return true;
    bool is_text = params->kind == VALUE_STRING;
    if (!is_text && params->kind != VALUE_STRUCT)
        return false;
    /* No method takes that many: a list that is too long is as wrong as the exact one. */
    enum { MANY = 8 };
    value_free(&m->spread);
    m->spread.kind = VALUE_ARRAY;
    m->spread.items = calloc(MANY, sizeof(struct value));
    size_t n = is_text ? params->len : params->n, at = 0;
    while (m->spread.items && at < n && m->spread.n < MANY) {
        const char *text = is_text ? params->string + at : params->items[at].name;
        size_t len = is_text ? 1 : strlen(text);
        while (is_text && at + len < n && ((unsigned char)text[len] & 0xc0) == 0x80)
            len++;
        char *copy = strndup(text, len);
        if (!copy)
            return false;
        m->spread.items[m->spread.n++] =
            (struct value){ .kind = VALUE_STRING, .string = copy, .len = len };
        at += is_text ? len : 1;
    }
    *ret = &m->spread;
    return m->spread.items != NULL;
}

static void multicall_next(struct multicall *m)
{
    struct rpc_call *call = m->call;
    const struct value *item = &m->items[m->next++];
    const struct value *name = value_member(item, "methodName");
    const struct value *params;

    if (!name || name->kind == VALUE_NIL) {
        xmlrpc_write_fault_value(call->out, FAULT_INCORRECT_PARAMETERS, "No methodName");
    } else if (name->kind == VALUE_STRING && strcmp(name->string, "system.multicall") == 0) {
        xmlrpc_write_fault_value(call->out, FAULT_INCORRECT_PARAMETERS,
                                 "Recursive system.multicall forbidden");
    } else if (name->kind != VALUE_STRING) {
        xmlrpc_write_fault_value(call->out, FAULT_UNKNOWN_METHOD, NULL);
    } else if (!get_arguments(m, item, &params)) {
        xmlrpc_write_fault_value(call->out, FAULT_INCORRECT_PARAMETERS, NULL);
    } else {
        m->inner =
            call_start(name->string, params, call->refusal, call->who, call->out, on_inner_done, m);
    }
}

static void multicall_run(struct multicall *m)
{
    struct rpc_call *call = m->call;

    m->is_running = true;
    while (m->next < m->n && !m->inner)
        multicall_next(m);
    m->is_running = false;
    if (m->inner)
        return;
    xmlrpc_write_array_end(call->out);
    multicall_free(m);
    call_finish(call);
}

static void handle_multicall(struct rpc_call *call)
{
    const struct value *calls = call_param(call, 0);
    bool is_sound = calls->kind == VALUE_ARRAY;

    for (size_t i = 0; is_sound && i < calls->n; i++)
        is_sound = calls->items[i].kind == VALUE_STRUCT;
    if (!is_sound) {
        call_fault(call, FAULT_INCORRECT_PARAMETERS, NULL);
        return;
    }
    struct multicall *m = calloc(1, sizeof(*m));
    if (!m) {
        call_fault(call, FAULT_FAILED, "out of memory");
        return;
    }
    *m = (struct multicall){ .call = call, .items = calls->items, .n = calls->n };
    call_defer(call, multicall_drop, m);
    xmlrpc_write_array_begin(call->out);
    multicall_run(m);
}

const struct method system_methods[] = {
    { "listMethods", "array",
      "The names of all methods.\n\n@return array result  full names, sorted\n",
      handle_list_methods, METHOD_ANY_MOOD },
    { "methodHelp", "string,string",
      "What a method does.\n\n@param string name  its full name\n@return string result  a text "
      "like this one\n",
      handle_method_help, METHOD_ANY_MOOD },
    { "methodSignature", "array,string",
      "The types of a method's result and parameters.\n\n@param string name  its full name\n"
      "@return array result  names of types, that of the result first\n",
      handle_method_signature, METHOD_ANY_MOOD },
    { "multicall", "array,array",
      "Several calls, one after the other.\n\n@param array calls  structs {string methodName, "
      "array params}\n@return array result  for each call its bare result, or a struct "
      "{faultCode, faultString}\n",
      handle_multicall, METHOD_ANY_MOOD },
    { NULL, NULL, NULL, NULL, 0 },
};
