/* SPDX-License-Identifier: MIT */
/* editor.h: a line typed on a terminal: editing, history, completion. */
#ifndef SUPERVISOR_CLI_EDITOR_H
#define SUPERVISOR_CLI_EDITOR_H

#include "ctl.h"

struct editor;

/* history_file (NULL: none) is read now and gets each new line as it is entered.
 * Returns 0 or -ENOMEM. */
int editor_new(struct ctl *ctl, const char *prompt, const char *history_file,
               struct editor **ret_editor);
void editor_free(struct editor *editor); /* accepts NULL */

/* The next line without its end, to free; NULL: end of input, or Ctrl-C. */
char *editor_read_line(struct editor *editor);

#endif
