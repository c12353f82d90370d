/* SPDX-License-Identifier: MIT */
/* append_fd.c: a descriptor to append to, whatever its name leads to. */
#include "append_fd.h"

#include "supervisor/core/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 16 };

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Names in /dev and /proc stand for what somebody else opened; /dev/shm is an ordinary place. */
static bool is_borrowed_name(const char *path)
{
    return (begins(path, "/dev/") && !begins(path, "/dev/shm/")) || begins(path, "/proc/");
}

/* Is path, or any link on the way from it, such a name? The buffers are not on the stack: each
 * worker's would keep its pages. */
static bool leads_to_borrowed_name(const char *path)
{
    CLEANUP_FREE char *name = malloc(PATH_MAX);
    CLEANUP_FREE char *target = malloc(PATH_MAX);
    if (!name || !target || strlen(path) >= PATH_MAX)
        return is_borrowed_name(path);
    memcpy(name, path, strlen(path) + 1);
    for (int i = 0; i < LINKS_MAX; i++) {
        if (is_borrowed_name(name))
            return true;
        ssize_t n = readlink(name, target, PATH_MAX - 1);
        if (n < 0 || target[0] != '/')
            return false;
        memcpy(name, target, (size_t)n);
        name[n] = '\0';
    }
    return false;
}

/* The descriptor that /dev/stdout, /dev/fd/3 or /proc/self/fd/3 stands for; -1 if none. */
static int inherited_fd(const char *path)
{
    int fd = -1;
    int end = 0;
    if (strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0)
        return STDERR_FILENO;
    if ((sscanf(path, "/dev/fd/%4d%n", &fd, &end) == 1 ||
         sscanf(path, "/proc/self/fd/%4d%n", &fd, &end) == 1) &&
        path[end] == '\0')
        return fd;
    return -1;
}

static int describe(int fd, bool own_description, struct append_fd *ret_out)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    *ret_out = (struct append_fd){ .fd = fd, .dev = st.st_dev, .ino = st.st_ino };
    if (S_ISREG(st.st_mode)) {
        ret_out->kind = APPEND_FILE;
        ret_out->size = (uint64_t)st.st_size;
    } else if (S_ISSOCK(st.st_mode)) {
        ret_out->kind = APPEND_SOCKET;
    } else {
        ret_out->kind = own_description ? APPEND_STREAM : APPEND_SHARED;
    }
    return 0;
}

int append_fd_inherit(int inherited, struct append_fd *ret_out)
{
    struct stat st;
    if (fstat(inherited, &st) < 0)
        return -errno;
    char name[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
    (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", inherited);

    /* A regular file keeps its shared offset: without O_APPEND ours would overwrite. */
    CLEANUP_CLOSE int fd = -1;
    if (!S_ISREG(st.st_mode) && !S_ISSOCK(st.st_mode))
        fd = open(name, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool own_description = fd >= 0;
    if (!own_description)
        fd = fcntl(inherited, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (fd < 0)
        return -errno;
    int error = describe(fd, own_description, ret_out);
    if (!error)
        (void)take_fd(&fd);
    return error;
}

int append_fd_open(const char *path, struct append_fd *ret_out)
{
    const int flags = O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | flags, 0666);
    if (fd < 0 && errno == ENXIO) /* a FIFO that nobody reads yet: wait with a full pipe */
        fd = open(path, O_RDWR | flags);
    if (fd < 0) {
        int error = -errno;
        int inherited = inherited_fd(path);
        /* A socket, or a pipe made by another user before privileges were dropped. */
        return inherited >= 0 ? append_fd_inherit(inherited, ret_out) : error;
    }
    int error = describe(fd, true, ret_out);
    if (error)
        return error;
    ret_out->rotates = ret_out->kind == APPEND_FILE && !leads_to_borrowed_name(path);
    (void)take_fd(&fd);
    return 0;
}

static ssize_t write_some(const struct append_fd *out, const char *data, size_t len)
{
    if (out->kind == APPEND_SOCKET)
        return send(out->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (out->kind == APPEND_SHARED) {
        struct pollfd ready = { .fd = out->fd, .events = POLLOUT };
        int n = poll(&ready, 1, 0);
        if (n <= 0) {
            if (n == 0)
                errno = EAGAIN;
            return -1;
        }
        if (len > PIPE_BUF) /* so much fits without waiting when poll says yes */
            len = PIPE_BUF;
    }
    return write(out->fd, data, len);
}

int append_fd_write(const struct append_fd *out, const void *data, size_t len, size_t *ret_stored)
{
    const char *bytes = data;
    size_t done = 0;
    int error = 0;
    while (done < len && !error) {
        ssize_t n = write_some(out, bytes + done, len - done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0)
            error = -EIO;
        else if (errno != EINTR)
            error = -errno;
    }
    *ret_stored = done;
    return error;
}

bool append_fd_is_named(const struct append_fd *out, const char *path, int *ret_error)
{
    struct stat st;
    *ret_error = 0;
    if (stat(path, &st) == 0)
        return st.st_dev == out->dev && st.st_ino == out->ino;
    *ret_error = -errno;
    return false;
}

void append_fd_close(struct append_fd *out)
{
    if (out->fd >= 0)
        (void)close(out->fd); /* every write was checked */
    out->fd = -1;
}
