/* SPDX-License-Identifier: MIT */
/* rotating_file.c: an append-only file that is renamed away when it has grown enough.
 *
 * All steps of a rotation are remembered one by one: when one fails, bytes go on into the old file,
 * and the next attempt continues with that step, so that no older file is shifted twice. The new
 * file is opened before the old one is closed: without a free descriptor, nothing is lost.
 */
#include "supervisor/core/rotating_file.h"

#include "append_fd.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/clock.h"
#include "supervisor/core/lock.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY_NS NS_PER_SEC /* has the file been moved away? */
#define LOOK_AGAIN_NS                                                                              \
    (NS_PER_SEC / 5)                     /* it has no name now: logrotate may be about to make one \
                                          */
#define ROTATE_PAUSE_NS (5 * NS_PER_SEC) /* between attempts of a step that fails */
#define SLACK_MIN       4096

struct rotating_file {
    struct rotating_file *next; /* registry lock */
    unsigned refs;              /* registry lock */
    char *path;                 /* never changes */
    char *place; /* never changes; path with its directory resolved, NULL if it cannot be */
    _Atomic uint64_t dev, ino; /* atomic; of `out`, for the registry */
    _Atomic int rotate_error;  /* atomic */
    struct lock lock;     /* rank log; held over writes to this one file, by its sharers only */
    struct append_fd out; /* lock; .size is kept up to date */
    uint64_t max_bytes;   /* lock */
    unsigned backups;     /* lock */
    bool rotating;        /* lock; a rotation has begun and not ended ... */
    unsigned step;        /* lock; ... FILE.step is to be renamed next, 0: FILE itself ... */
    bool moved;           /* lock; ... or all are, and the new FILE is to be opened */
    uint64_t rotate_ns;   /* lock; no attempt before this time */
    uint64_t look_ns;     /* lock; when to look at the name again */
    bool nameless;        /* lock; it had no name at the last look */
};

static struct lock registry_lock = LOCK_INIT(LOCK_RANK_LOG);
static struct rotating_file *registry; /* every open regular file */

/* A few ns, to the precision of a timer tick. */
static uint64_t coarse_now_ns(void)
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
    file->look_ns = coarse_now_ns() + LOOK_EVERY_NS;
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
    file->max_bytes = config->max_bytes;
    file->backups = config->backups;
    if (file->path && (!place || file->place))
        return file;
    file_free(file);
    return NULL;
}

static void file_set_limits(struct rotating_file *file, const struct rotating_file_config *config)
{
    lock_take(&file->lock);
    file->max_bytes = config->max_bytes;
    file->backups = config->backups;
    lock_release(&file->lock);
}

int rotating_file_open(const struct rotating_file_config *config, struct rotating_file **ret_file)
{
    struct append_fd out;
    int error = append_fd_open(config->path, &out);
    if (error)
        return error;
    CLEANUP_FREE char *place = out.rotates ? resolve_place(config->path) : NULL;
    struct rotating_file *file = file_new(config, place);
    if (!file) {
        append_fd_close(&out);
        return -ENOMEM;
    }
    set_out(file, &out);

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
        if (!config->keep_limits)
            file_set_limits(shared, config);
    }
    *ret_file = shared ? shared : file;
    return 0;
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

/* Open the name and let go of what was open; on failure that stays as it is. */
static int swap_in_named(struct rotating_file *file) REQUIRES(file->lock)
{
    struct append_fd out;
    int error = append_fd_open(file->path, &out);
    if (error)
        return error;
    append_fd_close(&file->out);
    set_out(file, &out);
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
    int error = swap_in_named(file);
    if (!error) {
        file->rotating = false;
        atomic_store(&file->rotate_error, 0);
        return 0;
    }
    file->look_ns = coarse_now_ns() + LOOK_EVERY_NS;
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

/* ---- rotation ---- */

/* PATH.n; n == 0 is PATH. */
static int numbered(const struct rotating_file *file, unsigned n, char ret_name[PATH_MAX])
{
    int len = n ? snprintf(ret_name, PATH_MAX, "%s.%u", file->path, n)
                : snprintf(ret_name, PATH_MAX, "%s", file->path);
    return len < 0 || len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* Rename PATH.n to PATH.n+1, replacing it. No file of that number is fine. */
static int shift(const struct rotating_file *file, unsigned n)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    int error = numbered(file, n, from);
    if (!error)
        error = numbered(file, n + 1, to);
    if (!error && rename(from, to) < 0 && errno != ENOENT)
        error = -errno;
    return error;
}

static int run_steps(struct rotating_file *file) REQUIRES(file->lock)
{
    if (file->backups == 0) {
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
    return swap_in_named(file);
}

/* Begin or resume. On failure the bytes go on into what is open. */
static int rotate(struct rotating_file *file) REQUIRES(file->lock)
{
    if (!file->rotating) {
        file->rotating = true;
        file->moved = false;
        file->step = file->backups ? file->backups - 1 : 0;
    }
    int error = run_steps(file);
    atomic_store(&file->rotate_error, error);
    if (error)
        file->rotate_ns = coarse_now_ns() + ROTATE_PAUSE_NS;
    else
        file->rotating = false;
    return error;
}

/* Somebody may have emptied the file (logrotate's copytruncate): ask before renaming. */
static bool is_really_full(struct rotating_file *file) REQUIRES(file->lock)
{
    struct stat st;
    if (fstat(file->out.fd, &st) == 0)
        file->out.size = (uint64_t)st.st_size;
    return file->out.size >= file->max_bytes;
}

static void rotate_if_full(struct rotating_file *file) REQUIRES(file->lock)
{
    if (is_really_full(file))
        (void)rotate(file); /* the reason is kept in rotate_error, and it is tried again */
}

/* How much of data goes into this file, and is it to be rotated after that? */
static size_t piece_until_rotation(const struct rotating_file *file, const char *data, size_t len,
                                   bool *ret_rotate) REQUIRES(file->lock)
{
    *ret_rotate = false;
    uint64_t size = file->out.size;
    uint64_t max = file->max_bytes;
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

/* ---- appending ---- */

static int append(struct rotating_file *file, const char *data, size_t len, size_t *ret_stored)
    REQUIRES(file->lock)
{
    int error = 0;
    if (file->out.fd < 0)
        error = swap_in_named(file);
    else if (coarse_now_ns() >= file->look_ns)
        error = look_at_name(file, coarse_now_ns());
    if (!error && file->rotating && coarse_now_ns() >= file->rotate_ns)
        (void)rotate(file); /* a step failed some seconds ago */
    while (len && !error) {
        bool full;
        size_t piece = piece_until_rotation(file, data, len, &full);
        size_t stored;
        error = append_fd_write(&file->out, data, piece, &stored);
        *ret_stored += stored;
        file->out.size += stored;
        data += stored;
        len -= stored;
        if (!error && full)
            rotate_if_full(file);
    }
    if (error == -ESTALE) /* a network file that its server no longer knows: open it anew */
        append_fd_close(&file->out);
    return error;
}

int rotating_file_append(struct rotating_file *file, const void *data, size_t len,
                         size_t *ret_stored)
{
    *ret_stored = 0;
    lock_take(&file->lock);
    int error = append(file, data, len, ret_stored);
    lock_release(&file->lock);
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
        error = swap_in_named(file);
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
        return swap_in_named(file);
    if (file->out.kind != APPEND_FILE)
        return 0;
    if (!file->out.rotates)
        return ftruncate(file->out.fd, 0) < 0 ? -errno : 0;
    int why = 0;
    if (append_fd_is_named(&file->out, file->path, &why) && unlink(file->path) < 0 &&
        errno != ENOENT)
        return -errno;
    file->rotating = false;
    return swap_in_named(file);
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
        error = swap_in_named(file);
    if (!error && file->out.rotates && file->out.size)
        error = rotate(file);
    lock_release(&file->lock);
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
