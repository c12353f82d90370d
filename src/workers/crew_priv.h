/* SPDX-License-Identifier: MIT */
/* crew_priv.h: what the parts of the crew share. Main thread only. */
#ifndef SUPERVISOR_WORKERS_CREW_PRIV_H
#define SUPERVISOR_WORKERS_CREW_PRIV_H

#include "supervisor/workers/crew.h"

/* ---- crew_sequence.c ---- */

/* Requests that are to be seen in their order, though each goes to another thread: the next is
 * posted when the one before was handled, or was not within SEQUENCE_PATIENCE_MS (a worker whose
 * disk or user database hangs holds up nobody but itself). */
#define SEQUENCE_PATIENCE_MS 100

struct sequence {
    enum request_kind kind;
    struct process **items; /* references, from next on */
    size_t n, next, cap;
    struct request *awaited; /* the one posted last, while it is not handled; only compared */
    unsigned outstanding;    /* posted and not handled */
    struct loop_timer timer;
    void (*drained)(void); /* everything was posted and handled; may be NULL */
};

void sequence_init(struct sequence *s, enum request_kind kind, void (*drained)(void));
void sequence_add(struct sequence *s, struct process *p);
void sequence_run(struct sequence *s);
void sequence_clear(struct sequence *s); /* forget what was not posted yet */
bool sequence_is_drained(const struct sequence *s);

/* ---- crew.c ---- */

struct crew {
    struct loop *loop;
    struct config *config;      /* as last read */
    struct config *boot_config; /* what listeners and interfaces were opened with: kept for them */
    const struct config_overrides *overrides;
    void (*finished)(void *arg);
    void *finished_arg;
    enum daemon_mood mood;
    bool started;     /* crew_start_all() was called: groups added from now on get workers */
    unsigned workers; /* threads that have not been joined */
    struct sequence launches;
};

extern struct crew crew;

/* Tell every observer; p NULL: the shape or the mood changed. */
void crew_tell(struct process *p);

/* ---- crew_group.c ---- */

/* Make the group and put it on the table; its workers are started if the crew has started. 0, or a
 * negative errno with *ret_error a text to free (or NULL when there is no memory for it). */
int crew_group_add(struct group_config *config, char **ret_error);

/* Start the workers of a group. A thread that cannot be made leaves its process unstartable;
 * logged. */
void crew_group_start_workers(struct group *group);

/* A process of config->processes[index] for group, which is not among its processes yet and has no
 * worker. Errors as crew_group_add(). */
int crew_process_new(struct group *group, struct group_config *config, size_t index,
                     struct process **ret_process, char **ret_error);

/* Logged if it cannot be; then it is unstartable. */
void crew_process_start_worker(struct process *p);

/* End the worker of a process at rest that is no longer among group's, and free it. */
void crew_process_retire(struct group *group, struct process *p);

/* START to its autostart processes, by priority. */
void crew_group_autostart(const struct group *group);

/* Take it off the table, end its workers, free it when the last one has ended. for_good: announced,
 * and its automatic logs go with it; else the daemon is ending. */
void crew_group_remove(struct group *group, bool for_good);

/* The group's processes by priority, stable; to free(); NULL when out of memory. */
struct process **crew_group_by_priority(const struct group *group);

/* Are all its processes at rest? */
bool crew_group_is_stopped(const struct group *group);

/* ---- crew_shutdown.c ---- */

/* A process changed or a worker ended: go on with the shutdown, if there is one. */
void crew_shutdown_step(void);

void crew_shutdown_reset(void);

/* ---- crew_exit.c: exit_on and exit_when_idle ---- */

void crew_exit_reset(void);

/* p changed. */
void crew_exit_look(struct process *p);

/* All changes were looked at: begin the shutdown if one of them asks for it. */
void crew_exit_step(void);

/* ---- crew_update.c ---- */

/* A process changed or a request came back: go on with the update, if there is one. */
void crew_update_step(void);

/* Forget an update under way; its done() does not come. */
void crew_update_reset(void);

/* ---- crew_reread.c ---- */

/* Read the file; nothing is kept. 0, or a negative errno with *ret_error a text to free. */
int crew_read(struct config **ret_config, char **ret_error);

/* Make config the one as last read; what was it before is freed. */
void crew_keep(struct config *config);

/* Does what was read differ from the group that runs, process by process? *ret_why: a text to free
 * that names the first difference, or NULL. */
bool crew_group_differs(const struct group *group, const struct group_config *read, char **ret_why);

/* ---- crew_tick.c ---- */

/* Arm or disarm the wall clock's timer as the pools' subscriptions demand. */
void crew_tick_update(void);
void crew_tick_stop(void);

#endif
