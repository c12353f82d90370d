/* SPDX-License-Identifier: MIT */
/* syslogger.c: one record to the system's log, without ever waiting for it. */
#include "supervisor/core/syslogger.h"

#include "supervisor/core/clock.h"
#include "supervisor/core/lock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define CONNECT_PAUSE_NS NS_PER_SEC
#define RECORD_MAX       8192 /* what receivers take; longer texts are cut when refused */

static struct lock lock = LOCK_INIT(LOCK_RANK_LOG);
static struct {
    const char *path;
    char ident[64];
    int fd;              /* -1: not connected */
    bool is_stream;      /* records are ended by a NUL */
    uint64_t connect_ns; /* no attempt before */
} sys = { .path = "/dev/log", .fd = -1 };

void syslogger_set_ident(const char *ident)
{
    lock_take(&lock);
    (void)snprintf(sys.ident, sizeof(sys.ident), "%s", ident);
    lock_release(&lock);
}

static void hang_up(void) REQUIRES(lock)
{
    if (sys.fd >= 0)
        (void)close(sys.fd); /* nothing of ours is buffered in it */
    sys.fd = -1;
}

void syslogger_set_path(const char *path)
{
    lock_take(&lock);
    hang_up();
    sys.path = path;
    sys.connect_ns = 0;
    lock_release(&lock);
}

static int connect_as(int type) REQUIRES(lock)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    if (strlen(sys.path) >= sizeof(addr.sun_path))
        return -ENAMETOOLONG;
    memcpy(addr.sun_path, sys.path, strlen(sys.path) + 1);
    sys.fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (sys.fd < 0)
        return -errno;
    if (connect(sys.fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
        return 0;
    int error = -errno;
    hang_up();
    return error;
}

static int dial(void) REQUIRES(lock)
{
    uint64_t now_ns = clock_now_ns();
    if (now_ns < sys.connect_ns)
        return -ENOTCONN;
    sys.connect_ns = now_ns + CONNECT_PAUSE_NS;
    sys.is_stream = false;
    int error = connect_as(SOCK_DGRAM);
    if (error == -EPROTOTYPE) {
        sys.is_stream = true;
        error = connect_as(SOCK_STREAM);
    }
    return error;
}

static int transmit(const char *head, const char *prefix, const char *text, size_t len)
    REQUIRES(lock)
{
    char end = '\0';
    /* sendmsg() reads only, but struct iovec has no const. */
    struct iovec parts[] = {
        { (void *)(uintptr_t)head, strlen(head) },
        { (void *)(uintptr_t)prefix, strlen(prefix) },
        { (void *)(uintptr_t)text, len },
        { &end, sys.is_stream ? 1 : 0 },
    };
    struct msghdr msg = { .msg_iov = parts, .msg_iovlen = sizeof(parts) / sizeof(parts[0]) };
    ssize_t n = sendmsg(sys.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n < 0 ? -errno : 0;
}

static int send_record(const char *prefix, const char *text, size_t len) REQUIRES(lock)
{
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t now = (time_t)(clock_wall_ns() / (int64_t)NS_PER_SEC);
    struct tm tm;
    if (!localtime_r(&now, &tm))
        return -errno;
    char head[128];
    (void)snprintf(head, sizeof(head), "<%d>%s %2d %02d:%02d:%02d %s: ", LOG_USER | LOG_INFO,
                   months[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                   sys.ident[0] ? sys.ident : program_invocation_short_name);

    for (bool again = sys.fd >= 0;; again = false) {
        int error = sys.fd < 0 ? dial() : 0;
        if (!error)
            error = transmit(head, prefix, text, len);
        if (error == -EMSGSIZE && len > RECORD_MAX)
            error = transmit(head, prefix, text, RECORD_MAX);
        if (!error || error == -EAGAIN)
            return error;
        hang_up(); /* the receiver was restarted: its old socket refuses */
        if (!again)
            return error;
    }
}

int syslogger_send(const char *prefix, const char *text, size_t len)
{
    lock_take(&lock);
    int error = send_record(prefix, text, len);
    lock_release(&lock);
    return error;
}
