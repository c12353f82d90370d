/* SPDX-License-Identifier: MIT */
/* by_hand.h: configurations made in C, and a crew run by a real loop, for the unit tests of what
 * runs programs.
 */
#ifndef TEST_BY_HAND_H
#define TEST_BY_HAND_H

#include "supervisor/core/clock.h"
#include "supervisor/core/config.h"
#include "supervisor/core/loop.h"
#include "supervisor/core/process.h"
#include "supervisor/core/process_table.h"
#include "supervisor/core/reaper.h"
#include "supervisor/workers/crew.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* ---- configurations ---- */

static inline void by_hand_process(struct process_config *config, const char *name,
                                   const char *command)
{
    *config = (struct process_config){
        .name = strdup(name),
        .section = strdup("program:test"),
        .command = strdup(command),
        .umask = -1,
        .priority = 999,
        .autostart = true,
        .autorestart = AUTORESTART_UNEXPECTED,
        .startsecs = 1,
        .startretries = 3,
        .stopsignal = SIGTERM,
        .stopwaitsecs = 10,
        .exitcodes = { 1 },
        .nice = CONFIG_UNSET,
        .oom_score_adj = CONFIG_UNSET,
        .reloadsignal = SIGHUP,
    };
    for (int c = 0; c < CHANNELS; c++)
        config->channel[c].chmod = -1;
}

/* A group of n processes NAME_0 ... running command; n == 1: just NAME. */
static inline struct group_config *by_hand_group(const char *name, const char *command, size_t n)
{
    struct group_config *group = calloc(1, sizeof(*group));
    group->kind = GROUP_PROGRAM;
    group->name = strdup(name);
    group->section = strdup("program:test");
    group->priority = 999;
    group->processes = calloc(n, sizeof(*group->processes));
    group->n_processes = n;
    group->refs_ = 1;
    for (size_t i = 0; i < n; i++) {
        char text[64];
        (void)snprintf(text, sizeof(text), n == 1 ? "%s" : "%s_%zu", name, i);
        by_hand_process(&group->processes[i], text, command);
    }
    return group;
}

/* Takes the groups over. */
static inline struct config *by_hand_config(struct group_config **groups, size_t n)
{
    struct config *config = calloc(1, sizeof(*config));
    config->path = strdup("/nonexistent/by_hand.conf");
    config->identifier = strdup("supervisor");
    config->childlogdir = strdup("/tmp");
    config->groups = calloc(n + 1, sizeof(*config->groups));
    config->n_groups = n;
    for (size_t i = 0; i < n; i++)
        config->groups[i] = groups[i];
    return config;
}

/* ---- a running crew ---- */

struct by_hand {
    struct loop *loop;
    struct loop_fd *watch;
    struct loop_timer limit;
    int signal_fd;
    bool finished;
    bool timed_out;
    bool (*until)(void *arg);
    void *until_arg;
};

static inline void by_hand_signal(uint32_t events, void *arg)
{
    struct by_hand *hand = arg;
    struct signalfd_siginfo info;
    (void)events;
    while (read(hand->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        continue;
    (void)reaper_run();
}

static inline void by_hand_check(void *arg)
{
    struct by_hand *hand = arg;
    if (hand->until && hand->until(hand->until_arg))
        loop_stop(hand->loop);
}

static inline void by_hand_limit(void *arg)
{
    struct by_hand *hand = arg;
    hand->timed_out = true;
    loop_stop(hand->loop);
}

static inline void by_hand_finished(void *arg)
{
    ((struct by_hand *)arg)->finished = true;
    loop_stop(((struct by_hand *)arg)->loop);
}

/* Start a crew on config; false when that fails. */
static inline bool by_hand_start(struct by_hand *hand, struct config *config)
{
    sigset_t all;
    char *error = NULL;
    *hand = (struct by_hand){ 0 };
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, NULL);
    sigset_t child;
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    hand->signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (hand->signal_fd < 0 || loop_new(&hand->loop) < 0)
        return false;
    loop_timer_init(&hand->limit, by_hand_limit, hand);
    if (loop_watch(hand->loop, hand->signal_fd, EPOLLIN, by_hand_signal, hand, &hand->watch) < 0)
        return false;
    if (crew_init(hand->loop, config, NULL, by_hand_finished, hand) < 0 ||
        loop_on_prepare(hand->loop, by_hand_check, hand) < 0 || crew_add_all(&error) < 0) {
        fprintf(stderr, "crew: %s\n", error ? error : "?");
        free(error);
        return false;
    }
    crew_start_all();
    return true;
}

/* Run the loop until the condition holds. false: it did not within so many milliseconds. */
static inline bool by_hand_until(struct by_hand *hand, bool (*condition)(void *arg), void *arg,
                                 unsigned within_ms)
{
    hand->until = condition;
    hand->until_arg = arg;
    hand->timed_out = false;
    (void)loop_timer_set(hand->loop, &hand->limit, clock_now_ns() + within_ms * NS_PER_MS);
    (void)loop_run(hand->loop);
    loop_timer_cancel(hand->loop, &hand->limit);
    hand->until = NULL;
    return !hand->timed_out;
}

/* Shut down and free everything; false when it took longer than within_ms. */
static inline bool by_hand_end(struct by_hand *hand, unsigned within_ms)
{
    char *error = NULL;
    bool ok = crew_shut_down(DAEMON_SHUTDOWN, &error);
    ok = ok && by_hand_until(hand, NULL, NULL, within_ms) && hand->finished;
    if (ok)
        crew_free();
    loop_unwatch(hand->loop, hand->watch);
    loop_free(hand->loop);
    (void)close(hand->signal_fd);
    return ok;
}

/* ---- conditions ---- */

struct by_hand_states {
    enum process_state state;
    size_t n; /* so many processes, at least, are in it */
};

static inline size_t by_hand_count(enum process_state state)
{
    size_t n, found = 0;
    struct process **all = process_table_sorted(&n);
    for (size_t i = 0; i < n; i++)
        found += process_state(all[i]) == state;
    return found;
}

static inline bool by_hand_in_state(void *arg)
{
    const struct by_hand_states *wanted = arg;
    return by_hand_count(wanted->state) >= wanted->n;
}

#endif
