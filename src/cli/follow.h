/* SPDX-License-Identifier: MIT */
/* follow.h: logs as they grow: the server's endless answers, copied to stdout as they come.
 *
 * Several can be followed at once; each line then begins with the name of its stream.
 */
#ifndef SUPERVISOR_CLI_FOLLOW_H
#define SUPERVISOR_CLI_FOLLOW_H

#include "ctl.h"

struct follow;

/* What follow_wait() met; several may come together. */
enum follow_event {
    FOLLOW_INTERRUPTED = 1, /* Ctrl-C */
    FOLLOW_INPUT = 2,       /* standard input is readable */
    FOLLOW_ENDED = 4,       /* no stream is left; only told to who waits without limit */
    FOLLOW_NO_READER = 8,   /* nobody reads our stdout any more */
};

/* From here until follow_end(), Ctrl-C is an event. Returns 0 or -ENOMEM. */
int follow_begin(struct ctl *ctl, struct follow **ret_follow);

/* Add "/mainlogtail" (name NULL), or a process's channel. prefix, if not NULL, begins each line.
 * Returns 0; otherwise it was told on stderr and counts as failed. */
int follow_add(struct follow *follow, const char *name, const char *channel, const char *prefix);

/* Copy what comes until an event, or for wait_ms (-1: no limit). Returns the events, 0: the time
 * is over. */
unsigned follow_wait(struct follow *follow, bool watch_input, int wait_ms);

/* Did a stream fail or break off? It was told on stderr. */
bool follow_has_failed(const struct follow *follow);

void follow_end(struct follow *follow); /* accepts NULL */

#endif
