/* SPDX-License-Identifier: MIT */
/* html.h: text into pages and links. */
#ifndef SUPERVISOR_WEB_HTML_H
#define SUPERVISOR_WEB_HTML_H

#include "supervisor/core/buf.h"

#include <stddef.h>

/* & < > " ' as entities. Bytes that are not UTF-8 show as U+FFFD, and so do control characters but
 * TAB, CR and LF. */
void html_text(struct buf *out, const char *text);
void html_text_n(struct buf *out, const char *text, size_t len);

/* Percent-encode for a link: letters, digits, "_.-~" and '/' stay. Needs no html_text() any more.
 */
void html_url(struct buf *out, const char *text);

#endif
