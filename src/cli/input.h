/* SPDX-License-Identifier: MIT */
/* input.h: lines from standard input, and the questions that are answered there.
 *
 * One buffer for the shell, the confirmations, the credentials and fg: they read the same stream.
 */
#ifndef SUPERVISOR_CLI_INPUT_H
#define SUPERVISOR_CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>

struct input;

/* Returns 0 or -ENOMEM. */
int input_new(struct input **ret_input);
void input_free(struct input *input); /* accepts NULL */

/* The next line without its end, to free; NULL: end of input. Blocks. */
char *input_read_line(struct input *input);

/* A line that is already here, without blocking beyond one read: call when the descriptor is
 * readable or input_has_line(). NULL with *ret_ended false: not yet a whole line. */
char *input_take_line(struct input *input, bool *ret_ended);

/* Is a whole line here already? Then the descriptor need not be readable. */
bool input_has_line(const struct input *input);

/* Print a prompt and read the answer. NULL: end of input. */
char *input_ask(struct input *input, const char *prompt);

/* The same without showing what is typed. Without a terminal the prompt goes to stderr and the
 * answer comes from standard input. */
char *input_ask_secret(struct input *input, const char *prompt);

#endif
