/* SPDX-License-Identifier: MIT */
/* progress.c: how far a long command is, on a terminal. */
#include "progress.h"
#include "names.h"

#include "supervisor/core/clock.h"
#include "supervisor/core/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 1000 }; /* for the look itself: it must not hold up the work */

static struct {
    struct ctl *ctl;
    struct client *onlooker; /* asks while the work waits on its own connections */
    const char *doing;
    char *const *words;
    size_t n;
    uint64_t start_ns;
    bool shown;
} progress; /* there is one terminal */

void progress_wipe(void)
{
    if (!progress.shown)
        return;
    (void)fputs("\r\33[K", stderr);
    progress.shown = false;
}

static bool is_meant(const struct value *info)
{
    bool meant = names_have_all(progress.words, progress.n);
    for (size_t i = 0; i < progress.n && !meant; i++) {
        struct namespec spec;
        if (namespec_parse(progress.words[i], &spec) < 0)
            return false;
        meant = namespec_holds(&spec, info);
        namespec_free(&spec);
    }
    return meant;
}

static bool is_there(const struct value *info)
{
    int64_t state = value_member_int(info, "state", PROCESS_UNKNOWN);
    bool is_up = state == PROCESS_RUNNING;
    bool is_down = state == PROCESS_STOPPED || state == PROCESS_EXITED || state == PROCESS_FATAL;
    return strcmp(progress.doing, "starting") == 0 ? is_up : is_down;
}

static void show(void *data, size_t done, size_t total)
{
    struct call call;
    (void)data;
    (void)done;
    (void)total;
    client_set_deadline(progress.onlooker, clock_now_ns() + PATIENCE_MS * NS_PER_MS);
    call_begin(&call, "getAllProcessInfo");
    client_call(progress.onlooker, &call);
    size_t meant = 0, there = 0;
    for (size_t i = 0; call.answer == ANSWER_VALUE && i < call.value.n; i++) {
        if (!is_meant(&call.value.items[i]))
            continue;
        meant++;
        there += is_there(&call.value.items[i]);
    }
    call_free(&call);
    if (!meant)
        return;
    (void)fprintf(stderr, "\r\33[K%s: %zu of %zu, %llu s", progress.doing, there, meant,
                  (unsigned long long)((clock_now_ns() - progress.start_ns) / NS_PER_SEC));
    (void)fflush(stderr);
    progress.shown = true;
}

void progress_begin(struct ctl *ctl, const char *doing, char *const words[], size_t n)
{
    const char *term = getenv("TERM");
    if (!isatty(STDERR_FILENO) || !isatty(STDOUT_FILENO) || !term || strcmp(term, "dumb") == 0)
        return;
    if (client_new_like(ctl->client, NULL, &progress.onlooker) < 0)
        return;
    progress.ctl = ctl;
    progress.doing = doing;
    progress.words = words;
    progress.n = n;
    progress.start_ns = clock_now_ns();
    client_set_watcher(ctl->client, show, NULL);
}

void progress_end(struct ctl *ctl)
{
    progress_wipe();
    client_set_watcher(ctl->client, NULL, NULL);
    client_free(progress.onlooker);
    progress.onlooker = NULL;
}
