/* SPDX-License-Identifier: MIT */
/* worker.h: the thread of one process.
 *
 * It owns the child, the pipes and the state machine, and does nothing but wait: for its mailbox,
 * for output, for its next deadline. A program that is quiet costs no time at all.
 */
#ifndef SUPERVISOR_WORKERS_WORKER_H
#define SUPERVISOR_WORKERS_WORKER_H

#include "supervisor/core/process.h"

/* Start p's thread; it stays until it was posted a QUIT. Returns 0 or pthread_create's negative
 * errno. Main thread. */
int worker_start(struct process *p);

/* After p's QUIT came back: wait for the thread's last instructions and free it. Main thread. */
void worker_join(struct process *p);

#endif
