#include "relay/core/line_width.h"

#define ASK_US SECONDS(1)
#define ANSWER_US MILLISECONDS(500) /* and the round trip: until nothing more is waited for */
#define PAIR 2
#define DOUBT_BPS 600000 /* a pair is judged with less care: it only asks on */
#define LONG_TRAINS 2    /* that have to agree */
#define HEARD_MIN 4      /* of a long train */
#define EVEN_SHARE 3     /* no gap is less than this part of the mean one */
#define WIDE_FACTOR 3    /* as fast as it could not have brought them */

static usec_t given_up_at(const struct line_width *w, usec_t rtt_us)
{
    return w->sent_at + ANSWER_US + usec_min(rtt_us, ANSWER_US);
}

/* A train that was lost is sent again at once, but once only. */
static usec_t next_at(const struct line_width *w, usec_t rtt_us)
{
    if (w->sent_at == 0)
        return 0;
    if (w->thought_bps != 0 && w->wide_at != 0 && w->doubts == 0 && !w->is_out)
        return usec_max(w->sent_at + ASK_US, w->wide_at + LINE_WIDTH_REST_US);
    if (w->is_out && !w->is_again)
        return given_up_at(w, rtt_us);
    if (w->is_out || w->doubts == 0)
        return usec_max(w->sent_at + ASK_US, w->is_out ? given_up_at(w, rtt_us) : 0);
    return w->sent_at;
}

usec_t line_width_next_timeout(const struct line_width *w, usec_t rtt_us)
{
    return next_at(w, rtt_us);
}

void line_width_expect(struct line_width *w, uint64_t bps)
{
    if ((w->thought_bps == 0) != (bps == 0)) {
        w->doubts = 0;
        w->is_out = w->is_again = w->is_wide = false;
    }
    w->thought_bps = bps;
}

size_t line_width_wants_packets(const struct line_width *w, usec_t now, usec_t rtt_us)
{
    if (now < next_at(w, rtt_us))
        return 0;
    return w->doubts == 0 ? PAIR : LINE_WIDTH_TRAIN_MAX;
}

void line_width_begin(struct line_width *w, usec_t now)
{
    w->is_again = w->is_out && !w->is_again;
    w->is_open = true;
    w->is_out = false;
    w->sent_at = now;
    w->count = 0;
}

void line_width_note_packet(struct line_width *w, uint16_t number, size_t bytes)
{
    if (!w->is_open || w->count == LINE_WIDTH_TRAIN_MAX ||
        (w->count > 0 && number != (uint16_t)(w->first_number + w->count)))
        return;
    if (w->count == 0)
        w->first_number = number;
    w->bytes = (uint16_t)bytes;
    w->arrivals[w->count++] = RTCP_TWCC_LOST;
}

void line_width_end(struct line_width *w)
{
    w->is_open = false;
    w->is_out = w->count >= PAIR;
}

/* How fast they came, counted over those that are missing in between: they had their time on the
 * line. 0: unevenly, which says nothing. */
static uint64_t rate_of(const struct line_width *w)
{
    size_t first = 0, last = 0;
    usec_t least_us = USEC_NEVER;
    while (w->arrivals[first] == RTCP_TWCC_LOST)
        first++;
    last = first;
    for (size_t i = first + 1; i < w->count; i++) {
        if (w->arrivals[i] == RTCP_TWCC_LOST)
            continue;
        usec_t gap_us = (w->arrivals[i] - w->arrivals[last]) / (usec_t)(i - last);
        least_us = usec_min(least_us, gap_us);
        last = i;
    }
    usec_t spread_us = w->arrivals[last] - w->arrivals[first];
    usec_t mean_us = spread_us / (usec_t)(last - first);
    if (spread_us <= 0 || least_us < mean_us / EVEN_SHARE)
        return 0;
    return (uint64_t)w->bytes * 8 * (last - first) * 1000000 / (uint64_t)spread_us;
}

/* Enough of them have come. Of a narrow line it is no matter which, since its queue, when it is
 * full, takes no more than the first; that it is wide, the last one has to say. Else it counts as
 * lost. */
static bool is_complete(const struct line_width *w)
{
    size_t heard = 0;
    for (size_t i = 0; i < w->count; i++)
        heard += w->arrivals[i] != RTCP_TWCC_LOST;
    return (w->thought_bps == 0 || w->arrivals[w->count - 1] != RTCP_TWCC_LOST) &&
           heard >= (w->count > HEARD_MIN ? HEARD_MIN : w->count);
}

static bool is_drawn_out(const struct line_width *w)
{
    size_t first = 0;
    while (w->arrivals[first] == RTCP_TWCC_LOST)
        first++;
    usec_t spread_us = w->arrivals[w->count - 1] - w->arrivals[first];
    uint64_t bits = (uint64_t)w->bytes * 8 * (w->count - 1 - first);
    return spread_us < 0 || (uint64_t)spread_us * w->thought_bps * WIDE_FACTOR > bits * 1000000;
}

static void judge_wide(struct line_width *w)
{
    w->is_out = w->is_again = false;
    w->doubts = is_drawn_out(w) ? 0 : (uint8_t)(w->doubts + 1);
    if (w->doubts <= LONG_TRAINS)
        return;
    w->doubts = 0;
    w->is_wide = true;
}

/* Returns what was found, or 0. */
static uint64_t judge(struct line_width *w)
{
    bool is_pair = w->doubts == 0;
    uint64_t rate_bps = rate_of(w);
    uint64_t narrow_bps = is_pair ? DOUBT_BPS : LINE_WIDTH_NARROW_BPS;
    uint64_t most_bps = is_pair || rate_bps > w->rate_bps ? rate_bps : w->rate_bps;
    w->is_out = w->is_again = false;
    w->rate_bps = is_pair ? 0 : most_bps;
    w->doubts = rate_bps > 0 && rate_bps < narrow_bps ? (uint8_t)(w->doubts + 1) : 0;
    if (w->doubts <= LONG_TRAINS)
        return 0;
    w->doubts = 0;
    return most_bps;
}

uint64_t line_width_handle_feedback(struct line_width *w, const struct rtcp_twcc *feedback)
{
    struct rtcp_twcc_iterator it = rtcp_twcc_iterate(feedback);
    struct rtcp_twcc_status status;
    if (!w->is_out)
        return 0;
    while (rtcp_twcc_next(&it, &status)) {
        uint16_t place = (uint16_t)(status.seq - w->first_number);
        if (place < w->count && status.arrival != RTCP_TWCC_LOST)
            w->arrivals[place] = status.arrival;
    }
    if (!is_complete(w))
        return 0;
    if (w->thought_bps == 0)
        return judge(w);
    judge_wide(w);
    return 0;
}

bool line_width_take_wide(struct line_width *w, usec_t now)
{
    bool is_wide = w->is_wide;
    w->is_wide = false;
    w->wide_at = is_wide ? now : w->wide_at;
    return is_wide;
}
