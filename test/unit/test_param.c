/* SPDX-License-Identifier: MIT */
/* test_param.c: parameters as lax as Python takes them, and request targets. */
#include "unit.h"

#include "../../src/rpc/http_url.h"
#include "../../src/rpc/param.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(s)                                                                                    \
    {                                                                                              \
        .kind = VALUE_STRING, .string = (char[]){ s }, .len = sizeof(s) - 1                        \
    }

static void truth_is_pythons(void)
{
    const struct value yes[] = { TEXT("false"),
                                 TEXT("0"),
                                 { .kind = VALUE_INT, .integer = -1 },
                                 { .kind = VALUE_DOUBLE, .real = 0.5 },
                                 { .kind = VALUE_BOOL, .boolean = true },
                                 { .kind = VALUE_ARRAY, .n = 1 } };
    const struct value no[] = { TEXT(""),
                                { .kind = VALUE_NIL },
                                { .kind = VALUE_INT },
                                { .kind = VALUE_DOUBLE },
                                { .kind = VALUE_BOOL },
                                { .kind = VALUE_ARRAY },
                                { .kind = VALUE_STRUCT } };
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        CU_ASSERT_TRUE(param_truth(&yes[i]));
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        CU_ASSERT_FALSE(param_truth(&no[i]));
}

static void integers_come_in_many_shapes(void)
{
    const struct value good[] = { { .kind = VALUE_INT, .integer = 5 },
                                  TEXT("5"),
                                  TEXT(" 5 "),
                                  { .kind = VALUE_DOUBLE, .real = 5.9 } };
    const struct value bad[] = { TEXT(""),
                                 TEXT("a"),
                                 TEXT("5a"),
                                 { .kind = VALUE_NIL },
                                 { .kind = VALUE_ARRAY },
                                 { .kind = VALUE_DOUBLE, .real = 1e300 } };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        int64_t number = 0;
        CU_ASSERT_EQUAL(param_int(&good[i], &number), 0);
        CU_ASSERT_EQUAL(number, 5);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t number;
        CU_ASSERT_EQUAL(param_int(&bad[i], &number), -EINVAL);
    }
    int64_t number;
    const struct value negative = { .kind = VALUE_DOUBLE, .real = -1.9 };
    CU_ASSERT_EQUAL(param_int(&negative, &number), 0);
    CU_ASSERT_EQUAL(number, -1);
}

static void values_are_shown_as_python_shows_them(void)
{
    struct value items[] = {
        { .kind = VALUE_INT, .integer = 1 },     TEXT("a'b"),
        { .kind = VALUE_BOOL, .boolean = true }, { .kind = VALUE_NIL },
        { .kind = VALUE_DOUBLE, .real = 1.5 },   { .kind = VALUE_DOUBLE, .real = 2 }
    };
    const struct value list = { .kind = VALUE_ARRAY, .items = items, .n = 6 };
    struct buf out = BUF_INIT;
    param_str(&out, &list);
    CU_ASSERT_STRING_EQUAL(buf_text(&out), "[1, \"a'b\", True, None, 1.5, 2.0]");
    buf_reset(&out);
    const struct value text = TEXT("plain");
    param_str(&out, &text);
    CU_ASSERT_STRING_EQUAL(buf_text(&out), "plain");
    buf_free(&out);
}

static void signals_have_many_names(void)
{
    const struct value hup[] = { TEXT("HUP"), TEXT("SIGHUP"),
                                 TEXT("hup"), TEXT(" sighup "),
                                 TEXT("1"),   { .kind = VALUE_INT, .integer = 1 } };
    const struct value bad[] = { TEXT(""),
                                 TEXT("FOO"),
                                 TEXT("_DFL"),
                                 TEXT("SIG_IGN"),
                                 TEXT("SIG_DFL"),
                                 TEXT("999"),
                                 TEXT("-1"),
                                 TEXT("32"),
                                 { .kind = VALUE_INT, .integer = 65 },
                                 { .kind = VALUE_NIL } };
    int number;
    for (size_t i = 0; i < sizeof(hup) / sizeof(hup[0]); i++) {
        CU_ASSERT_EQUAL(param_signal(&hup[i], &number), 0);
        CU_ASSERT_EQUAL(number, SIGHUP);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CU_ASSERT_EQUAL(param_signal(&bad[i], &number), -EINVAL);
    const struct value probe = TEXT("0"), first = TEXT("RTMIN"), third = TEXT("SIGRTMIN+3"),
                       last = TEXT("rtmax");
    CU_ASSERT_EQUAL(param_signal(&probe, &number), 0);
    CU_ASSERT_EQUAL(number, 0);
    CU_ASSERT_EQUAL(param_signal(&first, &number), 0);
    CU_ASSERT_EQUAL(number, SIGRTMIN);
    CU_ASSERT_EQUAL(param_signal(&third, &number), 0);
    CU_ASSERT_EQUAL(number, SIGRTMIN + 3);
    CU_ASSERT_EQUAL(param_signal(&last, &number), 0);
    CU_ASSERT_EQUAL(number, SIGRTMAX);
}

static void targets_are_decoded_once(void)
{
    static const char *const rows[][2] = {
        { "/RPC2?x=1", "/RPC2" },
        { "/%52PC2", "/RPC2" },
        { "/logtail/a%3Ab", "/logtail/a:b" },
        { "/%2563at", "/%63at" },
        { "/a%2", "/a%2" },
        { "/a+b", "/a+b" },
        { "/a%00b", NULL },
        { "/%ff", NULL },
        { "/a%0d%0ab", NULL },
        { "/caf%C3%A9", "/caf\xc3\xa9" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *path = NULL;
        int r = http_url_path(rows[i][0], &path);
        CU_ASSERT_EQUAL(r, rows[i][1] ? 0 : -EBADMSG);
        if (r == 0 && rows[i][1])
            CU_ASSERT_STRING_EQUAL(path, rows[i][1]);
        free(path);
    }
}

static void fields_are_found_first_or_last(void)
{
    static const struct {
        const char *fields, *name;
        bool last;
        const char *value;
    } rows[] = {
        { "a=1&b=2&a=3", "a", false, "1" }, { "a=1&b=2&a=3", "a", true, "3" },
        { "a=x+y%26", "a", false, "x y&" }, { "a=&b", "a", false, NULL },
        { "a=&b", "b", false, NULL },       { "", "a", false, NULL },
        { "&&a=1", "a", false, "1" },       { "%61=1", "a", false, "1" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *value = http_url_field(rows[i].fields, rows[i].name, rows[i].last);
        CU_ASSERT_EQUAL(value == NULL, rows[i].value == NULL);
        if (value && rows[i].value)
            CU_ASSERT_STRING_EQUAL(value, rows[i].value);
        free(value);
    }
}

static const struct unit_test tests[] = {
    UNIT_TEST(truth_is_pythons),
    UNIT_TEST(integers_come_in_many_shapes),
    UNIT_TEST(values_are_shown_as_python_shows_them),
    UNIT_TEST(signals_have_many_names),
    UNIT_TEST(targets_are_decoded_once),
    UNIT_TEST(fields_are_found_first_or_last),
};

int main(void)
{
    return UNIT_RUN("param", tests);
}
