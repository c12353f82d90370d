/* SPDX-License-Identifier: MIT */
/* cmd_logs.c: tail, logs and maintail. */
#include "commands.h"
#include "follow.h"
#include "names.h"

#include "supervisor/core/datatypes.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define PRESS_CTRL_C "==> Press Ctrl-C to exit <==\n"

enum {
    TAIL_BYTES = 1600,
    LOGS_LINES = 20,
    LINE_BYTES = 200,                   /* of a line of a log, at first guess */
    LINES_BYTES_MAX = 64 * 1024 * 1024, /* read at most, looking for lines */
};

/* The digits behind "-". False: something else stands there. */
static bool parse_count(const char *text, int64_t *ret_count)
{
    int64_t count = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (!isdigit((unsigned char)*text))
            return false;
        if (count <= INT32_MAX)
            count = count * 10 + (*text - '0');
    }
    *ret_count = count;
    return true;
}

static bool is_channel(const char *word)
{
    return strcasecmp(word, "stdout") == 0 || strcasecmp(word, "stderr") == 0;
}

static const char *channel_of(const char *word)
{
    return strcasecmp(word, "stderr") == 0 ? "stderr" : "stdout";
}

/* ---- following ---- */

/* Copy until somebody or something ends it. */
static void follow_until_end(struct ctl *ctl, struct follow *follow)
{
    unsigned events = follow_wait(follow, false, -1);
    bool failed = follow_has_failed(follow);
    follow_end(follow);
    if (events & FOLLOW_INTERRUPTED) {
        printf("\n");
    } else if (events & FOLLOW_NO_READER) {
        (void)raise(SIGPIPE); /* what writing would have done */
        ctl->left = true;
    } else if (failed) {
        ctl->status = CTL_GENERIC;
    }
}

static void follow_one(struct ctl *ctl, const char *name, const char *channel)
{
    struct follow *follow = NULL;
    printf(PRESS_CTRL_C);
    if (follow_begin(ctl, &follow) < 0) {
        ctl_fail(ctl, CTL_GENERIC, "error: out of memory\n");
        return;
    }
    (void)follow_add(follow, name, channel, NULL); /* what is wrong it says and remembers */
    follow_until_end(ctl, follow);
}

static void follow_many(struct ctl *ctl, char *const names[], size_t n, const char *channel)
{
    struct follow *follow = NULL;
    if (n == 1) {
        follow_one(ctl, names[0], channel);
        return;
    }
    printf(PRESS_CTRL_C);
    if (follow_begin(ctl, &follow) < 0) {
        ctl_fail(ctl, CTL_GENERIC, "error: out of memory\n");
        return;
    }
    for (size_t i = 0; i < n; i++)
        (void)follow_add(follow, names[i], channel, names[i]);
    follow_until_end(ctl, follow);
}

/* ---- reading ---- */

static void read_log(struct ctl *ctl, struct call *call, const char *name, const char *channel,
                     int64_t bytes)
{
    call_begin(call, !name                            ? "readLog"
                     : strcmp(channel, "stderr") == 0 ? "readProcessStderrLog"
                                                      : "readProcessStdoutLog");
    if (name)
        call_string(call, name);
    call_int(call, -bytes);
    call_int(call, 0);
    client_call(ctl->client, call);
}

static void print_text(const struct call *call)
{
    if (call->value.kind == VALUE_STRING)
        (void)fwrite(call->value.string, 1, call->value.len, stdout);
}

static void report_log(struct ctl *ctl, const struct call *call, const char *name)
{
    const char *shown = name ? name : "supervisord";
    if (call_is_fault(call, FAULT_NO_FILE))
        ctl_fail(ctl, CTL_GENERIC, "%s: ERROR (no log file)\n", shown);
    else if (call_is_fault(call, FAULT_FAILED))
        ctl_fail(ctl, CTL_GENERIC, "%s: ERROR (unknown error reading log)\n", shown);
    else if (name && call_is_fault(call, FAULT_BAD_NAME))
        ctl_fail(ctl, CTL_GENERIC, "%s: ERROR (no such process name)\n", shown);
    else
        ctl_report(ctl, call);
}

static void show_bytes(struct ctl *ctl, const char *name, const char *channel, int64_t bytes)
{
    struct call call;
    read_log(ctl, &call, name, channel, bytes);
    if (call.answer == ANSWER_VALUE) {
        print_text(&call);
        printf("\n");
    } else {
        report_log(ctl, &call, name);
    }
    call_free(&call);
}

/* Where the last `lines` lines of text begin; NULL: it has not so many. */
static const char *last_lines(const char *text, size_t len, int64_t lines)
{
    size_t at = len && text[len - 1] == '\n' ? len - 1 : len;
    for (; at > 0; at--)
        if (text[at - 1] == '\n' && --lines == 0)
            return text + at;
    return NULL;
}

static void put_lines(const char *from, size_t len, const char *prefix)
{
    while (len) {
        const char *end = memchr(from, '\n', len);
        size_t line = end ? (size_t)(end - from) : len;
        if (prefix)
            printf("%s | ", prefix);
        (void)fwrite(from, 1, line, stdout);
        printf("\n");
        line += end != NULL;
        from += line;
        len -= line;
    }
}

/* The last lines, out of as many bytes as it takes. */
static void show_lines(struct ctl *ctl, const char *name, const char *channel, int64_t lines,
                       const char *prefix)
{
    for (int64_t bytes = (lines + 1) * LINE_BYTES; lines > 0;) {
        struct call call;
        if (bytes > LINES_BYTES_MAX)
            bytes = LINES_BYTES_MAX;
        read_log(ctl, &call, name, channel, bytes);
        if (call.answer != ANSWER_VALUE) {
            report_log(ctl, &call, name);
            call_free(&call);
            return;
        }
        const char *text = value_string(&call.value, "");
        size_t len = call.value.len;
        const char *from = last_lines(text, len, lines);
        bool all = (int64_t)len < bytes || bytes == LINES_BYTES_MAX;
        if (from || all) {
            from = from ? from : text;
            put_lines(from, len - (size_t)(from - text), prefix);
        }
        call_free(&call);
        if (from || all)
            return;
        bytes *= 4;
    }
}

/* ---- tail ---- */

/* Processes named by words, groups and patterns replaced by their members. NULL: told. */
static char **expand_members(struct ctl *ctl, char *const words[], size_t n, size_t *ret_n)
{
    struct call call;
    ctl_call(ctl, &call, "getAllProcessInfo", NULL, NULL);
    if (call.answer != ANSWER_VALUE) {
        ctl_report(ctl, &call);
        call_free(&call);
        return NULL;
    }
    char **names = names_expand_members(words, n, &call.value, ret_n);
    call_free(&call);
    if (!names)
        ctl_fail(ctl, CTL_GENERIC, "error: out of memory\n");
    return names;
}

static bool is_process(struct ctl *ctl, const char *word)
{
    struct call call;
    ctl_call(ctl, &call, "getProcessInfo", word, NULL);
    bool known = call.answer == ANSWER_VALUE;
    call_free(&call);
    return known;
}

static void bad_argument(struct ctl *ctl, const char *word)
{
    ctl_fail(ctl, CTL_GENERIC, "Error: bad argument %s\n", word);
}

static void bad_count(struct ctl *ctl, const char *how, const char *command)
{
    ctl_fail(ctl, CTL_GENERIC, "Error: too %s arguments\n", how);
    command_print_help(command);
}

/* tail [-f|-N] NAME [stdout|stderr], with all its oddities. */
static void tail_as_ever(struct ctl *ctl, char *const words[], size_t n)
{
    const char *modifier = n && words[0][0] == '-' ? words[0] : NULL;
    char *const *names = words + (modifier ? 1 : 0);
    size_t n_names = n - (modifier ? 1 : 0);
    int64_t bytes = TAIL_BYTES;
    if (!n_names) {
        ctl_fail(ctl, CTL_GENERIC, "Error: tail requires process name\n");
        return;
    }
    const char *channel = n_names > 1 ? names[n_names - 1] : "stdout";
    if (!is_channel(channel)) {
        struct buf quoted = BUF_INIT;
        struct buf lower = BUF_INIT;
        for (const char *c = channel; *c; c++)
            buf_putc(&lower, (char)tolower((unsigned char)*c));
        text_repr(&quoted, buf_text(&lower));
        ctl_fail(ctl, CTL_GENERIC, "Error: bad channel %s\n", buf_text(&quoted));
        buf_free(&quoted);
        buf_free(&lower);
        return;
    }
    if (modifier && strcmp(modifier, "-f") == 0)
        follow_one(ctl, names[0], channel_of(channel));
    else if (modifier && !parse_count(modifier + 1, &bytes))
        bad_argument(ctl, modifier);
    else
        show_bytes(ctl, names[0], channel_of(channel), bytes);
}

/* Is this "tail -f a b", which only makes sense as several processes? */
static bool means_several(struct ctl *ctl, char *const words[], size_t n)
{
    if (n < 3 || strcmp(words[0], "-f") != 0)
        return false;
    return n > 3 || (!is_channel(words[2]) && is_process(ctl, words[2]));
}

void cmd_tail(struct ctl *ctl, const struct request *request)
{
    int64_t lines = 0;
    if (!ctl_check(ctl))
        return;
    if (!request->n) {
        bad_count(ctl, "few", "tail");
    } else if (request->n >= 3 && strcmp(request->words[0], "-n") == 0 &&
               parse_count(request->words[1], &lines)) {
        cmd_logs(ctl, request);
    } else if (means_several(ctl, request->words, request->n)) {
        cmd_logs(ctl, request);
    } else if (request->n > 3) {
        bad_count(ctl, "many", "tail");
    } else {
        tail_as_ever(ctl, request->words, request->n);
    }
}

/* ---- logs ---- */

static void show_many(struct ctl *ctl, char *const names[], size_t n, const char *channel,
                      int64_t lines)
{
    for (size_t i = 0; i < n && !ctl->needs_credentials; i++)
        show_lines(ctl, names[i], channel, lines, n > 1 ? names[i] : NULL);
}

/* logs [-f] [-n LINES] NAME... [stdout|stderr] */
void cmd_logs(struct ctl *ctl, const struct request *request)
{
    bool follows = false;
    int64_t lines = LOGS_LINES;
    size_t at = 0, n = 0;
    for (; at < request->n && request->words[at][0] == '-'; at++) {
        const char *next = at + 1 < request->n ? request->words[at + 1] : "";
        if (strcmp(request->words[at], "-f") == 0) {
            follows = true;
        } else if (strcmp(request->words[at], "-n") == 0 && parse_count(next, &lines)) {
            at++;
        } else {
            bad_argument(ctl, request->words[at]);
            return;
        }
    }
    size_t n_words = request->n - at;
    const char *channel = "stdout";
    if (n_words > 1 && is_channel(request->words[request->n - 1])) {
        channel = channel_of(request->words[request->n - 1]);
        n_words--;
    }
    if (!n_words) {
        ctl_fail(ctl, CTL_GENERIC, "Error: logs requires a process name\n");
        command_print_help("logs");
        return;
    }
    if (!ctl_check(ctl))
        return;
    char **names = expand_members(ctl, request->words + at, n_words, &n);
    if (names && follows)
        follow_many(ctl, names, n, channel);
    else if (names)
        show_many(ctl, names, n, channel, lines);
    names_free(names, n);
}

/* ---- maintail ---- */

void cmd_maintail(struct ctl *ctl, const struct request *request)
{
    int64_t bytes = TAIL_BYTES;
    if (!ctl_check(ctl))
        return;
    if (request->n == 2 && strcmp(request->words[0], "-n") == 0 &&
        parse_count(request->words[1], &bytes)) {
        show_lines(ctl, NULL, NULL, bytes, NULL);
    } else if (request->n > 1) {
        bad_count(ctl, "many", "maintail");
    } else if (request->n && strcmp(request->words[0], "-f") == 0) {
        follow_one(ctl, NULL, NULL);
    } else if (request->n &&
               (request->words[0][0] != '-' || !parse_count(request->words[0] + 1, &bytes))) {
        bad_argument(ctl, request->words[0]);
    } else {
        show_bytes(ctl, NULL, NULL, bytes);
    }
}
