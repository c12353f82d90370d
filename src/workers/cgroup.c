/* SPDX-License-Identifier: MIT */
/* cgroup.c: control groups (version 2) of programs. */
#include "cgroup.h"

#include "supervisor/core/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MEMBERS_MAX = 4096 }; /* what is beyond is left alone */

struct members {
    pid_t pids[MEMBERS_MAX];
    size_t n;
};

/* Alone, or beside version 1. */
static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

static const char *find_mount(void)
{
    char name[PATH_MAX];
    for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s/cgroup.procs", mounts[i]);
        struct stat st;
        char version1[PATH_MAX];
        (void)snprintf(version1, sizeof(version1), "%s/tasks", mounts[i]);
        if (stat(name, &st) == 0 && access(version1, F_OK) < 0)
            return mounts[i];
    }
    return NULL;
}

static bool climbs(const char *path)
{
    for (const char *at = path; (at = strstr(at, "..")); at += 2) {
        bool begins = at == path || at[-1] == '/';
        if (begins && (at[2] == '/' || at[2] == '\0'))
            return true;
    }
    return false;
}

/* DIRECTORY/FILE of the group; file "" gives the directory with a slash. */
static int make_name(const char *path, const char *file, char ret_name[PATH_MAX])
{
    const char *mount = find_mount();
    if (!mount)
        return -ENOENT;
    if (climbs(path))
        return -EINVAL;
    path += strspn(path, "/");
    int n = snprintf(ret_name, PATH_MAX, "%s/%s/%s", mount, path, file);
    return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int make_group(const char *path)
{
    char name[PATH_MAX];
    int r = make_name(path, "", name);
    if (r < 0)
        return r;
    for (char *slash = strchr(name + strlen("/sys/fs/cgroup/"), '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(name, 0755) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return 0;
}

int cgroup_open(const char *path, int *ret_fd)
{
    char name[PATH_MAX];
    int r = make_group(path);
    if (r == 0)
        r = make_name(path, "cgroup.procs", name);
    if (r < 0)
        return r;
    int fd = open(name, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

static int read_members(const char *path, struct members *ret_members)
{
    char name[PATH_MAX];
    int r = make_name(path, "cgroup.procs", name);
    if (r < 0)
        return r;
    FILE *file = fopen(name, "re");
    if (!file)
        return -errno;
    ret_members->n = 0;
    while (ret_members->n < MEMBERS_MAX &&
           fscanf(file, "%d", &ret_members->pids[ret_members->n]) == 1)
        ret_members->n++;
    (void)fclose(file); /* was only read */
    return 0;
}

static bool is_member(const struct members *members, pid_t pid)
{
    for (size_t i = 0; i < members->n; i++) {
        if (members->pids[i] == pid)
            return true;
    }
    return false;
}

static int signal_members(const char *path, int signal, pid_t except, struct members *members,
                          struct members *again)
{
    int signalled = 0;
    int r = read_members(path, members);
    for (size_t i = 0; r == 0 && i < members->n; i++) {
        pid_t pid = members->pids[i];
        if (pid == except || pid <= 0)
            continue;
        CLEANUP_CLOSE int fd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (fd >= 0 && read_members(path, again) == 0 && is_member(again, pid))
            signalled += syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) == 0;
    }
    return r < 0 ? r : signalled;
}

int cgroup_signal(const char *path, int signal, pid_t except)
{
    CLEANUP_FREE struct members *lists = calloc(2, sizeof(*lists));
    if (!lists)
        return -ENOMEM;
    return signal_members(path, signal, except, &lists[0], &lists[1]);
}
