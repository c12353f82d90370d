/* SPDX-License-Identifier: MIT */
/* test_http_auth.c: who is let in, and from where. */
#include "unit.h"

#include "../../src/rpc/http_auth.h"

#include <string.h>

static struct server_user users[] = {
    { .name = (char[]){ "eve" }, .role = SERVER_ROLE_READ, .password = (char[]){ "look" } },
    { .name = (char[]){ "bob" },
      .role = SERVER_ROLE_ADMIN,
      .password = (char[]){ "{SHA256}"
                            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" } },
};

static const struct server_config server = {
    .username = (char[]){ "user" },
    .password = (char[]){ "pa:ss" },
    .users = users,
    .n_users = 2,
};

static enum http_auth_result check(const char *header, const char **ret_user,
                                   enum server_role *ret_role)
{
    return http_auth_check(&server, header, ret_user, ret_role);
}

static void headers_are_judged_row_by_row(void)
{
    static const struct {
        const char *header;
        enum http_auth_result result;
        const char *user;
    } rows[] = {
        { "Basic dXNlcjpwYTpzcw==", HTTP_AUTH_OK, "user" }, /* user:pa:ss */
        { "basic  dXNlcjpwYTpzcw==", HTTP_AUTH_OK, "user" },
        { "Basic ZXZlOmxvb2s=", HTTP_AUTH_OK, "eve" }, /* eve:look */
        { "Basic Ym9iOnRlc3Q=", HTTP_AUTH_OK, "bob" }, /* bob:test */
        { "Basic dXNlcjpwYQ==", HTTP_AUTH_DENIED, NULL },
        { "Basic dXNlcjo=", HTTP_AUTH_DENIED, NULL },
        { "Basic bm9ib2R5OnBhOnNz", HTTP_AUTH_DENIED, NULL },
        { NULL, HTTP_AUTH_DENIED, NULL },
        { "Basic", HTTP_AUTH_DENIED, NULL },
        { "Bearer dXNlcjpwYTpzcw==", HTTP_AUTH_DENIED, NULL },
        { "Basic ", HTTP_AUTH_MALFORMED, NULL },
        { "Basic !!!!", HTTP_AUTH_MALFORMED, NULL },
        { "Basic dXNlcg==", HTTP_AUTH_MALFORMED, NULL },         /* no colon */
        { "Basic //86/w==", HTTP_AUTH_MALFORMED, NULL },         /* no UTF-8 */
        { "Basic dXNlcjpwYTpzcwA=", HTTP_AUTH_MALFORMED, NULL }, /* a NUL behind it */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *user = NULL;
        enum server_role role = SERVER_ROLE_READ;
        CU_ASSERT_EQUAL(check(rows[i].header, &user, &role), rows[i].result);
        if (rows[i].user) {
            CU_ASSERT_PTR_NOT_NULL_FATAL(user);
            CU_ASSERT_STRING_EQUAL(user, rows[i].user);
            CU_ASSERT_EQUAL(role, strcmp(user, "eve") == 0 ? SERVER_ROLE_READ : SERVER_ROLE_ADMIN);
        }
    }
}

static void a_digest_is_compared_as_text(void)
{
    /* of "test" */
    CU_ASSERT_TRUE(
        http_auth_password_matches("{SHA}a94a8fe5ccb19ba61c4c0873d391e987982fbbd3", "test"));
    CU_ASSERT_FALSE(
        http_auth_password_matches("{SHA}A94A8FE5CCB19BA61C4C0873D391E987982FBBD3", "test"));
    CU_ASSERT_FALSE(http_auth_password_matches("{SHA}a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
                                               "{SHA}a94a8fe5ccb19ba61c4c0873d391e987982fbbd3"));
    CU_ASSERT_FALSE(http_auth_password_matches("", "x"));
    CU_ASSERT_TRUE(http_auth_password_matches("", ""));
}

static void an_empty_name_asks_nobody(void)
{
    const struct server_config open = { .username = (char[]){ "" } };
    const struct server_config none = { .username = NULL };
    CU_ASSERT_TRUE(http_auth_is_open(&open));
    CU_ASSERT_TRUE(http_auth_is_open(&none));
    CU_ASSERT_FALSE(http_auth_is_open(&server));
}

static void other_sites_are_foreign(void)
{
    static const struct {
        struct http_origin origin;
        bool foreign;
    } rows[] = {
        { { NULL, NULL, NULL }, false },
        { { "localhost:9001", NULL, NULL }, false },
        { { "localhost:9001", "http://localhost:9001", NULL }, false },
        { { "localhost:9001", "http://localhost:9001", "same-origin" }, false },
        { { "localhost:9001", NULL, "none" }, false },
        { { "localhost:9001", "http://evil.example", NULL }, true },
        { { "localhost:9001", "http://localhost:8000", NULL }, true },
        { { "localhost:9001", "null", NULL }, true },
        { { NULL, "http://localhost:9001", NULL }, true },
        { { "localhost:9001", NULL, "cross-site" }, true },
        { { "localhost:9001", NULL, "same-site" }, true },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CU_ASSERT_EQUAL(http_origin_is_foreign(&rows[i].origin), rows[i].foreign);
}

static void names_pointed_at_loopback_are_not_local(void)
{
    CU_ASSERT_TRUE(http_host_is_local(NULL, NULL));
    CU_ASSERT_TRUE(http_host_is_local("localhost:9001", NULL));
    CU_ASSERT_TRUE(http_host_is_local("LocalHost", NULL));
    CU_ASSERT_TRUE(http_host_is_local("x.localhost:1", NULL));
    CU_ASSERT_TRUE(http_host_is_local("127.0.0.1:9001", NULL));
    CU_ASSERT_TRUE(http_host_is_local("[::1]:9001", NULL));
    CU_ASSERT_TRUE(http_host_is_local("box:9001", "box"));
    CU_ASSERT_FALSE(http_host_is_local("evil.example:9001", "127.0.0.1"));
    CU_ASSERT_FALSE(http_host_is_local("localhost.evil.example", NULL));
    CU_ASSERT_FALSE(http_host_is_local("127.0.0.1.evil.example", NULL));
}

static const struct unit_test tests[] = {
    UNIT_TEST(headers_are_judged_row_by_row),
    UNIT_TEST(a_digest_is_compared_as_text),
    UNIT_TEST(an_empty_name_asks_nobody),
    UNIT_TEST(other_sites_are_foreign),
    UNIT_TEST(names_pointed_at_loopback_are_not_local),
};

int main(void)
{
    return UNIT_RUN("http_auth", tests);
}
