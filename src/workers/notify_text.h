/* SPDX-License-Identifier: MIT */
/* notify_text.h: an event as it goes on the wire, in the words of a command or an address. */
#ifndef SUPERVISOR_WORKERS_NOTIFY_TEXT_H
#define SUPERVISOR_WORKERS_NOTIFY_TEXT_H

#include "supervisor/core/buf.h"
#include "supervisor/core/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the payload begins: behind the first LF. */
size_t notify_payload_offset(const char *envelope, size_t len);

/* NOTIFY_* variables into env. 0 or -ENOMEM. */
int notify_fill_env(struct env_list *env, const char *envelope, size_t len, uint64_t skipped);

/* {"text": ..., "event": ..., "server": ..., "serial": ..., "skipped": ..., "tokens": {...},
 * "data": ...}: text is a sentence, for services that show just that. */
void notify_append_json(struct buf *out, const char *envelope, size_t len, uint64_t skipped);

/* No more than n events in secs seconds; n 0: no limit. */
struct notify_rate {
    int64_t n, secs;
    uint64_t window_ns; /* when the window began */
    int64_t told;       /* in this window */
    uint64_t skipped;   /* since the last event that was told */
};

/* May an event be told now? If not, it is counted as skipped. */
bool notify_rate_allows(struct notify_rate *rate, uint64_t now_ns);

#endif
