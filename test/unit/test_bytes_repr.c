/* SPDX-License-Identifier: MIT */
/* test_bytes_repr.c: bytes that are no text, as listeners and readers of the log see them. */
#include "../../src/workers/bytes_repr.h"
#include "unit.h"

#include <string.h>

static void undecodable_text_is_a_bytes_literal(void)
{
    static const struct {
        const char *data, *text;
    } rows[] = {
        { "", "" },
        { "fine", "fine" },
        { "caf\xc3\xa9", "caf\xc3\xa9" },
        { "data\xff", "Undecodable: b'data\\xff'" },
        { "it's\xff", "Undecodable: b\"it's\\xff\"" },
        { "'\"\xff", "Undecodable: b'\\'\"\\xff'" },
        { "\t\r\n\\\x01\x7f\xff", "Undecodable: b'\\t\\r\\n\\\\\\x01\\x7f\\xff'" },
        { "caf\xc3", "Undecodable: b'caf\\xc3'" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = BUF_INIT;
        bytes_text_append(&out, rows[i].data, strlen(rows[i].data));
        CU_ASSERT_STRING_EQUAL(buf_text(&out), rows[i].text);
        buf_free(&out);
    }
}

static void protocol_bytes_are_always_a_literal(void)
{
    struct buf out = BUF_INIT;
    bytes_repr_append(&out, "READY\n", 6);
    bytes_repr_append(&out, "a\0b", 3);
    CU_ASSERT_STRING_EQUAL(buf_text(&out), "b'READY\\n'b'a\\x00b'");
    buf_free(&out);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(undecodable_text_is_a_bytes_literal),
        UNIT_TEST(protocol_bytes_are_always_a_literal),
    };
    return UNIT_RUN("bytes_repr", tests);
}
