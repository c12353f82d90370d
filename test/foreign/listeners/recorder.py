# SPDX-License-Identifier: MIT
"""An event listener that writes down what it hears: one JSON list [header line, payload] a line.

No module of anybody: the protocol by hand, on text streams, as the reference documents it.

    recorder.py FILE
"""

import json
import sys

with open(sys.argv[1], "a", encoding="utf-8") as record:
    while True:
        sys.stdout.write("READY\n")
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            break
        headers = dict(word.split(":", 1) for word in line.split())
        payload = sys.stdin.read(int(headers["len"]))
        record.write(json.dumps([line.rstrip("\n"), payload]) + "\n")
        record.flush()
        sys.stdout.write("RESULT 2\nOK")
        sys.stdout.flush()
