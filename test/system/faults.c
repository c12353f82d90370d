/* SPDX-License-Identifier: MIT */
/* faults.c: makes system calls of a daemon fail on demand (LD_PRELOAD).
 *
 * The test and this library share a file (FAULTS_FILE), an array of struct slot in the order of
 * enum call. A slot with left > 0 makes every one_in-th call fail with its error, left times.
 * Only the program that FAULTS_PROGRAM names is touched, so that the programs it starts are not.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum call {
    CALL_OPEN,
    CALL_WRITE,
    CALL_PIPE,
    CALL_VFORK,
    CALL_MALLOC,
    CALL_EPOLL,
    CALL_ACCEPT,
    CALL_RENAME,
    CALL_THREAD,
    CALL_CLOCK, /* fails by being wrong: by error seconds while left > 0 */
    CALLS,
};

struct slot {
    _Atomic uint32_t one_in;
    _Atomic int32_t error;
    _Atomic int32_t left;
    _Atomic uint32_t seen;
    _Atomic uint32_t failed;
};

/* Until the constructor ran, nothing fails. */
static struct slot nothing[CALLS];
static struct slot *slots = nothing;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_pipe2)(int[2], int);
static pid_t (*real_vfork)(void);
static int (*real_epoll_ctl)(int, int, int, struct epoll_event *);
static int (*real_accept4)(int, struct sockaddr *, socklen_t *, int);
static int (*real_rename)(const char *, const char *);
static int (*real_thread)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/* POSIX gives dlsym's result no function type. */
static void find(void *function, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    memcpy(function, &found, sizeof(found));
}

static bool is_the_program(void)
{
    const char *wanted = getenv("FAULTS_PROGRAM");
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (!wanted || size < 0)
        return false;
    path[size] = '\0';
    const char *name = strrchr(path, '/');
    return name && strcmp(name + 1, wanted) == 0;
}

__attribute__((constructor)) static void prepare(void)
{
    const char *file = getenv("FAULTS_FILE");

    find(&real_open, "open64");
    find(&real_openat, "openat64");
    find(&real_write, "write");
    find(&real_writev, "writev");
    find(&real_pipe2, "pipe2");
    find(&real_vfork, "vfork");
    find(&real_epoll_ctl, "epoll_ctl");
    find(&real_accept4, "accept4");
    find(&real_rename, "rename");
    find(&real_thread, "pthread_create");
    if (!file || !is_the_program())
        return;
    int fd = real_open(file, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        abort();
    void *shared = mmap(NULL, sizeof(nothing), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared == MAP_FAILED)
        abort();
    close(fd);
    slots = shared;
}

/* Whether this call shall fail; errno is set then. */
static bool fails(enum call call)
{
    struct slot *slot = &slots[call];

    if (atomic_load(&slot->left) <= 0)
        return false;
    uint32_t one_in = atomic_load(&slot->one_in);
    uint32_t number = atomic_fetch_add(&slot->seen, 1) + 1;
    if (one_in > 1 && number % one_in != 0)
        return false;
    if (atomic_fetch_sub(&slot->left, 1) <= 0)
        return false;
    atomic_fetch_add(&slot->failed, 1);
    errno = atomic_load(&slot->error);
    return true;
}

int open64(const char *path, int flags, ...)
{
    va_list args;

    va_start(args, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
    va_end(args);
    return fails(CALL_OPEN) ? -1 : real_open(path, flags, mode);
}

int openat64(int at, const char *path, int flags, ...)
{
    va_list args;

    va_start(args, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
    va_end(args);
    return fails(CALL_OPEN) ? -1 : real_openat(at, path, flags, mode);
}

/* Only what disks do: an eventfd that has no room left is no fault of this world. */
static bool write_fails(int fd)
{
    struct stat st;

    return atomic_load(&slots[CALL_WRITE].left) > 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
           fails(CALL_WRITE);
}

ssize_t write(int fd, const void *data, size_t size)
{
    return write_fails(fd) ? -1 : real_write(fd, data, size);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return write_fails(fd) ? -1 : real_writev(fd, parts, count);
}

int pipe2(int ends[2], int flags)
{
    return fails(CALL_PIPE) ? -1 : real_pipe2(ends, flags);
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    return operation == EPOLL_CTL_ADD && fails(CALL_EPOLL)
               ? -1
               : real_epoll_ctl(epoll, operation, fd, event);
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    return fails(CALL_ACCEPT) ? -1 : real_accept4(fd, address, size, flags);
}

int rename(const char *from, const char *to)
{
    return fails(CALL_RENAME) ? -1 : real_rename(from, to);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    return fails(CALL_THREAD) ? errno : real_thread(thread, attr, run, arg);
}

void *malloc(size_t size)
{
    return fails(CALL_MALLOC) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return fails(CALL_MALLOC) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    return fails(CALL_MALLOC) ? NULL : __libc_realloc(old, size);
}

/* The child of vfork runs on the parent's stack and must not return through a frame of ours: the
 * real call is jumped to, not called (built with -O2, where gcc and clang make it a tail call). */
pid_t vfork(void)
{
    if (fails(CALL_VFORK))
        return -1;
    return real_vfork();
}

/* The wall clock jumps; the one that only goes forward does not. */
static time_t jump_secs(void)
{
    struct slot *slot = &slots[CALL_CLOCK];

    if (atomic_load(&slot->left) <= 0)
        return 0;
    atomic_fetch_add(&slot->failed, 1);
    return atomic_load(&slot->error);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (syscall(SYS_clock_gettime, clock, now) < 0)
        return -1;
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        now->tv_sec += jump_secs();
    return 0;
}

time_t time(time_t *now)
{
    struct timespec real;

    (void)clock_gettime(CLOCK_REALTIME, &real);
    if (now)
        *now = real.tv_sec;
    return real.tv_sec;
}
