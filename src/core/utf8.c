/* SPDX-License-Identifier: MIT */
/* utf8.c: is it UTF-8, and how many characters. */
#include "supervisor/core/utf8.h"

#include <stdint.h>

/* What may follow a lead byte: the length of the character and the range of its second byte. That
 * range is what excludes overlong forms, surrogates and characters above U+10FFFF. Source: The
 * Unicode Standard, table 3-7. */
struct lead {
    unsigned len; /* bytes; 0: no lead byte */
    uint8_t low, high;
};

static struct lead lead_of(uint8_t byte)
{
    if (byte < 0x80)
        return (struct lead){ 1, 0, 0 };
    if (byte < 0xc2)
        return (struct lead){ 0, 0, 0 };
    if (byte < 0xe0)
        return (struct lead){ 2, 0x80, 0xbf };
    if (byte < 0xf0)
        return (struct lead){ 3, byte == 0xe0 ? 0xa0 : 0x80, byte == 0xed ? 0x9f : 0xbf };
    if (byte < 0xf5)
        return (struct lead){ 4, byte == 0xf0 ? 0x90 : 0x80, byte == 0xf4 ? 0x8f : 0xbf };
    return (struct lead){ 0, 0, 0 };
}

/* How many of the character's bytes are there and right; *ret_len: how many it should have. */
static size_t char_bytes(const char *data, size_t len, size_t *ret_len)
{
    struct lead lead = lead_of((uint8_t)data[0]);
    *ret_len = lead.len;
    if (!lead.len)
        return 0;
    size_t good = 1;
    while (good < lead.len && good < len) {
        uint8_t byte = (uint8_t)data[good];
        uint8_t low = good == 1 ? lead.low : 0x80;
        uint8_t high = good == 1 ? lead.high : 0xbf;
        if (byte < low || byte > high)
            break;
        good++;
    }
    return good;
}

size_t utf8_valid_prefix(const char *data, size_t len)
{
    size_t at = 0;
    while (at < len) {
        size_t want;
        size_t good = char_bytes(data + at, len - at, &want);
        if (!want || good < want)
            break;
        at += want;
    }
    return at;
}

bool utf8_is_valid(const char *data, size_t len)
{
    return utf8_valid_prefix(data, len) == len;
}

size_t utf8_count(const char *data, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((uint8_t)data[i] & 0xc0) != 0x80;
    return count;
}

size_t utf8_incomplete_tail(const char *data, size_t len)
{
    for (size_t tail = 1; tail <= 3 && tail <= len; tail++) {
        size_t want;
        size_t good = char_bytes(data + len - tail, tail, &want);
        if (want > tail && good == tail)
            return tail;
        if (want)
            return 0; /* a character that is complete, or broken */
    }
    return 0;
}
