/* SPDX-License-Identifier: MIT */
/* format.h: the rows and columns of what is printed, byte for byte as scripts know them. */
#ifndef SUPERVISOR_CLI_FORMAT_H
#define SUPERVISOR_CLI_FORMAT_H

#include "supervisor/core/buf.h"
#include "supervisor/rpc/xmlrpc.h"

#include <stdbool.h>
#include <stddef.h>

#define FORMAT_NAME_COLUMNS 30 /* at least this wide is the first column of status */

/* Code points of text: what padding counts. Bytes that are no UTF-8 count one each. */
size_t format_width(const char *text);

/* The rows of status for infos[0..n-1] (getProcessInfo's structs); colour paints the states. */
void format_status(struct buf *out, const struct value *const infos[], size_t n, bool colour);

/* A row of avail out of a struct of getAllConfigInfo. */
void format_avail(struct buf *out, const struct value *config);

/* words in as few rows as fit columns, filled column by column, each row ended. */
void format_columns(struct buf *out, const char *const words[], size_t n, size_t columns);

/* "\33[..m" for a state's name, "" for one without a colour of its own. */
const char *format_state_colour(const char *statename);
#define FORMAT_COLOUR_END "\33[0m"

/* 1536 -> "1.5M" of kibibytes and so on: bytes for people. */
void format_bytes(struct buf *out, int64_t bytes);

#endif
