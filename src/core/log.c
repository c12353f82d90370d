/* SPDX-License-Identifier: MIT */
/* log.c: the daemon's own log.
 *
 * Whoever logs formats the line and appends it to `queue`. One thread at a time drains: it swaps
 * the queue for an empty buffer and writes what it took, holding no lock. That is the writer thread
 * once log_start() was called, and before and after that the one who logs.
 */
#include "supervisor/core/log.h"

#include "append_fd.h"
#include "supervisor/core/buf.h"
#include "supervisor/core/clock.h"
#include "supervisor/core/json_text.h"
#include "supervisor/core/lock.h"
#include "supervisor/core/rotating_file.h"
#include "supervisor/core/syslogger.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_MAX        (4 * 1024 * 1024) /* bytes of lines not yet written; at debug some are long */
#define QUEUE_KEEP       (64 * 1024)       /* a buffer that grew beyond is given back when empty */
#define BACKLOG_MAX      (4 * 1024 * 1024) /* bytes that wait for a full pipe; more is dropped */
#define BACKLOG_FIRST_MS 20                /* between looks at a full pipe, doubling ... */
#define BACKLOG_LAST_MS  1000              /* ... up to this */
#define REOPEN_WAIT_MS   500               /* for queued lines to reach the old file */
#define STUCK_MS         300 /* a reader that takes nothing for so long is not waited for */
#define FORMAT_ON_STACK  1024

/* One place where lines go. Its drainer only. */
struct target {
    struct rotating_file *file; /* or, for standard output, NULL and ... */
    struct append_fd out;
    struct buf backlog; /* what a full pipe did not take yet; more lines come behind it */
    uint64_t lost;      /* lines since it began to fail ... */
    int error;          /* ... and why */
    bool cut;           /* the last line written has no end */
    int rotate_error;   /* the last one reported */
};

static struct lock lock = LOCK_INIT(LOCK_RANK_LOG);
static pthread_cond_t work = PTHREAD_COND_INITIALIZER; /* the queue has something, or stop */
static pthread_cond_t idle = PTHREAD_COND_INITIALIZER; /* nobody drains any more */

static struct buf queue = BUF_INIT;   /* lock; whole lines */
static struct buf records = BUF_INIT; /* lock; for syslog: the same, each line with a prefix */
static uint64_t queue_lost;           /* lock; lines that did not fit since the last drain */
static bool draining;                 /* lock; somebody owns the targets */
static bool writer_waits;             /* lock */
static bool writer_runs;              /* lock */
static bool writer_stops;             /* lock */
static bool opened;                   /* lock */
static size_t backlogged;             /* lock; bytes of all backlogs */
static pthread_t writer;              /* main thread only */

static struct target targets[2]; /* the drainer's; with lock and !draining, log_open()'s */
static unsigned n_targets;

static char *path_in_use; /* main thread only */
static _Atomic int level_wanted = LOG_LEVEL_INFO;
static _Atomic bool as_json;
static _Atomic bool to_syslog;
static _Atomic uint64_t dropped;

/* ---- lines ---- */

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_CRIT:
        return "CRIT";
    case LOG_LEVEL_ERRO:
        return "ERRO";
    case LOG_LEVEL_WARN:
        return "WARN";
    case LOG_LEVEL_INFO:
        return "INFO";
    case LOG_LEVEL_DEBG:
        return "DEBG";
    case LOG_LEVEL_TRAC:
        return "TRAC";
    case LOG_LEVEL_BLAT:
        return "BLAT";
    }
    return "?";
}

/* "2026-11-22 19:59:18" of this second: localtime_r() is slow and takes libc's lock. */
static const char *local_second(time_t second)
{
    static _Thread_local time_t cached = -1;
    static _Thread_local char text[sizeof("-2147483648-00-00 00:00:00")];
    if (second != cached) {
        struct tm tm = { 0 };
        if (!localtime_r(&second, &tm))
            (void)gmtime_r(&second, &tm);
        (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
        cached = second;
    }
    return text;
}

static void append_line(struct buf *to, enum log_level level, const char *message, size_t len)
{
    int64_t now_ns = clock_wall_ns();
    time_t second = (time_t)(now_ns / (int64_t)NS_PER_SEC);
    int ms = (int)(now_ns / (int64_t)NS_PER_MS % 1000);
    if (atomic_load_explicit(&as_json, memory_order_relaxed)) {
        buf_printf(to,
                   "{\"time\": \"%s,%03d\", \"level\": \"%s\", \"message\": ", local_second(second),
                   ms, level_name(level));
        json_text_append(to, message, len);
        buf_puts(to, "}\n");
        return;
    }
    buf_printf(to, "%s,%03d %s ", local_second(second), ms, level_name(level));
    buf_append(to, message, len);
    buf_putc(to, '\n');
}

/* All of a line or nothing of it. */
static bool append_or_undo(struct buf *to, enum log_level level, const char *message, size_t len)
{
    size_t before = to->len;
    to->limit = QUEUE_MAX;
    append_line(to, level, message, len);
    if (!to->error)
        return true;
    to->error = 0;
    buf_truncate(to, before);
    return false;
}

/* Each line of the message is a record of its own. */
static bool append_records(enum log_level level, const char *message, size_t len) REQUIRES(lock)
{
    const char *end = message + len;
    bool all = true;
    while (message <= end) {
        const char *newline = memchr(message, '\n', (size_t)(end - message));
        const char *stop = newline ? newline : end;
        all = append_or_undo(&records, level, message, (size_t)(stop - message)) && all;
        message = stop + 1;
    }
    return all;
}

/* ---- targets ---- */

static int target_append(struct target *t, const char *data, size_t len, size_t *ret_stored)
{
    if (t->file)
        return rotating_file_append(t->file, data, len, ret_stored);
    return append_fd_write(&t->out, data, len, ret_stored);
}

static size_t count_lines(const char *data, size_t len)
{
    size_t n = 0;
    const char *end = data + len;
    while (data < end && (data = memchr(data, '\n', (size_t)(end - data)))) {
        n++;
        data++;
    }
    return n;
}

static void target_lose(struct target *t, const char *data, size_t len, int error)
{
    size_t lines = count_lines(data, len);
    t->lost += lines;
    t->error = error;
    atomic_fetch_add(&dropped, lines);
}

/* Write what fits; a full pipe gets the rest later. */
static void target_put(struct target *t, const char *data, size_t len)
{
    size_t stored;
    int error = target_append(t, data, len, &stored);
    if (stored)
        t->cut = data[stored - 1] != '\n';
    if (error == -EAGAIN) {
        t->backlog.limit = BACKLOG_MAX;
        buf_append(&t->backlog, data + stored, len - stored);
        error = t->backlog.error ? -ENOBUFS : 0;
        t->backlog.error = 0;
    }
    if (error)
        target_lose(t, data + stored, len - stored, error);
}

static void target_catch_up(struct target *t)
{
    struct buf rest = t->backlog;
    if (!rest.len)
        return;
    size_t stored;
    int error = target_append(t, rest.data, rest.len, &stored);
    if (stored)
        t->cut = rest.data[stored - 1] != '\n';
    buf_consume(&t->backlog, stored);
    if (error && error != -EAGAIN) {
        target_lose(t, t->backlog.data, t->backlog.len, error);
        buf_reset(&t->backlog);
    }
    if (!t->backlog.len)
        buf_free(&t->backlog);
}

/* Some lines were lost: if it works again say so, where they are missing. */
static bool target_mend(struct target *t)
{
    struct buf line = BUF_INIT;
    if (t->cut)
        buf_putc(&line, '\n');
    char text[160];
    int n = snprintf(text, sizeof(text), "%llu log lines were lost here: %s",
                     (unsigned long long)t->lost,
                     t->error == -ENOBUFS ? "the reader is too slow" : strerror(-t->error));
    append_line(&line, LOG_LEVEL_WARN, text, (size_t)n);
    size_t stored = 0;
    bool works = !line.error && target_append(t, line.data, line.len, &stored) == 0;
    t->cut = works ? false : t->cut || stored > 0;
    if (works)
        t->lost = 0;
    buf_free(&line);
    return works;
}

static void target_write(struct target *t, const char *data, size_t len)
{
    target_catch_up(t);
    if (t->lost && (t->backlog.len || !target_mend(t))) {
        target_lose(t, data, len, t->error);
    } else if (t->backlog.len) {
        size_t before = t->backlog.len;
        buf_append(&t->backlog, data, len);
        if (t->backlog.error) {
            target_lose(t, data, len, -ENOBUFS);
            t->backlog.error = 0;
            buf_truncate(&t->backlog, before);
        }
    } else {
        target_put(t, data, len);
    }
}

/* The file goes on growing if it cannot be rotated: say so once. */
static void target_watch_rotation(struct target *t)
{
    int error = t->file ? rotating_file_rotate_error(t->file) : 0;
    if (error == t->rotate_error)
        return;
    t->rotate_error = error;
    struct buf line = BUF_INIT;
    char text[160];
    int n = error ? snprintf(text, sizeof(text), "cannot rotate the log: %s", strerror(-error))
                  : snprintf(text, sizeof(text), "the log rotates again");
    append_line(&line, LOG_LEVEL_WARN, text, (size_t)n);
    if (!line.error)
        target_write(t, line.data, line.len);
    buf_free(&line);
}

static void write_records(const char *data, size_t len)
{
    const char *end = data + len;
    while (data < end) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        const char *next = newline ? newline + 1 : end; /* the newline is part of the record */
        if (syslogger_send("", data, (size_t)(next - data)) < 0)
            atomic_fetch_add(&dropped, 1);
        data = next;
    }
}

static void target_close(struct target *t)
{
    rotating_file_close(t->file);
    if (!t->file)
        append_fd_close(&t->out);
    buf_free(&t->backlog);
    *t = (struct target){ .out = APPEND_FD_NONE };
}

/* ---- draining ---- */

static void give_back(struct buf *emptied, struct buf *to) REQUIRES(lock)
{
    buf_reset(emptied);
    if (emptied->cap > QUEUE_KEEP || to->data)
        buf_free(emptied);
    else
        *to = *emptied;
}

/* Write out what was taken from the queue, and what waits for a full pipe. Returns the bytes that
 * go on waiting. No lock. */
static size_t write_out(struct buf *lines, const struct buf *recs, uint64_t lost)
{
    if (lost) {
        char text[80];
        int n = snprintf(text, sizeof(text), "%llu log lines were lost here: the queue was full",
                         (unsigned long long)lost);
        lines->limit = 0;
        append_line(lines, LOG_LEVEL_WARN, text, (size_t)n);
    }
    size_t behind = 0;
    for (unsigned i = 0; i < n_targets; i++) {
        if (lines->len)
            target_write(&targets[i], lines->data, lines->len);
        else
            target_catch_up(&targets[i]);
        target_watch_rotation(&targets[i]);
        behind += targets[i].backlog.len;
    }
    if (recs->len)
        write_records(recs->data, recs->len);
    return behind;
}

/* Write out the queue until it is empty. The lock is released meanwhile. */
static void drain(void) REQUIRES(lock)
{
    draining = true;
    do {
        struct buf lines = queue;
        struct buf recs = records;
        uint64_t lost = queue_lost;
        queue = (struct buf)BUF_INIT;
        records = (struct buf)BUF_INIT;
        queue_lost = 0;
        lock_release(&lock);
        size_t behind = write_out(&lines, &recs, lost);
        lock_take(&lock);
        backlogged = behind;
        give_back(&lines, &queue);
        give_back(&recs, &records);
    } while (queue.len || records.len || queue_lost);
    draining = false;
    (void)pthread_cond_broadcast(&idle);
    if (backlogged && writer_waits)
        (void)pthread_cond_signal(&work); /* it may not know that it has to look again */
}

/* Wait until nobody drains, at most until deadline (CLOCK_REALTIME, for the condition). */
static bool wait_idle(const struct timespec *deadline) REQUIRES(lock)
{
    while (draining) {
        if (pthread_cond_timedwait(&idle, &lock.mutex, deadline) == ETIMEDOUT)
            return false;
    }
    return true;
}

static struct timespec wall_after_ms(uint32_t wait_ms)
{
    int64_t ns = clock_wall_ns() + (int64_t)wait_ms * (int64_t)NS_PER_MS;
    return (struct timespec){ .tv_sec = (time_t)(ns / (int64_t)NS_PER_SEC),
                              .tv_nsec = (long)(ns % (int64_t)NS_PER_SEC) };
}

/* Let what is queued reach its targets. false: they took too long. */
static bool flush(uint32_t wait_ms) REQUIRES(lock)
{
    struct timespec deadline = wall_after_ms(wait_ms);
    if (!wait_idle(&deadline))
        return false;
    if (opened)
        drain();
    return true;
}

/* Sleep until there is something to write, or for a while if a target is behind: shortly as long
 * as its reader makes progress. */
static void await_work(void) REQUIRES(lock)
{
    static uint32_t wait_ms = BACKLOG_FIRST_MS; /* the writer's */
    static size_t behind_before;
    bool progress = backlogged < behind_before;
    behind_before = backlogged;
    writer_waits = true;
    if (backlogged) {
        wait_ms = progress                        ? BACKLOG_FIRST_MS
                  : wait_ms * 2 < BACKLOG_LAST_MS ? wait_ms * 2
                                                  : BACKLOG_LAST_MS;
        struct timespec until = wall_after_ms(wait_ms);
        (void)pthread_cond_timedwait(&work, &lock.mutex, &until); /* late or early: all the same */
    } else {
        lock_wait(&lock, &work);
    }
    writer_waits = false;
}

static void *writer_main(void *arg)
{
    (void)arg;
    (void)pthread_setname_np(pthread_self(), "log"); /* for people who look with ps(1) */
    lock_take(&lock);
    while (!writer_stops) {
        if (!opened || draining || !(queue.len || records.len || queue_lost))
            await_work();
        if (opened && !draining)
            drain();
    }
    lock_release(&lock);
    return NULL;
}

/* The last chance of what waits for a full pipe: as long as its reader makes progress. */
static void settle(uint32_t wait_ms) REQUIRES(lock)
{
    uint64_t now_ns = clock_now_ns();
    uint64_t until_ns = now_ns + wait_ms * NS_PER_MS;
    uint64_t stuck_ns = now_ns + STUCK_MS * NS_PER_MS;
    size_t before = SIZE_MAX;
    while (opened && !draining && backlogged && now_ns < until_ns && now_ns < stuck_ns) {
        drain();
        struct timespec nap = { .tv_nsec = BACKLOG_FIRST_MS * 1000000L };
        lock_release(&lock);
        (void)nanosleep(&nap, NULL); /* waking early only looks early */
        lock_take(&lock);
        now_ns = clock_now_ns();
        if (backlogged < before)
            stuck_ns = now_ns + STUCK_MS * NS_PER_MS;
        before = backlogged;
    }
}

/* ---- public ---- */

static void enqueue(enum log_level level, const char *message, size_t len)
{
    lock_take(&lock);
    bool fits = true;
    if (!opened || n_targets)
        fits = append_or_undo(&queue, level, message, len);
    if (atomic_load_explicit(&to_syslog, memory_order_relaxed))
        fits = append_records(level, message, len) && fits;
    if (!fits) {
        queue_lost++;
        atomic_fetch_add(&dropped, 1);
    }
    if (writer_runs) {
        if (writer_waits)
            (void)pthread_cond_signal(&work); /* it is the only one that waits for it */
    } else if (opened && !draining) {
        drain();
    }
    lock_release(&lock);
}

bool log_wants(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&level_wanted, memory_order_relaxed);
}

void log_vmsg(enum log_level level, const char *format, va_list ap)
{
    if (!log_wants(level))
        return;
    char small[FORMAT_ON_STACK];
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof(small), format, ap);
    if (n >= 0 && (size_t)n < sizeof(small)) {
        enqueue(level, small, (size_t)n);
    } else if (n >= 0) {
        char *large = malloc((size_t)n + 1);
        if (large)
            n = vsnprintf(large, (size_t)n + 1, format, again);
        enqueue(level, large ? large : small, large ? (size_t)n : sizeof(small) - 1);
        free(large);
    }
    va_end(again);
}

void log_msg(enum log_level level, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    log_vmsg(level, format, ap);
    va_end(ap);
}

void log_data(enum log_level level, const char *head, const char *data, size_t len)
{
    if (!log_wants(level))
        return;
    struct buf text = BUF_INIT;
    buf_puts(&text, head);
    buf_append(&text, data, len);
    if (text.error)
        enqueue(level, head, strlen(head));
    else
        enqueue(level, text.data, text.len);
    buf_free(&text);
}

uint64_t log_dropped(void)
{
    return atomic_load(&dropped);
}

const char *log_path(void)
{
    return path_in_use;
}

static int open_targets(const struct log_config *config, struct target found[2], unsigned *ret_n)
{
    unsigned n = 0;
    if (config->to_stdout) {
        struct append_fd out;
        if (append_fd_inherit(STDOUT_FILENO, &out) == 0) /* a closed stdout is no reason to fail */
            found[n++] = (struct target){ .out = out };
    }
    if (config->path && strcmp(config->path, "syslog") != 0) {
        struct rotating_file_config file = { .path = config->path,
                                             .max_bytes = config->max_bytes,
                                             .backups = config->backups };
        found[n] = (struct target){ .out = APPEND_FD_NONE };
        int error = rotating_file_open(&file, &found[n].file);
        if (error) {
            for (unsigned i = 0; i < n; i++)
                target_close(&found[i]);
            return error;
        }
        n++;
    }
    *ret_n = n;
    return 0;
}

int log_open(const struct log_config *config)
{
    bool is_syslog = config->path && strcmp(config->path, "syslog") == 0;
    char *path = config->path && !is_syslog ? strdup(config->path) : NULL;
    if (config->path && !is_syslog && !path)
        return -ENOMEM;
    struct target found[2] = { { .out = APPEND_FD_NONE }, { .out = APPEND_FD_NONE } };
    unsigned n = 0;
    int error = open_targets(config, found, &n);
    if (error) {
        free(path);
        return error;
    }
    if (config->ident)
        syslogger_set_ident(config->ident);

    lock_take(&lock);
    (void)flush(REOPEN_WAIT_MS);
    while (draining) /* a hung disk: the targets are in use */
        lock_wait(&lock, &idle);
    struct target old[2] = { targets[0], targets[1] };
    unsigned n_old = n_targets;
    memcpy(targets, found, sizeof(targets));
    n_targets = n;
    atomic_store(&level_wanted, (int)config->level);
    atomic_store(&as_json, config->json);
    atomic_store(&to_syslog, is_syslog);
    opened = true;
    if (!writer_runs)
        drain(); /* what was said before there was a log */
    else
        (void)pthread_cond_signal(&work);
    lock_release(&lock);

    for (unsigned i = 0; i < n_old; i++)
        target_close(&old[i]);
    free(path_in_use);
    path_in_use = path;
    return 0;
}

int log_start(void)
{
    lock_take(&lock);
    bool runs = writer_runs;
    writer_runs = true;
    writer_stops = false;
    lock_release(&lock);
    if (runs)
        return 0;
    int error = -pthread_create(&writer, NULL, writer_main, NULL);
    if (error) {
        lock_take(&lock);
        writer_runs = false;
        lock_release(&lock);
    }
    return error;
}

void log_stop(uint32_t wait_ms)
{
    lock_take(&lock);
    bool done = flush(wait_ms);
    if (done)
        settle(wait_ms);
    bool ran = writer_runs;
    writer_stops = true;
    (void)pthread_cond_signal(&work);
    lock_release(&lock);
    if (!ran)
        return;
    if (done)
        (void)pthread_join(writer, NULL); /* our own thread, joinable: cannot fail */
    else
        (void)pthread_detach(writer); /* stuck in a write: it must not keep the daemon alive */
    lock_take(&lock);
    writer_runs = false;
    lock_release(&lock);
}

int log_reopen(void)
{
    lock_take(&lock);
    (void)flush(REOPEN_WAIT_MS);
    struct rotating_file *file = NULL;
    for (unsigned i = 0; i < n_targets; i++) {
        if (targets[i].file)
            file = targets[i].file; /* only log_open(), on this thread, closes it */
    }
    lock_release(&lock);
    return file ? rotating_file_reopen(file) : 0;
}
