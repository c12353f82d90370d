/* SPDX-License-Identifier: MIT */
/* kill_tree.c: finds and signals the descendants of a process. */
#include "kill_tree.h"

#include "supervisor/core/cleanup.h"
#include "supervisor/workers/procstat.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct found {
    pid_t pid;
    pid_t parent;
};

static bool read_stat(const char *pid_text, struct procstat_line *ret_line)
{
    char path[64], text[1024];
    (void)snprintf(path, sizeof(path), "/proc/%.20s/stat", pid_text);
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (n <= 0)
        return false;
    text[n] = '\0';
    return procstat_parse_line(text, ret_line) == 0;
}

/* Everybody, with parents. */
static size_t look_at_all(struct found *all, size_t max)
{
    size_t n = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && n < max && (entry = readdir(proc));) {
        struct procstat_line line;
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || !read_stat(entry->d_name, &line))
            continue;
        all[n++] = (struct found){ line.pid, line.ppid };
    }
    if (proc)
        (void)closedir(proc);
    return n;
}

/* Is pid, which fd holds, still the child it was seen as? */
static bool is_still_child_of(pid_t pid, pid_t parent)
{
    char text[16];
    struct procstat_line line;
    (void)snprintf(text, sizeof(text), "%d", (int)pid);
    return read_stat(text, &line) && line.ppid == parent;
}

/* All are held before any is signalled: once its parent is gone, nobody could tell whose child it
 * was. -1: it is gone, or the number is another's by now. */
static int hold(const struct found *one)
{
    CLEANUP_CLOSE int fd = (int)syscall(SYS_pidfd_open, one->pid, 0);
    if (fd < 0 || !is_still_child_of(one->pid, one->parent))
        return -1;
    return take_fd(&fd);
}

/* Mark breadth first: tree[] grows while it is gone through. */
static size_t collect_tree(pid_t root, const struct found *all, size_t n, struct found *tree)
{
    size_t n_tree = 0;
    for (size_t next = 0; next <= n_tree; next++) {
        pid_t parent = next == 0 ? root : tree[next - 1].pid;
        for (size_t i = 0; i < n && n_tree < KILL_TREE_MAX; i++) {
            if (all[i].parent == parent && all[i].pid != root)
                tree[n_tree++] = all[i];
        }
    }
    return n_tree;
}

static unsigned signal_held(const int *fds, size_t n, int signal)
{
    unsigned signalled = 0;
    for (size_t i = 0; i < n; i++) {
        if (fds[i] < 0)
            continue;
        signalled += syscall(SYS_pidfd_send_signal, fds[i], signal, NULL, 0) == 0;
        (void)close(fds[i]);
    }
    return signalled;
}

unsigned kill_tree_below(pid_t root, int signal)
{
    enum { ALL_MAX = 65536 };
    CLEANUP_FREE struct found *all = calloc(ALL_MAX, sizeof(*all));
    CLEANUP_FREE struct found *tree = calloc(KILL_TREE_MAX, sizeof(*tree));
    CLEANUP_FREE int *fds = calloc(KILL_TREE_MAX, sizeof(*fds));
    if (!all || !tree || !fds)
        return 0; /* the child itself still gets its signal */
    size_t n = collect_tree(root, all, look_at_all(all, ALL_MAX), tree);
    for (size_t i = 0; i < n; i++)
        fds[i] = hold(&tree[i]);
    return signal_held(fds, n, signal);
}
