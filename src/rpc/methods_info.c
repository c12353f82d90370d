/* SPDX-License-Identifier: MIT */
/* methods_info.c: supervisor.*: what programs do and how they are configured.
 *
 * The members and their order are what clients of many makes rely on; some re-use one record for
 * all programs, so none may be left out. Source: Supervisor rpcinterface.py, getProcessInfo(),
 * getAllConfigInfo().
 */
#include "call.h"
#include "supervisor/core/clock.h"
#include "supervisor/workers/crew.h"
#include "supervisor/workers/procstat.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- state ---- */

static void write_info(struct buf *out, struct process *p, int64_t now)
{
    struct process_facts facts;
    char description[PROCESS_SPAWNERR_MAX + 128];
    const char *out_log = p->logfile[CHANNEL_STDOUT] ? p->logfile[CHANNEL_STDOUT] : "";
    const char *err_log = p->logfile[CHANNEL_STDERR] ? p->logfile[CHANNEL_STDERR] : "";

    process_facts(p, &facts);
    process_describe(p, &facts, now, description, sizeof(description));
    xmlrpc_write_struct_begin(out);
    xmlrpc_write_member_string(out, "name", p->config->name);
    xmlrpc_write_member_string(out, "group", p->group_config->name);
    xmlrpc_write_member_int(out, "start", facts.start_wall);
    xmlrpc_write_member_int(out, "stop", facts.stop_wall);
    xmlrpc_write_member_int(out, "now", now);
    xmlrpc_write_member_int(out, "state", facts.state);
    xmlrpc_write_member_string(out, "statename", process_state_name(facts.state));
    xmlrpc_write_member_string(out, "spawnerr", facts.spawnerr);
    xmlrpc_write_member_int(out, "exitstatus", facts.exit_status);
    xmlrpc_write_member_string(out, "logfile", out_log);
    xmlrpc_write_member_string(out, "stdout_logfile", out_log);
    xmlrpc_write_member_string(out, "stderr_logfile", err_log);
    xmlrpc_write_member_int(out, "pid", facts.pid);
    xmlrpc_write_member_string(out, "description", description);
    xmlrpc_write_struct_end(out);
}

static int64_t wall_secs(void)
{
    return clock_wall_ns() / (int64_t)NS_PER_SEC;
}

/* The program that the first parameter names. NULL: the fault is set. */
static struct process *get_process(struct rpc_call *call)
{
    const struct value *name = call_param(call, 0);
    struct process *process = NULL;
    struct group *group;

    if (name->kind != VALUE_STRING)
        call_fault(call, FAULT_INCORRECT_PARAMETERS, NULL);
    else if (process_table_resolve(name->string, &group, &process) < 0 || !process)
        call_fault(call, FAULT_BAD_NAME, name->string);
    return call->has_fault ? NULL : process;
}

static void handle_info(struct rpc_call *call)
{
    struct process *process = get_process(call);
    if (process)
        write_info(call->out, process, wall_secs());
}

static void handle_all_info(struct rpc_call *call)
{
    size_t n;
    struct process **processes = process_table_sorted(&n);
    int64_t now = wall_secs();

    xmlrpc_write_array_begin(call->out);
    for (size_t i = 0; i < n; i++)
        write_info(call->out, processes[i], now);
    xmlrpc_write_array_end(call->out);
}

/* ---- configuration ---- */

struct config_row {
    const struct group_config *group;
    const struct process_config *config;
    size_t index;
};

/* By name alone; equal names stay as they were. */
static int compare_rows(const void *a, const void *b)
{
    const struct config_row *left = a, *right = b;
    int order = strcmp(left->config->name, right->config->name);
    return order ? order : (left->index > right->index) - (left->index < right->index);
}

/* The running process of this very configuration; NULL if it was read again since. */
static const struct process *process_of(const struct group *active, const struct config_row *row)
{
    for (size_t i = 0; active && i < active->n_processes; i++)
        if (active->processes[i]->config == row->config)
            return active->processes[i];
    return NULL;
}

static const char *logfile_text(const struct channel_config *channel, const char *effective)
{
    switch (channel->logfile_kind) {
    case LOGFILE_NONE:
        return "none";
    case LOGFILE_AUTO:
        return effective ? effective : "auto";
    case LOGFILE_PATH:
        break;
    }
    return channel->logfile;
}

static void write_channel(struct buf *out, const struct config_row *row, enum channel which,
                          const struct process *process)
{
    static const char *const names[CHANNELS][6] = {
        { "stdout_capture_maxbytes", "stdout_events_enabled", "stdout_logfile",
          "stdout_logfile_backups", "stdout_logfile_maxbytes", "stdout_syslog" },
        { "stderr_capture_maxbytes", "stderr_events_enabled", "stderr_logfile",
          "stderr_logfile_backups", "stderr_logfile_maxbytes", "stderr_syslog" },
    };
    const struct channel_config *channel = &row->config->channel[which];
    const char *const *name = names[which];

    xmlrpc_write_member_int(out, name[0], channel->capture_maxbytes);
    xmlrpc_write_member_bool(out, name[1], channel->events_enabled);
    xmlrpc_write_member_string(out, name[2],
                               logfile_text(channel, process ? process->logfile[which] : NULL));
    xmlrpc_write_member_int(out, name[3], channel->logfile_backups);
    xmlrpc_write_member_int(out, name[4], channel->logfile_maxbytes);
    xmlrpc_write_member_bool(out, name[5], channel->syslog);
}

static void write_autorestart(struct buf *out, enum autorestart autorestart)
{
    switch (autorestart) {
    case AUTORESTART_NEVER:
        xmlrpc_write_member_bool(out, "autorestart", false);
        break;
    case AUTORESTART_ALWAYS:
        xmlrpc_write_member_bool(out, "autorestart", true);
        break;
    case AUTORESTART_UNEXPECTED:
        xmlrpc_write_member_string(out, "autorestart", "unexpected");
        break;
    }
}

static void write_exitcodes(struct buf *out, const struct process_config *config)
{
    xmlrpc_write_member_begin(out, "exitcodes");
    xmlrpc_write_array_begin(out);
    for (int code = 0; code < 256; code++)
        if (process_config_expects(config, code))
            xmlrpc_write_int(out, code);
    xmlrpc_write_array_end(out);
    xmlrpc_write_member_end(out);
}

static void write_config(struct buf *out, const struct config_row *row)
{
    const struct process_config *config = row->config;
    const struct group *active = process_table_find_group(row->group->name);
    const struct process *process = process_of(active, row);
    bool has_url = config->serverurl && !config->serverurl_auto;

    xmlrpc_write_struct_begin(out);
    xmlrpc_write_member_bool(out, "autostart", config->autostart);
    write_autorestart(out, config->autorestart);
    xmlrpc_write_member_string(out, "directory", config->directory ? config->directory : "none");
    if (config->user)
        xmlrpc_write_member_int(out, "uid", config->uid);
    else
        xmlrpc_write_member_string(out, "uid", "none");
    xmlrpc_write_member_string(out, "command", config->command);
    write_exitcodes(out, config);
    xmlrpc_write_member_string(out, "group", row->group->name);
    xmlrpc_write_member_int(out, "group_prio", row->group->priority);
    xmlrpc_write_member_bool(out, "inuse", active != NULL);
    xmlrpc_write_member_bool(out, "killasgroup", config->killasgroup);
    xmlrpc_write_member_string(out, "name", config->name);
    xmlrpc_write_member_int(out, "process_prio", config->priority);
    xmlrpc_write_member_bool(out, "redirect_stderr", config->redirect_stderr);
    xmlrpc_write_member_int(out, "startretries", config->startretries);
    xmlrpc_write_member_int(out, "startsecs", config->startsecs);
    write_channel(out, row, CHANNEL_STDOUT, process);
    xmlrpc_write_member_int(out, "stopsignal", config->stopsignal);
    xmlrpc_write_member_int(out, "stopwaitsecs", config->stopwaitsecs);
    write_channel(out, row, CHANNEL_STDERR, process);
    xmlrpc_write_member_string(out, "serverurl", has_url ? config->serverurl : "none");
    xmlrpc_write_struct_end(out);
}

static void handle_all_config(struct rpc_call *call)
{
    const struct config *config = crew_config();
    size_t n = 0, at = 0;

    for (size_t i = 0; i < config->n_groups; i++)
        n += config->groups[i]->n_processes;
    struct config_row *rows = calloc(n + 1, sizeof(*rows));
    if (!rows) {
        call_fault(call, FAULT_FAILED, "out of memory");
        return;
    }
    for (size_t i = 0; i < config->n_groups; i++)
        for (size_t j = 0; j < config->groups[i]->n_processes; j++, at++)
            rows[at] =
                (struct config_row){ config->groups[i], &config->groups[i]->processes[j], at };
    qsort(rows, n, sizeof(*rows), compare_rows);
    xmlrpc_write_array_begin(call->out);
    for (size_t i = 0; i < n; i++)
        write_config(call->out, &rows[i]);
    xmlrpc_write_array_end(call->out);
    free(rows);
}

/* ---- statistics: an addition ---- */

static void write_exits(struct buf *out, const struct process_facts *facts)
{
    unsigned first = facts->n_exits > PROCESS_EXITS_KEPT ? facts->n_exits - PROCESS_EXITS_KEPT : 0;

    xmlrpc_write_member_begin(out, "exits");
    xmlrpc_write_array_begin(out);
    for (unsigned i = first; i < facts->n_exits; i++) {
        const struct process_exit *end = &facts->exits[i % PROCESS_EXITS_KEPT];
        char text[128];
        process_describe_end(end->status, text, sizeof(text));
        xmlrpc_write_struct_begin(out);
        xmlrpc_write_member_int(out, "time", end->wall);
        xmlrpc_write_member_string(out, "how", text);
        xmlrpc_write_member_int(out, "lived_ms", (int64_t)(end->lived_ns / NS_PER_MS));
        xmlrpc_write_member_bool(out, "expected", end->expected);
        xmlrpc_write_member_bool(out, "asked", end->asked);
        xmlrpc_write_struct_end(out);
    }
    xmlrpc_write_array_end(out);
    xmlrpc_write_member_end(out);
}

static void handle_stats(struct rpc_call *call)
{
    struct process *process = get_process(call);
    struct process_facts facts;
    struct procstat stat = { 0 };
    struct buf *out = call->out;

    if (!process)
        return;
    process_facts(process, &facts);
    if (facts.pid)
        (void)procstat_tree_now(facts.pid, &stat); /* it ended meanwhile: zeros are right */
    xmlrpc_write_struct_begin(out);
    xmlrpc_write_member_string(out, "name", process->config->name);
    xmlrpc_write_member_string(out, "group", process->group_config->name);
    xmlrpc_write_member_int(out, "pid", facts.pid);
    xmlrpc_write_member_int(out, "cpu_ms", (int64_t)stat.cpu_ms);
    xmlrpc_write_member_int(out, "rss_bytes", (int64_t)stat.rss_bytes);
    xmlrpc_write_member_int(out, "processes", stat.processes);
    xmlrpc_write_member_int(out, "threads", stat.threads);
    xmlrpc_write_member_int(out, "open_fds", facts.pid ? procstat_open_fds(facts.pid) : 0);
    xmlrpc_write_member_int(out, "spawns", (int64_t)facts.spawn_seq);
    xmlrpc_write_member_int(out, "restarts", (int64_t)facts.restarts);
    xmlrpc_write_member_int(out, "failures", facts.tries);
    write_exits(out, &facts);
    xmlrpc_write_struct_end(out);
}

const struct method info_methods[] = {
    { "getProcessInfo", "struct,string",
      "What a program does now.\n\n@param string name  the program, or group:program\n"
      "@return struct result  name, group, start, stop, now, state, statename, spawnerr, "
      "exitstatus, logfile, stdout_logfile, stderr_logfile, pid, description\n",
      handle_info, 0 },
    { "getAllProcessInfo", "array",
      "What all programs do now, by group and name.\n\n@return array result  structs like that "
      "of getProcessInfo\n",
      handle_all_info, 0 },
    { "getAllConfigInfo", "array",
      "How all programs are configured in the file as last read, by name.\n\n@return array "
      "result  a struct for each program\n",
      handle_all_config, 0 },
    { "getProcessStats", "struct,string",
      "What a program and everything it started use, and how it ended before.\n\n@param string "
      "name  the program, or group:program\n@return struct result  pid, cpu_ms, rss_bytes, "
      "processes, threads, open_fds, spawns, restarts, failures, exits\n",
      handle_stats, 0 },
    { NULL, NULL, NULL, NULL, 0 },
};
