/* SPDX-License-Identifier: MIT */
/* names.h: what errors and signals are called: "ENOENT", "SIGTERM".
 *
 * Own tables: strerrorname_np(3) and sigabbrev_np(3) are glibc's alone, and a child between
 * vfork and exec may look here (constant data, no lock, no allocation).
 */
#ifndef SUPERVISOR_CORE_NAMES_H
#define SUPERVISOR_CORE_NAMES_H

/* "ENOENT"; "UNKNOWN" for a number without a name. Async-signal-safe. */
const char *name_of_errno(int error);

/* "SIGTERM"; NULL for a number without a name (most real-time signals). Of several names that
 * of the reference: SIGABRT, SIGCHLD, SIGPOLL. Async-signal-safe. */
const char *name_of_signal(int signal);

#endif
