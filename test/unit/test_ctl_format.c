/* SPDX-License-Identifier: MIT */
/* test_ctl_format.c: rows, columns and names of the client, byte for byte. */
#include "unit.h"

#include "../../src/cli/format.h"
#include "../../src/cli/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An answer of getAllProcessInfo made of (group, name, state, description). */
static struct value decode_infos(const char *const rows[][4], size_t n)
{
    static const char *const fields[] = { "group", "name", "statename", "description" };
    struct buf xml = BUF_INIT;
    struct xmlrpc_response response;
    xmlrpc_write_response_begin(&xml);
    xmlrpc_write_array_begin(&xml);
    for (size_t i = 0; i < n; i++) {
        xmlrpc_write_struct_begin(&xml);
        for (size_t k = 0; k < 4; k++)
            xmlrpc_write_member_string(&xml, fields[k], rows[i][k]);
        xmlrpc_write_struct_end(&xml);
    }
    xmlrpc_write_array_end(&xml);
    xmlrpc_write_response_end(&xml);
    CU_ASSERT_EQUAL_FATAL(xmlrpc_decode_response(xml.data, xml.len, &response), 0);
    buf_free(&xml);
    return response.value;
}

static const char *const sample[][4] = {
    { "cat", "cat", "RUNNING", "pid 7, uptime 0:00:01" },
    { "web", "app", "STARTING", "" },
    { "web", "web_01", "STOPPED", "Not started" },
    { "na\xc3\xafve", "na\xc3\xafve", "FATAL", "x" },
};

static void assert_rows(const char *const rows[][4], size_t n, bool colour, const char *expected)
{
    struct value infos = decode_infos(rows, n);
    const struct value *chosen[8];
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < n; i++)
        chosen[i] = &infos.items[i];
    format_status(&out, chosen, n, colour);
    CU_ASSERT_STRING_EQUAL(buf_text(&out), expected);
    buf_free(&out);
    value_free(&infos);
}

static void status_pads_names_and_states(void)
{
    assert_rows(sample, 4, false,
                "cat                              RUNNING   pid 7, uptime 0:00:01\n"
                "web:app                          STARTING  \n"
                "web:web_01                       STOPPED   Not started\n"
                "na\xc3\xafve                            FATAL     x\n");
}

static void status_grows_with_the_longest_name(void)
{
    static const char *const rows[][4] = {
        { "a-program-name-that-is-longer-than-thirty-chars",
          "a-program-name-that-is-longer-than-thirty-chars", "RUNNING", "d" },
        { "b", "b", "RUNNING", "d" },
    };
    assert_rows(rows, 2, false,
                "a-program-name-that-is-longer-than-thirty-chars   RUNNING   d\n"
                "b                                                 RUNNING   d\n");
}

static void colours_paint_the_state_alone(void)
{
    assert_rows(sample, 1, true,
                "cat                              \33[32mRUNNING   \33[0mpid 7, uptime 0:00:01\n");
}

static void columns_are_filled_downwards(void)
{
    static const char *const words[] = { "add", "avail", "clear", "exit", "fg" };
    struct buf out = BUF_INIT;
    format_columns(&out, words, 5, 20);
    CU_ASSERT_STRING_EQUAL(buf_text(&out), "add    clear  fg\navail  exit \n");
    buf_free(&out);
}

static void bytes_are_told_in_units(void)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } rows[] = { { 0, "0 B" }, { 1023, "1023 B" }, { 1536, "1.5 KiB" }, { 3 << 20, "3.0 MiB" } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = BUF_INIT;
        format_bytes(&out, rows[i].bytes);
        CU_ASSERT_STRING_EQUAL(buf_text(&out), rows[i].text);
        buf_free(&out);
    }
}

/* ---- names ---- */

static void names_are_taken_apart_at_the_first_colon(void)
{
    static const struct {
        const char *word, *group, *process, *display;
    } rows[] = {
        { "cat", "cat", "cat", "cat" },         { "cat:cat", "cat", "cat", "cat" },
        { "web:app", "web", "app", "web:app" }, { "web:*", "web", NULL, "web:*" },
        { "web:", "web", NULL, "web:*" },       { "web:app:x", "web", "app:x", "web:app:x" },
        { ":cat", "", "cat", ":cat" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct namespec spec;
        CU_ASSERT_EQUAL_FATAL(namespec_parse(rows[i].word, &spec), 0);
        CU_ASSERT_STRING_EQUAL(spec.group, rows[i].group);
        CU_ASSERT_EQUAL(spec.process == NULL, rows[i].process == NULL);
        if (spec.process && rows[i].process)
            CU_ASSERT_STRING_EQUAL(spec.process, rows[i].process);
        CU_ASSERT_STRING_EQUAL(spec.display, rows[i].display);
        namespec_free(&spec);
    }
}

static void a_star_alone_and_a_group_are_no_patterns(void)
{
    CU_ASSERT_FALSE(name_is_pattern("*"));
    CU_ASSERT_FALSE(name_is_pattern("web:*"));
    CU_ASSERT_FALSE(name_is_pattern("cat"));
    CU_ASSERT_TRUE(name_is_pattern("web_*"));
    CU_ASSERT_TRUE(name_is_pattern("web:web_*"));
    CU_ASSERT_TRUE(name_is_pattern("w[ab]"));
    CU_ASSERT_TRUE(name_is_pattern("*:*"));
}

/* Expand one word and compare with the names joined by spaces. */
static void assert_expands(const char *word, bool members, const char *expected)
{
    struct value infos = decode_infos(sample, 4);
    char copy[32];
    char *words[] = { copy };
    size_t n = 0;
    struct buf joined = BUF_INIT;
    (void)snprintf(copy, sizeof(copy), "%s", word);
    char **names =
        members ? names_expand_members(words, 1, &infos, &n) : names_expand(words, 1, &infos, &n);
    CU_ASSERT_PTR_NOT_NULL_FATAL(names);
    for (size_t i = 0; i < n; i++)
        buf_printf(&joined, "%s%s", i ? " " : "", names[i]);
    CU_ASSERT_STRING_EQUAL(buf_text(&joined), expected);
    buf_free(&joined);
    names_free(names, n);
    value_free(&infos);
}

static void patterns_become_what_they_match(void)
{
    assert_expands("c*", false, "cat");
    assert_expands("w*", false, "w*"); /* no process is called so; a group's are behind a colon */
    assert_expands("w*:*", false, "web:app web:web_01");
    assert_expands("web:web_*", false, "web:web_01");
    assert_expands("web:*", false, "web:*");
    assert_expands("web:*", true, "web:app web:web_01");
    assert_expands("nosuch:*", true, "nosuch:*");
    assert_expands("all", true, "cat web:app web:web_01 na\xc3\xafve");
}

static void a_group_overlaps_its_members(void)
{
    struct namespec group, member, other;
    CU_ASSERT_EQUAL_FATAL(namespec_parse("web:*", &group), 0);
    CU_ASSERT_EQUAL_FATAL(namespec_parse("web:app", &member), 0);
    CU_ASSERT_EQUAL_FATAL(namespec_parse("web:b", &other), 0);
    CU_ASSERT_TRUE(namespec_overlaps(&group, &member));
    CU_ASSERT_TRUE(namespec_overlaps(&member, &member));
    CU_ASSERT_FALSE(namespec_overlaps(&member, &other));
    namespec_free(&group);
    namespec_free(&member);
    namespec_free(&other);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(status_pads_names_and_states),
        UNIT_TEST(status_grows_with_the_longest_name),
        UNIT_TEST(colours_paint_the_state_alone),
        UNIT_TEST(columns_are_filled_downwards),
        UNIT_TEST(bytes_are_told_in_units),
        UNIT_TEST(names_are_taken_apart_at_the_first_colon),
        UNIT_TEST(a_star_alone_and_a_group_are_no_patterns),
        UNIT_TEST(patterns_become_what_they_match),
        UNIT_TEST(a_group_overlaps_its_members),
    };
    return UNIT_RUN("ctl_format", tests);
}
