# SPDX-License-Identifier: MIT
"""Runs a command for each unexpected exit, with a report on its standard input: a listener in
superlance's manner, written against supervisor.childutils only.

    crashreport.py COMMAND
"""

import os
import subprocess
import sys

from supervisor import childutils


def report(headers, payload):
    words, _data = childutils.eventdata(payload + "\n")
    if int(words["expected"]):
        return None
    return ("Process %(processname)s in group %(groupname)s exited unexpectedly (pid %(pid)s) "
            "from state %(from_state)s" % words)


def main():
    if "SUPERVISOR_SERVER_URL" not in os.environ:
        sys.exit("crashreport.py must be run as an event listener")
    while True:
        headers, payload = childutils.listener.wait(sys.stdin, sys.stdout)
        if headers["eventname"] == "PROCESS_STATE_EXITED":
            text = report(headers, payload)
            if text:
                subprocess.run(sys.argv[1], shell=True, input=text.encode() + b"\n", check=True,
                               stdout=subprocess.DEVNULL)
        childutils.listener.ok(sys.stdout)


if __name__ == "__main__":
    main()
