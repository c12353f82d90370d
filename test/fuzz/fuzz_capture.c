/* SPDX-License-Identifier: MIT */
/* fuzz_capture.c: any output with capture tokens in it, cut anywhere.
 *
 * The first byte chooses the length of the pieces, the second how much of a text is kept. What must
 * hold: the same output and the same texts however the bytes are cut, and no byte unaccounted for.
 */
#include "../../src/workers/capture.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    struct capture capture;
    struct buf outside; /* what goes to the log */
    struct buf texts;   /* what was captured, each behind its length */
    size_t inside;      /* bytes between tokens, kept or not */
    size_t n_texts;
};

static void on_piece(void *arg, char *data, size_t len, bool captured)
{
    struct outcome *o = arg;
    if (!len)
        abort();
    if (!captured) {
        buf_append(&o->outside, data, len);
        return;
    }
    o->inside += len;
    if (capture_add(&o->capture, data, len) < 0)
        abort();
    memset(data, 'x', len); /* it may be changed in place */
}

static void on_text(void *arg, const char *data, size_t len)
{
    struct outcome *o = arg;
    if (len > o->capture.max_bytes)
        abort();
    buf_printf(&o->texts, "%zu:", len);
    buf_append(&o->texts, data, len);
    o->n_texts++;
}

static struct outcome run(const char *data, size_t len, size_t piece, size_t max_bytes)
{
    static const struct capture_ops ops = { .piece = on_piece, .text = on_text };
    struct outcome o = { .capture = { .max_bytes = max_bytes } };
    size_t total = len;
    char *room = malloc(CAPTURE_HEADROOM + (piece < len ? piece : len) + 1);
    if (!room)
        abort();
    while (len) {
        size_t n = piece < len ? piece : len;
        memcpy(room + CAPTURE_HEADROOM, data, n);
        capture_feed(&o.capture, room + CAPTURE_HEADROOM, n, &ops, &o);
        data += n;
        len -= n;
    }
    capture_flush(&o.capture, &ops, &o);
    free(room);
    size_t begins = o.n_texts + (o.capture.on ? 1 : 0);
    size_t tokens = begins * strlen(CAPTURE_BEGIN) + o.n_texts * strlen(CAPTURE_END);
    if (o.outside.len + o.inside + tokens != total || o.outside.error || o.texts.error)
        abort();
    return o;
}

static void must_equal(const struct buf *a, const struct buf *b)
{
    if (a->len != b->len || (a->len && memcmp(a->data, b->data, a->len) != 0))
        abort();
}

static void outcome_free(struct outcome *o)
{
    capture_free(&o->capture);
    buf_free(&o->outside);
    buf_free(&o->texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    const char *text = (const char *)data + 2;
    struct outcome whole = run(text, size - 2, size, (size_t)data[1] + 1);
    struct outcome cut = run(text, size - 2, (size_t)data[0] % 40 + 1, (size_t)data[1] + 1);
    must_equal(&whole.outside, &cut.outside);
    must_equal(&whole.texts, &cut.texts);
    if (whole.capture.on != cut.capture.on)
        abort();
    outcome_free(&whole);
    outcome_free(&cut);
    return 0;
}
