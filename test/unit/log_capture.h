/* SPDX-License-Identifier: MIT */
/* log_capture.h: stands in for log.c, so that a test can read what would be logged.
 *
 * Include it in one test file; linking then takes no log.c. Lines are "LEVEL text\n".
 */
#ifndef TEST_LOG_CAPTURE_H
#define TEST_LOG_CAPTURE_H

#include "supervisor/core/log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct {
    pthread_mutex_t mutex;
    char text[64 * 1024];
    size_t len;
} log_capture = { .mutex = PTHREAD_MUTEX_INITIALIZER };

void log_msg(enum log_level level, const char *format, ...)
{
    const char *word = level >= LOG_LEVEL_ERRO   ? "ERRO"
                       : level >= LOG_LEVEL_WARN ? "WARN"
                       : level >= LOG_LEVEL_INFO ? "INFO"
                                                 : "DEBG";
    char line[2048];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(line, sizeof(line), format, ap);
    va_end(ap);
    pthread_mutex_lock(&log_capture.mutex);
    int n = snprintf(log_capture.text + log_capture.len, sizeof(log_capture.text) - log_capture.len,
                     "%s %s\n", word, line);
    if (n > 0 && log_capture.len + (size_t)n < sizeof(log_capture.text))
        log_capture.len += (size_t)n;
    pthread_mutex_unlock(&log_capture.mutex);
}

static inline void log_capture_clear(void)
{
    pthread_mutex_lock(&log_capture.mutex);
    log_capture.len = 0;
    log_capture.text[0] = '\0';
    pthread_mutex_unlock(&log_capture.mutex);
}

static inline int log_has(const char *text)
{
    return strstr(log_capture.text, text) != NULL;
}

#endif
