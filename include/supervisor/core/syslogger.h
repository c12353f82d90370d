/* SPDX-License-Identifier: MIT */
/* syslogger.h: one record to the system's log, without ever waiting for it.
 *
 * syslog(3) blocks when the receiver does, and would hold up whoever logs. This speaks the
 * same datagrams to /dev/log: "<14>Nov 22 19:59:18 ident: text", facility user, priority info.
 */
#ifndef SUPERVISOR_CORE_SYSLOGGER_H
#define SUPERVISOR_CORE_SYSLOGGER_H

#include <stddef.h>

/* The ident of all records (copied, cut at 63 bytes); before, it is the program's name. Any thread.
 */
void syslogger_set_ident(const char *ident);

/* Where to send, instead of /dev/log; for tests. path is kept. */
void syslogger_set_path(const char *path);

/* Send prefix and text as one record. 0 or a negative errno (-EAGAIN: the receiver is behind);
 * then the record is lost. Any thread; takes a lock of rank log. */
int syslogger_send(const char *prefix, const char *text, size_t len);

#endif
