/* SPDX-License-Identifier: MIT */
/* state.c: names and sets of states. */
#include "supervisor/core/state.h"

const char *process_state_name(enum process_state state)
{
    switch (state) {
#define X(name, code)    \
    case PROCESS_##name: \
        return #name;
        PROCESS_STATES(X)
#undef X
    }
    return "UNKNOWN";
}

const char *daemon_mood_name(enum daemon_mood mood)
{
    switch (mood) {
    case DAEMON_FATAL:
        return "FATAL";
    case DAEMON_RUNNING:
        return "RUNNING";
    case DAEMON_RESTARTING:
        return "RESTARTING";
    case DAEMON_SHUTDOWN:
        return "SHUTDOWN";
    }
    return "UNKNOWN";
}

bool process_state_is_running(enum process_state state)
{
    return state == PROCESS_RUNNING || state == PROCESS_STARTING || state == PROCESS_BACKOFF;
}

bool process_state_is_stopped(enum process_state state)
{
    return state == PROCESS_STOPPED || state == PROCESS_EXITED || state == PROCESS_FATAL ||
           state == PROCESS_UNKNOWN;
}

bool process_state_is_signallable(enum process_state state)
{
    return state == PROCESS_RUNNING || state == PROCESS_STARTING || state == PROCESS_STOPPING;
}
