/* The one result type of everything that can fail. Results travel through out-parameters, which a
 * failure leaves untouched. */
#pragma once

#include "base/check.h"

#define STATUS_LIST(X)                                                                             \
    X(OK, "ok")                                                                                    \
    X(TRUNCATED, "truncated")     /* input ends too early, or output has no room */                \
    X(MALFORMED, "malformed")     /* input breaks its own format */                                \
    X(UNSUPPORTED, "unsupported") /* well-formed, but not something we do */                       \
    X(AUTH, "auth")               /* integrity, signature or right is missing */                   \
    X(REPLAYED, "replayed")       /* seen before */                                                \
    X(NOT_FOUND, "not_found")                                                                      \
    X(EXISTS, "exists")                                                                            \
    X(LIMIT, "limit")   /* a named maximum is reached */                                           \
    X(STATE, "state")   /* not possible in the present state */                                    \
    X(CONFIG, "config") /* a setting is out of its range */                                        \
    X(NO_MEMORY, "no_memory")                                                                      \
    X(SYSTEM, "system") /* a system or library call failed */

enum status {
#define X(name, text) STATUS_##name,
    STATUS_LIST(X)
#undef X
};

/* A stable lower-case name, for logs and tests. */
const char *status_name(enum status status);
