/* Seals the SRTP and SRTCP packets that go to one peer (RFC 3711, RFC 7714); srtp_receiver opens
 * what comes in. Three back ends, chosen at run time, give the same bytes:
 *
 *   ipsec-mb  RTP by libipsec-mb: AEAD_AES_128_GCM packet by packet, AES-CM with HMAC-SHA1 in
 *             bursts of many packets (amd64, where the library is there)
 *   openssl   contexts and HMAC states kept per peer; everywhere, and for SRTCP with AES-CM
 *   libsrtp   the reference
 *
 * A packet is sealed out of place: its header is written where the datagram is to lie, its payload
 * is read from memory that many receivers share. */
#pragma once

#include "rtc/dtls.h"
#include "rtc/srtp_window.h"

#define SRTP_SENDER_SSRCS_MAX 32
#define SRTP_SENDER_WINDOW SRTP_WINDOW_NUMBERS
#define SRTP_RTP_TAG_BYTES_MAX 16
#define SRTP_RTCP_TRAILER_BYTES_MAX 20 /* tag, E flag and index */
#define SRTP_BURST_MAX 64              /* packets sealed in one go */

enum srtp_backend {
    SRTP_BACKEND_AUTO, /* ipsec-mb where it is there, else openssl */
    SRTP_BACKEND_IPSEC_MB,
    SRTP_BACKEND_OPENSSL,
    SRTP_BACKEND_LIBSRTP,
    SRTP_BACKEND_COUNT
};
const char *srtp_backend_name(enum srtp_backend backend);
/* False for one that this program was built without or that this processor cannot run. */
bool srtp_backend_is_available(enum srtp_backend backend);

/* What a sender that is created with SRTP_BACKEND_AUTO takes from now on. Before the first sender
 * and before threads. STATUS_CONFIG when it is not available. */
MUST_CHECK enum status srtp_sender_choose(enum srtp_backend backend);
/* The choice, never AUTO. */
enum srtp_backend srtp_sender_get_choice(void);

struct srtp_sender;
/* Takes what it needs of `keys` (the local half). STATUS_CONFIG, STATUS_NO_MEMORY, STATUS_SYSTEM.
 */
MUST_CHECK enum status srtp_sender_create(struct srtp_sender **out, enum srtp_backend backend,
                                          const struct media_keys *keys);
void srtp_sender_free(struct srtp_sender *s); /* wipes the keys */

/* Fetches into the cache what sealing will touch: the sender itself, soon (NULL is nothing); then,
 * with it there, where a number of an SSRC is noted, and of its key what a payload of this size
 * takes. */
void srtp_sender_prefetch(const struct srtp_sender *s);
void srtp_sender_prefetch_key(const struct srtp_sender *s, uint32_t ssrc, uint16_t seq,
                              size_t bytes);

/* Its packets are better sealed many at a time; others one by one, as soon as they are written. */
bool srtp_sender_gains_by_bursts(const struct srtp_sender *s);

/* What a sealed RTP packet is longer than before. */
size_t srtp_sender_get_tag_bytes(const struct srtp_sender *s);

/* One RTP packet. */
struct srtp_job {
    struct srtp_sender *sender;
    uint8_t *packet;      /* holds the header; the sealed packet is written behind it */
    size_t header_bytes;  /* all of it: CSRCs and extension too */
    struct bytes payload; /* at packet + header_bytes, or in memory that does not overlap */
    uint16_t repeats;   /* of so many of its SSRC's numbers it is kept what they were sealed with: a
                           power of two, the same for all of the SSRC; 0: it is not kept */
    bool is_repeat;     /* the packet that was sealed under its number, if it is kept, again */
    enum status status; /* out */
};

/* The thread's own means for bursts; one per thread that seals many. NULL stands for none: then
 * packets are sealed one by one. */
struct srtp_worker;
MUST_CHECK enum status srtp_worker_create(struct srtp_worker **out);
void srtp_worker_free(struct srtp_worker *w);

/* Seals `count` packets (any number). A sealed one takes header_bytes + payload.size +
 * srtp_sender_get_tag_bytes from `packet` on. Each gets a status: STATUS_REPLAYED for a number that
 * was used before (two packets under one nonce would give the key away; debug builds CHECK that it
 * is the same packet again), STATUS_LIMIT for an SSRC too many, STATUS_MALFORMED, STATUS_SYSTEM. A
 * repeat is sealed when header and payload are, by a keyed hash, those of the first time: the same
 * datagram then leaves twice, which tells nobody anything. */
void srtp_sender_protect_rtp(struct srtp_worker *w, struct srtp_job *jobs, size_t count);

/* A compound RTCP packet in place; SRTP_RTCP_TRAILER_BYTES_MAX of room behind. */
MUST_CHECK enum status srtp_sender_protect_rtcp(struct srtp_sender *s, uint8_t *packet,
                                                size_t *size);
