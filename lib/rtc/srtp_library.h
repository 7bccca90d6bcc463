/* libsrtp with the keys of one direction, where no back end of our own takes its place
 * (RFC 3711, RFC 7714). */
#pragma once

#include "rtc/dtls.h"

#include <srtp2/srtp.h>

/* `master`: key and salt of `direction`, borrowed for the call. STATUS_SYSTEM. */
MUST_CHECK enum status srtp_library_open(srtp_t *out, enum media_profile profile,
                                         const uint8_t master[MEDIA_MASTER_BYTES_MAX],
                                         srtp_ssrc_type_t direction, unsigned long window);
