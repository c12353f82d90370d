/* SPDX-License-Identifier: MIT */
/* api_update.c: what an update would change, and the update itself.
 *
 * An update is what supervisorctl's is: read the file, then for each group that differs
 * stop, remove, add, as far as it applies. Groups go their ways side by side.
 */
#include "api.h"
#include "json.h"
#include "reply.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/rpc/rpc.h"
#include "supervisor/workers/crew.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what it would change ---- */

static void append_groups(struct buf *out, const char *key, char *const *names, char *const *why,
                          size_t n)
{
    buf_printf(out, "\"%s\":[", key);
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i ? ",{\"name\":" : "{\"name\":");
        json_put_string(out, names[i]);
        json_put_member(out, "why", why ? why[i] : NULL);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void get_update(struct http_request *request)
{
    struct crew_diff diff;
    CLEANUP_FREE char *error = NULL;
    struct buf body = BUF_INIT;

    if (crew_preview(&diff, &error) < 0) {
        reply_json_error(request, 422, "CANT_REREAD", error ? error : "out of memory");
        return;
    }
    buf_putc(&body, '{');
    append_groups(&body, "added", diff.added, NULL, diff.n_added);
    buf_putc(&body, ',');
    append_groups(&body, "changed", diff.changed, diff.why, diff.n_changed);
    buf_putc(&body, ',');
    append_groups(&body, "removed", diff.removed, NULL, diff.n_removed);
    buf_puts(&body, "}\n");
    crew_diff_free(&diff);
    reply_json(request, 200, &body);
}

/* ---- the update ---- */

enum change { CHANGE_ADDED, CHANGE_CHANGED, CHANGE_REMOVED };

#define PATH_MAX_STEPS 3

static const struct {
    const char *done; /* what the result says */
    const char *methods[PATH_MAX_STEPS];
} changes[] = {
    [CHANGE_ADDED] = { "added", { "supervisor.addProcessGroup" } },
    [CHANGE_CHANGED] = { "updated",
                         { "supervisor.stopProcessGroup", "supervisor.removeProcessGroup",
                           "supervisor.addProcessGroup" } },
    [CHANGE_REMOVED] = { "removed",
                         { "supervisor.stopProcessGroup", "supervisor.removeProcessGroup" } },
};

struct group_update {
    struct update *update;
    char *name;
    enum change change;
    unsigned step;
    struct rpc_call *call; /* while it waits */
    int fault;
    char *text; /* of the fault */
};

struct update {
    struct http_request *request; /* NULL: the client has left; the update goes on */
    char *who;
    struct rpc_call *reload; /* while it waits */
    struct group_update *groups;
    size_t n_groups, n_left;
    bool is_deferred;
    struct update *prev, *next;
};

static struct update *updates;

static void update_free(struct update *u)
{
    *(u->prev ? &u->prev->next : &updates) = u->next;
    if (u->next)
        u->next->prev = u->prev;
    for (size_t i = 0; i < u->n_groups; i++) {
        free(u->groups[i].name);
        free(u->groups[i].text);
    }
    free(u->groups);
    free(u->who);
    free(u);
}

static void append_group_result(struct buf *out, const struct group_update *g)
{
    buf_puts(out, "{\"name\":");
    json_put_string(out, g->name);
    buf_printf(out, ",\"ok\":%s,\"code\":%d", g->fault ? "false" : "true", g->fault);
    json_put_member(out, "fault", g->fault ? xmlrpc_fault_name(g->fault) : NULL);
    json_put_member(out, "message",
                    g->fault ? (g->text ? api_fault_detail(g->fault, g->text) : "")
                             : changes[g->change].done);
    buf_putc(out, '}');
}

static void update_release(struct update *u)
{
    struct buf body = BUF_INIT;
    if (--u->n_left)
        return;
    if (u->request) {
        buf_puts(&body, "{\"results\":[");
        for (size_t i = 0; i < u->n_groups; i++) {
            if (i)
                buf_putc(&body, ',');
            append_group_result(&body, &u->groups[i]);
        }
        buf_puts(&body, "]}\n");
        reply_json(u->request, 200, &body);
    }
    update_free(u);
}

static void group_step(struct group_update *g);

static void on_group(void *arg, const struct rpc_answer *answer)
{
    struct group_update *g = arg;
    bool is_stop = changes[g->change].methods[0] && g->change != CHANGE_ADDED && g->step == 0;

    g->call = NULL;
    if (answer->fault && !is_stop) { /* what does not stop shows when it is to be removed */
        g->fault = answer->fault;
        g->text = strdup(answer->fault_string);
    }
    g->step++;
    if (!g->fault && g->step < PATH_MAX_STEPS && changes[g->change].methods[g->step])
        group_step(g);
    else
        update_release(g->update);
}

static void group_step(struct group_update *g)
{
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): add_groups() sets it for every group
    const char *who = g->update->who;
    struct rpc_call *call =
        rpc_call_text(changes[g->change].methods[g->step], g->name, NULL, who, on_group, g);
    if (call) /* else it was done, and g may be gone */
        g->call = call;
}

static int add_groups(struct update *u, const struct value *names, enum change change)
{
    for (size_t i = 0; names && i < names->n; i++) {
        struct group_update *g = &u->groups[u->n_groups];
        *g = (struct group_update){ .update = u, .change = change };
        g->name = strdup(value_string(&names->items[i], ""));
        if (!g->name)
            return -1;
        u->n_groups++;
    }
    return 0;
}

/* value is [[added, changed, removed]] as XML text. */
static int take_diff(struct update *u, const struct rpc_answer *answer)
{
    struct buf xml = BUF_INIT;
    struct xmlrpc_response response;
    int rc = -1;

    xmlrpc_write_response_begin(&xml);
    buf_append(&xml, answer->value, answer->value_len);
    xmlrpc_write_response_end(&xml);
    if (!xml.error && xmlrpc_decode_response(xml.data, xml.len, &response) == 0) {
        const struct value *lists = response.value.n ? &response.value.items[0] : NULL;
        if (lists && lists->n == 3) {
            u->groups = calloc(lists->items[0].n + lists->items[1].n + lists->items[2].n + 1,
                               sizeof(*u->groups));
            if (u->groups && add_groups(u, &lists->items[2], CHANGE_REMOVED) == 0 &&
                add_groups(u, &lists->items[1], CHANGE_CHANGED) == 0 &&
                add_groups(u, &lists->items[0], CHANGE_ADDED) == 0)
                rc = 0;
        }
        xmlrpc_response_free(&response);
    }
    buf_free(&xml);
    return rc;
}

static void on_gone(void *arg)
{
    struct update *u = arg;
    u->request = NULL;
}

static void on_reload(void *arg, const struct rpc_answer *answer)
{
    struct update *u = arg;

    u->reload = NULL;
    if (answer->fault || take_diff(u, answer) < 0) {
        if (u->request && answer->fault)
            reply_json_error(u->request, api_status_of_fault(answer->fault),
                             xmlrpc_fault_name(answer->fault),
                             api_fault_detail(answer->fault, answer->fault_string));
        else if (u->request)
            http_reply_error(u->request, 500);
        update_free(u);
        return;
    }
    u->n_left = u->n_groups + 1;
    for (size_t i = 0; i < u->n_groups; i++)
        group_step(&u->groups[i]);
    if (u->n_left > 1 && u->request && !u->is_deferred) {
        u->is_deferred = true;
        http_defer(u->request, on_gone, u);
    }
    update_release(u);
}

static void post_update(struct http_request *request)
{
    if (!api_may_change(request))
        return;
    struct update *u = calloc(1, sizeof(*u));
    if (!u) {
        http_reply_error(request, 500);
        return;
    }
    u->request = request;
    u->who = strdup(http_request_peer(request));
    u->next = updates;
    if (updates)
        updates->prev = u;
    updates = u;
    struct rpc_call *call =
        rpc_call_text("supervisor.reloadConfig", NULL, NULL, u->who, on_reload, u);
    if (call) {
        u->reload = call;
        u->is_deferred = true;
        http_defer(request, on_gone, u);
    }
}

void api_update_free_all(void)
{
    struct update *next;
    for (struct update *u = updates; u; u = next) {
        next = u->next;
        if (u->reload)
            rpc_call_cancel(u->reload);
        for (size_t i = 0; i < u->n_groups; i++)
            if (u->groups[i].call)
                rpc_call_cancel(u->groups[i].call);
        update_free(u);
    }
}

void api_handle_update(struct http_request *request, void *arg)
{
    (void)arg;
    if (http_request_method(request) == HTTP_METHOD_GET)
        get_update(request);
    else
        post_update(request);
}
