/* SPDX-License-Identifier: MIT */
/* fuzz_param.c: the parameters of any request, read as each thing that methods want. */
#include "../../src/rpc/param.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct value *v)
{
    struct buf out = BUF_INIT;
    int64_t number;
    int signum;
    (void)param_truth(v);
    (void)param_int(v, &number);
    if (param_signal(v, &signum) == 0 && (signum < 0 || signum >= NSIG))
        abort();
    param_repr(&out, v);
    param_str(&out, v);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xmlrpc_call call;
    if (xmlrpc_decode_call((const char *)data, size, &call) < 0)
        return 0;
    check(&call.params);
    for (size_t i = 0; i < call.params.n; i++)
        check(&call.params.items[i]);
    xmlrpc_call_free(&call);
    return 0;
}
