/* SPDX-License-Identifier: MIT */
/* fuzz_env_file.c: any text as a file of KEY=value.
 *
 * What must hold: it is refused with a place and a reason, or every name can stand in an
 * environment and is there once.
 */
#include "supervisor/core/buf.h"
#include "supervisor/core/datatypes.h"
#include "supervisor/core/env_file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct env_list list = { 0 };
    struct buf error = BUF_INIT;
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (env_file_parse("f", text, &list, &error) < 0) {
        if (strncmp(buf_text(&error), "f:", 2) != 0)
            abort();
    } else {
        for (size_t i = 0; i < list.n; i++) {
            const char *name = list.vars[i].name;
            if (!*name || strchr(name, '='))
                abort();
            if (env_list_get(&list, name) != list.vars[i].value)
                abort(); /* found an earlier one: not unique */
        }
    }
    env_list_free(&list);
    buf_free(&error);
    free(text);
    return 0;
}
