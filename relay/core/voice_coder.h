/* A voice in fewer bits: reads Opus and writes Opus anew, as sound of 16 kHz in between (libopus).
 * No I/O, no clock. Heap; its memory is taken once. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#define VOICE_CODER_HZ 16000
#define VOICE_CODER_BPS 14000            /* of what is written: speech that is easily understood */
#define VOICE_CODER_READ_MAX 1920        /* samples of a packet: 120 ms */
#define VOICE_CODER_WRITE_MAX 960        /* 60 ms */
#define VOICE_CODER_PACKET_BYTES_MAX 400 /* written */

struct voice_coder;

/* STATUS_NO_MEMORY. */
MUST_CHECK enum status voice_coder_create(struct voice_coder **out);
void voice_coder_free(struct voice_coder *v);
/* The next packet has nothing to do with the last one. */
void voice_coder_reset(struct voice_coder *v);

/* A packet's sound: *samples of it, at most VOICE_CODER_READ_MAX. STATUS_MALFORMED when it is no
 * Opus. */
MUST_CHECK enum status voice_coder_read(struct voice_coder *v, struct bytes payload, int16_t *sound,
                                        size_t *samples);
/* Makes up `samples` (at most VOICE_CODER_READ_MAX, a multiple of 2.5 ms) that were lost right
 * before the packet `next`; what that says of its predecessor is made use of. */
void voice_coder_conceal(struct voice_coder *v, struct bytes next, int16_t *sound, size_t samples);
/* Writes 20, 40 or 60 ms. Returns the bytes; 0 when the encoder fails. */
size_t voice_coder_write(struct voice_coder *v, const int16_t *sound, size_t samples,
                         uint8_t out[VOICE_CODER_PACKET_BYTES_MAX]);
/* So much of what is written will be lost: above 0 each packet says something of the last one. */
void voice_coder_set_loss(struct voice_coder *v, unsigned percent);
