# SPDX-License-Identifier: MIT
"""Restarts a program whose HTTP service does not answer 200: a listener in superlance's manner,
written against supervisor.childutils, supervisor.xmlrpc and supervisor.states only.

    httpwatch.py PROGRAM URL
"""

import os
import sys
import urllib.request
import xmlrpc.client

from supervisor import childutils
from supervisor.options import split_namespec
from supervisor.states import ProcessStates, getProcessStateDescription
from supervisor.xmlrpc import Faults, SupervisorTransport


def is_well(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def restart(rpc, name):
    try:
        rpc.supervisor.stopProcess(name)
    except xmlrpc.client.Fault as fault:
        if fault.faultCode != Faults.NOT_RUNNING:
            raise
    rpc.supervisor.startProcess(name)


def main():
    name, url = sys.argv[1:]
    group, process = split_namespec(name)
    transport = SupervisorTransport(os.environ.get("SUPERVISOR_USERNAME", ""),
                                    os.environ.get("SUPERVISOR_PASSWORD", ""),
                                    os.environ["SUPERVISOR_SERVER_URL"])
    rpc = xmlrpc.client.ServerProxy("http://127.0.0.1", transport)
    while True:
        headers, _payload = childutils.listener.wait(sys.stdin, sys.stdout)
        state = rpc.supervisor.getProcessInfo(name)["state"]
        if headers["eventname"] == "TICK_5" and state == ProcessStates.RUNNING:
            if not is_well(url):
                sys.stderr.write("restarting %s of %s, which was %s\n"
                                 % (process, group, getProcessStateDescription(state)))
                sys.stderr.flush()
                restart(rpc, name)
        childutils.listener.ok(sys.stdout)


if __name__ == "__main__":
    main()
