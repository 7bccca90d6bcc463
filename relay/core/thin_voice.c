#include "relay/core/thin_voice.h"

#define TICKS 3 /* of 48 kHz, for one sample */
#define UNIT_SAMPLES (VOICE_CODER_WRITE_MAX / 3)
#define UNREADABLE_TICKS (UNIT_SAMPLES * TICKS) /* what a packet that is no Opus is taken for */

enum status thin_voice_create(struct thin_voice **out)
{
    struct thin_voice *t = calloc(1, sizeof *t);
    if (t == NULL)
        return STATUS_NO_MEMORY;
    t->next_seq = 1;
    enum status status = voice_coder_create(&t->coder);
    if (status == STATUS_OK)
        status = retransmit_cache_init(&t->stream.cache, THIN_VOICE_CACHE, THIN_VOICE_CACHE_BYTES);
    if (status != STATUS_OK) {
        thin_voice_free(t);
        return status;
    }
    t->stream.has_cache = true;
    thin_voice_restart(t, 0);
    *out = t;
    return STATUS_OK;
}

void thin_voice_free(struct thin_voice *t)
{
    if (t == NULL)
        return;
    voice_coder_free(t->coder);
    retransmit_cache_destroy(&t->stream.cache);
    free(t);
}

void thin_voice_restart(struct thin_voice *t, uint64_t source_serial)
{
    voice_coder_reset(t->coder);
    t->source_serial = source_serial;
    t->started = false;
    t->samples = t->out_count = 0;
    t->target = UNIT_SAMPLES;
}

static void put_out(struct thin_voice *t, size_t samples, struct bytes payload)
{
    CHECK(t->out_count < THIN_VOICE_OUT_MAX);
    t->out[t->out_count++] =
        (struct thin_packet){t->next_seq++, t->timestamp, (uint32_t)samples * TICKS, payload};
}

/* `samples` of what waits; silence behind it where that is less. */
static void write_packet(struct thin_voice *t, size_t samples)
{
    uint8_t *data = t->data[t->out_count];
    size_t gone = samples < t->samples ? samples : t->samples;
    memset(t->sound + t->samples, 0, (samples - gone) * sizeof *t->sound);
    size_t bytes = voice_coder_write(t->coder, t->sound, samples, data);
    if (bytes > 0)
        put_out(t, samples, bytes_of(data, bytes));
    t->samples -= gone;
    t->timestamp += (uint32_t)gone * TICKS;
    memmove(t->sound, t->sound + gone, t->samples * sizeof *t->sound);
}

static void write_full_packets(struct thin_voice *t)
{
    while (t->samples >= t->target) {
        write_packet(t, t->target);
        t->target += t->target < VOICE_CODER_WRITE_MAX ? UNIT_SAMPLES : 0;
    }
}

static void write_rest(struct thin_voice *t)
{
    if (t->samples > 0)
        write_packet(t, (t->samples + UNIT_SAMPLES - 1) / UNIT_SAMPLES * UNIT_SAMPLES);
}

void thin_voice_flush(struct thin_voice *t)
{
    t->out_count = 0;
    write_rest(t);
}

/* What lies between what has come and the packet at `timestamp`: made up when it was lost, left
 * open when it was a pause, or too long. */
static void close_gap(struct thin_voice *t, uint64_t lost, uint32_t timestamp, struct bytes payload)
{
    uint32_t gap = (timestamp - t->timestamp) / TICKS - (uint32_t)t->samples;
    bool is_whole = timestamp == t->timestamp + ((uint32_t)t->samples + gap) * TICKS;
    if (gap == 0 && is_whole)
        return;
    if (lost > 0 && is_whole && gap <= VOICE_CODER_READ_MAX && gap % (VOICE_CODER_HZ / 400) == 0) {
        voice_coder_conceal(t->coder, payload, t->sound + t->samples, gap);
        t->samples += gap;
        write_full_packets(t);
        return;
    }
    write_rest(t);
    t->timestamp = timestamp;
}

enum status thin_voice_add(struct thin_voice *t, uint64_t seq, uint32_t timestamp,
                           struct bytes payload)
{
    size_t samples = 0;
    t->out_count = 0;
    if (t->started && seq <= t->source_seq)
        return STATUS_NOT_FOUND;
    uint64_t lost = t->started ? seq - t->source_seq - 1 : 0;
    t->source_seq = seq;
    if (payload.size == 0)
        return STATUS_OK; /* padding */
    if (t->started)
        close_gap(t, lost, timestamp, payload);
    else
        t->timestamp = timestamp;
    t->started = true;
    if (voice_coder_read(t->coder, payload, t->sound + t->samples, &samples) != STATUS_OK) {
        write_rest(t);
        t->timestamp = timestamp;
        put_out(t, UNIT_SAMPLES, payload);
        t->timestamp += UNREADABLE_TICKS;
        return STATUS_MALFORMED;
    }
    t->samples += samples;
    write_full_packets(t);
    return STATUS_OK;
}
