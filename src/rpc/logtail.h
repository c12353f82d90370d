/* SPDX-License-Identifier: MIT */
/* logtail.h: GET /logtail/NAME[/CHANNEL] and /mainlogtail: a log as it grows.
 *
 * inotify tells when there is more: followers of a quiet log cost nothing.
 */
#ifndef SUPERVISOR_RPC_LOGTAIL_H
#define SUPERVISOR_RPC_LOGTAIL_H

#include "supervisor/core/loop.h"
#include "supervisor/rpc/http.h"

int logtail_init(struct loop *loop);
void logtail_free(void); /* after http_close(): no follower is left */

/* Handlers of routes. */
void logtail_handle(struct http_request *request, void *arg);
void logtail_handle_main(struct http_request *request, void *arg);

#endif
