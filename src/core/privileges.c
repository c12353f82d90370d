/* SPDX-License-Identifier: MIT */
/* privileges.c: who the daemon runs as, and how much it may open. */
#include "supervisor/core/privileges.h"

#include "supervisor/core/log.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

const char *privileges_drop(uid_t uid)
{
    if (getuid() == uid)
        return NULL;
    if (getuid() != 0)
        return "Can't drop privilege as nonroot user";
    const struct passwd *user = getpwuid(uid);
    if (!user)
        return "Can't find uid of the configured user";
    gid_t gid = user->pw_gid;
    if (initgroups(user->pw_name, gid) < 0)
        return "Could not set groups of effective user";
    if (setgid(gid) < 0)
        return "Could not set group id of effective user";
    if (setuid(uid) < 0)
        return "Could not set user id of effective user";
    return NULL;
}

static const char nofile_text[] =
    "The minimum number of file descriptors required to run this process is %lld as per the "
    "\"minfds\" command-line argument or config file setting. The current environment will only "
    "allow you to open %lld file descriptors.  Either raise the number of usable file descriptors "
    "in your environment (see README.rst) or lower the minfds setting in the config file to allow "
    "the process to start.";

static const char nproc_text[] =
    "The minimum number of available processes required to run this program is %lld as per the "
    "\"minprocs\" command-line argument or config file setting. The current environment will only "
    "allow you to open %lld processes.  Either raise the number of usable processes in your "
    "environment (see README.rst) or lower the minprocs setting in the config file to allow the "
    "program to start.";

/* Soft limit up to wanted; the hard one with it if it is lower. 1: raised, 0: was enough. */
static int raise_limit(int what, rlim_t wanted, rlim_t *ret_hard)
{
    struct rlimit limit;
    if (getrlimit(what, &limit) < 0)
        return -errno;
    *ret_hard = limit.rlim_max;
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= wanted)
        return 0;
    limit.rlim_cur = wanted;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < wanted)
        limit.rlim_max = wanted;
    return setrlimit(what, &limit) < 0 ? -errno : 1;
}

static int raise_one(int what, const char *name, int64_t wanted, char **ret_error)
{
    rlim_t hard = 0;
    int r = wanted > 0 ? raise_limit(what, (rlim_t)wanted, &hard) : 0;
    if (r > 0)
        log_info("Increased %s limit to %lld", name, (long long)wanted);
    if (r >= 0)
        return 0;
    int n = what == RLIMIT_NOFILE
                ? asprintf(ret_error, nofile_text, (long long)wanted, (long long)hard)
                : asprintf(ret_error, nproc_text, (long long)wanted, (long long)hard);
    if (n < 0)
        *ret_error = NULL;
    return -EPERM;
}

int privileges_raise_limits(int64_t minfds, int64_t minprocs, char **ret_error)
{
    int r = raise_one(RLIMIT_NOFILE, "RLIMIT_NOFILE", minfds, ret_error);
    return r < 0 ? r : raise_one(RLIMIT_NPROC, "RLIMIT_NPROC", minprocs, ret_error);
}

uint64_t privileges_reserve_fds(uint64_t needed)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < needed) {
        rlim_t before = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max != RLIM_INFINITY && limit.rlim_max < needed
                             ? limit.rlim_max
                             : (rlim_t)needed;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
            limit.rlim_cur = before;
    }
    return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : (uint64_t)limit.rlim_cur;
}
