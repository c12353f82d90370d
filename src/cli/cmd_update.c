/* SPDX-License-Identifier: MIT */
/* cmd_update.c: updates that the server plans: update --live and --dry-run, restart --update. */
#include "commands.h"
#include "json.h"
#include "names.h"

#include <stdio.h>
#include <string.h>

static void put_flag(struct buf *out, const char *name, bool truth)
{
    if (truth)
        xmlrpc_write_member_bool(out, name, true);
}

static void put_names(struct buf *out, const char *name, char *const names[], size_t n)
{
    xmlrpc_write_member_begin(out, name);
    xmlrpc_write_array_begin(out);
    for (size_t i = 0; i < n; i++)
        xmlrpc_write_string(out, names[i]);
    xmlrpc_write_array_end(out);
    xmlrpc_write_member_end(out);
}

static void begin_update(struct call *call, bool live, bool dry_run)
{
    call_begin(call, "updateConfig");
    xmlrpc_write_param_begin(&call->request);
    xmlrpc_write_struct_begin(&call->request);
    put_flag(&call->request, "live", live);
    put_flag(&call->request, "dry_run", dry_run);
}

static void make_update(struct ctl *ctl, struct call *call)
{
    xmlrpc_write_struct_end(&call->request);
    xmlrpc_write_param_end(&call->request);
    client_call(ctl->client, call);
}

static void report_update(struct ctl *ctl, const struct call *call)
{
    if (call_is_fault(call, FAULT_SHUTDOWN_STATE))
        ctl_fail(ctl, CTL_GENERIC, "ERROR: already shutting down\n");
    else if (call_is_fault(call, FAULT_CANT_REREAD))
        ctl_fail(ctl, CTL_GENERIC, "ERROR: %s\n", call->text);
    else if (ctl_report_absence(ctl, call, ""))
        ctl->status = CTL_GENERIC;
    else
        ctl_report(ctl, call);
}

/* ---- what was or would be done ---- */

/* "changed (startsecs)", "would be changed (startsecs)"; groups in the words of a plain update. */
static void put_words(struct buf *out, const struct value *action, bool dry_run)
{
    const char *what = value_member_string(action, "action", "");
    const char *why = value_member_string(action, "why", "");
    bool is_group = !*value_member_string(action, "name", "");
    if (dry_run)
        buf_printf(out, "would be %s", what);
    else if (is_group && strcmp(what, "restarted") == 0)
        buf_puts(out, "updated process group");
    else
        buf_puts(out, what);
    if (is_group && !dry_run && (strcmp(what, "added") == 0 || strcmp(what, "removed") == 0))
        buf_puts(out, " process group");
    if (*why)
        buf_printf(out, " (%s)", why);
}

static void put_name(struct buf *out, const struct value *action)
{
    const char *group = value_member_string(action, "group", "");
    const char *process = value_member_string(action, "name", "");
    if (*process)
        name_put(out, group, process);
    else
        buf_puts(out, group);
}

static bool tell_action(struct ctl *ctl, const struct value *action, bool dry_run)
{
    struct buf line = BUF_INIT;
    bool ok = value_member_int(action, "status", 0) == FAULT_SUCCESS;
    put_name(&line, action);
    buf_puts(&line, ": ");
    if (ok)
        put_words(&line, action, dry_run);
    else
        buf_printf(&line, "ERROR (%s)", value_member_string(action, "description", ""));
    printf("%s\n", buf_text(&line));
    buf_free(&line);
    if (!ok)
        ctl->status = CTL_GENERIC;
    return ok;
}

static bool tell_actions(struct ctl *ctl, const struct value *actions, bool dry_run)
{
    bool ok = true;
    for (size_t i = 0; i < actions->n; i++)
        ok &= tell_action(ctl, &actions->items[i], dry_run);
    return ok;
}

/* ---- names ---- */

static bool names_group(const struct value *list, const char *group)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(value_member_string(&list->items[i], "group", ""), group) == 0)
            return true;
    }
    return false;
}

/* Names that neither run nor were changed. */
static void tell_unknown(struct ctl *ctl, const struct request *request,
                         const struct value *actions)
{
    struct call call;
    ctl_call(ctl, &call, "getAllProcessInfo", NULL, NULL);
    for (size_t i = 0; call.answer == ANSWER_VALUE && i < request->n; i++) {
        const char *name = request->words[i];
        if (names_group(&call.value, name) || names_group(actions, name))
            continue;
        (void)fprintf(request->json ? stderr : stdout, "ERROR: no such group: %s\n", name);
        ctl->status = CTL_GENERIC;
    }
    call_free(&call);
}

/* ---- the updates ---- */

bool update_by_server(struct ctl *ctl, const struct request *request)
{
    struct call call;
    bool everything = !request->n || names_have_all(request->words, request->n);
    begin_update(&call, request->live, request->dry_run);
    if (!everything)
        put_names(&call.request, "groups", request->words, request->n);
    make_update(ctl, &call);
    bool known = !call_is_fault(&call, FAULT_UNKNOWN_METHOD);
    if (call.answer == ANSWER_VALUE) {
        if (!everything)
            tell_unknown(ctl, request, &call.value);
        if (request->json)
            (void)json_print(json_of_value(&call.value));
        else
            (void)tell_actions(ctl, &call.value, request->dry_run); /* notes failures itself */
    } else if (known) {
        report_update(ctl, &call);
    }
    call_free(&call);
    return known;
}

bool update_processes(struct ctl *ctl, char *const names[], size_t n, bool dry_run)
{
    struct call call;
    bool ok = true;
    begin_update(&call, true, dry_run);
    put_names(&call.request, "processes", names, n);
    make_update(ctl, &call);
    if (call.answer != ANSWER_VALUE) {
        report_update(ctl, &call);
        ok = false;
    }
    for (size_t i = 0; ok && i < call.value.n; i++) {
        bool failed = value_member_int(&call.value.items[i], "status", 0) != FAULT_SUCCESS;
        if (!dry_run || failed) /* before it is done only what prevents it is of interest */
            ok &= tell_action(ctl, &call.value.items[i], dry_run);
    }
    call_free(&call);
    return ok;
}
