#include "rtc/dtls_private.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#define CERTIFICATE_DAYS 30
#define PEER_CHAIN_BYTES_MAX 4096 /* one self-signed certificate, RSA at most */

/* A key of our own, and a certificate that nobody has to trust: signalling vouches for its
 * fingerprint. */
static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    uint64_t serial = 0;
    X509_NAME *name = certificate != NULL ? X509_get_subject_name(certificate) : NULL;
    if (name == NULL || RAND_bytes((unsigned char *)&serial, sizeof serial) != 1 ||
        X509_set_version(certificate, X509_VERSION_3) != 1 ||
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) != 1 ||
        X509_gmtime_adj(X509_getm_notBefore(certificate), -86400) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(certificate), 86400L * CERTIFICATE_DAYS) == NULL ||
        X509_set_pubkey(certificate, key) != 1 ||
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"amphi", -1, -1,
                                   0) != 1 ||
        X509_set_issuer_name(certificate, name) != 1 ||
        X509_sign(certificate, key, EVP_sha256()) == 0) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

/* Any chain: the fingerprint is compared after the handshake, before a key is exported. */
static int accept_chain(int preverified, X509_STORE_CTX *store)
{
    (void)preverified;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

static bool set_up(SSL_CTX *ssl)
{
    SSL_CTX_set_options(ssl, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_chain);
    SSL_CTX_set_max_cert_list(ssl, PEER_CHAIN_BYTES_MAX);
    SSL_CTX_set_read_ahead(ssl, 1);
    SSL_CTX_set_quiet_shutdown(ssl, 1);
    return SSL_CTX_set_min_proto_version(ssl, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ssl, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set1_groups_list(ssl, "X25519:P-256") == 1 &&
           SSL_CTX_set_cipher_list(ssl,
                                   "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
                                   "ECDHE-ECDSA-AES256-GCM-SHA384:"
                                   /* A peer that is our server may have an RSA certificate. */
                                   "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:"
                                   "ECDHE-RSA-AES256-GCM-SHA384") == 1 &&
           /* Our order wins over a client's. 0 means success here. */
           SSL_CTX_set_tlsext_use_srtp(ssl, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80") == 0;
}

enum status dtls_context_create(struct dtls_context **out)
{
    enum status status = STATUS_SYSTEM;
    unsigned size = 0;
    struct dtls_context *c = calloc(1, sizeof *c);
    if (c == NULL)
        return STATUS_NO_MEMORY;
    c->ssl = SSL_CTX_new(DTLS_method());
    c->key = EVP_EC_gen("P-256");
    c->certificate = c->key != NULL ? make_certificate(c->key) : NULL;
    c->bio_method = dtls_bio_method_create();
    if (c->ssl == NULL || c->certificate == NULL || c->bio_method == NULL || !set_up(c->ssl) ||
        SSL_CTX_use_certificate(c->ssl, c->certificate) != 1 ||
        SSL_CTX_use_PrivateKey(c->ssl, c->key) != 1 ||
        X509_digest(c->certificate, EVP_sha256(), c->fingerprint, &size) != 1)
        goto done;
    *out = c;
    c = NULL;
    status = STATUS_OK;
done:
    dtls_context_free(c);
    ERR_clear_error();
    return status;
}

void dtls_context_free(struct dtls_context *c)
{
    if (c == NULL)
        return;
    SSL_CTX_free(c->ssl);
    X509_free(c->certificate);
    EVP_PKEY_free(c->key);
    BIO_meth_free(c->bio_method);
    free(c);
}

void dtls_context_get_fingerprint(const struct dtls_context *context,
                                  uint8_t out[FINGERPRINT_BYTES])
{
    memcpy(out, context->fingerprint, FINGERPRINT_BYTES);
}
