/* SPDX-License-Identifier: MIT */
/* html.c: escaping. */
#include "html.h"

#include "supervisor/core/utf8.h"

#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        break;
    }
    bool is_control = (unsigned char)c < 0x20 && c != '\t' && c != '\n' && c != '\r';
    return is_control || c == 0x7f ? REPLACEMENT : NULL;
}

/* Bytes at the start of text that need nothing done; text is not empty. */
static size_t plain_prefix(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && !entity_of(text[n])) {
        int length = (unsigned char)text[n] < 0x80 ? 1 : utf8_char_len(text + n, len - n);
        if (length <= 0)
            break;
        n += (size_t)length;
    }
    return n;
}

void html_text_n(struct buf *out, const char *text, size_t len)
{
    while (len) {
        size_t n = plain_prefix(text, len);
        buf_append(out, text, n);
        if (n < len) {
            const char *entity = entity_of(text[n]);
            buf_puts(out, entity ? entity : REPLACEMENT);
            n++;
        }
        text += n;
        len -= n;
    }
}

void html_text(struct buf *out, const char *text)
{
    html_text_n(out, text, strlen(text));
}

void html_url(struct buf *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~/";
    for (; *text; text++) {
        if (strchr(plain, *text))
            buf_putc(out, *text);
        else
            buf_printf(out, "%%%02X", (unsigned char)*text);
    }
}
