# SPDX-License-Identifier: MIT
"""One long supervisorctl session on 50 programs, in every pairing of client and daemon.

The reference's client on the reference's daemon says what is right; the reference's client on our
daemon, ours on the reference's daemon, and ours on ours must say the same words and leave with the
same exit status.
"""

import concurrent.futures
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

from harness import (OURS, REFERENCE, Daemon, SystemTest, main, needs_ours, needs_reference,  # noqa: E402
                     normalise, wait_until)


def programs():
    config = ""
    for n in range(20):
        config += "[program:plain%02d]\ncommand=@CHILD@ forever\npriority=%d\n" % (n, 100 + n)
    config += ("[program:many]\ncommand=@CHILD@ forever\nprocess_name=many_%(process_num)02d\n"
               "numprocs=15\nstartsecs=0\n")
    for n in range(5):
        config += "[program:member%d]\ncommand=@CHILD@ forever\n" % n
    config += "[group:team]\nprograms=" + ",".join("member%d" % n for n in range(5)) + "\n"
    config += """
[program:talker]
command=@CHILD@ say one say two say three err oops forever
stdout_logfile=@DIR@/talker.out
stderr_logfile=@DIR@/talker.err
[program:merged]
command=@CHILD@ say one err two forever
redirect_stderr=true
stdout_logfile=@DIR@/merged.out
[program:nolog]
command=@CHILD@ say one forever
stdout_logfile=NONE
stderr_logfile=NONE
[program:echo]
command=@CHILD@ echo
stdout_logfile=@DIR@/echo.out
[program:crash]
command=@CHILD@ exit 3
startretries=0
startsecs=2
[program:done]
command=@CHILD@ sleep 1.5 exit 0
[program:missing]
command=/nosuch/command
startretries=0
[program:manual]
command=@CHILD@ forever
autostart=false
[program:crashmanual]
command=@CHILD@ exit 1
autostart=false
startretries=0
startsecs=2
[program:last]
command=@CHILD@ forever
startsecs=0
"""
    return config


NEXT = [("[program:plain00]\ncommand=@CHILD@ forever\n", "[program:plain00]\ncommand=@CHILD@ forever\nstopwaitsecs=3\n"),
        ("[program:plain01]\ncommand=@CHILD@ forever\npriority=101\n", ""),
        ("[program:last]", "[program:fresh]\ncommand=@CHILD@ forever\nstartsecs=0\n[program:last]")]

# Each step: arguments of one invocation; or one of next, bad, good (change the configuration) and
# wait (until the programs named are running).
SESSION = [
    ("status",), ("status", "plain00"), ("status", "plain00", "plain01", "many:*"), ("status", "team:*"),
    ("status", "nosuch"), ("status", "nosuch", "plain00"), ("status", "team:nosuch"), ("status", "missing"),
    ("pid", "nosuch"), ("pid", "manual"),
    ("avail",), ("version",),
    ("start", "manual"), ("start", "manual"), ("start", "nosuch"), ("start", "nosuch:*"),
    ("start", "crashmanual"), ("start", "missing"), ("start", "team:*"), ("start",),
    ("wait", "manual"), ("stop", "manual"), ("stop", "manual"), ("stop", "nosuch"), ("stop", "plain02", "plain03", "nosuch"),
    ("stop", "team:*"), ("status", "team:*"), ("start", "team:*"), ("stop",),
    ("restart", "plain02", "plain03"), ("restart", "nosuch"), ("restart", "team:"), ("restart", "many:many_03"),
    ("restart",), ("start plain02",), ("start", "many:*"),
    ("signal", "CONT", "plain00"), ("signal", "CONT", "plain00", "many:*"), ("signal", "NOSUCH", "plain00"),
    ("signal", "CONT", "manual"), ("signal", "CONT", "nosuch"), ("signal", "CONT"), ("signal",),
    ("signal CONT", "plain00"), ("signal", "18", "team:*"),
    ("tail", "talker"), ("tail", "talker", "stderr"), ("tail", "-5", "talker"), ("tail", "-4", "talker", "stdout"),
    ("tail", "nosuch"), ("tail", "nolog"), ("tail", "merged"), ("tail", "merged", "stderr"), ("tail",),
    ("tail", "talker", "nonsense"), ("tail", "-x", "talker"), ("tail", "team:*"), ("tail", "manual"),
    ("clear", "talker"), ("tail", "talker"), ("clear", "nosuch"), ("clear", "talker", "merged"), ("clear",),
    ("maintail", "-500"), ("maintail", "nonsense"),
    ("add", "nosuch"), ("add", "plain00"), ("remove", "nosuch"), ("remove", "plain00"), ("add",), ("remove",),
    ("reread",), ("next",), ("reread",), ("avail",), ("update", "nosuch"), ("update", "fresh"), ("update",),
    ("update",), ("wait", "fresh", "plain00"), ("status", "fresh", "plain00"), ("stop", "plain04"), ("remove", "plain04"), ("status", "plain04"),
    ("add", "plain04"), ("wait", "plain04"), ("start", "plain04"), ("bad",), ("reread",), ("good",), ("reread",),
    ("help",), ("help", "start"), ("help", "nosuch"), ("nosuchcommand",), ("help", "tail"),
    ("open",), ("open", "nonsense"), ("fg",), ("fg", "nosuch"), ("fg", "manual"),
    ("exit",), ("quit",), ("pid", "all", "extra"), ("version", "extra"), ("reload", "extra"), ("shutdown", "extra"),
    ("stop", "all"), ("status",), ("start", "plain05", "plain06"), ("stop", "all"),
]


def normalise_output(text, directory):
    text = normalise(text, directory)
    # Debian's reference is 4.2.5; ours says the version that most people run.
    text = re.sub(r"^4\.\d+\.\d+$", "VERSION", text, flags=re.M)
    return re.sub(r"^\d+$", "PID", text, flags=re.M)


def run_session(daemon, client):
    """[(step, exit status, sorted or plain output lines, errors)]"""
    told = []
    daemon.wait_states({"crash": "FATAL", "done": "EXITED", "missing": "FATAL", "plain19": "RUNNING",
                        "last": "RUNNING", "many:many_14": "RUNNING"})
    wait_until(lambda: "three" in daemon.read("talker.out") and "oops" in daemon.read("talker.err"), "talk")
    first = programs()
    following = first
    for before, after in NEXT:
        assert before in following, before
        following = following.replace(before, after)
    for step in SESSION:
        if step == ("next",):
            daemon.write_config(following)
            continue
        if step[0] == "wait":
            daemon.wait_states(dict.fromkeys(step[1:], "RUNNING"))
            continue
        if step == ("bad",):
            daemon.write_config(following + "[program:broken]\nnumprocs=1\n")
            continue
        if step == ("good",):
            daemon.write_config(following)
            continue
        status, out, err = daemon.ctl(*step, impl=client)
        lines = normalise_output(out, daemon.dir).splitlines()
        if step[0] == "maintail" and status == 0:
            # What the log says and in which order is compared elsewhere.
            lines = [str(len(out)), "of the log: %s" % (out.rstrip("\n") in daemon.log_text())]
        if step[0].split()[0] in ("start", "stop", "restart", "signal", "update", "clear"):
            # Who stops first is up to the programs.
            lines.sort()
        told.append((" ".join(step), status, lines, normalise_output(err, daemon.dir)))
    # What a shell says, read from a pipe.
    status, out, err = daemon.ctl(impl=client, input="status plain05\nstart nosuch\nhelp nosuch\nnonsense\n\nexit\n")
    told.append(("(shell)", status, normalise_output(out, daemon.dir).splitlines(), err))
    told.append(follow(daemon, client))
    for step in (("pid",), ("pid", "plain19"), ("pid", "all")):
        status, out, err = daemon.ctl(*step, impl=client)
        told.append((" ".join(step), status, normalise_output(out, daemon.dir).splitlines(), err))
    status, out, _ = daemon.ctl("shutdown", impl=client)
    told.append(("shutdown", status, out.splitlines(), ""))
    daemon.wait_exit()
    status, out, err = daemon.ctl("status", impl=client)
    told.append(("status of nobody", status, normalise_output(out, daemon.dir).splitlines(), err))
    return told


def follow(daemon, client):
    """tail -f: what was there, what comes, and the end by the keyboard's signal."""
    daemon.rpc.supervisor.startProcess("echo")
    daemon.rpc.supervisor.sendProcessStdin("echo", "before\n")
    wait_until(lambda: daemon.read("echo.out").endswith("before\n"), "the first line")
    with open(daemon.path("follow.out"), "wb") as out:
        tail = subprocess.Popen(client.ctl + ["-c", daemon.conf, "tail", "-f", "echo"], stdout=out,
                                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=daemon.dir,
                                env=dict(daemon.env, PYTHONUNBUFFERED="1"))
        wait_until(lambda: "before" in daemon.read("follow.out"), "the line that was there")
        daemon.rpc.supervisor.sendProcessStdin("echo", "after\n")
        wait_until(lambda: "after" in daemon.read("follow.out"), "the line that comes")
        tail.send_signal(signal.SIGINT)
        tail.wait(60)
    return "tail -f echo", tail.returncode, daemon.read("follow.out").split("\n"), ""


def run_pair(client, server):
    with Daemon(programs(), server) as daemon:
        return run_session(daemon, client)


# The reference names a file and a line of its own in these; the words before count.
SOURCE_PLACE = re.compile(r"file: \S+ line: \d+$")


# Help is in words of our own; which forms of a command there are must be the same, but for
# our additions, which all have a long option.
HELP = ("start", "stop", "restart", "signal", "signal CONT", "tail", "clear", "fg", "help start", "help tail",
        "version extra", "reload extra", "shutdown extra")


def only_forms(lines):
    return sorted({line.split("\t")[0].rstrip() for line in lines if line.startswith(("Error", "ERROR"))
                   or ("\t" in line and not line.startswith("\t") and " --" not in line.split("\t")[0])})


def comparable(step):
    name, status, lines, err = step
    if name in HELP:
        lines = only_forms(lines)
    return name, status, [SOURCE_PLACE.sub("file: F line: N", line) for line in lines], err


@needs_reference
@needs_ours
class Sessions(SystemTest):
    sessions = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        pairs = [(REFERENCE, REFERENCE), (REFERENCE, OURS), (OURS, REFERENCE), (OURS, OURS)]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            runs = {pair: pool.submit(run_pair, *pair) for pair in pairs}
            cls.sessions = {}
            for pair, run in runs.items():
                try:
                    cls.sessions[pair] = [comparable(step) for step in run.result()]
                except Exception as problem:  # told by the pair's own test
                    cls.sessions[pair] = problem

    def compare(self, client, server):
        right, told = self.sessions[REFERENCE, REFERENCE], self.sessions[client, server]
        for session in (right, told):
            if isinstance(session, Exception):
                raise session
        self.assertEqual(len(right), len(told))
        for number, (expected, got) in enumerate(zip(right, told)):
            with self.subTest(number=number, step=expected[0]):
                if server is OURS and expected[0] == "reread" and expected[1] != 0:
                    # Ours goes on with a line for every problem and its place in the file.
                    self.assertRegex(got[2][-1], r"^DIR/supervisord\.conf:\d+: ")
                    got = got[0], got[1], got[2][:len(expected[2])], got[3]
                self.assertEqual(expected, got)

    def test_the_references_client_on_our_daemon(self):
        self.compare(REFERENCE, OURS)

    def test_our_client_on_the_references_daemon(self):
        self.compare(OURS, REFERENCE)

    def test_our_client_on_our_daemon(self):
        self.compare(OURS, OURS)


if __name__ == "__main__":
    main()
