# SPDX-License-Identifier: MIT
"""[notify:x]: a command or an address is told, and nobody waits for it."""

import http.server
import json
import threading
import time

import harness
from harness import Daemon, SystemTest, better_than_reference, wait_until

CRASHER = """
[program:crasher]
command=@CHILD@ sleep 1.2 exit 3
autorestart=false
[program:steady]
command=@CHILD@ forever
"""


class Receiver:
    """An address on this host that keeps what is posted to it."""

    def __init__(self, status=200, delay=0):
        received = self.received = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(delay)
                received.append((self.path, self.headers["Content-Type"], json.loads(body)))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *args):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@better_than_reference
class Notify(SystemTest):
    def test_a_command_is_told_what_happened(self):
        config = CRASHER + """
[notify:mail]
events=PROCESS_STATE_EXITED
command=/bin/sh -c 'cat > @DIR@/payload; env | grep ^NOTIFY_ | sort > @DIR@/env.new; mv @DIR@/env.new @DIR@/env'
"""
        with Daemon(config) as daemon:
            words = dict(line.split("=", 1) for line in
                         wait_until(lambda: daemon.read("env"), "the command").splitlines())
            self.assertEqual(words["NOTIFY_EVENT"], "PROCESS_STATE_EXITED")
            self.assertEqual(words["NOTIFY_PROCESSNAME"], "crasher")
            self.assertEqual(words["NOTIFY_EXPECTED"], "0")
            self.assertEqual(words["NOTIFY_SKIPPED"], "0")
            self.assertTrue(daemon.read("payload").startswith(
                "processname:crasher groupname:crasher from_state:RUNNING expected:0 pid:"))
            # it is nobody's program
            self.assertEqual(sorted(daemon.states()), ["crasher", "steady"])

    def test_an_address_gets_json(self):
        with Receiver() as receiver:
            config = CRASHER + """
[notify:hook]
events=PROCESS_STATE_EXITED,SUPERVISOR_STATE_CHANGE
url=http://127.0.0.1:%d/hook
""" % receiver.port
            with Daemon(config):
                wait_until(lambda: len(receiver.received) >= 2, "two posts")
            path, kind, first = receiver.received[0]
            self.assertEqual((path, kind), ("/hook", "application/json"))
            self.assertEqual(first["event"], "SUPERVISOR_STATE_CHANGE_RUNNING")
            second = receiver.received[1][2]
            self.assertEqual(second["event"], "PROCESS_STATE_EXITED")
            self.assertEqual(second["tokens"]["processname"], "crasher")
            self.assertIn("PROCESS_STATE_EXITED", second["text"])

    def test_the_rate_is_limited(self):
        config = """
[notify:few]
events=REMOTE_COMMUNICATION
command=/bin/sh -c 'echo told >> @DIR@/told'
rate_limit=3/3600
"""
        with Daemon(config) as daemon:
            for i in range(50):
                daemon.rpc.supervisor.sendRemoteCommEvent("n", str(i))
            wait_until(lambda: daemon.read("told").count("told") == 3, "three of them")
            daemon.wait_logged("notify few: more than rate_limit allows")
            harness.stays(lambda: daemon.read("told").count("told") == 3, "three")

    def test_a_failure_is_logged_with_what_the_command_said(self):
        config = """
[notify:bad]
events=REMOTE_COMMUNICATION
command=/bin/sh -c 'echo no postman here >&2; exit 7'
[notify:missing]
events=REMOTE_COMMUNICATION
command=/nonexistent/mailer
[notify:nobody]
events=REMOTE_COMMUNICATION
url=http://127.0.0.1:%d/
""" % harness.free_port()
        with Daemon(config) as daemon:
            daemon.rpc.supervisor.sendRemoteCommEvent("n", "1")
            daemon.wait_logged(r"^notify bad: its command failed \(exit status 7\): "
                               r"no postman here$")
            daemon.wait_logged(r"^notify missing: can't find command '/nonexistent/mailer'$")
            daemon.wait_logged(r"^notify nobody: its command failed \(exit status 1\): cannot post to its url: ")

    def test_slow_ones_hold_up_nobody_and_end_with_the_daemon(self):
        with Receiver(delay=30) as receiver:
            config = CRASHER + """
[notify:slow]
events=EVENT
command=/bin/sleep 3600
[notify:slowhook]
events=EVENT
url=http://127.0.0.1:%d/
[notify:quick]
events=PROCESS_STATE_EXITED
command=/bin/sh -c 'echo told >> @DIR@/told'
""" % receiver.port
            with Daemon(config) as daemon:
                wait_until(lambda: daemon.read("told"), "the quick one", timeout=20)
                before = time.monotonic()
                daemon.rpc.supervisor.stopProcess("steady")
                self.assertLess(time.monotonic() - before, 10 * harness.PATIENCE)
                daemon.stop(timeout=30)


if __name__ == "__main__":
    harness.main()
