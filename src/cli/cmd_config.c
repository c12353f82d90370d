/* SPDX-License-Identifier: MIT */
/* cmd_config.c: avail, reread, update, add and remove: the configuration and what runs of it. */
#include "commands.h"
#include "format.h"
#include "json.h"
#include "names.h"
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* These commands do not look first whether there is a server. */
static void report(struct ctl *ctl, const struct call *call, const char *shutdown_words)
{
    if (shutdown_words && call_is_fault(call, FAULT_SHUTDOWN_STATE))
        ctl_fail(ctl, CTL_GENERIC, "ERROR: %s\n", shutdown_words);
    else if (call_is_fault(call, FAULT_CANT_REREAD))
        ctl_fail(ctl, CTL_GENERIC, "ERROR: %s\n", call->text);
    else if (ctl_report_absence(ctl, call, ""))
        ctl->status = CTL_GENERIC;
    else
        ctl_report(ctl, call);
}

static bool accepts_none(struct ctl *ctl, const struct request *request, const char *command)
{
    if (!request->n)
        return true;
    ctl_fail(ctl, CTL_GENERIC, "Error: %s accepts no arguments\n", command);
    command_print_help(command);
    return false;
}

void cmd_avail(struct ctl *ctl, const struct request *request)
{
    struct call call;
    if (!accepts_none(ctl, request, "avail"))
        return;
    ctl_call(ctl, &call, "getAllConfigInfo", NULL, NULL);
    if (call.answer != ANSWER_VALUE) {
        report(ctl, &call, "supervisor shutting down");
    } else if (request->json) {
        (void)json_print(json_of_value(&call.value));
    } else {
        struct buf rows = BUF_INIT;
        for (size_t i = 0; i < call.value.n; i++)
            format_avail(&rows, &call.value.items[i]);
        (void)fwrite(buf_text(&rows), 1, rows.len, stdout);
        buf_free(&rows);
    }
    call_free(&call);
}

/* ---- what reloadConfig says ---- */

enum change { ADDED, CHANGED, REMOVED };
enum { CHANGES = 3 };

/* The list of one kind; never NULL. */
static const struct value *changes_of(const struct call *call, enum change kind)
{
    static const struct value none = { .kind = VALUE_ARRAY };
    const struct value *lists = call->value.n ? &call->value.items[0] : &none;
    return (size_t)kind < lists->n ? &lists->items[kind] : &none;
}

static bool lists_name(const struct value *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(value_string(&list->items[i], ""), name) == 0)
            return true;
    return false;
}

static json_t *json_of_changes(const struct call *call)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "added", json_of_value(changes_of(call, ADDED)));
    (void)json_object_set_new(object, "changed", json_of_value(changes_of(call, CHANGED)));
    (void)json_object_set_new(object, "removed", json_of_value(changes_of(call, REMOVED)));
    return object;
}

struct difference {
    const char *name, *word;
};

static int by_name(const void *a, const void *b)
{
    const struct difference *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* A group in several lists shows as the last of them says. */
static void print_differences(const struct call *call)
{
    static const char *const words[CHANGES] = { "available", "changed", "disappeared" };
    size_t n = 0;
    struct difference *all = NULL;
    for (int kind = ADDED; kind <= REMOVED; kind++)
        n += changes_of(call, (enum change)kind)->n;
    if (!n) {
        printf("No config updates to processes\n");
        return;
    }
    all = calloc(n, sizeof(*all));
    n = 0;
    for (int kind = ADDED; all && kind <= REMOVED; kind++) {
        const struct value *list = changes_of(call, (enum change)kind);
        for (size_t i = 0; i < list->n; i++) {
            const char *name = value_string(&list->items[i], "");
            bool again = false;
            for (int later = kind + 1; later <= REMOVED; later++)
                again |= lists_name(changes_of(call, (enum change)later), name);
            if (!again)
                all[n++] = (struct difference){ name, words[kind] };
        }
    }
    if (all)
        qsort(all, n, sizeof(*all), by_name);
    for (size_t i = 0; all && i < n; i++)
        printf("%s: %s\n", all[i].name, all[i].word);
    free(all);
}

void cmd_reread(struct ctl *ctl, const struct request *request)
{
    struct call call;
    if (!accepts_none(ctl, request, "reread"))
        return;
    ctl_call(ctl, &call, "reloadConfig", NULL, NULL);
    if (call.answer != ANSWER_VALUE)
        report(ctl, &call, "supervisor shutting down");
    else if (request->json)
        (void)json_print(json_of_changes(&call));
    else
        print_differences(&call);
    call_free(&call);
}

/* ---- update ---- */

struct update {
    struct ctl *ctl;
    const struct request *request;
    bool everything;
    bool broken;  /* a call failed in a way that ends the update */
    json_t *done; /* --json: what was done, by kind; else NULL */
};

/* Say what was done, or note it for --json. */
static void tell(struct update *u, const char *group, const char *what)
{
    progress_wipe();
    if (!u->done)
        printf("%s: %s\n", group, what);
}

static void note(struct update *u, const char *kind, const char *group)
{
    if (u->done)
        (void)json_array_append_new(json_object_get(u->done, kind), json_string(group));
}

static bool step(struct update *u, const char *method, const char *group)
{
    struct call call;
    ctl_call(u->ctl, &call, method, group, NULL);
    bool ok = call.answer == ANSWER_VALUE;
    if (!ok) {
        ctl_report(u->ctl, &call);
        u->broken = true;
    }
    call_free(&call);
    return ok;
}

/* Stop a group. *ret_failed: a process could not be stopped. */
static bool stop_group(struct update *u, const char *group, bool *ret_failed)
{
    struct call call;
    ctl_call(u->ctl, &call, "stopProcessGroup", group, NULL);
    bool ok = call.answer == ANSWER_VALUE;
    *ret_failed = false;
    for (size_t i = 0; ok && i < call.value.n; i++)
        *ret_failed |= value_member_int(&call.value.items[i], "status", 0) == FAULT_FAILED;
    if (ok) {
        tell(u, group, "stopped");
    } else {
        ctl_report(u->ctl, &call);
        u->broken = true;
    }
    call_free(&call);
    return ok;
}

static void remove_group(struct update *u, const char *group)
{
    bool failed = false;
    if (!stop_group(u, group, &failed))
        return;
    if (failed) {
        tell(u, group, "has problems; not removing");
        note(u, "failed", group);
        u->ctl->status = CTL_GENERIC;
    } else if (step(u, "removeProcessGroup", group)) {
        tell(u, group, "removed process group");
        note(u, "removed", group);
    }
}

static void change_group(struct update *u, const char *group)
{
    bool failed = false;
    if (stop_group(u, group, &failed) && step(u, "removeProcessGroup", group) &&
        step(u, "addProcessGroup", group)) {
        tell(u, group, "updated process group");
        note(u, "changed", group);
    }
}

static void add_group(struct update *u, const char *group)
{
    if (step(u, "addProcessGroup", group)) {
        tell(u, group, "added process group");
        note(u, "added", group);
    }
}

static bool is_asked(const struct update *u, const char *group)
{
    bool asked = u->everything;
    for (size_t i = 0; i < u->request->n && !asked; i++)
        asked = strcmp(u->request->words[i], group) == 0;
    return asked;
}

static void apply(struct update *u, const struct value *list,
                  void (*change)(struct update *u, const char *group))
{
    for (size_t i = 0; i < list->n && !u->broken; i++) {
        const char *group = value_string(&list->items[i], "");
        if (is_asked(u, group))
            change(u, group);
    }
}

static bool is_active(const struct value *infos, const char *group)
{
    for (size_t i = 0; i < infos->n; i++)
        if (strcmp(value_member_string(&infos->items[i], "group", ""), group) == 0)
            return true;
    return false;
}

/* Names that are neither active nor new. False: the server could not be asked. */
static bool refuse_unknown(struct update *u, const struct call *changes)
{
    struct call call;
    ctl_call(u->ctl, &call, "getAllProcessInfo", NULL, NULL);
    bool ok = call.answer == ANSWER_VALUE;
    if (!ok)
        report(u->ctl, &call, NULL);
    for (size_t i = 0; ok && i < u->request->n; i++) {
        const char *name = u->request->words[i];
        if (is_active(&call.value, name) || lists_name(changes_of(changes, ADDED), name))
            continue;
        if (u->done)
            (void)fprintf(stderr, "ERROR: no such group: %s\n", name);
        else
            printf("ERROR: no such group: %s\n", name);
        u->ctl->status = CTL_GENERIC;
    }
    call_free(&call);
    return ok;
}

/* --dry-run: the same lists, told instead of done. */
static void preview(struct update *u, const char *group, const char *what)
{
    if (!u->done)
        printf("%s: would be %s\n", group, what);
}

static void preview_removed(struct update *u, const char *group)
{
    preview(u, group, "stopped and removed");
    note(u, "removed", group);
}

static void preview_changed(struct update *u, const char *group)
{
    preview(u, group, "restarted with its new configuration");
    note(u, "changed", group);
}

static void preview_added(struct update *u, const char *group)
{
    preview(u, group, "added");
    note(u, "added", group);
}

static json_t *new_notes(void)
{
    return json_pack("{s:[],s:[],s:[],s:[]}", "added", "changed", "removed", "failed");
}

static void update(struct update *u, const struct call *changes)
{
    bool dry = u->request->dry_run;
    if (!u->everything && !refuse_unknown(u, changes))
        return;
    apply(u, changes_of(changes, REMOVED), dry ? preview_removed : remove_group);
    apply(u, changes_of(changes, CHANGED), dry ? preview_changed : change_group);
    apply(u, changes_of(changes, ADDED), dry ? preview_added : add_group);
}

void cmd_update(struct ctl *ctl, const struct request *request)
{
    struct call call;
    struct update u = {
        .ctl = ctl,
        .request = request,
        .everything = !request->n || names_have_all(request->words, request->n),
    };
    if ((request->live || request->dry_run) && update_by_server(ctl, request))
        return;
    if (request->live) {
        ctl_fail(ctl, CTL_GENERIC, "ERROR: this supervisord cannot update live\n");
        return;
    }
    ctl_call(ctl, &call, "reloadConfig", NULL, NULL);
    if (call.answer != ANSWER_VALUE) {
        report(ctl, &call, "already shutting down");
    } else {
        u.done = request->json ? new_notes() : NULL;
        update(&u, &call);
        if (request->json)
            (void)json_print(u.done);
    }
    call_free(&call);
}

/* ---- add and remove ---- */

static void add_one(struct ctl *ctl, const char *name, const struct call *call)
{
    if (call->answer == ANSWER_VALUE)
        printf("%s: added process group\n", name);
    else if (call_is_fault(call, FAULT_SHUTDOWN_STATE))
        ctl_fail(ctl, CTL_GENERIC, "ERROR: shutting down\n");
    else if (call_is_fault(call, FAULT_ALREADY_ADDED))
        printf("ERROR: process group already active\n");
    else if (call_is_fault(call, FAULT_BAD_NAME))
        ctl_fail(ctl, CTL_GENERIC, "ERROR: no such process/group: %s\n", name);
    else
        report(ctl, call, NULL);
}

static void remove_one(struct ctl *ctl, const char *name, const struct call *call)
{
    if (call->answer == ANSWER_VALUE)
        printf("%s: removed process group\n", name);
    else if (call_is_fault(call, FAULT_STILL_RUNNING))
        ctl_fail(ctl, CTL_GENERIC, "ERROR: process/group still running: %s\n", name);
    else if (call_is_fault(call, FAULT_BAD_NAME))
        ctl_fail(ctl, CTL_GENERIC, "ERROR: no such process/group: %s\n", name);
    else
        report(ctl, call, NULL);
}

static void each_name(struct ctl *ctl, const struct request *request, const char *method,
                      void (*tell_one)(struct ctl *ctl, const char *name, const struct call *call))
{
    bool reached = true;
    for (size_t i = 0; i < request->n && reached && !ctl->needs_credentials; i++) {
        struct call call;
        ctl_call(ctl, &call, method, request->words[i], NULL);
        tell_one(ctl, request->words[i], &call);
        reached = call.answer == ANSWER_VALUE || call.answer == ANSWER_FAULT;
        call_free(&call);
    }
}

void cmd_add(struct ctl *ctl, const struct request *request)
{
    each_name(ctl, request, "addProcessGroup", add_one);
}

void cmd_remove(struct ctl *ctl, const struct request *request)
{
    each_name(ctl, request, "removeProcessGroup", remove_one);
}
