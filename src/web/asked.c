/* SPDX-License-Identifier: MIT */
/* asked.c: ties a deferred request to the sampler. */
#include "asked.h"

#include "sampler.h"

#include <stdlib.h>

struct asked {
    struct http_request *request;
    void (*answer)(struct http_request *request);
    struct sampler_wait wait;
    bool is_asking; /* sampler_ask() has not returned yet */
    bool is_answered;
};

static void on_ready(void *arg)
{
    struct asked *asked = arg;
    asked->is_answered = true;
    asked->answer(asked->request);
    if (!asked->is_asking)
        free(asked);
}

static void on_gone(void *arg)
{
    struct asked *asked = arg;
    sampler_forget(&asked->wait);
    free(asked);
}

void answer_when_sampled(struct http_request *request, void (*answer)(struct http_request *request))
{
    struct asked *asked = calloc(1, sizeof(*asked));
    if (!asked) {
        http_reply_error(request, 500);
        return;
    }
    *asked = (struct asked){ .request = request, .answer = answer, .is_asking = true };
    asked->wait = (struct sampler_wait){ .ready = on_ready, .arg = asked };
    sampler_ask(&asked->wait);
    asked->is_asking = false;
    if (asked->is_answered)
        free(asked);
    else
        http_defer(request, on_gone, asked);
}
