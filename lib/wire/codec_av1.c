#include "wire/codec_av1.h"

#define OBU_SEQUENCE_HEADER 1
#define LEB128_BYTES_MAX 5 /* sizes are below 2^32 (AV1 4.10.5) and a packet's are far below */

static uint32_t read_leb128(struct reader *r)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < LEB128_BYTES_MAX; i++) {
        uint8_t byte = read_u8(r);
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0)
            return value <= UINT32_MAX ? (uint32_t)value : UINT32_MAX;
    }
    r->failed = true;
    return 0;
}

/* An OBU's head (AV1 5.3.2, 5.3.3): forbidden:1 type:4 extension:1 has_size:1 reserved:1. */
static enum status read_obu_head(struct bytes obu, struct codec_av1 *av1)
{
    struct reader r = reader_of(obu);
    uint8_t head = read_u8(&r);
    bool extended = (head & 0x04) != 0;
    uint8_t extension = extended ? read_u8(&r) : 0; /* TID:3 SID:2 */
    if (r.failed)
        return STATUS_TRUNCATED;
    if ((head & 0x80) != 0)
        return STATUS_MALFORMED;
    av1->obu_types |= 1u << (head >> 3 & 0x0f);
    if (extended && !av1->has_layers) {
        av1->has_layers = true;
        av1->temporal_layer = extension >> 5;
        av1->spatial_layer = extension >> 3 & 3;
    }
    return STATUS_OK;
}

/* The OBU elements; of `announced` (W) ones the last has no size. 0: all have one. */
static enum status read_elements(struct reader *r, unsigned announced, struct codec_av1 *av1)
{
    size_t count = 0;
    for (; reader_left(r) > 0; count++) {
        if (count == CODEC_AV1_OBUS_MAX)
            return STATUS_LIMIT;
        bool last = announced != 0 && count + 1 == announced;
        struct bytes element = last ? read_rest(r) : read_bytes(r, read_leb128(r));
        if (r->failed)
            return STATUS_TRUNCATED;
        if (element.size == 0)
            return STATUS_MALFORMED;
        if (count == 0 && av1->continues_previous)
            continue; /* the middle of an OBU: no head here */
        enum status status = read_obu_head(element, av1);
        if (status != STATUS_OK)
            return status;
    }
    return count == 0 || count < announced ? STATUS_TRUNCATED : STATUS_OK;
}

enum status codec_av1_parse(struct bytes payload, struct codec_av1 *out)
{
    struct reader r = reader_of(payload);
    struct codec_av1 av1 = {0};
    uint8_t head = read_u8(&r); /* Z:1 Y:1 W:2 N:1 */
    av1.continues_previous = (head & 0x80) != 0;
    av1.continues_next = (head & 0x40) != 0;
    av1.new_sequence = (head & 0x08) != 0;
    if (av1.new_sequence && av1.continues_previous)
        return STATUS_MALFORMED;
    enum status status = read_elements(&r, head >> 4 & 3, &av1);
    if (status != STATUS_OK)
        return status;
    av1.key_frame = av1.new_sequence || (av1.obu_types & 1u << OBU_SEQUENCE_HEADER) != 0;
    *out = av1;
    return STATUS_OK;
}
