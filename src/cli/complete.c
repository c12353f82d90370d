/* SPDX-License-Identifier: MIT */
/* complete.c: what a line that is being typed could go on with. */
#include "complete.h"
#include "commands.h"
#include "names.h"

#include <stdlib.h>
#include <string.h>

/* Readline's word breaks without those that stand in names. */
static const char breaks[] = " \t\n`~!@#$%^&()=+[{]}\\|;'\",<>/?";

enum completion_kind completion_kind_of(const char *line, size_t *ret_word)
{
    static const struct {
        const char *command;
        enum completion_kind kind;
    } kinds[] = {
        { "help", COMPLETE_COMMANDS },    { "add", COMPLETE_GROUPS },
        { "remove", COMPLETE_GROUPS },    { "update", COMPLETE_GROUPS },
        { "clear", COMPLETE_PROCESSES },  { "fg", COMPLETE_PROCESSES },
        { "pid", COMPLETE_PROCESSES },    { "restart", COMPLETE_PROCESSES },
        { "signal", COMPLETE_PROCESSES }, { "start", COMPLETE_PROCESSES },
        { "status", COMPLETE_PROCESSES }, { "stop", COMPLETE_PROCESSES },
        { "tail", COMPLETE_PROCESSES },   { "logs", COMPLETE_PROCESSES },
        { "wait", COMPLETE_PROCESSES },
    };
    size_t word = strlen(line);
    while (word > 0 && !strchr(breaks, line[word - 1]))
        word--;
    *ret_word = word;
    const char *command = line + strspn(line, " \t");
    size_t len = strcspn(command, " \t");
    if (!command[len])
        return COMPLETE_COMMANDS;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strlen(kinds[i].command) == len && strncmp(command, kinds[i].command, len) == 0)
            return kinds[i].kind;
    return COMPLETE_NOTHING;
}

struct words {
    const char *beginning;
    char **list;
    size_t n, room;
    bool failed;
};

static void offer(struct words *w, const char *text)
{
    if (strncmp(text, w->beginning, strlen(w->beginning)) != 0)
        return;
    if (w->n + 1 >= w->room) {
        size_t room = w->room * 2;
        char **list = reallocarray(w->list, room, sizeof(*list));
        if (!list) {
            w->failed = true;
            return;
        }
        w->list = list;
        w->room = room;
    }
    w->list[w->n] = strdup(text);
    w->failed |= !w->list[w->n];
    w->n += w->list[w->n] != NULL;
    w->list[w->n] = NULL;
}

static bool is_first_of_group(const struct value *infos, size_t i)
{
    const char *group = value_member_string(&infos->items[i], "group", "");
    for (size_t k = 0; k < i; k++)
        if (strcmp(value_member_string(&infos->items[k], "group", ""), group) == 0)
            return false;
    return true;
}

static void offer_group(struct words *w, const char *group)
{
    struct buf text = BUF_INIT;
    buf_printf(&text, "%s:*", group);
    offer(w, buf_text(&text));
    buf_free(&text);
}

/* A process that is a group of its own goes by its name alone, unless a colon was typed. */
static void offer_process(struct words *w, const struct value *infos, size_t i)
{
    const struct value *info = &infos->items[i];
    const char *group = value_member_string(info, "group", "");
    const char *name = value_member_string(info, "name", "");
    bool colon = strchr(w->beginning, ':');
    struct buf full = BUF_INIT;
    buf_printf(&full, "%s:%s", group, name);
    if (!colon && strcmp(group, name) == 0) {
        offer(w, name);
    } else {
        offer(w, buf_text(&full));
        if (is_first_of_group(infos, i))
            offer_group(w, group);
    }
    buf_free(&full);
}

char **completion_words(enum completion_kind kind, const char *word, const struct value *infos)
{
    struct words w = { .beginning = word, .room = 16 };
    w.list = calloc(w.room, sizeof(*w.list));
    if (!w.list)
        return NULL;
    if (kind == COMPLETE_COMMANDS)
        for (const struct command *c = commands; c->name; c++)
            if (c->help)
                offer(&w, c->name);
    for (size_t i = 0; infos && i < infos->n; i++) {
        if (kind == COMPLETE_GROUPS && is_first_of_group(infos, i))
            offer(&w, value_member_string(&infos->items[i], "group", ""));
        else if (kind == COMPLETE_PROCESSES)
            offer_process(&w, infos, i);
    }
    if (!w.failed)
        return w.list;
    for (size_t i = 0; i < w.n; i++)
        free(w.list[i]);
    free(w.list);
    return NULL;
}

size_t completion_common(char *const words[])
{
    size_t common = words[0] ? strlen(words[0]) : 0;
    for (size_t i = 1; words[0] && words[i]; i++) {
        size_t same = 0;
        while (same < common && words[i][same] == words[0][same])
            same++;
        common = same;
    }
    while (common && words[0] && ((unsigned char)words[0][common] & 0xc0) == 0x80)
        common--; /* not into the middle of a character */
    return common;
}
