#include "relay/core/downlink.h"

#include "relay/core/downlink_pace.h"
#include "relay/core/downlink_voice.h"
#include "relay/core/shard_private.h"

#define SCREEN_BPS 2500000u /* what a screen may take at its bursts */
#define CAMERA_BPS 1000000u
#define VOICE_BPS 100000u
#define ENOUGH_PERCENT 120  /* of what is wanted: then it is left alone */
#define ASSUMED_PERCENT 130 /* of what is wanted: of a line that nothing is known of */
#define WATCH_US SECONDS(3)
#define CALM_US SECONDS(2)         /* since the last reduction, before pacing ends */
#define REPORT_CALM_US SECONDS(20) /* where reports alone speak */
#define SILENT_US SECONDS(3)       /* without any report: left alone */
#define REPORT_START_BPS 4000000   /* of those who give no transport-wide feedback */
#define TROUBLE_US SECONDS(10)     /* a poor line is remembered so long */
#define TROUBLE_NACKS 10
#define FINISH_US SECONDS(1) /* of the line's time for the rest of a key frame */
#define PACKET_BYTES 1200
#define NACKS_US MILLISECONDS(500)
#define ALLOCATE_US MILLISECONDS(500)
#define ALLOCATE_AGAIN_US MILLISECONDS(100) /* not more often */
#define BEGIN_US MILLISECONDS(600)          /* until the first answers have said how wide it is */
#define SHORT_QUEUE_US SECONDS(60)          /* it is paced for so long, however wide it is */
#define LATE_LOSS_SHARE 0.005 /* lost while nothing waits; more, and no screen comes late */

static bool is_video(const struct subscription *s)
{
    return room_slot_kind(s->slot) == MEDIA_KIND_VIDEO;
}

static uint64_t share_of(uint64_t bps, unsigned percent)
{
    return bps * percent / 100;
}

static struct publication *source_of(const struct participant *p, const struct subscription *s)
{
    struct publication *publication = shard_source_of(s);
    return publication != NULL && publication->ref.participant != p->id ? publication : NULL;
}

/* --- Life */

enum status downlink_create(struct participant *p)
{
    bool numbers = false;
    bool video = false;
    bool padding = false;
    for (size_t i = 0; i < p->subscription_count; i++) {
        video = video || is_video(&p->subscriptions[i]);
        padding = padding || (is_video(&p->subscriptions[i]) && p->subscriptions[i].rtx_ssrc != 0);
        numbers = numbers || (is_video(&p->subscriptions[i]) && p->subscriptions[i].can_stamp);
    }
    if (!video)
        return STATUS_OK;
    p->downlink = calloc(1, sizeof *p->downlink);
    if (p->downlink == NULL)
        return STATUS_NO_MEMORY;
    struct bwe_config config = bwe_config_default();
    if (!numbers)
        config.start_bps = REPORT_START_BPS;
    CHECK(bwe_init(&p->downlink->bwe, &config) == STATUS_OK);
    if (!numbers)
        bwe_expect_reports(&p->downlink->bwe);
    p->downlink->bwe.probe.lacks_padding = !padding;
    p->downlink->can_number = p->downlink->has_numbers = numbers;
    p->downlink->next_at = USEC_NEVER;
    return STATUS_OK;
}

void downlink_free(struct participant *p)
{
    if (p->downlink != NULL)
        bwe_end_numbers(&p->downlink->bwe);
    free(p->downlink);
    p->downlink = NULL;
}

static bool is_in_trouble(const struct downlink *d, usec_t now)
{
    return d->trouble_at != 0 && now - d->trouble_at < TROUBLE_US;
}

static usec_t watched_until(const struct downlink *d)
{
    usec_t until = d->state_at + WATCH_US;
    return d->trouble_at != 0 ? usec_max(until, d->trouble_at + TROUBLE_US) : until;
}

/* --- States */

static void set_metered(struct participant *p, bool metered)
{
    for (size_t i = 0; i < p->subscription_count; i++) {
        p->subscriptions[i].is_metered = metered;
        p->subscriptions[i].picture_end = (struct picture_end){0};
    }
}

static const struct layer_target everything = {LAYER_LIVE, 0, LAYER_ALL};

/* Until something is known of the line. Behind one that seems very narrow the last encoding is
 * asked for at once: what of the best one has left until that comes is for nothing. */
static struct layer_target first_target(const struct downlink *d, const struct allocator_stream *s)
{
    struct layer_target target = everything;
    if (s->class == ALLOCATOR_SCREEN && downlink_pace_awaits_train(d))
        target.encoding = bitrate_allocator_get_last(s);
    return target;
}

/* What each subscription gets of the estimate. */
static void allocate(struct shard_core *c, usec_t now, struct participant *p, struct tx_batch *tx)
{
    struct downlink *d = p->downlink;
    struct allocator_stream streams[ALLOCATOR_STREAMS_MAX];
    struct layer_target targets[ALLOCATOR_STREAMS_MAX];
    size_t count = p->subscription_count < ALLOCATOR_STREAMS_MAX ? p->subscription_count
                                                                 : ALLOCATOR_STREAMS_MAX;
    /* A step down lasts for seconds: neither a first guess nor a line that is cut may cause one. */
    bool is_known =
        (now >= d->allocate_from || d->bwe.cut_at >= d->state_at) && d->bwe.heard_bps == 0;
    if (is_known)
        downlink_voice_choose(now, p);
    downlink_voice_limit(p);
    for (size_t i = 0; i < count; i++) {
        thinning_describe(&p->subscriptions[i], now, &streams[i]);
        /* Reports alone make it grow too slowly, and lost voice needs room to come again. */
        streams[i].may_be_late = d->has_numbers && d->bwe.loss.quiet < LATE_LOSS_SHARE;
    }
    d->allocated_at = now;
    for (size_t i = 0; !is_known && i < count; i++)
        targets[i] = first_target(d, &streams[i]);
    if (is_known)
        bitrate_allocator_run(&d->allocator, now, (uint32_t)bwe_get_estimate(&d->bwe), streams,
                              count, targets);
    for (size_t i = 0; i < count; i++) {
        struct subscription *s = &p->subscriptions[i];
        s->comes_late = is_known && bitrate_allocator_is_late(&d->allocator, i, now);
        (void)thinning_set_target(c, now, s, targets[i], is_video(s), tx);
    }
}

static void stop_thinning(struct shard_core *c, usec_t now, struct participant *p,
                          struct tx_batch *tx)
{
    for (size_t i = 0; i < p->subscription_count; i++) {
        p->subscriptions[i].comes_late = false;
        (void)thinning_set_target(c, now, &p->subscriptions[i], everything, false, tx);
    }
}

static void set_state(struct shard_core *c, usec_t now, struct participant *p,
                      enum downlink_state state, const char *reason, struct tx_batch *tx)
{
    static const char *const names[DOWNLINK_STATE_COUNT] = {"free", "watched", "paced"};
    struct downlink *d = p->downlink;
    if (d->state == state || (d->state == DOWNLINK_FREE && bwe_begin_numbers(&d->bwe) != STATUS_OK))
        return;
    log_debug(&c->log, "downlink", "participant=%llu from=%s to=%s estimate_bps=%llu reason=%s",
              (unsigned long long)p->id, names[d->state], names[state],
              (unsigned long long)bwe_get_estimate(&d->bwe), reason);
    if (d->state == DOWNLINK_FREE)
        bwe_handle_resume(&d->bwe, now, d->queue_us);
    d->numbered_count += d->state == DOWNLINK_FREE;
    d->paced_count += state == DOWNLINK_PACED;
    d->state = state;
    d->state_at = now;
    d->had_queue = false;
    downlink_pace_begin(d, now);
    d->is_beginning = d->is_beginning && state == DOWNLINK_PACED;
    set_metered(p, state != DOWNLINK_FREE);
    if (state == DOWNLINK_PACED) {
        bitrate_allocator_init(&d->allocator);
        d->allocate_from = now + (d->is_beginning ? BEGIN_US : 0);
        allocate(c, now, p, tx);
    } else {
        downlink_voice_limit(p);
        downlink_voice_make_whole(p);
        stop_thinning(c, now, p, tx);
    }
    if (state == DOWNLINK_FREE)
        bwe_end_numbers(&d->bwe);
    d->next_at = state == DOWNLINK_PACED ? now : USEC_NEVER;
}

uint64_t downlink_wanted_bps(const struct participant *p)
{
    uint64_t wanted = 0;
    for (size_t i = 0; i < p->subscription_count; i++) {
        const struct subscription *s = &p->subscriptions[i];
        if (is_video(s) && source_of(p, s) != NULL)
            wanted += s->slot == ROOM_SLOT_SCREEN ? SCREEN_BPS : CAMERA_BPS;
    }
    return wanted > 0 ? wanted + VOICE_BPS : 0;
}

/* Everything goes out, and nothing waits. */
static bool is_at_live_edge(const struct participant *p, usec_t now)
{
    struct allocator_stream streams[ALLOCATOR_STREAMS_MAX];
    size_t count = p->subscription_count < ALLOCATOR_STREAMS_MAX ? p->subscription_count
                                                                 : ALLOCATOR_STREAMS_MAX;
    for (size_t i = 0; i < count; i++) {
        thinning_describe(&p->subscriptions[i], now, &streams[i]);
        if (streams[i].lag_us > 0)
            return false;
    }
    return bitrate_allocator_is_whole(&p->downlink->allocator, streams, count);
}

/* Long paced, and never an answer: it cannot be judged, or by its reports alone. */
static void note_silence(struct downlink *d, usec_t now)
{
    if (d->bwe.feedback_at != 0 || now - d->state_at < SILENT_US)
        return;
    d->has_numbers = false;
    d->is_mute = d->report_at == 0;
}

/* Nothing speaks against the line, and its answers are those to what was sent. */
static bool has_begun_well(const struct downlink *d, usec_t now)
{
    return now - d->state_at >= BEGIN_US && d->bwe.feedback_at > d->state_at &&
           d->bwe.sends.waiting_bytes < DOWNLINK_BEGIN_BYTES / 4;
}

/* Bursts that it would carry in a moment are lost at the end of its queue when they come at once.
 */
static bool has_short_queue(const struct downlink *d, usec_t now)
{
    return d->bwe.overflowed_at != 0 && now - d->bwe.overflowed_at < SHORT_QUEUE_US;
}

static void leave_paced(struct shard_core *c, usec_t now, struct participant *p, uint64_t wanted,
                        struct tx_batch *tx)
{
    struct downlink *d = p->downlink;
    note_silence(d, now);
    if (d->is_mute || (!d->has_numbers && d->trouble_at == 0)) {
        set_state(c, now, p, DOWNLINK_FREE, "no_feedback", tx);
        return;
    }
    if (wanted > 0 && has_short_queue(d, now))
        return;
    usec_t calm_us = d->has_numbers ? CALM_US : REPORT_CALM_US;
    if (wanted > 0 && (!bwe_is_proven(&d->bwe, share_of(wanted, ENOUGH_PERCENT)) ||
                       (d->bwe.cut_at != 0 && now - d->bwe.cut_at < calm_us)))
        return;
    if ((!d->is_beginning || has_begun_well(d, now)) && is_at_live_edge(p, now))
        set_state(c, now, p, DOWNLINK_WATCHED, "proven", tx);
}

/* Of its line nothing is known: it is taken to carry everything. The first picture goes out fast,
 * but no more of it at once than the first answers can catch up with. */
static void begin(struct shard_core *c, usec_t now, struct participant *p, struct tx_batch *tx)
{
    p->downlink->is_beginning = true;
    p->downlink->answers_fast = false;
    p->downlink->narrow_bps = transport_get_narrow_bps(p->transport);
    p->downlink->round_us = transport_get_handshake_round_us(p->transport);
    p->downlink->doubt_bps = transport_get_doubt_bps(p->transport);
    bwe_expect_narrow(&p->downlink->bwe, p->downlink->doubt_bps,
                      transport_get_bare_round_us(p->transport));
    log_debug(&c->log, "downlink_begins", "participant=%llu narrow_bps=%llu doubt_bps=%llu",
              (unsigned long long)p->id, (unsigned long long)p->downlink->narrow_bps,
              (unsigned long long)p->downlink->doubt_bps);
    set_state(c, now, p, DOWNLINK_PACED, "begins", tx);
}

void downlink_update(struct shard_core *c, usec_t now, struct participant *p, struct tx_batch *tx)
{
    struct downlink *d = p->downlink;
    uint64_t wanted = downlink_wanted_bps(p);
    bool begins = d->state == DOWNLINK_FREE && d->has_numbers && wanted > 0 &&
                  !bwe_is_proven(&d->bwe, wanted);
    bool is_poor = d->bwe.cut_at != 0;
    if (begins && !is_poor)
        bwe_assume(&d->bwe, now, share_of(wanted, ASSUMED_PERCENT));
    bwe_set_wanted(&d->bwe, now, wanted);
    switch (d->state) {
    case DOWNLINK_PACED:
        if (d->bwe.cut_at >= d->state_at)
            d->is_beginning = false;
        leave_paced(c, now, p, wanted, tx);
        if (d->state == DOWNLINK_PACED && now - d->allocated_at >= ALLOCATE_AGAIN_US)
            allocate(c, now, p, tx);
        return;
    case DOWNLINK_WATCHED:
        if (bwe_get_estimate(&d->bwe) < share_of(wanted, DOWNLINK_SHORT_PERCENT))
            set_state(c, now, p, DOWNLINK_PACED, "short", tx);
        else if (wanted > 0 && has_short_queue(d, now))
            set_state(c, now, p, DOWNLINK_PACED, "short_queue", tx);
        else if (now >= watched_until(d))
            set_state(c, now, p, DOWNLINK_FREE, "calm", tx);
        return;
    case DOWNLINK_FREE:
        if (begins && is_poor)
            set_state(c, now, p, DOWNLINK_PACED, "unproven", tx);
        else if (begins)
            begin(c, now, p, tx);
        return;
    case DOWNLINK_STATE_COUNT:
        return;
    }
}

void downlink_start(struct shard_core *c, usec_t now, struct participant *p, struct tx_batch *tx)
{
    struct downlink *d = p->downlink;
    if (d == NULL || !p->connected)
        return;
    if (d->state_at == 0)
        d->state_at = now;
    if (!d->can_number && bwe_get_rtt_min(&d->bwe) == 0) {
        usec_t round_us = transport_get_handshake_round_us(p->transport);
        bwe_note_rtt(&d->bwe, now, round_us);
        burst_probe_note_round(&d->burst, round_us);
    }
    if (d->report_at == 0 && d->sent_from == 0)
        d->sent_from = now;
    downlink_update(c, now, p, tx);
    if (d->state == DOWNLINK_PACED)
        downlink_handle_timeout(c, now, p, tx);
    shard_arm_timer(c, now, p); /* what goes out next waits for no packet of its own */
}

void downlink_note_storm(struct shard_core *c, usec_t now, struct participant *p,
                         struct tx_batch *tx)
{
    p->downlink->trouble_at = now;
    p->downlink->is_beginning = false;
    if (downlink_wanted_bps(p) > 0)
        set_state(c, now, p, DOWNLINK_PACED, "storm", tx);
    downlink_update(c, now, p, tx);
}

void downlink_note_trouble(struct shard_core *c, usec_t now, struct participant *p,
                           const char *reason, struct tx_batch *tx)
{
    struct downlink *d = p->downlink;
    d->trouble_at = now;
    if (d->state == DOWNLINK_FREE && downlink_wanted_bps(p) > 0)
        set_state(c, now, p, DOWNLINK_WATCHED, reason, tx);
}

/* --- What it is given */

bool downlink_has_thin_voices(const struct participant *p, usec_t now)
{
    return p->downlink != NULL && now < p->downlink->thin_until;
}

bool downlink_is_last_only(const struct participant *p, usec_t now)
{
    return p->downlink != NULL && now < p->downlink->last_only_until;
}

uint32_t downlink_get_patience(const struct participant *p)
{
    return p->downlink == NULL ? 0
                               : (uint32_t)(bwe_get_estimate(&p->downlink->bwe) / 8 * FINISH_US /
                                            1000000 / PACKET_BYTES);
}

bool downlink_is_poor(const struct participant *p, usec_t now)
{
    const struct downlink *d = p->downlink;
    return d != NULL && (d->state == DOWNLINK_PACED || (!d->has_numbers && is_in_trouble(d, now)));
}

/* --- What it says */

void downlink_handle_twcc(struct shard_core *c, usec_t now, struct participant *p,
                          const struct rtcp_twcc *feedback, struct tx_batch *tx)
{
    struct downlink *d = p->downlink;
    if (d == NULL || !p->connected)
        return;
    d->has_numbers = d->can_number; /* should it have been slow to begin */
    d->is_mute = false;
    if (d->state == DOWNLINK_FREE) { /* about a single packet now and then: no measurement */
        d->bwe.sends.has_feedback = true;
        delivery_handle_feedback(&p->delivery, now, feedback);
        return;
    }
    bwe_handle_twcc(&d->bwe, now, feedback);
    downlink_pace_handle_answer(d, now);
    downlink_voice_note_loss(now, p);
    stream_head_resend_lost(c, now, p, tx);
    if (d->bwe.answered_at != 0)
        delivery_handle_answer(&p->delivery, d->bwe.answered_at);
    downlink_update(c, now, p, tx);
    picture_end_resend_lost(c, now, p, tx);
    downlink_pace_go_on(c, now, p, tx);
}

void downlink_handle_nack(struct shard_core *c, usec_t now, struct participant *p, size_t packets,
                          size_t first, struct tx_batch *tx)
{
    struct downlink *d = p->downlink;
    if (d != NULL && !d->has_numbers)
        downlink_note_missing(c, now, p, first, tx);
    if (d == NULL || d->state != DOWNLINK_FREE)
        return;
    if (now - d->nacks_at > NACKS_US) {
        d->nacks_at = now;
        d->nacks = 0;
    }
    d->nacks += (uint32_t)packets;
    if (d->nacks >= TROUBLE_NACKS)
        downlink_note_trouble(c, now, p, "nacks", tx);
}

/* Before anything that is too much for it is sent. */
void downlink_note_narrow(struct shard_core *c, usec_t now, struct participant *p, uint64_t bps,
                          struct tx_batch *tx)
{
    bwe_note_width(&p->downlink->bwe, now, bps);
    set_state(c, now, p, DOWNLINK_PACED, "narrow", tx);
    downlink_pace_go_on(c, now, p, tx);
}

void downlink_note_wide(struct shard_core *c, usec_t now, struct participant *p,
                        struct tx_batch *tx)
{
    struct downlink *d = p->downlink;
    if (d->state != DOWNLINK_PACED)
        return;
    log_debug(&c->log, "downlink_wide", "participant=%llu estimate_bps=%llu",
              (unsigned long long)p->id, (unsigned long long)bwe_get_estimate(&d->bwe));
    bwe_note_wide(&d->bwe, now);
    bitrate_allocator_end_hold(&d->allocator);
    downlink_update(c, now, p, tx);
    downlink_pace_go_on(c, now, p, tx);
}

/* --- Time */

void downlink_handle_timeout(struct shard_core *c, usec_t now, struct participant *p,
                             struct tx_batch *tx)
{
    struct downlink *d = p->downlink;
    if (d == NULL || !p->connected)
        return;
    if (d->state != DOWNLINK_FREE)
        bwe_handle_timeout(&d->bwe, now);
    downlink_update(c, now, p, tx);
    downlink_pace_go_on(c, now, p, tx);
}

static usec_t selectors_next_timeout(const struct participant *p)
{
    usec_t next = USEC_NEVER;
    for (size_t i = 0; i < p->subscription_count; i++) {
        if (p->subscriptions[i].is_paced)
            next = usec_min(next, thinning_next_timeout_of(&p->subscriptions[i]));
    }
    return next;
}

usec_t downlink_next_timeout(const struct participant *p, usec_t now)
{
    const struct downlink *d = p->downlink;
    if (d == NULL || !p->connected || d->state == DOWNLINK_FREE)
        return USEC_NEVER;
    usec_t next = bwe_next_timeout(&d->bwe, now);
    if (d->state == DOWNLINK_PACED)
        next = usec_min(next, usec_min(selectors_next_timeout(p), d->allocated_at + ALLOCATE_US));
    else
        next = usec_min(next, watched_until(d));
    if (d->bwe.probe.state == BWE_PROBE_RUNNING && !d->bwe.probe.lacks_padding)
        next = usec_min(next, now + 1000);
    return usec_min(next, d->next_at);
}
