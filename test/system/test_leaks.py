# SPDX-License-Identifier: MIT
"""After any number of starts, stops, restarts, updates and reloads: nothing is left behind.

SUPERVISOR_TEST_SCALE multiplies programs and cycles.
"""

import http.client
import os
import signal
import socket

from harness import Daemon, SystemTest, UnixConnection, fault_of, main, process_status, wait_until

SCALE = float(os.environ.get("SUPERVISOR_TEST_SCALE", "1"))
if os.environ.get("SUPERVISOR_TEST_SANITIZED"):
    SCALE /= 3


def scaled(number):
    return max(1, int(number * SCALE))


def many(count, extra=""):
    return ("[program:m]\ncommand=@CHILD@ say hello err world forever\nprocess_name=m%%(process_num)03d\nnumprocs=%d\n"
            "startsecs=0\n%s\n" % (count, extra))


def resident_kib(pid):
    return int(process_status(pid)["VmRSS"].split()[0])


class Leaks(SystemTest):
    def settled(self, daemon, descriptors, threads):
        """Wait until the daemon has no more descriptors and threads than told, and no zombie."""
        wait_until(lambda: len(daemon.descriptors()) <= descriptors and len(daemon.threads()) <= threads
                   and not daemon.zombies(),
                   lambda: "%d descriptors (now %d: %s), %d threads (now %d), no zombies (now %s)" % (
                       descriptors, len(daemon.descriptors()),
                       [os.readlink("/proc/%d/fd/%s" % (daemon.pid, fd)) for fd in daemon.descriptors()][-30:],
                       threads, len(daemon.threads()), daemon.zombies()))

    def test_starts_and_stops(self):
        with Daemon(many(scaled(50))) as d:
            def cycle():
                d.rpc.supervisor.stopAllProcesses()
                d.rpc.supervisor.startAllProcesses()
                wait_until(lambda: set(d.states().values()) == {"RUNNING"}, "all running")

            cycle()
            descriptors, threads = len(d.descriptors()), len(d.threads())
            for _ in range(scaled(20)):
                cycle()
            self.settled(d, descriptors, threads)
            self.assertEqual(len(d.children()), scaled(50))

    def test_crashes(self):
        config = "[program:c]\ncommand=@CHILD@ say x exit 1\nstartsecs=0\nautorestart=true\nprocess_name=c%(process_num)d\nnumprocs=10\n"
        with Daemon(config) as d:
            d.wait_logged("^exited: c", 50)
            descriptors, threads = len(d.descriptors()), len(d.threads())
            d.wait_logged("^exited: c", 50 + scaled(1000))
            d.rpc.supervisor.stopAllProcesses()
            # A stop may meet a program between two lives: then it comes back first.
            self.settled(d, descriptors, threads)

    def test_failing_spawns(self):
        config = ("[program:n]\ncommand=/nosuch/command\nstartretries=0\nautostart=false\n"
                  "[program:d]\ncommand=@CHILD@ forever\ndirectory=/nosuch\nstartretries=0\nautostart=false\n"
                  "[program:l]\ncommand=@CHILD@ forever\nstderr_logfile=@DIR@/dir\nstartretries=0\nautostart=false\n")
        with Daemon(config, prepare=lambda daemon: os.mkdir(daemon.path("dir"))) as d:
            def cycle():
                for name in "ndl":
                    fault_of(d.rpc.supervisor.startProcess, name)
                wait_until(lambda: not {"STARTING", "BACKOFF"} & set(d.states().values()), "their ends")

            cycle()
            descriptors, threads = len(d.descriptors()), len(d.threads())
            for _ in range(scaled(20)):
                cycle()
            self.settled(d, descriptors, threads)

    def test_updates(self):
        fixed = "[program:fixed]\ncommand=@CHILD@ forever\nstartsecs=0\n"
        with Daemon(fixed) as d:
            d.wait_state("fixed", "RUNNING")
            pid = d.info("fixed")["pid"]

            def cycle(number):
                d.write_config(fixed + many(scaled(30), "priority=%d" % (number + 1)))
                (added, changed, removed), = d.rpc.supervisor.reloadConfig()
                self.assertEqual(removed, [])
                for name in changed:
                    d.rpc.supervisor.stopProcessGroup(name)
                    d.rpc.supervisor.removeProcessGroup(name)
                for name in added + changed:
                    d.rpc.supervisor.addProcessGroup(name)
                wait_until(lambda: set(d.states().values()) == {"RUNNING"}, "all running")

            def empty():
                d.rpc.supervisor.stopProcessGroup("m")
                d.rpc.supervisor.removeProcessGroup("m")

            cycle(0)
            empty()
            wait_until(lambda: len(d.children()) == 1, "one child")
            descriptors, threads = len(d.descriptors()), len(d.threads())
            for number in range(scaled(10)):
                cycle(number)
                empty()
            self.settled(d, descriptors, threads)
            self.assertEqual(d.info("fixed")["pid"], pid)

    def test_reloads(self):
        with Daemon(many(scaled(30)), inet=True) as d:
            def cycle(count):
                d.kill_daemon(signal.SIGHUP)
                d.wait_logged("^supervisord started with pid", count)
                d._rpc = None
                wait_until(d.answers, "the daemon again")
                wait_until(lambda: set(d.states().values()) == {"RUNNING"}, "all running")

            cycle(2)
            descriptors, threads = len(d.descriptors()), len(d.threads())
            for number in range(scaled(8)):
                cycle(3 + number)
            self.settled(d, descriptors, threads)
            self.assertEqual(len(d.children()), scaled(30))

    def test_clients_that_come_and_go(self):
        with Daemon(many(5), inet=True) as d:
            def visit():
                # Gone without a word, in the middle of a request, and in the middle of an answer to wait for.
                for request in (b"", b"POST /RPC2 HTTP/1.1\r\nContent-Le", b"POST /RPC2 HTTP/1.1\r\nContent-Length: 100\r\n\r\n<x"):
                    with socket.create_connection(("127.0.0.1", d.port)) as client:
                        client.sendall(request)
                follower = UnixConnection(d.socket_path, 60)
                follower.request("GET", "/logtail/m:m000", headers={"Host": "x"})
                follower.getresponse().read(1)
                follower.close()
                waiter = http.client.HTTPConnection("127.0.0.1", d.port, timeout=60)
                body = ("<methodCall><methodName>supervisor.stopProcess</methodName><params><param>"
                        "<value><string>m:m001</string></value></param></params></methodCall>")
                waiter.request("POST", "/RPC2", body, {"Content-Type": "text/xml"})
                waiter.close()
                fault_of(d.rpc.supervisor.startProcess, "m:m001")

            def bring_up():
                # A stop may still be under way: its client left without waiting for it.
                wait_until(lambda: d.states()["m:m001"] in ("RUNNING", "STOPPED"), "m001 at rest")
                fault_of(d.rpc.supervisor.startProcess, "m:m001")
                return d.states()["m:m001"] == "RUNNING"

            visit()
            wait_until(bring_up, "m001 up")
            descriptors, threads = len(d.descriptors()), len(d.threads())
            for _ in range(scaled(20)):
                visit()
            wait_until(bring_up, "m001 up again")
            # Half a request is given up when no byte came for the server's timeout.
            self.settled(d, descriptors + 3, threads)

    def test_memory_does_not_grow_with_the_number_of_cycles(self):
        with Daemon(many(scaled(20))) as d:
            def cycles(count):
                for _ in range(count):
                    d.rpc.supervisor.stopAllProcesses()
                    d.rpc.supervisor.startAllProcesses()
                    d.rpc.supervisor.reloadConfig()
                    d.rpc.supervisor.getAllConfigInfo()
                    d.rpc.supervisor.readLog(0, 0)
                    d.rpc.supervisor.clearLog()

            cycles(scaled(10))
            before = resident_kib(d.pid)
            cycles(scaled(30))
            # Allocators keep a little; a leak of one event or answer a cycle would be far more.
            self.assertLess(resident_kib(d.pid) - before, 2048 if not os.environ.get("SUPERVISOR_TEST_SANITIZED") else 200000)


if __name__ == "__main__":
    main()
