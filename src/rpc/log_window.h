/* SPDX-License-Identifier: MIT */
/* log_window.h: which bytes of a log a caller means, and reading them. */
#ifndef SUPERVISOR_RPC_LOG_WINDOW_H
#define SUPERVISOR_RPC_LOG_WINDOW_H

#include "supervisor/core/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define LOG_WINDOW_MAX (32 * 1024 * 1024) /* bytes in one answer */

struct log_window {
    int64_t offset;
    int64_t length;
    bool overflow; /* tail: the caller missed something */
};

/* What read*Log(offset, length) means in a file of size bytes. 0, or -EINVAL for arguments that
 * mean nothing. Source: Supervisor options.py, readFile(). */
int log_window_read(int64_t size, int64_t offset, int64_t length, struct log_window *ret_window);

/* What tail*Log(offset, length) means. Source: Supervisor options.py, tailFile(). */
void log_window_tail(int64_t size, int64_t offset, int64_t length, struct log_window *ret_window);

/* Open path for log_file_read(). The descriptor and *ret_size, or a negative errno: -EINVAL for
 * anything but a regular file (a pipe would block, or lose what its reader waits for). */
int log_file_open(const char *path, int64_t *ret_size);

/* Append the window's bytes to out. 0 or a negative errno; a file that shrank gives less. */
int log_file_read(int fd, const struct log_window *window, struct buf *out);

#endif
