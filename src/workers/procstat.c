/* SPDX-License-Identifier: MIT */
/* procstat.c: /proc/PID/stat of every process -> sums over process trees. */
#include "supervisor/workers/procstat.h"

#include "supervisor/core/cleanup.h"
#include "supervisor/core/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PICTURE_MAX_AGE_NS NS_PER_SEC
#define STAT_LINE_MAX      1024 /* the kernel's longest is below 600 */
#define TREE_DEPTH_MAX     256  /* a picture is not atomic: reused pids might form a ring */

struct procstat_picture {
    uint64_t taken_ns;
    struct procstat_line *by_pid;    /* sorted; cap allocated */
    struct procstat_line *by_parent; /* the same, sorted by ppid */
    size_t n, cap;
    uint64_t ticks_per_second, page_bytes;
};

/* Fields of proc(5) behind the name, counted from its number 3, the state. */
enum {
    FIELD_PPID = 4,
    FIELD_UTIME = 14,
    FIELD_CSTIME = 17,
    FIELD_THREADS = 20,
    FIELD_RSS = 24,
};

/* The number at *text, and *text behind it. Signed ones that are negative count as 0: times of
 * children are, in old kernels. */
static bool next_number(const char **text, uint64_t *ret_number)
{
    char *end;
    errno = 0;
    long long number = strtoll(*text, &end, 10);
    if (end == *text)
        return false;
    *text = end;
    *ret_number = number > 0 ? (uint64_t)number : 0;
    return true;
}

static void take_field(struct procstat_line *line, int field, uint64_t number)
{
    if (field == FIELD_PPID)
        line->ppid = (pid_t)number;
    else if (field >= FIELD_UTIME && field <= FIELD_CSTIME)
        line->cpu_ticks += number;
    else if (field == FIELD_THREADS)
        line->threads = (unsigned)number;
    else if (field == FIELD_RSS)
        line->rss_pages = number;
}

int procstat_parse_line(const char *line, struct procstat_line *ret_line)
{
    struct procstat_line parsed = { 0 };
    const char *name_end = strrchr(line, ')');
    uint64_t number;

    if (!name_end || !next_number(&line, &number) || strncmp(name_end, ") ", 2) != 0 ||
        !name_end[2])
        return -EINVAL;
    parsed.pid = (pid_t)number;
    const char *at = name_end + 3; /* behind the state */
    for (int field = FIELD_PPID; field <= FIELD_RSS; field++) {
        if (!next_number(&at, &number))
            return -EINVAL;
        take_field(&parsed, field, number);
    }
    *ret_line = parsed;
    return 0;
}

static int picture_add(struct procstat_picture *picture, const struct procstat_line *line)
{
    if (picture->n == picture->cap) {
        size_t cap = picture->cap ? picture->cap * 2 : 256;
        struct procstat_line *lines = reallocarray(picture->by_pid, cap, sizeof(*lines));
        if (!lines)
            return -ENOMEM;
        picture->by_pid = lines;
        picture->cap = cap;
    }
    picture->by_pid[picture->n++] = *line;
    return 0;
}

/* A process that ends while we look is no error: it is not in the picture. */
static bool read_stat_line(int proc_fd, const char *pid, struct procstat_line *ret_line)
{
    char path[32], text[STAT_LINE_MAX];
    if (snprintf(path, sizeof(path), "%s/stat", pid) >= (int)sizeof(path))
        return false;
    CLEANUP_CLOSE int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return false;
    text[n] = '\0';
    return procstat_parse_line(text, ret_line) == 0;
}

int procstat_own_line(struct procstat_line *ret_line)
{
    CLEANUP_CLOSE int proc_fd = open("/proc", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (proc_fd < 0)
        return -errno;
    return read_stat_line(proc_fd, "self", ret_line) ? 0 : -EIO;
}

static int pid_order(const void *a, const void *b)
{
    const struct procstat_line *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

static int parent_order(const void *a, const void *b)
{
    const struct procstat_line *x = a, *y = b;
    return (x->ppid > y->ppid) - (x->ppid < y->ppid);
}

static int picture_read(struct procstat_picture *picture)
{
    DIR *proc = opendir("/proc");
    if (!proc)
        return -errno;
    int rc = 0;
    const struct dirent *entry;
    while (rc == 0 && (entry = readdir(proc))) { // NOLINT(concurrency-mt-unsafe): our own DIR
        struct procstat_line line;
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        if (read_stat_line(dirfd(proc), entry->d_name, &line))
            rc = picture_add(picture, &line);
    }
    (void)closedir(proc); /* it was only read */
    return rc;
}

static int picture_sort(struct procstat_picture *picture)
{
    if (!picture->n)
        return 0;
    picture->by_parent = calloc(picture->n, sizeof(*picture->by_parent));
    if (!picture->by_parent)
        return -ENOMEM;
    memcpy(picture->by_parent, picture->by_pid, picture->n * sizeof(*picture->by_parent));
    qsort(picture->by_pid, picture->n, sizeof(*picture->by_pid), pid_order);
    qsort(picture->by_parent, picture->n, sizeof(*picture->by_parent), parent_order);
    return 0;
}

int procstat_take(struct procstat_picture **ret_picture)
{
    struct procstat_picture *picture = calloc(1, sizeof(*picture));
    if (!picture)
        return -ENOMEM;
    picture->taken_ns = clock_now_ns();
    picture->ticks_per_second = (uint64_t)sysconf(_SC_CLK_TCK);
    picture->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    int rc = picture_read(picture);
    if (rc == 0)
        rc = picture_sort(picture);
    if (rc < 0) {
        procstat_picture_free(picture);
        return rc;
    }
    *ret_picture = picture;
    return 0;
}

void procstat_picture_free(struct procstat_picture *picture)
{
    if (!picture)
        return;
    free(picture->by_pid);
    free(picture->by_parent);
    free(picture);
}

uint64_t procstat_taken_ns(const struct procstat_picture *picture)
{
    return picture->taken_ns;
}

/* The index of the first line whose parent is ppid, or would be behind it. */
static size_t first_child(const struct procstat_picture *picture, pid_t ppid)
{
    size_t low = 0, high = picture->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (picture->by_parent[middle].ppid < ppid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add_line(const struct procstat_picture *picture, const struct procstat_line *line,
                     struct procstat *sum)
{
    sum->cpu_ms += line->cpu_ticks * 1000 / picture->ticks_per_second;
    sum->rss_bytes += line->rss_pages * picture->page_bytes;
    sum->processes++;
    sum->threads += line->threads;
}

static void add_descendants(const struct procstat_picture *picture, pid_t pid, unsigned depth,
                            struct procstat *sum)
{
    if (depth == TREE_DEPTH_MAX)
        return;
    for (size_t i = first_child(picture, pid); i < picture->n && picture->by_parent[i].ppid == pid;
         i++) {
        add_line(picture, &picture->by_parent[i], sum);
        add_descendants(picture, picture->by_parent[i].pid, depth + 1, sum);
    }
}

bool procstat_tree(const struct procstat_picture *picture, pid_t pid, struct procstat *ret_stat)
{
    if (!picture->n || pid <= 0)
        return false;
    const struct procstat_line key = { .pid = pid };
    const struct procstat_line *root =
        bsearch(&key, picture->by_pid, picture->n, sizeof(key), pid_order);
    if (!root)
        return false;
    struct procstat sum = { 0 };
    add_line(picture, root, &sum);
    add_descendants(picture, pid, 0, &sum);
    *ret_stat = sum;
    return true;
}

bool procstat_tree_now(pid_t pid, struct procstat *ret_stat)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static struct procstat_picture *latest; /* mutex */

    pthread_mutex_lock(&mutex);
    if (!latest || clock_now_ns() - latest->taken_ns > PICTURE_MAX_AGE_NS) {
        struct procstat_picture *taken = NULL;
        if (procstat_take(&taken) == 0) {
            procstat_picture_free(latest);
            latest = taken;
        }
    }
    bool found = latest && procstat_tree(latest, pid, ret_stat);
    pthread_mutex_unlock(&mutex);
    return found;
}

int procstat_open_fds(pid_t pid)
{
    char path[32];
    struct stat st;
    if (snprintf(path, sizeof(path), "/proc/%d/fd", pid) >= (int)sizeof(path))
        return -1;
    if (stat(path, &st) == 0 && st.st_size > 0)
        return (int)st.st_size; /* Linux 6.2 and later say it without a listing */
    DIR *dir = opendir(path);
    if (!dir)
        return -1;
    int n = 0;
    const struct dirent *entry;
    while ((entry = readdir(dir))) // NOLINT(concurrency-mt-unsafe): our own DIR
        if (entry->d_name[0] != '.')
            n++;
    (void)closedir(dir); /* it was only read */
    return n;
}
