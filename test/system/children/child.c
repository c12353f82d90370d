/* SPDX-License-Identifier: MIT */
/* child.c: a program for tests to supervise. Its arguments are small commands, done in order;
 * at the end it exits with 0.
 *
 *   say TEXT, err TEXT       one line on standard output or error
 *   lines N RATE [PREFIX]    N lines "PREFIX 0".."PREFIX N-1", RATE a second (0: at full speed)
 *   errlines N RATE PREFIX   the same on standard error
 *   bytes N                  N bytes without a line end
 *   flood                    output without end
 *   echo                     standard input to standard output until it ends
 *   sleep SECONDS, forever   wait
 *   exit CODE, kill SIG      end, by code or by signal (a number)
 *   ignore SIG               ignore a signal
 *   trap SIG CODE            exit with CODE on a signal
 *   on SIG TEXT              say TEXT on a signal
 *   close FD                 close a descriptor
 *   fork                     leave a grandchild behind that holds the pipes, and go on
 *   forkaway                 the same in a session of its own
 *   facts FILE               everything about this process as JSON
 *   alloc MIB                take memory and touch it
 *   note FILE TEXT           append TEXT and a line end to FILE in one write
 *   until FILE               wait until FILE exists
 *   stop                     stop oneself (SIGSTOP)
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static volatile int exit_codes[65];
static const char *volatile signal_texts[65];

static void die(const char *what)
{
    fprintf(stderr, "child: %s: %s\n", what, strerror(errno));
    _exit(99);
}

static void write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, data, size);
        if (done < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (done < 0)
            _exit(98);
        data += done;
        size -= (size_t)done;
    }
}

static void on_signal(int signum)
{
    const char *text = signal_texts[signum];

    if (text) {
        write_all(1, text, strlen(text));
        write_all(1, "\n", 1);
        return;
    }
    _exit(exit_codes[signum]);
}

static void handle(int signum, void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };

    sigemptyset(&action.sa_mask);
    if (sigaction(signum, &action, NULL) < 0)
        die("sigaction");
}

static void say(int fd, const char *text)
{
    char line[4096];
    int size = snprintf(line, sizeof(line), "%s\n", text);

    write_all(fd, line, (size_t)size);
}

static void sleep_for(double seconds)
{
    struct timespec left = { .tv_sec = (time_t)seconds,
                             .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

static void print_lines(int fd, long count, double rate, const char *prefix)
{
    struct timespec start;

    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long i = 0; i < count; i++) {
        char line[512];
        int size = snprintf(line, sizeof(line), "%s %ld\n", prefix, i);

        write_all(fd, line, (size_t)size);
        if (rate > 0) {
            double due = (double)(i + 1) / rate;
            struct timespec when = { .tv_sec = start.tv_sec + (time_t)due,
                                     .tv_nsec = start.tv_nsec +
                                                (long)((due - (double)(time_t)due) * 1e9) };

            if (when.tv_nsec >= 1000000000L) {
                when.tv_sec++;
                when.tv_nsec -= 1000000000L;
            }
            while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) == EINTR)
                ;
        }
    }
}

static void write_bytes(long count)
{
    char block[4096];

    memset(block, 'x', sizeof(block));
    while (count > 0) {
        size_t part = count < (long)sizeof(block) ? (size_t)count : sizeof(block);

        write_all(1, block, part);
        count -= (long)part;
    }
}

static void flood(void)
{
    static const char line[] = "the same line again and again, as fast as the pipe takes it\n";

    for (;;)
        write_all(1, line, sizeof(line) - 1);
}

static void echo(void)
{
    char block[65536];

    for (;;) {
        ssize_t size = read(0, block, sizeof(block));
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            return;
        write_all(1, block, (size_t)size);
    }
}

static void leave_grandchild(int own_session)
{
    pid_t pid = fork();

    if (pid < 0)
        die("fork");
    if (pid == 0) {
        if (own_session)
            (void)setsid();
        for (;;)
            pause();
    }
}

static void put_json(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(out, "\\%c", *p);
        else if (*p < 0x20 || *p >= 0x7f)
            fprintf(out, "\\u%04x", *p);
        else
            fputc(*p, out);
    }
    fputc('"', out);
}

static void put_descriptors(FILE *out, const int *fds, size_t count)
{
    fputs("\"fds\": {", out);
    for (size_t i = 0; i < count; i++) {
        char path[64], target[4096];

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[i]);
        ssize_t size = readlink(path, target, sizeof(target) - 1);
        target[size > 0 ? size : 0] = '\0';
        fprintf(out, "%s\"%d\": ", i ? ", " : "", fds[i]);
        put_json(out, target);
    }
    fputs("},\n", out);
}

static void put_status(FILE *out)
{
    char line[4096];
    FILE *status = fopen("/proc/self/status", "re");
    int first = 1;

    if (!status)
        die("/proc/self/status");
    fputs("\"status\": {", out);
    while (fgets(line, sizeof(line), status)) {
        char *colon = strchr(line, ':');

        line[strcspn(line, "\n")] = '\0';
        if (!colon)
            continue;
        *colon = '\0';
        for (colon++; *colon == '\t' || *colon == ' '; colon++)
            ;
        fputs(first ? "" : ", ", out);
        first = 0;
        put_json(out, line);
        fputs(": ", out);
        put_json(out, colon);
    }
    fclose(status);
    fputs("},\n", out);
}

static void put_limit(FILE *out, const char *name, int resource)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) < 0)
        die("getrlimit");
    fprintf(out, "\"%s\": [%lld, %lld],\n", name, (long long)limit.rlim_cur,
            (long long)limit.rlim_max);
}

/* Written to a temporary file first, so that a reader sees all of it or nothing. */
static void put_facts(const char *path, int argc, char **argv)
{
    char cwd[4096] = "", temporary[4096];
    int fds[256];
    size_t count = 0;

    for (int fd = 0; fd < 4096 && count < sizeof(fds) / sizeof(fds[0]); fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            fds[count++] = fd;
    snprintf(temporary, sizeof(temporary), "%s.%d", path, (int)getpid());
    FILE *out = fopen(temporary, "we");
    if (!out)
        die(temporary);
    mode_t mask = umask(0);
    umask(mask);
    fprintf(out, "{\"pid\": %d, \"ppid\": %d, \"pgid\": %d, \"sid\": %d, \"umask\": %d,\n",
            (int)getpid(), (int)getppid(), (int)getpgid(0), (int)getsid(0), (int)mask);
    fprintf(out, "\"cwd\": ");
    put_json(out, getcwd(cwd, sizeof(cwd)) ? cwd : "");
    fputs(",\n", out);
    put_descriptors(out, fds, count);
    put_status(out);
    put_limit(out, "nofile", RLIMIT_NOFILE);
    put_limit(out, "nproc", RLIMIT_NPROC);
    put_limit(out, "core", RLIMIT_CORE);
    fputs("\"argv\": [", out);
    for (int i = 0; i < argc; i++) {
        fputs(i ? ", " : "", out);
        put_json(out, argv[i]);
    }
    fputs("],\n\"env\": [", out);
    for (char **entry = environ; *entry; entry++) {
        fputs(entry != environ ? ", " : "", out);
        put_json(out, *entry);
    }
    fputs("]}\n", out);
    if (fclose(out) != 0 || rename(temporary, path) < 0)
        die(path);
}

static void take_memory(size_t mib)
{
    volatile char *memory = malloc(mib << 20);

    if (!memory)
        die("malloc");
    /* By the page, and in a way that no compiler leaves out. */
    for (size_t i = 0; i < mib << 20; i += 4096)
        memory[i] = 1;
}

static void note(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);

    if (fd < 0)
        die(path);
    say(fd, text);
    close(fd);
}

static void forever(void)
{
    for (;;)
        pause();
}

static int run(int argc, char **argv)
{
#define NEXT (i + 1 < argc ? argv[++i] : (errno = EINVAL, die("an argument is missing"), ""))
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];

        if (strcmp(word, "say") == 0)
            say(1, NEXT);
        else if (strcmp(word, "err") == 0)
            say(2, NEXT);
        else if (strcmp(word, "lines") == 0 || strcmp(word, "errlines") == 0) {
            long count = strtol(NEXT, NULL, 10);
            double rate = strtod(NEXT, NULL);

            print_lines(word[0] == 'e' ? 2 : 1, count, rate, NEXT);
        } else if (strcmp(word, "bytes") == 0)
            write_bytes(strtol(NEXT, NULL, 10));
        else if (strcmp(word, "flood") == 0)
            flood();
        else if (strcmp(word, "echo") == 0)
            echo();
        else if (strcmp(word, "sleep") == 0)
            sleep_for(strtod(NEXT, NULL));
        else if (strcmp(word, "forever") == 0)
            forever();
        else if (strcmp(word, "exit") == 0)
            _exit((int)strtol(NEXT, NULL, 10));
        else if (strcmp(word, "kill") == 0) {
            struct rlimit none = { 0, 0 };

            (void)setrlimit(RLIMIT_CORE, &none);
            raise((int)strtol(NEXT, NULL, 10));
        } else if (strcmp(word, "ignore") == 0)
            handle((int)strtol(NEXT, NULL, 10), SIG_IGN);
        else if (strcmp(word, "trap") == 0) {
            int signum = (int)strtol(NEXT, NULL, 10);

            exit_codes[signum] = (int)strtol(NEXT, NULL, 10);
            handle(signum, on_signal);
        } else if (strcmp(word, "on") == 0) {
            int signum = (int)strtol(NEXT, NULL, 10);

            signal_texts[signum] = NEXT;
            handle(signum, on_signal);
        } else if (strcmp(word, "close") == 0)
            close((int)strtol(NEXT, NULL, 10));
        else if (strcmp(word, "fork") == 0)
            leave_grandchild(0);
        else if (strcmp(word, "forkaway") == 0)
            leave_grandchild(1);
        else if (strcmp(word, "facts") == 0)
            put_facts(NEXT, argc, argv);
        else if (strcmp(word, "alloc") == 0)
            take_memory(strtoul(NEXT, NULL, 10));
        else if (strcmp(word, "note") == 0) {
            const char *path = NEXT;

            note(path, NEXT);
        } else if (strcmp(word, "until") == 0) {
            const char *path = NEXT;

            while (access(path, F_OK) < 0)
                sleep_for(0.01);
        } else if (strcmp(word, "stop") == 0)
            raise(SIGSTOP);
        else {
            fprintf(stderr, "child: what is '%s'?\n", word);
            return 97;
        }
    }
    return 0;
#undef NEXT
}

int main(int argc, char **argv)
{
    return run(argc, argv);
}
