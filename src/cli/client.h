/* SPDX-License-Identifier: MIT */
/* client.h: calls to a server: what was asked, and every way in which it can come back.
 *
 * A call is begun, gets its arguments, is made (alone or with others at the same time), and holds
 * the answer until it is freed. Reading calls share a kept connection; those that change something
 * each use a new one, since a call on a kept connection that has died would be sent twice.
 * One thread.
 */
#ifndef SUPERVISOR_CLI_CLIENT_H
#define SUPERVISOR_CLI_CLIENT_H

#include "supervisor/core/buf.h"
#include "supervisor/rpc/xmlrpc.h"

#include <stdbool.h>
#include <stdint.h>

struct client;

enum answer {
    ANSWER_NONE,         /* not made yet */
    ANSWER_VALUE,        /* value */
    ANSWER_FAULT,        /* fault_code, text */
    ANSWER_HTTP,         /* http_status, text is its reason */
    ANSWER_SOCKET,       /* error is the errno; text if it is no errno's own text */
    ANSWER_CLOSED,       /* the server hung up */
    ANSWER_NOT_HTTP,     /* something answered, but not HTTP */
    ANSWER_NOT_XML,      /* text says what is wrong */
    ANSWER_BAD_URL,      /* text */
    ANSWER_BAD_ARGUMENT, /* text */
    ANSWER_TIMEOUT,      /* the client's own deadline */
};

struct call {
    struct buf request;
    bool reads_only;
    enum answer answer;
    int64_t fault_code;
    long http_status;
    int error;
    char *text; /* owned; may be NULL */
    struct value value;
};

/* url and credentials are copied; NULL username or password sends none.
 * Returns 0 or -ENOMEM. A URL that means nothing is told by the calls. */
int client_new(const char *url, const char *username, const char *password,
               struct client **ret_client);
void client_free(struct client *client); /* accepts NULL */

/* The URL as given. */
const char *client_url(const struct client *client);

/* NULL if the URL is TCP or wrong. */
const char *client_socket_path(const struct client *client);

/* Another client with the same credentials, of the same server or (url not NULL) another. */
int client_new_like(const struct client *client, const char *url, struct client **ret_client);

/* Give up waiting at this CLOCK_MONOTONIC time (0: never). */
void client_set_deadline(struct client *client, uint64_t deadline_ns);

/* Called every 500 ms or so while calls are waited for, with how many of them are done. */
void client_set_watcher(struct client *client, void (*watch)(void *data, size_t done, size_t total),
                        void *data);

/* method without its namespace is in "supervisor". */
void call_begin(struct call *call, const char *method);
void call_string(struct call *call, const char *text);
void call_int(struct call *call, int64_t number);
void call_bool(struct call *call, bool truth);
void call_free(struct call *call);

void client_call(struct client *client, struct call *call);

/* Make all calls, a limited number at the same time, and begin them in order. Tells of each in
 * order, as soon as it and all before it are answered; told may be NULL. */
void client_call_all(struct client *client, struct call *const calls[], size_t n,
                     void (*told)(void *data, size_t i), void *data);

/* Was it a fault with this code? */
bool call_is_fault(const struct call *call, enum xmlrpc_fault code);

/* Did it find nobody: no socket file, or nobody behind it? */
bool call_is_absence(const struct call *call);

/* What went wrong, in one line without an end: "<Fault 6: 'SHUTDOWN_STATE'>". */
void call_put_error(const struct call *call, struct buf *out);

/* A libcurl easy handle on path of the client's server, not yet performed; NULL: none (*ret_failed
 * says why, to be freed as a call). */
void *client_open_path(struct client *client, const char *path, struct call *ret_failed);

#endif
