/* SPDX-License-Identifier: MIT */
/* hint.h: what was tried, why it failed and what to do: for people at a terminal.
 *
 * Hints go to stderr and only if that is a terminal: scripts read what they always did.
 */
#ifndef SUPERVISOR_CLI_HINT_H
#define SUPERVISOR_CLI_HINT_H

#include "ctl.h"

/* After a call that did not reach a server. Once for each server. */
void hint_connection(struct ctl *ctl, const struct call *call);

/* After a refusal for want of credentials. */
void hint_credentials(struct ctl *ctl);

/* After "no such process": is word the name of a group? */
void hint_name(const char *word, const struct value *infos);

#endif
