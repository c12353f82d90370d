/* SPDX-License-Identifier: MIT */
/* utf8.c: where UTF-8 is right, and where it is cut. */
#include "supervisor/core/utf8.h"

#include <stdint.h>
#include <string.h>

int utf8_char_len(const char *data, size_t len)
{
    const unsigned char *c = (const unsigned char *)data;
    if (c[0] < 0x80)
        return 1;
    int want = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
    if (c[0] < 0xc2 || c[0] > 0xf4)
        return 0;
    /* The second byte is what rules out overlong forms, surrogates and too large numbers. */
    unsigned char low = c[0] == 0xe0 ? 0xa0 : c[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = c[0] == 0xed ? 0x9f : c[0] == 0xf4 ? 0x8f : 0xbf;
    for (int i = 1; i < want; i++) {
        if ((size_t)i >= len)
            return -1;
        if (c[i] < low || c[i] > high)
            return 0;
        low = 0x80;
        high = 0xbf;
    }
    return want;
}

/* Most output is ASCII: eight bytes at a time. */
static size_t ascii_prefix(const char *data, size_t len)
{
    size_t i = 0;
    for (; i + sizeof(uint64_t) <= len; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, data + i, sizeof(word));
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    while (i < len && (unsigned char)data[i] < 0x80)
        i++;
    return i;
}

bool utf8_is_valid(const char *data, size_t len)
{
    while (len) {
        size_t n = ascii_prefix(data, len);
        if (n == len)
            return true;
        int more = utf8_char_len(data + n, len - n);
        if (more <= 0)
            return false;
        data += n + (size_t)more;
        len -= n + (size_t)more;
    }
    return true;
}

size_t utf8_count(const char *data, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)data[i] & 0xc0) != 0x80;
    return count;
}

size_t utf8_cut_tail(const char *data, size_t len)
{
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        unsigned char c = (unsigned char)data[len - back];
        if (c < 0x80)
            return 0;
        if (c >= 0xc0)
            return utf8_char_len(data + len - back, back) < 0 ? back : 0;
    }
    return 0;
}
