/* Reads what a peer may still say once the handshake is over, without OpenSSL's 40 kB for each
 * association: alerts, and its last flight again when ours was lost. Keys and a record of
 * AES_128_GCM with SHA-256 (RFC 5246 6.2.3.3, RFC 6347 4.1) are all it takes. */
#pragma once

#include "base/bytes.h"
#include "rtc/dtls.h"

#include <openssl/ssl.h>

struct dtls_alert_reader {
    uint8_t key[16], salt[4]; /* of what the peer writes */
    uint64_t finished;        /* the newest record with its Finished: each is heard once */
};

/* False for another cipher suite. The owner wipes it. */
MUST_CHECK bool dtls_alert_reader_init(struct dtls_alert_reader *r, SSL *ssl, enum dtls_role role);

enum dtls_alert {
    DTLS_ALERT_NONE,
    DTLS_ALERT_WARNING,
    DTLS_ALERT_UNFINISHED, /* no alert: its Finished again, under a new number */
    DTLS_ALERT_END         /* close_notify, or a fatal one */
};
/* What the datagram's authentic records say, the last in this list that is among them. An old alert
 * that is sent again says what it said: an association ends once. */
enum dtls_alert dtls_alert_read(struct dtls_alert_reader *r, struct bytes datagram);
