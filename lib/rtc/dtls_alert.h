/* Reads a peer's alerts once the handshake is over, without OpenSSL's 40 kB for each association:
 * keys and a record of AES_128_GCM with SHA-256 (RFC 5246 6.2.3.3, RFC 6347 4.1) are all it takes.
 */
#pragma once

#include "base/bytes.h"
#include "rtc/dtls.h"

#include <openssl/ssl.h>

struct dtls_alert_reader {
    uint8_t key[16], salt[4]; /* of what the peer writes */
};

/* False for another cipher suite. The owner wipes it. */
MUST_CHECK bool dtls_alert_reader_init(struct dtls_alert_reader *r, SSL *ssl, enum dtls_role role);

enum dtls_alert { DTLS_ALERT_NONE, DTLS_ALERT_WARNING, DTLS_ALERT_END };
/* What the datagram's authentic alerts say: END for close_notify or a fatal one. An old record that
 * is sent again says what it said: an association ends once. */
enum dtls_alert dtls_alert_read(const struct dtls_alert_reader *r, struct bytes datagram);
