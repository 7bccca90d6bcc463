#include "wire/codec.h"

#include "base/check.h"
#include "wire/codec_av1.h"
#include "wire/codec_h264.h"
#include "wire/codec_red.h"
#include "wire/codec_vp8.h"
#include "wire/codec_vp9.h"

static enum status mark_vp8(struct bytes payload, struct codec_mark *out)
{
    struct codec_vp8 vp8;
    enum status status = codec_vp8_parse(payload, &vp8);
    if (status != STATUS_OK)
        return status;
    *out = (struct codec_mark){
        .key_frame = vp8.key_frame,
        .has_frame_bounds = true,
        .frame_start = vp8.frame_start,
        .discardable = vp8.non_reference,
        .has_layers = vp8.has_temporal_layer,
        .layer_sync = vp8.layer_sync,
        .temporal_layer = vp8.temporal_layer,
        .picture_id_bits = vp8.picture_id_bits,
        .picture_id_at = vp8.picture_id_at,
        .picture_id = vp8.picture_id,
        .has_tl0_index = vp8.has_tl0_index,
        .tl0_index_at = vp8.tl0_index_at,
        .tl0_index = vp8.tl0_index,
    };
    return STATUS_OK;
}

static enum status mark_vp9(struct bytes payload, struct codec_mark *out)
{
    struct codec_vp9 vp9;
    enum status status = codec_vp9_parse(payload, &vp9);
    if (status != STATUS_OK)
        return status;
    *out = (struct codec_mark){
        .key_frame = vp9.key_frame,
        .has_frame_bounds = true,
        .frame_start = vp9.frame_start,
        .frame_end = vp9.frame_end,
        .has_layers = vp9.has_layers,
        .layer_sync = vp9.switch_up,
        .temporal_layer = vp9.temporal_layer,
        .spatial_layer = vp9.spatial_layer,
        .picture_id_bits = vp9.picture_id_bits,
        .picture_id_at = vp9.picture_id_at,
        .picture_id = vp9.picture_id,
        .has_tl0_index = vp9.has_tl0_index,
        .tl0_index_at = vp9.tl0_index_at,
        .tl0_index = vp9.tl0_index,
    };
    return STATUS_OK;
}

static enum status mark_h264(struct bytes payload, struct codec_mark *out)
{
    struct codec_h264 h264;
    enum status status = codec_h264_parse(payload, &h264);
    if (status == STATUS_OK)
        *out = (struct codec_mark){.key_frame = h264.key_frame,
                                   .lacks_parameters = h264.key_frame && !h264.has_parameters,
                                   .discardable = h264.discardable};
    return status;
}

static enum status mark_av1(struct bytes payload, struct codec_mark *out)
{
    struct codec_av1 av1;
    enum status status = codec_av1_parse(payload, &av1);
    if (status != STATUS_OK)
        return status;
    *out = (struct codec_mark){
        .key_frame = av1.key_frame,
        .has_layers = av1.has_layers,
        .temporal_layer = av1.temporal_layer,
        .spatial_layer = av1.spatial_layer,
    };
    return STATUS_OK;
}

static enum status mark_audio(struct codec_mark *out)
{
    *out = (struct codec_mark){
        .key_frame = true, .has_frame_bounds = true, .frame_start = true, .frame_end = true};
    return STATUS_OK;
}

static enum status mark_red(struct bytes payload, struct codec_mark *out)
{
    struct codec_red red;
    enum status status = codec_red_parse(payload, &red);
    return status == STATUS_OK ? mark_audio(out) : status;
}

enum status codec_parse_payload(enum media_codec codec, struct bytes payload,
                                struct codec_mark *out)
{
    switch (codec) {
    case MEDIA_CODEC_OPUS:
        return payload.size == 0 ? STATUS_TRUNCATED : mark_audio(out);
    case MEDIA_CODEC_RED:
        return mark_red(payload, out);
    case MEDIA_CODEC_VP8:
        return mark_vp8(payload, out);
    case MEDIA_CODEC_VP9:
        return mark_vp9(payload, out);
    case MEDIA_CODEC_H264:
        return mark_h264(payload, out);
    case MEDIA_CODEC_AV1:
        return mark_av1(payload, out);
    case MEDIA_CODEC_NONE:
    case MEDIA_CODEC_COUNT:
        break;
    }
    return STATUS_UNSUPPORTED;
}

void codec_rewrite_numbers(const struct codec_mark *mark, struct bytes_mut payload,
                           uint16_t picture_id, uint8_t tl0_index)
{
    if (mark->picture_id_bits == 7) {
        CHECK(mark->picture_id_at < payload.size);
        payload.data[mark->picture_id_at] = (uint8_t)(picture_id & 0x7f);
    } else if (mark->picture_id_bits == 15) {
        CHECK(mark->picture_id_at + 1u < payload.size);
        store_u16(payload.data + mark->picture_id_at, (uint16_t)(picture_id | 0x8000));
    }
    if (mark->has_tl0_index) {
        CHECK(mark->tl0_index_at < payload.size);
        payload.data[mark->tl0_index_at] = tl0_index;
    }
}
