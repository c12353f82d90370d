/* SPDX-License-Identifier: MIT */
/* crew.h: the active groups as a whole: who is added, started, stopped, removed, and when
 * the daemon is done.
 *
 * Main thread only. Workers are started here and end here. Everything that takes time is
 * a request to a worker or a walk that goes on when a process changed; nothing waits.
 */
#ifndef SUPERVISOR_WORKERS_CREW_H
#define SUPERVISOR_WORKERS_CREW_H

#include "supervisor/core/config.h"
#include "supervisor/core/loop.h"
#include "supervisor/core/process_table.h"
#include "supervisor/core/state.h"

/* The crew takes config over. finished(arg) is called once after crew_shut_down() when every
 * program has stopped and every worker has ended. Returns 0 or a negative errno. */
int crew_init(struct loop *loop, struct config *config, const struct config_overrides *overrides,
              void (*finished)(void *arg), void *arg);

/* Give back everything, the observers too; after finished(), or before crew_start_all(). The next
 * crew_init() starts anew (restart). */
void crew_free(void);

/* The configuration as last read without an error: what reread compares and add uses. */
const struct config *crew_config(void);

enum daemon_mood crew_mood(void);

/* Add every group of the config (PROCESS_GROUP_ADDED, AUTO log files, FastCGI test). A group that
 * cannot be made (log directory, socket) is an error text for the caller to die of at boot. Starts
 * no thread: the daemon may still fork (daemonize) between this and crew_start_all(), which starts
 * the workers of all groups added so far. */
int crew_add_all(char **ret_error);

/* SUPERVISOR_STATE_CHANGE_RUNNING, then START to every autostart process by priority. */
void crew_start_all(void);

enum crew_result {
    CREW_OK,
    CREW_BAD_NAME,
    CREW_ALREADY_ADDED,
    CREW_STILL_RUNNING,
    CREW_FAILED, /* ret_error says why */
};
enum crew_result crew_add_group(const char *name, char **ret_error); /* and autostarts it */
enum crew_result crew_remove_group(const char *name);

struct crew_diff {
    char **added, **changed, **removed; /* names, in the reference's order */
    char **why;                         /* why[i] explains changed[i]; an item may be NULL */
    size_t n_added, n_changed, n_removed;
};
/* Read the file again. 0, or a negative errno with *ret_error (text to free) and nothing changed.
 */
int crew_reread(struct crew_diff *ret_diff, char **ret_error);
/* The same without keeping what was read: update --dry-run. */
int crew_preview(struct crew_diff *ret_diff, char **ret_error);
void crew_diff_free(struct crew_diff *diff);

/* Begin to stop everything: groups in descending priority, one after the other. mood:
 * DAEMON_SHUTDOWN or DAEMON_RESTARTING. A shutdown while restarting becomes a shutdown; a restart
 * while shutting down returns false and changes nothing. For a restart the file is checked first:
 * false with *ret_error, and all goes on. */
bool crew_shut_down(enum daemon_mood mood, char **ret_error);

/* The exit status for the daemon: that of the program that ended it (exit_on, exit_when_idle), or
 * 128 + its signal; else 0. Until crew_free(). */
int crew_exit_status(void);

/* ---- update: bring what runs to what the file says ---- */

enum crew_change {
    CREW_GROUP_ADDED,
    CREW_GROUP_REMOVED,
    CREW_GROUP_RESTARTED, /* stopped, removed, added */
    CREW_GROUP_CHANGED,   /* without touching a program; so for ... */
    CREW_PROCESS_ADDED,
    CREW_PROCESS_REMOVED,
    CREW_PROCESS_RESTARTED, /* with another configuration; at rest it stays */
    CREW_PROCESS_CHANGED,   /* ... this */
};

struct crew_action {
    enum crew_change change;
    char *group;
    char *process; /* NULL: the group as a whole */
    char *why;     /* the options that make it necessary; NULL */
    char *error;   /* what went wrong; NULL: done, or would be */
};

struct crew_update_order {
    bool live;           /* only what changed, process by process; else whole groups */
    char *const *groups; /* only these, by name; NULL: all */
    size_t n_groups;
    /* Live: only these processes, "group:name" or "name"; the rest of their groups stays as it is.
     * NULL: all. */
    char *const *processes;
    size_t n_processes;
};

/* What an update would do now; nothing is kept. *ret_actions: an array of *ret_n, for
 * crew_actions_free(). 0, or a negative errno with *ret_error (text to free). Main thread. */
int crew_update_preview(const struct crew_update_order *order, struct crew_action **ret_actions,
                        size_t *ret_n, char **ret_error);

/* Read the file, keep it, and do it. done() gets the actions, which it may read only, once all were
 * done; never before crew_update() returns, and not at all if the crew ends before. One update
 * at a time: -EBUSY. Order is copied. */
int crew_update(const struct crew_update_order *order,
                void (*done)(const struct crew_action *actions, size_t n, void *arg), void *arg,
                char **ret_error);

/* Nobody wants to hear of the update under way any more; it goes on. */
void crew_update_forget(void *arg);

void crew_actions_free(struct crew_action *actions, size_t n);

/* Every process: REOPEN_LOGS. */
void crew_reopen_logs(void);

/* Observers of changes of processes: waiting calls, dashboards. changed(p, arg) on the main thread,
 * after facts were published; p is NULL when groups were added or removed or the mood changed. */
#define CREW_OBSERVERS_MAX 8
int crew_observe(void (*changed)(struct process *p, void *arg), void *arg);

/* Number of worker threads alive. */
unsigned crew_workers(void);

#endif
