/* Every RTCP parser over every packet of a compound; what was read is written and read again. */
#include "wire/rtcp_feedback.h"
#include "wire/rtcp_twcc.h"
#include "wire/rtcp_xr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SCRATCH_BYTES 4096

static struct rtcp_packet read_only_packet(const struct writer *w)
{
    struct rtcp_iterator it = rtcp_iterate(bytes_const(writer_written(w)));
    struct rtcp_packet packet;
    CHECK(!w->failed && rtcp_next(&it, &packet) == STATUS_OK && reader_left(&it.r) == 0);
    return packet;
}

static void try_report(const struct rtcp_packet *packet, struct writer w)
{
    struct rtcp_report report, again;
    if (rtcp_parse_report(packet, &report) != STATUS_OK)
        return;
    rtcp_write_report(&w, &report);
    struct rtcp_packet written = read_only_packet(&w);
    CHECK(rtcp_parse_report(&written, &again) == STATUS_OK);
    CHECK(memcmp(&report, &again, sizeof report) == 0);
}

static void try_descriptions(const struct rtcp_packet *packet, struct writer w)
{
    struct rtcp_sdes sdes;
    struct rtcp_bye bye;
    struct rtcp_xr xr;
    if (rtcp_parse_sdes(packet, &sdes) == STATUS_OK && sdes.chunk_count > 0)
        rtcp_write_sdes(&w, sdes.chunks[0].ssrc, sdes.chunks[0].cname);
    if (rtcp_parse_bye(packet, &bye) == STATUS_OK)
        rtcp_write_bye(&w, bye.ssrcs, bye.ssrc_count, bye.reason);
    if (rtcp_parse_xr(packet, &xr) == STATUS_OK)
        rtcp_write_xr_dlrr(&w, xr.ssrc, xr.dlrr, xr.dlrr_count);
    CHECK(!w.failed);
}

static void try_nack(const struct rtcp_packet *packet)
{
    struct rtcp_nack nack;
    uint16_t seqs[RTCP_NACK_SEQS_MAX];
    if (rtcp_parse_nack(packet, &nack) == STATUS_OK)
        CHECK(rtcp_nack_list(&nack, seqs, COUNT_OF(seqs)) >= nack.item_count);
}

static void try_requests(const struct rtcp_packet *packet, struct writer w)
{
    struct rtcp_pli pli;
    struct rtcp_fir fir;
    struct rtcp_remb remb, again;
    if (rtcp_parse_pli(packet, &pli) == STATUS_OK)
        CHECK(packet->body.size >= 8);
    if (rtcp_parse_fir(packet, &fir) == STATUS_OK)
        CHECK(fir.item_count <= RTCP_FIR_ITEMS_MAX);
    if (rtcp_parse_remb(packet, &remb) != STATUS_OK)
        return;
    rtcp_write_remb(&w, &remb);
    struct rtcp_packet written = read_only_packet(&w);
    CHECK(rtcp_parse_remb(&written, &again) == STATUS_OK);
    CHECK(again.rate_bps <= remb.rate_bps && again.ssrc_count == remb.ssrc_count);
}

static void write_twcc_again(const struct rtcp_twcc *twcc, const usec_t *arrivals, struct writer w)
{
    struct rtcp_twcc again;
    struct rtcp_twcc_status status;
    size_t covered = rtcp_write_twcc(&w, 1, 2, 3, twcc->base_seq, arrivals, twcc->status_count);
    if (covered == 0)
        return;
    struct rtcp_packet written = read_only_packet(&w);
    CHECK(rtcp_parse_twcc(&written, &again) == STATUS_OK && again.status_count == covered);
    struct rtcp_twcc_iterator it = rtcp_twcc_iterate(&again);
    for (size_t i = 0; i < covered; i++) {
        CHECK(rtcp_twcc_next(&it, &status));
        if (arrivals[i] == RTCP_TWCC_LOST || status.arrival == RTCP_TWCC_LOST)
            CHECK(arrivals[i] == status.arrival);
        else
            CHECK((arrivals[i] - status.arrival) % RTCP_TWCC_WRAP_US == 0);
    }
}

static void try_twcc(const struct rtcp_packet *packet, struct writer w)
{
    static usec_t arrivals[RTCP_TWCC_STATUSES_MAX];
    struct rtcp_twcc twcc;
    struct rtcp_twcc_status status;
    size_t count = 0;
    bool negative = false;
    if (rtcp_parse_twcc(packet, &twcc) != STATUS_OK)
        return;
    struct rtcp_twcc_iterator it = rtcp_twcc_iterate(&twcc);
    while (rtcp_twcc_next(&it, &status)) {
        CHECK(status.seq == (uint16_t)(twcc.base_seq + count));
        negative = negative || (status.arrival != RTCP_TWCC_LOST && status.arrival < 0);
        arrivals[count++] = status.arrival;
    }
    CHECK(count == twcc.status_count && !it.chunks.failed && !it.deltas.failed);
    if (!negative)
        write_twcc_again(&twcc, arrivals, w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t scratch[SCRATCH_BYTES];
    struct rtcp_packet packet;
    if (size > 1500)
        return 0;
    struct rtcp_iterator it = rtcp_iterate(bytes_of(data, size));
    while (rtcp_next(&it, &packet) == STATUS_OK) {
        struct writer w = writer_of((struct bytes_mut){scratch, sizeof scratch});
        try_report(&packet, w);
        try_descriptions(&packet, w);
        try_nack(&packet);
        try_requests(&packet, w);
        try_twcc(&packet, w);
    }
    return 0;
}
