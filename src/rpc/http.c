/* SPDX-License-Identifier: MIT */
/* http.c: libmicrohttpd on the main thread's loop.
 *
 * MHD keeps each listener's descriptors in an epoll set of its own; that set's descriptor is
 * watched by our loop. MHD_run() is called when it is readable, when MHD has work that no
 * descriptor announces (http_prepare), and when a timeout of its own is due. Nothing polls.
 *
 * A suspended connection (a deferred answer, a quiet stream) is out of MHD's set, so MHD would not
 * see its client leave: meanwhile our loop watches its descriptor for the hang-up alone.
 *
 * Connections beyond the limit push out the one that has been idle the longest, so that whoever
 * only opens connections can never lock out who uses them.
 */
#include "http_auth.h"
#include "http_priv.h"
#include "supervisor/core/clock.h"
#include "supervisor/core/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX_DEFAULT = 256,
    CONNECTIONS_SLACK = 32, /* pushed out but not yet closed */
    BODY_MAX_DEFAULT = 8 * 1024 * 1024,
    TIMEOUT_SECS_DEFAULT = 30, /* without a byte, in the middle of a request or an answer */
    IDLE_SECS = 30 * 60,       /* between requests: an interactive client keeps its connection */
    CONNECTION_MEMORY =
        20 * 1024, /* MHD's pool: request headers of up to 16 KiB, and the answer's */
    RUNS_AT_ONCE = 8,
    REOPEN_SECS = 5, /* between attempts to make a vanished socket file again */
    TLS_FILE_MAX = 1024 * 1024,
};

static struct http_route routes[HTTP_ROUTES_MAX];
static size_t n_routes;

static struct listener *listeners;
static struct loop *http_loop;
static bool prepare_is_registered;
static struct loop_timer mhd_timer;    /* MHD's next timeout */
static struct loop_timer reopen_timer; /* a socket file that could not be made again yet */
static int inotify_fd = -1;            /* of the socket files */
static struct loop_fd *inotify_watch;

struct http_stats http_counters;

void http_stats(struct http_stats *ret_stats)
{
    *ret_stats = http_counters;
}

/* ---- routes ---- */

int http_route_add(const struct http_route *route)
{
    if (n_routes == HTTP_ROUTES_MAX)
        return -ENOSPC;
    routes[n_routes++] = *route;
    return 0;
}

const struct http_route *http_route_find(const char *path)
{
    const struct http_route *best = NULL;
    size_t best_len = 0;

    for (size_t i = 0; i < n_routes; i++) {
        size_t len = strlen(routes[i].path);
        bool is_below = len && routes[i].path[len - 1] == '/';
        if (strcmp(path, routes[i].path) == 0)
            return &routes[i];
        if (is_below && len > best_len && strncmp(path, routes[i].path, len) == 0) {
            best = &routes[i];
            best_len = len;
        }
    }
    return best;
}

/* ---- connections ---- */

static void connection_unlink(struct connection *c)
{
    struct listener *l = c->listener;

    *(c->prev ? &c->prev->next : &l->first) = c->next;
    *(c->next ? &c->next->prev : &l->last) = c->prev;
    c->prev = c->next = NULL;
}

/* As the most recently used. */
static void connection_append(struct connection *c)
{
    struct listener *l = c->listener;

    c->prev = l->last;
    c->next = NULL;
    *(l->last ? &l->last->next : &l->first) = c;
    l->last = c;
}

/* MHD closes a connection whose socket was shut down; nothing else makes it. */
static void evict_idlest(struct listener *l)
{
    for (struct connection *c = l->first; c; c = c->next) {
        if (c->request || c->is_evicted)
            continue;
        c->is_evicted = true;
        http_counters.refused++;
        (void)shutdown(c->fd, SHUT_RDWR); /* fails only if the peer was first */
        return;
    }
}

static void describe_peer(const struct listener *l, const struct sockaddr *address, int fd,
                          char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";
    unsigned port = 0;

    if (l->config->kind == SERVER_UNIX) {
        struct ucred who = { 0 };
        socklen_t len = sizeof(who);
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0)
            (void)snprintf(text, size, "localhost:0 (uid %u, pid %d)", (unsigned)who.uid,
                           (int)who.pid);
        else
            (void)snprintf(text, size, "localhost:0");
        return;
    }
    if (address && address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        (void)inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host));
        port = ntohs(in.sin_port);
    } else if (address && address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof(in));
        (void)inet_ntop(AF_INET6, &in.sin6_addr, host, sizeof(host));
        port = ntohs(in.sin6_port);
    }
    (void)snprintf(text, size, "%s:%u", host, port);
}

static struct connection *connection_new(struct listener *l, struct MHD_Connection *mhd)
{
    struct connection *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    c->listener = l;
    c->mhd = mhd;
    c->fd = info ? info->connect_fd : -1;
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    describe_peer(l, info ? info->client_addr : NULL, c->fd, c->peer, sizeof(c->peer));
    connection_append(c);
    l->n_connections++;
    http_counters.connections++;
    if (l->n_connections > l->max_connections)
        evict_idlest(l);
    return c;
}

static void connection_free(struct connection *c)
{
    struct listener *l = c->listener;

    if (c->hangup)
        loop_unwatch(l->loop, c->hangup);
    connection_unlink(c);
    l->n_connections--;
    http_counters.connections--;
    free(c);
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = connection_new(arg, mhd);
    } else if (*socket_context) {
        connection_free(*socket_context);
        *socket_context = NULL;
    }
}

static struct connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void set_timeout(struct connection *c, unsigned secs)
{
    (void)MHD_set_connection_option(c->mhd, MHD_CONNECTION_OPTION_TIMEOUT, secs);
}

/* ---- waiting: suspended connections ---- */

static void on_hangup(uint32_t events, void *arg)
{
    struct connection *c = arg;
    struct http_request *request = c->request;

    (void)events;
    if (request && request->stream && request->stream->is_suspended) {
        request->stream->is_gone = true;
        http_stream_wake(request->stream);
    } else if (request && request->is_deferred) {
        request->is_deferred = false;
        request->is_gone = true;
        if (request->gone)
            request->gone(request->gone_arg);
        http_connection_resume(c);
    }
}

void http_connection_suspend(struct connection *c)
{
    MHD_suspend_connection(c->mhd);
    /* without this watch a client that leaves is noticed at the next write only: no reason to fail
     */
    if (loop_watch(c->listener->loop, c->fd, EPOLLRDHUP, on_hangup, c, &c->hangup) < 0)
        c->hangup = NULL;
}

void http_connection_resume(struct connection *c)
{
    if (c->hangup)
        loop_unwatch(c->listener->loop, c->hangup);
    c->hangup = NULL;
    c->listener->has_resumed = true;
    MHD_resume_connection(c->mhd);
}

void http_defer(struct http_request *request, void (*gone)(void *arg), void *arg)
{
    request->is_deferred = true;
    request->gone = gone;
    request->gone_arg = arg;
    http_connection_suspend(request->connection);
}

void http_request_answered(struct http_request *request)
{
    if (!request->is_deferred)
        return; /* the handler is still running: queued when it returns */
    request->is_deferred = false;
    request->gone = NULL;
    http_connection_resume(request->connection);
}

/* ---- requests ---- */

static enum MHD_Result queue_answer(struct http_request *request)
{
    struct MHD_Response *response = request->response;

    if (!response)
        return MHD_NO;
    request->response = NULL;
    enum MHD_Result r = MHD_queue_response(request->connection->mhd, request->status, response);
    MHD_destroy_response(response);
    return r;
}

static enum MHD_Result refuse(struct http_request *request)
{
    request->is_dispatched = true;
    if (request->refusal == MHD_HTTP_UNAUTHORIZED || request->refusal == MHD_HTTP_CONTENT_TOO_LARGE)
        http_reply_and_close(request);
    http_reply_error(request, request->refusal);
    return queue_answer(request);
}

/* The headers are there. A refusal waits for a small body to arrive, so that the client reads the
 * answer before it meets a closed connection; a large one is not worth reading. */
static enum MHD_Result start_request(struct http_request *request, const char *method)
{
    struct connection *c = request->connection;

    request->is_started = true;
    c->request = request;
    set_timeout(c, c->listener->timeout_secs);
    http_counters.requests++;
    http_request_examine(request, method);
    const char *length = http_request_header(request, "Content-Length");
    if (request->refusal && length && strtoull(length, NULL, 10) > HTTP_SMALL_BODY) {
        http_reply_and_close(request);
        return refuse(request);
    }
    return MHD_YES;
}

/* Bytes of the body. One that takes longer than a whole timeout per megabyte is given up. */
static enum MHD_Result take_body(struct http_request *request, const char *data, size_t *len)
{
    uint64_t allowed_secs =
        (1 + request->body.len / (1024 * 1024)) * request->connection->listener->timeout_secs;

    if (clock_now_ns() - request->started_ns > allowed_secs * NS_PER_SEC)
        return MHD_NO;
    if (!request->refusal) {
        buf_append(&request->body, data, *len);
        if (request->body.error)
            request->refusal = MHD_HTTP_CONTENT_TOO_LARGE;
    }
    *len = 0;
    return MHD_YES;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **context)
{
    struct http_request *request = *context;

    (void)arg, (void)mhd, (void)url, (void)version;
    if (!request || request->is_gone)
        return MHD_NO;
    if (!request->is_started)
        return start_request(request, method);
    if (*len)
        return take_body(request, data, len);
    if (!request->is_dispatched) {
        if (request->refusal)
            return refuse(request);
        request->is_dispatched = true;
        request->route->handle(request, request->route->arg);
        if (request->is_deferred)
            return MHD_YES;
        if (!request->response)
            http_reply_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR);
    } else if (request->is_deferred) {
        return MHD_YES;
    }
    return queue_answer(request);
}

/* MHD asks for a request's context as soon as its first line is there. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *mhd)
{
    struct connection *c = connection_of(mhd);

    (void)arg;
    return c ? http_request_new(c, target) : NULL;
}

static void log_access(const struct http_request *request)
{
    char when[64];
    time_t now = time(NULL);
    struct tm tm;

    if (!log_wants(LOG_LEVEL_TRAC) || !request->is_started || !localtime_r(&now, &tm) ||
        !strftime(when, sizeof(when), "%d/%b/%Y:%H:%M:%S %z", &tm))
        return;
    log_trac("%s - - [%s] \"%s %s HTTP/1.1\" %u %llu", request->connection->peer, when,
             request->method_text ? request->method_text : "?", request->target, request->status,
             (unsigned long long)request->reply_len);
}

static void on_completed(void *arg, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct http_request *request = *context;

    (void)arg, (void)mhd;
    *context = NULL;
    if (!request)
        return;
    struct connection *c = request->connection;
    if (request->is_deferred && request->gone)
        request->gone(request->gone_arg);
    if (request->stream)
        request->stream->request = NULL;
    log_access(request);
    if (c->request == request)
        c->request = NULL;
    connection_unlink(c);
    connection_append(c);
    if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        set_timeout(c, IDLE_SECS);
    http_request_free(request);
}

/* ---- MHD in the loop ---- */

static void http_run(struct listener *l)
{
    l->has_resumed = false;
    if (MHD_run(l->daemon) != MHD_YES)
        log_debg("HTTP server '%s' could not run", l->name);
}

static void on_readable(uint32_t events, void *arg)
{
    (void)events;
    http_run(arg);
}

static void listener_free(struct listener *l);

/* Before each wait of the loop: let MHD do what no descriptor tells of, and learn when it wants to
 * be called again. */
static void http_prepare(void *arg)
{
    uint64_t next_ns = NS_NEVER;
    uint64_t now_ns = 0;

    (void)arg;
    for (struct listener **at = &listeners; *at;) {
        struct listener *l = *at;
        MHD_UNSIGNED_LONG_LONG wait_ms = 0;
        if (l->has_resumed)
            http_run(l);
        enum MHD_Result has_timeout = MHD_get_timeout(l->daemon, &wait_ms);
        for (int i = 0; i < RUNS_AT_ONCE && has_timeout == MHD_YES && wait_ms == 0; i++) {
            http_run(l);
            has_timeout = MHD_get_timeout(l->daemon, &wait_ms);
        }
        if (l->is_retired && l->n_connections == 0) {
            *at = l->next;
            listener_free(l);
            continue;
        }
        if (has_timeout == MHD_YES) {
            now_ns = now_ns ? now_ns : clock_now_ns();
            uint64_t due_ns = now_ns + wait_ms * NS_PER_MS;
            next_ns = due_ns < next_ns ? due_ns : next_ns;
        }
        at = &l->next;
    }
    if (next_ns == NS_NEVER)
        loop_timer_cancel(http_loop, &mhd_timer);
    else if (loop_timer_set(http_loop, &mhd_timer, next_ns) < 0)
        log_debg("HTTP timeouts are late: out of memory");
}

/* The timer is there to make the loop pass; http_prepare() does the work. */
static void on_mhd_timer(void *arg)
{
    (void)arg;
}

__attribute__((format(printf, 2, 0))) static void on_mhd_log(void *arg, const char *format,
                                                             va_list ap)
{
    char line[512];

    (void)arg;
    int n = vsnprintf(line, sizeof(line), format, ap);
    if (n > 0)
        log_debg("HTTP: %.*s", (int)strcspn(line, "\n"), line);
}

/* ---- listeners ---- */

/* The whole of a TLS file, to free. */
static char *read_tls_file(const char *path, char **ret_error)
{
    struct buf text = BUF_LIMITED(TLS_FILE_MAX);
    char piece[4096];
    ssize_t n = -1;

    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) {
        while ((n = read(fd, piece, sizeof(piece))) > 0)
            buf_append(&text, piece, (size_t)n);
        (void)close(fd); /* only read */
    }
    if (n == 0 && !text.error)
        return text.data ? text.data : strdup("");
    if (asprintf(ret_error, "Cannot open an HTTP server: %s: %s", path,
                 text.error ? strerror(-text.error) : strerror(errno)) < 0)
        *ret_error = NULL;
    buf_free(&text);
    return NULL;
}

/* Hand fd over to a new MHD daemon. */
static int start_mhd(struct listener *l, int fd, char *key, char *certificate)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[] = {
        { MHD_OPTION_HTTPS_MEM_KEY, 0, key },
        { MHD_OPTION_HTTPS_MEM_CERT, 0, certificate },
        { MHD_OPTION_END, 0, NULL },
    };
    if (certificate)
        flags |= MHD_USE_TLS;
    else
        tls[0] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };

    l->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, on_request, l,          /* */
                         MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, NULL, /* first, for the rest */
                         MHD_OPTION_LISTEN_SOCKET, fd,                 /* */
                         MHD_OPTION_CONNECTION_LIMIT, l->max_connections + CONNECTIONS_SLACK, /* */
                         MHD_OPTION_CONNECTION_TIMEOUT, l->timeout_secs,                      /* */
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,       /* */
                         MHD_OPTION_NOTIFY_CONNECTION, on_connection, l,                      /* */
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, l,                        /* */
                         MHD_OPTION_URI_LOG_CALLBACK, on_target, l,                           /* */
                         MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (!l->daemon)
        return -EIO;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info)
        return -EIO;
    return loop_watch(l->loop, info->epoll_fd, EPOLLIN, on_readable, l, &l->watch);
}

static char *listener_name(const struct server_config *server)
{
    char *name;

    if (server->kind == SERVER_UNIX)
        return strdup(server->path);
    const char *host = server->host && *server->host ? server->host : "0.0.0.0";
    if (asprintf(&name, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, server->port) < 0)
        return NULL;
    return name;
}

/* Watch the socket's inode, not its directory: neighbours' files must not wake us. Losing the name
 * changes the link count, which is an attribute. */
static void watch_socket_file(const struct listener *l)
{
    if (inotify_fd >= 0 && l->config->kind == SERVER_UNIX &&
        inotify_add_watch(inotify_fd, l->config->path, IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF) <
            0)
        log_debg("cannot watch %s: %s", l->config->path, strerror(errno));
}

/* Make MHD serve fd, which is taken over in any case. */
static int listener_start(struct listener *l, int fd, char **ret_error)
{
    char *key = NULL, *certificate = NULL;
    int r = 0;

    l->is_local = http_listen_is_local(fd);
    l->is_open = http_auth_is_open(l->config);
    l->name = listener_name(l->config);
    if (!l->name)
        r = -ENOMEM;
    if (r == 0 && l->config->certfile) {
        certificate = read_tls_file(l->config->certfile, ret_error);
        key = certificate
                  ? read_tls_file(l->config->keyfile ? l->config->keyfile : l->config->certfile,
                                  ret_error)
                  : NULL;
        r = key ? 0 : -EIO;
    }
    if (r == 0)
        r = start_mhd(l, fd, key, certificate);
    if (!l->daemon)
        (void)close(fd); /* MHD closes what it was started with */
    free(key);
    free(certificate);
    if (r == 0 && l->config->kind == SERVER_UNIX)
        r = http_socket_identify(l->config->path, &l->identity);
    return r;
}

static int listener_open(const struct server_config *server, struct loop *loop, char **ret_error)
{
    struct listener *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->config = server;
    l->loop = loop;
    l->max_connections = server->max_connections > 0 && server->max_connections < 1 << 20
                             ? (unsigned)server->max_connections
                             : CONNECTIONS_MAX_DEFAULT;
    l->max_body = server->max_body_bytes > 0 ? (size_t)server->max_body_bytes : BODY_MAX_DEFAULT;
    l->timeout_secs = server->timeout > 0 && server->timeout < 1 << 20 ? (unsigned)server->timeout
                                                                       : TIMEOUT_SECS_DEFAULT;
    int fd = http_listen(server, ret_error);
    int r = fd < 0 ? fd : listener_start(l, fd, ret_error);
    if (r < 0) {
        listener_free(l);
        return r;
    }
    struct listener **end = &listeners;
    while (*end)
        end = &(*end)->next;
    *end = l;
    watch_socket_file(l);
    return 0;
}

/* MHD may not be stopped with suspended connections. Streams are given the chance to end properly.
 */
static void listener_free(struct listener *l)
{
    l->is_closing = true;
    for (struct connection *c = l->first; c; c = c->next) {
        struct http_request *request = c->request;
        if (request && request->stream) {
            http_stream_wake(request->stream);
        } else if (request && request->is_deferred) {
            request->is_deferred = false;
            request->is_gone = true;
            if (request->gone)
                request->gone(request->gone_arg);
            http_connection_resume(c);
        }
    }
    if (l->watch)
        loop_unwatch(l->loop, l->watch);
    if (l->daemon) {
        /* last answers ("shutdown": true) and the ends of streams */
        for (int i = 0; i < RUNS_AT_ONCE && l->n_connections; i++)
            http_run(l);
        MHD_stop_daemon(l->daemon);
    }
    free(l->name);
    free(l);
}

/* ---- socket files that vanish ---- */

/* The old socket lost its name: nobody can reach it. It serves the connections it has, a new one
 * takes its place. false: try again later. */
static bool replace_listener(struct listener *l)
{
    char *error = NULL;

    if (listener_open(l->config, l->loop, &error) < 0) {
        log_warn("unix socket %s vanished and cannot be made again: %s", l->config->path,
                 error ? error : "out of memory");
        free(error);
        return false;
    }
    log_warn("unix socket %s vanished, made it again", l->config->path);
    l->is_retired = true;
    return true;
}

static void check_socket_files(void *arg)
{
    bool all_well = true;

    (void)arg;
    for (struct listener *l = listeners; l; l = l->next) {
        struct socket_identity now;
        struct stat st;
        if (l->config->kind != SERVER_UNIX || l->is_retired)
            continue;
        if (http_socket_identify(l->config->path, &now) == 0 && now.ino == l->identity.ino &&
            now.dev == l->identity.dev)
            continue;
        if (lstat(l->config->path, &st) == 0)
            continue; /* somebody else's by now: not ours to fight over */
        all_well &= replace_listener(l);
    }
    if (!all_well)
        (void)loop_timer_set(http_loop, &reopen_timer, clock_now_ns() + REOPEN_SECS * NS_PER_SEC);
}

static void on_inotify(uint32_t events, void *arg)
{
    _Alignas(struct inotify_event) char text[4096];

    (void)events, (void)arg;
    while (read(inotify_fd, text, sizeof(text)) > 0)
        ; /* what happened to which does not matter: all are looked at */
    check_socket_files(NULL);
}

/* Without inotify the sockets are simply not watched. */
static void open_inotify(void)
{
    inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (inotify_fd < 0 ||
        loop_watch(http_loop, inotify_fd, EPOLLIN, on_inotify, NULL, &inotify_watch) < 0)
        log_debg("socket files are not watched: %s", strerror(errno));
}

/* ---- the server ---- */

static void log_opened(const struct config *config, const struct server_config *server)
{
    for (size_t i = 0; i < config->n_rpcinterfaces; i++)
        log_info("RPC interface '%s' initialized", config->rpcinterfaces[i].name);
    if (http_auth_is_open(server))
        log_crit("Server '%s' running without any HTTP authentication checking", server->section);
}

int http_open(const struct config *config, struct loop *loop, char **ret_error)
{
    int r = 0;

    *ret_error = NULL;
    http_loop = loop;
    loop_timer_init(&mhd_timer, on_mhd_timer, NULL);
    loop_timer_init(&reopen_timer, check_socket_files, NULL);
    open_inotify();
    for (size_t i = 0; i < config->n_servers && r == 0; i++) {
        r = listener_open(&config->servers[i], loop, ret_error);
        if (r == 0)
            log_opened(config, &config->servers[i]);
    }
    if (r == 0 && !prepare_is_registered) {
        r = loop_on_prepare(loop, http_prepare, NULL);
        prepare_is_registered = r == 0;
    }
    if (r < 0) {
        if (!*ret_error && asprintf(ret_error, "Cannot open an HTTP server: %s", strerror(-r)) < 0)
            *ret_error = NULL;
        http_close();
    }
    return r;
}

void http_close(void)
{
    while (listeners) {
        struct listener *l = listeners;
        listeners = l->next;
        if (l->config->kind == SERVER_UNIX && !l->is_retired)
            http_socket_remove(l->config->path, &l->identity);
        listener_free(l);
    }
    if (inotify_watch)
        loop_unwatch(http_loop, inotify_watch);
    inotify_watch = NULL;
    if (inotify_fd >= 0)
        (void)close(inotify_fd); /* nothing was written to it */
    inotify_fd = -1;
    if (http_loop) {
        loop_timer_cancel(http_loop, &mhd_timer);
        loop_timer_cancel(http_loop, &reopen_timer);
    }
}
