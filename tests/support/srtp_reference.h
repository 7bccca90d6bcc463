/* libsrtp as what our SRTP is held against, and each back end with each profile. */
#pragma once

#include "rtc/srtp_sender.h"

#include <srtp2/srtp.h>

struct srtp_variant {
    enum srtp_backend backend; /* OpenSSL's where this machine lacks it (then it is tested twice) */
    enum media_profile profile;
};

#define SRTP_VARIANT_COUNT 6
struct srtp_variant srtp_variant_get(size_t index);

/* A session of libsrtp's with any SSRC; `key` is key and salt; `may_repeat`: it seals the
 * same number twice. Aborts when it cannot be opened. */
void srtp_reference_open(srtp_t *out, enum media_profile profile, uint8_t *key,
                         srtp_ssrc_type_t direction, unsigned long window, bool may_repeat);
