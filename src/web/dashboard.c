/* SPDX-License-Identifier: MIT */
/* dashboard.c: the status page as the server renders it, and what a click on it does.
 *
 * The structure, classes and links are the documented ones, so that scripts which read the page go
 * on working; beside each link is a button of the page's form, which posts and carries the token.
 * Source: Supervisor web.py.
 */
#include "dashboard.h"

#include "errand.h"
#include "html.h"
#include "page.h"
#include "reply.h"
#include "supervisor/core/buf.h"
#include "supervisor/core/process_table.h"
#include "supervisor/rpc/xmlrpc.h"
#include "supervisor/workers/crew.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- the table ---- */

static const char *status_class(enum process_state state)
{
    switch (state) {
    case PROCESS_RUNNING:
        return "statusrunning";
    case PROCESS_FATAL:
    case PROCESS_BACKOFF:
        return "statuserror";
    case PROCESS_STOPPED:
    case PROCESS_STARTING:
    case PROCESS_STOPPING:
    case PROCESS_EXITED:
    case PROCESS_UNKNOWN:
        break;
    }
    return "statusnominal";
}

/* One action: the link as scripts know it, and the button that people press. */
static void append_action(struct buf *out, const char *name, const char *action, const char *label,
                          bool may_change)
{
    buf_puts(
        out,
        "<li><a class=\"sr\" tabindex=\"-1\" aria-hidden=\"true\" href=\"index.html?processname=");
    html_url(out, name);
    buf_printf(out, "&amp;action=%s\" name=\"%s\">%s</a>", action, label, label);
    buf_puts(out, "<button type=\"submit\" formaction=\"index.html?processname=");
    html_url(out, name);
    buf_printf(out, "&amp;action=%s\" aria-label=\"%s ", action, label);
    html_text(out, name);
    buf_printf(out, "\" value=\"%s\"%s></button></li>", label, may_change ? "" : " disabled");
}

static void append_placeholder(struct buf *out)
{
    buf_puts(out, "<li><a class=\"hidden\" href=\"#\" name=\"#\">Action</a></li>");
}

static void append_tail_link(struct buf *out, const char *name, const char *suffix,
                             const char *label)
{
    buf_puts(out, "<li><a href=\"logtail/");
    html_url(out, name);
    buf_printf(out, "%s\" name=\"%s\" target=\"_blank\" rel=\"noopener\">%s</a></li>", suffix,
               label, label);
}

static void append_actions(struct buf *out, const char *name, enum process_state state,
                           bool may_change)
{
    buf_puts(out, "<td class=\"action\"><ul>");
    if (state == PROCESS_RUNNING) {
        append_action(out, name, "restart", "Restart", may_change);
        append_action(out, name, "stop", "Stop", may_change);
    } else if (state == PROCESS_STOPPED || state == PROCESS_EXITED || state == PROCESS_FATAL) {
        append_action(out, name, "start", "Start", may_change);
        append_placeholder(out);
    } else {
        append_placeholder(out);
        append_placeholder(out);
    }
    append_action(out, name, "clearlog", "Clear Log", may_change);
    append_tail_link(out, name, "", "Tail -f Stdout");
    append_tail_link(out, name, "/stderr", "Tail -f Stderr");
    buf_puts(out, "</ul></td>\n");
}

static void append_lower(struct buf *out, const char *text)
{
    for (; *text; text++)
        buf_putc(out, *text >= 'A' && *text <= 'Z' ? (char)(*text + ('a' - 'A')) : *text);
}

static void append_row(struct buf *out, struct process *p, bool is_shaded, bool may_change)
{
    char description[1024];
    struct process_facts facts;

    process_facts(p, &facts);
    process_describe(p, &facts, (int64_t)time(NULL), description, sizeof(description));
    buf_printf(out, "<tr class=\"%s\">\n<td class=\"status\"><span class=\"%s\">",
               is_shaded ? "shade" : "", status_class(facts.state));
    append_lower(out, process_state_name(facts.state));
    buf_puts(out, "</span></td>\n<td><span>");
    html_text(out, description);
    buf_puts(out, "</span></td>\n<td><a href=\"tail.html?processname=");
    html_url(out, p->display_name);
    buf_puts(out, "\" target=\"_blank\" rel=\"noopener\">");
    html_text(out, p->display_name);
    buf_puts(out, "</a></td>\n");
    append_actions(out, p->display_name, facts.state, may_change);
    buf_puts(out, "</tr>\n");
}

static void append_table(struct buf *out, bool may_change)
{
    size_t n;
    struct process **processes = process_table_sorted(&n);
    if (!n) {
        buf_puts(out, "No programs to manage");
        return;
    }
    buf_puts(
        out,
        "<table class=\"plain\" cellspacing=\"0\">\n<thead><tr>"
        "<th class=\"state\">State</th><th class=\"desc\">Description</th>"
        "<th class=\"name\">Name</th><th class=\"action\">Action</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < n; i++)
        append_row(out, processes[i], i % 2, may_change);
    buf_puts(out, "</tbody>\n</table>\n");
}

static void append_global(struct buf *out, const char *action, const char *label, bool may_change)
{
    bool is_refresh = strcmp(action, "refresh") == 0;
    buf_printf(out,
               "<li class=\"action-button\"><a class=\"%s\" href=\"index.html?action=%s\">%s</a>",
               is_refresh ? "" : "sr", action, label);
    if (!is_refresh)
        buf_printf(out,
                   "<button type=\"submit\" formaction=\"index.html?action=%s\" value=\"%s\" "
                   "aria-label=\"%s\"%s></button>",
                   action, label, label, may_change ? "" : " disabled");
    buf_puts(out, "</li>\n");
}

static void reply_status(struct http_request *request)
{
    const char *refusal = http_request_refusal(request);
    struct buf out = BUF_INIT;

    page_begin(&out, "Supervisor Status", true);
    buf_puts(&out, "<div id=\"status\">\n");
    page_message(&out, http_request_query(request, "message"));
    if (refusal)
        page_message(&out, refusal);
    buf_puts(&out, "<form action=\"index.html\" method=\"post\">\n");
    page_token(&out);
    buf_puts(&out, "<ul id=\"buttons\" class=\"clr\">\n");
    append_global(&out, "refresh", "Refresh", true);
    append_global(&out, "restartall", "Restart All", !refusal);
    append_global(&out, "stopall", "Stop All", !refusal);
    buf_puts(&out, "</ul>\n");
    append_table(&out, !refusal);
    buf_puts(&out, "</form>\n</div>\n");
    page_end(&out);
    reply_page(request, 200, &out);
}

/* ---- actions ---- */

enum page_action {
    ACTION_REFRESH,
    ACTION_STOP_ALL,
    ACTION_RESTART_ALL,
    ACTION_START,
    ACTION_STOP,
    ACTION_RESTART,
    ACTION_CLEAR_LOG,
    ACTION_NONE
};

static const struct {
    const char *word;
    bool is_global;
    enum verb verb;
} page_actions[] = {
    [ACTION_REFRESH] = { "refresh", true, 0 },
    [ACTION_STOP_ALL] = { "stopall", true, VERB_STOP },
    [ACTION_RESTART_ALL] = { "restartall", true, VERB_RESTART },
    [ACTION_START] = { "start", false, VERB_START },
    [ACTION_STOP] = { "stop", false, VERB_STOP },
    [ACTION_RESTART] = { "restart", false, VERB_RESTART },
    [ACTION_CLEAR_LOG] = { "clearlog", false, VERB_CLEAR },
};

/* An action under way: whoever clicked waits for the redirect. */
struct click {
    struct http_request *request;
    struct errand *errand;
    enum page_action action;
    char *name; /* NULL: all */
    bool is_answered;
};

static void click_free(struct click *click)
{
    free(click->name);
    free(click);
}

/* Source: Supervisor web.py, actions: the sentences are known to scripts. */
static void append_fault(struct buf *out, const struct click *click, int fault, const char *text)
{
    static const struct {
        int fault;
        const char *why;
    } start_faults[] = {
        { FAULT_NO_FILE, "no such file" },
        { FAULT_NOT_EXECUTABLE, "file not executable" },
        { FAULT_ALREADY_STARTED, "already started" },
        { FAULT_SPAWN_ERROR, "spawn error" },
        { FAULT_ABNORMAL_TERMINATION, "abnormal termination" },
    };
    if (click->action == ACTION_START || click->action == ACTION_RESTART) {
        buf_printf(out, "ERROR: Process %s: ", click->name);
        for (size_t i = 0; i < sizeof(start_faults) / sizeof(start_faults[0]); i++) {
            if (start_faults[i].fault == fault) {
                buf_puts(out, start_faults[i].why);
                return;
            }
        }
    }
    buf_printf(out, "unexpected rpc fault [%d] %s", fault, text);
}

static void append_outcome(struct buf *out, const struct click *click,
                           const struct errand_results *results)
{
    const struct errand_result *result = results->n ? &results->list[0] : NULL;
    if (result && result->fault)
        append_fault(out, click, result->fault, result->text);
    else if (click->action == ACTION_CLEAR_LOG)
        buf_printf(out, "Log for %s cleared", click->name);
    else
        buf_printf(out, "Process %s %s", click->name, verb_past(page_actions[click->action].verb));
}

/* "All stopped at Sun Nov 22 19:53:50 2026" */
static void append_time(struct buf *out, const char *head)
{
    char text[64] = "";
    struct tm tm;
    time_t now = time(NULL);
    if (localtime_r(&now, &tm))
        (void)strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &tm); /* "" if it does not fit */
    buf_printf(out, "%s at %s", head, text);
}

static void reply_message(struct http_request *request, const char *message)
{
    struct buf location = BUF_INIT;
    buf_puts(&location, "./?message=");
    html_url(&location, message);
    http_reply_header(request, "Pragma", "no-cache");
    http_reply_header(request, "Cache-Control", "no-cache");
    http_reply_header(request, "Expires", "Thu, 01 Jan 1970 00:00:00 GMT");
    http_reply_redirect(request, buf_text(&location));
    buf_free(&location);
}

static void on_click_done(const struct errand_results *results, void *arg)
{
    struct click *click = arg;
    struct buf message = BUF_INIT;

    if (click->action == ACTION_STOP_ALL)
        append_time(&message, "All stopped");
    else if (click->action == ACTION_RESTART_ALL)
        append_time(&message, "All restarted");
    else
        append_outcome(&message, click, results);
    reply_message(click->request, buf_text(&message));
    buf_free(&message);
    click->is_answered = true;
    if (click->errand)
        click_free(click);
}

static void on_click_gone(void *arg)
{
    struct click *click = arg;
    errand_detach(click->errand);
    click_free(click);
}

static void click_begin(struct http_request *request, enum page_action action, const char *name)
{
    struct click *click = calloc(1, sizeof(*click));
    if (click && name)
        click->name = strdup(name);
    if (!click || (name && !click->name)) {
        free(click);
        http_reply_error(request, 500);
        return;
    }
    click->request = request;
    click->action = action;
    const struct errand_order order = {
        .verb = page_actions[action].verb,
        .scope = name ? ERRAND_NAMES : ERRAND_ALL,
        .names = name ? &name : NULL,
        .n_names = name ? 1 : 0,
        .wait = true,
        .refusal = http_request_refusal(request),
        .who = http_request_peer(request),
    };
    struct errand *errand = errand_run(&order, on_click_done, click);
    if (click->is_answered) {
        click_free(click);
        return;
    }
    click->errand = errand;
    http_defer(request, on_click_gone, click);
}

/* ---- may they? ---- */

/* A link that a browser followed and nobody vouches for: ask for a click on a button of ours. */
static void reply_question(struct http_request *request, const char *action, const char *name)
{
    struct buf out = BUF_INIT;
    page_begin(&out, "Supervisor: please confirm", false);
    buf_puts(&out,
             "<main><div class=\"note\"><h2>Please confirm</h2><p>This page was asked to <b>");
    html_text(&out, action);
    buf_puts(&out, "</b> <b>");
    html_text(&out, name ? name : "");
    buf_puts(&out, "</b> by a link, and the browser does not say where the link was. If it was "
                   "yours, go on.</p>\n"
                   "<form action=\"index.html\" method=\"post\">\n");
    page_token(&out);
    buf_puts(&out, "<input type=\"hidden\" name=\"action\" value=\"");
    html_text(&out, action);
    if (name) {
        buf_puts(&out, "\">\n<input type=\"hidden\" name=\"processname\" value=\"");
        html_text(&out, name);
    }
    buf_puts(&out, "\">\n<button type=\"submit\" class=\"primary\" value=\"Go on\"></button> "
                   "<a class=\"button\" href=\"./\">Cancel</a></form></div></main>\n");
    page_end(&out);
    reply_page(request, 403, &out);
}

static void reply_refusal(struct http_request *request, const char *why)
{
    struct buf out = BUF_INIT;
    page_note(&out, "Refused", why);
    reply_page(request, 403, &out);
}

/* May this change be made? Else it is answered. */
static bool may_act(struct http_request *request, const char *action, const char *name)
{
    const char *refusal = http_request_refusal(request);
    if (refusal) {
        reply_refusal(request, refusal);
        return false;
    }
    if (http_request_method(request) == HTTP_METHOD_POST) {
        if (token_allows_post(request, http_request_form(request, "token")))
            return true;
        reply_refusal(request,
                      "This form did not come from a page of this daemon, or the daemon was "
                      "started anew since. Go back, load the page again and repeat what you did.");
        return false;
    }
    if (token_allows_link(request))
        return true;
    const char *site = http_request_header(request, "Sec-Fetch-Site");
    if (site) /* another site sent the browser here: nothing to confirm */
        reply_refusal(request, "Another site tried to change something here.");
    else
        reply_question(request, action, name);
    return false;
}

static enum page_action find_action(const char *word)
{
    for (enum page_action action = 0; action < ACTION_NONE; action++)
        if (strcmp(page_actions[action].word, word) == 0)
            return action;
    return ACTION_NONE;
}

static bool is_process(const char *name)
{
    struct group *group;
    struct process *process = NULL;
    return process_table_resolve(name, &group, &process) == 0 && process;
}

/* The order of the judgements is the reference's: what concerns all, then the name, then the word.
 */
static void act(struct http_request *request, const char *word, const char *name)
{
    struct buf message = BUF_INIT;
    enum page_action action = find_action(word);

    if (action == ACTION_REFRESH) {
        append_time(&message, "Page refreshed");
        reply_message(request, buf_text(&message));
    } else if (action != ACTION_NONE && page_actions[action].is_global) {
        if (may_act(request, word, NULL))
            click_begin(request, action, NULL);
    } else if (name && !is_process(name)) {
        buf_printf(&message, "No such process named %s", name);
        reply_message(request, buf_text(&message));
    } else if (!name || action == ACTION_NONE) {
        http_reply_error(request, 400);
    } else if (may_act(request, word, name)) {
        click_begin(request, action, name);
    }
    buf_free(&message);
}

/* ---- handlers ---- */

static const char *field(const struct http_request *request, const char *name)
{
    const char *posted = http_request_form(request, name);
    return posted ? posted : http_request_query(request, name);
}

static bool is_going_down(struct http_request *request)
{
    struct buf out = BUF_INIT;
    if (crew_mood() == DAEMON_RUNNING)
        return false;
    page_note(&out, "Supervisor is stopping",
              crew_mood() == DAEMON_RESTARTING
                  ? "It is about to start anew. Load this page again in a moment."
                  : "It is shutting down.");
    http_reply_header(request, "Retry-After", "5");
    reply_page(request, 503, &out);
    return true;
}

void dashboard_handle_index(struct http_request *request, void *arg)
{
    (void)arg;
    if (is_going_down(request))
        return;
    const char *action = field(request, "action");
    if (action)
        act(request, action, field(request, "processname"));
    else
        reply_status(request);
}

void dashboard_handle_ok(struct http_request *request, void *arg)
{
    (void)arg;
    http_reply_static(request, 200, "text/plain", "OK", 2);
}

void dashboard_handle_root(struct http_request *request, void *arg)
{
    static const struct {
        const char *page;
        void (*handle)(struct http_request *request, void *arg);
    } pages[] = {
        { "", dashboard_handle_index },
        { "index.html", dashboard_handle_index },
        { "tail.html", dashboard_handle_tail },
        { "ok.html", dashboard_handle_ok },
    };
    const char *path = http_request_path(request);

    path += strspn(path, "/"); /* "///index.html" is known to work */
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (strcmp(path, pages[i].page) == 0) {
            pages[i].handle(request, arg);
            return;
        }
    }
    http_reply_error(request, http_request_method(request) == HTTP_METHOD_GET ? 404 : 400);
}
