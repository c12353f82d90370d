/* SPDX-License-Identifier: MIT */
/* pidproxy.c: stands in for a program that goes into the background and leaves a pidfile.
 *
 * Runs a command and sends the signals it gets to the process named in the pidfile, read anew
 * each time. Ends when the command does, with its status; after TERM, INT or QUIT it waits for
 * the pidfile's process to be gone and ends with 0.
 * Source: Supervisor pidproxy.py; the wait and the status are ours.
 */
#include "supervisor/core/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_NO_EXEC = 127, LOOK_EVERY_MS = 100, PIDFILE_TEXT_MAX = 63 };

static const int forwarded[] = { SIGTERM, SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGQUIT };

static bool is_ending(int signal)
{
    return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
}

/* 0, or -EINVAL for whatever is wrong with the file or its text. Numbers below 1 would signal
 * whole process groups. */
static int read_pidfile(const char *path, pid_t *ret_pid)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char text[PIDFILE_TEXT_MAX + 1];
    ssize_t n = fd < 0 ? -1 : read(fd, text, PIDFILE_TEXT_MAX);
    if (n <= 0)
        return -EINVAL;
    text[n] = '\0';
    char *end;
    errno = 0;
    long pid = strtol(text, &end, 10);
    if (errno || end == text || end[strspn(end, " \t\r\n\v\f")] != '\0' || pid < 1 || pid > INT_MAX)
        return -EINVAL;
    *ret_pid = (pid_t)pid;
    return 0;
}

static pid_t run(char *const argv[], const sigset_t *mask)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    /* No search in PATH: the word is a path, against the current directory. */
    if (sigprocmask(SIG_SETMASK, mask, NULL) == 0)
        (void)execv(argv[0], argv);
    static const char text[] = "pidproxy: cannot execute the command\n";
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1); /* nowhere else to say it */
    _exit(EXIT_NO_EXEC);
}

static bool is_gone(pid_t pid)
{
    (void)waitpid(pid, NULL, WNOHANG); /* it may be our own child; a zombie still answers kill() */
    return kill(pid, 0) < 0 && errno == ESRCH;
}

/* Without a limit: who sent the signal loses patience first, and kills us. */
static void wait_until_gone(pid_t pid)
{
    CLEANUP_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, pid, 0U);
    while (!is_gone(pid)) {
        struct pollfd end = { .fd = pidfd, .events = POLLIN };
        (void)poll(&end, 1,
                   pidfd >= 0 ? -1 : LOOK_EVERY_MS); /* without pidfds: look now and then */
        if (end.revents & POLLIN)
            return;
    }
}

/* Returns the status to end with, or -1 to go on. */
static int forward(const char *pidfile, int signal)
{
    pid_t pid;
    if (read_pidfile(pidfile, &pid) < 0) {
        printf("Can't read child pidfile %s!\n", pidfile);
        (void)fflush(stdout); /* if nobody hears it, we still go on */
        return -1;
    }
    if (kill(pid, signal) < 0) {
        fprintf(stderr, "pidproxy: cannot signal pid %d: %s\n", (int)pid, strerror(errno));
        return is_ending(signal) ? EXIT_FAILURE : -1;
    }
    if (!is_ending(signal))
        return -1;
    wait_until_gone(pid);
    return EXIT_SUCCESS;
}

/* The command's status if it has ended, else -1. */
static int collect(pid_t child)
{
    int status;
    if (waitpid(child, &status, WNOHANG) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char *argv[])
{
    if (argc < 3) {
        printf("Run a command that leaves a pidfile, and pass signals on to that process.\n"
               "Usage: %s <pidfile name> <command> [<cmdarg1> ...]\n",
               argc > 0 ? argv[0] : "pidproxy");
        return EXIT_FAILURE;
    }
    sigset_t awaited;
    sigset_t before;
    (void)sigemptyset(&awaited); /* these fail only for signals that do not exist */
    (void)sigaddset(&awaited, SIGCHLD);
    for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
        (void)sigaddset(&awaited, forwarded[i]);
    if (sigprocmask(SIG_BLOCK, &awaited, &before) < 0)
        return EXIT_FAILURE;
    /* Ignored signals, inherited (nohup), would never arrive, nor would the child's status. */
    for (int n = 1; n < NSIG; n++) {
        if (sigismember(&awaited, n) == 1 && signal(n, SIG_DFL) == SIG_ERR)
            return EXIT_FAILURE;
    }

    pid_t child = run(argv + 2, &before);
    if (child < 0) {
        fprintf(stderr, "pidproxy: cannot fork: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    for (;;) {
        int got = sigwaitinfo(&awaited, NULL);
        int status = got == SIGCHLD ? collect(child) : got > 0 ? forward(argv[1], got) : -1;
        if (status >= 0)
            return status;
    }
}
