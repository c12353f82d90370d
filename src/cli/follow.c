/* SPDX-License-Identifier: MIT */
/* follow.c: logs as they grow. */
#include "follow.h"
#include "interrupt.h"
#include "url.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 64 * 1024 }; /* a longer line of a named stream is printed in pieces */

struct stream {
    struct follow *follow;
    struct stream *next;
    CURL *easy;       /* NULL: over */
    char *path;       /* as shown in messages */
    char *encoded;    /* as requested */
    char *prefix;     /* NULL: bytes are copied as they are */
    unsigned colour;  /* of the prefix */
    struct buf line;  /* of a stream with a prefix: not yet a whole line */
    bool tried_again; /* encoded twice, for the reference's server */
};

struct follow {
    struct ctl *ctl;
    CURLM *multi;
    struct interrupt interrupt;
    struct stream *streams;
    unsigned n, left;
    bool failed;
};

/* ---- what comes ---- */

static void put_prefixed(struct stream *s, size_t len)
{
    if (s->follow->ctl->colour)
        printf("\33[%um%s\33[0m | ", s->colour, s->prefix);
    else
        printf("%s | ", s->prefix);
    (void)fwrite(s->line.data, 1, len, stdout);
    if (!len || s->line.data[len - 1] != '\n')
        printf("\n");
    buf_consume(&s->line, len);
}

static void take_lines(struct stream *s, const char *data, size_t len)
{
    buf_append(&s->line, data, len);
    while (s->line.len) {
        const char *end = memchr(s->line.data, '\n', s->line.len);
        if (!end && s->line.len < LINE_BYTES_MAX)
            break;
        put_prefixed(s, end ? (size_t)(end + 1 - s->line.data) : s->line.len);
    }
}

static size_t take_bytes(char *data, size_t size, size_t n, void *user)
{
    struct stream *s = user;
    long status = 0;
    (void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return size * n; /* the page of an error says nothing that its number does not */
    if (s->prefix)
        take_lines(s, data, size * n);
    else
        (void)fwrite(data, size, n, stdout);
    (void)fflush(stdout);
    return size * n;
}

/* ---- streams ---- */

static void complain(struct stream *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void complain(struct stream *s, const char *format, ...)
{
    va_list ap;
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s%s ", client_url(s->follow->ctl->client), s->path);
    va_start(ap, format);
    (void)vfprintf(stderr, format, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    s->follow->failed = true;
}

static bool begin_stream(struct stream *s)
{
    struct call failed;
    s->easy = client_open_path(s->follow->ctl->client, s->encoded, &failed);
    if (!s->easy) {
        struct buf why = BUF_INIT;
        call_put_error(&failed, &why);
        complain(s, "Cannot connect, error: %s", buf_text(&why));
        buf_free(&why);
        call_free(&failed);
        return false;
    }
    bool ok = curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, take_bytes) == CURLE_OK;
    ok = ok && curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s) == CURLE_OK;
    ok = ok && curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s) == CURLE_OK;
    ok = ok && curl_easy_setopt(s->easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK;
    ok = ok && curl_multi_add_handle(s->follow->multi, s->easy) == CURLM_OK;
    if (ok) {
        s->follow->left++;
        return true;
    }
    curl_easy_cleanup(s->easy);
    s->easy = NULL;
    complain(s, "Cannot connect, error: out of memory");
    return false;
}

static void close_stream(struct stream *s)
{
    if (!s->easy)
        return;
    (void)curl_multi_remove_handle(s->follow->multi, s->easy);
    curl_easy_cleanup(s->easy);
    s->easy = NULL;
    s->follow->left--;
}

/* The reference's server decodes a path twice: a name that changed by encoding is not found. */
static bool try_again(struct stream *s)
{
    struct buf twice = BUF_INIT;
    if (s->tried_again || strcmp(s->path, s->encoded) == 0)
        return false;
    for (const char *c = s->encoded; *c; c++) {
        if (*c == '%')
            buf_puts(&twice, "%25");
        else
            buf_putc(&twice, *c);
    }
    char *encoded = twice.error ? NULL : strdup(buf_text(&twice));
    buf_free(&twice);
    if (!encoded)
        return false;
    free(s->encoded);
    s->encoded = encoded;
    s->tried_again = true;
    return begin_stream(s);
}

static void end_stream(struct stream *s, CURLcode result)
{
    long status = 0, os_errno = 0;
    (void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(s->easy, CURLINFO_OS_ERRNO, &os_errno);
    close_stream(s);
    if (s->prefix && s->line.len)
        put_prefixed(s, s->line.len);
    if (status == 404 && try_again(s))
        return;
    if (status && status != 200)
        complain(s, "Cannot read, status code %ld", status);
    else if (!status)
        complain(s, "Cannot connect, error: %s",
                 os_errno ? strerror((int)os_errno) : curl_easy_strerror(result));
    else /* nobody asked for the end, however orderly it was */
        complain(s, "The stream ended: supervisord closed it or the connection was lost");
}

static void collect_ends(struct follow *f)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(f->multi, &left))) {
        struct stream *s = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &s);
        end_stream(s, message->data.result);
    }
}

/* ---- the whole ---- */

int follow_begin(struct ctl *ctl, struct follow **ret_follow)
{
    struct follow *f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    f->ctl = ctl;
    f->multi = curl_multi_init();
    if (!f->multi) {
        free(f);
        return -ENOMEM;
    }
    interrupt_begin(&f->interrupt);
    *ret_follow = f;
    return 0;
}

int follow_add(struct follow *follow, const char *name, const char *channel, const char *prefix)
{
    static const unsigned colours[] = { 36, 33, 32, 35, 34, 31 };
    struct buf path = BUF_INIT, encoded = BUF_INIT;
    struct stream *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    buf_puts(&path, name ? "/logtail/" : "/mainlogtail");
    buf_puts(&encoded, buf_text(&path));
    if (name) {
        buf_printf(&path, "%s/%s", name, channel);
        url_put_encoded(&encoded, name);
        buf_printf(&encoded, "/%s", channel);
    }
    s->follow = follow;
    s->path = strdup(buf_text(&path));
    s->encoded = strdup(buf_text(&encoded));
    s->prefix = prefix ? strdup(prefix) : NULL;
    s->colour = colours[follow->n++ % (sizeof(colours) / sizeof(colours[0]))];
    s->next = follow->streams;
    follow->streams = s;
    buf_free(&path);
    buf_free(&encoded);
    if (!s->path || !s->encoded || (prefix && !s->prefix))
        return -ENOMEM;
    return begin_stream(s) ? 0 : -EIO;
}

/* Which of the descriptors have something to say. */
static unsigned look(struct follow *f, bool watch_input)
{
    struct pollfd fds[] = { { .fd = STDOUT_FILENO },
                            { .fd = watch_input ? STDIN_FILENO : -1, .events = POLLIN } };
    unsigned events = 0;
    (void)poll(fds, 2, 0);
    if (interrupt_came(&f->interrupt))
        events |= FOLLOW_INTERRUPTED;
    if (fds[0].revents)
        events |= FOLLOW_NO_READER;
    if (fds[1].revents)
        events |= FOLLOW_INPUT;
    return events;
}

unsigned follow_wait(struct follow *f, bool watch_input, int wait_ms)
{
    struct curl_waitfd fds[] = { { .fd = STDOUT_FILENO },
                                 { .fd = f->interrupt.fd, .events = CURL_WAIT_POLLIN },
                                 { .fd = STDIN_FILENO, .events = CURL_WAIT_POLLIN } };
    enum { AN_HOUR_MS = 3600 * 1000 };
    (void)fflush(stdout);
    for (bool waited = false;;) {
        int running;
        (void)curl_multi_perform(f->multi, &running);
        collect_ends(f);
        unsigned events = look(f, watch_input);
        if (!f->left && wait_ms < 0)
            events |= FOLLOW_ENDED;
        if (events || (waited && wait_ms >= 0))
            return events;
        (void)curl_multi_poll(f->multi, fds, watch_input ? 3 : 2,
                              wait_ms >= 0 ? wait_ms : AN_HOUR_MS, NULL);
        waited = true;
    }
}

bool follow_has_failed(const struct follow *follow)
{
    return follow->failed;
}

void follow_end(struct follow *follow)
{
    if (!follow)
        return;
    for (struct stream *s = follow->streams; s;) {
        struct stream *next = s->next;
        close_stream(s);
        free(s->path);
        free(s->encoded);
        free(s->prefix);
        buf_free(&s->line);
        free(s);
        s = next;
    }
    (void)curl_multi_cleanup(follow->multi);
    interrupt_end(&follow->interrupt);
    free(follow);
}
