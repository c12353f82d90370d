/* SPDX-License-Identifier: MIT */
/* bytes_repr.h: bytes that are no text, shown the way the reference shows them. */
#ifndef SUPERVISOR_WORKERS_BYTES_REPR_H
#define SUPERVISOR_WORKERS_BYTES_REPR_H

#include "supervisor/core/buf.h"

/* b'caf\xc3\n': a Python bytes literal. */
void bytes_repr_append(struct buf *to, const char *data, size_t len);

/* data if it is UTF-8, else "Undecodable: " and its literal. */
void bytes_text_append(struct buf *to, const char *data, size_t len);

#endif
