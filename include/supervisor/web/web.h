/* SPDX-License-Identifier: MIT */
/* web.h: how people look at the daemon: pages, JSON, the event stream, metrics.
 *
 * Everything is a route of the HTTP server and runs on the main thread; what changes anything goes
 * through rpc_call(), so that a click and a method call are the same thing. A thread of its own
 * reads /proc, and only while somebody asks.
 */
#ifndef SUPERVISOR_WEB_WEB_H
#define SUPERVISOR_WEB_WEB_H

#include "supervisor/core/loop.h"

/* Make the routes and watch programs. Each time after crew_init() and rpc_init(), before
 * http_open(). 0 or a negative errno. loop must outlive web_free(). */
int web_init(struct loop *loop);

/* After http_close(), before rpc_free() and crew_free(). Waits for the thread, which is never long
 * about anything. */
void web_free(void);

#endif
