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

/* ---- FastCGI sockets ---- */

static struct group_socket *find_socket(const struct group *group,
                                        const struct process_config *config)
{
    for (size_t i = 0; i < group->n_sockets; i++) {
        const struct process_config *first = group->sockets[i].first;
        if (strcmp(first->section, config->section) == 0 &&
            !fcgi_config_differs(first->fcgi, config->fcgi))
            return &group->sockets[i];
    }
    return NULL;
}

static void drop_socket(struct group *group, struct group_socket *socket)
{
    fcgi_socket_free(socket->socket);
    group_config_unref(socket->owner);
    *socket = group->sockets[--group->n_sockets];
}

static int make_socket(struct group *group, struct group_config *owner,
                       const struct process_config *config, char **ret_error)
{
    char text[512];
    struct group_socket *sockets =
        reallocarray(group->sockets, group->n_sockets + 1, sizeof(*sockets));
    if (!sockets)
        return -ENOMEM;
    group->sockets = sockets;
    struct group_socket *made = &sockets[group->n_sockets];
    *made = (struct group_socket){ .first = config };
    int r = fcgi_socket_new(config->fcgi, &made->socket);
    if (r < 0)
        return r;
    made->owner = group_config_ref(owner);
    group->n_sockets++;
    r = fcgi_socket_test(made->socket, text, sizeof(text));
    if (r < 0) {
        *ret_error = strdup(text);
        drop_socket(group, made);
    }
    return r;
}

/* The socket of p's section; the first of its processes makes it. */
static int join_socket(struct group *group, struct group_config *owner, struct process *p,
                       char **ret_error)
{
    const struct process_config *config = p->config;
    if (!config->fcgi)
        return 0;
    struct group_socket *socket = find_socket(group, config);
    if (!socket) {
        int r = make_socket(group, owner, config, ret_error);
        if (r < 0)
            return r;
        socket = &group->sockets[group->n_sockets - 1];
    }
    socket->n_users++;
    p->fcgi = socket->socket;
    return 0;
}

static void leave_socket(struct group *group, const struct process *p)
{
    for (size_t i = 0; p->fcgi && i < group->n_sockets; i++) {
        struct group_socket *socket = &group->sockets[i];
        if (socket->socket != p->fcgi)
            continue;
        if (--socket->n_users == 0)
            drop_socket(group, socket);
        return;
    }
}

/* ---- processes ---- */

static void free_process(struct group *group, struct process *p, bool drop_logs)
{
    process_close_mailbox(p); /* if it never had a worker */
    event_member_free(p->member);
    p->member = NULL;
    leave_socket(group, p);
    if (drop_logs)
        drop_logfiles(p->config, p->logfile);
    process_unref(p);
}

static int make_logfiles(const struct process_config *config, char *logfile[CHANNELS],
                         char **ret_error)
{
    int r = 0;
    for (int c = 0; r == 0 && c < CHANNELS; c++)
        r = make_logfile(config, c, &logfile[c]);
    if (r < 0 && asprintf(ret_error, "could not create log file for %s in %s: %s", config->name,
                          crew.config->childlogdir, strerror(-r)) < 0)
        *ret_error = NULL;
    return r;
}

int crew_process_new(struct group *group, struct group_config *config, size_t index,
                     struct process **ret_process, char **ret_error)
{
    const struct process_config *own = &config->processes[index];
    char *logfile[CHANNELS] = { NULL };
    struct process *p = NULL;
    int r = make_logfiles(own, logfile, ret_error);
    if (r == 0)
        r = process_new(config, index, logfile, &p);
    if (r != 0) {
        drop_logfiles(own, logfile);
        for (int c = 0; c < CHANNELS; c++)
            free(logfile[c]);
        return r;
    }
    r = join_socket(group, config, p, ret_error);
    if (r == 0 && group->pool)
        r = event_member_new(group->pool, own->name, wake_process, p, &p->member);
    if (r < 0)
        free_process(group, p, true);
    else
        *ret_process = p;
    return r;
}

static int add_process(struct group *group, size_t index, char **ret_error)
{
    int r = crew_process_new(group, group->config, index, &group->processes[group->n_processes],
                             ret_error);
    group->n_processes += r == 0;
    return r;
}

/* ---- groups ---- */

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

static void free_group(struct group *group)
{
    for (size_t i = 0; i < group->n_processes; i++)
        free_process(group, group->processes[i], group->drop_logs);
    event_pool_free(group->pool);
    free(group->sockets);
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
    group->n_users = 1;
    int r = fill_group(group, ret_error);
    if (r < 0) {
        if (group->pool)
            event_pool_unsubscribe(group->pool);
        group->drop_logs = true;
        free_group(group);
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

void crew_process_start_worker(struct process *p)
{
    int r = worker_start(p);
    if (r == 0) {
        crew.workers++;
        return;
    }
    log_crit("could not start a thread for '%s': %s", p->config->name, strerror(-r));
    process_close_mailbox(p); /* nobody will ever read it */
}

void crew_group_start_workers(struct group *group)
{
    for (size_t i = 0; i < group->n_processes; i++)
        crew_process_start_worker(group->processes[i]);
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

static void release_group(struct group *group)
{
    if (--group->n_users > 0)
        return;
    free_group(group);
    crew_shutdown_step();
}

static bool is_member(const struct group *group, const struct process *p)
{
    for (size_t i = 0; i < group->n_processes; i++) {
        if (group->processes[i] == p)
            return true;
    }
    return false;
}

static void worker_quit(struct request *r)
{
    struct group *group = r->arg;
    worker_join(r->process);
    crew.workers--;
    if (!is_member(group, r->process)) /* it left alone; the others go with their group */
        free_process(group, r->process, true);
    release_group(group);
}

static void quit_worker(struct group *group, struct process *p)
{
    struct request *r = request_new(REQUEST_QUIT, worker_quit, group);
    group->n_users++;
    if (r && process_post(p, r) == 0)
        return;
    /* No memory: its thread sleeps on, with all it owns, until the daemon's end. */
    log_crit("could not end the thread of '%s'", p->config->name);
    request_free(r);
    crew.workers--;
}

void crew_process_retire(struct group *group, struct process *p)
{
    if (p->worker)
        quit_worker(group, p);
    else
        free_process(group, p, true);
}

void crew_group_remove(struct group *group, bool for_good)
{
    process_table_remove(group);
    if (group->pool)
        event_pool_unsubscribe(group->pool);
    if (for_good)
        publish_group_event(EVENT_PROCESS_GROUP_REMOVED, group->config->name);
    crew_tick_update();
    group->drop_logs = for_good;
    for (size_t i = 0; i < group->n_processes; i++) {
        if (group->processes[i]->worker)
            quit_worker(group, group->processes[i]);
    }
    release_group(group);
}
