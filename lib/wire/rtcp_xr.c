#include "wire/rtcp_xr.h"

#define BLOCK_RRTR 4
#define BLOCK_DLRR 5
#define DLRR_BYTES 12

static void read_dlrr_block(struct bytes block, struct rtcp_xr *xr)
{
    struct reader r = reader_of(block);
    while (reader_left(&r) >= DLRR_BYTES && xr->dlrr_count < RTCP_XR_DLRR_MAX) {
        struct rtcp_dlrr *item = &xr->dlrr[xr->dlrr_count++];
        item->ssrc = read_u32(&r);
        item->last_rr = read_u32(&r);
        item->delay = read_u32(&r);
    }
}

static bool read_block(struct reader *r, struct rtcp_xr *xr)
{
    uint8_t type = read_u8(r);
    read_u8(r);
    struct bytes block = read_bytes(r, 4u * read_u16(r));
    struct reader inner = reader_of(block);
    if (r->failed)
        return false;
    if (type == BLOCK_DLRR) {
        if (block.size % DLRR_BYTES != 0)
            return false;
        read_dlrr_block(block, xr);
    } else if (type == BLOCK_RRTR) {
        if (block.size != 8)
            return false;
        xr->rrtr_ntp = read_u64(&inner);
        xr->has_rrtr = true;
    }
    return true;
}

enum status rtcp_parse_xr(const struct rtcp_packet *packet, struct rtcp_xr *out)
{
    struct reader r = reader_of(packet->body);
    struct rtcp_xr xr = {0};
    if (packet->type != RTCP_TYPE_XR)
        return STATUS_UNSUPPORTED;
    xr.ssrc = read_u32(&r);
    if (r.failed)
        return STATUS_TRUNCATED;
    for (size_t i = 0; reader_left(&r) > 0; i++) {
        if (i == RTCP_XR_BLOCKS_MAX)
            return STATUS_LIMIT;
        if (!read_block(&r, &xr))
            return r.failed ? STATUS_TRUNCATED : STATUS_MALFORMED;
    }
    *out = xr;
    return STATUS_OK;
}

void rtcp_write_xr_rrtr(struct writer *w, uint32_t ssrc, uint64_t ntp)
{
    size_t begun_at = rtcp_begin_packet(w, RTCP_TYPE_XR, 0);
    write_u32(w, ssrc);
    write_u8(w, BLOCK_RRTR);
    write_u8(w, 0);
    write_u16(w, 2);
    write_u64(w, ntp);
    rtcp_end_packet(w, begun_at);
}

void rtcp_write_xr_dlrr(struct writer *w, uint32_t ssrc, const struct rtcp_dlrr *items,
                        size_t count)
{
    CHECK(count <= RTCP_XR_DLRR_MAX);
    size_t begun_at = rtcp_begin_packet(w, RTCP_TYPE_XR, 0);
    write_u32(w, ssrc);
    write_u8(w, BLOCK_DLRR);
    write_u8(w, 0);
    write_u16(w, (uint16_t)(3 * count));
    for (size_t i = 0; i < count; i++) {
        write_u32(w, items[i].ssrc);
        write_u32(w, items[i].last_rr);
        write_u32(w, items[i].delay);
    }
    rtcp_end_packet(w, begun_at);
}
