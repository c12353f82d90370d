/* SPDX-License-Identifier: MIT */
/* dashboard.h: the pages /, /index.html, /tail.html and /ok.html. */
#ifndef SUPERVISOR_WEB_DASHBOARD_H
#define SUPERVISOR_WEB_DASHBOARD_H

#include "supervisor/rpc/http.h"

/* "/" and, as the route below which everything is, what no other route knows: 404. */
void dashboard_handle_root(struct http_request *request, void *arg);
void dashboard_handle_index(struct http_request *request, void *arg);
void dashboard_handle_tail(struct http_request *request, void *arg);
void dashboard_handle_ok(struct http_request *request, void *arg);

#endif
