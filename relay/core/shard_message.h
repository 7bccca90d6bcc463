/* What travels between a relay's threads: from the director to shards, between shards, from shards
 * to the director. Fixed size, self-contained; the one exception is a participant's parameters,
 * which are handed over on the heap. */
#pragma once

#include "control/control_message.h"
#include "relay/core/relay_stats.h"
#include "wire/layer_mark.h"

#define SHARD_PACKET_BYTES 1500
#define SHARD_STATS_PARTICIPANTS 14 /* in one message */
#define SHARD_DELIVERIES 32         /* likewise */

/* The director's decision about a new participant; the shard frees it. */
struct shard_participant_add {
    struct control_participant_add params;
    struct ice_parameters local_ice;
};

/* Names a publication everywhere in the relay. */
struct publication_ref {
    uint64_t participant;
    enum send_slot source;
};

enum shard_message_type {
    /* director -> shard */
    SHARD_PARTICIPANT_ADD,
    SHARD_PARTICIPANT_REMOVE,
    SHARD_ICE_RESTART,
    SHARD_GRANT,
    SHARD_ROOM,  /* a room exists; which shards have members in it */
    SHARD_BIND,  /* who is on a room slot, and on which shard it lives */
    SHARD_ASIDE, /* a microphone goes to one participant alone, on its shard; or no longer */
    SHARD_ROOM_CLOSE,
    SHARD_RESET, /* orders were lost: begin anew, without participants and rooms */
    SHARD_STATS_WANTED,
    /* shard -> shard */
    SHARD_MEDIA,
    SHARD_SENDER_REPORT,
    SHARD_KEY_FRAME_WANTED,
    SHARD_ENCODINGS_WANTED, /* besides the best: what somebody here needs */
    /* shard -> director */
    SHARD_STATE,
    SHARD_PUBLICATION,
    SHARD_LEVEL,
    SHARD_QUALITY,
    SHARD_DELIVERY,
    SHARD_DEMAND,
    SHARD_STATS,
    SHARD_PARTICIPANT_STATS
};

/* What came before the shard had anybody in the room: kept, then, after the last of it, shown. */
enum shard_media_time { SHARD_MEDIA_NOW, SHARD_MEDIA_PAST, SHARD_MEDIA_PAST_END };

struct shard_media {
    struct publication_ref ref;
    uint8_t encoding;
    bool is_main; /* the best that sends */
    uint8_t encodings_known;
    struct layer_mark layers;
    uint32_t epoch;
    enum media_codec codec;
    char profile[CODEC_PROFILE_BYTES];
    uint64_t listener; /* 0: whoever gets its room slots */
    uint64_t seq;      /* unwrapped */
    enum shard_media_time time;
    bool key_frame;
    uint8_t extension_ids[HEADER_EXTENSION_COUNT]; /* as the publisher numbers them */
    uint16_t size;
    uint8_t packet[SHARD_PACKET_BYTES]; /* RTP, decrypted */
};

struct shard_participant_stats {
    uint64_t room, participant;
    uint64_t bytes_in, bytes_out;            /* since the transport's start */
    uint64_t voice_expected, voice_received; /* packets of its microphone, since its first one */
    uint32_t loss_in_permille, loss_out_permille, rtt_us;
    bool tcp; /* what is sent to it goes over TCP */
    enum control_media_state state;
    struct control_delivery delivery;
};

struct shard_message {
    enum shard_message_type type;
    uint32_t from; /* shard number; the director is shard_count */
    union {
        struct shard_participant_add *participant_add; /* owned by the receiver */
        struct control_participant_ref participant_remove;
        struct {
            uint64_t participant;
            uint32_t session;
            struct ice_parameters local, remote;
        } ice_restart;
        struct control_grant grant;
        struct {
            uint64_t room;
            uint64_t members; /* bit n: shard n has participants of it */
        } room;
        struct {
            uint64_t room;
            enum room_slot slot;
            struct publication_ref ref; /* participant 0: nobody */
            uint32_t home;              /* shard of the publisher */
        } bind;
        struct {
            uint64_t room;
            struct publication_ref ref;
            uint32_t home;
            uint64_t listener; /* 0: nobody, it is no aside any more */
            uint32_t listener_shard;
        } aside;
        uint64_t room_close;
        struct shard_media media;
        struct {
            struct publication_ref ref;
            uint32_t encoding;
            uint64_t ntp; /* on our own clock */
            uint32_t rtp_timestamp;
        } sender_report;
        struct {
            struct publication_ref ref;
            uint32_t encoding;
            bool has_none; /* nothing has come to this shard yet */
        } key_frame_wanted;
        struct {
            struct publication_ref ref;
            uint32_t wanted; /* bit n: encoding n */
        } encodings_wanted;
        struct {
            uint64_t participant;
            uint32_t session;
            enum control_media_state state;
            char reason[32];
        } state;
        struct {
            struct publication_ref ref;
            bool active;
            enum media_codec codec;
        } publication;
        struct {
            uint64_t participant;
            uint8_t level; /* -dBov, smoothed over what came since the last one */
        } level;
        struct control_participant_quality quality;
        struct {
            struct control_delivery list[SHARD_DELIVERIES];
            size_t count;
        } delivery;
        struct {
            struct publication_ref ref;
            uint32_t encodings; /* bit n: somebody receives encoding n */
        } demand;
        struct {
            uint32_t participants, publications;
            struct relay_stats counters;
        } stats;
        struct {
            struct shard_participant_stats list[SHARD_STATS_PARTICIPANTS];
            size_t count;
        } participant_stats;
    };
};
