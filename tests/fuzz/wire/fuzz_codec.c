/* The first byte picks the codec; places to rewrite lie inside the payload and survive a rewrite.
 */
#include "base/check.h"
#include "wire/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t memory[1500];
    struct codec_mark mark, again;
    if (size == 0 || size - 1 > sizeof memory)
        return 0;
    enum media_codec codec = (enum media_codec)(data[0] % MEDIA_CODEC_COUNT);
    if (codec_parse_payload(codec, bytes_of(data + 1, size - 1), &mark) != STATUS_OK)
        return 0;
    struct bytes_mut copy = {memory, size - 1};
    if (size > 1)
        memcpy(memory, data + 1, size - 1);
    codec_rewrite_numbers(&mark, copy, 0x7a5c, 0x3d);
    CHECK(codec_parse_payload(codec, bytes_const(copy), &again) == STATUS_OK);
    CHECK(again.key_frame == mark.key_frame && again.temporal_layer == mark.temporal_layer);
    CHECK(again.picture_id_bits == mark.picture_id_bits);
    if (mark.picture_id_bits != 0)
        CHECK(again.picture_id == (mark.picture_id_bits == 7 ? 0x5c : 0x7a5c));
    CHECK(!mark.has_tl0_index || again.tl0_index == 0x3d);
    return 0;
}
