# SPDX-License-Identifier: MIT
"""How fast a program is started again: restartpause, backoff_max, backoff_factor, backoff_jitter,
startretries=infinite, restart_limit, fatal_retry_secs.

The programs note the time at which they start. From one note to the next at least the pause has
gone by, however slow the machine is: only such lower bounds are checked.
"""


from harness import (OURS, REFERENCE, Daemon, SystemTest, better_than_reference, fault_of, main, needs_reference,
                     stays, wait_until)

# The wall clock may be slewed a little against the daemon's own.
CLOCK_SLACK = 0.02


def failing(name, options="", status=1):
    """A program that notes its start in NAME.starts and ends too early."""
    return ("[program:%s]\ncommand=/bin/sh -c 'date +%%%%s.%%%%N >> @DIR@/%s.starts; exit %d'\n%s\n" %
            (name, name, status, options))


def ending(name, options=""):
    """The same with success, and no least time to run."""
    return failing(name, "startsecs=0\nautorestart=true\n" + options, 0)


def starts(daemon, name):
    return [float(line) for line in daemon.read(name + ".starts").split("\n")[:-1]]


def wait_starts(daemon, name, count):
    """The first `count` starts of the program."""
    wait_until(lambda: len(starts(daemon, name)) >= count,
               lambda: "%d starts of %s\n%s" % (count, name, daemon.describe()))
    return starts(daemon, name)[:count]


def pauses(times):
    return [after - before for before, after in zip(times, times[1:])]


def problems(option):
    """What --check says of a program with this option, on line 4."""
    text = "[supervisord]\n[program:a]\ncommand=/bin/true\n" + option + "\n"
    daemon = Daemon(impl=OURS, main=text, args=["--check"])
    try:
        daemon.spawn().process.wait(60)
        return daemon.process.returncode, daemon.read("daemon.out")
    finally:
        daemon.remove()


class Pacing(SystemTest):
    def assertLasted(self, times, least):
        for pause, wanted in zip(pauses(times), least, strict=True):
            self.assertGreaterEqual(pause, wanted - CLOCK_SLACK, pauses(times))


class BadValues(SystemTest):
    def test_each_is_told_with_its_place(self):
        for option in ("restartpause=x", "restartpause=-1", "backoff_max=-1", "backoff_max=1y", "backoff_factor=-2",
                       "backoff_factor=twice", "backoff_factor=nan", "backoff_factor=inf", "backoff_jitter=101",
                       "backoff_jitter=-1", "backoff_jitter=x", "startretries=never", "restart_limit=5",
                       "restart_limit=5/0", "restart_limit=-1/5", "restart_limit=a/b", "restart_limit=5/60/2",
                       "fatal_retry_secs=soon", "fatal_retry_secs=-1"):
            with self.subTest(option):
                status, out = problems(option)
                self.assertEqual(status, 2, out)
                self.assertIn("supervisord.conf:4: [program:a] %s: " % option.split("=")[0], out)

    def test_good_ones_pass(self):
        for option in ("restartpause=0", "restartpause=2m", "backoff_max=1h", "backoff_factor=1.5",
                       "backoff_jitter=0", "backoff_jitter=100", "startretries=infinite", "restart_limit=5/60",
                       "fatal_retry_secs=90"):
            with self.subTest(option):
                status, out = problems(option)
                self.assertEqual(status, 0, out)


class Default(Pacing):
    def test_pauses_grow_by_a_second_and_the_retries_end(self):
        with Daemon(failing("a", "startretries=2")) as d:
            self.assertLasted(wait_starts(d, "a", 3), [1, 2])
            d.wait_state("a", "FATAL")
            stays(lambda: d.state("a") == "FATAL", "FATAL")
            self.assertEqual(len(starts(d, "a")), 3)

    def test_restarts_go_on_without_a_limit(self):
        with Daemon(ending("a")) as d:
            wait_starts(d, "a", 6)
            self.assertEqual(d.logged("^gave up"), [])


@better_than_reference
class RestartPause(Pacing):
    def test_it_passes_before_each_restart(self):
        with Daemon(ending("a", "restartpause=1s")) as d:
            self.assertLasted(wait_starts(d, "a", 3), [1, 1])

    def test_it_is_the_least_pause_between_attempts(self):
        with Daemon(failing("a", "restartpause=2")) as d:
            self.assertLasted(wait_starts(d, "a", 3), [2, 2])

    def test_a_start_by_hand_does_not_wait(self):
        with Daemon(ending("a", "restartpause=1h")) as d:
            d.wait_state("a", "EXITED")
            d.rpc.supervisor.startProcess("a", False)
            wait_starts(d, "a", 2)

    def test_a_stop_calls_the_restart_off(self):
        with Daemon(ending("a", "restartpause=2")) as d:
            d.wait_state("a", "EXITED")
            self.assertEqual(fault_of(d.rpc.supervisor.stopProcess, "a"), 70)
            count = len(starts(d, "a"))
            stays(lambda: len(starts(d, "a")) == count, "no start", 3)


@better_than_reference
class Backoff(Pacing):
    def test_a_factor_multiplies_the_pause(self):
        with Daemon(failing("a", "backoff_factor=2.5")) as d:
            self.assertLasted(wait_starts(d, "a", 3), [1, 2.5])

    def test_a_factor_below_one_makes_it_shorter(self):
        with Daemon(failing("a", "startretries=20\nbackoff_factor=0.1") + failing("b", "startretries=20")) as d:
            d.wait_state("a", "FATAL")
            self.assertEqual(len(starts(d, "a")), 21)
            self.assertLess(len(starts(d, "b")), 21)

    def test_the_largest_pause_is_backoff_max(self):
        # Without it the second pause would be longer than this test waits.
        with Daemon(failing("a", "backoff_factor=1000\nbackoff_max=1")) as d:
            self.assertLasted(wait_starts(d, "a", 4), [1, 1, 1])
            d.wait_state("a", "FATAL")

    def test_jitter_makes_some_shorter_but_not_more_than_it_says(self):
        config = "".join(failing("a%d" % i, "startretries=infinite\nbackoff_max=1\nbackoff_jitter=50")
                         for i in range(4))
        with Daemon(config) as d:
            def seen():
                return [p for i in range(4) for p in pauses(starts(d, "a%d" % i))]
            wait_until(lambda: any(p < 0.95 for p in seen()), lambda: "a shorter pause than a second: %s" % seen())
            self.assertGreaterEqual(min(seen()), 0.5 - CLOCK_SLACK)

    def test_infinite_retries_never_end(self):
        with Daemon(failing("a", "startretries=infinite\nbackoff_factor=0.5")) as d:
            wait_starts(d, "a", 15)
            self.assertIn(d.state("a"), ("STARTING", "BACKOFF"))
            self.assertEqual(d.logged("^gave up"), [])
            row = d.rpc.supervisor.getAllConfigInfo()[0]  # a number that XML-RPC can say
            self.assertGreater(row["startretries"], 1000)
            d.rpc.supervisor.stopProcess("a")
            stays(lambda: d.state("a") == "STOPPED", "STOPPED")  # a further try would go on for ever


@better_than_reference
class RestartLimit(Pacing):
    def test_one_restart_too_many_is_fatal(self):
        with Daemon(ending("a", "restart_limit=2/600")) as d:
            d.wait_logged(r"^gave up: a entered FATAL state, restarted more than 2 times in 600 seconds")
            self.assertEqual(d.state("a"), "FATAL")
            self.assertEqual(len(starts(d, "a")), 3)
            fault_of(d.rpc.supervisor.startProcess, "a", False)  # by hand: all of them once more
            wait_starts(d, "a", 6)
            d.wait_logged("^gave up: a", 2)
            stays(lambda: (d.state("a"), len(starts(d, "a"))) == ("FATAL", 6), "FATAL")

    def test_slow_restarts_are_within_it(self):
        with Daemon(ending("a", "restart_limit=1/1\nrestartpause=1")) as d:
            wait_starts(d, "a", 4)
            self.assertEqual(d.logged("^gave up"), [])

    def test_nought_is_no_limit(self):
        with Daemon(ending("a", "restart_limit=0/60")) as d:
            wait_starts(d, "a", 6)


@better_than_reference
class FatalRetry(Pacing):
    def test_fatal_is_not_the_end(self):
        with Daemon(failing("a", "startretries=0\nfatal_retry_secs=1s") + failing("b", "startretries=0")) as d:
            self.assertLasted(wait_starts(d, "a", 3), [1, 1])
            d.wait_logged("^gave up: a", 2)
            self.assertEqual(len(starts(d, "b")), 1)
            self.assertEqual(d.state("b"), "FATAL")

    def test_a_repaired_program_runs(self):
        config = "[program:a]\ncommand=@DIR@/late\nstartretries=0\nfatal_retry_secs=1\nautorestart=false\n"
        with Daemon(config) as d:
            d.wait_logged("^gave up: a")
            d.write("late", "#!/bin/sh\nexec sleep 1000\n", 0o755)
            d.wait_state("a", "RUNNING")

    def test_it_follows_a_restart_limit_too(self):
        with Daemon(ending("a", "restart_limit=1/600\nfatal_retry_secs=1")) as d:
            d.wait_logged("^gave up: a")
            times = wait_starts(d, "a", 3)
            self.assertGreaterEqual(times[2] - times[1], 1 - CLOCK_SLACK)

    def test_a_stop_calls_it_off(self):
        with Daemon(failing("a", "startretries=0\nfatal_retry_secs=2")) as d:
            d.wait_state("a", "FATAL")
            self.assertEqual(fault_of(d.rpc.supervisor.stopProcess, "a"), 70)
            count = len(starts(d, "a"))
            stays(lambda: (d.state("a"), len(starts(d, "a"))) == ("FATAL", count), "FATAL", 3)


class Reference(SystemTest):
    @needs_reference
    def test_it_runs_such_a_file(self):
        options = ("restartpause=1s\nbackoff_max=1m\nbackoff_factor=1.5\nbackoff_jitter=10\nrestart_limit=5/60\n"
                   "fatal_retry_secs=60\n")
        with Daemon("[program:a]\ncommand=@CHILD@ forever\n" + options, REFERENCE) as d:
            d.wait_state("a", "RUNNING")


if __name__ == "__main__":
    main()
