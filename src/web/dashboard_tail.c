/* SPDX-License-Identifier: MIT */
/* dashboard_tail.c: /tail.html: the end of a program's standard output, as it is now.
 *
 * Source: Supervisor web.py, TailView.
 */
#include "dashboard.h"
#include "html.h"
#include "page.h"
#include "reply.h"
#include "supervisor/core/buf.h"
#include "supervisor/rpc/rpc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_MIN 1024L               /* bytes; also what is shown if nothing is asked for */
#define LIMIT_MAX (16L * 1024 * 1024) /* what a page can hold */

/* A page that waits for the log to be read. */
struct tail {
    struct http_request *request;
    char *name; /* NULL: none was given */
    long limit;
    struct rpc_call *call;
    bool is_answered;
};

static void tail_free(struct tail *tail)
{
    free(tail->name);
    free(tail);
}

static long read_limit(const char *text)
{
    if (!text)
        return LIMIT_MIN;
    for (const char *c = text; *c; c++)
        if (!isdigit((unsigned char)*c))
            return LIMIT_MIN;
    long limit = strlen(text) > 9 ? LIMIT_MAX : strtol(text, NULL, 10);
    return limit < LIMIT_MIN ? LIMIT_MIN : limit > LIMIT_MAX ? LIMIT_MAX : limit;
}

static void append_refresh(struct buf *out, const struct tail *tail)
{
    buf_puts(out, "<form action=\"index.html\" method=\"POST\">\n<p>");
    if (tail->name) {
        buf_puts(out, "<a href=\"tail.html?processname=");
        html_url(out, tail->name);
        buf_printf(out, "&amp;limit=%ld\" class=\"button\" name=\"refresh\"> Refresh </a>",
                   tail->limit);
    }
    buf_puts(out, "</p>\n</form>\n");
}

static void reply_tail(struct http_request *request, const struct tail *tail, const char *text,
                       size_t len)
{
    struct buf out = BUF_INIT, title = BUF_INIT;

    buf_printf(&title, "Supervisor tail of process %s", tail->name ? tail->name : "None");
    page_begin(&out, buf_text(&title), false);
    buf_puts(&out, "<main>\n<pre class=\"tail\">");
    if (len && text[0] == '\n')
        buf_putc(&out, '\n'); /* a page drops the first line feed of <pre> */
    html_text_n(&out, text, len);
    buf_puts(&out, "</pre>\n");
    append_refresh(&out, tail);
    buf_puts(&out, "</main>\n");
    page_end(&out);
    buf_free(&title);
    reply_page(request, 200, &out);
}

static void reply_fault(const struct tail *tail, const struct rpc_answer *answer)
{
    struct buf text = BUF_INIT;
    if (answer->fault == FAULT_NO_FILE)
        buf_printf(&text, "No file for %s", tail->name);
    else
        buf_printf(&text, "ERROR: unexpected rpc fault [%d] %s", answer->fault,
                   answer->fault_string);
    reply_tail(tail->request, tail, buf_text(&text), text.len);
    buf_free(&text);
}

static void reply_value(const struct tail *tail, const struct rpc_answer *answer)
{
    struct xmlrpc_response response;
    struct buf xml = BUF_INIT;

    xmlrpc_write_response_begin(&xml);
    buf_append(&xml, answer->value, answer->value_len);
    xmlrpc_write_response_end(&xml);
    if (xml.error || xmlrpc_decode_response(xml.data, xml.len, &response) < 0) {
        http_reply_error(tail->request, 500);
    } else {
        reply_tail(tail->request, tail, value_string(&response.value, ""), response.value.len);
        xmlrpc_response_free(&response);
    }
    buf_free(&xml);
}

static void on_read(void *arg, const struct rpc_answer *answer)
{
    struct tail *tail = arg;
    tail->is_answered = true;
    if (answer->fault)
        reply_fault(tail, answer);
    else
        reply_value(tail, answer);
    if (tail->call)
        tail_free(tail);
}

static void on_gone(void *arg)
{
    struct tail *tail = arg;
    rpc_call_cancel(tail->call);
    tail_free(tail);
}

static void read_log(struct tail *tail)
{
    struct value items[3] = {
        { .kind = VALUE_STRING, .string = tail->name, .len = strlen(tail->name) },
        { .kind = VALUE_INT, .integer = -tail->limit },
        { .kind = VALUE_INT, .integer = 0 },
    };
    const struct value params = { .kind = VALUE_ARRAY, .items = items, .n = 3 };
    struct rpc_call *call = rpc_call("supervisor.readProcessStdoutLog", &params, NULL,
                                     http_request_peer(tail->request), on_read, tail);
    if (!call) {
        tail_free(tail);
        return;
    }
    tail->call = call;
    http_defer(tail->request, on_gone, tail);
}

void dashboard_handle_tail(struct http_request *request, void *arg)
{
    const char *posted = http_request_form(request, "processname");
    const char *name = posted ? posted : http_request_query(request, "processname");
    const char *limit = http_request_form(request, "limit");
    struct tail *tail = calloc(1, sizeof(*tail));

    (void)arg;
    if (tail && name)
        tail->name = strdup(name);
    if (!tail || (name && !tail->name)) {
        free(tail);
        http_reply_error(request, 500);
        return;
    }
    tail->request = request;
    tail->limit = read_limit(limit ? limit : http_request_query(request, "limit"));
    if (tail->name) {
        read_log(tail);
        return;
    }
    static const char none[] = "No process name found";
    reply_tail(request, tail, none, sizeof(none) - 1);
    tail_free(tail);
}
