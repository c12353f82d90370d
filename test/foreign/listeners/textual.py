# SPDX-License-Identifier: MIT
"""Sends text of its own as a PROCESS_COMMUNICATION event, through supervisor.childutils.pcomm."""

import sys
import time

from supervisor import childutils

time.sleep(1.5)
childutils.pcomm.stdout("from stdout")
childutils.pcomm.stderr("from stderr")
sys.stdout.flush()
time.sleep(3600)
