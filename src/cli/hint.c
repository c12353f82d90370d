/* SPDX-License-Identifier: MIT */
/* hint.c: what was tried, why it failed and what to do. */
#include "hint.h"
#include "names.h"

#include "supervisor/core/ini.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool somebody_reads(void)
{
    return isatty(STDERR_FILENO);
}

static void where(const struct ctl *ctl)
{
    const struct ctl_settings *s = ctl->settings;
    if (s->config_path)
        (void)fprintf(stderr, "  configuration: %s\n", s->config_path);
    else if (s->tried)
        (void)fprintf(stderr, "  configuration: none found (tried %s)\n", s->tried);
    else
        (void)fprintf(stderr, "  configuration: none (-c '')\n");
    (void)fprintf(stderr, "  server: %s (from %s)\n", client_url(ctl->client),
                  strcmp(client_url(ctl->client), s->serverurl) == 0 ? s->url_origin : "open");
}

/* The pid that the daemon of this configuration wrote down; 0: unknown. */
static long daemon_pid(const char *config_path, char *path, size_t size)
{
    struct ini *ini = NULL;
    struct ini_error error = { 0 };
    long pid = 0;
    if (!config_path || ini_new(&ini) < 0)
        return 0;
    int r = ini_read_file(ini, config_path, &error);
    const struct ini_section *section = r == 0 ? ini_find_section(ini, "supervisord") : NULL;
    const struct ini_entry *entry = section ? ini_get(ini, section, "pidfile") : NULL;
    if (entry && *entry->value == '/' && !strchr(entry->value, '%')) {
        (void)snprintf(path, size, "%s", entry->value);
        FILE *file = fopen(path, "re");
        if (file && fscanf(file, "%ld", &pid) != 1)
            pid = 0;
        if (file)
            (void)fclose(file);
    }
    ini_error_free(&error);
    ini_free(ini);
    return pid;
}

static bool is_alive(long pid)
{
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

static void about_daemon(const struct ctl *ctl)
{
    char path[4096] = "";
    const char *config = ctl->settings->config_path;
    long pid = daemon_pid(config, path, sizeof(path));
    if (is_alive(pid))
        (void)fprintf(stderr,
                      "  supervisord (pid %ld, from %s) is alive, but does not listen there:"
                      " compare its own [unix_http_server] or [inet_http_server]\n",
                      pid, path);
    else if (pid)
        (void)fprintf(stderr, "  supervisord (pid %ld, from %s) is not alive\n", pid, path);
    if (!is_alive(pid))
        (void)fprintf(stderr, "  to start it: supervisord%s%s, or systemctl start supervisor\n",
                      config ? " -c " : "", config ? config : "");
}

static void about_permission(const char *socket_path)
{
    struct stat st;
    char directory[4096];
    const char *barrier = socket_path;
    (void)snprintf(directory, sizeof(directory), "%s", socket_path);
    if (stat(socket_path, &st) < 0) { /* then its directory keeps us out */
        barrier = dirname(directory);
        if (stat(barrier, &st) < 0)
            return;
    }
    const struct passwd *owner = getpwuid(st.st_uid);
    char owner_name[64];
    (void)snprintf(owner_name, sizeof(owner_name), "%s", owner ? owner->pw_name : "?");
    const struct group *group = getgrgid(st.st_gid);
    const struct passwd *me = getpwuid(geteuid());
    (void)fprintf(stderr, "  %s belongs to %s:%s with mode %04o; you are %s\n", barrier, owner_name,
                  group ? group->gr_name : "?", st.st_mode & 07777, me ? me->pw_name : "?");
    (void)fprintf(stderr,
                  "  run supervisorctl as %s (sudo), or let chmod= and chown= of "
                  "[unix_http_server] admit you\n",
                  owner_name);
}

void hint_connection(struct ctl *ctl, const struct call *call)
{
    if (ctl->hinted || !somebody_reads() || call->answer != ANSWER_SOCKET)
        return;
    const char *socket_path = client_socket_path(ctl->client);
    ctl->hinted = true;
    (void)fflush(stdout);
    where(ctl);
    if (call->error == EACCES && socket_path)
        about_permission(socket_path);
    else if (call->error == ECONNREFUSED && socket_path)
        (void)fprintf(stderr, "  the socket file is there, but nobody listens: its supervisord "
                              "died or was killed\n");
    bool is_configured = strcmp(client_url(ctl->client), ctl->settings->serverurl) == 0 &&
                         strcmp(ctl->settings->url_origin, "-s") != 0;
    if (is_configured && call_is_absence(call)) /* else another file may be that daemon's */
        about_daemon(ctl);
    if (!ctl->settings->config_path && strcmp(ctl->settings->url_origin, "-s") != 0)
        (void)fprintf(stderr, "  name a configuration file with -c, or the server with -s\n");
}

void hint_credentials(struct ctl *ctl)
{
    if (!somebody_reads())
        return;
    (void)fflush(stdout);
    where(ctl);
    (void)fprintf(stderr,
                  "  %s; use -u and -p, username and password in [supervisorctl], or -i "
                  "to be asked\n",
                  ctl->settings->username && ctl->settings->password
                      ? "the user name or the password is wrong"
                      : "no user name and password were given");
}

void hint_name(const char *word, const struct value *infos)
{
    if (!somebody_reads() || strchr(word, ':'))
        return;
    for (size_t i = 0; i < infos->n; i++) {
        const struct value *info = &infos->items[i];
        struct buf name = BUF_INIT;
        bool is_group = strcmp(value_member_string(info, "group", ""), word) == 0;
        bool is_member = strcmp(value_member_string(info, "name", ""), word) == 0;
        name_put_of(&name, info);
        (void)fflush(stdout);
        if (is_group)
            (void)fprintf(stderr, "  %s is a group: \"%s:*\" means all of it\n", word, word);
        else if (is_member)
            (void)fprintf(stderr, "  did you mean %s?\n", buf_text(&name));
        buf_free(&name);
        if (is_group || is_member)
            return;
    }
}
