/* SPDX-License-Identifier: MIT */
/* fuzz_ini.c: any bytes as a configuration file.
 *
 * What must hold: refused with a sentence and at least one problem, or read; then every entry is
 * found again, keys have no capitals, values end in no white space, and lines are in the file.
 */
#include "supervisor/core/ini.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_section(const struct ini *ini, const struct ini_section *section, size_t lines)
{
    for (size_t i = 0; i < section->n; i++) {
        const struct ini_entry *entry = section->entries[i];
        size_t len = strlen(entry->value);
        if (ini_find(ini, section, entry->key) != entry || !*entry->key)
            abort();
        if (entry->line == 0 || entry->line > lines || entry->cut_line > lines)
            abort();
        if (len > 0 && strchr(" \t\n", entry->value[len - 1]))
            abort();
        for (const char *c = entry->key; *c; c++)
            if (*c >= 'A' && *c <= 'Z')
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ini *ini;
    struct ini_error error;
    if (ini_new(&ini) < 0)
        return 0;
    size_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n' || data[i] == '\r';
    if (ini_read_text(ini, "fuzz", (const char *)data, size, &error) < 0) {
        if (!error.sentence || error.n == 0)
            abort();
        ini_error_free(&error);
    } else {
        for (size_t i = 0; i < ini_section_count(ini); i++) {
            const struct ini_section *section = ini_section_at(ini, i);
            if (ini_find_section(ini, section->name) != section)
                abort();
            check_section(ini, section, lines);
        }
        check_section(ini, ini_defaults(ini), lines);
        if (ini_replace(ini, "%(here)s", "/here") < 0)
            abort();
    }
    ini_free(ini);
    return 0;
}
