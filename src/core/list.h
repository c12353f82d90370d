/* SPDX-License-Identifier: MIT */
/* list.h: arrays that grow one item at a time, by doubling.
 *
 * The capacity is not stored: it is the power of two that holds n items, so a list is a pointer
 * and its n. Only append to such a list, and let n start at 0.
 */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include <errno.h>
#include <stdlib.h>

static inline void *list_grown(void *list, size_t n, size_t item_size)
{
    if (n == 1 || (n & (n - 1)))
        return list; /* the power of two above n has room */
    return reallocarray(list, n ? n * 2 : 2, item_size);
}

/* Make room for one more item behind n: 0 or -ENOMEM; the list stays valid either way. */
#define LIST_RESERVE(list, n)                                                                      \
    (__extension__({                                                                               \
        void *grown_ = list_grown((list), (n), sizeof(*(list)));                                   \
        if (grown_)                                                                                \
            (list) = grown_;                                                                       \
        grown_ ? 0 : -ENOMEM;                                                                      \
    }))

#endif
