/* Packets that one side numbers (twcc_sends) and the other reports (twcc_arrivals), over a line
 * that loses, repeats and reorders as the input says. No packet is said to be arrived that did not,
 * each is told of at most twice, with the time it came; and what the sender holds to be under way
 * is the sum of what it has not heard of. */
#include "rtc/twcc_arrivals.h"
#include "rtc/twcc_sends.h"

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 4000
#define KEPT 8192 /* packets of which it is known when they came */

enum step { STEP_SEND, STEP_LOSE, STEP_AGAIN, STEP_WAIT, STEP_JUMP, STEP_REPORT, STEP_COUNT };

struct line {
    struct twcc_sends sends;
    struct twcc_arrivals arrivals;
    usec_t now;
    usec_t came_at[KEPT]; /* the newest time; 0: never */
    usec_t sent_at[KEPT];
    uint8_t told[KEPT];
};

static void arrive(struct line *l, uint64_t number)
{
    twcc_arrivals_handle_packet(&l->arrivals, l->now, (uint16_t)number);
    l->came_at[number % KEPT] = l->now;
}

static void send(struct line *l, size_t bytes, bool is_lost)
{
    uint64_t number = l->sends.count;
    l->came_at[number % KEPT] = 0;
    l->told[number % KEPT] = 0;
    l->sent_at[number % KEPT] = l->now;
    CHECK(twcc_sends_note(&l->sends, l->now, bytes, 0) == (uint16_t)number);
    if (!is_lost)
        arrive(l, number);
}

static void hear(struct line *l, struct bytes report)
{
    struct rtcp_iterator it = rtcp_iterate(report);
    struct rtcp_packet packet;
    struct rtcp_twcc twcc;
    struct twcc_fate fate;
    CHECK(rtcp_next(&it, &packet) == STATUS_OK && reader_left(&it.r) == 0);
    CHECK(rtcp_parse_twcc(&packet, &twcc) == STATUS_OK);
    struct twcc_fates fates = twcc_sends_iterate(&l->sends, l->now, &twcc);
    while (twcc_fates_next(&fates, &fate)) {
        CHECK(fate.number < l->sends.count);
        CHECK(fate.number + TWCC_SENDS_MAX >= l->sends.count);
        CHECK(fate.sent_at == l->sent_at[fate.number % KEPT]);
        CHECK(++l->told[fate.number % KEPT] <= 2 && !(fate.lost && fate.was_lost));
        CHECK(fate.lost || l->came_at[fate.number % KEPT] > 0);
    }
}

static void report(struct line *l)
{
    uint8_t memory[RTCP_TWCC_WRITE_BYTES];
    for (;;) {
        struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
        if (!twcc_arrivals_write_due(&l->arrivals, l->now, &w, 1, 2))
            break;
        CHECK(!w.failed);
        hear(l, bytes_const(writer_written(&w)));
    }
    CHECK(twcc_arrivals_next_timeout(&l->arrivals) > l->now);
}

static void run_step(struct line *l, struct reader *r)
{
    uint8_t what = read_u8(r);
    uint8_t value = read_u8(r);
    switch ((enum step)(what % STEP_COUNT)) {
    case STEP_SEND:
    case STEP_LOSE:
        for (unsigned i = 0; i <= what / STEP_COUNT; i++)
            send(l, value * 300u, what % STEP_COUNT == STEP_LOSE);
        return;
    case STEP_AGAIN: /* one that was sent comes, late or once more */
        if (value < l->sends.count)
            arrive(l, l->sends.count - 1 - value);
        return;
    case STEP_WAIT:
        l->now += (usec_t)(1 + value) * 250 * (1 + what / STEP_COUNT);
        return;
    case STEP_JUMP: /* a line that was gone for long; nothing is said a cycle of numbers late */
        l->now += TWCC_FEEDBACK_US;
        report(l);
        for (unsigned i = 0; i < value * 8u; i++)
            send(l, 100, true);
        return;
    case STEP_REPORT:
        report(l);
        return;
    case STEP_COUNT:
        return;
    }
}

static void check_waiting(const struct line *l)
{
    CHECK(l->sends.waiting_bytes <= TWCC_SENDS_MAX * UINT16_MAX);
    CHECK(!l->arrivals.pending || l->arrivals.next <= l->arrivals.highest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct line l;
    struct reader r = reader_of(bytes_of(data, size));
    l = (struct line){.now = SECONDS(1)};
    CHECK(twcc_sends_open(&l.sends) == STATUS_OK);
    for (int i = 0; i < STEPS_MAX && reader_left(&r) > 1; i++) {
        run_step(&l, &r);
        check_waiting(&l);
    }
    l.now += SECONDS(1);
    report(&l);
    twcc_sends_forget(&l.sends);
    CHECK(l.sends.waiting_bytes == 0);
    twcc_sends_close(&l.sends);
    return 0;
}
