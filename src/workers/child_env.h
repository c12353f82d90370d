/* SPDX-License-Identifier: MIT */
/* child_env.h: the environment of a child. */
#ifndef SUPERVISOR_WORKERS_CHILD_ENV_H
#define SUPERVISOR_WORKERS_CHILD_ENV_H

#include "supervisor/core/process.h"

/* The daemon's own, then the user's (user_environment), SUPERVISOR_*, the files (environment_file)
 * and the program's environment, the later overriding.
 * Returns 0 with a NULL-terminated array for child_env_free(), or a negative errno with the
 * reason in ret_text (size bytes). The daemon's environment is never written to once
 * threads run. */
int child_env_make(const struct process *p, char ***ret_envp, char *ret_text, size_t size);
void child_env_free(char **envp); /* accepts NULL */

#endif
