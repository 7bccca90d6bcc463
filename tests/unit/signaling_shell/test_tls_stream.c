#define _GNU_SOURCE

#include "signaling/shell/tls_stream.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define JUNK "no record of any kind, and long enough for its head"
#define FOLDER_TEXT "/tmp/amphi-tls-XXXXXX"

/* OpenSSL's client against our server; bytes pass between them in memory. */
struct pair {
    char folder[sizeof(FOLDER_TEXT)], cert[64], key[64];
    struct log log;
    struct tls_server *server;
    struct tls_stream tls;
    SSL_CTX *context;
    SSL *client;
};

static void write_certificate(const struct pair *pair)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    FILE *file = NULL;
    assert_non_null(key);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    assert_non_null(file = fopen(pair->cert, "w"));
    assert_int_equal(PEM_write_X509(file, cert), 1);
    assert_int_equal(fclose(file), 0);
    assert_non_null(file = fopen(pair->key, "w"));
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void client_writes(struct pair *pair)
{
    uint8_t data[16384];
    int size = BIO_read(SSL_get_wbio(pair->client), data, sizeof(data));
    if (size > 0)
        assert_int_equal(tls_stream_feed(&pair->tls, bytes_of(data, (size_t)size)), STATUS_OK);
}

/* Returns how many bytes of plain text came. */
static size_t server_reads(struct pair *pair)
{
    uint8_t plain[16384];
    size_t sum = 0, size = 0;
    while ((size = tls_stream_read(&pair->tls, (struct bytes_mut){plain, sizeof(plain)})) > 0)
        sum += size;
    return sum;
}

static void server_writes(struct pair *pair)
{
    uint8_t data[16384];
    size_t size = tls_stream_take(&pair->tls, (struct bytes_mut){data, sizeof(data)});
    if (size > 0)
        assert_int_equal(BIO_write(SSL_get_rbio(pair->client), data, (int)size), (int)size);
}

static int set_up(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    assert_non_null(pair);
    memcpy(pair->folder, FOLDER_TEXT, sizeof(FOLDER_TEXT));
    assert_non_null(mkdtemp(pair->folder));
    snprintf(pair->cert, sizeof(pair->cert), "%s/cert.pem", pair->folder);
    snprintf(pair->key, sizeof(pair->key), "%s/key.pem", pair->folder);
    write_certificate(pair);
    assert_int_equal(tls_server_create(&pair->server, pair->cert, pair->key, &pair->log),
                     STATUS_OK);
    assert_int_equal(tls_stream_init(&pair->tls, pair->server), STATUS_OK);
    pair->context = SSL_CTX_new(TLS_client_method());
    pair->client = SSL_new(pair->context);
    SSL_set_bio(pair->client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(pair->client);
    for (int i = 0; i < 5; i++) {
        (void)SSL_do_handshake(pair->client);
        client_writes(pair);
        assert_int_equal(server_reads(pair), 0);
        server_writes(pair);
    }
    assert_true(tls_stream_is_established(&pair->tls));
    *state = pair;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *pair = *state;
    SSL_free(pair->client);
    SSL_CTX_free(pair->context);
    tls_stream_destroy(&pair->tls);
    tls_server_free(pair->server);
    (void)unlink(pair->cert);
    (void)unlink(pair->key);
    (void)rmdir(pair->folder);
    free(pair);
    return 0;
}

static void feed_junk(struct pair *pair)
{
    static const uint8_t junk[16384];
    for (int i = 0; i < 10; i++) {
        assert_int_equal(tls_stream_feed(&pair->tls, bytes_of(junk, sizeof(junk))), STATUS_OK);
        assert_int_equal(server_reads(pair), 0);
    }
}

static void after_the_peers_goodbye_nothing_that_comes_is_kept_and_writing_goes_on(void **state)
{
    struct pair *pair = *state;
    uint8_t data[16];
    assert_int_equal(SSL_write(pair->client, "last words", 10), 10);
    (void)SSL_shutdown(pair->client);
    client_writes(pair);
    assert_int_equal(tls_stream_feed(&pair->tls, bytes_of(JUNK, sizeof(JUNK) - 1)), STATUS_OK);
    assert_int_equal(server_reads(pair), 10);
    assert_true(pair->tls.ended);
    assert_false(pair->tls.failed);
    assert_int_equal(BIO_pending(SSL_get_rbio(pair->tls.ssl)), 0);
    feed_junk(pair);
    assert_int_equal(BIO_pending(SSL_get_rbio(pair->tls.ssl)), 0);
    assert_int_equal(tls_stream_write(&pair->tls, bytes_of("answer", 6)), STATUS_OK);
    server_writes(pair);
    assert_int_equal(SSL_read(pair->client, data, sizeof(data)), 6);
}

static void after_broken_rules_nothing_that_comes_is_kept(void **state)
{
    struct pair *pair = *state;
    assert_int_equal(tls_stream_feed(&pair->tls, bytes_of(JUNK, sizeof(JUNK) - 1)), STATUS_OK);
    assert_int_equal(server_reads(pair), 0);
    assert_true(pair->tls.failed);
    feed_junk(pair);
    assert_int_equal(BIO_pending(SSL_get_rbio(pair->tls.ssl)), 0);
    assert_true(tls_stream_has_output(&pair->tls)); /* the alert */
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(after_the_peers_goodbye_nothing_that_comes_is_kept_and_writing_goes_on),
        T(after_broken_rules_nothing_that_comes_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
