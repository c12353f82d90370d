/* SPDX-License-Identifier: MIT */
/* test_utf8.c: what counts as UTF-8. */
#include "supervisor/core/utf8.h"
#include "unit.h"

#include <string.h>

static bool valid(const char *text)
{
    return utf8_is_valid(text, strlen(text));
}

static void whole_characters_are_valid(void)
{
    CU_ASSERT_TRUE(valid(""));
    CU_ASSERT_TRUE(valid("plain"));
    CU_ASSERT_TRUE(valid("caf\xc3\xa9"));
    CU_ASSERT_TRUE(valid("\xe6\x97\xa5\xe6\x9c\xac"));
    CU_ASSERT_TRUE(valid("\xf0\x9f\x98\x80"));
    CU_ASSERT_TRUE(valid("\xf4\x8f\xbf\xbf"));
    CU_ASSERT_TRUE(utf8_is_valid("a\0b", 3));
}

static void what_python_refuses_is_refused(void)
{
    static const char *const bad[] = {
        "\xff",         "\x80",         "a\xc3",        "\xc0\xaf",         "\xc1\x81",
        "\xe0\x80\xaf", "\xed\xa0\x80", "\xe6\x97",     "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80",     "\xf0\x9f\x98", "\xc3\xa9\xa9",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CU_ASSERT_FALSE(valid(bad[i]));
}

static void characters_are_counted_not_bytes(void)
{
    CU_ASSERT_EQUAL(utf8_count("caf\xc3\xa9", 5), 4);
    CU_ASSERT_EQUAL(utf8_count("\xf0\x9f\x98\x80", 4), 1);
    CU_ASSERT_EQUAL(utf8_count("", 0), 0);
}

static void a_character_cut_at_the_end_is_told(void)
{
    CU_ASSERT_EQUAL(utf8_cut_tail("caf\xc3", 4), 1);
    CU_ASSERT_EQUAL(utf8_cut_tail("\xe6\x97", 2), 2);
    CU_ASSERT_EQUAL(utf8_cut_tail("\xf0\x9f\x98", 3), 3);
    CU_ASSERT_EQUAL(utf8_cut_tail("abc", 3), 0);
    CU_ASSERT_EQUAL(utf8_cut_tail("caf\xc3\xa9", 5), 0);
    CU_ASSERT_EQUAL(utf8_cut_tail("\xff", 1), 0);
    CU_ASSERT_EQUAL(utf8_cut_tail("\xed\xa0", 2), 0); /* a surrogate can never be whole */
    CU_ASSERT_EQUAL(utf8_cut_tail("", 0), 0);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(whole_characters_are_valid),
        UNIT_TEST(what_python_refuses_is_refused),
        UNIT_TEST(characters_are_counted_not_bytes),
        UNIT_TEST(a_character_cut_at_the_end_is_told),
    };
    return UNIT_RUN("utf8", tests);
}
