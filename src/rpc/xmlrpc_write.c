/* SPDX-License-Identifier: MIT */
/* xmlrpc_write.c: values as XML-RPC text, byte for byte as the reference writes them.
 *
 * Every element is followed by a line feed and nothing is indented: clients were seen to compare
 * lengths and to cut replies up by lines.
 */
#include "supervisor/rpc/xmlrpc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

const char *xmlrpc_fault_name(int code)
{
    switch (code) {
#define X(name, number)                                                                            \
    case number:                                                                                   \
        return #name;
        XMLRPC_FAULTS(X)
#undef X
    default:
        return "UNKNOWN";
    }
}

/* The length in bytes of the UTF-8 character at s[0..n-1] with its code point, 0 if there is none:
 * overlong forms, surrogates and what lies beyond U+10FFFF are none. */
static size_t utf8_decode(const unsigned char *s, size_t n, uint32_t *ret_code)
{
    uint32_t code, least;
    size_t len;

    if (s[0] < 0x80) {
        *ret_code = s[0];
        return 1;
    }
    if ((s[0] & 0xe0) == 0xc0) {
        len = 2, least = 0x80, code = s[0] & 0x1f;
    } else if ((s[0] & 0xf0) == 0xe0) {
        len = 3, least = 0x800, code = s[0] & 0x0f;
    } else if ((s[0] & 0xf8) == 0xf0) {
        len = 4, least = 0x10000, code = s[0] & 0x07;
    } else {
        return 0;
    }
    if (len > n)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3f);
    }
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *ret_code = code;
    return len;
}

size_t xmlrpc_utf8_valid_prefix(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t i = 0;
    uint32_t code;

    while (i < len) {
        size_t step = s[i] < 0x80 ? 1 : utf8_decode(s + i, len - i, &code);
        if (!step)
            break;
        i += step;
    }
    return i;
}

/* What replaces the character at s[0..n-1]; NULL if it goes out as it is. */
static const char *replacement_for(const unsigned char *s, size_t n, size_t *ret_len)
{
    uint32_t code;
    size_t len = utf8_decode(s, n, &code);

    *ret_len = len ? len : 1;
    if (!len)
        return REPLACEMENT;
    switch (code) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '\t':
    case '\n':
    case '\r':
        return NULL;
    case 0xfffe:
    case 0xffff:
        return REPLACEMENT;
    default:
        return code < 0x20 ? REPLACEMENT : NULL;
    }
}

/* Nothing to look at twice: printable ASCII without the three that are escaped. */
static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '&' && c != '<' && c != '>';
}

void xmlrpc_write_text(struct buf *out, const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t from = 0, i = 0;

    while (i < len) {
        if (is_plain(s[i])) {
            i++;
            continue;
        }
        size_t step;
        const char *instead = replacement_for(s + i, len - i, &step);
        if (instead) {
            buf_append(out, text + from, i - from);
            buf_puts(out, instead);
            from = i + step;
        }
        i += step;
    }
    if (len > from)
        buf_append(out, text + from, len - from);
}

/* Literals with their length known at compile time: this runs 14 times for each process asked
 * about. */
#define PUT(out, literal) buf_append((out), (literal), sizeof(literal) - 1)

void xmlrpc_write_call_begin(struct buf *out, const char *method)
{
    PUT(out, "<?xml version='1.0'?>\n<methodCall>\n<methodName>");
    xmlrpc_write_text(out, method, strlen(method));
    PUT(out, "</methodName>\n<params>\n");
}

void xmlrpc_write_param_begin(struct buf *out)
{
    PUT(out, "<param>\n");
}

void xmlrpc_write_param_end(struct buf *out)
{
    PUT(out, "</param>\n");
}

void xmlrpc_write_call_end(struct buf *out)
{
    PUT(out, "</params>\n</methodCall>\n");
}

void xmlrpc_write_response_begin(struct buf *out)
{
    PUT(out, "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n");
}

void xmlrpc_write_response_end(struct buf *out)
{
    PUT(out, "</param>\n</params>\n</methodResponse>\n");
}

void xmlrpc_write_fault(struct buf *out, enum xmlrpc_fault code, const char *detail)
{
    PUT(out, "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n");
    xmlrpc_write_fault_value(out, code, detail);
    PUT(out, "</fault>\n</methodResponse>\n");
}

void xmlrpc_write_fault_value(struct buf *out, enum xmlrpc_fault code, const char *detail)
{
    xmlrpc_write_struct_begin(out);
    xmlrpc_write_member_int(out, "faultCode", code);
    xmlrpc_write_member_begin(out, "faultString");
    PUT(out, "<value><string>");
    buf_puts(out, xmlrpc_fault_name((int)code));
    if (detail) {
        PUT(out, ": ");
        xmlrpc_write_text(out, detail, strlen(detail));
    }
    PUT(out, "</string></value>\n");
    xmlrpc_write_member_end(out);
    xmlrpc_write_struct_end(out);
}

/* Decimal digits without vsnprintf, which took most of the time of getAllProcessInfo. */
static void put_decimal(struct buf *out, int64_t value)
{
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        digits[--at] = '-';
    buf_append(out, digits + at, sizeof(digits) - at);
}

void xmlrpc_write_int(struct buf *out, int64_t value)
{
    if (value >= INT32_MIN && value <= INT32_MAX) {
        PUT(out, "<value><int>");
        put_decimal(out, value);
        PUT(out, "</int></value>\n");
    } else {
        PUT(out, "<value><i8>");
        put_decimal(out, value);
        PUT(out, "</i8></value>\n");
    }
}

void xmlrpc_write_bool(struct buf *out, bool value)
{
    if (value)
        PUT(out, "<value><boolean>1</boolean></value>\n");
    else
        PUT(out, "<value><boolean>0</boolean></value>\n");
}

void xmlrpc_write_double(struct buf *out, double value)
{
    buf_printf(out, "<value><double>%.17g</double></value>\n", value);
}

void xmlrpc_write_nil(struct buf *out)
{
    PUT(out, "<value><nil/></value>\n");
}

void xmlrpc_write_string_n(struct buf *out, const char *text, size_t len)
{
    PUT(out, "<value><string>");
    xmlrpc_write_text(out, text, len);
    PUT(out, "</string></value>\n");
}

void xmlrpc_write_string(struct buf *out, const char *text)
{
    xmlrpc_write_string_n(out, text, strlen(text));
}

void xmlrpc_write_array_begin(struct buf *out)
{
    PUT(out, "<value><array><data>\n");
}

void xmlrpc_write_array_end(struct buf *out)
{
    PUT(out, "</data></array></value>\n");
}

void xmlrpc_write_struct_begin(struct buf *out)
{
    PUT(out, "<value><struct>\n");
}

void xmlrpc_write_struct_end(struct buf *out)
{
    PUT(out, "</struct></value>\n");
}

void xmlrpc_write_member_begin(struct buf *out, const char *name)
{
    PUT(out, "<member>\n<name>");
    xmlrpc_write_text(out, name, strlen(name));
    PUT(out, "</name>\n");
}

void xmlrpc_write_member_end(struct buf *out)
{
    PUT(out, "</member>\n");
}

void xmlrpc_write_member_int(struct buf *out, const char *name, int64_t value)
{
    xmlrpc_write_member_begin(out, name);
    xmlrpc_write_int(out, value);
    xmlrpc_write_member_end(out);
}

void xmlrpc_write_member_bool(struct buf *out, const char *name, bool value)
{
    xmlrpc_write_member_begin(out, name);
    xmlrpc_write_bool(out, value);
    xmlrpc_write_member_end(out);
}

void xmlrpc_write_member_string(struct buf *out, const char *name, const char *text)
{
    xmlrpc_write_member_begin(out, name);
    xmlrpc_write_string(out, text);
    xmlrpc_write_member_end(out);
}

static void write_struct(struct buf *out, const struct value *v)
{
    xmlrpc_write_struct_begin(out);
    for (size_t i = 0; i < v->n; i++) {
        xmlrpc_write_member_begin(out, v->items[i].name ? v->items[i].name : "");
        xmlrpc_write_value(out, &v->items[i]);
        xmlrpc_write_member_end(out);
    }
    xmlrpc_write_struct_end(out);
}

void xmlrpc_write_value(struct buf *out, const struct value *v)
{
    switch (v->kind) {
    case VALUE_NIL:
        xmlrpc_write_nil(out);
        break;
    case VALUE_INT:
        xmlrpc_write_int(out, v->integer);
        break;
    case VALUE_BOOL:
        xmlrpc_write_bool(out, v->boolean);
        break;
    case VALUE_DOUBLE:
        xmlrpc_write_double(out, v->real);
        break;
    case VALUE_STRING:
    case VALUE_DATETIME:
    case VALUE_BIGINT:
        xmlrpc_write_string_n(out, v->string, v->len);
        break;
    case VALUE_ARRAY:
        xmlrpc_write_array_begin(out);
        for (size_t i = 0; i < v->n; i++)
            xmlrpc_write_value(out, &v->items[i]);
        xmlrpc_write_array_end(out);
        break;
    case VALUE_STRUCT:
        write_struct(out, v);
        break;
    }
}
