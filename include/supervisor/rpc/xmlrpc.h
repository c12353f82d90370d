/* SPDX-License-Identifier: MIT */
/* xmlrpc.h: XML-RPC both ways: text -> values, values -> text.
 *
 * Decoding builds a small tree, within hard limits (no DOCTYPE, no entities but the five,
 * XMLRPC_DEPTH_MAX elements deep; the caller limits the size). Encoding builds none: the
 * xmlrpc_write_* functions append the bytes of the answer to a buffer as they are called.
 *
 * No function here keeps a pointer it was given. No global state; any thread.
 * Source: Supervisor xmlrpc.py; https://xmlrpc.com/spec.md.
 */
#ifndef SUPERVISOR_RPC_XMLRPC_H
#define SUPERVISOR_RPC_XMLRPC_H

#include "supervisor/core/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XMLRPC_DEPTH_MAX 64 /* nested elements */

/* Fault codes. Source: Supervisor xmlrpc.py, Faults. Do not renumber. */
#define XMLRPC_FAULTS(X)                                                                           \
    X(UNKNOWN_METHOD, 1)                                                                           \
    X(INCORRECT_PARAMETERS, 2)                                                                     \
    X(BAD_ARGUMENTS, 3)                                                                            \
    X(SIGNATURE_UNSUPPORTED, 4)                                                                    \
    X(SHUTDOWN_STATE, 6)                                                                           \
    X(BAD_NAME, 10)                                                                                \
    X(BAD_SIGNAL, 11)                                                                              \
    X(NO_FILE, 20)                                                                                 \
    X(NOT_EXECUTABLE, 21)                                                                          \
    X(FAILED, 30)                                                                                  \
    X(ABNORMAL_TERMINATION, 40)                                                                    \
    X(SPAWN_ERROR, 50)                                                                             \
    X(ALREADY_STARTED, 60)                                                                         \
    X(NOT_RUNNING, 70)                                                                             \
    X(SUCCESS, 80)                                                                                 \
    X(ALREADY_ADDED, 90)                                                                           \
    X(STILL_RUNNING, 91)                                                                           \
    X(CANT_REREAD, 92)

enum xmlrpc_fault {
#define X(name, code) FAULT_##name = (code),
    XMLRPC_FAULTS(X)
#undef X
};

/* "BAD_NAME" and so on; "UNKNOWN" for a code that is none. */
const char *xmlrpc_fault_name(int code);

/* ---- values, as decoded ---- */

enum value_kind {
    VALUE_NIL,
    VALUE_INT,
    VALUE_BIGINT, /* an integer beyond int64_t: its text is in string */
    VALUE_BOOL,
    VALUE_DOUBLE,
    VALUE_STRING,
    VALUE_DATETIME, /* its text is in string */
    VALUE_ARRAY,
    VALUE_STRUCT,
};

struct value {
    enum value_kind kind;
    bool boolean;        /* BOOL */
    int64_t integer;     /* INT */
    double real;         /* DOUBLE */
    char *string;        /* STRING, DATETIME, BIGINT: owned, NUL behind the last byte */
    size_t len;          /* of string, bytes; a string may hold NULs */
    struct value *items; /* ARRAY, STRUCT: owned */
    size_t n;
    char *name; /* a member of a struct: its name, owned; else NULL */
};

/* Free what v owns (not v itself) and make it nil. */
void value_free(struct value *v);

/* The member of a struct, NULL if there is none or v is no struct (or NULL). The last of equal
 * names. */
const struct value *value_member(const struct value *v, const char *name);

/* The value as this type, or the fallback if it is NULL or of another kind. The string stays v's.
 */
const char *value_string(const struct value *v, const char *fallback);
int64_t value_int(const struct value *v, int64_t fallback);
bool value_bool(const struct value *v, bool fallback);

/* value_string(value_member(v, name), fallback) and its sisters. */
const char *value_member_string(const struct value *v, const char *name, const char *fallback);
int64_t value_member_int(const struct value *v, const char *name, int64_t fallback);
bool value_member_bool(const struct value *v, const char *name, bool fallback);

/* ---- decoding ---- */

struct xmlrpc_call {
    char *method;        /* never NULL or "" */
    struct value params; /* an ARRAY */
};

/* Read a request. 0; -EBADMSG: no well-formed XML or a value that cannot be converted; -ENOMSG: no
 * method name; -ENOMEM. On success xmlrpc_call_free() it. Lax by tag, like the reference: unknown
 * elements are their text, wrappers may be missing. */
int xmlrpc_decode_call(const char *xml, size_t len, struct xmlrpc_call *ret_call);
void xmlrpc_call_free(struct xmlrpc_call *call);

struct xmlrpc_response {
    bool is_fault;
    int64_t fault_code;
    char *fault_string; /* never NULL if is_fault */
    struct value value; /* unless is_fault */
};

/* Read a response. 0, -EBADMSG or -ENOMEM. On success xmlrpc_response_free() it. */
int xmlrpc_decode_response(const char *xml, size_t len, struct xmlrpc_response *ret_response);
void xmlrpc_response_free(struct xmlrpc_response *response);

/* ---- encoding ----
 *
 * A request:  call_begin, for each parameter { param_begin, one value, param_end }, call_end.
 * A response: response_begin, one value, response_end; or xmlrpc_write_fault alone.
 * A value:    int | bool | double | nil | string
 *             | array_begin, values, array_end
 *             | struct_begin, { member_begin, one value, member_end }, struct_end.
 * Failure (no memory, limit) is in buf.error, to be looked at once at the end.
 */
void xmlrpc_write_call_begin(struct buf *out, const char *method);
void xmlrpc_write_param_begin(struct buf *out);
void xmlrpc_write_param_end(struct buf *out);
void xmlrpc_write_call_end(struct buf *out);

void xmlrpc_write_response_begin(struct buf *out);
void xmlrpc_write_response_end(struct buf *out);

/* A whole fault response. detail NULL: the fault's name alone; else "NAME: detail". */
void xmlrpc_write_fault(struct buf *out, enum xmlrpc_fault code, const char *detail);

/* The fault as a struct value: how system.multicall tells of it. */
void xmlrpc_write_fault_value(struct buf *out, enum xmlrpc_fault code, const char *detail);

/* <int> if it fits int32, else <i8>. */
void xmlrpc_write_int(struct buf *out, int64_t value);
void xmlrpc_write_bool(struct buf *out, bool value);
void xmlrpc_write_double(struct buf *out, double value);
void xmlrpc_write_nil(struct buf *out);

/* Bytes that are not UTF-8 and characters that XML 1.0 forbids become U+FFFD. */
void xmlrpc_write_string(struct buf *out, const char *text);
void xmlrpc_write_string_n(struct buf *out, const char *text, size_t len);

void xmlrpc_write_array_begin(struct buf *out);
void xmlrpc_write_array_end(struct buf *out);
void xmlrpc_write_struct_begin(struct buf *out);
void xmlrpc_write_struct_end(struct buf *out);
void xmlrpc_write_member_begin(struct buf *out, const char *name);
void xmlrpc_write_member_end(struct buf *out);

/* member_begin, the value, member_end. */
void xmlrpc_write_member_int(struct buf *out, const char *name, int64_t value);
void xmlrpc_write_member_bool(struct buf *out, const char *name, bool value);
void xmlrpc_write_member_string(struct buf *out, const char *name, const char *text);

/* A decoded value again as a value: arguments handed on. */
void xmlrpc_write_value(struct buf *out, const struct value *v);

/* text[0..len-1] as XML character data: escaped and repaired as in xmlrpc_write_string. */
void xmlrpc_write_text(struct buf *out, const char *text, size_t len);

/* The length of the longest part of text[0..len-1] that is valid UTF-8. */
size_t xmlrpc_utf8_valid_prefix(const char *text, size_t len);

#endif
