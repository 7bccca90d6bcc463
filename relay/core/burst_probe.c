#include "relay/core/burst_probe.h"

#include <string.h>

#define PAUSE_US MILLISECONDS(60) /* longer: another burst */
#define SHADOW_US                                                                                  \
    MILLISECONDS(700)             /* a round trip that began so long behind one is no usual one    \
                                   */
#define QUEUE_US MILLISECONDS(20) /* a longer way than usual is a queue, */
#define QUEUE_DEVIATIONS 3        /* beyond what it trembles */
#define SMOOTHING 4
#define SAME_US MILLISECONDS(5) /* and of a round trip */
#define SAME_PART 20

void burst_probe_note_round(struct burst_probe *b, usec_t rtt_us)
{
    if (b->usual_us == 0)
        b->usual_us = rtt_us;
}

/* It lasts while something waits, however long that takes. */
static bool is_in_burst(const struct burst_probe *b, usec_t now)
{
    return b->began_at != 0 && (b->has_more || now - b->last_at <= PAUSE_US);
}

/* What is little makes no queue. */
static void leave(struct burst_probe *b)
{
    if (b->bytes >= BURST_PROBE_BYTES_MIN)
        b->before_at = b->last_at;
}

void burst_probe_note_paced(struct burst_probe *b, usec_t now, size_t bytes)
{
    if (!is_in_burst(b, now)) {
        leave(b);
        b->began_at = now;
        b->bytes = (uint32_t)bytes;
    }
    b->last_at = now;
}

void burst_probe_note_bytes(struct burst_probe *b, usec_t now, size_t bytes)
{
    if (is_in_burst(b, now))
        b->bytes += (uint32_t)bytes;
}

void burst_probe_end(struct burst_probe *b)
{
    leave(b);
    b->has_more = false;
    b->bytes = 0;
    b->began_at = 0;
}

void burst_probe_note_rest(struct burst_probe *b, bool has_more)
{
    b->has_more = has_more;
}

bool burst_probe_wants_report(const struct burst_probe *b, usec_t now, bool is_end)
{
    if (b->bytes < BURST_PROBE_BYTES_MIN || !is_in_burst(b, now))
        return false;
    if (b->reported_at < b->began_at)
        return true;
    bool is_more = b->bytes >= b->report_bytes + BURST_PROBE_BYTES_MIN &&
                   now - b->reported_at >= BURST_PROBE_APART_US;
    return is_more && (is_end || b->bytes >= 2 * b->report_bytes ||
                       now - b->reported_at >= BURST_PROBE_AGAIN_US);
}

void burst_probe_note_report(struct burst_probe *b, usec_t now, uint32_t middle)
{
    if (b->report_count == BURST_PROBE_REPORTS)
        memmove(b->reports, b->reports + 1, --b->report_count * sizeof b->reports[0]);
    b->reports[b->report_count++] = (struct burst_report){
        .middle = middle, .bytes = b->bytes, .began_at = b->began_at, .at = now};
    b->reported_at = now;
    b->report_bytes = b->bytes;
}

static usec_t distance(usec_t a, usec_t b)
{
    return a > b ? a - b : b - a;
}

/* One that is far longer came through a queue of which nothing is known, such as before the bursts
 * were counted; a second one just as long, when the queue has had its time to go, is the way. */
static void note_usual(struct burst_probe *b, usec_t rtt_us)
{
    usec_t far_us = b->usual_us + QUEUE_US + QUEUE_DEVIATIONS * b->deviation_us;
    bool is_far = b->usual_us > 0 && rtt_us > far_us;
    bool is_way =
        is_far && b->longer_us > 0 && distance(rtt_us, b->longer_us) < SAME_US + rtt_us / SAME_PART;
    b->longer_us = is_far && !is_way ? rtt_us : 0;
    if (is_way || b->usual_us == 0)
        b->usual_us = rtt_us;
    b->is_way = b->is_way || is_way;
    usec_t more_us = usec_min(rtt_us, usec_max(far_us, b->usual_us)) - b->usual_us;
    b->deviation_us += (distance(more_us, 0) - b->deviation_us) / SMOOTHING;
    b->usual_us += more_us / SMOOTHING;
}

void burst_probe_note_loss(struct burst_probe *b)
{
    b->longer_us = 0;
}

static bool is_in_shadow(const struct burst_probe *b, usec_t sent_at)
{
    bool of_this = b->bytes >= BURST_PROBE_BYTES_MIN && sent_at >= b->began_at &&
                   sent_at < b->last_at + SHADOW_US;
    return of_this || (b->before_at != 0 && sent_at < b->before_at + SHADOW_US);
}

static struct burst_answer answer_of(const struct burst_probe *b, const struct burst_report *r,
                                     usec_t rtt_us)
{
    usec_t queue_us = usec_max(rtt_us - b->usual_us, 0);
    bool has_queue = queue_us > QUEUE_US + QUEUE_DEVIATIONS * b->deviation_us;
    uint64_t bits = (uint64_t)r->bytes * 8;
    usec_t took_us = usec_max(r->at - r->began_at, 1000);
    uint64_t sent_bps = bits * 1000000 / (uint64_t)took_us;
    uint64_t carried_bps = bits * 1000000 / (uint64_t)(took_us + queue_us);
    return (struct burst_answer){sent_bps, has_queue ? carried_bps : sent_bps, has_queue};
}

/* What was sent until then has come: of a burst without an end the rest is looked at from there. */
static void go_on_from(struct burst_probe *b, const struct burst_report *until)
{
    const struct burst_report r = *until;
    for (size_t i = 0; i < b->report_count; i++) {
        struct burst_report *later = &b->reports[i];
        if (later->began_at != r.began_at || later->at <= r.at)
            continue;
        later->bytes -= r.bytes;
        later->began_at = r.at;
    }
    if (b->began_at != r.began_at)
        return;
    b->began_at = r.at;
    b->bytes -= r.bytes;
    b->report_bytes -= r.bytes;
}

void burst_probe_note_least(struct burst_probe *b, usec_t rtt_us)
{
    b->usual_us = usec_max(b->usual_us, rtt_us);
}

bool burst_probe_take_way(struct burst_probe *b)
{
    bool is_way = b->is_way;
    b->is_way = false;
    return is_way;
}

/* A handshake of which something was lost took long: any round trip shows that. */
static void note_shorter(struct burst_probe *b, usec_t rtt_us)
{
    if (rtt_us + QUEUE_US + QUEUE_DEVIATIONS * b->deviation_us < b->usual_us)
        b->usual_us = rtt_us;
}

bool burst_probe_handle_block(struct burst_probe *b, uint32_t middle, usec_t sent_at, usec_t rtt_us,
                              struct burst_answer *out)
{
    if (burst_probe_has_seen(b, middle))
        return false;
    b->seen = middle;
    note_shorter(b, rtt_us);
    for (size_t i = 0; i < b->report_count; i++) {
        if (b->reports[i].middle != middle)
            continue;
        bool says_much = b->usual_us > 0 && b->reports[i].bytes >= BURST_PROBE_BYTES_MIN;
        *out = says_much ? answer_of(b, &b->reports[i], rtt_us) : (struct burst_answer){0};
        if (says_much && !out->has_queue)
            go_on_from(b, &b->reports[i]);
        return true;
    }
    if (!is_in_shadow(b, sent_at))
        note_usual(b, rtt_us);
    return false;
}

bool burst_probe_has_seen(const struct burst_probe *b, uint32_t middle)
{
    return b->seen != 0 && (int32_t)(middle - b->seen) <= 0;
}
