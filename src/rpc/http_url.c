/* SPDX-License-Identifier: MIT */
/* http_url.c: request targets and urlencoded forms -> text.
 *
 * The reference decodes some paths twice ("%2563"); here everything is decoded exactly once, and
 * what no honest client sends (control characters, broken UTF-8) is refused.
 */
#include "http_url.h"

#include "supervisor/core/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decode text[0..len-1] into a new string. A '%' without two hex digits stays as it is. */
static char *decode(const char *text, size_t len, bool plus_is_blank, size_t *ret_len)
{
    char *out = malloc(len + 1);
    if (!out)
        return NULL;
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        int high = text[i] == '%' && len - i > 2 ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
        if (low >= 0) {
            out[n++] = (char)(high * 16 + low);
            i += 2;
        } else {
            out[n++] = text[i] == '+' && plus_is_blank ? ' ' : text[i];
        }
    }
    out[n] = '\0';
    *ret_len = n;
    return out;
}

static bool has_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return true;
    return false;
}

int http_url_path(const char *target, char **ret_path)
{
    size_t len;
    char *path = decode(target, strcspn(target, "?#"), false, &len);
    if (!path)
        return -ENOMEM;
    if (has_control(path, len) || !utf8_is_valid(path, len)) {
        free(path);
        return -EBADMSG;
    }
    *ret_path = path;
    return 0;
}

const char *http_url_query(const char *target)
{
    const char *mark = strchr(target, '?');
    return mark ? mark + 1 : "";
}

/* Is the text up to '=' this name, once decoded? */
static bool name_is(const char *text, size_t len, const char *name)
{
    size_t n;
    char *decoded = decode(text, len, true, &n);
    bool same = decoded && n == strlen(name) && memcmp(decoded, name, n) == 0;
    free(decoded);
    return same;
}

char *http_url_field(const char *fields, const char *name, bool last)
{
    const char *found = NULL;
    size_t found_len = 0;

    for (unsigned i = 0; *fields && i < HTTP_FIELDS_MAX; i++) {
        size_t len = strcspn(fields, "&#");
        const char *equals = memchr(fields, '=', len);
        if (equals && equals + 1 < fields + len &&
            name_is(fields, (size_t)(equals - fields), name)) {
            found = equals + 1;
            found_len = len - (size_t)(found - fields);
            if (!last)
                break;
        }
        fields += len;
        if (*fields != '&')
            break;
        fields++;
    }
    size_t n;
    return found ? decode(found, found_len, true, &n) : NULL;
}
