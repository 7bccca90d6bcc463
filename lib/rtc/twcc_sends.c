#include "rtc/twcc_sends.h"

#include <stdlib.h>

#define OVERTAKERS 2        /* may follow each other */
#define CLOCK_US SECONDS(1) /* so far back is another clock */

/* Given up: before what a feedback begins with, and none spoke of it. A receiver never reports what
 * was lost before the first packet that it got; later on the feedback was lost, or comes late. */
enum state {
    STATE_NONE,
    STATE_WAITING,
    STATE_GIVEN_UP,
    STATE_LOST,
    STATE_ARRIVED,
    STATE_REPEATED /* lost, and not reported as that yet */
};

static struct twcc_send *send_of(struct twcc_sends *s, uint64_t number)
{
    return &s->ring[number % TWCC_SENDS_MAX];
}

static void stop_waiting(struct twcc_sends *s, struct twcc_send *send, enum state state)
{
    if (send->state == STATE_WAITING)
        s->waiting_bytes -= send->bytes;
    send->state = (uint8_t)state;
}

enum status twcc_sends_open(struct twcc_sends *s)
{
    if (s->ring == NULL)
        s->ring = calloc(TWCC_SENDS_MAX, sizeof *s->ring);
    return s->ring != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

void twcc_sends_close(struct twcc_sends *s)
{
    free(s->ring);
    s->ring = NULL;
    s->waiting_bytes = 0;
}

uint16_t twcc_sends_note(struct twcc_sends *s, usec_t now, size_t bytes, uint8_t cluster)
{
    CHECK(s->ring != NULL);
    struct twcc_send *send = send_of(s, s->count);
    stop_waiting(s, send, STATE_NONE);
    *send = (struct twcc_send){.at = (uint32_t)now,
                               .bytes = (uint16_t)(bytes < UINT16_MAX ? bytes : UINT16_MAX),
                               .cluster = cluster,
                               .state = STATE_WAITING};
    s->waiting_bytes += send->bytes;
    return (uint16_t)s->count++;
}

uint16_t twcc_sends_skip(struct twcc_sends *s)
{
    CHECK(s->ring == NULL);
    return (uint16_t)s->count++;
}

void twcc_sends_forget(struct twcc_sends *s)
{
    for (size_t i = 0; s->ring != NULL && i < TWCC_SENDS_MAX; i++)
        stop_waiting(s, &s->ring[i], STATE_NONE);
}

/* The number of 16 bits that lies nearest below the next one to be given out. */
static bool find_number(const struct twcc_sends *s, uint16_t seq, uint64_t *number)
{
    uint64_t behind = (uint16_t)((uint16_t)s->count - seq);
    if (s->ring == NULL || behind == 0 || behind > TWCC_SENDS_MAX || behind > s->count)
        return false;
    *number = s->count - behind;
    return true;
}

enum twcc_sent twcc_sends_find(const struct twcc_sends *s, uint16_t seq)
{
    uint64_t number;
    if (!find_number(s, seq, &number))
        return TWCC_SENT_UNKNOWN;
    switch ((enum state)s->ring[number % TWCC_SENDS_MAX].state) {
    case STATE_WAITING:
        return TWCC_SENT_WAITING;
    case STATE_LOST:
        return TWCC_SENT_LOST;
    case STATE_GIVEN_UP:
        return number < s->first_told ? TWCC_SENT_LOST : TWCC_SENT_UNKNOWN;
    case STATE_ARRIVED:
        return TWCC_SENT_ARRIVED;
    case STATE_NONE:
    case STATE_REPEATED:
        break;
    }
    return TWCC_SENT_UNKNOWN;
}

void twcc_sends_note_repeat(struct twcc_sends *s, uint16_t seq)
{
    uint64_t number;
    if (!find_number(s, seq, &number))
        return;
    struct twcc_send *send = send_of(s, number);
    if (send->state == STATE_LOST)
        send->state = STATE_NONE;
    else if (send->state == STATE_WAITING || send->state == STATE_GIVEN_UP)
        stop_waiting(s, send, STATE_REPEATED);
}

/* It is not on the way any more: who waited for its answer would wait for good. */
static void give_up_before(struct twcc_sends *s, uint16_t base_seq)
{
    uint64_t base;
    if (!find_number(s, base_seq, &base))
        return;
    uint64_t oldest = s->count > TWCC_SENDS_MAX ? s->count - TWCC_SENDS_MAX : 0;
    for (uint64_t n = s->given_up > oldest ? s->given_up : oldest; n < base; n++) {
        if (send_of(s, n)->state == STATE_WAITING)
            stop_waiting(s, send_of(s, n), STATE_GIVEN_UP);
    }
    s->given_up = s->given_up > base ? s->given_up : base;
}

/* Peers count their feedback from 0 on: the first that is heard may not be the first. */
static void note_first(struct twcc_sends *s, const struct rtcp_twcc *feedback)
{
    uint64_t base;
    if (!s->has_feedback && feedback->feedback_count == 0 &&
        find_number(s, feedback->base_seq, &base))
        s->first_told = base;
    s->has_feedback = true;
}

struct twcc_fates twcc_sends_iterate(struct twcc_sends *s, usec_t now,
                                     const struct rtcp_twcc *feedback)
{
    note_first(s, feedback);
    give_up_before(s, feedback->base_seq);
    return (struct twcc_fates){.sends = s, .statuses = rtcp_twcc_iterate(feedback), .now = now};
}

/* Times on the wire wrap; two that follow each other lie less than half a wrap apart. */
static usec_t unwrap_arrival(struct twcc_sends *s, usec_t on_wire)
{
    if (!s->has_arrival) {
        s->has_arrival = true;
        s->arrival_unwrapped = on_wire;
    } else {
        usec_t step = (on_wire - s->arrival_on_wire) % RTCP_TWCC_WRAP_US;
        if (step > RTCP_TWCC_WRAP_US / 2)
            step -= RTCP_TWCC_WRAP_US;
        else if (step < -RTCP_TWCC_WRAP_US / 2)
            step += RTCP_TWCC_WRAP_US;
        s->arrival_unwrapped += step;
    }
    s->arrival_on_wire = on_wire;
    return s->arrival_unwrapped;
}

static bool note_overtaking(struct twcc_sends *s, const struct twcc_fate *fate)
{
    bool is_earlier = fate->arrival < s->latest_arrival;
    if (!is_earlier || s->latest_arrival - fate->arrival > CLOCK_US)
        s->latest_arrival = fate->arrival;
    for (uint64_t n = fate->number; n > 0 && fate->number - n < OVERTAKERS; n--)
        if (send_of(s, n - 1)->state == STATE_LOST)
            return true;
    return is_earlier;
}

bool twcc_fates_next(struct twcc_fates *f, struct twcc_fate *out)
{
    struct rtcp_twcc_status status;
    while (rtcp_twcc_next(&f->statuses, &status)) {
        uint64_t number;
        bool lost = status.arrival == RTCP_TWCC_LOST;
        if (!find_number(f->sends, status.seq, &number))
            continue;
        struct twcc_send *send = send_of(f->sends, number);
        bool is_repeated = send->state == STATE_REPEATED;
        bool is_news = send->state == STATE_WAITING || send->state == STATE_GIVEN_UP ||
                       is_repeated || (send->state == STATE_LOST && !lost);
        if (!is_news)
            continue;
        lost = lost || is_repeated;
        *out =
            (struct twcc_fate){.number = number,
                               .sent_at = f->now - (usec_t)(uint32_t)((uint32_t)f->now - send->at),
                               .arrival = lost ? 0 : unwrap_arrival(f->sends, status.arrival),
                               .bytes = send->bytes,
                               .cluster = send->cluster,
                               .lost = lost,
                               .was_lost = send->state == STATE_LOST};
        stop_waiting(f->sends, send, is_repeated ? STATE_NONE : lost ? STATE_LOST : STATE_ARRIVED);
        out->may_overtake = !lost && note_overtaking(f->sends, out);
        return true;
    }
    return false;
}
