/* SPDX-License-Identifier: MIT */
/* test_web_text.c: how names and bytes get into pages, links, labels and headers. */
#include "html.h"
#include "metrics.h"

#include "unit.h"

#include <string.h>

#define CHECK_TEXT(write, given, expected)                                                         \
    do {                                                                                           \
        struct buf out_ = BUF_INIT;                                                                \
        write(&out_, given);                                                                       \
        CU_ASSERT_STRING_EQUAL(buf_text(&out_), expected);                                         \
        buf_free(&out_);                                                                           \
    } while (0)

static void markup_becomes_text(void)
{
    CHECK_TEXT(html_text, "", "");
    CHECK_TEXT(html_text, "plain", "plain");
    CHECK_TEXT(html_text, "<script>alert('1')</script> & \"q\"",
               "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;q&quot;");
    CHECK_TEXT(html_text, "&amp;", "&amp;amp;");
}

static void what_is_no_utf8_shows_as_a_replacement(void)
{
    CHECK_TEXT(html_text,
               "a\xff"
               "b",
               "a\xef\xbf\xbd"
               "b");
    CHECK_TEXT(html_text, "cut \xc3", "cut \xef\xbf\xbd");
    CHECK_TEXT(html_text, "h\xc3\xa9", "h\xc3\xa9");
    CHECK_TEXT(html_text, "\x1b[31mred\tand\n", "\xef\xbf\xbd[31mred\tand\n");
}

static void a_nul_does_not_end_a_text_of_known_length(void)
{
    struct buf out = BUF_INIT;
    html_text_n(&out, "a\0b", 3);
    CU_ASSERT_STRING_EQUAL(buf_text(&out), "a\xef\xbf\xbd"
                                           "b");
    buf_free(&out);
}

static void names_are_encoded_for_links(void)
{
    CHECK_TEXT(html_url, "g:m_0", "g%3Am_0");
    CHECK_TEXT(html_url, "a b*&=?#", "a%20b%2A%26%3D%3F%23");
    CHECK_TEXT(html_url, "dir/x-1.~", "dir/x-1.~");
    CHECK_TEXT(html_url, "\xc3\xa9\"'<", "%C3%A9%22%27%3C");
}

static void labels_escape_what_would_end_them(void)
{
    CHECK_TEXT(metrics_label, "web_0", "web_0");
    CHECK_TEXT(metrics_label, "a\"b\\c\nd", "a\\\"b\\\\c\\nd");
    CHECK_TEXT(metrics_label, "\xff", "\xef\xbf\xbd");
}

static void openmetrics_is_spoken_to_who_asks_for_it(void)
{
    CU_ASSERT_FALSE(metrics_wants_openmetrics(NULL));
    CU_ASSERT_FALSE(metrics_wants_openmetrics("*/*"));
    CU_ASSERT_FALSE(metrics_wants_openmetrics("text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
    CU_ASSERT_TRUE(metrics_wants_openmetrics(
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
        "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
    CU_ASSERT_FALSE(metrics_wants_openmetrics("text/plain, application/openmetrics-text;q=0"));
    CU_ASSERT_FALSE(metrics_wants_openmetrics("text/plain, application/openmetrics-text;q=0.2"));
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(markup_becomes_text),
        UNIT_TEST(what_is_no_utf8_shows_as_a_replacement),
        UNIT_TEST(a_nul_does_not_end_a_text_of_known_length),
        UNIT_TEST(names_are_encoded_for_links),
        UNIT_TEST(labels_escape_what_would_end_them),
        UNIT_TEST(openmetrics_is_spoken_to_who_asks_for_it),
    };
    return UNIT_RUN("web_text", tests);
}
