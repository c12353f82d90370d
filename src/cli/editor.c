/* SPDX-License-Identifier: MIT */
/* editor.c: a line typed on a terminal, by libedit. */
#include "editor.h"
#include "complete.h"
#include "format.h"
#include "interrupt.h"

#include "supervisor/core/cleanup.h"
#include "supervisor/core/datatypes.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum { HISTORY_LINES_MAX = 1000000 };

struct editor {
    struct ctl *ctl;
    char *prompt;
    char *history_file;
    EditLine *el;
    History *history;
    struct interrupt interrupt;
    bool interrupted;
    char *last_line; /* the last in the history: the next is not the same */
    char *asked;     /* what was to be completed at the last TAB */
};

static struct editor *editor_of(EditLine *el)
{
    void *data = NULL;
    (void)el_get(el, EL_CLIENTDATA, &data);
    return data;
}

static char *show_prompt(EditLine *el)
{
    return editor_of(el)->prompt;
}

/* ---- keys ---- */

/* Wait for a byte; false: the end, or Ctrl-C. */
static bool read_byte(struct editor *e, char *ret_byte)
{
    struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN },
                            { .fd = e->interrupt.fd, .events = POLLIN } };
    for (;;) {
        int n = poll(fds, 2, -1);
        if (n < 0 && errno == EINTR)
            continue; /* the window changed, or we came back from the background */
        if (fds[1].revents && interrupt_came(&e->interrupt)) {
            e->interrupted = true;
            return false;
        }
        if (n > 0 && !fds[0].revents)
            continue;
        ssize_t got = n < 0 ? -1 : read(STDIN_FILENO, ret_byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        return got == 1;
    }
}

static int read_key(EditLine *el, wchar_t *ret_key)
{
    struct editor *e = editor_of(el);
    mbstate_t state = { 0 };
    char byte;
    while (read_byte(e, &byte)) {
        size_t n = mbrtowc(ret_key, &byte, 1, &state);
        if (n == (size_t)-2)
            continue;
        if (n == (size_t)-1 || n == 0)
            *ret_key = (wchar_t)(unsigned char)byte;
        return 1;
    }
    return 0;
}

/* ---- completion ---- */

static void list_words(char *const words[])
{
    struct winsize size = { 0 };
    struct buf out = BUF_INIT;
    size_t n = 0;
    while (words[n])
        n++;
    size_t columns =
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1U : 79U;
    format_columns(&out, (const char *const *)words, n, columns);
    printf("\n%s", buf_text(&out));
    (void)fflush(stdout);
    buf_free(&out);
}

static bool insert(EditLine *el, const char *text, size_t len, bool whole)
{
    struct buf added = BUF_INIT;
    buf_append(&added, text, len);
    if (whole)
        buf_putc(&added, ' ');
    bool done = el_insertstr(el, buf_text(&added)) == 0;
    buf_free(&added);
    return done;
}

/* As far as it is clear; a second TAB at the same place lists what there is. */
static unsigned char complete_line(EditLine *el, const char *line)
{
    struct editor *e = editor_of(el);
    size_t at = 0;
    enum completion_kind kind = completion_kind_of(line, &at);
    if (kind == COMPLETE_NOTHING)
        return CC_REFRESH_BEEP;
    const struct value *infos = kind == COMPLETE_COMMANDS ? NULL : ctl_processes(e->ctl);
    char **words = completion_words(kind, line + at, infos);
    size_t typed = strlen(line + at);
    size_t common = words ? completion_common(words) : 0;
    bool single = words && words[0] && !words[1];
    unsigned char result = CC_REFRESH_BEEP;
    if (common > typed || single) {
        if (insert(el, words[0] + typed, common - typed, single))
            result = CC_REFRESH;
    } else if (words && words[0] && e->asked && strcmp(e->asked, line) == 0) {
        list_words(words);
        result = CC_REDISPLAY;
    }
    text_list_free(words);
    free(e->asked);
    e->asked = strdup(line);
    return result;
}

static unsigned char complete(EditLine *el, int key)
{
    const LineInfo *info = el_line(el);
    char *line = strndup(info->buffer, (size_t)(info->cursor - info->buffer));
    (void)key;
    unsigned char result = line ? complete_line(el, line) : CC_ERROR;
    free(line);
    return result;
}

/* Ctrl-D: the end on an empty line, else it deletes. libedit's own shows itself as "^D". */
static unsigned char end_or_delete(EditLine *el, int key)
{
    const LineInfo *info = el_line(el);
    (void)key;
    if (info->lastchar == info->buffer)
        return CC_EOF;
    if (info->cursor == info->lastchar)
        return CC_REFRESH_BEEP;
    (void)el_cursor(el, 1);
    el_deletestr(el, 1);
    return CC_REFRESH;
}

/* ---- history ---- */

static bool remember(struct editor *e, const char *line)
{
    HistEvent event;
    if (!*line || (e->last_line && strcmp(e->last_line, line) == 0))
        return false;
    (void)history(e->history, &event, H_ENTER, line);
    free(e->last_line);
    e->last_line = strdup(line);
    return true;
}

/* A line is written when it is entered: Ctrl-C ends the client wherever it is. */
static void write_history(const struct editor *e, const char *line)
{
    if (!e->history_file)
        return;
    CLEANUP_CLOSE int fd =
        open(e->history_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd >= 0)
        (void)dprintf(fd, "%s\n", line); /* without a history there is still a shell */
}

static void read_history(struct editor *e)
{
    CLEANUP_FCLOSE FILE *file = e->history_file ? fopen(e->history_file, "re") : NULL;
    CLEANUP_FREE char *line = NULL;
    size_t room = 0;
    ssize_t len;
    while (file && (len = getline(&line, &room, file)) > 0) {
        if (line[len - 1] == '\n')
            line[len - 1] = '\0';
        (void)remember(e, line);
    }
}

/* ---- the editor ---- */

static bool set_up(struct editor *e)
{
    static const struct {
        const char *key, *command;
    } arrows[] = {
        /* whatever the terminal's description knows of them */
        { "\033[A", "ed-prev-history" }, { "\033OA", "ed-prev-history" },
        { "\033[B", "ed-next-history" }, { "\033OB", "ed-next-history" },
        { "\033[C", "ed-next-char" },    { "\033OC", "ed-next-char" },
        { "\033[D", "ed-prev-char" },    { "\033OD", "ed-prev-char" },
    };
    HistEvent event;
    e->history = history_init();
    e->el = el_init("supervisorctl", stdin, stdout, stderr);
    if (!e->history || !e->el)
        return false;
    (void)history(e->history, &event, H_SETSIZE, HISTORY_LINES_MAX);
    bool ok = el_set(e->el, EL_CLIENTDATA, e) == 0;
    ok = ok && el_set(e->el, EL_PROMPT, show_prompt) == 0;
    ok = ok && el_set(e->el, EL_EDITOR, "emacs") == 0;
    ok = ok && el_set(e->el, EL_SIGNAL, 1) == 0;
    ok = ok && el_set(e->el, EL_HIST, history, e->history) == 0;
    ok = ok && el_set(e->el, EL_GETCFN, read_key) == 0;
    ok = ok && el_set(e->el, EL_ADDFN, "ctl-complete", "complete the word", complete) == 0;
    ok = ok && el_set(e->el, EL_ADDFN, "ctl-end", "end of input, or delete", end_or_delete) == 0;
    ok = ok && el_set(e->el, EL_BIND, "^I", "ctl-complete", NULL) == 0;
    ok = ok && el_set(e->el, EL_BIND, "^D", "ctl-end", NULL) == 0;
    for (size_t i = 0; ok && i < sizeof(arrows) / sizeof(arrows[0]); i++)
        ok = el_set(e->el, EL_BIND, arrows[i].key, arrows[i].command, NULL) == 0;
    ok = ok && el_set(e->el, EL_BIND, "^R", "em-inc-search-prev", NULL) == 0;
    ok = ok && el_set(e->el, EL_BIND, "^U", "vi-kill-line-prev", NULL) == 0;
    if (ok)
        (void)el_source(e->el, NULL); /* the user's ~/.editrc, if there is one */
    return ok;
}

int editor_new(struct ctl *ctl, const char *prompt, const char *history_file,
               struct editor **ret_editor)
{
    struct editor *e = calloc(1, sizeof(*e));
    if (!e)
        return -ENOMEM;
    e->ctl = ctl;
    e->prompt = strdup(prompt);
    e->history_file = history_file ? strdup(history_file) : NULL;
    if (!e->prompt || (history_file && !e->history_file) || !set_up(e)) {
        editor_free(e);
        return -ENOMEM;
    }
    read_history(e);
    *ret_editor = e;
    return 0;
}

void editor_free(struct editor *editor)
{
    if (!editor)
        return;
    if (editor->el)
        el_end(editor->el);
    if (editor->history)
        history_end(editor->history);
    free(editor->prompt);
    free(editor->history_file);
    free(editor->last_line);
    free(editor->asked);
    free(editor);
}

char *editor_read_line(struct editor *editor)
{
    int len = 0;
    (void)fflush(stdout);
    editor->interrupted = false;
    interrupt_begin(&editor->interrupt);
    (void)el_set(editor->el, EL_PREP_TERM, 1); /* before the prompt, or what is typed shows twice */
    const char *typed = el_gets(editor->el, &len);
    interrupt_end(&editor->interrupt);
    if (!typed || len <= 0 || editor->interrupted)
        return NULL;
    char *line = strndup(typed, strcspn(typed, "\r\n"));
    if (line && line[strspn(line, " \t")] && remember(editor, line))
        write_history(editor, line);
    return line;
}
