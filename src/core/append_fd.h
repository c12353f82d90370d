/* SPDX-License-Identifier: MIT */
/* append_fd.h: a descriptor to append to, whatever its name leads to, that never blocks
 * where the kernel can help it.
 *
 * Pipes and terminals are opened anew with O_NONBLOCK: setting the flag on an inherited
 * descriptor would change it for everybody who shares that description.
 */
#ifndef SUPERVISOR_CORE_APPEND_FD_H
#define SUPERVISOR_CORE_APPEND_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum append_kind {
    APPEND_FILE,   /* regular: a write may wait for the disk, never for a reader */
    APPEND_STREAM, /* pipe, terminal, device: opened O_NONBLOCK */
    APPEND_SOCKET, /* cannot be opened anew: sent to with MSG_DONTWAIT */
    APPEND_SHARED, /* could not be opened anew: asked with poll(2) before each small write */
};

struct append_fd {
    int fd; /* -1: none */
    enum append_kind kind;
    bool rotates; /* a regular file under a name of its own: it may be renamed and unlinked */
    dev_t dev;
    ino_t ino;
    uint64_t size; /* bytes when it was opened; 0 unless APPEND_FILE */
};

#define APPEND_FD_NONE                                                                             \
    {                                                                                              \
        -1, APPEND_FILE, false, 0, 0, 0                                                            \
    }

/* Open path for append, made with 0666 & ~umask. 0 or a negative errno. */
int append_fd_open(const char *path, struct append_fd *ret_out);

/* The inherited descriptor fd (standard output) as a sink of our own. 0 or a negative errno. */
int append_fd_inherit(int fd, struct append_fd *ret_out);

/* Write all; *ret_stored bytes went out, also on failure. 0, -EAGAIN when nothing more fits
 * now, or what write(2) said. */
int append_fd_write(const struct append_fd *out, const void *data, size_t len, size_t *ret_stored);

/* Does path (following links) now mean this very file? *ret_error: 0, or stat(2)'s -errno. */
bool append_fd_is_named(const struct append_fd *out, const char *path, int *ret_error);

void append_fd_close(struct append_fd *out);

#endif
