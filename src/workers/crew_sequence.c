/* SPDX-License-Identifier: MIT */
/* crew_sequence.c: requests to many workers, one after the other. */
#include "crew_priv.h"

#include "supervisor/core/clock.h"
#include "supervisor/core/log.h"

#include <stdlib.h>
#include <string.h>

static void lose_patience(void *arg)
{
    struct sequence *s = arg;
    s->awaited = NULL;
    sequence_run(s);
}

void sequence_init(struct sequence *s, enum request_kind kind, void (*drained)(void))
{
    *s = (struct sequence){ .kind = kind, .drained = drained };
    loop_timer_init(&s->timer, lose_patience, s);
}

void sequence_add(struct sequence *s, struct process *p)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 64;
        struct process **items = realloc(s->items, cap * sizeof(struct process *));
        if (!items) {
            log_crit("no memory to start or stop '%s'", p->config->name);
            return;
        }
        s->items = items;
        s->cap = cap;
    }
    s->items[s->n++] = process_ref(p);
}

bool sequence_is_drained(const struct sequence *s)
{
    return s->next == s->n && s->outstanding == 0;
}

static void handled(struct request *r)
{
    struct sequence *s = r->arg;
    s->outstanding--;
    if (r == s->awaited) {
        s->awaited = NULL;
        sequence_run(s);
    } else if (sequence_is_drained(s) && s->drained) {
        s->drained();
    }
}

static void post_next(struct sequence *s)
{
    struct process *p = s->items[s->next++];
    struct request *r = request_new(s->kind, handled, s);
    if (!r) {
        log_crit("no memory to start or stop '%s'", p->config->name);
    } else if (process_post(p, r) < 0) {
        request_free(r); /* its worker has ended: its group was removed meanwhile */
    } else {
        s->outstanding++;
        s->awaited = r;
    }
    process_unref(p);
}

void sequence_run(struct sequence *s)
{
    while (!s->awaited && s->next < s->n)
        post_next(s);
    if (s->next == s->n)
        s->next = s->n = 0;
    if (s->awaited && s->n > 0)
        (void)loop_timer_set(crew.loop, &s->timer, /* without it: patience without end */
                             clock_now_ns() + SEQUENCE_PATIENCE_MS * NS_PER_MS);
    else
        loop_timer_cancel(crew.loop, &s->timer);
    if (sequence_is_drained(s) && s->drained)
        s->drained();
}

void sequence_clear(struct sequence *s)
{
    while (s->next < s->n)
        process_unref(s->items[s->next++]);
    free(s->items);
    s->items = NULL;
    s->n = s->next = s->cap = 0;
    loop_timer_cancel(crew.loop, &s->timer);
}
