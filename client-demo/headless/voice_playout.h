/* What a listener hears of a voice: packets go in as they come, and are played 20 ms at a time
 * behind a delay that follows the line's jitter, as a browser's jitter buffer does it (libwebrtc's
 * NetEq, in outline), and on a lossy line waits as long as the page does (web/voice_buffer.js).
 * Counts what had to be made up. No I/O, no clock, no decoder.
 *
 * Made up is a packet that is missing when its turn comes and something behind it is here, and the
 * time in which nothing at all is here while the speaker goes on. A speaker's pause (time stamps
 * jump, numbers do not) is not. */
#pragma once

#include "base/seq.h"
#include "base/usec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VOICE_PLAYOUT_UNITS 512  /* of 20 ms that can wait */
#define VOICE_PLAYOUT_BUCKETS 50 /* of 20 ms, of the jitter that is followed */
#define VOICE_PLAYOUT_LOSSY 3    /* packets lost within ten seconds */

struct voice_playout {
    /* Since the start, or since voice_playout_forget. */
    uint64_t played, concealed; /* units of 20 ms */
    uint64_t late;              /* came when their turn was over */
    usec_t longest_gap_us;      /* the longest made-up sound */

    bool started, starved;
    struct timestamp_unwrapper timestamps;
    struct seq_unwrapper seqs;
    uint64_t highest, highest_seq; /* newest unit that came, and its packet's number */
    uint64_t next;                 /* unit to play */
    usec_t next_at;
    usec_t starved_at;
    unsigned concealed_run;
    usec_t target_us;
    uint64_t lost_seqs[VOICE_PLAYOUT_LOSSY]; /* the newest losses, oldest first */
    uint64_t primary_seq, lossy_until_seq;
    usec_t least[2]; /* smallest transit of the last hundreds of packets, and of those before */
    uint64_t least_count;
    double share[VOICE_PLAYOUT_BUCKETS]; /* of packets, by their delay above the least */
    struct {
        uint64_t unit;
        bool here, pause;
    } units[VOICE_PLAYOUT_UNITS];
};

/* Zero-initialised is ready. `timestamp` at 48 kHz; `units` of 20 ms from there on, 1 at least.
 * Once for each packet, and for each earlier one that comes with it (RFC 2198): those with their
 * own numbers and time stamps, before the packet itself. What is lost is taken to be as long as
 * what comes behind it. */
void voice_playout_add(struct voice_playout *v, usec_t now, uint16_t seq, uint32_t timestamp,
                       unsigned units, bool is_repeated);
/* Plays up to `now`. */
void voice_playout_advance(struct voice_playout *v, usec_t now);
/* Counts begin anew; what waits stays. */
void voice_playout_forget(struct voice_playout *v);
/* For how long nothing has been there to play; 0 while something is. */
usec_t voice_playout_get_silence(const struct voice_playout *v, usec_t now);
