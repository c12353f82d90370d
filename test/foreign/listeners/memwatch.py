# SPDX-License-Identifier: MIT
"""Restarts programs that use too much memory, on every TICK: a listener in superlance's manner,
written against supervisor.childutils and its neighbours only.

    memwatch.py PROGRAM=SIZE ...
"""

import os
import sys

from supervisor import childutils
from supervisor.datatypes import byte_size
from supervisor.options import make_namespec
from supervisor.states import RUNNING_STATES


def resident_bytes(pid):
    try:
        with open("/proc/%d/statm" % pid) as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def main():
    limits = {}
    for argument in sys.argv[1:]:
        name, size = argument.split("=")
        limits[name] = byte_size(size)
    rpc = childutils.getRPCInterface(os.environ)
    while True:
        headers, _payload = childutils.listener.wait(sys.stdin, sys.stdout)
        if headers["eventname"].startswith("TICK"):
            for info in rpc.supervisor.getAllProcessInfo():
                name = make_namespec(info["group"], info["name"])
                limit = limits.get(name)
                if limit is None or info["state"] not in RUNNING_STATES or not info["pid"]:
                    continue
                rss = resident_bytes(info["pid"])
                if rss > limit:
                    sys.stderr.write("%s restarting %s: %d > %d\n"
                                     % (childutils.get_asctime(), name, rss, limit))
                    sys.stderr.flush()
                    rpc.supervisor.stopProcess(name)
                    rpc.supervisor.startProcess(name)
        childutils.listener.ok(sys.stdout)


if __name__ == "__main__":
    main()
