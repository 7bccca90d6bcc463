#include "host/service_notify.h"

#include <stddef.h>
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
    /* Only where it is asked for: sd_notify waits when nobody reads the other end. */
    if (sd_watchdog_enabled(0, NULL) > 0)
        (void)sd_notify(0, "WATCHDOG=1");
}
