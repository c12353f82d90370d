/* SPDX-License-Identifier: MIT */
/* test_procstat.c: what is read from /proc, and how trees are summed. */
#include "supervisor/workers/procstat.h"

#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_line_of_proc_is_understood(void)
{
    struct procstat_line line;
    CU_ASSERT_EQUAL_FATAL(
        procstat_parse_line("42 (sleep) S 7 42 42 0 -1 4194304 95 2 0 0 11 22 3 4 20 0 5 0 8867 "
                            "2416640 224 18446744073709551615 1 2 3",
                            &line),
        0);
    CU_ASSERT_EQUAL(line.pid, 42);
    CU_ASSERT_EQUAL(line.ppid, 7);
    CU_ASSERT_EQUAL(line.cpu_ticks, 40);
    CU_ASSERT_EQUAL(line.rss_pages, 224);
    CU_ASSERT_EQUAL(line.threads, 5);
}

static void a_name_may_look_like_the_end_of_the_name(void)
{
    struct procstat_line line;
    CU_ASSERT_EQUAL_FATAL(procstat_parse_line("9 (a) R 1 (b) S 3 9 9 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 "
                                              "0 8867 2416640 1 18446744073709551615",
                                              &line),
                          0);
    CU_ASSERT_EQUAL(line.ppid, 3);
    CU_ASSERT_EQUAL(line.cpu_ticks, 2);
}

static void what_is_no_such_line_is_refused(void)
{
    struct procstat_line line;
    CU_ASSERT_EQUAL(procstat_parse_line("", &line), -EINVAL);
    CU_ASSERT_EQUAL(procstat_parse_line("12 (x", &line), -EINVAL);
    CU_ASSERT_EQUAL(procstat_parse_line("12 (x) S 1 2 3", &line), -EINVAL);
}

static void a_tree_is_the_process_and_its_descendants(void)
{
    pid_t child = fork();
    CU_ASSERT_FATAL(child >= 0);
    if (child == 0) {
        pid_t grandchild = fork();
        (void)grandchild;
        /* The kernel may count the pages of a very small process late. */
        static volatile char pages[8 * 1024 * 1024];
        for (size_t i = 0; i < sizeof(pages); i += 4096)
            pages[i] = 1;
        for (;;)
            pause();
    }
    struct procstat stat = { 0 };
    for (int i = 0; i < 5000 && (stat.processes < 2 || !stat.rss_bytes); i++) {
        struct procstat_picture *picture = NULL;
        CU_ASSERT_EQUAL_FATAL(procstat_take(&picture), 0);
        CU_ASSERT_TRUE(procstat_tree(picture, child, &stat));
        procstat_picture_free(picture);
    }
    CU_ASSERT_EQUAL(stat.processes, 2);
    CU_ASSERT_TRUE(stat.threads >= 2); /* sanitizers add their own */
    CU_ASSERT_TRUE(stat.rss_bytes > 0);

    struct procstat_picture *picture = NULL;
    struct procstat own;
    CU_ASSERT_EQUAL_FATAL(procstat_take(&picture), 0);
    CU_ASSERT_TRUE(procstat_tree(picture, getpid(), &own));
    CU_ASSERT_EQUAL(own.processes, 3);
    CU_ASSERT_FALSE(procstat_tree(picture, 0, &own));
    procstat_picture_free(picture);

    /* The grandchild goes first, so that it is not left to init. */
    char command_children[64];
    (void)snprintf(command_children, sizeof(command_children), "/proc/%d/task/%d/children", child,
                   child);
    FILE *f = fopen(command_children, "re");
    int grandchild = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL(fscanf(f, "%d", &grandchild), 1);
    (void)fclose(f);
    if (grandchild > 0)
        CU_ASSERT_EQUAL(kill(grandchild, SIGKILL), 0);
    CU_ASSERT_EQUAL(kill(child, SIGKILL), 0);
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
}

static void a_picture_is_taken_once_a_second_at_most(void)
{
    struct procstat stat;
    CU_ASSERT_TRUE(procstat_tree_now(getpid(), &stat));
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    CU_ASSERT_FALSE(procstat_tree_now(child, &stat)); /* born after the picture */
    CU_ASSERT_EQUAL(kill(child, SIGKILL), 0);
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
}

static void open_descriptors_are_counted(void)
{
    int before = procstat_open_fds(getpid());
    int fd = dup(0);
    CU_ASSERT_TRUE(before > 0);
    CU_ASSERT_EQUAL(procstat_open_fds(getpid()), before + 1);
    CU_ASSERT_EQUAL(close(fd), 0);
    CU_ASSERT_EQUAL(procstat_open_fds(-1), -1);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_line_of_proc_is_understood),
        UNIT_TEST(a_name_may_look_like_the_end_of_the_name),
        UNIT_TEST(what_is_no_such_line_is_refused),
        UNIT_TEST(a_tree_is_the_process_and_its_descendants),
        UNIT_TEST(a_picture_is_taken_once_a_second_at_most),
        UNIT_TEST(open_descriptors_are_counted),
    };
    return UNIT_RUN("procstat", tests);
}
