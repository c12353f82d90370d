/* SPDX-License-Identifier: MIT */
/* load.c: asks an HTTP server the same thing again and again and says how fast it answers.
 *
 *   load ADDRESS CLIENTS SECONDS keep|close REQUEST_FILE
 *
 * ADDRESS is unix:/path or tcp:127.0.0.1:port. REQUEST_FILE holds the whole request, headers
 * and body. Each client sends it, reads the answer to its Content-Length, and sends it again.
 * Prints one line of JSON: requests a second, median and 99 % in ms, bytes of an answer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 256, SAMPLES_MAX = 1 << 20 };

struct client {
    int fd;
    size_t sent, got, need; /* bytes; need 0: the headers are not complete */
    double from_ms;
    char head[4096];
    size_t head_len;
};

static struct client clients[CLIENTS_MAX];
static const char *address;
static char request[65536];
static size_t request_len;
static int keep;
static double *samples;
static size_t n_samples;
static size_t answer_bytes;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int dial(void)
{
    int fd;
    if (strncmp(address, "unix:", 5) == 0) {
        struct sockaddr_un un = { .sun_family = AF_UNIX };
        (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", address + 5);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0)
            die("connect");
    } else {
        struct sockaddr_in in = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        in.sin_port = htons((unsigned short)strtol(strrchr(address, ':') + 1, NULL, 10));
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0)
            die("connect");
    }
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        die("fcntl");
    return fd;
}

static void ask(struct client *c)
{
    c->sent = c->got = c->need = c->head_len = 0;
    c->from_ms = now_ms();
    ssize_t n = write(c->fd, request, request_len); /* small: one write takes it */
    if (n != (ssize_t)request_len)
        die("write");
}

/* Called with the head so far; sets need once the headers are complete. */
static void parse_head(struct client *c)
{
    c->head[c->head_len] = '\0';
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end)
        return;
    const char *length = strcasestr(c->head, "content-length:");
    if (strncmp(c->head + 8, " 200", 4) != 0 || !length) {
        fprintf(stderr, "load: unexpected answer: %.80s\n", c->head);
        exit(1);
    }
    c->need = (size_t)(end + 4 - c->head) + (size_t)strtoul(length + 15, NULL, 10);
}

/* Read what is there; 1 when the answer is complete. */
static int receive(struct client *c)
{
    static char data[262144];
    for (;;) {
        ssize_t n = read(c->fd, data, sizeof(data));
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n <= 0)
            die("read");
        if (!c->need) {
            size_t room = sizeof(c->head) - 1 - c->head_len;
            size_t part = (size_t)n < room ? (size_t)n : room;
            memcpy(c->head + c->head_len, data, part);
            c->head_len += part;
            parse_head(c);
        }
        c->got += (size_t)n;
        if (c->need && c->got >= c->need)
            return 1;
    }
}

static int by_value(const void *a, const void *b)
{
    double d = *(const double *)a - *(const double *)b;
    return d < 0 ? -1 : d > 0;
}

static void watch(int ep, struct client *c, int op)
{
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
    if (epoll_ctl(ep, op, c->fd, &e) < 0)
        die("epoll_ctl");
}

int main(int argc, char *argv[])
{
    int n = argc == 6 ? (int)strtol(argv[2], NULL, 10) : 0;
    if (n < 1 || n > CLIENTS_MAX) {
        fprintf(stderr, "load: see the top of load.c\n");
        return 2;
    }
    address = argv[1];
    keep = strcmp(argv[4], "keep") == 0;
    int fd = open(argv[5], O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, request, sizeof(request));
    if (len <= 0)
        die(argv[5]);
    request_len = (size_t)len;
    samples = calloc(SAMPLES_MAX, sizeof(*samples));
    int ep = epoll_create1(EPOLL_CLOEXEC);
    if (!samples || ep < 0)
        die("start");

    for (int i = 0; i < n; i++) {
        clients[i].fd = dial();
        watch(ep, &clients[i], EPOLL_CTL_ADD);
        ask(&clients[i]);
    }
    double begin = now_ms(), end = begin + strtod(argv[3], NULL) * 1e3;
    size_t total = 0;
    while (now_ms() < end) {
        struct epoll_event events[64];
        int got = epoll_wait(ep, events, 64, 1000);
        for (int i = 0; i < got; i++) {
            struct client *c = events[i].data.ptr;
            if (!receive(c))
                continue;
            answer_bytes = c->need;
            total++;
            if (n_samples < SAMPLES_MAX)
                samples[n_samples++] = now_ms() - c->from_ms;
            if (!keep) {
                (void)close(c->fd);
                c->fd = dial();
                watch(ep, c, EPOLL_CTL_ADD);
            }
            ask(c);
        }
    }
    double seconds = (now_ms() - begin) / 1e3;
    if (n_samples == 0) {
        fprintf(stderr, "load: no answer\n");
        return 1;
    }
    qsort(samples, n_samples, sizeof(*samples), by_value);
    printf("{\"per_second\": %.1f, \"median_ms\": %.3f, \"p99_ms\": %.3f, \"bytes\": %zu}\n",
           (double)total / seconds, samples[n_samples / 2], samples[n_samples * 99 / 100],
           answer_bytes);
    return 0;
}
