/* A shard's counters. One list gives the enum, the names and the metrics text. */
#pragma once

#include "control/control_message.h"
#include "rtc/transport.h"

#include <stdint.h>

/* Why a packet was dropped; every transport_input refusal is one of them, by the same name. */
#define DROP_REASON_LIST(X)                                                                        \
    X(UNKNOWN_ADDRESS, "unknown_address") /* no transport of ours, and no STUN for one */          \
    X(TOO_LONG, "too_long")               /* more than 1500 bytes */                               \
    X(BAD_STUN, "bad_stun")                                                                        \
    X(STUN_AUTH, "stun_auth")                                                                      \
    X(UNKNOWN_PATH, "unknown_path")                                                                \
    X(BAD_DTLS, "bad_dtls")                                                                        \
    X(HANDSHAKES_FULL, "handshakes_full") /* too many DTLS datagrams wait */                       \
    X(NO_KEYS, "no_keys")                                                                          \
    X(SRTP_AUTH, "srtp_auth")                                                                      \
    X(SRTP_REPLAY, "srtp_replay")                                                                  \
    X(BAD_RTP, "bad_rtp")                                                                          \
    X(NOT_OURS, "not_ours")                                                                        \
    X(BAD_RTCP, "bad_rtcp")                                                                        \
    X(UNKNOWN_SSRC, "unknown_ssrc") /* belongs to no send slot */                                  \
    X(CLOSED_SLOT, "closed_slot")   /* not granted */                                              \
    X(UNKNOWN_PAYLOAD_TYPE, "unknown_payload_type")                                                \
    X(BAD_PAYLOAD, "bad_payload")             /* a codec descriptor that breaks its own format */  \
    X(BAD_VOICE, "bad_voice")                 /* no Opus: not made thinner, but as it came */      \
    X(VOICE_LATE, "voice_late")               /* a thin voice had gone on without it */            \
    X(VOICE_FAST, "voice_fast")               /* more sound than time: left out of a thin voice */ \
    X(DUPLICATE, "duplicate")                 /* retransmitted though it had come */               \
    X(RATE_LIMIT, "rate_limit")               /* a publisher above its maximum */                  \
    X(CODEC_MISMATCH, "codec_mismatch")       /* a receiver did not negotiate this codec */        \
    X(WAITING_KEY_FRAME, "waiting_key_frame") /* not decodable yet for this receiver */            \
    X(RETRANSMIT_LIMIT, "retransmit_limit")   /* asked too often, or for too much */               \
    X(RETRANSMIT_GONE, "retransmit_gone")     /* no longer held */                                 \
    X(RING_FULL, "ring_full")                 /* another shard does not keep up */                 \
    X(RECEIVE_BLOCKED, "receive_blocked") /* the socket's buffer was full: we do not keep up */    \
    X(SEND_BLOCKED, "send_blocked")       /* the socket's buffer is full */                        \
    X(STREAM_LATE, "stream_late")         /* waited too long for its TCP connection */             \
    X(SEND_FAILED, "send_failed")                                                                  \
    X(SEAL_FAILED, "seal_failed")                                                                  \
    X(NO_ADDRESS, "no_address") /* the receiver is silent: nowhere to send */

enum drop_reason {
#define X(name, text) DROP_##name,
    DROP_REASON_LIST(X)
#undef X
        DROP_REASON_COUNT
};
const char *drop_reason_name(enum drop_reason reason);
/* For inputs that are refusals (not CONSUMED, RTP, RTCP). */
enum drop_reason drop_reason_of_input(enum transport_input input);

struct relay_stats {
    struct control_delays delays[CONTROL_DELAY_KINDS]; /* what it adds to a packet's way */
    uint64_t packets_in, bytes_in;                     /* datagrams received */
    uint64_t packets_out, bytes_out;                   /* datagrams given to the kernel */
    uint64_t rtp_in, rtp_forwarded;
    uint64_t retransmitted;
    uint64_t key_frame_requests; /* sent to publishers */
    uint64_t drops[DROP_REASON_COUNT];
};

/* `packets` copies left `delay` after they had come in. */
void relay_stats_note_delay(struct relay_stats *stats, enum control_delay_kind kind, usec_t delay,
                            uint64_t packets);
