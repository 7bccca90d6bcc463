/* Tells systemd how the service is (sd_notify); does nothing without NOTIFY_SOCKET. */
#pragma once

void service_notify_ready(void);
void service_notify_stopping(void);
void service_notify_watchdog(void); /* does nothing without WatchdogSec= */
