/* SPDX-License-Identifier: MIT */
/* procstat.h: what a program and everything it started use: CPU, memory, descriptors.
 *
 * One pass over /proc makes a picture of all processes; trees are sums over the picture. A
 * pass costs some microseconds per process of the machine, so nobody takes one unless asked,
 * and procstat_tree_now() takes at most one a second for all who ask.
 * Source: proc(5).
 */
#ifndef SUPERVISOR_WORKERS_PROCSTAT_H
#define SUPERVISOR_WORKERS_PROCSTAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Sums over a process and its living descendants. */
struct procstat {
    uint64_t cpu_ms;    /* user and system, with what collected children had used */
    uint64_t rss_bytes; /* resident; pages that processes share count once for each */
    unsigned processes;
    unsigned threads;
};

struct procstat_picture; /* of all processes at one moment; never changes */

/* Look at all of /proc. 0, -ENOMEM, or the errno of opening /proc. Any thread; makes system
 * calls that do not sleep but take their time: with thousands of processes not on the main thread.
 */
int procstat_take(struct procstat_picture **ret_picture);
void procstat_picture_free(struct procstat_picture *picture); /* accepts NULL */

/* When it was taken, monotonic ns. */
uint64_t procstat_taken_ns(const struct procstat_picture *picture);

/* The tree below pid, pid included. false if pid was not there. Any thread. */
bool procstat_tree(const struct procstat_picture *picture, pid_t pid, struct procstat *ret_stat);

/* The same from a picture that is at most a second old, taken now if need be. false also when /proc
 * cannot be read. Any thread; takes a lock of its own, under which nothing else is locked. */
bool procstat_tree_now(pid_t pid, struct procstat *ret_stat);

/* Descriptors that pid itself has open; -1 if it cannot be told. Any thread. */
int procstat_open_fds(pid_t pid);

/* One line of /proc/PID/stat. */
struct procstat_line {
    pid_t pid;
    pid_t ppid;
    uint64_t cpu_ticks; /* utime, stime, cutime, cstime */
    uint64_t rss_pages;
    unsigned threads;
};

/* 0, or -EINVAL. A command name may hold blanks and parentheses. */
int procstat_parse_line(const char *line, struct procstat_line *ret_line);

/* Our own, read now. 0, or a negative errno. */
int procstat_own_line(struct procstat_line *ret_line);

#endif
