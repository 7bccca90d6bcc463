/* Bursts, reports and answers in any order, honest and not: no more is remembered than has room,
 * what was carried is never more than what was sent, and each report is answered once in a row. */
#include "base/bytes.h"
#include "base/check.h"
#include "relay/core/burst_probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void send(struct burst_probe *b, usec_t now, uint8_t choice)
{
    burst_probe_note_bytes(b, now, choice);
    burst_probe_note_paced(b, now, (size_t)choice * 8);
    burst_probe_note_rest(b, choice % 3 == 0);
    if (choice == 0xff)
        burst_probe_end(b);
}

static void report(struct burst_probe *b, usec_t now, uint32_t *middle, uint8_t choice)
{
    if (!burst_probe_wants_report(b, now, choice % 2 == 0))
        return;
    CHECK(b->bytes >= BURST_PROBE_BYTES_MIN);
    burst_probe_note_report(b, now, ++*middle);
    CHECK(b->report_count <= BURST_PROBE_REPORTS);
    CHECK(!burst_probe_wants_report(b, now, true)); /* nothing has left since */
}

/* What a block says of a report's time is the receiver's word: it may be any. */
static void answer(struct burst_probe *b, usec_t now, uint32_t middle, usec_t rtt_us)
{
    struct burst_answer out = {0};
    bool is_new = burst_probe_handle_block(b, middle, now - rtt_us, rtt_us, &out);
    CHECK(middle == 0 || burst_probe_has_seen(b, middle)); /* 0 names none */
    CHECK(out.carried_bps <= out.sent_bps);
    CHECK(!out.has_queue || is_new);
    CHECK(is_new || out.sent_bps == 0);
    CHECK(!burst_probe_handle_block(b, middle, now - rtt_us, rtt_us, &out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    struct burst_probe b = {0};
    uint32_t middle = 0;
    usec_t now = SECONDS(1); /* 0 is never */
    while (!r.failed) {
        uint8_t what = read_u8(&r), choice = read_u8(&r);
        now += (usec_t)(what >> 3) * 500;
        switch (what & 7) {
        case 0:
            answer(&b, now, read_u32(&r), (usec_t)read_u32(&r));
            break;
        case 1:
            answer(&b, now, middle - choice % 10, (usec_t)read_u16(&r) * 16);
            break;
        case 2:
            burst_probe_note_round(&b, (usec_t)choice * 1000);
            break;
        case 3:
            burst_probe_note_loss(&b);
            break;
        case 4:
            report(&b, now, &middle, choice);
            break;
        default:
            send(&b, now, choice);
            break;
        }
    }
    return 0;
}
