/* SRTP and SRTCP of one peer (RFC 3711, 7714): opened by srtp_receiver, sealed by
 * srtp_sender. */
#pragma once

#include "rtc/srtp_receiver.h"

#define MEDIA_CIPHER_WINDOW SRTP_WINDOW_NUMBERS
#define MEDIA_CIPHER_TRAILER_BYTES 24

/* Once per process, before the first cipher. */
MUST_CHECK enum status media_cipher_init_library(void);

struct media_cipher;
MUST_CHECK enum status media_cipher_create(struct media_cipher **out,
                                           const struct media_keys *keys);
void media_cipher_free(struct media_cipher *c); /* wipes the keys */

/* In place; *size is the packet's length before and after. STATUS_AUTH, STATUS_REPLAYED,
 * STATUS_LIMIT for an SSRC too many, STATUS_MALFORMED. Protecting needs MEDIA_CIPHER_TRAILER_BYTES
 * of room behind the packet. A second packet of one SSRC and sequence number is never protected:
 * STATUS_REPLAYED; debug builds CHECK that it is the same packet. */
MUST_CHECK enum status media_cipher_unprotect_rtp(struct media_cipher *c, uint8_t *packet,
                                                  size_t *size);
MUST_CHECK enum status media_cipher_unprotect_rtcp(struct media_cipher *c, uint8_t *packet,
                                                   size_t *size);
MUST_CHECK enum status media_cipher_protect_rtp(struct media_cipher *c, uint8_t *packet,
                                                size_t *size);
MUST_CHECK enum status media_cipher_protect_rtcp(struct media_cipher *c, uint8_t *packet,
                                                 size_t *size);

/* For those who seal many packets at once; lives as long as the cipher. */
struct srtp_sender *media_cipher_get_sender(struct media_cipher *c);
