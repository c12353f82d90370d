/* SPDX-License-Identifier: MIT */
/* privileges.h: who the daemon runs as, and how much it may open.
 *
 * Source: Supervisor options.py, drop_privileges() and set_rlimits().
 */
#ifndef SUPERVISOR_CORE_PRIVILEGES_H
#define SUPERVISOR_CORE_PRIVILEGES_H

#include <stdint.h>
#include <sys/types.h>

/* Become uid with its groups, for good. Nothing to do if it is the current uid.
 * Returns NULL, or the reference's sentence (a literal) for why not. Main thread, no other threads
 * yet. */
const char *privileges_drop(uid_t uid);

/* Raise RLIMIT_NOFILE to wanted if the soft limit is lower, and RLIMIT_NPROC likewise. Logs
 * "Increased ..." at INFO. Beyond wanted, the soft limit of open files is raised as far as
 * needed_fds asks and the hard limit allows.
 * Returns 0, or -EPERM with *ret_error a text to free. */
int privileges_raise_limits(int64_t minfds, int64_t minprocs, char **ret_error);

/* Make room for so many descriptors; best effort. The number now allowed is returned. */
uint64_t privileges_reserve_fds(uint64_t needed);

#endif
