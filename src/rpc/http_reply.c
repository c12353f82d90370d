/* SPDX-License-Identifier: MIT */
/* http_reply.c: answers: whole, errors, and streams without an end. */
#include "http_priv.h"
#include "supervisor/core/clock.h"
#include "supervisor/core/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void http_reply_header(struct http_request *request, const char *name, const char *value)
{
    if (request->n_headers == HTTP_REPLY_HEADERS_MAX) {
        log_erro("too many headers for the answer to %s", request->target);
        return;
    }
    struct reply_header *header = &request->headers[request->n_headers];
    header->name = strdup(name);
    header->value = strdup(value);
    if (header->name && header->value) {
        request->n_headers++;
        return;
    }
    free(header->name);
    free(header->value);
    *header = (struct reply_header){ NULL, NULL };
}

void http_reply_and_close(struct http_request *request)
{
    request->close_after = true;
}

/* MHD refuses header values with line breaks in them, so a header can be lost here but not forged.
 */
static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (MHD_add_response_header(response, name, value) != MHD_YES)
        log_debg("HTTP header %s could not be set", name);
}

static void count_answer(const struct http_request *request)
{
    uint64_t took_ns = clock_now_ns() - request->started_ns;
    uint64_t limit_ns = NS_PER_MS;

    http_counters.answers++;
    http_counters.answer_ns += took_ns;
    for (size_t i = 0; i < HTTP_LATENCIES; i++, limit_ns *= 10)
        if (took_ns <= limit_ns)
            http_counters.answered_within[i]++;
}

/* response is the answer: complete it and let the connection have it. NULL: no memory for it, so
 * the connection is closed without one. */
static void reply_with(struct http_request *request, unsigned status, const char *content_type,
                       struct MHD_Response *response)
{
    request->status = status;
    request->response = response;
    count_answer(request);
    if (response) {
        add_header(response, "Server", "supervisord");
        for (unsigned i = 0; i < request->n_headers; i++)
            add_header(response, request->headers[i].name, request->headers[i].value);
        if (content_type)
            add_header(response, "Content-Type", content_type);
        if (request->close_after)
            add_header(response, "Connection", "close");
    }
    http_request_answered(request);
}

void http_reply(struct http_request *request, unsigned status, const char *content_type,
                const void *body, size_t len)
{
    request->reply_len = len;
    reply_with(
        request, status, content_type,
        MHD_create_response_from_buffer(len, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY));
}

void http_reply_static(struct http_request *request, unsigned status, const char *content_type,
                       const void *body, size_t len)
{
    request->reply_len = len;
    reply_with(
        request, status, content_type,
        MHD_create_response_from_buffer(len, (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT));
}

void http_reply_buf(struct http_request *request, unsigned status, const char *content_type,
                    struct buf *body)
{
    if (body->error) {
        log_erro("answer to %s from %s is lost: %s", request->target, request->connection->peer,
                 strerror(-body->error));
        buf_free(body);
        http_reply_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }
    request->reply_len = body->len;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_FREE);
    if (!response)
        free(body->data);
    *body = (struct buf){ .limit = body->limit };
    reply_with(request, status, content_type, response);
}

/* "GET, HEAD, POST" */
static void add_allow(struct http_request *request)
{
    unsigned methods = request->route ? request->route->methods : 0;
    char text[64];

    (void)snprintf(text, sizeof(text), "%s%s%s%s", methods & HTTP_METHOD_GET ? ", GET, HEAD" : "",
                   methods & HTTP_METHOD_POST ? ", POST" : "",
                   methods & HTTP_METHOD_PUT ? ", PUT" : "",
                   methods & HTTP_METHOD_DELETE ? ", DELETE" : "");
    http_reply_header(request, "Allow", *text ? text + 2 : "");
}

void http_reply_error(struct http_request *request, unsigned status)
{
    char page[512];
    const char *reason = MHD_get_reason_phrase_for(status);
    int n = snprintf(page, sizeof(page),
                     "<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n"
                     "<h1>Error response</h1>\r\n<p>Error code %u.\r\n<p>Message: %s.\r\n</body>"
                     "\r\n",
                     status, reason);
    if (status == MHD_HTTP_UNAUTHORIZED)
        http_reply_header(request, "WWW-Authenticate", "Basic realm=\"default\"");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        add_allow(request);
    http_reply(request, status, "text/html", page, (size_t)n);
}

void http_reply_redirect(struct http_request *request, const char *location)
{
    http_reply_header(request, "Location", location);
    http_reply_error(request, MHD_HTTP_SEE_OTHER);
}

void http_reply_not_modified(struct http_request *request)
{
    http_reply_static(request, MHD_HTTP_NOT_MODIFIED, NULL, "", 0);
}

/* ---- streams ---- */

static ssize_t stream_read(void *arg, uint64_t position, char *data, size_t size)
{
    struct http_stream *stream = arg;

    (void)position;
    if (stream->is_gone || !stream->request)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (stream->listener->is_closing)
        return MHD_CONTENT_READER_END_OF_STREAM;
    ssize_t n = stream->ops->read(stream->arg, data, size);
    if (n == HTTP_STREAM_END)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (n > 0) {
        stream->request->reply_len += (uint64_t)n;
        return n;
    }
    stream->is_suspended = true;
    http_connection_suspend(stream->request->connection);
    return 0;
}

static void stream_closed(void *arg)
{
    struct http_stream *stream = arg;

    http_counters.streams--;
    stream->listener->n_streams--;
    if (stream->request)
        stream->request->stream = NULL;
    stream->ops->closed(stream->arg);
    free(stream);
}

void http_stream_wake(struct http_stream *stream)
{
    if (!stream->is_suspended || !stream->request)
        return;
    stream->is_suspended = false;
    http_connection_resume(stream->request->connection);
}

static struct http_stream *refuse_stream(struct http_request *request,
                                         const struct http_stream_ops *ops, void *arg)
{
    ops->closed(arg);
    http_reply_error(request, MHD_HTTP_SERVICE_UNAVAILABLE);
    return NULL;
}

struct http_stream *http_reply_stream(struct http_request *request, unsigned status,
                                      const char *content_type, const struct http_stream_ops *ops,
                                      void *arg)
{
    struct listener *listener = request->connection->listener;
    /* half of the connections stay free for short requests */
    if (listener->n_streams >= (listener->max_connections + 1) / 2)
        return refuse_stream(request, ops, arg);

    struct http_stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return refuse_stream(request, ops, arg);
    *stream =
        (struct http_stream){ .request = request, .ops = ops, .arg = arg, .listener = listener };
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, HTTP_STREAM_CHUNK_MAX, stream_read, stream, stream_closed);
    if (!response) {
        free(stream);
        return refuse_stream(request, ops, arg);
    }
    listener->n_streams++;
    http_counters.streams++;
    request->stream = stream;
    http_reply_header(request, "X-Accel-Buffering", "no");
    reply_with(request, status, content_type, response);
    return stream;
}
