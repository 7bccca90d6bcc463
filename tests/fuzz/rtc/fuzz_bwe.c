/* Sends, feedback made up by the peer, reports, REMB and time in any order: the estimate stays
 * within its bounds, nothing waits for ever, no arithmetic overflows. */
#include "rtc/bwe.h"

#include "base/check.h"
#include "wire/rtcp_feedback.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 4000

enum step {
    STEP_SEND,
    STEP_WAIT,
    STEP_FEEDBACK,
    STEP_ANSWER,
    STEP_REPORT,
    STEP_REMB,
    STEP_WANTED,
    STEP_RESUME,
    STEP_REPEAT,
    STEP_COUNT
};

static struct bwe b;
static usec_t now;

static void check_invariants(void)
{
    CHECK(b.estimate_bps >= b.config.min_bps && b.estimate_bps <= b.config.max_bps);
    CHECK(b.sends.waiting_bytes <= TWCC_SENDS_MAX * UINT16_MAX);
    CHECK(bwe_next_timeout(&b, now) > now);
    struct bwe_pace pace = bwe_get_pace(&b, now);
    CHECK(pace.rate_bps <= 1000000000u);
    CHECK(b.delay.jitter_us >= 0);
}

/* Any bytes as feedback. */
static void give_feedback(struct reader *r)
{
    struct rtcp_iterator it = rtcp_iterate(read_bytes(r, read_u8(r)));
    struct rtcp_packet packet;
    struct rtcp_twcc twcc;
    while (rtcp_next(&it, &packet) == STATUS_OK) {
        if (rtcp_parse_twcc(&packet, &twcc) == STATUS_OK)
            bwe_handle_twcc(&b, now, &twcc);
    }
}

/* Well-formed feedback about the last packets, with times of the input's choice. */
static void answer(struct reader *r)
{
    uint8_t memory[RTCP_TWCC_WRITE_BYTES];
    usec_t arrivals[16];
    size_t count = 1 + read_u8(r) % COUNT_OF(arrivals);
    usec_t at = (usec_t)read_u32(r) * 1000;
    for (size_t i = 0; i < count; i++) {
        uint8_t step = read_u8(r);
        at += (usec_t)(step & 0x7f) * 500;
        arrivals[i] = (step & 0x80) != 0 && i > 0 ? RTCP_TWCC_LOST : at;
    }
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    uint16_t base = (uint16_t)(b.sends.count - count);
    struct rtcp_packet packet;
    struct rtcp_twcc twcc;
    if (rtcp_write_twcc(&w, 1, 2, 0, base, arrivals, count) == 0)
        return;
    struct rtcp_iterator it = rtcp_iterate(bytes_const(writer_written(&w)));
    CHECK(rtcp_next(&it, &packet) == STATUS_OK);
    if (rtcp_parse_twcc(&packet, &twcc) == STATUS_OK)
        bwe_handle_twcc(&b, now, &twcc);
}

static void report(struct reader *r)
{
    struct bwe_report heard = {.loss_permille = read_u16(r), .rtt_us = (usec_t)read_u32(r)};
    heard.sent_bps = read_u32(r);
    heard.likely_permille = heard.least_permille =
        heard.loss_permille / (1 + (uint32_t)(heard.sent_bps & 3));
    heard.burst_bps = read_u32(r);
    heard.carried_bps = read_u32(r);
    heard.has_queue = heard.carried_bps < heard.burst_bps;
    if ((heard.loss_permille & 1) != 0)
        bwe_handle_storm(&b, now, heard.sent_bps);
    bwe_handle_report(&b, now, &heard);
}

static void run_step(struct reader *r)
{
    switch ((enum step)(read_u8(r) % STEP_COUNT)) {
    case STEP_SEND:
        (void)bwe_handle_send(&b, now, read_u16(r));
        return;
    case STEP_WAIT:
        now += (usec_t)read_u16(r) * 100;
        bwe_handle_timeout(&b, now);
        return;
    case STEP_FEEDBACK:
        give_feedback(r);
        return;
    case STEP_ANSWER:
        answer(r);
        return;
    case STEP_REPORT:
        report(r);
        return;
    case STEP_REMB:
        bwe_handle_remb(&b, now, read_u64(r), read_u32(r));
        return;
    case STEP_WANTED:
        bwe_set_wanted(&b, now, read_u32(r));
        return;
    case STEP_RESUME:
        bwe_end_numbers(&b);
        CHECK(bwe_begin_numbers(&b) == STATUS_OK);
        bwe_handle_resume(&b, now, 0);
        return;
    case STEP_REPEAT:
        bwe_note_repeat(&b, read_u16(r));
        return;
    case STEP_COUNT:
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    struct bwe_config config = bwe_config_default();
    CHECK(bwe_init(&b, &config) == STATUS_OK);
    CHECK(bwe_begin_numbers(&b) == STATUS_OK);
    now = SECONDS(1);
    for (int i = 0; i < STEPS_MAX && reader_left(&r) > 0; i++) {
        run_step(&r);
        (void)bwe_take_debt(&b);
        check_invariants();
    }
    bwe_end_numbers(&b);
    return 0;
}
