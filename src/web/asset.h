/* SPDX-License-Identifier: MIT */
/* asset.h: the files of the pages, compiled in. The table is made by embed.cmake. */
#ifndef SUPERVISOR_WEB_ASSET_H
#define SUPERVISOR_WEB_ASSET_H

#include "supervisor/rpc/http.h"

#include <stddef.h>

struct asset {
    const char *path; /* "/assets/app.js" */
    const char *content_type;
    const char *etag; /* quoted, of the content */
    const unsigned char *data;
    size_t len;
};

extern const struct asset assets[];
extern const size_t n_assets;

/* Handler of routes below which there are assets: 200, 304 or 404. */
void asset_handle(struct http_request *request, void *arg);

#endif
