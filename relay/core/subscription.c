#include "relay/core/subscription.h"

#include "base/hash.h"
#include "relay/core/downlink.h"
#include "relay/core/layer_selector.h"
#include "relay/core/participant.h"
#include "relay/core/repeats.h"
#include "relay/core/tx_batch.h"
#include "wire/rtp_extension.h"

#define RESEND_AGAIN_US MILLISECONDS(100) /* of a round trip that is unknown */
#define RESEND_AGAIN_US_MIN MILLISECONDS(20)
#define RESEND_CREDIT_MAX (512 * 1024)
#define RESEND_CREDIT_START (64 * 1024)
#define RESEND_SHARE                                                                               \
    2 /* half of what was sent: one packet lost in five needs more than a quarter, */
#define RESEND_COST 2 /* a quarter where the line may be full */
#define EMPTY_QUEUE_US MILLISECONDS(15)
#define RESENDS_FUTILE 2 /* of one packet, and it still lacks */
#define FRAME_US_MIN 20000
#define RTP_EXTENSION_HEADER_BYTES 4 /* profile, length in words */

/* Retransmission limits, by number modulo their count. Most receivers never ask. */
struct subscription_resends {
    struct {
        uint32_t seq;        /* its low bits */
        uint32_t at_ms : 29; /* wraps after six days: then one resend is late or refused */
        uint32_t count : 3;
    } places[SUBSCRIPTION_RESENDS];
};
_Static_assert(SUBSCRIPTION_RESENDS_EACH <= 7, "count has three bits");
#define AT_MS_MASK 0x1fffffffu

uint32_t codec_profile_hash(const char *profile)
{
    static const uint64_t key[2];
    return (uint32_t)hash_bytes(bytes_of_string(profile), key);
}

static uint64_t layout_of(const uint8_t *ids, const char *mid)
{
    static const uint64_t key[2];
    uint8_t text[HEADER_EXTENSION_COUNT + MID_BYTES] = {0};
    memcpy(text, ids, HEADER_EXTENSION_COUNT);
    memcpy(text + HEADER_EXTENSION_COUNT, mid, strlen(mid));
    return hash_bytes(bytes_of(text, sizeof text), key);
}

/* Opus packets may be of up to 120 ms, but some programs decode 20 ms alone and fall silent for
 * good at the first longer one (aiortc). Their offers say nothing of it; what they have in common
 * is that they know no feedback and no redundancy for voice. What the publisher sends is its own
 * affair. */
static bool takes_long_voice(const struct receive_slot_parameters *params)
{
    for (size_t i = 0; i < params->codec_count; i++) {
        const struct codec_parameters *c = &params->codecs[i];
        if (c->codec == MEDIA_CODEC_OPUS &&
            (c->transport_cc || c->nack || c->red_payload_type != 0))
            return true;
    }
    return false;
}

void subscription_init(struct subscription *s, struct participant *owner,
                       const struct receive_slot_parameters *params, const uint8_t *ids,
                       struct rng *rng)
{
    *s = (struct subscription){.owner = owner,
                               .owner_id = owner != NULL ? owner->id : 0,
                               .receiver = owner != NULL ? owner->handle.index : 0,
                               .is_live = owner != NULL && owner->connected,
                               .slot = params->slot,
                               .ssrc = params->ssrc,
                               .rtx_ssrc = params->rtx_ssrc,
                               .redundancy = 1,
                               .resend_credit_bytes = RESEND_CREDIT_START};
    memcpy(s->mid, params->mid, sizeof s->mid);
    s->layout = layout_of(ids, s->mid);
    s->codec_count = params->codec_count;
    s->takes_long_voice = takes_long_voice(params);
    for (size_t i = 0; i < params->codec_count; i++) {
        s->can_stamp = s->can_stamp ||
                       (params->codecs[i].transport_cc && ids[HEADER_EXTENSION_TRANSPORT_CC] != 0);
        s->codecs[i] = (struct subscription_codec){
            .codec = params->codecs[i].codec,
            .profile_hash = codec_profile_hash(params->codecs[i].profile),
            .payload_type = params->codecs[i].payload_type,
            .rtx_payload_type = params->codecs[i].rtx_payload_type,
            .red_payload_type = params->codecs[i].red_payload_type,
            .can_repeat = params->codecs[i].nack &&
                          (params->rtx_ssrc == 0 || params->codecs[i].rtx_payload_type == 0)};
    }
    /* Below 2^15, so that early loss cannot confuse the receiver's SRTP roll-over guess; one cycle
     * up, so that unwrapped numbers never go below zero. */
    s->next_seq = 0x10000 + rng_below(rng, 0x8000);
    s->counted_seq = (uint16_t)(s->next_seq - 1);
    s->rtx_seq = 0x10000 + rng_below(rng, 0x8000);
    s->last_timestamp = rng_u32(rng);
}

void subscription_destroy(struct subscription *s)
{
    free(s->resends);
    free(s->selector);
    free(s->wishes);
    repeats_free(s->repeats);
    s->resends = NULL;
    s->wishes = NULL;
    s->repeats = NULL;
    s->is_repeatable = false;
    s->selector = NULL;
}

bool subscription_append(struct subscription *s, uint32_t ticks, uint32_t frames, uint64_t *seq,
                         uint32_t *timestamp)
{
    if (!s->started || !s->has_payload_type)
        return false;
    s->source_serial = 0;
    *seq = s->next_seq++;
    *timestamp = s->last_timestamp + ticks;
    s->last_timestamp += frames * ticks;
    /* As if it had been sent when it is to be played: timestamps must not run ahead of the wall, or
     * every epoch would make the receiver's buffer longer. */
    s->last_sent_at += (usec_t)frames * ticks * 1000000 / s->clock_rate;
    s->packets_sent++;
    return true;
}

void subscription_reset_source(struct subscription *s)
{
    s->source_serial = 0;
}

/* Without memory it is not: who asks for a packet again gets the next key frame. */
static bool make_repeatable(struct subscription *s)
{
    bool is_voice = room_slot_kind(s->slot) == MEDIA_KIND_AUDIO;
    return s->repeats != NULL ||
           repeats_create(&s->repeats, is_voice ? TX_REPEATS_VOICE : TX_REPEATS_VIDEO) == STATUS_OK;
}

static void choose_payload_type(struct subscription *s, const struct media_packet *packet)
{
    s->has_payload_type = false;
    s->is_repeatable = false;
    for (size_t i = 0; i < s->codec_count; i++) {
        if (s->codecs[i].codec != packet->codec ||
            s->codecs[i].profile_hash != packet->profile_hash)
            continue;
        s->has_payload_type = true;
        s->payload_type = s->codecs[i].payload_type;
        s->rtx_payload_type = s->codecs[i].rtx_payload_type;
        s->red_payload_type = s->codecs[i].red_payload_type;
        s->is_repeatable = s->codecs[i].can_repeat && make_repeatable(s);
        return;
    }
}

struct wish_account *subscription_need_wishes(struct subscription *s)
{
    if (s->wishes == NULL && room_slot_kind(s->slot) == MEDIA_KIND_VIDEO)
        s->wishes = calloc(1, sizeof *s->wishes);
    return s->wishes;
}

void subscription_note_lost(struct subscription *s, usec_t now)
{
    struct wish_account *wishes = subscription_need_wishes(s);
    if (wishes != NULL)
        wish_account_note_lost(wishes, now);
}

/* The first packet of an epoch goes out right behind the last one sent; its timestamp is as much
 * later as the wall says, at least one frame. The wall as it was when either was due: what comes
 * late would move every later turn. */
static void begin_epoch(struct subscription *s, usec_t now, const struct media_packet *packet)
{
    uint32_t step = packet->clock_rate / (1000000u / FRAME_US_MIN);
    if (s->started) {
        usec_t elapsed = now - packet->late_us - (s->last_sent_at - s->last_late_us);
        uint64_t ticks = (uint64_t)(elapsed > 0 ? elapsed : 0) * packet->clock_rate / 1000000u;
        step = ticks > step ? (uint32_t)ticks : step;
    }
    s->first_seq = packet->seq;
    s->seq_offset = s->next_seq - packet->seq;
    s->timestamp_offset = s->last_timestamp + step - packet->header.timestamp;
    if (s->resends != NULL)
        memset(s->resends, 0, sizeof *s->resends);
    s->waiting_key_frame = false;
}

static void count_sent(struct subscription *s, const struct media_packet *packet)
{
    s->started = true;
    s->packets_sent++;
    s->bytes_sent += packet->header.payload.size;
    int64_t credit = s->resend_credit_bytes + (int64_t)(packet->header.payload.size / RESEND_SHARE);
    s->resend_credit_bytes = credit > RESEND_CREDIT_MAX ? RESEND_CREDIT_MAX : credit;
}

enum subscription_verdict subscription_accept(struct subscription *s, usec_t now,
                                              const struct media_packet *packet, uint64_t *seq,
                                              uint32_t *timestamp)
{
    if (s->source_serial != packet->source_serial) {
        s->source_serial = packet->source_serial;
        s->clock_rate = packet->clock_rate;
        s->waiting_key_frame = true;
        choose_payload_type(s, packet);
    }
    if (!s->has_payload_type)
        return SUBSCRIPTION_NO_CODEC;
    if (s->waiting_key_frame) {
        if (!packet->key_frame)
            return SUBSCRIPTION_WAIT_KEY_FRAME;
        begin_epoch(s, now, packet);
        if (s->wishes != NULL)
            wish_account_note_key_frame(s->wishes, now);
    }
    if (packet->seq < s->first_seq)
        return SUBSCRIPTION_STALE;
    *seq = packet->seq + s->seq_offset;
    *timestamp = packet->header.timestamp + s->timestamp_offset;
    if (*seq >= s->next_seq) {
        s->next_seq = *seq + 1;
        s->last_timestamp = *timestamp;
        s->last_sent_at = now;
        s->last_late_us = packet->late_us;
    }
    count_sent(s, packet);
    return SUBSCRIPTION_SEND;
}

void subscription_change_stream(struct subscription *s, uint64_t from_serial, uint64_t to_serial,
                                uint64_t seq)
{
    if (from_serial == 0 || s->source_serial != from_serial || s->waiting_key_frame)
        return;
    s->source_serial = to_serial;
    s->first_seq = seq;
    s->seq_offset = s->next_seq - seq;
    if (s->resends != NULL)
        memset(s->resends, 0, sizeof *s->resends);
}

void subscription_note_thinned(struct subscription *s, usec_t now,
                               const struct media_packet *packet, uint64_t seq, uint32_t timestamp)
{
    if (s->source_serial != packet->source_serial) {
        s->source_serial = packet->source_serial;
        s->clock_rate = packet->clock_rate;
        choose_payload_type(s, packet);
    }
    s->waiting_key_frame = false;
    s->timestamp_offset = timestamp - packet->header.timestamp;
    s->next_seq = seq + 1;
    s->last_timestamp = timestamp;
    s->last_sent_at = now;
    s->last_late_us = 0;
    count_sent(s, packet);
}

bool subscription_find_source_seq(const struct subscription *s, uint16_t seq16,
                                  uint64_t *source_seq, uint64_t *seq)
{
    if (!s->started || s->source_serial == 0 || s->waiting_key_frame)
        return false;
    uint64_t last = s->next_seq - 1;
    uint16_t behind = (uint16_t)(last - seq16);
    if (behind > 0x7fff || behind > last)
        return false;
    *seq = last - behind;
    *source_seq = *seq - s->seq_offset;
    return *source_seq >= s->first_seq && *seq >= s->first_seq + s->seq_offset;
}

/* Who asks again a round trip after asking has not got it; an eighth less, for what the round trip
 * is known by comes once a second and jitters. */
static usec_t resend_again_us(usec_t rtt_us)
{
    return rtt_us == 0 ? RESEND_AGAIN_US : usec_max(RESEND_AGAIN_US_MIN, rtt_us - rtt_us / 8);
}

/* Its answers to numbers show that it is not full: what lacks there is lost, and not late. */
static bool is_known_wide(const struct subscription *s)
{
    const struct downlink *d = s->owner != NULL ? s->owner->downlink : NULL;
    return d != NULL && d->state == DOWNLINK_WATCHED && d->has_numbers &&
           d->bwe.feedback_at > d->state_at;
}

/* Paced, and what was sent until now has come without standing anywhere. */
static bool is_empty_line(const struct subscription *s)
{
    const struct downlink *d = s->owner != NULL ? s->owner->downlink : NULL;
    return d != NULL && d->state == DOWNLINK_PACED && d->has_numbers &&
           d->bwe.feedback_at > d->state_at &&
           bwe_delay_get_queue_us(&d->bwe.delay) < EMPTY_QUEUE_US;
}

unsigned subscription_admit_resend(struct subscription *s, usec_t now, usec_t rtt_us, uint64_t seq,
                                   size_t bytes)
{
    if (s->resends == NULL && (s->resends = calloc(1, sizeof *s->resends)) == NULL)
        return 0;
    uint32_t at_ms = (uint32_t)(now / 1000) & AT_MS_MASK;
    size_t place = seq % SUBSCRIPTION_RESENDS;
    uint32_t count = s->resends->places[place].count;
    uint32_t since_ms = (at_ms - s->resends->places[place].at_ms) & AT_MS_MASK;
    bool same = s->resends->places[place].seq == (uint32_t)seq && count > 0;
    bool is_wide = is_known_wide(s);
    int64_t cost = (int64_t)bytes * (is_wide || is_empty_line(s) ? 1 : RESEND_COST);
    if (same &&
        (count >= SUBSCRIPTION_RESENDS_EACH || MILLISECONDS(since_ms) < resend_again_us(rtt_us)))
        return 0;
    if (same && count >= RESENDS_FUTILE)
        subscription_note_lost(s, now);
    if (s->resend_credit_bytes < cost)
        return 0;
    unsigned copies = same && is_wide && s->resend_credit_bytes >= 2 * cost ? 2 : 1;
    s->resend_credit_bytes -= copies * cost;
    s->resends->places[place].seq = (uint32_t)seq;
    s->resends->places[place].at_ms = at_ms & AT_MS_MASK;
    s->resends->places[place].count = (same ? count + 1 : 1) & 7;
    return copies;
}

/* What a receiver gets of the publisher's extensions, as far as there is room: first what nothing
 * can be decoded without. Not: mid (its own), rid and repaired-rid (our business), transport_cc
 * (its own numbering, when wanted), abs_send_time (of this sending). */
static const enum header_extension passed_on[] = {
    HEADER_EXTENSION_DEPENDENCY_DESCRIPTOR, HEADER_EXTENSION_AUDIO_LEVEL,
    HEADER_EXTENSION_VIDEO_ORIENTATION,     HEADER_EXTENSION_PLAYOUT_DELAY,
    HEADER_EXTENSION_CONTENT_TYPE,          HEADER_EXTENSION_COLOR_SPACE,
    HEADER_EXTENSION_ABS_CAPTURE_TIME};

/* The frame number is the descriptor's second and third byte. */
static struct bytes shift_frame(uint8_t out[SUBSCRIPTION_ELEMENTS_BYTES], struct bytes data,
                                uint16_t shift)
{
    if (data.size < 3)
        return data;
    memcpy(out, data.data, data.size);
    store_u16(out + 1, (uint16_t)(load_u16(data.data + 1) + shift));
    return bytes_of(out, data.size);
}

/* What the publisher said of it; of a screen that it is to be shown as soon as it is there. A
 * player would otherwise hold each picture back to play all of them evenly: a new slide, ten times
 * as large as the pictures before it, by a tenth of a second and more. */
static bool find_passed_on(const struct subscription *s, const struct media_packet *packet,
                           enum header_extension extension, struct bytes *out)
{
    static const uint8_t at_once[3]; /* least and most: 12 bits each, in 10 ms */
    if (rtp_extension_find(&packet->header, packet->extension_ids[extension], out))
        return true;
    *out = bytes_of(at_once, sizeof at_once);
    return extension == HEADER_EXTENSION_PLAYOUT_DELAY && s->slot == ROOM_SLOT_SCREEN;
}

/* `send_time_24`: as rtp_abs_send_time_of gives it. */
static size_t write_extensions(const struct subscription *s, bool stamped, uint32_t send_time_24,
                               const struct media_packet *packet, const uint8_t *ids,
                               uint8_t out[SUBSCRIPTION_EXTENSIONS_BYTES], uint8_t *stamp_at)
{
    static const uint8_t no_number[RTP_TRANSPORT_SEQ_BYTES];
    struct rtp_extension elements[HEADER_EXTENSION_COUNT];
    uint8_t send_time[RTP_ABS_SEND_TIME_BYTES];
    uint8_t descriptor[SUBSCRIPTION_ELEMENTS_BYTES];
    size_t count = 0;
    size_t bytes = 0;
    *stamp_at = 0;
    if (stamped) { /* first, so that its place is known */
        elements[count++] = (struct rtp_extension){ids[HEADER_EXTENSION_TRANSPORT_CC],
                                                   bytes_of(no_number, sizeof no_number)};
        bytes += 2 + sizeof no_number;
    }
    if (ids[HEADER_EXTENSION_MID] != 0) {
        elements[count] =
            (struct rtp_extension){ids[HEADER_EXTENSION_MID], bytes_of_string(s->mid)};
        bytes += 2 + elements[count++].data.size;
    }
    if (ids[HEADER_EXTENSION_ABS_SEND_TIME] != 0) {
        rtp_extension_store_abs_send_time(send_time, send_time_24);
        elements[count++] = (struct rtp_extension){ids[HEADER_EXTENSION_ABS_SEND_TIME],
                                                   bytes_of(send_time, sizeof send_time)};
        bytes += 2 + sizeof send_time;
    }
    for (size_t i = 0; i < COUNT_OF(passed_on); i++) {
        struct bytes data;
        if (ids[passed_on[i]] == 0 || !find_passed_on(s, packet, passed_on[i], &data) ||
            bytes + 2 + data.size > SUBSCRIPTION_ELEMENTS_BYTES)
            continue;
        if (passed_on[i] == HEADER_EXTENSION_DEPENDENCY_DESCRIPTOR && packet->frame_shift != 0)
            data = shift_frame(descriptor, data, packet->frame_shift);
        elements[count++] = (struct rtp_extension){ids[passed_on[i]], data};
        bytes += 2 + data.size;
    }
    uint16_t profile = 0;
    struct writer w =
        writer_of((struct bytes_mut){out + RTP_EXTENSION_HEADER_BYTES,
                                     SUBSCRIPTION_EXTENSIONS_BYTES - RTP_EXTENSION_HEADER_BYTES});
    if (count == 0 || rtp_extension_write(&w, elements, count, &profile) != STATUS_OK)
        return 0;
    if (stamped)
        *stamp_at = (uint8_t)(RTP_EXTENSION_HEADER_BYTES +
                              (profile == RTP_EXTENSION_PROFILE_ONE_BYTE ? 1 : 2));
    store_u16(out, profile);
    store_u16(out + 2, (uint16_t)(writer_size(&w) / 4));
    return RTP_EXTENSION_HEADER_BYTES + writer_size(&w);
}

size_t subscription_write_extensions(const struct subscription *s, usec_t now,
                                     const struct media_packet *packet, const uint8_t *ids,
                                     uint8_t out[SUBSCRIPTION_EXTENSIONS_BYTES], uint8_t *stamp_at)
{
    return write_extensions(s, s->is_metered && s->can_stamp, rtp_abs_send_time_of(now), packet,
                            ids, out, stamp_at);
}

size_t subscription_write_extensions_again(const struct subscription *s,
                                           const struct repeat *repeat,
                                           const struct media_packet *packet, const uint8_t *ids,
                                           uint8_t out[SUBSCRIPTION_EXTENSIONS_BYTES],
                                           uint8_t *stamp_at)
{
    return write_extensions(s, repeat->is_stamped, repeat->send_time, packet, ids, out, stamp_at);
}
