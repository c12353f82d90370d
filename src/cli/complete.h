/* SPDX-License-Identifier: MIT */
/* complete.h: what a line that is being typed could go on with. Knows no terminal. */
#ifndef SUPERVISOR_CLI_COMPLETE_H
#define SUPERVISOR_CLI_COMPLETE_H

#include "supervisor/rpc/xmlrpc.h"

#include <stddef.h>

enum completion_kind {
    COMPLETE_NOTHING,
    COMPLETE_COMMANDS,
    COMPLETE_GROUPS,
    COMPLETE_PROCESSES,
};

/* What is wanted at the end of line, and where the word that is to be completed begins. */
enum completion_kind completion_kind_of(const char *line, size_t *ret_word);

/* Words that begin as word does, in the order of infos (getAllProcessInfo's answer, NULL: none).
 * NULL-terminated, to free with text_list_free(); NULL when out of memory. */
char **completion_words(enum completion_kind kind, const char *word, const struct value *infos);

/* The length of the longest beginning that all words share. */
size_t completion_common(char *const words[]);

#endif
