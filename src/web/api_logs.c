/* SPDX-License-Identifier: MIT */
/* api_logs.c: a log file as a download: what it holds at the moment of asking, whatever is added
 * meanwhile. */
#include "api.h"
#include "reply.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct download {
    int fd;
    off_t position, end;
};

static ssize_t download_read(void *arg, char *data, size_t size)
{
    struct download *d = arg;
    off_t left = d->end - d->position;
    if (left <= 0)
        return HTTP_STREAM_END;
    ssize_t n;
    do
        n = pread(d->fd, data, (off_t)size < left ? size : (size_t)left, d->position);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return HTTP_STREAM_END; /* truncated meanwhile */
    d->position += n;
    return n;
}

static void download_closed(void *arg)
{
    struct download *d = arg;
    (void)close(d->fd); /* only read */
    free(d);
}

/* A regular file only: a pipe would give away what others wait for. */
static int open_regular(const char *path, off_t *ret_size)
{
    struct stat st;
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    *ret_size = st.st_size;
    return take_fd(&fd);
}

/* The name as it may stand between quotes. */
static void reply_file_name(struct http_request *request, const char *name)
{
    char value[320], safe[256];
    size_t n = 0;
    for (; *name && n < sizeof(safe) - 1; name++)
        safe[n++] =
            strchr("\"\\;/", *name) || (unsigned char)*name < 0x20 || (unsigned char)*name > 0x7e
                ? '_'
                : *name;
    safe[n] = '\0';
    (void)snprintf(value, sizeof(value), "attachment; filename=\"%s\"", safe);
    http_reply_header(request, "Content-Disposition", value);
}

void api_reply_file(struct http_request *request, const char *path, const char *download_name)
{
    static const struct http_stream_ops ops = { .read = download_read, .closed = download_closed };
    off_t size = 0;
    int fd = path ? open_regular(path, &size) : -ENOENT;
    if (fd < 0) {
        reply_json_error(request, 404, "NO_FILE", "there is no such log file");
        return;
    }
    struct download *d = malloc(sizeof(*d));
    if (!d) {
        (void)close(fd); /* only read */
        http_reply_error(request, 500);
        return;
    }
    *d = (struct download){ .fd = fd, .end = size };
    reply_file_name(request, download_name);
    http_reply_header(request, "X-Content-Type-Options", "nosniff");
    http_reply_header(request, "Cache-Control", "no-store");
    (void)http_reply_stream(request, 200, "text/plain;charset=utf-8", &ops, d);
}

void api_handle_daemon_log(struct http_request *request, void *arg)
{
    (void)arg;
    api_reply_file(request, log_path(), "supervisord.log");
}
