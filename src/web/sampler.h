/* SPDX-License-Identifier: MIT */
/* sampler.h: what every program uses, read by a thread of its own and only when somebody asks.
 *
 * Main thread only. The thread begins with the first question.
 */
#ifndef SUPERVISOR_WEB_SAMPLER_H
#define SUPERVISOR_WEB_SAMPLER_H

#include "supervisor/core/loop.h"
#include "supervisor/core/process.h"
#include "supervisor/workers/procstat.h"

#include <stdbool.h>

int sampler_init(struct loop *loop); /* 0 or a negative errno */
void sampler_free(void);             /* whoever still waits is never called */

/* A field of whoever asks. */
struct sampler_wait {
    void (*ready)(void *arg);
    void *arg;
    struct sampler_wait *next; /* sampler.c's */
};

/* Call wait->ready once the numbers are at most a second old: perhaps before this returns. It is
 * called also if /proc could not be read; then there are no numbers. */
void sampler_ask(struct sampler_wait *wait);
void sampler_forget(struct sampler_wait *wait);

struct usage {
    struct procstat stat;
    double cpu_percent; /* of one core, since the sample before; negative: not known yet */
    int open_fds;       /* of the program itself; -1 not known */
};

/* What the tree of pid uses, by the last sample. false if it did not see the pid. */
bool sampler_usage(pid_t pid, struct usage *ret_usage);

#endif
