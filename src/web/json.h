/* SPDX-License-Identifier: MIT */
/* json.h: the daemon and its programs as JSON objects: what the answers and the event stream share.
 */
#ifndef SUPERVISOR_WEB_JSON_H
#define SUPERVISOR_WEB_JSON_H

#include "supervisor/core/buf.h"
#include "supervisor/core/process.h"

/* A string, quoted; NULL is null. */
void json_put_string(struct buf *out, const char *text);

/* ,"key":"text" */
void json_put_member(struct buf *out, const char *key, const char *text);

/* One program as a row of a table shows it. The object is left open if is_open: more members may
 * follow. */
void json_process(struct buf *out, struct process *p, bool is_open);

/* ,"usage":{...} or null, by the last sample. */
void json_usage_member(struct buf *out, struct process *p);

/* What only one who looks closely wants to know: settings, logs, the history of ends. */
void json_process_details(struct buf *out, struct process *p);

/* The daemon. The object is left open if is_open. */
void json_supervisor(struct buf *out, bool is_open);

/* [ every program ] in the order of getAllProcessInfo, with usage if asked for. */
void json_processes(struct buf *out, bool with_usage);

#endif
