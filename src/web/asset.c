/* SPDX-License-Identifier: MIT */
/* asset.c: serves the files that were compiled in.
 *
 * They may be kept by a browser, but it asks each time whether they are still right: after an
 * upgrade of the daemon a page must not mix old and new.
 */
#include "asset.h"

#include "reply.h"

#include <string.h>

static const struct asset *asset_find(const char *path)
{
    for (size_t i = 0; i < n_assets; i++)
        if (strcmp(path, assets[i].path) == 0)
            return &assets[i];
    return NULL;
}

void asset_handle(struct http_request *request, void *arg)
{
    (void)arg;
    const struct asset *asset = asset_find(http_request_path(request));
    if (!asset) {
        http_reply_error(request, 404);
        return;
    }
    const char *known = http_request_header(request, "If-None-Match");
    http_reply_header(request, "ETag", asset->etag);
    http_reply_header(request, "Cache-Control", "no-cache");
    reply_security_headers(request);
    if (known && strstr(known, asset->etag))
        http_reply_not_modified(request);
    else
        http_reply_static(request, 200, asset->content_type, asset->data, asset->len);
}
