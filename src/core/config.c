/* SPDX-License-Identifier: MIT */
/* config.c: configurations as objects: their lives, their comparison, their problems as text. */
#include "supervisor/core/config.h"
#include "config_priv.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/datatypes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *channel_name(enum channel channel)
{
    return channel == CHANNEL_STDOUT ? "stdout" : "stderr";
}

bool process_config_expects(const struct process_config *config, int code)
{
    return code >= 0 && code <= 255 && (config->exitcodes[code / 8] >> (code % 8) & 1);
}

/* ---- lives ---- */

/* Rows behind the process (numprocs, ...) belong to its section only. */
static bool is_of_process(const struct schema_option *option)
{
    return option->size > 0 && option->offset < sizeof(struct process_config);
}

void fcgi_config_free(struct fcgi_config *fcgi)
{
    if (!fcgi)
        return;
    free(fcgi->url);
    free(fcgi->path);
    free(fcgi->host);
    free(fcgi);
}

struct fcgi_config *fcgi_config_copy(const struct fcgi_config *fcgi)
{
    struct fcgi_config *copy = malloc(sizeof(*copy));
    if (!copy)
        return NULL;
    *copy = *fcgi;
    copy->url = fcgi->url ? strdup(fcgi->url) : NULL;
    copy->path = fcgi->path ? strdup(fcgi->path) : NULL;
    copy->host = fcgi->host ? strdup(fcgi->host) : NULL;
    if ((fcgi->url && !copy->url) || (fcgi->path && !copy->path) || (fcgi->host && !copy->host)) {
        fcgi_config_free(copy);
        return NULL;
    }
    return copy;
}

void process_config_clear(struct process_config *process)
{
    const struct schema_section *rows = schema_section(SCHEMA_PROGRAM);
    for (size_t i = 0; i < rows->n; i++)
        if (is_of_process(&rows->options[i]))
            schema_free_value(&rows->options[i], process);
    free(process->name);
    free(process->section);
    fcgi_config_free(process->fcgi);
    memset(process, 0, sizeof(*process));
}

struct group_config *group_config_new(enum group_kind kind, const char *name, const char *section)
{
    struct group_config *group = calloc(1, sizeof(*group));
    if (!group)
        return NULL;
    group->kind = kind;
    group->refs_ = 1;
    group->name = strdup(name);
    group->section = strdup(section);
    if (!group->name || !group->section) {
        group_config_unref(group);
        return NULL;
    }
    return group;
}

struct group_config *group_config_ref(struct group_config *group)
{
    (void)__atomic_add_fetch(&group->refs_, 1, __ATOMIC_RELAXED); /* the caller holds one */
    return group;
}

void group_config_unref(struct group_config *group)
{
    if (!group || __atomic_sub_fetch(&group->refs_, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < group->n_processes; i++)
        process_config_clear(&group->processes[i]);
    free(group->processes);
    fcgi_config_free(group->fcgi);
    free(group->name);
    free(group->section);
    free(group);
}

static void texts_free(char **texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(texts[i]);
    free(texts);
}

void config_free(struct config *config)
{
    if (!config)
        return;
    schema_free_values(SCHEMA_SUPERVISORD, config);
    for (size_t i = 0; i < config->n_servers; i++) {
        struct server_config *server = &config->servers[i];
        free(server->section);
        schema_free_values(server->kind == SERVER_UNIX ? SCHEMA_UNIX_SERVER : SCHEMA_INET_SERVER,
                           server);
    }
    free(config->servers);
    for (size_t i = 0; i < config->n_rpcinterfaces; i++) {
        free(config->rpcinterfaces[i].name);
        free(config->rpcinterfaces[i].section);
    }
    free(config->rpcinterfaces);
    for (size_t i = 0; i < config->n_notifies; i++) {
        free(config->notifies[i].name);
        free(config->notifies[i].section);
        free(config->notifies[i].command);
        free(config->notifies[i].url);
    }
    free(config->notifies);
    for (size_t i = 0; i < config->n_groups; i++)
        group_config_unref(config->groups[i]);
    free(config->groups);
    free(config->by_name_); /* holds no references */
    texts_free(config->warnings, config->n_warnings);
    texts_free(config->infos, config->n_infos);
    free(config->path);
    free(config->here);
    free(config);
}

struct group_config *config_find_group(const struct config *config, const char *name)
{
    for (size_t i = 0; !config->by_name_ && i < config->n_groups; i++) /* made by hand */
        if (strcmp(config->groups[i]->name, name) == 0)
            return config->groups[i];
    size_t low = 0, high = config->by_name_ ? config->n_groups : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, config->by_name_[middle]->name);
        if (order == 0)
            return config->by_name_[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* ---- comparison ---- */

static bool texts_differ(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) != 0 : a != b;
}

static bool option_differs(const struct schema_option *option, const struct process_config *a,
                           const struct process_config *b)
{
    /* What AUTO means is the servers' affair, which reread does not touch. */
    if (strcmp(option->name, "serverurl") == 0 && a->serverurl_auto && b->serverurl_auto)
        return false;
    return schema_differs(option, a, b);
}

/* The option in which two processes differ, NULL if in none. */
static const char *process_difference(const struct process_config *a,
                                      const struct process_config *b)
{
    const struct schema_section *rows = schema_section(SCHEMA_PROGRAM);
    for (size_t i = 0; i < rows->n; i++) {
        const struct schema_option *option = &rows->options[i];
        if (is_of_process(option) && option_differs(option, a, b))
            return option->name;
    }
    return NULL;
}

static const char *fcgi_difference(const struct fcgi_config *a, const struct fcgi_config *b)
{
    if (!a || !b)
        return a == b ? NULL : "socket";
    if (texts_differ(a->url, b->url))
        return "socket";
    if (a->backlog != b->backlog)
        return "socket_backlog";
    if (a->owner_uid != b->owner_uid || a->owner_gid != b->owner_gid)
        return "socket_owner";
    return a->mode != b->mode ? "socket_mode" : NULL;
}

/* What a group has beside its processes. *ret_effect is set if there is a difference. */
static const char *group_own_difference(const struct group_config *a, const struct group_config *b,
                                        enum config_effect *ret_effect)
{
    *ret_effect = CONFIG_RESTART;
    if (a->kind != b->kind)
        return "the kind of section";
    if (texts_differ(a->name, b->name))
        return "the name";
    if (a->kind == GROUP_EVENTLISTENER) {
        if (a->buffer_size != b->buffer_size)
            return "buffer_size";
        if (a->event_mask != b->event_mask)
            return "events";
        if (a->payload_length_bytes != b->payload_length_bytes)
            return "payload_length";
        if (a->restart_on_protocol_error != b->restart_on_protocol_error)
            return "restart_on_protocol_error";
        if (a->result_timeout != b->result_timeout)
            return "result_timeout";
    }
    *ret_effect = CONFIG_LIVE;
    return a->priority != b->priority ? "priority" : NULL;
}

static const char *group_difference(const struct group_config *a, const struct group_config *b)
{
    enum config_effect effect;
    const char *what = group_own_difference(a, b, &effect);
    if (what)
        return what;
    if (a->n_processes != b->n_processes)
        return "the number of processes";
    return fcgi_difference(a->fcgi, b->fcgi);
}

enum config_effect group_config_compare(const struct group_config *running,
                                        const struct group_config *read, const char **ret_why)
{
    enum config_effect effect = CONFIG_SAME;
    *ret_why = running == read ? NULL : group_own_difference(running, read, &effect);
    return *ret_why ? effect : CONFIG_SAME;
}

static void add_difference(struct buf *why, const char *option)
{
    if (why->len > 0)
        buf_puts(why, ", ");
    buf_puts(why, option);
}

enum config_effect process_config_compare(const struct process_config *running,
                                          const struct process_config *read, char **ret_why)
{
    const struct schema_section *rows = schema_section(SCHEMA_PROGRAM);
    enum config_effect effect = CONFIG_SAME;
    struct buf why = BUF_INIT;
    for (size_t i = 0; running != read && i < rows->n; i++) {
        const struct schema_option *option = &rows->options[i];
        if (!is_of_process(option) || !option_differs(option, running, read))
            continue;
        add_difference(&why, option->name);
        if (!option->live)
            effect = CONFIG_RESTART;
        else if (effect == CONFIG_SAME)
            effect = CONFIG_LIVE;
    }
    const char *socket = running == read ? NULL : fcgi_difference(running->fcgi, read->fcgi);
    if (socket) {
        add_difference(&why, socket);
        effect = CONFIG_RESTART;
    }
    if (ret_why)
        *ret_why = effect == CONFIG_SAME ? NULL : strdup(buf_text(&why));
    buf_free(&why);
    return effect;
}

bool fcgi_config_differs(const struct fcgi_config *a, const struct fcgi_config *b)
{
    return fcgi_difference(a, b) != NULL;
}

bool group_config_differs(const struct group_config *running, const struct group_config *read,
                          char **ret_why)
{
    struct buf why = BUF_INIT;
    const char *what = running == read ? NULL : group_difference(running, read);
    if (what)
        buf_puts(&why, what);
    for (size_t i = 0; running != read && !what && i < read->n_processes; i++) {
        const struct process_config *a = &running->processes[i], *b = &read->processes[i];
        what = texts_differ(a->name, b->name) ? "the name" : process_difference(a, b);
        if (!what)
            what = fcgi_difference(a->fcgi, b->fcgi);
        if (what)
            buf_printf(&why, "%s: %s", b->name, what);
    }
    if (ret_why)
        *ret_why = what ? strdup(buf_text(&why)) : NULL;
    buf_free(&why);
    return what != NULL;
}

/* ---- problems ---- */

void config_problems_free(struct config_problems *problems)
{
    for (size_t i = 0; i < problems->n; i++) {
        free(problems->list[i].file);
        free(problems->list[i].section);
        free(problems->list[i].option);
        free(problems->list[i].message);
    }
    free(problems->list);
    free(problems->sentence);
    *problems = (struct config_problems){ 0 };
}

static void put_problem(struct buf *out, const struct config_problem *problem)
{
    buf_printf(out, "%s:", problem->file);
    if (problem->line)
        buf_printf(out, "%u:", problem->line);
    if (problem->section)
        buf_printf(out, " [%s]", problem->section);
    if (problem->option)
        buf_printf(out, " %s:", problem->option);
    buf_putc(out, ' ');
    /* One problem, one line, whatever a value holds. */
    for (const char *c = problem->message; *c; c++)
        buf_putc(out, *c == '\n' ? ' ' : *c);
}

char *config_problem_text(const struct config_problem *problem)
{
    struct buf out = BUF_INIT;
    put_problem(&out, problem);
    char *text = out.error ? NULL : strdup(buf_text(&out));
    buf_free(&out);
    return text;
}

int config_load(const char *path, const struct config_overrides *overrides,
                struct config **ret_config, char **ret_error)
{
    struct config_problems problems;
    int status = config_read(path, overrides, ret_config, &problems);
    if (status < 0) {
        struct buf out = BUF_INIT;
        buf_puts(&out, problems.sentence ? problems.sentence : strerror(-status));
        for (size_t i = 0; i < problems.n; i++) {
            buf_putc(&out, '\n');
            put_problem(&out, &problems.list[i]);
        }
        *ret_error = out.error ? NULL : strdup(buf_text(&out));
        buf_free(&out);
    }
    config_problems_free(&problems);
    return status;
}
