# SPDX-License-Identifier: MIT
"""The daemon ends with a program: exit_on and exit_when_idle, and the exit status it leaves."""

from harness import (OURS, REFERENCE, Daemon, SystemTest, better_than_reference, main, needs_reference,
                     stays)


def program(name, words, options=""):
    return "[program:%s]\ncommand=@CHILD@ %s\n%s\n" % (name, words, options)


def run_until_end(config, status, **options):
    """Start a daemon that ends by itself with this status; returns the log's messages."""
    daemon = Daemon(config, OURS, expect_exit=status, **options)
    try:
        daemon.spawn()
        daemon.wait_exit()
        daemon.stop()
        return daemon.messages()
    finally:
        daemon.kill()
        daemon.remove()


@better_than_reference
class ExitOn(SystemTest):
    def test_fatal_ends_the_daemon_with_the_programs_status(self):
        messages = run_until_end(program("a", "exit 7", "startretries=1\nexit_on=fatal") +
                                 program("other", "forever"), 7)
        self.assertIn("a is FATAL: shutting down with exit status 7 (exit_on)", messages)
        self.assertIn("stopped: other (terminated by SIGTERM)", messages)

    def test_fatal_is_a_failure_even_if_the_program_ended_with_0(self):
        run_until_end(program("a", "exit 0", "startretries=0\nexit_on=fatal"), 1)

    def test_a_program_that_cannot_be_spawned_leaves_127(self):
        run_until_end("[program:a]\ncommand=/nosuch/program\nstartretries=0\nexit_on=fatal\n", 127)

    def test_any_exit_counts_for_exit_also_the_expected_one(self):
        run_until_end(program("a", "sleep 0.1 exit 0", "startsecs=0\nexit_on=exit"), 0)
        run_until_end(program("a", "sleep 0.1 exit 3", "startsecs=0\nexitcodes=3\nexit_on=exit"), 3)

    def test_a_signal_is_told_as_128_and_its_number(self):
        run_until_end(program("a", "sleep 0.1 kill 9", "startsecs=0\nautorestart=false\nexit_on=exit"), 137)

    def test_unexpected_lets_an_expected_exit_pass(self):
        config = (program("good", "sleep 0.1 exit 0", "startsecs=0\nexit_on=unexpected") +
                  program("late", "sleep 1.5 exit 4", "startsecs=0\nautorestart=false\nexit_on=unexpected"))
        messages = run_until_end(config, 4)
        self.assertIn("late has ended: shutting down with exit status 4 (exit_on)", messages)

    def test_unexpected_waits_for_the_retries_of_a_start(self):
        messages = run_until_end(program("a", "exit 5", "startretries=2\nexit_on=unexpected"), 5)
        self.assertEqual(len([m for m in messages if m.startswith("spawned: 'a'")]), 3)

    def test_a_restarted_program_ends_the_daemon_at_its_first_exit(self):
        messages = run_until_end(program("a", "sleep 0.2 exit 6", "startsecs=0\nautorestart=true\nexit_on=exit"), 6)
        self.assertTrue(any("exit_on" in m for m in messages))

    def test_a_stop_that_was_asked_for_does_not_count(self):
        config = "".join(program(mode, "forever", "exit_on=" + mode) for mode in ("fatal", "exit", "unexpected"))
        with Daemon(config, OURS) as d:
            d.rpc.supervisor.stopAllProcesses()
            d.rpc.supervisor.startAllProcesses()
            d.rpc.supervisor.stopAllProcesses()
            stays(d.is_running, "the daemon")

    def test_by_default_nothing_that_happens_to_a_program_ends_the_daemon(self):
        config = (program("f", "exit 3", "startretries=0") +
                  program("e", "exit 3", "startsecs=0\nautorestart=false"))
        with Daemon(config, OURS) as d:
            d.wait_states({"f": "FATAL", "e": "EXITED"})
            stays(d.is_running, "the daemon")


@better_than_reference
class ExitWhenIdle(SystemTest):
    IDLE = "exit_when_idle=true"

    def test_the_daemon_ends_when_all_have_ended(self):
        config = (program("a", "sleep 0.2 exit 0", "startsecs=0") +
                  program("b", "sleep 0.6 exit 0", "startsecs=0") +
                  "[eventlistener:l]\ncommand=@CHILD@ forever\nevents=TICK_3600\n")
        messages = run_until_end(config, 0, supervisord=self.IDLE)
        self.assertTrue(any(m.startswith("every program has ended") for m in messages))

    def test_the_status_is_that_of_the_first_failure(self):
        config = (program("a", "sleep 0.2 exit 4", "startsecs=0\nautorestart=false") +
                  program("b", "sleep 0.8 exit 5", "startsecs=0\nautorestart=false"))
        run_until_end(config, 4, supervisord=self.IDLE)

    def test_a_restart_that_is_due_is_no_idleness(self):
        config = program("a", "note @DIR@/starts x sleep 0.1 exit 1", "startsecs=0\nrestartpause=1")
        with Daemon(config, OURS, supervisord=self.IDLE) as d:
            stays(d.is_running, "the daemon", 2.5)
            self.assertGreaterEqual(d.read("starts").count("x"), 2)

    def test_what_is_stopped_by_hand_does_not_end_the_daemon(self):
        with Daemon(program("a", "forever"), OURS, supervisord=self.IDLE) as d:
            self.assertEqual(d.ctl("restart", "all")[0], 0)
            d.rpc.supervisor.stopAllProcesses()
            stays(d.is_running, "the daemon")

    def test_a_daemon_with_nothing_to_start_waits(self):
        with Daemon(program("a", "forever", "autostart=false"), OURS, supervisord=self.IDLE) as d:
            stays(d.is_running, "the daemon")


class Files(SystemTest):
    def test_bad_values_are_told_with_their_place(self):
        for text, line in (("[supervisord]\n[program:a]\ncommand=/bin/true\nexit_on=sometimes\n", 4),
                           ("[supervisord]\nexit_when_idle=maybe\n", 2)):
            with self.subTest(text):
                daemon = Daemon(impl=OURS, main=text, args=["--check"])
                try:
                    daemon.spawn().process.wait(60)
                    self.assertEqual(daemon.process.returncode, 2)
                    self.assertIn("supervisord.conf:%d:" % line, daemon.read("daemon.out"))
                finally:
                    daemon.remove()

    @needs_reference
    def test_the_reference_runs_the_same_file(self):
        config = program("a", "forever", "exit_on=fatal") + program("b", "forever", "exit_on=exit")
        with Daemon(config, REFERENCE, supervisord="exit_when_idle=true") as d:
            d.wait_states({"a": "RUNNING", "b": "RUNNING"})


if __name__ == "__main__":
    main()
