# SPDX-License-Identifier: MIT
"""States of processes, of the daemon and of listeners, and their numbers."""


class ProcessStates:
    STOPPED = 0
    STARTING = 10
    RUNNING = 20
    BACKOFF = 30
    STOPPING = 40
    EXITED = 100
    FATAL = 200
    UNKNOWN = 1000


class SupervisorStates:
    FATAL = 2
    RUNNING = 1
    RESTARTING = 0
    SHUTDOWN = -1


class EventListenerStates:
    READY = 10
    BUSY = 20
    ACKNOWLEDGED = 30
    UNKNOWN = 40


# No child, and none will come by itself.
STOPPED_STATES = (ProcessStates.STOPPED, ProcessStates.EXITED, ProcessStates.FATAL,
                  ProcessStates.UNKNOWN)

# Up, or on the way up.
RUNNING_STATES = (ProcessStates.RUNNING, ProcessStates.BACKOFF, ProcessStates.STARTING)

# There is a child to signal.
SIGNALLABLE_STATES = (ProcessStates.RUNNING, ProcessStates.STARTING, ProcessStates.STOPPING)


def _names_by_code(states):
    return {code: name for name, code in vars(states).items() if not name.startswith("_")}


_process_states = _names_by_code(ProcessStates)
_supervisor_states = _names_by_code(SupervisorStates)
_listener_states = _names_by_code(EventListenerStates)


def getProcessStateDescription(code):
    """The name of a process state; None for a number that is none."""
    return _process_states.get(code)


def getSupervisorStateDescription(code):
    """The name of a state of the daemon; None for a number that is none."""
    return _supervisor_states.get(code)


def getEventListenerStateDescription(code):
    """The name of a listener state; None for a number that is none."""
    return _listener_states.get(code)
