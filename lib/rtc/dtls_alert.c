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
#define TYPE_ALERT 21
#define VERSION_DTLS_1_2 0xfefd
#define LEVEL_FATAL 2
#define DESCRIPTION_CLOSE_NOTIFY 0

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
    bool done = expand(master, (const uint8_t *)&seed, sizeof seed, block, sizeof block);
    size_t peer = role == DTLS_ROLE_SERVER ? 0 : 1; /* the client's keys come first */
    memcpy(r->key, block + peer * KEY_BYTES, KEY_BYTES);
    memcpy(r->salt, block + 2 * KEY_BYTES + peer * SALT_BYTES, SALT_BYTES);
    memory_wipe(master, sizeof master);
    memory_wipe(block, sizeof block);
    return done;
}

/* The two bytes of an alert; false when the record is not authentic. */
static bool open_record(const struct dtls_alert_reader *r, const uint8_t number[8],
                        struct bytes fragment, uint8_t alert[ALERT_BYTES])
{
    uint8_t nonce[SALT_BYTES + EXPLICIT_BYTES], aad[13], tag[TAG_BYTES];
    const uint8_t *sealed = fragment.data + EXPLICIT_BYTES;
    int size = 0;
    memcpy(nonce, r->salt, SALT_BYTES);
    memcpy(nonce + SALT_BYTES, fragment.data, EXPLICIT_BYTES);
    memcpy(aad, number, 8);
    aad[8] = TYPE_ALERT;
    store_u16(aad + 9, VERSION_DTLS_1_2);
    store_u16(aad + 11, ALERT_BYTES);
    memcpy(tag, sealed + ALERT_BYTES, TAG_BYTES);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool done = context != NULL &&
                EVP_DecryptInit_ex(context, EVP_aes_128_gcm(), NULL, r->key, nonce) == 1 &&
                EVP_DecryptUpdate(context, NULL, &size, aad, sizeof aad) == 1 &&
                EVP_DecryptUpdate(context, alert, &size, sealed, ALERT_BYTES) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 &&
                EVP_DecryptFinal_ex(context, alert + ALERT_BYTES, &size) == 1;
    EVP_CIPHER_CTX_free(context);
    return done;
}

enum dtls_alert dtls_alert_read(const struct dtls_alert_reader *r, struct bytes datagram)
{
    struct reader in = reader_of(datagram);
    enum dtls_alert found = DTLS_ALERT_NONE;
    while (reader_left(&in) > 0) {
        uint8_t alert[ALERT_BYTES];
        uint8_t type = read_u8(&in);
        uint16_t version = read_u16(&in);
        struct bytes number = read_bytes(&in, 8); /* epoch, sequence number */
        struct bytes fragment = read_bytes(&in, read_u16(&in));
        if (in.failed)
            break;
        if (type != TYPE_ALERT || version != VERSION_DTLS_1_2 || load_u16(number.data) != 1 ||
            fragment.size != EXPLICIT_BYTES + ALERT_BYTES + TAG_BYTES ||
            !open_record(r, number.data, fragment, alert))
            continue;
        if (alert[0] == LEVEL_FATAL || alert[1] == DESCRIPTION_CLOSE_NOTIFY)
            return DTLS_ALERT_END;
        found = DTLS_ALERT_WARNING;
    }
    return found;
}
