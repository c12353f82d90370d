/* SPDX-License-Identifier: MIT */
/* supervisorctl.c: the client: one command of the command line, or a shell. */
#include "ctl.h"
#include "line.h"
#include "shell.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A closed descriptor 0, 1 or 2 would become the next socket. */
static void fill_standard_descriptors(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY); /* O_CLOEXEC not */
}

static int complain(const char *program, const char *message)
{
    (void)fprintf(stderr, "Error: %s\nFor help, use %s -h\n", message, program);
    return CTL_INVALID_ARGS;
}

/* Whoever looks at the list of processes shall not see the password. */
static void hide_password(int argc, char *argv[], const char *password)
{
    for (int i = 1; password && i < argc; i++)
        if (password >= argv[i] && password <= argv[i] + strlen(argv[i]))
            memset(argv[i] + (password - argv[i]), 'x', strlen(password));
}

static int run(struct ctl *ctl, int argc, char *argv[])
{
    const struct ctl_options *options = &ctl->settings->options;
    if (options->rest >= argc) {
        shell_run(ctl);
        return CTL_SUCCESS;
    }
    ctl->interactive = options->interactive;
    char *line = line_join(argv + options->rest, (size_t)(argc - options->rest));
    if (!line)
        return CTL_GENERIC;
    ctl_run(ctl, line);
    free(line);
    return ctl->status;
}

/* Whether all of it was written is known only now. */
static int finish(int status)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    (void)fprintf(stderr, "supervisorctl: cannot write the output: %s\n", strerror(errno));
    return CTL_GENERIC;
}

int main(int argc, char *argv[])
{
    struct ctl_options options;
    struct ctl_settings settings;
    struct ctl ctl;
    char error[1024];
    char *sentence = NULL;

    fill_standard_descriptors();
    (void)signal(SIGPIPE, SIG_DFL);
    (void)setlocale(LC_CTYPE, ""); /* for the line editor; an unknown one leaves "C" */
    if (ctl_options_parse(argc, argv, &options, error, sizeof(error)) < 0)
        return complain(argv[0], error);
    if (options.help) {
        ctl_options_help(options.program);
        return finish(CTL_SUCCESS);
    }
    if (ctl_settings_load(&options, &settings, &sentence) < 0) {
        for (char *c = sentence; c && *c; c++)
            if (*c == '\n')
                *c = ' '; /* what is read is two lines: the error, and where help is */
        int status = complain(options.program, sentence ? sentence : "out of memory");
        free(sentence);
        return status;
    }
    hide_password(argc, argv, options.password);
    settings.options.password = NULL;
    if (ctl_init(&ctl, &settings) < 0) {
        ctl_settings_free(&settings);
        return complain(options.program, "out of memory");
    }
    int status = run(&ctl, argc, argv);
    ctl_close(&ctl);
    ctl_settings_free(&settings);
    return finish(status);
}
