/* SPDX-License-Identifier: MIT */
/* http_url.h: request targets and urlencoded forms -> text. Pure functions, used by http*.c. */
#ifndef SUPERVISOR_RPC_HTTP_URL_H
#define SUPERVISOR_RPC_HTTP_URL_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_FIELDS_MAX 256 /* name=value pairs in one query or form; more are not looked at */

/* The path of target (up to '?' or '#'), percent-decoded once: 0 and *ret_path to free; -EBADMSG if
 * it holds a control character or is not UTF-8 or an escape is no hex; -ENOMEM. */
int http_url_path(const char *target, char **ret_path);

/* Value of name in fields ("a=1&b=%20"), decoded, '+' is a blank; to free. NULL if absent or out of
 * memory. last: of equal names the last, else the first. Blank values count as absent. */
char *http_url_field(const char *fields, const char *name, bool last);

/* The query of target: behind '?', "" if none. Points into target. */
const char *http_url_query(const char *target);

#endif
