/* SPDX-License-Identifier: MIT */
/* scratch.h: read buffers that threads share: a fleet of quiet programs needs only a few. */
#ifndef SUPERVISOR_WORKERS_SCRATCH_H
#define SUPERVISOR_WORKERS_SCRATCH_H

#include "capture.h"
#include "supervisor/workers/stream.h"

struct scratch {
    struct scratch *next;
    char headroom[CAPTURE_HEADROOM]; /* in front of data, for what was held back before */
    char data[STREAM_READ_MAX];
};

/* NULL when out of memory. Any thread. */
struct scratch *scratch_take(void);
void scratch_give(struct scratch *s);

#endif
