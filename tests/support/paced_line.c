#include "support/paced_line.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

enum kind { KIND_VOICE, KIND_VIDEO, KIND_PADDING, KIND_FEEDBACK };

struct tag {
    uint8_t flow, kind;
    uint16_t number;
    usec_t sent_at;
};

void paced_line_init(struct paced_line *l, uint64_t seed, size_t flows,
                     const struct link_config *down)
{
    *l = (struct paced_line){
        .now = SECONDS(1), .flow_count = flows, .trace = getenv("TRACE") != NULL};
    CHECK(link_model_create(&l->down, seed) == STATUS_OK);
    CHECK(link_model_create(&l->up, seed + 1) == STATUS_OK);
    struct link_config up = link_config_default();
    up.delay_us = down->delay_us;
    up.loss = 0.02;
    CHECK(link_model_set_config(l->up, l->now, &up) == STATUS_OK);
    paced_line_set(l, down);
    for (size_t i = 0; i < flows; i++) {
        struct paced_flow *f = &l->flows[i];
        struct bwe_config config = bwe_config_default();
        CHECK(bwe_init(&f->bwe, &config) == STATUS_OK);
        CHECK(bwe_begin_numbers(&f->bwe) == STATUS_OK);
        f->has_feedback = true;
        f->voice_late_us = down->delay_us + 100000;
        f->credit_at = l->now;
        f->voice_at = l->now + (usec_t)(seed * 7919 % 20) * 1000;
        f->report_at = l->now + SECONDS(1);
    }
}

void paced_line_destroy(struct paced_line *l)
{
    for (size_t i = 0; i < l->flow_count; i++)
        bwe_end_numbers(&l->flows[i].bwe);
    link_model_free(l->down);
    link_model_free(l->up);
}

void paced_line_set(struct paced_line *l, const struct link_config *down)
{
    CHECK(link_model_set_config(l->down, l->now, down) == STATUS_OK);
}

static unsigned second_of(const struct paced_line *l)
{
    unsigned second = (unsigned)(l->now / SECONDS(1)) - 1;
    CHECK(second < PACED_SECONDS_MAX);
    return second;
}

static void send(struct paced_line *l, struct paced_flow *f, enum kind kind, size_t bytes)
{
    uint8_t packet[LINK_PACKET_BYTES_MAX] = {0};
    struct tag tag = {.flow = (uint8_t)(f - l->flows), .kind = (uint8_t)kind, .sent_at = l->now};
    if (f->has_feedback)
        tag.number = bwe_handle_send(&f->bwe, l->now, bytes);
    f->report_sent++;
    f->second_sent[second_of(l)] += bytes;
    memcpy(packet, &tag, sizeof tag);
    link_model_handle_packet(l->down, l->now, bytes_of(packet, bytes));
    f->credit -= (double)bytes;
    if (kind == KIND_PADDING)
        f->padding_bytes += (double)bytes;
}

/* What relay/core does for a paced learner: voice at once, video as the estimate allows. */
static void send_due(struct paced_line *l, struct paced_flow *f)
{
    bwe_handle_timeout(&f->bwe, l->now);
    f->credit -= (double)bwe_take_debt(&f->bwe);
    struct bwe_pace pace = bwe_get_pace(&f->bwe, l->now);
    f->credit += (double)pace.rate_bps / 8e6 * (double)(l->now - f->credit_at);
    f->credit_at = l->now;
    double most = (double)pace.rate_bps / 8e6 * 5000;
    f->credit = f->credit > most ? most : f->credit;
    if (l->now >= f->voice_at) {
        f->voice_at += PACED_VOICE_US;
        f->voices_sent++;
        send(l, f, KIND_VOICE, PACED_VOICE_BYTES);
    }
    while (pace.rate_bps > 0 && f->credit > 0 &&
           (f->backlog > 0 || (pace.is_probe && !f->lacks_padding))) {
        bool has_video = f->backlog > 0;
        send(l, f, has_video ? KIND_VIDEO : KIND_PADDING, has_video ? PACED_VIDEO_BYTES : 280);
        if (has_video && f->backlog != INT64_MAX)
            f->backlog -= PACED_VIDEO_BYTES;
        pace = bwe_get_pace(&f->bwe, l->now);
    }
}

static void note_arrival(struct paced_line *l, const struct tag *tag, size_t bytes)
{
    struct paced_flow *f = &l->flows[tag->flow];
    usec_t delay = l->now - tag->sent_at;
    f->report_arrived++;
    f->second_bytes[second_of(l)] += bytes;
    if (tag->kind == KIND_VOICE) {
        f->voices_arrived++;
        f->voices_late += delay > f->voice_late_us;
        f->voice_delay_max = usec_max(f->voice_delay_max, delay);
    }
    if (f->has_feedback)
        twcc_arrivals_handle_packet(&f->arrivals, l->now + SECONDS(5000), tag->number);
    f->rtt_us = delay + link_model_config(l->up)->delay_us;
}

static void receive(struct paced_line *l)
{
    struct bytes packet;
    struct tag tag;
    while (link_model_poll_packet(l->down, l->now, &packet)) {
        memcpy(&tag, packet.data, sizeof tag);
        note_arrival(l, &tag, packet.size);
    }
}

static void give_feedback(struct paced_line *l, struct paced_flow *f)
{
    uint8_t memory[RTCP_TWCC_WRITE_BYTES + 100];
    uint8_t flow = (uint8_t)(f - l->flows);
    for (;;) {
        struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
        write_u8(&w, flow);
        if (!twcc_arrivals_write_due(&f->arrivals, l->now + SECONDS(5000), &w, 1, 2))
            return;
        link_model_handle_packet(l->up, l->now, bytes_const(writer_written(&w)));
    }
}

static void take_feedback(struct paced_line *l)
{
    struct bytes data;
    while (link_model_poll_packet(l->up, l->now, &data)) {
        struct rtcp_iterator it = rtcp_iterate(bytes_of(data.data + 1, data.size - 1));
        struct rtcp_packet packet;
        struct rtcp_twcc twcc;
        CHECK(rtcp_next(&it, &packet) == STATUS_OK);
        CHECK(rtcp_parse_twcc(&packet, &twcc) == STATUS_OK);
        bwe_handle_twcc(&l->flows[data.data[0]].bwe, l->now, &twcc);
    }
}

static void report(struct paced_line *l, struct paced_flow *f)
{
    uint32_t lost = f->report_sent > f->report_arrived ? f->report_sent - f->report_arrived : 0;
    uint32_t permille = f->report_sent > 0 ? lost * 1000 / f->report_sent : 0;
    unsigned last = second_of(l) - 1;
    f->report_at += SECONDS(1);
    const struct bwe_report heard = {.loss_permille = permille,
                                     .likely_permille = permille,
                                     .least_permille = permille,
                                     .rtt_us = f->rtt_us,
                                     .sent_bps = f->second_sent[last] * 8};
    bwe_handle_report(&f->bwe, l->now, &heard);
    f->report_sent = f->report_arrived = 0;
}

static void trace(const struct paced_line *l)
{
    for (size_t i = 0; i < l->flow_count; i++) {
        const struct paced_flow *f = &l->flows[i];
        const struct bwe *b = &f->bwe;
        fprintf(
            stderr,
            "%6.2f flow %zu estimate %6.0f k queue %5.1f ms jitter %4.1f ms probe %d overuses %u "
            "loss cuts %u starved %u probes %u/%u link queue max %.0f ms\n",
            (double)l->now / 1e6 - 1, i, (double)b->estimate_bps / 1e3,
            (double)bwe_delay_get_queue_us(&b->delay) / 1e3, b->delay.jitter_us / 1e3,
            b->probe.state, b->stats.overuses, b->stats.loss_cuts, b->stats.starvations,
            b->stats.probes_passed, b->stats.probes,
            (double)link_model_stats(l->down)->queue_us_max / 1e3);
    }
}

void paced_line_run(struct paced_line *l, usec_t us)
{
    for (usec_t until = l->now + us; l->now < until; l->now += 1000) {
        receive(l);
        take_feedback(l);
        for (size_t i = 0; i < l->flow_count; i++) {
            struct paced_flow *f = &l->flows[i];
            send_due(l, f);
            if (f->has_feedback)
                give_feedback(l, f);
            else if (l->now >= f->report_at)
                report(l, f);
        }
        if (l->trace && l->now % 100000 == 0)
            trace(l);
    }
}

uint64_t paced_line_rate(const struct paced_line *l, size_t flow, unsigned from, unsigned to)
{
    uint64_t bytes = 0;
    for (unsigned i = from; i < to; i++)
        bytes += l->flows[flow].second_bytes[i];
    return bytes * 8 / (to - from);
}
