/* SPDX-License-Identifier: MIT */
/* http_listen.h: listening sockets, made so that nobody else's are taken. */
#ifndef SUPERVISOR_RPC_HTTP_LISTEN_H
#define SUPERVISOR_RPC_HTTP_LISTEN_H

#include "supervisor/core/config.h"

#include <stdbool.h>
#include <sys/types.h>

/* Open the listening socket of server: non-blocking, close-on-exec. For a unix socket the file
 * appears under its name with owner and mode set, in one step; a stale socket is replaced, anything
 * else at that name is left alone.
 *
 * Returns the descriptor, or a negative errno with *ret_error a text to free() (NULL when out of
 * memory), in the reference's words. */
int http_listen(const struct server_config *server, char **ret_error);

/* Is the address that fd listens on reachable from this host only? */
bool http_listen_is_local(int fd);

/* The socket file as it is now. */
struct socket_identity {
    dev_t dev;
    ino_t ino;
};

/* 0; -ENOENT if there is nothing at path or something else. */
int http_socket_identify(const char *path, struct socket_identity *ret_identity);

/* Remove the socket file if it is still ours. */
void http_socket_remove(const char *path, const struct socket_identity *identity);

#endif
