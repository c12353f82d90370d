/* SPDX-License-Identifier: MIT */
/* reply.h: what answers of pages and JSON have in common. */
#ifndef SUPERVISOR_WEB_REPLY_H
#define SUPERVISOR_WEB_REPLY_H

#include "supervisor/core/buf.h"
#include "supervisor/rpc/http.h"

#include <stdbool.h>

/* No frames, no foreign or inline scripts and styles, no guessing of types, no referrer to others. */
void reply_security_headers(struct http_request *request);

/* A page: text/html that is not to be kept, with the security headers. body is taken over. */
void reply_page(struct http_request *request, unsigned status, struct buf *body);

/* application/json, not to be kept. body is taken over. */
void reply_json(struct http_request *request, unsigned status, struct buf *body);

/* {"error":{"code":404,"name":"BAD_NAME","message":"..."}} */
void reply_json_error(struct http_request *request, unsigned status, const char *name,
                      const char *message);

/* ---- did our own page ask for this change, or no browser at all? ---- */

/* Make the token of this daemon's life. 0 or a negative errno. */
int token_init(void);

/* What our pages hand back with a change. */
const char *token_text(void);

/* A change by POST: true if it carries the token, or nothing that only browsers send. */
bool token_allows_post(const struct http_request *request, const char *token);

/* A change by a link: true if the browser says that our own page or the user's own hand led there,
 * or if it is no browser. */
bool token_allows_link(const struct http_request *request);

#endif
