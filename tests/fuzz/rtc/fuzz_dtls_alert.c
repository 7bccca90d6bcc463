/* Whoever lacks the keys ends no association and gets no answer, whatever records it makes up. */
#include "rtc/dtls_alert.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dtls_alert_reader reader = {.key = {1, 2, 3}, .salt = {4}};
    uint8_t *exact = malloc(size + 1); /* so that an overrun shows */
    CHECK(exact != NULL);
    if (size > 0)
        memcpy(exact, data, size);
    CHECK(dtls_alert_read(&reader, bytes_of(exact, size)) == DTLS_ALERT_NONE);
    CHECK(reader.finished == 0);
    free(exact);
    return 0;
}
