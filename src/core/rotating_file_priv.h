/* SPDX-License-Identifier: MIT */
/* rotating_file_priv.h: what rotating_file.c, rotation.c and log_keeper.c share. */
#ifndef SUPERVISOR_CORE_ROTATING_FILE_PRIV_H
#define SUPERVISOR_CORE_ROTATING_FILE_PRIV_H

#include "append_fd.h"
#include "supervisor/core/lock.h"
#include "supervisor/core/rotating_file.h"

#include <limits.h>
#include <stdatomic.h>
#include <time.h>

struct rotating_file {
    struct rotating_file *next; /* registry lock */
    unsigned refs;              /* registry lock */
    char *path;                 /* never changes */
    char *place; /* never changes; path with its directory resolved, NULL if it cannot be */
    _Atomic uint64_t dev, ino; /* atomic; of `out`, for the registry */
    _Atomic int rotate_error;  /* atomic */
    struct lock lock;     /* rank log; held over writes to this one file, by its sharers only */
    struct append_fd out; /* lock; .size is kept up to date */
    struct rotating_file_config limits; /* lock; but for its path, which is NULL */
    bool midline;                       /* lock; the last byte was no newline */
    time_t due_wall;                    /* lock; when it is to start anew by the clock; 0: never */
    bool rotating;                      /* lock; a rotation has begun and not ended ... */
    unsigned step;      /* lock; ... FILE.step is to be renamed next, 0: FILE itself ... */
    bool moved;         /* lock; ... or all are, and the new FILE is to be opened */
    uint64_t rotate_ns; /* lock; no attempt before this time */
    bool rotated;       /* lock; there is work for the keeper */
    uint64_t look_ns;   /* lock; when to look at the name again */
    bool nameless;      /* lock; it had no name at the last look */
    _Atomic bool kept;  /* atomic; in the keeper's list */
    struct rotating_file *next_kept; /* the keeper's lock */
};

/* A few ns, to the precision of a timer tick. */
uint64_t rotating_file_now_ns(void);

/* Open the name and let go of what was open; on failure that stays as it is. */
int rotating_file_swap(struct rotating_file *file) REQUIRES(file->lock);

/* One more user. */
void rotating_file_ref(struct rotating_file *file);

/* Every open file whose old ones have an age limit goes to the keeper. */
void rotating_file_keep_all(void);

/* ---- rotation.c ---- */

/* Begin or resume a rotation. On failure bytes go on into what is open; 0 or a negative errno,
 * also in rotate_error. */
int rotation_run(struct rotating_file *file) REQUIRES(file->lock);

/* PATH.n, or PATH.n.gz; n == 0 is PATH. 0 or -ENAMETOOLONG. */
int rotation_name(const struct rotating_file *file, unsigned n, const char *suffix,
                  char ret_name[PATH_MAX]);

/* When the clock will want a new file, counted from `after`. */
void rotation_set_due(struct rotating_file *file, time_t after) REQUIRES(file->lock);

/* ---- log_keeper.c: compresses and removes old files, in a thread of its own ---- */

/* Look at file's rotated siblings soon. Takes a reference. Any thread, without file->lock. */
void log_keeper_add(struct rotating_file *file);

#endif
