/* Our DTLS against OpenSSL used directly, as a stranger's program would: what only shows when the
 * two ends do not share their mistakes. */
#include "rtc/dtls.h"
#include "support/virtual_gettimeofday.c"

#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define RECORD_HEADER_BYTES 13
#define BIG_CERTIFICATE_BYTES 60000

struct foreign_config {
    const char *key;      /* "EC", "RSA", "RSA-1024" or "P-192" */
    const char *profiles; /* NULL: no use_srtp */
    const char *ciphers;  /* NULL: OpenSSL's */
    uint64_t options;
    bool no_certificate, big_certificate;
};

struct bench {
    struct dtls_context *context;
    struct dtls *ours;
    enum dtls_role role;
    SSL_CTX *foreign_context;
    SSL *foreign;
};

static const struct log silent = {0};

static X509 *make_certificate(EVP_PKEY *key, bool is_big)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -100);
    X509_gmtime_adj(X509_getm_notAfter(x), 10000);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"foreign", -1, -1,
                               0);
    X509_set_issuer_name(x, name);
    if (is_big) {
        static unsigned char filling[BIG_CERTIFICATE_BYTES];
        ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
        ASN1_OCTET_STRING_set(value, filling, sizeof filling);
        ASN1_OBJECT *type = OBJ_txt2obj("1.2.3.4.5", 1);
        X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, type, 0, value);
        assert_int_equal(X509_add_ext(x, e, -1), 1);
        X509_EXTENSION_free(e);
        ASN1_OBJECT_free(type);
        ASN1_OCTET_STRING_free(value);
    }
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    return x;
}

static int accept_chain(int preverified, X509_STORE_CTX *store)
{
    (void)preverified;
    (void)store;
    return 1;
}

static void open_bench(struct bench *b, enum dtls_role role, const struct foreign_config *config)
{
    uint8_t fingerprint[EVP_MAX_MD_SIZE];
    unsigned size;
    *b = (struct bench){.role = role};
    virtual_time_set(0);
    EVP_PKEY *key = strcmp(config->key, "RSA") == 0        ? EVP_RSA_gen(2048)
                    : strcmp(config->key, "RSA-1024") == 0 ? EVP_RSA_gen(1024)
                    : strcmp(config->key, "P-192") == 0    ? EVP_EC_gen("P-192")
                                                           : EVP_EC_gen("P-256");
    assert_non_null(key);
    X509 *certificate = make_certificate(key, config->big_certificate);
    assert_int_equal(X509_digest(certificate, EVP_sha256(), fingerprint, &size), 1);
    SSL_CTX *c = SSL_CTX_new(DTLS_method());
    SSL_CTX_set_security_level(c, 0); /* a careless stranger */
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_chain);
    SSL_CTX_set_options(c, config->options | SSL_OP_NO_QUERY_MTU);
    if (config->ciphers != NULL)
        assert_int_equal(SSL_CTX_set_cipher_list(c, config->ciphers), 1);
    if (config->profiles != NULL)
        assert_int_equal(SSL_CTX_set_tlsext_use_srtp(c, config->profiles), 0);
    if (!config->no_certificate) {
        assert_int_equal(SSL_CTX_use_certificate(c, certificate), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(c, key), 1);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    b->foreign_context = c;
    b->foreign = SSL_new(c);
    SSL_set_bio(b->foreign, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(b->foreign), -1);
    SSL_set_mtu(b->foreign, 1200);
    if (role == DTLS_ROLE_SERVER)
        SSL_set_connect_state(b->foreign);
    else
        SSL_set_accept_state(b->foreign);
    assert_int_equal(dtls_context_create(&b->context), STATUS_OK);
    assert_int_equal(dtls_create(&b->ours, 0, b->context, role, fingerprint, &silent), STATUS_OK);
}

static void close_bench(struct bench *b)
{
    dtls_free(b->ours);
    dtls_context_free(b->context);
    SSL_free(b->foreign);
    SSL_CTX_free(b->foreign_context);
}

/* A memory BIO runs datagrams together; each record may travel alone instead. */
static void take_from_foreign(struct bench *b)
{
    char *data;
    size_t size = (size_t)BIO_get_mem_data(SSL_get_wbio(b->foreign), &data);
    struct reader r = reader_of(bytes_of(data, size));
    while (reader_left(&r) >= RECORD_HEADER_BYTES) {
        size_t record = RECORD_HEADER_BYTES + (size_t)load_u16(r.at + 11);
        struct bytes datagram = read_bytes(&r, record);
        assert_false(r.failed);
        (void)!dtls_handle_datagram(b->ours, 0, datagram);
    }
    (void)BIO_reset(SSL_get_wbio(b->foreign));
}

static void shake_hands(struct bench *b)
{
    struct bytes out;
    dtls_start(b->ours, 0);
    for (int round = 0; round < 10; round++) {
        (void)SSL_do_handshake(b->foreign);
        take_from_foreign(b);
        while (dtls_poll_datagram(b->ours, &out)) {
            assert_int_equal(BIO_write(SSL_get_rbio(b->foreign), out.data, (int)out.size),
                             (int)out.size);
            (void)SSL_do_handshake(b->foreign);
            take_from_foreign(b);
        }
    }
}

static const struct foreign_config ordinary = {
    .key = "EC", .profiles = "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM"};

/* RFC 5764 4.2: client key, server key, client salt, server salt. Computed here a second time. */
static void assert_keys_follow_the_rfc(struct bench *b, size_t salt)
{
    uint8_t material[60];
    uint8_t client[30], server[30];
    struct media_keys keys;
    assert_int_equal(SSL_export_keying_material(b->foreign, material, 2 * (16 + salt),
                                                "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0),
                     1);
    memcpy(client, material, 16);
    memcpy(client + 16, material + 32, salt);
    memcpy(server, material + 16, 16);
    memcpy(server + 16, material + 32 + salt, salt);
    assert_int_equal(dtls_export_keys(b->ours, &keys), STATUS_OK);
    assert_int_equal(keys.bytes, 16 + salt);
    bool is_server = b->role == DTLS_ROLE_SERVER;
    assert_memory_equal(keys.local, is_server ? server : client, 16 + salt);
    assert_memory_equal(keys.remote, is_server ? client : server, 16 + salt);
}

static void keys_are_where_the_rfc_puts_them(void **state)
{
    static const struct {
        const char *profiles;
        enum media_profile profile;
        size_t salt;
    } cases[] = {
        {"SRTP_AEAD_AES_128_GCM", MEDIA_PROFILE_GCM_128, 12},
        {"SRTP_AES128_CM_SHA1_80", MEDIA_PROFILE_CM_80, 14},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (int role = 0; role < 2; role++) {
            struct bench b;
            struct media_keys keys;
            struct foreign_config config = ordinary;
            config.profiles = cases[i].profiles;
            open_bench(&b, role == 0 ? DTLS_ROLE_SERVER : DTLS_ROLE_CLIENT, &config);
            shake_hands(&b);
            assert_int_equal(dtls_get_state(b.ours), DTLS_CONNECTED);
            assert_int_equal(dtls_export_keys(b.ours, &keys), STATUS_OK);
            assert_int_equal(keys.profile, cases[i].profile);
            assert_keys_follow_the_rfc(&b, cases[i].salt);
            close_bench(&b);
        }
    }
    (void)state;
}

static void as_server_our_order_of_profiles_wins(void **state)
{
    struct bench b;
    struct media_keys keys;
    open_bench(&b, DTLS_ROLE_SERVER, &ordinary); /* lists CM first, as Chromium does */
    shake_hands(&b);
    assert_int_equal(dtls_export_keys(b.ours, &keys), STATUS_OK);
    assert_int_equal(keys.profile, MEDIA_PROFILE_GCM_128);
    close_bench(&b);
    (void)state;
}

static void what_a_peer_may_and_may_not_be(void **state)
{
    static const struct {
        const char *why;
        struct foreign_config config;
        bool connects;
    } cases[] = {
        {"RSA certificate", {.key = "RSA", .profiles = "SRTP_AEAD_AES_128_GCM"}, true},
        {"RSA certificate of 1024 bits",
         {.key = "RSA-1024", .profiles = "SRTP_AEAD_AES_128_GCM"},
         false},
        {"curve of 192 bits", {.key = "P-192", .profiles = "SRTP_AEAD_AES_128_GCM"}, false},
        {"no encryption",
         {.key = "EC",
          .profiles = "SRTP_AEAD_AES_128_GCM",
          .ciphers = "ECDHE-ECDSA-NULL-SHA:eNULL"},
         false},
        {"no SRTP", {.key = "EC", .profiles = NULL}, false},
        {"no extended master secret",
         {.key = "EC",
          .profiles = "SRTP_AEAD_AES_128_GCM",
          .options = SSL_OP_NO_EXTENDED_MASTER_SECRET},
         false},
        {"DTLS 1.0 only",
         {.key = "EC", .profiles = "SRTP_AES128_CM_SHA1_80", .options = SSL_OP_NO_DTLSv1_2},
         false},
        {"no forward secrecy",
         {.key = "RSA", .profiles = "SRTP_AEAD_AES_128_GCM", .ciphers = "AES128-GCM-SHA256"},
         false},
        {"CBC only",
         {.key = "EC",
          .profiles = "SRTP_AEAD_AES_128_GCM",
          .ciphers = "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA"},
         false},
        {"no certificate",
         {.key = "EC", .profiles = "SRTP_AEAD_AES_128_GCM", .no_certificate = true},
         false},
        {"certificate of 60 kB",
         {.key = "EC", .profiles = "SRTP_AEAD_AES_128_GCM", .big_certificate = true},
         false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (int role = 0; role < 2; role++) {
            struct bench b;
            struct media_keys keys;
            open_bench(&b, role == 0 ? DTLS_ROLE_SERVER : DTLS_ROLE_CLIENT, &cases[i].config);
            shake_hands(&b);
            bool connected = dtls_get_state(b.ours) == DTLS_CONNECTED;
            if (connected != cases[i].connects ||
                (dtls_export_keys(b.ours, &keys) == STATUS_OK) != connected)
                fail_msg("%s, role %d: state %d, %s", cases[i].why, role, dtls_get_state(b.ours),
                         dtls_get_reason(b.ours));
            close_bench(&b);
        }
    }
    (void)state;
}

static void a_farewell_of_the_peer_closes_it(void **state)
{
    struct bench b;
    open_bench(&b, DTLS_ROLE_SERVER, &ordinary);
    shake_hands(&b);
    assert_int_equal(dtls_get_state(b.ours), DTLS_CONNECTED);
    (void)SSL_shutdown(b.foreign);
    take_from_foreign(&b);
    assert_int_equal(dtls_get_state(b.ours), DTLS_CLOSED);
    assert_string_equal(dtls_get_reason(b.ours), "closed_by_peer");
    close_bench(&b);
    (void)state;
}

/* With each cipher suite, also those that keep OpenSSL for it. */
static void a_farewell_at_rest_closes_it_and_nothing_else_does(void **state)
{
    static const char *const suites[] = {"ECDHE-ECDSA-AES128-GCM-SHA256",
                                         "ECDHE-ECDSA-AES256-GCM-SHA384",
                                         "ECDHE-ECDSA-CHACHA20-POLY1305"};
    for (size_t i = 0; i < COUNT_OF(suites); i++) {
        for (int role = 0; role < 2; role++) {
            struct bench b;
            char *data;
            struct foreign_config config = ordinary;
            config.ciphers = suites[i];
            open_bench(&b, role == 0 ? DTLS_ROLE_SERVER : DTLS_ROLE_CLIENT, &config);
            shake_hands(&b);
            dtls_rest(b.ours);
            assert_int_equal(dtls_get_state(b.ours), DTLS_CONNECTED);
            assert_int_equal(SSL_write(b.foreign, "hello", 5), 5);
            take_from_foreign(&b);
            assert_int_equal(dtls_get_state(b.ours), DTLS_CONNECTED);
            (void)SSL_shutdown(b.foreign);
            size_t size = (size_t)BIO_get_mem_data(SSL_get_wbio(b.foreign), &data);
            /* Forged. OpenSSL does not look at all of the version. */
            for (size_t bit = 3 * 8; bit < size * 8; bit++) {
                uint8_t copy[DTLS_DATAGRAM_BYTES_MAX];
                memcpy(copy, data, size);
                copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
                (void)!dtls_handle_datagram(b.ours, 0, bytes_of(copy, size));
                (void)!dtls_handle_datagram(b.ours, 0, bytes_of(copy, bit / 8)); /* cut */
                if (dtls_get_state(b.ours) != DTLS_CONNECTED)
                    fail_msg("%s, bit %zu", suites[i], bit);
            }
            take_from_foreign(&b);
            assert_int_equal(dtls_get_state(b.ours), DTLS_CLOSED);
            assert_string_equal(dtls_get_reason(b.ours), "closed_by_peer");
            close_bench(&b);
        }
    }
    (void)state;
}

/* Our last flight never arrives, and the peer's timer has run out: its flight again, in `out`. */
static size_t lose_last_flight(struct bench *b, uint8_t *out, size_t capacity)
{
    struct bytes datagram;
    struct media_keys keys;
    char *data;
    for (int round = 0; round < 10 && dtls_get_state(b->ours) != DTLS_CONNECTED; round++) {
        (void)SSL_do_handshake(b->foreign);
        take_from_foreign(b);
        while (dtls_get_state(b->ours) != DTLS_CONNECTED && dtls_poll_datagram(b->ours, &datagram))
            (void)BIO_write(SSL_get_rbio(b->foreign), datagram.data, (int)datagram.size);
    }
    assert_int_equal(dtls_export_keys(b->ours, &keys), STATUS_OK);
    dtls_rest(b->ours);
    assert_int_equal(dtls_export_keys(b->ours, &keys), STATUS_STATE);
    while (dtls_poll_datagram(b->ours, &datagram)) {
    }
    virtual_time_set(SECONDS(2));
    assert_int_equal(DTLSv1_handle_timeout(b->foreign), 1);
    size_t size = (size_t)BIO_get_mem_data(SSL_get_wbio(b->foreign), &data);
    assert_in_range(size, 100, capacity);
    memcpy(out, data, size);
    return size;
}

static size_t count_answers(struct bench *b)
{
    struct bytes datagram;
    size_t count = 0;
    for (; dtls_poll_datagram(b->ours, &datagram); count++)
        (void)BIO_write(SSL_get_rbio(b->foreign), datagram.data, (int)datagram.size);
    return count;
}

static void a_peer_that_lacks_our_last_flight_gets_it_at_rest_and_nobody_else_does(void **state)
{
    struct bench b;
    uint8_t flight[8192];
    open_bench(&b, DTLS_ROLE_SERVER, &ordinary);
    size_t size = lose_last_flight(&b, flight, sizeof flight);
    size_t finished = size - RECORD_HEADER_BYTES - 48; /* the last record */
    struct bytes record = bytes_of(flight + finished, size - finished);
    assert_int_equal(record.data[0], 22);
    for (size_t bit = 3 * 8; bit < record.size * 8; bit++) {
        uint8_t copy[DTLS_DATAGRAM_BYTES_MAX];
        memcpy(copy, record.data, record.size);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        (void)!dtls_handle_datagram(b.ours, 0, bytes_of(copy, record.size));
        (void)!dtls_handle_datagram(b.ours, 0, bytes_of(copy, bit / 8)); /* cut */
        if (count_answers(&b) != 0)
            fail_msg("bit %zu is answered", bit);
    }
    assert_int_not_equal(SSL_do_handshake(b.foreign), 1);
    take_from_foreign(&b);
    assert_int_equal(count_answers(&b), 1);
    assert_int_equal(SSL_do_handshake(b.foreign), 1);
    /* The same record again, as anybody can send it. */
    assert_int_equal(dtls_handle_datagram(b.ours, 0, record), STATUS_OK);
    assert_int_equal(count_answers(&b), 0);
    assert_int_equal(dtls_get_state(b.ours), DTLS_CONNECTED);
    close_bench(&b);
    (void)state;
}

static void keys_cannot_be_exported_at_rest(void **state)
{
    struct bench b;
    struct media_keys keys;
    open_bench(&b, DTLS_ROLE_SERVER, &ordinary);
    dtls_rest(b.ours); /* too early: nothing happens */
    shake_hands(&b);
    assert_int_equal(dtls_export_keys(b.ours, &keys), STATUS_OK);
    dtls_rest(b.ours);
    dtls_rest(b.ours);
    assert_int_equal(dtls_export_keys(b.ours, &keys), STATUS_STATE);
    close_bench(&b);
    (void)state;
}

static void application_data_changes_nothing(void **state)
{
    struct bench b;
    open_bench(&b, DTLS_ROLE_SERVER, &ordinary);
    shake_hands(&b);
    assert_int_equal(SSL_write(b.foreign, "hello", 5), 5);
    take_from_foreign(&b);
    assert_int_equal(dtls_get_state(b.ours), DTLS_CONNECTED);
    assert_keys_follow_the_rfc(&b, 12);
    close_bench(&b);
    (void)state;
}

/* OpenSSL as a client takes the refusal for the end and says so; as a server it is left alone. */
static void a_second_handshake_is_refused(void **state)
{
    for (int role = 0; role < 2; role++) {
        struct bench b;
        struct media_keys before, after;
        bool is_server = role == 0;
        open_bench(&b, is_server ? DTLS_ROLE_SERVER : DTLS_ROLE_CLIENT, &ordinary);
        shake_hands(&b);
        assert_int_equal(dtls_export_keys(b.ours, &before), STATUS_OK);
        assert_int_equal(SSL_renegotiate(b.foreign), 1);
        shake_hands(&b);
        assert_int_equal(dtls_get_state(b.ours), is_server ? DTLS_CLOSED : DTLS_CONNECTED);
        if (!is_server) {
            assert_int_equal(dtls_export_keys(b.ours, &after), STATUS_OK);
            assert_memory_equal(before.local, after.local, before.bytes);
        }
        close_bench(&b);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_where_the_rfc_puts_them),
        cmocka_unit_test(as_server_our_order_of_profiles_wins),
        cmocka_unit_test(what_a_peer_may_and_may_not_be),
        cmocka_unit_test(a_farewell_of_the_peer_closes_it),
        cmocka_unit_test(a_farewell_at_rest_closes_it_and_nothing_else_does),
        cmocka_unit_test(a_peer_that_lacks_our_last_flight_gets_it_at_rest_and_nobody_else_does),
        cmocka_unit_test(keys_cannot_be_exported_at_rest),
        cmocka_unit_test(application_data_changes_nothing),
        cmocka_unit_test(a_second_handshake_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
