/* SPDX-License-Identifier: MIT */
/* output_event.h: PROCESS_LOG and PROCESS_COMMUNICATION events of one channel, and the echo of its
 * output in the daemon's log. Worker thread only. */
#ifndef SUPERVISOR_WORKERS_OUTPUT_EVENT_H
#define SUPERVISOR_WORKERS_OUTPUT_EVENT_H

#include "supervisor/core/process.h"

struct output_event {
    const struct process *process;
    enum channel channel;
    pid_t pid;
    char tail[4]; /* the beginning of a character whose rest has not been read yet */
    size_t n_tail;
};

/* A piece of output, if anybody wants to hear of it. */
void output_event_log(struct output_event *e, const char *data, size_t len);

/* No more output: an unfinished character goes out as what it is. */
void output_event_flush(struct output_event *e);

/* A captured text. */
void output_event_communicate(struct output_event *e, const char *data, size_t len);

/* 'cat' stdout output: ... at DEBG. as_bytes: the way of an event listener's protocol. */
void output_event_echo(const struct output_event *e, const char *data, size_t len, bool as_bytes);

#endif
