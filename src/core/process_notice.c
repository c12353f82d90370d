/* SPDX-License-Identifier: MIT */
/* process_notice.c: how the main thread learns which processes changed and which requests
 * were handled: two lists and one wake.
 */
#include "process_notice.h"

#include <stddef.h>

static struct {
    struct lock lock;               /* rank 4 */
    struct process *changed_head;   /* lock; each a reference */
    struct process **changed_tail;  /* lock */
    struct request *finished_head;  /* lock */
    struct request **finished_tail; /* lock */
    void (*wake)(void *arg);        /* set before any worker */
    void *wake_arg;                 /* set before any worker */
} notice = {
    .lock = LOCK_INIT(LOCK_RANK_NOTICE),
    .changed_tail = &notice.changed_head,
    .finished_tail = &notice.finished_head,
};

void notice_set_loop(void (*wake)(void *arg), void *arg)
{
    notice.wake = wake;
    notice.wake_arg = arg;
}

static void wake_main(void)
{
    if (notice.wake)
        notice.wake(notice.wake_arg);
}

void notice_changed(struct process *p)
{
    lock_take(&notice.lock);
    bool first = !notice.changed_head;
    if (!p->changed) {
        p->changed = true;
        p->next_changed = NULL;
        *notice.changed_tail = process_ref(p);
        notice.changed_tail = &p->next_changed;
    }
    lock_release(&notice.lock);
    if (first)
        wake_main();
}

void notice_finished(struct request *r)
{
    lock_take(&notice.lock);
    bool first = !notice.finished_head; /* of this list: the other may be in the middle of its
                                         * dispatch, and this one's turn be over */
    r->next = NULL;
    *notice.finished_tail = r;
    notice.finished_tail = &r->next;
    lock_release(&notice.lock);
    if (first)
        wake_main();
}

/* The next changed process, its reference passed on; NULL when the list is empty. */
static struct process *next_changed(void)
{
    lock_take(&notice.lock);
    struct process *p = notice.changed_head;
    if (p) {
        notice.changed_head = p->next_changed;
        if (!notice.changed_head)
            notice.changed_tail = &notice.changed_head;
        p->changed = false;
    }
    lock_release(&notice.lock);
    return p;
}

static struct request *take_finished(void)
{
    lock_take(&notice.lock);
    struct request *r = notice.finished_head;
    notice.finished_head = NULL;
    notice.finished_tail = &notice.finished_head;
    lock_release(&notice.lock);
    return r;
}

/* A process that changes all the time must not keep the main thread here for ever. */
enum { CHANGES_PER_PASS = 4096 };

void notice_dispatch(void (*changed)(struct process *p, void *arg), void *arg)
{
    /* The finished ones first off the list: their changes were published before them, so
     * the changes that a done() goes by have been told by then. */
    struct request *r = take_finished();
    unsigned n = 0;
    for (struct process *p; n < CHANGES_PER_PASS && (p = next_changed()); n++) {
        if (changed)
            changed(p, arg);
        process_unref(p);
    }
    if (n == CHANGES_PER_PASS)
        wake_main();
    while (r) {
        struct request *next = r->next;
        r->done(r);
        request_free(r);
        r = next;
    }
}
