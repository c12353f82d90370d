/* SPDX-License-Identifier: MIT */
/* config_client.c: where the file is, and the client's section of it. */
#include "config_priv.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/datatypes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the search ---- */

/* dirname(dirname(path)) as Python's os.path has it: "" if there is nothing to cut. */
static void put_grandparent(struct buf *out, const char *path)
{
    size_t len = strlen(path);
    for (int i = 0; i < 2; i++) {
        while (len > 0 && path[len - 1] != '/')
            len--;
        size_t slashes = len;
        while (slashes > 0 && path[slashes - 1] == '/')
            slashes--;
        if (slashes > 0) /* but "/" stays what it is */
            len = slashes;
    }
    buf_append(out, path, len);
    if (len > 0 && path[len - 1] != '/')
        buf_putc(out, '/');
}

int config_search(const char *argv0, char **ret_path, char **ret_tried)
{
    static const struct {
        bool near_program;
        const char *path;
    } places[CONFIG_SEARCH_PATHS] = {
        { true, "etc/supervisord.conf" },   { true, "supervisord.conf" },
        { false, "supervisord.conf" },      { false, "etc/supervisord.conf" },
        { false, "/etc/supervisord.conf" }, { false, "/etc/supervisor/supervisord.conf" },
    };
    struct buf tried = BUF_INIT;
    char *found = NULL;
    int status = 0;
    for (size_t i = 0; i < CONFIG_SEARCH_PATHS && status == 0; i++) {
        struct buf path = BUF_INIT;
        if (places[i].near_program)
            put_grandparent(&path, argv0);
        buf_puts(&path, places[i].path);
        buf_printf(&tried, "%s%s", i ? ", " : "", buf_text(&path));
        if (path.error || tried.error)
            status = -ENOMEM;
        else if (!found && access(buf_text(&path), F_OK) == 0 && !(found = strdup(buf_text(&path))))
            status = -ENOMEM;
        buf_free(&path);
    }
    if (status == 0 && ret_tried && !(*ret_tried = strdup(buf_text(&tried))))
        status = -ENOMEM;
    buf_free(&tried);
    if (status < 0) {
        free(found);
        return status;
    }
    *ret_path = found;
    return 0;
}

/* ---- [supervisorctl] ---- */

void client_config_free(struct client_config *config)
{
    if (!config)
        return;
    schema_free_values(SCHEMA_SUPERVISORCTL, config);
    free(config->plugins);
    free(config);
}

/* Paths are made absolute; an empty history file is none. */
static int finish_client(struct client_config *client)
{
    static const char unix_url[] = "unix://";
    if (client->serverurl && strncmp(client->serverurl, unix_url, strlen(unix_url)) == 0) {
        CLEANUP_FREE char *path = path_normalize(client->serverurl + strlen(unix_url));
        struct buf url = BUF_INIT;
        buf_printf(&url, "%s%s", unix_url, path ? path : "");
        char *text = path && !url.error ? strdup(buf_text(&url)) : NULL;
        buf_free(&url);
        if (!text)
            return -ENOMEM;
        free(client->serverurl);
        client->serverurl = text;
    }
    if (!client->history_file)
        return 0;
    char *path = *client->history_file ? path_normalize(client->history_file) : NULL;
    if (*client->history_file && !path)
        return -ENOMEM;
    free(client->history_file);
    client->history_file = path;
    return 0;
}

/* Plugins are Python code. Their sections must not stop anybody: they are only noted. */
static void note_plugins(struct loader *loader, struct client_config *client)
{
    struct buf names = BUF_INIT;
    size_t n = ini_section_count(loader->ini);
    for (size_t i = 0; i < n; i++) {
        const struct ini_section *section = ini_section_at(loader->ini, i);
        if (section_is(section, "ctlplugin:"))
            buf_printf(&names, "%s[%s]", names.len ? ", " : "", section->name);
    }
    if (names.len)
        client->plugins = strdup(buf_text(&names));
    loader->no_memory |= names.error || (names.len && !client->plugins);
    buf_free(&names);
}

static void read_client(struct loader *loader, struct client_config *client)
{
    const struct schema_section *rows = schema_section(SCHEMA_SUPERVISORCTL);
    const struct ini_section *section = ini_find_section(loader->ini, "supervisorctl");
    if (!section) {
        loader_problem(loader, loader->path, 0, NULL, NULL,
                       ".ini file does not include supervisorctl section",
                       ".ini file does not include supervisorctl section");
        return;
    }
    const struct reading reading = {
        .loader = loader, .section = section, .table = SCHEMA_SUPERVISORCTL, .target = client
    };
    for (size_t i = 0; i < rows->n; i++)
        (void)reading_get(&reading, &rows->options[i]); /* problems are noted */
    note_plugins(loader, client);
}

static int set_defaults(struct client_config *client)
{
    client->serverurl = strdup("http://localhost:9001");
    client->prompt = strdup("supervisor");
    return client->serverurl && client->prompt ? 0 : -ENOMEM;
}

int client_config_load(const char *path, struct client_config **ret_config, char **ret_error)
{
    struct config_problems problems = { 0 };
    struct loader loader;
    struct client_config *client = calloc(1, sizeof(*client));
    int status = client ? 0 : -ENOMEM;
    *ret_error = NULL;
    if (status == 0 && !path) {
        status = set_defaults(client);
    } else if (status == 0) {
        status = loader_open(&loader, path, NULL, &problems);
        if (status == 0 && loader_read_file(&loader, path))
            read_client(&loader, client);
        if (status == 0)
            status = loader.no_memory ? -ENOMEM : problems.n > 0 ? -EINVAL : 0;
        loader_close(&loader);
        if (status == 0)
            status = finish_client(client);
    }
    if (status < 0) {
        *ret_error = problems.sentence ? strdup(problems.sentence) : strdup("out of memory");
        client_config_free(client);
    } else {
        *ret_config = client;
    }
    config_problems_free(&problems);
    return status;
}
