/* SPDX-License-Identifier: MIT */
/* test_env_file.c: files of KEY=value. */
#include "supervisor/core/buf.h"
#include "supervisor/core/datatypes.h"
#include "supervisor/core/env_file.h"
#include "tmp_dir.h"
#include "unit.h"

#include <errno.h>

static void check(const char *text, const char *expected)
{
    struct env_list list = { 0 };
    struct buf error = BUF_INIT, got = BUF_INIT;
    if (env_file_parse("f", text, &list, &error) < 0)
        buf_printf(&got, "!%s", buf_text(&error));
    else
        for (size_t i = 0; i < list.n; i++)
            buf_printf(&got, "%s%s=%s", i ? "|" : "", list.vars[i].name, list.vars[i].value);
    CU_ASSERT_STRING_EQUAL(buf_text(&got), expected);
    env_list_free(&list);
    buf_free(&error);
    buf_free(&got);
}

static void a_line_is_a_variable(void)
{
    static const char *const rows[][2] = {
        { "", "" },
        { "A=1", "A=1" },
        { "A=1\nB=2\n", "A=1|B=2" },
        { "\n# c\n  # d\n  A = 1 \r\n", "A=1" },
        { "export A=1\nexport=2\n", "A=1|export=2" },
        { "A=", "A=" },
        { "A=a b  c", "A=a b  c" },
        { "A=a #b", "A=a #b" },
        { "A=100% %(here)s $X", "A=100% %(here)s $X" },
        { "A='x \"y\" \\n $z'", "A=x \"y\" \\n $z" },
        { "A=\"x\\n\\\"y\\\" \\\\ \\$z\"", "A=x\n\"y\" \\ $z" },
        { "A=b=c", "A=b=c" },
        { "A=1\nA=2", "A=2" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        check(rows[i][0], rows[i][1]);
}

static void what_is_no_variable_is_told_with_its_line(void)
{
    static const char *const bad[] = { "A=1\nB",  "\n=1",      "#\nA B=1",
                                       "\nA=\"x", "\nA='x' y", "\n\"A\"=1" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        check(bad[i], "!f:2: not NAME=value");
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(tmp_path(name), "we");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_TRUE(fputs(text, f) >= 0);
    CU_ASSERT_EQUAL(fclose(f), 0);
}

static void later_files_win_and_optional_ones_may_be_missing(void)
{
    tmp_dir_make();
    write_file("a", "A=1\nB=2\n");
    write_file("b", "B=3\n");
    struct env_list list = { 0 };
    struct env_file_list files = { 0 };
    struct buf error = BUF_INIT;
    CU_ASSERT_EQUAL(env_list_set(&list, "A", "0"), 0);
    CU_ASSERT_EQUAL_FATAL(parse_env_files("a,-none,b", tmp_dir, &files, &error), 0);
    CU_ASSERT_EQUAL(env_files_read(&files, &list, &error), 0);
    CU_ASSERT_STRING_EQUAL(env_list_get(&list, "A"), "1");
    CU_ASSERT_STRING_EQUAL(env_list_get(&list, "B"), "3");
    env_file_list_free(&files);
    CU_ASSERT_EQUAL_FATAL(parse_env_files("none", tmp_dir, &files, &error), 0);
    CU_ASSERT_EQUAL(env_files_read(&files, &list, &error), -ENOENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_text(&error), "/none: No such file or directory"));
    env_file_list_free(&files);
    buf_reset(&error);
    CU_ASSERT_EQUAL_FATAL(parse_env_files("-/dev/zero", tmp_dir, &files, &error), 0);
    CU_ASSERT_EQUAL(env_files_read(&files, &list, &error), -EINVAL);
    env_file_list_free(&files);
    env_list_free(&list);
    buf_free(&error);
    tmp_dir_remove();
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_line_is_a_variable),
    UNIT_TEST(what_is_no_variable_is_told_with_its_line),
    UNIT_TEST(later_files_win_and_optional_ones_may_be_missing),
};

int main(void)
{
    return UNIT_RUN("env_file", tests);
}
