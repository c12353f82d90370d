# SPDX-License-Identifier: MIT
"""The JSON interface: every documented path and status, every answer against docs/openapi.json."""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess

from harness import ROOT_DIR, Daemon, SystemTest, main, wait_until

CONFIG = """
[program:one]
command=/bin/sleep 1000
[program:off]
command=/bin/sleep 1000
autostart=false
[program:missing]
command=/no/such/program
autostart=false
startretries=0
[program:quick]
command=/bin/sh -c 'exit 3'
autostart=false
startretries=0
[program:many]
command=/bin/sleep 1000
numprocs=3
process_name=m_%(process_num)d
"""

with open(os.path.join(ROOT_DIR, "docs", "openapi.json"), encoding="utf-8") as stream:
    API = json.load(stream)

TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list,
         "object": dict, "null": type(None)}


def is_of_type(value, name):
    return isinstance(value, TYPES[name]) and not (isinstance(value, bool) and name in ("integer", "number"))


def check(value, schema, where="answer"):
    """Raise AssertionError if value is not what the schema says: the part of JSON Schema we use."""
    if "$ref" in schema:
        return check(value, API["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], where)
    if "anyOf" in schema:
        problems = []
        for choice in schema["anyOf"]:
            try:
                return check(value, choice, where)
            except AssertionError as problem:
                problems.append(str(problem))
        raise AssertionError("; ".join(problems))
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    assert any(is_of_type(value, name) for name in types), "%s: %r is no %s" % (where, value, types)
    assert value is None or "enum" not in schema or value in schema["enum"], "%s: %r" % (where, value)
    if isinstance(value, dict) and "properties" in schema:
        missing = set(schema["required"]) - set(value)
        unknown = set(value) - set(schema["properties"])
        assert not missing and not unknown, "%s: missing %s, unknown %s" % (where, missing, unknown)
        for name, member in value.items():
            check(member, schema["properties"][name], where + "." + name)
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            check(item, schema["items"], "%s[%d]" % (where, i))
    return None


class Api:
    """Asks, checks the answer against the description, and remembers what was asked."""

    seen = set()

    def __init__(self, daemon):
        self.daemon = daemon

    def raw(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=60)
        connection.request(method, "/api/v1" + path, body, headers or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content

    def ask(self, method, path, body=None, expect=200, headers=None):
        answer, content = self.raw(method, path, None if body is None else json.dumps(body), headers)
        assert answer.status == expect, "%s %s: %d %r" % (method, path, answer.status, content)
        template = self.template(path)
        described = API["paths"][template][method.lower()]["responses"]
        assert str(expect) in described, "%s %s: %d is not described" % (method, template, expect)
        self.seen.add((template, method.lower()))
        media = described[str(expect)]["content"]
        assert answer.headers["Content-Type"] in media, answer.headers["Content-Type"]
        if "application/json" not in media:
            return content.decode()
        value = json.loads(content)
        check(value, media["application/json"]["schema"], method + " " + path)
        return value

    @staticmethod
    def template(path):
        path = path.split("?")[0]
        if path in API["paths"]:
            return path
        for template in API["paths"]:
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                return template
        raise AssertionError("not described: " + path)


class Answers(SystemTest):
    def test_every_documented_answer_is_as_documented(self):
        with Daemon(CONFIG, inet=True) as d:
            api = Api(d)
            d.wait_state("one", "RUNNING")
            d.wait_state("many:m_2", "RUNNING")
            self.assertEqual(api.ask("GET", "/supervisor")["state"], "RUNNING")
            self.assertEqual([p["name"] for p in api.ask("GET", "/processes")["processes"]],
                             ["many:m_0", "many:m_1", "many:m_2", "missing", "off", "one", "quick"])
            one = api.ask("GET", "/processes/one")
            self.assertEqual((one["state"], one["config"]["command"]), ("RUNNING", "/bin/sleep 1000"))
            self.assertGreater(one["usage"]["rss_bytes"], 0)
            api.ask("GET", "/processes/nobody", expect=404)
            api.ask("GET", "/processes/one/logs/stdout")
            api.ask("GET", "/processes/one/logs/third", expect=404)
            self.assertIn("entered RUNNING", api.ask("GET", "/log"))
            self.assertEqual(api.ask("GET", "/openapi.json"), API)
            self.check_verbs(d, api)
            self.check_update(d, api)
            self.check_events(d)
            api.seen.add(("/events", "get"))
            described = {(path, method) for path, item in API["paths"].items()
                         for method in item if method in ("get", "post")}
            self.assertEqual(described - api.seen, set(), "not tried")

    def check_verbs(self, d, api):
        self.assertEqual(api.ask("POST", "/processes/off/start")["results"],
                         [{"name": "off", "ok": True, "code": 0, "fault": None, "message": "started"}])
        self.assertEqual(d.state("off"), "RUNNING")
        result = api.ask("POST", "/processes/off/start", expect=409)["results"][0]
        self.assertEqual((result["ok"], result["code"], result["fault"]), (False, 60, "ALREADY_STARTED"))
        api.ask("POST", "/processes/off/stop")
        api.ask("POST", "/processes/off/stop", expect=409)
        api.ask("POST", "/processes/missing/start", expect=422)
        api.ask("POST", "/processes/quick/start", expect=422)
        api.ask("POST", "/processes/nobody/start", expect=404)
        api.ask("POST", "/processes/one/frobnicate", expect=404)
        api.ask("POST", "/processes/one/signal", expect=400)
        api.ask("POST", "/processes/one/signal", {"signal": "NOSUCH"}, expect=400)
        api.ask("POST", "/processes/one/signal", {"signal": "CONT"})
        api.ask("POST", "/processes/one/clear")
        api.ask("POST", "/processes/one/start", ["no object"], expect=400)
        api.ask("POST", "/processes/one/start", {"wait": 1}, expect=400)
        pid = d.info("many:m_1")["pid"]
        results = api.ask("POST", "/groups/many/restart")["results"]
        self.assertEqual([(r["name"], r["message"]) for r in sorted(results, key=lambda r: r["name"])],
                         [("many:m_%d" % i, "restarted") for i in range(3)])
        self.assertNotEqual(d.info("many:m_1")["pid"], pid)
        self.assertEqual(len(api.ask("POST", "/groups/many/clear")["results"]), 3)
        api.ask("POST", "/groups/nobody/stop", expect=404)
        results = api.ask("POST", "/batch/stop", {"names": ["one", "nobody", "many:m_0"]})["results"]
        self.assertEqual([(r["name"], r["fault"]) for r in results],
                         [("many:m_0", None), ("nobody", "BAD_NAME"), ("one", None)])
        api.ask("POST", "/batch/stop", {"names": "one"}, expect=400)
        self.assertEqual(api.ask("POST", "/batch/stop", {"names": []})["results"], [])
        api.ask("POST", "/all/stop")
        self.assertNotIn("RUNNING", {p["state"] for p in api.ask("GET", "/processes")["processes"]})
        api.ask("POST", "/all/start", {"wait": False})
        d.wait_state("one", "RUNNING")
        history = api.ask("GET", "/processes/one")["history"]
        self.assertEqual((history[-1]["reason"], history[-1]["asked"]), ("terminated by SIGTERM", True))

    def check_update(self, d, api):
        self.assertEqual(api.ask("GET", "/update"), {"added": [], "changed": [], "removed": []})
        d.write_config(CONFIG.replace("[program:off]\ncommand=/bin/sleep 1000", "[program:new]\ncommand=/bin/sleep 1001")
                       .replace("numprocs=3", "numprocs=2"))
        changes = api.ask("GET", "/update")
        self.assertEqual([[c["name"] for c in changes[key]] for key in ("added", "changed", "removed")],
                         [["new"], ["many"], ["off"]])
        self.assertEqual(changes, api.ask("GET", "/update"), "looking changes nothing")
        results = api.ask("POST", "/update")["results"]
        self.assertEqual({r["name"]: r["message"] for r in results},
                         {"new": "added", "many": "updated", "off": "removed"})
        self.assertEqual(api.ask("GET", "/update"), {"added": [], "changed": [], "removed": []})
        api.ask("GET", "/processes/off", expect=404)
        d.write_config("[program:broken]\n")
        api.ask("GET", "/update", expect=422)
        api.ask("POST", "/update", expect=422)
        self.assertEqual(d.state("one"), "RUNNING")
        d.write_config(CONFIG)

    def check_events(self, d):
        with EventStream(d) as events:
            kind, data = events.next()
            self.assertEqual(kind, "snapshot")
            check(data["supervisor"], {**API["components"]["schemas"]["Supervisor"], "required": []})
            for process in data["processes"]:
                check(process, {"$ref": "#/components/schemas/Process"})
            d.rpc.supervisor.stopProcess("one")
            states = []
            while "STOPPED" not in states:
                kind, data = events.next("process")
                check(data, {"$ref": "#/components/schemas/Process"})
                if data["name"] == "one":
                    states.append(data["state"])
            self.assertEqual(states[-2:], ["STOPPING", "STOPPED"])
            kind, data = events.next("usage")
            cpu, rss = data["processes"]["many:m_0"]
            self.assertTrue(cpu is None or cpu >= 0)
            self.assertGreater(rss, 0)


class EventStream:
    """GET /api/v1/events, one event after the other."""

    def __init__(self, daemon):
        self.socket = socket.create_connection(("127.0.0.1", daemon.port), timeout=60)
        self.socket.sendall(b"GET /api/v1/events HTTP/1.0\r\nHost: 127.0.0.1:%d\r\n\r\n" % daemon.port)
        self.stream = self.socket.makefile("rb")

    def __enter__(self):
        assert b" 200 " in self.stream.readline()
        while self.stream.readline() != b"\r\n":
            pass
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()

    def next(self, wanted=None):
        while True:
            kind = data = None
            for line in iter(self.stream.readline, b"\n"):
                assert line, "the stream ended"
                name, _, value = line.decode().rstrip("\n").partition(": ")
                kind = value if name == "event" else kind
                data = json.loads(value) if name == "data" else data
            if wanted in (None, kind):
                return kind, data


class Rights(SystemTest):
    def test_foreign_pages_and_stale_pages_are_refused(self):
        with Daemon(CONFIG, inet=True) as d:
            api = Api(d)
            d.wait_state("one", "RUNNING")
            own = "http://127.0.0.1:%d" % d.port
            for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"},
                            {"Origin": "null"}, {"X-Supervisor-Token": "0" * 32}):
                self.assertEqual(api.raw("POST", "/processes/one/stop", "{}", headers)[0].status, 403, headers)
            self.assertEqual(api.raw("GET", "/processes", None, {"Host": "evil.example"})[0].status, 403)
            self.assertEqual(d.state("one"), "RUNNING")
            api.ask("POST", "/processes/one/stop", {}, headers={"Origin": own, "Sec-Fetch-Site": "same-origin"})

    def test_who_leaves_does_not_leave_a_restart_half_done(self):
        config = ("[program:slow]\ncommand=/bin/sh -c 'trap \"sleep 1; exit 0\" TERM; while :; do sleep 0.1; done'\n")
        with Daemon(config, inet=True) as d:
            pid = d.wait_state("slow", "RUNNING")["pid"]
            with socket.create_connection(("127.0.0.1", d.port)) as client:
                client.sendall(b"POST /api/v1/processes/slow/restart HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                               b"Content-Length: 0\r\n\r\n" % d.port)
                wait_until(lambda: d.state("slow") == "STOPPING", "the stop")
            info = wait_until(lambda: d.state("slow") == "RUNNING" and d.info("slow"), "the start")
            self.assertNotEqual(info["pid"], pid)


class Monitoring(SystemTest):
    def get(self, d, path, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", d.port, timeout=60)
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer, answer.read().decode()

    def test_metrics_tell_what_the_programs_do(self):
        with Daemon(CONFIG, inet=True) as d:
            d.wait_state("one", "RUNNING")
            d.rpc.supervisor.startProcess("quick", False)
            d.wait_state("quick", "FATAL")
            answer, text = self.get(d, "/metrics")
            self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
            for line in ('node_supervisord_up{name="one",group="one"} 1',
                         'node_supervisord_up{name="off",group="off"} 0',
                         'node_supervisord_state{name="quick",group="quick"} 200',
                         'supervisord_process_exits_total{name="quick",group="quick"} 1',
                         'supervisord_processes{state="FATAL"} 1',
                         'supervisord_state 1'):
                self.assertIn(line + "\n", text)
            self.assertRegex(text, r'supervisord_process_resident_memory_bytes\{name="one",group="one"\} [1-9]')
            self.assertRegex(text, r'node_supervisord_start_time_seconds\{name="one",group="one"\} [1-9]')
            self.assert_valid(text)

    def test_openmetrics_names_counters_without_total(self):
        with Daemon(CONFIG, inet=True) as d:
            answer, text = self.get(d, "/metrics", {"Accept": "application/openmetrics-text; version=1.0.0"})
            self.assertTrue(answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0"))
            self.assertTrue(text.endswith("\n# EOF\n"))
            self.assertIn("# TYPE supervisord_process_restarts counter\n", text)
            self.assertIn('supervisord_process_restarts_total{name="one",group="one"} 0\n', text)

    def test_prometheus_own_tool_finds_nothing_wrong(self):
        promtool = shutil.which("promtool")
        if not promtool:
            self.skipTest("promtool is not installed: apt-get install prometheus")
        with Daemon(CONFIG + """
[eventlistener:tick]
command=/bin/sleep 1000
events=TICK_60
[program:odd"name]
command=/bin/sleep 1000
""", inet=True) as d:
            _, text = self.get(d, "/metrics")
            done = subprocess.run([promtool, "check", "metrics"], input=text, text=True, capture_output=True, timeout=60)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def assert_valid(self, text):
        """One HELP and one TYPE before each family's samples, which stand together; no sample twice."""
        family, families, samples = None, set(), set()
        for line in text.splitlines():
            if line.startswith("# "):
                _, word, name, _ = line.split(" ", 3)
                if word == "HELP":
                    self.assertNotIn(name, families)
                    families.add(name)
                    family = name
                self.assertEqual(name, family)
                continue
            match = re.fullmatch(r'([a-z_]+)(\{([a-z]+="[^"]*",?)+\})? (-?[0-9.e+-]+)', line)
            self.assertTrue(match, line)
            self.assertEqual(re.sub("_(bucket|sum|count)$", "", match[1]), family)
            self.assertNotIn(line.rsplit(" ", 1)[0], samples)
            samples.add(line.rsplit(" ", 1)[0])

    def test_readiness_waits_for_all_that_start_by_themselves(self):
        with Daemon(CONFIG, inet=True) as d:
            self.assertEqual(self.get(d, "/healthz")[0].status, 200)
            wait_until(lambda: self.get(d, "/readyz")[0].status == 200, "readiness")
            d.rpc.supervisor.stopProcess("one")
            answer, text = self.get(d, "/readyz")
            self.assertEqual((answer.status, text), (503, "one is STOPPED\n"))


if __name__ == "__main__":
    main()
