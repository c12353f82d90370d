/* SPDX-License-Identifier: MIT */
/* crew_group.c: makes groups with all that belongs to them, and takes them apart again. */
#include "crew_priv.h"

#include "supervisor/core/autolog.h"
#include "supervisor/core/event.h"
#include "supervisor/core/log.h"
#include "supervisor/workers/fcgi_socket.h"
#include "supervisor/workers/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The pool's queue when buffer_size is not written in the file: ten overflow at every larger
 * boot. */
enum { POOL_EVENTS_DEFAULT = 1000 };

/* ---- making ---- */

static void publish_group_event(enum event_type type, const char *name)
{
    char *payload = NULL;
    if (!bus_wants(type))
        return;
    int len = asprintf(&payload, "groupname:%s\n", name);
    if (len < 0)
        return;
    bus_publish(type, payload, (size_t)len);
    free(payload);
}

static bool is_auto(const struct process_config *config, int c)
{
    if (c == CHANNEL_STDERR && config->redirect_stderr)
        return false;
    return config->channel[c].logfile_kind == LOGFILE_AUTO;
}

static int make_logfile(const struct process_config *config, int c, char **ret_path)
{
    const struct channel_config *channel = &config->channel[c];
    if (is_auto(config, c))
        return autolog_create(crew.config->childlogdir, config->name, (enum channel)c,
                              crew.config->identifier, ret_path);
    bool shared = c == CHANNEL_STDERR && config->redirect_stderr;
    if (shared || channel->logfile_kind != LOGFILE_PATH)
        return 0;
    *ret_path = strdup(channel->logfile);
    return *ret_path ? 0 : -ENOMEM;
}

static void drop_logfiles(const struct process_config *config, char *const logfile[CHANNELS])
{
    for (int c = 0; c < CHANNELS; c++) {
        if (logfile[c] && is_auto(config, c))
            autolog_remove(logfile[c], (unsigned)config->channel[c].logfile_backups);
    }
}

static void wake_process(void *arg)
{
    process_wake(arg);
}

static int add_process(struct group *group, size_t index, char **ret_error)
{
    const struct process_config *config = &group->config->processes[index];
    char *logfile[CHANNELS] = { NULL };
    int r = 0;
    for (int c = 0; r == 0 && c < CHANNELS; c++)
        r = make_logfile(config, c, &logfile[c]);
    if (r < 0 && asprintf(ret_error, "could not create log file for %s in %s: %s", config->name,
                          crew.config->childlogdir, strerror(-r)) < 0)
        *ret_error = NULL;
    struct process *p = NULL;
    if (r == 0)
        r = process_new(group->config, index, logfile, &p);
    if (r < 0) {
        drop_logfiles(config, logfile);
        for (int c = 0; c < CHANNELS; c++)
            free(logfile[c]);
        return r;
    }
    group->processes[group->n_processes++] = p;
    p->fcgi = group->fcgi;
    return group->pool ? event_member_new(group->pool, config->name, wake_process, p, &p->member)
                       : 0;
}

static int add_pool(struct group *group)
{
    const struct group_config *config = group->config;
    uint64_t mask = 0;
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        if (config->event_mask & (UINT64_C(1) << type))
            mask |= event_type_mask((enum event_type)type);
    }
    const struct event_pool_config pool = {
        .name = config->name,
        .mask = mask,
        .buffer_size = config->buffer_size_set ? config->buffer_size : POOL_EVENTS_DEFAULT,
        .payload_length_bytes = config->payload_length_bytes,
    };
    return event_pool_new(&pool, &group->pool);
}

static int add_fcgi(struct group *group, char **ret_error)
{
    char text[512];
    int r = fcgi_socket_new(group->config->fcgi, &group->fcgi);
    if (r < 0)
        return r;
    r = fcgi_socket_test(group->fcgi, text, sizeof(text));
    if (r < 0)
        *ret_error = strdup(text);
    return r;
}

static void free_group(struct group *group, bool drop_logs)
{
    for (size_t i = 0; i < group->n_processes; i++) {
        struct process *p = group->processes[i];
        process_close_mailbox(p); /* if it never had a worker */
        event_member_free(p->member);
        p->member = NULL;
        if (drop_logs)
            drop_logfiles(p->config, p->logfile);
        process_unref(p);
    }
    event_pool_free(group->pool);
    fcgi_socket_free(group->fcgi);
    group_config_unref(group->config);
    free(group->processes);
    free(group);
}

static int fill_group(struct group *group, char **ret_error)
{
    const struct group_config *config = group->config;
    int r = 0;
    group->processes = calloc(config->n_processes + 1, sizeof(struct process *));
    if (!group->processes)
        return -ENOMEM;
    if (config->kind == GROUP_EVENTLISTENER)
        r = add_pool(group);
    if (r == 0 && config->fcgi)
        r = add_fcgi(group, ret_error);
    for (size_t i = 0; r == 0 && i < config->n_processes; i++)
        r = add_process(group, i, ret_error);
    return r == 0 ? process_table_add(group) : r;
}

int crew_group_add(struct group_config *config, char **ret_error)
{
    *ret_error = NULL;
    struct group *group = calloc(1, sizeof(*group));
    if (!group)
        return -ENOMEM;
    group->config = group_config_ref(config);
    int r = fill_group(group, ret_error);
    if (r < 0) {
        if (group->pool)
            event_pool_unsubscribe(group->pool);
        free_group(group, true);
        if (!*ret_error &&
            asprintf(ret_error, "could not add group %s: %s", config->name, strerror(-r)) < 0)
            *ret_error = NULL;
        return r;
    }
    publish_group_event(EVENT_PROCESS_GROUP_ADDED, config->name);
    if (crew.started)
        crew_group_start_workers(group);
    crew_tick_update();
    return 0;
}

void crew_group_start_workers(struct group *group)
{
    for (size_t i = 0; i < group->n_processes; i++) {
        int r = worker_start(group->processes[i]);
        if (r == 0) {
            crew.workers++;
            continue;
        }
        log_crit("could not start a thread for '%s': %s", group->processes[i]->config->name,
                 strerror(-r));
        process_close_mailbox(group->processes[i]); /* nobody will ever read it */
    }
}

/* ---- orders ---- */

struct process **crew_group_by_priority(const struct group *group)
{
    struct process **list = malloc((group->n_processes + 1) * sizeof(struct process *));
    if (!list)
        return NULL;
    for (size_t i = 0; i < group->n_processes; i++) { /* insertion: stable */
        struct process *p = group->processes[i];
        size_t at = i;
        for (; at > 0 && list[at - 1]->config->priority > p->config->priority; at--)
            list[at] = list[at - 1];
        list[at] = p;
    }
    return list;
}

void crew_group_autostart(const struct group *group)
{
    struct process **list = crew_group_by_priority(group);
    if (!list) {
        log_crit("no memory to start group '%s'", group->config->name);
        return;
    }
    for (size_t i = 0; i < group->n_processes; i++) {
        if (list[i]->config->autostart)
            sequence_add(&crew.launches, list[i]);
    }
    free(list);
}

bool crew_group_is_stopped(const struct group *group)
{
    for (size_t i = 0; i < group->n_processes; i++) {
        if (!process_state_is_stopped(process_state(group->processes[i])))
            return false;
    }
    return true;
}

/* ---- taking apart ---- */

/* A group off the table whose workers are ending. */
struct retiring {
    struct group *group;
    size_t left; /* workers, and one for crew_group_remove() itself */
    bool drop_logs;
};

static void retire_one(struct retiring *retiring)
{
    if (--retiring->left > 0)
        return;
    free_group(retiring->group, retiring->drop_logs);
    free(retiring);
    crew_shutdown_step();
}

static void worker_quit(struct request *r)
{
    worker_join(r->process);
    crew.workers--;
    retire_one(r->arg);
}

static void quit_worker(struct process *p, struct retiring *retiring)
{
    if (!p->worker)
        return;
    struct request *r = request_new(REQUEST_QUIT, worker_quit, retiring);
    if (r && process_post(p, r) == 0) {
        retiring->left++;
        return;
    }
    /* No memory: its thread sleeps on, with all it owns, until the daemon's end. */
    log_crit("could not end the thread of '%s'", p->config->name);
    request_free(r);
    crew.workers--;
    retiring->left++;
}

void crew_group_remove(struct group *group, bool for_good)
{
    process_table_remove(group);
    if (group->pool)
        event_pool_unsubscribe(group->pool);
    if (for_good)
        publish_group_event(EVENT_PROCESS_GROUP_REMOVED, group->config->name);
    crew_tick_update();
    struct retiring *retiring = calloc(1, sizeof(*retiring));
    if (!retiring) {
        log_crit("no memory to take group '%s' apart", group->config->name);
        return;
    }
    *retiring = (struct retiring){ .group = group, .left = 1, .drop_logs = for_good };
    for (size_t i = 0; i < group->n_processes; i++)
        quit_worker(group->processes[i], retiring);
    retire_one(retiring);
}
