/* SPDX-License-Identifier: MIT */
/* interrupt.c: Ctrl-C as something to wait for. */
#include "interrupt.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

void interrupt_begin(struct interrupt *interrupt)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &set, &interrupt->before);
    interrupt->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (interrupt->fd < 0)
        (void)sigprocmask(SIG_SETMASK, &interrupt->before, NULL); /* then it ends the client */
}

bool interrupt_came(struct interrupt *interrupt)
{
    struct signalfd_siginfo info;
    return interrupt->fd >= 0 && read(interrupt->fd, &info, sizeof(info)) == sizeof(info);
}

bool interrupt_wait(struct interrupt *interrupt, int wait_ms)
{
    struct pollfd fd = { .fd = interrupt->fd, .events = POLLIN };
    (void)poll(&fd, 1, wait_ms);
    return interrupt_came(interrupt);
}

void interrupt_end(struct interrupt *interrupt)
{
    if (interrupt->fd < 0)
        return;
    while (interrupt_came(interrupt))
        continue; /* pressed twice: it has had its effect */
    (void)close(interrupt->fd);
    (void)sigprocmask(SIG_SETMASK, &interrupt->before, NULL);
}
