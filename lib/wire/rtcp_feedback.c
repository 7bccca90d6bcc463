#include "wire/rtcp_feedback.h"

/* Feedback message types: RFC 4585 section 9, RFC 5104 section 9; 15 is used by both drafts. */
#define FORMAT_NACK 1
#define FORMAT_PLI 1
#define FORMAT_FIR 4
#define FORMAT_DRAFT 15
#define REMB_NAME 0x52454d42u /* "REMB" */
#define REMB_MANTISSA_BITS 18

static bool is_remb(struct bytes body)
{
    struct reader r = reader_of(body);
    read_u64(&r);
    return read_u32(&r) == REMB_NAME;
}

enum rtcp_feedback rtcp_feedback_of(const struct rtcp_packet *packet)
{
    if (packet->type == RTCP_TYPE_RTPFB) {
        if (packet->count == FORMAT_NACK)
            return RTCP_FEEDBACK_NACK;
        return packet->count == FORMAT_DRAFT ? RTCP_FEEDBACK_TWCC : RTCP_FEEDBACK_NONE;
    }
    if (packet->type != RTCP_TYPE_PSFB)
        return RTCP_FEEDBACK_NONE;
    if (packet->count == FORMAT_PLI)
        return RTCP_FEEDBACK_PLI;
    if (packet->count == FORMAT_FIR)
        return RTCP_FEEDBACK_FIR;
    return packet->count == FORMAT_DRAFT && is_remb(packet->body) ? RTCP_FEEDBACK_REMB
                                                                  : RTCP_FEEDBACK_NONE;
}

enum status rtcp_parse_nack(const struct rtcp_packet *packet, struct rtcp_nack *out)
{
    struct reader r = reader_of(packet->body);
    struct rtcp_nack nack = {0};
    if (rtcp_feedback_of(packet) != RTCP_FEEDBACK_NACK)
        return STATUS_UNSUPPORTED;
    nack.sender_ssrc = read_u32(&r);
    nack.media_ssrc = read_u32(&r);
    if (r.failed || reader_left(&r) == 0)
        return STATUS_TRUNCATED;
    if (reader_left(&r) % 4 != 0)
        return STATUS_MALFORMED;
    if (reader_left(&r) / 4 > RTCP_NACK_ITEMS_MAX)
        return STATUS_LIMIT;
    while (reader_left(&r) > 0) {
        nack.items[nack.item_count].first = read_u16(&r);
        nack.items[nack.item_count++].mask = read_u16(&r);
    }
    *out = nack;
    return STATUS_OK;
}

size_t rtcp_nack_list(const struct rtcp_nack *nack, uint16_t *seqs, size_t capacity)
{
    size_t count = 0;
    for (size_t i = 0; i < nack->item_count; i++) {
        uint32_t wanted = (uint32_t)nack->items[i].mask << 1 | 1;
        for (unsigned bit = 0; bit <= 16 && count < capacity; bit++) {
            if ((wanted >> bit & 1) != 0)
                seqs[count++] = (uint16_t)(nack->items[i].first + bit);
        }
    }
    return count;
}

/* How many of `seqs`, from the front, one entry covers, and its mask. */
static size_t gather_nack_item(const uint16_t *seqs, size_t count, uint16_t *mask)
{
    size_t used = 1;
    *mask = 0;
    for (; used < count; used++) {
        uint16_t distance = (uint16_t)(seqs[used] - seqs[0]);
        if (distance > 16)
            break;
        if (distance > 0)
            *mask |= (uint16_t)(1u << (distance - 1));
    }
    return used;
}

size_t rtcp_write_nack(struct writer *w, uint32_t sender_ssrc, uint32_t media_ssrc,
                       const uint16_t *seqs, size_t count)
{
    if (count == 0)
        return 0;
    size_t begun_at = rtcp_begin_packet(w, RTCP_TYPE_RTPFB, FORMAT_NACK);
    size_t used = 0;
    write_u32(w, sender_ssrc);
    write_u32(w, media_ssrc);
    for (size_t i = 0; i < RTCP_NACK_ITEMS_MAX && used < count; i++) {
        uint16_t mask;
        write_u16(w, seqs[used]);
        used += gather_nack_item(seqs + used, count - used, &mask);
        write_u16(w, mask);
    }
    rtcp_end_packet(w, begun_at);
    return used;
}

enum status rtcp_parse_pli(const struct rtcp_packet *packet, struct rtcp_pli *out)
{
    struct reader r = reader_of(packet->body);
    if (rtcp_feedback_of(packet) != RTCP_FEEDBACK_PLI)
        return STATUS_UNSUPPORTED;
    struct rtcp_pli pli = {.sender_ssrc = read_u32(&r)};
    pli.media_ssrc = read_u32(&r);
    if (r.failed)
        return STATUS_TRUNCATED;
    *out = pli;
    return STATUS_OK;
}

void rtcp_write_pli(struct writer *w, uint32_t sender_ssrc, uint32_t media_ssrc)
{
    size_t begun_at = rtcp_begin_packet(w, RTCP_TYPE_PSFB, FORMAT_PLI);
    write_u32(w, sender_ssrc);
    write_u32(w, media_ssrc);
    rtcp_end_packet(w, begun_at);
}

enum status rtcp_parse_fir(const struct rtcp_packet *packet, struct rtcp_fir *out)
{
    struct reader r = reader_of(packet->body);
    struct rtcp_fir fir = {0};
    if (rtcp_feedback_of(packet) != RTCP_FEEDBACK_FIR)
        return STATUS_UNSUPPORTED;
    fir.sender_ssrc = read_u32(&r);
    read_u32(&r); /* media SSRC: unused, zero (RFC 5104 4.3.1.2) */
    if (r.failed || reader_left(&r) == 0)
        return STATUS_TRUNCATED;
    if (reader_left(&r) % 8 != 0)
        return STATUS_MALFORMED;
    if (reader_left(&r) / 8 > RTCP_FIR_ITEMS_MAX)
        return STATUS_LIMIT;
    while (reader_left(&r) > 0) {
        struct rtcp_fir_item *item = &fir.items[fir.item_count++];
        item->ssrc = read_u32(&r);
        item->seq = read_u8(&r);
        read_u24(&r);
    }
    *out = fir;
    return STATUS_OK;
}

void rtcp_write_fir(struct writer *w, uint32_t sender_ssrc, const struct rtcp_fir_item *items,
                    size_t count)
{
    CHECK(count <= RTCP_FIR_ITEMS_MAX);
    size_t begun_at = rtcp_begin_packet(w, RTCP_TYPE_PSFB, FORMAT_FIR);
    write_u32(w, sender_ssrc);
    write_u32(w, 0);
    for (size_t i = 0; i < count; i++) {
        write_u32(w, items[i].ssrc);
        write_u8(w, items[i].seq);
        write_u24(w, 0);
    }
    rtcp_end_packet(w, begun_at);
}

static uint64_t rate_of(uint32_t mantissa, unsigned exponent)
{
    if (mantissa == 0)
        return 0;
    return exponent >= 64 || mantissa > UINT64_MAX >> exponent ? UINT64_MAX
                                                               : (uint64_t)mantissa << exponent;
}

enum status rtcp_parse_remb(const struct rtcp_packet *packet, struct rtcp_remb *out)
{
    struct reader r = reader_of(packet->body);
    struct rtcp_remb remb = {0};
    if (rtcp_feedback_of(packet) != RTCP_FEEDBACK_REMB)
        return STATUS_UNSUPPORTED;
    remb.sender_ssrc = read_u32(&r);
    read_u64(&r); /* media SSRC (zero) and "REMB" */
    uint8_t count = read_u8(&r);
    uint32_t rate = read_u24(&r); /* exponent:6 mantissa:18 */
    if (r.failed || reader_left(&r) < 4u * count)
        return STATUS_TRUNCATED;
    if (reader_left(&r) > 4u * count)
        return STATUS_MALFORMED;
    if (count > RTCP_REMB_SSRCS_MAX)
        return STATUS_LIMIT;
    remb.rate_bps = rate_of(rate & 0x3ffff, rate >> REMB_MANTISSA_BITS);
    for (; remb.ssrc_count < count; remb.ssrc_count++)
        remb.ssrcs[remb.ssrc_count] = read_u32(&r);
    *out = remb;
    return STATUS_OK;
}

void rtcp_write_remb(struct writer *w, const struct rtcp_remb *remb)
{
    CHECK(remb->ssrc_count <= RTCP_REMB_SSRCS_MAX);
    size_t begun_at = rtcp_begin_packet(w, RTCP_TYPE_PSFB, FORMAT_DRAFT);
    uint64_t mantissa = remb->rate_bps;
    uint32_t exponent = 0;
    for (; mantissa >> REMB_MANTISSA_BITS != 0; exponent++)
        mantissa >>= 1;
    write_u32(w, remb->sender_ssrc);
    write_u32(w, 0);
    write_u32(w, REMB_NAME);
    write_u8(w, (uint8_t)remb->ssrc_count);
    write_u24(w, exponent << REMB_MANTISSA_BITS | (uint32_t)mantissa);
    for (size_t i = 0; i < remb->ssrc_count; i++)
        write_u32(w, remb->ssrcs[i]);
    rtcp_end_packet(w, begun_at);
}
