/* SPDX-License-Identifier: MIT */
/* cmd_control.c: start, stop, restart, signal and clear.
 *
 * Several names are handled at the same time, each with a connection of its own, but told in the
 * order of the arguments. Names that have a process in common are handled one after the other.
 */
#include "commands.h"
#include "hint.h"
#include "names.h"
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a fault, or the status of one result of many, means to one verb. */
struct verdict {
    int code;
    const char *text; /* in "NAME: ERROR (text)"; NULL: the server's own words, alone */
    int status;
};

struct verb {
    const char *name;
    const char *done;              /* "NAME: done" */
    const char *going;             /* the same when it was not waited for */
    const char *one, *group, *all; /* methods */
    int no_group_status;
    bool waits; /* its methods take "wait" */
    struct verdict verdicts[8];
};

static const struct verb start = {
    .name = "start",
    .done = "started",
    .going = "starting",
    .one = "startProcess",
    .group = "startProcessGroup",
    .all = "startAllProcesses",
    .no_group_status = CTL_INVALID_ARGS,
    .waits = true,
    .verdicts = { { FAULT_ALREADY_STARTED, "already started", CTL_SUCCESS },
                  { FAULT_BAD_NAME, "no such process", CTL_GENERIC },
                  { FAULT_NO_FILE, "no such file", CTL_GENERIC },
                  { FAULT_NOT_EXECUTABLE, "file is not executable", CTL_GENERIC },
                  { FAULT_SPAWN_ERROR, "spawn error", CTL_NOT_RUNNING },
                  { FAULT_ABNORMAL_TERMINATION, "abnormal termination", CTL_NOT_RUNNING } },
};

static const struct verb stop = {
    .name = "stop",
    .done = "stopped",
    .going = "stopping",
    .one = "stopProcess",
    .group = "stopProcessGroup",
    .all = "stopAllProcesses",
    .no_group_status = CTL_GENERIC,
    .waits = true,
    .verdicts = { { FAULT_NOT_RUNNING, "not running", CTL_SUCCESS },
                  { FAULT_BAD_NAME, "no such process", CTL_GENERIC },
                  { FAULT_FAILED, NULL, CTL_GENERIC } },
};

static const struct verb signal_verb = {
    .name = "signal",
    .done = "signalled",
    .going = "signalled",
    .one = "signalProcess",
    .group = "signalProcessGroup",
    .all = "signalAllProcesses",
    .no_group_status = CTL_GENERIC,
    .verdicts = { { FAULT_BAD_SIGNAL, "bad signal name", CTL_GENERIC },
                  { FAULT_NOT_RUNNING, "not running", CTL_NOT_RUNNING },
                  { FAULT_BAD_NAME, "no such process", CTL_GENERIC },
                  { FAULT_FAILED, NULL, CTL_GENERIC } },
};

static const struct verb clear = {
    .name = "clear",
    .done = "cleared",
    .going = "cleared",
    .one = "clearProcessLogs",
    .group = NULL, /* by its members */
    .all = "clearAllProcessLogs",
    .no_group_status = CTL_GENERIC,
    .verdicts = { { FAULT_BAD_NAME, "no such process", CTL_GENERIC },
                  { FAULT_FAILED, "failed", CTL_GENERIC } },
};

static const struct verb hup = {
    .name = "hup",
    .done = "reloading",
    .going = "reloading",
    .one = "reloadProcess",
    .group = "reloadProcessGroup",
    .all = "reloadAllProcesses",
    .no_group_status = CTL_GENERIC,
    .verdicts = { { FAULT_NOT_RUNNING, "not running", CTL_NOT_RUNNING },
                  { FAULT_BAD_NAME, "no such process", CTL_GENERIC },
                  { FAULT_FAILED, NULL, CTL_GENERIC } },
};

static const struct verb rotate = {
    .name = "rotate",
    .done = "rotated",
    .going = "rotated",
    .one = "rotateProcessLogs",
    .group = "rotateProcessGroupLogs",
    .all = "rotateAllProcessLogs",
    .no_group_status = CTL_GENERIC,
    .verdicts = { { FAULT_BAD_NAME, "no such process", CTL_GENERIC },
                  { FAULT_FAILED, NULL, CTL_GENERIC } },
};

static const struct verb reopen = {
    .name = "reopen",
    .done = "reopened",
    .going = "reopened",
    .one = "reopenProcessLogs",
    .group = "reopenProcessGroupLogs",
    .all = "reopenAllProcessLogs",
    .no_group_status = CTL_GENERIC,
    .verdicts = { { FAULT_BAD_NAME, "no such process", CTL_GENERIC },
                  { FAULT_FAILED, NULL, CTL_GENERIC } },
};

/* One name of the arguments. */
struct job {
    const char *word;
    struct namespec spec;
    struct call call;
};

struct work {
    struct ctl *ctl;
    const struct verb *verb;
    const char *signal; /* NULL: none */
    bool no_wait;
    struct job *jobs;
    size_t n;
    size_t batch; /* index of the first job of those under way */
    bool broken;  /* the server went away: what follows was not attempted */
};

/* ---- results ---- */

static void tell_result(struct work *w, const char *name, int64_t code, const char *text)
{
    if (code == FAULT_SUCCESS) {
        printf("%s: %s\n", name, w->no_wait ? w->verb->going : w->verb->done);
        return;
    }
    for (const struct verdict *v = w->verb->verdicts; v->code; v++) {
        if (v->code != code)
            continue;
        if (v->text)
            printf("%s: ERROR (%s)\n", name, v->text);
        else
            printf("%s\n", text);
        if (v->status)
            w->ctl->status = v->status;
        return;
    }
    ctl_fail(w->ctl, CTL_GENERIC, "error: Unknown result code %lld for %s\n", (long long)code,
             name);
}

/* The structs that a group's or everybody's call returns. */
static void tell_results(struct work *w, const struct value *results)
{
    for (size_t i = 0; i < results->n; i++) {
        const struct value *result = &results->items[i];
        struct buf name = BUF_INIT;
        name_put_of(&name, result);
        tell_result(w, buf_text(&name), value_member_int(result, "status", 0),
                    value_member_string(result, "description", ""));
        buf_free(&name);
    }
}

static void tell_timeout(struct work *w, const char *name)
{
    ctl_fail(w->ctl, CTL_GENERIC, "%s: ERROR (timed out)\n", name);
}

static void hint_unknown(struct work *w, const struct job *job)
{
    struct call call;
    if (!isatty(STDERR_FILENO))
        return;
    ctl_call(w->ctl, &call, "getAllProcessInfo", NULL, NULL);
    if (call.answer == ANSWER_VALUE)
        hint_name(job->word, &call.value);
    call_free(&call);
}

static void tell_job(void *data, size_t i)
{
    struct work *w = data;
    struct job *job = &w->jobs[w->batch + i];
    struct call *call = &job->call;
    if (w->broken)
        return;
    progress_wipe();
    if (call->answer == ANSWER_TIMEOUT) {
        tell_timeout(w, job->spec.display);
    } else if (call->answer == ANSWER_VALUE && !job->spec.process) {
        tell_results(w, &call->value);
    } else if (call->answer == ANSWER_VALUE) {
        tell_result(w, job->spec.display, FAULT_SUCCESS, "");
    } else if (call_is_fault(call, FAULT_BAD_NAME) && !job->spec.process) {
        ctl_fail(w->ctl, w->verb->no_group_status, "%s: ERROR (no such group)\n", job->spec.group);
    } else if (call->answer == ANSWER_FAULT && job->spec.process) {
        tell_result(w, job->spec.display, call->fault_code, call->text);
    } else {
        ctl_report(w->ctl, call);
        w->broken = call->answer != ANSWER_FAULT;
    }
}

/* ---- calls ---- */

static void begin_call(struct work *w, struct call *call, const char *method, const char *name)
{
    call_begin(call, method);
    if (name)
        call_string(call, name);
    if (w->signal)
        call_string(call, w->signal);
    if (w->no_wait)
        call_bool(call, false);
}

static void begin_job(struct work *w, struct job *job)
{
    if (!job->spec.process) {
        begin_call(w, &job->call, w->verb->group, job->spec.group);
        return;
    }
    /* What was typed, but for the reference's spelling of a name that needs none. */
    begin_call(w, &job->call, w->verb->one, job->word);
}

static void do_all(struct work *w)
{
    struct call call;
    begin_call(w, &call, w->verb->all, NULL);
    client_call(w->ctl->client, &call);
    progress_wipe();
    if (call.answer == ANSWER_VALUE)
        tell_results(w, &call.value);
    else if (call.answer == ANSWER_TIMEOUT)
        tell_timeout(w, "all");
    else
        ctl_report(w->ctl, &call);
    call_free(&call);
}

/* How many jobs from `from` on have no process in common. */
static size_t batch_size(const struct work *w, size_t from)
{
    size_t n = 1;
    for (; from + n < w->n; n++)
        for (size_t i = from; i < from + n; i++)
            if (namespec_overlaps(&w->jobs[i].spec, &w->jobs[from + n].spec))
                return n;
    return n;
}

static void do_jobs(struct work *w)
{
    struct call **calls = calloc(w->n, sizeof(struct call *));
    for (w->batch = 0; calls && w->batch < w->n && !w->broken;) {
        size_t n = batch_size(w, w->batch);
        for (size_t i = 0; i < n; i++) {
            begin_job(w, &w->jobs[w->batch + i]);
            calls[i] = &w->jobs[w->batch + i].call;
        }
        client_call_all(w->ctl->client, calls, n, tell_job, w);
        w->batch += n;
    }
    free(calls);
    size_t unknown = w->n;
    for (size_t i = 0; i < w->n && unknown == w->n; i++)
        if (call_is_fault(&w->jobs[i].call, FAULT_BAD_NAME))
            unknown = i;
    if (unknown < w->n)
        hint_unknown(w, &w->jobs[unknown]);
}

static bool add_job(struct work *w, const char *word)
{
    struct job *job = &w->jobs[w->n];
    *job = (struct job){ .word = word, .call = { .request = BUF_INIT } };
    if (namespec_parse(word, &job->spec) < 0)
        return false;
    w->n++;
    return true;
}

static void do_words(struct work *w, char *const words[], size_t n)
{
    if (w->verb->waits && !w->no_wait)
        progress_begin(w->ctl, w->verb->going, words, n);
    if (names_have_all(words, n)) {
        do_all(w);
        return;
    }
    bool ok = (w->jobs = calloc(n, sizeof(*w->jobs)));
    for (size_t i = 0; ok && i < n; i++)
        ok = add_job(w, words[i]);
    if (ok)
        do_jobs(w);
    else
        ctl_fail(w->ctl, CTL_GENERIC, "error: out of memory\n");
    for (size_t i = 0; w->jobs && i < w->n; i++) {
        namespec_free(&w->jobs[i].spec);
        call_free(&w->jobs[i].call);
    }
    free(w->jobs);
}

/* ---- commands ---- */

static bool has_names(struct ctl *ctl, const struct request *request, const struct verb *verb)
{
    if (request->n)
        return true;
    ctl_fail(ctl, verb == &start ? CTL_INVALID_ARGS : CTL_GENERIC,
             "Error: %s requires a process name\n", verb->name);
    command_print_help(verb->name);
    return false;
}

/* do_words() with what a work begins with. */
static void control(struct ctl *ctl, const struct verb *verb, const char *signal, bool no_wait,
                    char *const words[], size_t n)
{
    struct work w = { .ctl = ctl, .verb = verb, .signal = signal, .no_wait = no_wait };
    do_words(&w, words, n);
    progress_end(ctl);
}

static void control_asked(struct ctl *ctl, const struct request *request, const struct verb *verb)
{
    size_t n = 0;
    if (!ctl_check(ctl) || !has_names(ctl, request, verb))
        return;
    char **words = ctl_expand_names(ctl, request, &n);
    if (words)
        control(ctl, verb, NULL, request->no_wait, words, n);
    names_free(words, n);
}

void cmd_start(struct ctl *ctl, const struct request *request)
{
    control_asked(ctl, request, &start);
}

void cmd_stop(struct ctl *ctl, const struct request *request)
{
    control_asked(ctl, request, &stop);
}

void cmd_hup(struct ctl *ctl, const struct request *request)
{
    control_asked(ctl, request, &hup);
}

void cmd_rotate(struct ctl *ctl, const struct request *request)
{
    control_asked(ctl, request, &rotate);
}

void cmd_reopen(struct ctl *ctl, const struct request *request)
{
    control_asked(ctl, request, &reopen);
}

/* ---- restart ---- */

static bool may_go_on(struct ctl *ctl)
{
    return !ctl->needs_credentials && ctl_check(ctl);
}

static void restart_words(struct ctl *ctl, const struct request *request, char *const words[],
                          size_t n)
{
    if (ctl_check(ctl))
        control(ctl, &stop, NULL, false, words, n);
    if (may_go_on(ctl))
        control(ctl, &start, NULL, request->no_wait, words, n);
}

/* A configuration that cannot be read stops nothing. */
static void restart_updated(struct ctl *ctl, const struct request *request, char *const words[],
                            size_t n)
{
    if (!update_processes(ctl, words, n, true))
        return;
    control(ctl, &stop, NULL, false, words, n);
    if (may_go_on(ctl) && update_processes(ctl, words, n, false))
        control(ctl, &start, NULL, request->no_wait, words, n);
}

/* So many at a time, as long as each becomes RUNNING. */
static void restart_rolling(struct ctl *ctl, const struct request *request, char *const words[],
                            size_t n)
{
    size_t parallel = request->parallel ? (size_t)request->parallel : 1;
    for (size_t at = 0; at < n && may_go_on(ctl); at += parallel) {
        size_t some = n - at < parallel ? n - at : parallel;
        if (request->update)
            restart_updated(ctl, request, words + at, some);
        else
            restart_words(ctl, request, words + at, some);
        if (ctl->status == CTL_SUCCESS || at + some == n)
            continue;
        printf("ERROR: stopped here, %zu of %zu were left alone\n", n - at - some, n);
        return;
    }
}

/* The processes that words name, one by one. */
static char **expand_to_processes(struct ctl *ctl, const struct request *request, size_t *ret_n)
{
    struct call call;
    char **words = NULL;
    ctl_call(ctl, &call, "getAllProcessInfo", NULL, NULL);
    if (call.answer != ANSWER_VALUE)
        ctl_report(ctl, &call);
    else
        words = names_expand_members(request->words, request->n, &call.value, ret_n);
    call_free(&call);
    return words;
}

void cmd_restart(struct ctl *ctl, const struct request *request)
{
    size_t n = 0;
    bool singly = request->rolling || request->update;
    if (!ctl_check(ctl))
        return;
    if (!request->n) {
        ctl_fail(ctl, CTL_GENERIC, "Error: restart requires a process name\n");
        command_print_help("restart");
        return;
    }
    char **words =
        singly ? expand_to_processes(ctl, request, &n) : ctl_expand_names(ctl, request, &n);
    if (words && request->rolling)
        restart_rolling(ctl, request, words, n);
    else if (words && request->update)
        restart_updated(ctl, request, words, n);
    else if (words)
        restart_words(ctl, request, words, n);
    names_free(words, n);
}

void cmd_signal(struct ctl *ctl, const struct request *request)
{
    size_t n = 0;
    if (!ctl_check(ctl))
        return;
    if (request->n < 2) {
        ctl_fail(ctl, CTL_GENERIC, "Error: signal requires a signal name and a process name\n");
        command_print_help("signal");
        return;
    }
    struct request names = *request;
    names.words++;
    names.n--;
    char **words = ctl_expand_names(ctl, &names, &n);
    if (words)
        control(ctl, &signal_verb, request->words[0], false, words, n);
    names_free(words, n);
}

/* ---- clear: the server has no call for a group ---- */

static bool names_group(const char *word)
{
    struct namespec spec;
    if (namespec_parse(word, &spec) < 0)
        return false;
    bool is_group = !spec.process;
    namespec_free(&spec);
    return is_group;
}

static void clear_group(struct ctl *ctl, const char *word)
{
    struct call call;
    struct namespec spec;
    if (namespec_parse(word, &spec) < 0)
        return;
    ctl_call(ctl, &call, "getAllProcessInfo", NULL, NULL);
    size_t found = 0;
    for (size_t i = 0; call.answer == ANSWER_VALUE && i < call.value.n; i++) {
        struct buf name = BUF_INIT;
        if (!namespec_holds(&spec, &call.value.items[i]))
            continue;
        found++;
        name_put_of(&name, &call.value.items[i]);
        control(ctl, &clear, NULL, false, &name.data, 1);
        buf_free(&name);
    }
    if (call.answer != ANSWER_VALUE)
        ctl_report(ctl, &call);
    else if (!found)
        ctl_fail(ctl, CTL_GENERIC, "%s: ERROR (no such group)\n", spec.group);
    call_free(&call);
    namespec_free(&spec);
}

void cmd_clear(struct ctl *ctl, const struct request *request)
{
    size_t n = 0;
    if (!ctl_check(ctl) || !has_names(ctl, request, &clear))
        return;
    char **words = ctl_expand_names(ctl, request, &n);
    if (words && names_have_all(words, n)) {
        control(ctl, &clear, NULL, false, words, n);
        names_free(words, n);
        return;
    }
    for (size_t i = 0; words && i < n && !ctl->needs_credentials;) {
        size_t single = 0; /* names between groups go together */
        while (i + single < n && !names_group(words[i + single]))
            single++;
        if (single)
            control(ctl, &clear, NULL, false, words + i, single);
        else
            clear_group(ctl, words[i]);
        i += single ? single : 1;
    }
    names_free(words, n);
}
