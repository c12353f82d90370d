# SPDX-License-Identifier: MIT
"""The types of events, as names and as a hierarchy.

Events happen in the daemon; out here they are only named. EventTypes.TICK_5 is a class whose
bases are the types above it, so issubclass() answers what a subscription covers.
"""

_PARENTS = {
    "PROCESS_STATE": "EVENT",
    "PROCESS_STATE_STOPPED": "PROCESS_STATE",
    "PROCESS_STATE_EXITED": "PROCESS_STATE",
    "PROCESS_STATE_STARTING": "PROCESS_STATE",
    "PROCESS_STATE_STOPPING": "PROCESS_STATE",
    "PROCESS_STATE_BACKOFF": "PROCESS_STATE",
    "PROCESS_STATE_FATAL": "PROCESS_STATE",
    "PROCESS_STATE_RUNNING": "PROCESS_STATE",
    "PROCESS_STATE_UNKNOWN": "PROCESS_STATE",
    "PROCESS_COMMUNICATION": "EVENT",
    "PROCESS_COMMUNICATION_STDOUT": "PROCESS_COMMUNICATION",
    "PROCESS_COMMUNICATION_STDERR": "PROCESS_COMMUNICATION",
    "PROCESS_LOG": "EVENT",
    "PROCESS_LOG_STDOUT": "PROCESS_LOG",
    "PROCESS_LOG_STDERR": "PROCESS_LOG",
    "REMOTE_COMMUNICATION": "EVENT",
    "SUPERVISOR_STATE_CHANGE": "EVENT",
    "SUPERVISOR_STATE_CHANGE_RUNNING": "SUPERVISOR_STATE_CHANGE",
    "SUPERVISOR_STATE_CHANGE_STOPPING": "SUPERVISOR_STATE_CHANGE",
    "TICK": "EVENT",
    "TICK_5": "TICK",
    "TICK_60": "TICK",
    "TICK_3600": "TICK",
    "PROCESS_GROUP": "EVENT",
    "PROCESS_GROUP_ADDED": "PROCESS_GROUP",
    "PROCESS_GROUP_REMOVED": "PROCESS_GROUP",
}


class Event:
    """The root: a subscription to EVENT is one to everything."""


def _class_name(name):
    words = name.replace("_", " ").title().split()
    if len(words) > 1 and words[0] == "Tick":
        return "Tick%sEvent" % words[1]
    return "".join(words) + "Event"


def _build_types():
    types = {"EVENT": Event}
    for name, parent in _PARENTS.items():
        class_name = _class_name(name)
        types[name] = type(class_name, (types[parent],), {"__module__": __name__})
        globals()[class_name] = types[name]
    return types


EventTypes = type("EventTypes", (), _build_types())
EventTypes.__doc__ = "Every type under its name."


def getEventNameByType(requested):
    """"TICK_5" for EventTypes.TICK_5; None for a class that is no type."""
    for name, event_type in vars(EventTypes).items():
        if event_type is requested:
            return name
    return None


def register(name, event):
    """Give a type of one's own a name, for the lookups of this module."""
    setattr(EventTypes, name, event)
