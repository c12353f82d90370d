/* SPDX-License-Identifier: MIT */
/* web.c: the routes of this room. */
#include "supervisor/web/web.h"

#include "api.h"
#include "asset.h"
#include "dashboard.h"
#include "errand.h"
#include "events.h"
#include "metrics.h"
#include "reply.h"
#include "sampler.h"
#include "supervisor/rpc/http.h"
#include "supervisor/workers/crew.h"

#include <stdbool.h>

#define READ  HTTP_METHOD_GET
#define BOTH  (HTTP_METHOD_GET | HTTP_METHOD_POST)
#define WRITE HTTP_METHOD_POST

static const struct http_route web_routes[] = {
    { .path = "/", .methods = BOTH, .needs_length = true, .handle = dashboard_handle_root },
    { .path = "/index.html",
      .methods = BOTH,
      .needs_length = true,
      .handle = dashboard_handle_index },
    { .path = "/tail.html",
      .methods = BOTH,
      .needs_length = true,
      .handle = dashboard_handle_tail },
    { .path = "/ok.html", .methods = BOTH, .needs_length = true, .handle = dashboard_handle_ok },
    { .path = "/assets/", .methods = READ, .handle = asset_handle },
    { .path = "/stylesheets/", .methods = READ, .handle = asset_handle },
    { .path = "/images/", .methods = READ, .handle = asset_handle },
    { .path = "/metrics", .methods = READ, .handle = metrics_handle },
    { .path = "/healthz", .methods = READ, .handle = metrics_handle_health },
    { .path = "/readyz", .methods = READ, .handle = metrics_handle_ready },
    { .path = "/api/v1/supervisor", .methods = READ, .handle = api_handle_supervisor },
    { .path = "/api/v1/processes", .methods = READ, .handle = api_handle_processes },
    { .path = "/api/v1/processes/", .methods = BOTH, .handle = api_handle_process },
    { .path = "/api/v1/groups/", .methods = WRITE, .handle = api_handle_group },
    { .path = "/api/v1/all/", .methods = WRITE, .handle = api_handle_all },
    { .path = "/api/v1/batch/", .methods = WRITE, .handle = api_handle_batch },
    { .path = "/api/v1/update", .methods = BOTH, .handle = api_handle_update },
    { .path = "/api/v1/events", .methods = READ, .handle = events_handle },
    { .path = "/api/v1/openapi.json", .methods = READ, .handle = asset_handle },
    { .path = "/api/v1/log", .methods = READ, .handle = api_handle_daemon_log },
};

static int add_routes(void)
{
    static bool are_added; /* routes are kept over a restart */
    int rc = 0;
    for (size_t i = 0; i < sizeof(web_routes) / sizeof(web_routes[0]) && rc == 0 && !are_added; i++)
        rc = http_route_add(&web_routes[i]);
    are_added = rc == 0;
    return rc;
}

int web_init(struct loop *loop)
{
    int rc = token_init();
    if (rc == 0)
        rc = add_routes();
    if (rc == 0)
        rc = sampler_init(loop);
    if (rc == 0)
        rc = events_init(loop);
    if (rc == 0)
        rc = crew_observe(events_changed, NULL);
    return rc;
}

void web_free(void)
{
    errand_free_all();
    api_update_free_all();
    events_free();
    sampler_free();
}
