/* SPDX-License-Identifier: MIT */
/* test_listener_protocol.c: what a listener says, row by row. */
#include "supervisor/workers/listener_protocol.h"
#include "unit.h"

#include <string.h>

/* Feed pieces (NULL-terminated) and remember the outcomes in order, none left out. */
static struct listener_protocol machine;
static char outcomes[64];

static void feed_piece(const char *data, size_t len)
{
    static const char letters[] = {
        [LISTENER_OUTCOME_READY] = 'r',     [LISTENER_OUTCOME_OK] = 'k',
        [LISTENER_OUTCOME_FAIL] = 'f',      [LISTENER_OUTCOME_BAD_RESULT] = 'b',
        [LISTENER_OUTCOME_VIOLATION] = 'v',
    };
    while (len) {
        enum listener_outcome outcome;
        size_t used = listener_protocol_feed(&machine, data, len, &outcome);
        CU_ASSERT_TRUE_FATAL(used <= len);
        CU_ASSERT_TRUE_FATAL(used > 0 || outcome != LISTENER_OUTCOME_NONE);
        data += used;
        len -= used;
        if (outcome != LISTENER_OUTCOME_NONE) {
            char letter[2] = { letters[outcome], '\0' };
            (void)strncat(outcomes, letter, sizeof(outcomes) - strlen(outcomes) - 1);
        }
    }
}

static const char *feed(const char *const pieces[])
{
    outcomes[0] = '\0';
    for (size_t i = 0; pieces[i]; i++)
        feed_piece(pieces[i], strlen(pieces[i]));
    return outcomes;
}

#define FEED(...) feed((const char *const[]){ __VA_ARGS__, NULL })

static void begin_acknowledged(void)
{
    listener_protocol_reset(&machine);
}

static void begin_busy(void)
{
    listener_protocol_reset(&machine);
    (void)FEED("READY\n");
    listener_protocol_sent(&machine);
}

static void check(const char *got, const char *want, enum listener_state state)
{
    CU_ASSERT_STRING_EQUAL(got, want);
    CU_ASSERT_EQUAL(machine.state, state);
}

static void a_new_child_is_acknowledged(void)
{
    begin_acknowledged();
    CU_ASSERT_EQUAL(machine.state, LISTENER_ACKNOWLEDGED);
    CU_ASSERT_STRING_EQUAL(listener_state_name(machine.state), "ACKNOWLEDGED");
}

static void ready_may_come_in_pieces(void)
{
    begin_acknowledged();
    check(FEED("REA", "DY\n"), "r", LISTENER_READY);
    begin_acknowledged();
    check(FEED("R", "E", "A", "D", "Y", "\n"), "r", LISTENER_READY);
}

static void ready_with_a_carriage_return_is_a_violation(void)
{
    begin_acknowledged();
    check(FEED("READY\r\n"), "v", LISTENER_UNKNOWN);
}

static void ready_said_twice_is_a_violation(void)
{
    begin_acknowledged();
    check(FEED("READY\nREADY\n"), "rv", LISTENER_UNKNOWN);
}

static void other_words_are_a_violation(void)
{
    begin_acknowledged();
    check(FEED("HELLO WORLD\n"), "v", LISTENER_UNKNOWN);
}

static void fewer_than_six_bytes_wait_without_a_warning(void)
{
    begin_acknowledged();
    check(FEED("HEY\n"), "", LISTENER_ACKNOWLEDGED);
}

static void any_byte_while_ready_is_a_violation(void)
{
    begin_acknowledged();
    check(FEED("READY\n", "x"), "rv", LISTENER_UNKNOWN);
}

static void nothing_is_heard_after_a_violation(void)
{
    begin_acknowledged();
    check(FEED("HELLO WORLD\n", "READY\n", "RESULT 2\nOK"), "v", LISTENER_UNKNOWN);
    listener_protocol_reset(&machine);
    check(FEED("READY\n"), "r", LISTENER_READY);
}

static void ok_is_the_body_of_two_bytes(void)
{
    begin_busy();
    check(FEED("RESULT 2\nOK"), "k", LISTENER_ACKNOWLEDGED);
    begin_busy();
    check(FEED("RES", "ULT ", "2", "\n", "O", "K"), "k", LISTENER_ACKNOWLEDGED);
}

static void everything_else_is_a_rejection(void)
{
    static const char *const results[] = { "RESULT 4\nFAIL", "RESULT 3\nOK\n", "RESULT 2\nok",
                                           "RESULT 3\nfoo",  "RESULT 1\nO",    "RESULT 0\n" };
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        begin_busy();
        check(FEED(results[i]), "f", LISTENER_ACKNOWLEDGED);
    }
    begin_busy();
    check(FEED("RESULT 4\nFA", "IL"), "f", LISTENER_ACKNOWLEDGED);
}

static void an_empty_result_counts_at_once(void)
{
    begin_busy();
    check(FEED("RESULT 0\n"), "f", LISTENER_ACKNOWLEDGED);
    begin_busy();
    check(FEED("RESULT 0\nREADY\n"), "fr", LISTENER_READY);
}

static void a_result_and_ready_may_come_in_one_write(void)
{
    begin_busy();
    check(FEED("RESULT 2\nOKREADY\n"), "kr", LISTENER_READY);
    begin_busy();
    check(FEED("RESULT 2\nOKHELLO\n"), "kv", LISTENER_UNKNOWN);
}

static void blanks_and_a_sign_are_tolerated_in_the_length(void)
{
    static const char *const results[] = { "RESULT  2\nOK", "RESULT 2 \nOK", "RESULT +2\nOK",
                                           "RESULT 02\nOK", "RESULT 2\r\nOK" };
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        begin_busy();
        check(FEED(results[i]), "k", LISTENER_ACKNOWLEDGED);
    }
}

static void bad_result_lines_end_the_conversation(void)
{
    static const char *const lines[] = {
        "HELLO\n",
        "READY\n",
        "RESULT abc\n",
        "RESULT \n",
        "RESULT\n",
        "\n",
        "RESULT -1\n",
        "RESULT 1048577\n",
        "XXXXXXX2\nOK",
        "RESULT 2 3\n",
        "RESULT 99999999999999999999\n",
        "result 2\nOK",
        "RESULT 0x2\n",
        "RESULT - 2\n",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        begin_busy();
        check(FEED(lines[i]), "b", LISTENER_UNKNOWN);
        size_t len = (size_t)(strchr(lines[i], '\n') - lines[i]);
        CU_ASSERT_EQUAL(machine.line_len, len); /* the line is there to be told */
        CU_ASSERT_EQUAL(memcmp(machine.line, lines[i], len), 0);
    }
}

static void an_unfinished_line_waits(void)
{
    begin_busy();
    check(FEED("HELLO"), "", LISTENER_BUSY);
}

static void a_line_without_end_is_bad(void)
{
    char junk[LISTENER_LINE_MAX + 1];
    memset(junk, 'x', sizeof(junk));
    begin_busy();
    outcomes[0] = '\0';
    feed_piece(junk, LISTENER_LINE_MAX);
    check(outcomes, "", LISTENER_BUSY);
    feed_piece(junk, 1);
    check(outcomes, "b", LISTENER_UNKNOWN);
}

static void a_long_body_takes_no_memory(void)
{
    char zeros[4096] = { 0 };
    begin_busy();
    outcomes[0] = '\0';
    feed_piece("RESULT 1048576\n", 15);
    for (size_t sent = 0; sent < LISTENER_BODY_MAX; sent += sizeof(zeros)) {
        CU_ASSERT_EQUAL(machine.state, LISTENER_BUSY);
        feed_piece(zeros, sizeof(zeros));
    }
    check(outcomes, "f", LISTENER_ACKNOWLEDGED);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_new_child_is_acknowledged),
        UNIT_TEST(ready_may_come_in_pieces),
        UNIT_TEST(ready_with_a_carriage_return_is_a_violation),
        UNIT_TEST(ready_said_twice_is_a_violation),
        UNIT_TEST(other_words_are_a_violation),
        UNIT_TEST(fewer_than_six_bytes_wait_without_a_warning),
        UNIT_TEST(any_byte_while_ready_is_a_violation),
        UNIT_TEST(nothing_is_heard_after_a_violation),
        UNIT_TEST(ok_is_the_body_of_two_bytes),
        UNIT_TEST(everything_else_is_a_rejection),
        UNIT_TEST(an_empty_result_counts_at_once),
        UNIT_TEST(a_result_and_ready_may_come_in_one_write),
        UNIT_TEST(blanks_and_a_sign_are_tolerated_in_the_length),
        UNIT_TEST(bad_result_lines_end_the_conversation),
        UNIT_TEST(an_unfinished_line_waits),
        UNIT_TEST(a_line_without_end_is_bad),
        UNIT_TEST(a_long_body_takes_no_memory),
    };
    return UNIT_RUN("listener_protocol", tests);
}
