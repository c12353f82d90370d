/* SPDX-License-Identifier: MIT */
/* autolog.h: the log files that AUTO means, and the sweep of those left by an earlier run.
 *
 * NAME-CHANNEL---IDENTIFIER-XXXXXXXX.log in childlogdir, mode 0600.
 * Source: Supervisor options.py, get_auto_child_log_name() and clear_autochildlogdir().
 */
#ifndef SUPERVISOR_CORE_AUTOLOG_H
#define SUPERVISOR_CORE_AUTOLOG_H

#include "supervisor/core/config.h"

/* Make an empty file. *ret_path is the caller's to free. 0 or a negative errno. Main thread. */
int autolog_create(const char *dir, const char *name, enum channel channel, const char *identifier,
                   char **ret_path);

/* Unlink the file and its rotated siblings: its group is being removed. Never fails loudly. */
void autolog_remove(const char *path, unsigned backups);

/* Unlink every automatic log of this identifier in dir. Logs what it cannot do. Main thread, at
 * boot. */
void autolog_clean(const char *dir, const char *identifier);

/* Is file (a base name) an automatic log of identifier, or a rotated one? The reference also takes
 * names that merely begin so (".log.bak"), and reads the identifier as a pattern; we do not. */
bool autolog_is_ours(const char *file, const char *identifier);

#endif
