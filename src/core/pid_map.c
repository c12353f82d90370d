/* SPDX-License-Identifier: MIT */
/* pid_map.c: which process owns which pid, and what to do with a death that comes too early.
 *
 * A child may be dead before the worker that made it could say so. Spawns are therefore
 * tickets: while one is open, the exit of a pid that nobody owns is kept, and the spawn that
 * made this pid finds it there. No lock is held across the spawn itself.
 */
#include "supervisor/core/clock.h"
#include "supervisor/core/log.h"
#include "supervisor/core/process_table.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { BUCKETS = 4096 };

/* An exit that nobody has claimed yet. */
struct stray {
    struct stray *next;
    pid_t pid;
    int status;
    uint64_t exit_ns;
    uint64_t before_ticket; /* only spawns that began earlier can have made it */
};

static struct {
    struct lock lock;
    struct process *buckets[BUCKETS]; /* lock; chains through map_next, not counted */
    struct stray *strays;             /* lock */
    uint64_t next_ticket;             /* lock */
    uint64_t *open;                   /* lock; open tickets, unordered */
    size_t n_open;
    size_t open_cap;
    uint64_t uncounted; /* lock; open tickets that found no room in open[] */
} map = {
    .lock = LOCK_INIT(LOCK_RANK_TABLE),
    .next_ticket = 1,
};

static struct process **bucket_of(pid_t pid)
{
    return &map.buckets[(unsigned)pid % BUCKETS];
}

static struct process *find(pid_t pid) REQUIRES(map.lock)
{
    struct process *p = *bucket_of(pid);
    while (p && p->map_pid != pid)
        p = p->map_next;
    return p;
}

static void insert(struct process *p, pid_t pid) REQUIRES(map.lock)
{
    assert(p->map_pid == 0);
    p->map_pid = pid;
    p->map_next = *bucket_of(pid);
    *bucket_of(pid) = p;
}

static void drop(struct process *p) REQUIRES(map.lock)
{
    if (p->map_pid == 0)
        return;
    struct process **at = bucket_of(p->map_pid);
    while (*at != p)
        at = &(*at)->map_next;
    *at = p->map_next;
    p->map_next = NULL;
    p->map_pid = 0;
}

/* ---- tickets ---- */

static bool ticket_is_open_before(uint64_t ticket) REQUIRES(map.lock)
{
    for (size_t i = 0; i < map.n_open; i++) {
        if (map.open[i] < ticket)
            return true;
    }
    return map.uncounted > 0;
}

static bool any_ticket_is_open(void) REQUIRES(map.lock)
{
    return map.n_open > 0 || map.uncounted > 0;
}

static bool reserve_ticket(void) REQUIRES(map.lock)
{
    if (map.n_open < map.open_cap)
        return true;
    size_t cap = map.open_cap ? map.open_cap * 2 : 64;
    uint64_t *open = realloc(map.open, cap * sizeof(*open));
    if (!open)
        return false;
    map.open = open;
    map.open_cap = cap;
    return true;
}

uint64_t pid_claim_begin(void)
{
    lock_take(&map.lock);
    uint64_t ticket = map.next_ticket++;
    if (reserve_ticket())
        map.open[map.n_open++] = ticket;
    else
        map.uncounted++; /* strays are kept longer than needed, that is all */
    lock_release(&map.lock);
    return ticket;
}

static void close_ticket(uint64_t ticket) REQUIRES(map.lock)
{
    for (size_t i = 0; i < map.n_open; i++) {
        if (map.open[i] == ticket) {
            map.open[i] = map.open[--map.n_open];
            return;
        }
    }
    map.uncounted--;
}

/* Take out the stray that a spawn of ticket made, NULL if it is not there. */
static struct stray *take_stray(pid_t pid, uint64_t ticket) REQUIRES(map.lock)
{
    for (struct stray **at = &map.strays; *at; at = &(*at)->next) {
        struct stray *stray = *at;
        if (stray->pid == pid && ticket < stray->before_ticket) {
            *at = stray->next;
            return stray;
        }
    }
    return NULL;
}

/* Take out all that no open spawn can claim any more. */
static struct stray *take_strangers(void) REQUIRES(map.lock)
{
    struct stray *strangers = NULL;
    struct stray **at = &map.strays;
    while (*at) {
        struct stray *stray = *at;
        if (ticket_is_open_before(stray->before_ticket)) {
            at = &stray->next;
            continue;
        }
        *at = stray->next;
        stray->next = strangers;
        strangers = stray;
    }
    return strangers;
}

static void log_stranger(pid_t pid, int status)
{
    char how[64];
    process_describe_end(status, how, sizeof(how));
    /* As subreaper and as PID 1 there may be many: orphans are no news. */
    log_debg("reaped unknown pid %d (%s)", (int)pid, how);
}

static void free_strangers(struct stray *stray)
{
    while (stray) {
        struct stray *next = stray->next;
        log_stranger(stray->pid, stray->status);
        free(stray);
        stray = next;
    }
}

/* Before its claim p has no child, so nobody signals it and p->lock guards only the facts. */
static void own(struct process *p, pid_t pid, const struct stray *dead) REQUIRES(map.lock)
{
    if (!dead)
        insert(p, pid);
    lock_take(&p->lock);
    if (dead) {
        p->exit_pending = true;
        p->exit_wait_status = dead->status;
        p->exit_ns = dead->exit_ns;
    } else {
        p->child_pid = pid;
    }
    lock_release(&p->lock);
}

void pid_claim_end(uint64_t ticket, pid_t pid, struct process *p)
{
    struct stray *dead = NULL;
    lock_take(&map.lock);
    if (pid > 0) {
        dead = take_stray(pid, ticket);
        own(p, pid, dead);
    }
    close_ticket(ticket);
    struct stray *strangers = map.strays ? take_strangers() : NULL;
    lock_release(&map.lock);
    if (dead)
        process_wake(p);
    free(dead);
    free_strangers(strangers);
}

void pid_abandon(struct process *p)
{
    lock_take(&map.lock);
    drop(p);
    lock_take(&p->lock);
    p->child_pid = 0;
    lock_release(&p->lock);
    lock_release(&map.lock);
}

/* ---- for the reaper ---- */

/* Nobody owns pid (yet). Collect it under map.lock: a claim comes before or after, and in
 * both cases knows whether the number is still its child's. */
static bool collect_stray(pid_t pid, struct stray **ret_stranger) REQUIRES(map.lock)
{
    struct stray *stray = calloc(1, sizeof(*stray));
    if (!stray)
        return false; /* it stays waitable; the reaper comes again */
    if (waitpid(pid, &stray->status, WNOHANG) != pid) {
        free(stray);
        return false;
    }
    stray->pid = pid;
    stray->exit_ns = clock_now_ns();
    stray->before_ticket = map.next_ticket;
    if (any_ticket_is_open()) {
        stray->next = map.strays;
        map.strays = stray;
    } else {
        *ret_stranger = stray;
    }
    return true;
}

bool pid_collect(pid_t pid)
{
    struct stray *stranger = NULL;
    lock_take(&map.lock);
    struct process *p = find(pid);
    bool collected;
    if (p) {
        (void)process_ref(p);
        drop(p);
        collected = process_collect_child(p, pid);
        if (!collected)
            insert(p, pid);
    } else {
        collected = collect_stray(pid, &stranger);
    }
    lock_release(&map.lock);
    process_unref(p);
    free_strangers(stranger);
    return collected;
}
