/* Header and extension: parse(write(parse(x))) == parse(x); retransmissions come back whole. */
#include "base/check.h"
#include "wire/dependency_descriptor.h"
#include "wire/rtp_extension.h"
#include "wire/rtx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t gather(const struct rtp_header *header, struct rtp_extension *elements)
{
    struct rtp_extension_iterator it = rtp_extension_iterate(header);
    size_t count = 0;
    while (count < RTP_EXTENSION_ELEMENTS_MAX && rtp_extension_next(&it, &elements[count]))
        count++;
    return count;
}

static void read_contents(const struct rtp_extension *element)
{
    struct rtp_audio_level level;
    struct dependency_descriptor descriptor;
    char text[17];
    uint32_t time;
    uint16_t seq;
    (void)rtp_extension_parse_audio_level(element->data, &level);
    (void)rtp_extension_parse_abs_send_time(element->data, &time);
    (void)rtp_extension_parse_transport_seq(element->data, &seq);
    (void)rtp_extension_parse_text(element->data, text, sizeof text);
    CHECK(strlen(text) < sizeof text);
    if (dependency_descriptor_parse(element->data, &descriptor) == STATUS_OK)
        CHECK(element->data.size >= 3);
}

static void round_trip_extension(const struct rtp_header *header)
{
    struct rtp_extension before[RTP_EXTENSION_ELEMENTS_MAX], after[RTP_EXTENSION_ELEMENTS_MAX];
    static uint8_t memory[RTP_EXTENSION_ELEMENTS_MAX * 257 + 4];
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    struct rtp_header again = {0};
    size_t count = gather(header, before);
    CHECK(rtp_extension_write(&w, before, count, &again.extension_profile) == STATUS_OK);
    again.extension = bytes_const(writer_written(&w));
    CHECK(gather(&again, after) == count);
    for (size_t i = 0; i < count; i++) {
        CHECK(before[i].id == after[i].id && bytes_equal(before[i].data, after[i].data));
        read_contents(&before[i]);
    }
}

static void round_trip_header(const struct rtp_header *header, size_t size)
{
    uint8_t memory[2048];
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    struct rtp_header again;
    rtp_write_header(&w, header);
    write_bytes(&w, header->payload);
    rtp_write_padding(&w, header->padding_bytes);
    CHECK(!w.failed && writer_size(&w) <= size);
    CHECK(rtp_parse_header(bytes_const(writer_written(&w)), &again) == STATUS_OK);
    CHECK(again.seq == header->seq && again.ssrc == header->ssrc);
    CHECK(again.marker == header->marker && again.payload_type == header->payload_type);
    CHECK(bytes_equal(again.extension, header->extension));
    CHECK(bytes_equal(again.payload, header->payload));
    CHECK(again.padding_bytes == header->padding_bytes);
}

static void round_trip_retransmission(struct bytes packet, const struct rtp_header *header)
{
    uint8_t memory[2048];
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    struct bytes_mut original;
    struct rtp_header again;
    CHECK(rtx_write_packet(&w, packet, 97, 1, 2) == STATUS_OK);
    CHECK(rtx_unwrap_packet(writer_written(&w), header->payload_type, header->ssrc, &original) ==
          STATUS_OK);
    CHECK(rtp_parse_header(bytes_const(original), &again) == STATUS_OK);
    CHECK(again.seq == header->seq && bytes_equal(again.payload, header->payload));
}

static void unwrap_in_place(struct bytes packet)
{
    uint8_t memory[RTP_PACKET_BYTES_MAX];
    struct bytes_mut original;
    memcpy(memory, packet.data, packet.size);
    if (rtx_unwrap_packet((struct bytes_mut){memory, packet.size}, 96, 7, &original) != STATUS_OK)
        return;
    CHECK(original.data == memory + RTX_OSN_BYTES && original.size == packet.size - RTX_OSN_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes packet = bytes_of(data, size);
    struct rtp_header header;
    if (size > RTP_PACKET_BYTES_MAX || rtp_parse_header(packet, &header) != STATUS_OK)
        return 0;
    CHECK(data + rtp_header_bytes(packet, &header) == header.payload.data);
    round_trip_header(&header, size);
    round_trip_extension(&header);
    round_trip_retransmission(packet, &header);
    unwrap_in_place(packet);
    return 0;
}
