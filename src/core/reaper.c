/* SPDX-License-Identifier: MIT */
/* reaper.c: looks at each dead child before it is collected. */
#include "supervisor/core/reaper.h"

#include "supervisor/core/log.h"
#include "supervisor/core/process_table.h"

#include <errno.h>
#include <sys/wait.h>

/* A pid that waits to be collected, 0 if there is none. It stays waitable: the number cannot be
 * given to anybody else until pid_collect(). */
static pid_t look(void)
{
    for (;;) {
        siginfo_t info = { 0 };
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
            return info.si_pid;
        if (errno == EINTR)
            continue;
        if (errno != ECHILD)
            log_crit("waitpid error %d; a process may not be cleaned up properly", errno);
        return 0;
    }
}

unsigned reaper_run(void)
{
    unsigned n = 0;
    for (pid_t pid; (pid = look()) > 0; n++) {
        if (!pid_collect(pid))
            break;
    }
    return n;
}
