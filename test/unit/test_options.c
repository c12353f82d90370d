/* SPDX-License-Identifier: MIT */
/* test_options.c: command lines are read, and refused, in the words that scripts know. */
#include "supervisor/core/options.h"
#include "unit.h"

#include <string.h>

enum { CONFIG, HELP, HISTORY, INTERACTIVE };

static const struct option_row rows[] = {
    { 'c', "configuration", true, CONFIG },
    { 'h', "help", false, HELP },
    { '?', NULL, false, HELP },
    { 'r', "history_file", true, HISTORY },
    { 'i', "interactive", false, INTERACTIVE },
};

static struct option_hit hits[OPTIONS_MAX];
static size_t n_hits;
static int rest;
static char error[256];

static int scan(char *words)
{
    static char prog[] = "prog";
    char *argv[16] = { prog };
    int argc = 1;
    for (char *save = NULL, *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    error[0] = '\0';
    return options_scan(argc, argv, rows, sizeof(rows) / sizeof(rows[0]), hits, &n_hits, &rest,
                        error, sizeof(error));
}

static void scanning_stops_at_the_first_word_that_is_no_option(void)
{
    char line[] = "-i status -c x";
    CU_ASSERT_EQUAL(scan(line), 0);
    CU_ASSERT_EQUAL(n_hits, 1);
    CU_ASSERT_EQUAL(rest, 2);
    char dashes[] = "-i -- -c x";
    CU_ASSERT_EQUAL(scan(dashes), 0);
    CU_ASSERT_EQUAL(rest, 3);
    char minus[] = "- x";
    CU_ASSERT_EQUAL(scan(minus), 0);
    CU_ASSERT_EQUAL(rest, 1);
}

static void values_are_attached_or_follow(void)
{
    char line[] = "-cA -ic B --configuration=C --conf D";
    CU_ASSERT_EQUAL(scan(line), 0);
    CU_ASSERT_EQUAL_FATAL(n_hits, 5);
    CU_ASSERT_STRING_EQUAL(hits[0].value, "A");
    CU_ASSERT_EQUAL(hits[1].id, INTERACTIVE);
    CU_ASSERT_STRING_EQUAL(hits[2].value, "B");
    CU_ASSERT_STRING_EQUAL(hits[3].value, "C");
    CU_ASSERT_STRING_EQUAL(hits[4].value, "D");
    CU_ASSERT_STRING_EQUAL(hits[4].spelling, "--configuration");
}

static void bad_options_are_named(void)
{
    static const struct {
        const char *line, *sentence;
    } cases[] = {
        { "-z", "option -z not recognized" },
        { "-iz", "option -z not recognized" },
        { "--nope", "option --nope not recognized" },
        { "--h", "option --h not a unique prefix" },
        { "-c", "option -c requires argument" },
        { "--configuration", "option --configuration requires argument" },
        { "--interactive=1", "option --interactive must not have an argument" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[64];
        strncpy(line, cases[i].line, sizeof(line) - 1);
        line[sizeof(line) - 1] = '\0';
        CU_ASSERT_TRUE(scan(line) < 0);
        CU_ASSERT_STRING_EQUAL(error, cases[i].sentence);
    }
}

static void a_setting_given_twice_is_a_conflict_in_any_spelling(void)
{
    char line[] = "-h -?";
    CU_ASSERT_EQUAL(scan(line), 0);
    CU_ASSERT_FALSE(options_conflict(hits, 0, error, sizeof(error)));
    CU_ASSERT_TRUE(options_conflict(hits, 1, error, sizeof(error)));
    CU_ASSERT_STRING_EQUAL(error, "conflicting command line option '-?'");
    char other[] = "-c a --configuration b";
    CU_ASSERT_EQUAL(scan(other), 0);
    CU_ASSERT_TRUE(options_conflict(hits, 1, error, sizeof(error)));
    CU_ASSERT_STRING_EQUAL(error, "conflicting command line option '--configuration'");
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(scanning_stops_at_the_first_word_that_is_no_option),
        UNIT_TEST(values_are_attached_or_follow),
        UNIT_TEST(bad_options_are_named),
        UNIT_TEST(a_setting_given_twice_is_a_conflict_in_any_spelling),
    };
    return UNIT_RUN("options", tests);
}
