/* SPDX-License-Identifier: MIT */
/* child.c: the programs that the benchmarks supervise, small enough not to be measured.
 *
 *   child idle                 waits for a signal
 *   child lines RATE SECONDS   100-byte lines at RATE a second, numbered; then idles
 *   child blocks BYTES         BYTES in 64 KiB writes; then idles
 *   child beacon FIFO          writes its pid to FIFO once; then idles
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void write_all(const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(1, data, len);
        if (n <= 0)
            exit(1);
        data += n;
        len -= (size_t)n;
    }
}

static void lines(double rate, double seconds)
{
    struct timespec next;
    (void)clock_gettime(CLOCK_MONOTONIC, &next);
    long step_ns = (long)(1e9 / rate);
    long total = (long)(rate * seconds);
    for (long i = 0; i < total; i++) {
        char line[128];
        int n = snprintf(line, sizeof(line), "%08ld %-90s\n", i, "a line of a chatty program");
        write_all(line, (size_t)n);
        next.tv_nsec += step_ns;
        next.tv_sec += next.tv_nsec / 1000000000;
        next.tv_nsec %= 1000000000;
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
}

static void blocks(long long bytes)
{
    static char block[65536];
    memset(block, 'x', sizeof(block));
    for (size_t i = 127; i < sizeof(block); i += 128)
        block[i] = '\n';
    for (; bytes > 0; bytes -= (long long)sizeof(block))
        write_all(block, bytes < (long long)sizeof(block) ? (size_t)bytes : sizeof(block));
}

static void beacon(const char *fifo)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    int fd = open(fifo, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, (size_t)n) != n)
        exit(1);
    (void)close(fd);
}

int main(int argc, char *argv[])
{
    if (argc == 4 && strcmp(argv[1], "lines") == 0)
        lines(strtod(argv[2], NULL), strtod(argv[3], NULL));
    else if (argc == 3 && strcmp(argv[1], "blocks") == 0)
        blocks(strtoll(argv[2], NULL, 10));
    else if (argc == 3 && strcmp(argv[1], "beacon") == 0)
        beacon(argv[2]);
    for (;;)
        (void)pause();
}
