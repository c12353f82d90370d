/* SPDX-License-Identifier: MIT */
/* rotation_time.c: when a log that starts anew by the clock does so next. */
#include "rotation_time.h"

#define HOUR_SECS 3600
#define DAY_SECS  (24 * HOUR_SECS)

/* Move tm by that many days to minutes after midnight. The clock may be set forward there. */
static time_t at_minute(struct tm tm, int days, int minute)
{
    tm.tm_mday += days;
    tm.tm_hour = minute / 60;
    tm.tm_min = minute % 60;
    tm.tm_sec = 0;
    tm.tm_isdst = -1;
    return mktime(&tm);
}

time_t rotation_time_next(enum logrotate period, int minute, time_t after)
{
    struct tm tm;
    if (period == LOGROTATE_NONE)
        return 0;
    if (!localtime_r(&after, &tm))
        return after + DAY_SECS;
    time_t next = 0;
    switch (period) {
    case LOGROTATE_NONE:
        break;
    case LOGROTATE_HOURLY: /* counted from the time itself: local hours are skipped and repeated */
        next = after + HOUR_SECS - (tm.tm_min * 60 + tm.tm_sec);
        break;
    case LOGROTATE_DAILY:
        next = at_minute(tm, 0, minute);
        if (next <= after)
            next = at_minute(tm, 1, minute);
        break;
    case LOGROTATE_WEEKLY:
        next = at_minute(tm, tm.tm_wday == 0 ? 1 : 8 - tm.tm_wday, 0);
        break;
    }
    return next > after ? next : after + DAY_SECS; /* mktime() failed */
}
