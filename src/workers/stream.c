/* SPDX-License-Identifier: MIT */
/* stream.c: one output channel of one running program: pipe -> log file, syslog, capture, events.
 */
#include "supervisor/workers/stream.h"

#include "capture.h"
#include "line_format.h"
#include "log_sink.h"
#include "output_event.h"
#include "scratch.h"
#include "strip_ansi.h"
#include "supervisor/core/clock.h"
#include "supervisor/core/log.h"
#include "supervisor/core/syslogger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_LARGE      (1024 * 1024) /* bytes, for programs that fill a pipe of the usual size */
#define PIPE_USUAL      (64 * 1024)
#define PIPES_LARGE_MAX 32   /* ... of users whose pipes the kernel limits (pipe-user-pages-soft) */
#define LITTLE          4096 /* bytes, read without a shared buffer */
#define SETTLE_AT_EXIT_MS                                                                          \
    500 /* for a slow reader behind the log file, when the program has ended */
#define BACKUPS_MAX 1000000

struct stream {
    struct process *process; /* borrowed: its worker lives as long as we do */
    enum channel channel;
    const struct channel_config *config;
    int fd; /* the pipe; -1 after its end */
    bool large;
    bool much;   /* the last read was of LITTLE or more */
    bool filled; /* ... and left no room in its buffer */
    bool strip;
    bool is_protocol; /* an event listener's stdout */
    struct log_sink sink;
    struct line_format *lines; /* NULL: bytes pass untouched */
    struct capture capture;
    struct output_event event;
    char *syslog_prefix; /* "cat "; NULL: no syslog */
    uint64_t syslog_lost;
    uint64_t now_ns; /* of the call under way, for the pieces of its chunk */
    void (*tap)(const char *data, size_t len, void *arg);
    void *tap_arg;
    uint64_t n_read;          /* bytes */
    uint64_t n_counted;       /* bytes of n_read that are in the counters ... */
    uint64_t n_dropped_noted; /* ... and sink.dropped by then */
};

static _Atomic bool strip_by_default;
static _Atomic unsigned n_large_pipes;

void stream_set_strip_ansi(bool strip_ansi_codes)
{
    atomic_store(&strip_by_default, strip_ansi_codes);
}

/* ---- counting ---- */

/* Bytes that the sink or the token search still hold are counted once they are through. */
static void count(struct stream *s)
{
    if (log_sink_is_holding(&s->sink))
        return;
    struct channel_counters *c = &s->process->counters[s->channel];
    uint64_t held = s->capture.n_pending + (s->lines ? s->lines->unfinished.len : 0);
    uint64_t in = s->n_read - held - s->n_counted;
    uint64_t dropped = s->sink.dropped - s->n_dropped_noted;
    if (dropped > in)
        dropped = in;
    s->n_counted += in;
    s->n_dropped_noted = s->sink.dropped;
    atomic_fetch_add_explicit(&c->bytes_read, in, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->bytes_stored, in - dropped, memory_order_relaxed);
    if (dropped)
        atomic_fetch_add_explicit(&c->bytes_dropped, dropped, memory_order_relaxed);
}

/* ---- where a piece of output goes ---- */

/* Each line of the piece is a record, as the reference does it: pieces are not joined. */
static void send_to_syslog(struct stream *s, const char *data, size_t len)
{
    while (len && data[len - 1] == '\n')
        len--;
    const char *end = data + len;
    for (;;) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        const char *stop = newline ? newline : end;
        if (syslogger_send(s->syslog_prefix, data, (size_t)(stop - data)) < 0)
            s->syslog_lost++;
        if (!newline)
            return;
        data = newline + 1;
    }
}

static void store_lines(void *arg, const char *lines, size_t len)
{
    struct stream *s = arg;
    log_sink_write(&s->sink, lines, len, s->now_ns);
}

static void store(struct stream *s, const char *data, size_t len)
{
    if (len && s->lines)
        line_format_feed(s->lines, data, len, s->now_ns, store_lines, s);
    else if (len)
        log_sink_write(&s->sink, data, len, s->now_ns);
    if (s->syslog_prefix)
        send_to_syslog(s, data, len);
}

static void keep_captured(struct stream *s, const char *data, size_t len)
{
    if (capture_add(&s->capture, data, len) < 0) {
        log_warn("'%s' %s: no memory to capture %zu bytes: they go to the log file",
                 s->process->config->name, channel_name(s->channel), len);
        store(s, data, len);
    }
}

static void pass_piece(void *arg, char *data, size_t len, bool captured)
{
    struct stream *s = arg;
    if (s->strip)
        len = strip_ansi(data, len);
    if (captured)
        keep_captured(s, data, len);
    else
        store(s, data, len);
    output_event_echo(&s->event, data, len, s->is_protocol);
    if (s->config->events_enabled && !s->is_protocol)
        output_event_log(&s->event, data, len);
}

static void pass_text(void *arg, const char *data, size_t len)
{
    struct stream *s = arg;
    output_event_communicate(&s->event, data, len);
}

static const struct capture_ops capture_ops = { .piece = pass_piece, .text = pass_text };

static void pass_chunk(struct stream *s, char *data, size_t len, uint64_t now_ns)
{
    s->now_ns = now_ns;
    s->n_read += len;
    if (s->tap)
        s->tap(data, len, s->tap_arg);
    if (s->capture.max_bytes)
        capture_feed(&s->capture, data, len, &capture_ops, s);
    else
        pass_piece(s, data, len, false);
    count(s);
}

/* The begin token came and the end token never will: the text is output like any other. */
static void give_up_capture(struct stream *s)
{
    size_t len;
    const char *text = capture_text(&s->capture, &len);
    log_warn("'%s' %s ended inside a captured text: its %zu bytes go to the log file",
             s->process->config->name, channel_name(s->channel), len);
    store(s, text, len);
    capture_clear_text(&s->capture);
    s->capture.on = false;
}

/* No more is expected: let go of what was held back. Harmless to do again. */
static void finish(struct stream *s, uint64_t now_ns)
{
    s->now_ns = now_ns;
    capture_flush(&s->capture, &capture_ops, s);
    if (s->capture.on)
        give_up_capture(s);
    output_event_flush(&s->event);
    if (s->lines)
        line_format_flush(s->lines, store_lines, s);
    count(s);
}

/* ---- the pipe ---- */

static void close_pipe(struct stream *s)
{
    if (s->fd < 0)
        return;
    log_debg("fd %d closed, stopped monitoring %s of '%s'", s->fd, channel_name(s->channel),
             s->process->config->name);
    (void)close(s->fd); /* the reading end has nothing to lose */
    s->fd = -1;
    if (s->large)
        atomic_fetch_sub(&n_large_pipes, 1);
    s->large = false;
}

/* Once a program has filled its pipe a larger one saves it and us most of the waiting. Quiet
 * ones keep the small one: the kernel pays for the size. */
static void enlarge_pipe(struct stream *s)
{
    s->large = true;
    if (atomic_fetch_add(&n_large_pipes, 1) >= PIPES_LARGE_MAX && geteuid() != 0)
        return;
    (void)fcntl(s->fd, F_SETPIPE_SZ, PIPE_LARGE); /* refused: the usual size does */
}

/* One read and what follows from it. Bytes read, 0 at the end, -errno. */
static ssize_t read_chunk(struct stream *s, char *data, size_t size, uint64_t now_ns)
{
    ssize_t n;
    do
        n = read(s->fd, data, size);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    if (n > 0)
        pass_chunk(s, data, (size_t)n, now_ns);
    return n;
}

/* A few lines need no buffer that threads share, and no lock for it. Apart, so that the stack is
 * not touched for it where it is not used. */
static __attribute__((noinline)) ssize_t read_little(struct stream *s, uint64_t now_ns)
{
    char buffer[CAPTURE_HEADROOM + LITTLE]; /* what was held back goes in front of data */
    return read_chunk(s, buffer + CAPTURE_HEADROOM, LITTLE, now_ns);
}

static ssize_t read_much(struct stream *s, uint64_t now_ns)
{
    struct scratch *scratch = scratch_take();
    if (!scratch)
        return -EAGAIN; /* it stays in the pipe; poll(2) will ask again */
    ssize_t n = read_chunk(s, scratch->data, sizeof(scratch->data), now_ns);
    scratch_give(scratch);
    return n;
}

/* What was written at once is to be told of at once. */
static bool pieces_matter(const struct stream *s)
{
    return s->config->events_enabled || s->syslog_prefix || s->is_protocol || s->capture.max_bytes;
}

/* Bytes read, 0 at the end, -EAGAIN when there is nothing. */
static ssize_t pump(struct stream *s, uint64_t now_ns)
{
    bool little = !s->much && !pieces_matter(s);
    ssize_t n = little ? read_little(s, now_ns) : read_much(s, now_ns);
    s->much = n >= LITTLE;
    s->filled = n == (little ? LITTLE : STREAM_READ_MAX);
    if (n >= PIPE_USUAL && !s->large)
        enlarge_pipe(s);
    return n == -EAGAIN || n > 0 ? n : 0;
}

enum stream_result stream_on_readable(struct stream *s, uint64_t now_ns)
{
    if (s->fd < 0)
        return STREAM_EOF;
    if (log_sink_is_holding(&s->sink))
        return STREAM_DRAINED;
    ssize_t n = pump(s, now_ns);
    if (n == 0) {
        finish(s, now_ns);
        close_pipe(s);
        return STREAM_EOF;
    }
    return s->filled ? STREAM_MORE : STREAM_DRAINED;
}

void stream_drain_at_exit(struct stream *s, uint64_t now_ns)
{
    int left = s->fd >= 0 ? fcntl(s->fd, F_GETPIPE_SZ) : 0;
    if (left < PIPE_USUAL)
        left = PIPE_USUAL;
    while (s->fd >= 0 && left > 0) {
        log_sink_settle(&s->sink, SETTLE_AT_EXIT_MS);
        ssize_t n = pump(s, now_ns);
        if (n <= 0)
            break;
        left -= (int)n;
    }
    log_sink_settle(&s->sink, SETTLE_AT_EXIT_MS);
    finish(s, now_ns);
}

void stream_on_time(struct stream *s, uint64_t now_ns)
{
    log_sink_retry(&s->sink, now_ns);
    s->now_ns = now_ns;
    if (s->lines && now_ns >= s->lines->flush_ns)
        line_format_flush(s->lines, store_lines, s);
    count(s);
}

/* ---- opening and closing ---- */

static unsigned backups_of(const struct channel_config *config)
{
    int64_t n = config->logfile_backups;
    if (n < 0)
        return 0;
    return n > BACKUPS_MAX ? BACKUPS_MAX : (unsigned)n;
}

static struct rotating_file_config file_config(const struct process *p, enum channel c)
{
    const struct channel_config *config = &p->config->channel[c];
    return (struct rotating_file_config){
        .path = p->logfile[c],
        .max_bytes = config->logfile_maxbytes > 0 ? (uint64_t)config->logfile_maxbytes : 0,
        .backups = backups_of(config),
        .rotate_period = config->rotate,
        .rotate_minute = config->rotate_minute,
        .compress = config->compress,
        .max_age_secs = config->maxage_secs,
        .mode = config->chmod > 0 ? (mode_t)config->chmod : 0,
        .set_owner = config->owner_uid != (uid_t)-1 || config->owner_gid != (gid_t)-1,
        .owner_uid = config->owner_uid,
        .owner_gid = config->owner_gid,
    };
}

static int open_sink(struct stream *s)
{
    if (asprintf(&s->sink.title, "'%s' %s", s->process->config->name, channel_name(s->channel)) <
        0) {
        s->sink.title = NULL;
        return -ENOMEM;
    }
    s->sink.patience_ns = (uint64_t)STREAM_PATIENCE_MS * NS_PER_MS;
    if (!s->process->logfile[s->channel])
        return 0;
    struct rotating_file_config file = file_config(s->process, s->channel);
    return rotating_file_open(&file, &s->sink.file);
}

static int open_parts(struct stream *s)
{
    if (!s->is_protocol) {
        if (s->config->capture_maxbytes > 0)
            s->capture.max_bytes = (size_t)s->config->capture_maxbytes;
        if (s->config->syslog && asprintf(&s->syslog_prefix, "%s ", s->process->config->name) < 0) {
            s->syslog_prefix = NULL;
            return -ENOMEM;
        }
        int error = line_format_new(s->process, s->channel, &s->lines);
        if (error)
            return error;
        s->sink.lines = s->lines;
    }
    return open_sink(s);
}

static void stream_free(struct stream *s)
{
    close_pipe(s);
    log_sink_close(&s->sink);
    line_format_free(s->lines);
    capture_free(&s->capture);
    free(s->syslog_prefix);
    free(s);
}

int stream_open(struct process *p, enum channel c, int pipe_fd, struct stream **ret_stream)
{
    struct stream *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    *s = (struct stream){ .process = p,
                          .channel = c,
                          .config = &p->config->channel[c],
                          .fd = -1,
                          .strip = atomic_load(&strip_by_default),
                          .is_protocol = p->member && c == CHANNEL_STDOUT,
                          .event = { .process = p, .channel = c } };
    int error = open_parts(s);
    int flags = error ? 0 : fcntl(pipe_fd, F_GETFL);
    if (!error && (flags < 0 || fcntl(pipe_fd, F_SETFL, flags | O_NONBLOCK) < 0))
        error = -errno;
    if (error) {
        stream_free(s);
        return error;
    }
    s->fd = pipe_fd;
    *ret_stream = s;
    return 0;
}

void stream_set_pid(struct stream *s, pid_t pid)
{
    s->event.pid = pid;
}

void stream_set_tap(struct stream *s, void (*tap)(const char *data, size_t len, void *arg),
                    void *arg)
{
    s->tap = tap;
    s->tap_arg = arg;
}

void stream_close(struct stream *s)
{
    if (!s)
        return;
    log_sink_settle(&s->sink, 0);
    finish(s, clock_now_ns());
    log_sink_settle(&s->sink, 0);
    count(s);
    if (s->syslog_lost)
        log_warn("'%s' %s: syslog did not take %llu lines", s->process->config->name,
                 channel_name(s->channel), (unsigned long long)s->syslog_lost);
    stream_free(s);
}

/* ---- what the worker polls ---- */

int stream_fd(const struct stream *s)
{
    return log_sink_is_holding(&s->sink) ? -1 : s->fd;
}

int stream_sink_fd(const struct stream *s)
{
    return log_sink_poll_fd(&s->sink);
}

uint64_t stream_deadline_ns(const struct stream *s)
{
    uint64_t sink_ns = log_sink_deadline_ns(&s->sink);
    uint64_t line_ns = s->lines ? s->lines->flush_ns : NS_NEVER;
    return line_ns < sink_ns ? line_ns : sink_ns;
}

/* ---- requests ---- */

int stream_reopen(struct stream *s)
{
    return s->sink.file ? rotating_file_reopen(s->sink.file) : 0;
}

int stream_clear(struct stream *s)
{
    capture_clear_text(&s->capture);
    return s->sink.file ? rotating_file_clear(s->sink.file) : 0;
}

int stream_rotate(struct stream *s)
{
    return s->sink.file ? rotating_file_rotate(s->sink.file) : 0;
}

void stream_reconfigure(struct stream *s)
{
    s->config = &s->process->config->channel[s->channel];
    if (s->lines)
        line_format_reconfigure(s->lines);
    if (!s->sink.file)
        return;
    /* The last opener's limits hold for all who share a file. */
    struct rotating_file_config config = file_config(s->process, s->channel);
    struct rotating_file *file;
    int error = rotating_file_open(&config, &file);
    if (error)
        log_warn("%s: the new limits of %s do not hold yet: %s", s->sink.title, config.path,
                 strerror(-error));
    else
        rotating_file_close(file);
}

/* Open the file of a program that does not run, for one request. */
static int ask_file(struct rotating_file_config config, int (*request)(struct rotating_file *file))
{
    struct stat st;
    if (stat(config.path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISREG(st.st_mode))
        return 0;              /* opening a pipe or a device may be noticed */
    config.keep_limits = true; /* a program that does run may share it */
    struct rotating_file *file;
    int error = rotating_file_open(&config, &file);
    if (error)
        return error;
    error = request(file);
    rotating_file_close(file);
    return error;
}

int stream_clear_path(const char *path)
{
    return ask_file((struct rotating_file_config){ .path = path }, rotating_file_clear);
}

int stream_rotate_path(const struct process *p, enum channel c)
{
    return p->logfile[c] ? ask_file(file_config(p, c), rotating_file_rotate) : 0;
}
