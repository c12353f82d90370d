# SPDX-License-Identifier: MIT
"""System calls of the daemon fail, one kind after the other and all at random.

The daemon has to go on, say what failed, keep what it holds, and be as before when the trouble ends.
The faults come from faults.c, preloaded into the daemon alone.
"""

import errno
import mmap
import os
import random
import struct
import time
import unittest
import xmlrpc.client

from harness import OURS, UNDER_TEST, Daemon, SystemTest, _newest_build, fault_of, main, wait_until

LIBRARY = os.environ.get("TEST_FAULTS") or _newest_build("libtest_faults.so")
CALLS = ("open", "write", "pipe", "vfork", "malloc", "epoll", "accept", "rename", "thread", "clock")
SLOT = struct.Struct("=IiiII")

PROGRAMS = """
[program:chatty]
command=@CHILD@ lines 100000000 300 line
stdout_logfile=@DIR@/chatty.log
stdout_logfile_maxbytes=2KB
stdout_logfile_backups=3
[program:calm]
command=@CHILD@ forever
[program:crash]
command=@CHILD@ sleep 0.05 exit 1
startsecs=0
autorestart=true
stdout_logfile=NONE
stderr_logfile=NONE
[program:asked]
command=@CHILD@ say hello forever
autostart=false
startsecs=0
startretries=1000000
"""


class Faults:
    """The memory shared with the library in the daemon."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as stream:
            stream.write(b"\0" * SLOT.size * len(CALLS))
        with open(path, "r+b") as stream:
            self.memory = mmap.mmap(stream.fileno(), SLOT.size * len(CALLS))

    def set(self, call, one_in, error, left):
        at = CALLS.index(call) * SLOT.size
        # Number and error first: left switches the slot on.
        self.memory[at:at + 8] = struct.pack("=Ii", one_in, error)
        self.memory[at + 8:at + 12] = struct.pack("=i", left)

    def end(self):
        for call in CALLS:
            self.set(call, 1, errno.EIO, 0)

    def failed(self, call):
        return SLOT.unpack_from(self.memory, CALLS.index(call) * SLOT.size)[4]


@unittest.skipUnless(os.path.exists(LIBRARY), "no fault injector in this build")
@unittest.skipIf(os.environ.get("SUPERVISOR_TEST_SANITIZED"),
                 "the injector and a sanitizer both have to stand directly before the C library")
@unittest.skipIf(UNDER_TEST is not OURS, "the reference is a program of an interpreter")
class FailingCalls(SystemTest):
    def daemon_with_faults(self):
        d = Daemon(PROGRAMS)
        self.faults = Faults(d.path("faults"))
        d.env.update({"LD_PRELOAD": LIBRARY, "FAULTS_FILE": self.faults.path, "FAULTS_PROGRAM": "supervisord"})
        return d

    def call(self, d, method, *args):
        """A call that may fail in any way that a client can bear; None then."""
        try:
            return getattr(d.rpc.supervisor, method)(*args)
        except (xmlrpc.client.Fault, xmlrpc.client.ProtocolError, OSError, EOFError):
            d._rpc = None
        except Exception as problem:
            # http.client and expat have many words for an answer that ends early.
            d._rpc = None
            self.assertTrue(type(problem).__module__.split(".")[0] in ("http", "xml"), problem)
        return None

    def trouble(self, d, seconds=2.0):
        """What an operator does meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.assertTrue(d.is_running(), d.describe())
            d._rpc = None  # a new connection each time
            self.call(d, "getAllProcessInfo")
            self.call(d, "startProcess", "asked", False)
            self.call(d, "stopProcess", "asked", False)
            self.call(d, "tailProcessStdoutLog", "chatty", 0, 1000)
            self.call(d, "reloadConfig")
            time.sleep(0.01)

    def check_all_is_well(self, d, descriptors, threads):
        d._rpc = None
        wait_until(d.answers, lambda: "an answer\n" + d.describe())
        for name in ("calm", "chatty", "asked"):
            if d.state(name) != "RUNNING":
                fault_of(d.rpc.supervisor.startProcess, name, False)
            d.wait_state(name, "RUNNING", timeout=120)
        crashes = len(d.logged("^exited: crash"))
        if d.state("crash") == "FATAL":
            d.rpc.supervisor.startProcess("crash", False)
        d.wait_logged("^exited: crash", crashes + 3, timeout=120)
        before = d.rpc.supervisor.tailProcessStdoutLog("chatty", 0, 10)
        wait_until(lambda: d.rpc.supervisor.tailProcessStdoutLog("chatty", 0, 10) != before, "more output")
        d.rpc.supervisor.stopProcess("asked")
        wait_until(lambda: len(d.descriptors()) <= descriptors + 8 and len(d.threads()) <= threads,
                   lambda: "no descriptor or thread lost: %d now %d, %d now %d" % (
                       descriptors, len(d.descriptors()), threads, len(d.threads())))
        d.rpc.supervisor.stopProcess("chatty")
        account = d.get_json("/api/v1/processes/chatty")["log"]["stdout"]
        self.assertEqual(account["bytes_read"], account["bytes_stored"] + account["bytes_dropped"])

    def check_call(self, call, one_in, error, left=100000, at_least=1, told=None):
        with self.daemon_with_faults() as d:
            d.wait_states({"chatty": "RUNNING", "calm": "RUNNING"})
            wait_until(lambda: os.path.exists(d.path("chatty.log.3")), "rotations")
            calm = d.info("calm")["pid"]
            descriptors, threads = len(d.descriptors()), len(d.threads())
            self.faults.set(call, one_in, error, left)
            self.trouble(d)
            self.faults.end()
            self.assertGreaterEqual(self.faults.failed(call), at_least)
            self.check_all_is_well(d, descriptors, threads)
            # Who was not concerned has not noticed.
            self.assertEqual(d.info("calm")["pid"], calm)
            if told:
                self.assertTrue(d.logged(told), d.log_text()[-3000:])

    def test_open_fails_for_want_of_descriptors(self):
        self.check_call("open", 1, errno.EMFILE)

    def test_open_fails_now_and_then(self):
        self.check_call("open", 3, errno.ENFILE)

    def test_open_is_denied(self):
        self.check_call("open", 2, errno.EACCES)

    def test_write_meets_a_full_disk(self):
        self.check_call("write", 1, errno.ENOSPC, told=None)

    def test_write_fails_now_and_then(self):
        self.check_call("write", 5, errno.EIO)

    def test_write_is_interrupted(self):
        self.check_call("write", 2, errno.EINTR)

    def test_pipes_cannot_be_made(self):
        self.check_call("pipe", 1, errno.EMFILE, told="too many open files to spawn|unknown error making dispatchers")

    def test_processes_cannot_be_made(self):
        self.check_call("vfork", 1, errno.EAGAIN, told="Too many processes in process table to spawn")

    def test_processes_cannot_be_made_now_and_then(self):
        self.check_call("vfork", 2, errno.ENOMEM, told="unknown error during fork for .*ENOMEM")

    def test_memory_is_short(self):
        for one_in in (7, 40, 200):
            with self.subTest(one_in=one_in):
                self.check_call("malloc", one_in, errno.ENOMEM)

    def test_nothing_can_be_watched(self):
        self.check_call("epoll", 1, errno.ENOSPC, at_least=1)

    def test_clients_cannot_be_accepted(self):
        self.check_call("accept", 1, errno.EMFILE, left=2000, at_least=1)

    def test_clients_cannot_be_accepted_now_and_then(self):
        self.check_call("accept", 2, errno.ECONNABORTED)

    def test_files_cannot_be_renamed(self):
        self.check_call("rename", 1, errno.EACCES)

    def test_files_cannot_be_renamed_now_and_then(self):
        self.check_call("rename", 2, errno.EIO)

    def test_a_worker_cannot_be_made(self):
        with self.daemon_with_faults() as d:
            d.wait_states({"chatty": "RUNNING", "calm": "RUNNING"})
            d.write_config(PROGRAMS + "[program:new]\ncommand=@CHILD@ forever\nstartsecs=0\n")
            d.rpc.supervisor.reloadConfig()
            self.faults.set("thread", 1, errno.EAGAIN, 1000)
            self.call(d, "addProcessGroup", "new")
            self.faults.end()
            self.assertGreaterEqual(self.faults.failed("thread"), 1)
            self.assertEqual(d.state("calm"), "RUNNING")
            d.wait_logged("^could not start a thread for 'new'")
            # It says so to whoever asks for it, and comes back when it is added again.
            self.assertIsNotNone(fault_of(d.rpc.supervisor.startProcess, "new"))
            d.rpc.supervisor.removeProcessGroup("new")
            d.rpc.supervisor.addProcessGroup("new")
            d.wait_state("new", "RUNNING")

    def test_the_wall_clock_jumps(self):
        with self.daemon_with_faults() as d:
            d.wait_states({"chatty": "RUNNING", "calm": "RUNNING"})
            calm = d.info("calm")["pid"]
            for jump in (86400 * 400, -86400 * 400, 3600, -5 * 3600):
                self.faults.set("clock", 1, jump, 1)
                wait_until(lambda: abs(d.info("calm")["now"] - time.time() - jump) < 600, "the jump")
                # Waits, pauses and limits are measured on the other clock.
                begin = time.monotonic()
                fault_of(d.rpc.supervisor.startProcess, "asked")
                d.wait_state("asked", "RUNNING")
                d.rpc.supervisor.stopProcess("asked")
                self.assertLess(time.monotonic() - begin, 30)
                exits = len(d.logged("^exited: crash"))
                d.wait_logged("^exited: crash", exits + 2)
                self.assertEqual(d.info("calm")["pid"], calm)
                self.assertRegex(d.info("calm")["description"], r"^pid \d+, uptime (\d+ days?, )?\d+:\d\d:\d\d$")
            self.faults.end()
            self.check_all_is_well(d, len(d.descriptors()), len(d.threads()))

    def test_everything_fails_at_random(self):
        chance = random.Random(10)
        with self.daemon_with_faults() as d:
            d.wait_states({"chatty": "RUNNING", "calm": "RUNNING"})
            descriptors, threads = len(d.descriptors()), len(d.threads())
            errors = {"open": [errno.EMFILE, errno.EACCES, errno.EIO], "write": [errno.ENOSPC, errno.EIO, errno.EINTR],
                      "pipe": [errno.EMFILE, errno.ENFILE], "vfork": [errno.EAGAIN, errno.ENOMEM],
                      "malloc": [errno.ENOMEM], "epoll": [errno.ENOMEM, errno.ENOSPC],
                      "accept": [errno.EMFILE, errno.ECONNABORTED], "rename": [errno.EIO, errno.EROFS]}
            for _ in range(8):
                for call, choices in errors.items():
                    self.faults.set(call, chance.choice((1, 2, 5, 20, 100)) if call != "malloc" else
                                    chance.choice((10, 50, 500)), chance.choice(choices), chance.choice((0, 3, 50, 1000)))
                self.trouble(d, 0.7)
            self.faults.end()
            self.check_all_is_well(d, descriptors, threads)


if __name__ == "__main__":
    main()
