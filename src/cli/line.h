/* SPDX-License-Identifier: MIT */
/* line.h: a command line, as typed or as joined from arguments: a command word and words. */
#ifndef SUPERVISOR_CLI_LINE_H
#define SUPERVISOR_CLI_LINE_H

#include <stddef.h>

struct line {
    char *text;    /* owned: the whole line, trimmed */
    char *command; /* owned: the beginning of letters, digits and '_'; may be "" */
    char *rest;    /* owned: what follows, trimmed */
    char **words;  /* owned: rest split at white space; no quoting of any kind */
    size_t n;
};

/* Take a line apart; a leading '?' stands for "help ". Returns 0 or -ENOMEM. */
int line_parse(const char *text, struct line *ret_line);
void line_free(struct line *line);

/* Join words with single spaces; NULL when out of memory. */
char *line_join(char *const words[], size_t n);

#endif
