/* SPDX-License-Identifier: MIT */
/* log_sink.c: a log file that may fail without anybody waiting for it. */
#include "log_sink.h"

#include "supervisor/core/clock.h"
#include "supervisor/core/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_FIRST_NS (NS_PER_SEC / 2)
#define PAUSE_MAX_NS   (5 * NS_PER_SEC)
#define WELL_AGAIN_NS  (30 * NS_PER_SEC) /* after so long a failure counts as a new one */

static const char *path_of(const struct log_sink *sink)
{
    return rotating_file_path(sink->file);
}

static const char *reason(int error)
{
    return error == -EAGAIN ? "its reader does not read" : strerror(-error);
}

static void drop(struct log_sink *sink, size_t len)
{
    sink->lost += len;
    sink->dropped += len;
}

static void fail(struct log_sink *sink, int error, uint64_t now_ns)
{
    if (!sink->error) {
        if (!sink->pause_ns || now_ns - sink->well_since_ns > WELL_AGAIN_NS)
            sink->pause_ns = PAUSE_FIRST_NS;
        log_warn("%s: cannot write %s: %s; dropping output until it works again", sink->title,
                 path_of(sink), reason(error));
    } else {
        sink->pause_ns = sink->pause_ns * 2 < PAUSE_MAX_NS ? sink->pause_ns * 2 : PAUSE_MAX_NS;
    }
    sink->error = error;
    sink->retry_ns = now_ns + sink->pause_ns;
}

/* The line that stands where bytes are missing. */
static void write_mark(const struct log_sink *sink, struct buf *to)
{
    char mark[160];
    int n =
        snprintf(mark, sizeof(mark), "supervisor: %" PRIu64 " bytes of output were lost here (%s)",
                 sink->lost, reason(sink->error));
    if (sink->cut)
        buf_putc(to, '\n');
    if (sink->lines) {
        line_format_append(sink->lines, to, mark, (size_t)n);
    } else {
        buf_append(to, mark, (size_t)n);
        buf_putc(to, '\n');
    }
}

/* If the file takes the mark, it works. */
static bool mend(struct log_sink *sink, uint64_t now_ns)
{
    struct buf mark = BUF_INIT;
    write_mark(sink, &mark);
    size_t stored = 0;
    int error = mark.error;
    if (!error)
        error = rotating_file_append(sink->file, mark.data, mark.len, &stored);
    buf_free(&mark);
    if (error) {
        if (stored)
            sink->cut = true;
        fail(sink, error, now_ns);
        return false;
    }
    log_warn("%s: %s works again, %" PRIu64 " bytes of output were dropped", sink->title,
             path_of(sink), sink->lost);
    sink->cut = false;
    sink->error = 0;
    sink->lost = 0;
    sink->well_since_ns = now_ns;
    return true;
}

static void watch_rotation(struct log_sink *sink)
{
    int error = rotating_file_rotate_error(sink->file);
    if (error == sink->rotate_error)
        return;
    if (error)
        log_warn("%s: cannot rotate %s: %s", sink->title, path_of(sink), strerror(-error));
    else
        log_info("%s: %s rotates again", sink->title, path_of(sink));
    sink->rotate_error = error;
}

/* The rest of a write that the pipe behind the file did not take. */
static void hold(struct log_sink *sink, const char *data, size_t len, uint64_t now_ns)
{
    if (!sink->held.len)
        sink->give_up_ns = now_ns + sink->patience_ns;
    buf_append(&sink->held, data, len);
    if (sink->held.error) {
        sink->held.error = 0;
        drop(sink, len + sink->held.len);
        buf_free(&sink->held);
        fail(sink, -ENOMEM, now_ns);
    }
}

/* How much to give to the file at once: whole lines that go into a pipe in pieces which the kernel
 * does not mix with other writers'. */
static size_t piece_of(const struct log_sink *sink, const char *data, size_t len)
{
    if (!sink->lines || len <= PIPE_BUF || rotating_file_is_regular(sink->file))
        return len;
    const char *newline = memrchr(data, '\n', PIPE_BUF);
    if (!newline)
        newline = memchr(data, '\n', len);
    return newline ? (size_t)(newline - data) + 1 : len;
}

/* What could be stored at once; the rest is the caller's. */
static size_t store(struct log_sink *sink, const char *data, size_t len, int *ret_error)
{
    size_t done = 0;
    *ret_error = 0;
    while (done < len && !*ret_error) {
        size_t stored;
        size_t piece = piece_of(sink, data + done, len - done);
        *ret_error = rotating_file_append(sink->file, data + done, piece, &stored);
        done += stored;
    }
    sink->stored += done;
    if (done)
        sink->cut = data[done - 1] != '\n';
    watch_rotation(sink);
    return done;
}

void log_sink_write(struct log_sink *sink, const char *data, size_t len, uint64_t now_ns)
{
    if (!sink->file) {
        sink->stored += len;
        return;
    }
    if (sink->held.len) {
        hold(sink, data, len, now_ns);
        return;
    }
    if (sink->error && (now_ns < sink->retry_ns || !mend(sink, now_ns))) {
        drop(sink, len);
        return;
    }
    int error;
    size_t stored = store(sink, data, len, &error);
    if (error == -EAGAIN && sink->patience_ns) {
        hold(sink, data + stored, len - stored, now_ns);
    } else if (error) {
        fail(sink, error, now_ns);
        drop(sink, len - stored);
    }
}

static void retry_held(struct log_sink *sink, uint64_t now_ns)
{
    int error;
    size_t stored = store(sink, sink->held.data, sink->held.len, &error);
    buf_consume(&sink->held, stored);
    if (stored)
        sink->give_up_ns = now_ns + sink->patience_ns; /* slow, but somebody reads */
    if (error && (error != -EAGAIN || now_ns >= sink->give_up_ns)) {
        fail(sink, error, now_ns);
        drop(sink, sink->held.len);
        buf_reset(&sink->held);
    }
    if (!sink->held.len)
        buf_free(&sink->held);
}

void log_sink_retry(struct log_sink *sink, uint64_t now_ns)
{
    if (sink->held.len)
        retry_held(sink, now_ns);
    else if (sink->error && (now_ns >= sink->retry_ns || sink->error == -EAGAIN))
        (void)mend(sink, now_ns);
}

void log_sink_settle(struct log_sink *sink, int wait_ms)
{
    uint64_t now_ns = clock_now_ns();
    uint64_t until_ns = now_ns + (uint64_t)wait_ms * NS_PER_MS;
    while (sink->held.len && now_ns < until_ns) {
        struct pollfd room = { .fd = rotating_file_fd(sink->file), .events = POLLOUT };
        (void)poll(&room, 1, clock_poll_ms(now_ns, until_ns));
        now_ns = clock_now_ns();
        retry_held(sink, now_ns);
    }
    if (sink->held.len) {
        fail(sink, -EAGAIN, now_ns);
        drop(sink, sink->held.len);
        buf_free(&sink->held);
    }
}

bool log_sink_is_holding(const struct log_sink *sink)
{
    return sink->held.len > 0;
}

int log_sink_poll_fd(const struct log_sink *sink)
{
    /* Other failures would show as POLLERR for ever. */
    return sink->held.len || sink->error == -EAGAIN ? rotating_file_fd(sink->file) : -1;
}

uint64_t log_sink_deadline_ns(const struct log_sink *sink)
{
    if (sink->held.len)
        return sink->give_up_ns;
    return sink->error ? sink->retry_ns : NS_NEVER;
}

void log_sink_close(struct log_sink *sink)
{
    if (sink->error)
        (void)(sink->file && mend(sink, clock_now_ns()));
    if (sink->error)
        log_warn("%s: %s still fails (%s), %" PRIu64 " bytes of output were dropped", sink->title,
                 path_of(sink), reason(sink->error), sink->lost);
    rotating_file_close(sink->file);
    sink->file = NULL;
    buf_free(&sink->held);
    free(sink->title);
    sink->title = NULL;
}
