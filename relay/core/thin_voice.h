/* One publication's voice for lines that it would fill: spoken anew in a fifth of the packets and
 * two fifths of the bits (docs/decisions/thin-voice.md). Packets of the source go in in the order
 * in which they come, thin ones come out: 20, 40, then 60 ms each, at the source's time stamps,
 * with numbers of their own.
 *
 * Missing packets' sound is made up, with the source's error correction where there is one; a late
 * one is left out. A pause of the source stays one. What Opus cannot read comes out as it is.
 *
 * Heap, owned by its publication; a shard has a few (THIN_VOICES_MAX) and only while somebody
 * listens. Sans-IO; allocates nothing after it was made. */
#pragma once

#include "relay/core/publication.h"
#include "relay/core/voice_coder.h"

#define THIN_VOICES_MAX 32               /* on one shard; more voices go out whole */
#define THIN_VOICE_LINE_BPS 25000        /* what one takes on a line, headers included */
#define THIN_VOICE_UNUSED_US SECONDS(10) /* then it goes */
#define THIN_VOICE_AHEAD_US SECONDS(2)   /* of sound before its time: a line that catches up */
#define THIN_VOICE_CACHE 32              /* packets that can be asked for again: two seconds */
#define THIN_VOICE_CACHE_BYTES 512
#define THIN_VOICE_OUT_MAX 8

struct thin_packet {
    uint64_t seq;
    uint32_t timestamp;
    uint32_t ticks;       /* its length, at 48 kHz */
    struct bytes payload; /* valid until the next call; a packet that is no Opus is the caller's */
};

struct thin_voice {
    struct publication_stream stream; /* as it goes to receivers, with its cache */
    uint64_t source_serial;           /* of the stream that it is made of */
    struct voice_coder *coder;        /* owned */
    usec_t used_at;
    bool started;
    uint64_t source_seq; /* the newest that came */
    uint64_t next_seq;   /* out */
    uint32_t timestamp;  /* of the first sample that waits, or of the next one */
    size_t samples;      /* that wait */
    size_t target;       /* so many go out at once */
    int16_t sound[VOICE_CODER_WRITE_MAX + 2 * VOICE_CODER_READ_MAX];
    struct thin_packet out[THIN_VOICE_OUT_MAX];
    uint8_t data[THIN_VOICE_OUT_MAX][VOICE_CODER_PACKET_BYTES_MAX];
    size_t out_count;
};

/* STATUS_NO_MEMORY. */
MUST_CHECK enum status thin_voice_create(struct thin_voice **out);
void thin_voice_free(struct thin_voice *t);
/* Another source, or the same one anew: what waits is forgotten, numbers go on. */
void thin_voice_restart(struct thin_voice *t, uint64_t source_serial);

/* A packet of the source; what it makes stands in t->out, t->out_count of it. STATUS_MALFORMED: it
 * is no Opus, and is among that as it came. STATUS_NOT_FOUND: it is late, and nothing was made. */
MUST_CHECK enum status thin_voice_add(struct thin_voice *t, uint64_t seq, uint32_t timestamp,
                                      struct bytes payload);
/* What waits is in t->out, short as it may be. */
void thin_voice_flush(struct thin_voice *t);

/* Nothing waits: everything that has come has gone out, and who begins or ends to listen now loses
 * no sound and hears none twice. */
static inline bool thin_voice_is_between(const struct thin_voice *t)
{
    return t->samples == 0;
}
/* Somebody begins to listen: the next packets are short ones, so that the first does not make it
 * wait. */
static inline void thin_voice_note_listener(struct thin_voice *t)
{
    t->target = VOICE_CODER_WRITE_MAX / 3;
}
