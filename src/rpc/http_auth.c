/* SPDX-License-Identifier: MIT */
/* http_auth.c: Basic authentication, and the defence against other sites' pages.
 *
 * Both sides of every comparison are digests of one size, compared in constant time, and all users
 * are always looked at: how long the answer takes says nothing about what was right.
 */
#include "http_auth.h"

#include "supervisor/core/cleanup.h"
#include "supervisor/core/utf8.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DIGEST_BYTES = 32, DIGEST_BYTES_MAX = 64, TOKEN_MAX = 4096 };

bool http_auth_is_open(const struct server_config *server)
{
    return (!server->username || !*server->username) && server->n_users == 0;
}

/* Equal texts? By digest, so the time depends on their lengths only. */
static bool text_equal(const char *a, const char *b)
{
    unsigned char da[DIGEST_BYTES], db[DIGEST_BYTES];

    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, a, strlen(a), da) < 0 ||
        gnutls_hash_fast(GNUTLS_DIG_SHA256, b, strlen(b), db) < 0)
        return false;
    return gnutls_memcmp(da, db, sizeof(da)) == 0;
}

/* The digest of text in lower-case hex. */
static bool hex_digest(gnutls_digest_algorithm_t algorithm, const char *text,
                       char ret_hex[2 * DIGEST_BYTES_MAX + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[DIGEST_BYTES_MAX];

    if (gnutls_hash_fast(algorithm, text, strlen(text), bytes) < 0)
        return false;
    size_t n = gnutls_hash_get_len(algorithm);
    for (size_t i = 0; i < n; i++) {
        ret_hex[2 * i] = digits[bytes[i] >> 4];
        ret_hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret_hex[2 * n] = '\0';
    return true;
}

bool http_auth_password_matches(const char *stored, const char *given)
{
    static const struct {
        const char *mark;
        gnutls_digest_algorithm_t algorithm;
    } forms[] = {
        { "{SHA}", GNUTLS_DIG_SHA1 },
        { "{SHA256}", GNUTLS_DIG_SHA256 },
    };
    char hex[2 * DIGEST_BYTES_MAX + 1];

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        size_t len = strlen(forms[i].mark);
        if (strncmp(stored, forms[i].mark, len) == 0)
            return hex_digest(forms[i].algorithm, given, hex) && text_equal(stored + len, hex);
    }
    return text_equal(stored, given);
}

/* The token behind "Basic ", NULL for another scheme or none. */
static const char *basic_token(const char *header)
{
    if (!header || strncasecmp(header, "basic", 5) != 0 || header[5] != ' ')
        return NULL;
    return header + 5 + strspn(header + 5, " ");
}

/* "user:password" out of a base64 token, to free; NULL if it is none. */
static char *decode_token(const char *token)
{
    size_t len = strlen(token);
    while (len && token[len - 1] == ' ')
        len--;
    if (!len || len > TOKEN_MAX)
        return NULL;
    gnutls_datum_t in = { .data = (unsigned char *)(uintptr_t)token, .size = (unsigned)len };
    gnutls_datum_t out = { NULL, 0 };
    if (gnutls_base64_decode2(&in, &out) < 0)
        return NULL;
    char *text = out.size ? strndup((const char *)out.data, out.size) : NULL;
    bool sound =
        text && strlen(text) == out.size && utf8_is_valid(text, out.size) && strchr(text, ':');
    gnutls_free(out.data);
    if (!sound) {
        free(text);
        return NULL;
    }
    return text;
}

static bool user_matches(const char *name, const char *password, const char *given_name,
                         const char *given_password)
{
    bool right_name = text_equal(name, given_name);
    bool right_password = http_auth_password_matches(password, given_password);
    return right_name & right_password; /* not &&: both were computed, branch on neither */
}

enum http_auth_result http_auth_check(const struct server_config *server, const char *header,
                                      const char **ret_user, enum server_role *ret_role)
{
    const char *token = basic_token(header);
    if (!token)
        return HTTP_AUTH_DENIED;
    CLEANUP_FREE char *name = decode_token(token);
    if (!name)
        return HTTP_AUTH_MALFORMED;
    char *password = strchr(name, ':');
    *password++ = '\0';

    bool found = false;
    if (server->username && *server->username && server->password &&
        user_matches(server->username, server->password, name, password)) {
        *ret_user = server->username;
        *ret_role = SERVER_ROLE_ADMIN;
        found = true;
    }
    for (size_t i = 0; i < server->n_users; i++) {
        const struct server_user *user = &server->users[i];
        if (!user_matches(user->name, user->password, name, password) || found)
            continue;
        *ret_user = user->name;
        *ret_role = user->role;
        found = true;
    }
    return found ? HTTP_AUTH_OK : HTTP_AUTH_DENIED;
}

bool http_origin_is_foreign(const struct http_origin *origin)
{
    if (origin->fetch_site && strcasecmp(origin->fetch_site, "same-origin") != 0 &&
        strcasecmp(origin->fetch_site, "none") != 0)
        return true;
    if (!origin->origin)
        return false;
    const char *authority = strstr(origin->origin, "://"); /* "null" has none: foreign */
    return !authority || !origin->host || strcasecmp(authority + 3, origin->host) != 0;
}

/* "[::1]:9001" -> "::1", "localhost:9001" -> "localhost". */
static bool host_without_port(const char *host, char *ret_name, size_t size)
{
    const char *from = host;
    size_t len;

    if (*host == '[') {
        from = host + 1;
        len = strcspn(from, "]");
    } else {
        len = strcspn(host, ":");
    }
    if (len >= size)
        return false;
    memcpy(ret_name, from, len);
    ret_name[len] = '\0';
    return true;
}

bool http_host_is_local(const char *host, const char *configured)
{
    static const char suffix[] = ".localhost";
    char name[256];
    struct in_addr v4;
    struct in6_addr v6;

    if (!host || !*host)
        return true;
    if (!host_without_port(host, name, sizeof(name)))
        return false;
    if (inet_pton(AF_INET, name, &v4) == 1 || inet_pton(AF_INET6, name, &v6) == 1)
        return true; /* no name, so nothing to rebind */
    size_t len = strlen(name), suffix_len = sizeof(suffix) - 1;
    return strcasecmp(name, "localhost") == 0 ||
           (len > suffix_len && strcasecmp(name + len - suffix_len, suffix) == 0) ||
           (configured && strcasecmp(name, configured) == 0);
}
