# SPDX-License-Identifier: MIT
"""update --live, update --dry-run, restart --update and supervisor.updateConfig."""

import os
import threading
import time

from harness import (OURS, Daemon, SystemTest, better_than_reference, fault_of, main,
                     needs_reference, stays, wait_until)


def program(name, words="forever", options=""):
    return "[program:%s]\ncommand=@CHILD@ %s\n%s\n" % (name, words, options)


def pids(daemon):
    return {name: info["pid"] for name, info in daemon.infos().items()}


def known_pids(daemon):
    """The same, once all are known: a child may do something before its pid is told."""
    wait_until(lambda: all(pids(daemon).values()), "all pids")
    return pids(daemon)


def told(daemon, **options):
    """updateConfig's answer as (name, action, why) triples."""
    rows = daemon.rpc.supervisor.updateConfig(options)
    assert all(r["status"] == 80 and r["description"] == "OK" for r in rows), rows
    return [(r["group"] + (":" + r["name"] if r["name"] else ""), r["action"], r["why"]) for r in rows]


@better_than_reference
class Live(SystemTest):
    def test_options_that_need_no_restart_are_taken_up_by_the_running_program(self):
        with Daemon(program("a", "ignore 15 note @DIR@/ready x forever", "startsecs=0"), OURS) as d:
            wait_until(lambda: d.read("ready"), "the program")
            before = known_pids(d)
            d.write_config(program("a", "ignore 15 note @DIR@/ready x forever",
                                   "startsecs=0\nstopwaitsecs=1\nautorestart=false\npriority=5\nexitcodes=3"))
            status, out, _ = d.ctl("update", "--live")
            self.assertEqual(status, 0)
            self.assertIn("a: changed (priority, autorestart, stopwaitsecs, exitcodes)", out)
            self.assertEqual(pids(d), before)
            begun = time.monotonic()
            d.rpc.supervisor.stopProcess("a")
            self.assertLess(time.monotonic() - begun, 8, "stopwaitsecs is still the old one")
            self.assertEqual(d.ctl("update", "--live")[1], "")
            self.assertEqual(d.ctl("reread")[1], "No config updates to processes\n")

    def test_a_new_stop_signal_holds_for_the_running_program(self):
        with Daemon(program("a", "forever"), OURS) as d:
            d.wait_state("a", "RUNNING")
            d.write_config(program("a", "forever", "stopsignal=INT"))
            self.assertEqual(told(d, live=True), [("a:a", "changed", "stopsignal")])
            d.rpc.supervisor.stopProcess("a")
            d.wait_logged(r"^stopped: a \(terminated by SIGINT\)$")

    def test_autorestart_can_be_switched_off_without_a_restart(self):
        with Daemon(program("a", "forever", "startsecs=0\nautorestart=true"), OURS) as d:
            pid = d.wait_state("a", "RUNNING")["pid"]
            d.write_config(program("a", "forever", "startsecs=0\nautorestart=false"))
            self.assertEqual(told(d, live=True), [("a:a", "changed", "autorestart")])
            os.kill(pid, 9)
            d.wait_state("a", "EXITED")
            stays(lambda: d.state("a") == "EXITED", "EXITED")

    def test_only_the_processes_that_need_it_are_restarted(self):
        group = "[group:g]\nprograms=a,b\n"
        with Daemon(group + program("a", "forever", "environment=X=1") + program("b") + program("c"), OURS) as d:
            d.wait_states({"g:a": "RUNNING", "g:b": "RUNNING", "c": "RUNNING"})
            before = pids(d)
            d.write_config(group + program("a", "forever", "environment=X=2") +
                           program("b", "forever", "startretries=9") + program("c"))
            self.assertEqual(d.ctl("update", "--dry-run", "--live")[1],
                             "g:a: would be restarted (environment)\ng:b: would be changed (startretries)\n")
            self.assertEqual(pids(d), before)
            self.assertEqual(d.ctl("update", "--live")[1],
                             "g:a: restarted (environment)\ng:b: changed (startretries)\n")
            d.wait_states({"g:a": "RUNNING", "g:b": "RUNNING", "c": "RUNNING"})
            after = pids(d)
            self.assertNotEqual(after["g:a"], before["g:a"])
            self.assertEqual((after["g:b"], after["c"]), (before["g:b"], before["c"]))
            self.assertEqual(d.ctl("reread")[1], "No config updates to processes\n")

    def test_numprocs_touches_only_the_difference(self):
        def config(n):
            return program("w", "forever", "startsecs=0\nprocess_name=%%(process_num)d\nnumprocs=%d" % n)

        with Daemon(config(3), OURS) as d:
            d.wait_states({"w:%d" % i: "RUNNING" for i in range(3)})
            before = pids(d)
            d.write_config(config(5))
            self.assertEqual(told(d, live=True), [("w:3", "added", ""), ("w:4", "added", "")])
            d.wait_states({"w:%d" % i: "RUNNING" for i in range(5)})
            self.assertEqual({k: pids(d)[k] for k in before}, before)
            d.write_config(config(1))
            self.assertEqual(sorted(told(d, live=True)), [("w:%d" % i, "removed", "") for i in range(1, 5)])
            self.assertEqual(pids(d), {"w:0": before["w:0"]})
            d.write_config(config(2))
            self.assertEqual(told(d, live=True), [("w:1", "added", "")])

    def test_a_program_at_rest_is_not_started_by_an_update_of_its_command(self):
        with Daemon(program("a", "forever", "autostart=true"), OURS) as d:
            d.wait_state("a", "RUNNING")
            d.rpc.supervisor.stopProcess("a")
            d.write_config(program("a", "forever", "umask=077"))
            self.assertEqual(told(d, live=True), [("a:a", "restarted", "umask")])
            stays(lambda: d.state("a") == "STOPPED", "STOPPED")

    def test_groups_come_and_go(self):
        with Daemon(program("a") + program("b"), OURS) as d:
            d.wait_states({"a": "RUNNING", "b": "RUNNING"})
            before = pids(d)
            d.write_config(program("a") + program("c"))
            self.assertEqual(d.ctl("update", "--live")[1], "b: removed process group\nc: added process group\n")
            d.wait_state("c", "RUNNING")
            self.assertEqual(sorted(pids(d)), ["a", "c"])
            self.assertEqual(pids(d)["a"], before["a"])

    def test_an_event_listeners_subscription_needs_the_whole_group(self):
        def config(events):
            return "[eventlistener:l]\ncommand=@CHILD@ forever\nstartsecs=0\nevents=%s\n" % events

        with Daemon(config("TICK_60"), OURS) as d:
            before = d.wait_state("l", "RUNNING")["pid"]
            d.write_config(config("TICK_5"))
            self.assertEqual(d.ctl("update", "--live")[1], "l: updated process group (events)\n")
            self.assertNotEqual(d.wait_state("l", "RUNNING")["pid"], before)

    def test_log_limits_hold_at_once(self):
        with Daemon("[program:a]\ncommand=/bin/cat\nstdout_logfile=@DIR@/a.log\n", OURS) as d:
            pid = d.wait_state("a", "RUNNING")["pid"]
            d.write_config("[program:a]\ncommand=/bin/cat\nstdout_logfile=@DIR@/a.log\n"
                           "stdout_logfile_maxbytes=100\nstdout_logfile_backups=2\n")
            self.assertEqual(told(d, live=True),
                             [("a:a", "changed", "stdout_logfile_backups, stdout_logfile_maxbytes")])
            for i in range(20):
                d.rpc.supervisor.sendProcessStdin("a", "%039d\n" % i)
            wait_until(lambda: os.path.exists(d.path("a.log.2")), "a second rotated file")
            self.assertEqual(d.info("a")["pid"], pid)
            stays(lambda: not os.path.exists(d.path("a.log.3")), "two backups", 0.3)

    def test_a_file_with_errors_changes_nothing(self):
        with Daemon(program("a"), OURS) as d:
            before = d.wait_state("a", "RUNNING")["pid"]
            d.write_config(program("a", "forever", "startsecs=x"))
            for words in (("update", "--live"), ("update", "--dry-run"), ("restart", "--update", "a")):
                status, out, _ = d.ctl(*words)
                self.assertEqual(status, 1)
                self.assertIn("supervisord.conf:", out)
                self.assertIn("startsecs", out)
            self.assertEqual(d.info("a")["pid"], before)
            self.assertEqual(fault_of(d.rpc.supervisor.updateConfig, {}), 92)

    def test_a_program_may_ignore_its_stop_signal_during_an_update(self):
        def config(n):
            return program("w", "ignore 15 note @DIR@/ready x forever",
                           "startsecs=0\nstopwaitsecs=1\nprocess_name=%%(process_num)d\nnumprocs=%d" % n)

        with Daemon(config(2), OURS) as d:
            wait_until(lambda: d.read("ready").count("x") == 2, "the programs")
            d.write_config(config(1))
            self.assertEqual(told(d, live=True), [("w:1", "removed", "")])
            d.wait_logged("^killing '1' .* with SIGKILL$")

    def test_a_shutdown_ends_an_update(self):
        slow = "startsecs=0\nstopwaitsecs=3\n"
        with Daemon(program("a", "ignore 15 note @DIR@/ready x forever", slow), OURS) as d:
            wait_until(lambda: d.read("ready"), "the program")
            d.write_config(program("b"))
            answers = []
            other = threading.Thread(target=lambda: answers.append(d.ctl("update", "--live")))
            other.start()
            d.wait_state("a", "STOPPING")
            d.rpc.supervisor.shutdown()
            d.wait_exit()
            other.join()
            self.assertNotEqual(answers[0][0], 0)

    def test_hundreds_of_updates_leak_nothing(self):
        def config(n, startretries):
            return program("w", "forever", "startsecs=0\nprocess_name=%%(process_num)d\nnumprocs=%d\nstartretries=%d"
                           % (n, startretries))

        with Daemon(config(2, 3), OURS, loglevel="warn") as d:
            def cycle(i):
                d.write_config(config(2 + i % 3, 3 + i % 2))
                d.rpc.supervisor.updateConfig({"live": True})

            for i in range(6):
                cycle(i)
            descriptors, threads = len(d.descriptors()), len(d.threads())
            for i in range(60):
                cycle(i)
            wait_until(lambda: len(d.descriptors()) <= descriptors, "as many descriptors as before")
            wait_until(lambda: len(d.threads()) <= threads, "as many threads as before")


@better_than_reference
class Plain(SystemTest):
    def test_dry_run_names_the_option_and_touches_nothing(self):
        with Daemon(program("a") + program("b"), OURS) as d:
            d.wait_states({"a": "RUNNING", "b": "RUNNING"})
            before = pids(d)
            d.write_config(program("a", "forever", "startretries=9") + program("c"))
            status, out, _ = d.ctl("update", "--dry-run")
            self.assertEqual((status, out), (0, "b: would be removed\na: would be restarted (a: startretries)\n"
                                                "c: would be added\n"))
            self.assertEqual(d.ctl("update", "--dry-run", "c")[1], "c: would be added\n")
            self.assertEqual(d.ctl("update", "--dry-run", "nosuch"), (1, "ERROR: no such group: nosuch\n", ""))
            self.assertEqual(pids(d), before)
            self.assertEqual([r["name"] for r in d.rpc.supervisor.getAllConfigInfo()], ["a", "b"])

    def test_one_call_does_what_the_clients_update_does(self):
        with Daemon(program("a") + program("b") + program("keep"), OURS) as d:
            d.wait_states({"a": "RUNNING", "b": "RUNNING", "keep": "RUNNING"})
            before = pids(d)
            d.write_config(program("a", "forever", "startretries=9") + program("c") + program("keep"))
            self.assertEqual(told(d), [("b", "removed", ""), ("a", "restarted", "a: startretries"), ("c", "added", "")])
            d.wait_states({"a": "RUNNING", "c": "RUNNING", "keep": "RUNNING"})
            self.assertNotEqual(pids(d)["a"], before["a"])
            self.assertEqual(pids(d)["keep"], before["keep"])
            self.assertEqual(d.rpc.supervisor.updateConfig(), [])

    def test_only_the_groups_that_are_named(self):
        with Daemon(program("a") + program("b"), OURS) as d:
            d.wait_states({"a": "RUNNING", "b": "RUNNING"})
            d.write_config("")
            self.assertEqual(told(d, groups=["b"]), [("b", "removed", "")])
            self.assertEqual(list(pids(d)), ["a"])
            for bad in ({"groups": "a"}, {"groups": [1]}, {"processes": 3}):
                self.assertEqual(fault_of(d.rpc.supervisor.updateConfig, bad), 2)
            self.assertEqual(fault_of(d.rpc.supervisor.updateConfig, "live"), 2)

    @needs_reference
    def test_the_words_of_a_plain_update_are_the_references(self):
        def scenario(d):
            d.wait_states({"a": "RUNNING", "b": "RUNNING"})
            d.write_config(program("a", "forever", "startretries=9") + program("c"))
            return d.ctl("update")

        self.both(program("a") + program("b"), scenario)


@better_than_reference
class RestartUpdate(SystemTest):
    def test_a_restart_takes_the_new_configuration_up(self):
        group = "[group:g]\nprograms=a,b\n"
        with Daemon(group + program("a") + program("b"), OURS) as d:
            d.wait_states({"g:a": "RUNNING", "g:b": "RUNNING"})
            before = pids(d)
            d.write_config(group + program("a", "note @DIR@/new yes forever") + program("b", "note @DIR@/new no forever"))
            status, out, _ = d.ctl("restart", "--update", "g:a")
            self.assertEqual((status, out), (0, "g:a: stopped\ng:a: restarted (command)\ng:a: started\n"))
            self.assertEqual(d.read("new").strip(), "yes")
            self.assertEqual(pids(d)["g:b"], before["g:b"])
            self.assertEqual(d.ctl("reread")[1], "g: changed\n")
            self.assertEqual(told(d, live=True), [("g:b", "restarted", "command")])
            self.assertEqual(d.ctl("reread")[1], "No config updates to processes\n")

    def test_without_a_change_it_is_a_restart(self):
        with Daemon(program("a"), OURS) as d:
            before = d.wait_state("a", "RUNNING")["pid"]
            self.assertEqual(d.ctl("restart", "--update", "a")[1], "a: stopped\na: started\n")
            self.assertNotEqual(d.info("a")["pid"], before)

    def test_a_process_that_is_gone_from_the_file_is_left_alone(self):
        with Daemon(program("a"), OURS) as d:
            before = d.wait_state("a", "RUNNING")["pid"]
            d.write_config(program("b"))
            self.assertEqual(d.ctl("restart", "--update", "a"),
                             (1, "a: ERROR (no longer in the configuration)\n", ""))
            self.assertEqual(d.info("a")["pid"], before)


if __name__ == "__main__":
    main()
