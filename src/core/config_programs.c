/* SPDX-License-Identifier: MIT */
/* config_programs.c: sections that run something become groups of processes. */
#include "config_priv.h"
#include "list.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/datatypes.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define NUMPROCS_MAX     100000 /* of one section: beyond any machine, and soon told */
#define RESULT_HANDLER   "supervisor.dispatchers:default_handler"
#define FCGI_MODE        0700
#define NAMES_OF_SECTION 3

/* ---- programs ---- */

/* What a section that says nothing means: parsed once, copied for each. */
static void build_defaults(struct loader *loader)
{
    const struct schema_section *rows = schema_section(SCHEMA_PROGRAM);
    struct process_config *process = &loader->program_defaults.process;
    char file[] = "default";
    process->umask = -1;
    process->nice = process->oom_score_adj = CONFIG_UNSET;
    for (int i = 0; i < CHANNELS; i++) {
        process->channel[i].chmod = -1;
        process->channel[i].owner_uid = (uid_t)-1;
        process->channel[i].owner_gid = (gid_t)-1;
    }
    for (size_t i = 0; i < rows->n; i++) {
        const struct schema_option *option = &rows->options[i];
        struct buf error = BUF_INIT;
        if (option->fallback &&
            schema_set(loader->schema, SCHEMA_PROGRAM, option, option->fallback, file, 0,
                       &loader->program_defaults, NULL, &error, NULL) < 0)
            loader->no_memory = true; /* defaults parse: a test says so */
        buf_free(&error);
    }
}

struct program {
    struct reading reading;
    struct program_section values;
    const char *name; /* program_name */
    const char *group_name;
    bool failed;
    struct expand_name names[NAMES_OF_SECTION];
    struct expand_scope section_scope;
};

static void own_values(struct loader *loader, void *target, size_t size)
{
    const struct schema_section *rows = schema_section(SCHEMA_PROGRAM);
    for (size_t i = 0; i < rows->n; i++)
        if (rows->options[i].size > 0 && rows->options[i].offset < size &&
            schema_own_value(&rows->options[i], target) < 0)
            loader->no_memory = true;
}

/* An option that is not written keeps the default that is already there. */
static int get_written(const struct reading *reading, const struct schema_option *option)
{
    return reading_entry(reading, option->name) ? reading_get(reading, option) : 0;
}

static bool is_named(const struct schema_option *option, const char *name)
{
    return strcmp(option->name, name) == 0;
}

static bool is_of_process_scope(const struct schema_option *option)
{
    return option->scope == SCOPE_PROCESS || option->scope == SCOPE_PROCESS_TWICE ||
           option->scope == SCOPE_ENVIRONMENT;
}

static void read_section_rows(struct program *program)
{
    const struct schema_section *rows = schema_section(SCHEMA_PROGRAM);
    struct process_config *process = &program->values.process;
    program->reading.scope = &program->section_scope;
    program->reading.target = &program->values;
    for (size_t i = 0; i < rows->n; i++) {
        const struct schema_option *option = &rows->options[i];
        if (is_of_process_scope(option))
            continue;
        int got = get_written(&program->reading, option);
        program->failed |= got < 0;
        if (got == 0 && is_named(option, "killasgroup"))
            process->killasgroup = process->stopasgroup;
    }
}

static void fail_program(struct program *program, const char *option, const char *what)
{
    reading_fail(&program->reading, reading_entry(&program->reading, option), option, "%s", what);
    program->failed = true;
}

/* The name's characters are checked before its expansion, as the reference does, and after it. */
static void read_process_name(struct program *program)
{
    const struct ini_entry *entry = reading_entry(&program->reading, "process_name");
    char *text = entry ? reading_text(&program->reading, entry) : strdup("%(program_name)s");
    struct buf error = BUF_INIT;
    char *name = NULL;
    int status = text ? parse_name(text, &name, &error) : -ENOMEM;
    free(text);
    free(program->values.process_name);
    program->values.process_name = name;
    if (status == -EINVAL)
        fail_program(program, "process_name", buf_text(&error));
    else if (status < 0)
        program->reading.loader->no_memory = true;
    buf_free(&error);
}

static void check_program(struct program *program)
{
    struct program_section *values = &program->values;
    read_process_name(program);
    if (program->failed)
        return;
    if (values->numprocs > 1 && !strstr(values->process_name, "%(process_num)"))
        fail_program(program, "process_name",
                     "%(process_num) must be present within process_name when numprocs > 1");
    else if (values->numprocs > NUMPROCS_MAX)
        fail_program(program, "numprocs", "numprocs is above upper bound (100000)");
    else if (values->process.stopasgroup && !values->process.killasgroup)
        fail_program(program, "killasgroup", "Cannot set stopasgroup=true and killasgroup=false");
}

/* ---- processes ---- */

/* The scope of one process: ENV_x of its own environment, over its number, over its section. */
struct process_scope {
    struct expand_name numbers[2];
    struct expand_scope number_scope;
    struct expand_name *env_names;
    size_t n_env_names;
    struct expand_scope env_scope;
};

static void process_scope_open(struct process_scope *scope, const struct program *program,
                               int64_t number)
{
    *scope = (struct process_scope){
        .numbers = { { .name = "process_num", .number = number },
                     { .name = "numprocs", .number = program->values.numprocs } },
    };
    scope->number_scope =
        (struct expand_scope){ .outer = &program->section_scope, .names = scope->numbers, .n = 2 };
    scope->env_scope = (struct expand_scope){ .outer = &scope->number_scope };
}

static void process_scope_close(struct process_scope *scope)
{
    for (size_t i = 0; i < scope->n_env_names; i++) {
        union {
            const char *in;
            char *out;
        } owned = { .in = scope->env_names[i].name };
        free(owned.out);
    }
    free(scope->env_names);
}

static int process_scope_add_env(struct process_scope *scope, const struct env_list *env)
{
    if (env->n == 0)
        return 0;
    scope->env_names = calloc(env->n, sizeof(*scope->env_names));
    if (!scope->env_names)
        return -ENOMEM;
    for (size_t i = 0; i < env->n; i++) {
        struct buf name = BUF_INIT;
        buf_printf(&name, "ENV_%s", env->vars[i].name);
        scope->env_names[i].name = name.error ? NULL : strdup(buf_text(&name));
        scope->env_names[i].text = env->vars[i].value;
        buf_free(&name);
        if (!scope->env_names[i].name)
            return -ENOMEM;
        scope->n_env_names++;
    }
    scope->env_scope.names = scope->env_names;
    scope->env_scope.n = scope->n_env_names;
    return 0;
}

static void warn_of_log(struct program *program, enum channel channel,
                        const struct channel_config *config, bool to_syslog)
{
    const char *section = program->reading.section->name, *name = channel_name(channel);
    if (to_syslog)
        loader_warn(program->reading.loader,
                    "For [%s], %s_logfile=syslog but this is deprecated and will be removed.  Use "
                    "%s_syslog=true to enable syslog instead.",
                    section, name, name);
    else if (config->logfile_kind == LOGFILE_AUTO && config->logfile_maxbytes == 0)
        loader_warn(program->reading.loader,
                    "For [%s], AUTO logging used for %s_logfile without rollover, set maxbytes > "
                    "0 to avoid filling up filesystem unintentionally",
                    section, name);
}

static void finish_channels(struct program *program, struct process_config *process,
                            const bool to_syslog[CHANNELS])
{
    for (int i = 0; i < CHANNELS; i++) {
        struct channel_config *channel = &process->channel[i];
        channel->syslog |= to_syslog[i];
        /* A negative size would lose all output there; nobody means that. */
        if (channel->logfile_maxbytes < 0)
            channel->logfile_maxbytes = 0;
        if (channel->logfile_backups < 0)
            channel->logfile_backups = 0;
        warn_of_log(program, (enum channel)i, channel, to_syslog[i]);
    }
    struct channel_config *err = &process->channel[CHANNEL_STDERR];
    if (!process->redirect_stderr)
        return;
    if (err->logfile_kind == LOGFILE_PATH)
        loader_warn(program->reading.loader,
                    "For [%s], redirect_stderr=true but stderr_logfile has also been set to a "
                    "filename, the filename has been ignored",
                    program->reading.section->name);
    free(err->logfile);
    err->logfile = NULL;
    err->logfile_kind = LOGFILE_NONE;
}

/* AUTO in any case, maybe with blanks around. */
static bool is_auto(const char *text)
{
    size_t start = strspn(text, " \t\r\n");
    return strncasecmp(text + start, "auto", 4) == 0 &&
           text[start + 4 + strspn(text + start + 4, " \t\r\n")] == '\0';
}

static void finish_process(struct program *program, struct process_config *process)
{
    struct loader *loader = program->reading.loader;
    if (process->serverurl && is_auto(process->serverurl)) {
        process->serverurl_auto = true; /* resolved when the servers are known */
    } else if (process->serverurl && !*process->serverurl) {
        free(process->serverurl);
        process->serverurl = NULL;
    }
    if (env_file_list_join(&loader->config->environment_files, &process->environment_files) < 0)
        loader->no_memory = true;
    struct env_list merged;
    if (env_list_copy(&loader->config->environment, &merged) < 0) {
        loader->no_memory = true;
        return;
    }
    if (env_list_merge(&merged, &process->environment) < 0)
        loader->no_memory = true;
    env_list_free(&process->environment);
    process->environment = merged;
}

static void name_process(struct program *program, const struct process_scope *scope,
                         struct process_config *process)
{
    struct buf error = BUF_INIT;
    CLEANUP_FREE char *text = NULL;
    int status =
        expand_text(program->values.process_name, &scope->env_scope, "process_name", &text, &error);
    if (status == 0)
        status = parse_name(text, &process->name, &error);
    if (status == -EINVAL)
        fail_program(program, "process_name", buf_text(&error));
    else if (status < 0)
        program->reading.loader->no_memory = true;
    buf_free(&error);
}

static void read_process_rows(struct program *program, struct process_scope *scope,
                              struct process_config *process)
{
    const struct schema_section *rows = schema_section(SCHEMA_PROGRAM);
    struct reading *reading = &program->reading;
    bool to_syslog[CHANNELS] = { false, false };
    reading->target = process;
    for (size_t i = 0; i < rows->n; i++) {
        const struct schema_option *option = &rows->options[i];
        if (!is_of_process_scope(option) || is_named(option, "process_name"))
            continue;
        reading->scope =
            option->scope == SCOPE_ENVIRONMENT ? &scope->number_scope : &scope->env_scope;
        int got = get_written(reading, option);
        program->failed |= got < 0;
        if (got > 0 && option->type == TYPE_LOGFILE) {
            enum channel channel =
                is_named(option, "stdout_logfile") ? CHANNEL_STDOUT : CHANNEL_STDERR;
            to_syslog[channel] = process->channel[channel].syslog;
            process->channel[channel].syslog = false; /* the *_syslog row comes later */
        }
        if (got >= 0 && option->type == TYPE_ENVIRONMENT &&
            process_scope_add_env(scope, &process->environment) < 0)
            reading->loader->no_memory = true;
    }
    if (!program->failed && !process->command) {
        struct buf what = BUF_INIT;
        buf_printf(&what, "program section %s does not specify a command", reading->section->name);
        fail_program(program, "command", buf_text(&what));
        buf_free(&what);
    }
    finish_channels(program, process, to_syslog);
}

static void read_process(struct program *program, int64_t number, struct process_config *process)
{
    struct loader *loader = program->reading.loader;
    struct process_scope scope;
    *process = program->values.process;
    own_values(loader, process, sizeof(*process));
    process->name = NULL;
    process->section = strdup(program->reading.section->name);
    loader->no_memory |= !process->section;
    process_scope_open(&scope, program, number);
    read_process_rows(program, &scope, process);
    if (!program->failed)
        name_process(program, &scope, process);
    finish_process(program, process);
    process_scope_close(&scope);
}

static int compare_processes(const void *a, const void *b)
{
    const struct process_config *left = a, *right = b;
    if (left->priority != right->priority)
        return left->priority < right->priority ? -1 : 1;
    return strcmp(left->name, right->name);
}

/* All processes of one section, appended to the group in the order of their names. */
static void read_processes(struct program *program, struct group_config *group)
{
    struct loader *loader = program->reading.loader;
    size_t first = group->n_processes;
    for (int64_t i = 0; i < program->values.numprocs && !program->failed; i++) {
        if (LIST_RESERVE(group->processes, group->n_processes) < 0) {
            loader->no_memory = true;
            return;
        }
        struct process_config *process = &group->processes[group->n_processes++];
        read_process(program, program->values.numprocs_start + i, process);
    }
    if (!program->failed && !loader->no_memory && group->n_processes - first > 1)
        qsort(group->processes + first, group->n_processes - first, sizeof(*group->processes),
              compare_processes);
}

static void read_program(struct loader *loader, const struct ini_section *section,
                         const char *program_name, struct group_config *group)
{
    struct program program = {
        .reading = { .loader = loader,
                     .section = section,
                     .table = SCHEMA_PROGRAM,
                     .is_program = true,
                     .otherwise =
                         group->kind == GROUP_EVENTLISTENER ? NULL : loader->program_default },
        .values = loader->program_defaults,
        .name = program_name,
        .group_name = group->name,
        .names = { { .name = "program_name", .text = program_name },
                   { .name = "group_name", .text = group->name },
                   { .name = "host_node_name", .text = loader->node } },
    };
    program.section_scope = (struct expand_scope){ .outer = &loader->here_scope,
                                                   .names = program.names,
                                                   .n = NAMES_OF_SECTION };
    own_values(loader, &program.values, sizeof(program.values));
    read_section_rows(&program);
    check_program(&program);
    if (!program.failed)
        read_processes(&program, group);
    schema_free_values(SCHEMA_PROGRAM, &program.values);
}

/* The program's name out of the header, and that it is one. NULL: noted. */
static char *read_header_name(struct loader *loader, const struct ini_section *section)
{
    const struct reading reading = { .loader = loader, .section = section };
    struct buf error = BUF_INIT;
    char *name = NULL;
    int status = parse_name(strchr(section->name, ':') + 1, &name, &error);
    if (status == -EINVAL)
        reading_fail(&reading, NULL, NULL, "%s", buf_text(&error));
    else if (status < 0)
        loader->no_memory = true;
    buf_free(&error);
    return name;
}

/* The group-level reading of priority: fewer names, and its error names no section. */
static int read_priority(struct loader *loader, const struct ini_section *section, int *ret)
{
    struct program_section values = { .process.priority = *ret };
    const struct reading reading = { .loader = loader,
                                     .section = section,
                                     .otherwise = loader->program_default,
                                     .table = SCHEMA_PROGRAM,
                                     .target = &values };
    int got = get_written(&reading, schema_find(SCHEMA_PROGRAM, "priority"));
    *ret = values.process.priority;
    return got < 0 ? got : 0;
}

static void add_group(struct loader *loader, struct group_config *group)
{
    struct config *config = loader->config;
    if (!group || LIST_RESERVE(config->groups, config->n_groups) < 0) {
        loader->no_memory = true;
        group_config_unref(group);
        return;
    }
    config->groups[config->n_groups++] = group;
}

static struct group_config *open_group(struct loader *loader, enum group_kind kind,
                                       const char *name, const struct ini_section *section)
{
    struct group_config *group = group_config_new(kind, name, section->name);
    add_group(loader, group ? group_config_ref(group) : NULL);
    return group; /* the caller's reference */
}

static void read_standalone(struct loader *loader, const struct ini_section *section)
{
    CLEANUP_FREE char *name = read_header_name(loader, section);
    int priority = 999;
    if (!name || read_priority(loader, section, &priority) < 0)
        return;
    struct group_config *group = open_group(loader, GROUP_PROGRAM, name, section);
    if (!group)
        return;
    group->priority = priority;
    read_program(loader, section, name, group);
    group_config_unref(group);
}

/* ---- event listeners ---- */

static int clamp_int(int64_t value)
{
    return value > INT_MAX ? INT_MAX : value < INT_MIN ? INT_MIN : (int)value;
}

static void check_listener(const struct reading *reading, const struct listener_section *values,
                           struct group_config *group)
{
    const char *section = reading->section->name;
    if (values->buffer_size < 1)
        reading_fail(reading, reading_entry(reading, "buffer_size"), "buffer_size",
                     "[%s] section sets invalid buffer_size (%" PRId64 ")", section,
                     values->buffer_size);
    if (strcmp(values->result_handler, RESULT_HANDLER) != 0)
        reading_fail(reading, reading_entry(reading, "result_handler"), "result_handler",
                     "%s cannot be resolved within [%s]: Python code cannot be loaded",
                     values->result_handler, section);
    if (!values->events || !*values->events)
        reading_fail(reading, reading_entry(reading, "events"), "events",
                     "[%s] section requires an \"events\" line", section);
    else
        group->event_mask = loader_events(reading, values->events);
    if (values->redirect_stderr)
        reading_fail(reading, reading_entry(reading, "redirect_stderr"), "redirect_stderr",
                     "[%s] section sets redirect_stderr=true but this is not allowed because it "
                     "will interfere with the eventlistener protocol",
                     section);
}

static void read_listener(struct loader *loader, const struct ini_section *section)
{
    const struct schema_section *rows = schema_section(SCHEMA_EVENTLISTENER);
    struct listener_section values = { 0 };
    const struct reading reading = {
        .loader = loader, .section = section, .table = SCHEMA_EVENTLISTENER, .target = &values
    };
    CLEANUP_FREE char *name = read_header_name(loader, section);
    struct group_config *group = NULL;
    bool good = name != NULL;
    for (size_t i = 0; i < rows->n && name; i++)
        good &= reading_get(&reading, &rows->options[i]) >= 0;
    if (name) /* the group's name is the text behind the colon, blanks and all */
        group = open_group(loader, GROUP_EVENTLISTENER, strchr(section->name, ':') + 1, section);
    if (group) {
        if (good)
            check_listener(&reading, &values, group);
        group->priority = clamp_int(values.priority);
        group->buffer_size = values.buffer_size < 1 ? 1 : (size_t)values.buffer_size;
        group->buffer_size_set = reading_entry(&reading, "buffer_size") != NULL;
        group->payload_length_bytes = values.payload_length_bytes;
        group->restart_on_protocol_error = values.restart_on_protocol_error;
        group->result_timeout = values.result_timeout;
        read_program(loader, section, name, group);
    }
    schema_free_values(SCHEMA_EVENTLISTENER, &values);
    group_config_unref(group);
}

/* ---- FastCGI ---- */

static void fail_socket(const struct reading *reading, const char *before, const char *value,
                        const char *after)
{
    reading_fail(reading, reading_entry(reading, "socket"), "socket", "%s%s%s in [%s] socket",
                 before, value, after, reading->section->name);
}

static int parse_tcp(const struct reading *reading, const char *url, struct fcgi_config *fcgi)
{
    const char *host = url + strlen("tcp://");
    size_t host_len = strcspn(host, ": \t\r\n\v\f");
    const char *port = host + host_len + 1;
    if (host_len == 0 || host[host_len] != ':' || !*port || port[strspn(port, "0123456789")]) {
        fail_socket(reading, "Bad socket format ", url, "");
        return -EINVAL;
    }
    struct buf error = BUF_INIT;
    int status = parse_inet_address(host, &fcgi->host, &fcgi->port, &error);
    if (status == -EINVAL)
        fail_socket(reading, buf_text(&error), "", "");
    buf_free(&error);
    return status;
}

/* "unix:///path" or "tcp://host:port". */
static int parse_socket(const struct reading *reading, const char *url, bool owner_or_mode,
                        struct fcgi_config *fcgi)
{
    if (strncmp(url, "unix://", 7) == 0) {
        if (url[7] != '/') {
            fail_socket(reading, "Unix socket path ", url + 7, " is not an absolute path");
            return -EINVAL;
        }
        fcgi->path = path_normalize(url + 7);
        return fcgi->path ? 0 : -ENOMEM;
    }
    if (owner_or_mode) {
        fail_socket(reading,
                    "socket_owner and socket_mode params should only be used with a Unix domain "
                    "socket",
                    "", "");
        return -EINVAL;
    }
    if (strncmp(url, "tcp://", 6) != 0) {
        fail_socket(reading, "Bad socket format ", url, "");
        return -EINVAL;
    }
    return parse_tcp(reading, url, fcgi);
}

static int build_url(struct fcgi_config *fcgi)
{
    struct buf url = BUF_INIT;
    if (fcgi->path)
        buf_printf(&url, "unix://%s", fcgi->path);
    else
        buf_printf(&url, "tcp://%s:%u", fcgi->host, fcgi->port);
    fcgi->url = url.error ? NULL : strdup(buf_text(&url));
    buf_free(&url);
    return fcgi->url ? 0 : -ENOMEM;
}

/* The socket belongs to the program's user, if that is not the daemon's. */
static void default_owner(const struct fcgi_section *values, struct fcgi_config *fcgi)
{
    struct buf ignored = BUF_INIT;
    uid_t uid;
    gid_t gid;
    if (!values->user || values->uid == geteuid())
        return;
    if (parse_user(values->user, &uid, &ignored) == 0 && user_primary_group(uid, &gid) == 0) {
        fcgi->owner_uid = uid;
        fcgi->owner_gid = gid;
    }
    buf_free(&ignored);
}

/* The socket of an [fcgi-program:x], NULL if it is a problem. */
static struct fcgi_config *read_fcgi(struct loader *loader, const struct ini_section *section,
                                     const char *name)
{
    const struct schema_section *rows = schema_section(SCHEMA_FCGI);
    const struct expand_name names[] = { { .name = "program_name", .text = name } };
    const struct expand_scope scope = { .outer = &loader->here_scope, .names = names, .n = 1 };
    struct fcgi_section values = {
        .backlog = SOMAXCONN, .mode = FCGI_MODE, .owner_uid = (uid_t)-1, .owner_gid = (gid_t)-1
    };
    const struct reading reading = { .loader = loader,
                                     .section = section,
                                     .table = SCHEMA_FCGI,
                                     .scope = &scope,
                                     .target = &values };
    bool good = true;
    for (size_t i = 0; i < rows->n; i++)
        good &= reading_get(&reading, &rows->options[i]) >= 0;
    if (good && (!values.socket || !*values.socket)) {
        reading_fail(&reading, NULL, "socket", "[%s] section requires a \"socket\" line",
                     section->name);
        good = false;
    }
    struct fcgi_config *fcgi = good ? calloc(1, sizeof(*fcgi)) : NULL;
    if (good && !fcgi)
        loader->no_memory = true;
    if (fcgi) {
        bool has_owner = reading_entry(&reading, "socket_owner") != NULL;
        bool has_mode = reading_entry(&reading, "socket_mode") != NULL;
        *fcgi = (struct fcgi_config){ .backlog = (int)values.backlog,
                                      .mode = (mode_t)values.mode,
                                      .owner_uid = values.owner_uid,
                                      .owner_gid = values.owner_gid };
        if (!has_owner)
            default_owner(&values, fcgi);
        int status = parse_socket(&reading, values.socket, has_owner || has_mode, fcgi);
        if (status == 0)
            status = build_url(fcgi);
        loader->no_memory |= status == -ENOMEM;
        if (status < 0) {
            fcgi_config_free(fcgi);
            fcgi = NULL;
        }
    }
    schema_free_values(SCHEMA_FCGI, &values);
    return fcgi;
}

/* Give each process from first on its own copy of the socket. */
static void attach_fcgi(struct loader *loader, struct group_config *group, size_t first,
                        const struct fcgi_config *fcgi)
{
    for (size_t i = first; i < group->n_processes; i++) {
        group->processes[i].fcgi = fcgi_config_copy(fcgi);
        loader->no_memory |= !group->processes[i].fcgi;
    }
}

static void read_fcgi_standalone(struct loader *loader, const struct ini_section *section)
{
    CLEANUP_FREE char *name = read_header_name(loader, section);
    int priority = 999;
    if (!name || read_priority(loader, section, &priority) < 0)
        return;
    struct group_config *group = open_group(loader, GROUP_FCGI, name, section);
    if (!group)
        return;
    group->priority = priority;
    group->fcgi = read_fcgi(loader, section, name);
    read_program(loader, section, name, group);
    if (group->fcgi)
        attach_fcgi(loader, group, 0, group->fcgi);
    group_config_unref(group);
}

/* ---- groups ---- */

static const struct ini_section *find_member(const struct loader *loader, const char *prefix,
                                             const char *name)
{
    struct buf full = BUF_INIT;
    buf_printf(&full, "%s:%s", prefix, name);
    const struct ini_section *section = ini_find_section(loader->ini, buf_text(&full));
    buf_free(&full);
    return section;
}

static bool is_grouped(const struct loader *loader, const struct ini_section *section, size_t first)
{
    for (size_t i = first; i < loader->n_grouped; i++)
        if (loader->grouped[i] == section)
            return true;
    return false;
}

static void read_member_section(struct loader *loader, const struct ini_section *section,
                                struct group_config *group)
{
    CLEANUP_FREE char *name = read_header_name(loader, section);
    if (!name)
        return;
    size_t first = group->n_processes;
    struct fcgi_config *fcgi = NULL;
    if (section_is(section, "fcgi-program:"))
        fcgi = read_fcgi(loader, section, name);
    read_program(loader, section, name, group);
    if (fcgi)
        attach_fcgi(loader, group, first, fcgi);
    fcgi_config_free(fcgi);
}

/* One item of programs=. first is where this group's members begin in loader->grouped. */
static void read_member(struct loader *loader, const struct reading *reading, const char *name,
                        struct group_config *group, size_t first)
{
    const struct ini_section *program = find_member(loader, "program", name);
    const struct ini_section *fcgi = find_member(loader, "fcgi-program", name);
    const struct ini_entry *entry = reading_entry(reading, "programs");
    const struct ini_section *member = program ? program : fcgi;
    if (!member) {
        reading_fail(reading, entry, "programs", "[%s] names unknown program or fcgi-program %s",
                     reading->section->name, name);
    } else if (program && fcgi) {
        reading_fail(reading, entry, "programs",
                     "[%s] name %s is ambiguous (exists as program and fcgi-program)",
                     reading->section->name, name);
    } else if (!is_grouped(loader, member, first)) { /* named twice: once is enough */
        if (LIST_RESERVE(loader->grouped, loader->n_grouped) < 0) {
            loader->no_memory = true;
            return;
        }
        loader->grouped[loader->n_grouped++] = member;
        read_member_section(loader, member, group);
    }
}

struct process_rank {
    const char *name;
    size_t index;
};

static int compare_ranks(const void *a, const void *b)
{
    const struct process_rank *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : left->index < right->index ? -1 : 1;
}

/* Of processes with one name the last one counts, in the place of the first. */
static void unite_processes(struct loader *loader, struct group_config *group)
{
    size_t n = group->n_processes;
    if (n < 2 || loader->problems->n > 0 || loader->no_memory)
        return; /* names may be missing, and nobody will see the group */
    CLEANUP_FREE struct process_rank *ranks = calloc(n, sizeof(*ranks));
    CLEANUP_FREE bool *gone = calloc(n, sizeof(*gone));
    if (!ranks || !gone) {
        loader->no_memory = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        ranks[i] = (struct process_rank){ .name = group->processes[i].name, .index = i };
    qsort(ranks, n, sizeof(*ranks), compare_ranks);
    for (size_t i = 1, first = 0; i < n; i++) {
        if (strcmp(ranks[first].name, ranks[i].name) != 0) {
            first = i;
            continue;
        }
        struct process_config *kept = &group->processes[ranks[first].index];
        struct process_config *later = &group->processes[ranks[i].index];
        struct process_config swapped = *kept;
        *kept = *later;
        *later = swapped;
        gone[ranks[i].index] = true;
    }
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        if (gone[i])
            process_config_clear(&group->processes[i]);
        else
            group->processes[left++] = group->processes[i];
    }
    group->n_processes = left;
}

static void read_group(struct loader *loader, const struct ini_section *section)
{
    const struct schema_section *rows = schema_section(SCHEMA_GROUP);
    struct group_section values = { 0 };
    const struct reading reading = {
        .loader = loader, .section = section, .table = SCHEMA_GROUP, .target = &values
    };
    CLEANUP_FREE char *name = read_header_name(loader, section);
    if (!name)
        return;
    for (size_t i = 0; i < rows->n; i++)
        (void)reading_get(&reading, &rows->options[i]); /* problems are noted */
    struct group_config *group = open_group(loader, GROUP_PROGRAM, name, section);
    char **members = NULL;
    size_t n = 0, first = loader->n_grouped;
    if (group && values.programs && parse_text_list(values.programs, &members, &n) < 0)
        loader->no_memory = true;
    if (group)
        group->priority = clamp_int(values.priority);
    for (size_t i = 0; i < n; i++)
        read_member(loader, &reading, members[i], group, first);
    text_list_free(members);
    schema_free_values(SCHEMA_GROUP, &values);
    group_config_unref(group);
}

static int compare_sections(const void *a, const void *b)
{
    const struct ini_section *left = *(const struct ini_section *const *)a;
    const struct ini_section *right = *(const struct ini_section *const *)b;
    return left < right ? -1 : left > right;
}

static bool is_in_some_group(const struct loader *loader, const struct ini_section *section)
{
    return loader->n_grouped > 0 && bsearch(&section, loader->grouped, loader->n_grouped,
                                            sizeof(*loader->grouped), compare_sections) != NULL;
}

static int compare_groups(const void *a, const void *b)
{
    const struct group_config *left = *(struct group_config *const *)a;
    const struct group_config *right = *(struct group_config *const *)b;
    if (left->priority != right->priority)
        return left->priority < right->priority ? -1 : 1;
    int order = strcmp(left->name, right->name);
    return order ? order : strcmp(left->section, right->section);
}

static int compare_group_names(const void *a, const void *b)
{
    const struct group_config *left = *(struct group_config *const *)a;
    const struct group_config *right = *(struct group_config *const *)b;
    int order = strcmp(left->name, right->name);
    return order ? order : strcmp(left->section, right->section);
}

/* Sort them by name for config_find_group(), and see that each name is there once. */
static void index_groups(struct loader *loader)
{
    struct config *config = loader->config;
    size_t n = config->n_groups;
    if (n == 0)
        return;
    config->by_name_ = calloc(n, sizeof(struct group_config *));
    if (!config->by_name_) {
        loader->no_memory = true;
        return;
    }
    memcpy(config->by_name_, config->groups, n * sizeof(*config->groups));
    qsort(config->by_name_, n, sizeof(*config->by_name_), compare_group_names);
    for (size_t i = 1; i < n; i++) {
        const struct group_config *a = config->by_name_[i - 1], *b = config->by_name_[i];
        if (strcmp(a->name, b->name) != 0)
            continue;
        const struct reading reading = { .loader = loader,
                                         .section = ini_find_section(loader->ini, b->section) };
        reading_fail(&reading, NULL, NULL, "[%s] and [%s] both make a group named '%s'", a->section,
                     b->section, b->name);
    }
}

static void for_sections(struct loader *loader, const char *prefix,
                         void (*reader)(struct loader *loader, const struct ini_section *section))
{
    size_t n = ini_section_count(loader->ini);
    for (size_t i = 0; i < n; i++) {
        const struct ini_section *section = ini_section_at(loader->ini, i);
        if (section_is(section, prefix) && !is_in_some_group(loader, section))
            reader(loader, section);
    }
}

void loader_read_groups(struct loader *loader)
{
    struct config *config = loader->config;
    build_defaults(loader);
    size_t n = ini_section_count(loader->ini);
    for (size_t i = 0; i < n; i++)
        if (section_is(ini_section_at(loader->ini, i), "group:"))
            read_group(loader, ini_section_at(loader->ini, i));
    if (loader->n_grouped > 0)
        qsort(loader->grouped, loader->n_grouped, sizeof(*loader->grouped), compare_sections);
    for_sections(loader, "program:", read_standalone);
    for_sections(loader, "eventlistener:", read_listener);
    for_sections(loader, "fcgi-program:", read_fcgi_standalone);
    for (size_t i = 0; i < config->n_groups; i++)
        unite_processes(loader, config->groups[i]);
    index_groups(loader);
    if (config->n_groups > 1)
        qsort(config->groups, config->n_groups, sizeof(*config->groups), compare_groups);
}
