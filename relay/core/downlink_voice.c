#include "relay/core/downlink_voice.h"

#include "relay/core/redundancy.h"
#include "relay/core/shard_private.h"

#define FULL_SHOWS_US SECONDS(1)
#define VOICE_PERCENT 30       /* of a narrow line, with its redundancy */
#define VOICE_LOSSY_PERCENT 65 /* of one that loses packets even when it is not full */
#define LOSSY_SHARE 0.015
#define VOICE_OWN_PERCENT 40 /* of one that loses a little even when it is empty: */
#define OWN_LOSS_SHARE 0.005 /* one packet more in each is heard instead of two losses in three */
#define LAST_ONLY_KEEP_US SECONDS(10)
#define BEGINS_US SECONDS(5)

/* Percent of the line. Voices that take more than `thin` come thin, and as they are spoken again
 * when they would take less than `whole` for so long; who would give them more than `last_only`, or
 * than `thin` in its first seconds (the first picture is a key frame, and the best encoding's takes
 * four times as long), gets of a screen the last encoding alone, until it would be less than `any`.
 */
struct shares {
    unsigned thin, whole, last_only, any;
    usec_t thin_us;
};
static const struct shares measured = {30, 24, 40, 26, SECONDS(4)};
/* By reports and REMB, which fall when less is sent. */
static const struct shares reported = {50, 38, 50, 38, SECONDS(10)};

static uint64_t share_of(uint64_t bps, unsigned percent)
{
    return bps * percent / 100;
}

/* What its voice comes from; NULL: nobody speaks there, or it carries no voice. */
static struct publication *voice_of(const struct participant *p, const struct subscription *s)
{
    if (room_slot_kind(s->slot) == MEDIA_KIND_VIDEO)
        return NULL;
    struct publication *publication = shard_source_of(s);
    return publication != NULL && publication->ref.participant != p->id ? publication : NULL;
}

static unsigned percent_of(const struct downlink *d)
{
    if (d->bwe.loss.background > LOSSY_SHARE && d->bwe.loss.quiet > LOSSY_SHARE)
        return VOICE_LOSSY_PERCENT;
    return bwe_drops_get_own_loss(&d->bwe.drops) > OWN_LOSS_SHARE ? VOICE_OWN_PERCENT
                                                                  : VOICE_PERCENT;
}

void downlink_voice_limit(struct participant *p)
{
    const struct downlink *d = p->downlink;
    bool is_known = d->state == DOWNLINK_PACED && (!d->is_beginning || d->narrow_bps > 0);
    uint64_t most_bps =
        share_of(d->is_beginning ? d->narrow_bps : bwe_get_estimate(&d->bwe), percent_of(d));
    for (size_t i = 0; i < p->subscription_count; i++) {
        struct subscription *s = &p->subscriptions[i];
        struct publication *source = voice_of(p, s);
        uint32_t bps[LAYER_TEMPORAL_MAX];
        s->redundancy_limit = 0;
        if (is_known && source != NULL &&
            layer_rates_get(&publication_main(source)->rates, bps) > 0)
            s->redundancy_limit = (uint8_t)(1 + redundancy_fit(bps[0], most_bps));
    }
}

/* Voices as they come, together, on its line: those that can be made thin. */
static uint64_t whole_voices_bps(const struct participant *p)
{
    uint64_t sum_bps = 0;
    for (size_t i = 0; i < p->subscription_count; i++) {
        const struct subscription *s = &p->subscriptions[i];
        struct publication *source =
            s->slot == ROOM_SLOT_SCREEN_AUDIO || !s->takes_long_voice ? NULL : voice_of(p, s);
        uint32_t bps[LAYER_TEMPORAL_MAX];
        if (source != NULL && layer_rates_get(&publication_main(source)->rates, bps) > 0)
            sum_bps += redundancy_line_bps(bps[0], 0);
    }
    return sum_bps;
}

static void set_thin_voices(struct participant *p, bool thin)
{
    for (size_t i = 0; i < p->subscription_count; i++)
        thin_voices_set(&p->subscriptions[i], thin);
}

void downlink_voice_choose(usec_t now, struct participant *p)
{
    struct downlink *d = p->downlink;
    const struct shares *shares = d->has_numbers ? &measured : &reported;
    uint64_t estimate_bps = bwe_get_estimate(&d->bwe), whole_bps = whole_voices_bps(p);
    bool is_thin = now < d->thin_until, is_last_only = now < d->last_only_until;
    if (whole_bps > share_of(estimate_bps, is_thin ? shares->whole : shares->thin))
        d->thin_until = now + shares->thin_us;
    bool begins = now - d->sent_from < BEGINS_US;
    unsigned last_only = is_last_only ? shares->any : begins ? shares->thin : shares->last_only;
    if (whole_bps > share_of(estimate_bps, last_only))
        d->last_only_until = now + LAST_ONLY_KEEP_US;
    set_thin_voices(p, now < d->thin_until);
}

void downlink_voice_make_whole(struct participant *p)
{
    p->downlink->thin_until = p->downlink->last_only_until = 0;
    set_thin_voices(p, false);
}

void downlink_voice_note_loss(usec_t now, struct participant *p)
{
    const struct downlink *d = p->downlink;
    if (d->state != DOWNLINK_WATCHED || now - d->state_at < FULL_SHOWS_US)
        return;
    uint32_t permille = (uint32_t)(d->bwe.loss.quiet * 1000);
    for (size_t i = 0; i < p->subscription_count; i++) {
        if (room_slot_kind(p->subscriptions[i].slot) != MEDIA_KIND_VIDEO)
            redundancy_handle_loss(&p->subscriptions[i], now, permille);
    }
}
