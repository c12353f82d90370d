/* SPDX-License-Identifier: MIT */
/* spawn_user.c: who a child will be, looked up before the fork. */
#include "spawn_child.h"

#include "supervisor/core/cleanup.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

/* getpwuid_r needs a buffer of a size that only trying tells. */
int spawn_find_user(uid_t uid, struct passwd *ret_entry, char **ret_buffer)
{
    enum { FIRST = 1024, LAST = 1024 * 1024 };
    for (size_t size = FIRST; size <= LAST; size *= 4) {
        CLEANUP_FREE char *buffer = malloc(size);
        struct passwd *found = NULL;
        if (!buffer)
            return -ENOMEM;
        int r = getpwuid_r(uid, ret_entry, buffer, size, &found);
        if (r == 0 && found) {
            *ret_buffer = take_ptr(&buffer);
            return 0;
        }
        if (r != ERANGE)
            return -ENOENT;
    }
    return -ENOENT;
}

/* The primary group first, then every group that lists the user. */
static int find_groups(const char *user, gid_t gid, gid_t **ret_groups, size_t *ret_n)
{
    int n = 64;
    for (int tries = 0; tries < 4; tries++) {
        CLEANUP_FREE gid_t *groups = calloc((size_t)n, sizeof(gid_t));
        if (!groups)
            return -ENOMEM;
        if (getgrouplist(user, gid, groups, &n) >= 0) {
            *ret_groups = take_ptr(&groups);
            *ret_n = (size_t)n;
            return 0;
        }
    }
    return -ERANGE;
}

void spawn_plan_user(struct spawn_plan *plan)
{
    const struct process_config *config = plan->config;
    if (!config->user || (config->uid == getuid() && !config->gid_set))
        return;
    plan->switch_user = true;
    plan->uid = config->uid;
    if (getuid() != 0) {
        plan->user_error = "Can't drop privilege as nonroot user";
        return;
    }
    struct passwd entry;
    CLEANUP_FREE char *buffer = NULL;
    if (spawn_find_user(config->uid, &entry, &buffer) < 0) {
        plan->user_error = "Can't find its uid";
        return;
    }
    plan->gid = config->gid_set ? config->gid : entry.pw_gid;
    if (find_groups(entry.pw_name, plan->gid, &plan->groups, &plan->n_groups) < 0)
        plan->user_error = "Could not set groups of effective user";
}
