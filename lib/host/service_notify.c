#include "host/service_notify.h"

#include <systemd/sd-daemon.h>

void service_notify_ready(void)
{
    (void)sd_notify(0, "READY=1");
}

void service_notify_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1");
}

void service_notify_watchdog(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}
