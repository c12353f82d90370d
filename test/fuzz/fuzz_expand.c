/* SPDX-License-Identifier: MIT */
/* fuzz_expand.c: any text as a value with %(name)s in it.
 *
 * What must hold: it is expanded, or refused with one sentence; and text without a percent sign
 * stays what it is.
 */
#include "supervisor/core/buf.h"
#include "supervisor/core/expand.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct expand_name names[] = { { .name = "ENV_A", .text = "\xC3\xA9t\xC3\xA9" },
                                                { .name = "ENV_B", .text = "" },
                                                { .name = "here", .text = "/h" } };
    static const struct expand_name numbers[] = { { .name = "n", .number = INT64_MIN },
                                                  { .name = "p", .number = 3 } };
    static const struct expand_scope outer = { .names = names, .n = 3, .sorted = true };
    static const struct expand_scope scope = { .outer = &outer, .names = numbers, .n = 2 };
    char *text = malloc(size + 1), *result = NULL;
    struct buf error = BUF_INIT;
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (expand_text(text, &scope, "s.o", &result, &error) < 0) {
        if (result || error.len == 0)
            abort();
    } else if (!strchr(text, '%') && strcmp(text, result) != 0) {
        abort();
    }
    buf_free(&error);
    free(result);
    free(text);
    return 0;
}
