/* SPDX-License-Identifier: MIT */
/* json.h: the server's answers as JSON, with the field names of XML-RPC. */
#ifndef SUPERVISOR_CLI_JSON_H
#define SUPERVISOR_CLI_JSON_H

#include "supervisor/rpc/xmlrpc.h"

#include <jansson.h>

/* A value as JSON, a new reference; NULL when out of memory. */
json_t *json_of_value(const struct value *v);

/* Print json, indented, and a line end; gives the reference up. False: nothing could be printed. */
bool json_print(json_t *json);

#endif
