/* SPDX-License-Identifier: MIT */
/* strip_ansi.h: terminal colours out of a program's output. Source: Supervisor dispatchers.py,
 * stripEscapes(). */
#ifndef SUPERVISOR_WORKERS_STRIP_ANSI_H
#define SUPERVISOR_WORKERS_STRIP_ANSI_H

#include <stddef.h>

/* Remove every ESC [ and what follows it through the first of H f A B C D R s u J K h l p m, or to
 * the end of data if none follows. In place; returns what is left. No memory between calls. */
size_t strip_ansi(char *data, size_t len);

#endif
