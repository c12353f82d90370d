/* SPDX-License-Identifier: MIT */
/* supervisord.c: the composition root: the only file that knows every floor.
 *
 * Boot is a list of steps, each of which may end the program with one "Error:" line before
 * anything runs. A restart (SIGHUP, the restart call) walks the same list again in the same
 * process, without the steps that are done once.
 */
#include "supervisord_options.h"

#include "supervisor/core/autolog.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/config.h"
#include "supervisor/core/daemonize.h"
#include "supervisor/core/log.h"
#include "supervisor/core/loop.h"
#include "supervisor/core/privileges.h"
#include "supervisor/core/reaper.h"
#include "supervisor/rpc/http.h"
#include "supervisor/rpc/rpc.h"
#include "supervisor/version.h"
#include "supervisor/web/web.h"
#include "supervisor/workers/crew.h"
#include "supervisor/workers/notify.h"
#include "supervisor/workers/spawn.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    EXIT_USAGE = 2,
    FDS_PER_PROCESS = 8, /* three pipes, two logs, an eventfd, one of each while it restarts */
    FDS_RESERVE = 512,   /* listeners, clients, streams */
    LOG_STOP_WAIT_MS = 2000,
};

static struct {
    struct daemon_options options;
    struct loop *loop;
    int signal_fd;
    struct loop_fd *signal_watch;
    char *pidfile;  /* what we wrote; NULL: nothing to unlink */
    bool first_run; /* not a restart */
} self = { .signal_fd = -1, .first_run = true };

/* ---- errors at boot ---- */

static int usage_error(const char *message)
{
    if (self.first_run)
        fprintf(stderr, "Error: %s\nFor help, use %s -h\n", message, self.options.program);
    else
        log_crit("%s", message);
    return EXIT_USAGE;
}

static int __attribute__((format(printf, 1, 2))) usage_errorf(const char *format, ...)
{
    CLEANUP_FREE char *text = NULL;
    va_list ap;
    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        text = NULL;
    va_end(ap);
    return usage_error(text ? text : "out of memory");
}

static int boot_error(const char *what, int r)
{
    char text[256];
    (void)snprintf(text, sizeof(text), "%s: %s", what, strerror(-r));
    return usage_error(text);
}

/* ---- configuration ---- */

static const char root_search_warning[] =
    "Supervisord is running as root and it is searching for its configuration file in default "
    "locations (including its current working directory); you probably want to specify a \"-c\" "
    "argument specifying an absolute path to a configuration file for improved security.";

static const char root_warning[] =
    "Supervisor is running as root.  Privileges were not dropped because no user is specified in "
    "the config file.  If you intend to run as root, you can set user=root in the config file to "
    "avoid this message.";

/* The file to read, to free(); NULL after an error that was told. */
static char *find_config(void)
{
    if (self.options.config)
        return strdup(self.options.config);
    char *path = NULL;
    CLEANUP_FREE char *tried = NULL;
    if (config_search(self.options.program, &path, &tried) < 0)
        (void)usage_error("out of memory");
    else if (!path)
        (void)usage_errorf("No config file found at default paths (%s); use the -c option to "
                           "specify a config file at a different path",
                           tried);
    else if (self.first_run && getuid() == 0)
        fprintf(stderr, "%s\n", root_search_warning);
    return path;
}

/* A value on the command line is told with the option as it was typed; 0 or the exit status. */
static int check_overrides(void)
{
    for (size_t i = 0; i < self.options.n_values; i++) {
        const struct daemon_value *v = &self.options.values[i];
        CLEANUP_FREE char *why = NULL;
        if (config_check_override(v->option, v->value, &why) == 0)
            continue;
        if (strcmp(v->option, "user") == 0)
            return usage_error(why ? why : "out of memory");
        return usage_errorf("invalid value for %s '%s': %s", v->spelling, v->value,
                            why ? why : "out of memory");
    }
    return 0;
}

/* Load the file into *ret_config; 0 or the exit status. */
static int load(struct config **ret_config)
{
    int status = check_overrides();
    if (status)
        return status;
    CLEANUP_FREE char *path = find_config();
    if (!path)
        return EXIT_USAGE;
    struct config_problems problems = { 0 };
    if (config_read(path, &self.options.overrides, ret_config, &problems) < 0)
        status = usage_error(problems.sentence ? problems.sentence : "out of memory");
    config_problems_free(&problems);
    return status;
}

static void print_problems(const struct config_problems *problems)
{
    for (size_t i = 0; i < problems->n; i++) {
        CLEANUP_FREE char *text = config_problem_text(&problems->list[i]);
        printf("%s\n", text ? text : "out of memory");
    }
    if (problems->n == 0)
        printf("%s\n", problems->sentence ? problems->sentence : "out of memory");
}

/* --check: all findings, no side effect. */
static int check(void)
{
    int status = check_overrides();
    if (status)
        return status;
    CLEANUP_FREE char *path = find_config();
    if (!path)
        return EXIT_USAGE;
    struct config *config = NULL;
    struct config_problems problems = { 0 };
    if (config_read(path, &self.options.overrides, &config, &problems) < 0) {
        print_problems(&problems);
        status = EXIT_USAGE;
    } else {
        for (size_t i = 0; i < config->n_warnings; i++)
            printf("warning: %s\n", config->warnings[i]);
        printf("%s: no errors\n", path);
    }
    config_problems_free(&problems);
    config_free(config);
    return status;
}

/* ---- privileges, limits, log ---- */

static int open_log(const struct config *config)
{
    struct log_config log = {
        .path = config->logfile,
        .max_bytes = (uint64_t)config->logfile_maxbytes,
        .backups = (unsigned)config->logfile_backups,
        .level = config->loglevel,
        .to_stdout = config->nodaemon && !config->silent,
        .json = config->log_json,
        .ident = program_invocation_short_name,
    };
    int r = log_open(&log);
    return r < 0 ? boot_error(config->logfile ? config->logfile : "log", r) : 0;
}

/* Become the configured user, open the log, say what was found so far, raise the limits. */
static int settle(const struct config *config)
{
    bool was_root = getuid() == 0;
    const char *refusal = config->user ? privileges_drop(config->uid) : NULL;
    if (refusal)
        return usage_error(refusal);
    int status = open_log(config);
    if (status)
        return status;

    if (was_root && !config->user)
        log_crit("%s", root_warning);
    for (size_t i = 0; i < config->n_warnings; i++)
        log_warn("%s", config->warnings[i]);
    for (size_t i = 0; i < config->n_infos; i++)
        log_info("%s", config->infos[i]);
    if (config->user)
        log_info("Set uid to user %u succeeded", (unsigned)config->uid);
    if (!self.first_run)
        return 0;

    CLEANUP_FREE char *error = NULL;
    if (privileges_raise_limits(config->minfds, config->minprocs, &error) < 0)
        return usage_error(error ? error : "out of memory");
    /* Children keep what minfds asked for; what we need beyond it is ours alone. */
    struct rlimit nofile;
    if (getrlimit(RLIMIT_NOFILE, &nofile) == 0)
        spawn_set_limits(&nofile);
    return 0;
}

static void reserve_descriptors(const struct config *config)
{
    size_t n = 0;
    for (size_t i = 0; i < config->n_groups; i++)
        n += config->groups[i]->n_processes;
    uint64_t needed = (uint64_t)n * FDS_PER_PROCESS + FDS_RESERVE;
    uint64_t allowed = privileges_reserve_fds(needed);
    if (allowed < needed)
        log_warn("%zu processes may need %llu descriptors, but only %llu are allowed", n,
                 (unsigned long long)needed, (unsigned long long)allowed);
}

/* ---- signals ---- */

static const int handled_signals[] = { SIGTERM, SIGINT,  SIGQUIT, SIGHUP,    SIGCHLD,
                                       SIGUSR2, SIGUSR1, SIGALRM, SIGVTALRM, SIGPROF };

static void handled_set(sigset_t *ret_set)
{
    (void)sigemptyset(ret_set); /* neither can fail on a valid set and signal */
    for (size_t i = 0; i < sizeof(handled_signals) / sizeof(handled_signals[0]); i++)
        (void)sigaddset(ret_set, handled_signals[i]);
}

static void begin_end(enum daemon_mood mood)
{
    CLEANUP_FREE char *error = NULL;
    if (!crew_shut_down(mood, &error) && error)
        log_crit("not restarting, the configuration has errors: %s", error);
    else
        service_notify(mood == DAEMON_SHUTDOWN ? "STOPPING=1" : "RELOADING=1");
}

static void on_hup(void)
{
    if (crew_mood() == DAEMON_SHUTDOWN) {
        log_warn("ignored SIGHUP indicating restart request (shutdown in progress)");
        return;
    }
    log_warn("received SIGHUP indicating restart request");
    begin_end(DAEMON_RESTARTING);
}

static void on_usr2(void)
{
    log_info("received SIGUSR2 indicating log reopen request");
    log_info("supervisord logreopen");
    int r = log_reopen();
    if (r < 0)
        log_crit("cannot reopen the log: %s", strerror(-r));
    crew_reopen_logs();
}

static void on_signal(int signal)
{
    switch (signal) {
    case SIGTERM:
    case SIGINT:
    case SIGQUIT:
        log_warn("received SIG%s indicating exit request", sigabbrev_np(signal));
        begin_end(DAEMON_SHUTDOWN);
        return;
    case SIGHUP:
        on_hup();
        return;
    case SIGUSR2:
        on_usr2();
        return;
    case SIGCHLD:
        log_debg("received SIGCHLD indicating a child quit");
        (void)reaper_run(); /* the count is for tests */
        return;
    default:
        log_blat("received SIG%s indicating nothing", sigabbrev_np(signal));
        return;
    }
}

static void on_signal_fd(uint32_t events, void *arg)
{
    (void)events;
    (void)arg;
    struct signalfd_siginfo info[8];
    ssize_t n;
    while ((n = read(self.signal_fd, info, sizeof(info))) > 0) {
        for (size_t i = 0; i < (size_t)n / sizeof(info[0]); i++)
            on_signal((int)info[i].ssi_signo);
    }
}

/* After the fork of daemonize(): a signalfd in an epoll reports to the process that added it. */
static int watch_signals(void)
{
    sigset_t set;
    handled_set(&set);
    self.signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    int r = self.signal_fd < 0 ? -errno
                               : loop_watch(self.loop, self.signal_fd, EPOLLIN, on_signal_fd, NULL,
                                            &self.signal_watch);
    return r < 0 ? boot_error("cannot watch signals", r) : 0;
}

/* Block before the first thread is made, so that every thread has them blocked. */
static int block_signals(void)
{
    sigset_t set;
    handled_set(&set);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        return -errno;
    return 0;
}

/* ---- one life: from a configuration to the end of its last program ---- */

static void on_finished(void *arg)
{
    (void)arg;
    loop_stop(self.loop);
}

/* Make the groups, then let clients in. */
static int make_groups(const struct config *config)
{
    CLEANUP_FREE char *error = NULL;
    if (crew_add_all(&error) < 0)
        return usage_error(error ? error : "out of memory");
    int r = rpc_init(config, self.loop);
    if (r < 0)
        return boot_error("cannot answer calls", r);
    r = web_init(self.loop);
    if (r < 0)
        return boot_error("cannot show pages", r);
    if (http_open(config, self.loop, &error) < 0)
        return usage_error(error ? error : "out of memory");
    return 0;
}

/* What is done once, when all checks are passed: leave the terminal, listen to signals. */
static int detach(const struct config *config)
{
    if (!config->nodaemon) {
        int r = daemonize(config->directory, config->umask);
        if (r < 0)
            return boot_error("cannot fork", r);
    }
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        log_debg("cannot adopt orphans: %s", strerror(errno));
    return 0;
}

static int announce(const struct config *config)
{
    self.pidfile = NULL;
    char *pidfile = strdup(config->pidfile);
    if (pidfile && pidfile_write(pidfile))
        self.pidfile = take_ptr(&pidfile);
    free(pidfile);
    int r = log_start();
    if (r < 0)
        return boot_error("cannot start the log's thread", r);
    service_notify("READY=1");
    return 0;
}

/* Boot and run until every program has ended. 0 or the exit status of a failed boot. */
static int live(void)
{
    struct config *config = NULL;
    int status = load(&config);
    if (status)
        return status;
    status = settle(config);
    if (status) {
        config_free(config);
        return status;
    }
    reserve_descriptors(config);
    if (!config->nocleanup)
        autolog_clean(config->childlogdir, config->identifier);
    int r = crew_init(self.loop, config, &self.options.overrides, on_finished, NULL);
    if (r < 0) {
        config_free(config);
        return boot_error("cannot start", r);
    }
    status = make_groups(config);
    if (status == 0 && self.first_run)
        status = detach(config);
    if (status == 0)
        status = watch_signals();
    if (status == 0)
        status = announce(config);
    if (status)
        return status;

    self.first_run = false;
    r = notify_start(config);
    if (r < 0)
        log_crit("cannot notify anybody: %s", strerror(-r)); /* programs come first */
    crew_start_all();
    r = loop_run(self.loop);
    return r < 0 ? boot_error("the main loop failed", r) : 0;
}

/* Take down what live() built. *status: of the program that ended the daemon, if one did. */
static enum daemon_mood clear_away(int *status)
{
    enum daemon_mood mood = crew_mood();
    if (*status == 0)
        *status = crew_exit_status();
    http_close();
    if (self.pidfile)
        (void)unlink(self.pidfile); /* somebody may have removed it already */
    free(self.pidfile);
    self.pidfile = NULL;
    web_free();
    rpc_free();
    notify_stop();
    log_stop(LOG_STOP_WAIT_MS);
    crew_free();
    if (self.signal_fd >= 0) {
        loop_unwatch(self.loop, self.signal_watch);
        (void)close(self.signal_fd); /* nothing is lost with it: signals stay pending */
        self.signal_fd = -1;
    }
    return mood;
}

static int run(void)
{
    int r = block_signals();
    if (r == 0)
        r = loop_new(&self.loop);
    if (r < 0)
        return boot_error("cannot start", r);
    int status = 0;
    do {
        status = live();
    } while (clear_away(&status) == DAEMON_RESTARTING && status == 0);
    loop_free(self.loop);
    return status;
}

int main(int argc, char *argv[])
{
    char error[512];
    /* Hundreds of threads that allocate little: two arenas serve them all. */
    (void)mallopt(M_ARENA_MAX, 2);
    self.options.program = argc > 0 ? argv[0] : "supervisord";
    if (daemon_options_parse(argc, argv, &self.options, error, sizeof(error)) < 0)
        return usage_error(error);
    if (self.options.help) {
        daemon_options_help(argv[0]);
        return 0;
    }
    if (self.options.version) {
        printf("%s\n", SUPERVISOR_VERSION);
        return 0;
    }
    if (self.options.check)
        return check();
    return run();
}
