/* SPDX-License-Identifier: MIT */
/* input.c: lines from standard input. */
#include "input.h"

#include "supervisor/core/buf.h"
#include "supervisor/core/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 1024 * 1024, /* a longer line is taken in pieces */
    CTRL_C = 3,
};

struct input {
    struct buf pending;
    bool ended;
};

int input_new(struct input **ret_input)
{
    *ret_input = calloc(1, sizeof(**ret_input));
    return *ret_input ? 0 : -ENOMEM;
}

void input_free(struct input *input)
{
    if (!input)
        return;
    buf_free(&input->pending);
    free(input);
}

static char *cut(struct input *input, size_t len, size_t end)
{
    char *line = strndup(buf_text(&input->pending), len);
    buf_consume(&input->pending, len + end);
    return line;
}

static char *pending_line(struct input *input)
{
    struct buf *p = &input->pending;
    const char *end = p->len ? memchr(p->data, '\n', p->len) : NULL;
    if (end)
        return cut(input, (size_t)(end - p->data), 1);
    if (p->len && (input->ended || p->len >= LINE_MAX_BYTES))
        return cut(input, p->len, 0);
    return NULL;
}

/* One read. A terminal's end of input does not last, a file's does. */
static void fill(struct input *input)
{
    char bytes[4096];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
    if (n > 0)
        buf_append(&input->pending, bytes, (size_t)n);
    else if (n == 0 || errno != EINTR)
        input->ended = true;
}

char *input_take_line(struct input *input, bool *ret_ended)
{
    char *line = pending_line(input);
    if (!line && !input->ended) {
        fill(input);
        line = pending_line(input);
    }
    *ret_ended = !line && input->ended;
    if (*ret_ended && isatty(STDIN_FILENO))
        input->ended = false;
    return line;
}

bool input_has_line(const struct input *input)
{
    return input->pending.len && memchr(input->pending.data, '\n', input->pending.len);
}

char *input_read_line(struct input *input)
{
    bool ended = false;
    char *line = NULL;
    while (!line && !ended)
        line = input_take_line(input, &ended);
    return line;
}

char *input_ask(struct input *input, const char *prompt)
{
    (void)fputs(prompt, stdout);
    (void)fflush(stdout);
    struct termios before;
    bool is_terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    if (is_terminal) {
        struct termios quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHOCTL; /* Ctrl-C shows as nothing but the end */
        (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &quiet);
    }
    char *line = input_read_line(input);
    if (is_terminal)
        (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    return line;
}

/* A line from the terminal itself, a byte at a time: there is no buffer to share. */
static char *read_tty_line(int fd, bool *ret_interrupted)
{
    struct buf line = BUF_LIMITED(4096);
    char c;
    ssize_t n;
    while ((n = read(fd, &c, 1)) == 1 && c != '\n' && c != CTRL_C)
        buf_putc(&line, c);
    *ret_interrupted = n == 1 && c == CTRL_C;
    char *text = n < 1 && !line.len ? NULL : strdup(buf_text(&line));
    if (line.len)
        explicit_bzero(line.data, line.len);
    buf_free(&line);
    return text;
}

char *input_ask_secret(struct input *input, const char *prompt)
{
    CLEANUP_CLOSE int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios shown;
    if (fd < 0 || tcgetattr(fd, &shown) < 0) {
        (void)fputs(prompt, stderr);
        return input_read_line(input);
    }
    struct termios hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG); /* Ctrl-C must not leave the echo off */
    hidden.c_cc[VEOL] = CTRL_C;
    (void)fflush(stdout);
    (void)tcsetattr(fd, TCSAFLUSH, &hidden); /* if it fails the password shows: better than none */
    (void)dprintf(fd, "%s", prompt);
    bool interrupted = false;
    char *text = read_tty_line(fd, &interrupted);
    (void)tcsetattr(fd, TCSAFLUSH, &shown);
    if (interrupted)
        (void)raise(SIGINT);
    (void)dprintf(fd, "\n");
    return text;
}
