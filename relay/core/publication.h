/* One send slot's stream as a shard knows it: at its publisher's shard (home) with everything that
 * concerns the publisher, elsewhere as a replica that only feeds subscriptions. Both keep the
 * recent packets. Heap; owned by the shard's table. Sans-IO. */
#pragma once

#include "base/seq.h"
#include "relay/core/encoding_order.h"
#include "relay/core/lateness.h"
#include "relay/core/layer_rates.h"
#include "relay/core/shard_message.h"
#include "relay/core/stream_tail.h"
#include "relay/core/subscription.h"
#include "rtc/nack_generator.h"
#include "rtc/receive_stats.h"
#include "rtc/retransmit_cache.h"
#include "rtc/seq_window.h"

#define PUBLICATION_AUDIO_CACHE 256
#define PUBLICATION_VIDEO_CACHE 2048
/* Key frame and all that followed it for a late joiner, at most: in one burst, which must fit into
 * a receive buffer of the usual 208 KiB. Of a longer tail it gets the base layer (stream_tail). */
#define PUBLICATION_REPLAY_PACKETS 64
/* And to a shard that has nothing of it yet, with room left in its ring for what comes meanwhile.
 */
#define PUBLICATION_SHARE_PACKETS 400
#define PUBLICATION_SHARE_SHARDS_MAX 15 /* with more of them rings are short */
/* Between two requests for an encoding; of all of them two at most in twice that. */
#define PUBLICATION_KEY_FRAME_US 1050000
#define PUBLICATION_SILENT_US SECONDS(2)   /* a microphone without a packet */
#define PUBLICATION_LINGER_US SECONDS(2)   /* on to a shard that wants it no more */
#define PUBLICATION_SURPLUS_US SECONDS(10) /* before an encoding that nobody gets is told off */
#define PUBLICATION_ABSENT_US SECONDS(3)   /* of others' packets, and none of the one told on */
#define PUBLICATION_LEVEL_US 60000         /* between two levels to the director */
#define PUBLICATION_PAST_US 2000000        /* after a turn: what was lost of it may come again */
#define PUBLICATION_PAST_PACKETS 1024      /* as many as anybody keeps */
#define PUBLICATION_ASIDE_END_US 250000    /* quiet after an aside: the rest of it is on its way */

#define PUBLICATION_ALONE_US                                                                       \
    SECONDS(1) /* after which a worse encoding takes a better one's place */

/* One encoding as it goes to receivers: kept alike at home and by replicas. */
struct publication_stream {
    uint32_t epoch;  /* a new one whenever numbers or codec start afresh */
    uint64_t serial; /* of publication, encoding and epoch, unique on this shard; 0: none yet */
    enum media_codec codec;
    char profile[CODEC_PROFILE_BYTES];
    uint32_t profile_hash;
    uint32_t clock_rate;
    struct retransmit_cache cache;
    bool has_cache;

    /* The publisher's clock: a sender report's pair, moved to our NTP time. */
    bool has_clock;
    uint64_t clock_ntp;
    uint32_t clock_timestamp;
    int64_t clock_offset; /* our NTP minus the publisher's, smoothed; home only */
    bool has_clock_offset;

    struct lateness lateness; /* voice */
    /* What its publisher's line has lost is no learner's loss. Owned; NULL before the first packet.
     */
    struct seq_window *come;

    /* Key-frame requests. */
    bool wants_key_frame;
    usec_t key_frame_asked_at;   /* 0: never */
    usec_t key_frame_awaited_at; /* the same, or there was nobody to ask yet: the first one */

    struct layer_rates rates;
    bool has_asked_key_frame; /* it came because it was asked for: no part of the rates */
    uint32_t asked_key_frame_timestamp;
    struct stream_tail tail;                /* video */
    bool sends_parameters;                  /* H264: parameter sets come in the stream; home only */
    struct dependency_structure *structure; /* the newest key frame's; owned, home only */
};

/* One SSRC of the publisher, at home: how it arrives. */
struct publication_encoding {
    uint32_t ssrc, rtx_ssrc; /* 0: not known yet */
    bool has_payload_type;   /* of the stream's present epoch */
    uint8_t payload_type;
    struct seq_unwrapper unwrapper;
    struct nack_generator *nack; /* owned; NULL before the first packet */
    struct receive_stats received;
    struct seq_window seen; /* a number that comes again is dropped */
    usec_t alone_since;     /* its first packet since a better one was heard; 0: none */
    uint16_t past_seq;      /* the newest of the turn before: what is older comes too late */
    usec_t past_until;      /* while such may still come */
};

struct thin_voice;

struct publication {
    struct publication_ref ref;
    uint64_t room;
    bool is_home;
    uint32_t home;  /* shard */
    uint32_t slots; /* bit n: on room slot n of its room */

    /* Of several encodings (simulcast) the best that sends goes to everybody who can take it all.
     * The others are for those who cannot. */
    struct publication_stream streams[CONTROL_ENCODINGS_MAX];
    uint32_t main;             /* index of the best that sends */
    uint32_t encodings_known;  /* bit n: encoding n was negotiated or has sent, and can be had */
    uint32_t wanted_here;      /* bit n: somebody on this shard reads or wants encoding n apart */
    uint32_t wanted_elsewhere; /* on other shards; home only */
    uint8_t wanted_by[CONTROL_SHARDS_MAX];     /* by shard; home only */
    uint8_t wanted_before[CONTROL_SHARDS_MAX]; /* not any more, but still replicated until then */
    usec_t lingers_until[CONTROL_SHARDS_MAX];
    usec_t lingers_anywhere_until;
    usec_t unwanted_at[CONTROL_ENCODINGS_MAX]; /* on this shard, last; replicas only */
    uint32_t demand_told;    /* encodings that the publisher sends as far as we know. Home only */
    usec_t surplus_since;    /* more was told than is received; 0: not so */
    uint32_t demand_awaited; /* bit n: told on, and nothing of it has come since; home only */
    usec_t awaited_since;
    uint8_t extension_ids[HEADER_EXTENSION_COUNT];
    struct thin_voice *thin; /* owned; NULL: nobody here gets it thin (thin_voices.c) */
    usec_t thin_due_at;      /* when the sound that was made thin so far would have been said */

    /* In an aside: it goes to this participant alone, and to no room slot. 0: it is none. */
    uint64_t listener;

    /* Home only. */
    uint32_t listener_shard;
    usec_t quiet_until; /* what was said in an aside and comes late is dropped until then */
    bool open;          /* granted */
    bool active;
    usec_t active_at;                                             /* last packet */
    const struct send_slot_parameters *params;                    /* in the participant */
    struct publication_encoding encodings[CONTROL_ENCODINGS_MAX]; /* as `streams` */
    struct encoding_order order;
    usec_t level_at;
    uint32_t level_sum, level_count;
    usec_t report_at;
    usec_t key_frames_asked_at[2]; /* the last two requests, older first; 0: none */
};

MUST_CHECK enum status publication_create(struct publication **out, struct publication_ref ref,
                                          uint64_t room, bool is_home, uint32_t home);
void publication_free(struct publication *p);

static inline struct publication_stream *publication_main(struct publication *p)
{
    return &p->streams[p->main];
}
/* Granted, or in an aside. */
static inline bool publication_is_heard(const struct publication *p)
{
    return p->open || p->listener != 0;
}

/* Somebody gets, or wants, this encoding. */
static inline bool publication_is_wanted(const struct publication *p, size_t encoding)
{
    return encoding == p->main || ((p->wanted_here | p->wanted_elsewhere) >> encoding & 1) != 0;
}
/* The encoding's stream with this serial, or the thin voice's; NULL when that epoch is over. */
struct publication_stream *publication_find_stream(struct publication *p, uint64_t serial);

/* A key frame of any encoding has come. */
bool publication_has_key_frame(const struct publication *p);

/* Shard `from` wants these encodings (bit n: encoding n) besides the best. */
void publication_note_wanted(struct publication *p, usec_t now, uint32_t from, uint32_t wanted);
/* On this shard these are wanted besides the best. What has not been wanted for longer than a shard
 * is sent it all the same has a hole, on a replica: nobody begins with what came before that. */
void publication_note_wanted_here(struct publication *p, usec_t now, uint32_t wanted);
/* Whether packets of an encoding go to another shard, or to that one. What it wants no more goes on
 * for PUBLICATION_LINGER_US: its mind may change while a key frame comes, and of one with a hole
 * nothing can be shown. */
bool publication_is_replicated(const struct publication *p, usec_t now, uint32_t encoding);
bool publication_is_replicated_to(const struct publication *p, usec_t now, uint32_t encoding,
                                  uint32_t shard);

/* Packet `seq` says that it is of a key frame: whether who waits for one can begin with it, as with
 * one packet of each key frame. A slice of H264 before which the parameter sets may be missing does
 * not count. */
bool publication_begins_key_frame(struct publication_stream *s, uint64_t seq, uint32_t timestamp,
                                  bool lacks_parameters);

/* A new epoch: the cache is emptied, subscriptions will go on without a gap from the next packet
 * (or key frame). */
void publication_begin_epoch(struct publication_stream *s, uint32_t epoch, uint64_t serial,
                             enum media_codec codec, const char *profile);

/* Keeps a key frame's structure; memory is taken for the first one. */
void publication_set_structure(struct publication_stream *s,
                               const struct dependency_structure *structure);

/* Two encodings of a home publication change places with all that is kept of them, at home; for
 * other shards each begins a new epoch. The better one is the main one when it sends. */
void publication_swap_encodings(struct publication *p, uint32_t better);

/* What is known of an encoding's packets is forgotten. */
void publication_restart_encoding(struct publication_encoding *e, uint32_t ssrc, uint32_t rtx_ssrc);
/* Another turn of the same stream begins. What was said before it, was lost, and comes again since
 * it was asked for, is of the turn before. */
void publication_end_past(struct publication_encoding *e, usec_t now);
bool publication_is_past(const struct publication_encoding *e, usec_t now, uint16_t seq);
/* Takes memory to ask for lost packets where there is none yet: 8 kB that most send slots, which
 * nobody ever speaks into, do without. */
MUST_CHECK enum status publication_prepare_nack(struct publication_encoding *e);

/* Takes memory for the cache and `come` where there is none yet; called at a stream's first packet.
 */
MUST_CHECK enum status publication_prepare_cache(struct publication_stream *s);

/* What it sends from now on is heard from its first packet on, and as another turn. */
void publication_begin_turn(struct publication *p);

/* Nobody who comes now is shown what was. */
void publication_clear_caches(struct publication *p);

/* True, and noted, when a request should go now to the publisher (home) or the home shard
 * (replica). A publisher may answer with a key frame of each encoding: its requests count together.
 */
bool publication_admit_key_frame_request(struct publication *p, usec_t now, uint32_t encoding);
/* Home: when one that is wanted can be asked for; USEC_NEVER when none is. */
usec_t publication_next_key_frame_request(const struct publication *p);

/* A voice's packet has come; returns what lateness_note does, 0 of video. */
int32_t publication_note_lateness(struct publication_stream *s, usec_t now, uint32_t timestamp);

/* The RTP timestamp's NTP time (ours): from the publisher's reports. False before the first one. */
bool publication_find_ntp(const struct publication_stream *s, uint32_t timestamp, uint64_t *ntp);
void publication_note_sender_report(struct publication_stream *s, uint64_t ntp_now,
                                    uint64_t publisher_ntp, uint32_t timestamp);
