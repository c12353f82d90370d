/* SPDX-License-Identifier: MIT */
/* fuzz_words.c: any text as a command.
 *
 * What must hold: the words, each in single quotes, split into the same words again.
 */
#include "supervisor/core/buf.h"
#include "supervisor/core/datatypes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_quoted(struct buf *out, const char *word)
{
    buf_putc(out, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            buf_puts(out, "'\\''");
        else
            buf_putc(out, *word);
    }
    buf_puts(out, "' ");
}

static void check_again(char **words)
{
    struct buf quoted = BUF_INIT, error = BUF_INIT;
    char **again = NULL;
    for (char **word = words; *word; word++)
        put_quoted(&quoted, *word);
    if (shell_words_split(buf_text(&quoted), &again, &error) < 0)
        abort();
    size_t i = 0;
    for (; words[i] && again[i]; i++)
        if (strcmp(words[i], again[i]) != 0)
            abort();
    if (words[i] || again[i])
        abort();
    text_list_free(again);
    buf_free(&quoted);
    buf_free(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf error = BUF_INIT;
    char **words = NULL, *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (shell_words_split(text, &words, &error) < 0) {
        if (words || error.len == 0)
            abort();
    } else {
        check_again(words);
    }
    text_list_free(words);
    buf_free(&error);
    free(text);
    return 0;
}
