/* SPDX-License-Identifier: MIT */
/* strip_ansi.c: terminal colours out of a program's output. */
#include "strip_ansi.h"

#include <stdbool.h>
#include <string.h>

static bool ends_sequence(char c)
{
    return c != '\0' && strchr("HfABCDRsuJKhlpm", c) != NULL;
}

size_t strip_ansi(char *data, size_t len)
{
    const char *in = data;
    const char *end = data + len;
    char *out = data;
    while (in < end) {
        const char *escape = memmem(in, (size_t)(end - in), "\033[", 2);
        size_t plain = (size_t)((escape ? escape : end) - in);
        memmove(out, in, plain);
        out += plain;
        in = escape ? escape + 2 : end;
        if (escape) {
            while (in < end && !ends_sequence(*in))
                in++;
            in += in < end; /* the terminator itself */
        }
    }
    return (size_t)(out - data);
}
