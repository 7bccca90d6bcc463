#include "wire/dependency_descriptor.h"

#define MANDATORY_BYTES 3

enum status dependency_descriptor_parse(struct bytes data, struct dependency_descriptor *out)
{
    struct reader r = reader_of(data);
    uint8_t first = read_u8(&r);
    uint16_t frame_number = read_u16(&r);
    if (r.failed)
        return STATUS_TRUNCATED;
    *out = (struct dependency_descriptor){
        .first_packet_in_frame = (first & 0x80) != 0,
        .last_packet_in_frame = (first & 0x40) != 0,
        .template_id = first & 0x3f,
        .frame_number = frame_number,
        .has_structure = data.size > MANDATORY_BYTES && (read_u8(&r) & 0x80) != 0,
    };
    return STATUS_OK;
}
