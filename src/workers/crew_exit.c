/* SPDX-License-Identifier: MIT */
/* crew_exit.c: ends the daemon with a program: exit_on, exit_when_idle; and with which status.
 *
 * For containers, where the daemon's exit status is all that is seen from outside.
 */
#include "crew_priv.h"

#include "supervisor/core/clock.h"
#include "supervisor/core/log.h"

#include <stdlib.h>
#include <sys/wait.h>

enum {
    STATUS_FAILED = 1,        /* a program that is FATAL, though what ended had status 0 */
    STATUS_NOT_SPAWNED = 127, /* as a shell has it */
    STATUS_SIGNAL = 128,
};

static struct {
    bool decided; /* the daemon is ending because of a program */
    int status;
    bool idle_is_possible; /* something ended: look whether anything is left */
    int idle_status;       /* of the first program that ended with another status than 0 */
} leaving;

void crew_exit_reset(void)
{
    leaving.decided = false;
    leaving.status = leaving.idle_status = 0;
    leaving.idle_is_possible = false;
}

int crew_exit_status(void)
{
    return leaving.decided ? leaving.status : 0;
}

/* The status of the program's last run, as a shell would show it. */
static int status_of(const struct process_facts *facts)
{
    int status = STATUS_NOT_SPAWNED;
    if (facts->n_exits > 0) {
        int how = facts->exits[(facts->n_exits - 1) % PROCESS_EXITS_KEPT].status;
        status = WIFSIGNALED(how) ? STATUS_SIGNAL + WTERMSIG(how) : WEXITSTATUS(how);
    }
    return facts->state == PROCESS_FATAL && status == 0 ? STATUS_FAILED : status;
}

/* Is this end one for which exit_on wants the daemon's? */
static bool end_counts(const struct process_config *config, const struct process_exit *end)
{
    if (end->asked)
        return false;
    if (config->exit_on == EXIT_ON_EXIT)
        return true;
    /* What ended before startsecs is tried again first, and may become FATAL. */
    bool too_quick =
        config->startsecs > 0 && end->lived_ns / NS_PER_SEC < (uint64_t)config->startsecs;
    return config->exit_on == EXIT_ON_UNEXPECTED && !end->expected && !too_quick;
}

/* Several ends may have come since it was looked at last. */
static bool new_end_counts(struct process *p, const struct process_config *config,
                           const struct process_facts *facts)
{
    bool counts = false;
    unsigned first = p->exits_seen;
    if (facts->n_exits - first > PROCESS_EXITS_KEPT)
        first = facts->n_exits - PROCESS_EXITS_KEPT;
    for (unsigned i = first; i != facts->n_exits; i++)
        counts |= end_counts(config, &facts->exits[i % PROCESS_EXITS_KEPT]);
    p->exits_seen = facts->n_exits;
    return counts;
}

static void decide(int status)
{
    leaving.decided = true;
    leaving.status = status;
}

void crew_exit_look(struct process *p)
{
    struct process_facts facts;
    if (crew.mood != DAEMON_RUNNING || leaving.decided)
        return;
    const struct process_config *config = p->config;
    process_facts(p, &facts);
    bool counts = new_end_counts(p, config, &facts);
    bool fatal = facts.state == PROCESS_FATAL;
    if (config->exit_on != EXIT_ON_NOTHING && (counts || fatal)) {
        decide(status_of(&facts));
        log_warn("%s %s: shutting down with exit status %d (exit_on)", config->name,
                 fatal ? "is FATAL" : "has ended", leaving.status);
        return;
    }
    /* Who is stopped by hand may be about to be started again; who ends alone is done. */
    if ((fatal || facts.state == PROCESS_EXITED) && !facts.restart_due) {
        leaving.idle_is_possible = true;
        if (leaving.idle_status == 0)
            leaving.idle_status = status_of(&facts);
    }
}

static bool will_run(struct process *p)
{
    struct process_facts facts;
    process_facts(p, &facts);
    return facts.restart_due || process_is_busy(p);
}

/* Event listeners serve the others, and never end by themselves. */
static bool is_idle(void)
{
    for (size_t i = 0; i < process_table.n_groups; i++) {
        const struct group *group = process_table.groups[i];
        for (size_t j = 0; !group->pool && j < group->n_processes; j++) {
            if (will_run(group->processes[j]))
                return false;
        }
    }
    return true;
}

static void look_for_idleness(void)
{
    if (!leaving.idle_is_possible || !crew.config->exit_when_idle ||
        !sequence_is_drained(&crew.launches))
        return;
    leaving.idle_is_possible = false;
    if (!is_idle())
        return;
    decide(leaving.idle_status);
    log_warn("every program has ended: shutting down with exit status %d (exit_when_idle)",
             leaving.status);
}

void crew_exit_step(void)
{
    char *error = NULL;
    if (crew.mood != DAEMON_RUNNING)
        return;
    if (!leaving.decided)
        look_for_idleness();
    if (leaving.decided)
        (void)crew_shut_down(DAEMON_SHUTDOWN, &error); /* a shutdown is never refused */
    free(error);
}
