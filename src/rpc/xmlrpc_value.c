/* SPDX-License-Identifier: MIT */
/* xmlrpc_value.c: what was decoded, and how to look into it. */
#include "supervisor/rpc/xmlrpc.h"

#include <stdlib.h>
#include <string.h>

void value_free(struct value *v)
{
    for (size_t i = 0; i < v->n; i++)
        value_free(&v->items[i]);
    free(v->items);
    free(v->string);
    free(v->name);
    *v = (struct value){ .kind = VALUE_NIL };
}

const struct value *value_member(const struct value *v, const char *name)
{
    if (!v || v->kind != VALUE_STRUCT)
        return NULL;
    for (size_t i = v->n; i > 0; i--)
        if (v->items[i - 1].name && strcmp(v->items[i - 1].name, name) == 0)
            return &v->items[i - 1];
    return NULL;
}

const char *value_string(const struct value *v, const char *fallback)
{
    return v && v->kind == VALUE_STRING ? v->string : fallback;
}

int64_t value_int(const struct value *v, int64_t fallback)
{
    return v && v->kind == VALUE_INT ? v->integer : fallback;
}

bool value_bool(const struct value *v, bool fallback)
{
    return v && v->kind == VALUE_BOOL ? v->boolean : fallback;
}

const char *value_member_string(const struct value *v, const char *name, const char *fallback)
{
    return value_string(value_member(v, name), fallback);
}

int64_t value_member_int(const struct value *v, const char *name, int64_t fallback)
{
    return value_int(value_member(v, name), fallback);
}

bool value_member_bool(const struct value *v, const char *name, bool fallback)
{
    return value_bool(value_member(v, name), fallback);
}

void xmlrpc_call_free(struct xmlrpc_call *call)
{
    free(call->method);
    call->method = NULL;
    value_free(&call->params);
}

void xmlrpc_response_free(struct xmlrpc_response *response)
{
    free(response->fault_string);
    response->fault_string = NULL;
    value_free(&response->value);
}
