/* A receiver asks for a key frame (PLI, FIR): how its stream stands, and what it gets for it
 * (wish_account.h). */
#include "relay/core/shard_private.h"

#define ARRIVES_US MILLISECONDS(300) /* between two packets of one key frame, at most */

static bool is_plain(const struct subscription *s, const struct publication_stream *main)
{
    return !s->is_thinned && !s->waiting_key_frame && s->source_serial != 0 &&
           s->source_serial == main->serial;
}

usec_t wishes_key_frame_at(const struct subscription *s, const struct publication *p)
{
    usec_t at = s->wishes != NULL ? s->wishes->key_frame_at : 0;
    const struct publication_stream *main = p != NULL ? &p->streams[p->main] : NULL;
    if (s->selector != NULL)
        at = usec_max(at, s->selector->key_frame_at);
    if (main != NULL && is_plain(s, main) && main->tail.has_key_frame &&
        main->tail.key_seq >= s->first_seq)
        at = usec_max(at, main->tail.key_frame_at);
    return at;
}

/* Who gets what comes, as it comes: the newest key frame has come to its end. */
static usec_t plain_ended_at(const struct publication_stream *main, usec_t now, usec_t begun_at)
{
    const struct retransmit_entry *newest =
        main->has_cache ? retransmit_cache_find(&main->cache, main->cache.highest) : NULL;
    bool is_coming = main->tail.has_key_frame && main->tail.timestamp == main->tail.key_timestamp &&
                     newest != NULL && now - newest->at < ARRIVES_US;
    return is_coming ? now : begun_at;
}

/* Who is thinned: the last one has been sent to its end, or what is read lies there. USEC_NEVER: it
 * waits for one, or there is one ahead. */
static usec_t thinned_ended_at(const struct subscription *s, struct publication *p, usec_t now)
{
    const struct layer_selector *l = s->selector;
    if (l->state == LAYER_WAITING || thinning_has_key_frame_ahead(s, p))
        return USEC_NEVER;
    return layer_selector_is_in_key_frame(l, now) ? now
                                                  : usec_max(l->placed_at, l->key_frame_ended_at);
}

/* Nothing lacks from the key frame on: else it would stand still at the same place again. */
static bool is_whole(const struct publication_stream *s)
{
    return s->come != NULL && s->tail.has_key_frame &&
           seq_window_count_missing(s->come, s->tail.key_seq - 1, s->cache.highest) == 0;
}

/* Its answers to numbers reach behind the key frame, and it asks for no packet: nothing of it is on
 * its way any more. */
static usec_t settled_at(const struct subscription *s, usec_t ended_at)
{
    const struct downlink *d = s->owner->downlink;
    usec_t rtt_us = s->owner->rtt_us, last_at = usec_max(ended_at, s->wishes->gap_at);
    bool has_answered = d != NULL && d->has_numbers && d->bwe.feedback_at > ended_at + rtt_us;
    usec_t at = ended_at + usec_max(WISH_SETTLE_US, 2 * rtt_us);
    return has_answered ? usec_min(at, last_at + WISH_ANSWERED_US + rtt_us) : at;
}

/* Its line may have been gone. */
static bool is_silent(const struct subscription *s, usec_t now)
{
    uint32_t since_ms = (uint32_t)(now / 1000) - s->reported_at_ms;
    return s->reported_at_ms != 0 && MILLISECONDS(since_ms) > WISH_SILENT_US;
}

void wishes_handle(struct shard_core *c, usec_t now, struct subscription *s, struct tx_batch *tx)
{
    struct publication *p = shard_source_of(s);
    if (p == NULL || p->ref.participant == s->owner_id || subscription_need_wishes(s) == NULL)
        return;
    struct wish wish = {.key_frame_at = wishes_key_frame_at(s, p)};
    uint8_t encoding = (uint8_t)p->main;
    usec_t ended_at = 0;
    if (s->is_thinned) {
        wish.can_replay = thinning_can_restart(s, p, &encoding);
        if (encoding >= CONTROL_ENCODINGS_MAX)
            return;
        wish.is_behind = thinning_lag(s, now) > 0;
        ended_at = thinned_ended_at(s, p, now);
    } else {
        wish.can_replay = s->has_payload_type && is_plain(s, publication_main(p)) &&
                          stream_tail_is_short(&publication_main(p)->tail, now);
        ended_at = plain_ended_at(publication_main(p), now, wish.key_frame_at);
    }
    if (ended_at != 0)
        wish.settled_at = ended_at == USEC_NEVER ? ended_at : settled_at(s, ended_at);
    wish.is_poor = downlink_is_poor(s->owner, now);
    wish.is_silent = is_silent(s, now);
    wish.can_replay = wish.can_replay && is_whole(&p->streams[encoding]);
    wish.is_wanted = p->streams[encoding].wants_key_frame;
    switch (wish_account_answer(s->wishes, now, &wish)) {
    case WISH_WAIT:
        return;
    case WISH_REPLAY:
        thinning_restart(c, now, s, tx);
        return;
    case WISH_RENEW:
        forwarder_request_key_frame(c, now, p, encoding, tx);
        if (s->is_thinned)
            thinning_restart(c, now, s, tx);
        return;
    case WISH_ASK:
        forwarder_request_key_frame(c, now, p, encoding, tx);
        return;
    }
}
