# SPDX-License-Identifier: MIT
"""hup, rotate, reopen, restart --rolling; memory_restart and max_age; FastCGI sockets in groups;
[program-default]."""

import os
import socket
import unittest

from harness import (OURS, REFERENCE, Daemon, SystemTest, better_than_reference, fault_of, is_alive, main,
                     needs_reference, stays, wait_until)


def program(name, words="forever", options=""):
    return "[program:%s]\ncommand=@CHILD@ %s\n%s\n" % (name, words, options)


def problems(text):
    """What --check says of a file."""
    daemon = Daemon(impl=OURS, main="[supervisord]\n" + text, args=["--check"])
    try:
        daemon.spawn().process.wait(60)
        return daemon.process.returncode, daemon.read("daemon.out")
    finally:
        daemon.remove()


class BadValues(SystemTest):
    def test_each_is_told_with_its_place(self):
        for option in ("reloadsignal=NOSUCH", "memory_restart=much", "max_age=old", "max_age_jitter=-x",
                       "killmode=nobody"):
            with self.subTest(option):
                status, out = problems("[program:a]\ncommand=/bin/true\n" + option + "\n")
                self.assertEqual(status, 2)
                self.assertIn("supervisord.conf:4: [program:a] %s:" % option.split("=")[0], out)


@better_than_reference
class Reload(SystemTest):
    def test_hup_sends_each_program_its_own_signal(self):
        config = (program("a", "on 1 hup say ready forever", "startsecs=0\nstdout_logfile=@DIR@/a.log") +
                  program("b", "on 12 usr2 say ready forever",
                          "startsecs=0\nreloadsignal=USR2\nstdout_logfile=@DIR@/b.log") +
                  program("off", "forever", "autostart=false"))
        with Daemon(config, OURS) as d:
            wait_until(lambda: "ready" in d.read("a.log") and "ready" in d.read("b.log"), "the programs")
            self.assertEqual(d.ctl("hup", "a", "b"), (0, "a: reloading\nb: reloading\n", ""))
            wait_until(lambda: "hup" in d.read("a.log") and "usr2" in d.read("b.log"), "the signals")
            self.assertEqual(d.ctl("hup", "off")[:2], (7, "off: ERROR (not running)\n"))
            self.assertEqual(d.ctl("hup", "nosuch")[:2], (1, "nosuch: ERROR (no such process)\n"))
            self.assertEqual(sorted(d.ctl("hup", "all")[1].split("\n")), ["", "a: reloading", "b: reloading"])
            self.assertEqual([r["name"] for r in d.rpc.supervisor.reloadProcessGroup("a")], ["a"])
            self.assertEqual(fault_of(d.rpc.supervisor.reloadProcess, "off"), 70)


@better_than_reference
class Logs(SystemTest):
    def test_rotate_and_reopen_on_demand(self):
        config = (program("a", "say one on 1 two forever", "startsecs=0\nstdout_logfile=@DIR@/a.log") +
                  program("rest", "say three forever", "startsecs=0\nstdout_logfile=@DIR@/rest.log"))
        with Daemon(config, OURS) as d:
            wait_until(lambda: "one" in d.read("a.log") and "three" in d.read("rest.log"), "the lines")
            d.rpc.supervisor.stopProcess("rest")
            self.assertEqual(d.ctl("rotate", "a", "rest"), (0, "a: rotated\nrest: rotated\n", ""))
            wait_until(lambda: "one" in d.read("a.log.1") and "three" in d.read("rest.log.1"), "rotated files")
            os.rename(d.path("a.log"), d.path("a.moved"))
            self.assertEqual(d.ctl("reopen", "a")[1], "a: reopened\n")
            d.rpc.supervisor.signalProcess("a", "HUP")
            wait_until(lambda: "two" in d.read("a.log"), "a line in the new file")
            self.assertEqual(d.read("a.moved"), "")
            for words in (("rotate", "all"), ("reopen", "all"), ("rotate", "a:*"), ("reopen", "a:*")):
                self.assertEqual(d.ctl(*words)[0], 0)
            self.assertEqual(d.ctl("rotate", "nosuch")[:2], (1, "nosuch: ERROR (no such process)\n"))


@better_than_reference
class Rolling(SystemTest):
    CONFIG = "startsecs=1\nprocess_name=%(process_num)d\nnumprocs=3\nstartretries=0"

    def test_one_after_the_other(self):
        with Daemon(program("w", "forever", self.CONFIG), OURS) as d:
            d.wait_states({"w:%d" % i: "RUNNING" for i in range(3)})
            before = d.infos()
            status, out, _ = d.ctl("restart", "--rolling", "w:*")
            self.assertEqual((status, out), (0, "".join("w:%d: stopped\nw:%d: started\n" % (i, i) for i in range(3))))
            self.assertTrue(all(d.infos()[n]["pid"] != i["pid"] for n, i in before.items()))
            self.assertEqual(d.ctl("restart", "--rolling", "--parallel", "2", "w:*")[1],
                             "w:0: stopped\nw:1: stopped\nw:0: started\nw:1: started\nw:2: stopped\nw:2: started\n")
            self.assertEqual(d.ctl("restart", "--rolling", "--parallel", "0", "w:*")[0], 2)

    def test_the_first_failure_ends_it(self):
        config = "[program:w]\ncommand=/bin/sh @DIR@/run\n" + self.CONFIG + "\n"
        with Daemon(config, OURS, prepare=lambda d: d.write("run", "exec sleep 1000\n")) as d:
            d.wait_states({"w:%d" % i: "RUNNING" for i in range(3)})
            before = d.infos()
            d.write("run", "exit 3\n")
            status, out, _ = d.ctl("restart", "--rolling", "w:*")
            self.assertNotEqual(status, 0)
            self.assertIn("ERROR: stopped here, 2 of 3 were left alone\n", out)
            after = d.infos()
            self.assertEqual([after[n]["pid"] for n in ("w:1", "w:2")], [before[n]["pid"] for n in ("w:1", "w:2")])


@better_than_reference
class Recycling(SystemTest):
    def test_a_program_that_grew_too_large_is_restarted(self):
        config = (program("big", "note @DIR@/starts x alloc 60 forever", "memory_restart=30MB") +
                  program("small", "forever", "memory_restart=30MB") + program("free", "alloc 60 forever"))
        with Daemon(config, OURS) as d:
            d.wait_states({"small": "RUNNING", "free": "RUNNING"})
            pids = {n: d.info(n)["pid"] for n in ("small", "free")}
            wait_until(lambda: d.read("starts").count("x") >= 2, "a restart")
            d.wait_logged(r"^restarting 'big': it uses \d+ bytes of memory, more than 31457280 \(memory_restart\)$")
            self.assertGreaterEqual(d.rpc.supervisor.getProcessStats("big")["restarts"], 1)
            self.assertEqual({n: d.info(n)["pid"] for n in pids}, pids)

    def test_the_whole_tree_counts(self):
        config = "[program:tree]\ncommand=/bin/sh -c '@CHILD@ alloc 60 forever; true'\nmemory_restart=30MB\nkillmode=tree\n"
        with Daemon(config, OURS) as d:
            d.wait_logged("^restarting 'tree'")

    def test_a_program_that_is_too_old_is_restarted(self):
        config = program("a", "note @DIR@/starts x forever", "startsecs=0\nmax_age=1s\nmax_age_jitter=1s") + program("b")
        with Daemon(config, OURS) as d:
            wait_until(lambda: d.read("starts").count("x") >= 3, "two restarts")
            d.wait_logged(r"^restarting 'a': it has run for [12] seconds \(max_age\)$", 2)
            self.assertEqual(len(d.logged("^spawned: 'b'")), 1)
            d.rpc.supervisor.stopProcess("a")
            stays(lambda: d.state("a") == "STOPPED", "STOPPED", 2.5)

    def test_a_stop_during_a_recycling_stop_is_a_stop(self):
        config = program("a", "ignore 15 note @DIR@/starts x forever", "startsecs=0\nmax_age=1s\nstopwaitsecs=2")
        with Daemon(config, OURS) as d:
            d.wait_state("a", "STOPPING")
            fault_of(d.rpc.supervisor.stopProcess, "a")
            d.wait_state("a", "STOPPED")
            stays(lambda: d.state("a") == "STOPPED", "STOPPED")

    def test_a_shutdown_during_a_recycling_stop_starts_nothing(self):
        config = program("a", "ignore 15 note @DIR@/starts x forever", "startsecs=0\nmax_age=1s\nstopwaitsecs=2")
        with Daemon(config, OURS) as d:
            d.wait_state("a", "STOPPING")
            d.rpc.supervisor.shutdown()
            d.wait_exit()
            self.assertEqual(d.read("starts").count("x"), 1)


class Sockets(SystemTest):
    CONFIG = """[fcgi-program:one]
command=@CHILD@ forever
socket=unix://@DIR@/one.sock
process_name=%(program_name)s_%(process_num)d
numprocs=2
[fcgi-program:two]
command=@CHILD@ forever
socket=unix://@DIR@/two.sock
[program:plain]
command=@CHILD@ forever
[group:g]
programs=one,two,plain
"""

    @better_than_reference
    def test_each_section_of_a_group_has_its_socket(self):
        with Daemon(self.CONFIG, OURS) as d:
            names = ("g:one_0", "g:one_1", "g:two", "g:plain")
            d.wait_states({n: "RUNNING" for n in names})
            stdin = {n: os.readlink("/proc/%d/fd/0" % d.info(n)["pid"]) for n in names}
            self.assertEqual(stdin["g:one_0"], stdin["g:one_1"])
            self.assertNotEqual(stdin["g:one_0"], stdin["g:two"])
            self.assertTrue(stdin["g:two"].startswith("socket:"))
            self.assertTrue(stdin["g:plain"].startswith("pipe:"))
            for name in ("one.sock", "two.sock"):
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(d.path(name))
            d.rpc.supervisor.stopProcess("g:one_0")
            d.rpc.supervisor.startProcess("g:one_0")
            self.assertEqual(os.readlink("/proc/%d/fd/0" % d.info("g:one_0")["pid"]), stdin["g:one_1"])

    @better_than_reference
    def test_an_update_changes_one_sections_socket(self):
        with Daemon(self.CONFIG, OURS) as d:
            d.wait_states({"g:one_0": "RUNNING", "g:two": "RUNNING", "g:plain": "RUNNING"})
            before = {n: i["pid"] for n, i in d.infos().items()}
            d.write_config(self.CONFIG.replace("two.sock", "three.sock"))
            self.assertEqual(d.ctl("update", "--live")[1], "g:two: restarted (socket)\n")
            d.wait_state("g:two", "RUNNING")
            self.assertTrue(os.path.exists(d.path("three.sock")))
            self.assertEqual({n: d.info(n)["pid"] for n in before if n != "g:two"},
                             {n: p for n, p in before.items() if n != "g:two"})


@better_than_reference
class Defaults(SystemTest):
    CONFIG = """[program-default]
startsecs=0
stopsignal=INT
environment=WHO=default
priority=7
[program:a]
command=@CHILD@ forever
[program:b]
command=@CHILD@ forever
stopsignal=QUIT
priority=3
"""

    def test_program_default_is_what_sections_do_not_say(self):
        with Daemon(self.CONFIG, OURS) as d:
            rows = {r["name"]: r for r in d.rpc.supervisor.getAllConfigInfo()}
            self.assertEqual([(rows[n]["startsecs"], rows[n]["stopsignal"], rows[n]["process_prio"]) for n in "ab"],
                             [(0, 2, 7), (0, 3, 3)])
            environ = open("/proc/%d/environ" % d.wait_state("a", "RUNNING")["pid"]).read().split("\0")
            self.assertIn("WHO=default", environ)

    def test_a_bad_value_is_told_with_its_place(self):
        status, out = problems("[program-default]\nstartsecs=x\n[program:a]\ncommand=/bin/true\n")
        self.assertEqual(status, 2)
        self.assertIn("supervisord.conf:3:", out)

    @needs_reference
    def test_the_reference_runs_such_a_file(self):
        with Daemon(self.CONFIG + program("c", "forever", "memory_restart=1GB\nmax_age=1d\nreloadsignal=USR1\n"
                                          "killmode=tree"), REFERENCE) as d:
            d.wait_states({"a": "RUNNING", "b": "RUNNING", "c": "RUNNING"})


def cgroup_root():
    """Where version 2 is mounted, if groups may be made there; else None."""
    for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        if os.path.exists(root + "/cgroup.procs") and not os.path.exists(root + "/tasks"):
            try:
                os.mkdir(root + "/svt-probe")
                os.rmdir(root + "/svt-probe")
                return root
            except OSError:
                return None
    return None


@better_than_reference
class Cgroups(SystemTest):
    @unittest.skipUnless(cgroup_root(), "no cgroup (version 2) may be made here")
    def test_a_program_runs_in_its_cgroup_and_ends_with_all_of_it(self):
        name = "svt-%d/a" % os.getpid()
        procs = "%s/%s/cgroup.procs" % (cgroup_root(), name)
        config = program("a", "forkaway say ready forever",
                         "startsecs=0\ncgroup=%s\nkillmode=cgroup\nstdout_logfile=@DIR@/a.log" % name)
        try:
            with Daemon(config, OURS) as d:
                wait_until(lambda: "ready" in d.read("a.log"), "the program")
                members = [int(pid) for pid in open(procs)]
                self.assertIn(d.info("a")["pid"], members)
                self.assertGreater(len(members), 1)
                d.rpc.supervisor.stopProcess("a")
                wait_until(lambda: not [p for p in members if is_alive(p)], "the end of all of them")
        finally:
            os.rmdir(os.path.dirname(procs))
            os.rmdir(os.path.dirname(os.path.dirname(procs)))

    def test_a_cgroup_that_cannot_be_had_is_told_in_the_programs_log(self):
        with Daemon(program("a", "forever", "startretries=0\ncgroup=../up\nredirect_stderr=true\n"
                            "stdout_logfile=@DIR@/a.log"), OURS) as d:
            d.wait_state("a", "FATAL")
            self.assertRegex(d.read("a.log"), r"supervisor: couldn't join cgroup ../up: E(INVAL|NOENT)")


if __name__ == "__main__":
    main()
