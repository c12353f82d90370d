/* SPDX-License-Identifier: MIT */
/* http_auth.h: Basic authentication against a listener's users, and who may come from where. */
#ifndef SUPERVISOR_RPC_HTTP_AUTH_H
#define SUPERVISOR_RPC_HTTP_AUTH_H

#include "supervisor/core/config.h"

#include <stdbool.h>

/* Is nobody asked for a password? */
bool http_auth_is_open(const struct server_config *server);

enum http_auth_result {
    HTTP_AUTH_OK,
    HTTP_AUTH_DENIED,    /* 401 */
    HTTP_AUTH_MALFORMED, /* 400: no base64, no UTF-8, no colon */
};

/* Judge the Authorization header (NULL: absent). On OK *ret_user is the user's name as configured
 * and *ret_role the role. Takes as long for a wrong name as for a wrong password. */
enum http_auth_result http_auth_check(const struct server_config *server, const char *header,
                                      const char **ret_user, enum server_role *ret_role);

/* Does the password given match the one stored: plain, {SHA}hex, {SHA256}hex? */
bool http_auth_password_matches(const char *stored, const char *given);

/* What a request says of where it comes from; NULL: header absent. */
struct http_origin {
    const char *host;
    const char *origin;
    const char *fetch_site; /* Sec-Fetch-Site */
};

/* Did a browser send this on behalf of another site's page? */
bool http_origin_is_foreign(const struct http_origin *origin);

/* May this Host be asked of a listener on a loopback address? A name that somebody pointed at
 * 127.0.0.1 (DNS rebinding) may not. configured is the listener's own host. */
bool http_host_is_local(const char *host, const char *configured);

#endif
