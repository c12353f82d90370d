/* SPDX-License-Identifier: MIT */
/* fuzz_log_window.c: any numbers as the size of a log and as what a caller wants of it.
 *
 * What must hold: a window is inside the file, and no larger than an answer may be.
 */
#include "../../src/rpc/log_window.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct log_window *window, int64_t size)
{
    if (window->length < 0 || window->length > LOG_WINDOW_MAX)
        abort();
    if (window->length > 0 && (window->offset < 0 || window->offset > size - window->length))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t n[3];
    struct log_window window;
    if (size < sizeof(n))
        return 0;
    memcpy(n, data, sizeof(n));
    n[0] &= INT64_MAX; /* what fstat(2) says is not negative */
    if (log_window_read(n[0], n[1], n[2], &window) == 0)
        check(&window, n[0]);
    log_window_tail(n[0], n[1], n[2], &window);
    check(&window, n[0]);
    return 0;
}
