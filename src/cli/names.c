/* SPDX-License-Identifier: MIT */
/* names.c: how processes are named on the command line. */
#include "names.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

static const char *group_of(const struct value *info)
{
    return value_member_string(info, "group", "");
}

static const char *process_of(const struct value *info)
{
    return value_member_string(info, "name", "");
}

void name_put(struct buf *out, const char *group, const char *process)
{
    if (strcmp(group, process) != 0)
        buf_printf(out, "%s:", group);
    buf_puts(out, process);
}

void name_put_of(struct buf *out, const struct value *info)
{
    name_put(out, group_of(info), process_of(info));
}

int namespec_parse(const char *word, struct namespec *ret_spec)
{
    const char *colon = strchr(word, ':');
    const char *process = colon ? colon + 1 : word;
    bool is_group = colon && (!*process || strcmp(process, "*") == 0);
    struct namespec spec = { .group = strndup(word, colon ? (size_t)(colon - word) : strlen(word)),
                             .process = is_group ? NULL : strdup(process) };
    struct buf display = BUF_INIT;
    if (spec.group)
        name_put(&display, spec.group, is_group || !spec.process ? "*" : spec.process);
    if (!display.error)
        spec.display = strdup(buf_text(&display));
    buf_free(&display);
    if (!spec.group || !spec.display || (!is_group && !spec.process)) {
        namespec_free(&spec);
        return -ENOMEM;
    }
    *ret_spec = spec;
    return 0;
}

void namespec_free(struct namespec *spec)
{
    free(spec->group);
    free(spec->process);
    free(spec->display);
    *spec = (struct namespec){ NULL, NULL, NULL };
}

bool namespec_holds(const struct namespec *spec, const struct value *info)
{
    return strcmp(spec->group, group_of(info)) == 0 &&
           (!spec->process || strcmp(spec->process, process_of(info)) == 0);
}

bool namespec_overlaps(const struct namespec *a, const struct namespec *b)
{
    return strcmp(a->group, b->group) == 0 &&
           (!a->process || !b->process || strcmp(a->process, b->process) == 0);
}

bool names_have_all(char *const words[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(words[i], "all") == 0)
            return true;
    return false;
}

bool name_is_pattern(const char *word)
{
    size_t len = strlen(word);
    size_t wild = strcspn(word, "*?[");
    if (wild == len || strcmp(word, "*") == 0)
        return false;
    return !(wild == len - 1 && wild > 0 && word[wild] == '*' && word[wild - 1] == ':');
}

bool name_matches(const char *pattern, const struct value *info)
{
    const char *colon = strchr(pattern, ':');
    if (!colon)
        return strcmp(group_of(info), process_of(info)) == 0 &&
               fnmatch(pattern, process_of(info), 0) == 0;
    char *group = strndup(pattern, (size_t)(colon - pattern));
    bool whole = !colon[1];
    bool matches = group && fnmatch(group, group_of(info), 0) == 0 &&
                   (whole || fnmatch(colon + 1, process_of(info), 0) == 0);
    free(group);
    return matches;
}

/* ---- expansion ---- */

struct word_list {
    char **words;
    size_t n, room;
    bool failed;
};

static void add(struct word_list *list, char *word)
{
    if (list->n + 1 >= list->room) {
        size_t room = list->room ? list->room * 2 : 16;
        char **words = reallocarray(list->words, room, sizeof(*words));
        if (words) {
            list->words = words;
            list->room = room;
        }
    }
    if (!word || list->n + 1 >= list->room) {
        free(word);
        list->failed = true;
        return;
    }
    list->words[list->n++] = word;
}

static bool is_exact(const char *word, const struct value *infos)
{
    struct namespec spec;
    bool found = false;
    if (namespec_parse(word, &spec) < 0)
        return true;
    for (size_t i = 0; i < infos->n && !found; i++)
        found = namespec_holds(&spec, &infos->items[i]);
    namespec_free(&spec);
    return found;
}

static void add_display(struct word_list *list, const struct value *info)
{
    struct buf name = BUF_INIT;
    name_put_of(&name, info);
    add(list, name.error ? NULL : strdup(buf_text(&name)));
    buf_free(&name);
}

static void add_matches(struct word_list *list, const char *word, const struct value *infos)
{
    size_t before = list->n;
    for (size_t i = 0; i < infos->n; i++)
        if (name_matches(word, &infos->items[i]))
            add_display(list, &infos->items[i]);
    if (list->n == before)
        add(list, strdup(word));
}

static void add_members(struct word_list *list, const char *word, const struct value *infos)
{
    struct namespec spec;
    size_t before = list->n;
    bool all = strcmp(word, "all") == 0;
    if (namespec_parse(word, &spec) < 0) {
        list->failed = true;
        return;
    }
    for (size_t i = 0; i < infos->n && (all || !spec.process); i++)
        if (all || namespec_holds(&spec, &infos->items[i]))
            add_display(list, &infos->items[i]);
    if (list->n == before)
        add(list, strdup(word));
    namespec_free(&spec);
}

static char **finish(struct word_list *list, size_t *ret_n)
{
    if (list->failed || !list->words) {
        names_free(list->words, list->n);
        return NULL;
    }
    *ret_n = list->n;
    return list->words;
}

char **names_expand(char *const words[], size_t n, const struct value *infos, size_t *ret_n)
{
    struct word_list list = { 0 };
    for (size_t i = 0; i < n; i++) {
        if (name_is_pattern(words[i]) && !is_exact(words[i], infos))
            add_matches(&list, words[i], infos);
        else
            add(&list, strdup(words[i]));
    }
    return finish(&list, ret_n);
}

char **names_expand_members(char *const words[], size_t n, const struct value *infos, size_t *ret_n)
{
    struct word_list list = { 0 };
    for (size_t i = 0; i < n; i++) {
        if (name_is_pattern(words[i]) && !is_exact(words[i], infos))
            add_matches(&list, words[i], infos);
        else
            add_members(&list, words[i], infos);
    }
    return finish(&list, ret_n);
}

void names_free(char **words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(words[i]);
    free(words);
}
