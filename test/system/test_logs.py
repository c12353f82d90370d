# SPDX-License-Identifier: MIT
"""Logs of programs: rotation to the byte, sinks that fail, files that move."""

import os
import signal
import socket
import stat
import subprocess
import time

from harness import (SYSTEM_DIR, Daemon, SystemTest, better_than_reference, fault_of, main, needs_root,
                     read_bytes, stays, wait_until)


def lines_of(text, prefix="line"):
    return "".join("%s %d\n" % (prefix, n) for n in text)


class Rotation(SystemTest):
    def files(self, daemon, name):
        found = [f for f in os.listdir(daemon.dir) if f == name or f.startswith(name + ".")]
        return sorted(found, key=lambda f: -int(f.rsplit(".", 1)[1]) if f != name else 1)

    def test_every_byte_is_in_one_of_the_files(self):
        config = ("[program:r]\ncommand=@CHILD@ lines 20000 0 line\nautorestart=false\nstartsecs=0\n"
                  "stdout_logfile=@DIR@/r.log\nstdout_logfile_maxbytes=1000\nstdout_logfile_backups=1000\n")
        with Daemon(config) as d:
            d.wait_state("r", "EXITED")
            everything = lambda: "".join(d.read(f) for f in self.files(d, "r.log"))
            wait_until(lambda: len(everything()) == len(lines_of(range(20000))), "all bytes")
            self.assertEqual(everything(), lines_of(range(20000)))
            self.assertGreater(len(self.files(d, "r.log")), 1)

    def test_no_more_backups_than_wanted(self):
        config = ("[program:r]\ncommand=@CHILD@ lines 200 400 line\nautorestart=false\nstartsecs=0\n"
                  "stdout_logfile=@DIR@/r.log\nstdout_logfile_maxbytes=100\nstdout_logfile_backups=3\n"
                  "[program:z]\ncommand=@CHILD@ lines 200 400 line\nautorestart=false\nstartsecs=0\n"
                  "stdout_logfile=@DIR@/z.log\nstdout_logfile_maxbytes=100\nstdout_logfile_backups=0\n")
        with Daemon(config) as d:
            d.wait_states({"r": "EXITED", "z": "EXITED"})
            self.assertEqual(self.files(d, "r.log"), ["r.log.3", "r.log.2", "r.log.1", "r.log"])
            self.assertEqual(self.files(d, "z.log"), ["z.log"])
            text = "".join(d.read(f) for f in self.files(d, "r.log"))
            # What is left is the end, without a hole.
            self.assertTrue(lines_of(range(200)).endswith(text), text)
            self.assertGreater(len(text), 250)

    @better_than_reference
    def test_a_line_is_not_cut_by_rotation(self):
        config = ("[program:r]\ncommand=@CHILD@ lines 30000 0 line\nautorestart=false\nstartsecs=0\n"
                  "stdout_logfile=@DIR@/r.log\nstdout_logfile_maxbytes=5000\nstdout_logfile_backups=1000\n")
        with Daemon(config) as d:
            d.wait_state("r", "EXITED")
            for name in self.files(d, "r.log"):
                text = d.read(name)
                self.assertTrue(text.startswith("line ") or not text, name)
                self.assertTrue(text.endswith("\n") or not text, name)

    @better_than_reference
    def test_two_programs_share_one_rotating_file(self):
        # At a pace at which nothing piles up: what is read at once ends with a line then.
        config = "".join("[program:%s]\ncommand=@CHILD@ lines 3000 1500 %s\nautorestart=false\nstartsecs=0\n"
                         "stdout_logfile=@DIR@/s.log\nstdout_logfile_maxbytes=2000\n"
                         "stdout_logfile_backups=1000\n" % (name, name) for name in ("one", "two"))
        with Daemon(config) as d:
            d.wait_states({"one": "EXITED", "two": "EXITED"})
            text = "".join(d.read(f) for f in self.files(d, "s.log"))
            wait_until(lambda: "".join(d.read(f) for f in self.files(d, "s.log")).count("\n") == 6000, "all lines")
            text = "".join(d.read(f) for f in self.files(d, "s.log"))
            for name in ("one", "two"):
                numbers = [int(line.split()[1]) for line in text.splitlines() if line.startswith(name + " ")]
                self.assertEqual(numbers, list(range(3000)))

    def test_the_daemon_log_rotates(self):
        config = "[program:c]\ncommand=@CHILD@ exit 0\nstartsecs=0\nautostart=false\nautorestart=false\n"
        with Daemon(config, supervisord="logfile_maxbytes=2KB\nlogfile_backups=2") as d:
            for _ in range(60):
                fault_of(d.rpc.supervisor.startProcess, "c")
                d.wait_state("c", "EXITED")
            wait_until(lambda: os.path.exists(d.path("supervisord.log.2")), "two backups")
            self.assertFalse(os.path.exists(d.path("supervisord.log.3")))
            self.assertLess(os.path.getsize(d.path("supervisord.log.1")), 4096)


class Files(SystemTest):
    def test_clear_empties_and_goes_on(self):
        config = "[program:e]\ncommand=@CHILD@ echo\nstdout_logfile=@DIR@/e.log\nstderr_logfile=@DIR@/e.err\n"
        with Daemon(config) as d:
            d.wait_state("e", "RUNNING")
            d.rpc.supervisor.sendProcessStdin("e", "before\n")
            wait_until(lambda: d.read("e.log") == "before\n", "output")
            self.assertIs(d.rpc.supervisor.clearProcessLogs("e"), True)
            self.assertEqual(d.read("e.log"), "")
            d.rpc.supervisor.sendProcessStdin("e", "after\n")
            wait_until(lambda: d.read("e.log") == "after\n", "output after clear")
            self.assertEqual(d.rpc.supervisor.readProcessStdoutLog("e", 0, 0), "after\n")
            self.assertEqual(d.rpc.supervisor.tailProcessStdoutLog("e", 0, 3), ["er\n", 6, True])

    def test_clear_of_the_daemon_log(self):
        with Daemon("") as d:
            self.assertIs(d.rpc.supervisor.clearLog(), True)
            d.kill_daemon(signal.SIGUSR2)
            d.wait_logged("received SIGUSR2")
            self.assertFalse(d.logged("started with pid"))

    @better_than_reference
    @needs_root
    def test_clear_leaves_devices_alone(self):
        config = "[program:e]\ncommand=@CHILD@ echo\nstdout_logfile=/dev/null\nstdout_logfile_maxbytes=0\n"
        with Daemon(config) as d:
            d.wait_state("e", "RUNNING")
            d.rpc.supervisor.clearProcessLogs("e")
            self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))

    def test_a_moved_file_is_opened_anew_after_sigusr2(self):
        config = "[program:e]\ncommand=@CHILD@ echo\nstdout_logfile=@DIR@/e.log\n"
        with Daemon(config) as d:
            d.wait_state("e", "RUNNING")
            d.rpc.supervisor.sendProcessStdin("e", "old\n")
            wait_until(lambda: d.read("e.log") == "old\n", "output")
            os.rename(d.path("e.log"), d.path("e.old"))
            d.kill_daemon(signal.SIGUSR2)
            wait_until(lambda: os.path.exists(d.path("e.log")), "the new file")
            d.rpc.supervisor.sendProcessStdin("e", "new\n")
            wait_until(lambda: d.read("e.log") == "new\n", "output in the new file")
            self.assertEqual(d.read("e.old"), "old\n")

    @better_than_reference
    def test_a_file_moved_away_is_noticed_without_a_signal(self):
        config = "[program:e]\ncommand=@CHILD@ lines 1000000 20 line\nstdout_logfile=@DIR@/e.log\n"
        with Daemon(config) as d:
            wait_until(lambda: d.read("e.log"), "output")
            os.rename(d.path("e.log"), d.path("e.old"))
            wait_until(lambda: os.path.exists(d.path("e.log")) and d.read("e.log"), "the new file")
            d.rpc.supervisor.stopProcess("e")
            text = d.read("e.old") + d.read("e.log")
            self.assertEqual(text, lines_of(range(text.count("\n"))))

    def test_a_symlink_is_followed(self):
        config = ("[program:e]\ncommand=@CHILD@ echo\nautostart=false\nstartsecs=0\nstdout_logfile=@DIR@/e.log\n")
        with Daemon(config) as d:
            os.mkdir(d.path("real"))
            os.symlink(d.path("real", "target.log"), d.path("e.log"))
            d.rpc.supervisor.startProcess("e")
            d.rpc.supervisor.sendProcessStdin("e", "text\n")
            wait_until(lambda: d.read("real/target.log") == "text\n", "output behind the link")

    def test_automatic_logs_are_private_and_cleaned_up(self):
        config = "[program:e]\ncommand=@CHILD@ say hello forever\n"
        with Daemon(config) as d:
            info = d.wait_state("e", "RUNNING")
            self.assertRegex(os.path.basename(info["stdout_logfile"]), r"^e-stdout---supervisor-[a-z0-9_]{8}\.log$")
            self.assertEqual(stat.S_IMODE(os.stat(info["stdout_logfile"]).st_mode), 0o600)
            wait_until(lambda: d.read(info["stdout_logfile"]) == "hello\n", "output")
            for name in ("x-stdout---supervisor-abc.log", "x-stdout---supervisor-abc.log.1", "x-stdout---other-abc.log",
                         "unrelated.log"):
                d.write(name, "old")
            d.kill_daemon(signal.SIGHUP)
            d.wait_logged("supervisord started with pid", 2)
            self.assertFalse(os.path.exists(info["stdout_logfile"]))
            self.assertFalse(os.path.exists(d.path("x-stdout---supervisor-abc.log")))
            self.assertFalse(os.path.exists(d.path("x-stdout---supervisor-abc.log.1")))
            self.assertTrue(os.path.exists(d.path("x-stdout---other-abc.log")))
            self.assertTrue(os.path.exists(d.path("unrelated.log")))
            d._rpc = None
            wait_until(d.answers, "the daemon again")
            self.assertTrue(os.path.exists(d.wait_state("e", "RUNNING")["stdout_logfile"]))

    def test_output_at_the_end_of_a_program_is_kept(self):
        # The last bytes may still be in the pipe when the death is known.
        config = ("[program:e]\ncommand=@CHILD@ bytes 60000 exit 0\nprocess_name=e%(process_num)d\nnumprocs=20\n"
                  "startsecs=0\nautorestart=false\nstdout_logfile=@DIR@/e%(process_num)d.log\n")
        with Daemon(config) as d:
            wait_until(lambda: set(d.states().values()) == {"EXITED"}, "all ends")
            for n in range(20):
                wait_until(lambda: os.path.getsize(d.path("e%d.log" % n)) == 60000, "all bytes")

    def test_closed_outputs_do_not_end_a_program(self):
        config = "[program:e]\ncommand=@CHILD@ say bye close 1 close 2 close 0 forever\nstdout_logfile=@DIR@/e.log\n"
        with Daemon(config) as d:
            d.wait_state("e", "RUNNING")
            wait_until(lambda: d.read("e.log") == "bye\n", "output")
            stays(lambda: d.state("e") == "RUNNING", "RUNNING")
            d.rpc.supervisor.stopProcess("e")
            self.assertEqual(d.state("e"), "STOPPED")

    def test_a_grandchild_that_holds_the_pipes_delays_nothing(self):
        config = ("[program:e]\ncommand=@CHILD@ fork sleep 1.2 exit 0\nautorestart=false\nstdout_logfile=@DIR@/e.log\n"
                  "[program:away]\ncommand=@CHILD@ forkaway sleep 1.2 exit 0\nautorestart=false\n")
        with Daemon(config, leftovers_allowed=True) as d:
            d.wait_states({"e": "EXITED", "away": "EXITED"})
            d.stop()

    def test_strip_ansi(self):
        config = ("[program:e]\ncommand=/bin/cat @DIR@/coloured -\nstdout_logfile=@DIR@/e.log\n")
        with Daemon(config, supervisord="strip_ansi=true",
                    prepare=lambda daemon: daemon.write("coloured", "a\x1b[0m b\x1b[?25lq\n")) as d:
            wait_until(lambda: d.read("e.log") == "a bq\n", lambda: "stripped output: %r" % d.read("e.log"))


@better_than_reference
class FailingSinks(SystemTest):
    """What cannot be stored is counted and told; nothing else suffers."""

    def check_the_daemon_is_well(self, d, other="other"):
        d.wait_state(other, "RUNNING")
        d.rpc.supervisor.stopProcess(other)
        d.rpc.supervisor.startProcess(other)

    OTHER = "[program:other]\ncommand=@CHILD@ forever\n"

    def test_dev_full(self):
        config = self.OTHER + ("[program:e]\ncommand=@CHILD@ lines 1000000 0 line\nstartsecs=0\nautorestart=false\n"
                               "stdout_logfile=/dev/full\nstdout_logfile_maxbytes=0\n")
        with Daemon(config) as d:
            d.wait_state("other", "RUNNING")
            # The program gets to its end although nothing can be stored.
            d.wait_state("e", "EXITED")
            told = d.wait_logged("/dev/full")
            self.assertTrue(any("No space left" in m for m in told), told)
            # Said when it begins and when it ends, not for every line.
            self.assertLess(len(told), 10)
            self.check_the_daemon_is_well(d)

    def test_a_log_directory_that_vanishes_and_returns(self):
        config = self.OTHER + ("[program:e]\ncommand=@CHILD@ lines 1000000 50 line\nautostart=false\nstartsecs=0\n"
                               "stdout_logfile=@DIR@/logs/e.log\nstdout_logfile_maxbytes=300\nstdout_logfile_backups=2\n")
        d = Daemon(config, prepare=lambda daemon: os.mkdir(daemon.path("logs")))
        with d:
            d.rpc.supervisor.startProcess("e")
            wait_until(lambda: d.read("logs/e.log.1"), "a rotation")
            os.rename(d.path("logs"), d.path("gone"))
            d.wait_logged("logs/e.log")
            self.assertEqual(d.state("e"), "RUNNING")
            self.check_the_daemon_is_well(d)
            os.mkdir(d.path("logs"))
            wait_until(lambda: d.read("logs/e.log"), "output in the new directory", timeout=120)
            self.assertLess(len(d.logged("logs/e.log")), 20)
            self.assertEqual(d.state("e"), "RUNNING")

    @needs_root
    def test_a_full_disk_counts_what_it_drops(self):
        count = 3000000
        config = self.OTHER + ("[program:e]\ncommand=@CHILD@ bytes %d until @DIR@/go lines 1000000 20 last\nautostart=false\n"
                               "startsecs=0\nstdout_logfile=@DIR@/small/e.log\nstdout_logfile_maxbytes=0\n" % count)
        d = Daemon(config, prepare=lambda daemon: os.mkdir(daemon.path("small")))
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", d.path("small")], capture_output=True)
        if mounted.returncode != 0:
            d.remove()
            self.skipTest("cannot mount a tmpfs: %s" % mounted.stderr.decode())
        try:
            with d:
                d.rpc.supervisor.startProcess("e")
                d.wait_logged("No space left on device")
                self.check_the_daemon_is_well(d)
                self.assertEqual(d.state("e"), "RUNNING")
                stored = os.path.getsize(d.path("small", "e.log"))
                self.assertGreater(stored, 900000)
                # Room again: the end of the drought is told with its count.
                os.truncate(d.path("small", "e.log"), 0)
                d.write("go", "")
                wait_until(lambda: b"last " in read_bytes(d.path("small", "e.log")), "output after the drought")
                told = d.wait_logged(r"e\.log.*\b\d+ bytes|\b\d+ bytes.*e\.log")
                self.assertLess(len(d.logged("small/e.log")), 10)
                d.rpc.supervisor.stopProcess("e")
                self.assertTrue(told)
                account = d.get_json("/api/v1/processes/e")["log"]["stdout"]
                self.assertEqual(account["bytes_read"], account["bytes_stored"] + account["bytes_dropped"])
                self.assertGreaterEqual(account["bytes_dropped"], count - stored)
                self.assertIn("%d bytes" % account["bytes_dropped"], told[0])
        finally:
            subprocess.run(["umount", "-l", d.path("small")], check=False)
            d.remove()

    def test_a_stopped_reader_of_dev_stdout_stops_nobody(self):
        config = self.OTHER + ("[program:e]\ncommand=@CHILD@ flood\nstartsecs=0\n"
                               "stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n")
        d = Daemon(config, args=["-s"])
        reader, writer = os.pipe()
        try:
            with open(d.stderr_path, "ab") as err:
                d.process = subprocess.Popen(d.argv(), stdin=subprocess.DEVNULL, stdout=writer, stderr=err,
                                             cwd=d.dir, env=d.env)
            d.pid = d.process.pid
            os.close(writer)
            wait_until(d.answers, "the daemon's answer")
            # Nobody reads: the pipe is full in no time.
            d.wait_state("e", "RUNNING")
            stays(lambda: d.rpc.supervisor.getState()["statecode"] == 1, "answers", seconds=2)
            d.wait_state("other", "RUNNING")
            self.check_the_daemon_is_well(d)
            d.rpc.supervisor.stopProcess("e")
            self.assertEqual(d.state("e"), "STOPPED")
            d.rpc.supervisor.startProcess("e")
            d.stop(signal.SIGTERM)
        finally:
            os.close(reader)
            d.kill()
            d.remove()

    def test_a_foreground_daemon_whose_reader_stopped_ends_on_sigterm(self):
        config = self.OTHER + "[program:c]\ncommand=@CHILD@ exit 1\nstartsecs=0\nautorestart=true\n"
        d = Daemon(config)
        reader, writer = os.pipe()
        try:
            with open(d.stderr_path, "ab") as err:
                d.process = subprocess.Popen(d.argv(), stdin=subprocess.DEVNULL, stdout=writer, stderr=err,
                                             cwd=d.dir, env=d.env)
            d.pid = d.process.pid
            os.close(writer)
            wait_until(d.answers, "the daemon's answer")
            # More log lines than the pipe holds.
            wait_until(lambda: os.path.getsize(d.logfile) > 200000, "a long log", timeout=120)
            self.assertEqual(d.rpc.supervisor.getState()["statecode"], 1)
            d.stop(signal.SIGTERM)
        finally:
            os.close(reader)
            d.kill()
            d.remove()

    def test_dev_stdout_carries_the_programs_output(self):
        config = ("[program:e]\ncommand=@CHILD@ lines 500 0 line forever\nstartsecs=0\n"
                  "stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n")
        with Daemon(config, args=["-s"]) as d:
            wait_until(lambda: d.read("daemon.out") == lines_of(range(500)), "all lines on the daemon's output")

    def test_dev_stdout_on_a_pipe_with_rotation_configured(self):
        config = "[program:e]\ncommand=@CHILD@ lines 500 0 line forever\nstartsecs=0\nstdout_logfile=/dev/stdout\n"
        d = Daemon(config, args=["-s"])
        try:
            with open(d.stderr_path, "ab") as err:
                d.process = subprocess.Popen(d.argv(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err,
                                             cwd=d.dir, env=d.env)
            d.pid = d.process.pid
            wait_until(d.answers, "the daemon's answer")
            d.wait_state("e", "RUNNING")
            wanted = lines_of(range(500)).encode()
            got = b""
            while len(got) < len(wanted):
                got += os.read(d.process.stdout.fileno(), 65536)
            self.assertEqual(got, wanted)
            d.stop()
            self.assertEqual([e for e in d.log() if "seek" in e[1]], [])
        finally:
            d.kill()
            d.process.stdout.close()
            d.remove()

    def test_an_unreadable_log_does_not_start_the_program_nor_stop_the_daemon(self):
        config = self.OTHER + ("[program:e]\ncommand=@CHILD@ forever\nstdout_logfile=@DIR@/dir\nstartretries=0\n")
        with Daemon(config, prepare=lambda daemon: os.mkdir(daemon.path("dir"))) as d:
            info = d.wait_state("e", "FATAL")
            self.assertEqual(info["spawnerr"], "unknown error making dispatchers for 'e': EISDIR")
            d.wait_state("other", "RUNNING")
            before = len(d.descriptors())
            for _ in range(20):
                fault_of(d.rpc.supervisor.startProcess, "e")
                d.wait_state("e", "FATAL")
            wait_until(lambda: len(d.descriptors()) <= before, "no descriptor lost")


if __name__ == "__main__":
    main()
