/* SPDX-License-Identifier: MIT */
/* output_event.c: events of one channel's output, and its echo in the daemon's log. */
#include "output_event.h"

#include "bytes_repr.h"
#include "supervisor/core/event.h"
#include "supervisor/core/log.h"
#include "supervisor/core/utf8.h"

#include <stdio.h>
#include <string.h>

static void publish(const struct output_event *e, enum event_type type, bool name_channel,
                    const char *data, size_t len)
{
    struct buf payload = BUF_INIT;
    buf_printf(&payload, "processname:%s groupname:%s pid:%d", e->process->config->name,
               e->process->group_config->name, (int)e->pid);
    if (name_channel)
        buf_printf(&payload, " channel:%s", channel_name(e->channel));
    buf_putc(&payload, '\n');
    bytes_text_append(&payload, data, len);
    if (payload.error)
        log_warn("%s: no memory for an event of %zu bytes of output", e->process->config->name,
                 len);
    else
        bus_publish(type, payload.data, payload.len);
    buf_free(&payload);
}

static enum event_type log_event(const struct output_event *e)
{
    return e->channel == CHANNEL_STDOUT ? EVENT_PROCESS_LOG_STDOUT : EVENT_PROCESS_LOG_STDERR;
}

/* The tail and data as one. */
static void log_joined(struct output_event *e, const char *data, size_t len)
{
    struct buf joined = BUF_INIT;
    buf_append(&joined, e->tail, e->n_tail);
    buf_append(&joined, data, len);
    e->n_tail = 0;
    if (joined.error)
        log_warn("%s: no memory for an event of %zu bytes of output", e->process->config->name,
                 len);
    else
        output_event_log(e, joined.data, joined.len);
    buf_free(&joined);
}

void output_event_log(struct output_event *e, const char *data, size_t len)
{
    if (!bus_wants(log_event(e))) {
        e->n_tail = 0;
        return;
    }
    if (e->n_tail) {
        log_joined(e, data, len);
        return;
    }
    size_t cut = utf8_cut_tail(data, len);
    memcpy(e->tail, data + len - cut, cut);
    e->n_tail = cut;
    if (len > cut || !cut)
        publish(e, log_event(e), true, data, len - cut);
}

void output_event_flush(struct output_event *e)
{
    if (e->n_tail && bus_wants(log_event(e)))
        publish(e, log_event(e), true, e->tail, e->n_tail);
    e->n_tail = 0;
}

void output_event_communicate(struct output_event *e, const char *data, size_t len)
{
    enum event_type type = e->channel == CHANNEL_STDOUT ? EVENT_PROCESS_COMMUNICATION_STDOUT
                                                        : EVENT_PROCESS_COMMUNICATION_STDERR;
    if (bus_wants(type))
        publish(e, type, false, data, len);
    log_debg("'%s' %s emitted a comm event", e->process->config->name, channel_name(e->channel));
}

void output_event_echo(const struct output_event *e, const char *data, size_t len, bool as_bytes)
{
    if (!log_wants(LOG_LEVEL_DEBG))
        return;
    struct buf text = BUF_INIT;
    if (as_bytes)
        bytes_repr_append(&text, data, len);
    else
        bytes_text_append(&text, data, len);
    char head[256];
    (void)snprintf(head, sizeof(head), "'%s' %s output:\n", e->process->config->name,
                   channel_name(e->channel));
    log_data(LOG_LEVEL_DEBG, head, buf_text(&text), text.len);
    buf_free(&text);
}
