#include "rtc/srtp_library.h"

#include "base/wipe.h"

enum status srtp_library_open(srtp_t *out, enum media_profile profile,
                              const uint8_t master[MEDIA_MASTER_BYTES_MAX],
                              srtp_ssrc_type_t direction, unsigned long window)
{
    srtp_policy_t policy;
    uint8_t key[MEDIA_MASTER_BYTES_MAX];
    memset(&policy, 0, sizeof policy);
    memcpy(key, master, sizeof key);
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
    /* The sender has held it against the first one; it is for receiving that libsrtp refuses. */
    policy.allow_repeat_tx = direction == ssrc_any_outbound;
    srtp_err_status_t error = srtp_create(out, &policy);
    memory_wipe(key, sizeof key);
    return error == srtp_err_status_ok ? STATUS_OK : STATUS_SYSTEM;
}
