/* SPDX-License-Identifier: MIT */
/* xmlrpc_scalar.c: the text of one XML-RPC element -> a value.
 *
 * Numbers mean what they mean to Python's int() and float(): surrounding blanks, a plus sign and
 * single underscores between digits are fine, hexadecimal is not.
 */
#include "xmlrpc_scalar.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_TEXT_MAX = 4096 }; /* bytes; no honest number is longer */

static void trim(const char **text, size_t *len)
{
    while (*len && isspace((unsigned char)(*text)[0])) {
        (*text)++;
        (*len)--;
    }
    while (*len && isspace((unsigned char)(*text)[*len - 1]))
        (*len)--;
}

/* Copy text without blanks around it and without underscores between digits; other underscores
 * stay, so that the parser refuses them. -EBADMSG if nothing is left or it is too long. */
static int copy_number(const char *text, size_t len, char ret_text[NUMBER_TEXT_MAX])
{
    trim(&text, &len);
    if (!len || len >= NUMBER_TEXT_MAX)
        return -EBADMSG;
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\0')
            return -EBADMSG;
        bool separator = text[i] == '_' && i > 0 && i + 1 < len &&
                         isdigit((unsigned char)text[i - 1]) && isdigit((unsigned char)text[i + 1]);
        if (!separator)
            ret_text[n++] = text[i];
    }
    ret_text[n] = '\0';
    return 0;
}

static int text_value(enum value_kind kind, const char *text, size_t len, struct value *ret_value)
{
    char *copy = malloc(len + 1);
    if (!copy)
        return -ENOMEM;
    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    *ret_value = (struct value){ .kind = kind, .string = copy, .len = len };
    return 0;
}

int scalar_string(const char *text, size_t len, struct value *ret_value)
{
    return text_value(VALUE_STRING, text, len, ret_value);
}

int scalar_int(const char *text, size_t len, struct value *ret_value)
{
    char digits[NUMBER_TEXT_MAX];
    int r = copy_number(text, len, digits);
    if (r < 0)
        return r;
    const char *first = digits + (digits[0] == '+' || digits[0] == '-');
    if (!*first || first[strspn(first, "0123456789")])
        return -EBADMSG;
    errno = 0;
    long long number = strtoll(digits, NULL, 10);
    if (errno == ERANGE) {
        const char *shown = digits[0] == '+' ? first : digits;
        return text_value(VALUE_BIGINT, shown, strlen(shown), ret_value);
    }
    *ret_value = (struct value){ .kind = VALUE_INT, .integer = number };
    return 0;
}

int scalar_bool(const char *text, size_t len, struct value *ret_value)
{
    bool yes = (len == 1 && text[0] == '1') || (len == 4 && memcmp(text, "true", 4) == 0);
    bool no = (len == 1 && text[0] == '0') || (len == 5 && memcmp(text, "false", 5) == 0);

    if (!yes && !no)
        return -EBADMSG;
    *ret_value = (struct value){ .kind = VALUE_BOOL, .boolean = yes };
    return 0;
}

int scalar_double(const char *text, size_t len, struct value *ret_value)
{
    char number[NUMBER_TEXT_MAX];
    int r = copy_number(text, len, number);
    if (r < 0)
        return r;
    /* strtod also reads 0x1p3 and nan(chars) */
    if (strpbrk(number, "xX("))
        return -EBADMSG;
    char *end;
    double real = strtod(number, &end);
    if (*end)
        return -EBADMSG;
    *ret_value = (struct value){ .kind = VALUE_DOUBLE, .real = real };
    return 0;
}

int scalar_datetime(const char *text, size_t len, struct value *ret_value)
{
    static const char layout[] = "ddddddddTdd:dd:dd";

    if (len != sizeof(layout) - 1)
        return -EBADMSG;
    for (size_t i = 0; i < len; i++)
        if (layout[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != layout[i])
            return -EBADMSG;
    return text_value(VALUE_DATETIME, text, len, ret_value);
}

/* 0..63, or -1 for what is no base64 digit. */
static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Into bytes, which has room for len * 3 / 4 + 1. Characters outside the alphabet are skipped. The
 * count of digits must leave no half byte; padding must be there where it belongs. */
static int base64_decode(const char *text, size_t len, char *bytes, size_t *ret_n)
{
    uint32_t bits = 0;
    unsigned have = 0, pads = 0;
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        int digit = base64_digit(text[i]);
        if (text[i] == '=' && have >= 2 && ++pads + have == 4)
            break;
        if (digit < 0)
            continue;
        pads = 0;
        bits = bits << 6 | (uint32_t)digit;
        if (++have < 4)
            continue;
        bytes[n++] = (char)(bits >> 16);
        bytes[n++] = (char)(bits >> 8);
        bytes[n++] = (char)bits;
        bits = 0, have = 0;
    }
    if (have && have + pads != 4)
        return -EBADMSG;
    if (have == 3)
        bits <<= 6;
    if (have == 2)
        bits <<= 12;
    if (have >= 2)
        bytes[n++] = (char)(bits >> 16);
    if (have == 3)
        bytes[n++] = (char)(bits >> 8);
    *ret_n = n;
    return 0;
}

int scalar_base64(const char *text, size_t len, bool text_only, struct value *ret_value)
{
    size_t n;
    char *bytes = malloc(len / 4 * 3 + 4);
    if (!bytes)
        return -ENOMEM;
    int r = base64_decode(text, len, bytes, &n);
    if (r == 0 && text_only && xmlrpc_utf8_valid_prefix(bytes, n) != n)
        r = -EBADMSG;
    if (r == 0)
        r = text_value(VALUE_STRING, bytes, n, ret_value);
    free(bytes);
    return r;
}
