/* SPDX-License-Identifier: MIT */
/* worker_child.c: a worker's dealings with its child: made, signalled, fed, buried. */
#include "cgroup.h"
#include "kill_tree.h"
#include "worker_priv.h"

#include "supervisor/core/clock.h"
#include "supervisor/core/log.h"
#include "supervisor/core/names.h"
#include "supervisor/core/process_table.h"
#include "supervisor/workers/command.h"
#include "supervisor/workers/fcgi_socket.h"
#include "supervisor/workers/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- spawning ---- */

static void explain_descriptors(struct worker *w, int error)
{
    char text[PROCESS_SPAWNERR_MAX];
    const char *name = w->process->config->name;
    if (error == EMFILE)
        (void)snprintf(text, sizeof(text), "too many open files to spawn '%s'", name);
    else
        (void)snprintf(text, sizeof(text), "unknown error making dispatchers for '%s': %s", name,
                       name_of_errno(error));
    worker_set_spawnerr(w, text);
}

static void tap_listener(const char *data, size_t len, void *arg)
{
    listener_on_output(arg, data, len);
}

static int open_streams(struct worker *w, struct spawn_pipes *pipes)
{
    for (int c = 0; c < CHANNELS; c++) {
        int *fd = &pipes->ours[c + 1];
        if (*fd < 0)
            continue;
        struct output *output = &w->output[c];
        int r = stream_open(w->process, (enum channel)c, *fd, &output->stream);
        if (r < 0)
            return r;
        *fd = -1; /* the stream's now */
        output->last_read_ns = 0;
        output->linger_ns = 0;
        output->resume_ns = 0;
    }
    if (w->listener && w->output[CHANNEL_STDOUT].stream)
        stream_set_tap(w->output[CHANNEL_STDOUT].stream, tap_listener, w->listener);
    return 0;
}

static void close_streams(struct worker *w)
{
    for (int c = 0; c < CHANNELS; c++) {
        stream_close(w->output[c].stream);
        w->output[c].stream = NULL;
    }
}

static void release_fcgi(struct worker *w)
{
    if (w->fcgi_held)
        fcgi_socket_release(w->process->fcgi);
    w->fcgi_held = false;
}

static int acquire_fcgi(struct worker *w, int *ret_fd)
{
    char text[PROCESS_SPAWNERR_MAX];
    *ret_fd = -1;
    if (!w->process->fcgi)
        return 0;
    int r = fcgi_socket_acquire(w->process->fcgi, ret_fd, text, sizeof(text));
    if (r < 0)
        worker_set_spawnerr(w, text);
    w->fcgi_held = r == 0;
    return r;
}

static bool spawn_with_pipes(struct worker *w, const struct command *command,
                             struct spawn_pipes *pipes)
{
    char text[PROCESS_SPAWNERR_MAX];
    int r = open_streams(w, pipes);
    if (r < 0) {
        explain_descriptors(w, -r);
        return false;
    }
    r = spawn_child(w->process, command, pipes, &w->pid, text, sizeof(text));
    if (r < 0) {
        worker_set_spawnerr(w, text);
        return false;
    }
    w->stdin_fd = pipes->ours[0];
    pipes->ours[0] = -1;
    return true;
}

static bool spawn_command(struct worker *w, const struct command *command)
{
    struct spawn_pipes pipes;
    int fcgi_fd;
    if (acquire_fcgi(w, &fcgi_fd) < 0)
        return false;
    int r = spawn_pipes_open(w->process->config, fcgi_fd, &pipes);
    if (r < 0) {
        explain_descriptors(w, -r);
        return false;
    }
    bool spawned = spawn_with_pipes(w, command, &pipes);
    spawn_pipes_close(&pipes);
    return spawned;
}

bool worker_spawn(struct worker *w)
{
    char text[PROCESS_SPAWNERR_MAX];
    struct command command;
    w->pid = 0;
    w->dead_unreaped = false;
    if (command_resolve(w->process->config, &command, text, sizeof(text)) != COMMAND_OK) {
        worker_set_spawnerr(w, text);
        return false;
    }
    bool spawned = spawn_command(w, &command);
    command_free(&command);
    if (!spawned) {
        close_streams(w);
        release_fcgi(w);
        return false;
    }
    for (int c = 0; c < CHANNELS; c++) {
        if (w->output[c].stream)
            stream_set_pid(w->output[c].stream, w->pid);
    }
    if (w->listener)
        listener_on_spawn(w->listener);
    log_info("spawned: '%s' with pid %d", w->process->config->name, (int)w->pid);
    return true;
}

/* ---- the end ---- */

bool worker_child_is_dead(const struct worker *w)
{
    siginfo_t info = { 0 };
    /* WNOWAIT: it stays for the reaper. ECHILD means that the reaper was quicker. */
    if (waitid(P_PID, (id_t)w->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
        return errno == ECHILD;
    return info.si_pid != 0;
}

void worker_end_child(struct worker *w, int wait_status, uint64_t exit_ns)
{
    uint64_t now_ns = clock_now_ns();
    for (int c = 0; c < CHANNELS; c++) {
        if (w->output[c].stream)
            stream_drain_at_exit(w->output[c].stream, now_ns);
    }
    if (w->listener)
        listener_on_child_end(w->listener);
    close_streams(w);
    worker_close_stdin(w);
    release_fcgi(w);
    w->dead_unreaped = false;
    w->wait_status = wait_status;
    w->facts.stop_wall = clock_wall_ns() / (int64_t)NS_PER_SEC;
    w->life.ended_ns = exit_ns;
    w->life.ended_code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
    (void)worker_step(w, LIFE_ENDED, now_ns);
    w->pid = 0;
    worker_recycle_finish(w);
}

/* ---- signals ---- */

static void format_signal(int signal, char *ret_text, size_t size)
{
    const char *name = name_of_signal(signal);
    if (name)
        (void)snprintf(ret_text, size, "%s", name);
    else
        (void)snprintf(ret_text, size, "signal %d", signal);
}

static int kill_child(struct worker *w, int signal, bool as_group)
{
    char signal_text[24];
    const char *name = w->process->config->name;
    format_signal(signal, signal_text, sizeof(signal_text));
    log_debg("killing %s (pid %d) %swith signal %s", name, (int)w->pid,
             as_group ? "process group " : "", signal_text);
    int r = process_kill(w->process, signal, as_group);
    if (r == -ESRCH) {
        log_debg("unable to signal %s (pid %d), it probably just exited on its own: %s", name,
                 (int)w->pid, "No such process");
        return 0;
    }
    if (r < 0) {
        w->kill_error = -r;
        log_crit("unknown problem killing %s (%d): %s", name, (int)w->pid, name_of_errno(-r));
    }
    return r;
}

/* Whom a stop signal or SIGKILL reaches: killmode, or else what stopasgroup or killasgroup say. */
static int kill_by_mode(struct worker *w, int signal, bool as_group)
{
    const struct process_config *config = w->process->config;
    switch (config->killmode) {
    case KILLMODE_DEFAULT:
        break;
    case KILLMODE_PROCESS:
        as_group = false;
        break;
    case KILLMODE_GROUP:
        as_group = true;
        break;
    case KILLMODE_CGROUP:
        if (config->cgroup && cgroup_signal(config->cgroup, signal, w->pid) >= 0) {
            as_group = false;
            break;
        }
        /* Without a cgroup of its own the tree comes closest. */
        __attribute__((fallthrough));
    case KILLMODE_TREE: {
        unsigned n = kill_tree_below(w->pid, signal);
        log_debg("signalled %u descendants of %s (pid %d)", n, w->process->config->name,
                 (int)w->pid);
        as_group = false;
        break;
    }
    }
    return kill_child(w, signal, as_group);
}

int worker_signal_stop(struct worker *w)
{
    const struct process_config *config = w->process->config;
    if (config->stopsignal == 0)
        return 0;
    return kill_by_mode(w, config->stopsignal, config->stopasgroup);
}

int worker_signal_kill(struct worker *w)
{
    const struct process_config *config = w->process->config;
    log_warn("killing '%s' (%d) with SIGKILL", config->name, (int)w->pid);
    return kill_by_mode(w, SIGKILL, config->killasgroup);
}

/* ---- stdin ---- */

void worker_close_stdin(struct worker *w)
{
    if (w->stdin_fd >= 0)
        (void)close(w->stdin_fd); /* what the child did not read is lost with it */
    w->stdin_fd = -1;
    w->stdin_full = false;
    buf_free(&w->stdin_buf);
}

int worker_flush_stdin(struct worker *w)
{
    w->stdin_full = false;
    while (w->stdin_fd >= 0 && w->stdin_buf.len > 0) {
        ssize_t n = write(w->stdin_fd, w->stdin_buf.data, w->stdin_buf.len);
        if (n > 0) {
            buf_consume(&w->stdin_buf, (size_t)n);
        } else if (n < 0 && errno == EAGAIN) {
            w->stdin_full = true;
            return 0;
        } else if (n == 0 || errno != EINTR) {
            worker_close_stdin(w);
            worker_publish(w);
            return -EPIPE;
        }
    }
    if (w->stdin_buf.len == 0)
        buf_free(&w->stdin_buf);
    return 0;
}
