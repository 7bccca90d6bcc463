/* Packets at any time with any time stamps, over one turn and the next: how late a packet is said
 * to be stays within what is promised, and the first of a turn never is. */
#include "relay/core/lateness.h"

#include "base/bytes.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A packet: flags, time passed, step of the time stamp. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t rates[] = {8000, 48000, 90000, 1};
    struct reader r = reader_of(bytes_of(data, size));
    struct lateness l = {0};
    uint32_t rate = rates[read_u8(&r) & 3];
    usec_t now = SECONDS(1);
    uint32_t timestamp = 0xfffff000;
    bool is_first = true;
    while (reader_left(&r) >= 7) {
        uint8_t flags = read_u8(&r);
        now += (usec_t)read_u16(&r) * ((flags & 2) != 0 ? 1000 : 10);
        uint32_t step = read_u32(&r);
        timestamp += (flags & 4) != 0 ? step : step & 0xfff;
        if ((flags & 1) != 0) {
            lateness_begin_turn(&l);
            is_first = true;
        }
        int32_t late = lateness_note(&l, now, timestamp, rate);
        CHECK(late >= -LATENESS_EARLY_MAX_US && late <= LATENESS_JUMP_US);
        CHECK(!is_first || late == 0);
        is_first = false;
    }
    return 0;
}
