#include "support/ice_peer.h"

#include "base/check.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define INTEGRITY_BYTES 24
#define FINGERPRINT_ATTRIBUTE_BYTES 8

void ice_peer_init(struct ice_peer *peer, const struct ice_parameters *local,
                   const struct ice_parameters *remote)
{
    *peer = (struct ice_peer){
        .local = *local, .remote = *remote, .role = STUN_ROLE_CONTROLLING, .priority = 1000};
}

static void make_transaction(const struct ice_peer *peer, uint8_t out[STUN_TRANSACTION_BYTES])
{
    /* Another number for other credentials, as random ones would be. */
    memcpy(out + 4, peer->local.ufrag, STUN_TRANSACTION_BYTES - 4);
    store_u32(out, peer->checks);
}

/* Puts an attribute that nobody knows in front of a fresh MESSAGE-INTEGRITY; FINGERPRINT is left to
 * the caller's wish. */
static size_t rewrite(const struct ice_peer *peer, uint8_t *out, size_t size)
{
    static const uint8_t unknown[] = {0x7f, 0x01, 0, 4, 1, 2, 3, 4};
    const char *password = peer->wrong_password ? "not the password at all" : peer->remote.pwd;
    unsigned mac_bytes = 0;
    size -= INTEGRITY_BYTES + FINGERPRINT_ATTRIBUTE_BYTES;
    if (peer->unknown_attribute) {
        memcpy(out + size, unknown, sizeof unknown);
        size += sizeof unknown;
    }
    if (!peer->no_integrity) {
        store_u16(out + 2, (uint16_t)(size + INTEGRITY_BYTES - STUN_HEADER_BYTES));
        store_u16(out + size, 0x0008);
        store_u16(out + size + 2, 20);
        CHECK(HMAC(EVP_sha1(), password, (int)strlen(password), out, size, out + size + 4,
                   &mac_bytes) != NULL);
        size += INTEGRITY_BYTES;
    }
    store_u16(out + 2, (uint16_t)(size - STUN_HEADER_BYTES));
    if (peer->no_fingerprint)
        return size;
    size += FINGERPRINT_ATTRIBUTE_BYTES;
    store_u16(out + 2, (uint16_t)(size - STUN_HEADER_BYTES));
    uint32_t crc = UINT32_MAX; /* CRC-32 of RFC 8489 14.7, bit by bit */
    for (size_t i = 0; i < size - FINGERPRINT_ATTRIBUTE_BYTES; i++) {
        crc ^= out[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (UINT32_C(0xedb88320) & (0u - (crc & 1)));
    }
    store_u16(out + size - 8, 0x8028);
    store_u16(out + size - 6, 4);
    store_u32(out + size - 4, ~crc ^ UINT32_C(0x5354554e));
    return size;
}

size_t ice_peer_write_check(struct ice_peer *peer, uint8_t *out)
{
    uint8_t username[STUN_USERNAME_BYTES_MAX];
    struct writer name = writer_of((struct bytes_mut){username, sizeof username});
    write_bytes(&name, bytes_of_string(peer->remote.ufrag));
    write_bytes(&name, bytes_of_string(":"));
    write_bytes(&name, bytes_of_string(peer->wrong_user ? "stranger" : peer->local.ufrag));
    peer->checks++;
    struct stun_request request = {.username = bytes_const(writer_written(&name)),
                                   .priority = peer->priority,
                                   .role = peer->role,
                                   .tie_breaker = 1,
                                   .use_candidate = peer->use_candidate,
                                   .has_nomination = peer->has_nomination,
                                   .nomination = peer->nomination};
    make_transaction(peer, request.transaction);
    struct writer w = writer_of((struct bytes_mut){out, STUN_BYTES_MAX});
    CHECK(stun_write_request(&w, &request, bytes_of_string(peer->remote.pwd)) == STATUS_OK);
    return rewrite(peer, out, writer_size(&w));
}

int ice_peer_read_answer(const struct ice_peer *peer, struct bytes answer)
{
    struct stun_message m;
    uint8_t transaction[STUN_TRANSACTION_BYTES];
    make_transaction(peer, transaction);
    if (stun_parse_message(answer, &m) != STATUS_OK || !m.has_fingerprint ||
        memcmp(m.transaction, transaction, sizeof transaction) != 0 ||
        stun_verify_integrity(&m, bytes_of_string(peer->remote.pwd)) != STATUS_OK)
        return -1;
    if (m.class == STUN_CLASS_ERROR)
        return m.error_code;
    return m.class == STUN_CLASS_SUCCESS ? 0 : -1;
}
