/* SPDX-License-Identifier: MIT */
/* http_request.c: one request: who asks for what, and may they. */
#include "http_auth.h"
#include "http_priv.h"
#include "http_url.h"
#include "supervisor/core/clock.h"
#include "supervisor/core/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    enum http_method method;
} methods[] = {
    { "GET", HTTP_METHOD_GET }, { "HEAD", HTTP_METHOD_HEAD },     { "POST", HTTP_METHOD_POST },
    { "PUT", HTTP_METHOD_PUT }, { "DELETE", HTTP_METHOD_DELETE },
};

struct http_request *http_request_new(struct connection *connection, const char *target)
{
    struct http_request *request = calloc(1, sizeof(*request));
    if (!request)
        return NULL;
    request->connection = connection;
    request->started_ns = clock_now_ns();
    request->target = strdup(target);
    if (!request->target) {
        free(request);
        return NULL;
    }
    return request;
}

void http_request_free(struct http_request *request)
{
    if (!request)
        return;
    for (size_t i = 0; i < request->n_fields; i++)
        free(request->fields[i]);
    for (unsigned i = 0; i < request->n_headers; i++) {
        free(request->headers[i].name);
        free(request->headers[i].value);
    }
    if (request->response)
        MHD_destroy_response(request->response);
    free(request->fields);
    free(request->target);
    free(request->path);
    free(request->method_text);
    buf_free(&request->body);
    free(request);
}

/* ---- may they ---- */

static unsigned check_user(struct http_request *request)
{
    const struct listener *listener = request->connection->listener;

    request->role = SERVER_ROLE_ADMIN;
    if (listener->is_open)
        return 0;
    switch (http_auth_check(listener->config, http_request_header(request, "Authorization"),
                            &request->user, &request->role)) {
    case HTTP_AUTH_OK:
        return 0;
    case HTTP_AUTH_MALFORMED:
        return MHD_HTTP_BAD_REQUEST;
    case HTTP_AUTH_DENIED:
        break;
    }
    http_counters.unauthorized++;
    if (http_request_header(request, "Authorization"))
        log_warn("wrong credentials for '%s' from %s", listener->config->section,
                 request->connection->peer);
    return MHD_HTTP_UNAUTHORIZED;
}

/* Another site's page, or its name pointed at this host. A listener that asks for a password needs
 * no check of names: browsers do not send it to a name it was not given for. */
static unsigned check_origin(const struct http_request *request)
{
    const struct listener *listener = request->connection->listener;
    const struct http_origin origin = {
        .host = http_request_header(request, "Host"),
        .origin = http_request_header(request, "Origin"),
        .fetch_site = http_request_header(request, "Sec-Fetch-Site"),
    };

    if (request->method == HTTP_METHOD_POST && http_origin_is_foreign(&origin))
        return MHD_HTTP_FORBIDDEN;
    if (listener->config->kind == SERVER_INET && listener->is_local && listener->is_open &&
        !http_host_is_local(origin.host, listener->config->host))
        return MHD_HTTP_FORBIDDEN;
    return 0;
}

static unsigned check_route(struct http_request *request)
{
    request->route = http_route_find(request->path);
    if (!request->route)
        return request->method & (HTTP_METHOD_GET | HTTP_METHOD_HEAD) ? MHD_HTTP_NOT_FOUND
                                                                      : MHD_HTTP_BAD_REQUEST;
    unsigned allowed = request->route->methods;
    if (allowed & HTTP_METHOD_GET)
        allowed |= HTTP_METHOD_HEAD;
    return request->method & allowed ? 0 : MHD_HTTP_METHOD_NOT_ALLOWED;
}

/* MHD has refused a length that is no number; of several it takes the first. */
static unsigned check_length(const struct http_request *request)
{
    const char *text = http_request_header(request, "Content-Length");

    if (request->route->needs_length && request->method == HTTP_METHOD_POST) {
        if (!text || http_request_header(request, "Transfer-Encoding"))
            return MHD_HTTP_LENGTH_REQUIRED;
        if (strtoull(text, NULL, 10) == 0)
            return MHD_HTTP_BAD_REQUEST;
    }
    if (text && strtoull(text, NULL, 10) > request->connection->listener->max_body)
        return MHD_HTTP_CONTENT_TOO_LARGE;
    return 0;
}

static int set_method(struct http_request *request, const char *method)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (strcmp(method, methods[i].name) == 0)
            request->method = methods[i].method;
    request->method_text = strdup(method);
    return request->method_text ? 0 : -ENOMEM;
}

void http_request_examine(struct http_request *request, const char *method)
{
    int r = set_method(request, method);
    if (r == 0)
        r = http_url_path(request->target, &request->path);
    request->body.limit = request->connection->listener->max_body;
    request->refusal = check_user(request);
    if (!request->refusal)
        request->refusal = r == -ENOMEM ? MHD_HTTP_INTERNAL_SERVER_ERROR
                           : r < 0      ? MHD_HTTP_BAD_REQUEST
                                        : check_origin(request);
    if (!request->refusal)
        request->refusal = check_route(request);
    if (!request->refusal)
        request->refusal = check_length(request);
}

/* ---- what was asked ---- */

enum http_method http_request_method(const struct http_request *request)
{
    return request->method == HTTP_METHOD_HEAD ? HTTP_METHOD_GET : request->method;
}

const char *http_request_path(const struct http_request *request)
{
    return request->path;
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection->mhd, MHD_HEADER_KIND, name);
}

/* The request keeps value until it ends. */
static const char *keep_field(const struct http_request *request, char *value)
{
    struct http_request *keeper = (struct http_request *)(uintptr_t)request;
    if (!value)
        return NULL;
    char **fields = reallocarray(keeper->fields, keeper->n_fields + 1, sizeof(*fields));
    if (!fields) {
        free(value);
        return NULL;
    }
    keeper->fields = fields;
    keeper->fields[keeper->n_fields++] = value;
    return value;
}

const char *http_request_query(const struct http_request *request, const char *name)
{
    return keep_field(request, http_url_field(http_url_query(request->target), name, false));
}

const char *http_request_form(const struct http_request *request, const char *name)
{
    return keep_field(request, http_url_field(buf_text(&request->body), name, true));
}

const char *http_request_body(const struct http_request *request, size_t *ret_len)
{
    *ret_len = request->body.len;
    return buf_text(&request->body);
}

const char *http_request_user(const struct http_request *request)
{
    return request->user;
}

const char *http_request_peer(const struct http_request *request)
{
    return request->connection->peer;
}

const char *http_request_listener(const struct http_request *request)
{
    return request->connection->listener->name;
}

const char *http_request_refusal(const struct http_request *request)
{
    const struct listener *listener = request->connection->listener;

    if (request->role == SERVER_ROLE_READ)
        return "read-only: this user has the role read";
    if (listener->is_open && !listener->is_local && !listener->config->insecure)
        return "read-only: set username and password for [inet_http_server], or insecure=true";
    return NULL;
}
