/* SPDX-License-Identifier: MIT */
/* cleanup.h: resources that release themselves at the end of their scope.
 *
 * Declare with CLEANUP_*, hand over with take_ptr() or take_fd(); after the hand-over
 * the cleanup does nothing. Not to be mixed with goto in one function.
 */
#ifndef SUPERVISOR_CORE_CLEANUP_H
#define SUPERVISOR_CORE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
    free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* nothing to save: the scope is being left */
}

static inline void cleanup_fclose(FILE **f)
{
    if (*f)
        (void)fclose(*f); /* only used on files that were read */
}

#define CLEANUP_FREE   __attribute__((cleanup(cleanup_free)))
#define CLEANUP_CLOSE  __attribute__((cleanup(cleanup_close)))
#define CLEANUP_FCLOSE __attribute__((cleanup(cleanup_fclose)))

static inline int take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

#define take_ptr(p)                    \
    (__extension__({                   \
        __typeof__(p) where_ = (p);    \
        __typeof__(*(p)) taken_ = *where_; \
        *where_ = NULL;                \
        taken_;                        \
    }))

#endif
