/* SPDX-License-Identifier: MIT */
/* json_text.c: any bytes as a JSON string. Source: RFC 8259, section 7. */
#include "supervisor/core/json_text.h"

#include "supervisor/core/utf8.h"

static void append_ascii(struct buf *to, char c)
{
    switch (c) {
    case '"':
        buf_puts(to, "\\\"");
        break;
    case '\\':
        buf_puts(to, "\\\\");
        break;
    case '\n':
        buf_puts(to, "\\n");
        break;
    case '\r':
        buf_puts(to, "\\r");
        break;
    case '\t':
        buf_puts(to, "\\t");
        break;
    default:
        if ((unsigned char)c < 0x20 || c == 0x7f)
            buf_printf(to, "\\u%04x", (unsigned)c);
        else
            buf_putc(to, c);
    }
}

void json_text_append(struct buf *to, const char *data, size_t len)
{
    buf_putc(to, '"');
    for (size_t i = 0; i < len;) {
        int n = utf8_char_len(data + i, len - i);
        if (n <= 0)
            buf_puts(to, "\\ufffd");
        else if (n == 1)
            append_ascii(to, data[i]);
        else
            buf_append(to, data + i, (size_t)n);
        i += n > 0 ? (size_t)n : 1;
    }
    buf_putc(to, '"');
}
