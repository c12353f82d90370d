/* SPDX-License-Identifier: MIT */
/* test_races.c: the two races that decide whether one thread a program is right.
 *
 * Exit before registration: a child may be collected before its pid was recorded. Signal after
 * reaping: once collected, a pid may be a stranger's. Thousands of programs that end at once are
 * spawned by many threads, collected by one, and signalled by others all the while.
 */
#include "supervisor/core/log.h"
#include "supervisor/workers/spawn.h"

#include "by_hand.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { ROUNDS = 60 };
#else
enum { ROUNDS = 400 };
#endif
enum { SPAWNERS = 8, SIGNALLERS = 2, LIMIT_MS = 60000 };

static struct process *processes[SPAWNERS];
static _Atomic unsigned ended, wrong_status, late_signals, failures;
static _Atomic bool done;
static int expected_status;

static bool wait_for_exit(struct process *p, int *ret_status)
{
    struct pollfd wake = { .fd = p->wake_fd, .events = POLLIN };
    uint64_t exit_ns;
    bool exited = false;
    while (!exited) {
        if (poll(&wake, 1, LIMIT_MS) != 1)
            return false;
        struct request *none = process_collect(p, &exited, ret_status, &exit_ns);
        if (none)
            return false;
    }
    return true;
}

static bool spawn_once(struct process *p)
{
    char text[256];
    struct command command;
    struct spawn_pipes pipes;
    pid_t pid;
    int status = -1;
    if (command_resolve(p->config, &command, text, sizeof(text)) != COMMAND_OK)
        return false;
    if (spawn_pipes_open(p->config, -1, &pipes) < 0)
        return false;
    int r = spawn_child(p, &command, &pipes, &pid, text, sizeof(text));
    spawn_pipes_close(&pipes);
    command_free(&command);
    if (r < 0 || !wait_for_exit(p, &status))
        return false;
    (void)atomic_fetch_add(&ended, 1);
    if (status != expected_status && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1))
        (void)atomic_fetch_add(&wrong_status, 1);
    /* It was collected: whoever signals must know. */
    if (process_kill(p, SIGUSR1, false) != -ESRCH)
        (void)atomic_fetch_add(&late_signals, 1);
    return true;
}

static void *spawn_many(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        if (!spawn_once(arg))
            (void)atomic_fetch_add(&failures, 1);
    }
    return NULL;
}

static void *signal_all_the_time(void *arg)
{
    (void)arg;
    while (!atomic_load(&done)) {
        for (int i = 0; i < SPAWNERS; i++) {
            int r = process_kill(processes[i], SIGUSR1, false);
            if (r != 0 && r != -ESRCH)
                (void)atomic_fetch_add(&failures, 1);
        }
        struct timespec pause = { .tv_nsec = 200000 };
        (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

static void *reap_all_the_time(void *arg)
{
    const int *fd = arg;
    struct signalfd_siginfo info;
    struct pollfd ready = { .fd = *fd, .events = POLLIN };
    while (!atomic_load(&done)) {
        if (poll(&ready, 1, 100) == 1 && read(*fd, &info, sizeof(info)) > 0)
            (void)reaper_run();
    }
    (void)reaper_run();
    return NULL;
}

static int open_sigchld(void)
{
    sigset_t set;
    (void)sigfillset(&set);
    (void)pthread_sigmask(SIG_SETMASK, &set, NULL);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void make_processes(struct group_config *group)
{
    for (size_t i = 0; i < SPAWNERS; i++) {
        char *logfile[CHANNELS] = { NULL, NULL };
        CU_ASSERT_EQUAL_FATAL(process_new(group, i, logfile, &processes[i]), 0);
    }
}

/* Run everything at once and see that each spawn heard of exactly its own child's end. */
static void storm(const char *command, int status, bool with_signals)
{
    pthread_t spawners[SPAWNERS], signallers[SIGNALLERS], reaper;
    struct group_config *group = by_hand_group("true", command, SPAWNERS);
    atomic_store(&done, false);
    atomic_store(&ended, 0);
    atomic_store(&wrong_status, 0);
    atomic_store(&late_signals, 0);
    atomic_store(&failures, 0);
    expected_status = status;
    make_processes(group);
    int fd = open_sigchld();
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&reaper, NULL, reap_all_the_time, &fd), 0);
    for (int i = 0; with_signals && i < SIGNALLERS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&signallers[i], NULL, signal_all_the_time, NULL), 0);
    for (int i = 0; i < SPAWNERS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&spawners[i], NULL, spawn_many, processes[i]), 0);
    for (int i = 0; i < SPAWNERS; i++)
        CU_ASSERT_EQUAL(pthread_join(spawners[i], NULL), 0);
    atomic_store(&done, true);
    for (int i = 0; with_signals && i < SIGNALLERS; i++)
        CU_ASSERT_EQUAL(pthread_join(signallers[i], NULL), 0);
    CU_ASSERT_EQUAL(pthread_join(reaper, NULL), 0);
    CU_ASSERT_EQUAL(atomic_load(&ended), SPAWNERS * ROUNDS);
    CU_ASSERT_EQUAL(atomic_load(&failures), 0);
    CU_ASSERT_EQUAL(atomic_load(&wrong_status), 0);
    CU_ASSERT_EQUAL(atomic_load(&late_signals), 0);
    (void)close(fd);
    for (int i = 0; i < SPAWNERS; i++)
        process_unref(processes[i]);
    group_config_unref(group);
}

static void every_spawn_hears_of_its_own_childs_end_however_early(void)
{
    storm("/bin/true", 0, false);
    storm("/bin/false", 1 << 8, false);
}

static void a_signal_never_follows_the_collection_of_a_pid(void)
{
    storm("/bin/true", 0, true);
}

static void orphans_that_we_adopt_are_collected_and_given_to_nobody(void)
{
    CU_ASSERT_EQUAL(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    /* The shell ends with 0 at once; the one it leaves behind ends with 7, as our child. */
    storm("/bin/sh -c \"(exit 7) & exit 0\"", 0, false);
    siginfo_t info = { 0 };
    for (int i = 0; i < 1000; i++) { /* the last orphans may still run */
        (void)reaper_run();
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
            break;
        struct timespec pause = { .tv_nsec = 10000000 };
        (void)nanosleep(&pause, NULL);
    }
    CU_ASSERT_EQUAL(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1);
    CU_ASSERT_EQUAL(errno, ECHILD);
}

static void a_claim_takes_an_exit_that_was_collected_before_it(void)
{
    struct group_config *group = by_hand_group("early", "/bin/true", SPAWNERS);
    make_processes(group);
    struct process *p = processes[0];
    uint64_t ticket = pid_claim_begin();
    pid_t pid = fork();
    if (pid == 0)
        _exit(9);
    siginfo_t info = { 0 };
    CU_ASSERT_EQUAL(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    CU_ASSERT_TRUE(pid_collect(pid)); /* the reaper was quicker than the claim */
    CU_ASSERT_FALSE(process_is_busy(p));
    pid_claim_end(ticket, pid, p);
    int status = -1;
    CU_ASSERT_TRUE(wait_for_exit(p, &status));
    CU_ASSERT_EQUAL(status, 9 << 8);
    CU_ASSERT_EQUAL(process_kill(p, SIGKILL, false), -ESRCH);
    for (int i = 0; i < SPAWNERS; i++)
        process_unref(processes[i]);
    group_config_unref(group);
}

static void an_exit_kept_before_a_spawn_began_is_not_that_spawns(void)
{
    struct group_config *group = by_hand_group("late", "/bin/true", SPAWNERS);
    make_processes(group);
    struct process *p = processes[0];
    uint64_t other = pid_claim_begin(); /* makes the reaper keep what it does not know */
    pid_t pid = fork();
    if (pid == 0)
        _exit(9);
    siginfo_t info = { 0 };
    CU_ASSERT_EQUAL(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    CU_ASSERT_TRUE(pid_collect(pid));
    uint64_t ticket = pid_claim_begin();
    pid_claim_end(ticket, pid, p);      /* as if the kernel had given the number out again */
    CU_ASSERT_TRUE(process_is_busy(p)); /* alive: the old exit is another's */
    pid_abandon(p);
    pid_claim_end(other, 0, NULL);
    for (int i = 0; i < SPAWNERS; i++)
        process_unref(processes[i]);
    group_config_unref(group);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_claim_takes_an_exit_that_was_collected_before_it),
        UNIT_TEST(an_exit_kept_before_a_spawn_began_is_not_that_spawns),
        UNIT_TEST(every_spawn_hears_of_its_own_childs_end_however_early),
        UNIT_TEST(a_signal_never_follows_the_collection_of_a_pid),
        UNIT_TEST(orphans_that_we_adopt_are_collected_and_given_to_nobody),
    };
    return UNIT_RUN("races", tests);
}
