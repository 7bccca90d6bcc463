#include "wire/codec_vp9.h"

#define REFERENCES_MAX 3 /* P_DIFF entries in flexible mode */

static void read_picture_id(struct reader *r, size_t payload_bytes, struct codec_vp9 *vp9)
{
    vp9->picture_id_at = (uint8_t)(payload_bytes - reader_left(r));
    uint8_t first = read_u8(r);
    vp9->picture_id_bits = (first & 0x80) != 0 ? 15 : 7;
    vp9->picture_id = first & 0x7f;
    if (vp9->picture_id_bits == 15)
        vp9->picture_id = (uint16_t)(vp9->picture_id << 8 | read_u8(r));
}

static void read_layers(struct reader *r, size_t payload_bytes, struct codec_vp9 *vp9)
{
    uint8_t layers = read_u8(r); /* TID:3 U:1 SID:3 D:1 */
    vp9->has_layers = true;
    vp9->temporal_layer = layers >> 5;
    vp9->switch_up = (layers & 0x10) != 0;
    vp9->spatial_layer = layers >> 1 & 7;
    vp9->inter_layer = (layers & 0x01) != 0;
    if (vp9->flexible)
        return;
    vp9->has_tl0_index = true;
    vp9->tl0_index_at = (uint8_t)(payload_bytes - reader_left(r));
    vp9->tl0_index = read_u8(r);
}

/* False when the list does not end where it must. */
static bool skip_references(struct reader *r)
{
    for (int i = 0; i < REFERENCES_MAX; i++) {
        if ((read_u8(r) & 0x01) == 0)
            return true;
    }
    return false;
}

/* Resolutions of the spatial layers, and the pictures of a group with their references. */
static void skip_structure(struct reader *r)
{
    uint8_t head = read_u8(r); /* N_S:3 Y:1 G:1 */
    if ((head & 0x10) != 0)
        read_bytes(r, 4u * ((head >> 5) + 1u));
    uint8_t pictures = (head & 0x08) != 0 ? read_u8(r) : 0;
    for (unsigned i = 0; i < pictures && !r->failed; i++)
        read_bytes(r, read_u8(r) >> 2 & 3); /* TID:3 U:1 R:2; R references of a byte each */
}

enum status codec_vp9_parse(struct bytes payload, struct codec_vp9 *out)
{
    struct reader r = reader_of(payload);
    struct codec_vp9 vp9 = {0};
    bool references_end = true;
    uint8_t first = read_u8(&r); /* I P L F B E V Z */
    vp9.inter_predicted = (first & 0x40) != 0;
    vp9.flexible = (first & 0x10) != 0;
    vp9.frame_start = (first & 0x08) != 0;
    vp9.frame_end = (first & 0x04) != 0;
    vp9.has_structure = (first & 0x02) != 0;
    vp9.not_upper_reference = (first & 0x01) != 0;
    if ((first & 0x80) != 0)
        read_picture_id(&r, payload.size, &vp9);
    if ((first & 0x20) != 0)
        read_layers(&r, payload.size, &vp9);
    if (vp9.flexible && vp9.inter_predicted)
        references_end = skip_references(&r);
    if (vp9.has_structure)
        skip_structure(&r);
    vp9.frame = read_rest(&r);
    if (r.failed || vp9.frame.size == 0)
        return STATUS_TRUNCATED;
    if (!references_end)
        return STATUS_MALFORMED;
    vp9.key_frame = vp9.frame_start && !vp9.inter_predicted && vp9.spatial_layer == 0;
    *out = vp9;
    return STATUS_OK;
}
