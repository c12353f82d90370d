# SPDX-License-Identifier: MIT
"""One scripted life of two dozen programs under the reference and under ours.

Compared: every line of the daemon log (per program, and those of the daemon itself), and what the
API says of every program at several points.
"""

import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

from harness import (SystemTest, fault_of, main, needs_ours, needs_reference, normalise,  # noqa: E402
                     wait_until)

QUICK = "startsecs=2\n"  # the reference may take a quick death for a start when startsecs is 1

PROGRAMS = """
[program:p_plain]
command=@CHILD@ forever
[program:p_stubborn]
command=@CHILD@ ignore 15 say ready forever
stopwaitsecs=1
stdout_logfile=@DIR@/p_stubborn.out
[program:p_trapzero]
command=@CHILD@ trap 15 0 say ready forever
stdout_logfile=@DIR@/p_trapzero.out
[program:p_trapfive]
command=@CHILD@ trap 2 5 say ready forever
stopsignal=INT
stdout_logfile=@DIR@/p_trapfive.out
[program:p_done]
command=@CHILD@ sleep 1.6 exit 0
[program:p_listed]
command=@CHILD@ sleep 1.6 exit 7
exitcodes=7,8
[program:p_bad]
command=@CHILD@ sleep 1.6 exit 3
autorestart=false
[program:p_killed]
command=@CHILD@ sleep 1.6 kill 9
autorestart=false
[program:p_quick]
command=@CHILD@ exit 4
startretries=1
""" + QUICK + """
[program:p_quickzero]
command=@CHILD@ exit 0
startretries=0
""" + QUICK + """
[program:p_missing]
command=/nosuch/p_missing
startretries=1
[program:p_directory]
command=@DIR@/p_directory
startretries=0
[program:p_notexec]
command=@DIR@/p_notexec
startretries=0
[program:p_quote]
command=/bin/echo "p_quote
startretries=0
[program:p_chdir]
command=@CHILD@ forever
directory=/nosuch/p_chdir
startretries=0
stderr_logfile=@DIR@/p_chdir.err
""" + QUICK + """
[program:p_logdir]
command=@CHILD@ forever
stdout_logfile=@DIR@/p_logdir
startretries=0
[program:p_talker]
command=@CHILD@ say hello_from_p_talker forever
stdout_logfile=@DIR@/p_talker.out
[program:p_err]
command=@CHILD@ err hello_from_p_err forever
redirect_stderr=true
stdout_logfile=@DIR@/p_err.out
[program:p_capture]
command=@CHILD@ say "<!--XSUPERVISOR:BEGIN-->to p_capture<!--XSUPERVISOR:END-->and some more than a token" forever
stdout_capture_maxbytes=1KB
stdout_logfile=@DIR@/p_capture.out
[program:p_manual]
command=@CHILD@ forever
autostart=false
startsecs=0
[program:p_slow]
command=@CHILD@ forever
startsecs=600
[program:p_many]
command=@CHILD@ forever
process_name=p_many_%(process_num)d
numprocs=3
priority=20
[program:p_inone]
command=@CHILD@ forever
priority=5
[program:p_intwo]
command=@CHILD@ forever
priority=3
[group:p_group]
programs=p_inone,p_intwo
priority=10
[program:p_tree]
command=@CHILD@ fork say ready forever
stopasgroup=true
killasgroup=true
stdout_logfile=@DIR@/p_tree.out
[program:p_nolog]
command=@CHILD@ say nothing_of_p_nolog forever
stdout_logfile=NONE
stderr_logfile=NONE
"""

SETTLED = {
    "p_plain": "RUNNING", "p_stubborn": "RUNNING", "p_trapzero": "RUNNING", "p_trapfive": "RUNNING",
    "p_done": "EXITED", "p_listed": "EXITED", "p_bad": "EXITED", "p_killed": "EXITED",
    "p_quick": "FATAL", "p_quickzero": "FATAL", "p_missing": "FATAL", "p_directory": "FATAL",
    "p_notexec": "FATAL", "p_quote": "FATAL", "p_chdir": "FATAL", "p_logdir": "FATAL",
    "p_talker": "RUNNING", "p_err": "RUNNING", "p_capture": "RUNNING", "p_manual": "STOPPED",
    "p_slow": "STARTING", "p_many:p_many_0": "RUNNING", "p_many:p_many_1": "RUNNING",
    "p_many:p_many_2": "RUNNING", "p_group:p_inone": "RUNNING", "p_group:p_intwo": "RUNNING",
    "p_tree": "RUNNING", "p_nolog": "RUNNING",
}

# Lines that are left out on both sides, and why.
LEFT_OUT = (
    (r"^DEBG received SIGCHLD indicating a child quit$", "one line may stand for many deaths"),
    (r"^DEBG fd \d+ closed, stopped monitoring ", "shows the reference's objects"),
    (r"^INFO waiting for \S+ to stop$", "said only if the program is slower than a look; see test_life"),
    (r"^DEBG \S+\(\) for localhost:0 \(uid \d+, pid PID\)$", "ours says who asked for a change"),
    (r"^DEBG reaped unknown pid ", "ours collects the orphans of its programs"),
)


def snapshot(daemon):
    result = {}
    for name, info in daemon.infos().items():
        info = dict(info)
        for member in ("start", "stop", "now", "pid"):
            info[member] = "set" if info[member] else 0
        # The names of automatic log files end in random letters.
        for member in ("logfile", "stdout_logfile", "stderr_logfile"):
            info[member] = re.sub(r"-[a-z0-9_]{8}\.log$", "-RANDOM.log", normalise(info[member], daemon.dir))
        info["description"] = normalise(info["description"], daemon.dir)
        info["spawnerr"] = normalise(info["spawnerr"], daemon.dir)
        result[name] = info
    return result


def config_facts(daemon, config):
    facts = {member: re.sub(r"-[a-z0-9_]{8}\.log$", "-RANDOM.log", normalise(value, daemon.dir))
             if isinstance(value, str) else value for member, value in config.items()}
    # Told by versions after Debian's only.
    facts.pop("autorestart", None)
    return facts


def log_by_program(daemon):
    """{program or "": [its lines in order]}; the lines that name no program are under ""."""
    lines = {}
    for line in daemon.normalised_log():
        if any(re.search(pattern, line) for pattern, _ in LEFT_OUT):
            continue
        names = re.findall(r"\bp_[a-z0-9_]+\b", line)
        name = names[0] if names else ""
        if re.search(r"to die$", line):
            name = ""
        lines.setdefault(name, []).append(line)
    # How often "waiting for ... to die" is said, and with how many names left, is a matter of time.
    first = [line for line in lines[""] if line.endswith("to die")][:1]
    lines[""] = [line for line in lines[""] if not line.endswith("to die")] + first
    return lines


def call(function, *args):
    """What a call answers, or its fault's code and text."""
    try:
        return function(*args)
    except Exception as fault:
        return (getattr(fault, "faultCode", type(fault).__name__), getattr(fault, "faultString", str(fault)))


def by_name(results):
    return sorted((r["group"], r["name"], r["status"], r["description"]) for r in results)


def prepare(daemon):
    os.mkdir(daemon.path("p_directory"))
    os.mkdir(daemon.path("p_logdir"))
    daemon.write("p_notexec", "text")


def live(daemon):
    """The scripted life; everything that should be equal, by step."""
    told = {}
    rpc = daemon.rpc.supervisor
    daemon.wait_states(SETTLED)
    for name in ("p_stubborn", "p_trapzero", "p_trapfive", "p_tree"):
        wait_until(lambda: "ready" in daemon.read(name + ".out"), name)
    told["settled"] = snapshot(daemon)
    told["config"] = {config["name"]: config_facts(daemon, config) for config in rpc.getAllConfigInfo()}

    for name in ("p_plain", "p_stubborn", "p_trapzero", "p_trapfive", "p_slow", "p_tree"):
        told["stop " + name] = call(rpc.stopProcess, name)
    told["stopped"] = snapshot(daemon)
    told["stop again"] = call(rpc.stopProcess, "p_plain")
    told["start manual"] = call(rpc.startProcess, "p_manual")
    told["start plain"] = call(rpc.startProcess, "p_plain")
    told["start plain again"] = call(rpc.startProcess, "p_plain")
    told["start missing"] = call(rpc.startProcess, "p_missing")
    told["start directory"] = [normalise(str(x), daemon.dir) for x in call(rpc.startProcess, "p_directory")]
    told["start quote"] = call(rpc.startProcess, "p_quote")
    told["start quickzero"] = call(rpc.startProcess, "p_quickzero")
    daemon.wait_state("p_quickzero", "FATAL")
    told["signal"] = call(rpc.signalProcess, "p_talker", "CONT")
    told["signal stopped"] = call(rpc.signalProcess, "p_slow", "CONT")
    told["signal nonsense"] = call(rpc.signalProcess, "p_talker", "NONSENSE")
    told["stop group"] = by_name(rpc.stopProcessGroup("p_group"))
    told["start group"] = by_name(rpc.startProcessGroup("p_group"))
    told["signal group"] = by_name(rpc.signalProcessGroup("p_many", "CONT"))
    told["stop many"] = by_name(rpc.stopProcess("p_many:*"))
    told["after groups"] = snapshot(daemon)
    told["tails"] = [call(rpc.tailProcessStdoutLog, "p_talker", 0, 100),
                     call(rpc.readProcessStdoutLog, "p_err", 0, 0),
                     call(rpc.readProcessStderrLog, "p_err", 0, 0),
                     call(rpc.readProcessStdoutLog, "p_nolog", 0, 0),
                     call(rpc.readProcessStdoutLog, "p_capture", 0, 0)]
    told["clear"] = call(rpc.clearProcessLogs, "p_talker")
    told["stdin"] = [call(rpc.sendProcessStdin, "p_talker", "x"), call(rpc.sendProcessStdin, "p_slow", "x")]

    daemon.write_config(PROGRAMS.replace("[program:p_bad]", "[program:p_new]")
                        .replace("[program:p_talker]\n", "[program:p_talker]\nstopwaitsecs=9\n"))
    told["reread"] = call(rpc.reloadConfig)
    told["remove running"] = call(rpc.removeProcessGroup, "p_talker")
    told["remove"] = call(rpc.removeProcessGroup, "p_bad")
    told["add"] = call(rpc.addProcessGroup, "p_new")
    told["add again"] = call(rpc.addProcessGroup, "p_new")
    told["add nonsense"] = call(rpc.addProcessGroup, "p_nonsense")
    daemon.wait_state("p_new", "EXITED")
    told["after update"] = snapshot(daemon)

    daemon.kill_daemon(signal.SIGUSR2)
    daemon.wait_logged("^supervisord logreopen$")
    daemon.write_config("[program:p_last]\ncommand=@CHILD@ forever\n[program:p_lasttoo]\ncommand=@CHILD@ forever\n")
    daemon.kill_daemon(signal.SIGHUP)
    daemon.wait_logged("^supervisord started with pid", 2)
    daemon._rpc = None
    wait_until(daemon.answers, "the daemon after its restart")
    daemon.wait_states({"p_last": "RUNNING", "p_lasttoo": "RUNNING"})
    told["restarted"] = snapshot(daemon)
    told["getState"] = daemon.rpc.supervisor.getState()
    daemon.kill_daemon(signal.SIGTERM)
    told["exit status"] = daemon.wait_exit()
    told["files"] = sorted(re.sub(r"-[a-z0-9_]{8}\.log$", "-RANDOM.log", n) for n in os.listdir(daemon.dir))
    told["contents"] = {n: normalise(daemon.read(n), daemon.dir) for n in told["files"] if n.endswith((".out", ".err"))
                        and n != "daemon.out"}
    return told, log_by_program(daemon)


@needs_reference
@needs_ours
class LifeDifference(SystemTest):
    told = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls("test_the_api_says_the_same")
        (cls.told, cls.logs) = zip(*case.both(PROGRAMS, live, compare=False, prepare=prepare, loglevel="debug"))

    def test_the_api_says_the_same(self):
        reference, ours = self.told
        for step in reference:
            if isinstance(reference[step], dict) and step not in ("getState",):
                for name in sorted(set(reference[step]) | set(ours[step])):
                    with self.subTest(step=step, program=name):
                        self.assertEqual(reference[step].get(name), ours[step].get(name))
            else:
                with self.subTest(step=step):
                    self.assertEqual(reference[step], ours[step])

    def test_the_daemon_logs_the_same_lines(self):
        reference, ours = self.logs
        for name in sorted(set(reference) | set(ours)):
            with self.subTest(program=name or "the daemon itself"):
                self.assertEqual(reference.get(name), ours.get(name))


if __name__ == "__main__":
    main()
