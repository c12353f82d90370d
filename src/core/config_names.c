/* SPDX-License-Identifier: MIT */
/* config_names.c: warnings of what is read by nobody or was not meant so.
 *
 * The reference accepts any section and any key in silence; third parties have sections of their
 * own in the file, so a warning is as far as one may go.
 */
#include "config_priv.h"

#include <string.h>

#define NAMES_MAX 256 /* options of one kind of section, both tables */

/* The table a section belongs to; SCHEMA_TABLES if it is none of ours. */
static enum schema_table table_of(const char *name)
{
    if (strcmp(name, "program-default") == 0)
        return SCHEMA_PROGRAM;
    for (size_t i = 0; i < SCHEMA_TABLES; i++) {
        const struct schema_section *section = schema_section((enum schema_table)i);
        size_t len = strlen(section->name);
        if (strncmp(name, section->name, len) != 0)
            continue;
        bool is_server = i == SCHEMA_UNIX_SERVER || i == SCHEMA_INET_SERVER;
        if (is_server || name[len] == (section->titled ? ':' : '\0'))
            return (enum schema_table)i;
    }
    return SCHEMA_TABLES;
}

static size_t add_options(const char **names, size_t n, enum schema_table table)
{
    const struct schema_section *section = schema_section(table);
    for (size_t i = 0; i < section->n && n < NAMES_MAX; i++)
        names[n++] = section->options[i].name;
    return n;
}

static bool is_known(const char *const *names, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], key) == 0)
            return true;
    return false;
}

static void check_section_name(struct loader *loader, const struct ini_section *section)
{
    const char *names[SCHEMA_TABLES + 1];
    char kind[64];
    for (size_t i = 0; i < SCHEMA_TABLES; i++)
        names[i] = schema_section((enum schema_table)i)->name;
    names[SCHEMA_TABLES] = "program-default";
    size_t len = strcspn(section->name, ":");
    const char *nearest = NULL;
    if (len < sizeof(kind)) {
        memcpy(kind, section->name, len);
        kind[len] = '\0';
        nearest = schema_nearest(kind, names, SCHEMA_TABLES + 1);
    }
    if (!nearest)
        loader_warn(loader, "%s:%u: [%s]: unknown section, ignored", section->file->name,
                    section->line, section->name);
    else if (strcmp(nearest, kind) == 0)
        loader_warn(loader, "%s:%u: [%s]: unknown section, ignored; did you mean [%s:NAME]?",
                    section->file->name, section->line, section->name, nearest);
    else
        loader_warn(loader, "%s:%u: [%s]: unknown section, ignored; did you mean [%s%s]?",
                    section->file->name, section->line, section->name, nearest,
                    section->name + len);
}

static void check_keys(struct loader *loader, const struct ini_section *section,
                       enum schema_table table)
{
    const char *names[NAMES_MAX];
    size_t n = add_options(names, 0, table);
    if (schema_section(table)->with_program)
        n = add_options(names, n, SCHEMA_PROGRAM);
    for (size_t i = 0; i < section->n && loader->config->n_warnings < LOADER_WARNINGS_MAX; i++) {
        const struct ini_entry *entry = section->entries[i];
        if (entry->cut_line)
            loader_warn_entry(loader, entry,
                              "a comment begins inside quotes on line %u, and the value ends "
                              "there; a ; or # with no blank before it is kept",
                              entry->cut_line);
        if (table == SCHEMA_CTLPLUGIN || is_known(names, n, entry->key))
            continue;
        const char *nearest = schema_nearest(entry->key, names, n);
        if (nearest)
            loader_warn_entry(loader, entry, "unknown option, ignored; did you mean %s?", nearest);
        else
            loader_warn_entry(loader, entry, "unknown option, ignored");
    }
}

void loader_check_names(struct loader *loader)
{
    size_t n = ini_section_count(loader->ini);
    for (size_t i = 0; i < n && loader->config->n_warnings < LOADER_WARNINGS_MAX; i++) {
        const struct ini_section *section = ini_section_at(loader->ini, i);
        enum schema_table table = table_of(section->name);
        if (table == SCHEMA_TABLES)
            check_section_name(loader, section);
        else
            check_keys(loader, section, table);
    }
}
