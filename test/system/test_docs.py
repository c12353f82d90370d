# SPDX-License-Identifier: MIT
"""Every command and configuration block of README and docs does what it is there for.

One page is one sandbox: a directory in which its blocks run in their order, with our programs
first in PATH. `ini` blocks pass `supervisord --check` (with a [supervisord] section added where
there is none), `sh` and `python` blocks run and must succeed, `yaml` blocks of Prometheus pass
promtool where there is one. `<!-- file: NAME -->` before a block writes it to the sandbox;
`<!-- not run: REASON -->` leaves one out.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import uuid

import harness

PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "python/README.md"] + sorted(
    "docs/" + name for name in os.listdir(os.path.join(harness.ROOT_DIR, "docs")) if name.endswith(".md"))
BLOCK = re.compile(r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S)
COMMENT = re.compile(r"<!-- (?P<key>file|not run|prometheus): (?P<value>[^\n]*?) -->\n *$")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)[^)]*\)")
PORT = "9901"
SOCKET = "/run/supervisor.sock"


class Block:
    def __init__(self, page, text, match):
        self.kind = match["kind"]
        self.text = re.sub("^" + match["indent"], "", match["text"], flags=re.M)
        before = COMMENT.search(text[:match.start()])
        self.note = {before["key"]: before["value"]} if before else {}
        self.place = "%s:%d" % (page, text.count("\n", 0, match.start()) + 1)


def read(page):
    with open(os.path.join(harness.ROOT_DIR, page), encoding="utf-8") as stream:
        return stream.read()


def blocks(page):
    text = read(page)
    return [Block(page, text, match) for match in BLOCK.finditer(text)]


class Sandbox:
    """Where a page's blocks run."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="svdoc.")
        self.port = str(harness.free_port())
        self.tag = uuid.uuid4().hex
        programs = os.path.join(self.dir, "bin")
        os.mkdir(programs)
        for binary in (harness.OURS.daemon[-1], harness.OURS.ctl[-1]):
            os.symlink(binary, os.path.join(programs, os.path.basename(binary)))
        self.env = dict(os.environ, PATH=programs + ":" + os.environ["PATH"], HOME=self.dir,
                        PYTHONPATH=os.path.join(harness.ROOT_DIR, "python"),
                        **{harness.TAG_NAME: self.tag})

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(self.localise(text))
        return path

    def localise(self, text):
        """What a page says of the machine, as it is in the sandbox."""
        return text.replace(PORT, self.port).replace(SOCKET, os.path.join(self.dir, "supervisor.sock"))

    def run(self, *argv):
        done = subprocess.run(argv, cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=120 * harness.PATIENCE, encoding="utf-8", errors="replace")
        return done.returncode, done.stdout

    def close(self):
        for pid in harness.tagged_processes(self.tag):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        shutil.rmtree(self.dir, ignore_errors=True)


class Pages(harness.SystemTest):
    def check_ini(self, sandbox, block):
        text = block.text
        if "[supervisord]" not in text:
            text = "[supervisord]\n" + text
        path = sandbox.write("check-%s.conf" % uuid.uuid4().hex, text)
        status, output = sandbox.run("supervisord", "--check", "-c", path)
        self.assertEqual(status, 0, "%s\n%s" % (block.place, output))

    def run_block(self, sandbox, block):
        if "not run" in block.note:
            self.assertTrue(block.note["not run"], block.place)
            return
        if "file" in block.note:
            sandbox.write(block.note["file"], block.text)
        if block.kind == "ini":
            self.check_ini(sandbox, block)
        elif block.kind in ("sh", "python"):
            text = sandbox.localise(block.text)
            program = ["sh", "-e", "-x", "-c"] if block.kind == "sh" else [sys.executable, "-c"]
            status, output = sandbox.run(*program, text)
            self.assertEqual(status, 0, "%s\n%s" % (block.place, output))
        elif "prometheus" in block.note:
            path = sandbox.write(block.note["prometheus"], block.text)
            if shutil.which("promtool"):
                status, output = sandbox.run("promtool", "check", "config", path)
                self.assertEqual(status, 0, "%s\n%s" % (block.place, output))
        elif block.kind == "json":
            json.loads(block.text)
        else:
            self.fail("%s: a block of kind %r; say what it is, or why it is not run"
                      % (block.place, block.kind))

    def test_every_block_does_what_it_is_there_for(self):
        seen = 0
        for page in PAGES:
            with self.subTest(page=page):
                sandbox = Sandbox()
                try:
                    for block in blocks(page):
                        self.run_block(sandbox, block)
                        seen += 1
                    harness.wait_until(lambda: not harness.tagged_processes(sandbox.tag),
                                       "the end of all that %s started" % page)
                finally:
                    sandbox.close()
        self.assertGreater(seen, 20)

    def test_every_link_leads_somewhere(self):
        for page in PAGES:
            directory = os.path.dirname(os.path.join(harness.ROOT_DIR, page))
            for target in LINK.findall(read(page)):
                self.assertTrue(os.path.exists(os.path.join(directory, target)),
                                "%s links to %s" % (page, target))

    def test_the_xml_rpc_reference_is_the_daemon_s(self):
        done = subprocess.run([sys.executable, os.path.join(harness.ROOT_DIR, "scripts", "xmlrpc-reference"),
                               harness.OURS.daemon[-1]], stdout=subprocess.PIPE, encoding="utf-8",
                              timeout=120 * harness.PATIENCE, check=True)
        self.assertEqual(done.stdout, read("docs/xmlrpc.md"), "scripts/xmlrpc-reference makes it anew")

    def test_the_grafana_dashboard_asks_for_metrics_that_exist(self):
        dashboard = json.loads(read("docs/grafana.json"))
        asked = set()
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                asked.update(re.findall(r"\b((?:node_)?supervisord_\w+)\{", target["expr"]))
        self.assertGreater(len(asked), 8)
        program = "[program:x]\ncommand=/bin/sleep 1000\nstartsecs=0\n"
        with harness.Daemon(program, harness.OURS) as daemon:
            daemon.wait_state("x", "RUNNING")

            def all_there():
                status, body = daemon.get("/metrics")
                self.assertEqual(status, 200)
                there = set(re.findall(r"^(\w+)", body.decode(), re.M))
                all_there.missing = asked - there
                return not all_there.missing

            harness.wait_until(all_there, lambda: "metrics %s" % all_there.missing, timeout=30)


if __name__ == "__main__":
    harness.main()
