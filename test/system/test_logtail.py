# SPDX-License-Identifier: MIT
"""/logtail and /mainlogtail: what followers get, byte for byte, through rotation and truncation."""

import http.client
import os
import re
import socket
import unittest

from harness import Daemon, UnixConnection, better_than_reference, needs_ours, read_text, wait_until

CONFIG = """
[program:cat]
command=/bin/cat
stdout_logfile=@DIR@/cat.log
stdout_logfile_maxbytes=2000
stdout_logfile_backups=50
stderr_logfile=NONE
startsecs=0
[program:plain]
command=/bin/sleep 1000
stdout_logfile=@DIR@/plain.log
startsecs=0
[program:never]
command=/bin/cat
stdout_logfile=@DIR@/never.log
autostart=false
"""


class Follower:
    """One stream, read without waiting for its end."""

    def __init__(self, daemon, target, version="1.1"):
        self.socket = socket.create_connection(("127.0.0.1", daemon.port), timeout=60)
        self.socket.sendall(("GET %s HTTP/%s\r\nHost: localhost\r\n\r\n" % (target, version)).encode())
        self.socket.settimeout(0.2)
        self.raw = b""
        wait_until(lambda: self.poll() and b"\r\n\r\n" in self.raw, "headers")
        head, self.raw = self.raw.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
        self.ended = False

    def poll(self):
        try:
            data = self.socket.recv(65536)
            self.raw += data
            self.ended = not data
        except TimeoutError:
            pass
        return self.raw

    def data(self):
        """All that came so far, out of its chunks."""
        self.poll()
        if self.headers.get("transfer-encoding") != "chunked":
            return self.raw
        rest, out = self.raw, b""
        while True:
            match = re.match(rb"([0-9a-fA-F]+)\r\n", rest)
            if not match:
                return out
            size, start = int(match.group(1), 16), match.end()
            if len(rest) < start + size + 2:
                return out
            out += rest[start:start + size]
            rest = rest[start + size + 2:]

    def close(self):
        self.socket.close()


@needs_ours
@better_than_reference
class Streams(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon(CONFIG, inet=True)
        self.daemon.__enter__()
        self.addCleanup(self.daemon.__exit__, None, None, None)
        # a log is made when its program is started for the first time
        wait_until(lambda: os.path.exists(self.daemon.path("cat.log"))
                   and os.path.exists(self.daemon.path("plain.log")), "logs")

    def follow(self, *args):
        follower = Follower(self.daemon, *args)
        self.addCleanup(follower.close)
        return follower

    def write(self, name, data, mode="ab"):
        with open(self.daemon.path(name), mode) as stream:
            stream.write(data)

    def expect(self, follower, data):
        wait_until(lambda: follower.data() == data, lambda: "%r, got %r" % (data[-80:], follower.data()[-80:]))

    def test_headers_come_at_once(self):
        follower = self.follow("/logtail/plain")
        self.assertEqual(follower.status, 200)
        self.assertEqual(follower.headers["content-type"], "text/plain;charset=utf-8")
        self.assertEqual(follower.headers["x-accel-buffering"], "no")
        self.assertEqual(follower.headers["transfer-encoding"], "chunked")
        self.assertIn("last-modified", follower.headers)
        self.assertEqual(self.follow("/mainlogtail").headers["x-accel-buffering"], "no")

    def test_the_last_kilobyte_comes_first(self):
        self.write("plain.log", b"a" * 500 + b"b" * 1024)
        self.expect(self.follow("/logtail/plain"), b"b" * 1024)

    def test_the_first_window_begins_with_a_character(self):
        self.write("plain.log", "\u20ac".encode() * 1000)
        self.expect(self.follow("/logtail/plain"), "\u20ac".encode() * 341)

    def test_what_is_appended_follows_raw(self):
        follower = self.follow("/logtail/plain/stdout")
        sent = b""
        for piece in (b"one\n", b"a\x00\x1b\xc3\xa9\n", b"\xff\xfe", b"x" * 200000):
            self.write("plain.log", piece)
            sent += piece
            self.expect(follower, sent)

    def test_http_1_0_gets_bytes_as_they_come(self):
        follower = self.follow("/logtail/plain", "1.0")
        self.assertNotIn("transfer-encoding", follower.headers)
        self.write("plain.log", b"one\n")
        self.expect(follower, b"one\n")
        self.write("plain.log", b"two\n")
        self.expect(follower, b"one\ntwo\n")

    def test_truncation_is_told(self):
        follower = self.follow("/logtail/plain")
        self.write("plain.log", b"before\n")
        self.expect(follower, b"before\n")
        os.truncate(self.daemon.path("plain.log"), 0)
        self.write("plain.log", b"x\n")
        self.expect(follower, b"before\n==> File truncated <==\nx\n")

    def test_a_new_file_is_followed_from_its_start(self):
        follower = self.follow("/logtail/plain")
        path = self.daemon.path("plain.log")
        self.write("plain.log", b"old\n")
        os.rename(path, path + ".1")
        self.write("plain.log.1", b"late\n")
        self.expect(follower, b"old\nlate\n")
        self.write("plain.log", b"new\n", "wb")
        self.expect(follower, b"old\nlate\nnew\n")
        self.write("plain.log", b"more\n")
        self.expect(follower, b"old\nlate\nnew\nmore\n")

    def test_no_line_is_lost_in_rotation(self):
        follower = self.follow("/logtail/cat")
        sent = b""
        for i in range(400):
            line = b"line %04d %s\n" % (i, b"x" * 20)
            self.daemon.rpc.supervisor.sendProcessStdin("cat", line.decode())
            sent += line
            if i % 50 == 49:  # a follower may be late by less than all backups
                self.expect(follower, sent)
        self.expect(follower, sent)
        self.assertTrue(os.path.exists(self.daemon.path("cat.log.3")))

    def test_clearing_starts_anew(self):
        follower = self.follow("/logtail/cat")
        self.daemon.rpc.supervisor.sendProcessStdin("cat", "one\n")
        self.expect(follower, b"one\n")
        self.daemon.rpc.supervisor.clearProcessLogs("cat")
        self.daemon.rpc.supervisor.sendProcessStdin("cat", "two\n")
        self.expect(follower, b"one\ntwo\n")

    def test_a_stream_outlives_its_program(self):
        follower = self.follow("/logtail/cat")
        self.daemon.rpc.supervisor.sendProcessStdin("cat", "one\n")
        self.expect(follower, b"one\n")
        self.daemon.rpc.supervisor.stopProcess("cat")
        self.daemon.rpc.supervisor.startProcess("cat")
        self.daemon.rpc.supervisor.sendProcessStdin("cat", "two\n")
        self.expect(follower, b"one\ntwo\n")

    def test_what_is_not_there_is_404(self):
        os.mkfifo(self.daemon.path("never.log"))
        for target in ("/logtail/never", "/logtail/nope", "/logtail/cat/stderr", "/logtail/cat/", "/logtail/",
                       "/logtail", "/logtailfoo/cat", "/mainlogtailfoo", "/logtail/cat:*", "/logtail/%2563at"):
            with self.subTest(target=target):
                self.assertEqual(self.follow(target).status, 404)
        self.assertEqual(self.follow("/logtail/%63at").status, 200)
        self.assertEqual(self.follow("/logtail/cat%3Acat").status, 200)

    def test_many_quiet_followers_cost_nothing(self):
        followers = [self.follow("/logtail/plain") for _ in range(60)]

        def switches():
            text = read_text("/proc/%d/task/%d/status" % (self.daemon.pid, self.daemon.pid))
            return int(re.search(r"\bvoluntary_ctxt_switches:\s+(\d+)", text).group(1))
        wait_until(lambda: len(followers) == 60, "followers")
        before = switches()
        self.assertEqual(b"", followers[0].data())  # passes 0.2 s
        followers[1].data()
        followers[2].data()
        self.assertLess(switches() - before, 5)
        self.write("plain.log", b"now\n")
        for follower in followers:
            self.expect(follower, b"now\n")

    def test_the_end_of_the_daemon_ends_streams_properly(self):
        follower = self.follow("/logtail/plain")
        self.daemon.stop()
        wait_until(lambda: follower.poll() is not None and follower.ended, "the end")
        self.assertTrue(follower.raw.endswith(b"0\r\n\r\n"))

    def test_a_vanished_socket_is_made_again(self):
        path = self.daemon.socket_path
        os.unlink(path)
        wait_until(lambda: os.path.exists(path), "the socket")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o700)
        connection = UnixConnection(path, 60)
        connection.request("POST", "/RPC2", "<methodName>supervisor.getState</methodName>")
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()
        follower = self.follow("/mainlogtail")
        wait_until(lambda: b"vanished" in follower.data(), "a word in the log")


@needs_ours
@better_than_reference
class Doors(unittest.TestCase):
    """Passwords and roles."""

    def status(self, daemon, auth=None, body=b"<methodName>supervisor.getState</methodName>", path="/RPC2"):
        connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
        connection.request("POST", path, body, {"Authorization": auth} if auth else {})
        reply = connection.getresponse()
        data = reply.read()
        connection.close()
        return reply.status, reply.getheader("WWW-Authenticate"), data

    def test_a_password_is_asked_for(self):
        head = ("[supervisord]\nlogfile=@DIR@/supervisord.log\npidfile=@DIR@/supervisord.pid\n"
                "[rpcinterface:supervisor]\n"
                "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
                "[unix_http_server]\nfile=@DIR@/s.sock\n"
                "[inet_http_server]\nport=127.0.0.1:@PORT@\nusername=u\n"
                "password={SHA}a94a8fe5ccb19ba61c4c0873d391e987982fbbd3\n"
                "users=eve:read:look\n")
        change = (b"<methodCall><methodName>supervisor.sendRemoteCommEvent</methodName><params><param><value>a"
                  b"</value></param><param><value>b</value></param></params></methodCall>")
        with Daemon(CONFIG, main=head, inet=True) as daemon:
            for auth in (None, "Basic", "Basic dTpw", "Bearer dTp0ZXN0", "Basic ZTpsb29r"):
                status, realm, _ = self.status(daemon, auth)
                self.assertEqual((status, realm), (401, 'Basic realm="default"'))
            self.assertEqual(self.status(daemon, "Basic !!!!")[0], 400)
            self.assertEqual(self.status(daemon, "Basic dTp0ZXN0")[0], 200)      # u:test
            self.assertEqual(self.status(daemon, "Basic ZXZlOmxvb2s=")[0], 200)  # eve:look
            self.assertEqual(self.status(daemon, None, path="/nosuch")[0], 401)
            self.assertIn(b"<boolean>1", self.status(daemon, "Basic dTp0ZXN0", change)[2])
            self.assertIn(b"FAILED: read-only", self.status(daemon, "Basic ZXZlOmxvb2s=", change)[2])
            self.assertIn("wrong credentials", daemon.read("supervisord.log"))
            self.assertNotIn("look", daemon.read("supervisord.log"))


if __name__ == "__main__":
    unittest.main()
