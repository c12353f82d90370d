/* SPDX-License-Identifier: MIT */
/* fuzz_http.c: any bytes as a request target, a form, an Authorization header, a Host. */
#include "../../src/rpc/http_auth.h"
#include "../../src/rpc/http_url.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char name[] = "u", password[] = "{SHA}00";
    static const struct server_config server = { .username = name, .password = password };
    char *text = strndup((const char *)data, size);
    char *path = NULL;
    const char *user;
    enum server_role role;

    if (!text)
        return 0;
    if (http_url_path(text, &path) == 0 && strpbrk(path, "\r\n"))
        abort(); /* control characters are refused */
    free(path);
    free(http_url_field(http_url_query(text), "a", false));
    free(http_url_field(text, "a", true));
    (void)http_auth_check(&server, text, &user, &role);
    const struct http_origin origin = { .host = "h", .origin = text, .fetch_site = NULL };
    (void)http_origin_is_foreign(&origin);
    (void)http_host_is_local(text, "h");
    free(text);
    return 0;
}
