/* What headless participants heard and saw, as JSON: each one, and all together. */
#pragma once

#include "client-demo/headless/headless_peer.h"

/* A malloc'ed JSON text; NULL when out of memory. `seconds` is how long they were there. */
char *headless_report_write(const struct headless_peer *peers, size_t count, usec_t now,
                            double seconds);
