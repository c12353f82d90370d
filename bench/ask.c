/* SPDX-License-Identifier: MIT */
/* ask.c: the physical limit of a client that uses libcurl: one request, then it ends.
 *
 *   ask SOCKET_PATH
 */
#include <curl/curl.h>

static size_t swallow(char *data, size_t size, size_t n, void *arg)
{
    (void)data;
    (void)arg;
    return size * n;
}

int main(int argc, char *argv[])
{
    if (argc != 2 || curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
        return 2;
    CURL *easy = curl_easy_init();
    if (!easy || curl_easy_setopt(easy, CURLOPT_URL, "http://localhost/RPC2") != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, argv[1]) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow) != CURLE_OK)
        return 2;
    CURLcode result = curl_easy_perform(easy);
    curl_easy_cleanup(easy);
    return result == CURLE_OK ? 0 : 1;
}
