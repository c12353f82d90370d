/* SPDX-License-Identifier: MIT */
/* process.c: the record of a program: its published facts and its mailbox. */
#include "supervisor/core/process.h"

#include "supervisor/core/clock.h"
#include "supervisor/core/process_table.h"

#include "process_notice.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the record ---- */

static char *make_display_name(const char *group, const char *name)
{
    if (strcmp(group, name) == 0)
        return strdup(name);
    char *text = NULL;
    return asprintf(&text, "%s:%s", group, name) < 0 ? NULL : text;
}

int process_new(struct group_config *group, size_t index, char *logfile[CHANNELS],
                struct process **ret_process)
{
    struct process *p = calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->display_name = make_display_name(group->name, group->processes[index].name);
    p->wake_fd = p->display_name ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
    if (p->wake_fd < 0) {
        int error = p->display_name ? errno : ENOMEM;
        free(p->display_name);
        free(p);
        return -error;
    }
    lock_init(&p->lock, LOCK_RANK_PROCESS);
    p->config = &group->processes[index];
    p->group_config = group_config_ref(group);
    for (int c = 0; c < CHANNELS; c++)
        p->logfile[c] = logfile[c];
    p->facts.state = PROCESS_STOPPED;
    p->facts.state_ns = clock_now_ns();
    p->mailbox_tail = &p->mailbox_head;
    atomic_init(&p->listener_state, -1);
    atomic_init(&p->refs, 1);
    *ret_process = p;
    return 0;
}

struct process *process_ref(struct process *p)
{
    (void)atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed); /* the caller holds one */
    return p;
}

void process_unref(struct process *p)
{
    if (!p || atomic_fetch_sub(&p->refs, 1) != 1)
        return;
    assert(!p->mailbox_head && p->map_pid == 0);
    lock_destroy(&p->lock);
    (void)close(p->wake_fd); /* an eventfd holds nothing to lose */
    for (int c = 0; c < CHANNELS; c++)
        free(p->logfile[c]);
    free(p->display_name);
    group_config_unref(p->group_config);
    free(p);
}

void process_facts(struct process *p, struct process_facts *ret_facts)
{
    lock_take(&p->lock);
    *ret_facts = p->facts;
    lock_release(&p->lock);
}

enum process_state process_state(struct process *p)
{
    lock_take(&p->lock);
    enum process_state state = p->facts.state;
    lock_release(&p->lock);
    return state;
}

bool process_is_busy(struct process *p)
{
    lock_take(&p->lock);
    bool busy = p->starts_pending > 0 || p->child_pid != 0 || p->facts.pid != 0 ||
                !process_state_is_stopped(p->facts.state);
    lock_release(&p->lock);
    return busy;
}

void process_publish(struct process *p, const struct process_facts *facts)
{
    lock_take(&p->lock);
    p->facts = *facts;
    lock_release(&p->lock);
    notice_changed(p);
}

/* ---- requests ---- */

struct request *request_new(enum request_kind kind, void (*done)(struct request *), void *arg)
{
    struct request *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->kind = kind;
    r->done = done;
    r->arg = arg;
    return r;
}

void request_free(struct request *r)
{
    if (!r)
        return;
    process_unref(r->process);
    group_config_unref(r->group);
    free(r->data);
    free(r);
}

/* What the daemon's own end depends on always fits. */
static bool always_fits(enum request_kind kind)
{
    return kind == REQUEST_STOP || kind == REQUEST_DRAIN || kind == REQUEST_QUIT;
}

int process_post(struct process *p, struct request *r)
{
    int result = 0;
    lock_take(&p->lock);
    if (p->mailbox_closed) {
        result = -ESHUTDOWN;
    } else if (p->mailbox_n >= PROCESS_MAILBOX_MAX && !always_fits(r->kind)) {
        result = -ENOBUFS;
    } else {
        r->process = process_ref(p);
        r->next = NULL;
        *p->mailbox_tail = r;
        p->mailbox_tail = &r->next;
        p->mailbox_n++;
        if (r->kind == REQUEST_START)
            p->starts_pending++;
    }
    lock_release(&p->lock);
    if (result == 0)
        process_wake(p);
    return result;
}

int process_post_simple(struct process *p, enum request_kind kind)
{
    struct request *r = request_new(kind, NULL, NULL);
    if (!r)
        return -ENOMEM;
    int result = process_post(p, r);
    if (result < 0)
        request_free(r);
    return result;
}

int process_reconfigure(struct process *p, struct group_config *group, size_t index,
                        void (*done)(struct request *), void *arg)
{
    struct request *r = request_new(REQUEST_RECONFIGURE, done, arg);
    if (!r)
        return -ENOMEM;
    r->group = group_config_ref(group);
    r->config = &group->processes[index];
    int result = process_post(p, r);
    if (result < 0)
        request_free(r);
    return result;
}

void process_take_config(struct process *p, struct request *r)
{
    struct group_config *old = p->group_config;
    p->config = r->config;
    p->group_config = r->group;
    r->group = old;
}

void request_finish(struct request *r, enum request_result result)
{
    r->result = result;
    if (r->kind == REQUEST_START) {
        lock_take(&r->process->lock);
        r->process->starts_pending--;
        lock_release(&r->process->lock);
    }
    if (r->done)
        notice_finished(r);
    else
        request_free(r);
}

void process_wake(struct process *p)
{
    uint64_t one = 1;
    if (atomic_exchange(&p->wake_sent, true))
        return;
    /* It fails only when the counter is full, and then a wake is pending. */
    if (write(p->wake_fd, &one, sizeof(one)) < 0)
        return;
}

/* The eventfd is written only by whoever sets the flag, and the flag falls only with a successful
 * read. So a flag without a count means a write on its way: leave it, the wake will come. */
static bool clear_wake(struct process *p)
{
    uint64_t count;
    if (!atomic_load(&p->wake_sent))
        return false;
    if (read(p->wake_fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
        (void)atomic_exchange(&p->wake_sent, false);
    return true;
}

static struct request *take_mailbox(struct process *p) REQUIRES(p->lock)
{
    struct request *head = p->mailbox_head;
    p->mailbox_head = NULL;
    p->mailbox_tail = &p->mailbox_head;
    p->mailbox_n = 0;
    return head;
}

struct request *process_collect(struct process *p, bool *ret_exited, int *ret_status,
                                uint64_t *ret_exit_ns)
{
    *ret_exited = false;
    if (!clear_wake(p))
        return NULL;
    lock_take(&p->lock);
    struct request *head = take_mailbox(p);
    *ret_exited = p->exit_pending;
    *ret_status = p->exit_wait_status;
    *ret_exit_ns = p->exit_ns;
    p->exit_pending = false;
    lock_release(&p->lock);
    return head;
}

void process_close_mailbox(struct process *p)
{
    lock_take(&p->lock);
    p->mailbox_closed = true;
    struct request *r = take_mailbox(p);
    lock_release(&p->lock);
    while (r) {
        struct request *next = r->next;
        request_finish(r, REQUEST_CANCELLED);
        r = next;
    }
}

/* ---- the child ---- */

/* The child was made the leader of its group, but it may have joined another (or the daemon's):
 * then the signal for its group would miss it. */
static int kill_group(pid_t child, int signal)
{
    int result = kill(-child, signal) < 0 ? -errno : 0;
    pid_t group = getpgid(child);
    if (group > 0 && group != child)
        result = kill(child, signal) < 0 ? -errno : 0;
    return result;
}

int process_kill(struct process *p, int signal, bool as_group)
{
    lock_take(&p->lock);
    int result = -ESRCH;
    if (p->child_pid != 0 && as_group)
        result = kill_group(p->child_pid, signal);
    else if (p->child_pid != 0)
        result = kill(p->child_pid, signal) < 0 ? -errno : 0;
    lock_release(&p->lock);
    return result;
}

bool process_collect_child(struct process *p, pid_t pid)
{
    int status = 0;
    lock_take(&p->lock);
    bool collected = p->child_pid == pid && waitpid(pid, &status, WNOHANG) == pid;
    if (collected) {
        p->child_pid = 0; /* from here on the number may be a stranger's */
        p->exit_pending = true;
        p->exit_wait_status = status;
        p->exit_ns = clock_now_ns();
    }
    lock_release(&p->lock);
    if (collected)
        process_wake(p);
    return collected;
}
