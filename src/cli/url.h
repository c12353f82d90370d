/* SPDX-License-Identifier: MIT */
/* url.h: what a server URL means, and names inside URL paths. */
#ifndef SUPERVISOR_CLI_URL_H
#define SUPERVISOR_CLI_URL_H

#include "supervisor/core/buf.h"

#include <stdbool.h>

struct server_url {
    char *socket_path; /* unix://PATH; NULL: TCP */
    char *base;        /* "http://host:port", what stands before the path of a request */
};

/* Take a URL apart: unix://PATH or http://HOST[:PORT][/ignored]. The scheme is compared as
 * written. 0; -EINVAL with a sentence appended to error; -ENOMEM. Free with server_url_free(). */
int server_url_parse(const char *text, struct server_url *ret_url, struct buf *error);
void server_url_free(struct server_url *url);

/* Does text have a scheme, and an authority or a path? That is all that -s checks. */
bool url_is_plausible(const char *text);

/* Append name with everything but unreserved characters and ':' percent-encoded. */
void url_put_encoded(struct buf *out, const char *name);

#endif
