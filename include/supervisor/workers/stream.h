/* SPDX-License-Identifier: MIT */
/* stream.h: one output channel of one running program: pipe -> log file, syslog, capture, events.
 *
 * Opened for a spawn and closed after the program's end; it belongs to that program's worker
 * thread and no function here may be called by another. The usual path is one read(2), one
 * write(2), no allocation and no copy; what is not configured costs nothing.
 *
 * A log file that fails (disk full, directory gone, a reader of /dev/stdout that stopped) never
 * blocks: the pipe goes on being drained, what could not be stored is counted, the failure and
 * its end are logged once each, and the gap is marked in the file. Only a full pipe or terminal
 * behind the log file makes the stream pause its reading first, for STREAM_PATIENCE_MS.
 *
 * How a worker uses it, in its poll(2):
 *   stream_fd()       POLLIN  -> stream_on_readable()    while it is not -1
 *   stream_sink_fd()  POLLOUT -> stream_on_time()        while it is not -1
 *   stream_deadline_ns() due  -> stream_on_time()
 * Source: Supervisor dispatchers.py, POutputDispatcher.
 */
#ifndef SUPERVISOR_WORKERS_STREAM_H
#define SUPERVISOR_WORKERS_STREAM_H

#include "supervisor/core/process.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STREAM_READ_MAX    (128 * 1024) /* bytes of one read(2), hence of one event */
#define STREAM_PATIENCE_MS 3000 /* how long a full pipe as log file may hold up its program */

struct stream;

/* strip_ansi of [supervisord], for streams opened from now on. Main thread, at boot and restart. */
void stream_set_strip_ansi(bool strip_ansi);

/* Before the fork: open the log file of p's channel (p->logfile[c]) and, if the config asks
 * for them, the other sinks. pipe_fd, the reading end, is taken over on success only; it is
 * made non-blocking and its pipe enlarged. The stdout of an event listener (p->member) gets no
 * capture, events or syslog.
 * Returns 0, or a negative errno when the file cannot be opened (-ENOENT, -EACCES, -EISDIR, ...)
 * or memory is short: a spawn error, "unknown error making dispatchers for 'NAME': ERRNO". */
int stream_open(struct process *p, enum channel c, int pipe_fd, struct stream **ret_stream);

/* The pid that events of this stream carry; after the fork. */
void stream_set_pid(struct stream *s, pid_t pid);

/* See each chunk as it was read, before anything is done to it: the listener protocol. */
void stream_set_tap(struct stream *s, void (*tap)(const char *data, size_t len, void *arg),
                    void *arg);

/* What to poll for POLLIN; -1 after the end of file and while reading pauses. */
int stream_fd(const struct stream *s);

/* What to poll for POLLOUT while the log file is a pipe that is full; else -1. */
int stream_sink_fd(const struct stream *s);

/* When stream_on_time() wants to be called next (a retry of a failed file, the end of a
 * pause, the flush of an unfinished line); NS_NEVER: no need. */
uint64_t stream_deadline_ns(const struct stream *s);

enum stream_result {
    STREAM_DRAINED, /* the pipe is empty for now, or reading pauses */
    STREAM_MORE,    /* there may be more at once: call again (after looking at the mailbox) */
    STREAM_EOF,     /* every writer has closed; what was held back has been flushed */
};

/* Read once and pass it on. Errors of the pipe count as its end. */
enum stream_result stream_on_readable(struct stream *s, uint64_t now_ns);

/* The deadline is due or the sink is writable. Harmless at any other time. */
void stream_on_time(struct stream *s, uint64_t now_ns);

/* The program is gone: read what it left in the pipe, without waiting and at most
 * what a pipe can hold (a grandchild may go on writing for ever), then flush what was held back. */
void stream_drain_at_exit(struct stream *s, uint64_t now_ns);

/* REQUEST_REOPEN_LOGS, _CLEAR_LOGS, _ROTATE_LOGS. 0 or the negative errno of the file;
 * after a failure writes retry by themselves. Clearing empties the capture buffer too. */
int stream_reopen(struct stream *s);
int stream_clear(struct stream *s);
int stream_rotate(struct stream *s);

/* The process has another configuration, which differs only in what a running program can take up
 * (schema.h: live): the limits of its log file hold from now on. */
void stream_reconfigure(struct stream *s);

/* Flush, close the pipe and the file, report a gap that is still open. Accepts NULL. */
void stream_close(struct stream *s);

/* Clear or rotate for a program that does not run: its file by name. A file that is not there is no
 * error; what is no regular file is left alone. Any thread. */
int stream_clear_path(const char *path);
int stream_rotate_path(const struct process *p, enum channel c);

#endif
