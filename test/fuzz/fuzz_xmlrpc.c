/* SPDX-License-Identifier: MIT */
/* fuzz_xmlrpc.c: any bytes as a request and as a response: decoded or refused, and what was decoded
 * can be written and read again. */
#include "supervisor/rpc/xmlrpc.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What we write we must be able to read. Values that only a request can have (dates, numbers
 * without end) are written as text. */
static void write_and_read(const struct value *v)
{
    struct buf out = BUF_INIT;
    struct xmlrpc_response response;

    xmlrpc_write_response_begin(&out);
    xmlrpc_write_value(&out, v);
    xmlrpc_write_response_end(&out);
    if (out.error == 0) {
        int r = xmlrpc_decode_response(buf_text(&out), out.len, &response);
        if (r == 0)
            xmlrpc_response_free(&response);
    }
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xmlrpc_call call;
    struct xmlrpc_response response;

    if (xmlrpc_decode_call((const char *)data, size, &call) == 0) {
        if (call.method[0] == '\0')
            abort();
        write_and_read(&call.params);
        xmlrpc_call_free(&call);
    }
    if (xmlrpc_decode_response((const char *)data, size, &response) == 0)
        xmlrpc_response_free(&response);
    return 0;
}
