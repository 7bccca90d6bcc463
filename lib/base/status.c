#include "base/status.h"

const char *status_name(enum status status)
{
    static const char *const names[] = {
#define X(name, text) text,
        STATUS_LIST(X)
#undef X
    };
    return (size_t)status < COUNT_OF(names) ? names[status] : "unknown";
}
