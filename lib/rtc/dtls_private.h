/* What dtls.c, dtls_context.c and dtls_bio.c share. Private to lib/rtc. */
#pragma once

#include "rtc/dtls.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

struct dtls_context {
    SSL_CTX *ssl;
    EVP_PKEY *key;
    X509 *certificate;
    BIO_METHOD *bio_method;
    uint8_t fingerprint[FINGERPRINT_BYTES];
};

/* The two ends of the BIO: one datagram to read, a queue of datagrams written. */
struct dtls_pipe {
    struct bytes in; /* empty: nothing to read */
    struct {
        uint8_t data[DTLS_DATAGRAM_BYTES_MAX];
        size_t size;
    } out[DTLS_OUT_MAX];
    size_t out_head, out_count;
};

BIO_METHOD *dtls_bio_method_create(void);
/* A BIO over `pipe`, which outlives it. NULL when out of memory. */
BIO *dtls_bio_create(BIO_METHOD *method, struct dtls_pipe *pipe);
