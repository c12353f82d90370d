/* SPDX-License-Identifier: MIT */
/* listener_protocol.c: the event listener protocol as a state machine over bytes. */
#include "supervisor/workers/listener_protocol.h"

#include <string.h>

#define READY_TOKEN   "READY\n"
#define RESULT_PREFIX "RESULT "

enum {
    READY_TOKEN_LEN = sizeof(READY_TOKEN) - 1,
    RESULT_PREFIX_LEN = sizeof(RESULT_PREFIX) - 1,
};

const char *listener_state_name(enum listener_state state)
{
    switch (state) {
    case LISTENER_READY:
        return "READY";
    case LISTENER_BUSY:
        return "BUSY";
    case LISTENER_ACKNOWLEDGED:
        return "ACKNOWLEDGED";
    case LISTENER_UNKNOWN:
        return "UNKNOWN";
    }
    return "UNKNOWN";
}

static void enter(struct listener_protocol *p, enum listener_state state)
{
    p->state = state;
    p->in_body = false;
    if (state != LISTENER_UNKNOWN)
        p->line_len = 0; /* after a violation the line stays, to be told */
}

void listener_protocol_reset(struct listener_protocol *p)
{
    memset(p, 0, sizeof(*p));
    enter(p, LISTENER_ACKNOWLEDGED);
}

void listener_protocol_sent(struct listener_protocol *p)
{
    enter(p, LISTENER_BUSY);
}

/* Nothing is judged before six bytes are there: so does the reference, and a listener that prints
 * less simply never gets an event. */
static size_t feed_token(struct listener_protocol *p, const char *data, size_t len,
                         enum listener_outcome *ret_outcome)
{
    size_t want = READY_TOKEN_LEN - p->line_len;
    size_t used = len < want ? len : want;
    memcpy(p->line + p->line_len, data, used);
    p->line_len += used;
    if (p->line_len < READY_TOKEN_LEN)
        return used;
    if (memcmp(p->line, READY_TOKEN, READY_TOKEN_LEN) == 0) {
        enter(p, LISTENER_READY);
        *ret_outcome = LISTENER_OUTCOME_READY;
    } else {
        enter(p, LISTENER_UNKNOWN);
        *ret_outcome = LISTENER_OUTCOME_VIOLATION;
    }
    return used;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Blanks around and a sign are tolerated, as the reference's reader of numbers does. */
static bool parse_length(const char *text, size_t len, size_t *ret_length)
{
    while (len && is_blank(text[len - 1]))
        len--;
    while (len && is_blank(*text))
        text++, len--;
    bool negative = len && *text == '-';
    if (len && (*text == '-' || *text == '+'))
        text++, len--;
    if (!len)
        return false;
    size_t value = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (size_t)(text[i] - '0');
        if (value > LISTENER_BODY_MAX)
            return false;
    }
    if (negative && value)
        return false;
    *ret_length = value;
    return true;
}

static enum listener_outcome judge_body(struct listener_protocol *p)
{
    bool ok = p->body_len == 2 && memcmp(p->body, "OK", 2) == 0;
    enter(p, LISTENER_ACKNOWLEDGED);
    return ok ? LISTENER_OUTCOME_OK : LISTENER_OUTCOME_FAIL;
}

static enum listener_outcome judge_line(struct listener_protocol *p)
{
    size_t length;
    if (p->line_len < RESULT_PREFIX_LEN || memcmp(p->line, RESULT_PREFIX, RESULT_PREFIX_LEN) != 0 ||
        !parse_length(p->line + RESULT_PREFIX_LEN, p->line_len - RESULT_PREFIX_LEN, &length)) {
        enter(p, LISTENER_UNKNOWN);
        return LISTENER_OUTCOME_BAD_RESULT;
    }
    p->in_body = true;
    p->body_len = length;
    p->body_seen = 0;
    return length ? LISTENER_OUTCOME_NONE : judge_body(p);
}

static size_t feed_line(struct listener_protocol *p, const char *data, size_t len,
                        enum listener_outcome *ret_outcome)
{
    const char *lf = memchr(data, '\n', len);
    size_t piece = lf ? (size_t)(lf - data) : len;
    size_t room = sizeof(p->line) - p->line_len;
    size_t kept = piece < room ? piece : room;
    memcpy(p->line + p->line_len, data, kept);
    p->line_len += kept;
    if (kept < piece) {
        enter(p, LISTENER_UNKNOWN); /* no end in sight */
        *ret_outcome = LISTENER_OUTCOME_BAD_RESULT;
        return kept;
    }
    if (!lf)
        return piece;
    *ret_outcome = judge_line(p);
    return piece + 1;
}

static size_t feed_body(struct listener_protocol *p, const char *data, size_t len,
                        enum listener_outcome *ret_outcome)
{
    size_t want = p->body_len - p->body_seen;
    size_t used = len < want ? len : want;
    for (size_t i = 0; i < used && p->body_seen + i < sizeof(p->body); i++)
        p->body[p->body_seen + i] = data[i];
    p->body_seen += used;
    if (p->body_seen == p->body_len)
        *ret_outcome = judge_body(p);
    return used;
}

size_t listener_protocol_feed(struct listener_protocol *p, const char *data, size_t len,
                              enum listener_outcome *ret_outcome)
{
    size_t used = 0;
    *ret_outcome = LISTENER_OUTCOME_NONE;
    while (used < len && *ret_outcome == LISTENER_OUTCOME_NONE) {
        switch (p->state) {
        case LISTENER_ACKNOWLEDGED:
            used += feed_token(p, data + used, len - used, ret_outcome);
            break;
        case LISTENER_READY:
            enter(p, LISTENER_UNKNOWN); /* nothing was asked */
            *ret_outcome = LISTENER_OUTCOME_VIOLATION;
            break;
        case LISTENER_BUSY:
            used += p->in_body ? feed_body(p, data + used, len - used, ret_outcome)
                               : feed_line(p, data + used, len - used, ret_outcome);
            break;
        case LISTENER_UNKNOWN:
            used = len;
            break;
        }
    }
    return used;
}
