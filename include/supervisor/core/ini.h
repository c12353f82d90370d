/* SPDX-License-Identifier: MIT */
/* ini.h: reads the dialect of configuration files: bytes become ordered sections of
 * (key, value, file, line). Knows no section and no option.
 *
 * Keys are lower-cased, values are trimmed; continuation lines are joined with '\n'. Several
 * files may be read on top of each other: sections of one name merge, the later value of a key
 * wins. The section DEFAULT is none of the list; its values stand in for missing ones.
 * Source: Python's configparser.RawConfigParser(inline_comment_prefixes=(';', '#'), strict=False),
 * but a comment begins at the earliest place where one may, and a byte order mark is skipped.
 */
#ifndef SUPERVISOR_CORE_INI_H
#define SUPERVISOR_CORE_INI_H

#include <stdbool.h>
#include <stddef.h>

#define INI_FILE_MAX (64U * 1024 * 1024) /* bytes of one file; nothing written by hand is near */

struct ini_file {
    char *name;     /* as given */
    unsigned order; /* 0 is the first file read */
};

struct ini_section;

struct ini_entry {
    char *key;
    char *value;
    const struct ini_section *section;
    const struct ini_file *file;
    unsigned line;     /* where the key stands */
    unsigned cut_line; /* where a comment took the end off an open quote; 0: nowhere */
    bool fresh;        /* not yet seen by ini_replace() */
};

struct ini_section {
    char *name; /* exactly as between the brackets */
    const struct ini_file *file;
    unsigned line; /* of the first header */
    struct ini_entry **entries;
    size_t n;
};

struct ini; /* the sections of all files read */

/* One thing wrong with a file. */
struct ini_problem {
    unsigned line; /* 0: the file as a whole */
    char *message;
};

struct ini_error {
    char *sentence; /* what Python says */
    struct ini_problem *list;
    size_t n;
};

void ini_error_free(struct ini_error *error);

/* Returns 0 or -ENOMEM. */
int ini_new(struct ini **ret_ini);
void ini_free(struct ini *ini); /* accepts NULL */

/* Read a file on top of what is there.
 * Returns 0; -ENOENT there is no such file; another negative errno it cannot be read (-EISDIR,
 * -EACCES, -ETIMEDOUT nobody wrote to a pipe, ...); in these cases ret_error has the sentence and
 * no list. -EINVAL its content is wrong; ini may then hold a part of it. */
int ini_read_file(struct ini *ini, const char *path, struct ini_error *ret_error);

/* The same for text in memory; name stands for the file. */
int ini_read_text(struct ini *ini, const char *name, const char *text, size_t len,
                  struct ini_error *ret_error);

/* All sections but DEFAULT, in the order of their first appearance. */
size_t ini_section_count(const struct ini *ini);
const struct ini_section *ini_section_at(const struct ini *ini, size_t i);
const struct ini_section *ini_find_section(const struct ini *ini, const char *name);

/* The entries of [DEFAULT]; never NULL, maybe empty. */
const struct ini_section *ini_defaults(const struct ini *ini);

/* The entry of this section only; NULL if none. key in lower case. */
const struct ini_entry *ini_find(const struct ini *ini, const struct ini_section *section,
                                 const char *key);

/* The entry of this section or of DEFAULT; NULL if none. */
const struct ini_entry *ini_get(const struct ini *ini, const struct ini_section *section,
                                const char *key);

/* Replace every `what` by `with` in the values that were set since the last call, DEFAULT's
 * excepted. 0 or -ENOMEM. */
int ini_replace(struct ini *ini, const char *what, const char *with);

/* text with every `what` replaced, to free; NULL when out of memory. */
char *ini_replaced(const char *text, const char *what, const char *with);

#endif
