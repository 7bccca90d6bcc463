/* The first packets of a video stream: of the one that begins while no other's are waited for. A
 * receiver knows of no loss before the first packet that it gets of a stream: it asks for none of
 * that, and the picture that begins there is never whole. Transport-wide feedback shows it to the
 * sender, also what was lost because the receiver was not ready to read it: its end of the
 * handshake comes later than ours. Allocates nothing. downlink.h embeds it. */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

#define STREAM_HEAD_MAX 40 /* packets: about as many leave before the first answer */

struct participant;
struct shard_core;
struct subscription;
struct tx_batch;

/* Zero-initialised: no stream has begun. */
struct stream_head {
    usec_t began_at;
    uint16_t first_seq;
    uint8_t subscription;             /* index: the first to begin */
    uint8_t count;                    /* 0: nothing is waited for */
    bool has_shown;                   /* the first one that came; what is left stands before it */
    uint16_t stamps[STREAM_HEAD_MAX]; /* transport-wide numbers of each one's newest copy */
};

/* Packet `seq` of `s` leaves for the first time, numbered `stamp`. */
void stream_head_note(usec_t now, const struct subscription *s, uint16_t seq, uint16_t stamp);
/* It has left once more. */
void stream_head_note_again(const struct subscription *s, uint16_t seq);

/* The participant's downlink has heard what became of its packets: what was lost before the first
 * one that came is sent again, within the limits of what is asked for. */
void stream_head_resend_lost(struct shard_core *c, usec_t now, struct participant *p,
                             struct tx_batch *tx);
