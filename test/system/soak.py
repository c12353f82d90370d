#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hundreds of unruly programs while operators do everything at once, for as long as you like.

    soak.py [--minutes M] [--programs N]

Programs chatter, crash, leave grandchildren behind, close their outputs, ignore signals, stop
themselves; meanwhile calls, pages, updates, restarts, log reopens and random kills go on. It prints a
table with a row per interval and fails when memory, descriptors, threads or zombies grow, or when a
byte of output is not accounted for.

SUPERVISORD, SUPERVISORCTL and TEST_CHILD are used as by the tests.
"""

import argparse
import os
import random
import signal
import sys
import threading
import time
import xmlrpc.client

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import Daemon, process_status, wait_until  # noqa: E402

# (share of the programs, name, words of the child program, options)
KINDS = (
    (30, "chatty", "lines 1000000000 20 line", "stdout_logfile_maxbytes=20KB\nstdout_logfile_backups=2"),
    (10, "both", "lines 200 100 out errlines 200 100 err exit 0", "autorestart=true\nstartsecs=0"),
    (10, "crash", "say hello sleep 0.3 exit 1", "autorestart=true\nstartsecs=0"),
    (5, "fatal", "exit 1", "startretries=2"),
    (10, "stubborn", "ignore 15 say here forever", "stopwaitsecs=1"),
    (5, "forks", "fork forever", "stopasgroup=true\nkillasgroup=true"),
    (5, "mute", "close 1 close 2 forever", ""),
    (5, "segv", "sleep 0.5 kill 11", "autorestart=true\nstartsecs=0"),
    (5, "stopped", "stop forever", "stopwaitsecs=1"),
    (15, "calm", "forever", ""),
)


def configuration(programs, generation):
    config = ""
    for share, name, words, options in KINDS:
        count = max(1, programs * share // 100)
        # Some groups differ from one configuration to the next, so that updates have work to do.
        changing = "priority=%d\n" % (100 + generation) if name in ("crash", "calm", "forks") else ""
        config += ("[program:%s]\ncommand=@CHILD@ %s\nprocess_name=%s%%(process_num)03d\nnumprocs=%d\n"
                   "stdout_logfile=@DIR@/logs/%%(program_name)s%%(process_num)03d.out\n"
                   "stderr_logfile=@DIR@/logs/%%(program_name)s%%(process_num)03d.err\n%s%s\n"
                   % (name, words, name, count, changing, options + "\n"))
    return config


class Soak:
    def __init__(self, daemon, programs, seed):
        self.daemon = daemon
        self.programs = programs
        self.seed = seed
        self.ended = threading.Event()
        self.problems = []
        self.calls = 0
        self.slowest = 0.0
        self.lock = threading.Lock()

    def guarded(self, work):
        chance = random.Random("%s %s" % (self.seed, work.__name__))
        rpc = self.daemon.new_rpc()
        while not self.ended.is_set():
            begin = time.monotonic()
            try:
                work(rpc, chance)
            except xmlrpc.client.Fault:
                pass  # not running, already started: it is a race and meant to be one
            except Exception as problem:
                if not self.ended.is_set():
                    self.problems.append("%s: %r" % (work.__name__, problem))
                    return
            with self.lock:
                self.calls += 1
                if work in (self.look, self.page):
                    self.slowest = max(self.slowest, time.monotonic() - begin)
            self.ended.wait(chance.random() * 0.1)

    def look(self, rpc, _):
        rpc.supervisor.getAllProcessInfo()

    def page(self, _, chance):
        status, _ = self.daemon.get(chance.choice(("/", "/api/v1/processes", "/metrics", "/logtail/nosuch")))
        assert status in (200, 404, 410), status

    def operate(self, rpc, chance):
        name = chance.choice(list(self.daemon_names))
        action = chance.choice((rpc.supervisor.startProcess, rpc.supervisor.stopProcess))
        action(name, chance.choice((True, False)))

    def tail(self, rpc, chance):
        rpc.supervisor.tailProcessStdoutLog(chance.choice(list(self.daemon_names)), 0, 2000)

    def clear(self, rpc, chance):
        rpc.supervisor.clearProcessLogs(chance.choice([n for n in self.daemon_names if not n.startswith("chatty")]))
        self.ended.wait(0.5)

    def kill(self, rpc, chance):
        infos = [i for i in rpc.supervisor.getAllProcessInfo() if i["pid"]]
        for info in chance.sample(infos, min(5, len(infos))):
            if process_status(info["pid"]).get("PPid", "").strip() == str(self.daemon.pid):
                os.kill(info["pid"], signal.SIGKILL)

    def update(self, rpc, chance):
        self.daemon.write_config(configuration(self.programs, chance.randrange(3)))
        (added, changed, removed), = rpc.supervisor.reloadConfig()
        for name in changed:
            rpc.supervisor.stopProcessGroup(name)
            rpc.supervisor.removeProcessGroup(name)
            rpc.supervisor.addProcessGroup(name)
        self.ended.wait(2)

    def reopen(self, _, __):
        self.daemon.kill_daemon(signal.SIGUSR2)
        self.ended.wait(1)

    def sample(self):
        daemon = self.daemon
        return {"rss": int(process_status(daemon.pid)["VmRSS"].split()[0]), "fds": len(daemon.descriptors()),
                "threads": len(daemon.threads()), "zombies": len(daemon.zombies())}

    def rest(self):
        """Everything stopped: what the daemon holds then can be compared."""
        rpc = self.daemon.new_rpc()
        # A group may be missing where an update was cut short.
        rpc.supervisor.reloadConfig()
        (added, _, _), = rpc.supervisor.reloadConfig()
        for name in added:
            rpc.supervisor.addProcessGroup(name)
        wait_until(lambda: not rpc.supervisor.stopAllProcesses() and not self.daemon.zombies(), "rest", timeout=300, pause=0.2)
        result = self.sample()
        rpc("close")()
        return result

    def run_for(self, seconds):
        self.ended.clear()
        self.daemon_names = list(self.daemon.states())
        works = (self.look, self.look, self.page, self.operate, self.operate, self.tail, self.clear, self.kill,
                 self.update, self.reopen)
        threads = [threading.Thread(target=self.guarded, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        self.ended.wait(seconds)
        self.ended.set()
        for thread in threads:
            thread.join()


def accounts(daemon):
    """Channels whose bytes do not add up."""
    wrong = []
    pages = daemon.get_json("/api/v1/processes")
    for process in pages["processes"] if isinstance(pages, dict) else pages:
        for channel, counts in process.get("log", {}).items():
            if counts["bytes_read"] != counts["bytes_stored"] + counts["bytes_dropped"]:
                wrong.append((process["name"], channel, counts))
    return wrong


def soak(minutes, programs, intervals=4, seed=1):
    failures = []
    daemon = Daemon(configuration(programs, 0), supervisord="logfile_maxbytes=1MB",
                    prepare=lambda d: os.mkdir(d.path("logs")),
                    leftovers_allowed=True)  # a leader killed from outside leaves its grandchildren
    with daemon:
        life = Soak(daemon, programs, seed)
        # The first interval warms up: caches, allocators and the largest answers get their size.
        life.run_for(minutes * 60 / (intervals + 1))
        first = life.rest()
        print("%8s %9s %6s %8s %8s %8s %10s" % ("interval", "rss KiB", "fds", "threads", "zombies", "calls", "slowest s"))
        rows = [first]
        for interval in range(intervals):
            life.calls, life.slowest = 0, 0.0
            daemon.rpc.supervisor.startAllProcesses(False)
            life.run_for(minutes * 60 / (intervals + 1))
            row = life.rest()
            rows.append(row)
            print("%8d %9d %6d %8d %8d %8d %10.3f" % (interval + 1, row["rss"], row["fds"], row["threads"], row["zombies"],
                                                     life.calls, life.slowest), flush=True)
        last = rows[-1]
        failures += life.problems
        if last["fds"] > first["fds"] + 4:
            failures.append("descriptors grew from %d to %d" % (first["fds"], last["fds"]))
        if last["threads"] > first["threads"]:
            failures.append("threads grew from %d to %d" % (first["threads"], last["threads"]))
        if last["zombies"]:
            failures.append("%d zombies" % last["zombies"])
        # Growth that does not end shows between the later rows too; a tenth is an allocator's.
        sanitized = os.environ.get("SUPERVISOR_TEST_SANITIZED")
        if not sanitized and last["rss"] > rows[len(rows) // 2]["rss"] * 1.1 + 1024:
            failures.append("memory grew: %s" % [row["rss"] for row in rows])
        failures += ["bytes that do not add up: %s" % (wrong,) for wrong in accounts(daemon)]
    for failure in failures:
        print("FAILED: " + failure)
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--programs", type=int, default=500)
    parser.add_argument("--intervals", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(1 if soak(options.minutes, options.programs, options.intervals, options.seed) else 0)


if __name__ == "__main__":
    main()
