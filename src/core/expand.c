/* SPDX-License-Identifier: MIT */
/* expand.c: Python's % operator with a mapping on its right side. */
#include "supervisor/core/expand.h"
#include "supervisor/core/buf.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/datatypes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX (1U << 20) /* of one scope; more only from a broken caller */

/* One %(name)[flags][width][.precision][h|l|L]conversion, parsed. */
struct spec {
    const struct expand_name *name; /* NULL: none was written */
    bool alternate, zero, left, plus, blank;
    int64_t width, precision; /* precision -1: none */
    char conversion;
};

struct expander {
    const char *text; /* all of it, for positions */
    const char *p;
    const struct expand_scope *scope;
    struct buf out;
    struct buf why; /* the detail of "is badly formatted" */
    const char *unknown;
    size_t unknown_len;
};

static int compare_name(const char *name, size_t len, const char *other)
{
    int order = strncmp(name, other, len);
    return order ? order : -(other[len] != '\0');
}

const struct expand_name *expand_find(const struct expand_scope *scope, const char *name,
                                      size_t len)
{
    for (; scope; scope = scope->outer) {
        size_t low = 0, high = scope->n;
        while (scope->sorted && low < high) {
            size_t middle = low + (high - low) / 2;
            int order = compare_name(name, len, scope->names[middle].name);
            if (order == 0)
                return &scope->names[middle];
            if (order < 0)
                high = middle;
            else
                low = middle + 1;
        }
        for (size_t i = 0; !scope->sorted && i < scope->n; i++)
            if (compare_name(name, len, scope->names[i].name) == 0)
                return &scope->names[i];
    }
    return NULL;
}

/* Remembers the first reason only. */
#define BAD(e, ...) (buf_printf(&(e)->why, __VA_ARGS__), -EINVAL)

static int read_name(struct expander *e, struct spec *spec)
{
    int depth = 1;
    const char *name = ++e->p;
    for (; depth > 0; e->p++) {
        if (!*e->p)
            return BAD(e, "incomplete format key");
        depth += (*e->p == '(') - (*e->p == ')');
    }
    size_t len = (size_t)(e->p - name) - 1;
    spec->name = expand_find(e->scope, name, len);
    if (spec->name)
        return 0;
    e->unknown = name;
    e->unknown_len = len;
    return -EINVAL;
}

static int read_number(struct expander *e, const char *what, int64_t *ret)
{
    *ret = 0;
    for (; *e->p >= '0' && *e->p <= '9'; e->p++) {
        *ret = *ret * 10 + (*e->p - '0');
        if (*ret > EXPAND_MAX)
            return BAD(e, "%s too big", what);
    }
    return 0;
}

static int read_spec(struct expander *e, struct spec *spec)
{
    *spec = (struct spec){ .precision = -1 };
    if (*e->p == '(' && read_name(e, spec) < 0)
        return -EINVAL;
    for (; *e->p && strchr("-+ #0", *e->p); e->p++) {
        spec->left |= *e->p == '-';
        spec->plus |= *e->p == '+';
        spec->blank |= *e->p == ' ';
        spec->alternate |= *e->p == '#';
        spec->zero |= *e->p == '0';
    }
    /* With a name, the mapping counts as no argument: "*" finds none left. */
    if (*e->p == '*')
        return BAD(e, spec->name ? "not enough arguments for format string" : "* wants int");
    if (read_number(e, "width", &spec->width) < 0)
        return -EINVAL;
    if (*e->p == '.') {
        e->p++;
        if (*e->p == '*')
            return BAD(e, spec->name ? "not enough arguments for format string" : "* wants int");
        if (read_number(e, "precision", &spec->precision) < 0)
            return -EINVAL;
    }
    if (*e->p == 'h' || *e->p == 'l' || *e->p == 'L')
        e->p++;
    if (!*e->p)
        return BAD(e, "incomplete format");
    spec->conversion = *e->p;
    return 0;
}

/* Characters of UTF-8 text in the first len bytes. */
static size_t count_chars(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)text[i] & 0xC0) != 0x80;
    return n;
}

/* Bytes of the first n characters. */
static size_t bytes_of_chars(const char *text, size_t n)
{
    size_t i = 0;
    while (text[i] && (n > 0 || ((unsigned char)text[i] & 0xC0) == 0x80))
        n -= ((unsigned char)text[i++] & 0xC0) != 0x80;
    return i;
}

static int unsupported(struct expander *e)
{
    const unsigned char *p = (const unsigned char *)e->p;
    unsigned code = *p;
    int len = code < 0x80 ? 1 : code < 0xE0 ? 2 : code < 0xF0 ? 3 : 4;
    if (len > 1) {
        code &= 0x7FU >> len;
        for (int i = 1; i < len && (p[i] & 0xC0) == 0x80; i++)
            code = code << 6 | (p[i] & 0x3F);
    }
    size_t index = count_chars(e->text, (size_t)(e->p - e->text));
    if (code >= 0x20 && code < 0x7F)
        return BAD(e, "unsupported format character '%c' (0x%x) at index %zu", (int)code, code,
                   index);
    return BAD(e, "unsupported format character '?' (0x%x) at index %zu", code, index);
}

static void pad(struct buf *out, char c, int64_t n)
{
    for (; n > 0; n--)
        buf_putc(out, c);
}

/* sign and prefix, zeros to fill, digits; blanks where the width says. */
static void put_padded(struct expander *e, const struct spec *spec, const char *prefix,
                       const char *body, size_t body_len, bool zeros)
{
    int64_t fill = spec->width - (int64_t)strlen(prefix) - (int64_t)count_chars(body, body_len);
    bool fill_zeros = zeros && spec->zero && !spec->left;
    if (!spec->left && !fill_zeros)
        pad(&e->out, ' ', fill);
    buf_puts(&e->out, prefix);
    if (fill_zeros)
        pad(&e->out, '0', fill);
    buf_append(&e->out, body, body_len);
    if (spec->left)
        pad(&e->out, ' ', fill);
}

static void put_integer(struct expander *e, const struct spec *spec, int64_t number)
{
    uint64_t magnitude = number < 0 ? -(uint64_t)number : (uint64_t)number;
    char digits[32];
    char prefix[4] = "";
    const char *sign = number < 0 ? "-" : spec->plus ? "+" : spec->blank ? " " : "";
    const char *base = "";
    switch (spec->conversion) {
    case 'x':
        (void)snprintf(digits, sizeof(digits), "%" PRIx64, magnitude);
        base = spec->alternate ? "0x" : "";
        break;
    case 'X':
        (void)snprintf(digits, sizeof(digits), "%" PRIX64, magnitude);
        base = spec->alternate ? "0X" : "";
        break;
    case 'o':
        (void)snprintf(digits, sizeof(digits), "%" PRIo64, magnitude);
        base = spec->alternate ? "0o" : "";
        break;
    default:
        (void)snprintf(digits, sizeof(digits), "%" PRIu64, magnitude);
    }
    (void)snprintf(prefix, sizeof(prefix), "%s%s", sign, base);
    struct buf body = BUF_LIMITED(EXPAND_MAX);
    pad(&body, '0', spec->precision - (int64_t)strlen(digits));
    buf_puts(&body, digits);
    if (body.error)
        e->out.error = body.error;
    else
        put_padded(e, spec, prefix, buf_text(&body), body.len, true);
    buf_free(&body);
}

static int put_float(struct expander *e, const struct spec *spec, int64_t number)
{
    char format[16] = "%";
    size_t n = 1;
    if (spec->plus)
        format[n++] = '+';
    if (spec->blank)
        format[n++] = ' ';
    if (spec->alternate)
        format[n++] = '#';
    (void)snprintf(format + n, sizeof(format) - n, ".*%c", spec->conversion);
    /* Digits beyond this are all zeros: the number is an integer of at most 19. */
    int precision = spec->precision < 0 ? 6 : spec->precision > 1000 ? 1000 : (int)spec->precision;
    char text[1100];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* built above from checked letters */
    int len = snprintf(text, sizeof(text), format, precision, (double)number);
#pragma GCC diagnostic pop
    if (len < 0)
        return -EINVAL;
    bool has_sign = text[0] == '-' || text[0] == '+' || text[0] == ' ';
    char prefix[2] = { has_sign ? text[0] : '\0', '\0' };
    put_padded(e, spec, prefix, text + has_sign, (size_t)len - has_sign, true);
    return 0;
}

static int put_char(struct expander *e, const struct spec *spec, int64_t number)
{
    if (number < 0 || number > 0x10FFFF)
        return BAD(e, "%%c arg not in range(0x110000)");
    if (number == 0 || (number >= 0xD800 && number <= 0xDFFF))
        return BAD(e, "%%c arg gives no character that a value may hold");
    char utf8[5] = "";
    unsigned code = (unsigned)number;
    if (code < 0x80) {
        utf8[0] = (char)code;
    } else {
        int len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        for (int i = len - 1; i > 0; i--, code >>= 6)
            utf8[i] = (char)(0x80 | (code & 0x3F));
        utf8[0] = (char)((0xF00U >> len & 0xFF) | code);
    }
    put_padded(e, spec, "", utf8, strlen(utf8), false);
    return 0;
}

static void put_text(struct expander *e, const struct spec *spec, const struct expand_name *name)
{
    struct buf body = BUF_INIT;
    if (!name->text)
        buf_printf(&body, "%" PRId64, name->number);
    else if (spec->conversion == 's')
        buf_puts(&body, name->text);
    else
        text_repr(&body, name->text);
    const char *text = buf_text(&body);
    size_t len = spec->precision < 0 ? body.len : bytes_of_chars(text, (size_t)spec->precision);
    if (body.error)
        e->out.error = body.error;
    else
        put_padded(e, spec, "", text, len, false);
    buf_free(&body);
}

/* What Python says when the value is of the wrong kind ("dict": there was no name). */
static int wrong_kind(struct expander *e, char conversion, const char *kind)
{
    switch (conversion) {
    case 'd':
    case 'i':
    case 'u':
        return BAD(e, "%%%c format: a real number is required, not %s", conversion, kind);
    case 'x':
    case 'X':
    case 'o':
        return BAD(e, "%%%c format: an integer is required, not %s", conversion, kind);
    case 'c':
        return BAD(e, "%%c requires int or char");
    default:
        return BAD(e, "must be real number, not %s", kind);
    }
}

static int put_value(struct expander *e, const struct spec *spec)
{
    if (!strchr("sradiuoxXeEfFgGc", spec->conversion))
        return unsupported(e);
    bool textual = strchr("sra", spec->conversion) != NULL;
    if (!spec->name) {
        /* The reference would insert its whole name table, passwords and all. */
        return textual ? BAD(e, "not enough arguments for format string")
                       : wrong_kind(e, spec->conversion, "dict");
    }
    const struct expand_name *name = spec->name;
    if (textual)
        put_text(e, spec, name);
    else if (name->text) {
        if (spec->conversion == 'c' && count_chars(name->text, strlen(name->text)) == 1)
            put_padded(e, spec, "", name->text, strlen(name->text), false);
        else
            return wrong_kind(e, spec->conversion, "str");
    } else if (spec->conversion == 'c')
        return put_char(e, spec, name->number);
    else if (strchr("eEfFgG", spec->conversion))
        return put_float(e, spec, name->number);
    else
        put_integer(e, spec, name->number);
    return 0;
}

static int expand_all(struct expander *e)
{
    while (*e->p) {
        const char *percent = strchrnul(e->p, '%');
        buf_append(&e->out, e->p, (size_t)(percent - e->p));
        e->p = percent;
        if (!*e->p)
            break;
        e->p++;
        if (*e->p == '%') {
            buf_putc(&e->out, '%');
        } else {
            struct spec spec;
            int status = read_spec(e, &spec);
            if (status == 0)
                status = put_value(e, &spec);
            if (status < 0)
                return status;
        }
        e->p++;
        if (e->out.error)
            return e->out.error;
    }
    return e->out.error;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_available(struct buf *error, const struct expand_scope *scope)
{
    size_t n = 0;
    for (const struct expand_scope *s = scope; s; s = s->outer)
        n += s->n;
    if (n == 0 || n > NAMES_MAX)
        return;
    CLEANUP_FREE const char **names = calloc(n, sizeof(*names));
    if (!names) {
        error->error = -ENOMEM;
        return;
    }
    n = 0;
    for (const struct expand_scope *s = scope; s; s = s->outer)
        for (size_t i = 0; i < s->n; i++)
            names[n++] = s->names[i].name;
    qsort(names, n, sizeof(*names), compare_texts);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            buf_printf(error, "%s%s", i ? ", " : "", names[i]);
}

static void tell(const struct expander *e, const char *label, struct buf *error)
{
    buf_puts(error, "Format string ");
    text_repr(error, e->text);
    buf_puts(error, " for ");
    text_repr(error, label);
    if (e->unknown) {
        CLEANUP_FREE char *name = strndup(e->unknown, e->unknown_len);
        buf_puts(error, " contains names (");
        text_repr(error, name ? name : "");
        buf_puts(error, ") which cannot be expanded. Available names: ");
        put_available(error, e->scope);
    } else {
        buf_printf(error, " is badly formatted: %s", buf_text(&e->why));
    }
}

int expand_text(const char *text, const struct expand_scope *scope, const char *label,
                char **ret_text, struct buf *error)
{
    char *result = NULL;
    int status = 0;
    if (!strchr(text, '%')) {
        result = strdup(text);
        status = result ? 0 : -ENOMEM;
    } else {
        struct expander e = {
            .text = text, .p = text, .scope = scope, .out = BUF_LIMITED(EXPAND_MAX), .why = BUF_INIT
        };
        status = expand_all(&e);
        if (status == -EFBIG)
            status = BAD(&e, "the result is too long");
        if (status == -EINVAL)
            tell(&e, label, error);
        else if (status == 0 && !(result = strdup(buf_text(&e.out))))
            status = -ENOMEM;
        buf_free(&e.out);
        buf_free(&e.why);
    }
    if (status == 0)
        *ret_text = result;
    return status;
}
