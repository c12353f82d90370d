/* SPDX-License-Identifier: MIT */
/* test_ctl_options.c: the client's command line, and the URLs it takes. */
#include "unit.h"

#include "../../src/cli/ctl_options.h"
#include "../../src/cli/url.h"

#include <errno.h>
#include <string.h>

enum { ARGS_MAX = 8 };

static int parse(const char *const words[], struct ctl_options *ret, char *error, size_t size)
{
    char copies[ARGS_MAX][64] = { "ctl" };
    char *argv[ARGS_MAX + 1] = { copies[0] };
    int argc = 1;
    for (; words[argc - 1]; argc++) {
        (void)strncpy(copies[argc], words[argc - 1], sizeof(copies[0]) - 1);
        argv[argc] = copies[argc];
    }
    int r = ctl_options_parse(argc, argv, ret, error, size);
    ret->rest = r == 0 ? argc - ret->rest : 0; /* how many words are left */
    return r;
}

static void options_end_at_the_action(void)
{
    static const char *const words[] = { "-i", "-cf", "status", "-c", "x", NULL };
    struct ctl_options o;
    char error[256] = "";
    CU_ASSERT_EQUAL_FATAL(parse(words, &o, error, sizeof(error)), 0);
    CU_ASSERT_TRUE(o.interactive);
    CU_ASSERT_EQUAL(o.rest, 3);
}

static void both_spellings_of_history_file_are_one_setting(void)
{
    static const char *const words[] = { "--history-file", "a", "--history_file", "b", NULL };
    struct ctl_options o;
    char error[256] = "";
    CU_ASSERT_EQUAL(parse(words, &o, error, sizeof(error)), -EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "conflicting command line option"));
}

static void a_wrong_url_or_time_is_refused(void)
{
    static const char *const url[] = { "-s", "foo", "status", NULL };
    static const char *const seconds[] = { "--timeout", "soon", NULL };
    struct ctl_options o;
    char error[256] = "";
    CU_ASSERT_EQUAL(parse(url, &o, error, sizeof(error)), -EINVAL);
    CU_ASSERT_STRING_EQUAL(error, "invalid value for -s 'foo': value 'foo' is not a URL");
    CU_ASSERT_EQUAL(parse(seconds, &o, error, sizeof(error)), -EINVAL);
}

static void help_wins_over_what_follows_it(void)
{
    static const char *const words[] = { "-h", "-s", "foo", NULL };
    struct ctl_options o;
    char error[256] = "";
    CU_ASSERT_EQUAL(parse(words, &o, error, sizeof(error)), 0);
    CU_ASSERT_TRUE(o.help);
}

static void seconds_may_have_a_fraction(void)
{
    uint64_t ms = 0;
    CU_ASSERT_EQUAL(ctl_parse_seconds("2.5", &ms), 0);
    CU_ASSERT_EQUAL(ms, 2500);
    CU_ASSERT_EQUAL(ctl_parse_seconds("-1", &ms), -EINVAL);
    CU_ASSERT_EQUAL(ctl_parse_seconds("1x", &ms), -EINVAL);
    CU_ASSERT_EQUAL(ctl_parse_seconds("", &ms), -EINVAL);
}

static void urls_mean_a_socket_or_a_host(void)
{
    static const struct {
        const char *text, *socket, *base, *error;
    } rows[] = {
        { "unix:///run/s.sock", "/run/s.sock", "http://localhost", NULL },
        { "http://a:9001/x?y", NULL, "http://a:9001", NULL },
        { "http://user:pass@a", NULL, "http://a:80", NULL },
        { "http://[::1]:9001", NULL, "http://[::1]:9001", NULL },
        { "http://[::1]", NULL, "http://[::1]:80", NULL },
        { "HTTP://a", NULL, NULL, "Unknown protocol for serverurl HTTP://a" },
        { "", NULL, NULL, "Unknown protocol for serverurl " },
        { "http://a:99999", NULL, NULL, "Port out of range 0-65535" },
        { "http://a:abc", NULL, NULL, "Port could not be cast to integer value as 'abc'" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct server_url url = { NULL, NULL };
        struct buf error = BUF_INIT;
        int r = server_url_parse(rows[i].text, &url, &error);
        CU_ASSERT_EQUAL(r, rows[i].error ? -EINVAL : 0);
        if (rows[i].error)
            CU_ASSERT_STRING_EQUAL(buf_text(&error), rows[i].error);
        if (r == 0 && rows[i].base)
            CU_ASSERT_STRING_EQUAL(url.base, rows[i].base);
        CU_ASSERT_EQUAL(url.socket_path == NULL, rows[i].socket == NULL);
        server_url_free(&url);
        buf_free(&error);
    }
}

static void names_in_paths_are_encoded_once(void)
{
    struct buf out = BUF_INIT;
    url_put_encoded(&out, "g:pct%41?x#\xc3\xaf-._~");
    CU_ASSERT_STRING_EQUAL(buf_text(&out), "g:pct%2541%3Fx%23%C3%AF-._~");
    buf_free(&out);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(options_end_at_the_action),
        UNIT_TEST(both_spellings_of_history_file_are_one_setting),
        UNIT_TEST(a_wrong_url_or_time_is_refused),
        UNIT_TEST(help_wins_over_what_follows_it),
        UNIT_TEST(seconds_may_have_a_fraction),
        UNIT_TEST(urls_mean_a_socket_or_a_host),
        UNIT_TEST(names_in_paths_are_encoded_once),
    };
    return UNIT_RUN("ctl_options", tests);
}
