/* SPDX-License-Identifier: MIT */
/* command.h: from a program's command= to the file and the words to execute.
 *
 * Source: Supervisor process.py, get_execv_args().
 */
#ifndef SUPERVISOR_WORKERS_COMMAND_H
#define SUPERVISOR_WORKERS_COMMAND_H

#include "supervisor/core/config.h"

struct command {
    char **argv; /* NULL-terminated; argv[0] as written */
    char *path;  /* what to execute */
};

enum command_error {
    COMMAND_OK,
    COMMAND_NOT_FOUND,      /* fault NO_FILE */
    COMMAND_NOT_EXECUTABLE, /* fault NOT_EXECUTABLE: a directory, no x bit, bad quotes, empty */
    COMMAND_NO_MEMORY,
};

/* Split and look up. On an error ret_text (size bytes) gets the reference's sentence.
 * Reads the environment of the process config for PATH. Any thread; may stat(2) network
 * paths, so on the main thread only where the reference demands the check at once. */
enum command_error command_resolve(const struct process_config *config, struct command *ret_command,
                                   char *ret_text, size_t size);
void command_free(struct command *command);

#endif
