/* SPDX-License-Identifier: MIT */
/* datatypes.c: numbers, words out of a short list, and how Python shows a text. */
#include "supervisor/core/datatypes.h"
#include "supervisor/core/buf.h"
#include "supervisor/core/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

/* ---- repr ---- */

/* The code point at p and its bytes; text was checked to be UTF-8 when it was read. */
static unsigned code_point(const unsigned char *p, size_t *ret_len)
{
    size_t len = *p < 0x80 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;
    unsigned code = len == 1 ? *p : *p & (0x7FU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80) { /* a byte from elsewhere: shown as itself */
            *ret_len = 1;
            return *p;
        }
        code = code << 6 | (p[i] & 0x3FU);
    }
    *ret_len = len;
    return code;
}

static bool is_printable(unsigned code)
{
    return !(code < 0x20 || (code >= 0x7F && code <= 0xA0) || code == 0xAD || code == 0x1680 ||
             (code >= 0x2000 && code <= 0x200F) || (code >= 0x2028 && code <= 0x202F) ||
             (code >= 0x205F && code <= 0x206F) || code == 0x3000 || code == 0xFEFF ||
             (code >= 0xE000 && code <= 0xF8FF));
}

void text_repr(struct buf *out, const char *text)
{
    char quote = strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'';
    buf_putc(out, quote);
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        size_t len;
        unsigned code = code_point(p, &len);
        if (*p == '\n')
            buf_puts(out, "\\n");
        else if (*p == '\t')
            buf_puts(out, "\\t");
        else if (*p == '\r')
            buf_puts(out, "\\r");
        else if (*p == '\\' || *p == (unsigned char)quote)
            buf_printf(out, "\\%c", *p);
        else if (is_printable(code))
            buf_append(out, p, len);
        else if (code < 0x100)
            buf_printf(out, "\\x%02x", code);
        else
            buf_printf(out, "\\u%04x", code);
        p += len;
    }
    buf_putc(out, quote);
}

/* Append a sentence that ends with the text as Python shows it. */
static int refuse(struct buf *error, const char *sentence, const char *text)
{
    buf_puts(error, sentence);
    text_repr(error, text);
    return -EINVAL;
}

/* ---- integers ---- */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= 0x1F);
}

static int64_t add_digit(int64_t value, int base, int digit)
{
    int64_t result;
    if (__builtin_mul_overflow(value, (int64_t)base, &result) ||
        __builtin_add_overflow(result, (int64_t)digit, &result))
        return INT64_MAX;
    return result;
}

/* Python's int(text[:len], base) for bases 8 and 10. */
static bool scan_integer(const char *text, size_t len, int base, int64_t *ret)
{
    const char *p = text, *end = text + len;
    while (p < end && is_blank(*p))
        p++;
    while (end > p && is_blank(end[-1]))
        end--;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    bool separated = false; /* a '_' may stand here only after a digit or the prefix */
    if (base == 8 && end - p > 2 && p[0] == '0' && (p[1] == 'o' || p[1] == 'O')) {
        p += 2;
        separated = *p == '_';
        p += separated;
    }
    int64_t value = 0;
    bool digit_before = false;
    for (; p < end; p++) {
        if (*p == '_' && digit_before) {
            digit_before = false;
            separated = true;
            continue;
        }
        if (*p < '0' || *p >= '0' + base)
            return false;
        value = add_digit(value, base, *p - '0');
        digit_before = true;
        separated = false;
    }
    if (!digit_before || separated)
        return false;
    *ret = negative ? -value : value;
    return true;
}

static int refuse_integer(struct buf *error, const char *text)
{
    return refuse(error, "invalid literal for int() with base 10: ", text);
}

int parse_integer(const char *text, int64_t *ret, struct buf *error)
{
    return scan_integer(text, strlen(text), 10, ret) ? 0 : refuse_integer(error, text);
}

int parse_octal(const char *text, int64_t *ret, struct buf *error)
{
    if (scan_integer(text, strlen(text), 8, ret))
        return 0;
    buf_printf(error, "%s can not be converted to an octal type", text);
    return -EINVAL;
}

static int64_t multiply(int64_t value, int64_t factor)
{
    int64_t result;
    if (__builtin_mul_overflow(value, factor, &result))
        return value < 0 ? INT64_MIN + 1 : INT64_MAX;
    return result;
}

int parse_byte_size(const char *text, int64_t *ret, struct buf *error)
{
    static const struct {
        const char *suffix;
        int64_t factor;
    } units[] = { { "kb", 1024 }, { "mb", 1024 * 1024 }, { "gb", 1024 * 1024 * 1024 } };

    CLEANUP_FREE char *lower = strdup(text);
    if (!lower)
        return -ENOMEM;
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    size_t len = strlen(lower);
    int64_t factor = 1;
    for (size_t i = 0; len >= 2 && i < sizeof(units) / sizeof(*units); i++) {
        if (factor == 1 && strcmp(lower + len - 2, units[i].suffix) == 0) {
            factor = units[i].factor;
            lower[len - 2] = '\0';
        }
    }
    int64_t value;
    if (!scan_integer(lower, strlen(lower), 10, &value))
        return refuse_integer(error, lower);
    *ret = multiply(value, factor);
    return 0;
}

int parse_duration(const char *text, int64_t *ret, struct buf *error)
{
    static const char units[] = "smhdw";
    static const int64_t seconds[] = { 1, 60, 3600, 86400, 604800 };
    size_t len = strlen(text);
    const char *unit = len > 1 ? strchr(units, tolower((unsigned char)text[len - 1])) : NULL;
    int64_t value;
    if (!scan_integer(text, unit ? len - 1 : len, 10, &value) || value < 0)
        return refuse(error,
                      "not a valid duration (seconds, or a number with s, m, h, d or w): ", text);
    *ret = multiply(value, unit ? seconds[unit - units] : 1);
    return 0;
}

int parse_retries(const char *text, int64_t *ret, struct buf *error)
{
    if (strcasecmp(text, "infinite") == 0) {
        *ret = STARTRETRIES_INFINITE;
        return 0;
    }
    return parse_integer(text, ret, error);
}

int parse_decimal(const char *text, double *ret, struct buf *error)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value) || value < 0)
        return refuse(error, "not a valid number: ", text);
    *ret = value;
    return 0;
}

int parse_rate(const char *text, int64_t *ret_n, int64_t *ret_secs, struct buf *error)
{
    const char *slash = strchr(text, '/');
    int64_t n, secs;
    if (!slash || !scan_integer(text, (size_t)(slash - text), 10, &n) ||
        !scan_integer(slash + 1, strlen(slash + 1), 10, &secs) || n < 0 || secs <= 0)
        return refuse(error, "not a valid rate (NUMBER/SECONDS): ", text);
    *ret_n = n;
    *ret_secs = secs;
    return 0;
}

static bool scan_limit(const char *text, size_t len, uint64_t *ret)
{
    int64_t value;
    if ((len == 9 && strncasecmp(text, "unlimited", 9) == 0) ||
        (len == 8 && strncasecmp(text, "infinity", 8) == 0)) {
        *ret = (uint64_t)RLIM_INFINITY;
        return true;
    }
    CLEANUP_FREE char *copy = strndup(text, len);
    struct buf ignored = BUF_INIT;
    bool ok = copy && parse_byte_size(copy, &value, &ignored) == 0 && value >= 0;
    buf_free(&ignored);
    if (ok)
        *ret = (uint64_t)value;
    return ok;
}

int parse_rlimit(const char *text, struct rlimit_config *ret, struct buf *error)
{
    struct rlimit_config limit = { .set = true };
    const char *colon = strchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    const char *hard = colon ? colon + 1 : text;
    if (!scan_limit(text, len, &limit.soft) ||
        !scan_limit(hard, colon ? strlen(hard) : len, &limit.hard) || limit.soft > limit.hard)
        return refuse(error,
                      "not a valid limit (LIMIT or SOFT:HARD, numbers or unlimited): ", text);
    *ret = limit;
    return 0;
}

int parse_cpu_list(const char *text, struct cpu_list *ret, struct buf *error)
{
    struct cpu_list cpus = { .set = true };
    const char *p = text;
    bool ok = *p != '\0';
    while (ok && *p) {
        size_t len = strcspn(p, ",");
        const char *dash = memchr(p, '-', len);
        int64_t first, last;
        ok = scan_integer(p, dash ? (size_t)(dash - p) : len, 10, &first);
        last = first;
        if (ok && dash)
            ok = scan_integer(dash + 1, len - (size_t)(dash + 1 - p), 10, &last);
        ok = ok && first >= 0 && first <= last && last < CONFIG_CPUS_MAX;
        for (int64_t cpu = first; ok && cpu <= last; cpu++)
            cpus.bits[cpu / 8] |= (unsigned char)(1U << (cpu % 8));
        p += len;
        if (ok && *p == ',')
            ok = *++p != '\0';
    }
    if (!ok)
        return refuse(error, "not a valid list of processors (like 0,2-3): ", text);
    *ret = cpus;
    return 0;
}

int parse_exitcodes(const char *text, unsigned char ret[32], struct buf *error)
{
    unsigned char codes[32] = { 0 };
    for (const char *p = text; *text;) {
        size_t len = strcspn(p, ",");
        int64_t code;
        if (!scan_integer(p, len, 10, &code) || code < 0 || code > 255)
            return refuse(error, "not a valid list of exit codes: ", text);
        codes[code / 8] |= (unsigned char)(1U << (code % 8));
        if (!p[len])
            break;
        p += len + 1;
    }
    memcpy(ret, codes, sizeof(codes));
    return 0;
}

/* ---- words ---- */

static int find_word(const char *text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(text, words[i]) == 0)
            return (int)i;
    return -1;
}

#define FIND_WORD(text, words) find_word((text), (words), sizeof(words) / sizeof(*(words)))

int parse_boolean(const char *text, bool *ret, struct buf *error)
{
    static const char *const words[] = { "no", "false", "off", "0", "yes", "true", "on", "1" };
    int at = FIND_WORD(text, words);
    if (at < 0)
        return refuse(error, "not a valid boolean value: ", text);
    *ret = at >= 4;
    return 0;
}

int parse_autorestart(const char *text, enum autorestart *ret, struct buf *error)
{
    struct buf ignored = BUF_INIT;
    bool always;
    if (strcasecmp(text, "unexpected") == 0) {
        *ret = AUTORESTART_UNEXPECTED;
    } else if (parse_boolean(text, &always, &ignored) == 0) {
        *ret = always ? AUTORESTART_ALWAYS : AUTORESTART_NEVER;
    } else {
        buf_free(&ignored);
        CLEANUP_FREE char *lower = strdup(text);
        if (!lower)
            return -ENOMEM;
        for (char *c = lower; *c; c++)
            *c = (char)tolower((unsigned char)*c);
        return refuse(error, "invalid 'autorestart' value ", lower);
    }
    return 0;
}

int parse_log_level(const char *text, enum log_level *ret, struct buf *error)
{
    static const char *const words[] = { "critical", "error", "warn",   "info",
                                         "debug",    "trace", "blather" };
    static const enum log_level levels[] = { LOG_LEVEL_CRIT, LOG_LEVEL_ERRO, LOG_LEVEL_WARN,
                                             LOG_LEVEL_INFO, LOG_LEVEL_DEBG, LOG_LEVEL_TRAC,
                                             LOG_LEVEL_BLAT };
    int at = FIND_WORD(text, words);
    if (at < 0)
        return refuse(error, "bad logging level name ", text);
    *ret = levels[at];
    return 0;
}

int parse_exit_on(const char *text, enum exit_on *ret, struct buf *error)
{
    static const char *const words[] = { "none", "fatal", "exit", "unexpected" };
    int at = FIND_WORD(text, words);
    if (at < 0)
        return refuse(error, "neither none, fatal, exit nor unexpected: ", text);
    *ret = (enum exit_on)at;
    return 0;
}

int parse_killmode(const char *text, enum killmode *ret, struct buf *error)
{
    static const char *const words[] = { "default", "process", "group", "tree", "cgroup" };
    int at = FIND_WORD(text, words);
    if (at < 0)
        return refuse(error, "neither process, group, tree nor cgroup: ", text);
    *ret = (enum killmode)at;
    return 0;
}

static bool scan_time_of_day(const char *text, int *ret_minute)
{
    const char *colon = strchr(text, ':');
    int64_t hour, minute;
    if (!colon || !scan_integer(text, (size_t)(colon - text), 10, &hour) ||
        !scan_integer(colon + 1, strlen(colon + 1), 10, &minute) || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59)
        return false;
    *ret_minute = (int)(hour * 60 + minute);
    return true;
}

int parse_rotate(const char *text, enum logrotate *ret, int *ret_minute, struct buf *error)
{
    static const char *const words[] = { "none", "hourly", "daily", "weekly" };
    int at = FIND_WORD(text, words);
    int minute = 0;
    if (at < 0 && !scan_time_of_day(text, &minute))
        return refuse(error, "neither none, hourly, daily, weekly nor HH:MM: ", text);
    *ret = at < 0 ? LOGROTATE_DAILY : (enum logrotate)at;
    *ret_minute = minute;
    return 0;
}

/* ---- signals ---- */

static const struct {
    const char *name;
    int number;
} signals[] = {
    { "HUP", SIGHUP },
    { "INT", SIGINT },
    { "QUIT", SIGQUIT },
    { "ILL", SIGILL },
    { "TRAP", SIGTRAP },
    { "ABRT", SIGABRT },
    { "BUS", SIGBUS },
    { "FPE", SIGFPE },
    { "KILL", SIGKILL },
    { "USR1", SIGUSR1 },
    { "SEGV", SIGSEGV },
    { "USR2", SIGUSR2 },
    { "PIPE", SIGPIPE },
    { "ALRM", SIGALRM },
    { "TERM", SIGTERM },
    { "STKFLT", SIGSTKFLT },
    { "CHLD", SIGCHLD },
    { "CONT", SIGCONT },
    { "STOP", SIGSTOP },
    { "TSTP", SIGTSTP },
    { "TTIN", SIGTTIN },
    { "TTOU", SIGTTOU },
    { "URG", SIGURG },
    { "XCPU", SIGXCPU },
    { "XFSZ", SIGXFSZ },
    { "VTALRM", SIGVTALRM },
    { "PROF", SIGPROF },
    { "WINCH", SIGWINCH },
    { "IO", SIGIO },
    { "PWR", SIGPWR },
    { "SYS", SIGSYS },
    { "RTMIN", 34 },
    { "RTMAX", 64 },
    { "IOT", SIGABRT },
    { "CLD", SIGCHLD },
    { "POLL", SIGIO },
    /* Python's signal module has these, so the reference takes them for signals. */
    { "_DFL", 0 },
    { "_IGN", 1 },
    { "_BLOCK", 0 },
    { "_UNBLOCK", 1 },
    { "_SETMASK", 2 },
};

#define SIGNALS_N (sizeof(signals) / sizeof(*signals))

const char *signal_name(int number)
{
    for (size_t i = 0; i < SIGNALS_N; i++)
        if (signals[i].number == number && signals[i].name[0] != '_')
            return signals[i].name;
    return NULL;
}

static int refuse_signal(struct buf *error, const char *text, const char *what)
{
    buf_puts(error, "value ");
    text_repr(error, text);
    buf_printf(error, " is not a valid signal %s", what);
    return -EINVAL;
}

int parse_signal(const char *text, int *ret, struct buf *error)
{
    int64_t number;
    if (scan_integer(text, strlen(text), 10, &number)) {
        if (number != 0 && (number < 0 || number > 64 || !signal_name((int)number)))
            return refuse_signal(error, text, "number");
        *ret = (int)number;
        return 0;
    }
    const char *start = text, *end = text + strlen(text);
    while (is_blank(*start))
        start++;
    while (end > start && is_blank(end[-1]))
        end--;
    if (strncasecmp(start, "SIG", 3) == 0)
        start += 3;
    for (size_t i = 0; i < SIGNALS_N; i++) {
        size_t len = strlen(signals[i].name);
        if ((size_t)(end - start) == len && strncasecmp(start, signals[i].name, len) == 0) {
            *ret = signals[i].number;
            return 0;
        }
    }
    return refuse_signal(error, text, "name");
}
