/* SPDX-License-Identifier: MIT */
/* test_expand.c: Python's % operator, as far as a configuration can use it. */
#include "supervisor/core/buf.h"
#include "supervisor/core/expand.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct expand_name outer_names[] = { { .name = "ENV_HOME", .text = "/root" },
                                                  { .name = "ENV_N", .text = "5" },
                                                  { .name = "here", .text = "/h" } };
static const struct expand_scope outer = { .names = outer_names, .n = 3, .sorted = true };
static const struct expand_name inner_names[] = { { .name = "process_num", .number = 3 },
                                                  { .name = "minus", .number = -7 },
                                                  { .name = "(odd)", .text = "odd" },
                                                  { .name = "here", .text = "/inner" } };
static const struct expand_scope scope = { .outer = &outer, .names = inner_names, .n = 4 };

struct row {
    const char *text;
    const char *result; /* or the detail of the error */
};

static void check_rows(const struct row *rows, size_t n, int wanted, const char *before)
{
    for (size_t i = 0; i < n; i++) {
        struct buf error = BUF_INIT;
        char *result = NULL;
        int status = expand_text(rows[i].text, &scope, "s.o", &result, &error);
        const char *got = status == 0 ? result : buf_text(&error);
        char expected[512];
        if (wanted == 0)
            (void)snprintf(expected, sizeof(expected), "%s", rows[i].result);
        else
            (void)snprintf(expected, sizeof(expected), "Format string '%s' for 's.o' %s%s",
                           rows[i].text, before, rows[i].result);
        if (status != wanted || strcmp(got, expected) != 0)
            fprintf(stderr, "<%s>: <%s>, not <%s>\n", rows[i].text, got, expected);
        CU_ASSERT_EQUAL(status, wanted);
        CU_ASSERT_STRING_EQUAL(got, expected);
        free(result);
        buf_free(&error);
    }
}

#define CHECK_GOOD(rows) check_rows((rows), sizeof(rows) / sizeof(*(rows)), 0, "")
#define CHECK_BAD(rows, before)                                                                    \
    check_rows((rows), sizeof(rows) / sizeof(*(rows)), -EINVAL, (before))

static void names_are_replaced(void)
{
    static const struct row rows[] = {
        { "plain", "plain" },
        { "", "" },
        { "%%", "%" },
        { "100%% of %(ENV_N)s", "100% of 5" },
        { "%(here)s/x", "/inner/x" },
        { "%((odd))s", "odd" },
        { "%(ENV_HOME)s%(ENV_N)s", "/root5" },
    };
    CHECK_GOOD(rows);
}

static void numbers_take_every_conversion(void)
{
    static const struct row rows[] = {
        { "%(process_num)02d", "03" },
        { "%(process_num)03X", "003" },
        { "%(process_num).3d", "003" },
        { "%(process_num) d", " 3" },
        { "%(process_num)+d", "+3" },
        { "%(process_num)e", "3.000000e+00" },
        { "%(process_num)s", "3" },
        { "%(process_num)5d|", "    3|" },
        { "%(process_num)-5d|", "3    |" },
        { "%(process_num)#x", "0x3" },
        { "%(process_num)#.5x", "0x00003" },
        { "%(process_num)#o", "0o3" },
        { "%(process_num)+05.3d", "+0003" },
        { "%(process_num)010.3f", "000003.000" },
        { "%(process_num)g", "3" },
        { "%(process_num)ld", "3" },
        { "%(minus)d", "-7" },
        { "%(minus)05d", "-0007" },
        { "%(minus)x", "-7" },
        { "%(process_num)r", "3" },
        { "%(process_num)05s", "    3" },
    };
    CHECK_GOOD(rows);
}

static void text_takes_width_and_precision(void)
{
    static const struct row rows[] = {
        { "%(ENV_HOME).3s", "/ro" },
        { "%(ENV_HOME)8s", "   /root" },
        { "%(ENV_HOME)-8s|", "/root   |" },
        { "%(ENV_HOME)r", "'/root'" },
        { "%(ENV_N)c", "5" },
    };
    CHECK_GOOD(rows);
}

static void bad_formats_are_named(void)
{
    static const struct row rows[] = {
        { "100%", "incomplete format" },
        { "a %", "incomplete format" },
        { "%(here)", "incomplete format" },
        { "%(here)5", "incomplete format" },
        { "%-", "incomplete format" },
        { "%l", "incomplete format" },
        { "%.2", "incomplete format" },
        { "%(here", "incomplete format key" },
        { "%z", "unsupported format character 'z' (0x7a) at index 1" },
        { "%(here)z", "unsupported format character 'z' (0x7a) at index 7" },
        { "\xC3\xA9%z", "unsupported format character 'z' (0x7a) at index 2" },
        { "%5%", "unsupported format character '%' (0x25) at index 2" },
        { "%d", "%d format: a real number is required, not dict" },
        { "%x", "%x format: an integer is required, not dict" },
        { "%f", "must be real number, not dict" },
        { "%c", "%c requires int or char" },
        { "%.log", "%o format: an integer is required, not dict" },
        { "%(ENV_HOME)d", "%d format: a real number is required, not str" },
        { "%(process_num)*d", "not enough arguments for format string" },
        { "%*d", "* wants int" },
        { "%s", "not enough arguments for format string" },
        { "100% sure", "not enough arguments for format string" },
        { "%(process_num)99999999999d", "width too big" },
        { "%(process_num)16000000d%(process_num)16000000d", "the result is too long" },
    };
    CHECK_BAD(rows, "is badly formatted: ");
}

static void unknown_names_are_told_with_the_known(void)
{
    static const struct row rows[] = {
        { "%(nope)s", "'nope'" },
        { "%(HERE)z", "'HERE'" },
        { "%()s", "''" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char expected[256];
        (void)snprintf(expected, sizeof(expected),
                       "%s) which cannot be expanded. Available names: (odd), ENV_HOME, ENV_N, "
                       "here, minus, process_num",
                       rows[i].result);
        const struct row row = { rows[i].text, expected };
        check_rows(&row, 1, -EINVAL, "contains names (");
    }
}

static const struct unit_test tests[] = {
    UNIT_TEST(names_are_replaced),
    UNIT_TEST(numbers_take_every_conversion),
    UNIT_TEST(text_takes_width_and_precision),
    UNIT_TEST(bad_formats_are_named),
    UNIT_TEST(unknown_names_are_told_with_the_known),
};

int main(void)
{
    return UNIT_RUN("expand", tests);
}
