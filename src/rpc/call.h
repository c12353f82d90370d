/* SPDX-License-Identifier: MIT */
/* call.h: one method call and the table of methods: what rpc.c and methods_*.c share. */
#ifndef SUPERVISOR_RPC_CALL_H
#define SUPERVISOR_RPC_CALL_H

#include "supervisor/core/process_table.h"
#include "supervisor/rpc/rpc.h"

enum { CALL_OUT_MAX = 256 * 1024 * 1024 }; /* bytes of one answer */

struct method;

struct rpc_call {
    const struct method *method;
    const struct value *params; /* ARRAY; valid while the handler runs */
    const char *refusal;        /* why nothing may be changed, or NULL; a literal or the config's */
    char *who;                  /* peer, may be NULL */
    struct buf *out;            /* where the value is written; the asker's */
    size_t mark;                /* length of out before it */
    bool has_fault;
    enum xmlrpc_fault fault;
    char *detail;     /* of the fault; NULL: none */
    bool is_deferred; /* the answer comes with call_finish() */
    bool is_finished;
    bool is_handling;  /* its handler is running */
    bool is_cancelled; /* nobody listens any more */
    void (*done)(struct rpc_call *call, void *arg);
    void *arg;
    void (*drop)(void *work); /* the call was cancelled: let go of it */
    void *work;               /* what is going on for a deferred call */
};

enum method_flags {
    METHOD_CHANGES = 1 << 0,       /* refused to who may only read */
    METHOD_ANY_MOOD = 1 << 1,      /* also while the daemon is going down */
    METHOD_OPTIONAL_LAST = 1 << 2, /* the last parameter may be left out */
};

struct method {
    const char *name;      /* without namespace */
    const char *signature; /* types, result first: "boolean,string,boolean" */
    const char *help;
    void (*handle)(struct rpc_call *call);
    unsigned flags;
};

/* Tables that end with a NULL name. The first four go into every namespace of [rpcinterface:x]. */
extern const struct method daemon_methods[];
extern const struct method control_methods[];
extern const struct method info_methods[];
extern const struct method log_methods[];
extern const struct method system_methods[];

/* ---- for handlers ---- */

/* The answer is a fault; detail NULL: the name alone. Copied. */
void call_fault(struct rpc_call *call, enum xmlrpc_fault fault, const char *detail);
void call_faultf(struct rpc_call *call, enum xmlrpc_fault fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The handler returns without an answer; call_finish() will give it. work is dropped if
 * the call is cancelled before. */
void call_defer(struct rpc_call *call, void (*drop)(void *work), void *work);

/* The answer of a deferred call is in out, or a fault was set. The call is gone afterwards. */
void call_finish(struct rpc_call *call);

static inline size_t call_n_params(const struct rpc_call *call)
{
    return call->params->n;
}

static inline const struct value *call_param(const struct rpc_call *call, size_t i)
{
    return &call->params->items[i];
}

/* ---- methods_update.c ---- */

void handle_update_config(struct rpc_call *call);

/* ---- rpc.c: starting calls ---- */

/* Start a call whose value goes to out. done(call, arg) comes exactly once unless it is cancelled;
 * it may read fault, detail and out. Returns the call while it waits, else NULL (also when out of
 * memory: then done() got a fault in a temporary call). */
struct rpc_call *call_start(const char *method, const struct value *params, const char *refusal,
                            const char *who, struct buf *out,
                            void (*done)(struct rpc_call *call, void *arg), void *arg);

/* "NAME: detail" or "NAME", to free; NULL when out of memory. */
char *call_fault_string(const struct rpc_call *call);

/* By full name ("supervisor.getPID"); NULL if there is none. */
const struct method *method_find(const char *full_name);

/* All full names in code point order; an array and its texts to free() as one. NULL: no memory. */
char **method_names(size_t *ret_n);

/* How many parameters a method takes at most. */
size_t method_n_params(const struct method *method);

#endif
