/* SPDX-License-Identifier: MIT */
/* config_priv.h: the reading of a configuration, shared by the files that do it. */
#ifndef CORE_CONFIG_PRIV_H
#define CORE_CONFIG_PRIV_H

#include "supervisor/core/buf.h"
#include "supervisor/core/config.h"
#include "supervisor/core/expand.h"
#include "supervisor/core/ini.h"
#include "supervisor/core/schema.h"

#define LOADER_WARNINGS_MAX 1000U /* more are not kept */

struct loader {
    const char *path; /* the main file as given */
    char *here;       /* its directory, absolute */
    char node[256];   /* host_node_name */
    bool has_include; /* %(here)s was replaced in the texts */
    struct ini *ini;
    struct schema *schema;
    struct config *config;
    const struct config_overrides *overrides; /* never NULL */
    struct config_problems *problems;
    bool no_memory;

    struct expand_name *env_names; /* ENV_x, sorted */
    size_t n_env_names;
    struct expand_name here_name[1], node_name[1];
    struct expand_scope env_scope, here_scope, node_scope; /* each one over the former */

    const struct ini_section *program_default; /* NULL: none */
    struct program_section program_defaults;   /* what a program is that says nothing */
    const struct ini_section **grouped;        /* sections that a [group:x] names */
    size_t n_grouped;
};

/* Begin with a path; close even after a failure. overrides may be NULL. 0 or -ENOMEM. */
int loader_open(struct loader *loader, const char *path, const struct config_overrides *overrides,
                struct config_problems *problems);
void loader_close(struct loader *loader);

/* Read one file into loader->ini; false: problems are noted. */
bool loader_read_file(struct loader *loader, const char *path);

/* Reading one option of one section. */
struct reading {
    struct loader *loader;
    const struct ini_section *section;
    const struct ini_section *otherwise; /* [program-default], or NULL */
    enum schema_table table;
    const struct expand_scope *scope;
    void *target;
    bool is_program; /* errors name section and file */
};

/* The entry that gives an option its value: NULL if only its default does. */
const struct ini_entry *reading_entry(const struct reading *reading, const char *option);

/* The entry's text, ready for expansion; to free; NULL when out of memory. */
char *reading_text(const struct reading *reading, const struct ini_entry *entry);

/* Read, expand, parse and store an option. 1: the file says it; 0: the default, or nothing,
 * was stored; negative: it is a problem, which is noted. */
int reading_get(const struct reading *reading, const struct schema_option *option);

/* Note a problem. entry or section may be NULL. The sentence is the reference's, the plain one
 * ours; both are used up. */
void reading_problem(const struct reading *reading, const struct ini_entry *entry,
                     const char *option, struct buf *sentence, struct buf *plain);

/* The same with one text for both. */
void reading_fail(const struct reading *reading, const struct ini_entry *entry, const char *option,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

void loader_problem(struct loader *loader, const char *file, unsigned line, const char *section,
                    const char *option, const char *sentence, const char *message);

void loader_warn(struct loader *loader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void loader_warn_entry(struct loader *loader, const struct ini_entry *entry, const char *format,
                       ...) __attribute__((format(printf, 3, 4)));

/* Sections of the kind, by their names. */
bool section_is(const struct ini_section *section, const char *prefix);

/* 0 or a bit mask of event types; problems are noted. */
uint64_t loader_events(const struct reading *reading, const char *text);

/* The groups: [group:x], then what is in none. */
void loader_read_groups(struct loader *loader);

/* Warn of sections and options that nothing reads, and of values cut by a comment. */
void loader_check_names(struct loader *loader);

/* Servers, rpcinterfaces, notifies. */
void loader_read_rpcinterfaces(struct loader *loader);
void loader_read_servers(struct loader *loader);
void loader_read_notifies(struct loader *loader);

/* A new group with one reference and nothing in it; NULL when out of memory. */
struct group_config *group_config_new(enum group_kind kind, const char *name, const char *section);
void process_config_clear(struct process_config *process);
void fcgi_config_free(struct fcgi_config *fcgi);
struct fcgi_config *fcgi_config_copy(const struct fcgi_config *fcgi);

#endif
