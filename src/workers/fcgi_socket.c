/* SPDX-License-Identifier: MIT */
/* fcgi_socket.c: the listening socket that the processes of an [fcgi-program:x] share. */
#include "supervisor/workers/fcgi_socket.h"

#include "supervisor/core/cleanup.h"
#include "supervisor/core/lock.h"
#include "supervisor/core/log.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct fcgi_socket {
    const struct fcgi_config *config; /* never changes; the group's */
    struct lock lock;                 /* rank process; held over local system calls only */
    int fd;                           /* lock; -1 while nobody holds it */
    unsigned holders;                 /* lock; processes */
};

/* Room for what a socket is bound to. */
union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_un un;
};

static int fail(const struct fcgi_config *config, int error, const char *what, const char *why,
                char *ret_text, size_t size)
{
    (void)snprintf(ret_text, size, "Could not create FastCGI socket %s: %s%s", config->url, what,
                   why);
    return error;
}

int fcgi_socket_new(const struct fcgi_config *config, struct fcgi_socket **ret_socket)
{
    struct fcgi_socket *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->config = config;
    s->fd = -1;
    lock_init(&s->lock, LOCK_RANK_PROCESS);
    *ret_socket = s;
    return 0;
}

void fcgi_socket_free(struct fcgi_socket *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        (void)close(s->fd); /* a listening socket has nothing to flush */
    lock_destroy(&s->lock);
    free(s);
}

const char *fcgi_socket_url(const struct fcgi_socket *s)
{
    return s->config->url;
}

/* The name service may take its time: without any lock. */
static int resolve(const struct fcgi_config *config, union address *ret_address, socklen_t *ret_len,
                   char *ret_text, size_t size)
{
    memset(ret_address, 0, sizeof(*ret_address));
    if (config->path) {
        if (strlen(config->path) >= sizeof(ret_address->un.sun_path))
            return fail(config, -ENAMETOOLONG, "", "AF_UNIX path too long", ret_text, size);
        ret_address->un.sun_family = AF_UNIX;
        memcpy(ret_address->un.sun_path, config->path, strlen(config->path) + 1);
        *ret_len = sizeof(ret_address->un);
        return 0;
    }
    const struct addrinfo hints = { .ai_family = AF_INET,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_PASSIVE };
    struct addrinfo *found = NULL;
    const char *host = config->host && config->host[0] ? config->host : NULL;
    int error = getaddrinfo(host, host ? NULL : "0", &hints, &found);
    if (error)
        return fail(config, -EADDRNOTAVAIL, "", gai_strerror(error), ret_text, size);
    memcpy(&ret_address->in, found->ai_addr, sizeof(ret_address->in));
    ret_address->in.sin_port = htons(config->port);
    *ret_len = sizeof(ret_address->in);
    freeaddrinfo(found);
    return 0;
}

/* A socket that nobody listens on is left from an earlier run; anything else is not ours. */
static int remove_stale(const union address *address, socklen_t len)
{
    const char *path = address->un.sun_path;
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    CLEANUP_CLOSE int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return -errno;
    if (connect(probe, &address->any, len) == 0 || errno != ECONNREFUSED)
        return -EADDRINUSE;
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int listen_on(const struct fcgi_config *config, int fd, char *ret_text, size_t size)
{
    int backlog = config->backlog > 0 ? config->backlog : SOMAXCONN;
    if (listen(fd, backlog) < 0)
        return fail(config, -errno, "", strerror(errno), ret_text, size);
    return 0;
}

/* Owner and mode are set before anybody can connect. */
static int dress(const struct fcgi_config *config, char *ret_text, size_t size)
{
    bool owned = config->owner_uid != (uid_t)-1 || config->owner_gid != (gid_t)-1;
    if (owned && chown(config->path, config->owner_uid, config->owner_gid) < 0)
        return fail(config, -errno, "Could not change ownership of socket file: ", strerror(errno),
                    ret_text, size);
    if (chmod(config->path, config->mode) < 0)
        return fail(config, -errno,
                    "Could not change permissions of socket file: ", strerror(errno), ret_text,
                    size);
    return 0;
}

static int make(const struct fcgi_config *config, const union address *address, socklen_t len,
                int *ret_fd, char *ret_text, size_t size)
{
    log_info("Creating socket %s", config->url);
    bool is_unix = address->any.sa_family == AF_UNIX;
    CLEANUP_CLOSE int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(config, -errno, "", strerror(errno), ret_text, size);

    int error = is_unix ? remove_stale(address, len) : 0;
    if (error)
        return fail(config, error, "", strerror(-error), ret_text, size);
    const int on = 1;
    if (!is_unix && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        return fail(config, -errno, "", strerror(errno), ret_text, size);
    if (bind(fd, &address->any, len) < 0)
        return fail(config, -errno, "", strerror(errno), ret_text, size);

    error = is_unix ? dress(config, ret_text, size) : 0;
    if (!error)
        error = listen_on(config, fd, ret_text, size);
    if (error) {
        if (is_unix)
            (void)unlink(config->path); /* we bound it a moment ago */
        return error;
    }
    *ret_fd = take_fd(&fd);
    return 0;
}

static void shut(const struct fcgi_config *config, int *fd)
{
    log_info("Closing socket %s", config->url);
    (void)close(*fd); /* nothing to flush */
    *fd = -1;
}

int fcgi_socket_test(struct fcgi_socket *s, char *ret_text, size_t size)
{
    int fd;
    int error = fcgi_socket_acquire(s, &fd, ret_text, size);
    if (!error)
        fcgi_socket_release(s);
    return error;
}

int fcgi_socket_acquire(struct fcgi_socket *s, int *ret_fd, char *ret_text, size_t size)
{
    lock_take(&s->lock);
    bool made = s->fd >= 0;
    if (made) {
        s->holders++;
        *ret_fd = s->fd;
    }
    lock_release(&s->lock);
    if (made)
        return 0;

    union address address;
    socklen_t len;
    int error = resolve(s->config, &address, &len, ret_text, size);
    if (error)
        return error;

    lock_take(&s->lock);
    if (s->fd < 0) /* else another process of the group was quicker */
        error = make(s->config, &address, len, &s->fd, ret_text, size);
    if (!error) {
        s->holders++;
        *ret_fd = s->fd;
    }
    lock_release(&s->lock);
    return error;
}

void fcgi_socket_release(struct fcgi_socket *s)
{
    lock_take(&s->lock);
    assert(s->holders > 0);
    if (--s->holders == 0)
        shut(s->config, &s->fd);
    lock_release(&s->lock);
}
