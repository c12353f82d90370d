/* SPDX-License-Identifier: MIT */
/* http.h: the HTTP server: listening sockets, who may ask, and which handler answers.
 *
 * libmicrohttpd in external polling mode, one daemon per listening socket, all on the main
 * thread's loop: no thread of its own, no wake-up while nobody asks. Handlers run on the main
 * thread and never block; one that cannot answer at once defers and answers later.
 *
 * Order of the checks: authentication (401), Host and Origin (403), path (404), method (405), and
 * the length of a body (411, 400, 413); only then is a body read. Source: Supervisor http.py,
 * medusa; RFC 9110, 9112, 7617.
 */
#ifndef SUPERVISOR_RPC_HTTP_H
#define SUPERVISOR_RPC_HTTP_H

#include "supervisor/core/buf.h"
#include "supervisor/core/config.h"
#include "supervisor/core/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct http_request; /* one request until its answer was sent; http.c's */

/* ---- the server ---- */

/* Open all listeners of config and answer from now on. Call it after http_route_add().
 * 0; or a negative errno with *ret_error a text to free(), in the words that follow "Error: "
 * (several servers: the first that failed; the others are closed again). loop and config must
 * outlive http_close(). Blocks only to resolve a host name that is no address. */
int http_open(const struct config *config, struct loop *loop, char **ret_error);

/* Close all listeners and connections (after a fork into the background they all stay valid:
 * nothing to do then), remove the socket files; streams and deferred requests end. http_open() may
 * follow. */
void http_close(void);

/* ---- routes ---- */

enum http_method {
    HTTP_METHOD_GET = 1 << 0,
    HTTP_METHOD_HEAD = 1 << 1, /* never seen by handlers: answered like GET, without the body */
    HTTP_METHOD_POST = 1 << 2,
    HTTP_METHOD_PUT = 1 << 3,
    HTTP_METHOD_DELETE = 1 << 4,
};

struct http_route {
    const char *path;  /* "/ok.html"; ends with '/': everything below it; else exactly this */
    unsigned methods;  /* enum http_method, or'ed; GET brings HEAD along */
    bool needs_length; /* POST without Content-Length is 411, of length 0 is 400 */
    /* Answer (http_reply_*), or http_defer(). If it does neither: 500. Main thread. */
    void (*handle)(struct http_request *request, void *arg);
    void *arg;
};

#define HTTP_ROUTES_MAX 64

/* Add before http_open(); kept for the life of the program. The longest match wins, and exact
 * before "below". route is copied, its path is not. 0 or -ENOSPC. */
int http_route_add(const struct http_route *route);

/* ---- what was asked ---- */

enum http_method http_request_method(const struct http_request *request);

/* Percent-decoded once, without query: "/logtail/web:0". Valid UTF-8, no control characters. */
const char *http_request_path(const struct http_request *request);

/* Header by name, NULL if absent. */
const char *http_request_header(const struct http_request *request, const char *name);

/* Query parameter, decoded, the first of equal names; NULL if absent. */
const char *http_request_query(const struct http_request *request, const char *name);

/* Field of an urlencoded body, whatever its Content-Type, the last of equal names; NULL if absent.
 */
const char *http_request_form(const struct http_request *request, const char *name);

/* The body as it came; "" if none. */
const char *http_request_body(const struct http_request *request, size_t *ret_len);

/* The user's name, NULL where no authentication is asked for. */
const char *http_request_user(const struct http_request *request);

/* "127.0.0.1:4711"; "localhost:0" on a unix socket. */
const char *http_request_peer(const struct http_request *request);

/* "/run/supervisor.sock" or "127.0.0.1:9001": where it came in. */
const char *http_request_listener(const struct http_request *request);

/* NULL if whoever asks may change things; else why not, as a sentence: the listener is read-only,
 * or the user is. */
const char *http_request_refusal(const struct http_request *request);

/* ---- answers: exactly one for each request ---- */

/* A header of the answer to come; copied. Too many are dropped and logged. */
void http_reply_header(struct http_request *request, const char *name, const char *value);

/* Answer with a copy of body. content_type NULL: none. */
void http_reply(struct http_request *request, unsigned status, const char *content_type,
                const void *body, size_t len);

/* The same; the memory of *body is taken over, and *body is empty afterwards. body->error becomes
 * 500. */
void http_reply_buf(struct http_request *request, unsigned status, const char *content_type,
                    struct buf *body);

/* The same without a copy: body must live as long as the program. */
void http_reply_static(struct http_request *request, unsigned status, const char *content_type,
                       const void *body, size_t len);

/* The standard page of an error status, "Error code 404." */
void http_reply_error(struct http_request *request, unsigned status);

/* 303 with a Location, relative or not. */
void http_reply_redirect(struct http_request *request, const char *location);

/* 304. */
void http_reply_not_modified(struct http_request *request);

/* The handler returns without an answer; the connection waits. Answer later with a http_reply_*.
 * gone(arg), if not NULL, is called once on the main thread if the client leaves or the server
 * closes first: afterwards request is invalid and must not be answered. */
void http_defer(struct http_request *request, void (*gone)(void *arg), void *arg);

/* ---- streams: answers without an end ---- */

#define HTTP_STREAM_CHUNK_MAX (64 * 1024) /* bytes asked for at once */
#define HTTP_STREAM_END       (-1)

struct http_stream; /* http.c's */

struct http_stream_ops {
    /* Up to size bytes into data. 0: nothing now, ask again after http_stream_wake();
     * HTTP_STREAM_END: that was all. Main thread, must not block. */
    ssize_t (*read)(void *arg, char *data, size_t size);
    /* The client left, the stream ended or the server closes: free arg. Called exactly once. */
    void (*closed)(void *arg);
};

/* Answer with a stream: status, headers, then what read() gives. ops must live as long as the
 * program. X-Accel-Buffering: no is added. If there are too many streams it answers 503,
 * closed(arg) is called, and NULL is returned. The stream is valid until closed(). */
struct http_stream *http_reply_stream(struct http_request *request, unsigned status,
                                      const char *content_type, const struct http_stream_ops *ops,
                                      void *arg);

/* There is something to read (or the end). Main thread; cheap, may be called too often. */
void http_stream_wake(struct http_stream *stream);

/* ---- numbers ---- */

#define HTTP_LATENCIES 5 /* 1 ms, 10 ms, 100 ms, 1 s, 10 s */

struct http_stats {
    unsigned connections;                     /* open now */
    unsigned streams;                         /* of them */
    uint64_t requests;                        /* since the start */
    uint64_t unauthorized;                    /* of them */
    uint64_t refused;                         /* connections closed to make room */
    uint64_t answers;                         /* given; a stream counts when it begins */
    uint64_t answer_ns;                       /* their time since the request came in, summed */
    uint64_t answered_within[HTTP_LATENCIES]; /* of them, in at most 1 ms, 10 ms, ... */
};
void http_stats(struct http_stats *ret_stats);

#endif
