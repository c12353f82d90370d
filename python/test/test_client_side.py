# SPDX-License-Identifier: MIT
"""The Python package as event listeners use it."""

import io
import os
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import unittest
import xmlrpc.client
from http.server import BaseHTTPRequestHandler
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from supervisor import childutils, compat, datatypes, events, options, states, xmlrpc as rpc  # noqa: E402


class Headers(unittest.TestCase):
    LINE = ("ver:3.0 server:supervisor serial:21 pool:listener poolserial:10 "
            "eventname:PROCESS_COMMUNICATION_STDOUT len:54 bytelen:54\n")

    def test_a_header_line_is_a_dictionary(self):
        headers = childutils.get_headers(self.LINE)
        self.assertEqual(headers["eventname"], "PROCESS_COMMUNICATION_STDOUT")
        self.assertEqual(headers["len"], "54")
        self.assertEqual(len(headers), 8)

    def test_event_data_is_split_at_the_first_line(self):
        headers, data = childutils.eventdata("processname:foo groupname:bar pid:1\nline:1\nline 2")
        self.assertEqual(headers, {"processname": "foo", "groupname": "bar", "pid": "1"})
        self.assertEqual(data, "line:1\nline 2")

    def test_asctime_has_milliseconds(self):
        with mock.patch.dict(os.environ, {"TZ": "UTC"}):
            import time
            time.tzset()
            self.assertEqual(childutils.get_asctime(86400.25), "1970-01-02 00:00:00,250")
        time.tzset()
        self.assertRegex(childutils.get_asctime(), r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}$")


class Listener(unittest.TestCase):
    def test_wait_says_ready_and_reads_characters(self):
        stdin = io.StringIO("ver:3.0 eventname:X len:4 bytelen:5\ncaféver:3.0")
        stdout = io.StringIO()
        headers, payload = childutils.listener.wait(stdin, stdout)
        self.assertEqual(stdout.getvalue(), "READY\n")
        self.assertEqual(payload, "café")
        self.assertEqual(headers["eventname"], "X")
        self.assertEqual(stdin.read(), "ver:3.0")

    def test_wait_reads_bytes_from_a_binary_stream(self):
        stdin = io.BytesIO("ver:3.0 eventname:X len:4 bytelen:5\ncaféver:3.0".encode())
        stdout = io.BytesIO()
        headers, payload = childutils.listener.wait(stdin, stdout)
        self.assertEqual(stdout.getvalue(), b"READY\n")
        self.assertEqual(payload, "café".encode())
        self.assertEqual(stdin.read(), b"ver:3.0")

    def test_the_end_of_the_daemon_is_told(self):
        with self.assertRaises(EOFError):
            childutils.listener.wait(io.StringIO(""), io.StringIO())

    def test_results_are_byte_for_byte(self):
        for call, expected in ((childutils.listener.ready, "READY\n"),
                               (childutils.listener.ok, "RESULT 2\nOK"),
                               (childutils.listener.fail, "RESULT 4\nFAIL"),
                               (lambda out: childutils.listener.send("é", out), "RESULT 2\né")):
            out = io.StringIO()
            call(out)
            self.assertEqual(out.getvalue(), expected)

    def test_streams_are_looked_up_when_called(self):
        with mock.patch("sys.stdout", io.StringIO()) as out:
            childutils.listener.ok()
            childutils.pcomm.stdout("hello")
        self.assertEqual(out.getvalue(),
                         "RESULT 2\nOK<!--XSUPERVISOR:BEGIN-->hello<!--XSUPERVISOR:END-->")
        with mock.patch("sys.stderr", io.StringIO()) as err:
            childutils.pcomm.stderr(b"bytes too")
        self.assertEqual(err.getvalue(),
                         "<!--XSUPERVISOR:BEGIN-->bytes too<!--XSUPERVISOR:END-->")


ANSWER = xmlrpc.client.dumps(("pong",), methodresponse=True).encode()
FAULT = xmlrpc.client.dumps(xmlrpc.client.Fault(10, "BAD_NAME: x"), methodresponse=True).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        params, method = xmlrpc.client.loads(body)
        self.server.seen.append((self.path, self.headers.get("Authorization"), method, params))
        self.send_response(401 if method == "deny" else 200)
        answer = FAULT if method == "fault" else ANSWER
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        if method == "hang_up":
            self.close_connection = True  # without a word: as a daemon that restarts

    def address_string(self):
        return "unix"

    def log_message(self, *args):
        pass


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class TcpServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True


class Transport(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "s.sock")

    def serve(self, server):
        server.seen = []
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        return server

    def test_a_unix_socket_is_called_from_a_child_s_environment(self):
        server = self.serve(UnixServer(self.path, Handler))
        proxy = childutils.getRPCInterface({"SUPERVISOR_SERVER_URL": "unix://" + self.path})
        self.assertEqual(proxy.supervisor.startProcess("a:b", False), "pong")
        self.assertEqual(server.seen, [("/RPC2", None, "supervisor.startProcess", ("a:b", False))])
        proxy("close")()

    def test_a_tcp_port_is_called_with_a_password(self):
        server = self.serve(TcpServer(("127.0.0.1", 0), Handler))
        proxy = childutils.getRPCInterface({
            "SUPERVISOR_SERVER_URL": "http://127.0.0.1:%d" % server.server_address[1],
            "SUPERVISOR_USERNAME": "me", "SUPERVISOR_PASSWORD": "pass:word"})
        self.assertEqual(proxy.ping(), "pong")
        self.assertEqual(server.seen[0][1], "Basic bWU6cGFzczp3b3Jk")
        proxy("close")()

    def test_a_closed_connection_is_opened_anew(self):
        server = self.serve(UnixServer(self.path, Handler))
        transport = rpc.SupervisorTransport(serverurl="unix://" + self.path)
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        for method in ("hang_up", "hang_up", "ping"):
            self.assertEqual(getattr(proxy, method)(), "pong")
        self.assertEqual(len(server.seen), 3)
        transport.close()

    def test_faults_and_refusals_are_exceptions(self):
        self.serve(UnixServer(self.path, Handler))
        transport = rpc.SupervisorTransport("", "", "unix://" + self.path)
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        with self.assertRaises(xmlrpc.client.Fault) as fault:
            proxy.fault()
        self.assertEqual(fault.exception.faultCode, rpc.Faults.BAD_NAME)
        with self.assertRaises(xmlrpc.client.ProtocolError) as refusal:
            proxy.deny()
        self.assertEqual(refusal.exception.errcode, 401)
        transport.close()

    def test_nobody_there_is_an_os_error(self):
        proxy = childutils.getRPCInterface({"SUPERVISOR_SERVER_URL": "unix://" + self.path})
        with self.assertRaises(FileNotFoundError):
            proxy.ping()

    def test_other_urls_are_refused(self):
        for url in ("ftp://x", "", None, "http://"):
            with self.assertRaises(ValueError):
                rpc.SupervisorTransport("", "", url)

    def test_an_rpc_error_says_its_name(self):
        error = rpc.RPCError(rpc.Faults.BAD_NAME, "x")
        self.assertEqual((error.code, error.text), (10, "BAD_NAME: x"))
        self.assertEqual(rpc.RPCError(12345).text, "UNKNOWN")


class Names(unittest.TestCase):
    def test_namespecs(self):
        self.assertEqual(options.make_namespec("a", "a"), "a")
        self.assertEqual(options.make_namespec("g", "a"), "g:a")
        self.assertEqual(options.split_namespec("a"), ("a", "a"))
        self.assertEqual(options.split_namespec("g:a"), ("g", "a"))
        self.assertEqual(options.split_namespec("g:*"), ("g", None))
        self.assertEqual(options.split_namespec("g:"), ("g", None))
        self.assertEqual(options.split_namespec("g:a:b"), ("g", "a:b"))

    def test_wait_statuses(self):
        self.assertEqual(options.decode_wait_status(3 << 8), (3, "exit status 3"))
        self.assertEqual(options.decode_wait_status(15), (-1, "terminated by SIGTERM"))
        self.assertEqual(options.decode_wait_status(11 | 0x80),
                         (-1, "terminated by SIGSEGV (core dumped)"))

    def test_states(self):
        self.assertEqual(states.getProcessStateDescription(states.ProcessStates.FATAL), "FATAL")
        self.assertIsNone(states.getProcessStateDescription(3))
        self.assertEqual(states.getSupervisorStateDescription(-1), "SHUTDOWN")
        self.assertEqual(states.getEventListenerStateDescription(30), "ACKNOWLEDGED")
        for state in (0, 100, 200, 1000):
            self.assertIn(state, states.STOPPED_STATES)
        for state in (10, 20, 30):
            self.assertIn(state, states.RUNNING_STATES)
        for state in (10, 20, 40):
            self.assertIn(state, states.SIGNALLABLE_STATES)

    def test_event_types(self):
        types = events.EventTypes
        self.assertTrue(issubclass(types.TICK_5, types.TICK))
        self.assertTrue(issubclass(types.PROCESS_STATE_EXITED, types.EVENT))
        self.assertFalse(issubclass(types.TICK_5, types.PROCESS_STATE))
        self.assertEqual(events.getEventNameByType(events.ProcessStateExitedEvent),
                         "PROCESS_STATE_EXITED")
        self.assertIsNone(events.getEventNameByType(int))

    def test_compat(self):
        self.assertEqual(compat.as_string(b"a"), "a")
        self.assertEqual(compat.as_bytes("a"), b"a")
        self.assertIs(compat.xmlrpclib, xmlrpc.client)


class Datatypes(unittest.TestCase):
    def test_byte_sizes(self):
        for text, size in (("10", 10), ("1KB", 1024), ("2mb", 2 << 20), ("1GB", 1 << 30)):
            self.assertEqual(datatypes.byte_size(text), size)
        for text in ("", "x", "MB", "1TB"):
            with self.assertRaises(ValueError):
                datatypes.byte_size(text)

    def test_booleans(self):
        self.assertTrue(datatypes.boolean("Yes"))
        self.assertFalse(datatypes.boolean("off"))
        with self.assertRaises(ValueError):
            datatypes.boolean("maybe")

    def test_lists_and_pairs(self):
        self.assertEqual(datatypes.list_of_strings("a, b ,c"), ["a", "b", "c"])
        self.assertEqual(datatypes.list_of_strings(""), [])
        self.assertEqual(datatypes.list_of_exitcodes("0,2"), [0, 2])
        self.assertEqual(datatypes.dict_of_key_value_pairs("A=1,B='x,y'"), {"A": "1", "B": "x,y"})
        with self.assertRaises(ValueError):
            datatypes.list_of_exitcodes("256")
        with self.assertRaises(ValueError):
            datatypes.dict_of_key_value_pairs("A")

    def test_signals(self):
        for text in ("15", "TERM", "sigterm"):
            self.assertEqual(datatypes.signal_number(text), signal.SIGTERM)
        for text in ("NOPE", "SIG_DFL", "-1", "999"):
            with self.assertRaises(ValueError):
                datatypes.signal_number(text)

    def test_paths_and_ports(self):
        self.assertEqual(datatypes.existing_dirpath("/tmp/new-file"), "/tmp/new-file")
        with self.assertRaises(ValueError):
            datatypes.existing_directory("/nonexistent/x")
        self.assertEqual(datatypes.port_number("80"), 80)
        with self.assertRaises(ValueError):
            datatypes.port_number("0")


class Fallback(unittest.TestCase):
    """Our package is found when there is no other, and only then."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.site = directory.name
        source = os.path.join(os.path.dirname(HERE), "_supervisor_fallback.py.in")
        with open(source) as template, \
                open(os.path.join(self.site, "_supervisor_fallback.py"), "w") as module:
            module.write(template.read())

    def imported(self, path):
        code = ("import sys; sys.path[:] = [p for p in sys.path if 'packages' not in p]\n"
                "sys.path += %r\nimport _supervisor_fallback, supervisor.options\n"
                "print(supervisor.options.VERSION)" % (path,))
        environment = dict(os.environ, SUPERVISOR_PYTHON_DIR=os.path.dirname(HERE))
        environment.pop("PYTHONPATH", None)
        return subprocess.run([sys.executable, "-c", code], env=environment, cwd="/", check=True,
                              stdout=subprocess.PIPE).stdout.decode().strip()

    def test_ours_is_found_where_there_is_no_other(self):
        self.assertEqual(self.imported([self.site]), options.VERSION)

    def test_an_installed_original_wins_even_at_the_end_of_the_path(self):
        original = os.path.join(self.site, "late", "supervisor")
        os.makedirs(original)
        for name, text in (("__init__.py", ""), ("options.py", "VERSION = 'original'")):
            with open(os.path.join(original, name), "w") as module:
                module.write(text)
        self.assertEqual(self.imported([self.site, os.path.dirname(original)]), "original")


if __name__ == "__main__":
    unittest.main()
