/* SPDX-License-Identifier: MIT */
/* rotating_file.h: an append-only file that is renamed away when it has grown enough.
 *
 * FILE, FILE.1 (newest) ... FILE.backups. Only regular files rotate; anything else (a pipe
 * behind /dev/stdout, a device) is written to as it is and never unlinked or renamed.
 * Openers of the same file share one sink and so one rotation decision; those who are alone
 * never wait for anybody.
 * Source: Supervisor loggers.py, RotatingFileHandler.
 */
#ifndef SUPERVISOR_CORE_ROTATING_FILE_H
#define SUPERVISOR_CORE_ROTATING_FILE_H

#include "supervisor/core/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct rotating_file;

struct rotating_file_config {
    const char *path;   /* copied */
    uint64_t max_bytes; /* 0: never rotate by size */
    unsigned backups;   /* 0: truncate instead of renaming */
    bool keep_limits;   /* if it is open already: leave its limits as they are */

    enum logrotate
        rotate_period;    /* rotate by the clock as well, with the first bytes after that time */
    int rotate_minute;    /* LOGROTATE_DAILY: minutes after local midnight */
    bool compress;        /* FILE.n becomes FILE.n.gz, in a thread of its own */
    int64_t max_age_secs; /* rotated files older than this are removed; 0: kept */
    mode_t mode;          /* of the file; 0: as the umask gives */
    bool set_owner;       /* make it owner_uid's and owner_gid's; (uid_t)-1: unchanged */
    uid_t owner_uid;
    gid_t owner_gid;
};

/* Open for append, made with 0666 & ~umask. A file that is open already is shared: the last
 * opener's limits hold for all. 0 or a negative errno (also of chmod and chown). Any thread; each
 * handle may be used by one thread at a time, sharers wait for each other's writes. */
int rotating_file_open(const struct rotating_file_config *config, struct rotating_file **ret_file);
void rotating_file_close(struct rotating_file *file); /* accepts NULL */

/* A file that has reached max_bytes is rotated after the line that reached it. A line that does
 * not end within this many bytes more (less for small limits) is cut. */
#define ROTATING_FILE_SLACK_MAX (64 * 1024)

/* Append all of data, rotating where needed, at line ends where one is near.
 * *ret_stored is the number of bytes that are in a file, also on failure.
 * Returns 0 or the negative errno of what stopped it (ENOSPC, EAGAIN of a full pipe, EIO, ...);
 * a later append tries to mend it (opens again what could not be opened). */
int rotating_file_append(struct rotating_file *file, const void *data, size_t len,
                         size_t *ret_stored);

/* Close and open by name (SIGUSR2). 0 or a negative errno; then appends retry. */
int rotating_file_reopen(struct rotating_file *file);

/* Empty it: a regular file is unlinked and made anew, so that readers of the old one keep it. */
int rotating_file_clear(struct rotating_file *file);

/* Rotate now, whatever the size; an empty file stays as it is. */
int rotating_file_rotate(struct rotating_file *file);

/* For poll(2) when append said -EAGAIN; -1 when there is nothing to wait for. */
int rotating_file_fd(struct rotating_file *file);

const char *rotating_file_path(const struct rotating_file *file);

/* Has the name come to mean another file (logrotate moved ours away)? One stat(2). Appends look
 * about once a second by themselves and then go on in a file of that name. */
bool rotating_file_was_moved(struct rotating_file *file);

/* Why the last attempt to rotate did not succeed (the bytes are safe in the old file, and it
 * is tried again every few seconds); 0 when all is well. One atomic load. */
int rotating_file_rotate_error(const struct rotating_file *file);

/* A regular file that may be rotated, rather than a pipe or a device. */
bool rotating_file_is_regular(struct rotating_file *file);

#endif
