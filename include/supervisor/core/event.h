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
#define EVENT_TYPES(X)                                              \
    X(EVENT, EVENT)                                                 \
    X(PROCESS_STATE, EVENT)                                         \
    X(PROCESS_STATE_STOPPED, PROCESS_STATE)                         \
    X(PROCESS_STATE_EXITED, PROCESS_STATE)                          \
    X(PROCESS_STATE_STARTING, PROCESS_STATE)                        \
    X(PROCESS_STATE_STOPPING, PROCESS_STATE)                        \
    X(PROCESS_STATE_BACKOFF, PROCESS_STATE)                         \
    X(PROCESS_STATE_FATAL, PROCESS_STATE)                           \
    X(PROCESS_STATE_RUNNING, PROCESS_STATE)                         \
    X(PROCESS_STATE_UNKNOWN, PROCESS_STATE)                         \
    X(PROCESS_COMMUNICATION, EVENT)                                 \
    X(PROCESS_COMMUNICATION_STDOUT, PROCESS_COMMUNICATION)          \
    X(PROCESS_COMMUNICATION_STDERR, PROCESS_COMMUNICATION)          \
    X(PROCESS_LOG, EVENT)                                           \
    X(PROCESS_LOG_STDOUT, PROCESS_LOG)                              \
    X(PROCESS_LOG_STDERR, PROCESS_LOG)                              \
    X(REMOTE_COMMUNICATION, EVENT)                                  \
    X(SUPERVISOR_STATE_CHANGE, EVENT)                               \
    X(SUPERVISOR_STATE_CHANGE_RUNNING, SUPERVISOR_STATE_CHANGE)     \
    X(SUPERVISOR_STATE_CHANGE_STOPPING, SUPERVISOR_STATE_CHANGE)    \
    X(TICK, EVENT)                                                  \
    X(TICK_5, TICK)                                                 \
    X(TICK_60, TICK)                                                \
    X(TICK_3600, TICK)                                              \
    X(PROCESS_GROUP, EVENT)                                         \
    X(PROCESS_GROUP_ADDED, PROCESS_GROUP)                           \
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

/* Does any pool want this type? One atomic load: ask before building a payload. Any thread. */
bool bus_wants(enum event_type type);

/* Publish. payload is copied; bytes that are not UTF-8 are dealt with by the caller.
 * Takes bus.lock and wakes ready members' workers after it is released. Any thread.
 * Out of memory or a full queue: counted and logged, never an error to the publisher. */
void bus_publish(enum event_type type, const char *payload, size_t len);

/* Was at least one pool subscribed to any of TICK_5, TICK_60, TICK_3600? Main thread arms its
 * tick timer only then; on_change is called (main thread) when the answer may have changed. */
bool bus_wants_ticks(void);

/* The identifier of the server: token. Main thread, before any worker and on reread. */
int bus_set_identifier(const char *identifier);

/* ---- pools: made by the crew (main thread), used by the listener workers ---- */

struct event_pool;   /* one [eventlistener:x] */
struct event_member; /* one listener process of it */
struct event;        /* one event, counted */

struct event_pool_config {
    const char *name;          /* copied */
    uint64_t mask;             /* event types, widened by event_type_mask() */
    size_t buffer_size;        /* events */
    size_t buffer_bytes;       /* bytes of payload; 0: a default */
    bool payload_length_bytes;
};

/* Make a pool and subscribe it. Returns 0 or -ENOMEM. Main thread. */
int event_pool_new(const struct event_pool_config *config, struct event_pool **ret_pool);

/* Unsubscribe: nothing more is queued; what is queued is dropped. Members may still be freed later. */
void event_pool_unsubscribe(struct event_pool *pool);
void event_pool_free(struct event_pool *pool); /* after all members; accepts NULL */

/* Members are served in the order in which they were added. wake(arg) is called with no lock
 * held, from any thread, when an event was assigned to the member. */
int event_member_new(struct event_pool *pool, const char *name, void (*wake)(void *arg), void *arg,
                     struct event_member **ret_member);
void event_member_free(struct event_member *member); /* accepts NULL */

/* The member's worker: I can take an event (RUNNING and READY), or no longer. */
void event_member_set_ready(struct event_member *member, bool ready);

/* The member's worker: the event assigned to me, NULL if none. The member is busy until
 * event_member_finish(). Sets *ret_envelope to header and payload as they go on the wire, a
 * buffer owned by the event until then. */
const char *event_member_take(struct event_member *member, size_t *ret_len, uint64_t *ret_serial);

/* accepted: done; else the event goes back to the head of its pool's queue (listener died,
 * rejected, broke the protocol), not before not_before_ns. */
void event_member_finish(struct event_member *member, bool accepted, uint64_t not_before_ns);

struct event_pool_stats {
    size_t queued, queued_bytes, max;
    uint64_t published, delivered, discarded, rejected;
};
void event_pool_stats(struct event_pool *pool, struct event_pool_stats *ret_stats);

#endif
