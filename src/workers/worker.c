/* SPDX-License-Identifier: MIT */
/* worker.c: the thread of one process: it waits, and passes on what happened. */
#include "supervisor/workers/worker.h"

#include "supervisor/core/clock.h"
#include "supervisor/core/log.h"
#include "supervisor/core/process_table.h"

#include "worker_priv.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

/* Address space, not memory: only touched pages count. NSS modules (user lookups) want some. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_BYTES (1024UL * 1024)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STACK_BYTES (1024UL * 1024)
#endif
#endif
#ifndef STACK_BYTES
#define STACK_BYTES (256UL * 1024)
#endif

/* A program that writes line by line would wake us for each line. While small reads follow one
 * another closely the pipe is left alone between them, longer each time, so that lines gather. At
 * less than LINGER_BYTES a read it does not fill up meanwhile; the first lines after a silence are
 * never late, and neither an end nor a request waits for it. */
#define LINGER_AFTER_NS (20 * NS_PER_MS) /* what comes that soon is close */
#define LINGER_MIN_NS   (4 * NS_PER_MS)
#define LINGER_MAX_NS   (50 * NS_PER_MS) /* no reader of a log notices */
/* Who has just written much is not writing lines: a small read means that we were faster. */
#define LINGER_NOT_AFTER_MUCH_NS (200 * NS_PER_MS)
enum { LINGER_BYTES = 8192 };

enum { READS_PER_PASS = 16 }; /* before the mailbox is looked at again */

/* Places in the set of descriptors. */
enum { AT_WAKE, AT_STDIN, AT_OUTPUT, AT_SINK = AT_OUTPUT + CHANNELS, AT_N = AT_SINK + CHANNELS };

/* ---- output ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t bytes_read(const struct worker *w, int c)
{
    return atomic_load_explicit(&w->process->counters[c].bytes_read, memory_order_relaxed);
}

static void linger(struct output *output, bool may, uint64_t now_ns)
{
    bool close = now_ns - output->last_read_ns < output->linger_ns + LINGER_AFTER_NS;
    output->last_read_ns = now_ns;
    if (!may || !close)
        output->linger_ns = 0;
    else if (output->linger_ns < LINGER_MIN_NS)
        output->linger_ns = LINGER_MIN_NS;
    else
        output->linger_ns = earlier(output->linger_ns * 2, LINGER_MAX_NS);
    output->resume_ns = output->linger_ns ? now_ns + output->linger_ns : 0;
}

static void read_output(struct worker *w, int c)
{
    struct output *output = &w->output[c];
    uint64_t now_ns = clock_now_ns();
    uint64_t before = bytes_read(w, c);
    enum stream_result result = STREAM_MORE;
    for (int i = 0; i < READS_PER_PASS && result == STREAM_MORE; i++)
        result = stream_on_readable(output->stream, now_ns);
    uint64_t got = bytes_read(w, c) - before;
    output->resume_ns = 0;
    if (got == 0)
        return; /* what is next still shows whether it comes close to the last */
    if (got >= LINGER_BYTES)
        output->much_ns = now_ns;
    bool small = result == STREAM_DRAINED && now_ns - output->much_ns > LINGER_NOT_AFTER_MUCH_NS;
    bool waits_for_us = w->listener && c == CHANNEL_STDOUT; /* lingering would pace it */
    linger(output, small && !waits_for_us, now_ns);
}

/* ---- waiting ---- */

static uint64_t next_deadline(const struct worker *w)
{
    uint64_t deadline_ns = w->dead_unreaped ? NS_NEVER : w->life.deadline_ns;
    for (int c = 0; c < CHANNELS; c++) {
        const struct output *output = &w->output[c];
        if (!output->stream)
            continue;
        deadline_ns = earlier(deadline_ns, stream_deadline_ns(output->stream));
        if (output->resume_ns)
            deadline_ns = earlier(deadline_ns, output->resume_ns);
    }
    if (w->listener)
        deadline_ns = earlier(deadline_ns, listener_deadline_ns(w->listener));
    return earlier(deadline_ns, worker_recycle_deadline_ns(w));
}

static void fill_set(struct worker *w, struct pollfd set[AT_N])
{
    set[AT_WAKE] = (struct pollfd){ .fd = w->process->wake_fd, .events = POLLIN };
    set[AT_STDIN] = (struct pollfd){ .fd = w->stdin_full ? w->stdin_fd : -1, .events = POLLOUT };
    for (int c = 0; c < CHANNELS; c++) {
        struct output *output = &w->output[c];
        set[AT_OUTPUT + c] = (struct pollfd){ .fd = -1, .events = POLLIN };
        set[AT_SINK + c] = (struct pollfd){ .fd = -1, .events = POLLOUT };
        if (!output->stream)
            continue;
        set[AT_SINK + c].fd = stream_sink_fd(output->stream);
        if (!output->resume_ns)
            set[AT_OUTPUT + c].fd = stream_fd(output->stream);
    }
}

static void wait(struct worker *w, struct pollfd set[AT_N])
{
    fill_set(w, set);
    struct timespec timeout;
    struct timespec *until = NULL;
    uint64_t deadline_ns = next_deadline(w);
    if (deadline_ns != NS_NEVER) {
        uint64_t now_ns = clock_now_ns();
        uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
        timeout = (struct timespec){ .tv_sec = (time_t)(left_ns / NS_PER_SEC),
                                     .tv_nsec = (long)(left_ns % NS_PER_SEC) };
        until = &timeout;
    }
    if (ppoll(set, AT_N, until, NULL) < 0) {
        for (int i = 0; i < AT_N; i++)
            set[i].revents = 0; /* EINTR, or no memory for the moment: look again */
    }
}

/* ---- a pass ---- */

static void pump_listener(struct worker *w)
{
    int r = listener_pump(w->listener, w->stdin_fd);
    if (r < 0 && w->stdin_fd >= 0) {
        worker_close_stdin(w);
        worker_publish(w);
    }
    w->stdin_full = r > 0;
}

static void serve_descriptors(struct worker *w, const struct pollfd set[AT_N])
{
    uint64_t now_ns = clock_now_ns();
    for (int c = 0; c < CHANNELS; c++) {
        struct output *output = &w->output[c];
        struct stream *stream = output->stream;
        if (!stream)
            continue;
        if (set[AT_SINK + c].revents || stream_deadline_ns(stream) <= now_ns)
            stream_on_time(stream, now_ns);
        bool lingered = output->resume_ns && output->resume_ns <= now_ns; /* no need to poll */
        if (set[AT_OUTPUT + c].revents || lingered)
            read_output(w, c);
    }
    if (set[AT_STDIN].revents && !w->listener)
        (void)worker_flush_stdin(w); /* a closed channel was told of */
}

static void take_mail(struct worker *w)
{
    bool exited;
    int status = 0;
    uint64_t exit_ns = 0;
    struct request *r = process_collect(w->process, &exited, &status, &exit_ns);
    if (exited)
        worker_end_child(w, status, exit_ns);
    while (r) {
        struct request *next = r->next;
        worker_handle(w, r);
        r = next;
    }
}

/* A child that is dead already must not be declared RUNNING because the reaper is a moment late. */
static bool must_wait_for_reaper(struct worker *w)
{
    if (w->life.state == PROCESS_STARTING && w->life.has_child && worker_child_is_dead(w))
        w->dead_unreaped = true;
    return w->dead_unreaped;
}

static void serve_deadline(struct worker *w)
{
    for (;;) {
        uint64_t now_ns = clock_now_ns();
        worker_recycle_look(w, now_ns);
        if (now_ns < w->life.deadline_ns || must_wait_for_reaper(w))
            return;
        (void)worker_step(w, LIFE_TICK, now_ns);
    }
}

static bool is_done(struct worker *w)
{
    if (!w->quit)
        return false;
    if (w->life.has_child && w->life.state == PROCESS_UNKNOWN) {
        pid_abandon(w->process); /* it obeys nobody: the daemon cannot wait for it */
        return true;
    }
    return !w->life.has_child;
}

/* ---- the thread ---- */

static void clean_up(struct worker *w)
{
    for (int c = 0; c < CHANNELS; c++)
        stream_close(w->output[c].stream);
    worker_close_stdin(w);
    listener_free(w->listener);
    struct request *quit = w->quit;
    process_close_mailbox(w->process);
    /* From here on the main thread may join us and free everything. */
    request_finish(quit, REQUEST_OK);
}

static void *run(void *arg)
{
    struct worker *w = arg;
    struct pollfd set[AT_N];
    (void)prctl(PR_SET_NAME, w->process->config->name); /* only for people: cut to 15 bytes */
    for (;;) {
        take_mail(w);
        serve_deadline(w);
        if (is_done(w))
            break;
        if (w->listener)
            pump_listener(w);
        wait(w, set);
        serve_descriptors(w, set);
    }
    clean_up(w);
    return NULL;
}

/* All signals are the main thread's business (it reads them from a signalfd). */
static int create_thread(struct worker *w)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int error = pthread_attr_init(&attributes);
    if (error)
        return -error;
    (void)sigfillset(&all);
    error = pthread_attr_setstacksize(&attributes, STACK_BYTES);
    if (!error)
        error = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!error) {
        error = pthread_create(&w->thread, &attributes, run, w);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* what was set before is valid */
    }
    (void)pthread_attr_destroy(&attributes);
    return -error;
}

static void free_worker(struct worker *w)
{
    if (w)
        process_unref(w->process);
    free(w);
}

int worker_start(struct process *p)
{
    struct worker *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    w->process = process_ref(p);
    w->stdin_fd = -1;
    life_init(&w->life);
    w->recycle_ns = w->sample_ns = NS_NEVER;
    w->dice = (uint32_t)clock_now_ns() | 1;
    process_facts(p, &w->facts);
    int r = p->member ? listener_new(p, &w->listener) : 0;
    if (r == 0)
        r = create_thread(w);
    if (r < 0) {
        listener_free(w->listener);
        free_worker(w);
        return r;
    }
    p->worker = w;
    return 0;
}

void worker_join(struct process *p)
{
    struct worker *w = p->worker;
    if (!w)
        return;
    (void)pthread_join(w->thread, NULL); /* fails only for a thread that is none */
    p->worker = NULL;
    free_worker(w);
}
