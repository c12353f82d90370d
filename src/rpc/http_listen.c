/* SPDX-License-Identifier: MIT */
/* http_listen.c: listening sockets, made so that nobody else's are taken.
 *
 * Source: Supervisor http.py, supervisor_af_unix_http_server; options.py, openhttpservers(). Unlike
 * there, only sockets are ever unlinked, and a peer is probed by connecting alone.
 */
#include "http_listen.h"

#include "supervisor/core/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024, TAKE_OVER_TRIES = 3 };

static const char busy_text[] =
    "Another program is already listening on a port that one of our HTTP servers is configured to "
    "use.  Shut this program down first before starting supervisord.";

/* The names of errors, as scripts know them from the reference; musl cannot tell them. */
static const struct {
    int number;
    const char *name;
} error_names[] = {
#define X(name)                                                                                    \
    {                                                                                              \
        name, #name                                                                                \
    }
    X(EACCES),  X(EADDRINUSE), X(EADDRNOTAVAIL),   X(EAFNOSUPPORT), X(EEXIST), X(EINVAL),
    X(EIO),     X(EISDIR),     X(ELOOP),           X(EMFILE),       X(EMLINK), X(ENAMETOOLONG),
    X(ENFILE),  X(ENOBUFS),    X(ENOENT),          X(ENOMEM),       X(ENOSPC), X(ENOTDIR),
    X(ENOTSUP), X(EPERM),      X(EPROTONOSUPPORT), X(EROFS),        X(EXDEV),
#undef X
};

/* "socket.error reported errno.EACCES (13)" */
static int fail_errno(int error, char **ret_error)
{
    const char *name = NULL;

    *ret_error = NULL;
    if (error == EADDRINUSE) {
        *ret_error = strdup(busy_text);
        return -error;
    }
    for (size_t i = 0; i < sizeof(error_names) / sizeof(error_names[0]); i++)
        if (error_names[i].number == error)
            name = error_names[i].name;
    int n =
        name
            ? asprintf(ret_error, "Cannot open an HTTP server: socket.error reported errno.%s (%d)",
                       name, error)
            : asprintf(ret_error, "Cannot open an HTTP server: socket.error reported %d", error);
    if (n < 0)
        *ret_error = NULL;
    return -error;
}

static int fail_text(int error, char **ret_error, const char *text)
{
    if (asprintf(ret_error, "Cannot open an HTTP server: socket.error reported %s", text) < 0)
        *ret_error = NULL;
    return -error;
}

/* ---- inet ---- */

/* host -> address. No name service is asked unless host is a name. */
static int resolve(const char *host, uint16_t port, struct addrinfo **ret_list)
{
    struct addrinfo hints = { .ai_family = AF_INET,
                              .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_NUMERICSERV | AI_PASSIVE };
    char service[8];
    bool any = !host || !*host || strcmp(host, "*") == 0;

    (void)snprintf(service, sizeof(service), "%u", port);
    if (any)
        return getaddrinfo(NULL, service, &hints, ret_list);
    if (strchr(host, ':')) {
        hints.ai_family = AF_INET6;
        hints.ai_flags |= AI_NUMERICHOST;
    }
    int r = getaddrinfo(host, service, &hints, ret_list);
    if (r == 0 || hints.ai_family == AF_INET6)
        return r;
    hints.ai_family = AF_INET6; /* a name with IPv6 addresses alone */
    int r6 = getaddrinfo(host, service, &hints, ret_list);
    return r6 == 0 ? 0 : r;
}

static int listen_inet(const struct server_config *server, char **ret_error)
{
    struct addrinfo *list = NULL;
    int r = resolve(server->host, server->port, &list);
    if (r != 0) {
        char number[16];
        (void)snprintf(number, sizeof(number), "%d", r);
        return fail_text(EADDRNOTAVAIL, ret_error, number);
    }
    const int on = 1;
    CLEANUP_CLOSE int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, list->ai_addr, list->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
        int error = errno;
        freeaddrinfo(list);
        return fail_errno(error, ret_error);
    }
    freeaddrinfo(list);
    return take_fd(&fd);
}

bool http_listen_is_local(int fd)
{
    struct sockaddr_storage storage = { 0 };
    socklen_t len = sizeof(storage);

    if (getsockname(fd, (struct sockaddr *)&storage, &len) < 0)
        return false;
    if (storage.ss_family == AF_UNIX)
        return true;
    if (storage.ss_family == AF_INET) {
        struct sockaddr_in address;
        memcpy(&address, &storage, sizeof(address));
        return (ntohl(address.sin_addr.s_addr) >> 24) == 127;
    }
    if (storage.ss_family == AF_INET6) {
        struct sockaddr_in6 address;
        memcpy(&address, &storage, sizeof(address));
        return IN6_IS_ADDR_LOOPBACK(&address.sin6_addr);
    }
    return false;
}

/* ---- unix ---- */

enum occupant { OCCUPANT_NONE, OCCUPANT_STALE, OCCUPANT_ALIVE, OCCUPANT_OTHER };

/* What stands at path? A socket whose backlog is full has a server behind it. */
static enum occupant probe(const char *path, const struct sockaddr_un *address)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? OCCUPANT_NONE : OCCUPANT_OTHER;
    if (!S_ISSOCK(st.st_mode))
        return OCCUPANT_OTHER;
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return OCCUPANT_ALIVE; /* cannot tell: leave it alone */
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
        return OCCUPANT_ALIVE;
    return errno == ECONNREFUSED ? OCCUPANT_STALE
           : errno == ENOENT     ? OCCUPANT_NONE
                                 : OCCUPANT_ALIVE;
}

static int fill_address(const char *path, struct sockaddr_un *ret_address)
{
    size_t len = strlen(path);
    *ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (len >= sizeof(ret_address->sun_path))
        return -ENAMETOOLONG;
    memcpy(ret_address->sun_path, path, len + 1);
    return 0;
}

/* A listening socket at temporary, not yet at its name: no client can meet it half-made. */
static int listen_temporary(const struct server_config *server, const struct sockaddr_un *temporary,
                            char **ret_error)
{
    struct stat st;
    if (lstat(temporary->sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
        (void)unlink(temporary->sun_path); /* of a process that had our pid; bind() will tell */

    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)temporary, sizeof(*temporary)) < 0)
        return fail_errno(errno, ret_error);
    if (chmod(temporary->sun_path, server->mode) < 0 || listen(fd, BACKLOG) < 0) {
        int error = errno;
        (void)unlink(temporary->sun_path);
        return fail_errno(error, ret_error);
    }
    return take_fd(&fd);
}

/* Give the socket at temporary its name. 0 or -errno; -EADDRINUSE if somebody answers there. */
static int publish(const struct sockaddr_un *temporary, const struct sockaddr_un *address,
                   char **ret_error)
{
    const char *path = address->sun_path;

    for (int i = 0; i < TAKE_OVER_TRIES; i++) {
        if (link(temporary->sun_path, path) == 0)
            return 0;
        if (errno != EEXIST)
            return fail_errno(errno, ret_error);
        switch (probe(path, address)) {
        case OCCUPANT_NONE:
            break;
        case OCCUPANT_ALIVE:
            return fail_errno(EADDRINUSE, ret_error);
        case OCCUPANT_OTHER:
            if (asprintf(ret_error, "%s exists and is not a socket", path) < 0)
                *ret_error = NULL;
            return -EEXIST;
        case OCCUPANT_STALE:
            (void)fprintf(stderr, "Unlinking stale socket %s\n", path);
            if (unlink(path) < 0 && errno != ENOENT)
                return fail_errno(errno, ret_error);
            break;
        }
    }
    return fail_errno(EADDRINUSE, ret_error);
}

static int fail_chown(const struct server_config *server, int error, char **ret_error)
{
    char entry_text[4096];
    struct passwd entry, *found = NULL;

    if (error != EPERM)
        return fail_errno(error, ret_error);
    int r = getpwuid_r(geteuid(), &entry, entry_text, sizeof(entry_text), &found);
    if (asprintf(ret_error,
                 "Not permitted to chown %s to uid/gid (%ld, %ld); adjust \"sockchown\" value in "
                 "config file or on command line to values that the current user (%s) can "
                 "successfully chown",
                 server->path, (long)(int)server->owner_uid, (long)(int)server->owner_gid,
                 r == 0 && found ? found->pw_name : "?") < 0)
        *ret_error = NULL;
    return -error;
}

static int listen_unix(const struct server_config *server, char **ret_error)
{
    struct sockaddr_un address, temporary;
    char temporary_path[sizeof(address.sun_path) + 32];

    int n =
        snprintf(temporary_path, sizeof(temporary_path), "%s.%ld", server->path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof(temporary_path) || fill_address(server->path, &address) < 0 ||
        fill_address(temporary_path, &temporary) < 0)
        return fail_text(ENAMETOOLONG, ret_error, "AF_UNIX path too long");

    CLEANUP_CLOSE int fd = listen_temporary(server, &temporary, ret_error);
    if (fd < 0)
        return fd;
    int r = 0;
    bool keep_owner = server->owner_uid == (uid_t)-1 && server->owner_gid == (gid_t)-1;
    if (!keep_owner && chown(temporary_path, server->owner_uid, server->owner_gid) < 0)
        r = fail_chown(server, errno, ret_error);
    if (r == 0)
        r = publish(&temporary, &address, ret_error);
    (void)unlink(temporary_path); /* its second name, or the only one of a socket we give up */
    return r < 0 ? r : take_fd(&fd);
}

int http_listen(const struct server_config *server, char **ret_error)
{
    *ret_error = NULL;
    return server->kind == SERVER_UNIX ? listen_unix(server, ret_error)
                                       : listen_inet(server, ret_error);
}

int http_socket_identify(const char *path, struct socket_identity *ret_identity)
{
    struct stat st;
    if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return -ENOENT;
    *ret_identity = (struct socket_identity){ .dev = st.st_dev, .ino = st.st_ino };
    return 0;
}

void http_socket_remove(const char *path, const struct socket_identity *identity)
{
    struct socket_identity now;
    if (http_socket_identify(path, &now) == 0 && now.dev == identity->dev &&
        now.ino == identity->ino)
        (void)unlink(path); /* gone or not ours to remove: nothing to save */
}
