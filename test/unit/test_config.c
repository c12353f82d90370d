/* SPDX-License-Identifier: MIT */
/* test_config.c: whole configurations: what they become, how they differ, what is wrong with them.
 * The many single values are compared with the reference itself elsewhere. */
#include "supervisor/core/config.h"
#include "supervisor/core/event.h"
#include "supervisor/core/schema.h"
#include "tmp_dir.h"
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

static struct config *config;
static struct config_problems problems;

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(tmp_path(name), "we");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_TRUE(fputs(text, f) >= 0);
    CU_ASSERT_EQUAL(fclose(f), 0);
}

static int read_with(const char *text, const struct config_overrides *overrides)
{
    config_free(config);
    config = NULL;
    config_problems_free(&problems);
    write_file("main.conf", text);
    return config_read(tmp_path("main.conf"), overrides, &config, &problems);
}

static bool reads(const char *text)
{
    int status = read_with(text, NULL);
    if (status < 0)
        fprintf(stderr, "refused: %s\n", problems.sentence);
    return status == 0;
}

static const struct process_config *process(const char *group, size_t i)
{
    const struct group_config *found = config_find_group(config, group);
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    CU_ASSERT_FATAL(found->n_processes > i);
    return &found->processes[i];
}

/* Does some text of the list hold this? */
static bool some_has(char **list, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(list[i], text))
            return true;
    return false;
}

static bool warned(const char *text)
{
    return some_has(config->warnings, config->n_warnings, text);
}

static bool problem_is(size_t i, unsigned line, const char *rest)
{
    char expected[512];
    if (i >= problems.n)
        return false;
    (void)snprintf(expected, sizeof(expected), "%s:%u: %s", tmp_path("main.conf"), line, rest);
    char *text = config_problem_text(&problems.list[i]);
    bool same = text && strcmp(text, expected) == 0;
    if (!same)
        fprintf(stderr, "<%s>, not <%s>\n", text ? text : "(none)", expected);
    free(text);
    return same;
}

#define HEAD "[supervisord]\n"

static void the_smallest_file_has_the_known_defaults(void)
{
    CU_ASSERT_TRUE_FATAL(reads(HEAD "[program:x]\ncommand=/bin/cat\n"));
    CU_ASSERT_EQUAL(config->minfds, 1024);
    CU_ASSERT_EQUAL(config->umask, 022);
    CU_ASSERT_EQUAL(config->logfile_maxbytes, 50 << 20);
    CU_ASSERT_EQUAL(config->loglevel, LOG_LEVEL_INFO);
    CU_ASSERT_STRING_EQUAL(config->identifier, "supervisor");
    CU_ASSERT_EQUAL(config->logfile[0], '/');
    CU_ASSERT_PTR_NULL(config->user);
    const struct process_config *p = process("x", 0);
    CU_ASSERT_STRING_EQUAL(p->name, "x");
    CU_ASSERT_STRING_EQUAL(p->section, "program:x");
    CU_ASSERT_EQUAL(p->priority, 999);
    CU_ASSERT_EQUAL(p->autorestart, AUTORESTART_UNEXPECTED);
    CU_ASSERT_EQUAL(p->stopsignal, SIGTERM);
    CU_ASSERT_EQUAL(p->umask, -1);
    CU_ASSERT_TRUE(process_config_expects(p, 0) && !process_config_expects(p, 2));
    CU_ASSERT_EQUAL(p->channel[CHANNEL_STDOUT].logfile_kind, LOGFILE_AUTO);
    CU_ASSERT_TRUE(p->serverurl_auto);
    CU_ASSERT_PTR_NULL(p->serverurl);
}

/* What the reference does not know must mean its behaviour when it is not written. */
static void our_own_options_are_off_by_default(void)
{
    CU_ASSERT_TRUE_FATAL(reads(HEAD "[program:x]\ncommand=/bin/cat\n"));
    const struct process_config *p = process("x", 0);
    CU_ASSERT_EQUAL(p->restartpause, 0);
    CU_ASSERT_EQUAL(p->backoff_max, 0);
    CU_ASSERT_EQUAL(p->backoff_factor, 0);
    CU_ASSERT_EQUAL(p->restart_limit, 0);
    CU_ASSERT_EQUAL(p->exit_on, EXIT_ON_NOTHING);
    CU_ASSERT_EQUAL(p->environment_files.n, 0);
    CU_ASSERT_EQUAL(p->reloadsignal, SIGHUP);
    CU_ASSERT_EQUAL(p->nice, CONFIG_UNSET);
    CU_ASSERT_EQUAL(p->oom_score_adj, CONFIG_UNSET);
    CU_ASSERT_EQUAL(p->killmode, KILLMODE_DEFAULT);
    CU_ASSERT_FALSE(p->cpu_affinity.set || p->gid_set || p->user_environment);
    for (size_t i = 0; i < CONFIG_RLIMITS; i++)
        CU_ASSERT_FALSE(p->rlimits[i].set);
    const struct channel_config *out = &p->channel[CHANNEL_STDOUT];
    CU_ASSERT_PTR_NULL(out->format);
    CU_ASSERT_FALSE(out->timestamp || out->compress);
    CU_ASSERT_EQUAL(out->rotate, LOGROTATE_NONE);
    CU_ASSERT_EQUAL(out->chmod, -1);
    CU_ASSERT_EQUAL(out->owner_uid, (uid_t)-1);
    CU_ASSERT_FALSE(config->log_json || config->exit_when_idle);
}

static void our_own_options_are_read(void)
{
    CU_ASSERT_TRUE_FATAL(
        reads(HEAD "log_format=json\nenvironment_file=all.env\n[program:x]\ncommand=c\n"
                   "startretries=infinite\nrestart_limit=5/60\nbackoff_factor=1.5\n"
                   "stdout_logfile_format=%(asctime)s %z\nstdout_logfile_rotate=04:05\n"
                   "stderr_logfile_chmod=0640\nstderr_logfile_chown=root:root\nuser=root:root\n"
                   "rlimit_nofile=10:20\ncpu_affinity=1\nkillmode=cgroup\nnice=-5\n"
                   "environment_file=-/x.env\nexit_on=unexpected\nmax_age=2h\n"));
    const struct process_config *p = process("x", 0);
    CU_ASSERT_TRUE(config->log_json);
    CU_ASSERT_EQUAL(p->startretries, STARTRETRIES_INFINITE);
    CU_ASSERT_TRUE(p->restart_limit == 5 && p->restart_limit_secs == 60);
    CU_ASSERT_EQUAL(p->backoff_factor, 1.5);
    CU_ASSERT_STRING_EQUAL(p->channel[0].format, "%(asctime)s %z");
    CU_ASSERT_TRUE(p->channel[0].rotate == LOGROTATE_DAILY && p->channel[0].rotate_minute == 245);
    CU_ASSERT_TRUE(p->channel[1].chmod == 0640 && p->channel[1].owner_gid == 0);
    CU_ASSERT_TRUE(p->gid_set && p->gid == 0 && p->uid == 0);
    CU_ASSERT_STRING_EQUAL(p->user, "root");
    CU_ASSERT_TRUE(p->rlimits[RLIMIT_NOFILE].soft == 10 && p->rlimits[RLIMIT_NOFILE].hard == 20);
    CU_ASSERT_EQUAL(p->cpu_affinity.bits[0], 2);
    CU_ASSERT_TRUE(p->killmode == KILLMODE_CGROUP && p->nice == -5 && p->max_age == 7200);
    CU_ASSERT_EQUAL(p->exit_on, EXIT_ON_UNEXPECTED);
    CU_ASSERT_EQUAL_FATAL(p->environment_files.n, 2);
    CU_ASSERT_STRING_EQUAL(p->environment_files.files[0].path, tmp_path("all.env"));
    CU_ASSERT_TRUE(p->environment_files.files[1].optional);
}

static void every_problem_is_told_with_its_place(void)
{
    CU_ASSERT_EQUAL(read_with(HEAD "minfds=x\numask=9\n[program:x]\ncommand=c\nstartsecs=abc\n"
                                   "autostart=maybe\n[program:y]\n[group:g]\nprograms=z\n",
                              NULL),
                    -EINVAL);
    CU_ASSERT_STRING_EQUAL(problems.sentence, "invalid literal for int() with base 10: 'x'");
    CU_ASSERT_EQUAL(problems.n, 6);
    CU_ASSERT_TRUE(problem_is(0, 2, "[supervisord] minfds: 'x' is not an integer"));
    CU_ASSERT_TRUE(problem_is(1, 3, "[supervisord] umask: '9' is not an octal number"));
    CU_ASSERT_TRUE(
        problem_is(2, 10, "[group:g] programs: [group:g] names unknown program or fcgi-program z"));
    CU_ASSERT_TRUE(
        problem_is(3, 7, "[program:x] autostart: 'maybe' is not a boolean (true or false)"));
    CU_ASSERT_TRUE(problem_is(4, 6, "[program:x] startsecs: 'abc' is not an integer"));
    CU_ASSERT_TRUE(problem_is(5, 8,
                              "[program:y] command: program section program:y does not specify a "
                              "command"));
}

static void the_text_begins_with_the_sentence(void)
{
    char *text = NULL;
    write_file("main.conf", HEAD "[program:x]\nstartsecs=y\n");
    CU_ASSERT_EQUAL(config_load(tmp_path("main.conf"), NULL, &config, &text), -EINVAL);
    const char *sentence = "invalid literal for int() with base 10: 'y' in section 'program:x' "
                           "(file: '";
    CU_ASSERT_EQUAL(strncmp(text, sentence, strlen(sentence)), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "')\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, ":3: [program:x] startsecs: 'y' is not an integer"));
    free(text);
}

static void typing_errors_are_warned_of(void)
{
    CU_ASSERT_TRUE_FATAL(reads(HEAD "[program:x]\ncommand=sh -c 'a ; b'\nstartsec=1\nzzz=1\n"
                                    "[progam:y]\ncommand=x\n[program]\n[third:party]\na=1\n"
                                    "[program:e]\ncommand=x\nenvironment=A=$HOME\n"));
    CU_ASSERT_TRUE(warned("startsec: unknown option, ignored; did you mean startsecs?"));
    CU_ASSERT_TRUE(warned("[program:x] zzz: unknown option, ignored"));
    CU_ASSERT_TRUE(warned("[progam:y]: unknown section, ignored; did you mean [program:y]?"));
    CU_ASSERT_TRUE(warned("[program]: unknown section, ignored; did you mean [program:NAME]?"));
    CU_ASSERT_TRUE(warned("[third:party]: unknown section, ignored"));
    CU_ASSERT_TRUE(warned("[program:x] command: a comment begins inside quotes on line 3"));
    CU_ASSERT_TRUE(warned("[program:e] environment: something else than a comma"));
}

static void values_come_from_the_section_then_the_defaults(void)
{
    CU_ASSERT_TRUE_FATAL(reads("[DEFAULT]\nstartsecs=2\npriority=7\n" HEAD
                               "[program-default]\nstartsecs=3\nstopsignal=INT\n"
                               "[program:x]\ncommand=c\n[program:y]\ncommand=c\nstartsecs=4\n"
                               "[eventlistener:l]\ncommand=c\nevents=TICK\n"));
    CU_ASSERT_EQUAL(process("x", 0)->startsecs, 3);
    CU_ASSERT_EQUAL(process("x", 0)->stopsignal, SIGINT);
    CU_ASSERT_EQUAL(process("y", 0)->startsecs, 4);
    CU_ASSERT_EQUAL(process("l", 0)->startsecs, 2);
    CU_ASSERT_EQUAL(config_find_group(config, "x")->priority, 7);
    CU_ASSERT_EQUAL(config->n_warnings, 0);
}

static void groups_take_their_members_and_sockets(void)
{
    CU_ASSERT_TRUE_FATAL(
        reads(HEAD "[program:b]\ncommand=b\n[program:a]\ncommand=%(group_name)s\nnumprocs=2\n"
                   "process_name=%(program_name)s_%(process_num)d\n"
                   "[fcgi-program:f]\ncommand=f\nsocket=unix:///tmp/../x.sock\nsocket_mode=0600\n"
                   "[group:g]\nprograms=f,b,a\npriority=5\n[fcgi-program:h]\ncommand=h\n"
                   "socket=tcp://HOST:9\n"));
    CU_ASSERT_EQUAL(config->n_groups, 2);
    CU_ASSERT_STRING_EQUAL(config->groups[0]->name, "g");
    CU_ASSERT_EQUAL_FATAL(config->groups[0]->n_processes, 4);
    CU_ASSERT_STRING_EQUAL(process("g", 0)->fcgi->url, "unix:///x.sock");
    CU_ASSERT_EQUAL(process("g", 0)->fcgi->mode, 0600);
    CU_ASSERT_PTR_NULL(process("g", 1)->fcgi);
    CU_ASSERT_STRING_EQUAL(process("g", 3)->name, "a_1");
    CU_ASSERT_STRING_EQUAL(process("g", 3)->command, "g");
    CU_ASSERT_STRING_EQUAL(config_find_group(config, "h")->fcgi->url, "tcp://host:9");
    CU_ASSERT_EQUAL(config_find_group(config, "h")->kind, GROUP_FCGI);
    CU_ASSERT_PTR_NULL(config_find_group(config, "b"));
}

static void two_groups_of_one_name_are_refused(void)
{
    CU_ASSERT_EQUAL(read_with(HEAD "[program:a]\ncommand=a\n[program:b]\ncommand=b\n"
                                   "[group:a]\nprograms=b\n",
                              NULL),
                    -EINVAL);
    CU_ASSERT_STRING_EQUAL(problems.sentence,
                           "[group:a] and [program:a] both make a group named 'a'");
}

static void the_server_url_is_that_of_the_unix_socket(void)
{
#define SERVERS "[inet_http_server]\nport=1\n[inet_http_server:b]\nport=[::1]:2\n"
    CU_ASSERT_TRUE_FATAL(reads(HEAD SERVERS "[program:x]\ncommand=c\n"));
    CU_ASSERT_STRING_EQUAL(process("x", 0)->serverurl, "http://[::1]:2");
    CU_ASSERT_TRUE_FATAL(reads(HEAD SERVERS "[unix_http_server]\nfile=/s\n[program:x]\ncommand=c\n"
                                            "[program:y]\ncommand=c\nserverurl=\n"));
    CU_ASSERT_STRING_EQUAL(process("x", 0)->serverurl, "unix:///s");
    CU_ASSERT_PTR_NULL(process("y", 0)->serverurl);
    CU_ASSERT_EQUAL(config->servers[2].mode, 0700);
    CU_ASSERT_TRUE_FATAL(reads(HEAD "[inet_http_server]\nport=*:3\n[program:x]\ncommand=c\n"));
    CU_ASSERT_STRING_EQUAL(process("x", 0)->serverurl, "http://localhost:3");
}

static void servers_have_users_with_roles(void)
{
    CU_ASSERT_TRUE_FATAL(reads(HEAD "[inet_http_server]\nport=1\ninsecure=true\n"
                                    "users=a:read:{SHA256}00, b:admin:p:q\n"));
    const struct server_config *server = &config->servers[0];
    CU_ASSERT_TRUE(server->insecure);
    CU_ASSERT_EQUAL_FATAL(server->n_users, 2);
    CU_ASSERT_EQUAL(server->users[0].role, SERVER_ROLE_READ);
    CU_ASSERT_STRING_EQUAL(server->users[1].password, "p:q");
    CU_ASSERT_EQUAL(read_with(HEAD "[inet_http_server]\nport=1\nusers=a:owner:secret\n", NULL),
                    -EINVAL);
    CU_ASSERT_PTR_NULL(strstr(problems.sentence, "secret"));
}

static void listeners_and_notifies_have_events(void)
{
    CU_ASSERT_TRUE_FATAL(reads(HEAD "[eventlistener:l]\ncommand=c\nevents=tick_5, PROCESS_STATE\n"
                                    "buffer_size=3\npayload_length=bytes\n"
                                    "[notify:n]\nevents=TICK\nurl=http://x\nrate_limit=1/5\n"));
    const struct group_config *group = config_find_group(config, "l");
    CU_ASSERT_EQUAL(group->event_mask, UINT64_C(1) << EVENT_TICK_5 | UINT64_C(1)
                                                                         << EVENT_PROCESS_STATE);
    CU_ASSERT_TRUE(group->buffer_size == 3 && group->buffer_size_set);
    CU_ASSERT_TRUE(group->payload_length_bytes);
    CU_ASSERT_EQUAL(group->priority, -1);
    CU_ASSERT_EQUAL(config->n_notifies, 1);
    CU_ASSERT_EQUAL(config->notifies[0].rate_limit_secs, 5);
}

static void the_command_line_wins_but_the_file_must_be_right(void)
{
    const struct config_overrides overrides = { .umask = "077",
                                                .loglevel = "debug",
                                                .nodaemon = true };
    CU_ASSERT_EQUAL(read_with(HEAD "umask=027\n", &overrides), 0);
    CU_ASSERT_EQUAL(config->umask, 077);
    CU_ASSERT_EQUAL(config->loglevel, LOG_LEVEL_DEBG);
    CU_ASSERT_TRUE(config->nodaemon);
    CU_ASSERT_EQUAL(read_with(HEAD "umask=9\n", &overrides), -EINVAL);
    char *text = NULL;
    CU_ASSERT_EQUAL(config_check_override("umask", "9", &text), -EINVAL);
    CU_ASSERT_STRING_EQUAL(text, "9 can not be converted to an octal type");
    free(text);
    CU_ASSERT_EQUAL(config_check_override("user", "nosuchuser", &text), -EINVAL);
    CU_ASSERT_STRING_EQUAL(text, "Invalid user name nosuchuser");
    free(text);
    CU_ASSERT_EQUAL(config_check_override("minfds", "5", &text), 0);
}

/* What would be said of the change from one program to another: "" for nothing. */
static void check_change(const char *before, const char *after, const char *why)
{
    char text[512];
    (void)snprintf(text, sizeof(text), HEAD "[program:x]\ncommand=c\n%s\n", before);
    CU_ASSERT_TRUE_FATAL(reads(text));
    struct group_config *old = group_config_ref(config_find_group(config, "x"));
    (void)snprintf(text, sizeof(text), HEAD "[program:x]\ncommand=c\n%s\n", after);
    CU_ASSERT_TRUE_FATAL(reads(text)); /* frees the first configuration: the group lives on */
    char *got = NULL;
    bool differs = group_config_differs(old, config_find_group(config, "x"), &got);
    CU_ASSERT_EQUAL(differs, *why != '\0');
    CU_ASSERT_STRING_EQUAL(got ? got : "", why);
    free(got);
    group_config_unref(old);
}

static void changes_are_named_by_their_option(void)
{
    static const char *const rows[][3] = {
        { "", "", "" },
        { "startsecs=1", "", "" },
        { "environment=A=1,B=2", "environment=B=2,A=\"1\"", "" },
        { "exitcodes=0,2", "exitcodes=2,0", "" },
        { "startsecs=1", "startsecs=2", "x: startsecs" },
        { "", "command=c ", "" },
        { "", "command=c  d", "x: command" },
        { "", "priority=1", "priority" },
        { "", "environment=A=1", "x: environment" },
        { "environment=A=1", "environment=A=2", "x: environment" },
        { "stdout_logfile=/tmp/x", "stdout_logfile=AUTO", "x: stdout_logfile" },
        { "stdout_logfile=NONE", "", "x: stdout_logfile" },
        { "", "user=root", "x: user" },
        { "user=root", "user=0", "" },
        { "", "rlimit_core=0", "x: rlimit_core" },
        { "", "cpu_affinity=0", "x: cpu_affinity" },
        { "restart_limit=1/2", "restart_limit=1/3", "x: restart_limit" },
        { "environment_file=a", "environment_file=-a", "x: environment_file" },
        { "serverurl=auto", "", "" },
        { "serverurl=x", "", "x: serverurl" },
        { "", "numprocs=2\nprocess_name=%(process_num)d", "the number of processes" },
        { "", "process_name=y", "y: the name" },
        { "umask=022", "umask=22", "" },
        { "user=root", "user=root:root", "x: user" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        check_change(rows[i][0], rows[i][1], rows[i][2]);
}

static void sockets_and_listeners_are_compared_too(void)
{
#define SOCKET   HEAD "[fcgi-program:f]\ncommand=c\nsocket=unix:///x\n"
#define LISTENER HEAD "[eventlistener:f]\ncommand=c\n"
    static const char *const rows[][3] = {
        { SOCKET, SOCKET "socket_mode=0777\n", "socket_mode" },
        { SOCKET, SOCKET "socket_backlog=3\n", "socket_backlog" },
        { SOCKET, SOCKET "socket_owner=0:0\n", "socket_owner" },
        { LISTENER "events=TICK,EVENT\n", LISTENER "events=EVENT,TICK\n", NULL },
        { LISTENER "events=TICK\n", LISTENER "events=EVENT\n", "events" },
        { LISTENER "events=TICK\n", LISTENER "events=TICK\nbuffer_size=9\n", "buffer_size" },
        { LISTENER "events=TICK\n", HEAD "[program:f]\ncommand=c\n", "the kind of section" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        CU_ASSERT_TRUE_FATAL(reads(rows[i][0]));
        struct group_config *old = group_config_ref(config->groups[0]);
        CU_ASSERT_TRUE_FATAL(reads(rows[i][1]));
        char *why = NULL;
        CU_ASSERT_EQUAL(group_config_differs(old, config->groups[0], &why), rows[i][2] != NULL);
        CU_ASSERT_STRING_EQUAL(why ? why : "", rows[i][2] ? rows[i][2] : "");
        free(why);
        group_config_unref(old);
    }
}

static void write_programs(int changed)
{
    for (int i = 0; i < 2000; i++) {
        char name[32], text[256];
        (void)snprintf(name, sizeof(name), "inc%d.conf", i);
        (void)snprintf(text, sizeof(text),
                       "[program:p%d]\ncommand=/bin/cat %%(here)s %d\nenvironment=A=\"1\"\n", i,
                       i < changed ? 1 : 0);
        write_file(name, text);
    }
}

static void of_two_thousand_included_programs_only_the_changed_differ(void)
{
    write_programs(0);
    CU_ASSERT_TRUE_FATAL(reads(HEAD "[include]\nfiles=inc*.conf nothing*.conf\n"));
    CU_ASSERT_EQUAL(config->n_groups, 2000);
    CU_ASSERT_TRUE(warned("No file matches via include"));
    CU_ASSERT_TRUE(some_has(config->infos, config->n_infos, "Included extra file \""));
    struct group_config *old[2000];
    for (size_t i = 0; i < 2000; i++)
        old[i] = group_config_ref(config->groups[i]);
    write_programs(10);
    struct timespec start, end;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    CU_ASSERT_TRUE_FATAL(reads(HEAD "[include]\nfiles=inc*.conf\n"));
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    CU_ASSERT_TRUE(end.tv_sec - start.tv_sec < 10); /* a machine under load; measured: 0.1 s */
    int differing = 0;
    for (size_t i = 0; i < 2000; i++) {
        differing += group_config_differs(old[i], config->groups[i], NULL);
        group_config_unref(old[i]);
    }
    CU_ASSERT_EQUAL(differing, 10);
}

static void an_included_file_that_includes_itself_ends(void)
{
    write_file("loop.conf", "[include]\nfiles=loop.conf main.conf\n[program:l]\ncommand=c\n");
    CU_ASSERT_TRUE_FATAL(reads(HEAD "[include]\nfiles=loop.conf main.conf loop.conf\n"));
    CU_ASSERT_EQUAL(config->n_groups, 1);
}

static void every_default_of_the_schema_is_a_value(void)
{
    struct schema *schema = NULL;
    CU_ASSERT_EQUAL_FATAL(schema_open("/", &schema), 0);
    for (size_t t = 0; t < SCHEMA_TABLES; t++) {
        const struct schema_section *section = schema_section((enum schema_table)t);
        void *target = calloc(1, sizeof(struct program_section) + sizeof(struct config));
        CU_ASSERT_PTR_NOT_NULL_FATAL(target);
        for (size_t i = 0; i < section->n; i++) {
            const struct schema_option *option = &section->options[i];
            char file[] = "x";
            CU_ASSERT_TRUE(strlen(option->help) > 3);
            CU_ASSERT_PTR_EQUAL(schema_find((enum schema_table)t, option->name), option);
            if (option->fallback && option->size > 0)
                CU_ASSERT_EQUAL(schema_set(schema, (enum schema_table)t, option, option->fallback,
                                           file, 1, target, NULL, NULL, NULL),
                                0);
        }
        schema_free_values((enum schema_table)t, target);
        free(target);
    }
    schema_close(schema);
}

static void the_search_looks_in_six_places(void)
{
    char *path = NULL, *tried = NULL;
    CU_ASSERT_EQUAL(config_search("/nosuch/bin/supervisord", &path, &tried), 0);
    CU_ASSERT_STRING_EQUAL(tried, "/nosuch/etc/supervisord.conf, /nosuch/supervisord.conf, "
                                  "supervisord.conf, etc/supervisord.conf, /etc/supervisord.conf, "
                                  "/etc/supervisor/supervisord.conf");
    free(path);
    free(tried);
    CU_ASSERT_EQUAL(config_search("supervisord", &path, &tried), 0);
    CU_ASSERT_EQUAL(strncmp(tried, "etc/supervisord.conf, supervisord.conf, ", 40), 0);
    free(path);
    free(tried);
    char program[128];
    write_file("supervisord.conf", HEAD);
    (void)snprintf(program, sizeof(program), "%s/bin/supervisord", tmp_dir);
    CU_ASSERT_EQUAL(config_search(program, &path, NULL), 0);
    CU_ASSERT_STRING_EQUAL(path, tmp_path("supervisord.conf"));
    free(path);
}

static void the_client_reads_its_section_only(void)
{
    struct client_config *client = NULL;
    char *error = NULL;
    CU_ASSERT_EQUAL_FATAL(client_config_load(NULL, &client, &error), 0);
    CU_ASSERT_STRING_EQUAL(client->serverurl, "http://localhost:9001");
    CU_ASSERT_STRING_EQUAL(client->prompt, "supervisor");
    CU_ASSERT_PTR_NULL(client->username);
    client_config_free(client);
    write_file("main.conf", "[supervisord]\nminfds=x\n[include]\nfiles=%\n[supervisorctl]\n"
                            "serverurl=unix://%(here)s/../s\nusername=a\nhistory_file=\n");
    CU_ASSERT_EQUAL_FATAL(client_config_load(tmp_path("main.conf"), &client, &error), 0);
    CU_ASSERT_STRING_EQUAL(client->serverurl, "unix:///tmp/s");
    CU_ASSERT_STRING_EQUAL(client->username, "a");
    CU_ASSERT_PTR_NULL(client->history_file);
    client_config_free(client);
    write_file("main.conf", "[supervisord]\n");
    CU_ASSERT_EQUAL(client_config_load(tmp_path("main.conf"), &client, &error), -EINVAL);
    CU_ASSERT_STRING_EQUAL(error, ".ini file does not include supervisorctl section");
    free(error);
    write_file("main.conf", "[supervisorctl]\nprompt=100%\n");
    CU_ASSERT_EQUAL(client_config_load(tmp_path("main.conf"), &client, &error), -EINVAL);
    CU_ASSERT_STRING_EQUAL(error, "Format string '100%' for 'supervisorctl.prompt' is badly "
                                  "formatted: incomplete format");
    free(error);
    CU_ASSERT_EQUAL(client_config_load("/nosuch", &client, &error), -EINVAL);
    CU_ASSERT_STRING_EQUAL(error, "could not find config file /nosuch");
    free(error);
}

static const struct unit_test tests[] = {
    UNIT_TEST(the_smallest_file_has_the_known_defaults),
    UNIT_TEST(our_own_options_are_off_by_default),
    UNIT_TEST(our_own_options_are_read),
    UNIT_TEST(every_problem_is_told_with_its_place),
    UNIT_TEST(the_text_begins_with_the_sentence),
    UNIT_TEST(typing_errors_are_warned_of),
    UNIT_TEST(values_come_from_the_section_then_the_defaults),
    UNIT_TEST(groups_take_their_members_and_sockets),
    UNIT_TEST(two_groups_of_one_name_are_refused),
    UNIT_TEST(the_server_url_is_that_of_the_unix_socket),
    UNIT_TEST(servers_have_users_with_roles),
    UNIT_TEST(listeners_and_notifies_have_events),
    UNIT_TEST(the_command_line_wins_but_the_file_must_be_right),
    UNIT_TEST(changes_are_named_by_their_option),
    UNIT_TEST(sockets_and_listeners_are_compared_too),
    UNIT_TEST(of_two_thousand_included_programs_only_the_changed_differ),
    UNIT_TEST(an_included_file_that_includes_itself_ends),
    UNIT_TEST(every_default_of_the_schema_is_a_value),
    UNIT_TEST(the_search_looks_in_six_places),
    UNIT_TEST(the_client_reads_its_section_only),
};

int main(void)
{
    tmp_dir_make();
    int status = UNIT_RUN("config", tests);
    config_free(config);
    config_problems_free(&problems);
    tmp_dir_remove();
    return status;
}
