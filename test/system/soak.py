#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hundreds of unruly programs while operators do everything at once, for as long as you like.

    soak.py [--minutes M] [--programs N]

Programs chatter, crash, leave grandchildren behind, close their outputs, ignore signals, stop
themselves; meanwhile calls, pages, event streams, updates, restarts, log reopens and random kills go on,
and the daemon reloads between intervals. It prints a table with a row per interval and fails when memory, descriptors, threads or zombies grow, or when a
byte of output is not accounted for.

SUPERVISORD, SUPERVISORCTL and TEST_CHILD are used as by the tests.
"""

import argparse
import os
import random
import signal
import socket
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
    # Nobody but rest() stops these, so every line that they wrote can be told.
    (5, "counted", "lines %d 0 row sleep 0.1 exit 0", "autorestart=true\nstartsecs=0\nstdout_logfile_maxbytes=0"),
    (10, "calm", "forever", ""),
)
COUNTED_LINES = 300


def configuration(programs, generation):
    config = ""
    for share, name, words, options in KINDS:
        count = max(1, programs * share // 100)
        words = words % COUNTED_LINES if "%d" in words else words
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
        self.calls = self.reloads = 0
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
        name = chance.choice([n for n in self.daemon_names if not n.startswith("counted")])
        action = chance.choice((rpc.supervisor.startProcess, rpc.supervisor.stopProcess))
        action(name, chance.choice((True, False)))

    def tail(self, rpc, chance):
        rpc.supervisor.tailProcessStdoutLog(chance.choice(list(self.daemon_names)), 0, 2000)

    def clear(self, rpc, chance):
        rpc.supervisor.clearProcessLogs(chance.choice([n for n in self.daemon_names if not n.startswith(("chatty", "counted"))]))
        self.ended.wait(0.5)

    def kill(self, rpc, chance):
        infos = [i for i in rpc.supervisor.getAllProcessInfo() if i["pid"] and i["group"] != "counted"]
        for info in chance.sample(infos, min(5, len(infos))):
            if process_status(info["pid"]).get("PPid", "").strip() == str(self.daemon.pid):
                try:
                    os.kill(info["pid"], signal.SIGKILL)
                except ProcessLookupError:
                    pass  # it ended by itself just now

    def update(self, rpc, chance):
        self.daemon.write_config(configuration(self.programs, chance.randrange(3)))
        (added, changed, removed), = rpc.supervisor.reloadConfig()
        for name in changed:
            rpc.supervisor.stopProcessGroup(name)
            rpc.supervisor.removeProcessGroup(name)
            rpc.supervisor.addProcessGroup(name)
        self.ended.wait(2)

    def stream(self, _, chance):
        """A dashboard that comes, listens and leaves."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(self.daemon.socket_path)
            client.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            end = time.monotonic() + chance.random() * 2
            assert client.recv(65536).startswith(b"HTTP/1.1 200"), "no stream"
            while time.monotonic() < end and not self.ended.is_set():
                assert client.recv(65536), "the stream ended"

    def reload(self):
        """A restart of the whole daemon in place."""
        self.daemon.kill_daemon(signal.SIGHUP)
        self.reloads += 1
        self.daemon.wait_logged("^supervisord started", 1 + self.reloads, timeout=300)
        self.daemon._rpc = None
        wait_until(self.daemon.answers, "the daemon after a reload", timeout=120)

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
        works = (self.look, self.look, self.page, self.stream, self.stream, self.operate, self.operate, self.tail, self.clear, self.kill,
                 self.update, self.reopen)
        threads = [threading.Thread(target=self.guarded, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        self.ended.wait(seconds)
        self.ended.set()
        for thread in threads:
            thread.join()


def accounts(daemon):
    """(bytes read, channels whose bytes do not add up)."""
    wrong, total = [], 0
    for process in daemon.get_json("/api/v1/processes")["processes"]:
        name = process["name"]
        for channel, counts in daemon.get_json("/api/v1/processes/%s" % name)["log"].items():
            total += counts["bytes_read"]
            if counts["bytes_read"] != counts["bytes_stored"] + counts["bytes_dropped"] or counts["bytes_dropped"]:
                wrong.append((name, channel, counts))
    return total, wrong


def count_rows(daemon, stops):
    """(lines, what is wrong with them): runs of the counted programs are whole, but for the last one
    before each stop, which may be cut at its end."""
    wrong, lines = [], 0
    for name in sorted(n for n in os.listdir(daemon.path("logs")) if n.startswith("counted") and n.endswith(".out")):
        text = daemon.read("logs/" + name)
        numbers = [int(line.split()[1]) for line in text.splitlines()]
        lines += len(numbers)
        cut = 0
        for before, number in zip([COUNTED_LINES - 1] + numbers, numbers):
            if number == 0:
                cut += before != COUNTED_LINES - 1
            elif number != before + 1:
                wrong.append("%s: %d after %d" % (name, number, before))
        if not numbers or cut > stops or not text.endswith("\n"):
            wrong.append("%s: %d lines, %d runs cut" % (name, len(numbers), cut))
    return lines, wrong


def soak(minutes, programs, intervals=4, seed=1):
    failures = []
    daemon = Daemon(configuration(programs, 0), supervisord="logfile_maxbytes=0\nminfds=8192",
                    prepare=lambda d: os.mkdir(d.path("logs")),
                    leftovers_allowed=True)  # a leader killed from outside leaves its grandchildren
    with daemon:
        life = Soak(daemon, programs, seed)
        # The first interval warms up: caches, allocators and the largest answers get their size.
        life.run_for(minutes * 60 / (intervals + 1))
        first = life.rest()
        print("%8s %9s %6s %8s %8s %8s %10s" % ("interval", "rss KiB", "fds", "threads", "zombies", "calls", "slowest s"))
        rows = [first]
        bytes_read = 0
        for interval in range(intervals):
            life.calls, life.slowest = 0, 0.0
            if interval % 2 == 0:
                life.reload()
            daemon.rpc.supervisor.startAllProcesses(False)
            life.run_for(minutes * 60 / (intervals + 1))
            row = life.rest()
            rows.append(row)
            read, wrong = accounts(daemon)
            bytes_read += read
            failures += ["bytes that do not add up: %s" % (w,) for w in wrong]
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
        lines, wrong = count_rows(daemon, intervals + 1)
        failures += wrong
        print("%d reloads; %d bytes of output accounted for; %d numbered lines, none missing, none twice"
              % (life.reloads, bytes_read, lines) if not wrong else "lines are missing")
        if not bytes_read or not lines:
            failures.append("nothing was accounted for")
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
