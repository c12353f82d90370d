/* SPDX-License-Identifier: MIT */
/* config_dump.c: says, for each file named on stdin, what we make of it: one JSON object a line,
 * in the shape of reference_config.py. */
#include "supervisor/core/config.h"
#include "supervisor/core/datatypes.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static void put(json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, value) < 0)
        abort();
}

static void put_channel(json_t *facts, const char *name, const struct channel_config *channel)
{
    char key[64];
#define KEY(suffix) ((void)snprintf(key, sizeof(key), "%s_%s", name, suffix), key)
    put(facts, KEY("logfile"),
        channel->logfile_kind == LOGFILE_AUTO ? json_string("AUTO")
                                              : text_or_null(channel->logfile));
    put(facts, KEY("capture_maxbytes"), json_integer(channel->capture_maxbytes));
    put(facts, KEY("events_enabled"), json_boolean(channel->events_enabled));
    put(facts, KEY("syslog"), json_boolean(channel->syslog));
    put(facts, KEY("logfile_backups"), json_integer(channel->logfile_backups));
    put(facts, KEY("logfile_maxbytes"), json_integer(channel->logfile_maxbytes));
#undef KEY
}

static json_t *exitcodes(const struct process_config *process)
{
    json_t *list = json_array();
    for (int code = 0; code < 256; code++)
        if (process_config_expects(process, code))
            (void)json_array_append_new(list, json_integer(code));
    return list;
}

static json_t *environment(const struct env_list *list)
{
    json_t *object = json_object();
    for (size_t i = 0; i < list->n; i++)
        put(object, list->vars[i].name, json_string(list->vars[i].value));
    return object;
}

static json_t *process_facts(const struct process_config *process)
{
    static const char *const restart[] = { [AUTORESTART_NEVER] = "never",
                                           [AUTORESTART_UNEXPECTED] = "unexpected",
                                           [AUTORESTART_ALWAYS] = "always" };
    json_t *facts = json_object();
    put(facts, "name", json_string(process->name));
    put(facts, "command", json_string(process->command));
    put(facts, "directory", text_or_null(process->directory));
    put(facts, "umask", process->umask < 0 ? json_null() : json_integer(process->umask));
    put(facts, "priority", json_integer(process->priority));
    put(facts, "autostart", json_boolean(process->autostart));
    put(facts, "autorestart", json_string(restart[process->autorestart]));
    put(facts, "startsecs", json_integer(process->startsecs));
    put(facts, "startretries", json_integer(process->startretries));
    put(facts, "uid", process->user ? json_integer(process->uid) : json_null());
    put_channel(facts, "stdout", &process->channel[CHANNEL_STDOUT]);
    put_channel(facts, "stderr", &process->channel[CHANNEL_STDERR]);
    put(facts, "stopsignal", json_integer(process->stopsignal));
    put(facts, "stopwaitsecs", json_integer(process->stopwaitsecs));
    put(facts, "stopasgroup", json_boolean(process->stopasgroup));
    put(facts, "killasgroup", json_boolean(process->killasgroup));
    put(facts, "exitcodes", exitcodes(process));
    put(facts, "redirect_stderr", json_boolean(process->redirect_stderr));
    put(facts, "environment", environment(&process->environment));
    /* The reference keeps null for AUTO and "" for none. */
    put(facts, "serverurl",
        process->serverurl_auto ? json_null() : json_string(process->serverurl ?: ""));
    return facts;
}

static json_t *group_facts(const struct group_config *group)
{
    json_t *facts = json_object(), *processes = json_array();
    put(facts, "name", json_string(group->name));
    put(facts, "priority", json_integer(group->priority));
    for (size_t i = 0; i < group->n_processes; i++)
        (void)json_array_append_new(processes, process_facts(&group->processes[i]));
    put(facts, "processes", processes);
    if (group->kind == GROUP_EVENTLISTENER) {
        put(facts, "buffer_size", json_integer((json_int_t)group->buffer_size));
        put(facts, "events", json_integer(__builtin_popcountll(group->event_mask)));
    }
    if (group->fcgi)
        put(facts, "socket", json_string(group->fcgi->url));
    return facts;
}

static json_t *server_facts(const struct server_config *server)
{
    json_t *facts = json_object();
    put(facts, "username", text_or_null(server->username));
    put(facts, "password", text_or_null(server->password));
    if (server->kind == SERVER_UNIX) {
        json_t *owner = json_array();
        (void)json_array_append_new(owner, json_integer((int)server->owner_uid));
        (void)json_array_append_new(owner, json_integer((int)server->owner_gid));
        put(facts, "file", json_string(server->path));
        put(facts, "chmod", json_integer(server->mode));
        put(facts, "chown", owner);
    } else {
        put(facts, "host", json_string(server->host));
        put(facts, "port", json_integer(server->port));
    }
    return facts;
}

static json_t *daemon_facts(const struct config *config)
{
    json_t *facts = json_object();
    put(facts, "minfds", json_integer(config->minfds));
    put(facts, "minprocs", json_integer(config->minprocs));
    put(facts, "directory", text_or_null(config->directory));
    put(facts, "umask", json_integer(config->umask));
    put(facts, "loglevel", json_integer(config->loglevel));
    put(facts, "identifier", json_string(config->identifier));
    put(facts, "nodaemon", json_boolean(config->nodaemon));
    put(facts, "silent", json_boolean(config->silent));
    put(facts, "strip_ansi", json_boolean(config->strip_ansi));
    return facts;
}

static json_t *config_facts(const struct config *config)
{
    json_t *facts = json_object(), *groups = json_array(), *servers = json_array();
    json_t *warnings = json_array();
    put(facts, "daemon", daemon_facts(config));
    for (size_t i = 0; i < config->n_groups; i++)
        (void)json_array_append_new(groups, group_facts(config->groups[i]));
    for (size_t i = 0; i < config->n_servers; i++)
        (void)json_array_append_new(servers, server_facts(&config->servers[i]));
    for (size_t i = 0; i < config->n_warnings; i++)
        (void)json_array_append_new(warnings, json_string(config->warnings[i]));
    put(facts, "groups", groups);
    put(facts, "servers", servers);
    put(facts, "warnings", warnings);
    return facts;
}

static json_t *problem_facts(const struct config_problems *problems)
{
    json_t *facts = json_object(), *list = json_array();
    for (size_t i = 0; i < problems->n; i++) {
        char *text = config_problem_text(&problems->list[i]);
        (void)json_array_append_new(list, json_string(text ? text : ""));
        free(text);
    }
    put(facts, "error", json_string(problems->sentence));
    put(facts, "problems", list);
    return facts;
}

int main(void)
{
    char *path = NULL;
    size_t size = 0;
    ssize_t len;
    while ((len = getline(&path, &size, stdin)) > 0) {
        struct config *config = NULL;
        struct config_problems problems;
        if (path[len - 1] == '\n')
            path[len - 1] = '\0';
        bool good = config_read(path, NULL, &config, &problems) == 0;
        json_t *facts = good ? config_facts(config) : problem_facts(&problems);
        char *text = json_dumps(facts, 0);
        puts(text ? text : "null");
        (void)fflush(stdout); /* the reader waits for it, and notices its absence */
        free(text);
        json_decref(facts);
        config_problems_free(&problems);
        config_free(config);
    }
    free(path);
    return 0;
}
