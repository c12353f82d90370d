/* SPDX-License-Identifier: MIT */
/* rotation_time.h: when a log that starts anew by the clock does so next. */
#ifndef SUPERVISOR_CORE_ROTATION_TIME_H
#define SUPERVISOR_CORE_ROTATION_TIME_H

#include "supervisor/core/config.h"

#include <time.h>

/* The first full hour, minute of the day (minutes after midnight) or Monday's midnight after
 * `after`, in local time. 0 for LOGROTATE_NONE: never. */
time_t rotation_time_next(enum logrotate period, int minute, time_t after);

#endif
