/* SPDX-License-Identifier: MIT */
/* json.c: the server's answers as JSON. */
#include "json.h"

#include <stdio.h>

static json_t *json_of_array(const struct value *v)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < v->n; i++) {
        if (json_array_append_new(array, json_of_value(&v->items[i])) < 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *json_of_struct(const struct value *v)
{
    json_t *object = json_object();
    for (size_t i = 0; object && i < v->n; i++) {
        if (json_object_set_new(object, v->items[i].name, json_of_value(&v->items[i])) < 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

json_t *json_of_value(const struct value *v)
{
    switch (v->kind) {
    case VALUE_NIL:
        return json_null();
    case VALUE_INT:
        return json_integer(v->integer);
    case VALUE_BOOL:
        return json_boolean(v->boolean);
    case VALUE_DOUBLE:
        return json_real(v->real);
    case VALUE_BIGINT:
    case VALUE_STRING:
    case VALUE_DATETIME: {
        json_t *text = json_stringn(v->string, v->len);
        return text ? text : json_string("");
    }
    case VALUE_ARRAY:
        return json_of_array(v);
    case VALUE_STRUCT:
        return json_of_struct(v);
    }
    return NULL;
}

bool json_print(json_t *json)
{
    if (!json)
        return false;
    bool ok = json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) == 0;
    json_decref(json);
    printf("\n");
    return ok;
}
