/* SPDX-License-Identifier: MIT */
/* worker_recycle.c: restarts a program that has grown too large (memory_restart) or too old
 * (max_age): a stop like any other, and a start behind it.
 */
#include "worker_priv.h"

#include "supervisor/core/clock.h"
#include "supervisor/core/log.h"
#include "supervisor/workers/procstat.h"

#include <inttypes.h>

/* A look goes through all of /proc, at most once a second for all programs together. */
#define SAMPLE_EVERY_NS (5 * NS_PER_SEC)
#define SAMPLE_FIRST_NS NS_PER_SEC

static uint64_t after_secs(uint64_t from_ns, double secs)
{
    double left = (double)(NS_NEVER - from_ns) / (double)NS_PER_SEC;
    return secs < left / 2 ? from_ns + (uint64_t)(secs * (double)NS_PER_SEC) : NS_NEVER;
}

void worker_recycle_arm(struct worker *w)
{
    const struct process_config *config = w->process->config;
    w->recycle_ns = w->sample_ns = NS_NEVER;
    if (!w->life.has_child)
        return;
    if (config->memory_restart > 0)
        w->sample_ns = clock_now_ns() + SAMPLE_FIRST_NS;
    if (config->max_age <= 0)
        return;
    double part = (double)worker_random(w) / UINT32_MAX;
    double secs = (double)config->max_age + part * (double)config->max_age_jitter;
    w->recycle_ns = after_secs(w->life.started_ns, secs);
}

uint64_t worker_recycle_deadline_ns(const struct worker *w)
{
    return w->recycle_ns < w->sample_ns ? w->recycle_ns : w->sample_ns;
}

static bool is_too_large(struct worker *w, uint64_t now_ns)
{
    struct procstat stat;
    if (now_ns < w->sample_ns)
        return false;
    w->sample_ns = now_ns + SAMPLE_EVERY_NS;
    uint64_t limit = (uint64_t)w->process->config->memory_restart;
    if (!procstat_tree_now(w->pid, &stat) || stat.rss_bytes <= limit)
        return false;
    log_warn("restarting '%s': it uses %" PRIu64 " bytes of memory, more than %" PRIu64
             " (memory_restart)",
             w->process->config->name, stat.rss_bytes, limit);
    return true;
}

static bool is_too_old(struct worker *w, uint64_t now_ns)
{
    if (now_ns < w->recycle_ns)
        return false;
    log_info("restarting '%s': it has run for %" PRIu64 " seconds (max_age)",
             w->process->config->name, (now_ns - w->life.started_ns) / NS_PER_SEC);
    return true;
}

static bool is_up(const struct worker *w)
{
    return w->life.state == PROCESS_STARTING || w->life.state == PROCESS_RUNNING;
}

void worker_recycle_look(struct worker *w, uint64_t now_ns)
{
    if (now_ns < worker_recycle_deadline_ns(w))
        return;
    bool due = is_up(w) && (is_too_old(w, now_ns) || is_too_large(w, now_ns));
    if (!due && is_up(w))
        return; /* the next look is set */
    w->recycle_ns = w->sample_ns = NS_NEVER;
    w->recycling = due && worker_step(w, LIFE_STOP, now_ns);
}

void worker_recycle_finish(struct worker *w)
{
    if (!w->life.has_child)
        w->recycle_ns = w->sample_ns = NS_NEVER;
    if (!w->recycling || w->life.has_child)
        return;
    w->recycling = false;
    if (worker_step(w, LIFE_START, clock_now_ns())) /* refused while the daemon goes down */
        w->facts.restarts++;
    worker_publish(w);
}
