/* SPDX-License-Identifier: MIT */
/* fuzz_output.c: any bytes as a program's output: UTF-8, colours, JSON, Python's literals.
 *
 * What must hold: what is shown as JSON is one line of UTF-8 in quotes; stripping colours never
 * makes text longer and leaves no escape sequence that it was to take; a tail that is cut is what
 * is missing for valid text.
 */
#include "../../src/workers/bytes_repr.h"
#include "../../src/workers/strip_ansi.h"
#include "supervisor/core/json_text.h"
#include "supervisor/core/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_json(const char *text, size_t len)
{
    struct buf out = BUF_INIT;
    json_text_append(&out, text, len);
    if (out.len < 2 || out.data[0] != '"' || out.data[out.len - 1] != '"')
        abort();
    if (!utf8_is_valid(out.data, out.len) || memchr(out.data, '\n', out.len))
        abort();
    for (size_t i = 1; i + 1 < out.len; i++)
        if ((unsigned char)out.data[i] < 0x20 || (out.data[i] == '"' && out.data[i - 1] != '\\'))
            abort();
    buf_free(&out);
}

static void check_literals(const char *text, size_t len)
{
    struct buf out = BUF_INIT;
    bytes_repr_append(&out, text, len);
    if (out.len < len + 3)
        abort();
    for (size_t i = 0; i < out.len; i++)
        if ((unsigned char)out.data[i] < 0x20 || (unsigned char)out.data[i] > 0x7e)
            abort();
    buf_reset(&out);
    bytes_text_append(&out, text, len);
    if (!utf8_is_valid(out.data ? out.data : "", out.len))
        abort();
    buf_free(&out);
}

static void check_utf8(const char *text, size_t len)
{
    size_t cut = utf8_cut_tail(text, len);
    if (cut > 3 || cut > len)
        abort();
    if (utf8_is_valid(text, len)) {
        if (cut || utf8_count(text, len) > len)
            abort();
        for (size_t n = 0; n < 4 && n < len; n++) /* however valid text is cut, the tail says so */
            if (!utf8_is_valid(text, len - n - utf8_cut_tail(text, len - n)))
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    check_json(text, size);
    check_literals(text, size);
    check_utf8(text, size);
    if (strip_ansi(text, size) > size)
        abort();
    free(text);
    return 0;
}
