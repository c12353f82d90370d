/* SPDX-License-Identifier: MIT */
/* utf8.h: where UTF-8 is right, and where it is cut. Source: RFC 3629. */
#ifndef SUPERVISOR_CORE_UTF8_H
#define SUPERVISOR_CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The length of the character at the start of data: 1 to 4; 0 if it is wrong; -1 if data ends
 * before the character does and it is right so far. len > 0. */
int utf8_char_len(const char *data, size_t len);

bool utf8_is_valid(const char *data, size_t len);

/* Characters in valid text. */
size_t utf8_count(const char *data, size_t len);

/* How many bytes at the end are the beginning of a character: 0 to 3. */
size_t utf8_cut_tail(const char *data, size_t len);

#endif
