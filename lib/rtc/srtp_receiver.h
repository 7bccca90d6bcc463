/* Opens the SRTP and SRTCP packets that come from one peer (RFC 3711, RFC 7714), in place. A
 * thousand learners' reports are most of what a relay takes in, and libsrtp pays for each as for a
 * first one. The back ends are those of srtp_sender and agree on every packet:
 *
 *   ipsec-mb  AEAD_AES_128_GCM; AES-CM by OpenSSL, since one packet alone gains nothing by bursts
 *   openssl   contexts and HMAC states kept per peer
 *   libsrtp   the reference
 */
#pragma once

#include "rtc/srtp_sender.h"

/* Each keeps a window (300 bytes) to the end, so they are bounded: a browser has up to twenty, a
 * program that takes a new one for each of its pauses more. */
#define SRTP_RECEIVER_SSRCS_MAX 256
/* A stream whose first packets were lost may have wrapped meanwhile (RFC 3711 3.3.1 leaves that
 * open); so far behind the wrap it is looked for. */
#define SRTP_RECEIVER_WRAPPED_MAX 4096

struct srtp_receiver;
/* Takes what it needs of `keys` (the remote half). STATUS_CONFIG, STATUS_NO_MEMORY, STATUS_SYSTEM.
 */
MUST_CHECK enum status srtp_receiver_create(struct srtp_receiver **out, enum srtp_backend backend,
                                            const struct media_keys *keys);
void srtp_receiver_free(struct srtp_receiver *r); /* wipes the keys */

/* *size is the packet's length before and after. STATUS_AUTH, STATUS_REPLAYED, STATUS_MALFORMED,
 * STATUS_LIMIT for an SSRC too many; an SSRC takes its place with its first authentic packet. After
 * a failure the packet's bytes are worth nothing. */
MUST_CHECK enum status srtp_receiver_open_rtp(struct srtp_receiver *r, uint8_t *packet,
                                              size_t *size);
MUST_CHECK enum status srtp_receiver_open_rtcp(struct srtp_receiver *r, uint8_t *packet,
                                               size_t *size);
