/* SPDX-License-Identifier: MIT */
/* bus.c: from whoever has news to the queues of the pools, and from there to ready members.
 *
 * One lock guards all pools: what is done under it is short (link an entry, choose a member,
 * copy one payload for the wire) and never I/O. Members are woken after it is released; the
 * count of wakers keeps a member alive meanwhile.
 * Source: Supervisor process.py EventListenerPool, events.py notify().
 */
#include "supervisor/core/buf.h"
#include "supervisor/core/clock.h"
#include "supervisor/core/event.h"
#include "supervisor/core/lock.h"
#include "supervisor/core/log.h"
#include "supervisor/core/utf8.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    WAKE_BATCH = 16,                /* members woken per lock round */
    BURST_LINES = 10,               /* lost events told one by one before they are only counted */
    ENVELOPE_KEEP_BYTES = 64 * 1024 /* larger envelopes give their memory back after use */
};

#define BURST_WINDOW_MIN_NS (1 * NS_PER_SEC)
#define BURST_WINDOW_MAX_NS (60 * NS_PER_SEC)
#define REDELIVER_MIN_NS    (100 * NS_PER_MS)
#define REDELIVER_MAX_NS    (5 * NS_PER_SEC)
#define NO_MEMORY_RETRY_NS  (1 * NS_PER_SEC)

#define TICK_MASK                                                                                  \
    ((UINT64_C(1) << EVENT_TICK_5) | (UINT64_C(1) << EVENT_TICK_60) |                              \
     (UINT64_C(1) << EVENT_TICK_3600))

/* One event, shared by the queues of all pools that want it. Only refs changes. */
struct event {
    enum event_type type;
    unsigned refs; /* bus.lock */
    uint64_t serial;
    size_t len;   /* bytes */
    size_t chars; /* the same as code points */
    char payload[];
};

/* An event in one pool: queued, assigned or taken. All of it under bus.lock. */
struct entry {
    struct event *event; /* a reference */
    uint64_t poolserial;
    unsigned rejections;
    const struct event_member *rejecter; /* the last one; only compared */
    uint64_t not_before_ns;              /* 0: at once */
    struct entry *prev, *next;
};

struct event_member {
    struct event_pool *pool; /* never changes */
    char *name;              /* never changes */
    void (*wake)(void *arg); /* never changes */
    void *arg;               /* never changes */
    bool ready;              /* bus.lock; can take an event */
    struct entry *assigned;  /* bus.lock; chosen for it, its worker has not looked yet */
    struct entry *taken;     /* bus.lock; being worked on */
    bool wake_due;           /* bus.lock */
    unsigned wakers;         /* bus.lock; threads inside wake() */
    struct buf envelope;     /* its worker only */
};

struct event_pool {
    char *name;                    /* never changes */
    uint64_t mask;                 /* bus.lock; 0 once unsubscribed */
    size_t max, max_bytes;         /* never change */
    bool length_bytes;             /* never changes */
    struct entry *head, *tail;     /* bus.lock */
    uint64_t next_poolserial;      /* bus.lock */
    struct event_member **members; /* bus.lock; in order of service */
    size_t n_members;              /* bus.lock */
    struct event_pool_stats stats; /* bus.lock */
    uint64_t burst_window_ns;      /* bus.lock; 0: no burst of losses under way */
    uint64_t burst_end_ns;         /* bus.lock */
    unsigned burst_said;           /* bus.lock; lines written in this burst */
    uint64_t burst_silent;         /* bus.lock; losses not told yet */
    struct event_pool *next;       /* bus.lock */
};

static struct {
    struct lock lock;
    pthread_cond_t woken;     /* a wake() has returned */
    _Atomic uint64_t mask;    /* atomic; what any pool wants */
    struct event_pool *first; /* lock; in order of creation */
    uint64_t next_serial;     /* lock; goes on over a restart */
    char *identifier;         /* lock */
    unsigned wakes_due;       /* lock; members with wake_due */
    uint64_t (*_Atomic now_ns)(void);
} bus = { .lock = LOCK_INIT(LOCK_RANK_BUS), .woken = PTHREAD_COND_INITIALIZER };

void bus_use_clock(uint64_t (*now_ns)(void))
{
    atomic_store(&bus.now_ns, now_ns);
}

static uint64_t bus_now_ns(void)
{
    uint64_t (*now_ns)(void) = atomic_load_explicit(&bus.now_ns, memory_order_relaxed);
    return now_ns ? now_ns() : clock_now_ns();
}

/* ---- events and entries ---- */

static struct event *event_new(enum event_type type, const char *payload, size_t len)
{
    struct event *event = malloc(sizeof(*event) + len);
    if (!event)
        return NULL;
    event->type = type;
    event->refs = 1;
    event->serial = 0;
    event->len = len;
    event->chars = utf8_count(payload, len);
    if (len)
        memcpy(event->payload, payload, len);
    return event;
}

static void event_unref(struct event *event) REQUIRES(bus.lock)
{
    if (event && --event->refs == 0)
        free(event);
}

static void entry_free(struct entry *entry) REQUIRES(bus.lock)
{
    event_unref(entry->event);
    free(entry);
}

/* Numbers count to 2^63-1 and begin again: readers hold them in signed integers. */
static uint64_t serial_next(uint64_t *serial)
{
    uint64_t value = *serial;
    *serial = value >= INT64_MAX ? 0 : value + 1;
    return value;
}

/* ---- waking ---- */

static void member_wake_later(struct event_member *member) REQUIRES(bus.lock)
{
    if (member->wake_due)
        return;
    member->wake_due = true;
    bus.wakes_due++;
}

static unsigned collect_wakes(struct event_member *batch[WAKE_BATCH]) REQUIRES(bus.lock)
{
    unsigned n = 0;
    for (struct event_pool *pool = bus.first; pool; pool = pool->next) {
        for (size_t i = 0; i < pool->n_members && n < WAKE_BATCH; i++) {
            struct event_member *member = pool->members[i];
            if (!member->wake_due)
                continue;
            member->wake_due = false;
            bus.wakes_due--;
            member->wakers++;
            batch[n++] = member;
        }
    }
    return n;
}

/* The end of every change to the bus: let go of the lock, then wake whom it concerns. */
static void release_and_wake(void) RELEASE(bus.lock)
{
    while (bus.wakes_due) {
        struct event_member *batch[WAKE_BATCH];
        unsigned n = collect_wakes(batch);
        lock_release(&bus.lock);
        for (unsigned i = 0; i < n; i++)
            batch[i]->wake(batch[i]->arg);
        lock_take(&bus.lock);
        for (unsigned i = 0; i < n; i++)
            batch[i]->wakers--;
        (void)pthread_cond_broadcast(&bus.woken); /* cannot fail on a valid condition */
    }
    lock_release(&bus.lock);
}

/* ---- losses: each told, unless there are so many that counting them says more ---- */

static void burst_close(struct event_pool *pool, uint64_t now_ns) REQUIRES(bus.lock)
{
    if (!pool->burst_window_ns || now_ns < pool->burst_end_ns)
        return;
    if (!pool->burst_silent) {
        pool->burst_window_ns = 0;
        return;
    }
    log_erro("pool %s event buffer overflowed, discarded %" PRIu64 " more events (%" PRIu64
             " since the start)",
             pool->name, pool->burst_silent, pool->stats.discarded);
    pool->burst_silent = 0;
    pool->burst_window_ns *= 2;
    if (pool->burst_window_ns > BURST_WINDOW_MAX_NS)
        pool->burst_window_ns = BURST_WINDOW_MAX_NS;
    pool->burst_end_ns = now_ns + pool->burst_window_ns;
}

static void pool_count_loss(struct event_pool *pool, uint64_t serial) REQUIRES(bus.lock)
{
    uint64_t now_ns = bus_now_ns();
    burst_close(pool, now_ns);
    if (!pool->burst_window_ns) {
        pool->burst_window_ns = BURST_WINDOW_MIN_NS;
        pool->burst_end_ns = now_ns + BURST_WINDOW_MIN_NS;
        pool->burst_said = 0;
    }
    pool->stats.discarded++;
    if (pool->burst_said < BURST_LINES) {
        pool->burst_said++;
        log_erro("pool %s event buffer overflowed, discarding event %" PRIu64, pool->name, serial);
    } else if (pool->burst_silent++ == 0 && pool->n_members) {
        member_wake_later(pool->members[0]); /* its worker keeps the time for the summary */
    }
}

/* ---- a pool's queue ---- */

static void queue_link(struct event_pool *pool, struct entry *entry, bool at_head)
    REQUIRES(bus.lock)
{
    entry->prev = at_head ? NULL : pool->tail;
    entry->next = at_head ? pool->head : NULL;
    if (entry->prev)
        entry->prev->next = entry;
    else
        pool->head = entry;
    if (entry->next)
        entry->next->prev = entry;
    else
        pool->tail = entry;
    pool->stats.queued++;
    pool->stats.queued_bytes += entry->event->len;
}

static void queue_unlink(struct event_pool *pool, struct entry *entry) REQUIRES(bus.lock)
{
    if (entry->prev)
        entry->prev->next = entry->next;
    else
        pool->head = entry->next;
    if (entry->next)
        entry->next->prev = entry->prev;
    else
        pool->tail = entry->prev;
    entry->prev = entry->next = NULL;
    pool->stats.queued--;
    pool->stats.queued_bytes -= entry->event->len;
}

static void queue_drop_all(struct event_pool *pool) REQUIRES(bus.lock)
{
    while (pool->head) {
        struct entry *entry = pool->head;
        queue_unlink(pool, entry);
        entry_free(entry);
    }
}

/* The oldest make room for the newest. */
static void queue_make_room(struct event_pool *pool, size_t bytes) REQUIRES(bus.lock)
{
    while (pool->head && (pool->stats.queued >= pool->max || bytes > pool->max_bytes ||
                          pool->stats.queued_bytes > pool->max_bytes - bytes)) {
        struct entry *oldest = pool->head;
        queue_unlink(pool, oldest);
        pool_count_loss(pool, oldest->event->serial);
        entry_free(oldest);
    }
}

/* A tick that waits is stale once the next of its period is there: whoever was late gets one. A
 * tick that was rejected is not touched: rejected events are never dropped silently. */
static void queue_coalesce_tick(struct event_pool *pool, enum event_type type) REQUIRES(bus.lock)
{
    if (!(TICK_MASK & (UINT64_C(1) << type)))
        return;
    for (struct entry *entry = pool->head; entry; entry = entry->next) {
        if (entry->event->type == type && !entry->rejections) {
            queue_unlink(pool, entry);
            entry_free(entry);
            pool->stats.coalesced++;
            return;
        }
    }
}

/* ---- who gets what ---- */

static bool member_may_have(const struct event_member *member, const struct entry *entry,
                            uint64_t now_ns) REQUIRES(bus.lock)
{
    if (now_ns >= entry->not_before_ns)
        return true;
    /* the delay is for the one that rejected it, until every one had its turn */
    return entry->rejections && entry->rejecter != member &&
           entry->rejections < member->pool->n_members;
}

static bool member_is_free(const struct event_member *member) REQUIRES(bus.lock)
{
    return member->ready && !member->assigned && !member->taken;
}

static struct event_member *pool_choose(const struct event_pool *pool) REQUIRES(bus.lock)
{
    uint64_t now_ns = pool->head->not_before_ns ? bus_now_ns() : 0;
    for (size_t i = 0; i < pool->n_members; i++) {
        struct event_member *member = pool->members[i];
        if (member_is_free(member) && member_may_have(member, pool->head, now_ns))
            return member;
    }
    return NULL;
}

/* From the head, each to the first free member; stop when there is none. */
static void pool_dispatch(struct event_pool *pool) REQUIRES(bus.lock)
{
    while (pool->head) {
        struct event_member *member = pool_choose(pool);
        if (!member)
            return;
        member->assigned = pool->head;
        queue_unlink(pool, member->assigned);
        member_wake_later(member);
    }
}

/* Back to the head with the same numbers. */
static void pool_rebuffer(struct event_pool *pool, struct entry *entry) REQUIRES(bus.lock)
{
    if (!pool->mask) {
        entry_free(entry); /* unsubscribed meanwhile */
        return;
    }
    log_debg("rebuffering event %" PRIu64 " for pool %s (buf size=%zu, max=%zu)",
             entry->event->serial, pool->name, pool->stats.queued, pool->max);
    queue_make_room(pool, entry->event->len);
    queue_link(pool, entry, true);
}

/* Members that sleep without a deadline must learn that the head now has one. */
static void pool_tell_deadline(struct event_pool *pool) REQUIRES(bus.lock)
{
    if (!pool->head || !pool->head->not_before_ns)
        return;
    for (size_t i = 0; i < pool->n_members; i++) {
        if (member_is_free(pool->members[i]))
            member_wake_later(pool->members[i]);
    }
}

static void pool_accept(struct event_pool *pool, struct event *event, uint64_t serial)
    REQUIRES(bus.lock)
{
    struct entry *entry = event ? calloc(1, sizeof(*entry)) : NULL;
    uint64_t poolserial = serial_next(&pool->next_poolserial);
    if (!entry) {
        pool_count_loss(pool, serial);
        return;
    }
    entry->event = event;
    event->refs++;
    entry->poolserial = poolserial;
    pool->stats.published++;
    queue_coalesce_tick(pool, event->type);
    queue_make_room(pool, event->len);
    queue_link(pool, entry, false);
    pool_dispatch(pool);
}

/* ---- publishing ---- */

bool bus_wants(enum event_type type)
{
    return (atomic_load_explicit(&bus.mask, memory_order_relaxed) >> type) & 1;
}

bool bus_wants_ticks(void)
{
    return (atomic_load_explicit(&bus.mask, memory_order_relaxed) & TICK_MASK) != 0;
}

void bus_publish(enum event_type type, const char *payload, size_t len)
{
    if (!bus_wants(type))
        return;
    struct event *event = event_new(type, payload, len);
    bool has_serial = false;
    uint64_t serial = 0;

    lock_take(&bus.lock);
    for (struct event_pool *pool = bus.first; pool; pool = pool->next) {
        if (!(pool->mask & (UINT64_C(1) << type)))
            continue;
        if (!has_serial) {
            has_serial = true;
            serial = serial_next(&bus.next_serial);
            if (event)
                event->serial = serial;
        }
        pool_accept(pool, event, serial);
    }
    event_unref(event);
    release_and_wake();
}

/* Names in the header end at a blank or a colon: readers split there. */
static void make_header_safe(char *text)
{
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c <= ' ' || *c == ':' || *c == 0x7f)
            *c = '_';
    }
}

int bus_set_identifier(const char *identifier)
{
    char *copy = strdup(identifier);
    if (!copy)
        return -ENOMEM;
    make_header_safe(copy);
    lock_take(&bus.lock);
    char *old = bus.identifier;
    bus.identifier = copy;
    lock_release(&bus.lock);
    free(old);
    return 0;
}

/* ---- pools ---- */

static void recompute_mask(void) REQUIRES(bus.lock)
{
    uint64_t mask = 0;
    for (const struct event_pool *pool = bus.first; pool; pool = pool->next)
        mask |= pool->mask;
    atomic_store_explicit(&bus.mask, mask, memory_order_relaxed);
}

int event_pool_new(const struct event_pool_config *config, struct event_pool **ret_pool)
{
    struct event_pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return -ENOMEM;
    pool->name = strdup(config->name);
    if (!pool->name) {
        free(pool);
        return -ENOMEM;
    }
    pool->max = config->buffer_size ? config->buffer_size : EVENT_POOL_BUFFER_DEFAULT;
    pool->max_bytes = config->buffer_bytes ? config->buffer_bytes : EVENT_POOL_BYTES_DEFAULT;
    pool->length_bytes = config->payload_length_bytes;

    lock_take(&bus.lock);
    pool->mask = event_mask_widen(config->mask);
    struct event_pool **link = &bus.first;
    while (*link)
        link = &(*link)->next;
    *link = pool;
    recompute_mask();
    lock_release(&bus.lock);
    *ret_pool = pool;
    return 0;
}

static void member_drop_assigned(struct event_member *member) REQUIRES(bus.lock)
{
    if (member->assigned)
        entry_free(member->assigned);
    member->assigned = NULL;
}

void event_pool_unsubscribe(struct event_pool *pool)
{
    lock_take(&bus.lock);
    pool->mask = 0;
    recompute_mask();
    queue_drop_all(pool);
    for (size_t i = 0; i < pool->n_members; i++)
        member_drop_assigned(pool->members[i]);
    burst_close(pool, UINT64_MAX);
    lock_release(&bus.lock);
}

void event_pool_free(struct event_pool *pool)
{
    if (!pool)
        return;
    event_pool_unsubscribe(pool);
    lock_take(&bus.lock);
    assert(pool->n_members == 0);
    struct event_pool **link = &bus.first;
    while (*link != pool)
        link = &(*link)->next;
    *link = pool->next;
    lock_release(&bus.lock);
    free(pool->members);
    free(pool->name);
    free(pool);
}

void event_pool_stats(struct event_pool *pool, struct event_pool_stats *ret_stats)
{
    lock_take(&bus.lock);
    *ret_stats = pool->stats;
    lock_release(&bus.lock);
    ret_stats->max = pool->max;
    ret_stats->max_bytes = pool->max_bytes;
}

/* ---- members ---- */

static int pool_add_member(struct event_pool *pool, struct event_member *member) REQUIRES(bus.lock)
{
    struct event_member **grown =
        reallocarray(pool->members, pool->n_members + 1, sizeof(struct event_member *));
    if (!grown)
        return -ENOMEM;
    grown[pool->n_members++] = member;
    pool->members = grown;
    return 0;
}

int event_member_new(struct event_pool *pool, const char *name, void (*wake)(void *arg), void *arg,
                     struct event_member **ret_member)
{
    struct event_member *member = calloc(1, sizeof(*member));
    if (!member)
        return -ENOMEM;
    member->pool = pool;
    member->wake = wake;
    member->arg = arg;
    member->name = strdup(name);

    lock_take(&bus.lock);
    int rc = member->name ? pool_add_member(pool, member) : -ENOMEM;
    lock_release(&bus.lock);
    if (rc < 0) {
        free(member->name);
        free(member);
        return rc;
    }
    *ret_member = member;
    return 0;
}

static void pool_remove_member(struct event_pool *pool, const struct event_member *member)
    REQUIRES(bus.lock)
{
    size_t at = 0;
    while (pool->members[at] != member)
        at++;
    pool->n_members--;
    memmove(&pool->members[at], &pool->members[at + 1],
            (pool->n_members - at) * sizeof(struct event_member *));
}

/* What it held goes back to the head. */
static void member_give_back(struct event_member *member, struct entry **held) REQUIRES(bus.lock)
{
    if (!*held)
        return;
    pool_rebuffer(member->pool, *held);
    *held = NULL;
}

void event_member_free(struct event_member *member)
{
    if (!member)
        return;
    lock_take(&bus.lock);
    member->ready = false;
    pool_remove_member(member->pool, member);
    if (member->wake_due)
        bus.wakes_due--;
    member_give_back(member, &member->assigned);
    member_give_back(member, &member->taken);
    pool_dispatch(member->pool);
    while (member->wakers)
        lock_wait(&bus.lock, &bus.woken);
    release_and_wake();
    buf_free(&member->envelope);
    free(member->name);
    free(member);
}

void event_member_set_ready(struct event_member *member, bool ready)
{
    lock_take(&bus.lock);
    member->ready = ready;
    if (!ready)
        member_give_back(member, &member->assigned);
    pool_dispatch(member->pool);
    release_and_wake();
}

static int envelope_write(struct event_member *member, const struct entry *entry) REQUIRES(bus.lock)
{
    const struct event *event = entry->event;
    const struct event_pool *pool = member->pool;
    struct buf *out = &member->envelope;
    buf_reset(out);
    buf_printf(out,
               "ver:3.0 server:%s serial:%" PRIu64 " pool:%s poolserial:%" PRIu64
               " eventname:%s len:%zu bytelen:%zu\n",
               bus.identifier ? bus.identifier : "supervisor", event->serial, pool->name,
               entry->poolserial, event_type_name(event->type),
               pool->length_bytes ? event->len : event->chars, event->len);
    buf_append(out, event->payload, event->len);
    return out->error;
}

const char *event_member_take(struct event_member *member, size_t *ret_len, uint64_t *ret_serial)
{
    const char *envelope = NULL;
    lock_take(&bus.lock);
    struct entry *entry = member->assigned;
    member->assigned = NULL;
    if (entry && envelope_write(member, entry) < 0) {
        log_erro("pool %s: no memory to send event %" PRIu64 " now", member->pool->name,
                 entry->event->serial);
        entry->not_before_ns = bus_now_ns() + NO_MEMORY_RETRY_NS;
        pool_rebuffer(member->pool, entry);
        pool_tell_deadline(member->pool);
    } else if (entry) {
        member->taken = entry;
        member->ready = false;
        envelope = buf_text(&member->envelope);
        *ret_len = member->envelope.len;
        *ret_serial = entry->event->serial;
    }
    release_and_wake();
    return envelope;
}

static uint64_t redeliver_delay_ns(unsigned rejections)
{
    uint64_t delay_ns = REDELIVER_MIN_NS;
    for (unsigned i = 1; i < rejections && delay_ns < REDELIVER_MAX_NS; i++)
        delay_ns *= 2;
    return delay_ns < REDELIVER_MAX_NS ? delay_ns : REDELIVER_MAX_NS;
}

static void entry_mark_rejected(struct entry *entry, const struct event_member *member)
    REQUIRES(bus.lock)
{
    if (entry->rejections < UINT32_MAX)
        entry->rejections++;
    entry->rejecter = member;
    entry->not_before_ns = bus_now_ns() + redeliver_delay_ns(entry->rejections);
}

void event_member_finish(struct event_member *member, enum event_outcome outcome)
{
    lock_take(&bus.lock);
    struct event_pool *pool = member->pool;
    struct entry *entry = member->taken;
    assert(entry);
    member->taken = NULL;
    switch (outcome) {
    case EVENT_ACCEPTED:
        pool->stats.delivered++;
        entry_free(entry);
        break;
    case EVENT_REJECTED:
        pool->stats.rejected++;
        entry_mark_rejected(entry, member);
        pool_rebuffer(pool, entry);
        break;
    case EVENT_RETURNED:
        pool->stats.returned++;
        pool_rebuffer(pool, entry);
        break;
    }
    pool_dispatch(pool);
    pool_tell_deadline(pool);
    release_and_wake();
    if (member->envelope.cap > ENVELOPE_KEEP_BYTES)
        buf_free(&member->envelope);
}

uint64_t event_member_deadline_ns(struct event_member *member)
{
    uint64_t deadline_ns = NS_NEVER;
    lock_take(&bus.lock);
    const struct event_pool *pool = member->pool;
    if (pool->head && member_is_free(member))
        deadline_ns = pool->head->not_before_ns; /* else it would have been assigned */
    if (pool->burst_silent && pool->n_members && pool->members[0] == member &&
        pool->burst_end_ns < deadline_ns)
        deadline_ns = pool->burst_end_ns;
    lock_release(&bus.lock);
    return deadline_ns;
}

void event_member_tick(struct event_member *member)
{
    lock_take(&bus.lock);
    burst_close(member->pool, bus_now_ns());
    pool_dispatch(member->pool);
    release_and_wake();
}
