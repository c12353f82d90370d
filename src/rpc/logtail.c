/* SPDX-License-Identifier: MIT */
/* logtail.c: a log as it grows, over HTTP.
 *
 * A follower has the file open and a watch on it. At the end of the file it asks whether the name
 * means another file by now (rotation, clearing): then it goes on there from the start, and since
 * it had read the old one to its end, nothing is lost. While the name means nothing, the directory
 * is watched too. Source: Supervisor http.py, tail_f_producer.
 */
#include "logtail.h"

#include "supervisor/core/cleanup.h"
#include "supervisor/core/log.h"
#include "supervisor/core/process_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    FIRST_WINDOW = 1024,           /* bytes from the end that a follower gets at first ... */
    FIRST_WINDOW_MAX = 1024 * 1024 /* ... unless it asks for more: ?bytes=N */
};

#define FILE_EVENTS (IN_MODIFY | IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB)
#define DIR_EVENTS  (IN_CREATE | IN_MOVED_TO | IN_ONLYDIR)

static const char truncated_text[] = "==> File truncated <==\n";

struct follower {
    char *path;
    int fd;
    off_t position;
    dev_t dev; /* of fd */
    ino_t ino;
    int file_watch; /* inotify's; -1 none */
    int dir_watch;  /* while the name means nothing; -1 none */
    bool at_start;  /* cut the first window at a character */
    struct http_stream *stream;
    struct follower *prev, *next;
};

static struct follower *followers;
static struct loop *tail_loop;
static int inotify_fd = -1;
static struct loop_fd *inotify_loop_fd;

/* ---- watches; inotify has one per inode, however many follow it ---- */

static bool watch_is_shared(const struct follower *except, int watch)
{
    for (const struct follower *f = followers; f; f = f->next)
        if (f != except && (f->file_watch == watch || f->dir_watch == watch))
            return true;
    return false;
}

static void unwatch(const struct follower *f, int *watch)
{
    if (*watch >= 0 && !watch_is_shared(f, *watch))
        (void)inotify_rm_watch(inotify_fd, *watch); /* fails if the inode is gone: the same */
    *watch = -1;
}

static void watch_file(struct follower *f)
{
    char path[64];

    unwatch(f, &f->file_watch);
    /* what is open, whatever its name means by now */
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", f->fd);
    f->file_watch = inotify_add_watch(inotify_fd, path, FILE_EVENTS);
    if (f->file_watch < 0)
        log_warn("cannot watch %s: %s", f->path, strerror(errno));
}

static void watch_directory(struct follower *f)
{
    if (f->dir_watch >= 0)
        return;
    const char *slash = strrchr(f->path, '/');
    CLEANUP_FREE char *dir = !slash             ? strdup(".")
                             : slash == f->path ? strdup("/")
                                                : strndup(f->path, (size_t)(slash - f->path));
    if (dir)
        f->dir_watch = inotify_add_watch(inotify_fd, dir, DIR_EVENTS);
}

/* ---- the file ---- */

/* Open path as a regular file: a pipe would block, or give away what others wait for. */
static int open_regular(const char *path, struct stat *ret_stat)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    if (fstat(fd, ret_stat) < 0)
        return -errno;
    return S_ISREG(ret_stat->st_mode) ? take_fd(&fd) : -EINVAL;
}

static void follow_fd(struct follower *f, int fd, const struct stat *st, off_t position)
{
    if (f->fd >= 0)
        (void)close(f->fd); /* only read */
    f->fd = fd;
    f->dev = st->st_dev;
    f->ino = st->st_ino;
    f->position = position;
    watch_file(f);
    unwatch(f, &f->dir_watch);
}

/* The end of the file was reached. Is there another under its name, or is this one shorter than it
 * was? true: read again. *ret_truncated: say so first. */
static bool find_more(struct follower *f, bool *ret_truncated)
{
    struct stat now, opened;

    *ret_truncated = false;
    if (fstat(f->fd, &opened) == 0 && opened.st_size < f->position) {
        f->position = 0;
        *ret_truncated = true;
        return true;
    }
    if (stat(f->path, &now) < 0) {
        bool was_watched = f->dir_watch >= 0;
        watch_directory(f);
        return !was_watched && stat(f->path, &now) == 0; /* it came in between */
    }
    if (now.st_ino == f->ino && now.st_dev == f->dev)
        return false;
    int fd = open_regular(f->path, &now);
    if (fd < 0) {
        watch_directory(f);
        return false;
    }
    follow_fd(f, fd, &now, 0);
    return true;
}

/* The first window may begin in the middle of a character: leave out what is left of it. */
static size_t skip_partial_character(const char *data, size_t len)
{
    size_t n = 0;
    while (n < len && n < 3 && ((unsigned char)data[n] & 0xc0) == 0x80)
        n++;
    return n;
}

static ssize_t read_more(struct follower *f, char *data, size_t size)
{
    ssize_t n;
    do
        n = pread(f->fd, data, size, f->position);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n;
    f->position += n;
    if (!f->at_start)
        return n;
    f->at_start = false;
    size_t skipped = skip_partial_character(data, (size_t)n);
    memmove(data, data + skipped, (size_t)n - skipped);
    return n - (ssize_t)skipped;
}

static ssize_t follower_read(void *arg, char *data, size_t size)
{
    struct follower *f = arg;
    bool truncated;

    for (int i = 0; i < 4; i++) { /* files that change faster than this are looked at next time */
        ssize_t n = read_more(f, data, size);
        if (n > 0)
            return n;
        if (n < 0)
            return HTTP_STREAM_END;
        if (!find_more(f, &truncated))
            return 0;
        if (truncated && size >= sizeof(truncated_text)) {
            memcpy(data, truncated_text, sizeof(truncated_text) - 1);
            return sizeof(truncated_text) - 1;
        }
    }
    return 0;
}

static void follower_closed(void *arg)
{
    struct follower *f = arg;

    unwatch(f, &f->file_watch);
    unwatch(f, &f->dir_watch);
    *(f->prev ? &f->prev->next : &followers) = f->next;
    if (f->next)
        f->next->prev = f->prev;
    if (f->fd >= 0)
        (void)close(f->fd); /* only read */
    free(f->path);
    free(f);
}

static struct follower *follower_new(const char *path, int fd, const struct stat *st, off_t window)
{
    struct follower *f = calloc(1, sizeof(*f));
    char *copy = strdup(path);
    if (!f || !copy) {
        free(f);
        free(copy);
        return NULL;
    }
    off_t from = st->st_size > window ? st->st_size - window : 0;
    f->path = copy;
    f->fd = f->file_watch = f->dir_watch = -1;
    f->at_start = from > 0;
    f->next = followers;
    if (followers)
        followers->prev = f;
    followers = f;
    follow_fd(f, fd, st, from);
    return f;
}

/* ---- requests ---- */

static off_t first_window(const struct http_request *request)
{
    const char *text = http_request_query(request, "bytes");
    char *end;

    if (!text || *text < '0' || *text > '9')
        return FIRST_WINDOW;
    errno = 0;
    unsigned long bytes = strtoul(text, &end, 10);
    if (*end)
        return FIRST_WINDOW;
    return errno || bytes > FIRST_WINDOW_MAX ? FIRST_WINDOW_MAX : (off_t)bytes;
}

static void reply_last_modified(struct http_request *request, time_t when)
{
    char text[64];
    struct tm tm;

    if (gmtime_r(&when, &tm) && strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm))
        http_reply_header(request, "Last-Modified", text);
}

static void stream_file(struct http_request *request, const char *path)
{
    static const struct http_stream_ops ops = { .read = follower_read, .closed = follower_closed };
    struct stat st = { 0 };
    int fd = path ? open_regular(path, &st) : -ENOENT;

    if (fd < 0) {
        http_reply_error(request, fd == -EMFILE || fd == -ENFILE ? 503 : 404);
        return;
    }
    struct follower *f = follower_new(path, fd, &st, first_window(request));
    if (!f) {
        (void)close(fd); /* only read */
        http_reply_error(request, 500);
        return;
    }
    reply_last_modified(request, st.st_mtime);
    struct http_stream *stream =
        http_reply_stream(request, 200, "text/plain;charset=utf-8", &ops, f);
    if (stream) /* else f is closed already */
        f->stream = stream;
}

/* "NAME" or "NAME/stderr" -> the log's path, NULL if there is none. */
static const char *find_log(const char *spec)
{
    struct group *group;
    struct process *process = NULL;
    const char *slash = strrchr(spec, '/');
    bool names_channel = slash && (strcmp(slash, "/stdout") == 0 || strcmp(slash, "/stderr") == 0);
    enum channel channel =
        names_channel && strcmp(slash, "/stderr") == 0 ? CHANNEL_STDERR : CHANNEL_STDOUT;
    CLEANUP_FREE char *name = strndup(spec, names_channel ? (size_t)(slash - spec) : strlen(spec));

    if (!name || process_table_resolve(name, &group, &process) < 0 || !process)
        return NULL;
    return process->logfile[channel];
}

void logtail_handle(struct http_request *request, void *arg)
{
    (void)arg;
    stream_file(request, find_log(http_request_path(request) + strlen("/logtail/")));
}

void logtail_handle_main(struct http_request *request, void *arg)
{
    (void)arg;
    stream_file(request, log_path());
}

/* ---- the room ---- */

static void wake_followers(int watch)
{
    for (struct follower *f = followers; f; f = f->next)
        if (f->stream && (watch < 0 || f->file_watch == watch || f->dir_watch == watch))
            http_stream_wake(f->stream);
}

static void on_inotify(uint32_t events, void *arg)
{
    _Alignas(struct inotify_event) char text[16 * 1024];
    ssize_t n;

    (void)events, (void)arg;
    while ((n = read(inotify_fd, text, sizeof(text))) > 0) {
        for (ssize_t at = 0; at < n;) {
            struct inotify_event event;
            memcpy(&event, text + at, sizeof(event));
            wake_followers(event.mask & IN_Q_OVERFLOW ? -1 : event.wd);
            at += (ssize_t)(sizeof(event) + event.len);
        }
    }
}

int logtail_init(struct loop *loop)
{
    tail_loop = loop;
    inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (inotify_fd < 0)
        return -errno;
    return loop_watch(loop, inotify_fd, EPOLLIN, on_inotify, NULL, &inotify_loop_fd);
}

void logtail_free(void)
{
    if (inotify_loop_fd)
        loop_unwatch(tail_loop, inotify_loop_fd);
    inotify_loop_fd = NULL;
    if (inotify_fd >= 0)
        (void)close(inotify_fd); /* nothing was written to it */
    inotify_fd = -1;
}
