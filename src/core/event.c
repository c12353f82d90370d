/* SPDX-License-Identifier: MIT */
/* event.c: what kinds of news there are, and how each is put into words.
 *
 * Who gets it is bus.c's business.
 */
#include "supervisor/core/event.h"

#include "supervisor/core/buf.h"
#include "supervisor/core/utf8.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

static_assert(EVENT_TYPE_COUNT <= 64, "a mask is 64 bits");

static const char *const type_names[EVENT_TYPE_COUNT] = {
#define X(name, parent) [EVENT_##name] = #name,
    EVENT_TYPES(X)
#undef X
};

static const enum event_type type_parents[EVENT_TYPE_COUNT] = {
#define X(name, parent) [EVENT_##name] = EVENT_##parent,
    EVENT_TYPES(X)
#undef X
};

const char *event_type_name(enum event_type type)
{
    return (unsigned)type < EVENT_TYPE_COUNT ? type_names[type] : "EVENT";
}

int event_type_from_name(const char *name, enum event_type *ret_type)
{
    for (unsigned i = 0; i < EVENT_TYPE_COUNT; i++) {
        if (strcasecmp(name, type_names[i]) == 0) {
            *ret_type = (enum event_type)i;
            return 0;
        }
    }
    return -EINVAL;
}

static bool type_is_below(enum event_type type, enum event_type ancestor)
{
    while (type != ancestor && type != EVENT_EVENT)
        type = type_parents[type];
    return type == ancestor;
}

uint64_t event_type_mask(enum event_type type)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < EVENT_TYPE_COUNT; i++) {
        if (type_is_below((enum event_type)i, type))
            mask |= UINT64_C(1) << i;
    }
    return mask;
}

uint64_t event_mask_widen(uint64_t mask)
{
    uint64_t wide = 0;
    for (unsigned i = 0; i < EVENT_TYPE_COUNT; i++) {
        if (mask & (UINT64_C(1) << i))
            wide |= event_type_mask((enum event_type)i);
    }
    return wide;
}

/* ---- payloads ---- */

/* Byte by byte as Python writes a bytes literal. */
static void append_bytes_literal(struct buf *out, const char *data, size_t len)
{
    char quote = memchr(data, '\'', len) && !memchr(data, '"', len) ? '"' : '\'';
    buf_putc(out, 'b');
    buf_putc(out, quote);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c == '\\' || c == (unsigned char)quote)
            buf_printf(out, "\\%c", c);
        else if (c == '\t')
            buf_puts(out, "\\t");
        else if (c == '\n')
            buf_puts(out, "\\n");
        else if (c == '\r')
            buf_puts(out, "\\r");
        else if (c < 0x20 || c >= 0x7f)
            buf_printf(out, "\\x%02x", c);
        else
            buf_putc(out, (char)c);
    }
    buf_putc(out, quote);
}

void event_text_append(struct buf *out, const char *data, size_t len)
{
    if (utf8_is_valid(data, len)) {
        buf_append(out, data, len);
        return;
    }
    buf_puts(out, "Undecodable: ");
    append_bytes_literal(out, data, len);
}

/* Publish what was written, or let bus_publish() count what could not be for want of memory. */
static void publish_buf(enum event_type type, struct buf *payload)
{
    bus_publish(type, payload->error ? NULL : buf_text(payload), payload->len);
    buf_free(payload);
}

static enum event_type state_event_type(enum process_state state)
{
    switch (state) {
    case PROCESS_STOPPED:
        return EVENT_PROCESS_STATE_STOPPED;
    case PROCESS_STARTING:
        return EVENT_PROCESS_STATE_STARTING;
    case PROCESS_RUNNING:
        return EVENT_PROCESS_STATE_RUNNING;
    case PROCESS_BACKOFF:
        return EVENT_PROCESS_STATE_BACKOFF;
    case PROCESS_STOPPING:
        return EVENT_PROCESS_STATE_STOPPING;
    case PROCESS_EXITED:
        return EVENT_PROCESS_STATE_EXITED;
    case PROCESS_FATAL:
        return EVENT_PROCESS_STATE_FATAL;
    case PROCESS_UNKNOWN:
        return EVENT_PROCESS_STATE_UNKNOWN;
    }
    return EVENT_PROCESS_STATE_UNKNOWN;
}

void bus_publish_state(const struct event_state_news *news)
{
    enum event_type type = state_event_type(news->to);
    if (!bus_wants(type))
        return;
    struct buf out = BUF_INIT;
    buf_printf(&out, "processname:%s groupname:%s from_state:%s", news->process, news->group,
               process_state_name(news->from));
    switch (news->to) {
    case PROCESS_STARTING:
    case PROCESS_BACKOFF:
        buf_printf(&out, " tries:%u", news->tries);
        break;
    case PROCESS_RUNNING:
    case PROCESS_STOPPING:
    case PROCESS_STOPPED:
        buf_printf(&out, " pid:%d", (int)news->pid);
        break;
    case PROCESS_EXITED:
        /* exitstatus is ours; readers of the reference's tokens skip what they do not know */
        buf_printf(&out, " expected:%d pid:%d exitstatus:%d", news->expected, (int)news->pid,
                   news->exit_status);
        break;
    case PROCESS_FATAL:
    case PROCESS_UNKNOWN:
        break;
    }
    publish_buf(type, &out);
}

void bus_publish_log(const char *process, const char *group, pid_t pid, bool is_stderr,
                     const char *data, size_t len)
{
    enum event_type type = is_stderr ? EVENT_PROCESS_LOG_STDERR : EVENT_PROCESS_LOG_STDOUT;
    if (!bus_wants(type))
        return;
    struct buf out = BUF_INIT;
    buf_printf(&out, "processname:%s groupname:%s pid:%d channel:%s\n", process, group, (int)pid,
               is_stderr ? "stderr" : "stdout");
    event_text_append(&out, data, len);
    publish_buf(type, &out);
}

void bus_publish_communication(const char *process, const char *group, pid_t pid, bool is_stderr,
                               const char *data, size_t len)
{
    enum event_type type =
        is_stderr ? EVENT_PROCESS_COMMUNICATION_STDERR : EVENT_PROCESS_COMMUNICATION_STDOUT;
    if (!bus_wants(type))
        return;
    struct buf out = BUF_INIT;
    buf_printf(&out, "processname:%s groupname:%s pid:%d\n", process, group, (int)pid);
    event_text_append(&out, data, len);
    publish_buf(type, &out);
}

void bus_publish_remote(const char *type, size_t type_len, const char *data, size_t data_len)
{
    if (!bus_wants(EVENT_REMOTE_COMMUNICATION))
        return;
    struct buf out = BUF_INIT;
    buf_puts(&out, "type:");
    buf_append(&out, type, type_len);
    buf_putc(&out, '\n');
    buf_append(&out, data, data_len);
    publish_buf(EVENT_REMOTE_COMMUNICATION, &out);
}

void bus_publish_group(enum event_type type, const char *group)
{
    if (!bus_wants(type))
        return;
    struct buf out = BUF_INIT;
    buf_printf(&out, "groupname:%s\n", group);
    publish_buf(type, &out);
}

void bus_publish_tick(enum event_type type, int64_t when_wall)
{
    if (!bus_wants(type))
        return;
    struct buf out = BUF_INIT;
    buf_printf(&out, "when:%" PRId64, when_wall);
    publish_buf(type, &out);
}
