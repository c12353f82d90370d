/* SPDX-License-Identifier: MIT */
/* test_process.c: the mailbox, the notices, the descriptions, and how names find processes. */
#include "supervisor/core/process.h"

#include "by_hand.h"
#include "unit.h"

#include <errno.h>
#include <pthread.h>

static struct process *make(struct group_config *group, size_t index)
{
    char *logfile[CHANNELS] = { NULL, NULL };
    struct process *p = NULL;
    CU_ASSERT_EQUAL_FATAL(process_new(group, index, logfile, &p), 0);
    return p;
}

/* ---- the mailbox ---- */

static unsigned done_count;
static enum request_result done_result;

static void note_done(struct request *r)
{
    done_count++;
    done_result = r->result;
}

static struct request *collect(struct process *p)
{
    bool exited;
    int status;
    uint64_t exit_ns;
    return process_collect(p, &exited, &status, &exit_ns);
}

static void requests_arrive_in_order_and_come_back_on_dispatch(void)
{
    struct group_config *group = by_hand_group("p", "/bin/true", 1);
    struct process *p = make(group, 0);
    done_count = 0;
    for (int i = 1; i <= 3; i++) {
        struct request *r = request_new(REQUEST_SIGNAL, note_done, NULL);
        r->signal = i;
        CU_ASSERT_EQUAL(process_post(p, r), 0);
    }
    struct request *r = collect(p);
    for (int i = 1; i <= 3; i++) {
        struct request *next = r->next;
        CU_ASSERT_EQUAL(r->signal, i);
        request_finish(r, REQUEST_OK);
        r = next;
    }
    CU_ASSERT_PTR_NULL(r);
    CU_ASSERT_PTR_NULL(collect(p));
    CU_ASSERT_EQUAL(done_count, 0);
    notice_dispatch(NULL, NULL);
    CU_ASSERT_EQUAL(done_count, 3);
    process_unref(p);
    group_config_unref(group);
}

static void a_full_mailbox_refuses_but_what_the_end_depends_on_fits(void)
{
    struct group_config *group = by_hand_group("p", "/bin/true", 1);
    struct process *p = make(group, 0);
    for (int i = 0; i < PROCESS_MAILBOX_MAX; i++)
        CU_ASSERT_EQUAL(process_post_simple(p, REQUEST_REOPEN_LOGS), 0);
    CU_ASSERT_EQUAL(process_post_simple(p, REQUEST_START), -ENOBUFS);
    CU_ASSERT_EQUAL(process_post_simple(p, REQUEST_STOP), 0);
    CU_ASSERT_EQUAL(process_post_simple(p, REQUEST_QUIT), 0);
    process_close_mailbox(p);
    process_unref(p);
    group_config_unref(group);
}

static void a_closed_mailbox_cancels_what_is_in_it_and_refuses_the_rest(void)
{
    struct group_config *group = by_hand_group("p", "/bin/true", 1);
    struct process *p = make(group, 0);
    done_count = 0;
    CU_ASSERT_EQUAL(process_post(p, request_new(REQUEST_START, note_done, NULL)), 0);
    CU_ASSERT_TRUE(process_is_busy(p));
    process_close_mailbox(p);
    CU_ASSERT_FALSE(process_is_busy(p));
    notice_dispatch(NULL, NULL);
    CU_ASSERT_EQUAL(done_count, 1);
    CU_ASSERT_EQUAL(done_result, REQUEST_CANCELLED);
    CU_ASSERT_EQUAL(process_post_simple(p, REQUEST_STOP), -ESHUTDOWN);
    process_unref(p);
    group_config_unref(group);
}

/* Whoever posts while the worker collects must not be overlooked: a lost wake is a hang. */
enum { POSTS = 20000, POSTERS = 4 };

static void *post_many(void *arg)
{
    for (int i = 0; i < POSTS; i++) {
        while (process_post_simple(arg, REQUEST_SIGNAL) != 0)
            (void)sched_yield();
    }
    return NULL;
}

static void no_wake_is_lost_between_many_posters_and_one_worker(void)
{
    struct group_config *group = by_hand_group("p", "/bin/true", 1);
    struct process *p = make(group, 0);
    pthread_t threads[POSTERS];
    for (int i = 0; i < POSTERS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, post_many, p), 0);
    unsigned seen = 0;
    while (seen < POSTS * POSTERS) {
        struct epoll_event event;
        int epoll = epoll_create1(EPOLL_CLOEXEC);
        struct epoll_event wanted = { .events = EPOLLIN };
        CU_ASSERT_EQUAL(epoll_ctl(epoll, EPOLL_CTL_ADD, p->wake_fd, &wanted), 0);
        CU_ASSERT_EQUAL_FATAL(epoll_wait(epoll, &event, 1, 30000), 1);
        (void)close(epoll);
        for (struct request *r = collect(p); r; seen++) {
            struct request *next = r->next;
            request_finish(r, REQUEST_OK);
            r = next;
        }
    }
    for (int i = 0; i < POSTERS; i++)
        CU_ASSERT_EQUAL(pthread_join(threads[i], NULL), 0);
    CU_ASSERT_EQUAL(seen, POSTS * POSTERS);
    process_unref(p);
    group_config_unref(group);
}

/* ---- notices ---- */

static unsigned wakes;
static char told[64];

static void count_wake(void *arg)
{
    (void)arg;
    wakes++;
}

/* Tells of a change, and while the main thread is at it a worker finishes a request. */
static void tell(struct process *p, void *arg)
{
    strncat(told, p->config->name, sizeof(told) - strlen(told) - 1);
    if (arg)
        request_finish(request_new(REQUEST_STOP, note_done, NULL), REQUEST_OK);
}

static void changes_are_told_once_each_in_the_order_of_their_first(void)
{
    struct group_config *group = by_hand_group("p", "/bin/true", 3);
    struct process *p[3];
    struct process_facts facts;
    for (size_t i = 0; i < 3; i++)
        p[i] = make(group, i);
    process_facts(p[0], &facts);
    notice_set_loop(count_wake, NULL);
    wakes = 0;
    told[0] = '\0';
    process_publish(p[2], &facts);
    process_publish(p[0], &facts);
    process_publish(p[2], &facts);
    CU_ASSERT_EQUAL(wakes, 1);
    notice_dispatch(tell, NULL);
    CU_ASSERT_STRING_EQUAL(told, "p_2p_0");
    notice_dispatch(tell, NULL);
    CU_ASSERT_STRING_EQUAL(told, "p_2p_0");
    for (size_t i = 0; i < 3; i++)
        process_unref(p[i]);
    group_config_unref(group);
    notice_set_loop(NULL, NULL);
}

static void a_request_that_finishes_during_the_dispatch_wakes_the_loop(void)
{
    struct group_config *group = by_hand_group("p", "/bin/true", 2);
    struct process *p[2] = { make(group, 0), make(group, 1) };
    struct process_facts facts;
    process_facts(p[0], &facts);
    notice_set_loop(count_wake, NULL);
    process_publish(p[0], &facts);
    process_publish(p[1], &facts);
    wakes = 0;
    done_count = 0;
    told[0] = '\0';
    notice_dispatch(tell, p); /* finishes a request while p[1] is still on the other list */
    CU_ASSERT_EQUAL(done_count, 0);
    CU_ASSERT_TRUE(wakes >= 1);
    notice_dispatch(tell, NULL);
    CU_ASSERT_EQUAL(done_count, 2);
    for (size_t i = 0; i < 2; i++)
        process_unref(p[i]);
    group_config_unref(group);
    notice_set_loop(NULL, NULL);
}

/* ---- descriptions ---- */

static void descriptions_are_what_clients_take_apart(void)
{
    struct group_config *group = by_hand_group("p", "/bin/true", 1);
    struct process *p = make(group, 0);
    char text[PROCESS_SPAWNERR_MAX];
    struct process_facts facts = { .state = PROCESS_RUNNING, .pid = 12, .start_wall = 1000 };
    static const struct {
        int64_t now;
        const char *text;
    } uptimes[] = {
        { 1000, "pid 12, uptime 0:00:00" },
        { 900, "pid 12, uptime 0:00:00" },
        { 4661, "pid 12, uptime 1:01:01" },
        { 1000 + 86399, "pid 12, uptime 23:59:59" },
        { 1000 + 86400, "pid 12, uptime 1 day, 0:00:00" },
        { 1000 + 3 * 86400 + 59, "pid 12, uptime 3 days, 0:00:59" },
    };
    for (size_t i = 0; i < sizeof(uptimes) / sizeof(uptimes[0]); i++) {
        process_describe(p, &facts, uptimes[i].now, text, sizeof(text));
        CU_ASSERT_STRING_EQUAL(text, uptimes[i].text);
    }
    (void)setenv("TZ", "UTC", 1);
    tzset();
    facts = (struct process_facts){ .state = PROCESS_STOPPED };
    process_describe(p, &facts, 0, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "Not started");
    facts.state = PROCESS_EXITED;
    facts.stop_wall = 1795377180; /* 2026-11-22 19:53:00 */
    process_describe(p, &facts, 0, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "Nov 22 07:53 PM");
    facts.state = PROCESS_FATAL;
    process_describe(p, &facts, 0, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "unknown error (try \"tail p\")");
    (void)snprintf(facts.spawnerr, sizeof(facts.spawnerr), "can't find command 'x'");
    process_describe(p, &facts, 0, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "can't find command 'x'");
    facts.state = PROCESS_STARTING;
    process_describe(p, &facts, 0, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "");
    process_unref(p);
    group_config_unref(group);
}

static void ends_are_named_like_the_reference_names_them(void)
{
    static const struct {
        int status;
        const char *text;
    } ends[] = {
        { 0, "exit status 0" },
        { 127 << 8, "exit status 127" },
        { SIGTERM, "terminated by SIGTERM" },
        { SIGSEGV | 0x80, "terminated by SIGSEGV (core dumped)" },
        { 6, "terminated by SIGABRT" },
        { 17, "terminated by SIGCHLD" },
        { 29, "terminated by SIGPOLL" },
        { 33, "terminated by signal 33" },
        { 34, "terminated by SIGRTMIN" },
        { 35, "terminated by signal 35" },
        { 64, "terminated by SIGRTMAX" },
        { 0x137f, "unknown termination cause 0x137f" },
    };
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        char text[64];
        process_describe_end(ends[i].status, text, sizeof(text));
        CU_ASSERT_STRING_EQUAL(text, ends[i].text);
    }
}

/* ---- the table ---- */

static struct group *add(struct group_config *config)
{
    struct group *group = calloc(1, sizeof(*group));
    group->config = config;
    group->processes = calloc(config->n_processes, sizeof(struct process *));
    for (size_t i = 0; i < config->n_processes; i++)
        group->processes[group->n_processes++] = make(config, i);
    CU_ASSERT_EQUAL_FATAL(process_table_add(group), 0);
    return group;
}

static void drop(struct group *group)
{
    process_table_remove(group);
    for (size_t i = 0; i < group->n_processes; i++)
        process_unref(group->processes[i]);
    group_config_unref(group->config);
    free(group->processes);
    free(group);
}

static void names_find_processes_and_groups(void)
{
    struct group *web = add(by_hand_group("web", "/bin/true", 2));
    struct group *db = add(by_hand_group("db", "/bin/true", 1));
    struct group *group = NULL;
    struct process *p = NULL;
    CU_ASSERT_STRING_EQUAL(web->processes[0]->display_name, "web:web_0");
    CU_ASSERT_STRING_EQUAL(db->processes[0]->display_name, "db");
    CU_ASSERT_EQUAL(process_table_resolve("web:web_1", &group, &p), 0);
    CU_ASSERT_PTR_EQUAL(p, web->processes[1]);
    CU_ASSERT_EQUAL(process_table_resolve("db", &group, &p), 0);
    CU_ASSERT_PTR_EQUAL(p, db->processes[0]);
    const char *const whole[] = { "web:*", "web:" };
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(process_table_resolve(whole[i], &group, &p), 0);
        CU_ASSERT_PTR_EQUAL(group, web);
        CU_ASSERT_PTR_NULL(p);
    }
    const char *const nobody[] = { "web", "web_0", "web:nosuch", "we", "webb", "", ":", "we:*" };
    for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++)
        CU_ASSERT_EQUAL(process_table_resolve(nobody[i], &group, &p), -ENOENT);
    drop(web);
    CU_ASSERT_EQUAL(process_table_resolve("web:*", &group, &p), -ENOENT);
    drop(db);
}

static void the_sorted_view_follows_the_shape_and_priorities_are_stable(void)
{
    size_t n = 0;
    struct group *b = add(by_hand_group("b", "/bin/true", 1));
    struct group *a = add(by_hand_group("a", "/bin/true", 2));
    struct process **all = process_table_sorted(&n);
    CU_ASSERT_EQUAL_FATAL(n, 3);
    CU_ASSERT_STRING_EQUAL(all[0]->config->name, "a_0");
    CU_ASSERT_STRING_EQUAL(all[1]->config->name, "a_1");
    CU_ASSERT_STRING_EQUAL(all[2]->config->name, "b");
    struct group *first = add(by_hand_group("z", "/bin/true", 1));
    first->config->priority = 1;
    CU_ASSERT_PTR_NOT_NULL(process_table_sorted(&n));
    CU_ASSERT_EQUAL(n, 4);
    struct group **groups = process_table_by_priority(&n);
    CU_ASSERT_EQUAL_FATAL(n, 3);
    CU_ASSERT_PTR_EQUAL(groups[0], first);
    CU_ASSERT_PTR_EQUAL(groups[1], b); /* equal priorities: in order of activation */
    CU_ASSERT_PTR_EQUAL(groups[2], a);
    free(groups);
    drop(a);
    drop(b);
    drop(first);
    CU_ASSERT_EQUAL(process_table.n_groups, 0);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(requests_arrive_in_order_and_come_back_on_dispatch),
        UNIT_TEST(a_full_mailbox_refuses_but_what_the_end_depends_on_fits),
        UNIT_TEST(a_closed_mailbox_cancels_what_is_in_it_and_refuses_the_rest),
        UNIT_TEST(no_wake_is_lost_between_many_posters_and_one_worker),
        UNIT_TEST(changes_are_told_once_each_in_the_order_of_their_first),
        UNIT_TEST(a_request_that_finishes_during_the_dispatch_wakes_the_loop),
        UNIT_TEST(descriptions_are_what_clients_take_apart),
        UNIT_TEST(ends_are_named_like_the_reference_names_them),
        UNIT_TEST(names_find_processes_and_groups),
        UNIT_TEST(the_sorted_view_follows_the_shape_and_priorities_are_stable),
    };
    return UNIT_RUN("process", tests);
}
