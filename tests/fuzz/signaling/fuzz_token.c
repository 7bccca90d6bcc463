/* Tokens: the input as it is, and the input as header and payload of a token that is signed, so
 * that what lies behind the signature is reached as well. */
#include "signaling/core/access_token.h"
#include "signaling/core/secrets.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[ACCESS_KEY_BYTES] = {7};

static void verify(struct bytes token)
{
    struct access_claims claims;
    if (access_token_verify(token, key, 1795449600, &claims) == ACCESS_INVALID)
        return;
    /* What was accepted can be written and read again. */
    char again[LIMIT_TOKEN_BYTES * 2];
    CHECK(access_token_sign(&claims, key, again, sizeof again) == STATUS_OK);
    struct access_claims second;
    CHECK(access_token_verify(bytes_of_string(again), key, 1795449600, &second) != ACCESS_INVALID);
    CHECK(strcmp(claims.name, second.name) == 0 && claims.role == second.role);
}

static void verify_signed(struct bytes header, struct bytes payload)
{
    char token[8192], second[4096], signature[64];
    uint8_t digest[32];
    unsigned digest_size = sizeof digest;
    if (base64url_encode(header, token, 4096) != STATUS_OK ||
        base64url_encode(payload, second, sizeof second) != STATUS_OK)
        return;
    size_t used = strlen(token);
    used += (size_t)snprintf(token + used, sizeof token - used, ".%s", second);
    if (HMAC(EVP_sha256(), key, sizeof key, (const uint8_t *)token, used, digest, &digest_size) ==
            NULL ||
        base64url_encode(bytes_of(digest, digest_size), signature, sizeof signature) != STATUS_OK ||
        used + strlen(signature) + 2 > sizeof token)
        return;
    used += (size_t)snprintf(token + used, sizeof token - used, ".%s", signature);
    verify(bytes_of(token, used));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    verify(bytes_of(data, size));
    const uint8_t *stop = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t first = stop != NULL ? (size_t)(stop - data) : 0;
    struct bytes rest = stop != NULL ? bytes_of(stop + 1, size - first - 1) : bytes_of(data, size);
    struct bytes ours = BYTES("{\"alg\":\"HS256\",\"typ\":\"JWT\"}");
    verify_signed(first > 0 ? bytes_of(data, first) : ours, rest);
    return 0;
}
