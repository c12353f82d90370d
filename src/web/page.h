/* SPDX-License-Identifier: MIT */
/* page.h: what all pages begin and end with. */
#ifndef SUPERVISOR_WEB_PAGE_H
#define SUPERVISOR_WEB_PAGE_H

#include "supervisor/core/buf.h"

#include <stdbool.h>

/* Up to and with the header; with_scripts: the live console takes over. title is escaped here. */
void page_begin(struct buf *out, const char *title, bool with_scripts);
void page_end(struct buf *out);

/* The area of the message of the last action; NULL: none. */
void page_message(struct buf *out, const char *message);

/* <input type="hidden" name="token" ...> */
void page_token(struct buf *out);

/* A whole page that says one thing. */
void page_note(struct buf *out, const char *title, const char *text);

#endif
