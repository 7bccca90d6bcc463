#include "wire/rtcp_twcc.h"

#include "wire/rtcp_feedback.h"

#define FORMAT_TWCC 15
#define RUN_MAX 0x1fff
#define ONE_BIT_SYMBOLS 14
#define TWO_BIT_SYMBOLS 7
#define TICKS_PER_REFERENCE (RTCP_TWCC_REFERENCE_US / RTCP_TWCC_TICK_US)

/* Packet status symbols (section 3.1.1). 3 is reserved. */
enum symbol { SYMBOL_LOST = 0, SYMBOL_SMALL = 1, SYMBOL_LARGE = 2, SYMBOL_RESERVED = 3 };

static bool is_run(uint16_t chunk)
{
    return chunk >> 15 == 0;
}

/* How many symbols a chunk stands for. */
static uint16_t chunk_symbols(uint16_t chunk)
{
    if (is_run(chunk))
        return chunk & RUN_MAX;
    return (chunk & 0x4000) != 0 ? TWO_BIT_SYMBOLS : ONE_BIT_SYMBOLS;
}

/* The symbol that has `behind` others behind it in the chunk. */
static enum symbol chunk_symbol(uint16_t chunk, unsigned behind)
{
    if (is_run(chunk))
        return (enum symbol)(chunk >> 13 & 3);
    if ((chunk & 0x4000) != 0)
        return (enum symbol)(chunk >> 2 * behind & 3);
    return (enum symbol)(chunk >> behind & 1);
}

/* The next packet's symbol. The statuses were checked: the chunks last. */
static enum symbol take_symbol(struct rtcp_twcc_iterator *it)
{
    while (it->chunk_left == 0 && !it->chunks.failed) {
        it->chunk = read_u16(&it->chunks);
        it->chunk_left = chunk_symbols(it->chunk);
    }
    if (it->chunks.failed)
        return SYMBOL_LOST;
    it->chunk_left--;
    return chunk_symbol(it->chunk, it->chunk_left);
}

/* Adds the bytes of the deltas that the first `count` symbols of a chunk announce. A run costs one
 * step, whatever its length: a few bytes may stand for thousands of packets. */
static bool add_delta_bytes(uint16_t chunk, size_t count, size_t *delta_bytes)
{
    size_t symbols = chunk_symbols(chunk);
    size_t steps = is_run(chunk) ? 1 : count;
    size_t weight = is_run(chunk) ? count : 1;
    for (size_t i = 0; i < steps; i++) {
        enum symbol symbol = chunk_symbol(chunk, (unsigned)(symbols - 1 - i));
        if (symbol == SYMBOL_RESERVED)
            return false;
        *delta_bytes += weight * (size_t)symbol; /* 0, 1 or 2 bytes each, as it happens */
    }
    return true;
}

/* Finds where the chunks end and whether the deltas they announce are there. */
static enum status check_statuses(struct rtcp_twcc *twcc)
{
    struct reader r = reader_of(twcc->chunks_and_deltas);
    size_t delta_bytes = 0;
    for (size_t left = twcc->status_count; left > 0;) {
        uint16_t chunk = read_u16(&r);
        if (r.failed)
            return STATUS_TRUNCATED;
        size_t count = chunk_symbols(chunk) < left ? chunk_symbols(chunk) : left;
        if (!add_delta_bytes(chunk, count, &delta_bytes))
            return STATUS_MALFORMED;
        left -= count;
    }
    if (reader_left(&r) < delta_bytes)
        return STATUS_TRUNCATED;
    twcc->chunk_bytes = twcc->chunks_and_deltas.size - reader_left(&r);
    return STATUS_OK;
}

enum status rtcp_parse_twcc(const struct rtcp_packet *packet, struct rtcp_twcc *out)
{
    struct reader r = reader_of(packet->body);
    struct rtcp_twcc twcc = {0};
    if (rtcp_feedback_of(packet) != RTCP_FEEDBACK_TWCC)
        return STATUS_UNSUPPORTED;
    twcc.sender_ssrc = read_u32(&r);
    twcc.media_ssrc = read_u32(&r);
    twcc.base_seq = read_u16(&r);
    twcc.status_count = read_u16(&r);
    int32_t reference = (int32_t)read_u24(&r);
    twcc.reference_time = reference >= 0x800000 ? reference - 0x1000000 : reference;
    twcc.feedback_count = read_u8(&r);
    twcc.chunks_and_deltas = read_rest(&r);
    if (r.failed)
        return STATUS_TRUNCATED;
    if (twcc.status_count == 0)
        return STATUS_MALFORMED;
    if (twcc.status_count > RTCP_TWCC_STATUSES_MAX)
        return STATUS_LIMIT;
    enum status status = check_statuses(&twcc);
    if (status == STATUS_OK)
        *out = twcc;
    return status;
}

struct rtcp_twcc_iterator rtcp_twcc_iterate(const struct rtcp_twcc *twcc)
{
    struct reader r = reader_of(twcc->chunks_and_deltas);
    struct bytes chunks = read_bytes(&r, twcc->chunk_bytes);
    return (struct rtcp_twcc_iterator){
        .chunks = reader_of(chunks),
        .deltas = r,
        .at = (usec_t)twcc->reference_time * RTCP_TWCC_REFERENCE_US,
        .seq = twcc->base_seq,
        .left = twcc->status_count,
    };
}

bool rtcp_twcc_next(struct rtcp_twcc_iterator *it, struct rtcp_twcc_status *out)
{
    if (it->left == 0)
        return false;
    enum symbol symbol = take_symbol(it);
    it->left--;
    if (symbol == SYMBOL_SMALL)
        it->at += (usec_t)read_u8(&it->deltas) * RTCP_TWCC_TICK_US;
    else if (symbol == SYMBOL_LARGE)
        it->at += (usec_t)(int16_t)read_u16(&it->deltas) * RTCP_TWCC_TICK_US;
    out->seq = it->seq++;
    out->arrival = symbol == SYMBOL_LOST ? RTCP_TWCC_LOST : it->at;
    return true;
}

struct statuses {
    uint8_t symbols[RTCP_TWCC_WRITE_MAX];
    int16_t deltas[RTCP_TWCC_WRITE_MAX];
    size_t count;
    usec_t reference; /* units of RTCP_TWCC_REFERENCE_US */
};

static bool find_first_arrival(const usec_t *arrivals, size_t count, usec_t *first)
{
    for (size_t i = 0; i < count; i++) {
        if (arrivals[i] != RTCP_TWCC_LOST) {
            *first = arrivals[i];
            return true;
        }
    }
    return false;
}

/* Symbols and deltas up to the first arrival whose distance does not fit in 16 bits. */
static bool gather_statuses(const usec_t *arrivals, size_t count, struct statuses *out)
{
    usec_t first;
    if (count > RTCP_TWCC_WRITE_MAX)
        count = RTCP_TWCC_WRITE_MAX;
    if (!find_first_arrival(arrivals, count, &first))
        return false;
    out->reference = first / RTCP_TWCC_REFERENCE_US;
    usec_t ticks = out->reference * TICKS_PER_REFERENCE;
    for (out->count = 0; out->count < count; out->count++) {
        size_t i = out->count;
        out->symbols[i] = SYMBOL_LOST;
        if (arrivals[i] == RTCP_TWCC_LOST)
            continue;
        usec_t delta = arrivals[i] / RTCP_TWCC_TICK_US - ticks;
        if (delta < INT16_MIN || delta > INT16_MAX)
            break;
        out->symbols[i] = delta >= 0 && delta <= UINT8_MAX ? SYMBOL_SMALL : SYMBOL_LARGE;
        out->deltas[i] = (int16_t)delta;
        ticks += delta;
    }
    return true;
}

static size_t run_length(const uint8_t *symbols, size_t count)
{
    size_t length = 1;
    while (length < count && length < RUN_MAX && symbols[length] == symbols[0])
        length++;
    return length;
}

static bool is_one_bit(const uint8_t *symbols, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (symbols[i] > SYMBOL_SMALL)
            return false;
    }
    return true;
}

/* A vector chunk of `places` symbols; those past `count` are zero. */
static void write_vector(struct writer *w, const uint8_t *symbols, size_t count, size_t places)
{
    unsigned bits = places == TWO_BIT_SYMBOLS ? 2 : 1;
    unsigned chunk = 0x8000u | (bits == 2 ? 0x4000u : 0);
    for (size_t i = 0; i < count; i++)
        chunk |= (unsigned)symbols[i] << bits * (places - 1 - i);
    write_u16(w, (uint16_t)chunk);
}

/* Writes the shortest kind of chunk for what comes next; returns how many symbols it took. */
static size_t write_chunk(struct writer *w, const uint8_t *symbols, size_t left)
{
    size_t run = run_length(symbols, left);
    size_t one_bit = left < ONE_BIT_SYMBOLS ? left : ONE_BIT_SYMBOLS;
    size_t two_bit = left < TWO_BIT_SYMBOLS ? left : TWO_BIT_SYMBOLS;
    bool fits_one_bit = is_one_bit(symbols, one_bit);
    if (run >= (fits_one_bit ? one_bit : two_bit)) {
        write_u16(w, (uint16_t)((unsigned)symbols[0] << 13 | run));
        return run;
    }
    if (fits_one_bit) {
        write_vector(w, symbols, one_bit, ONE_BIT_SYMBOLS);
        return one_bit;
    }
    write_vector(w, symbols, two_bit, TWO_BIT_SYMBOLS);
    return two_bit;
}

static void write_deltas(struct writer *w, const struct statuses *statuses)
{
    for (size_t i = 0; i < statuses->count; i++) {
        if (statuses->symbols[i] == SYMBOL_SMALL)
            write_u8(w, (uint8_t)statuses->deltas[i]);
        else if (statuses->symbols[i] == SYMBOL_LARGE)
            write_u16(w, (uint16_t)statuses->deltas[i]);
    }
}

/* RTCP padding up to 32 bits, the last byte telling how much: what libwebrtc writes and expects. */
static void write_alignment(struct writer *w, size_t begun_at)
{
    size_t padding = (4 - (writer_size(w) - begun_at) % 4) % 4;
    if (padding == 0)
        return;
    write_zeros(w, padding - 1);
    write_u8(w, (uint8_t)padding);
    if (!w->failed)
        w->start[begun_at] |= 0x20;
}

size_t rtcp_write_twcc(struct writer *w, uint32_t sender_ssrc, uint32_t media_ssrc,
                       uint8_t feedback_count, uint16_t base_seq, const usec_t *arrivals,
                       size_t count)
{
    struct statuses statuses;
    if (!gather_statuses(arrivals, count, &statuses))
        return 0;
    size_t begun_at = rtcp_begin_packet(w, RTCP_TYPE_RTPFB, FORMAT_TWCC);
    write_u32(w, sender_ssrc);
    write_u32(w, media_ssrc);
    write_u16(w, base_seq);
    write_u16(w, (uint16_t)statuses.count);
    write_u24(w, (uint32_t)(statuses.reference & 0xffffff));
    write_u8(w, feedback_count);
    for (size_t done = 0; done < statuses.count;)
        done += write_chunk(w, statuses.symbols + done, statuses.count - done);
    write_deltas(w, &statuses);
    write_alignment(w, begun_at);
    rtcp_end_packet(w, begun_at);
    return statuses.count;
}
