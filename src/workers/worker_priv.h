/* SPDX-License-Identifier: MIT */
/* worker_priv.h: a worker from the inside. All of it belongs to the worker's thread. */
#ifndef SUPERVISOR_WORKERS_WORKER_PRIV_H
#define SUPERVISOR_WORKERS_WORKER_PRIV_H

#include "supervisor/core/buf.h"
#include "supervisor/core/process.h"
#include "supervisor/workers/lifecycle.h"
#include "supervisor/workers/listener.h"
#include "supervisor/workers/stream.h"

#include <pthread.h>

struct output {
    struct stream *stream; /* NULL when there is none */
    uint64_t last_read_ns;
    uint64_t much_ns;   /* the last read of many bytes */
    uint64_t linger_ns; /* how long the pipe is left alone after a read; 0: not at all */
    uint64_t resume_ns; /* the pipe is left alone until then, so that lines gather */
};

struct worker {
    struct process *process;
    pthread_t thread;
    struct life life;
    uint32_t dice;              /* never 0 */
    struct process_facts facts; /* to be published */
    pid_t pid;                  /* of the child; stays set while its end is told */
    int wait_status;            /* of the last end */
    bool dead_unreaped;         /* the child is dead, the reaper will say so */
    bool fcgi_held;
    struct output output[CHANNELS];
    int stdin_fd;              /* -1: none or closed */
    bool stdin_full;           /* more to write when the pipe has room */
    struct buf stdin_buf;      /* not yet written */
    struct listener *listener; /* NULL unless an event listener */
    int kill_error;            /* why the last signal could not be sent */
    uint64_t recycle_ns;       /* max_age is over; NS_NEVER */
    uint64_t sample_ns;        /* when to look at the memory next; NS_NEVER */
    bool recycling;            /* it is stopping to be started again */
    struct request *quit;      /* set: end when there is no child */
};

/* ---- worker_state.c: steps of the state machine, and telling of them ---- */

/* Feed an event to the state machine, tell of each change, do what it asks for. Returns false if it
 * refused the request. */
bool worker_step(struct worker *w, enum life_event event, uint64_t now_ns);

/* Put the working copy of the facts where others see it. */
void worker_publish(struct worker *w);

/* A number that differs from time to time; not secret. */
uint32_t worker_random(struct worker *w);

/* Why the last spawn or run failed, as the API shows it. */
void worker_set_spawnerr(struct worker *w, const char *text);

/* ---- worker_child.c: the child and its descriptors ---- */

/* Make a child; on failure facts.spawnerr says why. */
bool worker_spawn(struct worker *w);

/* The child was collected: read its last words and tell the state machine. */
void worker_end_child(struct worker *w, int wait_status, uint64_t exit_ns);

/* The stop signal, or SIGKILL. Returns 0 (a child that is gone included) or kill's errno. */
int worker_signal_stop(struct worker *w);
int worker_signal_kill(struct worker *w);

/* Has the child ended, though the reaper has not come to it yet? */
bool worker_child_is_dead(const struct worker *w);

void worker_close_stdin(struct worker *w);

/* Write what is pending on stdin. Returns 0, or -EPIPE: the channel is closed now. */
int worker_flush_stdin(struct worker *w);

/* ---- worker_recycle.c: memory_restart and max_age ---- */

/* A new child, or another configuration: when is it to be looked at? */
void worker_recycle_arm(struct worker *w);

/* The earlier of its deadlines. */
uint64_t worker_recycle_deadline_ns(const struct worker *w);

/* Look, and begin the restart if it is time. */
void worker_recycle_look(struct worker *w, uint64_t now_ns);

/* The child has ended: start the next one if that was the purpose. */
void worker_recycle_finish(struct worker *w);

/* ---- worker_request.c: what is asked of it ---- */

void worker_handle(struct worker *w, struct request *r);

#endif
