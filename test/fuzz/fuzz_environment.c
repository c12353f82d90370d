/* SPDX-License-Identifier: MIT */
/* fuzz_environment.c: any text as a KEY="value" list, and as most of the small types.
 *
 * What must hold: names of a list that is read are unique, and are found again; the small types
 * refuse with a sentence or take the value.
 */
#include "supervisor/core/buf.h"
#include "supervisor/core/datatypes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_list(const char *text)
{
    struct env_list list = { 0 };
    struct buf error = BUF_INIT;
    if (parse_environment(text, &list, NULL, &error) < 0) {
        if (list.n > 0 || error.len == 0)
            abort();
    } else {
        for (size_t i = 0; i < list.n; i++)
            if (env_list_get(&list, list.vars[i].name) != list.vars[i].value)
                abort(); /* found an earlier one: not unique */
    }
    env_list_free(&list);
    buf_free(&error);
}

static void check(int status, struct buf *error)
{
    if ((status < 0) != (error->len > 0))
        abort();
    buf_free(error);
}

static void check_types(const char *text)
{
    struct buf error = BUF_INIT;
    int64_t n, m;
    int small;
    unsigned char codes[32];
    struct rlimit_config limit;
    struct cpu_list cpus;
    enum logrotate rotate;
    char *host = NULL, *name = NULL;
    uint16_t port;
    check(parse_integer(text, &n, &error), &error);
    check(parse_octal(text, &n, &error), &error);
    check(parse_byte_size(text, &n, &error), &error);
    check(parse_duration(text, &n, &error), &error);
    check(parse_rate(text, &n, &m, &error), &error);
    check(parse_signal(text, &small, &error), &error);
    check(parse_exitcodes(text, codes, &error), &error);
    check(parse_rlimit(text, &limit, &error), &error);
    check(parse_cpu_list(text, &cpus, &error), &error);
    check(parse_rotate(text, &rotate, &small, &error), &error);
    check(parse_name(text, &name, &error), &error);
    check(parse_inet_address(text, &host, &port, &error), &error);
    text_repr(&error, text);
    buf_free(&error);
    free(host);
    free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    check_list(text);
    check_types(text);
    free(text);
    return 0;
}
