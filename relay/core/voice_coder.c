#include "relay/core/voice_coder.h"

#include <opus.h>
#include <stdlib.h>
#include <string.h>

/* Of 10: a third of the highest one's time, and hardly to be told from it at this rate. */
#define COMPLEXITY 5

struct voice_coder {
    OpusDecoder *decoder;
    OpusEncoder *encoder;
    unsigned loss_percent;
};

static void set_up(OpusEncoder *encoder)
{
    opus_encoder_ctl(encoder, OPUS_SET_BITRATE(VOICE_CODER_BPS));
    opus_encoder_ctl(encoder, OPUS_SET_BANDWIDTH(OPUS_BANDWIDTH_WIDEBAND));
    opus_encoder_ctl(encoder, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(COMPLEXITY));
}

enum status voice_coder_create(struct voice_coder **out)
{
    int error = OPUS_OK;
    struct voice_coder *v = calloc(1, sizeof *v);
    if (v == NULL)
        return STATUS_NO_MEMORY;
    v->decoder = opus_decoder_create(VOICE_CODER_HZ, 1, &error);
    v->encoder = opus_encoder_create(VOICE_CODER_HZ, 1, OPUS_APPLICATION_VOIP, &error);
    if (v->decoder == NULL || v->encoder == NULL) {
        voice_coder_free(v);
        return STATUS_NO_MEMORY;
    }
    set_up(v->encoder);
    *out = v;
    return STATUS_OK;
}

void voice_coder_free(struct voice_coder *v)
{
    if (v == NULL)
        return;
    if (v->decoder != NULL)
        opus_decoder_destroy(v->decoder);
    if (v->encoder != NULL)
        opus_encoder_destroy(v->encoder);
    free(v);
}

void voice_coder_reset(struct voice_coder *v)
{
    opus_decoder_ctl(v->decoder, OPUS_RESET_STATE);
    opus_encoder_ctl(v->encoder, OPUS_RESET_STATE);
}

enum status voice_coder_read(struct voice_coder *v, struct bytes payload, int16_t *sound,
                             size_t *samples)
{
    if (payload.size == 0 || payload.size > INT32_MAX)
        return STATUS_MALFORMED;
    int made = opus_decode(v->decoder, payload.data, (opus_int32)payload.size, sound,
                           VOICE_CODER_READ_MAX, 0);
    if (made <= 0)
        return STATUS_MALFORMED;
    *samples = (size_t)made;
    return STATUS_OK;
}

static size_t packet_samples(struct bytes payload)
{
    int samples =
        payload.size > 0 && payload.size <= INT32_MAX
            ? opus_packet_get_nb_samples(payload.data, (opus_int32)payload.size, VOICE_CODER_HZ)
            : 0;
    return samples > 0 ? (size_t)samples : 0;
}

/* In-band error correction is of one packet's length, and of the last packet only. */
void voice_coder_conceal(struct voice_coder *v, struct bytes next, int16_t *sound, size_t samples)
{
    size_t corrected = packet_samples(next);
    size_t made_up = corrected > 0 && corrected <= samples ? samples - corrected : samples;
    int made = 1;
    memset(sound, 0, samples * sizeof *sound);
    if (made_up > 0)
        made = opus_decode(v->decoder, NULL, 0, sound, (int)made_up, 0);
    if (made > 0 && made_up < samples)
        made = opus_decode(v->decoder, next.data, (opus_int32)next.size, sound + made_up,
                           (int)corrected, 1);
    (void)made; /* where there is none, silence stands */
}

size_t voice_coder_write(struct voice_coder *v, const int16_t *sound, size_t samples,
                         uint8_t out[VOICE_CODER_PACKET_BYTES_MAX])
{
    opus_int32 bytes =
        opus_encode(v->encoder, sound, (int)samples, out, VOICE_CODER_PACKET_BYTES_MAX);
    return bytes > 0 ? (size_t)bytes : 0;
}

void voice_coder_set_loss(struct voice_coder *v, unsigned percent)
{
    if (v->loss_percent == percent)
        return;
    v->loss_percent = percent;
    opus_encoder_ctl(v->encoder, OPUS_SET_INBAND_FEC(percent > 0));
    opus_encoder_ctl(v->encoder, OPUS_SET_PACKET_LOSS_PERC((opus_int32)percent));
}
