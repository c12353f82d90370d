/* SPDX-License-Identifier: MIT */
/* param.c: parameters of calls, as lax as Python takes them. */
#include "param.h"

#include "supervisor/core/datatypes.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool param_truth(const struct value *v)
{
    switch (v->kind) {
    case VALUE_NIL:
        return false;
    case VALUE_BOOL:
        return v->boolean;
    case VALUE_INT:
        return v->integer != 0;
    case VALUE_DOUBLE:
        return v->real != 0;
    case VALUE_STRING:
        return v->len > 0;
    case VALUE_ARRAY:
    case VALUE_STRUCT:
        return v->n > 0;
    case VALUE_BIGINT:
    case VALUE_DATETIME:
        break;
    }
    return true;
}

static int text_int(const char *text, int64_t *ret_number)
{
    char *end;
    while (isspace((unsigned char)*text))
        text++;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || errno)
        return -EINVAL;
    while (isspace((unsigned char)*end))
        end++;
    if (*end)
        return -EINVAL;
    *ret_number = number;
    return 0;
}

int param_int(const struct value *v, int64_t *ret_number)
{
    switch (v->kind) {
    case VALUE_INT:
        *ret_number = v->integer;
        return 0;
    case VALUE_BOOL:
        *ret_number = v->boolean;
        return 0;
    case VALUE_DOUBLE:
        if (!(fabs(v->real) < 9e18)) /* also refuses nan */
            return -EINVAL;
        *ret_number = (int64_t)v->real;
        return 0;
    case VALUE_STRING:
        return text_int(v->string, ret_number);
    case VALUE_NIL:
    case VALUE_BIGINT:
    case VALUE_DATETIME:
    case VALUE_ARRAY:
    case VALUE_STRUCT:
        break;
    }
    return -EINVAL;
}

/* ---- as Python shows it ---- */

/* The shortest digits that give the number again, with ".0" where they look like an integer. */
static void repr_double(struct buf *out, double real)
{
    char text[64];

    if (isnan(real) || isinf(real)) {
        buf_puts(out, isnan(real) ? "nan" : real < 0 ? "-inf" : "inf");
        return;
    }
    for (int precision = 1; precision <= 17; precision++) {
        (void)snprintf(text, sizeof(text), "%.*g", precision, real);
        if (strtod(text, NULL) == real) /* exactly: that is the point */
            break;
    }
    buf_puts(out, text);
    if (!strpbrk(text, ".en"))
        buf_puts(out, ".0");
}

static void repr_items(struct buf *out, const struct value *v)
{
    bool is_struct = v->kind == VALUE_STRUCT;

    buf_putc(out, is_struct ? '{' : '[');
    for (size_t i = 0; i < v->n; i++) {
        if (i)
            buf_puts(out, ", ");
        if (is_struct) {
            text_repr(out, v->items[i].name ? v->items[i].name : "");
            buf_puts(out, ": ");
        }
        param_repr(out, &v->items[i]);
    }
    buf_putc(out, is_struct ? '}' : ']');
}

void param_repr(struct buf *out, const struct value *v)
{
    switch (v->kind) {
    case VALUE_NIL:
        buf_puts(out, "None");
        break;
    case VALUE_INT:
        buf_printf(out, "%lld", (long long)v->integer);
        break;
    case VALUE_BOOL:
        buf_puts(out, v->boolean ? "True" : "False");
        break;
    case VALUE_DOUBLE:
        repr_double(out, v->real);
        break;
    case VALUE_STRING:
        text_repr(out, v->string);
        break;
    case VALUE_BIGINT:
    case VALUE_DATETIME:
        buf_append(out, v->string, v->len);
        break;
    case VALUE_ARRAY:
    case VALUE_STRUCT:
        repr_items(out, v);
        break;
    }
}

void param_str(struct buf *out, const struct value *v)
{
    if (v->kind == VALUE_STRING)
        buf_append(out, v->string, v->len);
    else
        param_repr(out, v);
}

/* ---- signals ---- */

static const struct {
    const char *name;
    int number;
} signals[] = {
#define X(name)                                                                                    \
    {                                                                                              \
#name, SIG##name                                                                           \
    }
    X(HUP),
    X(INT),
    X(QUIT),
    X(ILL),
    X(TRAP),
    X(ABRT),
    X(BUS),
    X(FPE),
    X(KILL),
    X(USR1),
    X(SEGV),
    X(USR2),
    X(PIPE),
    X(ALRM),
    X(TERM),
    X(CHLD),
    X(CONT),
    X(STOP),
    X(TSTP),
    X(TTIN),
    X(TTOU),
    X(URG),
    X(XCPU),
    X(XFSZ),
    X(VTALRM),
    X(PROF),
    X(WINCH),
    X(IO),
    X(POLL),
    X(PWR),
    X(SYS),
#undef X
    { "STKFLT", 16 }, /* not on every architecture; its number is, where it exists */
    { "CLD", SIGCHLD },
    { "IOT", SIGABRT },
};

/* "RTMIN", "RTMIN+3", "RTMAX-1" without SIG */
static int realtime_signal(const char *name, int *ret_signal)
{
    int64_t offset = 0;
    bool from_min = strncasecmp(name, "RTMIN", 5) == 0;

    if (!from_min && strncasecmp(name, "RTMAX", 5) != 0)
        return -EINVAL;
    if (name[5] && ((name[5] != '+' && name[5] != '-') || text_int(name + 5, &offset) < 0))
        return -EINVAL;
    int64_t number = (from_min ? SIGRTMIN : SIGRTMAX) + offset;
    if (number < SIGRTMIN || number > SIGRTMAX)
        return -EINVAL;
    *ret_signal = (int)number;
    return 0;
}

static int number_signal(int64_t number, int *ret_signal)
{
    /* the two between the last named signal and RTMIN are the C library's own */
    bool is_known = (number >= 0 && number <= 31) || (number >= SIGRTMIN && number <= SIGRTMAX);
    if (!is_known)
        return -EINVAL;
    *ret_signal = (int)number;
    return 0;
}

int param_signal(const struct value *v, int *ret_signal)
{
    char name[32];
    int64_t number;

    if (param_int(v, &number) == 0)
        return number_signal(number, ret_signal);
    if (v->kind != VALUE_STRING)
        return -EINVAL;
    const char *text = v->string;
    while (isspace((unsigned char)*text))
        text++;
    size_t len = strlen(text);
    while (len && isspace((unsigned char)text[len - 1]))
        len--;
    if (len == 0 || len >= sizeof(name))
        return -EINVAL;
    memcpy(name, text, len);
    name[len] = '\0';
    const char *bare = strncasecmp(name, "SIG", 3) == 0 ? name + 3 : name;
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        if (strcasecmp(bare, signals[i].name) == 0) {
            *ret_signal = signals[i].number;
            return 0;
        }
    }
    return realtime_signal(bare, ret_signal);
}
