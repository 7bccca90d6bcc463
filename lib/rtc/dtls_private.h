/* What dtls.c, dtls_context.c and dtls_bio.c share. Private to lib/rtc. */
#pragma once

#include "rtc/dtls.h"

#include "base/bytes.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

struct dtls_context {
    SSL_CTX *ssl;
    EVP_PKEY *key;
    X509 *certificate;
    BIO_METHOD *bio_method;
    uint8_t fingerprint[FINGERPRINT_BYTES];
};

/* The two ends of the BIO: one datagram to read, a queue of datagrams written. Memory is held only
 * while something waits: a thousand associations have nothing to say once they stand. */
struct dtls_datagram {
    size_t size;
    uint8_t data[];
};
struct dtls_pipe {
    struct bytes in;                         /* empty: nothing to read */
    struct dtls_datagram *out[DTLS_OUT_MAX]; /* a ring, each owned */
    size_t out_head, out_count;
    struct dtls_datagram *given; /* owned: the one taken out last */
};
/* Takes out the oldest; valid until the next call. NULL when there is none. */
const struct dtls_datagram *dtls_pipe_take(struct dtls_pipe *pipe);
void dtls_pipe_clear(struct dtls_pipe *pipe);
/* A full queue, or memory, loses the datagram, as a network would: DTLS sends it again. */
void dtls_pipe_put(struct dtls_pipe *pipe, struct bytes datagram);

BIO_METHOD *dtls_bio_method_create(void);
/* A BIO over `pipe`, which outlives it. NULL when out of memory. */
BIO *dtls_bio_create(BIO_METHOD *method, struct dtls_pipe *pipe);

#define DTLS_MESSAGE_BYTES_MAX                                                                     \
    5120 /* one handshake message: a certificate chain is the longest                              \
          */

enum dtls_phase {
    DTLS_PHASE_FIRST, /* a server that has read no ClientHello */
    DTLS_PHASE_HANDSHAKE,
    DTLS_PHASE_CONNECTED
};

/* Copies those records of `datagram` to `out` (room for all of it) that may go to OpenSSL: nothing
 * in clear once connected, nothing that breaks off a handshake unauthenticated. Those in clear get
 * new numbers, counted in *clear_count: a forged high one would put every true record behind the
 * replay window. False when it is no sequence of whole DTLS records; what was copied is then worth
 * nothing. */
bool dtls_screen_records(struct bytes datagram, enum dtls_role role, enum dtls_phase phase,
                         uint64_t *clear_count, struct writer *out);
