/* SPDX-License-Identifier: MIT */
/* event.h: event types, and the bus between whoever has news and the listeners' pools.
 *
 * An event is a type and a payload, counted by reference, shared by all pools that want it.
 * Each pool ([eventlistener:x]) has a bounded queue and members (its listener processes).
 * Publishing appends to queues and hands events to members that are ready, by waking their
 * workers; nobody ever writes to a listener but its own worker.
 * Source: Supervisor events.py, process.py EventListenerPool.
 */
#ifndef SUPERVISOR_CORE_EVENT_H
#define SUPERVISOR_CORE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* name, parent. The order is ours; the names are the interface. */
#define EVENT_TYPES(X)                                                                             \
    X(EVENT, EVENT)                                                                                \
    X(PROCESS_STATE, EVENT)                                                                        \
    X(PROCESS_STATE_STOPPED, PROCESS_STATE)                                                        \
    X(PROCESS_STATE_EXITED, PROCESS_STATE)                                                         \
    X(PROCESS_STATE_STARTING, PROCESS_STATE)                                                       \
    X(PROCESS_STATE_STOPPING, PROCESS_STATE)                                                       \
    X(PROCESS_STATE_BACKOFF, PROCESS_STATE)                                                        \
    X(PROCESS_STATE_FATAL, PROCESS_STATE)                                                          \
    X(PROCESS_STATE_RUNNING, PROCESS_STATE)                                                        \
    X(PROCESS_STATE_UNKNOWN, PROCESS_STATE)                                                        \
    X(PROCESS_COMMUNICATION, EVENT)                                                                \
    X(PROCESS_COMMUNICATION_STDOUT, PROCESS_COMMUNICATION)                                         \
    X(PROCESS_COMMUNICATION_STDERR, PROCESS_COMMUNICATION)                                         \
    X(PROCESS_LOG, EVENT)                                                                          \
    X(PROCESS_LOG_STDOUT, PROCESS_LOG)                                                             \
    X(PROCESS_LOG_STDERR, PROCESS_LOG)                                                             \
    X(REMOTE_COMMUNICATION, EVENT)                                                                 \
    X(SUPERVISOR_STATE_CHANGE, EVENT)                                                              \
    X(SUPERVISOR_STATE_CHANGE_RUNNING, SUPERVISOR_STATE_CHANGE)                                    \
    X(SUPERVISOR_STATE_CHANGE_STOPPING, SUPERVISOR_STATE_CHANGE)                                   \
    X(TICK, EVENT)                                                                                 \
    X(TICK_5, TICK)                                                                                \
    X(TICK_60, TICK)                                                                               \
    X(TICK_3600, TICK)                                                                             \
    X(PROCESS_GROUP, EVENT)                                                                        \
    X(PROCESS_GROUP_ADDED, PROCESS_GROUP)                                                          \
    X(PROCESS_GROUP_REMOVED, PROCESS_GROUP)

enum event_type {
#define X(name, parent) EVENT_##name,
    EVENT_TYPES(X)
#undef X
        EVENT_TYPE_COUNT,
};

/* "TICK_5"; never NULL for a valid type. */
const char *event_type_name(enum event_type type);

/* Case-insensitive. 0, or -EINVAL for a name that is none. */
int event_type_from_name(const char *name, enum event_type *ret_type);

/* The mask of this type and all below it. */
uint64_t event_type_mask(enum event_type type);

/* Every type of mask with all below it: what a subscription to those names delivers. */
uint64_t event_mask_widen(uint64_t mask);

/* Does any pool want this type? One atomic load: ask before building a payload. Any thread. */
bool bus_wants(enum event_type type);

/* Publish. payload is copied; it is UTF-8 (event_text_append() makes it so).
 * Takes bus.lock and wakes ready members' workers after it is released. Any thread.
 * Out of memory or a full queue: counted and logged, never an error to the publisher.
 * An event that nobody subscribes to costs one atomic load and takes no serial. */
void bus_publish(enum event_type type, const char *payload, size_t len);

/* Does any pool want TICK_5, TICK_60 or TICK_3600? The main thread arms its tick timer only
 * then; the answer changes only by event_pool_new() and event_pool_unsubscribe(). Any thread. */
bool bus_wants_ticks(void);

/* The identifier of the server: token; blanks, control characters and colons become '_' there.
 * 0 or -ENOMEM (the old one stays). Main thread, before any worker and on reread. */
int bus_set_identifier(const char *identifier);

/* ---- pools: made by the crew (main thread), used by the listener workers ---- */

struct event_pool;   /* one [eventlistener:x] */
struct event_member; /* one listener process of it */

#define EVENT_POOL_BUFFER_DEFAULT 1000              /* events, when buffer_size is not written */
#define EVENT_POOL_BYTES_DEFAULT  (8 * 1024 * 1024) /* bytes of queued payload */

struct event_pool_config {
    const char *name;          /* copied */
    uint64_t mask;             /* event types as subscribed; widened here */
    size_t buffer_size;        /* events; 0: EVENT_POOL_BUFFER_DEFAULT */
    size_t buffer_bytes;       /* bytes of payload; 0: EVENT_POOL_BYTES_DEFAULT. One event
                                * larger than this is still queued, alone */
    bool payload_length_bytes; /* len: counts bytes, not characters */
};

/* Make a pool and subscribe it. Returns 0 or -ENOMEM. Main thread. */
int event_pool_new(const struct event_pool_config *config, struct event_pool **ret_pool);

/* Unsubscribe: nothing more is queued; what is queued is dropped. Members may still be freed later.
 */
void event_pool_unsubscribe(struct event_pool *pool);

/* After all members; accepts NULL; unsubscribes. */
void event_pool_free(struct event_pool *pool);

/* Members are served in the order in which they were added. wake(arg) is called with no lock
 * held, from any thread, when an event was assigned to the member or its deadline changed.
 * Returns 0 or -ENOMEM. name is copied. */
int event_member_new(struct event_pool *pool, const char *name, void (*wake)(void *arg), void *arg,
                     struct event_member **ret_member);

/* Its event goes back to the pool. Waits for a wake() under way, so arg may be freed afterwards.
 * Accepts NULL. */
void event_member_free(struct event_member *member);

/* The member's worker: I can take an event (RUNNING and READY), or no longer. What was assigned and
 * not taken yet goes to another member or back to the head of the queue. */
void event_member_set_ready(struct event_member *member, bool ready);

/* The member's worker: the event assigned to me, NULL if none. The member is busy, and no longer
 * ready, until event_member_finish(). Returns header and payload as they go on the wire, *ret_len
 * bytes owned by the member until then. */
const char *event_member_take(struct event_member *member, size_t *ret_len, uint64_t *ret_serial);

enum event_outcome {
    EVENT_ACCEPTED, /* done with */
    EVENT_REJECTED, /* back to the head; not again to this member for 0.1 s, doubling to 5 s */
    EVENT_RETURNED, /* back to the head, at once: the listener died or broke the protocol */
};
void event_member_finish(struct event_member *member, enum event_outcome outcome);

/* When the member's worker should call event_member_tick(), monotonic ns; NS_NEVER: not by itself.
 */
uint64_t event_member_deadline_ns(struct event_member *member);

/* Assign what has become due and say what was not said about lost events. */
void event_member_tick(struct event_member *member);

struct event_pool_stats {
    size_t queued, queued_bytes, max, max_bytes;
    uint64_t published; /* accepted into the queue */
    uint64_t delivered; /* results OK */
    uint64_t discarded; /* lost to a full queue or to want of memory */
    uint64_t rejected;  /* results other than OK */
    uint64_t returned;  /* taken back from a listener that died or broke the protocol */
    uint64_t coalesced; /* ticks replaced by a later tick of the same period */
};
void event_pool_stats(struct event_pool *pool, struct event_pool_stats *ret_stats);

/* Tests only: another clock instead of clock_now_ns(); NULL goes back to it. */
void bus_use_clock(uint64_t (*now_ns)(void));

#endif
