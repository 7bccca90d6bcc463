#include "client-demo/headless/voice_playout.h"

#include <string.h>

#define UNIT_US MILLISECONDS(20)
#define UNIT_TICKS 960 /* at 48 kHz */
#define FIRST_TARGET_US MILLISECONDS(40)
#define STRETCH_US MILLISECONDS(5) /* how much 20 ms of sound may be shortened or lengthened */
#define QUANTILE 0.95
#define FORGET 0.983
#define LEAST_PACKETS 250
#define STRETCH_ABOVE_US MILLISECONDS(40)
#define HOLD_US MILLISECONDS(180) /* on a lossy line */
#define LOSSY_PACKETS 500         /* within which the losses lie: ten seconds */
#define CALM_PACKETS 1500

static bool is_here(const struct voice_playout *v, uint64_t unit)
{
    return v->units[unit % VOICE_PLAYOUT_UNITS].here &&
           v->units[unit % VOICE_PLAYOUT_UNITS].unit == unit;
}

static void set_here(struct voice_playout *v, uint64_t unit, bool pause)
{
    v->units[unit % VOICE_PLAYOUT_UNITS].unit = unit;
    v->units[unit % VOICE_PLAYOUT_UNITS].here = true;
    v->units[unit % VOICE_PLAYOUT_UNITS].pause = pause;
}

/* --- How long to wait */

static usec_t quantile(const struct voice_playout *v)
{
    double sum = 0;
    for (size_t i = 0; i < VOICE_PLAYOUT_BUCKETS; i++) {
        sum += v->share[i];
        if (sum >= QUANTILE)
            return (usec_t)(i + 1) * UNIT_US;
    }
    return VOICE_PLAYOUT_BUCKETS * UNIT_US;
}

static void note_transit(struct voice_playout *v, usec_t transit)
{
    if (v->least_count % LEAST_PACKETS == 0) {
        v->least[1] = v->least_count == 0 ? transit : v->least[0];
        v->least[0] = transit;
    }
    v->least_count++;
    v->least[0] = usec_min(v->least[0], transit);
    usec_t above = transit - usec_min(v->least[0], v->least[1]);
    size_t bucket = (size_t)(above / UNIT_US);
    bucket = bucket < VOICE_PLAYOUT_BUCKETS ? bucket : VOICE_PLAYOUT_BUCKETS - 1;
    if (v->least_count == 1) {
        v->share[0] = 1;
        v->target_us = FIRST_TARGET_US;
        return;
    }
    for (size_t i = 0; i < VOICE_PLAYOUT_BUCKETS; i++)
        v->share[i] *= FORGET;
    v->share[bucket] += 1 - FORGET;
    v->target_us = quantile(v);
}

static void note_losses(struct voice_playout *v, uint64_t seq)
{
    uint64_t lost = v->primary_seq != 0 && seq > v->primary_seq ? seq - v->primary_seq - 1 : 0;
    v->primary_seq = seq > v->primary_seq ? seq : v->primary_seq;
    for (uint64_t i = 0; i < lost && i < VOICE_PLAYOUT_LOSSY; i++) {
        memmove(v->lost_seqs, v->lost_seqs + 1, sizeof v->lost_seqs - sizeof v->lost_seqs[0]);
        v->lost_seqs[VOICE_PLAYOUT_LOSSY - 1] = seq;
    }
    if (lost > 0 && v->lost_seqs[0] != 0 && seq - v->lost_seqs[0] <= LOSSY_PACKETS)
        v->lossy_until_seq = seq + CALM_PACKETS;
    if (seq < v->lossy_until_seq)
        v->target_us = usec_max(v->target_us, HOLD_US);
}

/* --- Playing */

static void note_gap(struct voice_playout *v, usec_t gap)
{
    v->longest_gap_us = usec_max(v->longest_gap_us, gap);
}

static void play_one(struct voice_playout *v)
{
    bool here = is_here(v, v->next);
    bool pause = here && v->units[v->next % VOICE_PLAYOUT_UNITS].pause;
    v->units[v->next % VOICE_PLAYOUT_UNITS].here = false;
    v->concealed_run = here ? 0 : v->concealed_run + 1;
    v->concealed += here ? 0 : 1;
    v->played += here && !pause ? 1 : 0;
    note_gap(v, v->concealed_run * UNIT_US);
    v->next++;
    v->next_at += UNIT_US;
    usec_t waiting = (usec_t)(v->highest + 1 - v->next) * UNIT_US;
    if (waiting > v->target_us + STRETCH_ABOVE_US)
        v->next_at -= STRETCH_US;
    else if (here && waiting < v->target_us - UNIT_US)
        v->next_at += STRETCH_US;
}

void voice_playout_advance(struct voice_playout *v, usec_t now)
{
    while (v->started && !v->starved && v->next_at <= now) {
        if (v->next > v->highest) {
            v->starved = true;
            v->starved_at = v->next_at;
            return;
        }
        play_one(v);
    }
}

/* Something is here again. What time has covered of the lost ones is not made up twice. */
static void end_starvation(struct voice_playout *v, usec_t now, uint64_t unit, bool was_pause)
{
    v->starved = false;
    if (was_pause) {
        v->next = unit;
        v->next_at = now + v->target_us;
        v->concealed_run = 0;
        return;
    }
    uint64_t covered = (uint64_t)((now - v->starved_at + UNIT_US - 1) / UNIT_US);
    uint64_t lost = unit > v->next ? unit - v->next : 0;
    v->concealed += covered;
    note_gap(v, now - v->starved_at + v->concealed_run * UNIT_US);
    v->concealed_run += (unsigned)covered;
    v->next += covered < lost ? covered : lost;
    v->next_at = v->starved_at + (usec_t)covered * UNIT_US;
}

static void start(struct voice_playout *v, usec_t now, uint64_t unit, uint64_t seq)
{
    memset(v->units, 0, sizeof v->units);
    v->started = true;
    v->starved = false;
    v->concealed_run = 0;
    v->next = v->highest = unit;
    v->highest_seq = seq;
    v->next_at = now + v->target_us;
    set_here(v, unit, false);
}

/* A long packet is a unit behind each other, all of them here at once. */
static void add_unit(struct voice_playout *v, usec_t now, uint64_t unit, uint64_t seq,
                     unsigned units, bool is_repeated)
{
    if (!v->started || unit >= v->highest + VOICE_PLAYOUT_UNITS / 2) {
        start(v, now, unit, seq);
        return;
    }
    if (unit < v->next) {
        v->late += is_repeated ? 0 : 1;
        return;
    }
    /* Fewer numbers than time in between: the speaker paused behind what was lost. */
    uint64_t lost = seq > v->highest_seq ? (seq - v->highest_seq - 1) * units : 0;
    bool was_pause = unit > v->highest + lost + 1;
    for (uint64_t i = v->highest + lost + 1; was_pause && i < unit; i++)
        set_here(v, i, true);
    set_here(v, unit, false);
    if (v->starved)
        end_starvation(v, now, unit, was_pause);
    if (unit > v->highest) {
        v->highest = unit;
        v->highest_seq = seq;
    }
}

void voice_playout_add(struct voice_playout *v, usec_t now, uint16_t seq16, uint32_t timestamp,
                       unsigned units, bool is_repeated)
{
    if (is_repeated && !v->started)
        return;
    uint64_t unit = timestamp_unwrapper_note(&v->timestamps, timestamp) / UNIT_TICKS;
    uint64_t seq = seq_unwrapper_note(&v->seqs, seq16);
    if (!is_repeated) {
        note_transit(v, now - (usec_t)unit * UNIT_US);
        note_losses(v, seq);
    }
    voice_playout_advance(v, now);
    for (unsigned i = 0; i < units; i++)
        add_unit(v, now, unit + i, seq, units, is_repeated);
}

void voice_playout_forget(struct voice_playout *v)
{
    v->played = v->concealed = v->late = 0;
    v->longest_gap_us = 0;
    v->concealed_run = 0;
}

usec_t voice_playout_get_silence(const struct voice_playout *v, usec_t now)
{
    return v->starved && now > v->starved_at ? now - v->starved_at : 0;
}
