/* SIGTERM, SIGINT and SIGHUP as a file descriptor, for an event loop. SIGPIPE is ignored. */
#pragma once

#include "base/status.h"

#include <stdbool.h>

/* Blocks the three in this thread and those it starts: call it first. *fd becomes readable; close
 * it. */
MUST_CHECK enum status signals_open(int *fd);

enum signals_event { SIGNALS_NONE, SIGNALS_STOP, SIGNALS_RELOAD };
/* The next one that came; SIGNALS_NONE when there is none. */
enum signals_event signals_read(int fd);
