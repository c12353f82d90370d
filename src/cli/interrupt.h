/* SPDX-License-Identifier: MIT */
/* interrupt.h: Ctrl-C as something to wait for, where it ends a view and not the client. */
#ifndef SUPERVISOR_CLI_INTERRUPT_H
#define SUPERVISOR_CLI_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

struct interrupt {
    int fd; /* readable when Ctrl-C was pressed; -1: it cannot be waited for */
    sigset_t before;
};

void interrupt_begin(struct interrupt *interrupt);

/* Was it pressed since the last question? */
bool interrupt_came(struct interrupt *interrupt);

/* Wait for it, but no longer than this. Returns whether it came. */
bool interrupt_wait(struct interrupt *interrupt, int wait_ms);

void interrupt_end(struct interrupt *interrupt);

#endif
