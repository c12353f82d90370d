/* SPDX-License-Identifier: MIT */
/* rotating_file.c: an append-only file that is renamed away when it has grown enough. */
#include "supervisor/core/rotating_file.h"

#include "rotating_file_priv.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY_NS NS_PER_SEC       /* has the file been moved away? */
#define LOOK_AGAIN_NS (NS_PER_SEC / 5) /* no name now: logrotate may be about to make one */
#define SLACK_MIN     4096

static struct lock registry_lock = LOCK_INIT(LOCK_RANK_LOG);
static struct rotating_file *registry; /* every open regular file */

uint64_t rotating_file_now_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &ts); /* fails only for clocks that do not exist */
    return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* ---- which files are open ---- */

/* path with its directory resolved: what stays the same when the file itself is renamed. */
static char *resolve_place(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    CLEANUP_FREE char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    if (!dir)
        return NULL;
    CLEANUP_FREE char *real = realpath(dir, NULL);
    char *place = NULL;
    if (!real || asprintf(&place, "%s/%s", real, base) < 0)
        return NULL;
    return place;
}

static void set_out(struct rotating_file *file, const struct append_fd *out)
{
    file->out = *out;
    atomic_store(&file->dev, (uint64_t)out->dev);
    atomic_store(&file->ino, (uint64_t)out->ino);
    file->look_ns = rotating_file_now_ns() + LOOK_EVERY_NS;
    file->nameless = false;
}

static struct rotating_file *registry_find(const struct append_fd *out, const char *place)
    REQUIRES(registry_lock)
{
    for (struct rotating_file *file = registry; file; file = file->next) {
        if (atomic_load(&file->ino) == out->ino && atomic_load(&file->dev) == out->dev)
            return file;
        if (place && file->place && strcmp(place, file->place) == 0)
            return file;
    }
    return NULL;
}

static void file_free(struct rotating_file *file)
{
    if (!file)
        return;
    append_fd_close(&file->out);
    lock_destroy(&file->lock);
    free(file->path);
    free(file->place);
    free(file);
}

static struct rotating_file *file_new(const struct rotating_file_config *config, const char *place)
{
    struct rotating_file *file = calloc(1, sizeof(*file));
    if (!file)
        return NULL;
    lock_init(&file->lock, LOCK_RANK_LOG);
    file->out = (struct append_fd)APPEND_FD_NONE;
    file->refs = 1;
    file->path = strdup(config->path);
    file->place = place ? strdup(place) : NULL;
    file->limits = *config;
    file->limits.path = NULL;
    if (file->path && (!place || file->place))
        return file;
    file_free(file);
    return NULL;
}

/* Owner and mode as configured: of what is opened, and of what follows it. */
static int dress(const struct append_fd *out, const struct rotating_file_config *config)
{
    if (!out->rotates)
        return 0;
    if (config->set_owner && fchown(out->fd, config->owner_uid, config->owner_gid) < 0)
        return -errno;
    return config->mode && fchmod(out->fd, config->mode) < 0 ? -errno : 0;
}

/* A file that an earlier run left behind may be due at once: count from its last change. */
static void start_clock(struct rotating_file *file) REQUIRES(file->lock)
{
    struct stat st;
    bool used = file->out.size && fstat(file->out.fd, &st) == 0;
    rotation_set_due(file, used ? st.st_mtime : time(NULL));
}

static void set_limits(struct rotating_file *file, const struct rotating_file_config *config)
{
    lock_take(&file->lock);
    bool other_clock = file->limits.rotate_period != config->rotate_period ||
                       file->limits.rotate_minute != config->rotate_minute;
    file->limits = *config;
    file->limits.path = NULL;
    if (other_clock)
        rotation_set_due(file, time(NULL));
    lock_release(&file->lock);
}

int rotating_file_open(const struct rotating_file_config *config, struct rotating_file **ret_file)
{
    struct append_fd out;
    int error = append_fd_open(config->path, &out);
    if (error)
        return error;
    if (!config->keep_limits)
        error = dress(&out, config);
    if (error) {
        append_fd_close(&out);
        return error;
    }
    CLEANUP_FREE char *place = out.rotates ? resolve_place(config->path) : NULL;
    struct rotating_file *file = file_new(config, place);
    if (!file) {
        append_fd_close(&out);
        return -ENOMEM;
    }
    lock_take(&file->lock);
    set_out(file, &out);
    start_clock(file);
    lock_release(&file->lock);

    struct rotating_file *shared = NULL;
    lock_take(&registry_lock);
    if (out.rotates)
        shared = registry_find(&out, place);
    if (shared) {
        shared->refs++;
    } else if (out.rotates) {
        file->next = registry;
        registry = file;
    }
    lock_release(&registry_lock);

    if (shared) {
        file_free(file);
        lock_take(&shared->lock);
        shared->look_ns = 0; /* its file may have been removed: ours was made a moment ago */
        lock_release(&shared->lock);
        if (!config->keep_limits)
            set_limits(shared, config);
        file = shared;
    }
    if (out.rotates && (config->compress || config->max_age_secs))
        log_keeper_add(file); /* what an earlier run left */
    *ret_file = file;
    return 0;
}

void rotating_file_ref(struct rotating_file *file)
{
    lock_take(&registry_lock);
    file->refs++;
    lock_release(&registry_lock);
}

void rotating_file_close(struct rotating_file *file)
{
    if (!file)
        return;
    lock_take(&registry_lock);
    bool last = --file->refs == 0;
    for (struct rotating_file **at = &registry; last && *at; at = &(*at)->next) {
        if (*at == file) {
            *at = file->next;
            break;
        }
    }
    lock_release(&registry_lock);
    if (last)
        file_free(file);
}

/* ---- opening by name ---- */

int rotating_file_swap(struct rotating_file *file)
{
    struct append_fd out;
    int error = append_fd_open(file->path, &out);
    if (error)
        return error;
    append_fd_close(&file->out);
    set_out(file, &out);
    (void)dress(&file->out, &file->limits); /* it worked at the open; the log goes on without */
    return 0;
}

/* Our file has lost its last name: what is written there now is lost at the close. */
static bool is_deleted(const struct rotating_file *file)
{
    struct stat st;
    return fstat(file->out.fd, &st) == 0 && st.st_nlink == 0;
}

/* The name means another file, or none. */
static int follow_name(struct rotating_file *file) REQUIRES(file->lock)
{
    int error = rotating_file_swap(file);
    if (!error) {
        file->rotating = false;
        atomic_store(&file->rotate_error, 0);
        return 0;
    }
    file->look_ns = rotating_file_now_ns() + LOOK_EVERY_NS;
    if (!is_deleted(file))
        return 0; /* it was renamed: go on there and look again later */
    append_fd_close(&file->out);
    return error;
}

static int look_at_name(struct rotating_file *file, uint64_t now_ns) REQUIRES(file->lock)
{
    file->look_ns = now_ns + LOOK_EVERY_NS;
    if (!file->out.rotates || (file->rotating && file->moved))
        return 0; /* we moved it ourselves */
    int why = 0;
    bool named = append_fd_is_named(&file->out, file->path, &why);
    if (named) {
        file->nameless = false;
        return 0;
    }
    if (why == -ENOENT && !file->nameless && !is_deleted(file)) {
        file->nameless = true; /* whoever moved it may be about to make a new one */
        file->look_ns = now_ns + LOOK_AGAIN_NS;
        return 0;
    }
    if (why && why != -ENOENT && why != -ENOTDIR)
        return 0; /* cannot tell (EACCES, EIO): writing tells */
    return follow_name(file);
}

/* ---- when to rotate ---- */

/* Somebody may have emptied the file (logrotate's copytruncate): ask before renaming. */
static bool is_really_full(struct rotating_file *file) REQUIRES(file->lock)
{
    struct stat st;
    if (fstat(file->out.fd, &st) == 0)
        file->out.size = (uint64_t)st.st_size;
    return file->out.size >= file->limits.max_bytes;
}

static void rotate_if_full(struct rotating_file *file) REQUIRES(file->lock)
{
    if (is_really_full(file))
        (void)rotation_run(file); /* the reason is kept in rotate_error, and it is tried again */
}

/* How much of data goes into this file, and is it to be rotated after that? */
static size_t piece_until_rotation(const struct rotating_file *file, const char *data, size_t len,
                                   bool *ret_rotate) REQUIRES(file->lock)
{
    *ret_rotate = false;
    uint64_t size = file->out.size;
    uint64_t max = file->limits.max_bytes;
    if (!max || !file->out.rotates || file->rotating || size + len < max)
        return len;

    uint64_t slack = max / 16;
    if (slack < SLACK_MIN)
        slack = SLACK_MIN;
    if (slack > ROTATING_FILE_SLACK_MAX)
        slack = ROTATING_FILE_SLACK_MAX;
    /* The byte that makes the file full may be the end of the line already. */
    size_t from = size < max ? (size_t)(max - size) - 1 : 0;
    uint64_t room = (size < max ? max : size) + slack - size;
    if (size >= max + slack)
        room = slack; /* was over the limit when opened, or cannot be rotated */
    size_t until = len < room ? len : (size_t)room;
    const char *newline = memchr(data + from, '\n', until - from);
    if (newline) {
        *ret_rotate = true;
        return (size_t)(newline - data) + 1;
    }
    *ret_rotate = until < len || size + len >= max + slack;
    return until;
}

static time_t wall_secs(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &ts); /* fails only for clocks that do not exist */
    return ts.tv_sec;
}

/* Has the clock reached the time for a new file? An empty one waits for the next time. */
static bool is_due(struct rotating_file *file) REQUIRES(file->lock)
{
    if (!file->due_wall || file->rotating || !file->out.rotates || wall_secs() < file->due_wall)
        return false;
    if (file->out.size)
        return true;
    rotation_set_due(file, wall_secs());
    return false;
}

/* To the end of the line that the last write began, within reason. */
static size_t rest_of_line(const char *data, size_t len)
{
    size_t until = len < ROTATING_FILE_SLACK_MAX ? len : ROTATING_FILE_SLACK_MAX;
    const char *newline = memchr(data, '\n', until);
    return newline ? (size_t)(newline - data) + 1 : until;
}

/* ---- appending ---- */

static int append(struct rotating_file *file, const char *data, size_t len, size_t *ret_stored)
    REQUIRES(file->lock)
{
    int error = 0;
    if (file->out.fd < 0)
        error = rotating_file_swap(file);
    else if (rotating_file_now_ns() >= file->look_ns)
        error = look_at_name(file, rotating_file_now_ns());
    if (!error && file->rotating && rotating_file_now_ns() >= file->rotate_ns)
        (void)rotation_run(file); /* a step failed some seconds ago */
    while (len && !error) {
        bool full = false;
        bool due = is_due(file);
        if (due && !file->midline) {
            (void)rotation_run(file);
            due = false;
        }
        size_t piece = due ? rest_of_line(data, len) : piece_until_rotation(file, data, len, &full);
        size_t stored;
        error = append_fd_write(&file->out, data, piece, &stored);
        *ret_stored += stored;
        file->out.size += stored;
        if (stored)
            file->midline = data[stored - 1] != '\n';
        data += stored;
        len -= stored;
        if (!error && due)
            (void)rotation_run(file);
        else if (!error && full)
            rotate_if_full(file);
    }
    if (error == -ESTALE) /* a network file that its server no longer knows: open it anew */
        append_fd_close(&file->out);
    return error;
}

/* The keeper is told when the lock is released. */
static bool take_rotated(struct rotating_file *file) REQUIRES(file->lock)
{
    bool rotated = file->rotated;
    file->rotated = false;
    return rotated;
}

int rotating_file_append(struct rotating_file *file, const void *data, size_t len,
                         size_t *ret_stored)
{
    *ret_stored = 0;
    lock_take(&file->lock);
    int error = append(file, data, len, ret_stored);
    bool rotated = take_rotated(file);
    lock_release(&file->lock);
    if (rotated)
        log_keeper_add(file);
    return error;
}

/* ---- requests ---- */

int rotating_file_reopen(struct rotating_file *file)
{
    lock_take(&file->lock);
    int why = 0;
    int error = 0;
    /* A sharer may have done it already. What is no file may be another one by now. */
    if (file->out.fd < 0 || !file->out.rotates ||
        !append_fd_is_named(&file->out, file->path, &why)) {
        error = rotating_file_swap(file);
        if (!error)
            file->rotating = false;
        else
            file->look_ns = 0;
    }
    lock_release(&file->lock);
    return error;
}

static int clear(struct rotating_file *file) REQUIRES(file->lock)
{
    if (file->out.fd < 0)
        return rotating_file_swap(file);
    if (file->out.kind != APPEND_FILE)
        return 0;
    if (!file->out.rotates)
        return ftruncate(file->out.fd, 0) < 0 ? -errno : 0;
    int why = 0;
    if (append_fd_is_named(&file->out, file->path, &why) && unlink(file->path) < 0 &&
        errno != ENOENT)
        return -errno;
    file->rotating = false;
    return rotating_file_swap(file);
}

int rotating_file_clear(struct rotating_file *file)
{
    lock_take(&file->lock);
    int error = clear(file);
    lock_release(&file->lock);
    return error;
}

int rotating_file_rotate(struct rotating_file *file)
{
    int error = 0;
    lock_take(&file->lock);
    if (file->out.fd < 0)
        error = rotating_file_swap(file);
    if (!error && file->out.rotates && file->out.size)
        error = rotation_run(file);
    bool rotated = take_rotated(file);
    lock_release(&file->lock);
    if (rotated)
        log_keeper_add(file);
    return error;
}

/* ---- questions ---- */

int rotating_file_fd(struct rotating_file *file)
{
    lock_take(&file->lock);
    int fd = file->out.kind == APPEND_FILE ? -1 : file->out.fd;
    lock_release(&file->lock);
    return fd;
}

const char *rotating_file_path(const struct rotating_file *file)
{
    return file->path;
}

bool rotating_file_was_moved(struct rotating_file *file)
{
    lock_take(&file->lock);
    int why = 0;
    bool moved =
        file->out.fd >= 0 && file->out.rotates && !append_fd_is_named(&file->out, file->path, &why);
    lock_release(&file->lock);
    return moved;
}

int rotating_file_rotate_error(const struct rotating_file *file)
{
    return atomic_load_explicit(&file->rotate_error, memory_order_relaxed);
}

bool rotating_file_is_regular(struct rotating_file *file)
{
    lock_take(&file->lock);
    bool regular = file->out.rotates;
    lock_release(&file->lock);
    return regular;
}

void rotating_file_keep_all(void)
{
    size_t n = 0;
    lock_take(&registry_lock);
    for (struct rotating_file *file = registry; file; file = file->next)
        n++;
    lock_release(&registry_lock);
    struct rotating_file **all = calloc(n + 1, sizeof(struct rotating_file *));
    if (!all)
        return; /* the next round will do */
    size_t found = 0;
    lock_take(&registry_lock);
    for (struct rotating_file *file = registry; file && found < n; file = file->next) {
        file->refs++;
        all[found++] = file;
    }
    lock_release(&registry_lock);
    for (size_t i = 0; i < found; i++) {
        log_keeper_add(all[i]);
        rotating_file_close(all[i]);
    }
    free(all);
}
