/* Trains and feedback about them in any order, with numbers that wrap: what is found is below what
 * is called narrow, and never more than a train's packets are on the way at once. */
#include "base/check.h"
#include "relay/core/line_width.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void send(struct line_width *w, usec_t now, uint16_t *number, uint8_t choice)
{
    line_width_expect(w, choice % 7 == 0 ? 1000u * choice : w->thought_bps);
    size_t packets = line_width_wants_packets(w, now, MILLISECONDS(choice));
    CHECK(packets <= LINE_WIDTH_TRAIN_MAX);
    if (packets == 0)
        return;
    line_width_begin(w, now);
    for (size_t i = 0; i < packets + choice % 3; i++)
        line_width_note_packet(w, (*number)++, 100 + choice);
    *number = (uint16_t)(*number + choice % 2); /* another packet's in between */
    line_width_end(w);
    CHECK(w->count <= LINE_WIDTH_TRAIN_MAX);
    CHECK(line_width_wants_packets(w, now, 0) == 0 || w->count < 2);
}

static void hear(struct line_width *w, struct bytes text)
{
    struct rtcp_iterator it = rtcp_iterate(text);
    struct rtcp_packet packet;
    struct rtcp_twcc twcc;
    while (rtcp_next(&it, &packet) == STATUS_OK) {
        if (rtcp_parse_twcc(&packet, &twcc) != STATUS_OK)
            continue;
        uint64_t narrow_bps = line_width_handle_feedback(w, &twcc);
        CHECK(narrow_bps < LINE_WIDTH_NARROW_BPS);
        CHECK(w->thought_bps == 0 || narrow_bps == 0);
        CHECK(w->thought_bps != 0 || !w->is_wide);
    }
}

/* What an honest receiver would say, `step` apart. */
static void hear_of(struct line_width *w, usec_t step)
{
    usec_t arrivals[LINE_WIDTH_TRAIN_MAX];
    uint8_t out[RTCP_TWCC_WRITE_BYTES];
    struct writer to = writer_of((struct bytes_mut){out, sizeof out});
    for (size_t i = 0; i < w->count; i++)
        arrivals[i] = SECONDS(1) + (usec_t)i * step;
    if (w->count > 0 && rtcp_write_twcc(&to, 1, 2, 3, w->first_number, arrivals, w->count) > 0)
        hear(w, bytes_const(writer_written(&to)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    struct line_width w = {0};
    uint16_t number = 0xfff0;
    usec_t now = SECONDS(1); /* 0 is never */
    while (!r.failed) {
        uint8_t what = read_u8(&r), choice = read_u8(&r);
        now += MILLISECONDS(choice) * 4;
        if (what % 4 == 0)
            hear(&w, read_bytes(&r, choice));
        else if (what % 4 == 1)
            hear_of(&w, (usec_t)what * 200);
        else
            send(&w, now, &number, choice);
    }
    return 0;
}
