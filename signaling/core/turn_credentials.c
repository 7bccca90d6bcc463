#include "signaling/core/turn_credentials.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

enum status turn_credentials_make(const char *secret, int64_t unix_s, uint64_t who,
                                  struct turn_credentials *out)
{
    struct turn_credentials made;
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    snprintf(made.username, sizeof made.username, "%" PRId64 ":%" PRIu64,
             unix_s + TURN_CREDENTIALS_SECONDS, who);
    if (HMAC(EVP_sha1(), secret, (int)strlen(secret), (const uint8_t *)made.username,
             strlen(made.username), mac, &size) == NULL ||
        EVP_EncodeBlock((uint8_t *)made.password, mac, (int)size) != TURN_PASSWORD_BYTES - 1)
        return STATUS_SYSTEM;
    *out = made;
    return STATUS_OK;
}
