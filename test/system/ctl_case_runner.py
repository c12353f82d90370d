# SPDX-License-Identifier: MIT
"""Runs captured invocations of supervisorctl (ctl-cases.json) and compares words, streams and status.

A case says what must be there before (a daemon with one of ctl-fixtures, files, other commands, a
scripted server), the arguments, and what came out when the reference's client was run so. Texts
hold placeholders for what differs from run to run. "ours" in a case is what we do on purpose
otherwise than the reference's client.
"""

import contextlib
import json
import os
import pty
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import termios
import threading
import time
import xmlrpc.client

import harness

SYSTEM_DIR = harness.SYSTEM_DIR
LIMIT = 90 * harness.PATIENCE

PLACEHOLDERS = {
    "<PID>": r"[1-9][0-9]*",
    "<UPTIME>": r"(?:[0-9]+ days?, )?[0-9]+:[0-9]{2}:[0-9]{2}",
    "<DATE>": r"[A-Z][a-z]{2} [0-9]{2} [0-9]{2}:[0-9]{2} [AP]M",
    "<HELP>": r"[^\n]*[^\s][^\n]*",
    "<VERSION>": r"[0-9][^\n]*",
    "<USAGE>": r"(?s:.*Usage: .*\n\n)",
    "<TRACEBACK>": r"(?s:.*)",
    "<ANY>": r"(?s:.*)",
    "<PYFILE>": r"[^\n]*",
    "<LINE>": r"[^\n]*",
}
# The line editor keeps a few strings until the end; a leak checker is told so.
LINE_EDITOR_LEAKS = {
    "ASAN_OPTIONS": "fast_unwind_on_malloc=0",
    "LSAN_OPTIONS": "suppressions=%s:print_suppressions=0"
                    % os.path.join(os.path.dirname(os.path.abspath(__file__)), "lsan.supp"),
} if os.environ.get("SUPERVISOR_TEST_SANITIZED", "").startswith("address") else {}

ERROR_LINE = re.compile(r"error: <class '([^']*)'>, (.*): file: <PYFILE> line: <LINE>")
TOKEN_OF_CLASS = {
    "xml.parsers.expat.ExpatError": r"[^:(]*",
    "http.client.BadStatusLine": "BadStatusLine",
    "xmlrpc.client.ResponseError": "ResponseError",
    "EOFError": "EOFError",
}


def load_cases():
    with open(os.path.join(SYSTEM_DIR, "ctl-cases.json"), encoding="utf-8") as file:
        return json.load(file)


class Mismatch(AssertionError):
    pass


# ---- expected texts as patterns ----


def error_pattern(match):
    """Of an error line, only the token people search for is binding."""
    kind, text = match.group(1), match.group(2)
    token = TOKEN_OF_CLASS.get(kind)
    if kind == "xml.parsers.expat.ExpatError":
        token = re.match(r"[^:(]*", text).group().strip()
    return "error: <ANYTHING>" + (token or text) + "<ANYTHING>"


def pattern(expected, match, values):
    if "error-line" in match:
        expected = ERROR_LINE.sub(error_pattern, expected)
    for name, value in values.items():
        expected = expected.replace(name, value)
    text = re.escape(expected)
    for name, regex in PLACEHOLDERS.items():
        text = text.replace(re.escape(name), regex)
    return text.replace(re.escape("<ANYTHING>"), r"[^\n]*")


def same(expected, actual, match, values):
    if match == "lines-any-order":
        left = actual.splitlines()
        for line in expected.splitlines():
            regex = re.compile(pattern(line, match, values))
            found = next((got for got in left if regex.fullmatch(got)), None)
            if found is None:
                return False
            left.remove(found)
        return not left
    return re.fullmatch(pattern(expected, match, values), actual) is not None


CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|[\x03\x07]")


def plain_terminal(text):
    """What a terminal shows: no control sequences, backspaces done."""
    text = CONTROL.sub("", text)
    lines = []
    for line in text.replace("\r\n", "\n").split("\n"):
        shown, at = [], 0
        for char in line:
            if char == "\b":
                at = max(0, at - 1)
            elif char == "\r":
                at = 0
            else:
                shown[at:at + 1] = [char]
                at += 1
        lines.append("".join(shown).rstrip())
    return "\n".join(lines)


# ---- places ----


def children_of(pid):
    """All descendants of a process, which is ours."""
    found = []
    for entry in os.listdir("/proc/%d/task" % pid) if os.path.isdir("/proc/%d/task" % pid) else ():
        with contextlib.suppress(OSError), open("/proc/%d/task/%s/children" % (pid, entry)) as file:
            for child in map(int, file.read().split()):
                found += [child] + children_of(child)
    return found


def orphans_of(directory):
    """Programs left by a daemon that was killed: they work in its directory, which is ours alone."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.readlink("/proc/%s/cwd" % entry) == directory:
                found.append(int(entry))
    return found


class Place:
    """A directory with the fixtures, a port, and maybe a daemon."""

    def __init__(self, implementation, ctl, directory=None):
        self.implementation = implementation
        self.here = directory or tempfile.mkdtemp(prefix="ctl", dir="/tmp")
        self.ctl = ctl
        os.chmod(self.here, 0o755)
        shutil.copytree(os.path.join(SYSTEM_DIR, "ctl-fixtures"), self.here, dirs_exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.daemon = None
        self.background = []
        self.lock = threading.Lock()

    def values(self):
        return {"<HERE>": self.here, "<PORT>": str(self.port), "<PROG>": self.ctl,
                "<HOME>": self.env()["HOME"]}

    def fill(self, text):
        for name, value in self.values().items():
            text = text.replace(name, value)
        return text

    def env(self, extra=None):
        env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": os.path.expanduser("~"),
               "TERM": "dumb", "TZ": "UTC", "CTLTEST_PORT": str(self.port)}
        for key in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            if key in os.environ:
                env[key] = os.environ[key]
        env.update({key: self.fill(value) for key, value in (extra or {}).items()})
        return env

    def path(self, name):
        return os.path.join(self.here, name)

    # -- the daemon --

    def start(self, fixture):
        with open(self.path("daemon.out"), "wb") as out:
            self.daemon = subprocess.Popen(
                self.implementation.daemon + ["-n", "-c", self.path(fixture)], cwd=self.here,
                env=self.env(), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.settle(fixture)

    def settle(self, fixture):
        deadline = time.monotonic() + LIMIT
        command = [self.ctl, "-c", self.path(fixture), "-u", "user", "-p", "pass", "status"]
        if fixture == "auth-long.conf":
            command = [self.ctl, "-c", self.path(fixture), "status"]
        def run(action):
            return subprocess.run([*command[:-1], action], env=self.env(), cwd=self.here,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False)

        while True:
            done = run("status")
            text = done.stdout.decode(errors="replace")
            rows = [line.split() for line in text.splitlines()]
            automatic = {line.split()[0] for line in run("avail").stdout.decode(errors="replace")
                         .splitlines() if " auto " in line}
            unsettled = [row[0] for row in rows if len(row) > 1 and (
                (row[1] == "STARTING" and row[0] not in ("starting", "late"))
                or (row[1] == "BACKOFF" and row[0] != "backoff")
                or (row[1:] == ["STOPPED", "Not", "started"] and row[0] in automatic))]
            answered = done.returncode in (0, 3) or "rpcinterface:supervisor" in text
            if answered and not unsettled:
                break
            if self.daemon.poll() is not None:
                with open(self.path("daemon.out"), errors="replace") as out:
                    raise Mismatch("the daemon ended: " + out.read())
            if time.monotonic() > deadline:
                raise Mismatch("the daemon did not settle: " + text)
            time.sleep(0.1)
        time.sleep(1)

    def close(self):
        """Some programs here refuse to stop: everything is killed, the daemon first."""
        for process in self.background:
            if process.poll() is None:
                process.kill()
            process.wait(LIMIT)
        if self.daemon:
            children = children_of(self.daemon.pid)
            self.daemon.kill()
            self.daemon.wait(LIMIT)
            for pid in children + orphans_of(self.here):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.here, ignore_errors=True)

    # -- steps --

    def run_ctl(self, argv, **options):
        return subprocess.run([self.ctl] + [self.fill(word) for word in argv], env=self.env(),
                              cwd=self.here, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=LIMIT, check=False, **options)

    def step(self, step):
        (name, value), = step.items()
        getattr(self, "step_" + name)(value)

    def step_ctl(self, argv):
        self.run_ctl(argv)

    def step_bg(self, argv):
        self.step_later([0, argv])
        time.sleep(1)

    def step_later(self, value):
        seconds, argv = value
        words = " ".join("'%s'" % self.fill(word) for word in [self.ctl] + argv)
        self.background.append(subprocess.Popen(
            ["/bin/sh", "-c", "sleep %s; exec %s" % (seconds, words)], env=self.env(), cwd=self.here,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def step_copy(self, value):
        shutil.copy(self.path(value[0]), self.path(value[1]))

    def step_rm(self, name):
        os.unlink(self.path(name))

    def step_write(self, value):
        with open(self.path(value[0]), "w", encoding="utf-8") as file:
            file.write(self.fill(value[1]))

    def step_append(self, value):
        with open(self.path(value[0]), "a", encoding="utf-8") as file:
            file.write(value[1])

    def step_truncate(self, name):
        os.truncate(self.path(name), 0)

    def step_rename(self, value):
        os.rename(self.path(value[0]), self.path(value[1]))

    def step_mkdir(self, name):
        os.mkdir(self.path(name))

    def step_chmod(self, value):
        os.chmod(self.path(value[0]), int(value[1], 8))

    def step_mksock(self, name):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(self.path(name))

    def step_sleep(self, seconds):
        time.sleep(seconds)

    def step_kill_server(self, name):
        self.daemon.send_signal(getattr(signal, name))
        self.daemon.wait(LIMIT)


class FakeServer:
    """Gives scripted answers: the n-th to the n-th request, the last one for ever."""

    def __init__(self, place, script):
        replies = script["reply"]
        self.replies = replies if isinstance(replies, list) else [replies]
        self.calls, self.headers, self.n = [], {}, 0
        self.lock = threading.Lock()
        if script["listen"] == "unix":
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(place.path("s.sock"))
        else:
            self.socket = socket.socket()
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind(("127.0.0.1", place.port))
        self.socket.listen(50)
        self.open = True
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.open = False
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def accept(self):
        while self.open:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        data = b""
        with connection, contextlib.suppress(OSError):
            while True:
                while b"\r\n\r\n" not in data:
                    more = connection.recv(65536)
                    if not more:
                        return
                    data += more
                head, data = data.split(b"\r\n\r\n", 1)
                lines = head.decode().split("\r\n")
                headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
                length = int(headers.get("Content-Length", 0))
                while len(data) < length:
                    data += connection.recv(65536)
                body, data = data[:length], data[length:].lstrip(b"\r\n")
                with self.lock:
                    reply = self.replies[min(self.n, len(self.replies) - 1)]
                    self.n += 1
                    self.note(lines[0], headers, body)
                if not self.answer(connection, reply):
                    return

    def note(self, request, headers, body):
        method, path = request.split()[:2]
        self.headers = headers
        if method == "POST":
            params, name = xmlrpc.client.loads(body)
            self.calls.append([name, list(params)])
        else:
            self.calls.append([method, path])

    def answer(self, connection, reply):
        if reply == "close":
            return False
        if reply == "":
            while connection.recv(65536):
                pass
            return False
        raw = reply["raw"] if isinstance(reply, dict) else reply
        connection.sendall(raw.encode())
        if isinstance(reply, dict) and reply.get("then") == "close":
            time.sleep(0.5)
            return False
        return True


# ---- running a case ----


class Outcome:
    def __init__(self, stdout, stderr, status):
        self.stdout, self.stderr, self.status = stdout, stderr, status


def run_steps(place, steps, begin):
    for seconds, step in steps:
        time.sleep(max(0, begin + seconds - time.monotonic()))
        place.step(step)


def run_on_pipes(place, case, command, options):
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, **options)
    begin = time.monotonic()
    stepper = threading.Thread(target=run_steps, args=(place, case.get("during", []), begin))
    stepper.start()
    timer = None
    if "sigint_after" in case:
        timer = threading.Timer(case["sigint_after"], process.send_signal, [signal.SIGINT])
        timer.start()
    try:
        out, err = process.communicate(place.fill(case["stdin"] or "").encode(), timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise Mismatch("it hung; so far %r %r" % (out, err)) from None
    finally:
        stepper.join()
        if timer:
            timer.cancel()
    return Outcome(out.decode(errors="surrogateescape"), err.decode(errors="surrogateescape"),
                   process.returncode)


class Terminal:
    def __init__(self, command, options):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(options["cwd"])
            os.execve(command[0], command, {**options["env"], **LINE_EDITOR_LEAKS})
        termios.tcsetwinsize(self.fd, (24, 80))
        self.text = ""

    def read(self, seconds):
        """False at the end of the output."""
        if select.select([self.fd], [], [], seconds)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return False
            if not data:
                return False
            self.text += data.decode(errors="surrogateescape")
        return True

    def expect(self, regex, start):
        deadline = time.monotonic() + LIMIT
        while True:
            match = re.search(r"(?<!\r)(?:%s)" % regex, self.text[start:])  # no line drawn again
            if match:
                return start + match.end()
            if not self.read(0.2) or time.monotonic() > deadline:
                raise Mismatch("never came: %s; so far %r" % (regex, self.text))

    def sleep(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.read(min(0.05, seconds)):
            pass

    def finish(self):
        deadline = time.monotonic() + LIMIT
        while self.read(0.2):
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def run_on_terminal(place, case, command, options):
    terminal = Terminal(command, options)
    at = 0
    try:
        for step in case.get("script") or []:
            if "expect" in step:
                at = terminal.expect(step["expect"], at)
            if "sleep" in step:
                terminal.sleep(step["sleep"])
            if "step" in step:
                place.step(step["step"])
            if "send" in step:
                at = len(terminal.text) if "expect" not in step else at
                os.write(terminal.fd, step["send"].encode())
    finally:
        status = terminal.finish()
    return Outcome(terminal.text, "", status)


def compare_terminal(case, outcome, values):
    expected = plain_terminal(case["stdout"])
    actual = plain_terminal(outcome.stdout)
    if case.get("compare") == "words":  # a list of candidates, laid out freely
        shown = actual.split()
        return all(any(re.fullmatch(pattern(word, "exact", values), got) for got in shown)
                   for word in expected.split())
    match = "error-line" if "error-line" in case["match"] else "exact"
    return same(expected, actual, match, values)


def run_case(place, case):
    """Run it in a place that is set up for it; raise Mismatch if it does otherwise."""
    fake = None
    setup = case["setup"]
    for step in setup.get("before", []):
        place.step(step)
    if "fake" in setup:
        fake = FakeServer(place, setup["fake"])
    ctl = place.ctl
    if "user" in case: # the build directory may be closed to others
        ctl = place.path("supervisorctl")
        shutil.copy(place.ctl, ctl)
    command = [ctl] + [place.fill(word) for word in case["argv"]]
    options = {"cwd": place.fill(case.get("cwd", "<HERE>")), "env": place.env(case.get("env"))}
    if "user" in case:
        user = pwd.getpwnam(case["user"])
        options.update(user=user.pw_uid, group=user.pw_gid, extra_groups=[])
    if case.get("isolate"):
        command = ["unshare", "-m", "/bin/sh", "-c",
                   "for d in /etc/supervisor /etc/supervisord.conf; do"
                   " [ -d $d ] && mount -t tmpfs none $d; done; exec \"$@\"", "sh"] + command
    try:
        run = run_on_terminal if case.get("tty") else run_on_pipes
        outcome = run(place, case, command, options)
    finally:
        if fake:
            fake.close()
    values = place.values()
    if ctl != place.ctl:
        values["<PROG>"] = ctl
    check(case, outcome, values)
    check_fake(case, fake, place)
    for step in case.get("post", []):
        done = place.run_ctl(step["argv"]).stdout.decode()
        if not same(step["stdout"], done, "exact", values):
            raise Mismatch("afterwards %s gave\n%s" % (step["argv"], done))


def check(case, outcome, values):
    wrong = []
    if case.get("tty"):
        if not compare_terminal(case, outcome, values):
            wrong.append("stdout")
    elif not same(case["stdout"], outcome.stdout, case["match"], values):
        wrong.append("stdout")
    if not case.get("tty") and not same(case["stderr"], outcome.stderr, "exact", values):
        wrong.append("stderr")
    if outcome.status != case["exit"]:
        wrong.append("status")
    if wrong:
        raise Mismatch("%s differ:\nexpected %d %r %r\n     got %d %r %r" % (
            ", ".join(wrong), case["exit"], case["stdout"], case["stderr"], outcome.status,
            outcome.stdout, outcome.stderr))


def check_fake(case, fake, place):
    if "calls" in case and fake.calls != case["calls"]:
        raise Mismatch("calls: expected %s\n got %s" % (case["calls"], fake.calls))
    for name, value in case.get("request_headers", {}).items():
        if fake.headers.get(name) != place.fill(value):
            raise Mismatch("header %s: %r" % (name, fake.headers.get(name)))


def with_our_decisions(case):
    return {**case, **case.get("ours", {})}
