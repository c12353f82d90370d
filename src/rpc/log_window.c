/* SPDX-License-Identifier: MIT */
/* log_window.c: which bytes of a log a caller means, and reading them. */
#include "log_window.h"

#include "supervisor/core/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

int log_window_read(int64_t size, int64_t offset, int64_t length, struct log_window *ret_window)
{
    if (length < 0 || (offset < 0 && length != 0))
        return -EINVAL;
    bool from_end = offset < 0;
    if (from_end)
        offset = clamp(size + offset, 0, size); /* size >= 0 > offset: no overflow */
    offset = clamp(offset, 0, size);
    if (length == 0 || length > size - offset)
        length = size - offset;
    if (length > LOG_WINDOW_MAX) {
        if (from_end) /* whoever counts from the end wants the end */
            offset += length - LOG_WINDOW_MAX;
        length = LOG_WINDOW_MAX;
    }
    *ret_window = (struct log_window){ .offset = offset, .length = length };
    return 0;
}

void log_window_tail(int64_t size, int64_t offset, int64_t length, struct log_window *ret_window)
{
    bool overflow = false;
    int64_t end;

    if (__builtin_add_overflow(offset, length, &end))
        end = length < 0 ? INT64_MIN : INT64_MAX;
    if (size > end) {
        overflow = true;
        offset = size - 1;
    }
    if (__builtin_add_overflow(offset, length, &end))
        end = length < 0 ? INT64_MIN : INT64_MAX;
    if (end > size) {
        if (offset > size - 1)
            length = 0;
        offset = length < 0 ? size : size - (length > size ? size : length);
    }
    offset = clamp(offset, 0, size);
    length = clamp(length, 0, size - offset);
    if (length > LOG_WINDOW_MAX) {
        offset += length - LOG_WINDOW_MAX;
        length = LOG_WINDOW_MAX;
    }
    *ret_window = (struct log_window){ .offset = offset, .length = length, .overflow = overflow };
}

int log_file_open(const char *path, int64_t *ret_size)
{
    struct stat st;
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    *ret_size = st.st_size;
    return take_fd(&fd);
}

int log_file_read(int fd, const struct log_window *window, struct buf *out)
{
    char piece[64 * 1024];
    int64_t done = 0;

    while (done < window->length) {
        int64_t left = window->length - done;
        size_t want = left < (int64_t)sizeof(piece) ? (size_t)left : sizeof(piece);
        ssize_t n = pread(fd, piece, want, window->offset + done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        buf_append(out, piece, (size_t)n);
        done += n;
    }
    return out->error;
}
