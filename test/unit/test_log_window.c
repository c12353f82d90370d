/* SPDX-License-Identifier: MIT */
/* test_log_window.c: which bytes of a log an offset and a length mean. */
#include "unit.h"

#include "../../src/rpc/log_window.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char file[] = "0123456789";
#define SIZE 10

static void assert_window(const struct log_window *w, const char *expected)
{
    CU_ASSERT_TRUE(w->offset >= 0 && w->length >= 0 && w->offset + w->length <= SIZE);
    CU_ASSERT_EQUAL(w->length, (int64_t)strlen(expected));
    CU_ASSERT_EQUAL(strncmp(file + w->offset, expected, (size_t)w->length), 0);
}

static void reading_follows_the_table(void)
{
    static const struct {
        int64_t offset, length;
        const char *text; /* NULL: refused */
    } rows[] = {
        { 0, 0, "0123456789" },
        { 3, 0, "3456789" },
        { 0, 5, "01234" },
        { 3, 4, "3456" },
        { 9, 5, "9" },
        { 10, 0, "" },
        { 20, 5, "" },
        { -3, 0, "789" },
        { -50, 0, "0123456789" },
        { -3, 2, NULL },
        { -3, -2, NULL },
        { 0, -1, NULL },
        { INT64_MAX, INT64_MAX, "" },
        { INT64_MIN, 0, "0123456789" },
        { 0, INT64_MAX, file },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct log_window w;
        int r = log_window_read(SIZE, rows[i].offset, rows[i].length, &w);
        CU_ASSERT_EQUAL(r, rows[i].text ? 0 : -EINVAL);
        if (r == 0 && rows[i].text)
            assert_window(&w, rows[i].text);
    }
}

static void tailing_follows_the_table(void)
{
    static const struct {
        int64_t offset, length;
        const char *text;
        bool overflow;
    } rows[] = {
        { 0, 0, "", true },
        { 0, 5, "56789", true },
        { 0, 10, "0123456789", false },
        { 0, 11, "0123456789", false },
        { 0, 100, "0123456789", false },
        { 3, 4, "6789", true },
        { 3, 7, "3456789", false },
        { 3, 8, "23456789", false },
        { 9, 5, "56789", false },
        { 10, 0, "", false },
        { 10, 5, "", false },
        { 11, 5, "", false },
        { 20, 5, "", false },
        { -3, 1, "9", true },
        { -3, 20, "0123456789", false },
        { -1, 10, "0123456789", true },
        { -1, 11, "0123456789", false },
        { 0, -5, "", true },
        { 100, -100, "", true },
        { INT64_MAX, INT64_MAX, "", false },
        { INT64_MIN, INT64_MIN, "", true },
        { 0, INT64_MAX, "0123456789", false },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct log_window w;
        log_window_tail(SIZE, rows[i].offset, rows[i].length, &w);
        assert_window(&w, rows[i].text);
        CU_ASSERT_EQUAL(w.overflow, rows[i].overflow);
    }
}

static void an_answer_has_a_limit(void)
{
    struct log_window w;
    const int64_t size = INT64_C(5) * LOG_WINDOW_MAX;
    CU_ASSERT_EQUAL(log_window_read(size, 0, 0, &w), 0);
    CU_ASSERT_EQUAL(w.offset, 0); /* go on reading behind it */
    CU_ASSERT_EQUAL(w.length, LOG_WINDOW_MAX);
    CU_ASSERT_EQUAL(log_window_read(size, -size, 0, &w), 0);
    CU_ASSERT_EQUAL(w.offset + w.length, size); /* who counts from the end wants the end */
    CU_ASSERT_EQUAL(w.length, LOG_WINDOW_MAX);
    log_window_tail(size, 0, size, &w);
    CU_ASSERT_EQUAL(w.offset + w.length, size);
    CU_ASSERT_EQUAL(w.length, LOG_WINDOW_MAX);
}

static void only_regular_files_are_read(void)
{
    int64_t size;
    CU_ASSERT_EQUAL(log_file_open("/", &size), -EINVAL);
    CU_ASSERT_EQUAL(log_file_open("/dev/null", &size), -EINVAL);
    CU_ASSERT_EQUAL(log_file_open("/no/such/file", &size), -ENOENT);
}

static const struct unit_test tests[] = {
    UNIT_TEST(reading_follows_the_table),
    UNIT_TEST(tailing_follows_the_table),
    UNIT_TEST(an_answer_has_a_limit),
    UNIT_TEST(only_regular_files_are_read),
};

int main(void)
{
    return UNIT_RUN("log_window", tests);
}
