/* SPDX-License-Identifier: MIT */
/* rpc.h: the methods of supervisor.* and system.*, for XML-RPC clients and for our own pages.
 *
 * A call has one answer: a value or a fault. It may come at once or later, when programs
 * have done what was asked; nobody blocks. Main thread only.
 * Source: Supervisor rpcinterface.py, xmlrpc.py.
 */
#ifndef SUPERVISOR_RPC_RPC_H
#define SUPERVISOR_RPC_RPC_H

#include "supervisor/core/config.h"
#include "supervisor/core/loop.h"
#include "supervisor/rpc/xmlrpc.h"

#include <stdbool.h>
#include <stddef.h>

/* Make the routes /RPC2, /logtail/ and /mainlogtail, and begin to watch programs for waiting calls.
 * Each time after crew_init() and before http_open(); config names the interfaces. 0 or a negative
 * errno. */
int rpc_init(const struct config *config, struct loop *loop);

/* End all waiting calls. After http_close(), before crew_free(). */
void rpc_free(void);

/* ---- calls from within the daemon ---- */

struct rpc_answer {
    int fault;                /* 0: none, else enum xmlrpc_fault */
    const char *fault_string; /* "BAD_NAME: x" if fault */
    const char *value;        /* the value as XML text unless fault */
    size_t value_len;
};

struct rpc_call; /* one call until it was answered */

/* Call a method by its full name, "supervisor.startProcess". done(arg) gets the answer exactly
 * once, perhaps before rpc_call() returns, unless the call is cancelled first.
 *
 * params    an ARRAY value; copied where it is needed for longer
 * refusal   NULL, or why whoever asks may not change anything (http_request_refusal())
 * who       for the log: http_request_peer(), or NULL
 * Returns   the call while it is waiting, NULL once done() was called
 */
struct rpc_call *rpc_call(const char *method, const struct value *params, const char *refusal,
                          const char *who, void (*done)(void *arg, const struct rpc_answer *answer),
                          void *arg);

/* The same with one string parameter, or none if param is NULL. */
struct rpc_call *rpc_call_text(const char *method, const char *param, const char *refusal,
                               const char *who,
                               void (*done)(void *arg, const struct rpc_answer *answer), void *arg);

/* Nobody wants the answer any more; what was asked for goes on. */
void rpc_call_cancel(struct rpc_call *call);

#endif
