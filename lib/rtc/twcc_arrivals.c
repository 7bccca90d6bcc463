#include "rtc/twcc_arrivals.h"

static usec_t *arrival_of(struct twcc_arrivals *t, uint64_t seq)
{
    return &t->arrivals[seq % TWCC_ARRIVALS_MAX];
}

void twcc_arrivals_handle_packet(struct twcc_arrivals *t, usec_t now, uint16_t seq16)
{
    bool first = !t->unwrapper.started;
    uint64_t seq = seq_unwrapper_note(&t->unwrapper, seq16);
    if (first) {
        t->next = seq;
        t->highest = seq - 1;
    }
    if (seq < t->next)
        return; /* reported as lost already */
    if (seq > t->highest) {
        /* A jump past everything held: what lies between is not worth reporting. */
        if (seq - t->next >= TWCC_ARRIVALS_MAX) {
            t->next = seq;
            t->highest = seq - 1;
        }
        for (uint64_t lost = t->highest + 1; lost < seq; lost++)
            *arrival_of(t, lost) = RTCP_TWCC_LOST;
        t->highest = seq;
    }
    *arrival_of(t, seq) = now;
    if (!t->pending) {
        t->pending = true;
        t->feedback_at = usec_max(t->feedback_at, now);
    }
}

usec_t twcc_arrivals_next_timeout(const struct twcc_arrivals *t)
{
    return t->pending ? t->feedback_at : USEC_NEVER;
}

/* Writes about the numbers from `next` on; returns how many were covered, 0 when none of those in
 * reach of one packet arrived. */
static size_t write_from_next(struct twcc_arrivals *t, struct writer *w, uint32_t sender_ssrc,
                              uint32_t media_ssrc)
{
    usec_t arrivals[RTCP_TWCC_WRITE_MAX];
    size_t count = 0;
    while (count < RTCP_TWCC_WRITE_MAX && t->next + count <= t->highest) {
        arrivals[count] = *arrival_of(t, t->next + count);
        count++;
    }
    size_t covered = rtcp_write_twcc(w, sender_ssrc, media_ssrc, t->feedback_count,
                                     (uint16_t)t->next, arrivals, count);
    t->next += covered > 0 ? covered : count;
    return covered;
}

bool twcc_arrivals_write_due(struct twcc_arrivals *t, usec_t now, struct writer *w,
                             uint32_t sender_ssrc, uint32_t media_ssrc)
{
    if (!t->pending || now < t->feedback_at)
        return false;
    size_t covered = 0;
    while (covered == 0 && t->next <= t->highest)
        covered = write_from_next(t, w, sender_ssrc, media_ssrc);
    t->pending = t->next <= t->highest;
    if (!t->pending)
        t->feedback_at = now + TWCC_FEEDBACK_US;
    if (covered == 0 || w->failed)
        return false; /* the caller had no room: as if this feedback had been lost */
    t->feedback_count++;
    return true;
}
