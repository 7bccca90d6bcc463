/* One room slot towards one participant: its own SSRC, sequence numbers without a gap of our
 * making, and timestamps that run on when the slot's source changes. Sans-IO; the participant
 * embeds it.
 *
 * A source is one encoding of a publication in one epoch: an epoch ends when its slot is closed,
 * its SSRC changes, or another publication takes the room slot. Inside an epoch numbers are shifted
 * by a constant, so loss on the way in stays visible as a gap; between epochs they go on as if
 * nothing had been.
 */
#pragma once

#include "base/rng.h"
#include "base/usec.h"
#include "control/control_message.h"
#include "relay/core/picture_end.h"
#include "relay/core/relay_stats.h"
#include "relay/core/wish_account.h"
#include "wire/codec.h"
#include "wire/layer_mark.h"
#include "wire/rtp.h"

struct participant;
struct layer_selector;
struct repeat;
struct repeats;

/* A publication's packet on its way to subscriptions; everything borrowed for the call. */
struct media_packet {
    uint64_t participant; /* the publisher */
    uint64_t listener;    /* it is for this one alone; 0: for its room slots */
    enum send_slot source;
    uint64_t source_serial; /* of publication, encoding and epoch; never 0 */
    enum media_codec codec;
    uint32_t profile_hash;
    uint32_t clock_rate;
    uint64_t seq; /* unwrapped */
    bool key_frame;
    struct layer_mark layers;     /* video */
    int32_t late_us;              /* voice: as lateness.h says */
    uint16_t frame_shift;         /* added to the dependency descriptor's frame number */
    const uint8_t *extension_ids; /* as the publisher numbers them; HEADER_EXTENSION_COUNT */
    struct rtp_header header;
};

/* What a receiver negotiated for one codec. */
struct subscription_codec {
    enum media_codec codec;
    uint32_t profile_hash;
    uint8_t payload_type, rtx_payload_type, red_payload_type;
    bool can_repeat; /* it may ask for packets again, and takes no RTX */
};

#define SUBSCRIPTION_RESENDS 128    /* retransmissions remembered */
#define SUBSCRIPTION_RESENDS_EACH 6 /* per packet: one lost so often comes too late */
#define SUBSCRIPTION_HISTORY 4      /* epochs whose numbers can still be asked for */

struct subscription {
    /* What forwarding touches for every packet: two lines of the cache. A copy of what it needs of
     * the owner is among it. */
    uint64_t layout;        /* stands for mid and extension ids: equal ones get equal extensions */
    uint64_t owner_id;      /* the participant */
    uint64_t source_serial; /* of the present epoch; 0: none yet */
    uint64_t first_seq;     /* of the source: older ones belong to the past */
    uint64_t seq_offset;    /* out = in + offset (mod 2^64) */
    uint32_t timestamp_offset;
    uint32_t ssrc;
    uint32_t receiver; /* the owner's index in the shard's pool */
    bool is_live;      /* the owner is connected */
    bool is_aside;     /* it follows no room slot: its owner is spoken to in private on it */
    bool has_payload_type;
    bool waiting_key_frame;
    bool started;
    struct picture_end picture_end; /* of video that is numbered */
    uint64_t next_seq;              /* highest sent + 1 */
    usec_t last_sent_at;
    uint64_t packets_sent, bytes_sent;
    int64_t resend_credit_bytes;
    uint32_t last_timestamp;
    int32_t last_late_us;                   /* of what was sent last (lateness.h) */
    uint8_t payload_type, rtx_payload_type; /* 0: the receiver lacks this codec */
    uint8_t red_payload_type;               /* 0: it takes no redundancy */
    uint8_t redundancy;                     /* level asked for by losses (redundancy.h) */
    uint8_t redundancy_limit;               /* 1 and the level that its line carries; 0: any */
    bool is_metered; /* what it is sent is counted, and numbered where it takes that (downlink) */
    bool can_stamp;  /* negotiated: transport-wide numbers */
    bool is_repeatable; /* what it is sent is noted in `repeats` */

    struct participant *owner; /* borrowed: who embeds this */
    enum room_slot slot;
    uint32_t room_place; /* index in the room's list of this slot */
    uint32_t rtx_ssrc;
    uint64_t rtx_seq;
    uint32_t clock_rate;     /* of the present epoch */
    usec_t redundancy_until; /* not less before then */
    usec_t report_at;        /* next sender report */
    char mid[MID_BYTES];
    struct subscription_codec codecs[CONTROL_CODECS_MAX];
    size_t codec_count;
    bool takes_long_voice;                /* packets of more than 20 ms: see takes_long_voice() */
    struct subscription_resends *resends; /* owned; NULL: none was asked for yet */
    struct repeats *repeats;     /* owned; NULL: nothing was sent yet to who takes no RTX */
    struct wish_account *wishes; /* owned, for key frames; NULL: nothing to be noted yet */

    /* It gets less than everything (thinning.c). */
    bool is_thinned;
    bool comes_late; /* it takes more than its line carries: for what people are told */
    bool wants_thin_voice, gets_thin_voice; /* of a voice slot (thin_voices.c) */
    bool is_paced; /* whoever paces it takes what is next; else every arrival */
    bool has_nacked;
    bool has_stood; /* as last reported nothing of what was sent had come since the report before */
    bool is_late;   /* not paced: what it has missed goes out in portions, */
    uint32_t late_bytes;             /* so much until now, */
    usec_t late_at, portion_at;      /* since then, and the next one then */
    uint32_t encodings_wanted;       /* as the publication was told */
    enum control_quality quality;    /* of a screen, as signaling was told */
    struct layer_selector *selector; /* owned; NULL: none was needed yet. Behind the end of thinning
                                      * it still knows what the last numbers stood for */

    /* From the receiver's reports. */
    uint32_t loss_permille;
    uint32_t reported_seq; /* the highest that it has received, as last reported */
    uint32_t counted_seq;  /* the same, or the one before the first sent: its losses lie behind */
    uint16_t reported_next_seq;               /* what would have gone out next then */
    uint16_t nacked_seq;                      /* the newest that it has asked for */
    uint32_t reported_at_ms, report_every_ms; /* the last report, and how often they come; 0: none
                                               * yet */
};

_Static_assert(offsetof(struct subscription, owner) <= 128, "two lines of the cache");

uint32_t codec_profile_hash(const char *profile);

/* `ids`: how the owner numbers header extensions. */
void subscription_init(struct subscription *s, struct participant *owner,
                       const struct receive_slot_parameters *params, const uint8_t *ids,
                       struct rng *rng);
void subscription_destroy(struct subscription *s);

/* Its account of wishes for key frames, made when it is needed first. NULL: of a voice, or
 * no memory. */
struct wish_account *subscription_need_wishes(struct subscription *s);
/* A packet of it does not come again, or was lost again and again. */
void subscription_note_lost(struct subscription *s, usec_t now);

/* What forwarding decided. */
enum subscription_verdict {
    SUBSCRIPTION_SEND,
    SUBSCRIPTION_WAIT_KEY_FRAME, /* video of a new source: nothing is sent until a key frame */
    SUBSCRIPTION_NO_CODEC,
    SUBSCRIPTION_STALE /* a packet from before this epoch began for this receiver */
};

/* Moves to the packet's source when it is new, and gives the packet its numbers: *seq, *timestamp.
 */
enum subscription_verdict subscription_accept(struct subscription *s, usec_t now,
                                              const struct media_packet *packet, uint64_t *seq,
                                              uint32_t *timestamp);

/* Numbers for one packet of our own behind everything sent, of so many frames of `ticks` each; the
 * present epoch ends with it. False when nothing was sent yet. */
bool subscription_append(struct subscription *s, uint32_t ticks, uint32_t frames, uint64_t *seq,
                         uint32_t *timestamp);

/* The same source goes on as another stream of it, from number `seq` on: numbers without a gap,
 * time stamps as they were. Who is not in `from` begins with the next packet as always. */
void subscription_change_stream(struct subscription *s, uint64_t from_serial, uint64_t to_serial,
                                uint64_t seq);

/* The packet was given its numbers by the subscription's selector. */
void subscription_note_thinned(struct subscription *s, usec_t now,
                               const struct media_packet *packet, uint64_t seq, uint32_t timestamp);

/* The next packet's source has nothing to do with the last one's (the slot was emptied). */
void subscription_reset_source(struct subscription *s);

/* Which packet of the present source went out as `seq16`; false when that is no longer known. */
bool subscription_find_source_seq(const struct subscription *s, uint16_t seq16,
                                  uint64_t *source_seq, uint64_t *seq);

/* How often packet `seq` goes out now when it is asked for again, and notes it: 0 the seventh time,
 * within a round trip of the last time (100 ms while that is unknown, 20 ms at least), or when all
 * that was sent again is a quarter of what was sent. Of who is watched by numbers, so that its line
 * is known not to be full, half of it, and twice what was asked for before: it has been lost twice.
 * Half of it also of who is paced while nothing of what has come stood in a queue.
 */
unsigned subscription_admit_resend(struct subscription *s, usec_t now, usec_t rtt_us, uint64_t seq,
                                   size_t bytes);

/* Chromium's structure of three spatial and three temporal layers takes 95 of them. */
#define SUBSCRIPTION_ELEMENTS_BYTES 160 /* elements with their own two bytes */
#define SUBSCRIPTION_EXTENSIONS_BYTES (4 + SUBSCRIPTION_ELEMENTS_BYTES)

/* Stands for the extensions of what is sent now: `layout`, or another while it is numbered. */
static inline uint64_t subscription_get_layout(const struct subscription *s)
{
    return s->is_metered && s->can_stamp ? ~s->layout : s->layout;
}

/* Writes the header extensions of an outgoing packet: mid, and what the publisher sent and this
 * receiver negotiated (`ids`: the receiver's numbers), and of a screen that it is to be shown
 * without delay; all of it, from the profile on. One that does not fit is left out, the dependency
 * descriptor last. Returns the
 * bytes, 0 when there is none. They are the same for all subscriptions of one layout. *stamp_at:
 * where the packet's transport-wide number goes; 0: it has none. */
size_t subscription_write_extensions(const struct subscription *s, usec_t now,
                                     const struct media_packet *packet, const uint8_t *ids,
                                     uint8_t out[SUBSCRIPTION_EXTENSIONS_BYTES], uint8_t *stamp_at);
/* Those of a packet that goes out again as it did, also when its transport-wide number, if it had
 * one, is the caller's. */
size_t subscription_write_extensions_again(const struct subscription *s,
                                           const struct repeat *repeat,
                                           const struct media_packet *packet, const uint8_t *ids,
                                           uint8_t out[SUBSCRIPTION_EXTENSIONS_BYTES],
                                           uint8_t *stamp_at);
