/* SPDX-License-Identifier: MIT */
/* listener.h: an event listener's side of its worker: takes events from the pool, writes them
 * to the child's stdin, understands its stdout.
 *
 * Owned and called by the listener process's worker thread alone. Nothing here blocks: a
 * listener that is slow, silent, dead or babbling holds up its own worker's descriptors and
 * nobody else's anything.
 *
 * How a worker uses it (p->member is not NULL):
 *   spawned            listener_on_spawn()
 *   state changes      listener_on_running(l, state == PROCESS_RUNNING)
 *   stdout readable    listener_on_output() with every piece read (beside logging it raw)
 *   before each poll   rc = listener_pump(l, stdin_fd): 1 asks for POLLOUT on stdin, a negative
 *                      errno says that stdin is broken and may be closed; then
 *                      listener_deadline_ns() is one of the poll's deadlines
 *   child collected    listener_on_child_end(), after its last output was handed over
 * process_wake() of the process is the member's wake(): when the worker wakes, it pumps.
 * Source: Supervisor dispatchers.py PEventListenerDispatcher, process.py EventListenerPool.
 */
#ifndef SUPERVISOR_WORKERS_LISTENER_H
#define SUPERVISOR_WORKERS_LISTENER_H

#include "supervisor/core/clock.h"
#include "supervisor/core/process.h"
#include "supervisor/workers/listener_protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LISTENER_BACKLOG_MAX (1024 * 1024)     /* unread bytes before a listener is given up */
#define LISTENER_SILENT_NS   (60 * NS_PER_SEC) /* BUSY for so long is worth a warning */

struct listener;

/* For p, whose member must be set; p must outlive it. Returns 0 or -ENOMEM. */
int listener_new(struct process *p, struct listener **ret_listener);
void listener_free(struct listener *l); /* accepts NULL; its event goes back to the pool */

void listener_on_spawn(struct listener *l);
void listener_on_running(struct listener *l, bool running);
void listener_on_output(struct listener *l, const char *data, size_t len);
void listener_on_child_end(struct listener *l);
void listener_reconfigure(struct listener *l); /* the process has another configuration */

/* Take an event if one was assigned, and write what is to be written. stdin_fd is the
 * non-blocking write end, -1 if closed. Returns 0 nothing left to write, 1 more when the
 * pipe has room, or a negative errno (-EPIPE) once when stdin broke. Cheap when there is
 * nothing to do. */
int listener_pump(struct listener *l, int stdin_fd);

/* When to pump even if nothing else happens; monotonic ns, NS_NEVER if never. */
uint64_t listener_deadline_ns(const struct listener *l);

/* Any thread may read p->listener_state; this is the worker's own view. */
enum listener_state listener_state(const struct listener *l);

#endif
