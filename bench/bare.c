/* SPDX-License-Identifier: MIT */
/* bare.c: the physical limit: the same work as a supervisor's, in bare system calls.
 *
 *   bare start N CHILD        vfork+exec of N children; milliseconds
 *   bare stop N CHILD         SIGTERM to N children, until all are collected; milliseconds
 *   bare respawn N CHILD R    R times: kill one of N, signalfd, vfork; median and 99 % in ms
 *   bare killall N CHILD      kill N at once, until N are there again; milliseconds
 *   bare volume W BYTES DIR CHILD   W writers of BYTES each into files; GB/s, CPU seconds per GB
 *   bare lines N RATE S DIR CHILD LINGER_MS   CPU microseconds a line, waking for each or lingering
 *
 * Prints one line of JSON.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX = 4096 };

static pid_t pids[MAX];
static int n_children;

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

static double cpu_s(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6 +
           (double)u.ru_stime.tv_sec + (double)u.ru_stime.tv_usec / 1e6;
}

static pid_t spawn(char *const argv[], int out)
{
    pid_t pid = vfork();
    if (pid < 0)
        die("vfork");
    if (pid == 0) {
        sigset_t none;
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        if (out >= 0)
            (void)dup2(out, 1);
        execv(argv[0], argv);
        _exit(127);
    }
    return pid;
}

static void start(int n, char *child)
{
    char *argv[] = { child, "idle", NULL };
    for (n_children = 0; n_children < n; n_children++)
        pids[n_children] = spawn(argv, -1);
}

static void stop(int signal)
{
    for (int i = 0; i < n_children; i++)
        (void)kill(pids[i], signal);
    for (int left = n_children; left > 0; left--) {
        if (wait(NULL) < 0)
            die("wait");
    }
}

static int child_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (fd < 0)
        die("signalfd");
    return fd;
}

/* Collect what is dead and start it anew; returns how many. */
static int revive(int fd, char *child)
{
    char *argv[] = { child, "idle", NULL };
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof(info)) < 0)
        die("read");
    int n = 0;
    for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0; n++) {
        int i = 0;
        while (pids[i] != pid)
            i++;
        pids[i] = spawn(argv, -1);
    }
    return n;
}

static int by_value(const void *a, const void *b)
{
    double d = *(const double *)a - *(const double *)b;
    return d < 0 ? -1 : d > 0;
}

static void respawn(int n, char *child, int rounds)
{
    int fd = child_signals();
    start(n, child);
    double *took = calloc((size_t)rounds, sizeof(*took));
    if (!took)
        die("calloc");
    for (int i = 0; i < rounds; i++) {
        double from = now_ms();
        (void)kill(pids[i % n], SIGKILL);
        while (revive(fd, child) == 0)
            ;
        took[i] = now_ms() - from;
    }
    qsort(took, (size_t)rounds, sizeof(*took), by_value);
    printf("{\"median_ms\": %.3f, \"p99_ms\": %.3f}\n", took[rounds / 2], took[rounds * 99 / 100]);
    free(took);
    stop(SIGKILL);
}

static void killall(int n, char *child)
{
    int fd = child_signals();
    start(n, child);
    double from = now_ms();
    for (int i = 0; i < n; i++)
        (void)kill(pids[i], SIGKILL);
    for (int revived = 0; revived < n;)
        revived += revive(fd, child);
    printf("{\"ms\": %.2f}\n", now_ms() - from);
    stop(SIGKILL);
}

struct sink {
    int in, out;
    long long size, total;
    char path[256];
};

static struct sink sinks[MAX];

static void open_sink(struct sink *s, int i, const char *dir, char *const argv[])
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        die("pipe2");
    (void)fcntl(fds[0], F_SETPIPE_SZ, 1024 * 1024);
    (void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
    (void)snprintf(s->path, sizeof(s->path), "%s/bare.%d", dir, i);
    s->in = fds[0];
    s->out = open(s->path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    if (s->out < 0)
        die(s->path);
    pids[n_children++] = spawn(argv, fds[1]);
    (void)close(fds[1]);
}

static void rotate(struct sink *s)
{
    char old[300];
    (void)snprintf(old, sizeof(old), "%s.1", s->path);
    (void)close(s->out);
    (void)rename(s->path, old);
    s->out = open(s->path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    s->size = 0;
}

/* Read and write until every sink has had `each` bytes; returns the number of reads. */
static long pump(int n, long long each, int linger_ms)
{
    static char block[1024 * 1024];
    int ep = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < n; i++) {
        struct epoll_event e = { .events = EPOLLIN, .data.ptr = &sinks[i] };
        if (epoll_ctl(ep, EPOLL_CTL_ADD, sinks[i].in, &e) < 0)
            die("epoll_ctl");
    }
    long reads = 0;
    for (int done = 0; done < n;) {
        struct epoll_event events[64];
        int got = epoll_wait(ep, events, 64, -1);
        for (int i = 0; i < got; i++) {
            struct sink *s = events[i].data.ptr;
            ssize_t len = read(s->in, block, sizeof(block));
            if (len <= 0 || write(s->out, block, (size_t)len) != len)
                die("pump");
            reads++;
            s->size += len;
            s->total += len;
            if (s->size >= 50LL * 1024 * 1024)
                rotate(s);
            done += s->total >= each;
        }
        if (linger_ms) {
            struct timespec pause_ts = { 0, linger_ms * 1000000L };
            (void)nanosleep(&pause_ts, NULL);
        }
    }
    return reads;
}

static void volume(int n, char *bytes, const char *dir, char *child)
{
    char *argv[] = { child, "blocks", bytes, NULL };
    long long each = strtoll(bytes, NULL, 10);
    double from = now_ms(), cpu = cpu_s();
    for (int i = 0; i < n; i++)
        open_sink(&sinks[i], i, dir, argv);
    (void)pump(n, each, 0);
    double seconds = (now_ms() - from) / 1e3, gb = (double)each * n / 1e9;
    printf("{\"gb_s\": %.3f, \"cpu_s_per_gb\": %.3f}\n", gb / seconds, (cpu_s() - cpu) / gb);
    stop(SIGKILL);
}

static void lines(int n, char *rate, char *seconds, const char *dir, char *child, int linger_ms)
{
    char *argv[] = { child, "lines", rate, seconds, NULL };
    long each = (long)(strtod(rate, NULL) * strtod(seconds, NULL));
    double cpu = cpu_s();
    for (int i = 0; i < n; i++)
        open_sink(&sinks[i], i, dir, argv);
    long reads = pump(n, each * 100LL, linger_ms);
    double total = (double)each * n;
    printf("{\"cpu_us_per_line\": %.3f, \"lines_per_read\": %.2f}\n", (cpu_s() - cpu) * 1e6 / total,
           total / (double)reads);
    stop(SIGKILL);
}

int main(int argc, char *argv[])
{
    const char *what = argc > 3 ? argv[1] : "";
    int n = argc > 3 ? (int)strtol(argv[2], NULL, 10) : 0;
    if (n < 1 || n > MAX) {
        fprintf(stderr, "bare: see the top of bare.c\n");
        return 2;
    }
    double from = now_ms();
    if (strcmp(what, "start") == 0) {
        start(n, argv[3]);
        printf("{\"ms\": %.2f}\n", now_ms() - from);
        stop(SIGKILL);
    } else if (strcmp(what, "stop") == 0) {
        start(n, argv[3]);
        from = now_ms();
        stop(SIGTERM);
        printf("{\"ms\": %.2f}\n", now_ms() - from);
    } else if (strcmp(what, "respawn") == 0 && argc == 5) {
        respawn(n, argv[3], (int)strtol(argv[4], NULL, 10));
    } else if (strcmp(what, "killall") == 0) {
        killall(n, argv[3]);
    } else if (strcmp(what, "volume") == 0 && argc == 6) {
        volume(n, argv[3], argv[4], argv[5]);
    } else if (strcmp(what, "lines") == 0 && argc == 8) {
        lines(n, argv[3], argv[4], argv[5], argv[6], (int)strtol(argv[7], NULL, 10));
    } else {
        return 2;
    }
    return 0;
}
