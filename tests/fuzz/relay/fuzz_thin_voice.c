/* Voice packets of any bytes, numbers and time stamps: numbers come out without a gap, never more
 * than there is room for, and time stands still at no packet. */
#include "base/check.h"
#include "relay/core/thin_voice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct thin_voice *t, uint64_t *next)
{
    CHECK(t->out_count <= THIN_VOICE_OUT_MAX && t->samples < VOICE_CODER_WRITE_MAX);
    for (size_t i = 0; i < t->out_count; i++) {
        CHECK(t->out[i].seq == (*next)++);
        CHECK(t->out[i].payload.size > 0 && t->out[i].ticks > 0);
    }
}

/* A packet: flags, number's step, time's step (in 2.5 ms), bytes, payload. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    struct thin_voice *t;
    uint64_t seq = 0x10000, next = 1;
    uint32_t timestamp = 0xfffff000;
    CHECK(thin_voice_create(&t) == STATUS_OK);
    for (int i = 0; i < 200; i++) {
        uint8_t flags = read_u8(&r);
        seq += read_u8(&r) - (uint64_t)((flags & 1) != 0 ? 4 : 0);
        timestamp += read_u8(&r) * 120u - ((flags & 2) != 0 ? 4800u : 0) + (flags >> 6);
        struct bytes payload = read_bytes(&r, read_u8(&r));
        if (r.failed)
            break;
        if ((flags & 4) != 0)
            thin_voice_note_listener(t);
        if ((flags & 8) != 0)
            thin_voice_restart(t, seq);
        if ((flags & 16) != 0) {
            thin_voice_flush(t);
            look_at(t, &next);
        }
        voice_coder_set_loss(t->coder, (flags & 32) != 0 ? 10 : 0);
        enum status status = thin_voice_add(t, seq, timestamp, payload);
        CHECK(status == STATUS_OK || status == STATUS_MALFORMED || t->out_count == 0);
        look_at(t, &next);
    }
    thin_voice_free(t);
    return 0;
}
