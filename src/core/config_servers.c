/* SPDX-License-Identifier: MIT */
/* config_servers.c: [unix_http_server], [inet_http_server], [rpcinterface:x], [notify:x]. */
#include "config_priv.h"
#include "list.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/datatypes.h"
#include "supervisor/core/event.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FACTORY_OPTION "supervisor.rpcinterface_factory"
#define FACTORY        "supervisor.rpcinterface:make_main_rpcinterface"

/* ---- servers ---- */

static bool is_empty(const char *text)
{
    return !text || !*text;
}

/* Both or neither, and no empty user, which would mean a server open to all. */
static void check_credentials(const struct reading *reading, const struct server_config *server)
{
    const char *section = reading->section->name;
    if (!server->username != !server->password) {
        reading_fail(reading, reading_entry(reading, server->username ? "username" : "password"),
                     server->username ? "username" : "password",
                     "Section [%s] contains incomplete authentication: If a username or a "
                     "password is specified, both the username and password must be specified",
                     section);
    } else if (server->username && is_empty(server->username)) {
        reading_fail(reading, reading_entry(reading, "username"), "username",
                     "Section [%s] has an empty username, which would switch authentication off",
                     section);
    }
}

static void check_tls(const struct reading *reading, const struct server_config *server)
{
    if (!server->certfile != !server->keyfile)
        reading_fail(reading, reading_entry(reading, server->certfile ? "certfile" : "keyfile"),
                     server->certfile ? "certfile" : "keyfile",
                     "Section [%s]: certfile and keyfile must both be specified",
                     reading->section->name);
}

static void read_server(struct loader *loader, const struct ini_section *section,
                        enum server_kind kind)
{
    struct config *config = loader->config;
    bool is_unix = kind == SERVER_UNIX;
    enum schema_table table = is_unix ? SCHEMA_UNIX_SERVER : SCHEMA_INET_SERVER;
    if (LIST_RESERVE(config->servers, config->n_servers) < 0) {
        loader->no_memory = true;
        return;
    }
    struct server_config *server = &config->servers[config->n_servers++];
    *server = (struct server_config){ .kind = kind,
                                      .section = strdup(section->name),
                                      .owner_uid = (uid_t)-1,
                                      .owner_gid = (gid_t)-1 };
    loader->no_memory |= !server->section;

    const struct reading reading = {
        .loader = loader, .section = section, .table = table, .target = server
    };
    const struct schema_section *rows = schema_section(table);
    for (size_t i = 0; i < rows->n; i++) {
        int got = reading_get(&reading, &rows->options[i]);
        if (i == 0 && got == 0) /* the first row is the address */
            reading_fail(&reading, NULL, rows->options[0].name, "section [%s] has no %s value",
                         section->name, rows->options[0].name);
        if (got < 0) /* said already: not to be told of as half an authentication */
            return;
        if (strcmp(rows->options[i].name, "password") == 0)
            check_credentials(&reading, server);
    }
    check_tls(&reading, server);
}

/* What SUPERVISOR_SERVER_URL is where the program does not say: to free, NULL if there is none.
 * The first unix server, else the last inet one. */
static char *server_url(struct loader *loader)
{
    const struct config *config = loader->config;
    const struct server_config *server = NULL;
    for (size_t i = 0; i < config->n_servers; i++) {
        if (!server || server->kind == SERVER_INET)
            server = &config->servers[i];
        if (server->kind == SERVER_UNIX)
            break;
    }
    if (!server)
        return NULL;
    struct buf url = BUF_INIT;
    if (server->kind == SERVER_UNIX)
        buf_printf(&url, "unix://%s", server->path ? server->path : "");
    else if (server->host && strchr(server->host, ':'))
        buf_printf(&url, "http://[%s]:%u", server->host, server->port);
    else
        buf_printf(&url, "http://%s:%u", is_empty(server->host) ? "localhost" : server->host,
                   server->port);
    char *text = url.error ? NULL : strdup(buf_text(&url));
    buf_free(&url);
    loader->no_memory |= !text;
    return text;
}

static void resolve_server_urls(struct loader *loader)
{
    CLEANUP_FREE char *url = server_url(loader);
    for (size_t i = 0; i < loader->config->n_groups; i++) {
        struct group_config *group = loader->config->groups[i];
        for (size_t k = 0; k < group->n_processes; k++) {
            struct process_config *process = &group->processes[k];
            if (!process->serverurl_auto)
                continue;
            free(process->serverurl);
            process->serverurl = url ? strdup(url) : NULL;
            loader->no_memory |= url && !process->serverurl;
        }
    }
}

void loader_read_servers(struct loader *loader)
{
    size_t n = ini_section_count(loader->ini);
    for (size_t i = 0; i < n; i++)
        if (section_is(ini_section_at(loader->ini, i), "inet_http_server"))
            read_server(loader, ini_section_at(loader->ini, i), SERVER_INET);
    for (size_t i = 0; i < n; i++)
        if (section_is(ini_section_at(loader->ini, i), "unix_http_server"))
            read_server(loader, ini_section_at(loader->ini, i), SERVER_UNIX);
    resolve_server_urls(loader);
}

/* ---- rpcinterfaces ---- */

static int read_factory(const struct reading *reading, char **ret_factory)
{
    const struct ini_entry *entry = reading_entry(reading, FACTORY_OPTION);
    if (!entry) {
        reading_fail(reading, NULL, FACTORY_OPTION, "section [%s] does not specify a %s",
                     reading->section->name, FACTORY_OPTION);
        return -EINVAL;
    }
    CLEANUP_FREE char *text = reading_text(reading, entry);
    struct buf label = BUF_INIT, sentence = BUF_INIT, plain = BUF_INIT;
    buf_printf(&label, "%s.%s", reading->section->name, FACTORY_OPTION);
    int status = text ? expand_text(text, &reading->loader->env_scope, buf_text(&label),
                                    ret_factory, &sentence)
                      : -ENOMEM;
    if (status == -EINVAL) {
        buf_puts(&plain, buf_text(&sentence));
        reading_problem(reading, entry, FACTORY_OPTION, &sentence, &plain);
    }
    reading->loader->no_memory |= status == -ENOMEM;
    buf_free(&label);
    buf_free(&sentence);
    return status;
}

static void read_rpcinterface(struct loader *loader, const struct ini_section *section)
{
    struct config *config = loader->config;
    const struct reading reading = { .loader = loader,
                                     .section = section,
                                     .table = SCHEMA_RPCINTERFACE };
    CLEANUP_FREE char *factory = NULL;
    if (read_factory(&reading, &factory) < 0)
        return;
    if (strcmp(factory, FACTORY) != 0) {
        reading_fail(&reading, reading_entry(&reading, FACTORY_OPTION), FACTORY_OPTION,
                     "%s cannot be resolved within [%s]: Python code cannot be loaded", factory,
                     section->name);
        return;
    }
    const char *name = strchr(section->name, ':') + 1;
    if (section->n > 1)
        reading_fail(&reading, section->entries[1], NULL, "Could not make %s rpc interface", name);
    if (LIST_RESERVE(config->rpcinterfaces, config->n_rpcinterfaces) < 0) {
        loader->no_memory = true;
        return;
    }
    struct rpcinterface_config *rpc = &config->rpcinterfaces[config->n_rpcinterfaces++];
    *rpc = (struct rpcinterface_config){ .name = strdup(name), .section = strdup(section->name) };
    loader->no_memory |= !rpc->name || !rpc->section;
}

void loader_read_rpcinterfaces(struct loader *loader)
{
    size_t n = ini_section_count(loader->ini);
    for (size_t i = 0; i < n; i++)
        if (section_is(ini_section_at(loader->ini, i), "rpcinterface:"))
            read_rpcinterface(loader, ini_section_at(loader->ini, i));
}

/* ---- events and notifies ---- */

uint64_t loader_events(const struct reading *reading, const char *text)
{
    char **names = NULL;
    size_t n = 0;
    uint64_t mask = 0;
    if (parse_text_list(text, &names, &n) < 0)
        reading->loader->no_memory = true;
    for (size_t i = 0; i < n; i++) {
        enum event_type type;
        for (char *c = names[i]; *c; c++)
            *c = (char)toupper((unsigned char)*c);
        if (event_type_from_name(names[i], &type) == 0)
            mask |= UINT64_C(1) << type;
        else
            reading_fail(reading, reading_entry(reading, "events"), "events",
                         "Unknown event type %s in [%s] events", names[i], reading->section->name);
    }
    text_list_free(names);
    return mask;
}

static void read_notify(struct loader *loader, const struct ini_section *section)
{
    struct config *config = loader->config;
    const struct schema_section *rows = schema_section(SCHEMA_NOTIFY);
    struct notify_section values = { 0 };
    const struct reading reading = {
        .loader = loader, .section = section, .table = SCHEMA_NOTIFY, .target = &values
    };
    bool good = true;
    for (size_t i = 0; i < rows->n; i++)
        good &= reading_get(&reading, &rows->options[i]) >= 0;
    uint64_t mask = 0;
    if (good && is_empty(values.events))
        reading_fail(&reading, NULL, "events", "[%s] section requires an \"events\" line",
                     section->name);
    else if (good)
        mask = loader_events(&reading, values.events);
    if (good && is_empty(values.command) == is_empty(values.url))
        reading_fail(&reading, NULL, "command",
                     "[%s] section requires either a \"command\" or a \"url\" line", section->name);
    if (LIST_RESERVE(config->notifies, config->n_notifies) < 0) {
        loader->no_memory = true;
    } else {
        struct notify_config *notify = &config->notifies[config->n_notifies++];
        *notify = (struct notify_config){ .name = strdup(strchr(section->name, ':') + 1),
                                          .section = strdup(section->name),
                                          .event_mask = mask,
                                          .command = take_ptr(&values.command),
                                          .url = take_ptr(&values.url),
                                          .rate_limit = values.rate_limit,
                                          .rate_limit_secs = values.rate_limit_secs };
        loader->no_memory |= !notify->name || !notify->section;
    }
    schema_free_values(SCHEMA_NOTIFY, &values);
}

void loader_read_notifies(struct loader *loader)
{
    size_t n = ini_section_count(loader->ini);
    for (size_t i = 0; i < n; i++)
        if (section_is(ini_section_at(loader->ini, i), "notify:"))
            read_notify(loader, ini_section_at(loader->ini, i));
}
