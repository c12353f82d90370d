/* SPDX-License-Identifier: MIT */
/* format.c: the rows and columns of what is printed. */
#include "format.h"
#include "names.h"

#include <string.h>

size_t format_width(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void put_padded(struct buf *out, const char *text, size_t columns)
{
    buf_puts(out, text);
    for (size_t width = format_width(text); width < columns; width++)
        buf_putc(out, ' ');
}

const char *format_state_colour(const char *statename)
{
    static const struct {
        const char *name, *colour;
    } colours[] = {
        { "RUNNING", "\33[32m" }, { "STARTING", "\33[36m" },  { "STOPPING", "\33[33m" },
        { "BACKOFF", "\33[33m" }, { "FATAL", "\33[1;31m" },   { "EXITED", "\33[35m" },
        { "STOPPED", "\33[2m" },  { "UNKNOWN", "\33[1;31m" },
    };
    for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++)
        if (strcmp(statename, colours[i].name) == 0)
            return colours[i].colour;
    return "";
}

void format_status(struct buf *out, const struct value *const infos[], size_t n, bool colour)
{
    enum { STATE_COLUMNS = 10, GAP = 3 };
    size_t widest = FORMAT_NAME_COLUMNS;
    struct buf name = BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        buf_reset(&name);
        name_put_of(&name, infos[i]);
        size_t width = format_width(buf_text(&name));
        if (width > widest)
            widest = width;
    }
    for (size_t i = 0; i < n; i++) {
        const char *state = value_member_string(infos[i], "statename", "");
        buf_reset(&name);
        name_put_of(&name, infos[i]);
        put_padded(out, buf_text(&name), widest + GAP);
        if (colour)
            buf_puts(out, format_state_colour(state));
        put_padded(out, state, STATE_COLUMNS);
        if (colour)
            buf_puts(out, FORMAT_COLOUR_END);
        buf_puts(out, value_member_string(infos[i], "description", ""));
        buf_putc(out, '\n');
    }
    if (name.error && !out->error)
        out->error = name.error;
    buf_free(&name);
}

void format_avail(struct buf *out, const struct value *config)
{
    enum { NAME_COLUMNS = 32, WORD_COLUMNS = 9 };
    struct buf name = BUF_INIT;
    name_put_of(&name, config);
    put_padded(out, buf_text(&name), NAME_COLUMNS);
    buf_putc(out, ' ');
    put_padded(out, value_member_bool(config, "inuse", false) ? "in use" : "avail", WORD_COLUMNS);
    buf_putc(out, ' ');
    put_padded(out, value_member_bool(config, "autostart", false) ? "auto" : "manual",
               WORD_COLUMNS);
    buf_printf(out, " %lld:%lld\n", (long long)value_member_int(config, "group_prio", 0),
               (long long)value_member_int(config, "process_prio", 0));
    buf_free(&name);
}

/* The widest word of column c when the words stand in rows rows. */
static size_t column_width(const char *const words[], size_t n, size_t rows, size_t c)
{
    size_t widest = 0;
    for (size_t i = c * rows; i < n && i < (c + 1) * rows; i++)
        if (format_width(words[i]) > widest)
            widest = format_width(words[i]);
    return widest;
}

enum { COLUMN_GAP = 2 };

static bool fits(const char *const words[], size_t n, size_t rows, size_t columns)
{
    size_t total = 0;
    for (size_t c = 0; c * rows < n; c++)
        total += column_width(words, n, rows, c) + (c ? COLUMN_GAP : 0);
    return total <= columns;
}

void format_columns(struct buf *out, const char *const words[], size_t n, size_t columns)
{
    size_t rows = 1;
    while (rows < n && !fits(words, n, rows, columns))
        rows++;
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c * rows + r < n; c++) {
            for (int i = 0; c > 0 && i < COLUMN_GAP; i++)
                buf_putc(out, ' ');
            put_padded(out, words[c * rows + r], column_width(words, n, rows, c));
        }
        buf_putc(out, '\n');
    }
}

void format_bytes(struct buf *out, int64_t bytes)
{
    static const char units[] = "KMGT";
    if (bytes < 1024) {
        buf_printf(out, "%lld B", (long long)bytes);
        return;
    }
    double amount = (double)bytes / 1024;
    size_t unit = 0;
    while (amount >= 1024 && unit + 1 < strlen(units)) {
        amount /= 1024;
        unit++;
    }
    buf_printf(out, "%.1f %ciB", amount, units[unit]);
}
