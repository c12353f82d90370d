/* SPDX-License-Identifier: MIT */
/* env_file.h: environment_file: NAME=value lines, read anew at each start. */
#ifndef SUPERVISOR_WORKERS_ENV_FILE_H
#define SUPERVISOR_WORKERS_ENV_FILE_H

#include "supervisor/core/config.h"

#include <stddef.h>

#define ENV_FILE_LINE_MAX  (64 * 1024) /* bytes */
#define ENV_FILE_LINES_MAX 4096

/* Add the file's variables to env, the later overriding. A line is blank, a comment (#), or
 * [export] NAME=value; a value may stand in single quotes (literal) or double quotes (where \\, \"
 * and \$ mean the character). Nothing is expanded. Returns 0, -ENOMEM, or -EINVAL and others with
 * the reason in ret_text (size bytes). Worker thread: reads a file. */
int env_file_read(const struct env_file *file, struct env_list *env, char *ret_text, size_t size);

#endif
