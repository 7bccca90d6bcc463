#include "wire/codec_vp8.h"

#define KEY_FRAME_HEAD_BYTES 10
#define START_CODE 0x9d012au

static void read_picture_id(struct reader *r, size_t payload_bytes, struct codec_vp8 *vp8)
{
    vp8->picture_id_at = (uint8_t)(payload_bytes - reader_left(r));
    uint8_t first = read_u8(r);
    vp8->picture_id_bits = (first & 0x80) != 0 ? 15 : 7;
    vp8->picture_id = first & 0x7f;
    if (vp8->picture_id_bits == 15)
        vp8->picture_id = (uint16_t)(vp8->picture_id << 8 | read_u8(r));
}

static void read_extensions(struct reader *r, size_t payload_bytes, struct codec_vp8 *vp8)
{
    uint8_t present = read_u8(r); /* I:1 L:1 T:1 K:1 */
    if ((present & 0x80) != 0)
        read_picture_id(r, payload_bytes, vp8);
    if ((present & 0x40) != 0) {
        vp8->has_tl0_index = true;
        vp8->tl0_index_at = (uint8_t)(payload_bytes - reader_left(r));
        vp8->tl0_index = read_u8(r);
    }
    if ((present & 0x30) == 0)
        return;
    uint8_t layer = read_u8(r); /* TID:2 Y:1 KEYIDX:5 */
    vp8->has_temporal_layer = (present & 0x20) != 0;
    vp8->temporal_layer = vp8->has_temporal_layer ? layer >> 6 : 0;
    vp8->layer_sync = vp8->has_temporal_layer && (layer & 0x20) != 0;
}

/* The uncompressed head of a key frame: a three-byte tag, the start code, two 14-bit sizes. */
static enum status read_key_frame_head(struct codec_vp8 *vp8)
{
    struct reader r = reader_of(vp8->frame);
    if (vp8->frame.size < KEY_FRAME_HEAD_BYTES)
        return STATUS_TRUNCATED;
    read_u24(&r);
    if (read_u24(&r) != START_CODE)
        return STATUS_MALFORMED;
    uint16_t width = read_u16(&r); /* little-endian */
    uint16_t height = read_u16(&r);
    vp8->width = (uint16_t)((width >> 8 | width << 8) & 0x3fff);
    vp8->height = (uint16_t)((height >> 8 | height << 8) & 0x3fff);
    return STATUS_OK;
}

enum status codec_vp8_parse(struct bytes payload, struct codec_vp8 *out)
{
    struct reader r = reader_of(payload);
    struct codec_vp8 vp8 = {0};
    uint8_t first = read_u8(&r); /* X:1 R:1 N:1 S:1 R:1 PID:3 */
    vp8.non_reference = (first & 0x20) != 0;
    vp8.start_of_partition = (first & 0x10) != 0;
    vp8.partition = first & 0x07;
    if ((first & 0x80) != 0)
        read_extensions(&r, payload.size, &vp8);
    vp8.frame = read_rest(&r);
    if (r.failed || vp8.frame.size == 0)
        return STATUS_TRUNCATED;
    vp8.frame_start = vp8.start_of_partition && vp8.partition == 0;
    vp8.key_frame = vp8.frame_start && (vp8.frame.data[0] & 0x01) == 0;
    enum status status = vp8.key_frame ? read_key_frame_head(&vp8) : STATUS_OK;
    if (status == STATUS_OK)
        *out = vp8;
    return status;
}

void codec_vp8_write_descriptor(struct writer *w, const struct codec_vp8 *descriptor)
{
    write_u8(w, (uint8_t)(0x80 | (descriptor->non_reference ? 0x20 : 0) |
                          (descriptor->start_of_partition ? 0x10 : 0) |
                          (descriptor->partition & 0x07)));
    write_u8(w, 0xe0); /* picture id, TL0PICIDX, TID */
    write_u16(w, (uint16_t)(0x8000 | descriptor->picture_id));
    write_u8(w, descriptor->tl0_index);
    write_u8(
        w, (uint8_t)((descriptor->temporal_layer & 3) << 6 | (descriptor->layer_sync ? 0x20 : 0)));
}
