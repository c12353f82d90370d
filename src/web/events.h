/* SPDX-License-Identifier: MIT */
/* events.h: GET /api/v1/events: what changes, as server-sent events.
 *
 * snapshot    everything, at first and whenever programs were added or removed
 * process     one program, after a change
 * usage       CPU and memory of all, every other second
 * supervisor  the daemon, after a change of its state
 */
#ifndef SUPERVISOR_WEB_EVENTS_H
#define SUPERVISOR_WEB_EVENTS_H

#include "supervisor/core/loop.h"
#include "supervisor/core/process.h"
#include "supervisor/rpc/http.h"

int events_init(struct loop *loop); /* 0 or a negative errno */
void events_free(void);             /* after http_close(): no stream is left */

/* Handler of the route. */
void events_handle(struct http_request *request, void *arg);

/* Of crew_observe(). */
void events_changed(struct process *p, void *arg);

/* For metrics: how many look on, and how many were let go because they did not keep up. */
unsigned events_streams(void);
uint64_t events_lagged(void);

#endif
