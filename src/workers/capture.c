/* SPDX-License-Identifier: MIT */
/* capture.c: finds the capture tokens in a program's output and keeps what stands between. */
#include "capture.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(CAPTURE_BEGIN) <= CAPTURE_HEADROOM, "a pending token fits");

/* The length of the longest tail of data that is a proper prefix of token. */
static size_t token_tail(const char *data, size_t len, const char *token, size_t token_len)
{
    size_t n = token_len - 1 < len ? token_len - 1 : len;
    while (n && memcmp(data + len - n, token, n) != 0)
        n--;
    return n;
}

void capture_feed(struct capture *c, char *data, size_t len, const struct capture_ops *ops,
                  void *arg)
{
    data -= c->n_pending;
    len += c->n_pending;
    memcpy(data, c->pending, c->n_pending);
    c->n_pending = 0;

    for (;;) {
        const char *token = c->on ? CAPTURE_END : CAPTURE_BEGIN;
        size_t token_len = strlen(token);
        char *found = len ? memmem(data, len, token, token_len) : NULL;
        size_t tail = found ? 0 : token_tail(data, len, token, token_len);
        size_t piece = found ? (size_t)(found - data) : len - tail;
        if (!found) {
            memcpy(c->pending, data + piece, tail);
            c->n_pending = tail;
        }
        if (piece)
            ops->piece(arg, data, piece, c->on);
        if (!found)
            return;
        if (c->on) {
            size_t n;
            const char *text = capture_text(c, &n);
            ops->text(arg, text, n);
            capture_clear_text(c);
        }
        c->on = !c->on;
        data += piece + token_len;
        len -= piece + token_len;
    }
}

int capture_add(struct capture *c, const char *data, size_t len)
{
    if (len > c->max_bytes) {
        data += len - c->max_bytes;
        len = c->max_bytes;
    }
    if (c->text.len + len > 2 * c->max_bytes)
        buf_consume(&c->text, c->text.len - (c->max_bytes - len));
    buf_append(&c->text, data, len);
    int error = c->text.error;
    c->text.error = 0;
    return error;
}

void capture_flush(struct capture *c, const struct capture_ops *ops, void *arg)
{
    char tail[CAPTURE_HEADROOM];
    size_t n = c->n_pending;
    memcpy(tail, c->pending, n);
    c->n_pending = 0;
    if (n)
        ops->piece(arg, tail, n, c->on);
}

const char *capture_text(const struct capture *c, size_t *ret_len)
{
    size_t skip = c->text.len > c->max_bytes ? c->text.len - c->max_bytes : 0;
    *ret_len = c->text.len - skip;
    return buf_text(&c->text) + skip;
}

void capture_clear_text(struct capture *c)
{
    buf_free(&c->text);
}

void capture_free(struct capture *c)
{
    buf_free(&c->text);
}
