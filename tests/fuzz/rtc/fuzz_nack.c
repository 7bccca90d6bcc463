/* The NACK generator under any order of packets and times: its list stays sorted, bounded, and
 * names only packets that are missing; nothing is asked for more often than configured. */
#include "base/bytes.h"
#include "base/seq.h"
#include "rtc/nack_generator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HISTORY 65536
#define TAKEN_MAX 64

struct fate {
    uint64_t seq;
    bool came;
    uint8_t asked;
};
static struct fate fates[HISTORY];

static struct fate *fate_of(uint64_t seq)
{
    struct fate *f = &fates[seq % HISTORY];
    if (f->seq != seq)
        *f = (struct fate){.seq = seq};
    return f;
}

static void take(struct nack_generator *nack, usec_t now, usec_t rtt_us, size_t capacity)
{
    uint64_t seqs[TAKEN_MAX];
    size_t given_up;
    size_t count = nack_generator_take_due(nack, now, rtt_us, seqs, capacity, &given_up);
    CHECK(count <= capacity);
    for (size_t i = 0; i < count; i++) {
        CHECK(i == 0 || seqs[i - 1] < seqs[i]);
        CHECK(seqs[i] < nack->highest && !fate_of(seqs[i])->came);
        CHECK(++fate_of(seqs[i])->asked <= nack->config.tries_max);
    }
    if (count < capacity) /* all that was due has gone */
        CHECK(nack_generator_next_timeout(nack) > now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    struct nack_generator nack;
    struct nack_generator_config config = nack_generator_config_default();
    struct seq_unwrapper unwrapper = {0};
    usec_t now = 0;
    config.missing_max = read_u8(&r);
    config.tries_max = read_u8(&r);
    if (nack_generator_init(&nack, &config) != STATUS_OK)
        return 0;
    memset(fates, 0, sizeof fates);
    while (reader_left(&r) > 0 && !r.failed) {
        uint8_t step = read_u8(&r);
        if (step < 128) {
            uint64_t seq = seq_unwrapper_note(&unwrapper, read_u16(&r));
            enum status status = nack_generator_handle_packet(&nack, now, seq);
            CHECK(status == STATUS_OK || (status == STATUS_LIMIT && nack.count == 0));
            fate_of(seq)->came = true;
        } else if (step < 200) {
            now += MILLISECONDS(read_u8(&r));
            take(&nack, now, MILLISECONDS(step), (size_t)(step % TAKEN_MAX) + 1);
        } else {
            nack_generator_forget_before(&nack, unwrapper.highest - (step - 200));
        }
        CHECK(nack.count <= config.missing_max);
    }
    return 0;
}
