/* SPDX-License-Identifier: MIT */
/* fcgi_socket.h: the listening socket that the processes of an [fcgi-program:x] share.
 *
 * Made at the first spawn, closed when the last process of the group has ended, so that
 * restarts of single processes are seamless. It becomes descriptor 0 of each child. A socket that
 * cannot be made is a spawn error, never the daemon's end.
 * Source: Supervisor socket_manager.py, datatypes.py.
 */
#ifndef SUPERVISOR_WORKERS_FCGI_SOCKET_H
#define SUPERVISOR_WORKERS_FCGI_SOCKET_H

#include "supervisor/core/config.h"

#include <stddef.h>

struct fcgi_socket;

/* The record, without a socket yet. config is borrowed and must outlive it (it is part of the
 * group_config the group holds). Returns 0 or -ENOMEM. */
int fcgi_socket_new(const struct fcgi_config *config, struct fcgi_socket **ret_socket);

/* Accepts NULL; closes a socket that is still open. After all workers of the group. */
void fcgi_socket_free(struct fcgi_socket *socket);

/* Can it be made? Make and close it at once (INFO Creating, Closing), unless processes hold it
 * already. Returns 0, or a negative errno with ret_text (size bytes)
 * "Could not create FastCGI socket URL: why". */
int fcgi_socket_test(struct fcgi_socket *socket, char *ret_text, size_t size);

/* For one spawn: *ret_fd is the socket, made now if nobody held it. Every success is to be paired
 * with one fcgi_socket_release() when that process has ended or could not be spawned. The fd
 * stays ours. Errors as fcgi_socket_test(). Any thread. */
int fcgi_socket_acquire(struct fcgi_socket *socket, int *ret_fd, char *ret_text, size_t size);
void fcgi_socket_release(struct fcgi_socket *socket);

/* "unix:///tmp/x.sock" or "tcp://localhost:9000": the url as configured. */
const char *fcgi_socket_url(const struct fcgi_socket *socket);

#endif
