#include "rtc/bwe_train.h"

#define SENT_GAP_US 4000 /* a packet that leaves later begins a new train */
#define GAP_BYTES 600    /* the time that less takes cannot be read well enough */
#define SHOWN_US 500000  /* so long what one has shown is true */
#define GAPS_MIN 3
#define DRAWN_OUT_US 6000 /* so much longer at the other end, at least */
#define EXPECTED_FACTOR 2
#define EXPECTED_BPS_MAX 150000 /* jitter brings two packets as far apart as a wider line does */
#define REFUTED_FACTOR 3 /* packets that came so much closer together did not come through that */
#define GAP_NONE 0.001   /* us a byte: at once */
#define EVEN_FACTOR 2.5  /* from the shortest gap to the longest: one lost packet in between */

static void begin(struct bwe_train *t, usec_t sent_at, usec_t arrival)
{
    *t = (struct bwe_train){.first_sent_at = sent_at,
                            .sent_at = sent_at,
                            .first_arrival = arrival,
                            .arrival = arrival,
                            .is_open = true,
                            .gap_least = t->gap_least,
                            .expected_bps = t->expected_bps,
                            .shown_at = t->shown_at,
                            .shown_bps = t->shown_bps};
}

static uint64_t rate_of(const struct bwe_train *t)
{
    return (uint64_t)t->bytes * 8 * 1000000 / (uint64_t)usec_max(t->arrival - t->first_arrival, 1);
}

bool bwe_train_is_expected(const struct bwe_train *t, uint64_t bps)
{
    return t->expected_bps <= EXPECTED_BPS_MAX && t->expected_bps * EXPECTED_FACTOR >= bps &&
           bps * EXPECTED_FACTOR >= t->expected_bps && t->expected_bps > 0;
}

/* Nothing that came before stands against it. */
static bool is_credible(const struct bwe_train *t)
{
    return bwe_train_is_expected(t, rate_of(t)) && t->gap_least * REFUTED_FACTOR >= t->gap_min;
}

static bool is_drawn_out(const struct bwe_train *t)
{
    usec_t arrived_us = t->arrival - t->first_arrival, sent_us = t->sent_at - t->first_sent_at;
    return (t->gaps >= GAPS_MIN || (t->expected_bps > 0 && is_credible(t))) &&
           arrived_us - sent_us >= DRAWN_OUT_US && t->gap_max <= EVEN_FACTOR * t->gap_min;
}

void bwe_train_handle_arrival(struct bwe_train *t, usec_t now, usec_t sent_at, usec_t arrival,
                              size_t bytes)
{
    if (!t->is_open || sent_at < t->sent_at || sent_at - t->sent_at > SENT_GAP_US) {
        begin(t, sent_at, arrival);
        return;
    }
    t->sent_at = sent_at;
    t->small_bytes += (uint32_t)bytes;
    if (t->small_bytes < GAP_BYTES)
        return;
    double gap = (double)(arrival - t->arrival) / (double)t->small_bytes;
    t->gap_min = t->gaps == 0 || gap < t->gap_min ? gap : t->gap_min;
    t->gap_max = t->gaps == 0 || gap > t->gap_max ? gap : t->gap_max;
    gap = gap > GAP_NONE ? gap : GAP_NONE;
    t->gap_least = t->gap_least == 0 || gap < t->gap_least ? gap : t->gap_least;
    t->gaps++;
    t->bytes += t->small_bytes;
    t->small_bytes = 0;
    t->arrival = arrival;
    if (is_drawn_out(t)) {
        t->shown_at = now;
        t->shown_bps = rate_of(t);
    }
}

uint64_t bwe_train_get_rate(const struct bwe_train *t, usec_t now)
{
    return t->shown_at != 0 && now - t->shown_at < SHOWN_US ? t->shown_bps : 0;
}
