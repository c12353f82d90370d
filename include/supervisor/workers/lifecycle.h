/* SPDX-License-Identifier: MIT */
/* lifecycle.h: the state machine of a program, as a pure function.
 *
 * An event, the time and the configuration go in; the new state and what is to be done come
 * out. No clock, no system call, no log: the worker does what it is told and reports how it went
 * with the next event. One step makes at most one change of state, so whoever publishes states
 * sees each of them, in order.
 * Source: Supervisor process.py, Subprocess.
 */
#ifndef SUPERVISOR_WORKERS_LIFECYCLE_H
#define SUPERVISOR_WORKERS_LIFECYCLE_H

#include "supervisor/core/config.h"
#include "supervisor/core/state.h"

#include <stdbool.h>
#include <stdint.h>

enum life_event {
    LIFE_TICK,         /* time has passed, or the worker asks whether anything is due */
    LIFE_START,        /* somebody asks for a start */
    LIFE_STOP,         /* somebody asks for a stop */
    LIFE_DRAIN,        /* the daemon is going down: start nothing by yourself from now on */
    LIFE_SPAWNED,      /* LIFE_SPAWN was done */
    LIFE_SPAWN_FAILED, /* LIFE_SPAWN could not be done */
    LIFE_KILL_FAILED,  /* a signal could not be sent, though the child is there */
    LIFE_ENDED,        /* the child was collected; life.ended_* say when and how */
};

enum life_action {
    LIFE_NOTHING,
    LIFE_SPAWN,       /* make a child, then report LIFE_SPAWNED or LIFE_SPAWN_FAILED */
    LIFE_SIGNAL_STOP, /* send the stop signal */
    LIFE_SIGNAL_KILL, /* stopwaitsecs are over: send SIGKILL */
    LIFE_AGAIN,       /* the same event once more: it makes another change of state */
    LIFE_REFUSE,      /* a request that does not fit this state */
};

/* The line that the log gets after this step. */
enum life_note {
    LIFE_NOTE_NONE,
    LIFE_NOTE_SUCCESS,   /* entered RUNNING state */
    LIFE_NOTE_GAVE_UP,   /* entered FATAL state: startretries are used up */
    LIFE_NOTE_LIMIT,     /* entered FATAL state: restart_limit is used up */
    LIFE_NOTE_STOPPED,   /* stopped: */
    LIFE_NOTE_EXITED,    /* exited: */
    LIFE_NOTE_TOO_QUICK, /* exited: ... not expected, before startsecs */
};

struct life {
    enum process_state state;
    unsigned tries;       /* failures in a row; startretries limits them */
    uint64_t started_ns;  /* of the last spawn attempt */
    uint64_t deadline_ns; /* when a tick will do something; NS_NEVER */
    bool has_child;
    bool stopping; /* the end of the child was asked for */
    bool draining;
    bool asked;          /* the last LIFE_SPAWN follows a request, not our own decision */
    uint32_t random;     /* the worker's dice, thrown before each step: backoff_jitter */
    uint64_t window_ns;  /* restart_limit: when its seconds began to count */
    int64_t restarts;    /* restarts by ourselves since then */
    enum life_note note; /* of the last step */
    uint64_t ended_ns;   /* LIFE_ENDED: when the child was collected */
    int ended_code;      /* LIFE_ENDED: exit status, -1 for a signal */
};

void life_init(struct life *life);

/* One step. now_ns is monotonic. */
enum life_action life_step(struct life *life, enum life_event event, uint64_t now_ns,
                           const struct process_config *config);

#endif
