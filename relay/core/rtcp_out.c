/* What we report and ask for: to publishers receiver reports, NACK, key-frame requests and
 * transport-wide feedback; to receivers a sender report per slot. */
#include "relay/core/shard_private.h"

#include "rtc/receive_stats.h"
#include "wire/rtcp_feedback.h"

#define CNAME "amphi"
#define REPORT_VIDEO_US SECONDS(1)
#define REPORT_AUDIO_US SECONDS(2)
#define REPORT_TOGETHER_US MILLISECONDS(500)
#define SENDER_REPORT_BYTES 64 /* at most, with its source description */
#define REPORT_RECEIVER_US SECONDS(1)
/* Whoever is sent nothing else hears this, so that silence means a broken way: a page looks for
 * another one after 1.2 s (client-demo/web/way_watch.js). Never longer apart than twice this. */
#define SIGN_OF_LIFE_US MILLISECONDS(400)
#define COMPOUND_BYTES_MAX 1200
#define NACKS_AT_ONCE 256

/* RTCP has no payload to reference: it is sealed from the entry's header, or handed on in pieces
 * that fit. */
static void send_compound(usec_t now, struct participant *p, struct tx_batch *tx, struct bytes data)
{
    tx_batch_add_sealed_rtcp(tx, now, p->handle.index, data);
}

struct compound {
    uint8_t data[COMPOUND_BYTES_MAX + TRANSPORT_SEAL_BYTES];
    struct writer w;
};

static void begin(struct compound *b)
{
    b->w = writer_of((struct bytes_mut){b->data, COMPOUND_BYTES_MAX});
}

static void end(usec_t now, struct participant *p, struct compound *b, struct tx_batch *tx)
{
    if (!b->w.failed && writer_size(&b->w) > 0)
        send_compound(now, p, tx, bytes_const(writer_written(&b->w)));
}

static void send_nacks(const struct shard_core *c, usec_t now, struct participant *p,
                       struct publication_encoding *e, struct publication_stream *stream,
                       struct tx_batch *tx)
{
    uint64_t due[NACKS_AT_ONCE];
    uint16_t seqs[NACKS_AT_ONCE];
    size_t given_up;
    size_t count = nack_generator_take_due(e->nack, now, p->rtt_us, due, NACKS_AT_ONCE, &given_up);
    if (given_up > 0 && stream->clock_rate == 90000)
        stream->wants_key_frame = true;
    if (now < c->overload_until)
        return;
    for (size_t i = 0; i < count; i++)
        seqs[i] = (uint16_t)due[i];
    for (size_t done = 0; done < count;) {
        struct compound b;
        begin(&b);
        size_t written = rtcp_write_nack(&b.w, p->ssrc, e->ssrc, seqs + done, count - done);
        if (written == 0 || b.w.failed)
            return;
        end(now, p, &b, tx);
        done += written;
    }
}

static void send_receiver_report(usec_t now, struct participant *p, struct tx_batch *tx)
{
    struct rtcp_report report = {.ssrc = p->ssrc};
    for (size_t slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        for (size_t e = 0; p->publications[slot] != NULL && e < CONTROL_ENCODINGS_MAX; e++) {
            struct publication_encoding *encoding = &p->publications[slot]->encodings[e];
            if (encoding->received.started && report.block_count < RTCP_COUNT_MAX)
                receive_stats_take_block(&encoding->received, now, encoding->ssrc,
                                         &report.blocks[report.block_count++]);
        }
    }
    if (report.block_count == 0)
        return;
    struct compound b;
    begin(&b);
    rtcp_write_report(&b.w, &report);
    rtcp_write_sdes(&b.w, p->ssrc, bytes_of_string(CNAME));
    end(now, p, &b, tx);
}

static void send_sign_of_life(usec_t now, struct participant *p, struct tx_batch *tx)
{
    uint64_t sent = tx_batch_get_bytes(tx, p->handle.index);
    p->sign_at = now + SIGN_OF_LIFE_US;
    if (sent == p->sent_at_sign) {
        struct rtcp_report report = {.ssrc = p->ssrc};
        struct compound b;
        begin(&b);
        rtcp_write_report(&b.w, &report);
        rtcp_write_sdes(&b.w, p->ssrc, bytes_of_string(CNAME));
        end(now, p, &b, tx);
    }
    p->sent_at_sign = tx_batch_get_bytes(tx, p->handle.index);
}

/* The source's clock, shifted as the slot's timestamps are: voice and screen of one publisher stay
 * in sync. Without a report from the publisher: the moment of the last packet. */
static void write_sender_report(const struct shard_core *c, usec_t now,
                                const struct subscription *s, struct compound *b)
{
    struct publication *publication = shard_source_of(s);
    const struct publication_stream *stream =
        publication != NULL ? publication_find_stream(publication, s->source_serial) : NULL;
    struct rtcp_report report = {.ssrc = s->ssrc, .has_sender_info = true};
    report.sender.packet_count = (uint32_t)s->packets_sent;
    report.sender.octet_count = (uint32_t)s->bytes_sent;
    uint64_t ntp_now = ntp_of_usec(c->config.ntp_at_zero, now);
    uint64_t ntp;
    uint32_t source_timestamp = s->last_timestamp - s->timestamp_offset;
    if (stream != NULL && publication_find_ntp(stream, source_timestamp, &ntp)) {
        /* Carried on from the last packet to this moment, so that the report's NTP time is now. */
        int64_t ahead = (int64_t)(ntp_now - ntp);
        int64_t ticks = (ahead >> 16) * (int64_t)s->clock_rate >> 16;
        report.sender.ntp = ntp_now;
        report.sender.rtp_timestamp = s->last_timestamp + (uint32_t)ticks;
    } else {
        usec_t since = now - s->last_sent_at;
        report.sender.ntp = ntp_now;
        report.sender.rtp_timestamp =
            s->last_timestamp + (uint32_t)((uint64_t)since * s->clock_rate / 1000000u);
    }
    rtcp_write_report(&b->w, &report);
    rtcp_write_sdes(&b->w, s->ssrc, bytes_of_string(CNAME));
}

static bool reports_by(const struct subscription *s, usec_t at)
{
    return s->started && s->source_serial != 0 && s->report_at <= at;
}

/* In one datagram, with those that are due soon: from then on they are due together. */
static void send_sender_reports(struct shard_core *c, usec_t now, struct participant *p,
                                struct tx_batch *tx)
{
    struct compound b;
    bool is_due = false;
    for (size_t i = 0; i < p->subscription_count && !is_due; i++)
        is_due = reports_by(&p->subscriptions[i], now);
    if (!is_due)
        return;
    begin(&b);
    for (size_t i = 0; i < p->subscription_count; i++) {
        struct subscription *s = &p->subscriptions[i];
        if (!reports_by(s, now + REPORT_TOGETHER_US))
            continue;
        bool video = room_slot_kind(s->slot) == MEDIA_KIND_VIDEO;
        s->report_at = now + (video ? REPORT_VIDEO_US : REPORT_AUDIO_US);
        if (COMPOUND_BYTES_MAX - writer_size(&b.w) < SENDER_REPORT_BYTES) {
            end(now, p, &b, tx);
            begin(&b);
        }
        write_sender_report(c, now, s, &b);
    }
    end(now, p, &b, tx);
}

void rtcp_send_burst_report(struct shard_core *c, usec_t now, struct participant *p,
                            struct tx_batch *tx)
{
    for (size_t i = 0; i < p->subscription_count; i++)
        p->subscriptions[i].report_at = now;
    send_sender_reports(c, now, p, tx);
    for (size_t i = 0; i < p->subscription_count; i++)
        if (p->subscriptions[i].started)
            p->subscriptions[i].report_at = now + BURST_PROBE_WAIT_US;
    uint64_t ntp = ntp_of_usec(c->config.ntp_at_zero, now);
    burst_probe_note_report(&p->downlink->burst, now, (uint32_t)(ntp >> 16));
}

static void send_transport_feedback(usec_t now, struct participant *p, struct tx_batch *tx)
{
    uint32_t media_ssrc = 0;
    for (size_t slot = 0; slot < SEND_SLOT_COUNT && media_ssrc == 0; slot++)
        media_ssrc = p->publications[slot] != NULL ? p->publications[slot]->encodings[0].ssrc : 0;
    struct compound b;
    begin(&b);
    while (twcc_arrivals_write_due(p->arrivals, now, &b.w, p->ssrc, media_ssrc)) {
        end(now, p, &b, tx);
        begin(&b);
    }
}

static void stop_silent(struct shard_core *c, usec_t now, struct publication *publication)
{
    if (!publication->active || publication->ref.source != SEND_SLOT_MIC ||
        now - publication->active_at < PUBLICATION_SILENT_US)
        return;
    publication->active = false;
    struct shard_message *m = shard_reserve(c, c->config.shard_count, SHARD_PUBLICATION);
    if (m == NULL)
        return;
    m->publication.ref = publication->ref;
    m->publication.codec = publication_main(publication)->codec;
    shard_commit(c, c->config.shard_count);
}

void rtcp_send_due(struct shard_core *c, usec_t now, struct participant *p, struct tx_batch *tx)
{
    if (!p->connected)
        return;
    for (size_t slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        struct publication *publication = p->publications[slot];
        if (publication == NULL || !publication_is_heard(publication))
            continue;
        for (size_t e = 0; e < CONTROL_ENCODINGS_MAX; e++) {
            if (publication->encodings[e].nack != NULL)
                send_nacks(c, now, p, &publication->encodings[e], &publication->streams[e], tx);
            if (publication->streams[e].wants_key_frame && publication->slots != 0 &&
                publication_is_wanted(publication, e))
                forwarder_request_key_frame(c, now, publication, (uint32_t)e, tx);
        }
        thinning_tell_demand(c, now, publication);
        stop_silent(c, now, publication);
    }
    if (p->arrivals != NULL)
        send_transport_feedback(now, p, tx);
    if (now >= p->report_at) {
        p->report_at = now + REPORT_RECEIVER_US;
        send_receiver_report(now, p, tx);
    }
    send_sender_reports(c, now, p, tx);
    thinning_handle_timeout(c, now, p, tx);
    if (now >= p->sign_at)
        send_sign_of_life(now, p, tx);
    shard_watch_delivery(c, now, p, tx);
}

usec_t rtcp_next_report(const struct participant *p)
{
    return p->connected ? usec_min(p->report_at, p->sign_at) : USEC_NEVER;
}

usec_t rtcp_next_timeout(const struct participant *p)
{
    if (!p->connected)
        return USEC_NEVER;
    usec_t next = USEC_NEVER;
    for (size_t slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        const struct publication *publication = p->publications[slot];
        bool is_heard = publication != NULL && publication_is_heard(publication);
        if (is_heard)
            next = usec_min(next, publication_next_key_frame_request(publication));
        for (size_t e = 0; is_heard && e < CONTROL_ENCODINGS_MAX; e++) {
            const struct nack_generator *nack = publication->encodings[e].nack;
            if (nack != NULL)
                next = usec_min(next, nack_generator_next_timeout(nack));
        }
    }
    if (p->arrivals != NULL)
        next = usec_min(next, twcc_arrivals_next_timeout(p->arrivals));
    if (p->thinned > 0)
        next = usec_min(next, thinning_next_timeout(p));
    return next;
}

void rtcp_send_key_frame_request(struct shard_core *c, usec_t now, struct publication *publication,
                                 uint32_t encoding, struct tx_batch *tx)
{
    struct participant *p = shard_find_participant(c, publication->ref.participant);
    const struct publication_encoding *e = &publication->encodings[encoding];
    if (p == NULL || !p->connected || e->ssrc == 0)
        return;
    struct compound b;
    begin(&b);
    rtcp_write_pli(&b.w, p->ssrc, e->ssrc);
    c->stats.key_frame_requests++;
    end(now, p, &b, tx);
}
