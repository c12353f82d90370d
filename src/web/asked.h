/* SPDX-License-Identifier: MIT */
/* asked.h: an answer that waits for fresh numbers from /proc. */
#ifndef SUPERVISOR_WEB_ASKED_H
#define SUPERVISOR_WEB_ASKED_H

#include "supervisor/rpc/http.h"

/* Call answer(request) once the sampler's numbers are fresh, unless the client leaves before. */
void answer_when_sampled(struct http_request *request,
                         void (*answer)(struct http_request *request));

#endif
