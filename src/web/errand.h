/* SPDX-License-Identifier: MIT */
/* errand.h: a verb for one program, some, a group or all, and what came of it for each.
 *
 * Made of method calls, so the rules are those of the methods. An errand goes on to its end even if
 * whoever asked has left: a restart must not stop half-way because a browser was closed.
 * Main thread only.
 */
#ifndef SUPERVISOR_WEB_ERRAND_H
#define SUPERVISOR_WEB_ERRAND_H

#include <stdbool.h>
#include <stddef.h>

enum verb { VERB_START, VERB_STOP, VERB_RESTART, VERB_SIGNAL, VERB_CLEAR };
#define VERBS 5

/* "restart"; "restarted". */
const char *verb_name(enum verb verb);
const char *verb_past(enum verb verb);

/* 0 or -EINVAL. */
int verb_from_name(const char *name, enum verb *ret_verb);

enum errand_scope { ERRAND_NAMES, ERRAND_GROUP, ERRAND_ALL };

struct errand_order {
    enum verb verb;
    enum errand_scope scope;
    const char *const *names; /* NAMES: programs; GROUP: one group; copied */
    size_t n_names;
    bool wait;           /* start, stop, restart: until programs are up or down */
    const char *signal;  /* VERB_SIGNAL, as written; copied */
    const char *refusal; /* as of http_request_refusal() */
    const char *who;     /* peer, for the log; copied */
};

struct errand_result {
    char *name; /* "group:name" */
    int fault;  /* 0: done; else enum xmlrpc_fault */
    char *text; /* of the fault: "NOT_RUNNING: web" */
};

struct errand_results {
    struct errand_result *list; /* in the order of the names; groups: by priority */
    size_t n, cap;
    bool is_incomplete; /* no memory for all of them */
};

struct errand;

/* done(results, arg) comes once, perhaps before this returns; results are gone afterwards.
 * Returns the errand while it is under way, else NULL. */
struct errand *errand_run(const struct errand_order *order,
                          void (*done)(const struct errand_results *results, void *arg), void *arg);

/* Whoever asked has left: done() will not be called. */
void errand_detach(struct errand *errand);

/* End of the room: let go of all errands. */
void errand_free_all(void);

#endif
