/* SPDX-License-Identifier: MIT */
/* crew.c: the active groups as a whole, and who is told of their changes. */
#include "supervisor/workers/crew.h"

#include "supervisor/core/event.h"
#include "supervisor/core/log.h"
#include "supervisor/workers/stream.h"

#include "crew_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct crew crew;

static struct {
    void (*changed)(struct process *p, void *arg);
    void *arg;
} observers[CREW_OBSERVERS_MAX];
static unsigned n_observers;

int crew_observe(void (*changed)(struct process *p, void *arg), void *arg)
{
    if (n_observers == CREW_OBSERVERS_MAX)
        return -ENOSPC;
    observers[n_observers].changed = changed;
    observers[n_observers++].arg = arg;
    return 0;
}

void crew_tell(struct process *p)
{
    for (unsigned i = 0; i < n_observers; i++)
        observers[i].changed(p, observers[i].arg);
}

/* ---- the loop ---- */

static void process_changed(struct process *p, void *arg)
{
    (void)arg;
    crew_exit_look(p);
    crew_tell(p);
}

static void prepare(void *arg)
{
    (void)arg;
    notice_dispatch(process_changed, NULL);
    crew_exit_step();
    crew_update_step();
    crew_shutdown_step();
}

static void wake_loop(void *arg)
{
    loop_wake(arg);
}

static int join_loop(struct loop *loop)
{
    notice_set_loop(wake_loop, loop);
    return loop_on_prepare(loop, prepare, NULL); /* for good: a restart finds itself called */
}

/* ---- beginning and end ---- */

int crew_init(struct loop *loop, struct config *config, const struct config_overrides *overrides,
              void (*finished)(void *arg), void *arg)
{
    int r = join_loop(loop);
    if (r == 0)
        r = bus_set_identifier(config->identifier);
    if (r < 0)
        return r;
    crew = (struct crew){
        .loop = loop,
        .config = config,
        .boot_config = config,
        .overrides = overrides,
        .finished = finished,
        .finished_arg = arg,
        .mood = DAEMON_RUNNING,
    };
    stream_set_strip_ansi(config->strip_ansi);
    sequence_init(&crew.launches, REQUEST_START, NULL);
    crew_shutdown_reset();
    crew_exit_reset();
    return 0;
}

void crew_free(void)
{
    if (!crew.loop)
        return;
    crew_update_reset();
    sequence_clear(&crew.launches);
    crew_tick_stop();
    while (process_table.n_groups > 0)
        crew_group_remove(process_table.groups[process_table.n_groups - 1], false);
    crew_shutdown_reset();
    if (crew.boot_config != crew.config)
        config_free(crew.boot_config);
    config_free(crew.config);
    n_observers = 0;
    crew = (struct crew){ 0 };
}

const struct config *crew_config(void)
{
    return crew.config;
}

enum daemon_mood crew_mood(void)
{
    return crew.mood;
}

unsigned crew_workers(void)
{
    return crew.workers;
}

int crew_add_all(char **ret_error)
{
    for (size_t i = 0; i < crew.config->n_groups; i++) {
        int r = crew_group_add(crew.config->groups[i], ret_error);
        if (r < 0)
            return r;
    }
    return 0;
}

void crew_start_all(void)
{
    size_t n = 0;
    crew.started = true;
    for (size_t i = 0; i < process_table.n_groups; i++)
        crew_group_start_workers(process_table.groups[i]);
    crew_tick_update();
    bus_publish(EVENT_SUPERVISOR_STATE_CHANGE_RUNNING, "", 0);
    struct group **groups = process_table_by_priority(&n);
    if (!groups)
        log_crit("no memory to start the groups");
    for (size_t i = 0; groups && i < n; i++)
        crew_group_autostart(groups[i]);
    free(groups);
    sequence_run(&crew.launches);
}

/* ---- single groups ---- */

enum crew_result crew_add_group(const char *name, char **ret_error)
{
    *ret_error = NULL;
    struct group_config *config = config_find_group(crew.config, name);
    if (process_table_find_group(name))
        return CREW_ALREADY_ADDED;
    if (!config)
        return CREW_BAD_NAME;
    if (crew_group_add(config, ret_error) < 0)
        return CREW_FAILED;
    crew_group_autostart(process_table_find_group(name));
    sequence_run(&crew.launches);
    crew_tell(NULL);
    return CREW_OK;
}

enum crew_result crew_remove_group(const char *name)
{
    struct group *group = process_table_find_group(name);
    if (!group)
        return CREW_BAD_NAME;
    for (size_t i = 0; i < group->n_processes; i++) {
        if (process_is_busy(group->processes[i]))
            return CREW_STILL_RUNNING;
    }
    crew_group_remove(group, true);
    crew_tell(NULL);
    return CREW_OK;
}

void crew_reopen_logs(void)
{
    for (size_t i = 0; i < process_table.n_groups; i++) {
        const struct group *group = process_table.groups[i];
        for (size_t j = 0; j < group->n_processes; j++) {
            if (process_post_simple(group->processes[j], REQUEST_REOPEN_LOGS) < 0)
                log_crit("could not ask '%s' to reopen its logs",
                         group->processes[j]->config->name);
        }
    }
}
