# SPDX-License-Identifier: MIT
"""What a program may use and who it is: rlimit_*, nice, oom_score_adj, cpu_affinity, user=name:group,
user_environment, environment_file."""

import grp
import os
import pwd
import resource
import unittest

from harness import (OURS, REFERENCE, Daemon, Implementation, SystemTest, better_than_reference, main,
                     needs_reference, needs_root, process_status, read_text, wait_until)

LIMITS = {"rlimit_nofile": resource.RLIMIT_NOFILE, "rlimit_core": resource.RLIMIT_CORE,
          "rlimit_as": resource.RLIMIT_AS}


def program(name, options="", command="/bin/sleep 1000"):
    return "[program:%s]\ncommand=%s\nstartsecs=0\nstartretries=0\n%s\n" % (name, command, options)


def pid_of(daemon, name):
    """The pid of the program, once it is what it is to be."""
    pid = daemon.wait_state(name, "RUNNING")["pid"]
    wait_until(lambda: "sleep" in read_text("/proc/%d/cmdline" % pid), "the program's own image")
    return pid


def environment(daemon, name):
    entries = read_text("/proc/%d/environ" % pid_of(daemon, name)).split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


def limits(pid):
    return {name: resource.prlimit(pid, which) for name, which in LIMITS.items()}


def scheduling(pid):
    return (os.getpriority(os.PRIO_PROCESS, pid), sorted(os.sched_getaffinity(pid)),
            read_text("/proc/%d/oom_score_adj" % pid))


def has_capability(number):
    return bool(int(process_status(os.getpid())["CapEff"], 16) >> number & 1)


CAP_SYS_NICE, CAP_SYS_RESOURCE = 23, 24
NICE = -3 if has_capability(CAP_SYS_NICE) else 3


def problems(text):
    """What --check says of a file."""
    daemon = Daemon(impl=OURS, main=text, args=["--check"])
    try:
        daemon.spawn().process.wait(60)
        return daemon.process.returncode, daemon.read("daemon.out")
    finally:
        daemon.remove()


class BadValues(SystemTest):
    def test_each_is_told_with_its_place(self):
        for option in ("rlimit_nofile=many", "rlimit_nofile=-5", "rlimit_nofile=", "rlimit_core=5:1",
                       "rlimit_core=unlimited:5", "rlimit_as=1:2:3", "rlimit_as=:5", "nice=20", "nice=-21", "nice=x",
                       "oom_score_adj=1001", "oom_score_adj=-1001", "oom_score_adj=x", "cpu_affinity=a-b",
                       "cpu_affinity=3-1", "cpu_affinity=5000", "cpu_affinity=0,,1", "cpu_affinity=-1",
                       "user=root:nosuchgroup", "user=nosuchuser:root", "user_environment=perhaps",
                       "environment_file=-"):
            with self.subTest(option):
                status, out = problems("[supervisord]\n[program:a]\ncommand=/bin/true\n" + option + "\n")
                self.assertEqual(status, 2, out)
                self.assertIn("supervisord.conf:4: [program:a] %s: " % option.split("=")[0], out)

    def test_a_file_for_all_programs_is_checked_too(self):
        status, out = problems("[supervisord]\nenvironment_file=-\n[program:a]\ncommand=/bin/true\n")
        self.assertEqual(status, 2)
        self.assertIn("supervisord.conf:2: [supervisord] environment_file: ", out)


class Default(SystemTest):
    @needs_reference
    def test_limits_are_the_references(self):
        self.both(program("a"), lambda d: limits(pid_of(d, "a")))

    def test_the_rest_is_the_daemons(self):
        with Daemon(program("a")) as d:
            pid = pid_of(d, "a")
            self.assertEqual(scheduling(pid), scheduling(d.pid))
            mine, theirs = process_status(d.pid), process_status(pid)
            self.assertEqual([mine[k] for k in ("Uid", "Gid", "Groups")], [theirs[k] for k in ("Uid", "Gid", "Groups")])

    def test_home_and_user_are_the_daemons(self):
        names = {"HOME": "/h", "USER": "u", "LOGNAME": "l", "SHELL": "/s"}
        with Daemon(program("a"), env=names) as d:
            env = environment(d, "a")
            self.assertEqual({n: env[n] for n in names}, names)


@better_than_reference
class Limits(SystemTest):
    def test_each_is_set(self):
        config = (program("a", "rlimit_nofile=50:60\nrlimit_core=0\nrlimit_as=536870912") +
                  program("b", "rlimit_nofile=40") + program("c"))
        with Daemon(config) as d:
            self.assertEqual(limits(pid_of(d, "a")), {"rlimit_nofile": (50, 60), "rlimit_core": (0, 0),
                                                      "rlimit_as": (536870912, 536870912)})
            b, c = limits(pid_of(d, "b")), limits(pid_of(d, "c"))
            self.assertEqual(b, dict(c, rlimit_nofile=(40, 40)))
            self.assertNotEqual(c["rlimit_nofile"], (40, 40))

    @unittest.skipUnless(has_capability(CAP_SYS_RESOURCE), "only with CAP_SYS_RESOURCE")
    def test_unlimited_raises_what_the_daemon_has(self):
        implementation = Implementation("ours", ["/bin/sh", "-c", 'ulimit -c 1; exec "$0" "$@"'] + OURS.daemon, OURS.ctl)
        with Daemon(program("a", "rlimit_core=unlimited") + program("b", "rlimit_core=10:unlimited"),
                    implementation) as d:
            self.assertEqual([limits(pid_of(d, n))["rlimit_core"] for n in "ab"], [(-1, -1), (10, -1)])

    def test_address_space_is_not_given_beyond_it(self):
        config = (program("a", "rlimit_as=134217728\nautorestart=false", "@CHILD@ alloc 256 exit 7") +
                  program("b", "autorestart=false", "@CHILD@ alloc 256 exit 7"))
        with Daemon(config) as d:
            self.assertEqual([d.wait_state(n, "EXITED")["exitstatus"] for n in "ab"], [99, 7])

    def test_what_the_system_refuses_is_told(self):
        config = (program("a", "rlimit_nofile=999999999999\nautorestart=false") +
                  program("b", "cpu_affinity=1023\nautorestart=false"))
        with Daemon(config) as d:
            for name, words in (("a", "couldn't set rlimit_nofile: EPERM"), ("b", "couldn't set cpu_affinity: EINVAL")):
                self.assertEqual(d.wait_state(name, "EXITED")["exitstatus"], 127)
                self.assertIn(words, d.rpc.supervisor.readProcessStderrLog(name, 0, 0))


@better_than_reference
class Scheduling(SystemTest):
    def test_each_is_set(self):
        cpu = max(os.sched_getaffinity(0))
        with Daemon(program("a", "nice=7\noom_score_adj=321\ncpu_affinity=%d" % cpu)) as d:
            self.assertEqual(scheduling(pid_of(d, "a")), (7, [cpu], "321\n"))
            self.assertNotEqual(scheduling(d.pid), (7, [cpu], "321\n"))

    def test_lists_and_ranges_of_processors(self):
        allowed = sorted(os.sched_getaffinity(0))
        text = "%d,%d-%d" % (allowed[0], allowed[0], allowed[-1])
        with Daemon(program("a", "cpu_affinity=" + text)) as d:
            self.assertEqual(sorted(os.sched_getaffinity(pid_of(d, "a"))), allowed)

    @needs_root
    def test_a_switched_user_gets_it_as_root_would(self):
        # A negative number is what daemon itself could not set.
        with Daemon(program("a", "user=daemon\nnice=%d" % NICE) + program("b", "nice=%d" % NICE)) as d:
            self.assertEqual([scheduling(pid_of(d, n))[0] for n in "ab"], [NICE, NICE])


@better_than_reference
class Users(SystemTest):
    @needs_root
    def test_a_group_may_be_given_with_the_user(self):
        user, group = pwd.getpwnam("daemon"), grp.getgrnam("nogroup")
        with Daemon(program("a", "user=daemon:nogroup") + program("b", "user=daemon") +
                    program("c", "user=%d:%d" % (user.pw_uid, group.gr_gid)) + program("r", "user=root:nogroup")) as d:
            found = {}
            for name in "abcr":
                status = process_status(pid_of(d, name))
                uids, gids = set(status["Uid"].split()), set(status["Gid"].split())
                self.assertEqual((len(uids), len(gids)), (1, 1))
                found[name] = (int(uids.pop()), int(gids.pop()))
                self.assertIn(str(found[name][1]), status["Groups"].split())
            self.assertEqual(found, {"a": (user.pw_uid, group.gr_gid), "b": (user.pw_uid, user.pw_gid),
                                     "c": (user.pw_uid, group.gr_gid), "r": (0, group.gr_gid)})

    @needs_root
    def test_user_environment_is_what_a_login_sets(self):
        daemon = pwd.getpwnam("daemon")
        names = {"HOME": "/h", "USER": "u", "LOGNAME": "l", "SHELL": "/s"}
        config = (program("a", "user=daemon\nuser_environment=true") + program("b", "user=daemon") +
                  program("c", "user=daemon\nuser_environment=true\nenvironment=HOME=\"/mine\"") +
                  program("none", "user_environment=true"))
        with Daemon(config, env=names) as d:
            login = {"HOME": daemon.pw_dir, "USER": "daemon", "LOGNAME": "daemon", "SHELL": daemon.pw_shell}
            for name, wanted in (("a", login), ("b", names), ("c", dict(login, HOME="/mine")), ("none", names)):
                env = environment(d, name)
                self.assertEqual({n: env[n] for n in names}, wanted, name)


@better_than_reference
class EnvironmentFiles(SystemTest):
    def test_lines_of_every_kind(self):
        text = ("# a comment\n\nPLAIN=one\nexport EXPORTED=two\n  BLANKS= three words  \nDOUBLE=\"a \\\"b\\\" #c\"\n"
                "SINGLE='x \"y\"'\nPERCENT=100%(here)s %% %d %(ENV_HOME)s\nDOLLAR=$HOME\nEMPTY=\nEQUALS=a=b\n")
        wanted = {"PLAIN": "one", "EXPORTED": "two", "BLANKS": "three words", "DOUBLE": 'a "b" #c',
                  "SINGLE": 'x "y"', "PERCENT": "100%(here)s %% %d %(ENV_HOME)s", "DOLLAR": "$HOME", "EMPTY": "",
                  "EQUALS": "a=b"}
        with Daemon(program("a", "environment_file=@DIR@/env"), prepare=lambda d: d.write("env", text)) as d:
            env = environment(d, "a")
            self.assertEqual({n: env.get(n) for n in wanted}, wanted)

    def test_who_wins(self):
        def prepare(d):
            d.write("all", "A=all\nB=all\nC=all\nD=all\nINHERITED=all\n")
            d.write("own", "B=own\nC=own\n")
            d.write("last", "C=last\n")

        config = (program("a", "environment_file=@DIR@/own,@DIR@/last\nenvironment=D=\"option\"") + program("b"))
        with Daemon(config, supervisord="environment_file=@DIR@/all", prepare=prepare,
                    env={"INHERITED": "daemon"}) as d:
            names = ("A", "B", "C", "D", "INHERITED")
            self.assertEqual([environment(d, "a")[n] for n in names], ["all", "own", "last", "option", "all"])
            self.assertEqual([environment(d, "b")[n] for n in names], ["all"] * 5)

    def test_it_is_read_at_each_start(self):
        with Daemon(program("a", "environment_file=@DIR@/env"), prepare=lambda d: d.write("env", "A=1\nB=1\n")) as d:
            self.assertEqual([environment(d, "a").get(n) for n in "AB"], ["1", "1"])
            d.rpc.supervisor.stopProcess("a")
            d.write("env", "A=2\n")
            d.rpc.supervisor.startProcess("a")
            self.assertEqual([environment(d, "a").get(n) for n in "AB"], ["2", None])

    def test_a_missing_one_fails_the_start_unless_it_is_optional(self):
        config = program("a", "environment_file=@DIR@/none") + program("b", "environment_file=-@DIR@/none")
        with Daemon(config) as d:
            self.assertNotIn("NEW", environment(d, "b"))
            info = d.wait_state("a", "FATAL")
            self.assertIn(d.path("none"), info["spawnerr"])
            self.assertIn("No such file", info["spawnerr"])
            self.assertEqual(d.logged("^spawned: 'a'"), [])
            d.write("none", "NEW=1\n")
            for name in "ab":
                if name == "b":
                    d.rpc.supervisor.stopProcess(name)
                d.rpc.supervisor.startProcess(name)
                self.assertEqual(environment(d, name)["NEW"], "1")

    def test_a_wrong_one_fails_the_start_with_its_line_and_no_secret(self):
        def prepare(d):
            d.write("line", "A=1\nhunter2\n")
            d.write("quote", "A=\"hunter2\n")
            os.mkfifo(d.path("fifo"))

        names = ("line", "quote", "fifo")
        config = "".join(program(n, "environment_file=-@DIR@/" + n) for n in names)
        with Daemon(config, prepare=prepare) as d:
            errors = {n: d.wait_state(n, "FATAL")["spawnerr"] for n in names}
            self.assertIn(":2: ", errors["line"])
            self.assertIn(":1: ", errors["quote"])
            for name, error in errors.items():
                self.assertIn(d.path(name), error)
            self.assertNotIn("hunter2", d.log_text() + str(errors))


class Reference(SystemTest):
    @needs_reference
    def test_it_runs_such_a_file(self):
        options = ("rlimit_nofile=50:60\nrlimit_core=0\nrlimit_as=unlimited\nnice=5\noom_score_adj=5\n"
                   "cpu_affinity=0\nuser_environment=true\nenvironment_file=-@DIR@/none\n")
        with Daemon(program("a", options), REFERENCE, supervisord="environment_file=-@DIR@/none") as d:
            self.assertEqual(os.getpriority(os.PRIO_PROCESS, pid_of(d, "a")), os.getpriority(os.PRIO_PROCESS, d.pid))


if __name__ == "__main__":
    main()
