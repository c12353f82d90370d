/* SPDX-License-Identifier: MIT */
/* test_ini.c: the dialect, row by row. */
#include "supervisor/core/ini.h"
#include "tmp_dir.h"
#include "unit.h"

#include <errno.h>

static struct ini *ini;
static struct ini_error error;
static int status;

static void read_bytes(const char *text, size_t len)
{
    ini_free(ini);
    ini = NULL;
    ini_error_free(&error);
    CU_ASSERT_EQUAL_FATAL(ini_new(&ini), 0);
    status = ini_read_text(ini, "f", text, len, &error);
}

static void read_text(const char *text)
{
    read_bytes(text, strlen(text));
}

static void done(void)
{
    ini_free(ini);
    ini = NULL;
    ini_error_free(&error);
}

static const char *value_of(const char *section, const char *key)
{
    const struct ini_section *s = ini_find_section(ini, section);
    const struct ini_entry *entry = s ? ini_get(ini, s, key) : NULL;
    return entry ? entry->value : NULL;
}

struct row {
    const char *lines; /* behind "[s]\n" */
    const char *key;
    const char *value; /* NULL: the key is not there */
};

static void check_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "[s]\n%s\n", rows[i].lines);
        read_text(text);
        const char *value = value_of("s", rows[i].key);
        bool right = status == 0 && ((!value && !rows[i].value) ||
                                     (value && rows[i].value && !strcmp(value, rows[i].value)));
        if (!right)
            fprintf(stderr, "<%s>: %s is <%s>, not <%s>\n", rows[i].lines, rows[i].key,
                    value ? value : "(none)", rows[i].value ? rows[i].value : "(none)");
        CU_ASSERT_TRUE(right);
    }
    done();
}

#define CHECK_ROWS(rows) check_rows((rows), sizeof(rows) / sizeof(*(rows)))

static void keys_and_values_split_at_the_first_delimiter(void)
{
    static const struct row rows[] = {
        { "a=b", "a", "b" },           { "a:b", "a", "b" },
        { "a  =  b", "a", "b" },       { "a\t=\tb", "a", "b" },
        { "a:b=c", "a", "b=c" },       { "a=b:c", "a", "b:c" },
        { "a==b", "a", "=b" },         { "http://x = y", "http", "//x = y" },
        { "FoO=Bar", "foo", "Bar" },   { "a b c = d", "a b c", "d" },
        { "\"a\" = d", "\"a\"", "d" }, { "a=", "a", "" },
        { "a=   ", "a", "" },          { "a=b\\\nc=d", "a", "b\\" },
        { "a=b\\\nc=d", "c", "d" },    { "a=1\na=2", "a", "2" },
        { "a=1\n 2\na=3", "a", "3" },  { "a=\xE3\x80\x80x\xC2\xA0", "a", "x" },
    };
    CHECK_ROWS(rows);
}

static void comments_begin_at_a_blank_or_the_line(void)
{
    static const struct row rows[] = {
        { "a=b ; c", "a", "b" },
        { "a=b # c", "a", "b" },
        { "a=b\t;c", "a", "b" },
        { "a=b\xC2\xA0;c", "a", "b" },
        { "a=b;c", "a", "b;c" },
        { "a=b#c", "a", "b#c" },
        { "a=http://x/#frag", "a", "http://x/#frag" },
        { "a=;b", "a", ";b" },
        { "a=#b", "a", "#b" },
        { "a= ;b", "a", "" },
        { "a= #b", "a", "" },
        { "a=b;c ;d", "a", "b;c" },
        { "a=b;c;d ;e", "a", "b;c;d" },
        { "a=b ;c #d", "a", "b" },
        { "a=b #c ;d", "a", "b" },
        { "a=p#q;r #s ;t", "a", "p#q;r" },
        { "a=1\n;a=2\n  # a=3", "a", "1" },
        { "a;b=c", "a;b", "c" },
        { "command=bash -c 'foo ; bar'", "command", "bash -c 'foo" },
    };
    CHECK_ROWS(rows);
}

/* The reference looks at the k-th of each kind in rounds, and misses some. */
static void the_earliest_comment_counts(void)
{
    static const struct row rows[] = {
        { "a=b#c #d ;e", "a", "b#c" },
        { "a=b;c ;d #e", "a", "b;c" },
    };
    CHECK_ROWS(rows);
}

static void deeper_lines_continue_a_value(void)
{
    static const struct row rows[] = {
        { "a=b\n c\n  d", "a", "b\nc\nd" },  { "a=b\n\n c", "a", "b\n\nc" },
        { "a=b\n   \n c", "a", "b\n\nc" },   { "a=b\n\n\n", "a", "b" },
        { "a=b\n; x\n c", "a", "b\nc" },     { "a=b\n ; x\n c", "a", "b\nc" },
        { "a=b ; x\n c ; y", "a", "b\nc" },  { "a=b\n#c\n\n   d", "a", "b\n\nd" },
        { "a=\n b\n c", "a", "\nb\nc" },     { "a=b\n [t]\nc=d", "a", "b\n[t]" },
        { "a=b\n [t]\nc=d", "c", "d" },      { "a=b\n c=d", "a", "b\nc=d" },
        { "  a=b\n  c=d", "c", "d" },        { "    a=b\n  c=d", "c", "d" },
        { "  a=b\n    c=d", "a", "b\nc=d" }, { "  a=b\n    c=d", "c", NULL },
        { " a=b\n\tc=d", "c", "d" },
    };
    CHECK_ROWS(rows);
}

static void headers_are_taken_as_they_stand(void)
{
    static const char *const headers[][2] = {
        { "[s] foo", "s" }, { "[s];foo", "s" }, { "[s] ; foo", "s" },
        { "  [s]", "s" },   { "[s]x]", "s]x" }, { "[[s]]", "[s]" },
        { "[ s ]", " s " }, { "[S]", "S" },     { "[a:b c]", "a:b c" },
    };
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
        read_text(headers[i][0]);
        CU_ASSERT_EQUAL(status, 0);
        CU_ASSERT_PTR_NOT_NULL(ini_find_section(ini, headers[i][1]));
        CU_ASSERT_EQUAL(ini_section_count(ini), 1);
    }
    read_text("[s]\n[foo=bar\n");
    CU_ASSERT_STRING_EQUAL(value_of("s", "[foo"), "bar");
    done();
}

static void sections_of_one_name_merge(void)
{
    read_text("[s]\na=1\nb=2\n[t]\n[s]\na=3\nc=4\n");
    CU_ASSERT_EQUAL(ini_section_count(ini), 2);
    CU_ASSERT_STRING_EQUAL(value_of("s", "a"), "3");
    CU_ASSERT_STRING_EQUAL(value_of("s", "b"), "2");
    CU_ASSERT_STRING_EQUAL(value_of("s", "c"), "4");
    CU_ASSERT_EQUAL(ini_find(ini, ini_find_section(ini, "s"), "a")->line, 6);
    CU_ASSERT_EQUAL(ini_find_section(ini, "s")->line, 1);
    done();
}

static void default_stands_in_and_is_no_section(void)
{
    read_text("[s]\na=1\n[DEFAULT]\na=2\nb=3\n[default]\nc=4\n");
    CU_ASSERT_EQUAL(ini_section_count(ini), 2);
    CU_ASSERT_STRING_EQUAL(value_of("s", "a"), "1");
    CU_ASSERT_STRING_EQUAL(value_of("s", "b"), "3");
    CU_ASSERT_PTR_NULL(value_of("s", "c"));
    done();
}

static void lines_end_in_three_ways(void)
{
    read_text("[s]\r\na=1\rb=2\nc=3");
    CU_ASSERT_STRING_EQUAL(value_of("s", "a"), "1");
    CU_ASSERT_STRING_EQUAL(value_of("s", "b"), "2");
    CU_ASSERT_STRING_EQUAL(value_of("s", "c"), "3");
    CU_ASSERT_EQUAL(ini_find(ini, ini_find_section(ini, "s"), "c")->line, 4);
    done();
}

static void all_bad_lines_are_told(void)
{
    read_text("[s]\nfoo\na=1\n=v\n:\nit's\n");
    CU_ASSERT_EQUAL(status, -EINVAL);
    CU_ASSERT_STRING_EQUAL(error.sentence, "Source contains parsing errors: 'f'\n"
                                           "\t[line  2]: 'foo\\n'\n"
                                           "\t[line  4]: '=v\\n'\n"
                                           "\t[line  5]: ':\\n'\n"
                                           "\t[line  6]: \"it's\\n\"");
    CU_ASSERT_EQUAL_FATAL(error.n, 4);
    CU_ASSERT_EQUAL(error.list[3].line, 6);
    done();
}

static void a_line_before_any_header_ends_it(void)
{
    static const char *const texts[] = { "a=b\n", "[]\n", "[s\n", "\n; c\njunk\n[s]\n" };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        read_text(texts[i]);
        CU_ASSERT_EQUAL(status, -EINVAL);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.sentence, "File contains no section headers.\n"));
    }
    CU_ASSERT_STRING_EQUAL(error.sentence,
                           "File contains no section headers.\nfile: 'f', line: 3\n'junk\\n'");
    done();
}

static void what_is_no_utf8_is_told_with_its_place(void)
{
    static const struct {
        const char *text, *sentence;
    } rows[] = {
        { "[s]\na=\xFF", "'utf-8' codec can't decode byte 0xff in position 6: invalid start byte" },
        { "[s]\na=\xC3(",
          "'utf-8' codec can't decode byte 0xc3 in position 6: invalid continuation byte" },
        { "[s]\na=\xE2\x82(",
          "'utf-8' codec can't decode bytes in position 6-7: invalid continuation byte" },
        { "[s]\na=\xE2\x82",
          "'utf-8' codec can't decode bytes in position 6-7: unexpected end of data" },
        { "[s]\na=\xED\xA0\x80",
          "'utf-8' codec can't decode byte 0xed in position 6: invalid continuation byte" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        read_text(rows[i].text);
        CU_ASSERT_EQUAL(status, -EINVAL);
        CU_ASSERT_STRING_EQUAL(error.sentence, rows[i].sentence);
    }
    read_bytes("[s]\na=b\0c\n", 10);
    CU_ASSERT_EQUAL(status, -EINVAL);
    CU_ASSERT_EQUAL(error.list[0].line, 2);
    done();
}

static void a_byte_order_mark_is_skipped(void)
{
    read_text("\xEF\xBB\xBF[s]\na=1\n");
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_STRING_EQUAL(value_of("s", "a"), "1");
    done();
}

static void a_comment_that_cuts_an_open_quote_is_marked(void)
{
    read_text("[s]\na='x ; y'\nb='x' ; y\nc='x\n y ; z'\nd=it\\'s ; x\n");
    const struct ini_section *s = ini_find_section(ini, "s");
    CU_ASSERT_EQUAL(ini_find(ini, s, "a")->cut_line, 2);
    CU_ASSERT_EQUAL(ini_find(ini, s, "b")->cut_line, 0);
    CU_ASSERT_EQUAL(ini_find(ini, s, "c")->cut_line, 5);
    CU_ASSERT_EQUAL(ini_find(ini, s, "d")->cut_line, 0);
    done();
}

static void replacement_touches_only_what_is_new(void)
{
    read_text("[s]\na=%(here)s/%(here)s\n[DEFAULT]\nb=%(here)s\n");
    CU_ASSERT_EQUAL(ini_replace(ini, "%(here)s", "/d"), 0);
    CU_ASSERT_STRING_EQUAL(value_of("s", "a"), "/d//d");
    CU_ASSERT_STRING_EQUAL(value_of("s", "b"), "%(here)s");
    struct ini_error second;
    CU_ASSERT_EQUAL(ini_read_text(ini, "g", "[s]\nc=%(here)s\n", 15, &second), 0);
    CU_ASSERT_EQUAL(ini_replace(ini, "%(here)s", "/e"), 0);
    CU_ASSERT_STRING_EQUAL(value_of("s", "a"), "/d//d");
    CU_ASSERT_STRING_EQUAL(value_of("s", "c"), "/e");
    CU_ASSERT_EQUAL(ini_find(ini, ini_find_section(ini, "s"), "c")->file->order, 1);
    done();
}

static void what_is_no_file_is_refused_in_words(void)
{
    tmp_dir_make();
    CU_ASSERT_EQUAL_FATAL(ini_new(&ini), 0);
    CU_ASSERT_EQUAL(ini_read_file(ini, tmp_path("none"), &error), -ENOENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.sentence, "could not find config file "));
    ini_error_free(&error);
    CU_ASSERT_EQUAL(ini_read_file(ini, tmp_dir, &error), -EISDIR);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.sentence, "could not read config file "));
    ini_error_free(&error);
    CU_ASSERT_EQUAL_FATAL(mkfifo(tmp_path("fifo"), 0600), 0);
    CU_ASSERT_EQUAL(ini_read_file(ini, tmp_path("fifo"), &error), -ENODATA);
    ini_error_free(&error);
    CU_ASSERT_EQUAL(ini_read_file(ini, "/dev/zero", &error), -EFBIG);
    done();
    tmp_dir_remove();
}

static void ten_megabytes_of_keys_are_read(void)
{
    size_t len = 0, cap = 12U << 20;
    char *text = malloc(cap);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    len += (size_t)snprintf(text, cap, "[s]\n");
    for (int i = 0; len < 10U << 20; i++)
        len += (size_t)snprintf(text + len, cap - len, "key%d = value ; comment\n", i);
    read_bytes(text, len);
    free(text);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_STRING_EQUAL(value_of("s", "key300000"), "value");
    done();
}

static const struct unit_test tests[] = {
    UNIT_TEST(keys_and_values_split_at_the_first_delimiter),
    UNIT_TEST(comments_begin_at_a_blank_or_the_line),
    UNIT_TEST(the_earliest_comment_counts),
    UNIT_TEST(deeper_lines_continue_a_value),
    UNIT_TEST(headers_are_taken_as_they_stand),
    UNIT_TEST(sections_of_one_name_merge),
    UNIT_TEST(default_stands_in_and_is_no_section),
    UNIT_TEST(lines_end_in_three_ways),
    UNIT_TEST(all_bad_lines_are_told),
    UNIT_TEST(a_line_before_any_header_ends_it),
    UNIT_TEST(what_is_no_utf8_is_told_with_its_place),
    UNIT_TEST(a_byte_order_mark_is_skipped),
    UNIT_TEST(a_comment_that_cuts_an_open_quote_is_marked),
    UNIT_TEST(replacement_touches_only_what_is_new),
    UNIT_TEST(what_is_no_file_is_refused_in_words),
    UNIT_TEST(ten_megabytes_of_keys_are_read),
};

int main(void)
{
    return UNIT_RUN("ini", tests);
}
