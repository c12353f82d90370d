/* SPDX-License-Identifier: MIT */
/* progress.h: how far a long command is, on a terminal. One line on stderr, gone at the end. */
#ifndef SUPERVISOR_CLI_PROGRESS_H
#define SUPERVISOR_CLI_PROGRESS_H

#include "ctl.h"

/* Begin to show progress towards a state for the processes that words name ("all": all);
 * doing is "stopping" or "starting". words must live until progress_end(). Does nothing unless
 * stdout and stderr are terminals. */
void progress_begin(struct ctl *ctl, const char *doing, char *const words[], size_t n);

/* Wipe the line, before something is printed. */
void progress_wipe(void);

void progress_end(struct ctl *ctl);

#endif
