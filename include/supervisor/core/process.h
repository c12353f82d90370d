/* SPDX-License-Identifier: MIT */
/* process.h: one supervised program: what others may know of it and ask of it.
 *
 * Its worker thread alone runs it and publishes the facts here. Everybody else reads the
 * facts and posts requests. So "stop while STARTING" is not a special case: it is a request
 * like any other, judged by lifecycle.h.
 */
#ifndef SUPERVISOR_CORE_PROCESS_H
#define SUPERVISOR_CORE_PROCESS_H

#include "supervisor/core/config.h"
#include "supervisor/core/lock.h"
#include "supervisor/core/state.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_SPAWNERR_MAX 512 /* bytes with the NUL; longer texts are cut at a character */
#define PROCESS_EXITS_KEPT   8
#define PROCESS_STDIN_MAX    (1024 * 1024) /* bytes queued to a child that does not read */
#define PROCESS_MAILBOX_MAX  1024          /* requests; more are refused with -ENOBUFS */

/* ---- requests: the only way to make a worker do something ---- */

enum request_kind {
    REQUEST_START,       /* spawn now, with retries counted from zero */
    REQUEST_STOP,        /* stopsignal, then SIGKILL after stopwaitsecs */
    REQUEST_SIGNAL,      /* request.signal to the child, not to its group */
    REQUEST_STDIN,       /* append request.data to the child's standard input */
    REQUEST_REOPEN_LOGS, /* close and open by name */
    REQUEST_CLEAR_LOGS,  /* empty the log files, running or not */
    REQUEST_ROTATE_LOGS,
    REQUEST_RECONFIGURE, /* go on with request.config, whose group is request.group */
    REQUEST_DRAIN, /* the daemon is going down: no start, no retry from now on */
    REQUEST_QUIT,  /* end the thread; only when there is no child */
};

enum request_result {
    REQUEST_OK,
    REQUEST_ALREADY_STARTED, /* START in RUNNING, STARTING, BACKOFF */
    REQUEST_STOP_PENDING,    /* START in STOPPING: nothing was started */
    REQUEST_SPAWN_ERROR,     /* START: failed at once; text says why */
    REQUEST_NOT_RUNNING,     /* STOP, SIGNAL, STDIN in a state that has no child for it */
    REQUEST_FAILED,          /* text says why */
    REQUEST_NO_FILE,         /* STDIN: closed, or the program has none */
    REQUEST_UNKNOWN_STATE,   /* START in UNKNOWN */
    REQUEST_CANCELLED,       /* not done: the worker quits, or the daemon is going down */
};

struct process;

/* Allocated by whoever asks, owned by the worker once posted. When it was handled it comes back
 * on the main thread: done(request) there, then it is freed. Without done it is freed by
 * the worker. */
struct request {
    enum request_kind kind;
    int signal; /* SIGNAL */
    char *data; /* STDIN: malloc'd, freed with the request */
    size_t len;
    const struct process_config *config; /* RECONFIGURE: the new one, part of ... */
    struct group_config *group; /* ... this, a reference; the old one when it was handled */
    void (*done)(struct request *request); /* main thread; may be NULL, but for RECONFIGURE */
    void *arg;                             /* the asker's */

    enum request_result result; /* valid in done() */
    uint64_t spawn_seq;         /* START: the attempt it made; see process_facts */
    char text[PROCESS_SPAWNERR_MAX];
    struct process *process; /* set by process_post; a counted reference */
    struct request *next;    /* whoever owns it */
};

/* ---- facts ---- */

/* How one run of the program ended. */
struct process_exit {
    int64_t wall; /* seconds since the epoch */
    int status;   /* waitpid's */
    uint64_t lived_ns;
    bool expected;
    bool asked; /* after a stop request */
};

struct process_facts {
    enum process_state state;
    pid_t pid;           /* 0 when there is no child */
    int64_t start_wall;  /* seconds since the epoch of the last spawn attempt, 0 never */
    int64_t stop_wall;   /* of the last reap, 0 never; not reset by a new start */
    uint64_t start_ns;   /* monotonic, of the last spawn attempt */
    uint64_t state_ns;   /* monotonic, when this state was entered */
    int exit_status;     /* 0..255, -1 by signal, 0 when none is known */
    unsigned tries;      /* consecutive failures: the backoff counter */
    uint64_t spawn_seq;  /* spawn attempts so far */
    uint64_t ran_seq;    /* the last attempt that reached RUNNING */
    uint64_t failed_seq; /* the last attempt that ended in BACKOFF or FATAL */
    uint64_t restarts;   /* successful spawns after the first that nobody asked for */
    unsigned n_exits;    /* ends so far; the last PROCESS_EXITS_KEPT are in exits[] */
    struct process_exit exits[PROCESS_EXITS_KEPT]; /* ring: the i-th end is at i % KEPT */
    char spawnerr[PROCESS_SPAWNERR_MAX];           /* "" when none */
    bool stdin_open;
    bool restart_due; /* at rest, but about to be started by itself */
};

/* Counted by the worker, read by anyone. bytes_read == bytes_stored + bytes_dropped
 * whenever the worker is between two reads. */
struct channel_counters {
    _Atomic uint64_t bytes_read;
    _Atomic uint64_t bytes_stored;
    _Atomic uint64_t bytes_dropped;
};

struct process {
    /* Set by its worker when an update gives it a new one (REQUEST_RECONFIGURE). The old one lives
     * until that request has come back to the main thread, so both threads may use what they loaded
     * until they return to their loops. The names in it never change. */
    const struct process_config *_Atomic config;
    struct group_config *_Atomic group_config; /* the same; a reference */
    char *display_name;                  /* never changes; "group:name", or "name" if equal */
    char *logfile[CHANNELS]; /* never changes; effective path (AUTO resolved), NULL: none */
    struct channel_counters counters[CHANNELS];
    struct event_member *member; /* never changes; NULL unless an event listener */
    struct fcgi_socket *fcgi;    /* never changes; NULL unless a FastCGI program */
    _Atomic int listener_state;  /* listener.h's, -1 if not a listener */

    struct lock lock;              /* rank 2 */
    struct process_facts facts;    /* lock; written by its worker only */
    struct request *mailbox_head;  /* lock */
    struct request **mailbox_tail; /* lock */
    unsigned mailbox_n;            /* lock */
    unsigned starts_pending;       /* lock; STARTs posted and not yet finished */
    bool mailbox_closed;           /* lock; the worker has quit */
    pid_t child_pid;               /* lock; from its claim to its collection, else 0 */
    bool exit_pending;             /* lock; the reaper collected the child ... */
    int exit_wait_status;          /* lock; ... with this status */
    uint64_t exit_ns;              /* lock; ... at this time */

    pid_t map_pid;            /* table lock; its key in the pid map, 0 when not in it */
    struct process *map_next; /* table lock; chain of the pid map */

    int wake_fd;                  /* never changes; eventfd the worker waits on */
    _Atomic bool wake_sent;       /* atomic; coalesces writes to wake_fd */
    struct process *next_changed; /* notice lock */
    bool changed;                 /* notice lock */
    void *worker;                 /* worker.c's; main thread creates and joins */
    unsigned exits_seen; /* main thread only; of facts.n_exits, by exit_on */
    _Atomic int refs;
};

/* Make the record of group->processes[index]; no thread yet. logfile paths are taken over
 * (malloc'd or NULL). Returns 0 or a negative errno. Main thread. */
int process_new(struct group_config *group, size_t index, char *logfile[CHANNELS],
                struct process **ret_process);
struct process *process_ref(struct process *p);
void process_unref(struct process *p); /* accepts NULL */

/* Copy the facts. Any thread; takes p->lock for the copy only. */
void process_facts(struct process *p, struct process_facts *ret_facts);

/* State alone, cheaper. */
enum process_state process_state(struct process *p);

/* Has it a child, is it about to get one, or would it start one by itself? Only when not may its
 * group be removed. Any thread. */
bool process_is_busy(struct process *p);

/* Hand r to the worker. 0; or -ESHUTDOWN (the worker has quit), -ENOBUFS (mailbox full): then r is
 * still the caller's. STOP, DRAIN and QUIT always fit. Locks: takes p->lock. Any thread. */
int process_post(struct process *p, struct request *r);

/* Allocate and post a request without data that nobody waits for. 0, -ENOMEM or as process_post. */
int process_post_simple(struct process *p, enum request_kind kind);

struct request *request_new(enum request_kind kind, void (*done)(struct request *), void *arg);
void request_free(struct request *r); /* accepts NULL */

/* Give p another configuration: of group->processes[index], which has p's names; it may only differ
 * in what a running program can take up, unless p is at rest. done(request) comes when its worker
 * has it. 0 or as process_post(), -ENOMEM. Main thread. */
int process_reconfigure(struct process *p, struct group_config *group, size_t index,
                        void (*done)(struct request *), void *arg);

/* Wake the worker: something is in its mailbox, or its member was given an event. Any thread. */
void process_wake(struct process *p);

/* "pid 12, uptime 0:00:01" and its sisters, into at most size bytes. */
void process_describe(const struct process *p, const struct process_facts *facts, int64_t now_wall,
                      char *ret_text, size_t size);

/* "exit status 3", "terminated by SIGTERM (core dumped)", ...: status is waitpid's. */
void process_describe_end(int wait_status, char *ret_text, size_t size);

/* ---- for its worker ---- */

/* All that was posted since, in order; NULL if nothing. Also clears the wake. *ret_exited: the
 * reaper collected the child, with *ret_status at *ret_exit_ns. */
struct request *process_collect(struct process *p, bool *ret_exited, int *ret_status,
                                uint64_t *ret_exit_ns);

/* Copy facts in and put p on the list of changed processes. */
void process_publish(struct process *p, const struct process_facts *facts);

/* Give a handled request back: to the main thread if it has done(), else free it. */
void request_finish(struct request *r, enum request_result result);

/* kill(2) under p->lock, only while the child is not yet collected, so the pid is ours.
 * as_group: to the process group. Returns 0, -ESRCH (gone), or kill's negative errno. */
int process_kill(struct process *p, int signal, bool as_group);

/* Make r's configuration p's; r keeps the old one. */
void process_take_config(struct process *p, struct request *r);

/* Close the mailbox; everything in it comes back CANCELLED. Last act of a worker. */
void process_close_mailbox(struct process *p);

/* ---- for the reaper ---- */

/* Collect p's child with waitpid under p->lock and mark it dead. pid must be p's.
 * Returns true if it was collected. */
bool process_collect_child(struct process *p, pid_t pid);

/* ---- notices: how the main thread learns of changes ---- */

/* The loop to wake; called once at boot, before any worker. wake: any thread; NULL: nobody. */
void notice_set_loop(void (*wake)(void *arg), void *arg);

/* Main thread: call changed(p, arg) once for each process published since the last call, and done()
 * of each request that came back. Order between processes is that of their first change. */
void notice_dispatch(void (*changed)(struct process *p, void *arg), void *arg);

#endif
