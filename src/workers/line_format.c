/* SPDX-License-Identifier: MIT */
/* line_format.c: a program's output as lines with time and name. */
#include "line_format.h"

#include "supervisor/core/clock.h"
#include "supervisor/core/json_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EMIT_AT (64 * 1024) /* bytes of formatted lines that are written at once */

static const char time_pattern[] = "%(asctime)s %(message)s";

/* NULL: bytes pass untouched. */
static const char *pattern_of(const struct process *process, enum channel channel)
{
    const struct channel_config *config = &process->config->channel[channel];
    return config->format ? config->format : config->timestamp ? time_pattern : NULL;
}

static void set_pattern(struct line_format *f, const char *pattern)
{
    f->pattern = strcmp(pattern, "json") == 0 ? "" : pattern;
    f->has_message = strstr(pattern, "%(message)s") != NULL;
}

void line_format_reconfigure(struct line_format *f)
{
    const char *pattern = pattern_of(f->process, f->channel);
    set_pattern(f, pattern ? pattern : time_pattern);
}

int line_format_new(const struct process *process, enum channel channel,
                    struct line_format **ret_format)
{
    const char *pattern = pattern_of(process, channel);
    *ret_format = NULL;
    if (!pattern)
        return 0;
    struct line_format *f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    f->process = process;
    f->channel = channel;
    set_pattern(f, pattern);
    f->flush_ns = NS_NEVER;
    *ret_format = f;
    return 0;
}

void line_format_free(struct line_format *f)
{
    if (!f)
        return;
    buf_free(&f->unfinished);
    buf_free(&f->out);
    free(f);
}

/* ---- the parts of a line ---- */

static void append_time(struct buf *to)
{
    int64_t now_ns = clock_wall_ns();
    time_t second = (time_t)(now_ns / (int64_t)NS_PER_SEC);
    /* libc's conversion is slow and takes a lock; a busy program writes many lines a second. */
    static _Thread_local time_t cached = -1;
    static _Thread_local char text[sizeof("-2147483648-00-00 00:00:00")];
    if (second != cached) {
        struct tm tm = { 0 };
        if (!localtime_r(&second, &tm))
            (void)gmtime_r(&second, &tm);
        (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
        cached = second;
    }
    buf_puts(to, text);
    int ms = (int)(now_ns / (int64_t)NS_PER_MS % 1000);
    const char digits[4] = { ',', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10),
                             (char)('0' + ms % 10) };
    buf_append(to, digits, sizeof(digits));
}

/* "web" of "program:web". */
static const char *program_name(const struct process *p)
{
    const char *colon = p->config->section ? strchr(p->config->section, ':') : NULL;
    return colon ? colon + 1 : p->config->name;
}

/* The variable at text, "%(name)s": appended. The length of what it takes; 0 if it is none. */
static size_t append_variable(const struct line_format *f, struct buf *to, const char *text,
                              const char *line, size_t len)
{
    const struct variable {
        const char *name;
        const char *value;
    } variables[] = {
        { "%(program_name)s", program_name(f->process) },
        { "%(process_name)s", f->process->config->name },
        { "%(group_name)s", f->process->group_config->name },
        { "%(stream)s", channel_name(f->channel) },
        { "%(asctime)s", NULL },
        { "%(message)s", NULL },
    };
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const struct variable *v = &variables[i];
        size_t n = strlen(v->name);
        if (strncmp(text, v->name, n) != 0)
            continue;
        if (v->value)
            buf_puts(to, v->value);
        else if (v->name[2] == 'a')
            append_time(to);
        else
            buf_append(to, line, len);
        return n;
    }
    return 0;
}

static void append_pattern(const struct line_format *f, struct buf *to, const char *line,
                           size_t len)
{
    for (const char *at = f->pattern; *at;) {
        size_t plain = strcspn(at, "%");
        buf_append(to, at, plain);
        at += plain;
        if (!*at)
            break;
        size_t n = append_variable(f, to, at, line, len);
        if (!n) { /* "%%" is a percent sign; anything else stands for itself */
            buf_putc(to, '%');
            n = at[1] == '%' ? 2 : 1;
        }
        at += n;
    }
    if (!f->has_message)
        buf_append(to, line, len);
}

static void append_member(struct buf *to, const char *key, const char *value)
{
    buf_puts(to, key);
    json_text_append(to, value, strlen(value));
}

static void append_json(const struct line_format *f, struct buf *to, const char *line, size_t len)
{
    buf_puts(to, "{\"time\": \"");
    append_time(to);
    buf_putc(to, '"');
    append_member(to, ", \"program\": ", program_name(f->process));
    append_member(to, ", \"process\": ", f->process->config->name);
    append_member(to, ", \"stream\": ", channel_name(f->channel));
    buf_puts(to, ", \"message\": ");
    json_text_append(to, line, len);
    buf_putc(to, '}');
}

void line_format_append(const struct line_format *f, struct buf *to, const char *text, size_t len)
{
    if (*f->pattern)
        append_pattern(f, to, text, len);
    else
        append_json(f, to, text, len);
    buf_putc(to, '\n');
}

/* ---- lines ---- */

static void emit_out(struct line_format *f, line_format_emit *emit, void *arg)
{
    if (f->out.len)
        emit(arg, f->out.data, f->out.len);
    buf_reset(&f->out);
}

/* Format one line. Without memory for it the bare line goes out: late decoration, no loss. */
static void put_line(struct line_format *f, const char *line, size_t len, line_format_emit *emit,
                     void *arg)
{
    size_t before = f->out.len;
    line_format_append(f, &f->out, line, len);
    if (f->out.error) {
        f->out.error = 0;
        buf_truncate(&f->out, before);
        emit_out(f, emit, arg);
        emit(arg, line, len);
        emit(arg, "\n", 1);
    } else if (f->out.len >= EMIT_AT) {
        emit_out(f, emit, arg);
    }
}

/* The unfinished line and its rest. */
static void put_joined(struct line_format *f, const char *rest, size_t len, line_format_emit *emit,
                       void *arg)
{
    struct buf whole = f->unfinished;
    f->unfinished = (struct buf)BUF_INIT;
    f->flush_ns = NS_NEVER;
    buf_append(&whole, rest, len);
    put_line(f, buf_text(&whole), whole.len, emit, arg);
    if (whole.error)
        put_line(f, rest, len, emit, arg); /* on a line of its own, for want of memory */
    buf_free(&whole);
}

static void keep_unfinished(struct line_format *f, const char *data, size_t len, uint64_t now_ns,
                            line_format_emit *emit, void *arg)
{
    while (f->unfinished.len + len >= LINE_FORMAT_MAX) {
        size_t n = LINE_FORMAT_MAX - f->unfinished.len;
        put_joined(f, data, n, emit, arg);
        data += n;
        len -= n;
    }
    if (!len)
        return;
    if (!f->unfinished.len)
        f->flush_ns = now_ns + LINE_FORMAT_PAUSE_MS * NS_PER_MS;
    buf_append(&f->unfinished, data, len);
    if (f->unfinished.error) {
        f->unfinished.error = 0;
        put_joined(f, "", 0, emit, arg);
        put_line(f, data, len, emit, arg);
    }
}

void line_format_feed(struct line_format *f, const char *data, size_t len, uint64_t now_ns,
                      line_format_emit *emit, void *arg)
{
    const char *end = data + len;
    const char *newline;
    while (data < end && (newline = memchr(data, '\n', (size_t)(end - data)))) {
        size_t n = (size_t)(newline - data);
        if (f->unfinished.len)
            put_joined(f, data, n, emit, arg);
        else
            put_line(f, data, n, emit, arg);
        data = newline + 1;
    }
    if (data < end)
        keep_unfinished(f, data, (size_t)(end - data), now_ns, emit, arg);
    emit_out(f, emit, arg);
    if (f->out.cap > 2 * EMIT_AT)
        buf_free(&f->out);
}

void line_format_flush(struct line_format *f, line_format_emit *emit, void *arg)
{
    if (f->unfinished.len)
        put_joined(f, "", 0, emit, arg);
    f->flush_ns = NS_NEVER;
    emit_out(f, emit, arg);
}
