/* SPDX-License-Identifier: MIT */
/* fuzz_listener.c: any bytes on a listener's stdout, cut anywhere.
 *
 * The first byte chooses the length of the pieces. What must hold: progress with every call, no
 * state but the four, and the same outcomes however the bytes are cut.
 */
#include "supervisor/workers/listener_protocol.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A number that depends on every outcome in order. An event is sent whenever one can be. */
static uint64_t run(const char *data, size_t len, size_t piece)
{
    struct listener_protocol p;
    uint64_t trace = 1;
    listener_protocol_reset(&p);
    while (len) {
        size_t n = piece < len ? piece : len;
        for (size_t at = 0; at < n;) {
            enum listener_outcome outcome;
            size_t used = listener_protocol_feed(&p, data + at, n - at, &outcome);
            if (used > n - at || (!used && outcome == LISTENER_OUTCOME_NONE))
                abort();
            at += used;
            if (outcome == LISTENER_OUTCOME_NONE)
                continue;
            trace = trace * 31 + (uint64_t)outcome;
            if (p.state == LISTENER_READY)
                listener_protocol_sent(&p);
        }
        data += n;
        len -= n;
    }
    switch (p.state) {
    case LISTENER_READY:
    case LISTENER_BUSY:
    case LISTENER_ACKNOWLEDGED:
    case LISTENER_UNKNOWN:
        return trace * 31 + (uint64_t)p.state;
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *text = (const char *)data + 1;
    if (run(text, size - 1, size) != run(text, size - 1, (size_t)data[0] % 16 + 1))
        abort();
    return 0;
}
