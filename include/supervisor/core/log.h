/* SPDX-License-Identifier: MIT */
/* log.h: the daemon's own log.
 *
 * A line is formatted by the caller and queued; one writer thread does the I/O, so a full
 * disk or a stopped reader of stdout never holds up whoever logs. The queue is bounded;
 * what does not fit is counted and said once, in its place. Before log_start() and after log_stop()
 * lines are written by the caller itself.
 *
 * Line: "YYYY-MM-DD HH:MM:SS,mmm LEVEL message\n", local time.
 * Source: Supervisor loggers.py.
 */
#ifndef SUPERVISOR_CORE_LOG_H
#define SUPERVISOR_CORE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers as in the reference; a line is written if its level >= the configured one. */
enum log_level {
    LOG_LEVEL_CRIT = 50,
    LOG_LEVEL_ERRO = 40,
    LOG_LEVEL_WARN = 30,
    LOG_LEVEL_INFO = 20,
    LOG_LEVEL_DEBG = 10,
    LOG_LEVEL_TRAC = 5,
    LOG_LEVEL_BLAT = 3,
};

struct log_config {
    const char *path;   /* file; NULL: none; exactly "syslog": syslog(3) */
    uint64_t max_bytes; /* rotate at this size; 0 never */
    unsigned backups;
    enum log_level level;
    bool to_stdout;    /* a copy to stdout, before the file */
    bool json;         /* one JSON object a line instead of the reference's format */
    const char *ident; /* syslog ident; the caller keeps it alive */
};

/* Open (or, on restart, reopen with new settings). Returns 0 or a negative errno of the
 * file's open; the old log stays in use on failure. Main thread. */
int log_open(const struct log_config *config);

/* Start and stop the writer thread; stop writes out what is queued, for at most wait_ms. */
int log_start(void);
void log_stop(uint32_t wait_ms);

/* Close and open the file by name (SIGUSR2, clearLog). 0 or a negative errno. */
int log_reopen(void);

/* Would a line of this level be written? Any thread. */
bool log_wants(enum log_level level);

/* Queue one line. Any thread, under any lock but those of rank log. Never blocks, never fails
 * visibly. Lines before the first log_open() wait for it. */
void log_msg(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_vmsg(enum log_level level, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* The same for text that may hold any byte: "head" and data, both as they are. */
void log_data(enum log_level level, const char *head, const char *data, size_t len);

/* Lines lost to a full queue or a failed write since the start. */
uint64_t log_dropped(void);

/* The path in use, NULL when there is no file. Main thread. */
const char *log_path(void);

#define log_crit(...) log_msg(LOG_LEVEL_CRIT, __VA_ARGS__)
#define log_erro(...) log_msg(LOG_LEVEL_ERRO, __VA_ARGS__)
#define log_warn(...) log_msg(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_msg(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debg(...) log_msg(LOG_LEVEL_DEBG, __VA_ARGS__)
#define log_trac(...) log_msg(LOG_LEVEL_TRAC, __VA_ARGS__)
#define log_blat(...) log_msg(LOG_LEVEL_BLAT, __VA_ARGS__)

#endif
