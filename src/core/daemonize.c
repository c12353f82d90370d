/* SPDX-License-Identifier: MIT */
/* daemonize.c: leaving the terminal, and the file that says who we are. */
#include "supervisor/core/daemonize.h"

#include "supervisor/core/cleanup.h"
#include "supervisor/core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static void redirect_to_null(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        log_crit("can't open /dev/null: %s", strerror(errno));
        return;
    }
    for (int i = 0; i <= 2; i++) {
        if (i != fd && dup2(fd, i) < 0)
            log_crit("can't redirect descriptor %d to /dev/null: %s", i, strerror(errno));
    }
    if (fd > 2)
        (void)close(fd); /* /dev/null has nothing to lose */
}

int daemonize(const char *directory, mode_t mask)
{
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid > 0)
        _exit(0);

    log_info("daemonizing the supervisord process");
    if (directory) {
        if (chdir(directory) < 0)
            log_crit("can't chdir into '%s': %s", directory, strerror(errno));
        else
            log_info("set current directory: '%s'", directory);
    }
    redirect_to_null();
    (void)setsid(); /* cannot fail in a fresh child */
    (void)umask(mask);
    return 0;
}

/* The live process other than us that the file at path names, 0 if none. */
static pid_t pidfile_owner(const char *path)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char text[32];
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    long pid = strtol(text, NULL, 10);
    if (pid <= 1 || pid == (long)getpid() || kill((pid_t)pid, 0) < 0)
        return 0;
    return (pid_t)pid;
}

bool pidfile_write(const char *path)
{
    pid_t other = pidfile_owner(path);
    if (other > 0)
        log_warn("pidfile %s names pid %d, which is alive; overwriting it", path, (int)other);

    char text[32];
    int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0666);
    if (fd < 0 || write(fd, text, (size_t)len) != len) {
        log_crit("could not write pidfile %s", path);
        return false;
    }
    log_info("supervisord started with pid %d", (int)getpid());
    return true;
}

void service_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = path ? strlen(path) : 0;
    if (len < 2 || len >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(address.sun_path, path, len);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* the abstract name space */
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (fd < 0 ||
        sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, size) < 0)
        log_debg("cannot notify %s: %s", path, strerror(errno));
}
