# SPDX-License-Identifier: MIT
"""The same life of programs under the reference and under ours: the same events, byte by byte.

A recorder listens to everything. What differs by nature is masked: pids, serials, and tokens
that we add behind the reference's (bytelen, exitstatus). Events of different programs may
interleave differently, so sequences are compared per program, and the daemon's own per kind.
"""

import json
import os
import re
import signal
import sys
import unittest

import harness
from harness import SystemTest, wait_until

LISTENERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "listeners")
BEGIN, END = "<!--XSUPERVISOR:BEGIN-->", "<!--XSUPERVISOR:END-->"

RECORDER = """
[eventlistener:recorder]
command=%s %s/recorder.py @DIR@/events
events=EVENT
buffer_size=1000
autorestart=true
""" % (sys.executable, LISTENERS)


def record_of(daemon):
    """The events heard so far as (eventname, payload)."""
    events = []
    for line in daemon.read("events").splitlines():
        header, payload = json.loads(line)
        events.append((re.search(r"eventname:(\S+)", header).group(1), payload))
    return events


def heard(daemon, name, *words):
    return [payload for event, payload in record_of(daemon)
            if event == name and all(word in payload for word in words)]


def wait_heard(daemon, name, *words, count=1):
    return wait_until(lambda: len(heard(daemon, name, *words)) >= count,
                      lambda: "%s %s among %s\n%s" % (name, words, record_of(daemon),
                                                      daemon.describe()))


def mask(payload):
    payload = re.sub(r" exitstatus:-?\d+$", "", payload)
    return re.sub(r"\bpid:[1-9]\d*", "pid:PID", payload)


def of_program(daemon, program):
    return ["%s %s" % (event, mask(payload)) for event, payload in record_of(daemon)
            if re.search(r"(^| )processname:%s " % program, payload)]


class EventsDiff(SystemTest):
    def compare(self, config, scenario, **options):
        reference, ours = self.both(RECORDER + config, scenario, **options)
        return reference

    def test_states_of_every_kind(self):
        config = """
[program:steady]
command=@CHILD@ forever
[program:quick]
command=@CHILD@ exit 0
startsecs=0
autorestart=false
[program:three]
command=@CHILD@ sleep 1.5 exit 3
autorestart=false
[program:bad]
command=@CHILD@ exit 1
startsecs=5
startretries=1
autorestart=false
[program:missing]
command=/nonexistent/program
startretries=0
[program:signalled]
command=@CHILD@ sleep 1.5 kill 9
autorestart=false
[program:stubborn]
command=@CHILD@ ignore 15 forever
stopwaitsecs=1
[program:late]
command=@CHILD@ sleep 1.3
autostart=false
autorestart=false
[group:pair]
programs=one
[program:one]
command=@CHILD@ forever
process_name=%(program_name)s_%(process_num)d
numprocs=2
"""
        programs = ("steady", "quick", "three", "bad", "missing", "signalled", "stubborn", "late",
                    "one_0", "one_1")

        def scenario(daemon):
            rpc = daemon.rpc.supervisor
            wait_heard(daemon, "PROCESS_STATE_RUNNING", "processname:steady ")
            wait_heard(daemon, "PROCESS_STATE_RUNNING", "processname:stubborn ")
            wait_heard(daemon, "PROCESS_STATE_RUNNING", "processname:one_1 ")
            wait_heard(daemon, "PROCESS_STATE_FATAL", "processname:bad ")
            wait_heard(daemon, "PROCESS_STATE_FATAL", "processname:missing ")
            wait_heard(daemon, "PROCESS_STATE_EXITED", "processname:three ")
            wait_heard(daemon, "PROCESS_STATE_EXITED", "processname:signalled ")
            rpc.stopProcess("steady")
            rpc.startProcess("steady")
            rpc.stopProcess("stubborn")
            rpc.stopProcessGroup("pair")
            rpc.startProcess("late")
            wait_heard(daemon, "PROCESS_STATE_EXITED", "processname:late ")
            self.assertEqual(harness.fault_of(rpc.startProcess, "bad"), 50)
            wait_heard(daemon, "PROCESS_STATE_FATAL", "processname:bad ", count=2)
            return {program: of_program(daemon, program) for program in programs}

        events = self.compare(config, scenario)
        # what both agree on must also be what happened
        self.assertEqual(events["three"], [
            "PROCESS_STATE_STARTING processname:three groupname:three from_state:STOPPED tries:0",
            "PROCESS_STATE_RUNNING processname:three groupname:three from_state:STARTING pid:PID",
            "PROCESS_STATE_EXITED processname:three groupname:three from_state:RUNNING expected:0 "
            "pid:PID"])
        self.assertEqual(len(events["bad"]), 10)

    def test_output_and_captures(self):
        config = """
[program:talker]
command=@CHILD@ until @DIR@/go1 say plain until @DIR@/go2 err oops until @DIR@/go3 say %(text)s until @DIR@/go4 err %(text)s until @DIR@/go5 say caf\u00e9 forever
stdout_events_enabled=true
stderr_events_enabled=true
stdout_capture_maxbytes=1KB
stderr_capture_maxbytes=1KB
[program:quiet]
command=@CHILD@ say nobody-hears-this forever
[program:joined]
command=@CHILD@ say joined-out err joined-err forever
stdout_events_enabled=true
redirect_stderr=true
""" .replace("%(text)s", "before-the-captured-text-" + BEGIN + "captured" + END
             + "-behind-it-long-enough-to-show")

        def scenario(daemon):
            wait_heard(daemon, "PROCESS_STATE_RUNNING", "processname:talker ")
            daemon.write("go1", "")
            daemon.write("go2", "")
            wait_heard(daemon, "PROCESS_STATE_RUNNING", "processname:quiet ")
            daemon.write("go3", "")
            wait_heard(daemon, "PROCESS_COMMUNICATION_STDOUT", "captured")
            daemon.write("go4", "")
            wait_heard(daemon, "PROCESS_COMMUNICATION_STDERR", "captured")
            daemon.write("go5", "")
            wait_heard(daemon, "PROCESS_LOG_STDOUT", "joined-err")
            # Pieces depend on timing, and on how long a tag-like tail is held back: join them.
            result = {}
            for channel in ("STDOUT", "STDERR"):
                result[channel + " comm"] = [
                    mask(p) for p in heard(daemon, "PROCESS_COMMUNICATION_" + channel)]
                for program in ("talker", "joined", "quiet"):
                    pieces = heard(daemon, "PROCESS_LOG_" + channel, "processname:%s " % program)
                    heads = sorted({mask(p.split("\n", 1)[0]) for p in pieces})
                    text = "".join(p.split("\n", 1)[1] for p in pieces)
                    result[channel + program] = heads, text.split("-behind-it")[0]
            return result

        both = self.compare(config, scenario)
        self.assertEqual(both["STDOUT comm"],
                         ["processname:talker groupname:talker pid:PID\ncaptured"])

    def test_remote_groups_and_the_daemon_s_own(self):
        base = """
[program:first]
command=@CHILD@ forever
autostart=false
"""
        extra = """
[program:extra]
command=@CHILD@ forever
autostart=false
"""

        def scenario(daemon):
            rpc = daemon.rpc.supervisor
            wait_heard(daemon, "PROCESS_STATE_RUNNING", "processname:recorder ")
            for kind, data in (("a", "b"), ("my type", "some\ndata"), ("", ""),
                               ("caf\u00e9", "d\u00e9j\u00e0 \U0001f600"), ("5", "[1]")):
                rpc.sendRemoteCommEvent(kind, data)
            wait_heard(daemon, "REMOTE_COMMUNICATION", "type:5")
            daemon.write_config(RECORDER + base + extra)
            rpc.reloadConfig()
            rpc.addProcessGroup("extra")
            wait_heard(daemon, "PROCESS_GROUP_ADDED", "groupname:extra")
            rpc.removeProcessGroup("extra")
            wait_heard(daemon, "PROCESS_GROUP_REMOVED", "groupname:extra")
            names = ("REMOTE_COMMUNICATION", "PROCESS_GROUP_ADDED", "PROCESS_GROUP_REMOVED",
                     "SUPERVISOR_STATE_CHANGE_RUNNING")
            return [event for event in record_of(daemon) if event[0] in names]

        events = self.compare(base, scenario)
        self.assertEqual(events[0], ("PROCESS_GROUP_ADDED", "groupname:recorder\n"))
        self.assertIn(("SUPERVISOR_STATE_CHANGE_RUNNING", ""), events)
        self.assertEqual(events[-1], ("PROCESS_GROUP_REMOVED", "groupname:extra\n"))

    def test_the_start_is_told_in_order(self):
        config = """
[program:cat]
command=@CHILD@ forever
[program:split]
command=@CHILD@ forever
autostart=false
"""

        def scenario(daemon):
            wait_heard(daemon, "PROCESS_STATE_RUNNING", "processname:cat ")
            wait_heard(daemon, "PROCESS_STATE_RUNNING", "processname:recorder ")
            headers = [json.loads(line)[0] for line in daemon.read("events").splitlines()]
            headers = [h for h in headers if "eventname:TICK" not in h]
            # RUNNING of the two programs comes in the order of their timers
            names = [re.search(r"eventname:(\S+)", h).group(1) for h in headers]
            sent = [re.sub(r" bytelen:\d+$", "", h) for h in headers[:4]]
            return sent, names

        sent, names = self.compare(config, scenario)
        self.assertEqual(sent[0], "ver:3.0 server:supervisor serial:0 pool:recorder poolserial:0 "
                                  "eventname:PROCESS_GROUP_ADDED len:19")
        self.assertEqual(names, ["PROCESS_GROUP_ADDED"] * 3 + ["SUPERVISOR_STATE_CHANGE_RUNNING"]
                         + ["PROCESS_STATE_STARTING"] * 2 + ["PROCESS_STATE_RUNNING"] * 2)

    def test_ticks_are_multiples_of_their_period(self):
        def scenario(daemon):
            wait_heard(daemon, "TICK_5", count=2)
            ticks = [int(re.fullmatch(r"when:(\d+)", p).group(1)) for p in heard(daemon, "TICK_5")]
            return [t % 5 for t in ticks][:2], ticks[1] - ticks[0]

        self.assertEqual(self.compare("", scenario), ([0, 0], 5))

    def test_the_end_is_told(self):
        config = """
[program:steady]
command=@CHILD@ ignore 15 forever
stopwaitsecs=3
"""

        def scenario(daemon):
            wait_heard(daemon, "PROCESS_STATE_RUNNING", "processname:steady ")
            wait_heard(daemon, "PROCESS_STATE_RUNNING", "processname:recorder ")
            daemon.kill_daemon(signal.SIGTERM)
            daemon.wait_exit()
            events = of_program(daemon, "steady")[:3]  # STOPPED may come too late for the listener
            return heard(daemon, "SUPERVISOR_STATE_CHANGE_STOPPING"), events

        stopping, events = self.compare(config, scenario)
        self.assertEqual(stopping, [""])
        self.assertIn("PROCESS_STATE_STOPPING processname:steady groupname:steady "
                      "from_state:RUNNING pid:PID", events)

    def test_a_backoff_that_is_stopped(self):
        config = """
[program:bad]
command=@CHILD@ sleep 0.2 exit 1
startsecs=5
startretries=50
autostart=false
"""

        def scenario(daemon):
            rpc = daemon.rpc.supervisor
            wait_heard(daemon, "PROCESS_STATE_RUNNING", "processname:recorder ")
            rpc.startProcess("bad", False)
            # BACKOFF 3 lasts three seconds
            wait_heard(daemon, "PROCESS_STATE_BACKOFF", "tries:3")
            rpc.stopProcess("bad")
            wait_heard(daemon, "PROCESS_STATE_STOPPED", "processname:bad ")
            return of_program(daemon, "bad")

        events = self.compare(config, scenario)
        self.assertEqual(events[-1], "PROCESS_STATE_STOPPED processname:bad groupname:bad "
                                     "from_state:BACKOFF pid:0")


class Serials(SystemTest):
    """Numbers of our own daemon: without gaps, one for all pools."""

    def test_serials_have_no_gaps_and_are_the_same_in_every_pool(self):
        second = RECORDER.replace(":recorder", ":second").replace("@DIR@/events", "@DIR@/second")
        with harness.Daemon(RECORDER + second) as daemon:
            for i in range(200):
                daemon.rpc.supervisor.sendRemoteCommEvent("n", str(i))
            wait_heard(daemon, "REMOTE_COMMUNICATION", "\n199")
            wait_until(lambda: "\\n199" in daemon.read("second"), "the other pool's events")
            seen = {}
            for name in ("events", "second"):
                headers = [json.loads(line)[0] for line in daemon.read(name).splitlines()]
                serials = [int(re.search(r" serial:(\d+)", h).group(1)) for h in headers]
                numbers = [int(re.search(r" poolserial:(\d+)", h).group(1)) for h in headers]
                self.assertEqual(numbers, list(range(len(numbers))))
                self.assertEqual(serials, list(range(serials[0], serials[0] + len(serials))))
                seen[name] = dict(zip(serials, (re.search(r"eventname:\S+", h).group(0)
                                                for h in headers)))
            for serial in seen["events"].keys() & seen["second"].keys():
                self.assertEqual(seen["events"][serial], seen["second"][serial])


if __name__ == "__main__":
    harness.main()
