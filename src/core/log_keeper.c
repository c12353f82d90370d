/* SPDX-License-Identifier: MIT */
/* log_keeper.c: compresses rotated logs and removes those that are too old.
 *
 * One thread of low priority for all files, started when the first one asks for it. Files may go on
 * rotating meanwhile: the one being compressed is known by its inode, and its name is looked up
 * again, under the file's lock, when the result is ready. No lock is held while bytes move.
 */
#include "rotating_file_priv.h"

#include "supervisor/core/cleanup.h"
#include "supervisor/core/clock.h"
#include "supervisor/core/log.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

#define ROUND_SECS    3600 /* between looks at files that nobody writes to */
#define KEEPER_NICE   10
#define COPY_BUF_SIZE (64 * 1024)
#define GAP_LOOK_MAX  100 /* numbers that are looked at although one may be missing */

static struct lock lock = LOCK_INIT(LOCK_RANK_LOG);
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static struct rotating_file *waiting; /* lock */
static bool started;                  /* lock */

/* ---- compressing ---- */

/* The lowest numbered rotated file that is not compressed, opened; -ENOENT if there is none. */
static int open_plain(struct rotating_file *file, int *ret_fd)
{
    int error = -ENOENT;
    lock_take(&file->lock);
    for (unsigned n = 1; file->limits.compress && n <= file->limits.backups; n++) {
        char name[PATH_MAX];
        char gz[PATH_MAX];
        struct stat st;
        if (rotation_name(file, n, "", name) || rotation_name(file, n, ".gz", gz))
            break;
        if (lstat(name, &st) == 0 && S_ISREG(st.st_mode)) {
            *ret_fd = open(name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
            error = *ret_fd < 0 ? -errno : 0;
            break;
        }
        if (n > GAP_LOOK_MAX && access(gz, F_OK) < 0)
            break; /* room for thousands of backups, and here they end */
    }
    lock_release(&file->lock);
    return error;
}

static int copy_into(gzFile packed, int from)
{
    static char bytes[COPY_BUF_SIZE]; /* the keeper's thread alone */
    for (;;) {
        ssize_t n = read(from, bytes, sizeof(bytes));
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return -errno;
        errno = 0;
        if (n > 0 && gzwrite(packed, bytes, (unsigned)n) != (int)n)
            return errno ? -errno : -EIO;
    }
}

/* Same owner, mode and age as what it was made of; then onto the disk. */
static int finish_like(int fd, const struct stat *st)
{
    const struct timespec times[2] = { st->st_atim, st->st_mtim };
    if (fchown(fd, st->st_uid, st->st_gid) < 0 && errno != EPERM)
        return -errno;
    if (fchmod(fd, st->st_mode & 07777) < 0 || futimens(fd, times) < 0 || fdatasync(fd) < 0)
        return -errno;
    return 0;
}

/* Compress what is open as from into a new file of that name. */
static int pack(int from, const struct stat *st, const char *name)
{
    (void)unlink(name); /* left by a run that was cut short */
    CLEANUP_CLOSE int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    gzFile packed = own < 0 ? NULL : gzdopen(own, "wb6");
    if (!packed) {
        if (own >= 0)
            (void)close(own);
        return -ENOMEM;
    }
    int error = copy_into(packed, from);
    errno = 0;
    if (gzclose(packed) != Z_OK && !error)
        error = errno ? -errno : -EIO;
    return error ? error : finish_like(fd, st);
}

/* Put the packed file in the place of the plain one, wherever that is by now. The plain one is
 * unlinked by the caller as `done`: freeing its blocks may take a while. */
static int replace(struct rotating_file *file, const struct stat *plain, const char *packed,
                   const char *done)
{
    int error = -ENOENT; /* it has fallen off the end, or was cleared away */
    lock_take(&file->lock);
    for (unsigned n = 1; n <= file->limits.backups; n++) {
        char name[PATH_MAX];
        char gz[PATH_MAX];
        struct stat st;
        if (rotation_name(file, n, "", name) || rotation_name(file, n, ".gz", gz))
            break;
        if (lstat(name, &st) < 0 || st.st_ino != plain->st_ino || st.st_dev != plain->st_dev)
            continue;
        error = rename(packed, gz) < 0 || rename(name, done) < 0 ? -errno : 0;
        break;
    }
    lock_release(&file->lock);
    return error;
}

/* 0, or -ENOENT when nothing is left to do. */
static int compress_one(struct rotating_file *file)
{
    CLEANUP_CLOSE int fd = -1;
    int error = open_plain(file, &fd);
    if (error)
        return error;
    char packed[PATH_MAX];
    char done[PATH_MAX];
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    error = rotation_name(file, 0, ".gz.new", packed);
    if (!error)
        error = rotation_name(file, 0, ".packed", done);
    if (!error)
        error = pack(fd, &st, packed);
    if (!error)
        error = replace(file, &st, packed, done);
    if (error)
        (void)unlink(packed); /* the plain file is as good */
    else
        (void)unlink(done); /* compressed by now */
    return error == -ENOENT ? 0 : error;
}

static void compress_all(struct rotating_file *file)
{
    int error;
    while ((error = compress_one(file)) == 0) {
    }
    if (error != -ENOENT)
        log_warn("cannot compress the rotated files of %s: %s", file->path, strerror(-error));
}

/* ---- removing what is too old ---- */

/* "BASE.12" or "BASE.12.gz". */
static bool is_rotated_name(const char *name, const char *base)
{
    size_t len = strlen(base);
    if (strncmp(name, base, len) != 0 || name[len] != '.' || !isdigit((unsigned char)name[len + 1]))
        return false;
    const char *rest = name + len + 1;
    rest += strspn(rest, "0123456789");
    return *rest == '\0' || strcmp(rest, ".gz") == 0;
}

static void remove_old(struct rotating_file *file)
{
    lock_take(&file->lock);
    int64_t max_age_secs = file->limits.max_age_secs;
    lock_release(&file->lock);
    if (max_age_secs <= 0 || !file->place)
        return;
    char dir[PATH_MAX];
    const char *base = strrchr(file->place, '/') + 1; /* a place is absolute */
    (void)snprintf(dir, sizeof(dir), "%.*s", (int)(base - file->place), file->place);
    DIR *d = opendir(dir);
    if (!d)
        return; /* gone: then so are its files */
    int64_t now = clock_wall_ns() / (int64_t)NS_PER_SEC;
    struct stat st;
    for (struct dirent *entry; (entry = readdir(d));) {
        if (!is_rotated_name(entry->d_name, base) ||
            fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (S_ISREG(st.st_mode) && now - st.st_mtime > max_age_secs &&
            unlinkat(dirfd(d), entry->d_name, 0) < 0)
            log_warn("cannot remove old %s%s: %s", dir, entry->d_name, strerror(errno));
    }
    (void)closedir(d);
}

/* ---- the thread ---- */

static struct rotating_file *next_file(void)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until); /* fails only for clocks that do not exist */
    until.tv_sec += ROUND_SECS;
    lock_take(&lock);
    int error = 0;
    while (!waiting && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&work, &lock.mutex, &until);
    struct rotating_file *file = waiting;
    if (file)
        waiting = file->next_kept;
    lock_release(&lock);
    return file;
}

static void *keeper_main(void *arg)
{
    (void)arg;
    (void)pthread_setname_np(pthread_self(), "log-keeper"); /* for people who look with ps(1) */
    /* A thread has a priority of its own on Linux; without it compressing is only less polite. */
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), KEEPER_NICE);
    for (;;) {
        struct rotating_file *file = next_file();
        if (!file) {
            rotating_file_keep_all();
            continue;
        }
        atomic_store(&file->kept, false); /* what happens from now on is another round */
        remove_old(file);
        compress_all(file);
        rotating_file_close(file);
    }
    return NULL;
}

static bool start(void) REQUIRES(lock)
{
    pthread_attr_t attr;
    pthread_t thread;
    if (started)
        return true;
    if (pthread_attr_init(&attr) != 0)
        return false;
    started = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0 &&
              pthread_create(&thread, &attr, keeper_main, NULL) == 0;
    (void)pthread_attr_destroy(&attr); /* cannot fail */
    return started;
}

void log_keeper_add(struct rotating_file *file)
{
    if (atomic_exchange(&file->kept, true))
        return; /* it waits already */
    rotating_file_ref(file);
    lock_take(&lock);
    bool ok = start();
    if (ok) {
        file->next_kept = waiting;
        waiting = file;
        (void)pthread_cond_signal(&work);
    }
    lock_release(&lock);
    if (!ok) {
        atomic_store(&file->kept, false); /* no thread to be had: try again at the next rotation */
        rotating_file_close(file);
    }
}
