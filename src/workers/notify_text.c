/* SPDX-License-Identifier: MIT */
/* notify_text.c: an event as it goes on the wire, in the words of a command or an address. */
#include "notify_text.h"

#include "supervisor/core/clock.h"
#include "supervisor/core/datatypes.h"
#include "supervisor/core/json_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TOKENS_MAX = 32, KEY_MAX = 64 };

/* A key:value word of a line; not terminated. */
struct token {
    const char *key, *value;
    size_t key_len, value_len;
};

struct line {
    struct token tokens[TOKENS_MAX];
    size_t n;
};

static bool is_key(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return len > 0 && len < KEY_MAX;
}

/* Words that are no key:value are left out: a payload may begin with anything. */
static struct line split_line(const char *text, size_t len)
{
    struct line line = { .n = 0 };
    const char *end = memchr(text, '\n', len);
    end = end ? end : text + len;
    while (text < end && line.n < TOKENS_MAX) {
        const char *stop = memchr(text, ' ', (size_t)(end - text));
        stop = stop ? stop : end;
        const char *colon = memchr(text, ':', (size_t)(stop - text));
        if (colon && is_key(text, (size_t)(colon - text)))
            line.tokens[line.n++] = (struct token){ .key = text,
                                                    .key_len = (size_t)(colon - text),
                                                    .value = colon + 1,
                                                    .value_len = (size_t)(stop - colon - 1) };
        text = stop + 1;
    }
    return line;
}

static struct token find_token(const struct line *line, const char *key)
{
    for (size_t i = 0; i < line->n; i++) {
        const struct token *t = &line->tokens[i];
        if (t->key_len == strlen(key) && memcmp(t->key, key, t->key_len) == 0)
            return *t;
    }
    return (struct token){ .key = "", .value = "" };
}

size_t notify_payload_offset(const char *envelope, size_t len)
{
    const char *lf = memchr(envelope, '\n', len);
    return lf ? (size_t)(lf - envelope) + 1 : len;
}

/* ---- environment ---- */

static int set_variable(struct env_list *env, const char *key, size_t key_len, const char *value,
                        size_t value_len)
{
    char name[sizeof("NOTIFY_") + KEY_MAX] = "NOTIFY_";
    size_t at = strlen(name);
    for (size_t i = 0; i < key_len && at < sizeof(name) - 1; i++) {
        char c = key[i];
        name[at++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    struct buf text = BUF_INIT;
    buf_append(&text, value, value_len);
    int r = text.error ? text.error : env_list_set(env, name, buf_text(&text));
    buf_free(&text);
    return r;
}

static int set_number(struct env_list *env, const char *name, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    return env_list_set(env, name, text);
}

int notify_fill_env(struct env_list *env, const char *envelope, size_t len, uint64_t skipped)
{
    size_t offset = notify_payload_offset(envelope, len);
    struct line header = split_line(envelope, offset);
    struct line payload = split_line(envelope + offset, len - offset);
    struct token event = find_token(&header, "eventname");
    struct token serial = find_token(&header, "serial");
    int r = 0;
    /* what the daemon says comes last: a payload cannot pretend to be another event */
    for (size_t i = 0; i < payload.n && r == 0; i++) {
        const struct token *t = &payload.tokens[i];
        r = set_variable(env, t->key, t->key_len, t->value, t->value_len);
    }
    if (r == 0)
        r = set_variable(env, "event", 5, event.value, event.value_len);
    if (r == 0)
        r = set_variable(env, "serial", 6, serial.value, serial.value_len);
    return r == 0 ? set_number(env, "NOTIFY_SKIPPED", skipped) : r;
}

/* ---- JSON ---- */

static void append_member(struct buf *out, const char *name, struct token token)
{
    buf_printf(out, "\"%s\":", name);
    json_text_append(out, token.value, token.value_len);
    buf_putc(out, ',');
}

static void append_tokens(struct buf *out, const struct line *line)
{
    buf_puts(out, "\"tokens\":{");
    for (size_t i = 0; i < line->n; i++) {
        if (i)
            buf_putc(out, ',');
        json_text_append(out, line->tokens[i].key, line->tokens[i].key_len);
        buf_putc(out, ':');
        json_text_append(out, line->tokens[i].value, line->tokens[i].value_len);
    }
    buf_puts(out, "},");
}

/* "web:web_0: PROCESS_STATE_EXITED on supervisor (processname:web_0 ...)" */
static void append_sentence(struct buf *out, const struct line *header, const char *payload,
                            size_t len)
{
    struct token event = find_token(header, "eventname");
    struct token server = find_token(header, "server");
    const char *lf = memchr(payload, '\n', len);
    struct buf text = BUF_INIT;
    buf_append(&text, event.value, event.value_len);
    buf_puts(&text, " on ");
    buf_append(&text, server.value, server.value_len);
    if (len)
        buf_puts(&text, ": ");
    buf_append(&text, payload, lf ? (size_t)(lf - payload) : len);
    buf_puts(out, "\"text\":");
    json_text_append(out, buf_text(&text), text.len);
    buf_putc(out, ',');
    if (text.error && !out->error)
        out->error = text.error;
    buf_free(&text);
}

void notify_append_json(struct buf *out, const char *envelope, size_t len, uint64_t skipped)
{
    size_t offset = notify_payload_offset(envelope, len);
    const char *payload = envelope + offset;
    size_t payload_len = len - offset;
    struct line header = split_line(envelope, offset);
    struct line tokens = split_line(payload, payload_len);
    const char *lf = memchr(payload, '\n', payload_len);
    struct token serial = find_token(&header, "serial");

    buf_putc(out, '{');
    append_sentence(out, &header, payload, payload_len);
    append_member(out, "event", find_token(&header, "eventname"));
    append_member(out, "server", find_token(&header, "server"));
    buf_printf(out, "\"serial\":%.*s,\"skipped\":%" PRIu64 ",", (int)serial.value_len, serial.value,
               skipped);
    append_tokens(out, &tokens);
    buf_puts(out, "\"data\":");
    json_text_append(out, lf ? lf + 1 : "", lf ? payload_len - (size_t)(lf + 1 - payload) : 0);
    buf_putc(out, '}');
}

/* ---- rate ---- */

bool notify_rate_allows(struct notify_rate *rate, uint64_t now_ns)
{
    if (rate->n <= 0)
        return true;
    if (!rate->window_ns || now_ns - rate->window_ns >= (uint64_t)rate->secs * NS_PER_SEC) {
        rate->window_ns = now_ns;
        rate->told = 0;
    }
    if (rate->told >= rate->n) {
        rate->skipped++;
        return false;
    }
    rate->told++;
    return true;
}
