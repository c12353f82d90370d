/* SPDX-License-Identifier: MIT */
/* spawn_child.c: the child's side between vfork and exec.
 *
 * System calls only, and of those that glibc wraps with more than the call (setuid signals
 * every thread, signal numbers are hidden, interceptors of sanitizers) the raw ones.
 */
#include "spawn_child.h"

#include "supervisor/core/names.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef SYS_setgroups32 /* 32-bit machines, where the plain calls take 16-bit ids */
#define SYS_SETGROUPS SYS_setgroups32
#define SYS_SETGID    SYS_setgid32
#define SYS_SETUID    SYS_setuid32
#else
#define SYS_SETGROUPS SYS_setgroups
#define SYS_SETGID    SYS_setgid
#define SYS_SETUID    SYS_setuid
#endif

enum { EXIT_NOT_SPAWNED = 127, KERNEL_SIGSET_BYTES = 8, KERNEL_SIGNALS = 64 };

/* Say why on fd 2, which is the program's log by now, and end. */
static _Noreturn void fail(const char *what, const char *subject, const char *why)
{
    const char *parts[] = { "supervisor: couldn't ",
                            what,
                            " ",
                            subject,
                            ": ",
                            why,
                            "\nsupervisor: child process was not spawned\n" };
    enum { PARTS = sizeof(parts) / sizeof(parts[0]) };
    struct iovec iov[PARTS];
    for (int i = 0; i < PARTS; i++)
        iov[i] = (struct iovec){ (void *)(uintptr_t)parts[i], strlen(parts[i]) };
    /* If even that cannot be written nobody is left to tell. */
    if (writev(STDERR_FILENO, iov, PARTS) < 0)
        _exit(EXIT_NOT_SPAWNED);
    _exit(EXIT_NOT_SPAWNED);
}

/* All signals are blocked in the daemon, and some ignored; a mask and an ignored signal
 * survive exec. No handler of ours may run here: dispositions first, then the mask. */
static void reset_signals(void)
{
    static const char nothing[64]; /* a kernel sigaction of zeros is SIG_DFL; any layout */
    for (int signal = 1; signal <= KERNEL_SIGNALS; signal++)
        (void)syscall(SYS_rt_sigaction, signal, nothing, NULL,
                      KERNEL_SIGSET_BYTES); /* KILL, STOP */
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, nothing, NULL, KERNEL_SIGSET_BYTES);
}

static void close_above_stderr(const struct spawn_plan *plan)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 3, UINT_MAX, 0) == 0)
        return;
#endif
    /* Ours are all O_CLOEXEC; this is for what the daemon itself inherited. */
    int limit =
        plan->set_nofile && plan->nofile.rlim_cur < 65536 ? (int)plan->nofile.rlim_cur : 65536;
    for (int fd = 3; fd < limit; fd++)
        (void)close(fd);
}

static void set_descriptors(const struct spawn_plan *plan)
{
    for (int i = 0; i < 3; i++) {
        if (dup2(plan->fds[i], i) < 0)
            _exit(EXIT_NOT_SPAWNED); /* there is no place to say so */
    }
    close_above_stderr(plan);
}

static void format_uid(uid_t uid, char text[16])
{
    char *at = text + 15;
    *at = '\0';
    do
        *--at = (char)('0' + uid % 10);
    while ((uid /= 10) != 0);
    memmove(text, at, strlen(at) + 1);
}

static void switch_user(const struct spawn_plan *plan)
{
    char uid_text[16];
    const char *error = plan->user_error;
    if (!error && syscall(SYS_SETGROUPS, plan->n_groups, plan->groups) < 0)
        error = "Could not set groups of effective user";
    if (!error && syscall(SYS_SETGID, plan->gid) < 0)
        error = "Could not set group id of effective user";
    if (!error && syscall(SYS_SETUID, plan->uid) < 0)
        error = "Could not set user id of effective user";
    if (!error)
        return;
    format_uid(plan->config->uid, uid_text);
    fail("setuid to", uid_text, error);
}

/* Before the user switch: raising limits and priorities is root's business. */
static void set_limits(const struct spawn_plan *plan)
{
    static const char *const names[CONFIG_RLIMITS] = {
        [RLIMIT_CPU] = "rlimit_cpu",           [RLIMIT_FSIZE] = "rlimit_fsize",
        [RLIMIT_DATA] = "rlimit_data",         [RLIMIT_STACK] = "rlimit_stack",
        [RLIMIT_CORE] = "rlimit_core",         [RLIMIT_RSS] = "rlimit_rss",
        [RLIMIT_NPROC] = "rlimit_nproc",       [RLIMIT_NOFILE] = "rlimit_nofile",
        [RLIMIT_MEMLOCK] = "rlimit_memlock",   [RLIMIT_AS] = "rlimit_as",
        [RLIMIT_LOCKS] = "rlimit_locks",       [RLIMIT_SIGPENDING] = "rlimit_sigpending",
        [RLIMIT_MSGQUEUE] = "rlimit_msgqueue", [RLIMIT_NICE] = "rlimit_nice",
        [RLIMIT_RTPRIO] = "rlimit_rtprio",     [RLIMIT_RTTIME] = "rlimit_rttime",
    };
    if (plan->set_nofile && prlimit(0, RLIMIT_NOFILE, &plan->nofile, NULL) < 0)
        fail("set", "rlimit_nofile", name_of_errno(errno));
    for (int i = 0; i < CONFIG_RLIMITS; i++) {
        const struct rlimit_config *limit = &plan->config->rlimits[i];
        if (!limit->set)
            continue;
        struct rlimit value = { .rlim_cur = limit->soft, .rlim_max = limit->hard };
        if (prlimit(0, i, &value, NULL) < 0)
            fail("set", names[i], name_of_errno(errno));
    }
}

static void write_oom_score(const char *text)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        fail("set", "oom_score_adj", name_of_errno(errno));
    (void)close(fd);
}

static void set_scheduling(const struct spawn_plan *plan)
{
    const struct process_config *config = plan->config;
    if (config->nice != CONFIG_UNSET && setpriority(PRIO_PROCESS, 0, (int)config->nice) < 0)
        fail("set", "nice", name_of_errno(errno));
    if (plan->oom_score_adj[0])
        write_oom_score(plan->oom_score_adj);
    if (config->cpu_affinity.set &&
        syscall(SYS_sched_setaffinity, 0, sizeof(config->cpu_affinity.bits),
                config->cpu_affinity.bits) < 0)
        fail("set", "cpu_affinity", name_of_errno(errno));
}

/* Before the descriptors go, and before the user switch. 0 or an errno. */
static int join_cgroup(const struct spawn_plan *plan)
{
    if (plan->cgroup_error || plan->cgroup_fd < 0)
        return plan->cgroup_error;
    return write(plan->cgroup_fd, "0", 1) < 0 ? errno : 0;
}

_Noreturn void spawn_child_run(const struct spawn_plan *plan)
{
    const struct process_config *config = plan->config;
    /* A group of its own: a signal to ours (^C) is not the program's. Fails for no reason that
     * could be ours. */
    (void)setpgid(0, 0);
    reset_signals();
    int cgroup_error = join_cgroup(plan);
    set_descriptors(plan);
    if (cgroup_error)
        fail("join cgroup", config->cgroup, name_of_errno(cgroup_error));
    set_limits(plan);
    set_scheduling(plan);
    if (plan->switch_user)
        switch_user(plan);
    if (config->directory && chdir(config->directory) < 0)
        fail("chdir to", config->directory, name_of_errno(errno));
    if (config->umask >= 0)
        (void)umask((mode_t)config->umask);
    /* Raw as well: builds that measure coverage wrap execve with files to write. */
    (void)syscall(SYS_execve, plan->path, plan->argv, plan->envp);
    fail("exec", plan->argv[0], name_of_errno(errno));
}
