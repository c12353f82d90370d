/* SPDX-License-Identifier: MIT */
/* url.c: what a server URL means, and names inside URL paths. */
#include "url.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char unix_scheme[] = "unix://";
static const char http_scheme[] = "http://";

enum { HTTP_PORT = 80, PORT_MAX = 65535, PORT_DIGITS_MAX = 9 };

static bool starts_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

void server_url_free(struct server_url *url)
{
    free(url->socket_path);
    free(url->base);
    *url = (struct server_url){ NULL, NULL };
}

/* The number behind the host's colon; an empty one is the default. */
static int parse_port(const char *text, size_t len, unsigned *ret_port, struct buf *error)
{
    unsigned port = HTTP_PORT;
    bool is_number = len <= PORT_DIGITS_MAX;
    for (size_t i = 0; i < len && is_number; i++) {
        is_number = isdigit((unsigned char)text[i]);
        port = (i ? port * 10 : 0) + (unsigned)(text[i] - '0');
    }
    if (!is_number) {
        buf_printf(error, "Port could not be cast to integer value as '%.*s'", (int)len, text);
        return -EINVAL;
    }
    if (port > PORT_MAX) {
        buf_puts(error, "Port out of range 0-65535");
        return -EINVAL;
    }
    *ret_port = port;
    return 0;
}

/* authority is [user-info@]host[:port]; an IPv6 host stands in brackets. */
static int parse_authority(const char *authority, size_t len, struct buf *base, struct buf *error)
{
    const char *at = memrchr(authority, '@', len);
    if (at) {
        len -= (size_t)(at + 1 - authority);
        authority = at + 1;
    }
    const char *bracket = len && *authority == '[' ? memchr(authority, ']', len) : NULL;
    const char *after = bracket ? bracket : authority;
    const char *colon = memchr(after, ':', len - (size_t)(after - authority));
    size_t host_len = colon ? (size_t)(colon - authority) : len;
    unsigned port = HTTP_PORT;
    if (colon) {
        int r = parse_port(colon + 1, len - host_len - 1, &port, error);
        if (r < 0)
            return r;
    }
    if (host_len)
        buf_printf(base, "http://%.*s:%u", (int)host_len, authority, port);
    else
        buf_printf(base, "http://localhost:%u", port);
    return 0;
}

int server_url_parse(const char *text, struct server_url *ret_url, struct buf *error)
{
    struct server_url url = { NULL, NULL };
    if (starts_with(text, unix_scheme)) {
        url.socket_path = strdup(text + strlen(unix_scheme));
        url.base = strdup("http://localhost");
    } else if (starts_with(text, http_scheme)) {
        const char *authority = text + strlen(http_scheme);
        struct buf base = BUF_INIT;
        int r = parse_authority(authority, strcspn(authority, "/?#"), &base, error);
        if (r == 0)
            url.base = strdup(buf_text(&base));
        buf_free(&base);
        if (r < 0)
            return r;
    } else {
        buf_printf(error, "Unknown protocol for serverurl %s", text);
        return -EINVAL;
    }
    if (!url.base || (starts_with(text, unix_scheme) && !url.socket_path)) {
        server_url_free(&url);
        return -ENOMEM;
    }
    *ret_url = url;
    return 0;
}

bool url_is_plausible(const char *text)
{
    if (!isalpha((unsigned char)*text))
        return false;
    size_t scheme =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    if (text[scheme] != ':')
        return false;
    const char *rest = text + scheme + 1;
    if (starts_with(rest, "//"))
        rest += 2;
    return *rest && *rest != '?' && *rest != '#';
}

void url_put_encoded(struct buf *out, const char *name)
{
    for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
        if (*c < 0x80 && (isalnum(*c) || strchr("-._~:", *c)))
            buf_putc(out, (char)*c);
        else
            buf_printf(out, "%%%02X", *c);
    }
}
