#include "wire/rtcp.h"

#define HEAD_BYTES 4
#define CUMULATIVE_LOST_MAX 0x7fffff
#define CUMULATIVE_LOST_MIN (-0x800000)

struct rtcp_iterator rtcp_iterate(struct bytes compound)
{
    return (struct rtcp_iterator){.r = reader_of(compound), .left = RTCP_PACKETS_MAX};
}

/* Any packet may carry padding, of any length: libwebrtc pads transport-wide feedback to 32 bits
 * that way in the middle of a compound packet, which RFC 3550 6.4.1 does not foresee. */
static bool strip_padding(struct bytes *body)
{
    uint8_t padding = body->size > 0 ? body->data[body->size - 1] : 0;
    if (padding == 0 || padding > body->size)
        return false;
    body->size -= padding;
    return true;
}

static enum status read_packet(struct reader *r, struct rtcp_packet *out)
{
    uint8_t flags = read_u8(r); /* V:2 P:1 count:5 */
    uint8_t type = read_u8(r);
    uint16_t words = read_u16(r);
    struct bytes body = read_bytes(r, 4u * words);
    if (r->failed)
        return STATUS_TRUNCATED;
    if (flags >> 6 != 2 || ((flags & 0x20) != 0 && !strip_padding(&body)))
        return STATUS_MALFORMED;
    *out = (struct rtcp_packet){.type = type, .count = flags & 0x1f, .body = body};
    return STATUS_OK;
}

enum status rtcp_next(struct rtcp_iterator *it, struct rtcp_packet *out)
{
    if (it->r.failed || reader_left(&it->r) == 0)
        return STATUS_NOT_FOUND;
    enum status status = it->left == 0 ? STATUS_LIMIT : read_packet(&it->r, out);
    if (status != STATUS_OK)
        it->r.failed = true;
    else
        it->left--;
    return status;
}

static void read_report_block(struct reader *r, struct rtcp_report_block *block)
{
    block->ssrc = read_u32(r);
    block->fraction_lost = read_u8(r);
    int32_t lost = (int32_t)read_u24(r);
    block->cumulative_lost = lost > CUMULATIVE_LOST_MAX ? lost - 0x1000000 : lost;
    block->highest_seq = read_u32(r);
    block->jitter = read_u32(r);
    block->last_sr = read_u32(r);
    block->delay_since_sr = read_u32(r);
}

enum status rtcp_parse_report(const struct rtcp_packet *packet, struct rtcp_report *out)
{
    struct reader r = reader_of(packet->body);
    struct rtcp_report report = {.block_count = packet->count};
    if (packet->type != RTCP_TYPE_SR && packet->type != RTCP_TYPE_RR)
        return STATUS_UNSUPPORTED;
    if (packet->count > RTCP_COUNT_MAX)
        return STATUS_LIMIT;
    report.ssrc = read_u32(&r);
    if (packet->type == RTCP_TYPE_SR) {
        report.has_sender_info = true;
        report.sender.ntp = read_u64(&r);
        report.sender.rtp_timestamp = read_u32(&r);
        report.sender.packet_count = read_u32(&r);
        report.sender.octet_count = read_u32(&r);
    }
    for (size_t i = 0; i < report.block_count; i++)
        read_report_block(&r, &report.blocks[i]);
    if (r.failed)
        return STATUS_TRUNCATED;
    *out = report;
    return STATUS_OK;
}

/* Items up to the chunk's end mark, and the zeros behind it up to the next 32-bit boundary. */
static void read_sdes_items(struct reader *r, size_t body_bytes, struct bytes *cname)
{
    for (;;) {
        uint8_t type = read_u8(r); /* 0 ends the chunk */
        if (r->failed || type == 0)
            break;
        struct bytes text = read_bytes(r, read_u8(r));
        if (type == 1 && cname->size == 0)
            *cname = text;
    }
    read_bytes(r, (4 - (body_bytes - reader_left(r)) % 4) % 4);
}

enum status rtcp_parse_sdes(const struct rtcp_packet *packet, struct rtcp_sdes *out)
{
    struct reader r = reader_of(packet->body);
    struct rtcp_sdes sdes = {.chunk_count = packet->count};
    if (packet->type != RTCP_TYPE_SDES)
        return STATUS_UNSUPPORTED;
    if (packet->count > RTCP_COUNT_MAX)
        return STATUS_LIMIT;
    for (size_t i = 0; i < sdes.chunk_count && !r.failed; i++) {
        sdes.chunks[i].ssrc = read_u32(&r);
        read_sdes_items(&r, packet->body.size, &sdes.chunks[i].cname);
    }
    if (r.failed)
        return STATUS_TRUNCATED;
    *out = sdes;
    return STATUS_OK;
}

enum status rtcp_parse_bye(const struct rtcp_packet *packet, struct rtcp_bye *out)
{
    struct reader r = reader_of(packet->body);
    struct rtcp_bye bye = {.ssrc_count = packet->count};
    if (packet->type != RTCP_TYPE_BYE)
        return STATUS_UNSUPPORTED;
    if (packet->count > RTCP_COUNT_MAX)
        return STATUS_LIMIT;
    for (size_t i = 0; i < bye.ssrc_count; i++)
        bye.ssrcs[i] = read_u32(&r);
    if (!r.failed && reader_left(&r) > 0)
        bye.reason = read_bytes(&r, read_u8(&r));
    if (r.failed)
        return STATUS_TRUNCATED;
    *out = bye;
    return STATUS_OK;
}

size_t rtcp_begin_packet(struct writer *w, uint8_t type, uint8_t count)
{
    size_t begun_at = writer_size(w);
    CHECK(count <= RTCP_COUNT_MAX);
    write_u8(w, (uint8_t)(0x80 | count));
    write_u8(w, type);
    write_u16(w, 0);
    return begun_at;
}

void rtcp_end_packet(struct writer *w, size_t begun_at)
{
    if (w->failed)
        return;
    size_t size = writer_size(w) - begun_at;
    CHECK(size >= HEAD_BYTES && size % 4 == 0 && size / 4 - 1 <= UINT16_MAX);
    store_u16(w->start + begun_at + 2, (uint16_t)(size / 4 - 1));
}

static void write_report_block(struct writer *w, const struct rtcp_report_block *block)
{
    int32_t lost = block->cumulative_lost;
    if (lost > CUMULATIVE_LOST_MAX)
        lost = CUMULATIVE_LOST_MAX;
    if (lost < CUMULATIVE_LOST_MIN)
        lost = CUMULATIVE_LOST_MIN;
    write_u32(w, block->ssrc);
    write_u8(w, block->fraction_lost);
    write_u24(w, (uint32_t)lost & 0xffffff);
    write_u32(w, block->highest_seq);
    write_u32(w, block->jitter);
    write_u32(w, block->last_sr);
    write_u32(w, block->delay_since_sr);
}

void rtcp_write_report(struct writer *w, const struct rtcp_report *report)
{
    CHECK(report->block_count <= RTCP_COUNT_MAX);
    uint8_t type = report->has_sender_info ? RTCP_TYPE_SR : RTCP_TYPE_RR;
    size_t begun_at = rtcp_begin_packet(w, type, (uint8_t)report->block_count);
    write_u32(w, report->ssrc);
    if (report->has_sender_info) {
        write_u64(w, report->sender.ntp);
        write_u32(w, report->sender.rtp_timestamp);
        write_u32(w, report->sender.packet_count);
        write_u32(w, report->sender.octet_count);
    }
    for (size_t i = 0; i < report->block_count; i++)
        write_report_block(w, &report->blocks[i]);
    rtcp_end_packet(w, begun_at);
}

void rtcp_write_sdes(struct writer *w, uint32_t ssrc, struct bytes cname)
{
    CHECK(cname.size <= UINT8_MAX);
    size_t begun_at = rtcp_begin_packet(w, RTCP_TYPE_SDES, 1);
    write_u32(w, ssrc);
    write_u8(w, 1); /* CNAME */
    write_u8(w, (uint8_t)cname.size);
    write_bytes(w, cname);
    write_zeros(w, 4 - (writer_size(w) - begun_at) % 4); /* at least the end mark */
    rtcp_end_packet(w, begun_at);
}

void rtcp_write_bye(struct writer *w, const uint32_t *ssrcs, size_t count, struct bytes reason)
{
    CHECK(count <= RTCP_COUNT_MAX && reason.size <= UINT8_MAX);
    size_t begun_at = rtcp_begin_packet(w, RTCP_TYPE_BYE, (uint8_t)count);
    for (size_t i = 0; i < count; i++)
        write_u32(w, ssrcs[i]);
    if (reason.size > 0) {
        write_u8(w, (uint8_t)reason.size);
        write_bytes(w, reason);
        write_zeros(w, (4 - (writer_size(w) - begun_at) % 4) % 4);
    }
    rtcp_end_packet(w, begun_at);
}
