# SPDX-License-Identifier: MIT
"""An event listener with a fault of its own choice, once: when FLAG exists it behaves.

    trouble.py FAULT RECORD FLAG

FAULT: hang (never answers), exit (dies while it has an event), babble (junk without end), deaf
(answers without reading), closed (closes its stdin and stays), reject (FAIL three times).
Each event is recorded as "serial payload" before anything happens to it.
"""

import os
import select
import sys
import time

fault, record_path, flag = sys.argv[1:]
well = os.path.exists(flag)
rejections = 0


def say(text):
    try:
        os.write(1, text.encode())
    except BrokenPipeError:
        sys.exit(0)


def mark():
    with open(flag, "w"):
        pass


if not well and fault == "babble":
    mark()
    while True:
        say("this is no protocol " * 200 + "\n")
if not well and fault == "deaf":
    mark()
    say("READY\n")
    select.select([0], [], [])  # the first event is there, and more wait behind it
    while True:
        time.sleep(0.2)
        say("RESULT 2\nOKREADY\n")

stdin = os.fdopen(0, "rb", closefd=False)
while True:
    say("READY\n")
    if not well and fault == "closed":
        mark()
        os.close(0)
        time.sleep(3600)
    line = stdin.readline().decode()
    if not line:
        break
    headers = dict(word.split(":", 1) for word in line.split())
    payload = stdin.read(int(headers["len"]))  # bytes, as listeners in C or Go read
    with open(record_path, "a") as record:
        record.write("%s %s\n" % (headers["serial"], payload.decode().replace("\n", "|")[:100]))
    if not well and fault == "hang":
        mark()
        time.sleep(3600)
    if not well and fault == "exit":
        mark()
        os._exit(3)
    if fault == "reject" and rejections < 3:
        rejections += 1
        say("RESULT 4\nFAIL")
    else:
        say("RESULT 2\nOK")
