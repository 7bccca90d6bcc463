#include "support/srtp_reference.h"

#include "base/check.h"

#include <string.h>

struct srtp_variant srtp_variant_get(size_t index)
{
    static const struct srtp_variant variants[SRTP_VARIANT_COUNT] = {
        {SRTP_BACKEND_IPSEC_MB, MEDIA_PROFILE_GCM_128},
        {SRTP_BACKEND_IPSEC_MB, MEDIA_PROFILE_CM_80},
        {SRTP_BACKEND_OPENSSL, MEDIA_PROFILE_GCM_128},
        {SRTP_BACKEND_OPENSSL, MEDIA_PROFILE_CM_80},
        {SRTP_BACKEND_LIBSRTP, MEDIA_PROFILE_GCM_128},
        {SRTP_BACKEND_LIBSRTP, MEDIA_PROFILE_CM_80},
    };
    struct srtp_variant variant = variants[index];
    if (!srtp_backend_is_available(variant.backend))
        variant.backend = SRTP_BACKEND_OPENSSL;
    return variant;
}

void srtp_reference_open(srtp_t *out, enum media_profile profile, uint8_t *key,
                         srtp_ssrc_type_t direction, unsigned long window, bool may_repeat)
{
    srtp_policy_t policy;
    memset(&policy, 0, sizeof policy);
    if (profile == MEDIA_PROFILE_GCM_128) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    }
    policy.ssrc.type = direction;
    policy.key = key;
    policy.window_size = window;
    policy.allow_repeat_tx = may_repeat ? 1 : 0;
    CHECK(srtp_create(out, &policy) == srtp_err_status_ok);
}
