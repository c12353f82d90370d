/* SPDX-License-Identifier: MIT */
/* test_lifecycle.c: every transition of a program's state, with a clock made of numbers. */
#include "supervisor/core/clock.h"
#include "supervisor/workers/lifecycle.h"

#include "unit.h"

#define SEC NS_PER_SEC

/* Exit status 0 is expected; a second to start, three retries, ten seconds to stop. */
static struct process_config usual(void)
{
    return (struct process_config){

        .autorestart = AUTORESTART_UNEXPECTED,
        .startsecs = 1,
        .startretries = 3,
        .stopwaitsecs = 10,
        .exitcodes = { 1 },
    };
}

static struct life fresh(void)
{
    struct life life;
    life_init(&life);
    return life;
}

static struct life starting(uint64_t now_ns, const struct process_config *conf)
{
    struct life life = fresh();
    CU_ASSERT_EQUAL(life_step(&life, LIFE_START, now_ns, conf), LIFE_SPAWN);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_SPAWNED, now_ns, conf), LIFE_NOTHING);
    return life;
}

static struct life running(uint64_t now_ns, const struct process_config *conf)
{
    struct life life = starting(now_ns, conf);
    life.deadline_ns = now_ns;
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, now_ns, conf), LIFE_NOTHING);
    CU_ASSERT_EQUAL(life.state, PROCESS_RUNNING);
    return life;
}

static enum life_action end(struct life *life, int code, uint64_t now_ns,
                            const struct process_config *conf)
{
    life->ended_code = code;
    life->ended_ns = now_ns;
    return life_step(life, LIFE_ENDED, now_ns, conf);
}

/* ---- starting ---- */

static void a_fresh_program_is_stopped_and_waits_for_nothing(void)
{
    struct process_config conf = usual();
    struct life life = fresh();
    CU_ASSERT_EQUAL(life.state, PROCESS_STOPPED);
    CU_ASSERT_EQUAL(life.deadline_ns, NS_NEVER);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 1000 * SEC, &conf), LIFE_NOTHING);
    CU_ASSERT_EQUAL(life.state, PROCESS_STOPPED);
}

static void a_start_is_STARTING_before_anything_is_spawned(void)
{
    struct process_config conf = usual();
    struct life life = fresh();
    CU_ASSERT_EQUAL(life_step(&life, LIFE_START, SEC, &conf), LIFE_SPAWN);
    CU_ASSERT_EQUAL(life.state, PROCESS_STARTING);
    CU_ASSERT_TRUE(life.asked);
    CU_ASSERT_FALSE(life.has_child);
    CU_ASSERT_EQUAL(life.tries, 0);
}

static void RUNNING_comes_after_startsecs_and_not_before(void)
{
    struct process_config conf = usual();
    struct life life = starting(5 * SEC, &conf);
    CU_ASSERT_EQUAL(life.deadline_ns, 6 * SEC);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 6 * SEC - 1, &conf), LIFE_NOTHING);
    CU_ASSERT_EQUAL(life.state, PROCESS_STARTING);
    (void)life_step(&life, LIFE_TICK, 6 * SEC, &conf);
    CU_ASSERT_EQUAL(life.state, PROCESS_RUNNING);
    CU_ASSERT_EQUAL(life.note, LIFE_NOTE_SUCCESS);
    CU_ASSERT_EQUAL(life.deadline_ns, NS_NEVER);
}

static void with_startsecs_0_it_is_RUNNING_at_once(void)
{
    struct process_config conf = usual();
    conf.startsecs = 0;
    struct life life = starting(5 * SEC, &conf);
    CU_ASSERT_EQUAL(life.deadline_ns, 5 * SEC);
    (void)life_step(&life, LIFE_TICK, 5 * SEC, &conf);
    CU_ASSERT_EQUAL(life.state, PROCESS_RUNNING);
}

static void with_startsecs_0_an_end_is_never_BACKOFF(void)
{
    struct process_config conf = usual();
    conf.startsecs = 0;
    struct life life = starting(5 * SEC, &conf);
    CU_ASSERT_EQUAL(end(&life, 4, 5 * SEC, &conf), LIFE_AGAIN);
    CU_ASSERT_EQUAL(life.state, PROCESS_RUNNING);
    CU_ASSERT_EQUAL(life.note, LIFE_NOTE_NONE); /* no success line */
    CU_ASSERT_EQUAL(end(&life, 4, 5 * SEC, &conf), LIFE_NOTHING);
    CU_ASSERT_EQUAL(life.state, PROCESS_EXITED);
    CU_ASSERT_EQUAL(life.note, LIFE_NOTE_EXITED);
}

static void a_start_is_refused_while_it_lives_or_retries(void)
{
    struct process_config conf = usual();
    struct life life = running(0, &conf);
    const enum process_state refusing[] = { PROCESS_STARTING, PROCESS_RUNNING, PROCESS_BACKOFF,
                                            PROCESS_STOPPING, PROCESS_UNKNOWN };
    for (unsigned i = 0; i < sizeof(refusing) / sizeof(refusing[0]); i++) {
        life.state = refusing[i];
        CU_ASSERT_EQUAL(life_step(&life, LIFE_START, SEC, &conf), LIFE_REFUSE);
        CU_ASSERT_EQUAL(life.state, refusing[i]);
    }
}

static void a_start_works_from_every_state_of_rest(void)
{
    struct process_config conf = usual();
    const enum process_state resting[] = { PROCESS_STOPPED, PROCESS_EXITED, PROCESS_FATAL };
    for (unsigned i = 0; i < sizeof(resting) / sizeof(resting[0]); i++) {
        struct life life = fresh();
        life.state = resting[i];
        CU_ASSERT_EQUAL(life_step(&life, LIFE_START, SEC, &conf), LIFE_SPAWN);
        CU_ASSERT_EQUAL(life.state, PROCESS_STARTING);
    }
}

/* ---- failing to start ---- */

static void an_end_before_startsecs_is_BACKOFF_even_with_status_0(void)
{
    struct process_config conf = usual();
    struct life life = starting(0, &conf);
    CU_ASSERT_EQUAL(end(&life, 0, SEC - 1, &conf), LIFE_NOTHING);
    CU_ASSERT_EQUAL(life.state, PROCESS_BACKOFF);
    CU_ASSERT_EQUAL(life.note, LIFE_NOTE_TOO_QUICK);
    CU_ASSERT_EQUAL(life.tries, 1);
    CU_ASSERT_FALSE(life.has_child);
}

static void an_end_that_is_seen_late_is_judged_by_when_it_was(void)
{
    struct process_config conf = usual();
    struct life life = starting(0, &conf);
    life.ended_code = 0;
    life.ended_ns = SEC - 1;
    (void)life_step(&life, LIFE_ENDED, 30 * SEC, &conf);
    CU_ASSERT_EQUAL(life.state, PROCESS_BACKOFF);
}

static void each_pause_is_a_second_longer_then_FATAL(void)
{
    struct process_config conf = usual();
    uint64_t now_ns = 100 * SEC;
    struct life life = starting(now_ns, &conf);
    for (unsigned tries = 1; tries <= 3; tries++) {
        (void)end(&life, 1, now_ns, &conf);
        CU_ASSERT_EQUAL(life.state, PROCESS_BACKOFF);
        CU_ASSERT_EQUAL(life.tries, tries);
        CU_ASSERT_EQUAL(life.deadline_ns, now_ns + tries * SEC);
        CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, life.deadline_ns - 1, &conf), LIFE_NOTHING);
        now_ns = life.deadline_ns;
        CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, now_ns, &conf), LIFE_SPAWN);
        CU_ASSERT_EQUAL(life.state, PROCESS_STARTING);
        CU_ASSERT_FALSE(life.asked);
        (void)life_step(&life, LIFE_SPAWNED, now_ns, &conf);
    }
    (void)end(&life, 1, now_ns, &conf);
    CU_ASSERT_EQUAL(life.tries, 4); /* as the event tells it */
    CU_ASSERT_EQUAL(life.deadline_ns, now_ns);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, now_ns, &conf), LIFE_NOTHING);
    CU_ASSERT_EQUAL(life.state, PROCESS_FATAL);
    CU_ASSERT_EQUAL(life.note, LIFE_NOTE_GAVE_UP);
    CU_ASSERT_EQUAL(life.tries, 0);
    CU_ASSERT_EQUAL(life.deadline_ns, NS_NEVER);
}

static void a_spawn_that_fails_counts_like_a_quick_end(void)
{
    struct process_config conf = usual();
    conf.startretries = 0;
    struct life life = fresh();
    (void)life_step(&life, LIFE_START, 0, &conf);
    (void)life_step(&life, LIFE_SPAWN_FAILED, 0, &conf);
    CU_ASSERT_EQUAL(life.state, PROCESS_BACKOFF);
    CU_ASSERT_EQUAL(life.note, LIFE_NOTE_NONE);
    (void)life_step(&life, LIFE_TICK, 0, &conf);
    CU_ASSERT_EQUAL(life.state, PROCESS_FATAL);
}

static void a_manual_start_has_all_its_retries_again(void)
{
    struct process_config conf = usual();
    struct life life = starting(0, &conf);
    (void)end(&life, 1, 0, &conf);
    (void)life_step(&life, LIFE_STOP, 0, &conf);
    CU_ASSERT_EQUAL(life.state, PROCESS_STOPPED);
    (void)life_step(&life, LIFE_START, SEC, &conf);
    CU_ASSERT_EQUAL(life.tries, 0);
    (void)life_step(&life, LIFE_SPAWN_FAILED, SEC, &conf);
    CU_ASSERT_EQUAL(life.deadline_ns, 2 * SEC);
}

/* ---- ending by itself ---- */

static void an_expected_end_stays_EXITED(void)
{
    struct process_config conf = usual();
    struct life life = running(0, &conf);
    (void)end(&life, 0, 5 * SEC, &conf);
    CU_ASSERT_EQUAL(life.state, PROCESS_EXITED);
    CU_ASSERT_EQUAL(life.deadline_ns, NS_NEVER);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 9 * SEC, &conf), LIFE_NOTHING);
}

static void an_unexpected_end_is_restarted_at_once(void)
{
    struct process_config conf = usual();
    const int codes[] = { 1, 127, 255, -1 };
    for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct life life = running(0, &conf);
        (void)end(&life, codes[i], 5 * SEC, &conf);
        CU_ASSERT_EQUAL(life.state, PROCESS_EXITED);
        CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 5 * SEC, &conf), LIFE_SPAWN);
        CU_ASSERT_EQUAL(life.state, PROCESS_STARTING);
        CU_ASSERT_FALSE(life.asked);
    }
}

static void autorestart_true_restarts_whatever_the_status(void)
{
    struct process_config conf = usual();
    conf.autorestart = AUTORESTART_ALWAYS;
    struct life life = running(0, &conf);
    (void)end(&life, 0, 5 * SEC, &conf);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 5 * SEC, &conf), LIFE_SPAWN);
}

static void autorestart_false_never_restarts(void)
{
    struct process_config conf = usual();
    conf.autorestart = AUTORESTART_NEVER;
    struct life life = running(0, &conf);
    (void)end(&life, 3, 5 * SEC, &conf);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 5 * SEC, &conf), LIFE_NOTHING);
    CU_ASSERT_EQUAL(life.state, PROCESS_EXITED);
}

static void a_stop_calls_off_a_restart_that_is_due(void)
{
    struct process_config conf = usual();
    struct life life = running(0, &conf);
    (void)end(&life, 3, 5 * SEC, &conf);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_STOP, 5 * SEC, &conf), LIFE_REFUSE);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 6 * SEC, &conf), LIFE_NOTHING);
    CU_ASSERT_EQUAL(life.state, PROCESS_EXITED);
}

/* ---- being stopped ---- */

static void a_stop_sends_the_signal_and_SIGKILL_after_stopwaitsecs_again_and_again(void)
{
    struct process_config conf = usual();
    struct life life = running(0, &conf);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_STOP, 5 * SEC, &conf), LIFE_SIGNAL_STOP);
    CU_ASSERT_EQUAL(life.state, PROCESS_STOPPING);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 15 * SEC - 1, &conf), LIFE_NOTHING);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 15 * SEC, &conf), LIFE_SIGNAL_KILL);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 25 * SEC - 1, &conf), LIFE_NOTHING);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 25 * SEC, &conf), LIFE_SIGNAL_KILL);
    CU_ASSERT_EQUAL(life.state, PROCESS_STOPPING);
}

static void stopwaitsecs_0_kills_at_once_and_then_every_second(void)
{
    struct process_config conf = usual();
    conf.stopwaitsecs = 0;
    struct life life = running(0, &conf);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_STOP, 5 * SEC, &conf), LIFE_SIGNAL_STOP);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 5 * SEC, &conf), LIFE_SIGNAL_KILL);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 5 * SEC + 1, &conf), LIFE_NOTHING);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 6 * SEC, &conf), LIFE_SIGNAL_KILL);
}

static void an_end_while_stopping_is_STOPPED_whatever_the_status(void)
{
    struct process_config conf = usual();
    conf.autorestart = AUTORESTART_ALWAYS;
    const int codes[] = { 0, 5, -1 };
    for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct life life = starting(0, &conf);
        (void)life_step(&life, LIFE_STOP, 1, &conf);
        CU_ASSERT_EQUAL(end(&life, codes[i], 2, &conf), LIFE_NOTHING);
        CU_ASSERT_EQUAL(life.state, PROCESS_STOPPED);
        CU_ASSERT_EQUAL(life.note, LIFE_NOTE_STOPPED);
        CU_ASSERT_EQUAL(life.deadline_ns, NS_NEVER);
        CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 99 * SEC, &conf), LIFE_NOTHING);
    }
}

static void a_stop_in_BACKOFF_is_STOPPED_without_a_signal(void)
{
    struct process_config conf = usual();
    struct life life = starting(0, &conf);
    (void)end(&life, 1, 0, &conf);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_STOP, 0, &conf), LIFE_NOTHING);
    CU_ASSERT_EQUAL(life.state, PROCESS_STOPPED);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 99 * SEC, &conf), LIFE_NOTHING);
}

static void a_stop_is_refused_where_there_is_nothing_to_stop(void)
{
    struct process_config conf = usual();
    const enum process_state states[] = { PROCESS_STOPPED, PROCESS_STOPPING, PROCESS_EXITED,
                                          PROCESS_FATAL, PROCESS_UNKNOWN };
    for (unsigned i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        struct life life = fresh();
        life.state = states[i];
        CU_ASSERT_EQUAL(life_step(&life, LIFE_STOP, SEC, &conf), LIFE_REFUSE);
        CU_ASSERT_EQUAL(life.state, states[i]);
    }
}

/* ---- UNKNOWN ---- */

static void a_signal_that_cannot_be_sent_makes_it_UNKNOWN_without_a_deadline(void)
{
    struct process_config conf = usual();
    struct life life = running(0, &conf);
    (void)life_step(&life, LIFE_STOP, SEC, &conf);
    (void)life_step(&life, LIFE_KILL_FAILED, SEC, &conf);
    CU_ASSERT_EQUAL(life.state, PROCESS_UNKNOWN);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 99 * SEC, &conf), LIFE_NOTHING);
}

static void an_end_in_UNKNOWN_is_an_end_like_any_other(void)
{
    struct process_config conf = usual();
    struct life stopped = running(0, &conf);
    (void)life_step(&stopped, LIFE_STOP, SEC, &conf);
    (void)life_step(&stopped, LIFE_KILL_FAILED, SEC, &conf);
    (void)end(&stopped, 0, 2 * SEC, &conf);
    CU_ASSERT_EQUAL(stopped.state, PROCESS_STOPPED);

    struct life signalled = running(0, &conf);
    (void)life_step(&signalled, LIFE_KILL_FAILED, SEC, &conf);
    (void)end(&signalled, 0, 2 * SEC, &conf);
    CU_ASSERT_EQUAL(signalled.state, PROCESS_EXITED);
}

/* ---- the daemon's end ---- */

static void while_draining_nothing_is_started(void)
{
    struct process_config conf = usual();
    struct life life = running(0, &conf);
    (void)life_step(&life, LIFE_DRAIN, SEC, &conf);
    (void)end(&life, 3, 5 * SEC, &conf); /* would be restarted */
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 5 * SEC, &conf), LIFE_NOTHING);
    CU_ASSERT_EQUAL(life.state, PROCESS_EXITED);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_START, 6 * SEC, &conf), LIFE_REFUSE);
}

static void while_draining_BACKOFF_waits_and_a_stop_makes_it_FATAL_without_a_word(void)
{
    struct process_config conf = usual();
    struct life life = starting(0, &conf);
    (void)end(&life, 1, 0, &conf);
    (void)life_step(&life, LIFE_DRAIN, 0, &conf);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 99 * SEC, &conf), LIFE_NOTHING);
    CU_ASSERT_EQUAL(life.state, PROCESS_BACKOFF);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_STOP, 99 * SEC, &conf), LIFE_NOTHING);
    CU_ASSERT_EQUAL(life.state, PROCESS_FATAL);
    CU_ASSERT_EQUAL(life.note, LIFE_NOTE_NONE);
}

static void while_draining_other_transitions_go_on(void)
{
    struct process_config conf = usual();
    struct life life = starting(0, &conf);
    (void)life_step(&life, LIFE_DRAIN, 0, &conf);
    (void)life_step(&life, LIFE_TICK, SEC, &conf);
    CU_ASSERT_EQUAL(life.state, PROCESS_RUNNING);

    struct life stubborn = running(0, &conf);
    (void)life_step(&stubborn, LIFE_DRAIN, 0, &conf);
    (void)life_step(&stubborn, LIFE_STOP, 0, &conf);
    CU_ASSERT_EQUAL(life_step(&stubborn, LIFE_TICK, 10 * SEC, &conf), LIFE_SIGNAL_KILL);

    conf.startretries = 0;
    struct life failing = starting(0, &conf);
    (void)life_step(&failing, LIFE_DRAIN, 0, &conf);
    (void)end(&failing, 1, 0, &conf);
    (void)life_step(&failing, LIFE_TICK, 0, &conf);
    CU_ASSERT_EQUAL(failing.state, PROCESS_FATAL);
    CU_ASSERT_EQUAL(failing.note, LIFE_NOTE_GAVE_UP);
}

/* ---- restart pacing ---- */

static void backoff_grows_by_its_factor_up_to_its_cap(void)
{
    struct process_config conf = usual();
    conf.startretries = STARTRETRIES_INFINITE;
    conf.backoff_factor = 2;
    conf.backoff_max = 10;
    struct life life = fresh();
    (void)life_step(&life, LIFE_START, 0, &conf);
    static const uint64_t pauses[] = { 1, 2, 4, 8, 10, 10, 10 };
    uint64_t now_ns = 0;
    for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
        (void)life_step(&life, LIFE_SPAWN_FAILED, now_ns, &conf);
        CU_ASSERT_EQUAL(life.deadline_ns, now_ns + pauses[i] * SEC);
        now_ns = life.deadline_ns;
        CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, now_ns, &conf), LIFE_SPAWN);
    }
}

static void a_backoff_without_cap_or_end_does_not_overflow(void)
{
    struct process_config conf = usual();
    conf.startretries = STARTRETRIES_INFINITE;
    conf.backoff_factor = 1000;
    struct life life = fresh();
    (void)life_step(&life, LIFE_START, 0, &conf);
    life.tries = 4000000;
    (void)life_step(&life, LIFE_SPAWN_FAILED, SEC, &conf);
    CU_ASSERT_EQUAL(life.state, PROCESS_BACKOFF);
    CU_ASSERT_TRUE(life.deadline_ns > 1000000 * SEC && life.deadline_ns != NS_NEVER);
}

static void jitter_varies_the_pause_within_its_percents(void)
{
    struct process_config conf = usual();
    conf.startretries = STARTRETRIES_INFINITE;
    conf.backoff_jitter = 20;
    const uint32_t dice[] = { 0, UINT32_MAX / 2, UINT32_MAX };
    const uint64_t least_ms[] = { 800, 999, 1199 }, most_ms[] = { 801, 1001, 1201 };
    for (int i = 0; i < 3; i++) {
        struct life life = fresh();
        (void)life_step(&life, LIFE_START, 0, &conf);
        life.random = dice[i];
        (void)life_step(&life, LIFE_SPAWN_FAILED, 0, &conf);
        CU_ASSERT_TRUE(life.deadline_ns >= least_ms[i] * NS_PER_MS);
        CU_ASSERT_TRUE(life.deadline_ns <= most_ms[i] * NS_PER_MS);
    }
}

static void restartpause_delays_every_restart_by_ourselves_and_no_start_by_hand(void)
{
    struct process_config conf = usual();
    conf.restartpause = 5;
    struct life life = running(0, &conf);
    (void)end(&life, 1, 10 * SEC, &conf);
    CU_ASSERT_EQUAL(life.deadline_ns, 15 * SEC);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_START, 11 * SEC, &conf), LIFE_SPAWN);
    (void)life_step(&life, LIFE_SPAWN_FAILED, 11 * SEC, &conf);
    CU_ASSERT_EQUAL(life.deadline_ns, 16 * SEC); /* longer than the first backoff */
}

static void more_restarts_than_restart_limit_end_in_FATAL(void)
{
    struct process_config conf = usual();
    conf.restart_limit = 2;
    conf.restart_limit_secs = 60;
    struct life life = running(0, &conf);
    for (uint64_t i = 1; i <= 2; i++) {
        (void)end(&life, 1, i * 10 * SEC, &conf);
        CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, i * 10 * SEC, &conf), LIFE_SPAWN);
        (void)life_step(&life, LIFE_SPAWNED, i * 10 * SEC, &conf);
        (void)life_step(&life, LIFE_TICK, i * 10 * SEC + SEC, &conf);
    }
    (void)end(&life, 1, 69 * SEC, &conf);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 69 * SEC, &conf), LIFE_NOTHING);
    CU_ASSERT_EQUAL(life.state, PROCESS_FATAL);
    CU_ASSERT_EQUAL(life.note, LIFE_NOTE_LIMIT);
}

static void restarts_that_are_far_apart_do_not_reach_restart_limit(void)
{
    struct process_config conf = usual();
    conf.restart_limit = 1;
    conf.restart_limit_secs = 60;
    struct life life = running(0, &conf);
    for (uint64_t i = 1; i <= 5; i++) {
        (void)end(&life, 1, i * 60 * SEC, &conf);
        CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, i * 60 * SEC, &conf), LIFE_SPAWN);
        (void)life_step(&life, LIFE_SPAWNED, i * 60 * SEC, &conf);
        (void)life_step(&life, LIFE_TICK, i * 60 * SEC + SEC, &conf);
        CU_ASSERT_EQUAL(life.state, PROCESS_RUNNING);
    }
}

static void fatal_retry_secs_leaves_FATAL_by_itself_unless_stopped(void)
{
    struct process_config conf = usual();
    conf.startretries = 0;
    conf.fatal_retry_secs = 300;
    struct life life = starting(0, &conf);
    (void)end(&life, 1, 0, &conf);
    (void)life_step(&life, LIFE_TICK, 0, &conf);
    CU_ASSERT_EQUAL(life.state, PROCESS_FATAL);
    CU_ASSERT_EQUAL(life.deadline_ns, 300 * SEC);
    struct life stopped = life;
    (void)life_step(&stopped, LIFE_STOP, SEC, &conf);
    CU_ASSERT_EQUAL(life_step(&stopped, LIFE_TICK, 300 * SEC, &conf), LIFE_NOTHING);
    CU_ASSERT_EQUAL(life_step(&life, LIFE_TICK, 300 * SEC, &conf), LIFE_SPAWN);
    CU_ASSERT_FALSE(life.asked);
}

static void huge_times_do_not_wrap_around(void)
{
    struct process_config conf = usual();
    conf.startsecs = INT64_MAX;
    conf.stopwaitsecs = INT64_MAX;
    struct life life = starting(5 * SEC, &conf);
    CU_ASSERT_EQUAL(life.deadline_ns, NS_NEVER);
    (void)life_step(&life, LIFE_STOP, 6 * SEC, &conf);
    CU_ASSERT_EQUAL(life.deadline_ns, NS_NEVER);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_fresh_program_is_stopped_and_waits_for_nothing),
        UNIT_TEST(a_start_is_STARTING_before_anything_is_spawned),
        UNIT_TEST(RUNNING_comes_after_startsecs_and_not_before),
        UNIT_TEST(with_startsecs_0_it_is_RUNNING_at_once),
        UNIT_TEST(with_startsecs_0_an_end_is_never_BACKOFF),
        UNIT_TEST(a_start_is_refused_while_it_lives_or_retries),
        UNIT_TEST(a_start_works_from_every_state_of_rest),
        UNIT_TEST(an_end_before_startsecs_is_BACKOFF_even_with_status_0),
        UNIT_TEST(an_end_that_is_seen_late_is_judged_by_when_it_was),
        UNIT_TEST(each_pause_is_a_second_longer_then_FATAL),
        UNIT_TEST(a_spawn_that_fails_counts_like_a_quick_end),
        UNIT_TEST(a_manual_start_has_all_its_retries_again),
        UNIT_TEST(an_expected_end_stays_EXITED),
        UNIT_TEST(an_unexpected_end_is_restarted_at_once),
        UNIT_TEST(autorestart_true_restarts_whatever_the_status),
        UNIT_TEST(autorestart_false_never_restarts),
        UNIT_TEST(a_stop_calls_off_a_restart_that_is_due),
        UNIT_TEST(a_stop_sends_the_signal_and_SIGKILL_after_stopwaitsecs_again_and_again),
        UNIT_TEST(stopwaitsecs_0_kills_at_once_and_then_every_second),
        UNIT_TEST(an_end_while_stopping_is_STOPPED_whatever_the_status),
        UNIT_TEST(a_stop_in_BACKOFF_is_STOPPED_without_a_signal),
        UNIT_TEST(a_stop_is_refused_where_there_is_nothing_to_stop),
        UNIT_TEST(a_signal_that_cannot_be_sent_makes_it_UNKNOWN_without_a_deadline),
        UNIT_TEST(an_end_in_UNKNOWN_is_an_end_like_any_other),
        UNIT_TEST(while_draining_nothing_is_started),
        UNIT_TEST(while_draining_BACKOFF_waits_and_a_stop_makes_it_FATAL_without_a_word),
        UNIT_TEST(while_draining_other_transitions_go_on),
        UNIT_TEST(backoff_grows_by_its_factor_up_to_its_cap),
        UNIT_TEST(a_backoff_without_cap_or_end_does_not_overflow),
        UNIT_TEST(jitter_varies_the_pause_within_its_percents),
        UNIT_TEST(restartpause_delays_every_restart_by_ourselves_and_no_start_by_hand),
        UNIT_TEST(more_restarts_than_restart_limit_end_in_FATAL),
        UNIT_TEST(restarts_that_are_far_apart_do_not_reach_restart_limit),
        UNIT_TEST(fatal_retry_secs_leaves_FATAL_by_itself_unless_stopped),
        UNIT_TEST(huge_times_do_not_wrap_around),
    };
    return UNIT_RUN("lifecycle", tests);
}
