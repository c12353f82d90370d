# SPDX-License-Identifier: MIT
"""What `cmake --install` puts in place: all of it there, and it works from there.

Installed once into a DESTDIR; the installed daemon runs with the installed configuration, whose
absolute paths are moved below it. test/install/debian-tree does the same with the package.
"""
import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile

import harness

BUILD = os.path.dirname(os.path.dirname(harness.OURS.daemon[-1]))


def cache(name):
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as stream:
        found = re.search("^%s:[A-Z]+=(.*)$" % re.escape(name), stream.read(), re.M)
    return found.group(1) if found else ""


def run(*argv, **options):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          encoding="utf-8", timeout=120 * harness.PATIENCE, **options)


class Install(harness.SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.root = tempfile.mkdtemp(prefix="svinst.")
        cls.addClassCleanup(shutil.rmtree, cls.root, ignore_errors=True)
        done = run("cmake", "--install", BUILD, env=dict(os.environ, DESTDIR=cls.root))
        if done.returncode != 0:
            raise AssertionError(done.stdout)
        cls.prefix = cls.root + cache("CMAKE_INSTALL_PREFIX")
        cls.etc = cls.root + "/etc"

    def bin(self, name):
        return os.path.join(self.prefix, "bin", name)

    def manual(self, page):
        section = page.rsplit(".", 1)[1]
        with gzip.open("%s/share/man/man%s/%s.gz" % (self.prefix, section, page), "rt", encoding="utf-8") as stream:
            return stream.read()

    def test_every_file_is_there(self):
        wanted = ["bin/supervisord", "bin/supervisorctl", "bin/echo_supervisord_conf", "bin/pidproxy",
                  "share/man/man8/supervisord.8.gz", "share/man/man1/supervisorctl.1.gz",
                  "share/man/man1/echo_supervisord_conf.1.gz", "share/man/man1/pidproxy.1.gz",
                  "share/man/man5/supervisord.conf.5.gz",
                  "lib/systemd/system/supervisor.service", "lib/tmpfiles.d/supervisor.conf",
                  "share/supervisor-c/python/supervisor/childutils.py",
                  "share/doc/supervisor-c/README.md", "share/doc/supervisor-c/copyright",
                  "share/doc/supervisor-c/migrating.md", "share/doc/supervisor-c/cookbook.md",
                  "share/doc/supervisor-c/quickstart.md", "share/doc/supervisor-c/xmlrpc.md",
                  "share/doc/supervisor-c/grafana.json", "share/doc/supervisor-c/openapi.json",
                  "share/doc/supervisor-c/examples/demo.conf",
                  "share/doc/supervisor-c/examples/hardening.conf"]
        missing = [name for name in wanted if not os.path.isfile(os.path.join(self.prefix, name))]
        for name in ("supervisor/supervisord.conf", "logrotate.d/supervisor"):
            if not os.path.isfile(os.path.join(self.etc, name)):
                missing.append("/etc/" + name)
        self.assertEqual(missing, [])
        self.assertTrue(os.path.isdir(self.etc + "/supervisor/conf.d"))
        for name in wanted[:4]:
            self.assertTrue(os.access(os.path.join(self.prefix, name), os.X_OK), name)

    def test_versions_are_what_scripts_and_people_look_for(self):
        self.assertRegex(run(self.bin("supervisord"), "--version").stdout, r"\A4\.\d+\.\d+\n\Z")
        self.assertRegex(run(self.bin("supervisord"), "--help").stdout, r"Supervisor in C \d+\.\d+\.\d+")
        with open(os.path.join(harness.ROOT_DIR, "CHANGELOG.md"), encoding="utf-8") as stream:
            newest = re.search(r"^## ([0-9.]+)", stream.read(), re.M).group(1)
        self.assertIn("Supervisor in C %s," % newest, run(self.bin("supervisord"), "--help").stdout)

    def test_the_manual_has_every_option_and_every_action(self):
        sample = run(self.bin("echo_supervisord_conf")).stdout
        options = set(re.findall(r"^;?([a-z_.]+)=", sample, re.M))
        self.assertGreater(len(options), 80)
        page = self.manual("supervisord.conf.5").replace("\\-", "-")
        self.assertEqual([o for o in sorted(options) if "\n.B %s\n" % o not in page], [])

        flags = re.findall(r"^(?:-./)?--([a-z_]+)", run(self.bin("supervisord"), "--help").stdout, re.M)
        self.assertGreater(len(flags), 15)
        page = self.manual("supervisord.8").replace("\\-", "-")
        self.assertEqual([f for f in flags if "--" + f not in page and f != "profile_options"], [])

        flags = re.findall(r"^(?:-./)?--([a-z_-]+)", run(self.bin("supervisorctl"), "--help").stdout, re.M)
        self.assertGreater(len(flags), 6)
        page = self.manual("supervisorctl.1").replace("\\-", "-")
        self.assertEqual([f for f in flags if "--" + f not in page], [])

    def test_manual_pages_are_well_formed(self):
        if not shutil.which("groff"):
            self.skipTest("no groff")
        for page in ("supervisord.8", "supervisorctl.1", "supervisord.conf.5", "echo_supervisord_conf.1",
                     "pidproxy.1"):
            path = os.path.join(self.root, page)
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(self.manual(page))
            done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", path], stderr=subprocess.PIPE,
                                  encoding="utf-8", check=True)
            self.assertEqual(done.stderr, "", page)

    def test_maintainer_scripts_and_unit_fit(self):
        packaging = os.path.join(harness.ROOT_DIR, "packaging")
        for script in ("postinst", "prerm", "postrm"):
            done = run("sh", "-n", os.path.join(packaging, script))
            self.assertEqual(done.returncode, 0, done.stdout)
        with open(self.prefix + "/lib/systemd/system/supervisor.service", encoding="utf-8") as stream:
            unit = stream.read()
        program, *arguments = re.search(r"^ExecStart=(.*)$", unit, re.M).group(1).split()
        self.assertTrue(os.access(self.root + program, os.X_OK), program)
        self.assertTrue(os.path.isfile(self.root + arguments[-1]), arguments)
        self.assertNotIn("@", unit)
        with open(os.path.join(packaging, "conffiles"), encoding="utf-8") as stream:
            for path in stream.read().split():
                self.assertTrue(os.path.isfile(self.root + path), path)

    def test_it_runs_with_the_installed_configuration(self):
        path = self.etc + "/supervisor/supervisord.conf"
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
        os.mkdir(self.root + "/run")
        for directory in ("/run/", "/var/log/", "/etc/supervisor/"):
            self.assertIn(directory, text)
            text = text.replace(directory, self.root + directory)
        with open(self.etc + "/supervisor/conf.d/hello.conf", "w", encoding="utf-8") as stream:
            stream.write("[program:hello]\ncommand = /bin/sh -c 'echo hello; exec sleep 100000'\n")
        # The installed daemon and client, under the harness' eyes.
        here = harness.Implementation("installed", [self.bin("supervisord")], [self.bin("supervisorctl")])
        daemon = harness.Daemon("", here, main=text)
        daemon.socket_path = self.root + "/run/supervisor.sock"
        daemon.logfile = self.root + "/var/log/supervisor/supervisord.log"
        with daemon:
            daemon.wait_state("hello", "RUNNING")
            self.assertEqual(daemon.ctl("status")[1].split()[:2], ["hello", "RUNNING"])
            harness.wait_until(lambda: daemon.ctl("tail", "hello")[1].strip() == "hello",
                               lambda: "the output, not %r" % (daemon.ctl("tail", "hello"),))
            self.assertEqual(daemon.ctl("restart", "hello")[1], "hello: stopped\nhello: started\n")
            with open(self.root + "/run/supervisord.pid", encoding="ascii") as stream:
                self.assertEqual(int(stream.read()), daemon.pid)
            actions = daemon.ctl("help")[1]
            self.assertIn("maintail", actions)
            page = self.manual("supervisorctl.1").replace("\\-", "-")
            words = re.findall(r"^[a-z].*$", actions, re.M)
            listed = {w for line in words if ":" not in line for w in line.split()}
            self.assertGreater(len(listed), 15)
            self.assertEqual([w for w in sorted(listed) if not re.search(r"\b%s\b" % w, page)], [])
        self.assertEqual(os.listdir(self.root + "/run"), [])

    def test_the_python_module_is_found_where_no_other_is(self):
        module = self.prefix + "/share/supervisor-c/python"
        done = run(sys.executable, "-B", "-S", "-c",
                   "import supervisor.childutils as m; print(m.__file__)",
                   env=dict(os.environ, PYTHONPATH=module))
        self.assertTrue(done.stdout.startswith(module), done.stdout)


if __name__ == "__main__":
    harness.main()
