/* SPDX-License-Identifier: MIT */
/* options.h: reads a command line the way the reference's programs do, in their words.
 *
 * POSIX style: scanning stops at the first word that is no option, or after "--". Long
 * options may be shortened to a unique beginning; short ones cluster and take attached
 * values. getopt_long(3) cannot tell an ambiguous option from an unknown one, and scripts
 * know the sentences, so the scan is our own.
 * Source: the behaviour of Python's getopt.getopt() under Supervisor's Options.
 */
#ifndef SUPERVISOR_CORE_OPTIONS_H
#define SUPERVISOR_CORE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct option_row {
    char letter;      /* 0: no short form */
    const char *name; /* NULL: no long form */
    bool takes_value;
    int id; /* the caller's; rows of one setting share it */
};

struct option_hit {
    int id;
    char spelling[40]; /* "-m" or "--umask", in full */
    const char *value; /* into argv; NULL for a flag */
};

#define OPTIONS_MAX 64 /* hits; the same setting may not stand twice, so this is plenty */

/* Scan argv[1..]. Fills hits in order; *ret_rest is the index of the first argument.
 * Returns 0, or -EINVAL with ret_error (size bytes) one sentence: unknown option, missing or
 * surplus value, ambiguous beginning. */
int options_scan(int argc, char *const argv[], const struct option_row *rows, size_t n_rows,
                 struct option_hit hits[OPTIONS_MAX], size_t *ret_n, int *ret_rest, char *ret_error,
                 size_t size);

/* Is hits[i]'s setting given before it as well? Then ret_error gets
 * "conflicting command line option '-s'". */
bool options_conflict(const struct option_hit *hits, size_t i, char *ret_error, size_t size);

#endif
