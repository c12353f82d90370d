/* SPDX-License-Identifier: MIT */
/* reaper.h: collects every dead child of the daemon and tells its owner.
 *
 * SIGCHLD arrives on the main thread's signalfd, one record for any number of children.
 * Each is looked at first (WNOWAIT), then collected under its owner's lock, so that nobody
 * can signal a pid that the kernel has handed to a stranger.
 */
#ifndef SUPERVISOR_CORE_REAPER_H
#define SUPERVISOR_CORE_REAPER_H

/* Collect until none is left. Main thread. Strangers (orphans adopted as PID 1 or subreaper) are
 * collected and logged. Returns how many were collected. */
unsigned reaper_run(void);

#endif
