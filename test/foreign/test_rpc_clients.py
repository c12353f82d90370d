# SPDX-License-Identifier: MIT
"""Clients that nobody here wrote, re-enacted from what their sources rely on.

Prometheus' node_exporter and netdata (mattn/go-xmlrpc), telegraf (kolo/xmlrpc), Datadog, superlance,
supervisord-monitor (PHP). What one of them trips over is checked on the bytes, not on decoded values.
"""

import re
import socket
import unittest
import xml.etree.ElementTree as ElementTree

from harness import Daemon, needs_ours, wait_until

CONFIG = """
[program:cat]
command=/bin/cat
stdout_logfile=@DIR@/cat.log
startsecs=0
[program:bad&<name]
command=/bin/false
autostart=false
[program:quick]
command=/bin/false
startretries=0
stdout_logfile=NONE
stderr_logfile=NONE
"""

MEMBERS = ["name", "group", "start", "stop", "now", "state", "statename", "spawnerr", "exitstatus", "logfile",
           "stdout_logfile", "stderr_logfile", "pid", "description"]
INTEGERS = {"start", "stop", "now", "state", "exitstatus", "pid"}
STATES = {0: "STOPPED", 10: "STARTING", 20: "RUNNING", 30: "BACKOFF", 40: "STOPPING", 100: "EXITED", 200: "FATAL",
          1000: "UNKNOWN"}


@needs_ours
class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(CONFIG, inet=True)
        cls.daemon.__enter__()
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)
        wait_until(lambda: cls.daemon.rpc.supervisor.getProcessInfo("quick")["state"] == 200, "FATAL")

    def ask(self, body, version="1.1", path="/RPC2", extra=""):
        """The whole reply as it comes; HTTP/1.0 is read to its end."""
        head = ("POST %s HTTP/%s\r\nHost: localhost\r\nContent-Type: text/xml\r\nConnection: close\r\n%s"
                "Content-Length: %d\r\n\r\n" % (path, version, extra, len(body)))
        with socket.create_connection(("127.0.0.1", self.daemon.port), timeout=60) as s:
            s.sendall(head.encode() + body.encode())
            data = b""
            while piece := s.recv(65536):
                data += piece
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        return lines[0], {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}, body.decode()

    def infos(self):
        _, _, body = self.ask("<methodCall><methodName>supervisor.getAllProcessInfo</methodName></methodCall>")
        return ElementTree.fromstring(body).findall("./params/param/value/array/data/value/struct")

    def test_every_member_is_there_in_order_and_typed(self):
        for info in self.infos():
            members = info.findall("member")
            self.assertEqual([m.find("name").text for m in members][:len(MEMBERS)], MEMBERS)
            for member in members:
                name, value = member.find("name").text, member.find("value")
                self.assertEqual(len(value), 1)           # a typed child: the Go decoders know no other
                self.assertFalse((value.text or "").strip())
                self.assertIn(value[0].tag, ("int", "string", "boolean"))  # scalars only
                if name in INTEGERS:
                    self.assertEqual(value[0].tag, "int")  # node_exporter: v.(int)
                    self.assertLess(abs(int(value[0].text)), 2 ** 31)

    def test_nothing_that_small_decoders_cannot_read(self):
        _, _, body = self.ask("<methodCall><methodName>supervisor.getAllProcessInfo</methodName></methodCall>")
        self.assertNotIn("<nil", body)
        self.assertNotIn("CDATA", body)
        self.assertNotIn("<value></value>", body)
        self.assertIn("<value><string></string></value>", body)
        self.assertIn("bad&amp;&lt;name", body)

    def test_states_are_the_closed_set(self):
        for info in self.daemon.rpc.supervisor.getAllProcessInfo():
            self.assertEqual(STATES[info["state"]], info["statename"])
            self.assertTrue(-128 <= info["exitstatus"] <= 255)

    def test_descriptions_can_be_taken_apart(self):
        info = self.daemon.rpc.supervisor.getProcessInfo("cat")
        self.assertRegex(info["description"], r"^pid \d+, uptime \d+:\d\d:\d\d$")
        pid, uptime = info["description"].split(",")
        self.assertEqual(int(pid.split(" ")[1]), info["pid"])
        self.assertTrue(uptime.startswith(" uptime "))
        self.assertEqual(self.daemon.rpc.supervisor.getProcessInfo("bad&<name")["description"], "Not started")
        self.assertEqual(self.daemon.rpc.supervisor.getProcessInfo("quick")["description"],
                         "Exited too quickly (process log may have details)")

    def test_http_1_0_clients_get_a_length_and_no_chunks(self):
        line, headers, body = self.ask("<?xml version=\"1.0\" encoding=\"utf-8\"?><methodCall><methodName>"
                                       "supervisor.getState</methodName><params/></methodCall>", "1.0")
        self.assertIn(" 200 ", line)
        self.assertEqual(int(headers["content-length"]), len(body))
        self.assertNotIn("transfer-encoding", headers)

    def test_requests_may_be_sloppy(self):
        call = "<methodCall><methodName>supervisor.%s</methodName>%s</methodCall>"
        param = "<param><value>%s</value></param>"
        for body in (call % ("getState", ""),                                            # telegraf
                     call % ("getProcessInfo", "<params>%s</params>" % param % "cat"),    # Apache: untyped
                     call % ("stopProcess", "<params>%s%s</params>" % (param % "cat", param % "<int>1</int>")),
                     call % ("startProcess", "<params>%s%s</params>" % (param % "<string>cat</string>",
                                                                        param % "<boolean>true</boolean>")),
                     call % ("signalProcess", "<params>%s%s</params>" % (param % "cat", param % "<i4>18</i4>")),
                     call % ("readProcessStderrLog", "<params>%s%s%s</params>" % (
                         param % "cat", param % "<int>-1000</int>", param % "<int>0</int>"))):
            line, _, reply = self.ask(body)
            self.assertIn(" 200 ", line)
            self.assertNotIn("<fault>", reply)

    def test_versions_look_like_versions(self):
        self.assertRegex(self.daemon.rpc.supervisor.getSupervisorVersion(), r"^\d+\.\d+(\.\d+)?([ab]\d+)?$")
        self.assertEqual(self.daemon.rpc.supervisor.getAPIVersion(), "3.0")
        self.assertEqual(self.daemon.rpc.supervisor.getState(), {"statecode": 1, "statename": "RUNNING"})

    def test_a_fault_is_a_reply_with_status_200(self):
        line, headers, body = self.ask("<methodCall><methodName>nosuch</methodName></methodCall>")
        self.assertIn(" 200 ", line)
        self.assertEqual(headers["content-type"], "text/xml")
        self.assertTrue(re.search(r"<name>faultCode</name>\n<value><int>1</int></value>", body))


if __name__ == "__main__":
    unittest.main()
