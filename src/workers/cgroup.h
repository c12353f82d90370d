/* SPDX-License-Identifier: MIT */
/* cgroup.h: control groups (version 2) of programs: made, joined, signalled as a whole.
 *
 * Source: Linux Documentation/admin-guide/cgroup-v2.rst. Worker threads.
 */
#ifndef SUPERVISOR_WORKERS_CGROUP_H
#define SUPERVISOR_WORKERS_CGROUP_H

#include <sys/types.h>

/* Open the group's list of processes for writing; the group, a path below the place where version
 * 2 is mounted, is made if it is not there. Whoever writes "0" to *ret_fd (close-on-exec, the
 * caller's to close) is in it. 0, or a negative errno: -EINVAL for a path with "..", -EROFS and
 * -EACCES where the system does not let us, -ENOENT without version 2. */
int cgroup_open(const char *path, int *ret_fd);

/* Signal every process of the group but `except` (0: nobody). How many were, or a negative errno.
 * Each is held by a pidfd and looked for in the group again, so that no stranger is hit. */
int cgroup_signal(const char *path, int signal, pid_t except);

#endif
