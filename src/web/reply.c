/* SPDX-License-Identifier: MIT */
/* reply.c: headers of our answers, and the defence against other sites' pages.
 *
 * Browsers send Sec-Fetch-Site only to https and to this very host, and Origin only with a POST.
 * So a link that changes something is followed when the browser vouches for it, or names our page
 * as referrer, or when no browser is at work; else the user is asked to press a button, which
 * carries the token.
 */
#include "reply.h"

#include "supervisor/core/json_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define TOKEN_BYTES 16

static char token[2 * TOKEN_BYTES + 1];

void reply_security_headers(struct http_request *request)
{
    http_reply_header(request, "Content-Security-Policy", "default-src 'self'");
    http_reply_header(request, "X-Frame-Options", "DENY");
    http_reply_header(request, "X-Content-Type-Options", "nosniff");
    /* Not "no-referrer": browsers then post our own forms with "Origin: null". */
    http_reply_header(request, "Referrer-Policy", "same-origin");
}

void reply_page(struct http_request *request, unsigned status, struct buf *body)
{
    http_reply_header(request, "Pragma", "no-cache");
    http_reply_header(request, "Cache-Control", "no-cache");
    http_reply_header(request, "Expires", "Thu, 01 Jan 1970 00:00:00 GMT");
    reply_security_headers(request);
    http_reply_buf(request, status, "text/html;charset=utf-8", body);
}

void reply_json(struct http_request *request, unsigned status, struct buf *body)
{
    http_reply_header(request, "Cache-Control", "no-store");
    reply_security_headers(request);
    http_reply_buf(request, status, "application/json", body);
}

void reply_json_error(struct http_request *request, unsigned status, const char *name,
                      const char *message)
{
    struct buf body = BUF_INIT;
    buf_printf(&body, "{\"error\":{\"code\":%u,\"name\":\"%s\",\"message\":", status, name);
    json_text_append(&body, message, strlen(message));
    buf_puts(&body, "}}\n");
    reply_json(request, status, &body);
}

/* ---- the token ---- */

int token_init(void)
{
    unsigned char bytes[TOKEN_BYTES];
    if (token[0])
        return 0; /* pages that are open survive a restart of the daemon's configuration */
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return errno ? -errno : -EIO;
    for (size_t i = 0; i < sizeof(bytes); i++)
        (void)snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

const char *token_text(void)
{
    return token;
}

/* Takes as long wherever the difference is. */
static bool token_matches(const char *given)
{
    if (strlen(given) != sizeof(token) - 1)
        return false;
    unsigned char difference = 0;
    for (size_t i = 0; i < sizeof(token) - 1; i++)
        difference |= (unsigned char)(given[i] ^ token[i]);
    return difference == 0;
}

static bool is_browser(const struct http_request *request)
{
    static const char mozilla[] = "Mozilla/"; /* all browsers' names begin so */
    const char *agent = http_request_header(request, "User-Agent");
    return http_request_header(request, "Sec-Fetch-Site") ||
           http_request_header(request, "Origin") ||
           (agent && strncmp(agent, mozilla, sizeof(mozilla) - 1) == 0);
}

bool token_allows_post(const struct http_request *request, const char *given)
{
    return given ? token_matches(given) : !is_browser(request);
}

/* Is url ("http://host:port/...") on the host that was asked? */
static bool is_own_url(const struct http_request *request, const char *url)
{
    const char *host = http_request_header(request, "Host");
    const char *authority = strstr(url, "://");
    if (!host || !authority)
        return false;
    authority += 3;
    size_t len = strcspn(authority, "/?#");
    return len == strlen(host) && strncasecmp(authority, host, len) == 0;
}

bool token_allows_link(const struct http_request *request)
{
    const char *site = http_request_header(request, "Sec-Fetch-Site");
    const char *referrer = http_request_header(request, "Referer");
    if (site)
        return strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
    if (referrer)
        return is_own_url(request, referrer);
    return !is_browser(request);
}
