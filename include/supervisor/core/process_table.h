/* SPDX-License-Identifier: MIT */
/* process_table.h: the active groups, and which process owns which pid.
 *
 * The shape (groups, their processes) is the main thread's alone. The pid map is shared
 * with the workers, which claim the pids they spawn.
 */
#ifndef SUPERVISOR_CORE_PROCESS_TABLE_H
#define SUPERVISOR_CORE_PROCESS_TABLE_H

#include "supervisor/core/config.h"
#include "supervisor/core/process.h"

/* A FastCGI socket: of all processes of one section. */
struct group_socket {
    struct fcgi_socket *socket;
    const struct process_config *first; /* the process it was made for, part of ... */
    struct group_config *owner;         /* ... this, a reference */
    size_t n_users;                     /* processes */
};

struct group {
    struct group_config *config; /* a reference */
    struct process **processes;  /* in config order; references */
    size_t n_processes;
    struct event_pool *pool; /* GROUP_EVENTLISTENER */
    struct group_socket *sockets;
    size_t n_sockets;
    unsigned n_users; /* the table, and each worker that is ending */
    bool drop_logs;   /* its automatic logs go with it */
};

/* Active groups in order of activation. Main thread only. */
struct process_table {
    struct group **groups;
    size_t n_groups;
};

extern struct process_table process_table;

struct group *process_table_find_group(const char *name);

/* "group:name" or "name" (group and process of that name). group_only set: "group:*" or
 * "group:" was asked, *ret_group is set and *ret_process NULL. 0 or -ENOENT. */
int process_table_resolve(const char *spec, struct group **ret_group, struct process **ret_process);

int process_table_add(struct group *group);     /* 0 or -ENOMEM */
void process_table_remove(struct group *group); /* not freed */
void process_table_changed(void);               /* the processes of a group did */

/* All processes, sorted by group name then process name (code point order): the order of
 * getAllProcessInfo. The array is cached until the shape changes; do not free. Main thread. */
struct process **process_table_sorted(size_t *ret_n);

/* Groups by priority, stable over activation order. Array to free(); NULL when out of memory. */
struct group **process_table_by_priority(size_t *ret_n);

/* ---- pids: any thread; take table.lock ---- */

/* A spawn is about to fork: exits of unclaimed pids are kept for it. Never fails. */
uint64_t pid_claim_begin(void);

/* The spawn of ticket made pid for p: from now on its exit goes to p. If the child was collected
 * already, p gets its exit here. pid 0: the spawn failed, only end the ticket. Never fails. Logs
 * kept strangers that no spawn under way can claim any more. */
void pid_claim_end(uint64_t ticket, pid_t pid, struct process *p);

/* p gives its child up without collecting it (it ends while the child lives on): the child becomes
 * a stranger to the reaper. */
void pid_abandon(struct process *p);

/* pid is waitable: collect it for whoever owns it, under the owner's lock, or as a stranger under
 * table.lock, so that no claim comes between. Main thread (the reaper).
 * Returns whether it was collected. */
bool pid_collect(pid_t pid);

#endif
