/* SPDX-License-Identifier: MIT */
/* process_notice.h: the worker's side of the notices that process.h describes. */
#ifndef SUPERVISOR_CORE_PROCESS_NOTICE_H
#define SUPERVISOR_CORE_PROCESS_NOTICE_H

#include "supervisor/core/process.h"

/* p's facts changed: put it on the list (once) and wake the main thread. Any thread. */
void notice_changed(struct process *p);

/* r was handled: hand it to the main thread, which calls done() and frees it. Any thread. */
void notice_finished(struct request *r);

#endif
