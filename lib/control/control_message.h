/* What signaling and a relay say to each other: docs/control-protocol.md as C structures, and their
 * JSON form. Sans-IO. Framing, request ids and time-outs are control_session's. */
#pragma once

#include "base/media.h"
#include "base/net_addr.h"
#include "base/status.h"
#include "base/usec.h"

#define CONTROL_VERSION 1
#define CONTROL_MESSAGE_BYTES_MAX 98304 /* one JSON text, without its length prefix */
#define CONTROL_SLOTS_MAX 16            /* per direction and participant */
#define CONTROL_CODECS_MAX 16           /* per slot */
#define CONTROL_ENCODINGS_MAX 4         /* rids, or declared SSRCs, per send slot */
#define CONTROL_CANDIDATES_MAX 16
#define CONTROL_ROOM_STATS_MAX 64 /* participants in one room_stats message */
#define CONTROL_SPEAKERS_MAX 16
#define CONTROL_DELIVERIES_MAX 64 /* participants in one delivery message */
#define CONTROL_SHARDS_MAX 64

#define MID_BYTES 17        /* RFC 8843: up to 16 characters here, and a zero */
#define RID_BYTES 17        /* RFC 8851, the same */
#define ICE_UFRAG_BYTES 257 /* RFC 8839: up to 256 characters, and a zero */
#define ICE_PWD_BYTES 257
#define FINGERPRINT_BYTES 32 /* SHA-256 of the certificate, raw */
#define CODEC_PROFILE_BYTES 32

enum dtls_role { DTLS_ROLE_SERVER, DTLS_ROLE_CLIENT };

/* One payload type of one m-line. */
struct codec_parameters {
    enum media_codec codec;
    uint8_t payload_type;
    uint8_t rtx_payload_type; /* 0: none negotiated */
    uint8_t red_payload_type; /* of RFC 2198 around this codec; 0: none negotiated */
    uint8_t channels;
    uint32_t clock_rate;
    bool nack, pli, fir, transport_cc, remb;
    /* What must be equal at sender and receiver besides the name, or "": H264
     * "42/1" (the profile of profile-level-id, then packetization-mode), VP9 "0", AV1 "0". Written
     * and compared by signaling/core/negotiation alone. */
    char profile[CODEC_PROFILE_BYTES];
};

struct send_slot_parameters {
    enum send_slot slot;
    char mid[MID_BYTES];
    struct codec_parameters codecs[CONTROL_CODECS_MAX];
    size_t codec_count;
    char rids[CONTROL_ENCODINGS_MAX][RID_BYTES]; /* simulcast; highest quality first */
    size_t rid_count;
    bool is_unordered; /* but for publishers that may list them in any order, and send them all */
    struct {
        uint32_t ssrc, rtx_ssrc; /* as declared by a=ssrc and a=ssrc-group:FID; 0: not declared */
    } encodings[CONTROL_ENCODINGS_MAX];
    size_t encoding_count; /* 0 when the offer declares none: bind by mid and rid */
};

struct receive_slot_parameters {
    enum room_slot slot;
    char mid[MID_BYTES];
    struct codec_parameters codecs[CONTROL_CODECS_MAX];
    size_t codec_count;
    uint32_t ssrc;     /* what the relay sends with; chosen by signaling, unique per participant */
    uint32_t rtx_ssrc; /* 0: no RTX */
};

struct ice_parameters {
    char ufrag[ICE_UFRAG_BYTES];
    char pwd[ICE_PWD_BYTES];
};

/* participant_add: a new transport. `session` counts a participant's transports; a larger one
 * replaces what was there. */
struct control_participant_add {
    uint64_t room;
    uint64_t participant;
    uint32_t session;
    struct ice_parameters remote_ice;
    enum dtls_role relay_role;
    uint8_t remote_fingerprint[FINGERPRINT_BYTES];
    uint8_t
        extension_ids[HEADER_EXTENSION_COUNT]; /* 0: not negotiated; one id, one URI per bundle */
    struct send_slot_parameters send_slots[CONTROL_SLOTS_MAX];
    size_t send_slot_count;
    struct receive_slot_parameters receive_slots[CONTROL_SLOTS_MAX];
    size_t receive_slot_count;
};

struct control_candidate {
    struct net_addr addr;
    bool tcp; /* passive, RFC 6544 */
    uint32_t priority;
};

/* The reply to participant_add and ice_restart. */
struct control_participant_added {
    uint32_t shard;
    struct ice_parameters local_ice;
    uint8_t local_fingerprint[FINGERPRINT_BYTES];
    struct control_candidate candidates[CONTROL_CANDIDATES_MAX];
    size_t candidate_count;
};

struct control_ice_restart {
    uint64_t participant;
    uint32_t session;
    struct ice_parameters remote_ice;
};

struct control_participant_ref {
    uint64_t participant;
    uint32_t session;
};

/* grant: opens or closes one send slot. Idempotent; sent again on resync. */
struct control_grant {
    uint64_t participant;
    enum send_slot slot;
    bool open;
    bool reserved; /* mic: this voice keeps a slot of its own whoever else speaks */
};

/* bind: puts a publication on a room slot that signaling rules (screen, screen_audio, cameras).
 * participant 0 empties it. Voices are bound by the relay, from the open microphones. */
struct control_bind {
    uint64_t room;
    enum room_slot slot;
    uint64_t participant;
    enum send_slot source;
};

/* aside: these two speak with each other in private. Their microphones go to the other one alone,
 * whatever was granted, until `with` is 0. Idempotent; sent again on resync, and behind each
 * participant_add of one of them: it ends with the transport of either. */
struct control_aside {
    uint64_t participant;
    uint64_t with; /* 0: nobody any more */
};

enum control_media_state {
    CONTROL_MEDIA_CONNECTING, /* no ICE yet */
    CONTROL_MEDIA_CONNECTED,  /* DTLS done, media can flow */
    CONTROL_MEDIA_QUIET,      /* nothing authentic heard for 5 s */
    CONTROL_MEDIA_CLOSED,     /* gone: 30 s of silence, failed handshake, or removed */
};

/* `reason`, for logs and for people who look why a connection ended; nothing is decided by it:
 *   ""               connecting, or connected for the first time
 *   "heard_again"    connected: something authentic after a quiet time
 *   "silence"        quiet: nothing authentic for 5 s; closed: nothing for 30 s
 *   "deadline"       closed: no ICE check with the right password, or no DTLS, within 30 s
 *   "dtls_failed"    closed: the handshake broke off; versions, ciphers, a broken certificate
 *   "fingerprint"    closed: the peer's certificate is not the one of its SDP
 *   "too_large"      closed: a handshake flight larger than any certificate needs
 *   "no_keys"        closed: the handshake ended without an SRTP profile that we know
 *   "closed_by_peer" closed: DTLS close_notify; the page has left or made a new connection
 *   "failed"         closed: the shard could not take it (memory, limits); never was connected */
struct control_participant_state {
    uint64_t participant;
    uint32_t session;
    enum control_media_state state;
    char reason[32];
};

/* slot_bound: who is on a room slot now (participant 0: nobody). */
struct control_slot_bound {
    uint64_t room;
    enum room_slot slot;
    uint64_t participant;
};

/* publication: first packet on an open slot, or none any more (mic: 2 s without a packet). */
struct control_publication {
    uint64_t participant;
    enum send_slot slot;
    bool active;
    enum media_codec codec;
};

/* quality: what this participant sees of the screen, of what its line can carry. */
enum control_quality {
    CONTROL_QUALITY_FULL,
    CONTROL_QUALITY_REDUCED, /* fewer pictures, the low encoding, or late */
    CONTROL_QUALITY_STILL,   /* a picture every few seconds */
    CONTROL_QUALITY_LEAN,    /* voices are thin, and pictures come later beside them */
    CONTROL_QUALITY_OFF      /* none: voice alone */
};
struct control_participant_quality {
    uint64_t participant;
    enum control_quality screen;
};

/* delivery: what of that which is sent to a participant is known to arrive, from its own reports
 * (relay/core/delivery.h). Said of all in room_stats; of whom it changes at once. */
enum control_hearing {
    CONTROL_HEARING_UNKNOWN, /* nothing that could be answered has been sent, or no answer yet */
    CONTROL_HEARING_YES,
    CONTROL_HEARING_POORLY, /* much of the voice is lost, or it comes late */
    CONTROL_HEARING_NO      /* nothing of what is sent is known to arrive any more */
};
struct control_delivery {
    uint64_t participant;
    uint32_t session; /* of the transport that this is about */
    enum control_hearing hears;
    bool reached; /* something has been shown to arrive at this transport: the join is finished */
    uint32_t voice_loss_permille, voice_delay_ms;
    uint32_t screen_behind_ms; /* what it has of the screen is so old, though there is newer */
    uint32_t estimate_bps;     /* 0: its line is not measured, it carries everything */
    bool narrow;               /* what its line carries is too little for slides to come at once */
    uint32_t encoding;         /* of the screen: the n-th one, 0 is best */
    uint32_t temporal_max;     /* highest layer that it gets of it; 255: all */
};
struct control_deliveries {
    struct control_delivery list[CONTROL_DELIVERIES_MAX];
    size_t count;
};

/* demand: which encodings of a publication anybody receives; the others need not be sent. Only said
 * of publications that have sent several. */
struct control_demand {
    uint64_t participant;
    enum send_slot slot;
    uint32_t encodings; /* bit n: the n-th one, in the order of the rids */
};

struct control_speakers {
    uint64_t room;
    uint64_t participants[CONTROL_SPEAKERS_MAX]; /* loudest first */
    size_t count;
};

/* What the relay adds to a packet's way: from the kernel's taking it in to the kernel's taking its
 * copy for one receiver. From 1 ms to 20 ms no edge is more than a quarter above the one before;
 * the last bucket holds what no edge bounds. */
enum control_delay_kind { CONTROL_DELAY_VOICE, CONTROL_DELAY_VIDEO, CONTROL_DELAY_KINDS };
#define CONTROL_DELAY_BUCKETS 24
extern const usec_t control_delay_edges_us[CONTROL_DELAY_BUCKETS - 1];
const char *control_delay_kind_name(enum control_delay_kind kind);
struct control_delays {
    uint64_t packets[CONTROL_DELAY_BUCKETS]; /* since start */
    uint64_t sum_us;
};

struct control_shard_stats {
    struct control_delays delays[CONTROL_DELAY_KINDS];
    uint32_t participants, publications;
    uint64_t packets_in, packets_out, bytes_in, bytes_out; /* since start */
    uint64_t drops;
    uint32_t cpu_permille;             /* of one core, over the last interval */
    uint32_t loop_p50_us, loop_p99_us; /* a turn's length, over the last interval */
};

#define CONTROL_DROP_REASONS_MAX 64
struct control_relay_stats {
    uint32_t interval_ms;
    uint32_t room_count;
    struct control_shard_stats shards[CONTROL_SHARDS_MAX];
    size_t shard_count;
    struct {
        char reason[40]; /* enum drop_reason's text */
        uint64_t count;
    } drops[CONTROL_DROP_REASONS_MAX];
    size_t drop_count;
    uint32_t machine_cpu_permille; /* of all cores */
    uint32_t machine_cores;
    uint64_t memory_total_bytes, memory_available_bytes, relay_memory_bytes;
};

struct control_room_stats {
    uint64_t room;
    bool more; /* further messages of this interval follow for this room */
    struct {
        uint64_t participant;
        uint64_t bps_in, bps_out;
        uint32_t loss_in_permille;       /* of what this participant sends */
        uint32_t voice_loss_in_permille; /* of its voice: what never came, since the last stats */
        uint32_t loss_out_permille;      /* of what it receives, from its receiver reports */
        uint32_t rtt_us;                 /* 0: unknown */
        bool tcp;                        /* what is sent to it goes over TCP */
        enum control_media_state state;
        struct control_delivery delivery; /* its `participant` is the one above */
    } participants[CONTROL_ROOM_STATS_MAX];
    size_t count;
};

struct control_hello {
    uint32_t version;
    char name[64];    /* of the program: "amphi-relay/0.1.0" */
    char boot_id[33]; /* random per process start, hex */
    uint32_t shards;  /* relay only */
    uint16_t media_port_base;
    uint32_t capacity; /* participants a relay takes */
};

#define CONTROL_TYPE_LIST(X)                                                                       \
    X(HELLO, "hello")                                                                              \
    X(PING, "ping")                                                                                \
    X(PONG, "pong")                                                                                \
    X(OK, "ok")                             /* answers a request that returns nothing */           \
    X(ERROR, "error")                       /* answers a request */                                \
    X(SYNC_PARTICIPANT, "sync_participant") /* relay: one transport it holds */                    \
    X(SYNC_END, "sync_end")                 /* both: the list is complete */                       \
    X(PARTICIPANT_ADD, "participant_add")                                                          \
    X(PARTICIPANT_ADDED, "participant_added")                                                      \
    X(ICE_RESTART, "ice_restart")                                                                  \
    X(PARTICIPANT_REMOVE, "participant_remove")                                                    \
    X(GRANT, "grant")                                                                              \
    X(BIND, "bind")                                                                                \
    X(ASIDE, "aside")                                                                              \
    X(ROOM_CLOSE, "room_close")                                                                    \
    X(PARTICIPANT_STATE, "participant_state")                                                      \
    X(SLOT_BOUND, "slot_bound")                                                                    \
    X(PUBLICATION, "publication")                                                                  \
    X(PARTICIPANT_QUALITY, "participant_quality")                                                  \
    X(DELIVERY, "delivery")                                                                        \
    X(DEMAND, "demand")                                                                            \
    X(SPEAKERS, "speakers")                                                                        \
    X(RELAY_STATS, "relay_stats")                                                                  \
    X(ROOM_STATS, "room_stats")

enum control_type {
#define X(name, text) CONTROL_##name,
    CONTROL_TYPE_LIST(X)
#undef X
        CONTROL_TYPE_COUNT
};

/* `code`, by which the asker decides:
 *   "not_found"      no such participant or room
 *   "stale_session"  a larger session of this participant is known: the request came too late
 *   "full"           capacity reached, or a queue to a shard: ask again later or elsewhere
 *   "bad_parameters" what was asked makes no sense, such as a slot that nobody may send on
 *   "version"        hello of a protocol version that this side does not speak
 *   "timeout"        made up by the asker's own session: no answer came in time
 *   "internal"       anything else that failed at the other side */
struct control_error {
    char code[32];
    char text[128];
};

struct control_sync_participant {
    uint64_t room;
    uint64_t participant;
    uint32_t session;
    enum control_media_state state;
};

struct control_message {
    enum control_type type;
    uint32_t id; /* request: expects an answer; 0 in events */
    uint32_t to; /* answer: the request's id; 0 otherwise */
    union {
        struct control_hello hello;
        struct control_error error;
        struct control_sync_participant sync_participant;
        struct control_participant_add participant_add;
        struct control_participant_added participant_added;
        struct control_ice_restart ice_restart;
        struct control_participant_ref participant_remove;
        struct control_grant grant;
        struct control_bind bind;
        struct control_aside aside;
        uint64_t room_close;
        struct control_participant_state participant_state;
        struct control_slot_bound slot_bound;
        struct control_publication publication;
        struct control_participant_quality participant_quality;
        struct control_deliveries delivery;
        struct control_demand demand;
        struct control_speakers speakers;
        struct control_relay_stats relay_stats;
        struct control_room_stats room_stats;
    };
};

const char *control_type_name(enum control_type type);
const char *control_media_state_name(enum control_media_state state);
const char *control_quality_name(enum control_quality quality);
const char *control_hearing_name(enum control_hearing hearing);

/* Decodes one JSON text into *out (caller's memory, about 30 kB: not on the stack).
 * *out is overwritten even on failure. STATUS_MALFORMED, STATUS_UNSUPPORTED for an unknown type,
 * STATUS_LIMIT past a named maximum. */
MUST_CHECK enum status control_message_parse(struct bytes text, struct control_message *out);

/* Encodes to `out`; *size is the text's length. STATUS_TRUNCATED when `out` is too small. */
MUST_CHECK enum status control_message_write(const struct control_message *message,
                                             struct bytes_mut out, size_t *size);
