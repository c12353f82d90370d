/* SPDX-License-Identifier: MIT */
/* test_autolog.c: automatic logs are made private, and only ours are swept. */
#include "supervisor/core/autolog.h"
#include "supervisor/core/config.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void only_logs_of_this_identifier_are_ours(void)
{
    CU_ASSERT_TRUE(autolog_is_ours("x-stdout---supervisor-abc.log", "supervisor"));
    CU_ASSERT_TRUE(autolog_is_ours("x-stdout---supervisor-abc.log.1", "supervisor"));
    CU_ASSERT_TRUE(autolog_is_ours("x-stdout---supervisor-abc.log.12345", "supervisor"));
    CU_ASSERT_TRUE(autolog_is_ours("x-stdout---supervisor-abc.log.1.gz", "supervisor"));
    CU_ASSERT_FALSE(autolog_is_ours("x-stdout---supervisor-abc.log.gz", "supervisor"));
    CU_ASSERT_FALSE(autolog_is_ours("x-stdout---other-abc.log", "supervisor"));
    CU_ASSERT_FALSE(autolog_is_ours("y-stdout---supervisor2-abc.log", "supervisor"));
    CU_ASSERT_FALSE(autolog_is_ours("---supervisor-abc.log", "supervisor"));
    CU_ASSERT_FALSE(autolog_is_ours("x-stdout---supervisor-.log", "supervisor"));
    CU_ASSERT_FALSE(autolog_is_ours("a---supervisor-a b.log", "supervisor"));
    CU_ASSERT_FALSE(autolog_is_ours("x---supervisor-abc.log.bak", "supervisor"));
    CU_ASSERT_FALSE(autolog_is_ours("x---supervisor-y.logfoo", "supervisor"));
    CU_ASSERT_FALSE(autolog_is_ours("x---supervisor-y.log", "s.*r")); /* no pattern */
}

static void a_made_log_is_private_and_is_swept(void)
{
    char dir[] = "/tmp/autolog-XXXXXX";
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    char *path = NULL;
    CU_ASSERT_EQUAL_FATAL(autolog_create(dir, "web", CHANNEL_STDERR, "me", &path), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(path, "/web-stderr---me-"));
    struct stat st;
    CU_ASSERT_EQUAL(stat(path, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
    CU_ASSERT_EQUAL(st.st_size, 0);

    autolog_clean(dir, "you");
    CU_ASSERT_EQUAL(access(path, F_OK), 0);
    autolog_clean(dir, "me");
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    free(path);
    CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static void removing_takes_the_rotated_ones_along(void)
{
    char dir[] = "/tmp/autolog-XXXXXX";
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    char *path = NULL;
    CU_ASSERT_EQUAL_FATAL(autolog_create(dir, "web", CHANNEL_STDOUT, "me", &path), 0);
    char rotated[256];
    (void)snprintf(rotated, sizeof(rotated), "%s.1", path);
    FILE *f = fopen(rotated, "we");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL(fclose(f), 0);
    autolog_remove(path, 10);
    free(path);
    CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static void a_directory_that_is_not_there_is_an_error(void)
{
    char *path = NULL;
    CU_ASSERT_TRUE(autolog_create("/nonexistent", "web", CHANNEL_STDOUT, "me", &path) < 0);
    CU_ASSERT_PTR_NULL(path);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(only_logs_of_this_identifier_are_ours),
        UNIT_TEST(a_made_log_is_private_and_is_swept),
        UNIT_TEST(removing_takes_the_rotated_ones_along),
        UNIT_TEST(a_directory_that_is_not_there_is_an_error),
    };
    return UNIT_RUN("autolog", tests);
}
