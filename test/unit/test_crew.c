/* SPDX-License-Identifier: MIT */
/* test_crew.c: real programs, run by real workers and a real loop, from boot to shutdown. */
#include "supervisor/core/log.h"

#include "by_hand.h"
#include "tmp_dir.h"
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#if defined(__SANITIZE_THREAD__)
enum {
    MANY = 40,
    CRASHERS = 4
}; /* there a vfork is a fork, one at a time, of a huge address space */
#else
enum { MANY = 300, CRASHERS = 30 };
#endif
#if defined(__SANITIZE_THREAD__)
enum {
    OWN_THREADS = 1,
    OWN_SLEEPS = 1000
}; /* the sanitizer's, which comes with the first thread */
#else
enum { OWN_THREADS = 0, OWN_SLEEPS = 2 };
#endif
enum { LIMIT_MS = 60000 };

static struct by_hand hand;

static void begin(struct group_config **groups, size_t n)
{
    CU_ASSERT_FATAL(by_hand_start(&hand, by_hand_config(groups, n)));
}

static bool reach(enum process_state state, size_t n)
{
    struct by_hand_states wanted = { state, n };
    return by_hand_until(&hand, by_hand_in_state, &wanted, LIMIT_MS);
}

static struct process *first(const char *group)
{
    return process_table_find_group(group)->processes[0];
}

static struct process_facts facts_of(struct process *p)
{
    struct process_facts facts;
    process_facts(p, &facts);
    return facts;
}

/* ---- requests, and waiting for their answers ---- */

static unsigned answered;
static enum request_result last_result;
static char last_text[PROCESS_SPAWNERR_MAX];

static void answer(struct request *r)
{
    answered++;
    last_result = r->result;
    (void)snprintf(last_text, sizeof(last_text), "%s", r->text);
}

static bool enough_answers(void *arg)
{
    return answered >= *(const unsigned *)arg;
}

static struct request *request(enum request_kind kind)
{
    struct request *r = request_new(kind, answer, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    return r;
}

static enum request_result ask(struct process *p, struct request *r)
{
    unsigned one = 1;
    answered = 0;
    CU_ASSERT_EQUAL_FATAL(process_post(p, r), 0);
    CU_ASSERT_TRUE(by_hand_until(&hand, enough_answers, &one, LIMIT_MS));
    return last_result;
}

static void ask_all(enum request_kind kind)
{
    size_t n;
    struct process **all = process_table_sorted(&n);
    unsigned wanted = (unsigned)n;
    answered = 0;
    for (size_t i = 0; i < n; i++)
        CU_ASSERT_EQUAL(process_post(all[i], request(kind)), 0);
    CU_ASSERT_TRUE(by_hand_until(&hand, enough_answers, &wanted, LIMIT_MS));
}

/* ---- waiting for a program that is in the same state before and after ---- */

struct restarts {
    struct process *process;
    uint64_t n;
};

static bool has_restarted(void *arg)
{
    const struct restarts *wanted = arg;
    struct process_facts facts = facts_of(wanted->process);
    return facts.restarts >= wanted->n && facts.state == PROCESS_RUNNING;
}

static bool all_have_restarted(void *arg)
{
    size_t n;
    struct process **all = process_table_sorted(&n);
    for (size_t i = 0; i < n; i++) {
        struct restarts wanted = { all[i], *(const uint64_t *)arg };
        if (!has_restarted(&wanted))
            return false;
    }
    return true;
}

/* ---- no descriptor, thread or child is left behind ---- */

static unsigned count_entries(const char *path)
{
    unsigned n = 0;
    DIR *dir = opendir(path);
    while (dir && readdir(dir))
        n++;
    if (dir)
        (void)closedir(dir);
    return n;
}

static void nothing_is_left_of(unsigned fds, unsigned threads)
{
    siginfo_t info = { 0 };
    CU_ASSERT_EQUAL(count_entries("/proc/self/fd"), fds);
    CU_ASSERT_TRUE(count_entries("/proc/self/task") <= threads + OWN_THREADS);
    CU_ASSERT_EQUAL(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1);
    CU_ASSERT_EQUAL(errno, ECHILD);
    CU_ASSERT_EQUAL(crew_workers(), 0);
}

/* ---- the tests ---- */

static void programs_start_run_stop_and_nothing_is_left(void)
{
    unsigned fds = count_entries("/proc/self/fd"), threads = count_entries("/proc/self/task");
    struct group_config *group = by_hand_group("web", "/bin/sleep 1000", 3);
    begin(&group, 1);
    CU_ASSERT_TRUE(reach(PROCESS_STARTING, 3));
    CU_ASSERT_TRUE(reach(PROCESS_RUNNING, 3));
    struct process_facts facts = facts_of(first("web"));
    CU_ASSERT_TRUE(facts.pid > 0);
    CU_ASSERT_EQUAL(facts.spawn_seq, 1);
    CU_ASSERT_EQUAL(facts.ran_seq, 1);
    CU_ASSERT_EQUAL(facts.restarts, 0);
    CU_ASSERT_TRUE(facts.start_wall > 0);
    CU_ASSERT_EQUAL(facts.stop_wall, 0);
    CU_ASSERT_EQUAL(ask(first("web"), request(REQUEST_START)), REQUEST_ALREADY_STARTED);
    CU_ASSERT_EQUAL(ask(first("web"), request(REQUEST_STOP)), REQUEST_OK);
    CU_ASSERT_TRUE(reach(PROCESS_STOPPED, 1));
    facts = facts_of(first("web"));
    CU_ASSERT_EQUAL(facts.pid, 0);
    CU_ASSERT_EQUAL(facts.exit_status, -1);
    CU_ASSERT_TRUE(facts.stop_wall > 0);
    CU_ASSERT_EQUAL(facts.n_exits, 1);
    CU_ASSERT_TRUE(facts.exits[0].asked);
    CU_ASSERT_EQUAL(facts.exits[0].status, SIGTERM);
    CU_ASSERT_EQUAL(ask(first("web"), request(REQUEST_STOP)), REQUEST_NOT_RUNNING);
    CU_ASSERT_TRUE(by_hand_end(&hand, LIMIT_MS));
    nothing_is_left_of(fds, threads);
}

static void a_killed_program_is_started_again_at_once(void)
{
    struct group_config *group = by_hand_group("web", "/bin/sleep 1000", 1);
    group->processes[0].startsecs = 0;
    begin(&group, 1);
    CU_ASSERT_TRUE(reach(PROCESS_RUNNING, 1));
    uint64_t before_ns = clock_now_ns();
    for (unsigned i = 1; i <= 20; i++) {
        pid_t pid = facts_of(first("web")).pid;
        CU_ASSERT_EQUAL(process_kill(first("web"), SIGKILL, false), 0);
        struct restarts wanted = { first("web"), i };
        CU_ASSERT_TRUE_FATAL(by_hand_until(&hand, has_restarted, &wanted, LIMIT_MS));
        CU_ASSERT_NOT_EQUAL(facts_of(first("web")).pid, pid);
    }
    CU_ASSERT_TRUE(clock_now_ns() - before_ns < 10 * NS_PER_SEC); /* the reference: 20 and more */
    CU_ASSERT_TRUE(by_hand_end(&hand, LIMIT_MS));
}

static void a_command_that_is_not_there_ends_in_FATAL_with_its_reason(void)
{
    struct group_config *group = by_hand_group("bad", "/nosuch/program", 1);
    group->processes[0].startretries = 0;
    begin(&group, 1);
    CU_ASSERT_TRUE(reach(PROCESS_FATAL, 1));
    CU_ASSERT_STRING_EQUAL(facts_of(first("bad")).spawnerr, "can't find command '/nosuch/program'");
    CU_ASSERT_EQUAL(ask(first("bad"), request(REQUEST_START)), REQUEST_SPAWN_ERROR);
    CU_ASSERT_STRING_EQUAL(last_text, "can't find command '/nosuch/program'");
    CU_ASSERT_TRUE(by_hand_end(&hand, LIMIT_MS));
}

static void a_program_that_ends_too_quickly_is_retried_then_FATAL(void)
{
    struct group_config *group = by_hand_group("quick", "/bin/true", 1);
    group->processes[0].startretries = 1;
    begin(&group, 1);
    CU_ASSERT_TRUE(reach(PROCESS_FATAL, 1));
    struct process_facts facts = facts_of(first("quick"));
    CU_ASSERT_EQUAL(facts.spawn_seq, 2);
    CU_ASSERT_EQUAL(facts.failed_seq, 2);
    CU_ASSERT_STRING_EQUAL(facts.spawnerr, "Exited too quickly (process log may have details)");
    CU_ASSERT_TRUE(by_hand_end(&hand, LIMIT_MS));
}

static void a_program_that_ignores_its_stop_signal_is_killed_with_its_group(void)
{
    struct group_config *group = by_hand_group(
        "deaf", "/bin/sh -c \"trap '' TERM; sleep 1000 & sleep 1000; sleep 1000\"", 1);
    group->processes[0].stopwaitsecs = 1;
    group->processes[0].killasgroup = true;
    begin(&group, 1);
    CU_ASSERT_TRUE(reach(PROCESS_RUNNING, 1));
    CU_ASSERT_EQUAL(ask(first("deaf"), request(REQUEST_STOP)), REQUEST_OK);
    CU_ASSERT_EQUAL(process_state(first("deaf")), PROCESS_STOPPING);
    CU_ASSERT_EQUAL(ask(first("deaf"), request(REQUEST_START)), REQUEST_STOP_PENDING);
    CU_ASSERT_TRUE(reach(PROCESS_STOPPED, 1));
    CU_ASSERT_EQUAL(facts_of(first("deaf")).exits[0].status, SIGKILL);
    CU_ASSERT_TRUE(by_hand_end(&hand, LIMIT_MS));
}

static bool is_gone(void *arg)
{
    return kill(*(const pid_t *)arg, 0) < 0 && errno == ESRCH;
}

static void killmode_tree_reaches_descendants_in_other_sessions(void)
{
    char command[512];
    tmp_dir_make();
    (void)snprintf(command, sizeof(command),
                   "/bin/sh -c \"setsid /bin/sh -c 'echo $$ >%s/pid; exec sleep 1000' & wait\"",
                   tmp_dir);
    struct group_config *group = by_hand_group("tree", command, 1);
    group->processes[0].killmode = KILLMODE_TREE;
    CU_ASSERT_EQUAL(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* its end comes to us */
    begin(&group, 1);
    CU_ASSERT_TRUE(reach(PROCESS_RUNNING, 1));
    size_t len;
    char *text = tmp_read(tmp_path("pid"), &len);
    pid_t pid = text ? (pid_t)strtol(text, NULL, 10) : 0;
    free(text);
    CU_ASSERT_FATAL(pid > 0);
    CU_ASSERT_EQUAL(kill(pid, 0), 0);
    CU_ASSERT_EQUAL(ask(first("tree"), request(REQUEST_STOP)), REQUEST_OK);
    CU_ASSERT_TRUE(by_hand_until(&hand, is_gone, &pid, LIMIT_MS));
    CU_ASSERT_TRUE(by_hand_end(&hand, LIMIT_MS));
    tmp_dir_remove();
}

/* ---- order ---- */

static char started[64], stopping[64];

static void note_order(struct process *p, void *arg)
{
    (void)arg;
    if (!p)
        return;
    char letter[2] = { p->config->name[0], '\0' };
    enum process_state state = process_state(p);
    char *into = state == PROCESS_RUNNING || state == PROCESS_STARTING ? started : stopping;
    if (state == PROCESS_STOPPED && into == stopping && crew_mood() == DAEMON_RUNNING)
        return;
    if (!strchr(into, letter[0]))
        strncat(into, letter, sizeof(started) - strlen(into) - 1);
}

static void programs_start_by_priority_and_stop_the_other_way_round(void)
{
    struct group_config *groups[4];
    const char *const names[] = { "a", "b", "c", "d" };
    const int priorities[] = { 20, 10, 10, 30 };
    for (int i = 0; i < 4; i++) {
        groups[i] = by_hand_group(names[i], "/bin/sleep 1000", 1);
        groups[i]->processes[0].startsecs = 0;
        groups[i]->priority = priorities[i];
    }
    started[0] = stopping[0] = '\0';
    begin(groups, 4);
    CU_ASSERT_EQUAL(crew_observe(note_order, NULL), 0);
    CU_ASSERT_TRUE(reach(PROCESS_RUNNING, 4));
    CU_ASSERT_STRING_EQUAL(started, "bcad");
    CU_ASSERT_TRUE(by_hand_end(&hand, LIMIT_MS));
    CU_ASSERT_STRING_EQUAL(stopping, "dacb");
}

static void a_group_is_stopped_only_when_the_one_before_is_gone(void)
{
    struct group_config *groups[2] = {
        by_hand_group("base", "/bin/sleep 1000", 1),
        by_hand_group("deaf", "/bin/sh -c \"trap '' TERM; sleep 1000; sleep 1000\"", 1),
    };
    for (int i = 0; i < 2; i++) {
        groups[i]->processes[0].stopwaitsecs = 1;
        groups[i]->processes[0].killasgroup = true;
        groups[i]->priority = i;
    }
    begin(groups, 2);
    CU_ASSERT_TRUE(reach(PROCESS_RUNNING, 2));
    char *error = NULL;
    CU_ASSERT_TRUE(crew_shut_down(DAEMON_SHUTDOWN, &error));
    CU_ASSERT_TRUE(reach(PROCESS_STOPPING, 1));
    CU_ASSERT_EQUAL(process_state(first("base")), PROCESS_RUNNING);
    CU_ASSERT_TRUE(by_hand_end(&hand, LIMIT_MS));
}

/* ---- groups ---- */

static void groups_are_removed_at_rest_and_added_again(void)
{
    struct group_config *groups[2] = { by_hand_group("web", "/bin/sleep 1000", 2),
                                       by_hand_group("db", "/bin/sleep 1000", 1) };
    for (int i = 0; i < 2; i++)
        groups[1]->processes[0].startsecs = groups[0]->processes[i].startsecs = 0;
    char *error = NULL;
    begin(groups, 2);
    CU_ASSERT_TRUE(reach(PROCESS_RUNNING, 3));
    CU_ASSERT_EQUAL(crew_add_group("web", &error), CREW_ALREADY_ADDED);
    CU_ASSERT_EQUAL(crew_add_group("nosuch", &error), CREW_BAD_NAME);
    CU_ASSERT_EQUAL(crew_remove_group("nosuch"), CREW_BAD_NAME);
    CU_ASSERT_EQUAL(crew_remove_group("web"), CREW_STILL_RUNNING);
    struct group *web = process_table_find_group("web");
    for (int i = 0; i < 2; i++)
        CU_ASSERT_EQUAL(ask(web->processes[i], request(REQUEST_STOP)), REQUEST_OK);
    CU_ASSERT_TRUE(reach(PROCESS_STOPPED, 2));
    /* A start on its way counts: the group must not vanish under it. */
    answered = 0;
    CU_ASSERT_EQUAL(process_post(web->processes[0], request(REQUEST_START)), 0);
    CU_ASSERT_EQUAL(crew_remove_group("web"), CREW_STILL_RUNNING);
    CU_ASSERT_TRUE(reach(PROCESS_RUNNING, 2));
    CU_ASSERT_EQUAL(ask(web->processes[0], request(REQUEST_STOP)), REQUEST_OK);
    CU_ASSERT_TRUE(reach(PROCESS_STOPPED, 2));
    CU_ASSERT_EQUAL(crew_remove_group("web"), CREW_OK);
    CU_ASSERT_PTR_NULL(process_table_find_group("web"));
    CU_ASSERT_EQUAL(crew_add_group("web", &error), CREW_OK);
    CU_ASSERT_TRUE(reach(PROCESS_RUNNING, 3));
    CU_ASSERT_EQUAL(crew_workers(), 3);
    CU_ASSERT_TRUE(by_hand_end(&hand, LIMIT_MS));
}

static void automatic_logs_are_private_and_go_with_their_group(void)
{
    tmp_dir_make();
    struct group_config *group = by_hand_group("web", "/bin/sleep 1000", 1);
    group->processes[0].startsecs = 0;
    group->processes[0].channel[CHANNEL_STDOUT].logfile_kind = LOGFILE_AUTO;
    struct config *config = by_hand_config(&group, 1);
    free(config->childlogdir);
    config->childlogdir = strdup(tmp_dir);
    CU_ASSERT_FATAL(by_hand_start(&hand, config));
    CU_ASSERT_TRUE(reach(PROCESS_RUNNING, 1));
    struct stat st;
    char *path = strdup(first("web")->logfile[CHANNEL_STDOUT]);
    CU_ASSERT_PTR_NOT_NULL(strstr(path, "/web-stdout---supervisor-"));
    CU_ASSERT_EQUAL(stat(path, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
    CU_ASSERT_EQUAL(ask(first("web"), request(REQUEST_STOP)), REQUEST_OK);
    CU_ASSERT_TRUE(reach(PROCESS_STOPPED, 1));
    CU_ASSERT_EQUAL(crew_remove_group("web"), CREW_OK);
    CU_ASSERT_TRUE(by_hand_end(&hand, LIMIT_MS));
    CU_ASSERT_EQUAL(stat(path, &st), -1);
    free(path);
    tmp_dir_remove();
}

static void a_log_directory_that_is_gone_makes_no_half_a_group(void)
{
    struct group_config *groups[2] = { by_hand_group("ok", "/bin/sleep 1000", 1),
                                       by_hand_group("web", "/bin/sleep 1000", 2) };
    groups[1]->processes[1].channel[CHANNEL_STDOUT].logfile_kind = LOGFILE_AUTO;
    struct config *config = by_hand_config(groups, 2);
    free(config->childlogdir);
    config->childlogdir = strdup("/nonexistent/logs");
    config->n_groups = 1;
    CU_ASSERT_FATAL(by_hand_start(&hand, config));
    config->n_groups = 2;
    char *error = NULL;
    CU_ASSERT_EQUAL(crew_add_group("web", &error), CREW_FAILED);
    CU_ASSERT_PTR_NOT_NULL(error);
    free(error);
    CU_ASSERT_PTR_NULL(process_table_find_group("web"));
    CU_ASSERT_EQUAL(process_table.n_groups, 1);
    CU_ASSERT_TRUE(by_hand_end(&hand, LIMIT_MS));
}

/* ---- what a child finds ---- */

static char *slurp(const char *path)
{
    static char text[16384];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    text[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        (void)close(fd);
    return text;
}

static bool has_ended(void *arg)
{
    (void)arg;
    return by_hand_count(PROCESS_EXITED) + by_hand_count(PROCESS_FATAL) == 1;
}

/* Run command (a shell's) to its end; its output. */
static char *output_of(const char *shell, void (*adjust)(struct process_config *))
{
    char command[1024], log[256];
    (void)snprintf(command, sizeof(command), "/bin/sh -c '%s'", shell);
    (void)snprintf(log, sizeof(log), "%s/out.log", tmp_dir);
    struct group_config *group = by_hand_group("probe", command, 1);
    struct process_config *config = &group->processes[0];
    config->startsecs = 0;
    config->autorestart = AUTORESTART_NEVER;
    config->redirect_stderr = true;
    config->channel[CHANNEL_STDOUT].logfile_kind = LOGFILE_PATH;
    config->channel[CHANNEL_STDOUT].logfile = strdup(log);
    if (adjust)
        adjust(config);
    begin(&group, 1);
    CU_ASSERT_TRUE(by_hand_until(&hand, has_ended, NULL, LIMIT_MS));
    CU_ASSERT_TRUE(by_hand_end(&hand, LIMIT_MS));
    return slurp(log);
}

static void a_child_has_three_descriptors_no_blocked_and_no_ignored_signal(void)
{
    tmp_dir_make();
    int leak = open("/dev/null", O_RDONLY); /* inherited, as if from whoever started us */
    (void)signal(SIGPIPE, SIG_IGN);
    const char *out = output_of("grep -E \"^Sig(Blk|Ign)\" /proc/self/status; "
                                "for f in /proc/self/fd/*; do "
                                "test -e $f && echo ${f##*/}; done | tr \"\\n\" \" \"",
                                NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "SigBlk:\t0000000000000000\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "SigIgn:\t0000000000000000\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "0 1 2 "));
    char number[16];
    (void)snprintf(number, sizeof(number), " %d ", leak);
    CU_ASSERT_PTR_NULL(strstr(out, number));
    (void)close(leak);
    tmp_dir_remove();
}

static void with_environment(struct process_config *config)
{
    config->environment.vars = calloc(2, sizeof(struct env_var));
    config->environment.n = 2;
    config->environment.vars[0] = (struct env_var){ strdup("COLOUR"), strdup("blue") };
    config->environment.vars[1] = (struct env_var){ strdup("SUPERVISOR_ENABLED"), strdup("2") };
    config->serverurl = strdup("http://here");
    config->directory = strdup("/usr");
    config->umask = 027;
}

static void a_child_has_its_environment_directory_and_umask(void)
{
    tmp_dir_make();
    const char *out = output_of("echo $COLOUR $SUPERVISOR_ENABLED $SUPERVISOR_SERVER_URL "
                                "$SUPERVISOR_PROCESS_NAME $SUPERVISOR_GROUP_NAME; pwd; umask",
                                with_environment);
    CU_ASSERT_STRING_EQUAL(out, "blue 2 http://here probe probe\n/usr\n0027\n");
    tmp_dir_remove();
}

static void with_user(struct process_config *config)
{
    config->user = strdup("nobody");
    config->uid = 65534;
}

static void a_child_runs_as_its_user_with_its_groups(void)
{
    if (getuid() != 0)
        return; /* only root may become somebody else */
    tmp_dir_make();
    const char *out = output_of("id -u; id -G", with_user);
    CU_ASSERT_STRING_EQUAL(out, "65534\n65534\n");
    tmp_dir_remove();
}

static void with_files(struct process_config *config)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/env", tmp_dir);
    config->environment_files.files = calloc(2, sizeof(struct env_file));
    config->environment_files.n = 2;
    config->environment_files.files[0] = (struct env_file){ strdup("/nosuch/env"), true };
    config->environment_files.files[1] = (struct env_file){ strdup(path), false };
    config->environment.vars = calloc(1, sizeof(struct env_var));
    config->environment.n = 1;
    config->environment.vars[0] = (struct env_var){ strdup("A"), strdup("config") };
    config->startretries = 0;
    config->autorestart = AUTORESTART_NEVER;
}

static void write_env(const char *text)
{
    FILE *file = fopen(tmp_path("env"), "we");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_TRUE(fputs(text, file) >= 0);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static void environment_files_are_read_and_environment_wins(void)
{
    tmp_dir_make();
    write_env("# comment\n\nA=file\nexport B=%(here)s $A\n  just words\n"
              "D=\"a \\\"b\\\" # c\"\nE='x\\y'\r\n");
    const char *out = output_of("echo $A,$B,$D,$E", with_files);
    CU_ASSERT_STRING_EQUAL(out, ""); /* words are no variable: nothing is started */
    tmp_dir_remove();
    tmp_dir_make();
    write_env("# comment\n\nA=file\nexport B=%(here)s $A\nC=\n"
              "D=\"a \\\"b\\\" # c\"\nE='x\\y'\r\n");
    out = output_of("printf \"%s,\" \"$A\" \"$B\" \"$C\" \"$D\" \"$E\"", with_files);
    CU_ASSERT_STRING_EQUAL(out, "config,%(here)s $A,,a \"b\" # c,x\\y,");
    tmp_dir_remove();
}

static void with_user_environment(struct process_config *config)
{
    with_user(config);
    config->user_environment = true;
}

static void user_environment_is_that_of_a_login(void)
{
    if (getuid() != 0)
        return; /* only root may become somebody else */
    tmp_dir_make();
    const char *out = output_of("echo $HOME $USER $LOGNAME $SHELL", with_user_environment);
    CU_ASSERT_STRING_EQUAL(out, "/nonexistent nobody nobody /usr/sbin/nologin\n");
    tmp_dir_remove();
}

static void with_limits(struct process_config *config)
{
    config->rlimits[RLIMIT_CORE] = (struct rlimit_config){ true, 0, 0 };
    config->rlimits[RLIMIT_NOFILE] = (struct rlimit_config){ true, 77, 88 };
    config->nice = 5;
    config->oom_score_adj = 321;
    config->cpu_affinity.set = true;
    config->cpu_affinity.bits[0] = 1;
}

static void limits_nice_oom_score_and_cpus_are_set(void)
{
    tmp_dir_make();
    const char *out = output_of("ulimit -n; ulimit -Hn; ulimit -c; nice; "
                                "cat /proc/self/oom_score_adj; "
                                "grep Cpus_allowed_list /proc/self/status",
                                with_limits);
    CU_ASSERT_STRING_EQUAL(out, "77\n88\n0\n5\n321\nCpus_allowed_list:\t0\n");
    tmp_dir_remove();
}

static void with_bad_directory(struct process_config *config)
{
    config->directory = strdup("/nosuch/directory");
}

static void a_child_that_cannot_be_made_says_why_in_its_own_log(void)
{
    tmp_dir_make();
    const char *out = output_of("echo no", with_bad_directory);
    CU_ASSERT_STRING_EQUAL(out, "supervisor: couldn't chdir to /nosuch/directory: ENOENT\n"
                                "supervisor: child process was not spawned\n");
    tmp_dir_remove();
}

static void stdin_reaches_the_program_also_when_it_is_more_than_a_pipe_holds(void)
{
    enum { BYTES = 400 * 1000 };
    tmp_dir_make();
    char log[256];
    (void)snprintf(log, sizeof(log), "%s/out.log", tmp_dir);
    struct group_config *group =
        by_hand_group("count", "/bin/sh -c \"sleep 0.2; head -c 400000 | wc -c\"", 1);
    struct process_config *config = &group->processes[0];
    config->startsecs = 0;
    config->autorestart = AUTORESTART_NEVER;
    config->channel[CHANNEL_STDOUT].logfile_kind = LOGFILE_PATH;
    config->channel[CHANNEL_STDOUT].logfile = strdup(log);
    begin(&group, 1);
    CU_ASSERT_TRUE(reach(PROCESS_RUNNING, 1));
    struct request *r = request(REQUEST_STDIN);
    r->data = calloc(1, BYTES);
    r->len = BYTES;
    CU_ASSERT_EQUAL(ask(first("count"), r), REQUEST_OK);
    r = request(REQUEST_STDIN);
    r->data = calloc(1, PROCESS_STDIN_MAX);
    r->len = PROCESS_STDIN_MAX;
    CU_ASSERT_EQUAL(ask(first("count"), r), REQUEST_FAILED);
    CU_ASSERT_STRING_EQUAL(last_text, "stdin buffer full");
    CU_ASSERT_TRUE(reach(PROCESS_EXITED, 1));
    CU_ASSERT_EQUAL(ask(first("count"), request(REQUEST_STDIN)), REQUEST_NOT_RUNNING);
    CU_ASSERT_TRUE(by_hand_end(&hand, LIMIT_MS));
    CU_ASSERT_STRING_EQUAL(slurp(log), "400000\n");
    tmp_dir_remove();
}

/* ---- many ---- */

static void hundreds_of_programs_survive_kills_restarts_and_stops(void)
{
    unsigned fds = count_entries("/proc/self/fd"), threads = count_entries("/proc/self/task");
    struct group_config *group = by_hand_group("many", "/bin/sleep 1000", MANY);
    for (size_t i = 0; i < MANY; i++) {
        group->processes[i].startsecs = 0;
        group->processes[i].autorestart = AUTORESTART_ALWAYS;
    }
    begin(&group, 1);
    CU_ASSERT_TRUE(reach(PROCESS_RUNNING, MANY));
    for (int round = 0; round < 3; round++) {
        size_t n;
        struct process **all = process_table_sorted(&n);
        for (size_t i = 0; i < n; i++)
            CU_ASSERT_EQUAL(process_kill(all[i], SIGKILL, false), 0);
        uint64_t wanted = (uint64_t)round + 1;
        CU_ASSERT_TRUE_FATAL(by_hand_until(&hand, all_have_restarted, &wanted, LIMIT_MS));
        CU_ASSERT_TRUE(reach(PROCESS_RUNNING, MANY));
        ask_all(REQUEST_STOP);
        CU_ASSERT_TRUE(reach(PROCESS_STOPPED, MANY));
        ask_all(REQUEST_START);
        CU_ASSERT_TRUE(reach(PROCESS_RUNNING, MANY));
    }
    CU_ASSERT_TRUE(by_hand_end(&hand, LIMIT_MS));
    nothing_is_left_of(fds, threads);
}

static void programs_that_crash_all_the_time_do_not_stop_the_loop(void)
{
    struct group_config *group = by_hand_group("crash", "/bin/false", CRASHERS);
    for (size_t i = 0; i < CRASHERS; i++) {
        group->processes[i].startsecs = 0;
        group->processes[i].autorestart = AUTORESTART_ALWAYS;
    }
    begin(&group, 1);
    struct restarts wanted = { first("crash"), 50 };
    CU_ASSERT_TRUE(by_hand_until(&hand, has_restarted, &wanted, LIMIT_MS));
    CU_ASSERT_TRUE(by_hand_end(&hand, LIMIT_MS));
}

/* How often all our threads went to sleep so far. */
static unsigned long count_sleeps(void)
{
    unsigned long sum = 0;
    DIR *dir = opendir("/proc/self/task");
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[300];
        (void)snprintf(path, sizeof(path), "/proc/self/task/%s/status", e->d_name);
        const char *line = strstr(slurp(path), "\nvoluntary_ctxt_switches:");
        sum += line ? strtoul(line + sizeof("\nvoluntary_ctxt_switches:"), NULL, 10) : 0;
    }
    if (dir)
        (void)closedir(dir);
    return sum;
}

static void with_nothing_to_do_no_thread_wakes_up(void)
{
    struct group_config *group = by_hand_group("idle", "/bin/sleep 1000", 50);
    begin(&group, 1);
    CU_ASSERT_TRUE(reach(PROCESS_RUNNING, 50));
    CU_ASSERT_FALSE(by_hand_until(&hand, NULL, NULL, 200)); /* let all come to rest */
    unsigned long before = count_sleeps();
    CU_ASSERT_FALSE(by_hand_until(&hand, NULL, NULL, 1500));
    CU_ASSERT_TRUE(count_sleeps() - before <= OWN_SLEEPS); /* this wait among them */
    CU_ASSERT_TRUE(by_hand_end(&hand, LIMIT_MS));
}

static void a_crew_can_be_made_anew_on_the_same_loop(void)
{
    struct group_config *group = by_hand_group("web", "/bin/sleep 1000", 2);
    begin(&group, 1);
    CU_ASSERT_TRUE(reach(PROCESS_STARTING, 2));
    char *error = NULL;
    CU_ASSERT_TRUE(crew_shut_down(DAEMON_SHUTDOWN, &error));
    CU_ASSERT_TRUE(by_hand_until(&hand, NULL, NULL, LIMIT_MS));
    CU_ASSERT_TRUE(hand.finished);
    crew_free();
    group = by_hand_group("db", "/bin/sleep 1000", 2);
    hand.finished = false;
    CU_ASSERT_EQUAL(crew_init(hand.loop, by_hand_config(&group, 1), NULL, by_hand_finished, &hand),
                    0);
    CU_ASSERT_EQUAL(crew_add_all(&error), 0);
    crew_start_all();
    CU_ASSERT_TRUE(reach(PROCESS_RUNNING, 2));
    CU_ASSERT_TRUE(by_hand_end(&hand, LIMIT_MS));
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(programs_start_run_stop_and_nothing_is_left),
        UNIT_TEST(a_killed_program_is_started_again_at_once),
        UNIT_TEST(a_command_that_is_not_there_ends_in_FATAL_with_its_reason),
        UNIT_TEST(a_program_that_ends_too_quickly_is_retried_then_FATAL),
        UNIT_TEST(a_program_that_ignores_its_stop_signal_is_killed_with_its_group),
        UNIT_TEST(killmode_tree_reaches_descendants_in_other_sessions),
        UNIT_TEST(programs_start_by_priority_and_stop_the_other_way_round),
        UNIT_TEST(a_group_is_stopped_only_when_the_one_before_is_gone),
        UNIT_TEST(groups_are_removed_at_rest_and_added_again),
        UNIT_TEST(automatic_logs_are_private_and_go_with_their_group),
        UNIT_TEST(a_log_directory_that_is_gone_makes_no_half_a_group),
        UNIT_TEST(a_child_has_three_descriptors_no_blocked_and_no_ignored_signal),
        UNIT_TEST(a_child_has_its_environment_directory_and_umask),
        UNIT_TEST(a_child_runs_as_its_user_with_its_groups),
        UNIT_TEST(environment_files_are_read_and_environment_wins),
        UNIT_TEST(user_environment_is_that_of_a_login),
        UNIT_TEST(limits_nice_oom_score_and_cpus_are_set),
        UNIT_TEST(a_child_that_cannot_be_made_says_why_in_its_own_log),
        UNIT_TEST(stdin_reaches_the_program_also_when_it_is_more_than_a_pipe_holds),
        UNIT_TEST(hundreds_of_programs_survive_kills_restarts_and_stops),
        UNIT_TEST(programs_that_crash_all_the_time_do_not_stop_the_loop),
        UNIT_TEST(with_nothing_to_do_no_thread_wakes_up),
        UNIT_TEST(a_crew_can_be_made_anew_on_the_same_loop),
    };
    const struct log_config quiet = { .level = LOG_LEVEL_CRIT, .ident = "test" };
    if (log_open(&quiet) < 0)
        return 2;
    return UNIT_RUN("crew", tests);
}
