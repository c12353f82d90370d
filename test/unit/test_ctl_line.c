/* SPDX-License-Identifier: MIT */
/* test_ctl_line.c: command lines, and what a line being typed could go on with. */
#include "unit.h"

#include "../../src/cli/complete.h"
#include "../../src/cli/line.h"
#include "supervisor/core/datatypes.h"

#include <stdlib.h>
#include <string.h>

static void a_line_is_a_command_word_and_words(void)
{
    static const struct {
        const char *text, *command, *rest;
        size_t n;
    } rows[] = {
        { "status", "status", "", 0 },
        { "  start a  b:c \r\n", "start", "a  b:c", 2 },
        { "version-x", "version", "-x", 1 },
        { "version2", "version2", "", 0 },
        { "pid:cat", "pid", ":cat", 1 },
        { "? status", "help", "status", 1 },
        { "?", "help", "", 0 },
        { "!ls", "", "!ls", 1 },
        { "# text", "", "# text", 2 },
        { "na\xc3\xafve", "na", "\xc3\xafve", 1 },
        { "", "", "", 0 },
        { " \t\v\f\x1c ", "", "", 0 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct line line;
        CU_ASSERT_EQUAL_FATAL(line_parse(rows[i].text, &line), 0);
        CU_ASSERT_STRING_EQUAL(line.command, rows[i].command);
        CU_ASSERT_STRING_EQUAL(line.rest, rows[i].rest);
        CU_ASSERT_EQUAL(line.n, rows[i].n);
        line_free(&line);
    }
}

static void words_are_joined_and_split_again_without_quoting(void)
{
    char one[] = "start g:b", two[] = "\"c", three[] = "d\"";
    char *const words[] = { one, two, three };
    struct line line;
    char *text = line_join(words, 3);
    CU_ASSERT_STRING_EQUAL(text, "start g:b \"c d\"");
    CU_ASSERT_EQUAL_FATAL(line_parse(text, &line), 0);
    CU_ASSERT_EQUAL(line.n, 3);
    CU_ASSERT_STRING_EQUAL(line.words[1], "\"c");
    line_free(&line);
    free(text);
}

static void the_first_word_says_what_completes(void)
{
    static const struct {
        const char *line;
        enum completion_kind kind;
        size_t word;
    } rows[] = {
        { "", COMPLETE_COMMANDS, 0 },
        { "st", COMPLETE_COMMANDS, 0 },
        { "  st", COMPLETE_COMMANDS, 2 },
        { "help re", COMPLETE_COMMANDS, 5 },
        { "start ", COMPLETE_PROCESSES, 6 },
        { "tail -f web:a", COMPLETE_PROCESSES, 8 },
        { "update g", COMPLETE_GROUPS, 7 },
        { "version ", COMPLETE_NOTHING, 8 },
        { "signal HUP a", COMPLETE_PROCESSES, 11 },
        { "nosuch x", COMPLETE_NOTHING, 7 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t word = 99;
        CU_ASSERT_EQUAL(completion_kind_of(rows[i].line, &word), rows[i].kind);
        CU_ASSERT_EQUAL(word, rows[i].word);
    }
}

static void commands_complete_by_their_beginning(void)
{
    char **words = completion_words(COMPLETE_COMMANDS, "st", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(words);
    CU_ASSERT_STRING_EQUAL(words[0], "start");
    CU_ASSERT_STRING_EQUAL(words[2], "stop");
    CU_ASSERT_PTR_NULL(words[3]);
    CU_ASSERT_EQUAL(completion_common(words), 2);
    text_list_free(words);
}

static void nothing_fits_nothing(void)
{
    char **words = completion_words(COMPLETE_PROCESSES, "x", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(words);
    CU_ASSERT_PTR_NULL(words[0]);
    CU_ASSERT_EQUAL(completion_common(words), 0);
    text_list_free(words);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_line_is_a_command_word_and_words),
        UNIT_TEST(words_are_joined_and_split_again_without_quoting),
        UNIT_TEST(the_first_word_says_what_completes),
        UNIT_TEST(commands_complete_by_their_beginning),
        UNIT_TEST(nothing_fits_nothing),
    };
    return UNIT_RUN("ctl_line", tests);
}
