# SPDX-License-Identifier: MIT
"""Listening sockets: what stands in their way, who may use them, IPv6 and TLS."""

import http.client
import os
import shutil
import socket
import ssl
import stat
import subprocess
import unittest

from harness import Daemon, better_than_reference, needs_ours, rpc_over_unix, wait_until

HEAD = """[supervisord]
logfile=@DIR@/supervisord.log
pidfile=@DIR@/supervisord.pid
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
BUSY = ("Error: Another program is already listening on a port that one of our HTTP servers is configured to use.  "
        "Shut this program down first before starting supervisord.")
STATE = b"<methodName>supervisor.getState</methodName>"
EVENT = (b"<methodCall><methodName>supervisor.sendRemoteCommEvent</methodName><params><param><value>a</value></param>"
         b"<param><value>b</value></param></params></methodCall>")


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


@needs_ours
@better_than_reference
class Opening(unittest.TestCase):
    def refused(self, sockets, prepare=None):
        """What the daemon says on stderr when it cannot start with these sections."""
        daemon = Daemon("", main=HEAD + sockets, inet=True, expect_exit=2, prepare=prepare)
        try:
            daemon.spawn()
            self.assertEqual(daemon.wait_exit(), 2)
            return daemon.read("daemon.err"), daemon
        finally:
            daemon.kill()

    def test_a_busy_port(self):
        with socket.socket() as busy:
            busy.bind(("127.0.0.1", 0))
            busy.listen()
            error, _ = self.refused("[inet_http_server]\nport=127.0.0.1:%d\n" % busy.getsockname()[1])
        self.assertEqual(error.splitlines()[0], BUSY)

    def test_a_live_socket_is_left_alone(self):
        with Daemon("") as other:
            error, _ = self.refused("[unix_http_server]\nfile=%s\n" % other.socket_path)
            self.assertEqual(error.splitlines()[0], BUSY)
            self.assertEqual(other.rpc.supervisor.getState()["statecode"], 1)

    def test_what_is_no_socket_is_left_alone(self):
        def make_file(daemon):
            daemon.write("s.sock", "precious")
        error, daemon = self.refused("[unix_http_server]\nfile=@DIR@/s.sock\n", make_file)
        self.assertEqual(error.splitlines()[0], "Error: %s exists and is not a socket" % daemon.path("s.sock"))
        self.assertEqual(daemon.read("s.sock"), "precious")
        error, daemon = self.refused("[unix_http_server]\nfile=@DIR@/s.sock\n", lambda d: os.mkdir(d.path("s.sock")))
        self.assertIn("exists and is not a socket", error)
        self.assertEqual([n for n in os.listdir(daemon.dir) if n.startswith("s.sock.")], [])

    def test_a_directory_that_is_not_there(self):
        error, _ = self.refused("[unix_http_server]\nfile=@DIR@/nosuch/s.sock\n")
        self.assertEqual(error.splitlines()[0],
                         "Error: Cannot open an HTTP server: socket.error reported errno.ENOENT (2)")

    def test_a_path_that_is_too_long(self):
        error, _ = self.refused("[unix_http_server]\nfile=@DIR@/%s\n" % ("x" * 110))
        self.assertEqual(error.splitlines()[0],
                         "Error: Cannot open an HTTP server: socket.error reported AF_UNIX path too long")

    def test_an_address_that_is_not_ours(self):
        error, _ = self.refused("[inet_http_server]\nport=192.0.2.1:@PORT@\n")
        self.assertEqual(error.splitlines()[0],
                         "Error: Cannot open an HTTP server: socket.error reported errno.EADDRNOTAVAIL (99)")

    def test_a_stale_socket_is_replaced(self):
        def leave_stale(daemon):
            with socket.socket(socket.AF_UNIX) as s:
                s.bind(daemon.path("s.sock"))
        with Daemon("", prepare=leave_stale) as daemon:
            self.assertIn("Unlinking stale socket %s" % daemon.socket_path, daemon.read("daemon.err"))
            self.assertEqual(stat.S_IMODE(os.stat(daemon.socket_path).st_mode), 0o700)
            left = [n for n in os.listdir(daemon.dir) if n.startswith("s.sock.")]
            self.assertEqual(left, [])

    def test_mode_is_exact_and_the_file_goes_at_the_end(self):
        daemon = Daemon("", main=HEAD + "[unix_http_server]\nfile=@DIR@/s.sock\nchmod=0766\n")
        with daemon:
            self.assertEqual(stat.S_IMODE(os.stat(daemon.socket_path).st_mode), 0o766)
            daemon.stop()
            self.assertFalse(os.path.exists(daemon.socket_path))


@needs_ours
@better_than_reference
class Access(unittest.TestCase):
    def post(self, connection, body):
        connection.request("POST", "/RPC2", body)
        reply = connection.getresponse()
        data = reply.read()
        connection.close()
        return reply.status, data

    def test_a_door_to_everybody_without_a_password_is_read_only(self):
        main = HEAD + "[unix_http_server]\nfile=@DIR@/s.sock\n[inet_http_server]\nport=@PORT@\n"
        for insecure in (False, True):
            with Daemon("", main=main + ("insecure=true\n" if insecure else ""), inet=True) as daemon:
                status, data = self.post(http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60), EVENT)
                self.assertEqual(status, 200)
                self.assertEqual(b"FAILED: read-only: set username and password for [inet_http_server], or "
                                 b"insecure=true" in data, not insecure)
                status, data = self.post(http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60), STATE)
                self.assertIn(b"RUNNING", data)
                unix = rpc_over_unix(daemon.socket_path)
                self.assertTrue(unix.supervisor.sendRemoteCommEvent("a", "b"))
                unix("close")()

    @unittest.skipUnless(has_ipv6(), "no IPv6 here")
    def test_ipv6(self):
        main = HEAD + "[unix_http_server]\nfile=@DIR@/s.sock\n[inet_http_server]\nport=[::1]:@PORT@\n"
        with Daemon("", main=main, inet=True) as daemon:
            status, data = self.post(http.client.HTTPConnection("::1", daemon.port, timeout=60), EVENT)
            self.assertEqual(status, 200)
            self.assertIn(b"<boolean>1", data)  # loopback: not read-only

    @unittest.skipUnless(shutil.which("openssl"), "no openssl to make a certificate with")
    def test_tls(self):
        def make_certificate(daemon):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
                            "/CN=localhost", "-keyout", daemon.path("key.pem"), "-out", daemon.path("cert.pem")],
                           check=True, capture_output=True)
        main = HEAD + ("[unix_http_server]\nfile=@DIR@/s.sock\n[inet_http_server]\nport=127.0.0.1:@PORT@\n"
                       "certfile=@DIR@/cert.pem\nkeyfile=@DIR@/key.pem\n")
        with Daemon("", main=main, inet=True, prepare=make_certificate) as daemon:
            context = ssl.create_default_context(cafile=daemon.path("cert.pem"))
            context.check_hostname = False
            status, data = self.post(http.client.HTTPSConnection("127.0.0.1", daemon.port, timeout=60, context=context),
                                     STATE)
            self.assertEqual(status, 200)
            self.assertIn(b"RUNNING", data)
            with socket.create_connection(("127.0.0.1", daemon.port), timeout=60) as plain:
                plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
                self.assertNotIn(b"200 OK", plain.recv(4096))
            wait_until(daemon.answers, "answers")


if __name__ == "__main__":
    unittest.main()
