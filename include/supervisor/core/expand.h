/* SPDX-License-Identifier: MIT */
/* expand.h: %(name)s in values: Python's %-formatting over a scope of names.
 *
 * A scope is a short list of names over an outer scope, the innermost wins. All names but
 * process_num and numprocs are text.
 * Source: Supervisor options.py, expand(); Python's PyUnicode_Format().
 */
#ifndef SUPERVISOR_CORE_EXPAND_H
#define SUPERVISOR_CORE_EXPAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

struct expand_name {
    const char *name;
    const char *text; /* NULL: it is the number */
    int64_t number;
};

struct expand_scope {
    const struct expand_scope *outer; /* NULL: none */
    const struct expand_name *names;
    size_t n;
    bool sorted; /* names are unique and sorted by strcmp(): looked up by halves */
};

#define EXPAND_MAX (16U * 1024 * 1024) /* bytes of a result; a width can ask for any number */

/* Expand text. label ("program:x.command") is for the error.
 * Returns 0 with *ret_text to free; -EINVAL with the sentence appended to error; -ENOMEM. */
int expand_text(const char *text, const struct expand_scope *scope, const char *label,
                char **ret_text, struct buf *error);

/* The number or text of a name; NULL if there is none. */
const struct expand_name *expand_find(const struct expand_scope *scope, const char *name,
                                      size_t len);

#endif
