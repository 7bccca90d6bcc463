#include "rtc/dtls_alert.h"

#include "base/wipe.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>

#define SUITE_ECDHE_ECDSA 0xc02bu /* ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 */
#define SUITE_ECDHE_RSA 0xc02fu
#define RANDOM_BYTES 32
#define MASTER_BYTES 48
#define KEY_BYTES 16
#define SALT_BYTES 4
#define EXPLICIT_BYTES 8 /* of the nonce, in each record */
#define TAG_BYTES 16
#define ALERT_BYTES 2
#define FINISHED_BYTES 24 /* RFC 6347 4.2.2, RFC 5246 7.4.9: header and 12 bytes */
#define TYPE_ALERT 21
#define TYPE_HANDSHAKE 22
#define MESSAGE_FINISHED 20
#define EPOCH_KEYED 1
#define VERSION_DTLS_1_2 0xfefd
#define LEVEL_FATAL 2
#define DESCRIPTION_CLOSE_NOTIFY 0

struct record {
    uint8_t type;
    uint64_t number; /* epoch and sequence number */
    struct bytes fragment;
};

/* RFC 5246 6.3: client key, server key, client salt, server salt. */
static bool expand(const uint8_t master[MASTER_BYTES], const uint8_t *seed, size_t seed_bytes,
                   uint8_t *out, size_t size)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, (void *)(uintptr_t)master,
                                          MASTER_BYTES),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)(uintptr_t)seed, seed_bytes),
        OSSL_PARAM_construct_end()};
    bool done = context != NULL && EVP_KDF_derive(context, out, size, params) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return done;
}

bool dtls_alert_reader_init(struct dtls_alert_reader *r, SSL *ssl, enum dtls_role role)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    unsigned suite = cipher != NULL ? SSL_CIPHER_get_protocol_id(cipher) : 0;
    const SSL_SESSION *session = SSL_get_session(ssl);
    uint8_t master[MASTER_BYTES], block[2 * KEY_BYTES + 2 * SALT_BYTES];
    struct {
        char label[13];
        uint8_t server[RANDOM_BYTES], client[RANDOM_BYTES];
    } seed = {"key expansion", {0}, {0}};
    if ((suite != SUITE_ECDHE_ECDSA && suite != SUITE_ECDHE_RSA) || session == NULL ||
        SSL_version(ssl) != DTLS1_2_VERSION ||
        SSL_SESSION_get_master_key(session, master, sizeof master) != sizeof master)
        return false;
    SSL_get_server_random(ssl, seed.server, sizeof seed.server);
    SSL_get_client_random(ssl, seed.client, sizeof seed.client);
    r->finished = (uint64_t)EPOCH_KEYED << 48; /* the first one: OpenSSL has read it */
    bool done = expand(master, (const uint8_t *)&seed, sizeof seed, block, sizeof block);
    size_t peer = role == DTLS_ROLE_SERVER ? 0 : 1; /* the client's keys come first */
    memcpy(r->key, block + peer * KEY_BYTES, KEY_BYTES);
    memcpy(r->salt, block + 2 * KEY_BYTES + peer * SALT_BYTES, SALT_BYTES);
    memory_wipe(master, sizeof master);
    memory_wipe(block, sizeof block);
    return done;
}

/* A record of so many bytes in clear, opened; false when it is none, or not authentic. */
static bool open_record(const struct dtls_alert_reader *r, const struct record *record,
                        size_t bytes, uint8_t *plain)
{
    uint8_t nonce[SALT_BYTES + EXPLICIT_BYTES], aad[13], tag[TAG_BYTES];
    if (record->fragment.size != EXPLICIT_BYTES + bytes + TAG_BYTES)
        return false;
    const uint8_t *sealed = record->fragment.data + EXPLICIT_BYTES;
    int size = 0;
    memcpy(nonce, r->salt, SALT_BYTES);
    memcpy(nonce + SALT_BYTES, record->fragment.data, EXPLICIT_BYTES);
    store_u32(aad, (uint32_t)(record->number >> 32));
    store_u32(aad + 4, (uint32_t)record->number);
    aad[8] = record->type;
    store_u16(aad + 9, VERSION_DTLS_1_2);
    store_u16(aad + 11, (uint16_t)bytes);
    memcpy(tag, sealed + bytes, TAG_BYTES);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool done = context != NULL &&
                EVP_DecryptInit_ex(context, EVP_aes_128_gcm(), NULL, r->key, nonce) == 1 &&
                EVP_DecryptUpdate(context, NULL, &size, aad, sizeof aad) == 1 &&
                EVP_DecryptUpdate(context, plain, &size, sealed, (int)bytes) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 &&
                EVP_DecryptFinal_ex(context, plain + bytes, &size) == 1;
    EVP_CIPHER_CTX_free(context);
    return done;
}

static enum dtls_alert read_record(struct dtls_alert_reader *r, const struct record *record)
{
    uint8_t plain[FINISHED_BYTES];
    if (record->type == TYPE_ALERT && open_record(r, record, ALERT_BYTES, plain))
        return plain[0] == LEVEL_FATAL || plain[1] == DESCRIPTION_CLOSE_NOTIFY ? DTLS_ALERT_END
                                                                               : DTLS_ALERT_WARNING;
    if (record->type != TYPE_HANDSHAKE || record->number <= r->finished ||
        !open_record(r, record, FINISHED_BYTES, plain) || plain[0] != MESSAGE_FINISHED)
        return DTLS_ALERT_NONE;
    r->finished = record->number;
    return DTLS_ALERT_UNFINISHED;
}

enum dtls_alert dtls_alert_read(struct dtls_alert_reader *r, struct bytes datagram)
{
    struct reader in = reader_of(datagram);
    enum dtls_alert found = DTLS_ALERT_NONE;
    while (reader_left(&in) > 0) {
        struct record record = {.type = read_u8(&in)};
        uint16_t version = read_u16(&in);
        record.number = read_uint(&in, 8);
        record.fragment = read_bytes(&in, read_u16(&in));
        if (in.failed)
            break;
        if (version != VERSION_DTLS_1_2 || record.number >> 48 != EPOCH_KEYED)
            continue;
        enum dtls_alert said = read_record(r, &record);
        found = said > found ? said : found;
    }
    return found;
}
