/* SPDX-License-Identifier: MIT */
/* rotation.c: renames a full log away, step by step.
 *
 * Steps are remembered one by one: when one fails, bytes go on into the old file, and the next
 * attempt continues with that step, so that no older file is shifted twice. The new file is opened
 * before the old one is closed: without a free descriptor, nothing is lost.
 */
#include "rotating_file_priv.h"

#include "rotation_time.h"
#include "supervisor/core/clock.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define ROTATE_PAUSE_NS (5 * NS_PER_SEC) /* between attempts of a step that fails */

int rotation_name(const struct rotating_file *file, unsigned n, const char *suffix,
                  char ret_name[PATH_MAX])
{
    int len = n ? snprintf(ret_name, PATH_MAX, "%s.%u%s", file->path, n, suffix)
                : snprintf(ret_name, PATH_MAX, "%s%s", file->path, suffix);
    return len < 0 || len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

void rotation_set_due(struct rotating_file *file, time_t after)
{
    file->due_wall =
        rotation_time_next(file->limits.rotate_period, file->limits.rotate_minute, after);
}

/* Rename PATH.n to PATH.n+1 with this suffix, replacing it; whether there was one. */
static int shift_as(const struct rotating_file *file, unsigned n, const char *suffix, bool *ret_was)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    int error = rotation_name(file, n, suffix, from);
    if (!error)
        error = rotation_name(file, n + 1, suffix, to);
    *ret_was = !error && rename(from, to) == 0;
    if (!error && !*ret_was && errno != ENOENT)
        error = -errno;
    return error;
}

static int remove_as(const struct rotating_file *file, unsigned n, const char *suffix)
{
    char name[PATH_MAX];
    int error = rotation_name(file, n, suffix, name);
    if (!error && unlink(name) < 0 && errno != ENOENT)
        error = -errno;
    return error;
}

/* A file is there as it was written or compressed, not both: the other form at its new place is
 * one that falls off the end. No file of that number is fine. */
static int shift(const struct rotating_file *file, unsigned n)
{
    bool plain;
    bool packed = false;
    int error = shift_as(file, n, "", &plain);
    if (error || !file->limits.compress)
        return error;
    if (n > 0)
        error = shift_as(file, n, ".gz", &packed);
    if (!error && plain && !packed)
        error = remove_as(file, n + 1, ".gz");
    if (!error && packed && !plain)
        error = remove_as(file, n + 1, "");
    return error;
}

static int run_steps(struct rotating_file *file) REQUIRES(file->lock)
{
    if (file->limits.backups == 0) {
        if (ftruncate(file->out.fd, 0) < 0)
            return -errno;
        file->out.size = 0;
        return 0;
    }
    for (; file->step > 0; file->step--) {
        int error = shift(file, file->step);
        if (error)
            return error;
    }
    if (!file->moved) {
        int why = 0; /* somebody else may have moved it: then the name is not ours to rename */
        if (append_fd_is_named(&file->out, file->path, &why)) {
            int error = shift(file, 0);
            if (error)
                return error;
        }
        file->moved = true;
    }
    return rotating_file_swap(file);
}

int rotation_run(struct rotating_file *file)
{
    if (!file->rotating) {
        file->rotating = true;
        file->moved = false;
        file->step = file->limits.backups ? file->limits.backups - 1 : 0;
    }
    int error = run_steps(file);
    atomic_store(&file->rotate_error, error);
    if (error) {
        file->rotate_ns = rotating_file_now_ns() + ROTATE_PAUSE_NS;
        return error;
    }
    file->rotating = false;
    file->midline = false;
    file->rotated = file->limits.compress || file->limits.max_age_secs;
    rotation_set_due(file, time(NULL));
    return 0;
}
