/* SPDX-License-Identifier: MIT */
/* bytes_repr.c: bytes that are no text, shown the way the reference shows them. */
#include "bytes_repr.h"

#include "supervisor/core/utf8.h"

#include <string.h>

static void append_byte(struct buf *to, unsigned char c, char quote)
{
    if (c == (unsigned char)quote || c == '\\') {
        buf_putc(to, '\\');
        buf_putc(to, (char)c);
    } else if (c == '\t') {
        buf_puts(to, "\\t");
    } else if (c == '\n') {
        buf_puts(to, "\\n");
    } else if (c == '\r') {
        buf_puts(to, "\\r");
    } else if (c < 0x20 || c >= 0x7f) {
        buf_printf(to, "\\x%02x", c);
    } else {
        buf_putc(to, (char)c);
    }
}

void bytes_repr_append(struct buf *to, const char *data, size_t len)
{
    char quote = len && memchr(data, '\'', len) && !memchr(data, '"', len) ? '"' : '\'';
    buf_putc(to, 'b');
    buf_putc(to, quote);
    for (size_t i = 0; i < len; i++)
        append_byte(to, (unsigned char)data[i], quote);
    buf_putc(to, quote);
}

void bytes_text_append(struct buf *to, const char *data, size_t len)
{
    if (utf8_is_valid(data, len)) {
        buf_append(to, data, len);
        return;
    }
    buf_puts(to, "Undecodable: ");
    bytes_repr_append(to, data, len);
}
