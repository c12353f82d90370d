# SPDX-License-Identifier: MIT
"""Names of processes as people write them, and the version."""

import os
import signal

# What clients parse as the version of the interface; the daemon answers the same.
VERSION = "4.3.0"


def make_namespec(group_name, process_name):
    """"group:process", or "process" where both have the same name."""
    if group_name == process_name:
        return process_name
    return "%s:%s" % (group_name, process_name)


def split_namespec(namespec):
    """(group, process) of "group:process"; process is None for "group:*" and "group:"."""
    group_name, colon, process_name = namespec.partition(":")
    if not colon:
        return group_name, group_name
    if process_name in ("", "*"):
        return group_name, None
    return group_name, process_name


def signame(number):
    """"SIGTERM" for 15; "signal 99" for a number without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number


def decode_wait_status(status):
    """(exit status or -1, text) of a status as os.waitpid() returns it."""
    if os.WIFEXITED(status):
        code = os.WEXITSTATUS(status)
        return code, "exit status %d" % code
    if os.WIFSIGNALED(status):
        text = "terminated by %s" % signame(os.WTERMSIG(status))
        if os.WCOREDUMP(status):
            text += " (core dumped)"
        return -1, text
    return -1, "unknown termination cause 0x%04x" % status
