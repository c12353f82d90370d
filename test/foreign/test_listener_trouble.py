# SPDX-License-Identifier: MIT
"""A listener that is slow, silent, dead or babbling costs nobody else anything.

Cases of our own daemon: the reference loses events in some, stops in others, and ends in one.
"""

import json
import os
import re
import signal
import sys
import time
import xmlrpc.client

import harness
from harness import OURS, Daemon, SystemTest, better_than_reference, process_status, wait_until

LISTENERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "listeners")


def trouble(fault, extra="events=REMOTE_COMMUNICATION", name="trouble"):
    return """
[eventlistener:%s]
command=%s -u %s/trouble.py %s @DIR@/%s.record @DIR@/%s.flag
autorestart=true
startretries=100
stdout_logfile=NONE
stopwaitsecs=1
%s
""" % (name, sys.executable, LISTENERS, fault, name, name, extra)


def recorder(name, extra="events=EVENT"):
    return """
[eventlistener:%s]
command=%s %s/recorder.py @DIR@/%s.events
stdout_logfile=NONE
%s
""" % (name, sys.executable, LISTENERS, name, extra)


def records(daemon, name="trouble"):
    return daemon.read(name + ".record").splitlines()


def payloads(daemon, name, event="REMOTE_COMMUNICATION"):
    return [json.loads(line)[1] for line in daemon.read(name + ".events").splitlines()
            if "eventname:%s " % event in json.loads(line)[0]]


def resident_kib(pid):
    return int(process_status(pid)["VmRSS"].split()[0])


@better_than_reference
class ListenerTrouble(SystemTest):
    def run_daemon(self, config, **options):
        return Daemon(config, OURS, **dict({"loglevel": "debug"}, **options))

    def send(self, daemon, *texts):
        for text in texts:
            daemon.rpc.supervisor.sendRemoteCommEvent("t", text)

    def wait_records(self, daemon, count, name="trouble"):
        return wait_until(lambda: len(records(daemon, name)) >= count and records(daemon, name),
                          lambda: "%d records, not %s\n%s" % (count, records(daemon, name),
                                                              daemon.describe()))

    def test_an_event_survives_the_listener_that_had_it(self):
        with self.run_daemon(trouble("exit") + recorder("calm")) as daemon:
            daemon.wait_state("trouble", "RUNNING")
            self.send(daemon, "one", "two")
            got = self.wait_records(daemon, 3)
            self.assertEqual([g.split(" ", 1)[1] for g in got], ["type:t|one", "type:t|one",
                                                                 "type:t|two"])
            self.assertEqual(got[0], got[1])  # the same serial
            wait_until(lambda: len(payloads(daemon, "calm")) == 2, "the calm one's two events")

    def test_an_event_survives_a_listener_killed_while_busy(self):
        with self.run_daemon(trouble("hang") + recorder("calm")) as daemon:
            daemon.wait_state("trouble", "RUNNING")
            self.send(daemon, "one", "two")
            first = self.wait_records(daemon, 1)
            wait_until(lambda: len(payloads(daemon, "calm")) == 2, "the calm one's two events")
            self.assertEqual(records(daemon), first)  # silent, and nobody waits for it
            os.kill(daemon.info("trouble")["pid"], signal.SIGKILL)
            got = self.wait_records(daemon, 3)
            self.assertEqual(got[1], first[0])
            self.assertTrue(got[2].endswith("two"))

    def test_rejected_events_come_again_in_order_and_not_at_full_speed(self):
        with self.run_daemon(trouble("reject")) as daemon:
            daemon.wait_state("trouble", "RUNNING")
            before = time.monotonic()
            self.send(daemon, "one", "two")
            got = self.wait_records(daemon, 5)
            self.assertGreaterEqual(time.monotonic() - before, 0.1 + 0.2 + 0.4)
            self.assertEqual([g.split("|")[1] for g in got], ["one"] * 4 + ["two"])
            self.assertEqual(len(daemon.logged("^trouble: event was rejected$")), 3)

    def test_a_closed_stdin_harms_nobody(self):
        with self.run_daemon(trouble("closed") + recorder("calm")) as daemon:
            daemon.wait_state("trouble", "RUNNING")
            wait_until(lambda: os.path.exists(daemon.path("trouble.flag")), "the closed stdin")
            self.send(daemon, "one")
            daemon.wait_logged("epipe occurred while sending event \\d+ to listener trouble, "
                               "listener state unchanged")
            wait_until(lambda: len(payloads(daemon, "calm")) == 1, "the calm one's event")
            self.assertEqual(daemon.state("trouble"), "RUNNING")
            daemon.rpc.supervisor.stopProcess("trouble")
            daemon.rpc.supervisor.startProcess("trouble")
            self.assertTrue(self.wait_records(daemon, 1)[0].endswith("one"))

    def test_who_answers_without_reading_is_given_up(self):
        with self.run_daemon(trouble("deaf", "events=REMOTE_COMMUNICATION\nbuffer_size=20")
                             + recorder("calm")) as daemon:
            daemon.wait_state("trouble", "RUNNING")
            self.send(daemon, *["%02d" % i + "x" * 300000 for i in range(20)])
            daemon.wait_logged("trouble: does not read its events, \\d+ bytes are waiting")
            daemon.wait_logged("trouble: has entered the UNKNOWN state and will no longer")
            wait_until(lambda: len(payloads(daemon, "calm")) == 20, "the calm one's events")
            self.assertEqual(daemon.state("trouble"), "RUNNING")

    def test_a_babbling_listener_is_unknown_and_the_daemon_answers(self):
        with self.run_daemon(trouble("babble"), loglevel="info") as daemon:
            daemon.wait_logged("trouble: has entered the UNKNOWN state")
            for _ in range(50):
                before = time.monotonic()
                self.assertEqual(daemon.rpc.supervisor.getState()["statename"], "RUNNING")
                self.assertLess(time.monotonic() - before, 2 * harness.PATIENCE)
            self.assertEqual(len(daemon.logged("has entered the UNKNOWN state")), 1)
            daemon.wait_state("trouble", "RUNNING")

    def test_a_babbling_listener_is_restarted_where_that_is_wanted(self):
        with self.run_daemon(trouble("babble", "events=REMOTE_COMMUNICATION\n"
                                     "restart_on_protocol_error=true")) as daemon:
            daemon.wait_logged("trouble: has entered the UNKNOWN state")
            self.send(daemon, "one")
            self.assertTrue(self.wait_records(daemon, 1)[0].endswith("one"))

    def test_an_overflow_is_told_and_counted(self):
        extra = "events=REMOTE_COMMUNICATION\nbuffer_size=2"
        with self.run_daemon(trouble("hang", extra)) as daemon:
            daemon.wait_state("trouble", "RUNNING")
            self.send(daemon, "first")
            serial = int(self.wait_records(daemon, 1)[0].split()[0])
            self.send(daemon, *["%d" % i for i in range(1, 6)])
            found = daemon.wait_logged("pool trouble event buffer overflowed, discarding event",
                                       count=3)
            self.assertEqual(found, ["pool trouble event buffer overflowed, discarding event %d"
                                     % (serial + i) for i in (1, 2, 3)])
            self.send(daemon, *["more"] * 100)
            daemon.wait_logged("pool trouble event buffer overflowed, discarded 93 more events "
                               r"\(103 since the start\)")
            self.assertEqual(len(daemon.logged("discarding event")), 10)
            os.kill(daemon.info("trouble")["pid"], signal.SIGKILL)
            # The one it had needs room: the older of the two buffered ones goes.
            got = self.wait_records(daemon, 3)
            self.assertEqual([int(g.split()[0]) for g in got],
                             [serial, serial, serial + 105])

    def test_three_listeners_work_at_the_same_time(self):
        config = trouble("hang", "events=REMOTE_COMMUNICATION\nnumprocs=3\n"
                         "process_name=%(program_name)s_%(process_num)d")
        with self.run_daemon(config) as daemon:
            for i in range(3):
                daemon.wait_state("trouble:trouble_%d" % i, "RUNNING")
            self.send(daemon, "one", "two", "three", "four")
            got = self.wait_records(daemon, 3)
            self.assertEqual(sorted(g.split("|")[1] for g in got[:3]), ["one", "three", "two"])

    def test_a_pool_that_stops_first_still_hears_of_the_end(self):
        with self.run_daemon(recorder("only")) as daemon:
            wait_until(lambda: payloads(daemon, "only", "PROCESS_STATE_RUNNING"), "its own start")
            daemon.kill_daemon(signal.SIGTERM)
            daemon.wait_exit()
            self.assertEqual(payloads(daemon, "only", "SUPERVISOR_STATE_CHANGE_STOPPING"), [""])

    def test_a_silent_listener_does_not_hold_up_the_end(self):
        with self.run_daemon(trouble("hang", "events=EVENT")) as daemon:
            self.wait_records(daemon, 1)
            daemon.kill_daemon(signal.SIGTERM)
            before = time.monotonic()
            daemon.wait_exit()
            self.assertLess(time.monotonic() - before, 10 * max(1, harness.PATIENCE))

    def test_serials_go_on_over_a_restart_and_poolserials_begin_anew(self):
        with self.run_daemon(recorder("calm", "events=REMOTE_COMMUNICATION")) as daemon:
            daemon.wait_state("calm", "RUNNING")
            self.send(daemon, "one", "two")
            wait_until(lambda: len(payloads(daemon, "calm")) == 2, "two events")
            daemon.rpc.supervisor.restart()
            daemon.wait_logged("supervisord started with pid", count=2)
            wait_until(daemon.answers, "the daemon's answer")
            self.send(daemon, "three")
            wait_until(lambda: len(payloads(daemon, "calm")) == 3, "the third event")
            headers = [json.loads(line)[0] for line in daemon.read("calm.events").splitlines()]
            numbers = [tuple(int(n) for n in re.findall(r"serial:(\d+)", h)) for h in headers]
            self.assertEqual(numbers, [(0, 0), (1, 1), (2, 0)])

    def test_pools_are_added_and_removed_while_events_flow(self):
        base = recorder("calm", "events=REMOTE_COMMUNICATION")
        with self.run_daemon(base) as daemon:
            rpc = daemon.rpc.supervisor
            daemon.wait_state("calm", "RUNNING")
            self.send(daemon, "before")
            daemon.write_config(base + recorder("late", "events=REMOTE_COMMUNICATION"))
            rpc.reloadConfig()
            rpc.addProcessGroup("late")
            self.send(daemon, "both")
            wait_until(lambda: payloads(daemon, "late") == ["type:t\nboth"], "the late one's event")
            rpc.stopProcessGroup("late")
            rpc.removeProcessGroup("late")
            self.send(daemon, "after")
            wait_until(lambda: len(payloads(daemon, "calm")) == 3, "the calm one's three")
            self.assertEqual(payloads(daemon, "late"), ["type:t\nboth"])

    def test_lengths_in_bytes_where_that_is_asked_for(self):
        config = trouble("none", "events=REMOTE_COMMUNICATION\npayload_length=bytes")
        with self.run_daemon(config) as daemon:
            daemon.wait_state("trouble", "RUNNING")
            self.send(daemon, "caf\u00e9 \U0001f600", "plain")
            got = self.wait_records(daemon, 2)
            self.assertTrue(got[0].endswith("|caf\u00e9 \U0001f600"), got)
            self.assertTrue(got[1].endswith("|plain"), got)

    def test_events_are_not_paced(self):
        config = recorder("calm", "events=REMOTE_COMMUNICATION\nbuffer_size=10000")
        with Daemon(config, OURS) as daemon:
            daemon.wait_state("calm", "RUNNING")
            calls = xmlrpc.client.MultiCall(daemon.rpc)
            for i in range(4000):
                calls.supervisor.sendRemoteCommEvent("n", str(i))
            begin = time.monotonic()
            calls()
            wait_until(lambda: len(payloads(daemon, "calm")) == 4000, "4000 events")
            # Measured: 0.2 s. A pause of some milliseconds for each answer would be 16 s.
            self.assertLess(time.monotonic() - begin, 8 * max(1, harness.PATIENCE))

    def test_ten_thousand_changes_a_minute_with_one_pool_stuck(self):
        config = recorder("first", "events=PROCESS_STATE\nbuffer_size=20000")
        config += recorder("second", "events=PROCESS_STATE_EXITED")
        config += trouble("hang", "events=EVENT", name="stuck")
        config += """
[program:churn]
command=@CHILD@ sleep 0.3 exit 0
process_name=%(program_name)s_%(process_num)02d
numprocs=24
startsecs=0
autorestart=true
stdout_logfile=NONE
stderr_logfile=NONE
"""
        with Daemon(config, OURS) as daemon:
            wait_until(lambda: len(payloads(daemon, "first", "PROCESS_STATE_EXITED")) > 24,
                       "the first changes")
            memory = resident_kib(daemon.pid)
            lines = daemon.read("first.events").count("\n")
            begin = time.monotonic()
            slowest = 0.0
            seconds = 15
            while time.monotonic() < begin + seconds:
                before = time.monotonic()
                daemon.rpc.supervisor.getState()
                slowest = max(slowest, time.monotonic() - before)
                time.sleep(0.1)
            changes = daemon.read("first.events").count("\n") - lines
            grown = resident_kib(daemon.pid) - memory
            sys.stderr.write("%d changes in %d s, slowest answer %.0f ms, %d KiB grown ... "
                             % (changes, seconds, slowest * 1000, grown))
            self.assertLess(slowest, 1.0 * max(1, harness.PATIENCE))
            if not os.environ.get("SUPERVISOR_TEST_SANITIZED"):
                self.assertGreater(changes * 60 / seconds, 10000)
                self.assertLess(grown, 4096)
            # nothing was lost on the way to the two that listen
            exited = len(payloads(daemon, "first", "PROCESS_STATE_EXITED"))
            wait_until(lambda: len(payloads(daemon, "second", "PROCESS_STATE_EXITED")) >= exited,
                       "the second pool's events")
            self.assertFalse(daemon.logged("pool (first|second) event buffer overflowed"))
            self.assertTrue(daemon.logged("pool stuck event buffer overflowed"))
            serials = [int(re.search(r" poolserial:(\d+)", json.loads(line)[0]).group(1))
                       for line in daemon.read("first.events").splitlines()]
            self.assertEqual(serials, list(range(len(serials))))


if __name__ == "__main__":
    harness.main()
