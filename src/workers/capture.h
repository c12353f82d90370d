/* SPDX-License-Identifier: MIT */
/* capture.h: finds <!--XSUPERVISOR:BEGIN--> and END in a program's output and keeps what stands
 * between them.
 *
 * Only a tail that may be the beginning of the token sought is held back. The newest
 * max_bytes of a captured text are kept, exactly.
 * Source: Supervisor dispatchers.py, record_output() and toggle_capturemode().
 */
#ifndef SUPERVISOR_WORKERS_CAPTURE_H
#define SUPERVISOR_WORKERS_CAPTURE_H

#include "supervisor/core/buf.h"

#include <stdbool.h>
#include <stddef.h>

#define CAPTURE_BEGIN    "<!--XSUPERVISOR:BEGIN-->"
#define CAPTURE_END      "<!--XSUPERVISOR:END-->"
#define CAPTURE_HEADROOM 32 /* writable bytes that capture_feed() needs in front of its data */

struct capture {
    size_t max_bytes;
    bool on;                        /* between the tokens */
    char pending[CAPTURE_HEADROOM]; /* a tail that may begin a token */
    size_t n_pending;
    struct buf text; /* grows to twice max_bytes, so that old bytes need not move out one by one */
};

/* Where the output goes. */
struct capture_ops {
    /* A piece of output outside (captured false) or inside the tokens; may be changed in place.
     * Inside, the callee hands on to capture_add() what is to be kept. */
    void (*piece)(void *arg, char *data, size_t len, bool captured);
    /* The end token: the text. */
    void (*text)(void *arg, const char *data, size_t len);
};

void capture_feed(struct capture *c, char *data, size_t len, const struct capture_ops *ops,
                  void *arg);

/* Append to the text, dropping its oldest bytes. 0 or -ENOMEM. */
int capture_add(struct capture *c, const char *data, size_t len);

/* The end of output: what was held back goes out as a piece. */
void capture_flush(struct capture *c, const struct capture_ops *ops, void *arg);

/* What is kept now; valid until the next call. */
const char *capture_text(const struct capture *c, size_t *ret_len);

void capture_clear_text(struct capture *c);
void capture_free(struct capture *c);

#endif
