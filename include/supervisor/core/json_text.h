/* SPDX-License-Identifier: MIT */
/* json_text.h: any bytes as a JSON string, for log lines: no tree, no allocation of its own. */
#ifndef SUPERVISOR_CORE_JSON_TEXT_H
#define SUPERVISOR_CORE_JSON_TEXT_H

#include "supervisor/core/buf.h"

/* Append data as a quoted string. What is not UTF-8 shows as U+FFFD. */
void json_text_append(struct buf *to, const char *data, size_t len);

#endif
