# SPDX-License-Identifier: MIT
"""Sends text of its own as a PROCESS_COMMUNICATION event, through supervisor.childutils.pcomm."""

import sys
import time

from supervisor import childutils

time.sleep(1.5)
# Binary streams: the reference's module cannot write to text ones under Python 3.
childutils.pcomm.send(b"from stdout", sys.stdout.buffer)
childutils.pcomm.send(b"from stderr", sys.stderr.buffer)
time.sleep(3600)
