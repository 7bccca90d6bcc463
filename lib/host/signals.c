#include "host/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum status signals_open(int *fd)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return STATUS_SYSTEM;
    int opened = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (opened < 0)
        return STATUS_SYSTEM;
    *fd = opened;
    return STATUS_OK;
}

enum signals_event signals_read(int fd)
{
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof info) != (ssize_t)sizeof info)
        return SIGNALS_NONE;
    return info.ssi_signo == SIGHUP ? SIGNALS_RELOAD : SIGNALS_STOP;
}
