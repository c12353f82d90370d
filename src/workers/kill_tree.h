/* SPDX-License-Identifier: MIT */
/* kill_tree.h: a signal to all descendants of a child, whatever group or session they moved to. */
#ifndef SUPERVISOR_WORKERS_KILL_TREE_H
#define SUPERVISOR_WORKERS_KILL_TREE_H

#include <sys/types.h>

#define KILL_TREE_MAX 4096 /* processes; what is beyond is left alone */

/* Signal every living descendant of root, root itself excluded, parents before their children (so
 * that none of them comes back). Each is held by a pidfd and its parent looked at again before
 * it is signalled, so that no stranger is hit. A process that was orphaned before is nobody's
 * descendant any more and is not found. Returns how many were signalled. Worker thread, while
 * root is not collected. */
unsigned kill_tree_below(pid_t root, int signal);

#endif
