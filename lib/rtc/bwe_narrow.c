#include "rtc/bwe_private.h"

#define PAIRS_SHARE 0.5
#define PAIRS_NARROW_BPS 600000
#define FIRST_BYTES 600 /* what is smaller has room at the end of a queue */
#define FIRST_BYTES_MOST 1200
#define FIRST_LOST 3 /* of the first packets, and more than half */
#define FIRST_MAX 40
#define FIRST_BPS_MIN 150000 /* a datagram of the handshake that was lost makes it less */
#define FIRST_SHARE 0.7
#define ANSWER_US SECONDS(1)       /* until what had left before has been heard of */
#define LONG_QUEUE_US 100000       /* shows itself by its delay: growth may go on until it does */
#define SHORT_QUEUE_US SECONDS(60) /* it is remembered so long */

uint64_t bwe_narrower(uint64_t found_bps, uint64_t bps)
{
    return bps > 0 && (found_bps == 0 || bps < found_bps) ? bps : found_bps;
}

/* Far below the estimate: what is near it is for the others to find out. */
static uint64_t find_by_pairs(struct bwe *b, const struct twcc_fate *fate)
{
    uint64_t narrow = at_most(share_of(b->estimate_bps, PAIRS_SHARE), PAIRS_NARROW_BPS);
    return bwe_pairs_handle_arrival(&b->pairs, fate->number, fate->sent_at, fate->arrival,
                                    fate->bytes, narrow);
}

/* Of it some have come, and more were lost than any line loses that is not full. */
static uint64_t find_by_overflow(struct bwe *b, const struct twcc_fate *fate)
{
    return bwe_overflow_handle_fate(&b->overflow, fate->sent_at, fate->arrival, fate->bytes,
                                    fate->lost, (usec_t)b->delay.jitter_us);
}

static uint64_t find_by_drops(struct bwe *b, const struct twcc_fate *fate)
{
    struct bwe_drops_fate drop = {fate->number, fate->sent_at, fate->arrival, fate->bytes,
                                  fate->lost};
    return b->delay.has_base
               ? bwe_drops_handle_fate(&b->drops, &drop, b->delay.base_us, bwe_get_jitter(b))
               : 0;
}

/* Those that are missing are lost where this one came as late as behind a full queue, but for the
 * time that a large one takes itself; else it has passed them. */
static void count_missing(struct bwe *b, usec_t delay_us, usec_t arrival)
{
    usec_t itself_us = FIRST_BYTES_MOST * 8 * SECONDS(1) / (usec_t)b->train.expected_bps;
    usec_t later_us = arrival - b->first_sent_at - b->first_least_us + itself_us;
    if (b->first_most_us == 0 || later_us >= (b->first_most_us - b->first_least_us) / 2) {
        b->first_heard += b->first_missing;
        b->first_lost += b->first_missing;
    }
    b->first_missing = 0;
    bool is_only = b->first_most_us == 0;
    b->first_least_us = is_only ? delay_us : usec_min(b->first_least_us, delay_us);
    b->first_most_us = is_only ? delay_us : usec_max(b->first_most_us, delay_us);
}

/* What was expected of the line explains that most of the first packets are lost: its queue has no
 * room for them. */
static uint64_t find_by_first(struct bwe *b, const struct twcc_fate *fate)
{
    bool is_large = fate->bytes >= FIRST_BYTES;
    if (b->train.expected_bps < FIRST_BPS_MIN || b->first_heard >= FIRST_MAX)
        return 0;
    if (fate->lost && is_large && b->first_missing < FIRST_MAX) {
        b->first_missing++;
        b->first_sent_at = fate->sent_at;
    }
    if (fate->lost)
        return 0;
    count_missing(b, fate->arrival - fate->sent_at, fate->arrival);
    b->first_heard += is_large;
    if (b->first_lost < FIRST_LOST || 2 * b->first_lost <= b->first_heard)
        return 0;
    b->first_heard = FIRST_MAX;
    return share_of(b->train.expected_bps, FIRST_SHARE);
}

uint64_t bwe_find_narrow(struct bwe *b, usec_t now, const struct twcc_fate *fate)
{
    if (bwe_delay_get_queue_us(&b->delay) > LONG_QUEUE_US)
        b->long_at = now;
    uint64_t pairs_bps = fate->lost ? 0 : find_by_pairs(b, fate);
    if (fate->was_lost)
        return pairs_bps;
    uint64_t end_bps = bwe_narrower(find_by_overflow(b, fate), find_by_drops(b, fate));
    end_bps = bwe_narrower(end_bps, find_by_first(b, fate));
    if (end_bps > 0)
        b->overflowed_at = now;
    return bwe_narrower(pairs_bps, end_bps);
}

bool bwe_is_before_overflow(const struct bwe *b, usec_t now, usec_t sent_at)
{
    return b->overflowed_at != 0 && sent_at < b->overflowed_at &&
           now - b->overflowed_at < ANSWER_US;
}

static bool is_recent(usec_t at, usec_t now)
{
    return at != 0 && now - at < SHORT_QUEUE_US;
}

uint64_t bwe_growth_top(const struct bwe *b, usec_t now)
{
    uint64_t carries_bps = bwe_drops_get_rate(&b->drops);
    return is_recent(b->overflowed_at, now) && !is_recent(b->long_at, now) && carries_bps > 0
               ? share_of(carries_bps, PROBE_SHARE)
               : UINT64_MAX;
}
