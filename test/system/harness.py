# SPDX-License-Identifier: MIT
"""Runs real daemons and clients for the tests: ours, and the reference beside it.

Each Daemon has a directory of its own (configuration, socket, logs, pidfile) so that tests can
run in parallel. The environment says where the binaries are:

    SUPERVISORD, SUPERVISORCTL                      ours
    REFERENCE_SUPERVISORD, REFERENCE_SUPERVISORCTL  the reference's scripts (run by /usr/bin/python3)
    TEST_CHILD                                      the program children/child.c
    SUPERVISOR_UNDER_TEST                           "ours" (default) or "reference"
    SUPERVISOR_TEST_PATIENCE                        factor on every limit (slow machines)

In configuration texts, @DIR@ is the daemon's directory, @CHILD@ the child program, @SYSTEM@ this
directory. Nothing here measures time: conditions are waited for, with generous limits.
"""

import concurrent.futures
import functools
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import uuid
import xmlrpc.client

SYSTEM_DIR = os.path.dirname(os.path.abspath(__file__))
ROOT_DIR = os.path.dirname(os.path.dirname(SYSTEM_DIR))
PATIENCE = float(os.environ.get("SUPERVISOR_TEST_PATIENCE", "1"))
TAG_NAME = "SUPERVISOR_TEST_RUN"
SANITIZER_REPORT = re.compile(
    r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:|Sanitizer:DEADLYSIGNAL"
)
LOG_LINE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) ([A-Z]{4}) (.*)$")


class Implementation:
    """A daemon and its client, as argument vectors."""

    def __init__(self, name, daemon, ctl):
        self.name = name
        self.daemon = daemon
        self.ctl = ctl

    def exists(self):
        return all(os.path.exists(part) for part in (self.daemon[-1], self.ctl[-1]))

    def __repr__(self):
        return self.name


def _newest_build(name):
    """For runs by hand: the newest binary of that name in any build directory."""
    found = []
    for build in os.scandir(os.path.join(ROOT_DIR, "build")) if os.path.isdir(os.path.join(ROOT_DIR, "build")) else ():
        for path in (os.path.join(build.path, "src", name), os.path.join(build.path, "src", "cli", name),
                     os.path.join(build.path, "test", "system", name)):
            if os.path.isfile(path):
                found.append(path)
    return max(found, key=os.path.getmtime) if found else "/nonexistent/" + name


def _binary(variable, name):
    return os.path.abspath(os.environ.get(variable) or _newest_build(name))


OURS = Implementation("ours", [_binary("SUPERVISORD", "supervisord")],
                      [_binary("SUPERVISORCTL", "supervisorctl")])
# The script's own first line names this interpreter; another python3 may stand before it in PATH.
REFERENCE = Implementation(
    "reference",
    ["/usr/bin/python3", os.environ.get("REFERENCE_SUPERVISORD") or "/usr/bin/supervisord"],
    ["/usr/bin/python3", os.environ.get("REFERENCE_SUPERVISORCTL") or "/usr/bin/supervisorctl"],
)
UNDER_TEST = REFERENCE if os.environ.get("SUPERVISOR_UNDER_TEST") == "reference" else OURS
CHILD = _binary("TEST_CHILD", "test_child")

needs_reference = unittest.skipUnless(
    REFERENCE.exists(), "the reference is not installed: apt-get install supervisor")
needs_ours = unittest.skipUnless(OURS.exists(), "our supervisord or supervisorctl is not built")
needs_root = unittest.skipUnless(os.geteuid() == 0, "only root can do this")
better_than_reference = unittest.skipIf(
    UNDER_TEST is REFERENCE, "a deliberate difference: the reference fails this")


def wait_until(condition, what, timeout=60, pause=0.02):
    """Wait for condition() to be true and return its value; fail with `what` otherwise."""
    deadline = time.monotonic() + timeout * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain for: " + (what() if callable(what) else what))
        time.sleep(pause)


def stays(condition, what, seconds=1.5, pause=0.05):
    """Check that condition() stays true for a while: for things that must not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not condition():
            raise AssertionError("did not stay: " + what)
        time.sleep(pause)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.socket_path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.socket_path)


class UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path, timeout):
        super().__init__()
        self.socket_path = path
        self.timeout = timeout

    def make_connection(self, host):
        if not self._connection or self._connection[0] != host:
            self._connection = host, UnixConnection(self.socket_path, self.timeout)
        return self._connection[1]


def rpc_over_unix(path, timeout=120):
    return xmlrpc.client.ServerProxy("http://localhost/RPC2", UnixTransport(path, timeout * PATIENCE))


def fault_of(call, *args):
    """The fault's code of a call that must fail (None when it does not)."""
    try:
        call(*args)
    except xmlrpc.client.Fault as fault:
        return fault.faultCode
    return None


def read_text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except (FileNotFoundError, ProcessLookupError):  # the latter: a file in /proc
        return ""


def read_bytes(path):
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return b""


def process_status(pid):
    """/proc/PID/status as a dict, {} when the process is gone."""
    try:
        with open("/proc/%d/status" % pid) as stream:
            return dict(line.rstrip("\n").split(":", 1) for line in stream if ":" in line)
    except (FileNotFoundError, ProcessLookupError):
        return {}


def is_alive(pid):
    """Whether the process exists and is no zombie."""
    state = process_status(pid).get("State", "")
    return bool(state) and state.split()[0] not in "ZX"


def tagged_processes(tag):
    """Pids of all living processes that carry the tag in their environment."""
    needle = ("%s=%s" % (TAG_NAME, tag)).encode()
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open("/proc/%s/environ" % entry, "rb") as stream:
                if needle in stream.read().split(b"\0") and is_alive(int(entry)):
                    found.append(int(entry))
        except OSError:
            continue
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def normalise(text, directory=None):
    """Replace what differs from run to run: times, pids, the directory, socket numbers."""
    if directory:
        text = text.replace(os.path.realpath(directory), "DIR").replace(directory, "DIR")
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", "TIME", text)
    text = re.sub(r"\b(pid:?) \d+", r"\1 PID", text)
    text = re.sub(r"(killing '[^']*') \(\d+\)", r"\1 (PID)", text)
    text = re.sub(r"uptime (\d+ days?, )?\d+:\d\d:\d\d", "uptime UP", text)
    text = re.sub(r"[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M", "WHEN", text)
    return text


class Daemon:
    """One running supervisord. A context manager: leaving it stops and checks it."""

    def __init__(self, config="", impl=None, *, supervisord="", ctl="", unix=True, inet=False,
                 loglevel="info", args=(), nodaemon=True, env=None, directory=None, main=None,
                 expect_exit=0, leftovers_allowed=False, prepare=None):
        self.impl = impl or UNDER_TEST
        self.dir = directory or tempfile.mkdtemp(prefix="svt.")
        self.own_dir = directory is None
        os.chmod(self.dir, 0o755)
        self.tag = uuid.uuid4().hex
        self.nodaemon = nodaemon
        self.args = list(args)
        self.expect_exit = expect_exit
        self.leftovers_allowed = leftovers_allowed
        self.socket_path = os.path.join(self.dir, "s.sock") if unix else None
        self.port = free_port() if inet else None
        self.logfile = os.path.join(self.dir, "supervisord.log")
        self.pidfile = os.path.join(self.dir, "supervisord.pid")
        self.conf = os.path.join(self.dir, "supervisord.conf")
        self.stdout_path = os.path.join(self.dir, "daemon.out")
        self.stderr_path = os.path.join(self.dir, "daemon.err")
        self.process = None
        self.pid = None
        self._rpc = None
        self._head = main if main is not None else self._default_head(supervisord, ctl, loglevel)
        self.env = dict(os.environ, **{TAG_NAME: self.tag})
        for name in ("ASAN", "UBSAN", "TSAN", "LSAN"):
            options = [o for o in (self.env.get(name + "_OPTIONS"),) if o]
            options.append("log_path=" + os.path.join(self.dir, "sanitizer"))
            if name == "UBSAN":
                options.append("print_stacktrace=1")
            self.env[name + "_OPTIONS"] = ":".join(options)
        self.env.update(env or {})
        self.write_config(config)
        if prepare:
            prepare(self)

    # -- configuration ------------------------------------------------------------------------

    def _default_head(self, supervisord, ctl, loglevel):
        head = ["[supervisord]", "logfile=@DIR@/supervisord.log", "pidfile=@DIR@/supervisord.pid",
                "childlogdir=@DIR@", "loglevel=" + loglevel]
        # Options given by the test replace the ones above.
        given = {line.split("=", 1)[0].strip() for line in supervisord.splitlines() if "=" in line}
        head = [line for line in head if line.split("=", 1)[0] not in given]
        head.append(supervisord)
        head.append("[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = "
                    "supervisor.rpcinterface:make_main_rpcinterface")
        if self.socket_path:
            head.append("[unix_http_server]\nfile=@DIR@/s.sock")
        if self.port:
            head.append("[inet_http_server]\nport=127.0.0.1:%d" % self.port)
        url = "unix://@DIR@/s.sock" if self.socket_path else "http://127.0.0.1:%s" % self.port
        head.append("[supervisorctl]\nserverurl=" + url + "\n" + ctl)
        return "\n".join(head) + "\n"

    def expand(self, text):
        return (text.replace("@DIR@", self.dir).replace("@CHILD@", CHILD)
                .replace("@SYSTEM@", SYSTEM_DIR).replace("@PORT@", str(self.port)))

    def write_config(self, config):
        """Write the programs part anew (the head stays)."""
        self.write_raw_config(self._head + config)

    def write_raw_config(self, text):
        temporary = self.conf + ".new"
        with open(temporary, "w", encoding="utf-8") as stream:
            stream.write(self.expand(text))
        os.replace(temporary, self.conf)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w", encoding="utf-8") as stream:
            stream.write(self.expand(text))
        os.chmod(self.path(name), mode)
        return self.path(name)

    def read(self, name):
        return read_text(self.path(name))

    # -- life ---------------------------------------------------------------------------------

    def argv(self):
        foreground = ["-n"] if self.nodaemon else []
        return self.impl.daemon + ["-c", self.conf] + foreground + self.args

    def spawn(self):
        """Start without waiting for anything."""
        with open(self.stdout_path, "ab") as out, open(self.stderr_path, "ab") as err:
            self.process = subprocess.Popen(self.argv(), stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=err, cwd=self.dir, env=self.env)
        self.pid = self.process.pid
        return self

    def start(self, timeout=60):
        self.spawn()
        if not self.nodaemon:
            self.process.wait(timeout * PATIENCE)
            if self.process.returncode != 0:
                raise AssertionError("cannot daemonize: %s" % self.describe())
            self.pid = int(wait_until(lambda: self.read("supervisord.pid").strip(), "the pidfile", timeout))
        wait_until(self.answers, lambda: "the daemon's answer\n" + self.describe(), timeout)
        return self

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.kill()
            self.remove()
            raise

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                self.stop()
            elif not issubclass(kind, unittest.SkipTest):
                sys.stderr.write("\n---- %s\n%s\n----\n" % (self.impl, self.describe()))
        finally:
            if self._rpc is not None:
                self._rpc("close")()
            self.kill()
            self.remove()

    def remove(self):
        if self.own_dir and not os.environ.get("SUPERVISOR_TEST_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    def is_running(self):
        if self.nodaemon and self.process:
            return self.process.poll() is None
        return self.pid is not None and is_alive(self.pid)

    def answers(self):
        if not self.is_running():
            raise AssertionError("the daemon ended\n" + self.describe())
        try:
            return self.rpc.supervisor.getState()["statecode"] == 1
        except xmlrpc.client.ProtocolError:
            raise
        except (OSError, http.client.HTTPException, xmlrpc.client.Fault):
            self._rpc = None
            return False

    def kill_daemon(self, signum):
        os.kill(self.pid, signum)

    def wait_exit(self, timeout=90):
        """Wait for the daemon's end; returns its exit status (None when daemonized)."""
        wait_until(lambda: not self.is_running(), lambda: "the daemon's end\n" + self.describe(), timeout)
        return self.process.returncode if self.nodaemon else None

    def stop(self, signum=signal.SIGTERM, timeout=90):
        """End the daemon and check what it leaves: exit status, children, sanitizer reports."""
        if self.is_running():
            self.kill_daemon(signum)
        status = self.wait_exit(timeout)
        if self.nodaemon and self.expect_exit is not None and status != self.expect_exit:
            raise AssertionError("exit status %s\n%s" % (status, self.describe()))
        self.check_reports()
        if not self.leftovers_allowed:
            left = tagged_processes(self.tag)
            if left:
                names = [read_bytes("/proc/%d/cmdline" % p).replace(b"\0", b" ") for p in left]
                raise AssertionError("processes left behind: %s %s" % (left, names))
        return status

    def check_reports(self):
        texts = [("stderr", read_text(self.stderr_path))]
        for name in os.listdir(self.dir):
            if name.startswith("sanitizer."):
                texts.append((name, self.read(name)))
        for name, text in texts:
            if SANITIZER_REPORT.search(text):
                raise AssertionError("a sanitizer complains (%s):\n%s" % (name, text[:20000]))

    def kill(self):
        """Whatever is left of this run goes, without ceremony."""
        for _ in range(50):
            left = tagged_processes(self.tag)
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if self.process and self.process.poll() is None and not left:
                self.process.kill()
            if not left and (not self.process or self.process.poll() is not None):
                return
            time.sleep(0.05)

    # -- asking -------------------------------------------------------------------------------

    @property
    def rpc(self):
        if self._rpc is None:
            self._rpc = self.new_rpc()
        return self._rpc

    def new_rpc(self, timeout=120):
        """A connection of its own (a ServerProxy belongs to one thread)."""
        if self.socket_path:
            return rpc_over_unix(self.socket_path, timeout)
        return xmlrpc.client.ServerProxy("http://127.0.0.1:%d/RPC2" % self.port)

    def get(self, path):
        """A page, as (status, body)."""
        connection = (UnixConnection(self.socket_path, 60 * PATIENCE) if self.socket_path
                      else http.client.HTTPConnection("127.0.0.1", self.port, timeout=60 * PATIENCE))
        try:
            connection.request("GET", path, headers={"Host": "localhost"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get_json(self, path):
        status, body = self.get(path)
        if status != 200:
            raise AssertionError("%s: %d %r" % (path, status, body[:500]))
        return json.loads(body)

    def infos(self):
        return {"%s:%s" % (i["group"], i["name"]) if i["group"] != i["name"] else i["name"]: i
                for i in self.rpc.supervisor.getAllProcessInfo()}

    def states(self):
        return {name: info["statename"] for name, info in self.infos().items()}

    def info(self, name):
        return self.rpc.supervisor.getProcessInfo(name)

    def state(self, name):
        return self.info(name)["statename"]

    def wait_state(self, name, *states, timeout=60):
        """Wait until the process is in one of the states; returns its info."""
        last = {}

        def reached():
            last.update(self.info(name))
            return last["statename"] in states

        wait_until(reached, lambda: "%s %s; it is %s\n%s" % (name, states, last, self.describe()), timeout)
        return last

    def wait_states(self, wanted, timeout=60):
        """Wait until states() has all of wanted's entries."""
        wait_until(lambda: all(self.states().get(n) == s for n, s in wanted.items()),
                   lambda: "%s; they are %s\n%s" % (wanted, self.states(), self.describe()), timeout)

    def ctl(self, *args, impl=None, input=None, timeout=180, env=None):
        """Run supervisorctl on this daemon: (exit status, stdout, stderr)."""
        done = subprocess.run((impl or self.impl).ctl + ["-c", self.conf] + list(args), input=input,
                              stdin=subprocess.DEVNULL if input is None else None,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.dir,
                              env=dict(self.env, **(env or {})), timeout=timeout * PATIENCE,
                              encoding="utf-8", errors="replace")
        return done.returncode, done.stdout, done.stderr

    # -- the log ------------------------------------------------------------------------------

    def log_text(self):
        """The daemon's log, once nothing was added to it for a moment: a thread of its own writes
        it, so that a line may come a little after the answer to a call."""
        text = read_text(self.logfile)
        for _ in range(10):
            time.sleep(0.1 * PATIENCE)
            before, text = text, read_text(self.logfile)
            if text == before:
                break
        return text

    def log(self):
        """The daemon log's entries as (level, message); a multi-line message is one entry."""
        entries = []
        for line in self.log_text().splitlines():
            match = LOG_LINE.match(line)
            if match:
                entries.append((match.group(2), match.group(3)))
            elif entries:
                entries[-1] = (entries[-1][0], entries[-1][1] + "\n" + line)
        return entries

    def messages(self):
        return [message for _, message in self.log()]

    def logged(self, pattern):
        """The messages that the regular expression finds."""
        return [m for m in self.messages() if re.search(pattern, m)]

    def wait_logged(self, pattern, count=1, timeout=60):
        return wait_until(lambda: (lambda found: found if len(found) >= count else None)(self.logged(pattern)),
                          lambda: "%d x %r in the log\n%s" % (count, pattern, self.describe()), timeout)

    def normalised_log(self):
        """Log entries as 'LEVEL message' with pids and paths replaced."""
        return [normalise("%s %s" % entry, self.dir) for entry in self.log()]

    def describe(self):
        log = self.log_text()
        return "log (end):\n%s\nstdout (end): %s\nstderr: %s" % (
            log[-6000:], read_text(self.stdout_path)[-500:], read_text(self.stderr_path)[:6000])

    # -- /proc --------------------------------------------------------------------------------

    def descriptors(self):
        return os.listdir("/proc/%d/fd" % self.pid)

    def threads(self):
        return os.listdir("/proc/%d/task" % self.pid)

    def children(self):
        """(pid, state letter) of the daemon's children, zombies included."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                status = process_status(int(entry))
                if status.get("PPid", "").strip() == str(self.pid):
                    found.append((int(entry), status["State"].split()[0]))
        return found

    def zombies(self):
        return [pid for pid, state in self.children() if state == "Z"]


class SystemTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        if not UNDER_TEST.exists():
            raise AssertionError("no binaries to test: %s %s" % (UNDER_TEST.daemon, UNDER_TEST.ctl))

    def both(self, config, scenario, *, compare=True, **options):
        """Run scenario(daemon) on the reference and on ours at the same time.

        Returns (reference's result, ours), which must be equal unless compare is False.
        """
        def run(impl):
            with Daemon(config, impl, **options) as daemon:
                return scenario(daemon)

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(run, impl) for impl in (REFERENCE, OURS)]
            results = [r.result() for r in runs]
        if compare:
            self.assertEqual(results[0], results[1], "the reference first, then ours")
        return tuple(results)


def main():
    """Run the calling file's tests; no test found is a failure too."""
    program = unittest.main(module="__main__", verbosity=2, exit=False, warnings="ignore")
    if program.result.testsRun == 0:
        sys.exit("no test ran")
    sys.exit(not program.result.wasSuccessful())
