/* SPDX-License-Identifier: MIT */
/* log_sink.h: a log file that may fail without anybody waiting for it.
 *
 * A full pipe behind the file is waited for a while: `held` bytes stay here, and the owner stops
 * reading. Any other failure, and the end of that patience, drops what comes until a retry
 * succeeds; then the gap is marked in the file. Worker thread only.
 */
#ifndef SUPERVISOR_WORKERS_LOG_SINK_H
#define SUPERVISOR_WORKERS_LOG_SINK_H

#include "line_format.h"
#include "supervisor/core/buf.h"
#include "supervisor/core/rotating_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_sink {
    struct rotating_file *file; /* owned; NULL: everything is thrown away, and that is a success */
    char *title;                /* owned; "'cat' stdout", for messages */
    const struct line_format *lines; /* borrowed; what comes are whole lines of this format */
    uint64_t patience_ns;
    int error;     /* 0: it works. Else why it does not, since ... */
    uint64_t lost; /* ... so many bytes of it are gone */
    uint64_t retry_ns;
    uint64_t pause_ns;
    uint64_t well_since_ns; /* when it last began to work */
    bool cut;               /* the last byte stored is no newline */
    struct buf held;        /* waits for a full pipe */
    uint64_t give_up_ns;    /* when held bytes are dropped */
    int rotate_error;       /* the last one reported */
    uint64_t dropped;       /* bytes, ever */
    uint64_t stored;        /* bytes, ever, without marks of gaps */
};

/* Write, hold or drop; the sums are in stored and dropped (held bytes are in neither yet). */
void log_sink_write(struct log_sink *sink, const char *data, size_t len, uint64_t now_ns);

/* A deadline is due, or the pipe may have room. */
void log_sink_retry(struct log_sink *sink, uint64_t now_ns);

/* Wait at most wait_ms for the pipe behind the file to take what is held, then drop it. */
void log_sink_settle(struct log_sink *sink, int wait_ms);

bool log_sink_is_holding(const struct log_sink *sink);
int log_sink_poll_fd(const struct log_sink *sink);
uint64_t log_sink_deadline_ns(const struct log_sink *sink);

/* Report a gap that is still open, close the file. */
void log_sink_close(struct log_sink *sink);

#endif
