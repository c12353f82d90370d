# SPDX-License-Identifier: MIT
"""What programs write: nothing lost, nobody held up, lines and files as the configuration asks."""

import glob
import gzip
import json
import os
import re
import signal
import stat
import subprocess
import time
import unittest

import harness
from harness import (Daemon, SystemTest, better_than_reference, main, needs_root, read_text,
                     wait_until)


def program(name, words, options=""):
    return "[program:%s]\ncommand=@CHILD@ %s\n%s\n" % (name, words, options)


def log_of(name, maxbytes="0", more=""):
    return "stdout_logfile=@DIR@/%s.log\nstdout_logfile_maxbytes=%s\n%s\n" % (name, maxbytes, more)


def all_text(d, name):
    """NAME.log.N[.gz] ... NAME.log.1 NAME.log as one text."""
    def number(path):
        found = re.search(r"\.log\.(\d+)(\.gz)?$", path)
        return int(found.group(1)) if found else 0

    text = b""
    for path in sorted(glob.glob(d.path(name + ".log*")), key=number, reverse=True):
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as stream:
            text += stream.read()
    return text.decode()


class StdoutPipe(Daemon):
    """A daemon whose standard output is a pipe in the test's hand."""

    def spawn(self):
        self.read_end, write_end = os.pipe()
        with open(self.stderr_path, "ab") as err:
            self.process = subprocess.Popen(self.argv(), stdin=subprocess.DEVNULL, stdout=write_end,
                                            stderr=err, cwd=self.dir, env=self.env)
        os.close(write_end)
        self.pid = self.process.pid
        return self

    def read_for(self, seconds):
        os.set_blocking(self.read_end, False)
        data = b""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                data += os.read(self.read_end, 1 << 20)
            except BlockingIOError:
                time.sleep(0.01)
        return data.decode(errors="replace")


class Pump(SystemTest):
    def test_every_line_is_in_the_files_once(self):
        n = 300000
        config = program("a", "lines %d 0 a forever" % n, log_of("a", "300KB", "stdout_logfile_backups=100"))
        with Daemon(config) as d:
            wait_until(lambda: all_text(d, "a").endswith("a %d\n" % (n - 1)), "the last line")
            self.assertEqual(all_text(d, "a"), "".join("a %d\n" % i for i in range(n)))
            for path in glob.glob(d.path("a.log.*")):
                with open(path, "rb") as stream:
                    data = stream.read()
                if harness.UNDER_TEST is harness.OURS:
                    self.assertTrue(data.endswith(b"\n"), path)
                    self.assertLess(len(data), 300 * 1024 + 100)

    @better_than_reference  # with an unread standard output it answers nothing
    def test_nobody_reads_standard_output(self):
        config = (program("loud", "flood", "stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0") +
                  program("other", "lines 1000 200 other forever", log_of("other")))
        with StdoutPipe(config) as d:
            d.wait_states({"loud": "RUNNING", "other": "RUNNING"})
            d.wait_logged(r"^'loud' stdout: cannot write /dev/stdout: .*; dropping output")
            wait_until(lambda: d.read("other.log").endswith("other 999\n"), "the other's lines")
            self.assertEqual(d.rpc.supervisor.getState()["statename"], "RUNNING")
            self.assertEqual(d.state("loud"), "RUNNING")
            seen = d.read_for(3)
            self.assertRegex(seen, r"\nsupervisor: \d+ bytes of output were lost here")
            d.wait_logged(r"^'loud' stdout: /dev/stdout works again, \d+ bytes of output were dropped")
            self.assertEqual(d.stop(), 0)
            os.close(d.read_end)

    @better_than_reference  # a log directory that goes takes all later output with it
    def test_a_log_directory_goes_and_comes_back(self):
        config = program("a", "lines 1000000 100 a", "stdout_logfile=@DIR@/logs/a.log")
        with Daemon(config, prepare=lambda d: os.mkdir(d.path("logs"))) as d:
            wait_until(lambda: "a 10\n" in d.read("logs/a.log"), "some lines")
            os.unlink(d.path("logs/a.log"))
            os.rmdir(d.path("logs"))
            d.wait_logged(r"^'a' stdout: cannot write .*/logs/a.log: No such file or directory; dropping")
            os.mkdir(d.path("logs"))
            d.wait_logged(r"^'a' stdout: .*/logs/a.log works again, \d+ bytes of output were dropped")
            text = wait_until(lambda: d.read("logs/a.log"), "the new file")
            self.assertRegex(text, r"^supervisor: \d+ bytes of output were lost here \(No such file or directory\)\n")
            self.assertEqual(len(d.logged(r"cannot write")), 1)
            self.assertEqual(d.state("a"), "RUNNING")

    @better_than_reference  # a full disk leaves no trace anywhere
    def test_a_full_disk_is_said_once(self):
        config = program("a", "lines 1000000 1000 a", "stdout_logfile=/dev/full")
        with Daemon(config) as d:
            d.wait_logged(r"^'a' stdout: cannot write /dev/full: No space left on device; dropping")
            d.wait_state("a", "RUNNING")
            time.sleep(1)
            self.assertEqual(len(d.logged(r"cannot write")), 1)

    @better_than_reference  # it goes on writing to the file that was moved
    def test_a_file_that_logrotate_moved_is_noticed_without_a_signal(self):
        config = program("a", "lines 1000000 50 a", log_of("a"))
        with Daemon(config) as d:
            wait_until(lambda: "a 5\n" in d.read("a.log"), "some lines")
            os.rename(d.path("a.log"), d.path("a.old"))
            wait_until(lambda: d.read("a.log"), "a new file")
            lines = (d.read("a.old") + d.read("a.log")).splitlines()
            self.assertEqual(lines, ["a %d" % i for i in range(len(lines))])

    @needs_root
    @better_than_reference  # as root it deletes the device
    def test_clearing_leaves_devices_alone(self):
        config = program("a", "say x forever", "stdout_logfile=/dev/null\nstderr_logfile=/dev/null")
        with Daemon(config) as d:
            d.wait_state("a", "RUNNING")
            d.rpc.supervisor.clearProcessLogs("a")
            self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))

    def test_a_log_that_cannot_be_opened_is_a_spawn_error(self):
        config = program("a", "forever", "stdout_logfile=@DIR@/sub/a.log\nstartretries=0")
        with Daemon(config, prepare=lambda d: os.mkdir(d.path("sub"))) as d:
            d.wait_state("a", "RUNNING")
            d.rpc.supervisor.stopProcess("a")
            before = len(os.listdir("/proc/%d/fd" % d.pid))
            os.unlink(d.path("sub/a.log"))
            os.rmdir(d.path("sub"))
            with self.assertRaises(Exception):
                d.rpc.supervisor.startProcess("a")
            self.assertEqual(d.info("a")["spawnerr"],
                             "unknown error making dispatchers for 'a': ENOENT")
            if harness.UNDER_TEST is harness.OURS:
                self.assertLessEqual(len(os.listdir("/proc/%d/fd" % d.pid)), before)


class Lines(SystemTest):
    """Keys of ours."""

    @better_than_reference  # it has no line formats
    def test_programs_that_share_a_file_share_no_line(self):
        config = ("[program:w]\ncommand=@CHILD@ lines 20000 0 w%(process_num)d forever\nnumprocs=4\n"
                  "process_name=w%(process_num)d\n" +
                  log_of("shared", "500KB", "stdout_logfile_backups=100\n"
                         "stdout_logfile_format=[%(process_name)s] %(message)s"))
        with Daemon(config) as d:
            wait_until(lambda: all(("w%d 19999\n" % i) in all_text(d, "shared") for i in range(4)), "all lines")
            seen = {i: [] for i in range(4)}
            for line in all_text(d, "shared").splitlines():
                found = re.fullmatch(r"\[w(\d)\] w(\d) (\d+)", line)
                self.assertTrue(found and found.group(1) == found.group(2), line)
                seen[int(found.group(1))].append(int(found.group(3)))
            for numbers in seen.values():
                self.assertEqual(numbers, list(range(20000)))

    @better_than_reference  # it has no line formats
    def test_timestamps_and_json(self):
        config = (program("t", "say one say two forever", log_of("t", more="stdout_logfile_timestamp=true")) +
                  program("j", "say one err two forever", log_of("j", more="stdout_logfile_format=json\n"
                          "stderr_logfile=@DIR@/je.log\nstderr_logfile_format=json")))
        with Daemon(config) as d:
            wait_until(lambda: d.read("t.log").count("\n") == 2, "two lines")
            self.assertRegex(d.read("t.log"), r"\A(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (one|two)\n){2}\Z")
            line = json.loads(wait_until(lambda: d.read("j.log"), "a line"))
            self.assertEqual((line["program"], line["process"], line["stream"], line["message"]),
                             ("j", "j", "stdout", "one"))
            line = json.loads(wait_until(lambda: d.read("je.log"), "a line"))
            self.assertEqual((line["stream"], line["message"]), ("stderr", "two"))

    @better_than_reference  # it has no compression
    def test_compressed_rotation_loses_no_line(self):
        n = 200000
        config = program("a", "lines %d 0 a forever" % n,
                         log_of("a", "200KB", "stdout_logfile_backups=100\nstdout_logfile_compress=gzip\n"
                                "stdout_logfile_chmod=0640"))
        with Daemon(config) as d:
            def is_over():
                try:
                    return all_text(d, "a").endswith("a %d\n" % (n - 1))
                except (OSError, EOFError, ValueError):
                    return False  # a file was renamed or packed while we read

            wait_until(is_over, "the last line")
            wait_until(lambda: glob.glob(d.path("a.log.*.gz")) and
                       all(p.endswith(".gz") for p in glob.glob(d.path("a.log.*"))), "all compressed")
            self.assertEqual(all_text(d, "a"), "".join("a %d\n" % i for i in range(n)))
            for path in glob.glob(d.path("a.log*")):
                self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o640)


class PidProxy(SystemTest):
    BINARY = os.environ.get("PIDPROXY") or harness._newest_build("pidproxy")

    def test_signals_reach_the_process_of_the_pidfile(self):
        config = ("[program:p]\ncommand=%s @DIR@/real.pid /bin/sh @DIR@/away.sh\n" % self.BINARY)
        script = ("setsid sh -c 'echo $$ > @DIR@/real.new; mv @DIR@/real.new @DIR@/real.pid;"
                  " trap \"echo hup >> @DIR@/got\" HUP; trap \"echo term >> @DIR@/got; exit\" TERM;"
                  " while :; do sleep 0.02; done' &\nexec sleep 1000\n")
        with Daemon(config, prepare=lambda d: d.write("away.sh", script), leftovers_allowed=True) as d:
            d.wait_state("p", "RUNNING")
            wait_until(lambda: os.path.exists(d.path("real.pid")), "the pidfile")
            d.rpc.supervisor.signalProcess("p", "HUP")
            wait_until(lambda: d.read("got") == "hup\n", "the signal")
            d.rpc.supervisor.stopProcess("p")
            self.assertEqual(d.read("got"), "hup\nterm\n")
            self.assertEqual(d.info("p")["exitstatus"], 0)

    def test_the_commands_status_is_passed_on(self):
        self.assertEqual(subprocess.run([self.BINARY, "/nonexistent", "/bin/sh", "-c", "exit 3"],
                                        timeout=60, check=False).returncode, 3)
        usage = subprocess.run([self.BINARY, "/x"], timeout=60, check=False, capture_output=True, text=True)
        self.assertEqual(usage.returncode, 1)
        self.assertTrue(usage.stdout.endswith(
            "Usage: %s <pidfile name> <command> [<cmdarg1> ...]\n" % self.BINARY))

    def test_an_unreadable_pidfile_is_said_and_survived(self):
        with subprocess.Popen([self.BINARY, "/nonexistent", "/bin/sleep", "1000"],
                              stdout=subprocess.PIPE, text=True) as p:
            # Until it has the child, it does not wait for signals yet, but they are blocked, not lost.
            wait_until(lambda: read_text("/proc/%d/task/%d/children" % (p.pid, p.pid)), "the child")
            child = int(read_text("/proc/%d/task/%d/children" % (p.pid, p.pid)))
            p.send_signal(signal.SIGTERM)
            self.assertEqual(p.stdout.readline(), "Can't read child pidfile /nonexistent!\n")
            self.assertIsNone(p.poll())
            os.kill(child, signal.SIGKILL)
            self.assertEqual(p.wait(60), 128 + 9)


if __name__ == "__main__":
    main()
