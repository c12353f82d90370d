/* SPDX-License-Identifier: MIT */
/* options.c: reads a command line the way the reference's programs do. */
#include "supervisor/core/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct scan {
    int argc;
    char *const *argv;
    int next; /* index of the word to look at */
    const struct option_row *rows;
    size_t n_rows;
    struct option_hit *hits;
    size_t n_hits;
    char *error;
    size_t error_size;
};

static int __attribute__((format(printf, 2, 3))) fail(struct scan *s, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(s->error, s->error_size, format, ap); /* cutting a sentence is fine */
    va_end(ap);
    return -EINVAL;
}

static int add_hit(struct scan *s, const struct option_row *row, bool is_long, const char *value)
{
    if (s->n_hits == OPTIONS_MAX)
        return fail(s, "too many options");
    struct option_hit *hit = &s->hits[s->n_hits++];
    hit->id = row->id;
    hit->value = value;
    if (is_long)
        (void)snprintf(hit->spelling, sizeof(hit->spelling), "--%s", row->name);
    else
        (void)snprintf(hit->spelling, sizeof(hit->spelling), "-%c", row->letter);
    return 0;
}

/* The row that name[0..len-1] means; NULL with the sentence in *s. */
static const struct option_row *find_long(struct scan *s, const char *name, size_t len)
{
    const struct option_row *found = NULL;
    bool ambiguous = false;
    for (size_t i = 0; i < s->n_rows; i++) {
        const struct option_row *row = &s->rows[i];
        if (!row->name || strncmp(row->name, name, len) != 0)
            continue;
        if (row->name[len] == '\0')
            return row; /* exact wins over every longer name */
        ambiguous = found != NULL;
        found = row;
    }
    if (!found)
        (void)fail(s, "option --%.*s not recognized", (int)len, name);
    else if (ambiguous)
        (void)fail(s, "option --%.*s not a unique prefix", (int)len, name);
    return ambiguous ? NULL : found;
}

static int scan_long(struct scan *s, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    const struct option_row *row = find_long(s, word, len);
    if (!row)
        return -EINVAL;
    const char *value = equals ? equals + 1 : NULL;
    if (!row->takes_value && value)
        return fail(s, "option --%s must not have an argument", row->name);
    if (row->takes_value && !value) {
        if (s->next >= s->argc)
            return fail(s, "option --%s requires argument", row->name);
        value = s->argv[s->next++];
    }
    return add_hit(s, row, true, value);
}

static const struct option_row *find_short(const struct scan *s, char letter)
{
    for (size_t i = 0; i < s->n_rows; i++) {
        if (s->rows[i].letter == letter)
            return &s->rows[i];
    }
    return NULL;
}

static int scan_cluster(struct scan *s, const char *letters)
{
    for (const char *p = letters; *p; p++) {
        const struct option_row *row = find_short(s, *p);
        if (!row)
            return fail(s, "option -%c not recognized", *p);
        if (!row->takes_value) {
            if (add_hit(s, row, false, NULL) < 0)
                return -EINVAL;
            continue;
        }
        if (p[1])
            return add_hit(s, row, false, p + 1);
        if (s->next >= s->argc)
            return fail(s, "option -%c requires argument", *p);
        return add_hit(s, row, false, s->argv[s->next++]);
    }
    return 0;
}

int options_scan(int argc, char *const argv[], const struct option_row *rows, size_t n_rows,
                 struct option_hit hits[OPTIONS_MAX], size_t *ret_n, int *ret_rest, char *ret_error,
                 size_t size)
{
    struct scan s = { argc, argv, 1, rows, n_rows, hits, 0, ret_error, size };
    while (s.next < argc) {
        const char *word = argv[s.next];
        if (word[0] != '-' || word[1] == '\0')
            break;
        s.next++;
        if (strcmp(word, "--") == 0)
            break;
        int r = word[1] == '-' ? scan_long(&s, word + 2) : scan_cluster(&s, word + 1);
        if (r < 0)
            return r;
    }
    *ret_n = s.n_hits;
    *ret_rest = s.next;
    return 0;
}

bool options_conflict(const struct option_hit *hits, size_t i, char *ret_error, size_t size)
{
    for (size_t j = 0; j < i; j++) {
        if (hits[j].id == hits[i].id) {
            (void)snprintf(ret_error, size, "conflicting command line option '%s'",
                           hits[i].spelling);
            return true;
        }
    }
    return false;
}
