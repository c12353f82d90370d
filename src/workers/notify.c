/* SPDX-License-Identifier: MIT */
/* notify.c: one thread a [notify:x] section: takes events from its pool and tells of them.
 *
 * A command is a child like a program's: spawned by spawn.c for a process record that belongs to
 * no group, so that the reaper finds its owner. The record's eventfd is also what the pool
 * wakes the thread with.
 */
#include "supervisor/workers/notify.h"

#include "notify_text.h"
#include "supervisor/core/clock.h"
#include "supervisor/core/datatypes.h"
#include "supervisor/core/event.h"
#include "supervisor/core/log.h"
#include "supervisor/core/process.h"
#include "supervisor/core/process_table.h"
#include "supervisor/workers/command.h"
#include "supervisor/workers/spawn.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    OUTPUT_KEPT = 1000, /* bytes of a failing command's output that are logged */
    STACK_BYTES = 128 * 1024,
    PAYLOAD_POST_MAX = 64 * 1024 /* bytes of an event that are posted */
};

struct notifier {
    struct notify_config config; /* never changes; a copy, for files are read again */
    struct group_config group;   /* never changes once the thread runs, but for the ... */
    struct process_config child; /* ... environment: its thread only, between spawns */
    struct process *process;     /* never changes */
    struct event_pool *pool;     /* never changes */
    struct event_member *member; /* never changes */
    pthread_t thread;
    bool has_thread;         /* main thread only */
    _Atomic bool quit;       /* atomic */
    struct notify_rate rate; /* its thread only */
};

static struct {
    struct notifier *items;
    size_t n;
} notifiers; /* main thread only */

/* ---- a command ---- */

struct run {
    struct spawn_pipes pipes;
    const char *input;
    size_t input_left;
    char output[OUTPUT_KEPT];
    size_t output_len;
    uint64_t deadline_ns;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* a pipe: nothing is lost */
    *fd = -1;
}

static void feed_input(struct run *run)
{
    while (run->input_left) {
        ssize_t n = write(run->pipes.ours[0], run->input, run->input_left);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0 && errno != EINTR)
            break; /* it does not want it */
        if (n > 0) {
            run->input += n;
            run->input_left -= (size_t)n;
        }
    }
    run->input_left = 0;
    close_fd(&run->pipes.ours[0]);
}

/* Keep the beginning, discard the rest. */
static void read_output(struct run *run)
{
    char rest[4096];
    for (;;) {
        size_t room = sizeof(run->output) - run->output_len;
        ssize_t n = read(run->pipes.ours[1], room ? run->output + run->output_len : rest,
                         room ? room : sizeof(rest));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            break;
        if (room)
            run->output_len += (size_t)n;
    }
    close_fd(&run->pipes.ours[1]);
}

static void wait_for_news(struct notifier *n, struct run *run)
{
    struct pollfd set[] = {
        { .fd = n->process->wake_fd, .events = POLLIN },
        { .fd = run->input_left ? run->pipes.ours[0] : -1, .events = POLLOUT },
        { .fd = run->pipes.ours[1], .events = POLLIN },
    };
    int ready = poll(set, 3, clock_poll_ms(clock_now_ns(), run->deadline_ns));
    if (ready > 0 && set[1].revents)
        feed_input(run);
    if (ready > 0 && set[2].revents)
        read_output(run);
}

/* Requests are for programs; nobody posts any to this record. */
static bool has_exited(struct notifier *n, int *ret_status)
{
    bool exited;
    uint64_t exit_ns;
    struct request *r = process_collect(n->process, &exited, ret_status, &exit_ns);
    while (r) {
        struct request *next = r->next;
        request_finish(r, REQUEST_CANCELLED);
        r = next;
    }
    return exited;
}

/* Returns false if the daemon ends before the command does. */
static bool wait_for_end(struct notifier *n, struct run *run, int *ret_status)
{
    while (!has_exited(n, ret_status)) {
        bool late = clock_now_ns() >= run->deadline_ns;
        if (late || atomic_load(&n->quit)) {
            (void)process_kill(n->process, SIGKILL, true); /* gone is well */
            run->deadline_ns = NS_NEVER;
        }
        if (late)
            log_warn("notify %s: killed its command after %d seconds", n->config.name,
                     NOTIFY_COMMAND_MAX_SECS);
        if (atomic_load(&n->quit)) {
            pid_abandon(n->process); /* the main thread, waiting for us, reaps nobody */
            return false;
        }
        wait_for_news(n, run);
    }
    return true;
}

static void log_end(const struct notifier *n, const struct run *run, int status)
{
    char how[64];
    size_t len = run->output_len;
    while (len && run->output[len - 1] == '\n')
        len--;
    process_describe_end(status, how, sizeof(how));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        log_debg("notify %s: told (%s)", n->config.name, how);
    else
        log_warn("notify %s: its command failed (%s)%s%.*s", n->config.name, how, len ? ": " : "",
                 (int)len, run->output);
}

static void run_resolved(struct notifier *n, const struct command *command, const char *payload,
                         size_t len)
{
    struct run run = { .input = payload,
                       .input_left = len,
                       .deadline_ns = clock_now_ns() + NOTIFY_COMMAND_MAX_SECS * NS_PER_SEC };
    char text[PROCESS_SPAWNERR_MAX];
    pid_t pid;
    int status;
    int r = spawn_pipes_open(&n->child, -1, &run.pipes);
    if (r < 0) {
        log_warn("notify %s: cannot make pipes: %s", n->config.name, strerror(-r));
        return;
    }
    r = spawn_child(n->process, command, &run.pipes, &pid, text, sizeof(text));
    if (r < 0) {
        log_warn("notify %s: %s", n->config.name, text);
    } else {
        spawn_pipes_close_theirs(&run.pipes);
        feed_input(&run);
        if (wait_for_end(n, &run, &status)) {
            if (run.pipes.ours[1] >= 0)
                read_output(&run); /* what is there; descendants may hold it open */
            log_end(n, &run, status);
        }
    }
    spawn_pipes_close(&run.pipes);
}

static void tell_command(struct notifier *n, const char *envelope, size_t len)
{
    char text[PROCESS_SPAWNERR_MAX];
    struct command command;
    size_t offset = notify_payload_offset(envelope, len);
    env_list_free(&n->child.environment);
    if (notify_fill_env(&n->child.environment, envelope, len, n->rate.skipped) < 0) {
        log_warn("notify %s: out of memory", n->config.name);
        return;
    }
    if (command_resolve(&n->child, &command, text, sizeof(text)) != COMMAND_OK) {
        log_warn("notify %s: %s", n->config.name, text);
        return;
    }
    run_resolved(n, &command, envelope + offset, len - offset);
    command_free(&command);
}

/* ---- an address ---- */

/* The program that posts: beside our own binary in a build folder, else where it is installed. */
static char *find_poster(void)
{
    char own[PATH_MAX];
    char *path = NULL;
    ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
    if (len > 0) {
        own[len] = '\0';
        const char *slash = strrchr(own, '/'); /* the kernel's path is absolute */
        if (asprintf(&path, "%.*s/supervisor-notify", (int)(slash - own), own) < 0)
            return NULL;
        if (access(path, X_OK) == 0)
            return path;
        free(path);
    }
    return strdup(SUPERVISOR_LIBEXECDIR "/supervisor-notify");
}

static int set_url(struct notifier *n)
{
    env_list_free(&n->child.environment);
    return env_list_set(&n->child.environment, "NOTIFY_URL", n->config.url);
}

static void tell_address(struct notifier *n, const char *envelope, size_t len)
{
    struct buf body = BUF_INIT;
    size_t kept = len < PAYLOAD_POST_MAX ? len : PAYLOAD_POST_MAX;
    notify_append_json(&body, envelope, kept, n->rate.skipped);
    char name[] = "supervisor-notify";
    char *argv[] = { name, NULL };
    const struct command command = { .argv = argv, .path = find_poster() };
    if (!command.path || body.error || set_url(n) < 0)
        log_warn("notify %s: out of memory", n->config.name);
    else
        run_resolved(n, &command, body.data, body.len);
    free(command.path);
    buf_free(&body);
}

/* ---- the thread ---- */

static void tell(struct notifier *n, const char *envelope, size_t len, uint64_t serial)
{
    if (!notify_rate_allows(&n->rate, clock_now_ns())) {
        if (n->rate.skipped == 1)
            log_warn("notify %s: more than rate_limit allows, event %llu and maybe more are not "
                     "told",
                     n->config.name, (unsigned long long)serial);
        return;
    }
    if (n->config.command)
        tell_command(n, envelope, len);
    else
        tell_address(n, envelope, len);
    n->rate.skipped = 0;
}

static void wait_for_event(struct notifier *n)
{
    struct pollfd set = { .fd = n->process->wake_fd, .events = POLLIN };
    uint64_t deadline_ns = event_member_deadline_ns(n->member);
    int status;
    if (poll(&set, 1, clock_poll_ms(clock_now_ns(), deadline_ns)) >= 0)
        (void)has_exited(n, &status); /* clears the wake; there is no child */
}

static void *run(void *arg)
{
    struct notifier *n = arg;
    while (!atomic_load(&n->quit)) {
        size_t len;
        uint64_t serial;
        event_member_tick(n->member);
        event_member_set_ready(n->member, true);
        const char *envelope = event_member_take(n->member, &len, &serial);
        if (!envelope) {
            wait_for_event(n);
            continue;
        }
        tell(n, envelope, len, serial);
        event_member_finish(n->member, EVENT_ACCEPTED);
    }
    event_member_set_ready(n->member, false);
    return NULL;
}

/* ---- made and ended by the main thread ---- */

static void wake_thread(void *arg)
{
    process_wake(arg);
}

/* A process record needs a group; this one is in no table and in no client's sight. */
static int make_process(struct notifier *n)
{
    char *logfile[CHANNELS] = { NULL, NULL };
    n->child = (struct process_config){ .name = n->config.name,
                                        .section = n->config.section,
                                        .command = n->config.command,
                                        .umask = -1,
                                        .redirect_stderr = true,
                                        .nice = CONFIG_UNSET,
                                        .oom_score_adj = CONFIG_UNSET };
    n->group = (struct group_config){ .name = n->config.name,
                                      .section = n->config.section,
                                      .processes = &n->child,
                                      .n_processes = 1,
                                      .refs_ = 1 /* ours: it is never freed by counting */ };
    return process_new(&n->group, 0, logfile, &n->process);
}

static int make_pool(struct notifier *n)
{
    const struct event_pool_config config = { .name = n->config.section,
                                              .mask = n->config.event_mask };
    int r = event_pool_new(&config, &n->pool);
    return r < 0 ? r
                 : event_member_new(n->pool, n->config.name, wake_thread, n->process, &n->member);
}

static int make_thread(struct notifier *n)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int error = pthread_attr_init(&attributes);
    if (error)
        return -error;
    (void)sigfillset(&all);
    error = pthread_attr_setstacksize(&attributes, STACK_BYTES);
    if (!error)
        error = pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
    if (!error) {
        error = pthread_create(&n->thread, &attributes, run, n);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* as it was: cannot fail */
    }
    (void)pthread_attr_destroy(&attributes); /* cannot fail */
    n->has_thread = !error;
    return -error;
}

static int copy_text(char **to, const char *from)
{
    *to = from ? strdup(from) : NULL;
    return from && !*to ? -ENOMEM : 0;
}

static int copy_config(struct notifier *n, const struct notify_config *config)
{
    n->config.event_mask = config->event_mask;
    int r = copy_text(&n->config.name, config->name);
    r = r ? r : copy_text(&n->config.section, config->section);
    r = r ? r : copy_text(&n->config.command, config->command);
    return r ? r : copy_text(&n->config.url, config->url);
}

static int notifier_start(struct notifier *n, const struct notify_config *config)
{
    int r = copy_config(n, config);
    if (r < 0)
        return r;
    n->rate = (struct notify_rate){ .n = config->rate_limit, .secs = config->rate_limit_secs };
    r = make_process(n);
    if (r == 0)
        r = make_pool(n);
    return r == 0 ? make_thread(n) : r;
}

static void notifier_quit(struct notifier *n)
{
    atomic_store(&n->quit, true);
    if (n->has_thread)
        process_wake(n->process);
}

static void notifier_free(struct notifier *n)
{
    if (n->has_thread)
        (void)pthread_join(n->thread, NULL); /* fails only for a thread that is none */
    if (n->pool)
        event_pool_unsubscribe(n->pool);
    event_member_free(n->member);
    event_pool_free(n->pool);
    process_unref(n->process);
    env_list_free(&n->child.environment);
    free(n->config.name);
    free(n->config.section);
    free(n->config.command);
    free(n->config.url);
}

int notify_start(const struct config *config)
{
    if (!config->n_notifies)
        return 0;
    notifiers.items = calloc(config->n_notifies, sizeof(*notifiers.items));
    if (!notifiers.items)
        return -ENOMEM;
    notifiers.n = config->n_notifies;
    int r = 0;
    for (size_t i = 0; i < notifiers.n && r == 0; i++)
        r = notifier_start(&notifiers.items[i], &config->notifies[i]);
    if (r < 0)
        notify_stop();
    return r;
}

void notify_stop(void)
{
    for (size_t i = 0; i < notifiers.n; i++)
        notifier_quit(&notifiers.items[i]);
    for (size_t i = 0; i < notifiers.n; i++)
        notifier_free(&notifiers.items[i]);
    free(notifiers.items);
    notifiers.items = NULL;
    notifiers.n = 0;
}
