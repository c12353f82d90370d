/* SPDX-License-Identifier: MIT */
/* utf8.h: is it UTF-8, and how many characters.
 *
 * As strict as Python's decoder: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef SUPERVISOR_CORE_UTF8_H
#define SUPERVISOR_CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the longest prefix that is whole, valid characters. */
size_t utf8_valid_prefix(const char *data, size_t len);

bool utf8_is_valid(const char *data, size_t len);

/* Characters in valid text. */
size_t utf8_count(const char *data, size_t len);

/* Bytes (0..3) at the end that begin a character whose rest has not arrived yet. */
size_t utf8_incomplete_tail(const char *data, size_t len);

#endif
