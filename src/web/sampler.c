/* SPDX-License-Identifier: MIT */
/* sampler.c: the thread that reads /proc for the pages.
 *
 * Main hands it the pids, it hands back a picture and what it counted, through one slot
 * each, and wakes the loop. The lock guards the slots alone; no system call is made under it.
 */
#include "sampler.h"

#include "supervisor/core/clock.h"
#include "supervisor/core/log.h"
#include "supervisor/core/process_table.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define FRESH_NS     NS_PER_SEC
#define RATE_MAX_AGE (60 * NS_PER_SEC) /* an average over longer says nothing about now */

struct pid_fds {
    pid_t pid;
    int open_fds;
};

struct sample {
    struct procstat_picture *picture; /* NULL: /proc could not be read */
    struct pid_fds *fds;              /* sorted by pid */
    size_t n_fds;
};

/* Shared with the thread. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wanted = PTHREAD_COND_INITIALIZER;
static struct sample *order; /* mutex; to be filled in */
static struct sample *made;  /* mutex; filled in, not yet collected */
static bool is_ending;       /* mutex */

/* Main thread only. */
static struct loop *sampler_loop;
static struct loop_fd *watch;
static int made_fd = -1; /* eventfd: made is set */
static pthread_t thread;
static bool has_thread, is_ordered;
static struct sample *latest, *before;
static struct sampler_wait *waiting;

static void sample_free(struct sample *sample)
{
    if (!sample)
        return;
    procstat_picture_free(sample->picture);
    free(sample->fds);
    free(sample);
}

/* ---- the thread ---- */

static void sample_fill(struct sample *sample)
{
    if (procstat_take(&sample->picture) < 0)
        sample->picture = NULL;
    for (size_t i = 0; i < sample->n_fds; i++)
        sample->fds[i].open_fds = procstat_open_fds(sample->fds[i].pid);
}

static void *sampler_run(void *arg)
{
    int fd = *(const int *)arg;

    pthread_mutex_lock(&mutex);
    while (!is_ending) {
        struct sample *sample = order;
        if (!sample) {
            pthread_cond_wait(&wanted, &mutex);
            continue;
        }
        order = NULL;
        pthread_mutex_unlock(&mutex);
        sample_fill(sample);
        pthread_mutex_lock(&mutex);
        made = sample;
        const uint64_t one = 1;
        (void)!write(fd, &one, sizeof(one)); /* never full: one for each order */
    }
    pthread_mutex_unlock(&mutex);
    return NULL;
}

/* ---- the main thread ---- */

static int pid_order(const void *a, const void *b)
{
    const struct pid_fds *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

static struct sample *sample_new(void)
{
    size_t n;
    struct process **processes = process_table_sorted(&n);
    struct sample *sample = calloc(1, sizeof(*sample));
    if (!sample)
        return NULL;
    sample->fds = calloc(n + 1, sizeof(*sample->fds));
    if (!sample->fds) {
        free(sample);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        struct process_facts facts;
        process_facts(processes[i], &facts);
        if (facts.pid > 0)
            sample->fds[sample->n_fds++].pid = facts.pid;
    }
    qsort(sample->fds, sample->n_fds, sizeof(*sample->fds), pid_order);
    return sample;
}

static void tell_waiting(void)
{
    while (waiting) {
        struct sampler_wait *wait = waiting;
        waiting = wait->next;
        wait->next = NULL;
        wait->ready(wait->arg);
    }
}

static void on_made(uint32_t events, void *arg)
{
    uint64_t count;
    (void)events, (void)arg;
    (void)!read(made_fd, &count, sizeof(count)); /* the slot says it all */

    pthread_mutex_lock(&mutex);
    struct sample *sample = made;
    made = NULL;
    pthread_mutex_unlock(&mutex);
    if (!sample)
        return;
    is_ordered = false;
    sample_free(before);
    before = latest;
    latest = sample;
    tell_waiting();
}

static int begin_thread(void)
{
    pthread_attr_t attr;
    if (has_thread)
        return 0;
    int rc = pthread_attr_init(&attr);
    if (rc)
        return -rc;
    (void)pthread_attr_setstacksize(&attr,
                                    256UL * 1024); /* trees are walked by recursion on main only */
    rc = pthread_create(&thread, &attr, sampler_run, &made_fd);
    (void)pthread_attr_destroy(&attr);
    has_thread = rc == 0;
    return -rc;
}

static int order_sample(void)
{
    if (is_ordered)
        return 0;
    int rc = begin_thread();
    struct sample *sample = rc == 0 ? sample_new() : NULL;
    if (!sample)
        return rc < 0 ? rc : -ENOMEM;
    pthread_mutex_lock(&mutex);
    order = sample;
    pthread_cond_signal(&wanted);
    pthread_mutex_unlock(&mutex);
    is_ordered = true;
    return 0;
}

static bool is_fresh(const struct sample *sample)
{
    return sample && sample->picture &&
           clock_now_ns() - procstat_taken_ns(sample->picture) < FRESH_NS;
}

void sampler_ask(struct sampler_wait *wait)
{
    if (is_fresh(latest)) {
        wait->ready(wait->arg);
        return;
    }
    int rc = order_sample();
    if (rc < 0) {
        log_warn("cannot look at /proc: %s", strerror(-rc));
        wait->ready(wait->arg);
        return;
    }
    wait->next = waiting;
    waiting = wait;
}

void sampler_forget(struct sampler_wait *wait)
{
    for (struct sampler_wait **at = &waiting; *at; at = &(*at)->next) {
        if (*at == wait) {
            *at = wait->next;
            return;
        }
    }
}

static double percent_since(const struct procstat *now, uint64_t now_ns, pid_t pid)
{
    struct procstat then;
    if (!before || !before->picture)
        return -1;
    uint64_t age_ns = now_ns - procstat_taken_ns(before->picture);
    if (age_ns == 0 || age_ns > RATE_MAX_AGE || !procstat_tree(before->picture, pid, &then))
        return -1;
    if (now->cpu_ms < then.cpu_ms)
        return 0; /* a part of the tree has gone, with its time */
    return (double)(now->cpu_ms - then.cpu_ms) * 100 * (double)NS_PER_MS / (double)age_ns;
}

bool sampler_usage(pid_t pid, struct usage *ret_usage)
{
    struct usage usage = { .open_fds = -1 };
    if (!latest || !latest->picture || !procstat_tree(latest->picture, pid, &usage.stat))
        return false;
    usage.cpu_percent = percent_since(&usage.stat, procstat_taken_ns(latest->picture), pid);
    const struct pid_fds key = { .pid = pid };
    const struct pid_fds *fds = bsearch(&key, latest->fds, latest->n_fds, sizeof(key), pid_order);
    if (fds)
        usage.open_fds = fds->open_fds;
    *ret_usage = usage;
    return true;
}

int sampler_init(struct loop *loop)
{
    sampler_loop = loop;
    made_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made_fd < 0)
        return -errno;
    int rc = loop_watch(loop, made_fd, EPOLLIN, on_made, NULL, &watch);
    if (rc < 0) {
        (void)close(made_fd); /* nothing was written */
        made_fd = -1;
    }
    return rc;
}

static void end_thread(void)
{
    if (!has_thread)
        return;
    pthread_mutex_lock(&mutex);
    is_ending = true;
    pthread_cond_signal(&wanted);
    pthread_mutex_unlock(&mutex);
    pthread_join(thread, NULL);
    is_ending = false;
    has_thread = false;
}

void sampler_free(void)
{
    if (made_fd < 0)
        return;
    end_thread();
    loop_unwatch(sampler_loop, watch);
    (void)close(made_fd); /* an eventfd holds nothing back */
    made_fd = -1;
    waiting = NULL;
    is_ordered = false;
    sample_free(order);
    sample_free(made);
    sample_free(latest);
    sample_free(before);
    order = made = latest = before = NULL;
}
