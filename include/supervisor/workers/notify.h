/* SPDX-License-Identifier: MIT */
/* notify.h: [notify:x] sections: run a command or post to an address when something happens.
 *
 * For the common "tell me when it dies", without an event listener. Each section is a pool of
 * its own on the event bus and a thread of its own: a slow command or a dead address holds up
 * nobody else. What it cannot keep up with, or what its rate limit forbids, is counted and logged.
 *
 * A command gets the event's payload on its standard input and its words in the environment:
 * NOTIFY_EVENT, NOTIFY_SERIAL, NOTIFY_SKIPPED (events not told since the last one because of the
 * rate limit) and NOTIFY_<KEY> for each key:value of the payload's first line
 * (NOTIFY_PROCESSNAME, NOTIFY_FROM_STATE, ...). An address gets a POST of a JSON object.
 * Events that come while the daemon ends are told only as far as there is time.
 */
#ifndef SUPERVISOR_WORKERS_NOTIFY_H
#define SUPERVISOR_WORKERS_NOTIFY_H

#include "supervisor/core/config.h"

#define NOTIFY_COMMAND_MAX_SECS 60 /* then it is killed */

/* Subscribe and start a thread for each section of config; keeps no pointer. Returns 0 or a
 * negative errno, and then nothing runs. Main thread, after the daemon has forked. */
int notify_start(const struct config *config);

/* End all of them and wait for their threads; a command under way is killed. Main thread. Nothing
 * to do if none was started. */
void notify_stop(void);

#endif
