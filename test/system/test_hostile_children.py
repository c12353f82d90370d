# SPDX-License-Identifier: MIT
"""Programs that mean harm, or are merely broken: they end when they must, and harm nobody else."""

import os
import stat

from harness import (Daemon, SystemTest, is_alive, main, needs_ours, read_text, tagged_processes, wait_until)

BOMB = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
away = sys.argv[1] == "away"
for n in range(60):
    if os.fork() == 0:
        if away:
            os.setsid()
        while True:
            time.sleep(1000)
open(sys.argv[2], "w").write("done")
time.sleep(1000)
"""
# Joins the group of the daemon: a signal to "the group of this program" would hit the daemon.
TURNCOAT = """
import os, sys, time
os.setpgid(0, os.getpgid(os.getppid()))
open(sys.argv[1], "w").write("done")
time.sleep(1000)
"""
PYTHON = "/usr/bin/python3 -S -E"


@needs_ours
class HostileChildren(SystemTest):
    def bomb(self, kind, options):
        config = ("[program:bomb]\ncommand=%s @DIR@/bomb.py %s @DIR@/there\nstartsecs=0\nstopwaitsecs=1\n%s\n"
                  "[program:calm]\ncommand=@CHILD@ forever\n" % (PYTHON, kind, options))
        with Daemon(config, prepare=lambda d: d.write("bomb.py", BOMB)) as d:
            wait_until(lambda: d.read("there") == "done", "all forks")
            calm = d.wait_state("calm", "RUNNING")["pid"]
            before = tagged_processes(d.tag)
            self.assertGreater(len(before), 60)
            d.rpc.supervisor.stopProcess("bomb")
            wait_until(lambda: sorted(tagged_processes(d.tag)) == sorted([d.pid, calm]),
                       lambda: "the end of all forks: %s" % tagged_processes(d.tag))
            self.assertEqual(d.state("calm"), "RUNNING")

    def test_a_program_that_forks_and_forks_ends_with_its_group(self):
        self.bomb("near", "stopasgroup=true\nkillasgroup=true")

    def test_forks_in_sessions_of_their_own_end_with_the_tree(self):
        self.bomb("away", "killmode=tree")

    def test_grandchildren_that_hold_the_pipes_cost_no_descriptors(self):
        config = ("[program:g]\ncommand=/bin/sh -c \"sleep 1000 & echo line; exit 1\"\nstartsecs=0\n"
                  "autorestart=true\nstdout_logfile=@DIR@/g.log\n")
        with Daemon(config, leftovers_allowed=True) as d:
            d.wait_logged("^exited: g", 5)
            descriptors = len(d.descriptors())
            d.wait_logged("^exited: g", 60, timeout=120)
            d.rpc.supervisor.stopProcess("g") if d.state("g") == "RUNNING" else None
            wait_until(lambda: len(d.descriptors()) <= descriptors,
                       lambda: "%d descriptors; there are %d" % (descriptors, len(d.descriptors())))
            self.assertEqual(d.zombies(), [])
            self.assertGreaterEqual(d.read("g.log").count("line\n"), 60)

    def test_a_program_that_stopped_itself_is_killed(self):
        config = ("[program:s]\ncommand=@CHILD@ stop forever\nstartsecs=0\nstopwaitsecs=1\nautorestart=false\n")
        with Daemon(config) as d:
            pid = d.wait_state("s", "RUNNING")["pid"]
            wait_until(lambda: (pid, "T") in d.children(), "SIGSTOP")
            self.assertEqual(d.state("s"), "RUNNING")
            d.rpc.supervisor.stopProcess("s")
            self.assertFalse(is_alive(pid))
            d.wait_logged(r"^killing 's' \(\d+\) with SIGKILL")

    def test_a_program_that_joins_the_daemons_group_hits_only_itself(self):
        config = ("[program:t]\ncommand=%s @DIR@/t.py @DIR@/there\nstartsecs=0\nstopwaitsecs=2\n"
                  "stopasgroup=true\nkillasgroup=true\nautorestart=false\n"
                  "[program:calm]\ncommand=@CHILD@ forever\n" % PYTHON)
        with Daemon(config, prepare=lambda d: d.write("t.py", TURNCOAT), leftovers_allowed=True) as d:
            wait_until(lambda: d.read("there") == "done", "the change of group")
            calm = d.wait_state("calm", "RUNNING")["pid"]
            pid = d.info("t")["pid"]
            try:
                d.rpc.supervisor.stopProcess("t", False)
                wait_until(lambda: not is_alive(pid), lambda: "its end\n" + d.describe(), timeout=20)
                self.assertTrue(d.is_running())
                self.assertEqual(d.info("calm")["pid"], calm)
            finally:
                if is_alive(pid):
                    os.kill(pid, 9)

    def test_backups_that_are_symlinks_are_not_written_through(self):
        def plant(d):
            d.write("victim", "precious\n")
            for n in (1, 2):
                os.symlink(d.path("victim"), d.path("a.log.%d" % n))

        config = ("[program:a]\ncommand=@CHILD@ lines 500 0 line forever\nstartsecs=0\nstdout_logfile=@DIR@/a.log\n"
                  "stdout_logfile_maxbytes=1KB\nstdout_logfile_backups=2\n")
        with Daemon(config, prepare=plant) as d:
            wait_until(lambda: d.read("a.log").endswith("line 499\n"), "the last line")
            self.assertEqual(d.read("victim"), "precious\n")
            self.assertTrue(stat.S_ISREG(os.lstat(d.path("a.log.1")).st_mode))

    def test_automatic_logs_do_not_follow_what_others_planted(self):
        """They are made exclusively, under names that nobody can know."""
        config = "[program:a]\ncommand=@CHILD@ say hello forever\nstartsecs=0\n"
        with Daemon(config) as d:
            path = d.wait_state("a", "RUNNING")["stdout_logfile"]
            wait_until(lambda: read_text(path) == "hello\n", "the line")
            facts = os.lstat(path)
            self.assertTrue(stat.S_ISREG(facts.st_mode))
            self.assertEqual(stat.S_IMODE(facts.st_mode), 0o600)


if __name__ == "__main__":
    main()
