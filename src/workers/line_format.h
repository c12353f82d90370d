/* SPDX-License-Identifier: MIT */
/* line_format.h: a program's output as lines with time and name, for its log file.
 *
 * Bytes come in as they were read; whole lines go out, so that programs which share a file
 * never share a line. A line that its program does not finish is let out after a pause, or when
 * it has grown too long. Without a format nothing of this exists: bytes pass untouched.
 */
#ifndef SUPERVISOR_WORKERS_LINE_FORMAT_H
#define SUPERVISOR_WORKERS_LINE_FORMAT_H

#include "supervisor/core/buf.h"
#include "supervisor/core/process.h"

#define LINE_FORMAT_MAX      (64 * 1024) /* bytes of one line; a longer one becomes several */
#define LINE_FORMAT_PAUSE_MS 1000        /* after which an unfinished line goes out */

struct line_format {
    const struct process *process;
    enum channel channel;
    const char *pattern; /* borrowed from the config; "" is JSON */
    bool has_message;    /* pattern says where the text of the line goes; else behind it */
    struct buf unfinished;
    uint64_t flush_ns; /* when it goes out; NS_NEVER: there is none */
    struct buf out;
};

/* Where whole lines go; many at once. */
typedef void line_format_emit(void *arg, const char *lines, size_t len);

/* NULL in *ret_format if the channel's config asks for no format. 0 or -ENOMEM. */
int line_format_new(const struct process *process, enum channel channel,
                    struct line_format **ret_format);
/* The process has another configuration, of the same format. */
void line_format_reconfigure(struct line_format *f);

void line_format_free(struct line_format *f); /* accepts NULL; what is unfinished is gone */

void line_format_feed(struct line_format *f, const char *data, size_t len, uint64_t now_ns,
                      line_format_emit *emit, void *arg);

/* Let the unfinished line out: its pause is over (now_ns >= flush_ns), or no more will come. */
void line_format_flush(struct line_format *f, line_format_emit *emit, void *arg);

/* One line of this format, for what we have to say ourselves. */
void line_format_append(const struct line_format *f, struct buf *to, const char *text, size_t len);

#endif
