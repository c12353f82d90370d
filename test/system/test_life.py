# SPDX-License-Identifier: MIT
"""The life of processes and of the daemon, on the real binaries.

SUPERVISOR_UNDER_TEST=reference runs the same cases against the reference.
"""

import grp
import json
import os
import pwd
import signal
import stat
import subprocess
import threading
import time
import unittest

from harness import (CHILD, Daemon, SystemTest, better_than_reference, fault_of, is_alive, main,
                     needs_root, read_text, stays, tagged_processes, wait_until)


def program(name, words, options="", kind="program"):
    """A section whose command is the child program with these words."""
    return "[%s:%s]\ncommand=@CHILD@ %s\n%s\n" % (kind, name, words, options)


def facts_of(daemon, name="facts.json"):
    wait_until(lambda: os.path.exists(daemon.path(name)), lambda: name + "\n" + daemon.describe())
    return json.loads(daemon.read(name))


class States(SystemTest):
    def test_a_program_becomes_running_and_stops(self):
        with Daemon(program("a", "forever")) as d:
            info = d.wait_state("a", "RUNNING")
            self.assertTrue(is_alive(info["pid"]))
            self.assertRegex(info["description"], r"^pid %d, uptime \d+:\d\d:\d\d$" % info["pid"])
            self.assertEqual(info["start"], int(info["start"]))
            self.assertIs(d.rpc.supervisor.stopProcess("a"), True)
            info = d.info("a")
            self.assertEqual((info["statename"], info["pid"], info["exitstatus"]), ("STOPPED", 0, -1))
            d.wait_logged(r"^stopped: a \(terminated by SIGTERM\)$")
            self.assertIs(d.rpc.supervisor.startProcess("a"), True)
            self.assertEqual(d.state("a"), "RUNNING")
            d.wait_logged(r"^success: a entered RUNNING state, process has stayed up for > than 1 seconds \(startsecs\)$", 2)

    def test_autostart_off_leaves_a_program_alone_until_it_is_asked_for(self):
        config = program("a", "forever", "autostart=false")
        with Daemon(config) as d:
            info = d.info("a")
            self.assertEqual((info["statename"], info["start"], info["stop"], info["description"]),
                             ("STOPPED", 0, 0, "Not started"))
            d.rpc.supervisor.startProcess("a")
            self.assertEqual(d.state("a"), "RUNNING")

    def test_an_expected_exit_stays_exited_with_autorestart_unexpected(self):
        config = (program("good", "sleep 1.3 exit 0", "autorestart=unexpected") +
                  program("listed", "sleep 1.3 exit 7", "exitcodes=0,7") +
                  program("off", "sleep 1.3 exit 9", "autorestart=false"))
        with Daemon(config) as d:
            d.wait_states({"good": "EXITED", "listed": "EXITED", "off": "EXITED"})
            self.assertEqual(d.info("listed")["exitstatus"], 7)
            self.assertEqual(d.info("listed")["spawnerr"], "")
            self.assertEqual(d.info("off")["spawnerr"], "Bad exit code 9")
            self.assertIn(("INFO", "exited: good (exit status 0; expected)"), d.log())
            self.assertIn(("INFO", "exited: listed (exit status 7; expected)"), d.log())
            self.assertIn(("WARN", "exited: off (exit status 9; not expected)"), d.log())
            self.assertRegex(d.info("off")["description"], r"^[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M$")

    def test_an_unexpected_exit_is_restarted(self):
        config = (program("a", "note @DIR@/starts x sleep 1.2 exit 3") +
                  program("always", "note @DIR@/always x sleep 1.2 exit 0", "autorestart=true"))
        with Daemon(config) as d:
            wait_until(lambda: d.read("starts").count("x") >= 3, "three starts")
            wait_until(lambda: d.read("always").count("x") >= 3, "three starts")
            self.assertIn(("WARN", "exited: a (exit status 3; not expected)"), d.log())
            self.assertIn(("INFO", "exited: always (exit status 0; expected)"), d.log())

    def test_no_exit_code_is_expected_when_the_list_is_empty(self):
        with Daemon(program("a", "note @DIR@/starts x sleep 1.2 exit 0", "exitcodes=")) as d:
            wait_until(lambda: d.read("starts").count("x") >= 2, "a second start")
            self.assertIn(("WARN", "exited: a (exit status 0; not expected)"), d.log())

    def test_death_by_signal_is_never_expected(self):
        with Daemon(program("k", "sleep 1.3 kill 9", "autorestart=false\nexitcodes=0,9")) as d:
            d.wait_state("k", "EXITED")
            info = d.info("k")
            self.assertEqual(info["exitstatus"], -1)
            d.wait_logged(r"^exited: k \(terminated by SIGKILL; not expected\)$")

    def test_backoff_ends_in_fatal_after_startretries(self):
        config = program("q", "note @DIR@/starts x exit 3", "startretries=2")
        with Daemon(config) as d:
            info = d.wait_state("q", "BACKOFF")
            self.assertEqual((info["spawnerr"], info["exitstatus"], info["pid"]),
                             ("Exited too quickly (process log may have details)", 0, 0))
            self.assertEqual(info["description"], info["spawnerr"])
            d.wait_state("q", "FATAL")
            self.assertEqual(d.read("starts").count("x"), 3)
            d.wait_logged("^gave up: q entered FATAL state, too many start retries too quickly$")
            self.assertEqual(len(d.logged("^spawned: 'q' with pid")), 3)
            self.assertEqual(len(d.logged(r"^exited: q \(exit status 3; not expected\)$")), 3)

    def test_an_exit_with_0_before_startsecs_is_a_failure_too(self):
        with Daemon(program("q", "exit 0", "startretries=0")) as d:
            d.wait_state("q", "FATAL")
            d.wait_logged(r"^exited: q \(exit status 0; not expected\)$")

    def test_a_command_that_is_not_there_says_so(self):
        config = """[program:nf]
command=/nosuch/cmd
startretries=1
[program:dir]
command=/tmp
startretries=0
[program:plain]
command=/etc/passwd
startretries=0
[program:quote]
command=/bin/echo "x
startretries=0
"""
        with Daemon(config) as d:
            d.wait_states(dict.fromkeys(("nf", "dir", "plain", "quote"), "FATAL"))
            spawnerrs = {name: info["spawnerr"] for name, info in d.infos().items()}
            self.assertEqual(spawnerrs, {
                "nf": "can't find command '/nosuch/cmd'",
                "dir": "command at '/tmp' is a directory",
                "plain": "command at '/etc/passwd' is not executable",
                "quote": "can't parse command '/bin/echo \"x': No closing quotation"})
            self.assertEqual(len(d.logged("^spawnerr: can't find command '/nosuch/cmd'$")), 2)
            self.assertEqual(fault_of(d.rpc.supervisor.startProcess, "nf"), 20)
            self.assertEqual(fault_of(d.rpc.supervisor.startProcess, "dir"), 21)

    def test_startsecs_0_is_running_at_once_and_never_backs_off(self):
        config = (program("up", "forever", "startsecs=0\nautostart=false") +
                  program("gone", "exit 4", "startsecs=0\nautorestart=false"))
        with Daemon(config) as d:
            self.assertIs(d.rpc.supervisor.startProcess("up"), True)
            self.assertEqual(d.state("up"), "RUNNING")
            info = d.wait_state("gone", "EXITED")
            self.assertEqual(info["exitstatus"], 4)

    def test_startsecs_holds_a_program_in_starting(self):
        with Daemon(program("a", "forever", "startsecs=600")) as d:
            info = d.wait_state("a", "STARTING")
            self.assertEqual(info["description"], "")
            stays(lambda: d.state("a") == "STARTING", "STARTING")
            self.assertEqual(fault_of(d.rpc.supervisor.startProcess, "a"), 60)
            d.rpc.supervisor.stopProcess("a")
            self.assertEqual(d.state("a"), "STOPPED")

    def test_a_waiting_start_fails_when_the_program_ends_too_soon(self):
        with Daemon(program("a", "exit 1", "autostart=false\nstartretries=0")) as d:
            self.assertEqual(fault_of(d.rpc.supervisor.startProcess, "a"), 50)

    def test_a_waiting_start_fails_when_somebody_stops_the_program(self):
        with Daemon(program("a", "forever", "autostart=false\nstartsecs=600")) as d:
            faults = []
            other = d.new_rpc()
            waiter = threading.Thread(target=lambda: faults.append(
                fault_of(other.supervisor.startProcess, "a")))
            waiter.start()
            d.wait_state("a", "STARTING")
            d.rpc.supervisor.stopProcess("a")
            waiter.join(60)
            self.assertEqual(faults, [40])

    def test_stop_in_backoff_needs_no_kill(self):
        with Daemon(program("q", "exit 3", "startretries=1000")) as d:
            # The pause grows by a second a try: after three it is surely long enough to be met.
            d.wait_logged("^spawned: 'q'", 3)
            d.wait_state("q", "BACKOFF")
            self.assertIs(d.rpc.supervisor.stopProcess("q"), True)
            self.assertEqual(d.state("q"), "STOPPED")
            stays(lambda: d.state("q") == "STOPPED", "stopped")

    def test_a_stopped_program_is_not_restarted_whatever_its_exit(self):
        config = (program("zero", "trap 15 0 forever", "autorestart=true") +
                  program("five", "trap 15 5 forever", "autorestart=true"))
        with Daemon(config) as d:
            d.wait_states({"zero": "RUNNING", "five": "RUNNING"})
            d.rpc.supervisor.stopProcess("zero")
            d.rpc.supervisor.stopProcess("five")
            self.assertIn(("INFO", "stopped: zero (exit status 0)"), d.log())
            self.assertIn(("WARN", "stopped: five (exit status 5)"), d.log())
            self.assertEqual(d.info("five")["exitstatus"], 5)
            stays(lambda: set(d.states().values()) == {"STOPPED"}, "stopped")

    def test_faults_of_wrong_requests(self):
        with Daemon(program("a", "forever", "autostart=false")) as d:
            call = d.rpc.supervisor
            self.assertEqual(fault_of(call.startProcess, "nosuch"), 10)
            self.assertEqual(fault_of(call.stopProcess, "a"), 70)
            self.assertEqual(fault_of(call.signalProcess, "a", "HUP"), 70)
            call.startProcess("a")
            self.assertEqual(fault_of(call.startProcess, "a"), 60)
            self.assertEqual(fault_of(call.signalProcess, "a", "NOPE"), 11)
            self.assertEqual(fault_of(call.removeProcessGroup, "a"), 91)
            self.assertEqual(fault_of(call.addProcessGroup, "a"), 90)


class Stopping(SystemTest):
    def test_a_program_that_ignores_the_stop_signal_is_killed(self):
        config = program("s", "ignore 15 say ready forever", "stopwaitsecs=1\nstdout_logfile=@DIR@/s.out")
        with Daemon(config, loglevel="debug") as d:
            pid = d.wait_state("s", "RUNNING")["pid"]
            wait_until(lambda: "ready" in d.read("s.out"), "ready")
            self.assertIs(d.rpc.supervisor.stopProcess("s"), True)
            self.assertEqual(d.state("s"), "STOPPED")
            log = d.log()
            expected = [("DEBG", "killing s (pid %d) with signal SIGTERM" % pid),
                        ("INFO", "waiting for s to stop"),
                        ("WARN", "killing 's' (%d) with SIGKILL" % pid),
                        ("DEBG", "killing s (pid %d) with signal SIGKILL" % pid),
                        ("WARN", "stopped: s (terminated by SIGKILL)")]
            self.assertEqual([e for e in log if e in expected], expected)

    def test_stopsignal_is_sent(self):
        config = "".join(program(name, "trap %d 3 say ready forever" % signum,
                                 "stopsignal=%s\nstdout_logfile=@DIR@/%s.out" % (name, name))
                         for name, signum in (("HUP", 1), ("INT", 2), ("QUIT", 3), ("USR1", 10), ("USR2", 12)))
        with Daemon(config) as d:
            for name in ("HUP", "INT", "QUIT", "USR1", "USR2"):
                d.wait_state(name, "RUNNING")
                wait_until(lambda: "ready" in d.read(name + ".out"), "ready")
                d.rpc.supervisor.stopProcess(name)
                self.assertEqual(d.info(name)["exitstatus"], 3, name)

    def test_stopasgroup_reaches_grandchildren(self):
        config = (program("g", "fork forever", "stopasgroup=true") +
                  program("k", "ignore 15 fork say ready forever",
                          "stopwaitsecs=1\nkillasgroup=true\nstdout_logfile=@DIR@/k.out"))
        with Daemon(config, loglevel="debug") as d:
            d.wait_states({"g": "RUNNING", "k": "RUNNING"})
            wait_until(lambda: "ready" in d.read("k.out"), "ready")
            groups = {name: info["pid"] for name, info in d.infos().items()}

            def members(name):
                return [pid for pid in tagged_processes(d.tag) if _pgid(pid) == groups[name]]

            for name in ("g", "k"):
                wait_until(lambda: len(members(name)) == 2, "a grandchild of " + name)
                d.rpc.supervisor.stopProcess(name)
                wait_until(lambda: not members(name), "the end of all of " + name)
            d.wait_logged(r"^killing g \(pid \d+\) process group with signal SIGTERM$")
            d.wait_logged(r"^killing k \(pid \d+\) process group with signal SIGKILL$")

    def test_without_stopasgroup_a_grandchild_lives_on(self):
        with Daemon(program("g", "fork forever"), leftovers_allowed=True) as d:
            pid = d.wait_state("g", "RUNNING")["pid"]
            wait_until(lambda: len([p for p in tagged_processes(d.tag) if _pgid(p) == pid]) == 2,
                       "a grandchild")
            d.rpc.supervisor.stopProcess("g")
            # Its parent was told to stop and did, though the grandchild still holds the pipes.
            self.assertEqual(d.state("g"), "STOPPED")
            self.assertEqual(len([p for p in tagged_processes(d.tag) if _pgid(p) == pid]), 1)

    def test_signals_go_to_the_process_alone(self):
        config = program("a", "on 10 usr1 on 1 hup say ready forever", "stdout_logfile=@DIR@/a.out")
        with Daemon(config) as d:
            d.wait_state("a", "RUNNING")
            wait_until(lambda: "ready" in d.read("a.out"), "ready")
            for spelling in ("USR1", "SIGUSR1", "usr1", 10, "10"):
                before = d.read("a.out").count("usr1")
                self.assertIs(d.rpc.supervisor.signalProcess("a", spelling), True)
                wait_until(lambda: d.read("a.out").count("usr1") == before + 1, "usr1 for %r" % spelling)
            self.assertEqual(d.rpc.supervisor.signalAllProcesses("HUP"),
                             [{"name": "a", "group": "a", "status": 80, "description": "OK"}])
            wait_until(lambda: "hup" in d.read("a.out"), "hup")
            self.assertEqual(d.state("a"), "RUNNING")

    def test_stop_while_starting(self):
        with Daemon(program("a", "forever", "startsecs=600")) as d:
            d.wait_state("a", "STARTING")
            d.rpc.supervisor.stopProcess("a")
            self.assertEqual(d.state("a"), "STOPPED")
            self.assertEqual(d.rpc.supervisor.startProcess("a", False), True)
            d.wait_state("a", "STARTING")


def _pgid(pid):
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


class Groups(SystemTest):
    def test_numprocs_makes_one_process_each(self):
        config = program("w", "facts @DIR@/%(process_num)d.json forever",
                         "process_name=%(program_name)s_%(process_num)02d\nnumprocs=3\nnumprocs_start=4")
        with Daemon(config) as d:
            names = ["w:w_04", "w:w_05", "w:w_06"]
            d.wait_states(dict.fromkeys(names, "RUNNING"))
            self.assertEqual(list(d.states()), names)
            pids = {info["pid"] for info in d.infos().values()}
            self.assertEqual(len(pids), 3)
            for number in (4, 5, 6):
                facts = facts_of(d, "%d.json" % number)
                self.assertIn("SUPERVISOR_PROCESS_NAME=w_%02d" % number, facts["env"])
                self.assertIn("SUPERVISOR_GROUP_NAME=w", facts["env"])
            results = d.rpc.supervisor.stopProcessGroup("w")
            self.assertEqual(sorted(r["name"] for r in results), ["w_04", "w_05", "w_06"])
            self.assertEqual({r["status"] for r in results}, {80})
            self.assertIs(d.rpc.supervisor.startProcess("w:w_05"), True)
            self.assertEqual(d.states(), {"w:w_04": "STOPPED", "w:w_05": "RUNNING", "w:w_06": "STOPPED"})
            self.assertEqual(len(d.rpc.supervisor.startProcess("w:*")), 2)

    def _logged_names(self, daemon, word):
        prefix = {"spawned": "spawned: '", "stopped": "stopped: "}[word]
        return [m[len(prefix):].split("'")[0].split(" ")[0] for m in daemon.messages() if m.startswith(prefix)]

    def test_priorities_order_boot_and_shutdown_of_groups(self):
        config = (program("late", "forever", "priority=900") + program("first", "forever", "priority=1") +
                  program("b", "forever", "priority=5") + program("a", "forever", "priority=5"))
        with Daemon(config) as d:
            d.wait_states(dict.fromkeys(("late", "first", "a", "b"), "RUNNING"))
            self.assertEqual(self._logged_names(d, "spawned"), ["first", "a", "b", "late"])
            d.kill_daemon(signal.SIGTERM)
            d.wait_exit()
            # One group after the other, the highest priority number first.
            self.assertEqual(self._logged_names(d, "stopped"), ["late", "b", "a", "first"])
            self.assertIn("waiting for first, a, b, late to die", d.messages())

    def test_a_group_is_started_by_priority(self):
        config = """[group:g]
programs=z,m,a
"""
        for name, priority in (("z", 30), ("m", 10), ("a", 20)):
            config += program(name, "forever", "priority=%d\nautostart=false" % priority)
        with Daemon(config) as d:
            self.assertEqual({r["status"] for r in d.rpc.supervisor.startProcessGroup("g")}, {80})
            self.assertEqual(self._logged_names(d, "spawned"), ["m", "a", "z"])
            self.assertEqual(len(d.rpc.supervisor.stopAllProcesses()), 3)
            self.assertEqual(set(d.states().values()), {"STOPPED"})

    def test_start_all_and_stop_all_answer_for_each(self):
        config = (program("ok", "forever", "autostart=false") +
                  program("quick", "exit 1", "autostart=false\nstartretries=0") +
                  "[program:nf]\ncommand=/no/such\nautostart=false\nstartretries=0\n")
        with Daemon(config) as d:
            results = {r["name"]: (r["status"], r["description"]) for r in d.rpc.supervisor.startAllProcesses()}
            self.assertEqual(results, {"ok": (80, "OK"), "quick": (50, "SPAWN_ERROR: quick"),
                                       "nf": (20, "NO_FILE: can't find command '/no/such'")})
            self.assertEqual([r["name"] for r in d.rpc.supervisor.stopAllProcesses()], ["ok"])


class ChildWorld(SystemTest):
    """What a program finds around itself."""

    def test_environment_directory_umask(self):
        config = program("c", "facts @DIR@/facts.json forever",
                         'environment=A="1",B="two words",PATH="/only/here:/bin"\n'
                         "directory=@DIR@/sub\numask=027")
        with Daemon("", supervisord='environment=FROM_DAEMON="yes",A="overridden"',
                    env={"INHERITED": "kept"}) as d:
            os.mkdir(d.path("sub"))
            d.write_config(config)
            d.rpc.supervisor.reloadConfig()
            d.rpc.supervisor.addProcessGroup("c")
            facts = facts_of(d)
            env = dict(e.split("=", 1) for e in facts["env"])
            self.assertEqual((env["A"], env["B"], env["PATH"]), ("1", "two words", "/only/here:/bin"))
            self.assertEqual((env["FROM_DAEMON"], env["INHERITED"]), ("yes", "kept"))
            self.assertEqual(env["SUPERVISOR_ENABLED"], "1")
            self.assertEqual(env["SUPERVISOR_SERVER_URL"], "unix://" + d.socket_path)
            self.assertEqual((env["SUPERVISOR_PROCESS_NAME"], env["SUPERVISOR_GROUP_NAME"]), ("c", "c"))
            self.assertEqual(facts["cwd"], os.path.realpath(d.path("sub")))
            self.assertEqual(facts["umask"], 0o027)
            self.assertEqual(facts["argv"][0], CHILD)

    def test_no_descriptor_above_2_and_a_process_group_of_its_own(self):
        config = program("c", "facts @DIR@/facts.json forever") + program("other", "forever")
        with Daemon(config, inet=True) as d:
            facts = facts_of(d)
            self.assertEqual(sorted(facts["fds"], key=int), ["0", "1", "2"])
            for fd in "012":
                self.assertRegex(facts["fds"][fd], r"^pipe:")
            self.assertEqual(len(set(facts["fds"].values())), 3)
            self.assertEqual(facts["pgid"], facts["pid"])
            self.assertEqual(facts["ppid"], d.pid)
            self.assertEqual(facts["sid"], os.getsid(d.pid))

    def test_no_signal_is_blocked(self):
        with Daemon(program("c", "facts @DIR@/facts.json forever")) as d:
            self.assertEqual(int(facts_of(d)["status"]["SigBlk"], 16), 0)

    @better_than_reference
    def test_no_signal_is_ignored(self):
        with Daemon(program("c", "facts @DIR@/facts.json forever")) as d:
            self.assertEqual(int(facts_of(d)["status"]["SigIgn"], 16), 0)

    def test_redirect_stderr_is_one_pipe(self):
        config = program("c", "say one err two say three facts @DIR@/facts.json forever",
                         "redirect_stderr=true\nstdout_logfile=@DIR@/c.out\nstderr_logfile=@DIR@/c.err")
        with Daemon(config) as d:
            fds = facts_of(d)["fds"]
            self.assertEqual(fds["1"], fds["2"])
            wait_until(lambda: d.read("c.out") == "one\ntwo\nthree\n", lambda: "all lines: " + d.read("c.out"))
            self.assertFalse(os.path.exists(d.path("c.err")))

    def test_stdin_reaches_the_program(self):
        config = program("cat", "echo", "stdout_logfile=@DIR@/cat.out")
        with Daemon(config) as d:
            d.wait_state("cat", "RUNNING")
            self.assertIs(d.rpc.supervisor.sendProcessStdin("cat", "hello\n"), True)
            wait_until(lambda: d.read("cat.out") == "hello\n", "the echo")
            big = "0123456789abcde\n" * 20000
            d.rpc.supervisor.sendProcessStdin("cat", big)
            wait_until(lambda: len(d.read("cat.out")) == 6 + len(big), "all of the big echo")
            self.assertEqual(d.read("cat.out"), "hello\n" + big)
            d.rpc.supervisor.stopProcess("cat")
            self.assertEqual(fault_of(d.rpc.supervisor.sendProcessStdin, "cat", "x"), 70)

    def test_failures_before_exec_are_told_in_the_programs_log(self):
        config = program("cd", "forever", "directory=/nosuch\nstartretries=0\nstderr_logfile=@DIR@/cd.err")
        with Daemon(config) as d:
            script = d.write("noshebang", "exit 0\n", 0o755)
            d.write_config(config + "[program:noexec]\ncommand=%s\nstartretries=0\n"
                           "stderr_logfile=@DIR@/noexec.err\n" % script)
            d.rpc.supervisor.reloadConfig()
            d.rpc.supervisor.addProcessGroup("noexec")
            d.wait_states({"cd": "FATAL", "noexec": "FATAL"})
            self.assertEqual(d.read("cd.err"), "supervisor: couldn't chdir to /nosuch: ENOENT\n"
                                               "supervisor: child process was not spawned\n")
            self.assertEqual(d.read("noexec.err"), "supervisor: couldn't exec %s: ENOEXEC\n"
                                                   "supervisor: child process was not spawned\n" % script)
            d.wait_logged(r"^exited: cd \(exit status 127; not expected\)$")

    @needs_root
    def test_user_drops_everything(self):
        user = pwd.getpwnam("nobody")
        groups = sorted({user.pw_gid} | {g.gr_gid for g in grp.getgrall() if user.pw_name in g.gr_mem})
        config = program("c", "facts @DIR@/open/facts.json forever", "user=nobody\nstdout_logfile=@DIR@/c.out")
        with Daemon(config + program("root", "facts @DIR@/root.json forever"), supervisord="user=root") as d:
            os.mkdir(d.path("open"))
            os.chmod(d.path("open"), 0o777)
            # The program may have been too early for its directory.
            d.wait_state("c", "RUNNING")
            facts = facts_of(d, "open/facts.json")
            status = facts["status"]
            self.assertEqual(status["Uid"].split(), [str(user.pw_uid)] * 4)
            self.assertEqual(status["Gid"].split(), [str(user.pw_gid)] * 4)
            self.assertEqual(sorted(map(int, status["Groups"].split())), groups)
            self.assertEqual(int(status["CapEff"], 16), 0)
            self.assertEqual(sorted(facts["fds"]), ["0", "1", "2"])
            self.assertEqual(os.stat(d.path("c.out")).st_uid, 0)
            env = dict(e.split("=", 1) for e in facts["env"])
            self.assertEqual(env.get("HOME"), os.environ.get("HOME"))
            self.assertEqual(facts_of(d, "root.json")["status"]["Uid"].split()[0], "0")

    @needs_root
    def test_a_daemon_with_a_user_drops_itself(self):
        user = pwd.getpwnam("nobody")
        d = Daemon(program("c", "facts @DIR@/facts.json forever"), supervisord="user=nobody")
        os.chown(d.dir, user.pw_uid, user.pw_gid)
        with d:
            d.wait_state("c", "RUNNING")
            status = facts_of(d)["status"]
            self.assertEqual(status["Uid"].split(), [str(user.pw_uid)] * 4)
            self.assertEqual(status["Gid"].split(), [str(user.pw_gid)] * 4)
            for thread in d.threads():
                text = read_text("/proc/%d/task/%s/status" % (d.pid, thread))
                self.assertIn("Uid:\t" + "\t".join([str(user.pw_uid)] * 4), text)
            self.assertIn("Set uid to user %d succeeded" % user.pw_uid, d.messages())
            self.assertEqual(os.stat(d.logfile).st_uid, user.pw_uid)
            self.assertEqual(os.stat(d.socket_path).st_uid, user.pw_uid)

    @needs_root
    def test_limits_are_raised_for_the_daemon(self):
        with Daemon(program("c", "facts @DIR@/facts.json forever"), supervisord="minfds=4000\nminprocs=300") as d:
            facts = facts_of(d)
            self.assertGreaterEqual(int(_limit(d.pid, "Max open files")), 4000)
            self.assertGreaterEqual(facts["nofile"][1], 4000)


def _limit(pid, name):
    for line in read_text("/proc/%d/limits" % pid).splitlines():
        if line.startswith(name):
            return line[len(name):].split()[0]
    return None


class DaemonLife(SystemTest):
    def test_sigterm_sigint_sigquit_shut_down(self):
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            with Daemon(program("a", "forever")) as d:
                d.wait_state("a", "RUNNING")
                d.stop(signum)
                self.assertEqual([m for m in d.messages() if "exit request" in m],
                                 ["received %s indicating exit request" % signum.name])
                self.assertFalse(os.path.exists(d.socket_path))
                self.assertFalse(os.path.exists(d.pidfile))

    def test_shutdown_and_restart_by_rpc(self):
        with Daemon(program("a", "forever")) as d:
            first = d.wait_state("a", "RUNNING")["pid"]
            self.assertIs(d.rpc.supervisor.restart(), True)
            wait_until(lambda: not is_alive(first), "the end of the first incarnation")
            d._rpc = None
            wait_until(d.answers, "the daemon after its restart")
            self.assertNotEqual(d.wait_state("a", "RUNNING")["pid"], first)
            self.assertEqual(len(d.logged("^supervisord started with pid %d$" % d.pid)), 2)
            self.assertIs(d.rpc.supervisor.shutdown(), True)
            self.assertEqual(d.wait_exit(), 0)

    def test_sighup_restarts_with_the_new_configuration(self):
        with Daemon(program("a", "forever")) as d:
            d.wait_state("a", "RUNNING")
            d.write_config(program("b", "forever"))
            d.kill_daemon(signal.SIGHUP)
            d.wait_logged("^supervisord started with pid", 2)
            d._rpc = None
            wait_until(d.answers, "the daemon after its restart")
            self.assertEqual(list(d.states()), ["b"])
            self.assertIn("received SIGHUP indicating restart request", d.messages())
            self.assertIn("waiting for a to die", d.messages())
            self.assertEqual(d.read("supervisord.pid"), "%d\n" % d.pid)

    def test_sigusr2_reopens_all_logs(self):
        config = program("a", "lines 100000 50 line", "stdout_logfile=@DIR@/a.out")
        with Daemon(config) as d:
            wait_until(lambda: d.read("a.out"), "output")
            os.rename(d.path("a.out"), d.path("a.moved"))
            os.rename(d.logfile, d.path("moved.log"))
            d.kill_daemon(signal.SIGUSR2)
            wait_until(lambda: d.read("a.out") and os.path.exists(d.logfile), "new files")
            self.assertIn("received SIGUSR2 indicating log reopen request", d.read("moved.log"))
            d.rpc.supervisor.stopProcess("a")
            d.wait_logged("^stopped: a")
            numbers = [int(line.split()[1]) for line in (d.read("a.moved") + d.read("a.out")).splitlines()]
            self.assertEqual(numbers, list(range(len(numbers))))

    def test_pidfile_holds_the_pid_and_goes_at_the_end(self):
        with Daemon("") as d:
            wait_until(lambda: d.read("supervisord.pid") == "%d\n" % d.pid, "the pidfile")
            self.assertEqual(d.rpc.supervisor.getPID(), d.pid)
            d.stop()
            self.assertFalse(os.path.exists(d.pidfile))

    def test_an_unwritable_pidfile_is_critical_but_no_end(self):
        d = Daemon("", supervisord="pidfile=@DIR@/taken")
        os.mkdir(d.path("taken"))
        with d:
            d.wait_logged("^could not write pidfile .*/taken$")
            self.assertFalse(d.logged("supervisord started"))

    def test_daemonized(self):
        config = program("c", "facts @DIR@/facts.json forever")
        with Daemon(config, nodaemon=False, supervisord="directory=/\numask=077") as d:
            self.assertNotEqual(d.pid, d.process.pid)
            facts = facts_of(d)
            self.assertEqual(facts["cwd"], "/")
            self.assertEqual(facts["umask"], 0o077)
            self.assertEqual(os.getsid(d.pid), d.pid)
            for fd in ("0", "1", "2"):
                self.assertEqual(os.readlink("/proc/%d/fd/%s" % (d.pid, fd)), "/dev/null")
            messages = d.messages()
            self.assertLess(messages.index("daemonizing the supervisord process"),
                            messages.index("set current directory: '/'"))
            self.assertLess(messages.index("set current directory: '/'"),
                            messages.index("supervisord started with pid %d" % d.pid))

    def test_in_the_foreground_directory_and_umask_are_not_applied(self):
        config = program("c", "facts @DIR@/facts.json forever")
        with Daemon(config, supervisord="directory=/\numask=077") as d:
            facts = facts_of(d)
            self.assertEqual(facts["cwd"], os.path.realpath(d.dir))
            self.assertNotEqual(facts["umask"], 0o077)

    def test_the_foreground_shows_the_log_on_stdout_unless_silent(self):
        with Daemon("") as d:
            d.stop()
            self.assertEqual(d.read("daemon.out"), d.log_text())
        with Daemon("", args=["-s"]) as d:
            d.stop()
            self.assertEqual(d.read("daemon.out"), "")

    def test_while_shutting_down_requests_are_refused_and_hup_is_ignored(self):
        config = program("z", "ignore 15 say ready until @DIR@/go exit 0",
                         "stopwaitsecs=600\nstdout_logfile=@DIR@/z.out")
        with Daemon(config) as d:
            d.wait_state("z", "RUNNING")
            wait_until(lambda: "ready" in d.read("z.out"), "ready")
            d.kill_daemon(signal.SIGTERM)
            d.wait_logged("^waiting for z to die$")
            self.assertEqual(fault_of(d.rpc.supervisor.getAllProcessInfo), 6)
            d.kill_daemon(signal.SIGHUP)
            d.wait_logged(r"^ignored SIGHUP indicating restart request \(shutdown in progress\)$")
            d.kill_daemon(signal.SIGINT)
            d.wait_logged("^received SIGINT indicating exit request$")
            d.write("go", "")
            d.wait_exit()

    def test_shutdown_kills_what_does_not_stop(self):
        config = program("z", "ignore 15 say ready forever", "stopwaitsecs=1\nstdout_logfile=@DIR@/z.out")
        with Daemon(config) as d:
            d.wait_state("z", "RUNNING")
            wait_until(lambda: "ready" in d.read("z.out"), "ready")
            d.stop()
            self.assertTrue(d.logged(r"^killing 'z' \(\d+\) with SIGKILL$"))
            self.assertIn("stopped: z (terminated by SIGKILL)", d.messages())

    def test_socket_mode_and_owner(self):
        head = ("[supervisord]\nlogfile=@DIR@/supervisord.log\npidfile=@DIR@/supervisord.pid\n"
                "[unix_http_server]\nfile=@DIR@/s.sock\nchmod=0721\n"
                "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory="
                "supervisor.rpcinterface:make_main_rpcinterface\n"
                "[supervisorctl]\nserverurl=unix://@DIR@/s.sock\n")
        with Daemon("", main=head) as d:
            self.assertEqual(stat.S_IMODE(os.stat(d.socket_path).st_mode), 0o721)
            self.assertEqual(os.stat(d.socket_path).st_uid, os.geteuid())

    def test_a_stale_socket_is_replaced_and_a_living_one_is_not(self):
        with Daemon(program("a", "forever")) as first:
            second = Daemon(program("a", "forever"), directory=first.dir,
                            supervisord="logfile=@DIR@/second.log\npidfile=@DIR@/second.pid")
            second.spawn()
            self.assertNotEqual(second.wait_exit(), 0)
            self.assertEqual(tagged_processes(second.tag), [])
            self.assertEqual(first.rpc.supervisor.getState()["statename"], "RUNNING")
        with Daemon("") as d:
            os.kill(d.pid, signal.SIGKILL)
            d.process.wait()
            self.assertTrue(os.path.exists(d.socket_path))
            again = Daemon("", directory=d.dir)
            with again:
                self.assertEqual(again.rpc.supervisor.getState()["statename"], "RUNNING")
            d.expect_exit = None


class BadConfiguration(SystemTest):
    BAD = {
        "a line that is no option": "[program:bad]\ncommand=/bin/true\nthis is no option\n",
        "no command": "[program:bad]\nnumprocs=1\n",
        "a bad number": program("bad", "forever", "startsecs=soon"),
        "a bad signal": program("bad", "forever", "stopsignal=NOPE"),
        "a missing user": program("bad", "forever", "user=nosuchuser"),
        "a bad expansion": program("bad", "%(nosuch)s forever"),
        "numprocs without a number in the name": program("bad", "forever", "numprocs=2"),
        "a group of nothing": "[group:g]\nprograms=nosuch\n",
        "a bad umask": program("bad", "forever", "umask=999"),
        "a missing log directory": program("bad", "forever", "stdout_logfile=/nosuch/dir/x.log"),
    }

    def test_it_never_starts_half_a_daemon(self):
        for what, bad in self.BAD.items():
            with self.subTest(what):
                d = Daemon(program("good", "note @DIR@/ran x forever") + bad)
                try:
                    d.spawn()
                    self.assertEqual(d.wait_exit(), 2, d.describe())
                    self.assertTrue(d.read("daemon.err").startswith("Error: "), d.describe())
                    self.assertFalse(os.path.exists(d.path("ran")))
                    self.assertFalse(os.path.exists(d.socket_path))
                    self.assertFalse(os.path.exists(d.pidfile))
                    self.assertEqual(tagged_processes(d.tag), [])
                finally:
                    d.kill()
                    d.remove()

    def test_a_missing_file_is_a_usage_error(self):
        d = Daemon("")
        d.conf = "/nosuch/supervisord.conf"
        try:
            d.spawn()
            self.assertEqual(d.wait_exit(), 2)
            self.assertIn("/nosuch/supervisord.conf", d.read("daemon.err"))
        finally:
            d.kill()
            d.remove()

    def test_reread_and_update_change_nothing(self):
        with Daemon(program("good", "forever")) as d:
            pid = d.wait_state("good", "RUNNING")["pid"]
            for what, bad in self.BAD.items():
                with self.subTest(what):
                    d.write_config(program("good", "forever", "priority=3") + bad)
                    self.assertEqual(fault_of(d.rpc.supervisor.reloadConfig), 92)
                    status, out, err = d.ctl("update")
                    self.assertNotEqual(status, 0)
                    self.assertRegex(out + err, "bad|nosuch|option")
                    self.assertEqual(d.info("good")["pid"], pid)

    @better_than_reference
    def test_restart_and_sighup_check_before_they_stop_anything(self):
        with Daemon(program("good", "forever")) as d:
            pid = d.wait_state("good", "RUNNING")["pid"]
            for what, bad in self.BAD.items():
                with self.subTest(what):
                    d.write_config(program("good", "forever") + bad)
                    d.kill_daemon(signal.SIGHUP)
                    try:
                        d.rpc.supervisor.restart()
                    except Exception:  # a fault is as good as a refusal in the log
                        pass
                    stays(lambda: d.info("good")["pid"] == pid and d.info("good")["statename"] == "RUNNING",
                          "the running program, with " + what, seconds=0.7)
            self.assertTrue([e for e in d.log() if e[0] in ("ERRO", "CRIT", "WARN") and "bad" in e[1] or "nosuch" in e[1]],
                            d.log_text())

    def test_reread_lists_what_is_new_changed_and_gone(self):
        config = program("same", "forever") + program("gone", "forever") + program("other", "forever")
        with Daemon(config) as d:
            d.write_config(program("same", "forever") + program("new", "forever") +
                           program("other", "forever", "stopsignal=INT"))
            self.assertEqual(d.rpc.supervisor.reloadConfig(), [[["new"], ["other"], ["gone"]]])
            self.assertEqual(d.rpc.supervisor.reloadConfig(), [[["new"], ["other"], ["gone"]]])
            pid = d.wait_state("same", "RUNNING")["pid"]
            status, out, _ = d.ctl("update")
            self.assertEqual(sorted(out.splitlines()), sorted([
                "gone: stopped", "gone: removed process group", "other: stopped",
                "other: updated process group", "new: added process group"]))
            self.assertEqual(status, 0)
            self.assertEqual(sorted(d.states()), ["new", "other", "same"])
            self.assertEqual(d.info("same")["pid"], pid)
            d.wait_states(dict.fromkeys(("new", "other", "same"), "RUNNING"))


if __name__ == "__main__":
    main()
