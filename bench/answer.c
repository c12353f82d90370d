/* SPDX-License-Identifier: MIT */
/* answer.c: the physical limit of an HTTP answer: libmicrohttpd that copies a buffer.
 *
 *   answer SOCKET_PATH BYTES     serves BYTES on a unix socket until it is killed
 */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char *body;
static size_t body_len;

static enum MHD_Result answer(void *arg, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_len, void **state)
{
    static int seen;
    (void)arg;
    (void)url;
    (void)method;
    (void)version;
    (void)upload;
    if (!*state || *upload_len) {
        *state = &seen;
        *upload_len = 0;
        return MHD_YES;
    }
    struct MHD_Response *r =
        MHD_create_response_from_buffer(body_len, body, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result = MHD_queue_response(connection, 200, r);
    MHD_destroy_response(r);
    return result;
}

int main(int argc, char *argv[])
{
    if (argc != 3)
        return 2;
    body_len = strtoul(argv[2], NULL, 10);
    body = malloc(body_len + 1);
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", argv[1]);
    (void)unlink(argv[1]);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (!body || fd < 0 || bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 || listen(fd, 128) < 0) {
        perror(argv[1]);
        return 1;
    }
    memset(body, 'x', body_len);
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, NULL,
                         MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_END);
    if (!daemon)
        return 1;
    for (;;)
        (void)pause();
}
