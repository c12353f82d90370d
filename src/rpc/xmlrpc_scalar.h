/* SPDX-License-Identifier: MIT */
/* xmlrpc_scalar.h: the text of one XML-RPC element -> a value. Only for the decoder. */
#ifndef SUPERVISOR_RPC_XMLRPC_SCALAR_H
#define SUPERVISOR_RPC_XMLRPC_SCALAR_H

#include "supervisor/rpc/xmlrpc.h"

/* Each: 0, -EBADMSG if text is no such thing, -ENOMEM. *ret_value is touched on success only. */
int scalar_int(const char *text, size_t len, struct value *ret_value);
int scalar_bool(const char *text, size_t len, struct value *ret_value);
int scalar_double(const char *text, size_t len, struct value *ret_value);
int scalar_string(const char *text, size_t len, struct value *ret_value);
int scalar_datetime(const char *text, size_t len, struct value *ret_value);

/* text_only: what was encoded must be UTF-8, as the reference wants it of requests. */
int scalar_base64(const char *text, size_t len, bool text_only, struct value *ret_value);

#endif
