/* SPDX-License-Identifier: MIT */
/* names.h: how processes are named on the command line.
 *
 * "a" is process a of group a; "a:b" is process b of group a; "a:*" and "a:" are group a.
 */
#ifndef SUPERVISOR_CLI_NAMES_H
#define SUPERVISOR_CLI_NAMES_H

#include "supervisor/core/buf.h"
#include "supervisor/rpc/xmlrpc.h"

#include <stdbool.h>
#include <stddef.h>

struct namespec {
    char *group;
    char *process; /* NULL: the whole group */
    char *display; /* "b" if group and process are equal, else "a:b"; for a group "a:*" */
};

/* Returns 0 or -ENOMEM. Free with namespec_free(). */
int namespec_parse(const char *word, struct namespec *ret_spec);
void namespec_free(struct namespec *spec);

/* Append the display name. */
void name_put(struct buf *out, const char *group, const char *process);

/* Append the display name of a struct with the members group and name. */
void name_put_of(struct buf *out, const struct value *info);

/* Does the process (a struct as above) belong to what spec names? */
bool namespec_holds(const struct namespec *spec, const struct value *info);

/* Do two words name something in common? Then the order of what is done to them matters. */
bool namespec_overlaps(const struct namespec *a, const struct namespec *b);

/* Is the word "all" among them? */
bool names_have_all(char *const words[], size_t n);

/* Might word be a pattern? Not "*" alone, which means nothing, and not "a:*". */
bool name_is_pattern(const char *word);

/* Does the process match the pattern? Without a colon a pattern is for processes whose group has
 * the same name; '*' does not reach across a colon. */
bool name_matches(const char *pattern, const struct value *info);

/* An exact name wins over a pattern; a pattern that matches nothing stays a name. Returns the words
 * with patterns replaced by what they match in infos (an ARRAY), to free with names_free(); NULL
 * when out of memory. */
char **names_expand(char *const words[], size_t n, const struct value *infos, size_t *ret_n);

/* The same, with groups and "all" replaced by their processes too. */
char **names_expand_members(char *const words[], size_t n, const struct value *infos,
                            size_t *ret_n);

void names_free(char **words, size_t n);

#endif
