/* SPDX-License-Identifier: MIT */
/* spawn_child.h: what a child finds laid out between vfork and exec. */
#ifndef SUPERVISOR_WORKERS_SPAWN_CHILD_H
#define SUPERVISOR_WORKERS_SPAWN_CHILD_H

#include "supervisor/core/config.h"

#include <sched.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

/* All of it is made before the fork and only read after it. */
struct spawn_plan {
    const struct process_config *config;
    const char *path;
    char **argv;
    char **envp;
    int fds[3];
    bool switch_user;
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* owned */
    size_t n_groups;
    const char *user_error; /* a literal: why the user cannot be switched; NULL */
    bool set_nofile;
    struct rlimit nofile;
    int cgroup_fd;          /* its list of processes; -1: none */
    int cgroup_error;       /* an errno: why the program cannot be in its cgroup; 0 */
    char oom_score_adj[24]; /* text for /proc; "" to inherit */
};

/* The user database's entry of uid; its texts are in *ret_buffer, to free. 0, -ENOENT or -ENOMEM.
 * May ask the network (NSS). */
struct passwd;
int spawn_find_user(uid_t uid, struct passwd *ret_entry, char **ret_buffer);

/* Fill in the user and groups as the config asks; what fails becomes user_error. May ask the
 * network (NSS), so never on the main thread. */
void spawn_plan_user(struct spawn_plan *plan);

/* Become the program. Async-signal-safe from here on. */
_Noreturn void spawn_child_run(const struct spawn_plan *plan);

#endif
