/* SPDX-License-Identifier: MIT */
/* deferred.h: calls that ask programs for something and answer when it was done.
 *
 * A task is one request to each of some programs, made for one call. First every worker says what
 * it makes of its request; then, if the call waits, the published facts tell when each program is
 * there. Nothing polls: a task moves when a request comes back or a program changes.
 */
#ifndef SUPERVISOR_RPC_DEFERRED_H
#define SUPERVISOR_RPC_DEFERRED_H

#include "call.h"
#include "supervisor/core/loop.h"

int deferred_init(struct loop *loop);
void deferred_free(void);

enum task_kind {
    TASK_START,
    TASK_STOP,
    TASK_SIGNAL,
    TASK_RELOAD, /* each program's own reloadsignal */
    TASK_CLEAR_LOGS,
    TASK_ROTATE_LOGS,
    TASK_REOPEN_LOGS,
    TASK_STDIN,
};

/* Ask p, or all of ps, and answer call: with true or a fault, or with the array of results if
 * is_array. */
struct task_order {
    enum task_kind kind;
    bool wait; /* START, STOP: until the program is up or down */
    bool is_array;
    int signal;       /* SIGNAL; negative: not a signal, see signal_text */
    const char *text; /* SIGNAL: as written, for BAD_SIGNAL; STDIN: the bytes */
    size_t len;       /* STDIN */
    const char *name; /* the program as the caller named it, for faults; NULL: its display name */
};
void deferred_run(struct rpc_call *call, const struct task_order *order, struct process **processes,
                  size_t n);

#endif
