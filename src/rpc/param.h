/* SPDX-License-Identifier: MIT */
/* param.h: parameters of calls, as lax as Python takes them. Pure functions. */
#ifndef SUPERVISOR_RPC_PARAM_H
#define SUPERVISOR_RPC_PARAM_H

#include "supervisor/rpc/xmlrpc.h"

/* Python's truth: not false, 0, "", nil or an empty array or struct. */
bool param_truth(const struct value *v);

/* An integer: int, bool, a double cut towards 0, or a string of digits. 0 or -EINVAL. */
int param_int(const struct value *v, int64_t *ret_number);

/* v as Python's repr() shows it ("'x'", True, [1, 2]) or, at the top, as its str() ("x"). */
void param_repr(struct buf *out, const struct value *v);
void param_str(struct buf *out, const struct value *v);

/* A signal: a number, or a name with or without SIG in any case, blanks around it ignored. 0 is the
 * probe. 0 or -EINVAL. */
int param_signal(const struct value *v, int *ret_signal);

#endif
