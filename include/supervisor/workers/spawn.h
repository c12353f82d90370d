/* SPDX-License-Identifier: MIT */
/* spawn.h: makes a child: everything prepared in the parent, then vfork and exec.
 *
 * Between vfork and exec the child shares our memory: it makes system calls only, and reads what
 * was laid out for it. Why it could not exec it says itself, on its descriptor 2, so
 * that the reason is found in the program's log; the daemon sees an exit with status 127.
 * Source: Supervisor process.py, Subprocess.spawn() and _spawn_as_child().
 */
#ifndef SUPERVISOR_WORKERS_SPAWN_H
#define SUPERVISOR_WORKERS_SPAWN_H

#include "supervisor/core/process.h"
#include "supervisor/workers/command.h"

#include <sys/resource.h>
#include <sys/types.h>

/* The soft and hard limit of open files that children get back, whatever the daemon raised its
 * own to. Without a call they inherit the daemon's. Main thread, before any worker. */
void spawn_set_limits(const struct rlimit *nofile);

/* Descriptors 0 to 2 of a child and our ends of their pipes; -1 where there is none. */
struct spawn_pipes {
    int ours[3];   /* write end of stdin, read ends of stdout and stderr; stdin non-blocking */
    int theirs[3]; /* theirs[2] equals theirs[1] when stderr is redirected */
    bool stdin_is_borrowed; /* a FastCGI socket: not ours to close */
};

/* For p as its config says. fcgi_fd >= 0 becomes the child's stdin, borrowed.
 * Returns 0 or the negative errno of pipe2(2). */
int spawn_pipes_open(const struct process_config *config, int fcgi_fd,
                     struct spawn_pipes *ret_pipes);

/* Close the child's ends (after the spawn), or what is left of all of them. */
void spawn_pipes_close_theirs(struct spawn_pipes *pipes);
void spawn_pipes_close(struct spawn_pipes *pipes);

/* Fork and exec; the pid is claimed for p. Returns 0; or -EINVAL with what is wrong with the
 * program's files in ret_text; or vfork's negative errno with the reference's sentence.
 * Worker thread. */
int spawn_child(struct process *p, const struct command *command, const struct spawn_pipes *pipes,
                pid_t *ret_pid, char *ret_text, size_t size);

#endif
