/* SPDX-License-Identifier: MIT */
/* state.h: the states of a process and of the daemon, their names and numbers. */
#ifndef SUPERVISOR_CORE_STATE_H
#define SUPERVISOR_CORE_STATE_H

#include <stdbool.h>

/* Numbers and names are part of the XML-RPC interface.
 * Source: Supervisor states.py, ProcessStates. Do not renumber, do not add: clients treat
 * the set as closed. */
#define PROCESS_STATES(X) \
    X(STOPPED, 0)         \
    X(STARTING, 10)       \
    X(RUNNING, 20)        \
    X(BACKOFF, 30)        \
    X(STOPPING, 40)       \
    X(EXITED, 100)        \
    X(FATAL, 200)         \
    X(UNKNOWN, 1000)

enum process_state {
#define X(name, code) PROCESS_##name = (code),
    PROCESS_STATES(X)
#undef X
};

/* What the daemon as a whole is about. Source: Supervisor states.py, SupervisorStates. */
enum daemon_mood {
    DAEMON_FATAL = 2,
    DAEMON_RUNNING = 1,
    DAEMON_RESTARTING = 0,
    DAEMON_SHUTDOWN = -1,
};

/* "RUNNING" and so on; never NULL. */
const char *process_state_name(enum process_state state);
const char *daemon_mood_name(enum daemon_mood mood);

/* RUNNING, BACKOFF or STARTING: what a start refuses and a stop accepts. */
bool process_state_is_running(enum process_state state);

/* STOPPED, EXITED, FATAL or UNKNOWN. */
bool process_state_is_stopped(enum process_state state);

/* RUNNING, STARTING or STOPPING: there is a child to signal. */
bool process_state_is_signallable(enum process_state state);

#endif
