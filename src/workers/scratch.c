/* SPDX-License-Identifier: MIT */
/* scratch.c: read buffers that threads share. */
#include "scratch.h"

#include <stdlib.h>

enum { KEEP_MAX = 8 };

static struct lock lock = LOCK_INIT(LOCK_RANK_LOG);
static struct scratch *unused; /* lock */
static unsigned n_unused;      /* lock */

struct scratch *scratch_take(void)
{
    lock_take(&lock);
    struct scratch *s = unused;
    if (s) {
        unused = s->next;
        n_unused--;
    }
    lock_release(&lock);
    return s ? s : malloc(sizeof(*s));
}

void scratch_give(struct scratch *s)
{
    lock_take(&lock);
    bool keep = n_unused < KEEP_MAX;
    if (keep) {
        s->next = unused;
        unused = s;
        n_unused++;
    }
    lock_release(&lock);
    if (!keep)
        free(s);
}
