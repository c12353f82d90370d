/* SPDX-License-Identifier: MIT */
/* shell.h: lines typed at a prompt, or read from a pipe. */
#ifndef SUPERVISOR_CLI_SHELL_H
#define SUPERVISOR_CLI_SHELL_H

#include "ctl.h"

/* Show the status, then read and run lines until the end. Errors do not end it. */
void shell_run(struct ctl *ctl);

#endif
