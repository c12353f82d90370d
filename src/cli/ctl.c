/* SPDX-License-Identifier: MIT */
/* ctl.c: one run of the client: the server, the check before a command, and the reports. */
#include "ctl.h"
#include "commands.h"
#include "hint.h"
#include "line.h"
#include "names.h"
#include "progress.h"

#include "supervisor/core/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define API_VERSION "3.0"

/* ---- life ---- */

enum { COUNT_MAX = 1000 };

static bool wants_colour(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && (!no_color || !*no_color) && term && strcmp(term, "dumb") != 0;
}

static int connect_to(struct ctl *ctl, const char *url, const char *username, const char *password)
{
    struct client *client = NULL;
    int r = client_new(url, username, password, &client);
    if (r < 0)
        return r;
    ctl_forget_processes(ctl);
    client_free(ctl->client);
    ctl->client = client;
    return 0;
}

int ctl_init(struct ctl *ctl, const struct ctl_settings *settings)
{
    *ctl = (struct ctl){ .settings = settings, .colour = wants_colour() };
    int r = input_new(&ctl->input);
    if (r == 0)
        r = connect_to(ctl, settings->serverurl, settings->username, settings->password);
    if (r < 0)
        ctl_close(ctl);
    return r;
}

void ctl_close(struct ctl *ctl)
{
    ctl_forget_processes(ctl);
    client_free(ctl->client);
    input_free(ctl->input);
    ctl->client = NULL;
    ctl->input = NULL;
}

int ctl_open(struct ctl *ctl, const char *url)
{
    struct client *client = NULL;
    int r = client_new_like(ctl->client, url, &client);
    if (r < 0)
        return r;
    ctl_forget_processes(ctl);
    client_free(ctl->client);
    ctl->client = client;
    ctl->hinted = false;
    return 0;
}

/* ---- reports ---- */

void ctl_fail(struct ctl *ctl, int status, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    (void)vprintf(format, ap);
    va_end(ap);
    ctl->status = status;
}

void ctl_report(struct ctl *ctl, const struct call *call)
{
    struct buf text = BUF_INIT;
    if (call->answer == ANSWER_HTTP && call->http_status == 401) {
        ctl->needs_credentials = true;
        ctl->status = CTL_GENERIC;
        return;
    }
    call_put_error(call, &text);
    if (call->answer == ANSWER_SOCKET)
        ctl_fail(ctl, CTL_GENERIC, "error: cannot reach %s: %s\n", client_url(ctl->client),
                 buf_text(&text));
    else
        ctl_fail(ctl, CTL_GENERIC, "error: %s\n", buf_text(&text));
    buf_free(&text);
    hint_connection(ctl, call);
}

bool ctl_report_absence(struct ctl *ctl, const struct call *call, const char *suffix)
{
    if (!call_is_absence(call))
        return false;
    printf("%s %s%s\n", client_url(ctl->client),
           call->error == ENOENT ? "no such file" : "refused connection", suffix);
    ctl->status = call->error == ENOENT ? CTL_NOT_RUNNING : CTL_INSUFFICIENT_PRIVILEGES;
    hint_connection(ctl, call);
    return true;
}

static bool judge_check(struct ctl *ctl, const struct call *call)
{
    if (call->answer == ANSWER_VALUE) {
        char number[24] = "";
        if (call->value.kind == VALUE_INT)
            (void)snprintf(number, sizeof(number), "%lld", (long long)call->value.integer);
        const char *version = value_string(&call->value, number);
        if (strcmp(version, API_VERSION) == 0)
            return true;
        ctl_fail(ctl, CTL_NOT_INSTALLED,
                 "Sorry, this version of supervisorctl expects to talk to a server with API "
                 "version " API_VERSION ", but the remote version is %s.\n",
                 version);
        return false;
    }
    if (call_is_fault(call, FAULT_UNKNOWN_METHOD)) {
        ctl_fail(ctl, CTL_UNIMPLEMENTED,
                 "Sorry, supervisord responded but did not recognize the supervisor namespace "
                 "commands that supervisorctl uses to control it.  Please check that the "
                 "[rpcinterface:supervisor] section is enabled in the configuration file (see "
                 "sample.conf).\n");
        return false;
    }
    if (!ctl_report_absence(ctl, call, ""))
        ctl_report(ctl, call);
    return false;
}

bool ctl_check(struct ctl *ctl)
{
    struct call call;
    ctl_call(ctl, &call, "getVersion", NULL, NULL);
    bool ok = judge_check(ctl, &call);
    call_free(&call);
    return ok;
}

void ctl_call(struct ctl *ctl, struct call *call, const char *method, const char *first,
              const char *second)
{
    call_begin(call, method);
    if (first)
        call_string(call, first);
    if (second)
        call_string(call, second);
    client_call(ctl->client, call);
}

void ctl_start_clock(struct ctl *ctl, const struct request *request)
{
    client_set_deadline(ctl->client,
                        request->timeout_ms ? clock_now_ns() + request->timeout_ms * NS_PER_MS : 0);
}

/* ---- names ---- */

char **ctl_expand_names(struct ctl *ctl, const struct request *request, size_t *ret_n)
{
    const struct value none = { .kind = VALUE_ARRAY };
    struct call call = { .request = BUF_INIT };
    bool has_patterns = false;
    for (size_t i = 0; i < request->n; i++)
        has_patterns |= name_is_pattern(request->words[i]);
    if (has_patterns && !names_have_all(request->words, request->n))
        ctl_call(ctl, &call, "getAllProcessInfo", NULL, NULL);
    char **words = names_expand(request->words, request->n,
                                call.answer == ANSWER_VALUE ? &call.value : &none, ret_n);
    if (!words)
        ctl_fail(ctl, CTL_GENERIC, "error: out of memory\n");
    call_free(&call);
    return words;
}

const struct value *ctl_processes(struct ctl *ctl)
{
    if (ctl->processes.answer == ANSWER_NONE)
        ctl_call(ctl, &ctl->processes, "getAllProcessInfo", NULL, NULL);
    return ctl->processes.answer == ANSWER_VALUE ? &ctl->processes.value : NULL;
}

void ctl_forget_processes(struct ctl *ctl)
{
    call_free(&ctl->processes);
}

/* ---- a line ---- */

/* Ask for credentials and use them from now on. False: nobody answers. */
static bool ask_credentials(struct ctl *ctl)
{
    char *username = input_ask(ctl->input, "Username:");
    char *password = username ? input_ask_secret(ctl->input, "Password:") : NULL;
    bool answered = username && password;
    if (answered) {
        printf("\n");
        (void)connect_to(ctl, client_url(ctl->client), username, password);
    } else {
        ctl_fail(ctl, CTL_GENERIC, "error: EOFError: the input ended at the question\n");
    }
    free(username);
    free(password);
    return answered;
}

static bool take_number(struct ctl *ctl, const char *option, const char *text, uint64_t *ret_ms)
{
    if (text && ctl_parse_seconds(text, ret_ms) == 0)
        return true;
    ctl_fail(ctl, CTL_INVALID_ARGS, "Error: %s requires a number of seconds\n", option);
    return false;
}

static bool take_count(struct ctl *ctl, const char *option, const char *text, uint64_t *ret_count)
{
    char *end = NULL;
    unsigned long count = text && text[0] >= '1' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
    if (count && count <= COUNT_MAX && *end == '\0') {
        *ret_count = count;
        return true;
    }
    ctl_fail(ctl, CTL_INVALID_ARGS, "Error: %s requires a number from 1 to %d\n", option,
             COUNT_MAX);
    return false;
}

/* Take the options that the command knows out of its words. False: one is wrong, and was told. */
static bool take_options(struct ctl *ctl, const struct command *command, const struct line *line,
                         struct request *request)
{
    static const struct {
        const char *word;
        unsigned option;
        size_t offset;
    } flags[] = {
        { "--json", TAKES_JSON, offsetof(struct request, json) },
        { "--watch", TAKES_WATCH, offsetof(struct request, watch) },
        { "--no-wait", TAKES_NO_WAIT, offsetof(struct request, no_wait) },
        { "--dry-run", TAKES_DRY_RUN, offsetof(struct request, dry_run) },
        { "--live", TAKES_LIVE, offsetof(struct request, live) },
        { "--update", TAKES_UPDATE, offsetof(struct request, update) },
        { "--rolling", TAKES_ROLLING, offsetof(struct request, rolling) },
        { "--verbose", TAKES_VERBOSE, offsetof(struct request, verbose) },
    };
    bool literal = command->options == 0;
    const char *short_verbose = NULL;
    for (size_t i = 0; i < line->n; i++) {
        char *word = line->words[i];
        const char *next = i + 1 < line->n ? line->words[i + 1] : NULL;
        bool taken = false;
        for (size_t k = 0; !literal && !taken && k < sizeof(flags) / sizeof(flags[0]); k++) {
            taken = (command->options & flags[k].option) && strcmp(word, flags[k].word) == 0;
            if (taken)
                *(bool *)((char *)request + flags[k].offset) = true;
        }
        if (literal || taken) {
            if (!taken)
                request->words[request->n++] = word;
        } else if (strcmp(word, "--") == 0) {
            literal = true;
        } else if (strcmp(word, "-v") == 0 && (command->options & TAKES_VERBOSE) &&
                   !short_verbose && line->n > 1) {
            short_verbose = word;
        } else if ((command->options & TAKES_TIMEOUT) && strcmp(word, "--timeout") == 0) {
            if (!take_number(ctl, word, next, &request->timeout_ms))
                return false;
            i++;
        } else if ((command->options & TAKES_TIMEOUT) && strncmp(word, "--timeout=", 10) == 0) {
            if (!take_number(ctl, "--timeout", word + 10, &request->timeout_ms))
                return false;
        } else if ((command->options & TAKES_ROLLING) && strcmp(word, "--parallel") == 0) {
            if (!take_count(ctl, word, next, &request->parallel))
                return false;
            i++;
        } else if ((command->options & TAKES_ROLLING) && strncmp(word, "--parallel=", 11) == 0) {
            if (!take_count(ctl, "--parallel", word + 11, &request->parallel))
                return false;
        } else if ((command->options & TAKES_STATE) && strcmp(word, "--for") == 0 && next) {
            request->wait_state = next;
            i++;
        } else if ((command->options & TAKES_STATE) && strncmp(word, "--for=", 6) == 0) {
            request->wait_state = word + 6;
        } else {
            request->words[request->n++] = word;
        }
    }
    request->verbose |= short_verbose != NULL;
    return true;
}

static void run_command(struct ctl *ctl, const struct command *command, const struct line *line)
{
    const struct ctl_options *options = &ctl->settings->options;
    struct request request = {
        .rest = line->rest,
        .words = calloc(line->n + 1, sizeof(char *)),
        .json = options->json && (command->options & TAKES_JSON),
        .no_wait = options->no_wait && (command->options & TAKES_NO_WAIT),
        .timeout_ms = options->timeout_ms,
    };
    if (!request.words)
        ctl_fail(ctl, CTL_GENERIC, "error: out of memory\n");
    else if (take_options(ctl, command, line, &request)) {
        ctl_start_clock(ctl, &request);
        command->run(ctl, &request);
    }
    progress_end(ctl);
    free(request.words);
}

static void run_line(struct ctl *ctl, const struct line *line)
{
    const struct command *command = command_find(line->command);
    if (!command) {
        ctl_fail(ctl, CTL_GENERIC, "*** Unknown syntax: %s\n", line->text);
        return;
    }
    ctl->needs_credentials = false;
    run_command(ctl, command, line);
    while (ctl->needs_credentials) {
        printf("Server requires authentication\n");
        ctl->needs_credentials = false;
        if (!ctl->interactive) {
            hint_credentials(ctl);
            return;
        }
        if (!ask_credentials(ctl))
            return;
        ctl->status = CTL_SUCCESS;
        run_command(ctl, command, line);
    }
}

void ctl_run(struct ctl *ctl, const char *text)
{
    struct line line;
    if (line_parse(text, &line) < 0) {
        ctl_fail(ctl, CTL_GENERIC, "error: out of memory\n");
        return;
    }
    ctl->status = CTL_SUCCESS;
    ctl_forget_processes(ctl);
    if (*line.text)
        run_line(ctl, &line);
    line_free(&line);
    (void)fflush(stdout);
}
