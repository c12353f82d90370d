/* SPDX-License-Identifier: MIT */
/* line.c: a command line: a command word and words. */
#include "line.h"

#include "supervisor/core/buf.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What the reference's language takes for white space, as far as it is ASCII. */
static const char blanks[] = " \t\n\v\f\r\x1c\x1d\x1e\x1f";

static char *trimmed(const char *text, size_t len)
{
    while (len && strchr(blanks, *text)) {
        text++;
        len--;
    }
    while (len && strchr(blanks, text[len - 1]))
        len--;
    return strndup(text, len);
}

static size_t command_len(const char *text)
{
    size_t len = 0;
    while ((unsigned char)text[len] < 0x80 &&
           (isalnum((unsigned char)text[len]) || text[len] == '_'))
        len++;
    return len;
}

static int split_words(struct line *line)
{
    size_t room = strlen(line->rest) / 2 + 1;
    line->words = calloc(room, sizeof(*line->words));
    if (!line->words)
        return -ENOMEM;
    for (const char *at = line->rest; *at;) {
        size_t len = strcspn(at, blanks);
        if (!(line->words[line->n] = strndup(at, len)))
            return -ENOMEM;
        line->n++;
        at += len;
        at += strspn(at, blanks);
    }
    return 0;
}

int line_parse(const char *text, struct line *ret_line)
{
    struct line line = { .text = trimmed(text, strlen(text)) };
    struct buf full = BUF_INIT;
    if (line.text) {
        const char *from = line.text;
        buf_printf(&full, "%s%s", *from == '?' ? "help " : "", *from == '?' ? from + 1 : from);
        size_t len = command_len(buf_text(&full));
        line.command = strndup(buf_text(&full), len);
        line.rest = trimmed(buf_text(&full) + len, full.len - len);
    }
    int r = full.error;
    buf_free(&full);
    if (r < 0 || !line.command || !line.rest || split_words(&line) < 0) {
        line_free(&line);
        return -ENOMEM;
    }
    *ret_line = line;
    return 0;
}

void line_free(struct line *line)
{
    for (size_t i = 0; i < line->n; i++)
        free(line->words[i]);
    free(line->words);
    free(line->text);
    free(line->command);
    free(line->rest);
    *line = (struct line){ 0 };
}

char *line_join(char *const words[], size_t n)
{
    struct buf joined = BUF_INIT;
    for (size_t i = 0; i < n; i++)
        buf_printf(&joined, "%s%s", i ? " " : "", words[i]);
    char *text = joined.error ? NULL : strdup(buf_text(&joined));
    buf_free(&joined);
    return text;
}
