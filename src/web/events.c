/* SPDX-License-Identifier: MIT */
/* events.c: one text of events for all who look on, however many they are.
 *
 * Each event is written once, into a ring; a stream is a position in it. A stream that falls
 * so far behind that its place was overwritten is ended: the browser connects anew and gets a
 * snapshot. So a slow or silent client costs nothing but its connection.
 */
#include "events.h"

#include "json.h"
#include "sampler.h"
#include "supervisor/core/clock.h"
#include "supervisor/core/process_table.h"
#include "supervisor/workers/crew.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RING_BYTES      (4UL * 1024 * 1024) /* address space; pages are used as they are written */
#define USAGE_PERIOD_NS (2 * NS_PER_SEC)
#define SHAPE_DELAY_NS  (50 * NS_PER_MS) /* an update adds many groups: one snapshot for all */

struct event_stream {
    struct http_stream *http;
    struct buf first; /* the snapshot it began with; "" once sent */
    size_t first_sent;
    uint64_t position; /* in the ring, as if it had no end */
    struct event_stream *prev, *next;
};

/* Main thread only. */
static struct loop *events_loop;
static struct event_stream *streams;
static unsigned n_streams;
static uint64_t n_lagged;
static char *ring; /* NULL while nobody looks on */
static uint64_t ring_head;
static struct loop_timer usage_timer, shape_timer;
static struct sampler_wait usage_wait;
static bool usage_is_asked;
static enum daemon_mood last_mood;

unsigned events_streams(void)
{
    return n_streams;
}

uint64_t events_lagged(void)
{
    return n_lagged;
}

/* ---- the ring ---- */

static void ring_write(const char *data, size_t len)
{
    size_t at = (size_t)(ring_head % RING_BYTES);
    size_t piece = len < RING_BYTES - at ? len : RING_BYTES - at;
    memcpy(ring + at, data, piece);
    memcpy(ring, data + piece, len - piece);
    ring_head += len;
}

static void wake_all(void)
{
    struct event_stream *next;
    for (struct event_stream *s = streams; s; s = next) {
        next = s->next;
        if (s->http)
            http_stream_wake(s->http);
    }
}

/* Tell everybody; text is a whole event and is given back. One that is too long, or was not written
 * for want of memory, ends the streams: they come back for a snapshot. */
static void broadcast(struct buf *text)
{
    if (text->error || text->len > RING_BYTES / 2)
        ring_head += RING_BYTES + 1;
    else
        ring_write(text->data, text->len);
    buf_free(text);
    wake_all();
}

/* ---- events ---- */

static void append_snapshot(struct buf *out, const char *refusal)
{
    buf_puts(out, "event: snapshot\ndata: {\"supervisor\":");
    json_supervisor(out, refusal != NULL);
    if (refusal) {
        if (*refusal)
            json_put_member(out, "refusal", refusal);
        else
            buf_puts(out, ",\"refusal\":null");
        buf_putc(out, '}');
    }
    buf_puts(out, ",\"processes\":");
    json_processes(out, false);
    buf_puts(out, "}\n\n");
}

static void on_shape(void *arg)
{
    struct buf text = BUF_INIT;
    (void)arg;
    if (!ring)
        return;
    append_snapshot(&text, NULL);
    broadcast(&text);
}

static void tell_mood(void)
{
    struct buf text = BUF_INIT;
    last_mood = crew_mood();
    buf_puts(&text, "event: supervisor\ndata: ");
    json_supervisor(&text, false);
    buf_puts(&text, "\n\n");
    broadcast(&text);
}

void events_changed(struct process *p, void *arg)
{
    (void)arg;
    if (!ring)
        return;
    if (crew_mood() != last_mood)
        tell_mood();
    if (!p) {
        if (shape_timer.deadline_ns == NS_NEVER)
            (void)loop_timer_set(events_loop, &shape_timer, clock_now_ns() + SHAPE_DELAY_NS);
        return;
    }
    struct buf text = BUF_INIT;
    buf_puts(&text, "event: process\ndata: ");
    json_process(&text, p, false);
    buf_puts(&text, "\n\n");
    broadcast(&text);
}

static void append_usage(struct buf *out)
{
    size_t n;
    struct process **processes = process_table_sorted(&n);
    const char *comma = "";
    for (size_t i = 0; i < n; i++) {
        struct process_facts facts;
        struct usage usage;
        process_facts(processes[i], &facts);
        if (!facts.pid || !sampler_usage(facts.pid, &usage))
            continue;
        buf_puts(out, comma);
        comma = ",";
        json_put_string(out, processes[i]->display_name);
        if (usage.cpu_percent >= 0)
            buf_printf(out, ":[%.1f,%" PRIu64 "]", usage.cpu_percent, usage.stat.rss_bytes);
        else
            buf_printf(out, ":[null,%" PRIu64 "]", usage.stat.rss_bytes);
    }
}

static void on_usage(void *arg)
{
    struct buf text = BUF_INIT;
    (void)arg;
    usage_is_asked = false;
    if (!ring)
        return;
    buf_puts(&text, "event: usage\ndata: {\"processes\":{");
    append_usage(&text);
    buf_puts(&text, "}}\n\n");
    broadcast(&text);
}

static void on_usage_timer(void *arg)
{
    (void)arg;
    if (!ring)
        return;
    (void)loop_timer_set(events_loop, &usage_timer, clock_now_ns() + USAGE_PERIOD_NS);
    if (usage_is_asked)
        return;
    usage_is_asked = true;
    sampler_ask(&usage_wait);
}

/* ---- streams ---- */

static ssize_t read_first(struct event_stream *s, char *data, size_t size)
{
    size_t left = s->first.len - s->first_sent;
    size_t n = left < size ? left : size;
    memcpy(data, s->first.data + s->first_sent, n);
    s->first_sent += n;
    if (s->first_sent == s->first.len) {
        buf_free(&s->first);
        s->first_sent = 0;
    }
    return (ssize_t)n;
}

static ssize_t stream_read(void *arg, char *data, size_t size)
{
    struct event_stream *s = arg;
    if (s->first.len)
        return read_first(s, data, size);
    uint64_t left = ring_head - s->position;
    if (left > RING_BYTES) {
        n_lagged++;
        return HTTP_STREAM_END;
    }
    size_t at = (size_t)(s->position % RING_BYTES);
    size_t n = left < size ? (size_t)left : size;
    if (n > RING_BYTES - at)
        n = RING_BYTES - at;
    memcpy(data, ring + at, n);
    s->position += n;
    return (ssize_t)n;
}

static void stream_closed(void *arg)
{
    struct event_stream *s = arg;
    *(s->prev ? &s->prev->next : &streams) = s->next;
    if (s->next)
        s->next->prev = s->prev;
    buf_free(&s->first);
    free(s);
    if (--n_streams)
        return;
    free(ring);
    ring = NULL;
    loop_timer_cancel(events_loop, &usage_timer);
    loop_timer_cancel(events_loop, &shape_timer);
}

static struct event_stream *stream_new(void)
{
    struct event_stream *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    if (!ring) {
        ring = malloc(RING_BYTES);
        if (!ring) {
            free(s);
            return NULL;
        }
        last_mood = crew_mood();
        (void)loop_timer_set(events_loop, &usage_timer, clock_now_ns());
    }
    s->position = ring_head;
    s->next = streams;
    if (streams)
        streams->prev = s;
    streams = s;
    n_streams++;
    return s;
}

void events_handle(struct http_request *request, void *arg)
{
    static const struct http_stream_ops ops = { .read = stream_read, .closed = stream_closed };
    const char *refusal = http_request_refusal(request);

    (void)arg;
    struct event_stream *s = stream_new();
    if (!s) {
        http_reply_error(request, 503);
        return;
    }
    append_snapshot(&s->first, refusal ? refusal : "");
    if (s->first.error) {
        stream_closed(s);
        http_reply_error(request, 503);
        return;
    }
    http_reply_header(request, "Cache-Control", "no-store");
    http_reply_header(request, "X-Content-Type-Options", "nosniff");
    struct http_stream *http = http_reply_stream(request, 200, "text/event-stream", &ops, s);
    if (http) /* else s was closed already */
        s->http = http;
}

int events_init(struct loop *loop)
{
    events_loop = loop;
    loop_timer_init(&usage_timer, on_usage_timer, NULL);
    loop_timer_init(&shape_timer, on_shape, NULL);
    usage_wait = (struct sampler_wait){ .ready = on_usage };
    usage_is_asked = false;
    return 0;
}

void events_free(void)
{
    loop_timer_cancel(events_loop, &usage_timer);
    loop_timer_cancel(events_loop, &shape_timer);
    free(ring);
    ring = NULL;
}
