/* SPDX-License-Identifier: MIT */
/* settings.c: the command line over the configuration file over the defaults. */
#include "ctl_options.h"

#include "supervisor/core/config.h"
#include "supervisor/core/datatypes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file that was found but is about something else does not stop somebody who says where the
 * server is. */
static const char no_section[] = ".ini file does not include supervisorctl section";

/* The path that argv[0] was found at: the search goes by where the program lies. NULL: as it is. */
static char *program_path(const char *argv0)
{
    const char *path = getenv("PATH");
    if (strchr(argv0, '/') || !path)
        return NULL;
    while (*path) {
        size_t len = strcspn(path, ":");
        char candidate[PATH_MAX];
        (void)snprintf(candidate, sizeof(candidate), "%.*s/%s", len ? (int)len : 1,
                       len ? path : ".", argv0);
        if (access(candidate, X_OK) == 0)
            return strdup(candidate);
        path += len;
        path += *path == ':';
    }
    return NULL;
}

static int find_file(const struct ctl_options *options, struct ctl_settings *settings)
{
    if (options->config) {
        if (!*options->config)
            return 0;
        settings->config_path = strdup(options->config);
        return settings->config_path ? 0 : -ENOMEM;
    }
    char *program = program_path(options->program);
    int r = config_search(program ? program : options->program, &settings->config_path,
                          &settings->tried);
    free(program);
    return r;
}

static bool replace(char **field, const char *text)
{
    if (!text)
        return true;
    free(*field);
    *field = strdup(text);
    return *field;
}

void ctl_settings_free(struct ctl_settings *s)
{
    free(s->config_path);
    free(s->tried);
    free(s->serverurl);
    free(s->username);
    free(s->password);
    free(s->prompt);
    free(s->history_file);
    *s = (struct ctl_settings){ .url_origin = NULL };
}

static int read_file(const struct ctl_options *options, struct ctl_settings *s,
                     struct client_config **ret_file, char **ret_error)
{
    int r = client_config_load(s->config_path, ret_file, ret_error);
    if (r == 0 || options->config || !options->serverurl || !*ret_error ||
        strcmp(*ret_error, no_section) != 0)
        return r;
    free(*ret_error);
    *ret_error = NULL;
    free(s->config_path);
    s->config_path = NULL;
    return client_config_load(NULL, ret_file, ret_error);
}

static int merge(const struct ctl_options *options, const struct client_config *file,
                 struct ctl_settings *s)
{
    static const char default_url[] = "http://localhost:9001";
    bool ok = replace(&s->serverurl, file->serverurl) && replace(&s->username, file->username);
    ok = ok && replace(&s->password, file->password) && replace(&s->prompt, file->prompt);
    ok = ok && replace(&s->history_file, file->history_file);
    s->url_origin = s->config_path && strcmp(file->serverurl, default_url) != 0
                        ? "the configuration file"
                        : "the default";
    if (options->serverurl)
        s->url_origin = "-s";
    ok = ok && replace(&s->serverurl, options->serverurl);
    ok = ok && replace(&s->username, options->username);
    ok = ok && replace(&s->password, options->password);
    if (ok && options->history_file && *options->history_file) {
        char *path = path_normalize(options->history_file);
        ok = replace(&s->history_file, path) && path;
        free(path);
    }
    return ok ? 0 : -ENOMEM;
}

int ctl_settings_load(const struct ctl_options *options, struct ctl_settings *ret_settings,
                      char **ret_error)
{
    struct ctl_settings s = { .options = *options };
    struct client_config *file = NULL;
    *ret_error = NULL;
    int r = find_file(options, &s);
    if (r == 0)
        r = read_file(options, &s, &file, ret_error);
    if (r == 0)
        r = merge(options, file, &s);
    if (r == 0 && file->plugins)
        (void)fprintf(stderr, "Warning: %s ignored: plugins written in Python cannot be loaded\n",
                      file->plugins);
    client_config_free(file);
    if (r < 0) {
        ctl_settings_free(&s);
        return r;
    }
    *ret_settings = s;
    return 0;
}
