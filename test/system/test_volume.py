# SPDX-License-Identifier: MIT
"""Many programs at once: nothing lost, nobody slow, no wake-up without a reason.

SUPERVISOR_TEST_SCALE multiplies programs and durations (default 1; 3 and more for long runs).
"""

import contextlib
import os
import random
import signal
import threading
import time
import unittest

from harness import PATIENCE, Daemon, SystemTest, better_than_reference, is_alive, main, read_text, wait_until

SCALE = float(os.environ.get("SUPERVISOR_TEST_SCALE", "1"))
if os.environ.get("SUPERVISOR_TEST_SANITIZED"):
    SCALE /= 3


def scaled(number):
    return max(1, int(number * SCALE))


class Asker:
    """Asks the daemon for its processes all the time; remembers the slowest answer."""

    def __init__(self, daemon):
        self.rpc = daemon.new_rpc()
        self.slowest = 0.0
        self.count = 0
        self.problem = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            while not self.ended.is_set():
                begin = time.monotonic()
                self.rpc.supervisor.getAllProcessInfo()
                self.slowest = max(self.slowest, time.monotonic() - begin)
                self.count += 1
                time.sleep(0.05)
        except Exception as problem:
            self.problem = problem

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        if self.problem:
            raise self.problem


def voluntary_switches(pid):
    """How often each thread of the process went to sleep so far."""
    counts = {}
    for task in os.listdir("/proc/%d/task" % pid):
        text = read_text("/proc/%d/task/%s/status" % (pid, task))
        for line in text.splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                counts[task] = int(line.split()[1])
    return counts


class Volume(SystemTest):
    def logged_numbers(self, daemon, name):
        """The numbers in a program's log and its backups, oldest file first."""
        files = [f for f in os.listdir(daemon.dir) if f == name or f.startswith(name + ".")]
        files.sort(key=lambda f: -int(f.rsplit(".", 1)[1]) if f != name else 1)
        text = "".join(daemon.read(f) for f in files)
        self.assertTrue(text.endswith("\n") or not text)
        return [int(line.split()[1]) for line in text.splitlines()]

    def test_no_line_is_missing_with_rotation_on(self):
        programs, lines = scaled(300), scaled(400)
        config = ("[program:w]\ncommand=@CHILD@ lines %d 100 row%%(process_num)03d\n"
                  "process_name=w%%(process_num)03d\nnumprocs=%d\nstartsecs=0\nautorestart=false\n"
                  "stdout_logfile=@DIR@/w%%(process_num)03d.log\nstdout_logfile_maxbytes=1KB\n"
                  "stdout_logfile_backups=100\n" % (lines, programs))
        with Daemon(config) as d:
            with Asker(d) as asker:
                wait_until(lambda: set(d.states().values()) == {"EXITED"}, "the end of all programs",
                           timeout=120, pause=0.5)
            self.assertGreater(asker.count, 10)
            # A stalled main thread would take as long as the programs.
            self.assertLess(asker.slowest, 5 * PATIENCE)
            for n in range(programs):
                numbers = self.logged_numbers(d, "w%03d.log" % n)
                self.assertEqual(numbers, list(range(lines)), "program %d" % n)
            backups = [f for f in os.listdir(d.dir) if f.startswith("w000.log.")]
            # Short runs (under a sanitizer) may not fill one file.
            if lines * len("row000 0\n") > 2 * 1024:
                self.assertGreater(len(backups), 0)

    def test_a_flood_is_stored_to_the_last_byte(self):
        count = scaled(50) * 1000 * 1000
        config = ("[program:f]\ncommand=@CHILD@ bytes %d\nstartsecs=0\nautorestart=false\n"
                  "stdout_logfile=@DIR@/f.log\nstdout_logfile_maxbytes=0\n" % count)
        with Daemon(config) as d:
            d.wait_state("f", "EXITED")
            wait_until(lambda: os.path.getsize(d.path("f.log")) == count,
                       lambda: "all bytes; %d of %d" % (os.path.getsize(d.path("f.log")), count), timeout=20)

    def test_a_flooding_program_delays_nobody(self):
        config = ("[program:flood]\ncommand=@CHILD@ flood\nstdout_logfile=@DIR@/flood.log\n"
                  "stdout_logfile_maxbytes=1MB\nstdout_logfile_backups=1\n"
                  "[program:quiet]\ncommand=@CHILD@ echo\nstdout_logfile=@DIR@/quiet.log\n")
        with Daemon(config) as d:
            d.wait_states({"flood": "RUNNING", "quiet": "RUNNING"})
            for n in range(20):
                d.rpc.supervisor.sendProcessStdin("quiet", "line %d\n" % n)
                wait_until(lambda: d.read("quiet.log").endswith("line %d\n" % n), "the echo", timeout=20)
            d.rpc.supervisor.stopProcess("flood")
            self.assertEqual(d.state("flood"), "STOPPED")


class Storms(SystemTest):
    def test_a_killed_program_is_running_again(self):
        config = "[program:a]\ncommand=@CHILD@ forever\nstartsecs=0\nautorestart=true\n"
        with Daemon(config) as d:
            for _ in range(20):
                pid = d.wait_state("a", "RUNNING")["pid"]
                os.kill(pid, signal.SIGKILL)
                wait_until(lambda: d.info("a")["pid"] not in (0, pid), "a new process")
            self.assertEqual(len(d.logged(r"^exited: a \(terminated by SIGKILL; not expected\)$")), 20)

    def test_a_storm_of_kills_leaves_every_program_running(self):
        programs = scaled(100)
        config = ("[program:s]\ncommand=@CHILD@ forever\nprocess_name=s%%(process_num)03d\nnumprocs=%d\n"
                  "startsecs=0\nautorestart=true\n" % programs)
        chance = random.Random(4)
        with Daemon(config) as d:
            wait_until(lambda: set(d.states().values()) == {"RUNNING"}, "all running")
            kills = 0
            with Asker(d) as asker:
                end = time.monotonic() + 5 * max(1, SCALE)
                while time.monotonic() < end:
                    infos = [i for i in d.rpc.supervisor.getAllProcessInfo() if i["pid"]]
                    for info in chance.sample(infos, min(len(infos), 20)):
                        # Only what is still a child of this daemon.
                        if _parent(info["pid"]) == d.pid:
                            with contextlib.suppress(ProcessLookupError):
                                os.kill(info["pid"], signal.SIGKILL)
                                kills += 1
            self.assertGreater(kills, 50)
            self.assertLess(asker.slowest, 5 * PATIENCE)
            wait_until(lambda: all(i["statename"] == "RUNNING" and is_alive(i["pid"])
                                   for i in d.rpc.supervisor.getAllProcessInfo()), "all running again")
            pids = {i["pid"] for i in d.rpc.supervisor.getAllProcessInfo()}
            self.assertEqual(len(pids), programs)
            wait_until(lambda: {pid for pid, _ in d.children()} == pids, "no child but those")

    def test_a_hundred_crash_loops_do_not_deafen_the_daemon(self):
        programs = scaled(100)
        config = ("[program:c]\ncommand=@CHILD@ exit 1\nprocess_name=c%%(process_num)03d\nnumprocs=%d\n"
                  "startsecs=0\nautorestart=true\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
                  "[program:calm]\ncommand=@CHILD@ forever\n" % programs)
        with Daemon(config) as d:
            with Asker(d) as asker:
                wait_until(lambda: len(d.logged("^exited: c")) > 5 * programs, "many crashes", pause=0.5)
                d.wait_state("calm", "RUNNING")
                d.rpc.supervisor.stopProcess("calm")
                d.rpc.supervisor.startProcess("calm")
            self.assertLess(asker.slowest, 5 * PATIENCE)
            d.rpc.supervisor.stopProcessGroup("c")
            wait_until(lambda: not [pid for pid, _ in d.children() if pid != d.info("calm")["pid"]], "no child left")

    def test_quick_exits_are_never_lost(self):
        programs = scaled(200)
        config = ("[program:t]\ncommand=/bin/true\nprocess_name=t%%(process_num)03d\nnumprocs=%d\n"
                  "startsecs=0\nautorestart=false\nautostart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n" % programs)
        with Daemon(config) as d:
            for _ in range(3):
                d.rpc.supervisor.startProcessGroup("t")
                wait_until(lambda: set(d.states().values()) == {"EXITED"}, "every end seen")
            self.assertEqual({i["exitstatus"] for i in d.rpc.supervisor.getAllProcessInfo()}, {0})
            self.assertEqual(len(d.logged("^spawned: 't")), 3 * programs)
            self.assertEqual(len(d.logged("^exited: t")), 3 * programs)
            wait_until(lambda: not d.children(), "no child left")


class Idle(SystemTest):
    @unittest.skipIf(os.environ.get("SUPERVISOR_TEST_SANITIZED", "").startswith("t"),
                     "ThreadSanitizer's own thread wakes up ten times a second")
    @better_than_reference
    def test_an_idle_daemon_does_not_wake_up(self):
        config = ("[program:i]\ncommand=/bin/sleep 100000\nprocess_name=i%%(process_num)03d\nnumprocs=%d\n"
                  "startsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n" % scaled(300))
        with Daemon(config, inet=True) as d:
            wait_until(lambda: set(d.states().values()) == {"RUNNING"}, "all running")
            d.rpc("close")()
            d._rpc = None

            def quiet_for_seconds():
                before = voluntary_switches(d.pid)
                time.sleep(4)
                after = voluntary_switches(d.pid)
                self.last = {task: (before.get(task), after[task]) for task in after if after[task] != before.get(task)}
                return not self.last

            # It may settle for a while after the start; then it must be silent.
            wait_until(quiet_for_seconds, lambda: "silence; threads that woke up: %s" % self.last, timeout=30)


def _parent(pid):
    for line in read_text("/proc/%d/status" % pid).splitlines():
        if line.startswith("PPid:"):
            return int(line.split()[1])
    return None


if __name__ == "__main__":
    main()
