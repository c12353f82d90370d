# SPDX-License-Identifier: MIT
"""What clients in the field rely on, re-enacted with their own ways of reading answers.

Each test says whose code it imitates. The node_exporter and telegraf decoders are rebuilt after their
sources' rules (which element they look at, which type they insist on), since they break on things
that Python's decoder forgives.
"""

import base64
import http.client
import os
import re
import socket
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

from harness import Daemon, SystemTest, UnixConnection, main, wait_until  # noqa: E402

CLOSED_SET = {0: "STOPPED", 10: "STARTING", 20: "RUNNING", 30: "BACKOFF", 40: "STOPPING", 100: "EXITED",
              200: "FATAL", 1000: "UNKNOWN"}
MEMBERS = ["name", "group", "start", "stop", "now", "state", "statename", "spawnerr", "exitstatus", "logfile",
           "stdout_logfile", "stderr_logfile", "pid", "description"]
INTS = ("start", "stop", "now", "state", "exitstatus", "pid")

PROGRAMS = """
[program:up]
command=@CHILD@ say "<hello> & 'you'" forever
startsecs=0
stdout_logfile=@DIR@/up.log
[program:down]
command=@CHILD@ forever
autostart=false
[program:done]
command=@CHILD@ sleep 0.2 exit 200
startsecs=0
autorestart=false
[program:killed]
command=@CHILD@ sleep 0.2 kill 11
startsecs=0
autorestart=false
[program:fatal]
command=/no/such<&>/file
startretries=0
[program:starting]
command=@CHILD@ forever
startsecs=10000
[program:pair]
command=@CHILD@ on 10 usr1 forever
process_name=pair_%(process_num)d
numprocs=2
startsecs=0
stdout_logfile=NONE
"""
SETTLED = {"up": "RUNNING", "down": "STOPPED", "done": "EXITED", "killed": "EXITED", "fatal": "FATAL",
           "starting": "STARTING", "pair:pair_0": "RUNNING", "pair:pair_1": "RUNNING"}

NO_PARAMS = "<?xml version='1.0'?><methodCall><methodName>%s</methodName></methodCall>"


class Clients(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.daemon = Daemon(PROGRAMS, inet=True).__enter__()
        try:
            cls.daemon.wait_states(SETTLED)
        except BaseException:
            cls.daemon.__exit__(*sys.exc_info())
            raise

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__(None, None, None)

    def post(self, body, headers=None, path="/RPC2", unix=False):
        connection = (UnixConnection(self.daemon.socket_path, 60) if unix
                      else http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=60))
        connection.request("POST", path, body, {"Content-Type": "text/xml", **(headers or {})})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer, text

    def infos_as_xml(self):
        answer, body = self.post(NO_PARAMS % "supervisor.getAllProcessInfo")
        self.assertEqual(answer.status, 200)
        return body.decode(), ElementTree.fromstring(body)

    # node_exporter and netdata: mattn/go-xmlrpc

    def test_every_value_has_a_type_and_no_value_is_empty(self):
        text, root = self.infos_as_xml()
        self.assertNotIn("<value></value>", text)
        self.assertNotIn("<value/>", text)
        self.assertNotIn("CDATA", text)
        self.assertNotIn("<nil/>", text)
        for value in root.iter("value"):
            self.assertEqual(len(list(value)), 1, ElementTree.tostring(value))
            # Text beside the typed child would be taken for the value.
            self.assertEqual((value.text or "").strip(), "")

    def test_process_members_are_all_there_scalar_and_typed(self):
        _, root = self.infos_as_xml()
        structs = root.findall("./params/param/value/array/data/value/struct")
        self.assertEqual(len(structs), len(SETTLED))
        for struct in structs:
            members = {m.find("name").text: list(m.find("value"))[0] for m in struct.findall("member")}
            self.assertEqual([m for m in members if m in MEMBERS], MEMBERS)
            for name, value in members.items():
                self.assertIn(value.tag, ("int", "string", "boolean", "double", "i4"), name)
            for name in INTS:
                self.assertEqual(members[name].tag, "int", name)
                self.assertLess(abs(int(members[name].text)), 1 << 31)
            self.assertEqual(CLOSED_SET[int(members["state"].text)], members["statename"].text)

    def test_text_is_escaped(self):
        text, _ = self.infos_as_xml()
        self.assertIn("can't find command '/no/such&lt;&amp;&gt;/file'", text)
        self.assertEqual(self.daemon.info("fatal")["spawnerr"], "can't find command '/no/such<&>/file'")
        wait_until(lambda: self.daemon.read("up.log"), "output")
        self.assertEqual(self.daemon.rpc.supervisor.readProcessStdoutLog("up", 0, 0), "<hello> & 'you'\n")

    # telegraf: kolo/xmlrpc, no <params>, small integers

    def test_telegraf_reads_its_numbers(self):
        for method in ("supervisor.getState", "supervisor.getIdentification", "supervisor.getAllProcessInfo"):
            answer, body = self.post(NO_PARAMS % method)
            self.assertEqual(answer.status, 200)
            self.assertNotIn(b"fault", body)
        infos = self.daemon.infos()
        self.assertEqual(infos["killed"]["exitstatus"], -1)
        self.assertEqual(infos["done"]["exitstatus"], 200)
        state = self.daemon.rpc.supervisor.getState()
        self.assertEqual(state, {"statecode": 1, "statename": "RUNNING"})
        self.assertEqual(self.daemon.rpc.supervisor.getIdentification(), "supervisor")

    # Datadog supervisord.py

    def test_datadog_reads_versions_states_and_descriptions(self):
        version = self.daemon.rpc.supervisor.getSupervisorVersion()
        self.assertRegex(version, r"^(\d+)\.(\d+)(?:\.(\d+))?(?:([a-z]+)(\d+))?$")
        self.assertEqual(self.daemon.rpc.supervisor.getAPIVersion(), "3.0")
        for info in self.daemon.infos().values():
            self.assertIn(info["statename"], CLOSED_SET.values())
            text = ("%(name)s %(group)s %(statename)s %(description)s %(exitstatus)s %(logfile)s "
                    "%(start)s %(stop)s %(now)s" % info)
            self.assertTrue(text)
            self.assertGreaterEqual(info["now"], info["start"])

    # cesi, supervisord-monitor: they split the description

    def test_descriptions_can_be_split(self):
        infos = self.daemon.infos()
        parts = infos["up"]["description"].split(",")
        self.assertEqual(parts[0].split(" ")[1], str(infos["up"]["pid"]))
        self.assertRegex(parts[1], r"^ uptime \d+:\d\d:\d\d$")
        self.assertRegex("RUNNING   " + infos["up"]["description"], r"RUNNING\s+pid\s(\d+)")
        self.assertEqual(infos["down"]["description"], "Not started")
        self.assertRegex(infos["done"]["description"], r"^[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M$")
        self.assertEqual(infos["fatal"]["description"], infos["fatal"]["spawnerr"])

    def test_cesi_tails_and_probes(self):
        self.assertIn("supervisor.getAllProcessInfo", self.daemon.rpc.system.listMethods())
        text, offset, overflow = self.daemon.rpc.supervisor.tailProcessStdoutLog("up", 0, 500)
        self.assertEqual((text, offset, overflow), ("<hello> & 'you'\n", 16, False))
        self.assertEqual(self.daemon.rpc.supervisor.readProcessStdoutLog("up", -5, 0), "you'\n")

    # supervisord-monitor (PHP): HTTP/1.0, a Host header, booleans as integers, no chunks

    def test_http_1_0_gets_a_length_and_no_chunks(self):
        body = (NO_PARAMS % "supervisor.getAllProcessInfo").encode()
        with socket.create_connection(("127.0.0.1", self.daemon.port), timeout=60) as client:
            client.sendall(b"POST /RPC2 HTTP/1.0\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
                           b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            answer = b""
            while True:
                part = client.recv(65536)
                if not part:
                    break
                answer += part
        head, _, content = answer.partition(b"\r\n\r\n")
        headers = {line.split(b":")[0].lower(): line.split(b":", 1)[1].strip() for line in head.split(b"\r\n")[1:]}
        self.assertRegex(head.split(b"\r\n")[0], rb"^HTTP/1\.[01] 200 ")
        self.assertEqual(int(headers[b"content-length"]), len(content))
        self.assertNotIn(b"transfer-encoding", headers)
        self.assertTrue(headers[b"content-type"].startswith(b"text/xml"))

    def test_booleans_may_be_integers_and_signals_too(self):
        call = ("<methodCall><methodName>supervisor.%s</methodName><params><param><value><string>%s</string></value>"
                "</param><param><value><int>%d</int></value></param></params></methodCall>")
        _, body = self.post(call % ("stopProcess", "pair:pair_0", 1))
        self.assertIn(b"<boolean>1</boolean>", body)
        _, body = self.post(call % ("startProcess", "pair:pair_0", 1))
        self.assertIn(b"<boolean>1</boolean>", body)
        # go-supervisord
        _, body = self.post(call % ("signalProcess", "pair:pair_0", 10))
        self.assertIn(b"<boolean>1</boolean>", body)

    def test_untyped_text_is_a_string(self):
        # Apache XML-RPC
        _, body = self.post("<methodCall><methodName>supervisor.getProcessInfo</methodName><params><param>"
                            "<value>up</value></param></params></methodCall>")
        self.assertIn(b"<name>statename</name>", body)

    def test_a_connection_serves_many_calls(self):
        # Over a unix socket the Host header may be anything (zulip).
        for connection, host in ((http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=60), "127.0.0.1"),
                                 (UnixConnection(self.daemon.socket_path, 60), "/odd.sock")):
            for _ in range(5):
                connection.request("POST", "/RPC2", NO_PARAMS % "supervisor.getState",
                                   {"Content-Type": "text/xml", "Host": host})
                answer = connection.getresponse()
                self.assertEqual(answer.status, 200)
                self.assertIsNotNone(answer.getheader("Content-Length"))
                self.assertIn(b"RUNNING", answer.read())
            connection.request("POST", "/RPC2", NO_PARAMS % "supervisor.getState", {"Connection": "close"})
            answer = connection.getresponse()
            answer.read()
            connection.close()

    def test_faults_come_with_200(self):
        answer, body = self.post(NO_PARAMS % "supervisor.nonsense")
        self.assertEqual(answer.status, 200)
        fault = ElementTree.fromstring(body).find("fault")
        members = {m.find("name").text: list(m.find("value"))[0] for m in fault.iter("member")}
        self.assertEqual((members["faultCode"].tag, members["faultCode"].text), ("int", "1"))
        self.assertEqual(members["faultString"].text, "UNKNOWN_METHOD")

    def test_multicall(self):
        answers = self.daemon.rpc.system.multicall([
            {"methodName": "supervisor.getState", "params": []},
            {"methodName": "supervisor.nonsense", "params": []},
            {"methodName": "supervisor.stopProcess", "params": ["pair:pair_1"]},
            {"methodName": "supervisor.startProcess", "params": ["pair:pair_1"]}])
        self.assertEqual(answers[0]["statecode"], 1)
        self.assertEqual(answers[1]["faultCode"], 1)
        self.assertEqual(answers[2:], [True, True])

    def test_every_method_of_the_reference_is_listed_with_help_and_signature(self):
        methods = self.daemon.rpc.system.listMethods()
        wanted = """addProcessGroup clearAllProcessLogs clearLog clearProcessLog clearProcessLogs getAPIVersion
            getAllConfigInfo getAllProcessInfo getIdentification getPID getProcessInfo getState
            getSupervisorVersion getVersion readLog readMainLog readProcessLog readProcessStderrLog
            readProcessStdoutLog reloadConfig removeProcessGroup restart sendProcessStdin sendRemoteCommEvent
            shutdown signalAllProcesses signalProcess signalProcessGroup startAllProcesses startProcess
            startProcessGroup stopAllProcesses stopProcess stopProcessGroup tailProcessLog tailProcessStderrLog
            tailProcessStdoutLog""".split()
        self.assertEqual([m for m in wanted if "supervisor." + m not in methods], [])
        for method in methods:
            self.assertIsInstance(self.daemon.rpc.system.methodHelp(method), str)
            self.assertIsInstance(self.daemon.rpc.system.methodSignature(method), list)

    # ansible community.general supervisorctl, salt supervisord: words of the client

    def ctl(self, *args):
        status, out, err = self.daemon.ctl(*args)
        self.assertEqual(err, "")
        return status, out

    def test_salt_reads_status(self):
        status, out = self.ctl("status")
        self.assertEqual(status, 3)
        seen = {}
        for line in out.splitlines():
            fields = line.split(None, 2)
            self.assertGreaterEqual(len(fields), 2)
            seen[fields[0]] = fields[1]
        self.assertEqual(seen, SETTLED)
        self.assertNotIn("\x1b", out)
        name_width = max(30, max(map(len, SETTLED))) + 3
        for line in out.splitlines():
            self.assertEqual(line[:name_width].strip(), line.split()[0])
            self.assertEqual(line[name_width:name_width + 10].strip(), line.split()[1])

    def test_ansible_starts_stops_and_signals(self):
        self.assertEqual(self.ctl("status", "up")[0], 0)
        self.assertEqual(self.ctl("status", "nosuch")[0], 4)
        self.assertEqual(self.ctl("stop", "pair:pair_1"), (0, "pair:pair_1: stopped\n"))
        self.assertEqual(self.ctl("stop", "pair:pair_1"), (0, "pair:pair_1: ERROR (not running)\n"))
        self.assertEqual(self.ctl("start", "pair:pair_1"), (0, "pair:pair_1: started\n"))
        self.assertEqual(self.ctl("start", "pair:pair_1"), (0, "pair:pair_1: ERROR (already started)\n"))
        # One argument with a blank in it.
        self.assertEqual(self.ctl("signal USR1", "pair:pair_1"), (0, "pair:pair_1: signalled\n"))
        self.assertEqual(self.ctl("signal USR1 down"), (7, "down: ERROR (not running)\n"))
        self.assertEqual(self.ctl("restart", "pair:pair_1"), (0, "pair:pair_1: stopped\npair:pair_1: started\n"))
        self.assertEqual(self.ctl("start", "nosuch"), (1, "nosuch: ERROR (no such process)\n"))
        self.assertEqual(self.ctl("update"), (0, ""))
        self.assertEqual(self.ctl("reread"), (0, "No config updates to processes\n"))
        self.assertEqual(self.ctl("add", "up"), (0, "ERROR: process group already active\n"))
        self.assertEqual(self.ctl("remove", "up"), (1, "ERROR: process/group still running: up\n"))

    # SONiC cuts `avail` at the first blank

    def test_sonic_reads_avail(self):
        status, out = self.ctl("avail")
        self.assertEqual(status, 0)
        self.assertEqual(sorted(line.split(" ")[0] for line in out.splitlines()), sorted(SETTLED))
        for line in out.splitlines():
            self.assertRegex(line, r"^\S+ +(in use|avail) +(auto|manual) +\d+:\d+$")

    # zabbix, nagios scripts

    def test_monitoring_scripts_read_status(self):
        _, out = self.ctl("status")
        found = dict(m.groups() for m in re.finditer(r"^\s*(\S+)\s+(\S+)\s+", out, re.M))
        self.assertEqual(found, SETTLED)

    # frappe/bench, Laravel deploy scripts

    def test_deploy_scripts_restart_groups(self):
        for form in ("pair:", "pair:*"):
            status, out = self.ctl("restart", form)
            self.assertEqual(status, 0)
            self.assertEqual(sorted(out.splitlines()), ["pair:pair_0: started", "pair:pair_0: stopped",
                                                        "pair:pair_1: started", "pair:pair_1: stopped"])
        self.assertEqual(sorted(self.ctl("start pair:*")[1].splitlines()), [])


class Authentication(SystemTest):
    def test_datadog_tells_401_from_others(self):
        main_part = ("[supervisord]\nlogfile=@DIR@/supervisord.log\npidfile=@DIR@/supervisord.pid\nchildlogdir=@DIR@\n"
                     "[unix_http_server]\nfile=@DIR@/s.sock\n[inet_http_server]\nport=127.0.0.1:@PORT@\nusername=user\n"
                     "password=123\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory="
                     "supervisor.rpcinterface:make_main_rpcinterface\n[supervisorctl]\nserverurl=http://127.0.0.1:@PORT@\n")
        with Daemon("", main=main_part, inet=True) as d:
            for user, wanted in ((None, 401), ("user:wrong", 401), ("nobody:123", 401), ("user:123", 200)):
                connection = http.client.HTTPConnection("127.0.0.1", d.port, timeout=60)
                headers = {"Content-Type": "text/xml"}
                if user:
                    headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
                connection.request("POST", "/RPC2", NO_PARAMS % "supervisor.getState", headers)
                answer = connection.getresponse()
                answer.read()
                connection.close()
                self.assertEqual(answer.status, wanted, user)
                if wanted == 401:
                    self.assertRegex(answer.getheader("WWW-Authenticate"), r'^Basic realm="?\w+"?$')
            status, out, _ = d.ctl("-u", "user", "-p", "123", "pid")
            self.assertEqual((status, out), (0, "%d\n" % d.pid))


class Superlance(SystemTest):
    """httpok, memmon and the like: programs under supervision that talk back over SUPERVISOR_SERVER_URL."""

    LISTENER = '''
import os, sys, http.client, socket, xmlrpc.client
sys.path.insert(0, "@SYSTEM@")
from harness import rpc_over_unix
assert os.environ["SUPERVISOR_ENABLED"] == "1"
assert os.environ["SUPERVISOR_PROCESS_NAME"] == "plugin" and os.environ["SUPERVISOR_GROUP_NAME"] == "plugin"
rpc = rpc_over_unix(os.environ["SUPERVISOR_SERVER_URL"][len("unix://"):])
out = open("@DIR@/told", "a")
while True:
    sys.stdout.write("READY\\n"); sys.stdout.flush()
    line = sys.stdin.readline()
    header = dict(token.split(":") for token in line.split())
    payload = sys.stdin.read(int(header["len"]))
    tokens = dict(token.split(":") for token in payload.split("\\n")[0].split())
    out.write("%s %s %s\\n" % (header["eventname"], tokens["processname"], sorted(tokens))); out.flush()
    if header["eventname"] == "PROCESS_STATE_EXITED" and tokens["expected"] == "0":
        name = tokens["groupname"] + ":" + tokens["processname"]
        info = rpc.supervisor.getProcessInfo(name)
        out.write("spawnerr %s\\n" % info["spawnerr"]); out.flush()
        rpc.supervisor.startProcess("rescue")
    sys.stdout.write("RESULT 2\\nOK"); sys.stdout.flush()
'''

    def test_a_listener_restarts_what_it_watches(self):
        config = ("[eventlistener:plugin]\ncommand=%s -u @DIR@/listener.py\nevents=PROCESS_STATE_EXITED,PROCESS_STATE_FATAL\n"
                  "stderr_logfile=@DIR@/listener.err\n"
                  "[program:crash]\ncommand=@CHILD@ sleep 0.2 exit 3\nstartsecs=0\nautostart=false\nautorestart=false\n"
                  "[program:rescue]\ncommand=@CHILD@ forever\nautostart=false\nstartsecs=0\n" % sys.executable)
        with Daemon(config, prepare=lambda d: d.write("listener.py", self.LISTENER)) as d:
            d.wait_state("plugin", "RUNNING")
            d.rpc.supervisor.startProcess("crash")
            wait_until(lambda: d.state("rescue") == "RUNNING", lambda: "the rescue\n" + d.read("listener.err") + d.read("told"))
            name, process, tokens = d.read("told").splitlines()[0].split(" ", 2)
            self.assertEqual((name, process), ("PROCESS_STATE_EXITED", "crash"))
            for token in ("expected", "from_state", "groupname", "pid", "processname"):
                self.assertIn(repr(token), tokens)
            self.assertIn("spawnerr Bad exit code 3", d.read("told"))


if __name__ == "__main__":
    main()
