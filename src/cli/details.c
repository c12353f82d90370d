/* SPDX-License-Identifier: MIT */
/* details.c: status -v: all there is to know of a process.
 *
 * What getProcessInfo tells every server knows; the rest (resources, ends) only ours does, and
 * the tree of processes is read here if the server is on this machine.
 */
#include "commands.h"
#include "format.h"
#include "names.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TREE_DEPTH_MAX = 16, TREE_LINES_MAX = 200 };

static void put_field(struct buf *out, const char *name)
{
    buf_printf(out, "  %-12s ", name);
}

static void put_text(struct buf *out, const char *name, const char *text)
{
    if (!text || !*text)
        return;
    put_field(out, name);
    buf_printf(out, "%s\n", text);
}

static void put_time(struct buf *out, const char *name, int64_t seconds)
{
    char text[64];
    struct tm local;
    time_t t = (time_t)seconds;
    if (seconds <= 0 || !localtime_r(&t, &local) ||
        !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", &local))
        return;
    put_text(out, name, text);
}

/* ---- the tree ---- */

static void read_command(long pid, char *text, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        (void)close(fd);
    n = n < 0 ? 0 : n;
    while (n && !text[n - 1])
        n--;
    for (ssize_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20)
            text[i] = ' ';
    text[n] = '\0';
}

static void put_tree(struct buf *out, long pid, unsigned depth, unsigned *lines)
{
    char path[64];
    char command[160];
    if (depth > TREE_DEPTH_MAX || ++*lines > TREE_LINES_MAX)
        return;
    read_command(pid, command, sizeof(command));
    put_field(out, depth ? "" : "processes");
    buf_printf(out, "%*s%ld %s\n", (int)depth * 2, "", pid, command);
    (void)snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", pid, pid);
    FILE *children = fopen(path, "re");
    long child;
    while (children && fscanf(children, "%ld", &child) == 1)
        put_tree(out, child, depth + 1, lines);
    if (children)
        (void)fclose(children);
}

/* ---- what only our server tells ---- */

static void put_ends(struct buf *out, const struct value *ends)
{
    for (size_t i = ends->n; i-- > 0;) {
        const struct value *end = &ends->items[i];
        char when[64] = "";
        struct tm local;
        time_t t = (time_t)value_member_int(end, "time", 0);
        if (localtime_r(&t, &local))
            (void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &local);
        put_field(out, i + 1 == ends->n ? "last ends" : "");
        buf_printf(out, "%s  %s after %.1f s%s\n", when, value_member_string(end, "how", ""),
                   (double)value_member_int(end, "lived_ms", 0) / 1000,
                   value_member_bool(end, "asked", false)      ? " (as asked)"
                   : value_member_bool(end, "expected", false) ? " (expected)"
                                                               : " (unexpected)");
    }
}

static void put_stats(struct buf *out, const struct value *stats, bool is_up)
{
    if (is_up) {
        put_field(out, "memory");
        format_bytes(out, value_member_int(stats, "rss_bytes", 0));
        buf_printf(out, " in %lld processes, %lld threads\n",
                   (long long)value_member_int(stats, "processes", 0),
                   (long long)value_member_int(stats, "threads", 0));
        put_field(out, "cpu time");
        buf_printf(out, "%.2f s\n", (double)value_member_int(stats, "cpu_ms", 0) / 1000);
        put_field(out, "open files");
        buf_printf(out, "%lld\n", (long long)value_member_int(stats, "open_fds", 0));
    }
    put_field(out, "starts");
    buf_printf(out, "%lld, of these %lld restarts\n",
               (long long)value_member_int(stats, "spawns", 0),
               (long long)value_member_int(stats, "restarts", 0));
    const struct value *ends = value_member(stats, "exits");
    if (ends && ends->kind == VALUE_ARRAY)
        put_ends(out, ends);
}

/* ---- one process ---- */

/* The struct of getAllConfigInfo for this process; NULL: none. */
static const struct value *config_of(const struct value *configs, const struct value *info)
{
    for (size_t i = 0; configs->kind == VALUE_ARRAY && i < configs->n; i++) {
        const struct value *config = &configs->items[i];
        if (strcmp(value_member_string(config, "name", ""),
                   value_member_string(info, "name", "-")) == 0 &&
            strcmp(value_member_string(config, "group", ""),
                   value_member_string(info, "group", "-")) == 0)
            return config;
    }
    return NULL;
}

static void put_process(struct ctl *ctl, struct buf *out, const struct value *info,
                        const struct value *configs)
{
    struct call stats;
    struct buf name = BUF_INIT;
    const char *state = value_member_string(info, "statename", "");
    const struct value *config = config_of(configs, info);
    long pid = (long)value_member_int(info, "pid", 0);
    name_put_of(&name, info);
    buf_printf(out, "%s\n", buf_text(&name));
    put_field(out, "state");
    buf_printf(out, "%s%s%s  %s\n", ctl->colour ? format_state_colour(state) : "", state,
               ctl->colour ? FORMAT_COLOUR_END : "", value_member_string(info, "description", ""));
    put_time(out, "started", value_member_int(info, "start", 0));
    put_time(out, "stopped", pid ? 0 : value_member_int(info, "stop", 0));
    put_text(out, "spawn error", value_member_string(info, "spawnerr", ""));
    put_text(out, "command", value_member_string(config, "command", ""));
    put_text(out, "directory", value_member_string(config, "directory", ""));
    put_text(out, "stdout log", value_member_string(info, "stdout_logfile", ""));
    put_text(out, "stderr log", value_member_string(info, "stderr_logfile", ""));
    if (pid && client_socket_path(ctl->client)) {
        unsigned lines = 0;
        put_tree(out, pid, 0, &lines);
    }
    ctl_call(ctl, &stats, "getProcessStats", buf_text(&name), NULL);
    if (stats.answer == ANSWER_VALUE)
        put_stats(out, &stats.value, pid != 0);
    call_free(&stats);
    buf_free(&name);
}

void show_details(struct ctl *ctl, const struct value *const infos[], size_t n)
{
    struct buf out = BUF_INIT;
    struct call configs;
    ctl_call(ctl, &configs, "getAllConfigInfo", NULL, NULL);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_putc(&out, '\n');
        put_process(ctl, &out, infos[i], &configs.value);
    }
    (void)fwrite(buf_text(&out), 1, out.len, stdout);
    buf_free(&out);
    call_free(&configs);
}
