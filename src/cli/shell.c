/* SPDX-License-Identifier: MIT */
/* shell.c: lines typed at a prompt, or read from a pipe. */
#include "shell.h"
#include "editor.h"

#include "supervisor/core/buf.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Ctrl-C ends the shell wherever it is; history and output are already written. */
static void leave(int signal_number)
{
    (void)signal_number;
    if (write(STDOUT_FILENO, "\n", 1) < 0)
        _exit(0);
    _exit(0);
}

static void catch_interrupts(void)
{
    struct sigaction action = { .sa_handler = leave };
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
}

static char *read_line(struct ctl *ctl, struct editor *editor, const char *prompt)
{
    return editor ? editor_read_line(editor) : input_ask(ctl->input, prompt);
}

void shell_run(struct ctl *ctl)
{
    struct editor *editor = NULL;
    struct buf prompt = BUF_INIT;
    ctl->in_shell = true;
    ctl->interactive = true;
    catch_interrupts();
    buf_printf(&prompt, "%s> ", ctl->settings->prompt);
    ctl_run(ctl, "status");
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        (void)editor_new(ctl, buf_text(&prompt), ctl->settings->history_file, &editor);
    while (!ctl->left) {
        char *line = read_line(ctl, editor, buf_text(&prompt));
        if (!line) {
            printf("\n");
            break;
        }
        ctl_run(ctl, line);
        free(line);
    }
    editor_free(editor);
    buf_free(&prompt);
}
