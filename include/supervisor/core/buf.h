/* SPDX-License-Identifier: MIT */
/* buf.h: a growable byte buffer with a limit.
 *
 * Appends never fail one by one: the first failure (out of memory, limit reached) is
 * remembered in `error` and later appends do nothing, so a writer checks once, at the end.
 * Memory is kept by buf_reset() for the next use and given back by buf_free().
 */
#ifndef SUPERVISOR_CORE_BUF_H
#define SUPERVISOR_CORE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
    char *data;   /* owned; NUL behind the last byte whenever data is not NULL */
    size_t len;   /* bytes used, without that NUL */
    size_t cap;   /* bytes allocated */
    size_t limit; /* largest len; 0 means none */
    int error;    /* 0, -ENOMEM or -EFBIG: the first failure */
};

#define BUF_INIT          { NULL, 0, 0, 0, 0 }
#define BUF_LIMITED(max)  { NULL, 0, 0, (max), 0 }

void buf_append(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *text);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));

/* Forget the first n bytes. */
void buf_consume(struct buf *b, size_t n);

/* Cut to len bytes: what a failed writer wrote after its mark. */
void buf_truncate(struct buf *b, size_t len);

/* Empty it and clear the error, keep the memory. */
void buf_reset(struct buf *b);

/* Give the memory back; the buffer is empty and usable again. */
void buf_free(struct buf *b);

/* The text, "" if empty; the buffer owns it. */
const char *buf_text(const struct buf *b);

#endif
