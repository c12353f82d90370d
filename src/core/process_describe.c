/* SPDX-License-Identifier: MIT */
/* process_describe.c: the sentences that tell people how a program fares.
 *
 * Clients take them apart ("pid N, uptime H:MM:SS"), so every blank counts.
 * Source: Supervisor rpcinterface.py, _interpretProcessInfo(); options.py, decode_wait_status().
 */
#include "supervisor/core/names.h"
#include "supervisor/core/process.h"

#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

static void describe_uptime(pid_t pid, int64_t seconds, char *ret_text, size_t size)
{
    enum { DAY = 86400, HOUR = 3600, MINUTE = 60 };
    if (seconds < 0)
        seconds = 0; /* the wall clock was set back */
    char days[32] = "";
    if (seconds >= DAY)
        (void)snprintf(days, sizeof(days), "%lld day%s, ", (long long)(seconds / DAY),
                       seconds / DAY == 1 ? "" : "s");
    (void)snprintf(ret_text, size, "pid %d, uptime %s%d:%02d:%02d", (int)pid, days,
                   (int)(seconds % DAY / HOUR), (int)(seconds % HOUR / MINUTE),
                   (int)(seconds % MINUTE));
}

/* "Nov 22 07:53 PM" in local time. Not strftime: month names must not follow the locale. */
static void describe_stop(int64_t wall, char *ret_text, size_t size)
{
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct tm tm = { 0 };
    time_t seconds = (time_t)wall;
    if (wall == 0 || !localtime_r(&seconds, &tm)) {
        (void)snprintf(ret_text, size, "Not started");
        return;
    }
    int hour = tm.tm_hour % 12 == 0 ? 12 : tm.tm_hour % 12;
    (void)snprintf(ret_text, size, "%s %02d %02d:%02d %s", months[tm.tm_mon], tm.tm_mday, hour,
                   tm.tm_min, tm.tm_hour < 12 ? "AM" : "PM");
}

void process_describe(const struct process *p, const struct process_facts *facts, int64_t now_wall,
                      char *ret_text, size_t size)
{
    switch (facts->state) {
    case PROCESS_RUNNING:
        describe_uptime(facts->pid, now_wall - facts->start_wall, ret_text, size);
        return;
    case PROCESS_FATAL:
    case PROCESS_BACKOFF:
        if (facts->spawnerr[0])
            (void)snprintf(ret_text, size, "%s", facts->spawnerr);
        else
            (void)snprintf(ret_text, size, "unknown error (try \"tail %s\")", p->config->name);
        return;
    case PROCESS_STOPPED:
    case PROCESS_EXITED:
        describe_stop(facts->stop_wall, ret_text, size);
        return;
    case PROCESS_STARTING:
    case PROCESS_STOPPING:
    case PROCESS_UNKNOWN:
        break;
    }
    if (size > 0)
        ret_text[0] = '\0';
}

static void describe_signal(int wait_status, char *ret_text, size_t size)
{
    int signal = WTERMSIG(wait_status);
    const char *core = WCOREDUMP(wait_status) ? " (core dumped)" : "";
    const char *name = name_of_signal(signal);
    if (name)
        (void)snprintf(ret_text, size, "terminated by %s%s", name, core);
    else
        (void)snprintf(ret_text, size, "terminated by signal %d%s", signal, core);
}

void process_describe_end(int wait_status, char *ret_text, size_t size)
{
    if (WIFEXITED(wait_status))
        (void)snprintf(ret_text, size, "exit status %d", WEXITSTATUS(wait_status));
    else if (WIFSIGNALED(wait_status))
        describe_signal(wait_status, ret_text, size);
    else
        (void)snprintf(ret_text, size, "unknown termination cause 0x%04x", (unsigned)wait_status);
}
