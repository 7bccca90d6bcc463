/* What a receiver of another kind says of its line (draft-alvestrand-rmcat-remb-03): the rate at
 * which things arrive, and less once voice arrives later than it did, as libwebrtc's receive-side
 * estimator has it, in outline. Sans-IO. */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum headless_remb_kind {
    HEADLESS_REMB_NONE,
    HEADLESS_REMB_HOLDS,   /* with little traffic it says what it said, as libwebrtc's does */
    HEADLESS_REMB_FOLLOWS, /* with little traffic it says little */
    HEADLESS_REMB_50_KBPS, /* whatever comes */
};

/* Zero-initialised is ready. */
struct headless_remb {
    uint64_t bytes; /* since `counted_at` */
    usec_t counted_at, began_at, least_at;
    bool has_voice;
    uint32_t first_ticks;       /* transit of the first voice, with an unknown offset */
    usec_t least_us, latest_us; /* transit against that; the least of this interval */
    usec_t earlier_us;          /* the least of some seconds before `least_at` */
    uint64_t rate_bps;          /* 0: nothing to say yet */
};

void headless_remb_handle_packet(struct headless_remb *r, usec_t now, size_t bytes);
/* `timestamp` at 48 kHz. */
void headless_remb_handle_voice(struct headless_remb *r, usec_t now, uint32_t timestamp);
/* About once a second. False: it knows nothing yet. */
bool headless_remb_take_rate(struct headless_remb *r, usec_t now, enum headless_remb_kind kind,
                             uint64_t *rate_bps);
