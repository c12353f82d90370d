/* SPDX-License-Identifier: MIT */
/* spawn.c: the parent's side of making a child. */
#include "supervisor/workers/spawn.h"

#include "supervisor/core/names.h"
#include "supervisor/core/process_table.h"

#include "cgroup.h"
#include "child_env.h"
#include "spawn_child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
    bool set;
    struct rlimit nofile;
} limits; /* written before any worker */

void spawn_set_limits(const struct rlimit *nofile)
{
    limits.set = true;
    limits.nofile = *nofile;
}

/* ---- pipes ---- */

/* The child's dup2 onto 0 to 2 must not meet one of its own sources there. */
static int move_above_stderr(int *fd)
{
    if (*fd > STDERR_FILENO)
        return 0;
    int moved = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (moved < 0)
        return -errno;
    (void)close(*fd);
    *fd = moved;
    return 0;
}

static int open_pipe(int *ret_read, int *ret_write)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    *ret_read = fds[0];
    *ret_write = fds[1];
    int r = move_above_stderr(ret_read);
    return r < 0 ? r : move_above_stderr(ret_write);
}

static int open_stdin(int fcgi_fd, struct spawn_pipes *pipes)
{
    if (fcgi_fd >= 0) {
        pipes->theirs[0] = fcgi_fd;
        pipes->stdin_is_borrowed = true;
        return 0;
    }
    int r = open_pipe(&pipes->theirs[0], &pipes->ours[0]);
    if (r == 0 && fcntl(pipes->ours[0], F_SETFL, O_NONBLOCK) < 0)
        r = -errno;
    return r;
}

static int open_output(int *ret_ours, int *ret_theirs)
{
    int r = open_pipe(ret_ours, ret_theirs);
    if (r == 0 && fcntl(*ret_ours, F_SETFL, O_NONBLOCK) < 0)
        r = -errno;
    return r;
}

int spawn_pipes_open(const struct process_config *config, int fcgi_fd,
                     struct spawn_pipes *ret_pipes)
{
    struct spawn_pipes pipes = { .ours = { -1, -1, -1 }, .theirs = { -1, -1, -1 } };
    int r = open_stdin(fcgi_fd, &pipes);
    if (r == 0)
        r = open_output(&pipes.ours[1], &pipes.theirs[1]);
    if (r == 0 && config->redirect_stderr)
        pipes.theirs[2] = pipes.theirs[1];
    else if (r == 0)
        r = open_output(&pipes.ours[2], &pipes.theirs[2]);
    if (r < 0) {
        spawn_pipes_close(&pipes);
        return r;
    }
    *ret_pipes = pipes;
    return 0;
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* a pipe: nothing is lost */
    *fd = -1;
}

void spawn_pipes_close_theirs(struct spawn_pipes *pipes)
{
    if (pipes->theirs[2] == pipes->theirs[1])
        pipes->theirs[2] = -1;
    if (pipes->stdin_is_borrowed)
        pipes->theirs[0] = -1;
    for (int i = 0; i < 3; i++)
        close_one(&pipes->theirs[i]);
}

void spawn_pipes_close(struct spawn_pipes *pipes)
{
    spawn_pipes_close_theirs(pipes);
    for (int i = 0; i < 3; i++)
        close_one(&pipes->ours[i]);
}

/* ---- the fork ---- */

static int plan_make(struct process *p, const struct command *command,
                     const struct spawn_pipes *pipes, struct spawn_plan *plan, char *ret_text,
                     size_t size)
{
    const struct process_config *config = p->config;
    *plan = (struct spawn_plan){
        .config = config,
        .path = command->path,
        .argv = command->argv,
        .fds = { pipes->theirs[0], pipes->theirs[1], pipes->theirs[2] },
        .cgroup_fd = -1,
        .set_nofile = limits.set && !config->rlimits[RLIMIT_NOFILE].set,
        .nofile = limits.nofile,
    };
    if (config->oom_score_adj != CONFIG_UNSET)
        (void)snprintf(plan->oom_score_adj, sizeof(plan->oom_score_adj), "%lld",
                       (long long)config->oom_score_adj);
    spawn_plan_user(plan);
    if (config->cgroup && config->cgroup[0])
        plan->cgroup_error = -cgroup_open(config->cgroup, &plan->cgroup_fd);
    return child_env_make(p, &plan->envp, ret_text, size);
}

static void plan_free(struct spawn_plan *plan)
{
    if (plan->cgroup_fd >= 0)
        (void)close(plan->cgroup_fd); /* only the child writes to it */
    free(plan->groups);
    child_env_free(plan->envp);
}

/* Only this thread waits until the child has become another program; the others go on. Kept
 * apart, so that no variable of a caller lives across the double return. */
static __attribute__((noinline)) pid_t fork_and_run(const struct spawn_plan *plan)
{
    pid_t pid = vfork();
    if (pid == 0)
        spawn_child_run(plan);
    return pid;
}

int spawn_child(struct process *p, const struct command *command, const struct spawn_pipes *pipes,
                pid_t *ret_pid, char *ret_text, size_t size)
{
    struct spawn_plan plan;
    int r = plan_make(p, command, pipes, &plan, ret_text, size);
    if (r < 0) {
        plan_free(&plan);
        return r;
    }
    uint64_t ticket = pid_claim_begin();
    pid_t pid = fork_and_run(&plan);
    int error = errno;
    pid_claim_end(ticket, pid > 0 ? pid : 0, p);
    plan_free(&plan);
    if (pid > 0) {
        *ret_pid = pid;
        return 0;
    }
    if (error == EAGAIN)
        (void)snprintf(ret_text, size, "Too many processes in process table to spawn '%s'",
                       p->config->name);
    else
        (void)snprintf(ret_text, size, "unknown error during fork for '%s': %s", p->config->name,
                       name_of_errno(error));
    return -error;
}
