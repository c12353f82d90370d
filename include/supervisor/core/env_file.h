/* SPDX-License-Identifier: MIT */
/* env_file.h: files of KEY=value, which environment_file= names.
 *
 * One variable a line: NAME=value, with "export " before it if one likes; blank lines and lines
 * that begin with '#' are skipped. A value in single quotes is literal; in double quotes \n is a
 * newline and a backslash takes the meaning off the next character; without quotes it is the
 * rest of the line, without the blanks at its ends. There is no expansion of any kind.
 * Source: the files that systemd, docker and dotenv read, as far as they agree.
 */
#ifndef SUPERVISOR_CORE_ENV_FILE_H
#define SUPERVISOR_CORE_ENV_FILE_H

#include "supervisor/core/config.h"

struct buf;

#define ENV_FILE_MAX (1024U * 1024) /* bytes of one file: execve(2) takes hardly more */

/* Read text over list. Returns 0, -EINVAL with "NAME:LINE: ..." in error, or -ENOMEM; list may then
 * have a part of it. Any thread. */
int env_file_parse(const char *name, const char *text, struct env_list *list, struct buf *error);

/* Read the files in their order, later ones over earlier ones and all over what list holds. A
 * missing optional file is none. Returns 0; -EINVAL, or a negative errno of a file that cannot be
 * read, with a sentence in error; -ENOMEM. Reads regular files only, so blocks as disks do. Any
 * thread. */
int env_files_read(const struct env_file_list *files, struct env_list *list, struct buf *error);

#endif
