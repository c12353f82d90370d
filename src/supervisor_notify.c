/* SPDX-License-Identifier: MIT */
/* supervisor_notify.c: posts its standard input to the address in NOTIFY_URL.
 *
 * What [notify:x] url= runs. A program of its own, so that the daemon links no HTTP client and
 * no TLS for it; the address is in the environment because it may hold a secret, and arguments
 * are for everybody to see. Exit status 0, or 1 with the reason on stderr.
 */
#include "supervisor/core/buf.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { POST_MAX_SECS = 10, CONNECT_MAX_SECS = 5, BODY_MAX = 1024 * 1024 };

static size_t discard_answer(char *data, size_t size, size_t n, void *arg)
{
    (void)data;
    (void)arg;
    return size * n;
}

static int read_body(struct buf *body)
{
    char piece[4096];
    ssize_t n;
    while ((n = read(0, piece, sizeof(piece))) > 0)
        buf_append(body, piece, (size_t)n);
    return n < 0 ? -1 : body->error;
}

static CURLcode set_options(CURL *curl, const char *url, const struct buf *body,
                            struct curl_slist *headers)
{
    CURLcode r = curl_easy_setopt(curl, CURLOPT_URL, url);
#if LIBCURL_VERSION_NUM >= 0x075500
    r = r ? r : curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    r = r ? r : curl_easy_setopt(curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
    r = r ? r : curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    r = r ? r : curl_easy_setopt(curl, CURLOPT_POSTFIELDS, buf_text(body));
    r = r ? r : curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body->len);
    r = r ? r : curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, discard_answer);
    r = r ? r : curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    r = r ? r : curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)POST_MAX_SECS);
    return r ? r : curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_MAX_SECS);
}

static CURLcode post(const char *url, const struct buf *body)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    CURLcode r = curl && headers ? set_options(curl, url, body, headers) : CURLE_OUT_OF_MEMORY;
    if (r == CURLE_OK)
        r = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return r;
}

int main(void)
{
    const char *url = getenv("NOTIFY_URL");
    struct buf body = BUF_LIMITED(BODY_MAX);
    if (!url || read_body(&body) < 0) {
        fprintf(stderr, "%s\n", url ? "cannot read what to post" : "NOTIFY_URL is not set");
        return 1;
    }
    CURLcode r = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (r == CURLE_OK)
        r = post(url, &body);
    if (r != CURLE_OK)
        fprintf(stderr, "cannot post to its url: %s\n", curl_easy_strerror(r));
    buf_free(&body);
    return r == CURLE_OK ? 0 : 1;
}
