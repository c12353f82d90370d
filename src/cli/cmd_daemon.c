/* SPDX-License-Identifier: MIT */
/* cmd_daemon.c: pid, version, shutdown, reload and open: about the daemon itself. */
#include "commands.h"
#include "json.h"
#include "names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void cmd_version(struct ctl *ctl, const struct request *request)
{
    struct call call;
    if (request->n) {
        ctl_fail(ctl, CTL_GENERIC, "Error: version accepts no arguments\n");
        command_print_help("version");
        return;
    }
    if (!ctl_check(ctl))
        return;
    ctl_call(ctl, &call, "getSupervisorVersion", NULL, NULL);
    if (call.answer != ANSWER_VALUE)
        ctl_report(ctl, &call);
    else if (request->json)
        (void)json_print(json_pack("{s:s}", "version", value_string(&call.value, "")));
    else
        printf("%s\n", value_string(&call.value, ""));
    call_free(&call);
}

/* ---- pid ---- */

static json_t *json_of_pid(const struct value *info)
{
    return json_pack("{s:s,s:s,s:I}", "name", value_member_string(info, "name", ""), "group",
                     value_member_string(info, "group", ""), "pid",
                     (json_int_t)value_member_int(info, "pid", 0));
}

static void pid_of_daemon(struct ctl *ctl, const struct request *request)
{
    struct call call;
    ctl_call(ctl, &call, "getPID", NULL, NULL);
    long long pid = value_int(&call.value, 0);
    if (call.answer != ANSWER_VALUE)
        ctl_report(ctl, &call);
    else if (request->json)
        (void)json_print(json_pack("{s:I}", "pid", (json_int_t)pid));
    else
        printf("%lld\n", pid);
    call_free(&call);
}

static void pid_of_all(struct ctl *ctl, const struct request *request)
{
    struct call call;
    json_t *array = request->json ? json_array() : NULL;
    ctl_call(ctl, &call, "getAllProcessInfo", NULL, NULL);
    bool ok = call.answer == ANSWER_VALUE;
    if (!ok)
        ctl_report(ctl, &call);
    for (size_t i = 0; ok && i < call.value.n; i++) {
        if (array)
            (void)json_array_append_new(array, json_of_pid(&call.value.items[i]));
        else
            printf("%lld\n", (long long)value_member_int(&call.value.items[i], "pid", 0));
    }
    if (ok && array)
        (void)json_print(array);
    else
        json_decref(array);
    call_free(&call);
}

struct pids {
    struct ctl *ctl;
    char **words;
    struct call *calls;
    json_t *array; /* --json */
    bool broken;
};

static void tell_pid(void *data, size_t i)
{
    struct pids *p = data;
    const struct call *call = &p->calls[i];
    if (p->broken)
        return;
    if (call->answer == ANSWER_VALUE) {
        long long pid = value_member_int(&call->value, "pid", 0);
        if (p->array)
            (void)json_array_append_new(p->array, json_of_pid(&call->value));
        else
            printf("%lld\n", pid);
        if (!pid)
            p->ctl->status = CTL_NOT_RUNNING;
    } else if (call_is_fault(call, FAULT_BAD_NAME)) {
        (void)fprintf(p->array ? stderr : stdout, "No such process %s\n", p->words[i]);
        p->ctl->status = CTL_GENERIC;
    } else {
        ctl_report(p->ctl, call);
        p->broken = call->answer != ANSWER_FAULT;
    }
}

static void pid_of_names(struct ctl *ctl, const struct request *request)
{
    size_t n = 0;
    struct pids p = { .ctl = ctl, .words = ctl_expand_names(ctl, request, &n) };
    p.calls = calloc(n + 1, sizeof(*p.calls));
    p.array = request->json ? json_array() : NULL;
    /* Answered at once: one connection for all is as fast as many at a time. */
    for (size_t i = 0; p.words && p.calls && i < n && !p.broken; i++) {
        call_begin(&p.calls[i], "getProcessInfo");
        call_string(&p.calls[i], p.words[i]);
        client_call(ctl->client, &p.calls[i]);
        tell_pid(&p, i);
        call_free(&p.calls[i]);
    }
    if (p.array && p.calls && !p.broken)
        (void)json_print(json_incref(p.array));
    json_decref(p.array);
    free(p.calls);
    names_free(p.words, n);
}

void cmd_pid(struct ctl *ctl, const struct request *request)
{
    if (!ctl_check(ctl))
        return;
    if (!request->n)
        pid_of_daemon(ctl, request);
    else if (names_have_all(request->words, request->n))
        pid_of_all(ctl, request);
    else
        pid_of_names(ctl, request);
}

/* ---- shutdown and reload ---- */

/* False: somebody was asked and did not agree. */
static bool is_confirmed(struct ctl *ctl, const char *question)
{
    if (!ctl->interactive)
        return true;
    char *answer = input_ask(ctl->input, question);
    if (!answer)
        ctl_fail(ctl, CTL_GENERIC, "error: EOFError: the input ended at the question\n");
    bool yes = answer && (*answer == 'y' || *answer == 'Y');
    free(answer);
    return yes;
}

static bool accepts_none(struct ctl *ctl, const struct request *request, const char *command)
{
    if (!request->n)
        return true;
    ctl_fail(ctl, CTL_GENERIC, "Error: %s accepts no arguments\n", command);
    command_print_help(command);
    return false;
}

void cmd_shutdown(struct ctl *ctl, const struct request *request)
{
    struct call call;
    if (!accepts_none(ctl, request, "shutdown") ||
        !is_confirmed(ctl, "Really shut the remote supervisord process down y/N? "))
        return;
    ctl_call(ctl, &call, "shutdown", NULL, NULL);
    if (call.answer == ANSWER_VALUE) {
        printf("Shut down\n");
    } else if (call_is_fault(&call, FAULT_SHUTDOWN_STATE)) {
        printf("ERROR: already shutting down\n");
    } else if (call_is_absence(&call)) {
        printf("ERROR: ");
        (void)ctl_report_absence(ctl, &call, " (already shut down?)");
        ctl->status = CTL_GENERIC;
    } else {
        ctl_report(ctl, &call);
    }
    call_free(&call);
}

void cmd_reload(struct ctl *ctl, const struct request *request)
{
    struct call call;
    if (!accepts_none(ctl, request, "reload") ||
        !is_confirmed(ctl, "Really restart the remote supervisord process y/N? "))
        return;
    ctl_call(ctl, &call, "restart", NULL, NULL);
    if (call.answer == ANSWER_VALUE)
        printf("Restarted supervisord\n");
    else if (call_is_fault(&call, FAULT_SHUTDOWN_STATE))
        ctl_fail(ctl, CTL_GENERIC, "ERROR: already shutting down\n");
    else if (ctl_report_absence(ctl, &call, ""))
        ctl->status = CTL_GENERIC;
    else
        ctl_report(ctl, &call);
    call_free(&call);
}

/* ---- open ---- */

void cmd_open(struct ctl *ctl, const struct request *request)
{
    const char *url = request->rest;
    size_t scheme = strcspn(url, ":");
    bool known = url[scheme] == ':' && ((scheme == 4 && strncasecmp(url, "http", 4) == 0) ||
                                        (scheme == 4 && strncasecmp(url, "unix", 4) == 0));
    if (!known) {
        ctl_fail(ctl, CTL_GENERIC, "ERROR: url must be http:// or unix://\n");
        return;
    }
    if (ctl_open(ctl, url) < 0) {
        ctl_fail(ctl, CTL_GENERIC, "error: out of memory\n");
        return;
    }
    cmd_status(ctl, &(struct request){ .rest = "" });
    if (ctl->status != CTL_GENERIC)
        ctl->status = CTL_SUCCESS;
}
