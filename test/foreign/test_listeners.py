# SPDX-License-Identifier: MIT
"""Listeners in superlance's manner do their job under both daemons.

They import "supervisor" only; the reference runs them with its own module, ours with ours.
"""

import os
import sys
import unittest

import harness
from harness import OURS, REFERENCE, Daemon, SystemTest, needs_ours, needs_reference, wait_until

LISTENERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "listeners")
OUR_MODULE = os.path.join(harness.ROOT_DIR, "python")

# /usr/bin/python3 is the interpreter that the reference's module is installed for.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable


class Listeners:
    """The cases; who runs them says which daemon and which module."""

    impl = None
    module = None

    def daemon(self, config, **options):
        environment = {"PYTHONPATH": self.module} if self.module else {}
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        return Daemon(config, self.impl, env=environment, **options)

    def section(self, name, arguments, extra):
        return """
[eventlistener:%s]
command=%s %s/%s.py %s
stderr_logfile=@DIR@/%s.err
autorestart=unexpected
%s
""" % (name, PYTHON, LISTENERS, name, arguments, name, extra)

    def listener_is_well(self, daemon, name):
        info = daemon.info(name)
        self.assertEqual(info["statename"], "RUNNING", daemon.read(name + ".err"))
        self.assertFalse(daemon.logged("UNKNOWN state"), daemon.log_text())

    def test_the_module_is_the_one_meant(self):
        config = """
[program:which]
command=%s -c "import supervisor.childutils as c; open('@DIR@/which', 'w').write(c.__file__)"
autorestart=false
startsecs=0
""" % PYTHON
        with self.daemon(config) as daemon:
            path = wait_until(lambda: daemon.read("which"), "the module's path")
            self.assertEqual(path.startswith(OUR_MODULE), self.module is not None, path)

    def test_memory_watch(self):
        config = """
[program:fat]
command=@CHILD@ alloc 60 forever
[program:thin]
command=@CHILD@ forever
""" + self.section("memwatch", "fat=20MB thin=2000MB", "events=TICK_5")
        with self.daemon(config) as daemon:
            first = daemon.wait_state("fat", "RUNNING")["pid"]
            thin = daemon.wait_state("thin", "RUNNING")["pid"]
            wait_until(lambda: daemon.info("fat")["pid"] not in (0, first),
                       lambda: "the fat one's restart\n" + daemon.describe()
                       + daemon.read("memwatch.err"))
            self.assertIn(" restarting fat: ", daemon.read("memwatch.err"))
            self.assertEqual(daemon.info("thin")["pid"], thin)
            self.listener_is_well(daemon, "memwatch")

    def test_crash_report(self):
        config = """
[program:crasher]
command=@CHILD@ sleep 1.5 exit 3
autorestart=false
[program:leaver]
command=@CHILD@ sleep 1.5 exit 0
autorestart=false
[program:killed]
command=@CHILD@ sleep 1.5 kill 11
autorestart=false
""" + self.section("crashreport", '"cat >> @DIR@/reports"', "events=PROCESS_STATE_EXITED")
        with self.daemon(config) as daemon:
            text = wait_until(lambda: daemon.read("reports").count("\n") == 2
                              and daemon.read("reports"),
                              lambda: "two reports, not %r\n%s" % (daemon.read("reports"),
                                                                   daemon.describe()))
            self.assertRegex(text, r"Process crasher in group crasher exited unexpectedly "
                                   r"\(pid \d+\) from state RUNNING\n")
            self.assertRegex(text, r"Process killed in group killed exited unexpectedly")
            self.listener_is_well(daemon, "crashreport")

    def test_http_watch(self):
        port = harness.free_port()
        config = """
[group:sites]
programs=web
[program:web]
command=%s %s/webservice.py %d @DIR@/broken
""" % (PYTHON, LISTENERS, port)
        config += self.section("httpwatch", "sites:web http://127.0.0.1:%d/" % port,
                               "events=TICK_5")
        with self.daemon(config) as daemon:
            first = daemon.wait_state("sites:web", "RUNNING")["pid"]
            daemon.wait_state("httpwatch", "RUNNING")
            daemon.write("broken", "")
            wait_until(lambda: daemon.info("sites:web")["pid"] not in (0, first),
                       lambda: "the restart of the broken one\n" + daemon.describe()
                       + daemon.read("httpwatch.err"))
            self.assertIn("restarting web of sites, which was RUNNING",
                          daemon.read("httpwatch.err"))
            wait_until(lambda: not os.path.exists(daemon.path("broken")), "its recovery")
            self.listener_is_well(daemon, "httpwatch")

    def test_text_from_a_program(self):
        config = """
[program:textual]
command=%s %s/textual.py
stdout_capture_maxbytes=1KB
stderr_capture_maxbytes=1KB
[eventlistener:recorder]
command=%s %s/recorder.py @DIR@/events
events=PROCESS_COMMUNICATION
""" % (PYTHON, LISTENERS, PYTHON, LISTENERS)
        with self.daemon(config) as daemon:
            text = wait_until(lambda: daemon.read("events").count("\n") == 2
                              and daemon.read("events"),
                              lambda: "two texts, not %r\n%s" % (daemon.read("events"),
                                                                 daemon.describe()))
            self.assertRegex(text, r"eventname:PROCESS_COMMUNICATION_STDOUT .*\\nfrom stdout\"")
            self.assertRegex(text, r"eventname:PROCESS_COMMUNICATION_STDERR .*\\nfrom stderr\"")


@needs_ours
class UnderOurs(Listeners, SystemTest):
    impl = OURS
    module = OUR_MODULE


@needs_reference
class UnderTheReference(Listeners, SystemTest):
    impl = REFERENCE
    module = None


if __name__ == "__main__":
    harness.main()
