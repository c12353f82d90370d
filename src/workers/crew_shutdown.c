/* SPDX-License-Identifier: MIT */
/* crew_ending.c: the ordered end: groups in descending priority, one after the other. */
#include "crew_priv.h"

#include "supervisor/core/buf.h"
#include "supervisor/core/clock.h"
#include "supervisor/core/event.h"
#include "supervisor/core/log.h"
#include "supervisor/workers/listener_protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WAITING_EVERY_NS (3 * NS_PER_SEC)

/* Listeners that are ready get what was published before they are stopped themselves. */
#define LISTENER_GRACE_MIN_NS (20 * NS_PER_MS)
#define LISTENER_GRACE_MAX_NS NS_PER_SEC

static struct {
    bool running;
    bool quitting;         /* all programs have stopped, the workers are ending */
    bool done;             /* finished() is due */
    struct group **groups; /* ascending; the last is next */
    size_t left;
    bool stopping;     /* the stops of groups[left - 1] are on their way */
    uint64_t grace_ns; /* when its listeners' grace began, 0: not yet */
    struct sequence stops;
    struct loop_timer waiting;
    struct loop_timer grace;
    struct loop_timer finish;
} ending;

/* ---- "waiting for A, B to die" ---- */

static void name_those_alive(void)
{
    struct buf names = BUF_INIT;
    for (size_t i = 0; i < process_table.n_groups; i++) {
        const struct group *group = process_table.groups[i];
        for (size_t j = 0; j < group->n_processes; j++) {
            if (process_state_is_stopped(process_state(group->processes[j])))
                continue;
            if (names.len > 0)
                buf_puts(&names, ", ");
            buf_puts(&names, group->processes[j]->config->name);
        }
    }
    if (names.len > 0)
        log_info("waiting for %s to die", buf_text(&names));
    buf_free(&names);
}

static void blat_states(void)
{
    if (!log_wants(LOG_LEVEL_BLAT))
        return;
    for (size_t i = 0; i < process_table.n_groups; i++) {
        const struct group *group = process_table.groups[i];
        for (size_t j = 0; j < group->n_processes; j++)
            log_blat("%s state: %s", group->processes[j]->config->name,
                     process_state_name(process_state(group->processes[j])));
    }
}

static void say_waiting(void *arg)
{
    (void)arg;
    name_those_alive();
    blat_states();
    (void)loop_timer_set(crew.loop, &ending.waiting, clock_now_ns() + WAITING_EVERY_NS);
}

/* ---- the walk ---- */

/* Could a listener of the group still take an event, or is one at it? */
static bool listeners_are_listening(const struct group *group)
{
    struct event_pool_stats stats;
    event_pool_stats(group->pool, &stats);
    for (size_t i = 0; i < group->n_processes; i++) {
        struct process *p = group->processes[i];
        int state = atomic_load(&p->listener_state);
        if (process_state(p) != PROCESS_RUNNING)
            continue;
        if (state == LISTENER_BUSY || (state == LISTENER_READY && stats.queued > 0))
            return true;
    }
    return false;
}

static void grace_over(void *arg)
{
    (void)arg;
    crew_shutdown_step();
}

/* true: the group is to be left alone for a moment yet. */
static bool grants_grace(const struct group *group)
{
    uint64_t now_ns = clock_now_ns();
    if (!group->pool || crew_group_is_stopped(group))
        return false;
    if (ending.grace_ns == 0)
        ending.grace_ns = now_ns;
    uint64_t waited_ns = now_ns - ending.grace_ns;
    bool over = waited_ns >= LISTENER_GRACE_MAX_NS ||
                (waited_ns >= LISTENER_GRACE_MIN_NS && !listeners_are_listening(group));
    if (over)
        return false;
    return loop_timer_set(crew.loop, &ending.grace, now_ns + LISTENER_GRACE_MIN_NS) == 0;
}

static void stop_group(const struct group *group)
{
    struct process **list = crew_group_by_priority(group);
    if (!list)
        log_crit("no memory for the order in which to stop '%s'", group->config->name);
    for (size_t i = group->n_processes; i > 0; i--)
        sequence_add(&ending.stops, list ? list[i - 1] : group->processes[i - 1]);
    free(list);
    ending.stopping = true;
    sequence_run(&ending.stops);
}

/* Is groups[left - 1] done? If it was not asked yet, ask it. */
static bool stop_last_group(void)
{
    const struct group *group = ending.groups[ending.left - 1];
    if (!ending.stopping) {
        if (grants_grace(group))
            return false;
        stop_group(group); /* also one at rest: a start may be on its way to it */
    }
    return sequence_is_drained(&ending.stops) && crew_group_is_stopped(group);
}

static void call_finished(void *arg)
{
    (void)arg;
    crew.finished(crew.finished_arg);
}

static void end_workers(void)
{
    ending.quitting = true;
    loop_timer_cancel(crew.loop, &ending.waiting);
    loop_timer_cancel(crew.loop, &ending.grace);
    while (process_table.n_groups > 0)
        crew_group_remove(process_table.groups[process_table.n_groups - 1], false);
}

static void walk(void)
{
    while (ending.left > 0 && stop_last_group()) {
        ending.left--;
        ending.stopping = false;
        ending.grace_ns = 0;
    }
    if (ending.left == 0)
        end_workers();
}

void crew_shutdown_step(void)
{
    static bool stepping; /* what a step does may call for a step: it comes to it anyway */
    if (!ending.running || stepping)
        return;
    stepping = true;
    if (!ending.quitting)
        walk();
    if (ending.quitting && crew.workers == 0 && !ending.done) {
        ending.done = true;
        (void)loop_timer_set(crew.loop, &ending.finish, 0); /* from the loop, on a clean stack */
    }
    stepping = false;
}

void crew_shutdown_reset(void)
{
    sequence_clear(&ending.stops);
    loop_timer_cancel(crew.loop, &ending.waiting);
    loop_timer_cancel(crew.loop, &ending.grace);
    loop_timer_cancel(crew.loop, &ending.finish);
    free(ending.groups);
    memset(&ending, 0, sizeof(ending));
    sequence_init(&ending.stops, REQUEST_STOP, crew_shutdown_step);
    loop_timer_init(&ending.waiting, say_waiting, NULL);
    loop_timer_init(&ending.grace, grace_over, NULL);
    loop_timer_init(&ending.finish, call_finished, NULL);
}

static void drain_everything(void)
{
    for (size_t i = 0; i < process_table.n_groups; i++) {
        const struct group *group = process_table.groups[i];
        for (size_t j = 0; j < group->n_processes; j++)
            (void)process_post_simple(group->processes[j], REQUEST_DRAIN); /* the stop comes too */
    }
}

static void begin(void)
{
    size_t n = 0;
    ending.running = true;
    ending.groups = process_table_by_priority(&n);
    ending.left = ending.groups ? n : 0;
    if (!ending.groups)
        log_crit("no memory for an ordered shutdown: stopping everything at once");
    bus_publish(EVENT_SUPERVISOR_STATE_CHANGE_STOPPING, "", 0);
    sequence_clear(&crew.launches);
    drain_everything();
    crew_shutdown_step();
    if (!ending.quitting)
        say_waiting(NULL);
}

/* A restart with a file that does not parse would be an outage: look before anything stops. */
static bool config_is_good(char **ret_error)
{
    struct config *config = NULL;
    if (config_load(crew.config->path, crew.overrides, &config, ret_error) < 0)
        return false;
    config_free(config);
    return true;
}

bool crew_shut_down(enum daemon_mood mood, char **ret_error)
{
    *ret_error = NULL;
    if (mood == DAEMON_RESTARTING) {
        if (crew.mood == DAEMON_SHUTDOWN)
            return false;
        if (crew.mood == DAEMON_RUNNING && !config_is_good(ret_error))
            return false;
    }
    bool first = crew.mood == DAEMON_RUNNING;
    crew.mood = mood;
    if (first)
        begin();
    crew_tell(NULL);
    return true;
}
