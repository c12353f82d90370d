/* SPDX-License-Identifier: MIT */
/* client.c: calls to a server, over libcurl. */
#include "client.h"
#include "url.h"

#include "supervisor/core/clock.h"
#include "supervisor/core/datatypes.h"

#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

enum {
    CALLS_AT_ONCE = 24,      /* connections; every server must have room for some */
    WATCH_MS = 500,          /* between two looks of a waiting user */
    CONNECT_MS = 0x7fffffff, /* libcurl's own five minutes must not show as an error */
};
#define ANSWER_MAX (512U * 1024 * 1024) /* bytes of one answer */

struct client {
    char *url;
    char *username, *password;
    struct server_url parsed;
    char *url_error; /* why url means nothing; NULL: it is fine */
    CURLM *multi;
    struct curl_slist *headers;
    uint64_t deadline_ns;
    void (*watch)(void *data, size_t done, size_t total);
    void *watch_data;
};

/* ---- a client ---- */

static bool copy(const char *text, char **ret)
{
    *ret = text ? strdup(text) : NULL;
    return !text || *ret;
}

int client_new(const char *url, const char *username, const char *password,
               struct client **ret_client)
{
    /* No TLS, no Windows: nothing of what libcurl could prepare is used. */
    if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
        return -ENOMEM;
    struct client *c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    struct buf error = BUF_INIT;
    bool ok = copy(url, &c->url);
    bool has_both = username && password;
    ok = ok && copy(has_both ? username : NULL, &c->username);
    ok = ok && copy(has_both ? password : NULL, &c->password);
    if (ok && server_url_parse(url, &c->parsed, &error) < 0)
        ok = copy(buf_text(&error), &c->url_error);
    buf_free(&error);
    c->multi = curl_multi_init();
    c->headers = curl_slist_append(NULL, "Content-Type: text/xml");
    if (!ok || !c->multi || !c->headers || !curl_slist_append(c->headers, "Accept: text/xml") ||
        !curl_slist_append(c->headers, "Expect:")) {
        client_free(c);
        return -ENOMEM;
    }
    *ret_client = c;
    return 0;
}

void client_free(struct client *client)
{
    if (!client)
        return;
    curl_slist_free_all(client->headers);
    (void)curl_multi_cleanup(client->multi);
    server_url_free(&client->parsed);
    free(client->url);
    free(client->username);
    free(client->password);
    free(client->url_error);
    free(client);
}

int client_new_like(const struct client *client, const char *url, struct client **ret_client)
{
    return client_new(url ? url : client->url, client->username, client->password, ret_client);
}

const char *client_url(const struct client *client)
{
    return client->url;
}

const char *client_socket_path(const struct client *client)
{
    return client->parsed.socket_path;
}

void client_set_deadline(struct client *client, uint64_t deadline_ns)
{
    client->deadline_ns = deadline_ns;
}

void client_set_watcher(struct client *client, void (*watch)(void *data, size_t done, size_t total),
                        void *data)
{
    client->watch = watch;
    client->watch_data = data;
}

/* ---- a call ---- */

void call_begin(struct call *call, const char *method)
{
    *call = (struct call){ .request = BUF_INIT };
    call->reads_only = strncmp(method, "get", 3) == 0 || strncmp(method, "read", 4) == 0;
    char full[128];
    (void)snprintf(full, sizeof(full), "%s%s", strchr(method, '.') ? "" : "supervisor.", method);
    xmlrpc_write_call_begin(&call->request, full);
}

void call_string(struct call *call, const char *text)
{
    xmlrpc_write_param_begin(&call->request);
    xmlrpc_write_string(&call->request, text);
    xmlrpc_write_param_end(&call->request);
}

static void fail(struct call *call, enum answer answer, const char *text)
{
    free(call->text);
    call->answer = answer;
    call->text = text ? strdup(text) : NULL;
}

void call_int(struct call *call, int64_t number)
{
    if (number > INT32_MAX || number < INT32_MIN)
        fail(call, ANSWER_BAD_ARGUMENT, "int exceeds XML-RPC limits");
    xmlrpc_write_param_begin(&call->request);
    xmlrpc_write_int(&call->request, number);
    xmlrpc_write_param_end(&call->request);
}

void call_bool(struct call *call, bool truth)
{
    xmlrpc_write_param_begin(&call->request);
    xmlrpc_write_bool(&call->request, truth);
    xmlrpc_write_param_end(&call->request);
}

void call_free(struct call *call)
{
    buf_free(&call->request);
    free(call->text);
    value_free(&call->value);
    *call = (struct call){ .request = BUF_INIT };
}

bool call_is_fault(const struct call *call, enum xmlrpc_fault code)
{
    return call->answer == ANSWER_FAULT && call->fault_code == (int64_t)code;
}

bool call_is_absence(const struct call *call)
{
    return call->answer == ANSWER_SOCKET && (call->error == ECONNREFUSED || call->error == ENOENT);
}

void call_put_error(const struct call *call, struct buf *out)
{
    const char *text = call->text ? call->text : "";
    switch (call->answer) {
    case ANSWER_NONE:
        buf_puts(out, "not attempted");
        break;
    case ANSWER_VALUE:
        buf_puts(out, "unexpected answer");
        break;
    case ANSWER_FAULT:
        buf_printf(out, "<Fault %lld: ", (long long)call->fault_code);
        text_repr(out, text);
        buf_puts(out, ">");
        break;
    case ANSWER_HTTP:
        buf_printf(out, "<ProtocolError for 127.0.0.1/RPC2: %ld %s>", call->http_status, text);
        break;
    case ANSWER_SOCKET:
        buf_printf(out, "[Errno %d] %s", call->error,
                   call->text ? text : strerrordesc_np(call->error));
        break;
    case ANSWER_CLOSED:
        buf_puts(out, "Remote end closed connection without response");
        break;
    case ANSWER_NOT_HTTP:
        buf_puts(out, "BadStatusLine: what answered does not speak HTTP");
        break;
    case ANSWER_NOT_XML:
    case ANSWER_BAD_URL:
    case ANSWER_BAD_ARGUMENT:
        buf_puts(out, text);
        break;
    case ANSWER_TIMEOUT:
        buf_puts(out, "timed out: no answer within the time given by --timeout");
        break;
    }
}

/* ---- the body ---- */

/* The reference's server sends control characters of logs as they are, which no XML parser
 * takes, and a parser turns CR LF into LF. They travel through it as noncharacters, which never
 * stand in text: U+FDD0 to U+FDEF, one for each. */
static void hide_controls(const struct buf *body, struct buf *out)
{
    for (size_t i = 0; i < body->len; i++) {
        unsigned char c = (unsigned char)body->data[i];
        if (c >= 0x20 || c == '\t' || c == '\n') {
            buf_putc(out, (char)c);
        } else {
            const char hidden[3] = { '\xef', '\xb7', (char)(0x90 + c) };
            buf_append(out, hidden, sizeof(hidden));
        }
    }
}

static void reveal_controls(struct value *v)
{
    if (v->kind == VALUE_STRING) {
        size_t to = 0;
        for (size_t i = 0; i < v->len; i++) {
            const unsigned char *c = (const unsigned char *)v->string + i;
            bool hidden =
                c[0] == 0xef && i + 2 < v->len && c[1] == 0xb7 && c[2] >= 0x90 && c[2] < 0xb0;
            v->string[to++] = (char)(hidden ? c[2] - 0x90 : c[0]);
            i += hidden ? 2 : 0;
        }
        v->string[to] = '\0';
        v->len = to;
    }
    for (size_t i = 0; i < v->n; i++)
        reveal_controls(&v->items[i]);
}

static bool has_controls(const struct buf *body)
{
    for (size_t i = 0; i < body->len; i++) {
        unsigned char c = (unsigned char)body->data[i];
        if (c < 0x20 && c != '\t' && c != '\n')
            return true;
    }
    return false;
}

static int decode(const struct buf *body, struct xmlrpc_response *ret)
{
    if (!has_controls(body))
        return xmlrpc_decode_response(buf_text(body), body->len, ret);
    struct buf hidden = BUF_INIT;
    hide_controls(body, &hidden);
    int r =
        hidden.error ? hidden.error : xmlrpc_decode_response(buf_text(&hidden), hidden.len, ret);
    buf_free(&hidden);
    if (r == 0)
        reveal_controls(&ret->value);
    return r;
}

/* The words by which people know what was wrong with an answer. */
static const char *what_is_wrong(const struct buf *body)
{
    const char *text = buf_text(body);
    const char *start = text + strspn(text, " \t\r\n");
    if (!*start)
        return "no element found: the answer is empty";
    if (*start != '<')
        return "syntax error: the answer is no XML";
    if (strstr(start, "</methodResponse>") || !strstr(start, "<methodResponse"))
        return "ResponseError: not well-formed as XML-RPC";
    return "not well-formed: no element found that ends the answer";
}

static void read_body(struct call *call, const struct buf *body)
{
    struct xmlrpc_response response = { 0 };
    int r = decode(body, &response);
    if (r < 0) {
        fail(call, ANSWER_NOT_XML, what_is_wrong(body));
        return;
    }
    if (response.is_fault) {
        fail(call, ANSWER_FAULT, response.fault_string);
        call->fault_code = response.fault_code;
    } else {
        call->answer = ANSWER_VALUE;
        call->value = response.value;
        response.value = (struct value){ .kind = VALUE_NIL };
    }
    xmlrpc_response_free(&response);
}

/* ---- one transfer ---- */

struct transfer {
    struct client *client;
    struct call *call;
    CURL *easy;
    struct buf body;
    char reason[128]; /* of the status line */
};

static size_t take_body(char *data, size_t size, size_t n, void *user)
{
    struct transfer *t = user;
    buf_append(&t->body, data, size * n);
    return t->body.error ? 0 : size * n;
}

/* "HTTP/1.1 500 Internal Server Error\r\n" */
static size_t take_header(char *data, size_t size, size_t n, void *user)
{
    struct transfer *t = user;
    size_t len = size * n;
    if (len < 9 || strncmp(data, "HTTP/", 5) != 0)
        return len;
    const char *end = data + len;
    const char *space = memchr(data, ' ', len);
    const char *second = space ? memchr(space + 1, ' ', (size_t)(end - space - 1)) : NULL;
    t->reason[0] = '\0';
    if (!second)
        return len;
    size_t reason = (size_t)(end - second - 1);
    while (reason && (second[reason] == '\r' || second[reason] == '\n'))
        reason--;
    (void)snprintf(t->reason, sizeof(t->reason), "%.*s", (int)reason, second + 1);
    return len;
}

/* What every request to the server has in common. */
static bool set_up(CURL *easy, struct client *client, const char *path)
{
    struct buf url = BUF_INIT;
    buf_printf(&url, "%s%s", client->parsed.base, path);
    bool ok = !url.error;
    ok = ok && curl_easy_setopt(easy, CURLOPT_URL, buf_text(&url)) == CURLE_OK;
    buf_free(&url);
    if (client->parsed.socket_path)
        ok = ok && curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, client->parsed.socket_path) ==
                       CURLE_OK;
    if (client->username) {
        ok = ok && curl_easy_setopt(easy, CURLOPT_USERNAME, client->username) == CURLE_OK;
        ok = ok && curl_easy_setopt(easy, CURLOPT_PASSWORD, client->password) == CURLE_OK;
        ok = ok && curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) == CURLE_OK;
    }
    ok = ok && curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK;
    return ok && curl_easy_setopt(easy, CURLOPT_USERAGENT, "supervisorctl") == CURLE_OK;
}

/* Failures that are known before anything is sent. Returns false if there is one. */
static bool can_connect(struct client *client, struct call *call)
{
    if (call->answer != ANSWER_NONE)
        return false;
    if (client->url_error) {
        fail(call, ANSWER_BAD_URL, client->url_error);
        return false;
    }
    const char *path = client->parsed.socket_path;
    if (path && strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
        fail(call, ANSWER_BAD_URL, "AF_UNIX path too long");
        return false;
    }
    return true;
}

void *client_open_path(struct client *client, const char *path, struct call *ret_failed)
{
    *ret_failed = (struct call){ .request = BUF_INIT };
    if (!can_connect(client, ret_failed))
        return NULL;
    CURL *easy = curl_easy_init();
    if (easy && set_up(easy, client, path))
        return easy;
    curl_easy_cleanup(easy);
    fail(ret_failed, ANSWER_BAD_ARGUMENT, "out of memory");
    return NULL;
}

static long timeout_ms(const struct client *client)
{
    if (!client->deadline_ns)
        return 0;
    uint64_t now_ns = clock_now_ns();
    if (now_ns >= client->deadline_ns)
        return 1;
    return (long)((client->deadline_ns - now_ns) / NS_PER_MS) + 1;
}

static bool begin_transfer(struct transfer *t, struct client *client, struct call *call)
{
    *t = (struct transfer){ .client = client, .call = call, .body = BUF_LIMITED(ANSWER_MAX) };
    if (!can_connect(client, call))
        return false;
    xmlrpc_write_call_end(&call->request);
    if (!call->request.error)
        t->easy = client_open_path(client, "/RPC2", &(struct call){ 0 });
    CURL *easy = t->easy;
    bool ok = easy;
    ok = ok && curl_easy_setopt(easy, CURLOPT_POSTFIELDS, buf_text(&call->request)) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->request.len) ==
                   CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers) == CURLE_OK;
    ok =
        ok && curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, call->reads_only ? 0L : 1L) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_WRITEDATA, t) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_HEADERDATA, t) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms(client)) == CURLE_OK;
    ok = ok && curl_easy_setopt(easy, CURLOPT_PRIVATE, t) == CURLE_OK;
    ok = ok && curl_multi_add_handle(client->multi, easy) == CURLM_OK;
    if (ok)
        return true;
    curl_easy_cleanup(easy);
    t->easy = NULL;
    fail(call, ANSWER_BAD_ARGUMENT, "out of memory");
    return false;
}

static void judge(struct transfer *t, CURLcode result)
{
    struct call *call = t->call;
    long os_errno = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os_errno);
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &call->http_status);
    if (result == CURLE_OK || (result == CURLE_PARTIAL_FILE && call->http_status != 200)) {
        if (call->http_status == 200)
            read_body(call, &t->body);
        else
            fail(call, ANSWER_HTTP, t->reason);
        return;
    }
    switch ((int)result) { /* libcurl has a hundred codes; these can be told apart here */
    case CURLE_COULDNT_CONNECT:
        fail(call, ANSWER_SOCKET, NULL);
        call->error = os_errno ? (int)os_errno : ECONNREFUSED;
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
        fail(call, ANSWER_SOCKET, gai_strerror(EAI_NONAME));
        call->error = EAI_NONAME;
        break;
    case CURLE_OPERATION_TIMEDOUT:
        fail(call, ANSWER_TIMEOUT, NULL);
        break;
    case CURLE_SEND_ERROR:
        fail(call, ANSWER_SOCKET, NULL);
        call->error = os_errno ? (int)os_errno : EPIPE;
        break;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
        fail(call, ANSWER_CLOSED, NULL);
        break;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        fail(call, ANSWER_NOT_HTTP, NULL);
        break;
    default:
        fail(call, ANSWER_NOT_HTTP, NULL);
        break;
    }
}

static void end_transfer(struct transfer *t, CURLcode result)
{
    judge(t, result);
    (void)curl_multi_remove_handle(t->client->multi, t->easy);
    curl_easy_cleanup(t->easy);
    t->easy = NULL;
    buf_free(&t->body);
}

/* ---- many at once ---- */

struct flight {
    struct client *client;
    struct call *const *calls;
    size_t n;
    size_t begun, done, told;
    struct transfer slots[CALLS_AT_ONCE];
};

static struct transfer *free_slot(struct flight *f)
{
    for (size_t i = 0; i < CALLS_AT_ONCE; i++)
        if (!f->slots[i].easy)
            return &f->slots[i];
    return NULL;
}

static void begin_calls(struct flight *f)
{
    struct transfer *slot;
    while (f->begun < f->n && (slot = free_slot(f)))
        if (!begin_transfer(slot, f->client, f->calls[f->begun++]))
            f->done++;
}

static void collect_answers(struct flight *f)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(f->client->multi, &left))) {
        struct transfer *t = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        end_transfer(t, message->data.result);
        f->done++;
    }
}

void client_call_all(struct client *client, struct call *const calls[], size_t n,
                     void (*told)(void *data, size_t i), void *data)
{
    struct flight f = { .client = client, .calls = calls, .n = n };
    uint64_t next_watch_ns = clock_now_ns() + WATCH_MS * NS_PER_MS;
    (void)fflush(stdout); /* what is already known must be seen before we wait */
    while (f.told < n) {
        int running;
        begin_calls(&f);
        (void)curl_multi_perform(client->multi, &running);
        collect_answers(&f);
        size_t told_before = f.told;
        for (; f.told < n && calls[f.told]->answer != ANSWER_NONE; f.told++)
            if (told)
                told(data, f.told);
        if (f.told != told_before && f.told < n)
            (void)fflush(stdout);
        if (f.told == n || (f.done == f.begun && f.begun < n))
            continue;
        (void)curl_multi_poll(client->multi, NULL, 0, WATCH_MS, NULL);
        if (client->watch && clock_now_ns() >= next_watch_ns) {
            client->watch(client->watch_data, f.done, n);
            next_watch_ns = clock_now_ns() + WATCH_MS * NS_PER_MS;
        }
    }
}

void client_call(struct client *client, struct call *call)
{
    client_call_all(client, &call, 1, NULL, NULL);
}
