/* SPDX-License-Identifier: MIT */
/* cmd_status.c: how the processes are. */
#include "commands.h"
#include "format.h"
#include "hint.h"
#include "interrupt.h"
#include "json.h"
#include "names.h"

#include "supervisor/core/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WATCH_MS = 1000 };

/* Processes chosen out of an answer, which must live as long. */
struct selection {
    const struct value **infos;
    size_t n, room;
};

static bool select_one(struct selection *s, const struct value *info)
{
    if (s->n == s->room) {
        size_t room = s->room ? s->room * 2 : 64;
        const struct value **infos = reallocarray(s->infos, room, sizeof(*infos));
        if (!infos)
            return false;
        s->infos = infos;
        s->room = room;
    }
    s->infos[s->n++] = info;
    return true;
}

/* Those that word names; without any, says so to errors. */
static void select_named(struct ctl *ctl, const struct value *all, const char *word,
                         struct selection *s, FILE *errors)
{
    struct namespec spec;
    size_t before = s->n;
    if (namespec_parse(word, &spec) < 0)
        return;
    for (size_t i = 0; i < all->n; i++)
        if (namespec_holds(&spec, &all->items[i]))
            (void)select_one(s, &all->items[i]);
    if (s->n == before) {
        if (spec.process)
            (void)fprintf(errors, "%s: ERROR (no such process)\n", word);
        else
            (void)fprintf(errors, "%s: ERROR (no such group)\n", spec.group);
        ctl->status = CTL_STATUS_UNKNOWN;
        hint_name(word, all);
    }
    namespec_free(&spec);
}

static void select_asked(struct ctl *ctl, const struct request *request, const struct value *all,
                         struct selection *s)
{
    if (!request->n || names_have_all(request->words, request->n)) {
        for (size_t i = 0; i < all->n; i++)
            (void)select_one(s, &all->items[i]);
        return;
    }
    size_t n = 0;
    char **words = names_expand(request->words, request->n, all, &n);
    for (size_t i = 0; words && i < n; i++)
        select_named(ctl, all, words[i], s, request->json ? stderr : stdout);
    names_free(words, n);
}

/* Does a process in this state count as not running? */
static bool is_down(int64_t state)
{
    return state == PROCESS_STOPPED || state == PROCESS_EXITED || state == PROCESS_FATAL ||
           state == PROCESS_UNKNOWN;
}

static void print_json(struct ctl *ctl, const struct selection *s)
{
    json_t *array = json_array();
    for (size_t i = 0; i < s->n; i++)
        (void)json_array_append_new(array, json_of_value(s->infos[i]));
    if (!json_print(array))
        ctl_fail(ctl, CTL_GENERIC, "error: out of memory\n");
}

static void print_rows(const struct ctl *ctl, const struct selection *s)
{
    struct buf rows = BUF_INIT;
    format_status(&rows, s->infos, s->n, ctl->colour);
    (void)fwrite(buf_text(&rows), 1, rows.len, stdout);
    buf_free(&rows);
}

/* One look. Returns false if the server did not answer. */
static bool show(struct ctl *ctl, const struct request *request)
{
    struct call call;
    struct selection s = { 0 };
    ctl_call(ctl, &call, "getAllProcessInfo", NULL, NULL);
    bool answered = call.answer == ANSWER_VALUE;
    if (answered) {
        select_asked(ctl, request, &call.value, &s);
        for (size_t i = 0; i < s.n; i++)
            if (is_down(value_member_int(s.infos[i], "state", PROCESS_UNKNOWN)))
                ctl->status = CTL_STATUS_NOT_RUNNING;
        if (request->json)
            print_json(ctl, &s);
        else if (request->verbose)
            show_details(ctl, s.infos, s.n);
        else
            print_rows(ctl, &s);
    } else {
        ctl_report(ctl, &call);
    }
    free(s.infos);
    call_free(&call);
    return answered;
}

/* Again and again until Ctrl-C; a server that goes away is waited for. */
static void watch(struct ctl *ctl, const struct request *request)
{
    bool clear = isatty(STDOUT_FILENO);
    struct interrupt interrupt;
    interrupt_begin(&interrupt);
    do {
        if (clear)
            printf("\33[H\33[2J");
        ctl->status = CTL_SUCCESS;
        (void)show(ctl, request);
        if (ctl->needs_credentials)
            break;
        if (clear) {
            char now[32];
            time_t t = time(NULL);
            struct tm local;
            (void)strftime(now, sizeof(now), "%H:%M:%S", localtime_r(&t, &local));
            printf("\n%s  every second; Ctrl-C ends\n", now);
        } else {
            printf("\n");
        }
        (void)fflush(stdout);
    } while (!interrupt_wait(&interrupt, WATCH_MS));
    interrupt_end(&interrupt);
}

void cmd_status(struct ctl *ctl, const struct request *request)
{
    if (!ctl_check(ctl)) {
        /* Whatever kept us from asking, the state is unknown; but an error stays an error. */
        if (ctl->status != CTL_GENERIC)
            ctl->status = CTL_STATUS_UNKNOWN;
        return;
    }
    if (request->watch)
        watch(ctl, request);
    else
        (void)show(ctl, request);
}
