/* SPDX-License-Identifier: MIT */
/* daemonize.h: leaving the terminal, and the file that says who we are.
 *
 * Source: Supervisor options.py, daemonize() and write_pidfile().
 */
#ifndef SUPERVISOR_CORE_DAEMONIZE_H
#define SUPERVISOR_CORE_DAEMONIZE_H

#include <stdbool.h>
#include <sys/types.h>

/* Fork once; the parent exits with status 0. The child goes to directory (NULL: stays), has
 * /dev/null as its descriptors 0 to 2, a session of its own, and umask mask. Logs what it does.
 * Returns 0 in the child, or a negative errno when nothing happened. Before any thread. */
int daemonize(const char *directory, mode_t mask);

/* Write "PID\n" to path, warning of a live process that an old file names. Logs.
 * Returns whether it was written: only then is it ours to unlink. Main thread. */
bool pidfile_write(const char *path);

/* Tell the service manager that we are ready, stopping, ... ("READY=1"): sd_notify(3)'s protocol.
 * Does nothing without NOTIFY_SOCKET. */
void service_notify(const char *state);

#endif
