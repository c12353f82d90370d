/* SPDX-License-Identifier: MIT */
/* metrics.h: GET /metrics for Prometheus and its kin, /healthz, /readyz. */
#ifndef SUPERVISOR_WEB_METRICS_H
#define SUPERVISOR_WEB_METRICS_H

#include "supervisor/core/buf.h"
#include "supervisor/rpc/http.h"

#include <stdbool.h>

void metrics_handle(struct http_request *request, void *arg);

/* "OK" as long as the main thread answers. */
void metrics_handle_health(struct http_request *request, void *arg);

/* 200 once every autostart program is RUNNING, or has ended as expected; else 503 and who is not.
 */
void metrics_handle_ready(struct http_request *request, void *arg);

/* ---- for tests ---- */

/* A label's value between its quotes: \ " and LF escaped, what is not UTF-8 as U+FFFD. */
void metrics_label(struct buf *out, const char *text);

/* Does this Accept header prefer OpenMetrics to the older text? NULL: no. */
bool metrics_wants_openmetrics(const char *accept);

#endif
