/* SPDX-License-Identifier: MIT */
/* json.c: facts -> JSON. Written straight into a buffer: a dashboard of hundreds of programs is one
 * pass. */
#include "json.h"

#include "sampler.h"
#include "supervisor/core/clock.h"
#include "supervisor/core/datatypes.h"
#include "supervisor/core/json_text.h"
#include "supervisor/core/process_table.h"
#include "supervisor/version.h"
#include "supervisor/workers/crew.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define DESCRIPTION_MAX 1024

void json_put_string(struct buf *out, const char *text)
{
    if (text)
        json_text_append(out, text, strlen(text));
    else
        buf_puts(out, "null");
}

void json_put_member(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, ",\"%s\":", key);
    json_put_string(out, text);
}

static const char *truth(bool yes)
{
    return yes ? "true" : "false";
}

static const char *kind_name(enum group_kind kind)
{
    switch (kind) {
    case GROUP_PROGRAM:
        return "program";
    case GROUP_EVENTLISTENER:
        return "eventlistener";
    case GROUP_FCGI:
        return "fcgi-program";
    }
    return "program";
}

static double wall_seconds(void)
{
    return (double)clock_wall_ns() / 1e9;
}

static void append_facts(struct buf *out, struct process *p, const struct process_facts *facts)
{
    char description[DESCRIPTION_MAX];
    double now = wall_seconds();
    double since = now - (double)(clock_now_ns() - facts->state_ns) / 1e9;

    process_describe(p, facts, (int64_t)now, description, sizeof(description));
    buf_printf(
        out,
        ",\"state\":\"%s\",\"statecode\":%d,\"pid\":%d,\"start\":%" PRId64 ",\"stop\":%" PRId64
        ",\"since\":%.3f,\"exitstatus\":%d,\"restarts\":%" PRIu64 ",\"exits\":%u,\"tries\":%u",
        process_state_name(facts->state), (int)facts->state, (int)facts->pid, facts->start_wall,
        facts->stop_wall, since, facts->exit_status, facts->restarts, facts->n_exits, facts->tries);
    json_put_member(out, "spawnerr", facts->spawnerr);
    json_put_member(out, "description", description);
}

void json_process(struct buf *out, struct process *p, bool is_open)
{
    const struct process_config *config = p->config;
    struct process_facts facts;

    process_facts(p, &facts);
    buf_puts(out, "{\"name\":");
    json_put_string(out, p->display_name);
    json_put_member(out, "group", p->group_config->name);
    json_put_member(out, "process", config->name);
    json_put_member(out, "kind", kind_name(p->group_config->kind));
    append_facts(out, p, &facts);
    buf_printf(
        out, ",\"priority\":%d,\"autostart\":%s,\"redirect_stderr\":%s,\"stdout\":%s,\"stderr\":%s",
        config->priority, truth(config->autostart), truth(config->redirect_stderr),
        truth(p->logfile[CHANNEL_STDOUT]), truth(p->logfile[CHANNEL_STDERR]));
    if (!is_open)
        buf_putc(out, '}');
}

void json_usage_member(struct buf *out, struct process *p)
{
    struct process_facts facts;
    struct usage usage;

    process_facts(p, &facts);
    if (!facts.pid || !sampler_usage(facts.pid, &usage)) {
        buf_puts(out, ",\"usage\":null");
        return;
    }
    buf_printf(out,
               ",\"usage\":{\"cpu_seconds\":%.2f,\"rss_bytes\":%" PRIu64
               ",\"processes\":%u,\"threads\":%u",
               (double)usage.stat.cpu_ms / 1e3, usage.stat.rss_bytes, usage.stat.processes,
               usage.stat.threads);
    if (usage.cpu_percent >= 0)
        buf_printf(out, ",\"cpu_percent\":%.1f", usage.cpu_percent);
    else
        buf_puts(out, ",\"cpu_percent\":null");
    if (usage.open_fds >= 0)
        buf_printf(out, ",\"open_fds\":%d}", usage.open_fds);
    else
        buf_puts(out, ",\"open_fds\":null}");
}

/* ---- details ---- */

static const char *autorestart_name(enum autorestart autorestart)
{
    switch (autorestart) {
    case AUTORESTART_NEVER:
        return "false";
    case AUTORESTART_UNEXPECTED:
        return "unexpected";
    case AUTORESTART_ALWAYS:
        return "true";
    }
    return "false";
}

static void append_config(struct buf *out, const struct process_config *config)
{
    const char *signal = config->stopsignal ? signal_name(config->stopsignal) : "none";
    buf_puts(out, ",\"config\":{\"section\":");
    json_put_string(out, config->section);
    json_put_member(out, "command", config->command);
    json_put_member(out, "directory", config->directory);
    json_put_member(out, "user", config->user);
    json_put_member(out, "autorestart", autorestart_name(config->autorestart));
    json_put_member(out, "stopsignal", signal ? signal : "unknown");
    buf_printf(out, ",\"startsecs\":%" PRId64 ",\"stopwaitsecs\":%" PRId64, config->startsecs,
               config->stopwaitsecs);
    if (config->startretries == STARTRETRIES_INFINITE)
        buf_puts(out, ",\"startretries\":null}");
    else
        buf_printf(out, ",\"startretries\":%" PRId64 "}", config->startretries);
}

static void append_logs(struct buf *out, const struct process *p)
{
    json_put_member(out, "stdout_logfile", p->logfile[CHANNEL_STDOUT]);
    json_put_member(out, "stderr_logfile", p->logfile[CHANNEL_STDERR]);
    buf_puts(out, ",\"log\":{");
    for (enum channel c = CHANNEL_STDOUT; c < CHANNELS; c++) {
        const struct channel_counters *counters = &p->counters[c];
        buf_printf(out,
                   "%s\"%s\":{\"bytes_read\":%" PRIu64 ",\"bytes_stored\":%" PRIu64
                   ",\"bytes_dropped\":%" PRIu64 "}",
                   c ? "," : "", channel_name(c), atomic_load(&counters->bytes_read),
                   atomic_load(&counters->bytes_stored), atomic_load(&counters->bytes_dropped));
    }
    buf_putc(out, '}');
}

static void append_end(struct buf *out, const struct process_exit *end)
{
    char reason[160];
    process_describe_end(end->status, reason, sizeof(reason));
    buf_printf(out, "{\"at\":%" PRId64 ",\"status\":%d,\"lived\":%.3f,\"expected\":%s,\"asked\":%s",
               end->wall, end->status, (double)end->lived_ns / 1e9, truth(end->expected),
               truth(end->asked));
    json_put_member(out, "reason", reason);
    buf_putc(out, '}');
}

static void append_history(struct buf *out, struct process *p)
{
    struct process_facts facts;
    process_facts(p, &facts);
    unsigned first = facts.n_exits > PROCESS_EXITS_KEPT ? facts.n_exits - PROCESS_EXITS_KEPT : 0;
    buf_puts(out, ",\"history\":[");
    for (unsigned i = first; i < facts.n_exits; i++) {
        if (i > first)
            buf_putc(out, ',');
        append_end(out, &facts.exits[i % PROCESS_EXITS_KEPT]);
    }
    buf_putc(out, ']');
}

void json_process_details(struct buf *out, struct process *p)
{
    json_process(out, p, true);
    append_config(out, p->config);
    append_logs(out, p);
    append_history(out, p);
    json_usage_member(out, p);
    buf_putc(out, '}');
}

/* ---- all ---- */

void json_supervisor(struct buf *out, bool is_open)
{
    enum daemon_mood mood = crew_mood();
    buf_printf(out,
               "{\"version\":\"%s\",\"release\":\"%s\",\"pid\":%d,\"state\":\"%s\","
               "\"statecode\":%d,\"now\":%.3f",
               SUPERVISOR_VERSION, SUPERVISOR_C_VERSION, (int)getpid(), daemon_mood_name(mood),
               (int)mood, wall_seconds());
    json_put_member(out, "identification", crew_config()->identifier);
    if (!is_open)
        buf_putc(out, '}');
}

void json_processes(struct buf *out, bool with_usage)
{
    size_t n;
    struct process **processes = process_table_sorted(&n);
    buf_putc(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_putc(out, ',');
        json_process(out, processes[i], with_usage);
        if (with_usage) {
            json_usage_member(out, processes[i]);
            buf_putc(out, '}');
        }
    }
    buf_putc(out, ']');
}
