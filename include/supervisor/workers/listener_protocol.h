/* SPDX-License-Identifier: MIT */
/* listener_protocol.h: what an event listener says on its standard output, as a pure state machine.
 *
 * Bytes in, outcomes out; no clock, no descriptor, no log, and a fixed amount of memory
 * whatever arrives.
 * Source: Supervisor dispatchers.py, PEventListenerDispatcher. Stricter than it: the word
 * "RESULT " is required, a length is 0..LISTENER_BODY_MAX, a line at most LISTENER_LINE_MAX
 * bytes, and an empty result counts at once.
 */
#ifndef SUPERVISOR_WORKERS_LISTENER_PROTOCOL_H
#define SUPERVISOR_WORKERS_LISTENER_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LISTENER_LINE_MAX 1024          /* bytes of a result line, without its LF */
#define LISTENER_BODY_MAX (1024 * 1024) /* bytes of a result */

/* Numbers are the reference's (EventListenerStates); shown in process.listener_state. */
enum listener_state {
    LISTENER_READY = 10,        /* may be given one event */
    LISTENER_BUSY = 20,         /* has one */
    LISTENER_ACKNOWLEDGED = 30, /* alive, not ready */
    LISTENER_UNKNOWN = 40,      /* broke the protocol: ignored until its process is started anew */
};

/* "READY" and so on; never NULL. */
const char *listener_state_name(enum listener_state state);

enum listener_outcome {
    LISTENER_OUTCOME_NONE,       /* all bytes are used, nothing is decided */
    LISTENER_OUTCOME_READY,      /* ACKNOWLEDGED -> READY */
    LISTENER_OUTCOME_OK,         /* BUSY -> ACKNOWLEDGED: the event was processed */
    LISTENER_OUTCOME_FAIL,       /* BUSY -> ACKNOWLEDGED: the event was rejected */
    LISTENER_OUTCOME_BAD_RESULT, /* BUSY -> UNKNOWN: line[] is no result line */
    LISTENER_OUTCOME_VIOLATION,  /* ACKNOWLEDGED or READY -> UNKNOWN */
};

struct listener_protocol {
    enum listener_state state;
    char line[LISTENER_LINE_MAX]; /* the token or result line so far, without LF */
    size_t line_len;
    bool in_body;
    size_t body_len;  /* bytes announced */
    size_t body_seen; /* bytes arrived */
    char body[2];     /* the first of them: enough to know "OK" */
};

/* A new child: ACKNOWLEDGED, nothing read. */
void listener_protocol_reset(struct listener_protocol *p);

/* An event was sent: READY -> BUSY. */
void listener_protocol_sent(struct listener_protocol *p);

/* Use bytes up to and including the one that decides something. Returns how many were used;
 * call again with the rest until it returns len with LISTENER_OUTCOME_NONE. */
size_t listener_protocol_feed(struct listener_protocol *p, const char *data, size_t len,
                              enum listener_outcome *ret_outcome);

#endif
