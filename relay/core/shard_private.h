/* A shard's tables and what its files call in each other. Private to relay/core. */
#pragma once

#include "base/hash_map.h"
#include "base/rng.h"
#include "relay/core/bitrate_allocator.h"
#include "relay/core/downlink.h"
#include "relay/core/handshake_queue.h"
#include "relay/core/layer_selector.h"
#include "relay/core/participant.h"
#include "relay/core/shard_core.h"
#include "relay/core/shard_message.h"
#include "wire/rtcp.h"

#define SHARD_PUBLICATIONS_MAX_FACTOR                                                              \
    4 /* publications per participant place, replicas included                                     \
       */

/* What has changed in people's seeing and hearing, and is not told yet. */
struct shard_news {
    struct control_delivery list[SHARD_DELIVERIES];
    size_t count;
    usec_t due, told_at; /* due USEC_NEVER: there is none */
};

struct shard_core {
    struct shard_core_config config;
    struct shard_port port;
    struct log log;
    struct rng rng;
    struct pool participants, rooms;
    struct hash_map by_address; /* keyed hash of address -> pool index */
    struct hash_map by_ufrag;   /* keyed hash of our ufrag -> pool index */
    struct hash_map by_id;      /* participant -> pool index */
    struct hash_map rooms_by_id;
    struct hash_map publications; /* publication_key -> pointer */
    struct timer_heap timers;     /* of participants: what runs when it is due */
    struct timer_heap reports;    /* and what may wait a little */
    struct handshake_queue handshakes;
    uint64_t next_serial;
    usec_t overload_until;
    uint32_t publication_count;
    uint32_t thin_voice_count; /* of THIN_VOICES_MAX */
    struct relay_stats stats;
    struct shard_news news;
    /* Of the present call: what was queued from a cache is sent before that cache is freed. */
    usec_t now;
    struct tx_batch *tx;
};

/* shard_core.c */
struct participant *shard_find_participant(struct shard_core *c, uint64_t id);
struct publication *shard_find_publication(struct shard_core *c, struct publication_ref ref);
MUST_CHECK enum status shard_add_publication(struct shard_core *c, struct publication_ref ref,
                                             uint64_t room, bool is_home, uint32_t home,
                                             struct publication **out);
void shard_remove_publication(struct shard_core *c, struct publication *p);
struct shard_message *shard_reserve(struct shard_core *c, uint32_t destination,
                                    enum shard_message_type type);
void shard_commit(struct shard_core *c, uint32_t destination);
void shard_drop(struct shard_core *c, enum drop_reason reason);
void shard_tell_state(struct shard_core *c, const struct participant *p,
                      enum control_media_state state, const char *reason);
void shard_arm_timer(struct shard_core *c, usec_t now, struct participant *p);

void shard_forget_paths(struct shard_core *c, const struct participant *p);

/* What a subscription gets: the publication on its room slot, or in an aside the one voice that is
 * for its owner alone. NULL: nothing. */
static inline struct publication *shard_source_of(const struct subscription *s)
{
    struct publication *p = s->is_aside ? s->owner->aside : s->owner->room->slots[s->slot];
    return p != NULL && p->listener == (s->is_aside ? s->owner_id : 0) ? p : NULL;
}
/* The other shards that get what this one publishes, a bit each. */
uint64_t shard_others_of(struct shard_core *c, const struct publication *p);

/* shard_aside.c: one voice to one participant, past every room slot */
void shard_handle_aside(struct shard_core *c, usec_t now, const struct shard_message *m,
                        struct tx_batch *tx);
/* Nobody here hears it in private any more. */
void shard_stop_aside(struct shard_core *c, usec_t now, struct publication *p, struct tx_batch *tx);
/* The line on which it is spoken to in private; NULL: none. */
struct subscription *shard_find_aside(struct participant *p);

/* shard_members.c: participants and rooms come, change and go */
void shard_handle_add(struct shard_core *c, usec_t now, const struct shard_participant_add *add,
                      struct tx_batch *tx);
/* Everybody and every room goes. */
void shard_reset(struct shard_core *c, struct tx_batch *tx);
void shard_remove_participant(struct shard_core *c, struct participant *p, struct tx_batch *tx);
struct room *shard_find_room(struct shard_core *c, uint64_t id);
void shard_handle_room(struct shard_core *c, const struct shard_message *m);
void shard_handle_bind(struct shard_core *c, usec_t now, const struct shard_message *m,
                       struct tx_batch *tx);
void shard_handle_grant(struct shard_core *c, usec_t now, const struct control_grant *grant);
/* What comes next on this send slot begins a new epoch. */
void shard_restart_publication(struct publication *p, usec_t now);

/* What is cached of it can be shown to those who wait. */
void shard_start_publication(struct shard_core *c, usec_t now, struct publication *p,
                             struct tx_batch *tx);

/* ingress.c: what publishers send */
void ingress_handle_rtp(struct shard_core *c, usec_t now, struct participant *p,
                        struct bytes_mut packet, struct tx_batch *tx);

/* forwarder.c: one packet to all its subscriptions; a copy to each other shard that has some */
void forwarder_handle_packet(struct shard_core *c, usec_t now, struct publication *p,
                             uint32_t encoding, const struct media_packet *packet,
                             struct bytes whole, struct tx_batch *tx);
void forwarder_handle_replica(struct shard_core *c, usec_t now, const struct shard_media *media,
                              struct tx_batch *tx);
/* A receiver starts with a slot: key frame and tail from the cache, or a request. */
void forwarder_start_subscription(struct shard_core *c, usec_t now, struct subscription *s,
                                  struct tx_batch *tx);
void forwarder_request_key_frame(struct shard_core *c, usec_t now, struct publication *p,
                                 uint32_t encoding, struct tx_batch *tx);

/* Home: every other shard gets what is cached of the best encoding, as one that has nothing of it.
 */
void forwarder_share_main(struct shard_core *c, usec_t now, struct publication *p);
/* Home: shard `shard` wants one. Has it nothing cached (`has_none`), it gets what is here of the
 * best encoding. */
void forwarder_handle_key_frame_wanted(struct shard_core *c, usec_t now, struct publication *p,
                                       uint32_t encoding, uint32_t shard, bool has_none,
                                       struct tx_batch *tx);

struct media_packet forwarder_packet_of(const struct publication *p,
                                        const struct publication_stream *s, uint64_t seq,
                                        bool key_frame);
/* The packet that was begun in `tx`, to one receiver. */
void forwarder_send(usec_t now, struct subscription *s, const struct media_packet *packet,
                    const struct tx_rtp *rtp, struct tx_batch *tx);
/* What it takes on the line: IPv4, UDP, RTP header, extensions, payload, SRTP tag. */
static inline size_t forwarder_line_bytes(const struct tx_prefix *prefix, const struct tx_batch *tx)
{
    return 20 + 8 + 12 + prefix->bytes + tx_batch_get_payload_bytes(tx) + 16;
}

/* forwarder_resend.c: what a receiver asks for again */
void forwarder_resend(struct shard_core *c, usec_t now, struct participant *p,
                      struct subscription *s, uint16_t seq, struct tx_batch *tx);
/* Whatever its line carries. False when it cannot be. */
bool forwarder_resend_now(struct shard_core *c, usec_t now, struct participant *p,
                          struct subscription *s, uint16_t seq, struct tx_batch *tx);
/* RTP padding on the retransmission stream, at most 255 bytes. False when it could not. */
bool forwarder_send_padding(usec_t now, struct subscription *s, size_t bytes, struct tx_batch *tx);

/* wishes.c */
/* The receiver asks for a key frame of what it is shown. */
void wishes_handle(struct shard_core *c, usec_t now, struct subscription *s, struct tx_batch *tx);
/* When the last key frame that it has been sent went out, as far as it is known; 0: none. */
usec_t wishes_key_frame_at(const struct subscription *s, const struct publication *p);

/* voice_end.c */
/* A private voice ends. */
void voice_end_aside(usec_t now, struct publication *p, struct subscription *s,
                     struct tx_batch *tx);
/* A voice leaves its slot: its listeners get a few frames of silence. */
void voice_end_slot(struct shard_core *c, usec_t now, struct room *room, enum room_slot slot,
                    struct tx_batch *tx);

/* thinning.c: subscriptions that get less than everything */
/* What `s` gets from now on; everything (encoding 0, all layers, not paced) ends thinning as soon
 * as the plain path can take over. `paced`: nothing is sent but by thinning_drain. Of sound only
 * LAYER_OFF means anything. False without memory: it gets what it got. */
bool thinning_set_target(struct shard_core *c, usec_t now, struct subscription *s,
                         struct layer_target target, bool paced, struct tx_batch *tx);
/* Sends what is next until `bytes_max` bytes of payload are reached or there is nothing; returns
 * how many that were. */
size_t thinning_drain(struct shard_core *c, usec_t now, struct subscription *s, size_t bytes_max,
                      struct tx_batch *tx);
/* A thinned subscription's slot has another source. */
void thinning_begin(struct shard_core *c, usec_t now, struct subscription *s, struct tx_batch *tx);
/* Everything, to one that comes late: from the cached key frame the base layer alone, in portions,
 * then all there is. False when the key frame is too far back: nothing has begun. */
bool thinning_begin_late(struct shard_core *c, usec_t now, struct subscription *s,
                         struct tx_batch *tx);
/* The receiver has lost the thread: it gets the cached key frame and what followed it, or waits for
 * a new one. Who was not thinned is until it has caught up. */
void thinning_restart(struct shard_core *c, usec_t now, struct subscription *s,
                      struct tx_batch *tx);
/* Of one that is thinned: as layer_selector_can_restart. */
bool thinning_can_restart(const struct subscription *s, const struct publication *p,
                          uint8_t *encoding);
/* Of one that is thinned: what is read has a key frame ahead. */
bool thinning_has_key_frame_ahead(const struct subscription *s, struct publication *p);
/* How far what is sent lags behind what has come. */
usec_t thinning_lag(const struct subscription *s, usec_t now);
/* The subscription as the allocator sees it. */
void thinning_describe(const struct subscription *s, usec_t now, struct allocator_stream *out);
/* A packet of this encoding has been kept. */
void thinning_handle_arrival(struct shard_core *c, usec_t now, struct publication *p,
                             uint32_t encoding, struct tx_batch *tx);
void thinning_handle_timeout(struct shard_core *c, usec_t now, struct participant *owner,
                             struct tx_batch *tx);
usec_t thinning_next_timeout(const struct participant *owner);
/* When a paced one may have something although nothing arrives. */
usec_t thinning_next_timeout_of(const struct subscription *s);
/* Somebody may have begun or ceased to want an encoding of it. */
void thinning_update_demand(struct shard_core *c, struct publication *p);
/* Home: tells which encodings anybody receives; one that nobody does, after a while. */
void thinning_tell_demand(struct shard_core *c, usec_t now, struct publication *p);
/* Which packet went out as `seq16`; false when that is not known any more. */
bool thinning_find_sent(const struct subscription *s, uint16_t seq16, uint64_t *seq,
                        uint64_t *source_seq, struct layer_segment *segment);
/* How many of its numbers after `from`, up to and including `to`, stand for packets that have not
 * come from the publisher. */
uint32_t thinning_count_unsent(const struct subscription *s, struct publication *p, uint64_t from,
                               uint64_t to);

/* thin_voices.c: voices for lines that they would fill */
/* The subscription is to get voices thin, or whole; it changes where nothing of the voice waits. Of
 * other slots than voices nothing happens, nor to who takes no long packet of voice. */
void thin_voices_set(struct subscription *s, bool thin);
/* It leaves its room. */
void thin_voices_forget(struct subscription *s);
/* Before packet `next_seq` of a voice goes out: who begins or ends to get it thin changes lists. */
void thin_voices_prepare(struct shard_core *c, usec_t now, struct room *room, struct publication *p,
                         uint64_t next_seq);
/* The packet as thin listeners get it, now or with the next ones. */
void thin_voices_forward(struct shard_core *c, usec_t now, const struct room *room,
                         struct publication *p, const struct media_packet *packet,
                         struct tx_batch *tx);
/* The voice leaves a slot: what waits goes out. */
void thin_voices_flush(struct shard_core *c, usec_t now, const struct room *room,
                       struct publication *p, struct tx_batch *tx);
/* Nobody listens, or it is gone. */
void thin_voices_end(struct shard_core *c, struct publication *p);

/* rtcp_in.c, rtcp_out.c */
void rtcp_handle_compound(struct shard_core *c, usec_t now, struct participant *p,
                          struct bytes compound, struct tx_batch *tx);
void rtcp_send_due(struct shard_core *c, usec_t now, struct participant *p, struct tx_batch *tx);
/* A sender report of all its streams at once, right behind a burst (burst_probe.h). */
void rtcp_send_burst_report(struct shard_core *c, usec_t now, struct participant *p,
                            struct tx_batch *tx);
/* When it has to be called: for reports, and for all else. */
usec_t rtcp_next_report(const struct participant *p);
usec_t rtcp_next_timeout(const struct participant *p);
void rtcp_send_key_frame_request(struct shard_core *c, usec_t now, struct publication *p,
                                 uint32_t encoding, struct tx_batch *tx);

/* shard_delivery.c */
/* What a report block of `p` says of what it was sent. */
void shard_note_block(struct shard_core *c, usec_t now, struct participant *p,
                      struct subscription *s, const struct rtcp_report_block *block);
/* Something was heard of it: tells what has changed. */
void shard_update_delivery(struct shard_core *c, usec_t now, struct participant *p);
/* Time has passed: asks, and tells. */
void shard_watch_delivery(struct shard_core *c, usec_t now, struct participant *p,
                          struct tx_batch *tx);
/* This packet of a receiver whose packets are not numbered is; the one only. */
uint16_t shard_number_question(usec_t now, struct subscription *s, bool is_numbered);
/* What the feedback says of packets that were sent to find a line narrow. */
void shard_handle_width(struct shard_core *c, usec_t now, struct participant *p,
                        const struct rtcp_twcc *feedback, struct tx_batch *tx);
usec_t shard_delivery_next_timeout(struct participant *p, usec_t now);
void shard_assess_delivery(usec_t now, struct participant *p, struct control_delivery *out);
void shard_send_news(struct shard_core *c, usec_t now);

/* shard_reports.c */
void shard_report(struct shard_core *c, usec_t now);
