/* A DTLS 1.2 association for SRTP keys (RFC 6347, 5764) by OpenSSL, one datagram in, datagrams out.
 * Sans-IO, but for OpenSSL's own retransmission timer, which reads gettimeofday: tests define that
 * symbol themselves (tests/support/virtual_gettimeofday.c).
 *
 *   new --start or first datagram--> handshaking
 *   handshaking --finished, certificate is the expected one--> connected
 *   handshaking --wrong certificate, limits, 30 s--> failed
 *   connected --close_notify or fatal alert, authentic--> closed
 *
 * Until the peer's certificate is known, whatever arrives may be a stranger's: alerts in clear are
 * not believed, and a handshake that OpenSSL breaks off begins again, DTLS_ATTEMPTS_MAX times.
 */
#pragma once

#include "base/log.h"
#include "base/usec.h"
#include "control/control_message.h"

#define DTLS_MTU 1200
#define DTLS_DATAGRAM_BYTES_MAX 1500
#define DTLS_OUT_MAX 16                /* datagrams waiting to be sent */
#define DTLS_HANDSHAKE_BYTES_MAX 65536 /* taken in during one handshake */
#define DTLS_HANDSHAKE_DATAGRAMS_MAX 200
#define DTLS_ATTEMPTS_MAX 8
#define DTLS_HANDSHAKE_US SECONDS(30)

struct dtls_context; /* certificate and settings; one per process, may be used by several threads */
MUST_CHECK enum status dtls_context_create(struct dtls_context **out);
void dtls_context_free(struct dtls_context *context);
/* SHA-256 of our certificate. */
void dtls_context_get_fingerprint(const struct dtls_context *context,
                                  uint8_t out[FINGERPRINT_BYTES]);

enum media_profile { MEDIA_PROFILE_NONE, MEDIA_PROFILE_GCM_128, MEDIA_PROFILE_CM_80 };
const char *media_profile_get_name(enum media_profile profile); /* as IANA has it; "" for none */

#define MEDIA_MASTER_BYTES_MAX 30 /* key and salt */
struct media_keys {
    enum media_profile profile;
    size_t bytes;                           /* of each: 28 for GCM, 30 for CM */
    uint8_t local[MEDIA_MASTER_BYTES_MAX];  /* for what we send: key, then salt */
    uint8_t remote[MEDIA_MASTER_BYTES_MAX]; /* for what we receive */
};

enum dtls_state { DTLS_NEW, DTLS_HANDSHAKING, DTLS_CONNECTED, DTLS_FAILED, DTLS_CLOSED };

struct dtls;
/* Heap; borrows `context`. `expected` is the peer certificate's SHA-256. */
MUST_CHECK enum status dtls_create(struct dtls **out, usec_t now, struct dtls_context *context,
                                   enum dtls_role role, const uint8_t expected[FINGERPRINT_BYTES],
                                   const struct log *log);
void dtls_free(struct dtls *d);

/* The client's first flight; does nothing for a server. */
void dtls_start(struct dtls *d, usec_t now);
/* STATUS_MALFORMED for what is no sequence of whole DTLS records, or holds none that means anything
 * now: counted by the owner, and the association goes on untouched. STATUS_AUTH when OpenSSL broke
 * the handshake off over this datagram: it begins again, or has ended (dtls_get_state).
 * STATUS_LIMIT when it ended by its limits. STATUS_OK says nothing about who sent it: records that
 * fail authentication are dropped inside OpenSSL (RFC 6347 4.1.2.7). */
MUST_CHECK enum status dtls_handle_datagram(struct dtls *d, usec_t now, struct bytes datagram);
void dtls_handle_timeout(struct dtls *d, usec_t now);
usec_t dtls_next_timeout(const struct dtls *d, usec_t now);
/* Borrowed until the next call. */
bool dtls_poll_datagram(struct dtls *d, struct bytes *out);

/* The keys have been exported: what only a handshake needs is given back, about 40 kB. Alerts are
 * still understood, and a peer that lacks our last flight gets it again; keys can no longer be
 * exported. Does nothing unless connected, or with a cipher suite that we do not prefer. */
void dtls_rest(struct dtls *d);

enum dtls_state dtls_get_state(const struct dtls *d);
/* Why it ended: "dtls_failed", "fingerprint", "deadline", "too_large", "closed_by_peer"; ""
 * otherwise. */
const char *dtls_get_reason(const struct dtls *d);
/* STATUS_STATE unless connected, and at rest. The caller wipes *out. */
MUST_CHECK enum status dtls_export_keys(struct dtls *d, struct media_keys *out);
