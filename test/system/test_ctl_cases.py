# SPDX-License-Identifier: MIT
"""Our client says what the reference's client says, case by case: see ctl_case_runner.py.

The daemon is ours; `--daemon reference` takes the reference's, and names of cases as arguments
run these alone.
"""

import collections
import concurrent.futures
import os
import socket
import subprocess
import sys
import unittest

import ctl_case_runner as runner
import harness

THREADS = 8
DAEMON = harness.REFERENCE if "reference" in sys.argv[1:] or os.environ.get(
    "SUPERVISOR_CASES_DAEMON") == "reference" else harness.OURS
ONLY = [word for word in sys.argv[1:] if word not in ("--daemon", "reference")]


def cannot_run(case):
    if ("user" in case or case.get("isolate")) and os.geteuid() != 0:
        return "needs root"
    if case["id"] in ("conf-none-found", "conf-none-found-start", "flag-c-empty", "conf-defaulturl"):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", 9001)) == 0:
                return "something listens on port 9001"
    return None


def shared_key(case):
    setup = case["setup"]
    if not setup.get("shared") or "fake" in setup or case.get("tty") or "user" in case:
        return None
    return repr(sorted(setup.items()))


def run_together(cases):
    """Cases of one setup in one place. Returns {id: complaint}."""
    wrong = {}
    place = runner.Place(DAEMON, harness.OURS.ctl[0])
    try:
        setup = cases[0]["setup"]
        if "fixture" in setup and not setup.get("nostart"):
            place.start(setup["fixture"])
        for i, case in enumerate(cases):
            if i:  # the files are there already
                case = {**case, "setup": {**case["setup"], "before": []}}
            try:
                runner.run_case(place, case)
            except (runner.Mismatch, OSError, subprocess.SubprocessError) as complaint:
                wrong[case["id"]] = "%s: %s" % (type(complaint).__name__, complaint)
    except (runner.Mismatch, OSError, subprocess.SubprocessError) as complaint:
        wrong[cases[0]["id"]] = "setup: %s" % complaint
    finally:
        place.close()
    return wrong


def batches(cases):
    shared, alone = collections.defaultdict(list), []
    for case in cases:
        key = shared_key(case)
        if key:
            shared[key].append(case)
        else:
            alone.append([case])
    parts = [cases[i:i + 60] for cases in shared.values() for i in range(0, len(cases), 60)]
    return parts + alone


@harness.needs_ours
@unittest.skipUnless(DAEMON.exists(), "the reference's daemon is not installed: apt-get install supervisor")
class CapturedCases(unittest.TestCase):
    def test_every_captured_invocation_gives_the_same_words(self):
        cases = []
        for case in runner.load_cases():
            if ONLY and not any(case["id"].startswith(word) for word in ONLY):
                continue
            if DAEMON is harness.OURS and case.get("reference_daemon_only"):
                continue
            if DAEMON is harness.REFERENCE and case.get("our_daemon_only"):
                continue
            reason = cannot_run(case)
            if reason:
                print("left out: %s %s" % (case["id"], reason))
                continue
            cases.append(runner.with_our_decisions(case))
        self.assertTrue(cases, "no case")
        wrong = {}
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            for part in pool.map(run_together, batches(cases)):
                wrong.update(part)
        report = "\n".join("%s\n  %s" % item for item in sorted(wrong.items()))
        self.assertFalse(wrong, "%d of %d cases differ:\n%s" % (len(wrong), len(cases), report))
        print("%d cases, daemon: %s" % (len(cases), DAEMON))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=0)
