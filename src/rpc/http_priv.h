/* SPDX-License-Identifier: MIT */
/* http_priv.h: what the files of the HTTP server share: listeners, connections, requests.
 *
 * Everything here belongs to the main thread.
 */
#ifndef SUPERVISOR_RPC_HTTP_PRIV_H
#define SUPERVISOR_RPC_HTTP_PRIV_H

#include "http_listen.h"
#include "supervisor/rpc/http.h"

#include <microhttpd.h>

enum {
    HTTP_REPLY_HEADERS_MAX = 8,
    HTTP_SMALL_BODY = 64 * 1024, /* bytes read and dropped before an early refusal */
};

struct listener {
    const struct server_config *config;
    struct loop *loop;
    struct MHD_Daemon *daemon;
    struct loop_fd *watch; /* of MHD's epoll descriptor */
    char *name;            /* "127.0.0.1:9001" or the socket's path */
    bool is_local;         /* reachable from this host only */
    bool is_open;          /* asks nobody for a password */
    bool is_closing;
    bool has_resumed; /* MHD has a resumed connection that no descriptor or timeout tells of */
    bool is_retired;                 /* its socket file vanished; kept for the connections it has */
    struct socket_identity identity; /* unix */
    unsigned max_connections;
    size_t max_body;
    unsigned timeout_secs;
    struct connection *first, *last; /* least recently used first */
    unsigned n_connections;
    unsigned n_streams;
    struct listener *next;
};

struct connection {
    struct listener *listener;
    struct MHD_Connection *mhd;
    int fd;
    char peer[80];
    struct connection *prev, *next;
    struct http_request *request; /* with whole headers, under way; NULL: idle */
    struct loop_fd *hangup;       /* watched while suspended, when MHD does not look */
    bool is_evicted;
};

struct http_stream {
    struct http_request *request; /* NULL once the connection has let go of it */
    const struct http_stream_ops *ops;
    void *arg;
    bool is_suspended;
    bool is_gone; /* the client left */
    struct listener *listener;
};

struct reply_header {
    char *name, *value;
};

struct http_request {
    struct connection *connection;
    char *target; /* as received */
    char *path;
    char *method_text;
    enum http_method method;
    const struct http_route *route;
    const char *user; /* the listener's config's */
    enum server_role role;
    struct buf body;
    uint64_t started_ns;
    bool is_started;    /* headers were looked at */
    unsigned refusal;   /* status decided before the body was read; 0 none */
    bool is_dispatched; /* the handler ran */
    bool is_deferred;   /* suspended until an answer comes */
    bool is_gone;       /* the client left while deferred */
    void (*gone)(void *arg);
    void *gone_arg;
    char **fields; /* values handed out by http_request_query() and _form(); freed at the end */
    size_t n_fields;
    struct reply_header headers[HTTP_REPLY_HEADERS_MAX];
    unsigned n_headers;
    struct MHD_Response *response; /* to be queued */
    struct http_stream *stream;
    unsigned status;
    bool close_after;
    uint64_t reply_len;
};

/* ---- http_request.c ---- */

/* A request whose target has arrived. NULL when out of memory. */
struct http_request *http_request_new(struct connection *connection, const char *target);
void http_request_free(struct http_request *request); /* accepts NULL */

/* Look at method and headers: sets route, user, role and refusal. */
void http_request_examine(struct http_request *request, const char *method);

/* ---- http_reply.c ---- */

/* Close the connection after this answer. */
void http_reply_and_close(struct http_request *request);

/* ---- http.c ---- */

/* The answer is there: queue it when MHD next asks. */
void http_request_answered(struct http_request *request);

void http_connection_suspend(struct connection *connection);
void http_connection_resume(struct connection *connection);

const struct http_route *http_route_find(const char *path);

extern struct http_stats http_counters;

#endif
