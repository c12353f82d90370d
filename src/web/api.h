/* SPDX-License-Identifier: MIT */
/* api.h: handlers of /api/v1/: what docs/openapi.json describes. */
#ifndef SUPERVISOR_WEB_API_H
#define SUPERVISOR_WEB_API_H

#include "supervisor/rpc/http.h"

#include <stdbool.h>

void api_handle_supervisor(struct http_request *request, void *arg);
void api_handle_processes(struct http_request *request, void *arg); /* the list */
void api_handle_process(struct http_request *request, void *arg);   /* below /processes/ */
void api_handle_group(struct http_request *request, void *arg);     /* below /groups/ */
void api_handle_all(struct http_request *request, void *arg);       /* below /all/ */
void api_handle_batch(struct http_request *request, void *arg);     /* below /batch/ */
void api_handle_update(struct http_request *request, void *arg);
void api_handle_daemon_log(struct http_request *request, void *arg);

/* ---- shared by the files of the API ---- */

/* May whoever asks change things, and did they mean to? Else it is answered: 403. */
bool api_may_change(struct http_request *request);

/* The HTTP status that tells of a fault. */
unsigned api_status_of_fault(int fault);

/* "BAD_NAME: x" -> "x"; a text without such a head stays whole. */
const char *api_fault_detail(int fault, const char *text);

/* A log as it is now, as a download; path NULL or no regular file: 404. */
void api_reply_file(struct http_request *request, const char *path, const char *download_name);

/* Update finished or not: let go of what is under way. */
void api_update_free_all(void);

#endif
