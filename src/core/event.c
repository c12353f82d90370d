/* SPDX-License-Identifier: MIT */
/* event.c: what kinds of news there are. Who gets them is bus.c's business. */
#include "supervisor/core/event.h"

#include <assert.h>
#include <errno.h>
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
