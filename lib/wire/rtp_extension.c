#include "wire/rtp_extension.h"

#define ABS_SEND_TIME_WRAP 0x1000000
#define ABS_SEND_TIME_WRAP_US SECONDS(64)

static bool is_two_byte_profile(uint16_t profile)
{
    return (profile & 0xfff0) == RTP_EXTENSION_PROFILE_TWO_BYTE;
}

struct rtp_extension_iterator rtp_extension_iterate(const struct rtp_header *header)
{
    struct rtp_extension_iterator it = {.r = reader_of(header->extension)};
    it.two_byte = is_two_byte_profile(header->extension_profile);
    if (it.two_byte || header->extension_profile == RTP_EXTENSION_PROFILE_ONE_BYTE)
        it.left = RTP_EXTENSION_ELEMENTS_MAX;
    return it;
}

/* One element's head and data; a zero byte is padding and gives id 0. */
static struct rtp_extension read_element(struct rtp_extension_iterator *it)
{
    struct rtp_extension element = {0};
    uint8_t first = read_u8(&it->r);
    if (first == 0)
        return element;
    if (it->two_byte) {
        element.id = first;
        element.data = read_bytes(&it->r, read_u8(&it->r));
        return element;
    }
    element.id = first >> 4;
    if (element.id == 0 || element.id == 15) /* RFC 8285 4.2: stop here, whatever the length says */
        it->r.failed = true;
    else
        element.data = read_bytes(&it->r, (first & 0x0fu) + 1);
    return element;
}

bool rtp_extension_next(struct rtp_extension_iterator *it, struct rtp_extension *out)
{
    if (it->left == 0)
        return false;
    while (reader_left(&it->r) > 0) {
        struct rtp_extension element = read_element(it);
        if (it->r.failed)
            break;
        if (element.id == 0)
            continue;
        it->left--;
        *out = element;
        return true;
    }
    it->left = 0;
    return false;
}

bool rtp_extension_find(const struct rtp_header *header, uint8_t id, struct bytes *out)
{
    if (id == 0)
        return false;
    struct rtp_extension_iterator it = rtp_extension_iterate(header);
    struct rtp_extension element;
    while (rtp_extension_next(&it, &element)) {
        if (element.id == id) {
            *out = element.data;
            return true;
        }
    }
    return false;
}

/* Whether the elements can be written at all, and if so in which form. */
static enum status choose_form(const struct rtp_extension *elements, size_t count, bool *two_byte)
{
    bool two = false;
    if (count > RTP_EXTENSION_ELEMENTS_MAX)
        return STATUS_LIMIT;
    for (size_t i = 0; i < count; i++) {
        if (elements[i].id == 0)
            return STATUS_CONFIG;
        if (elements[i].data.size > RTP_EXTENSION_BYTES_MAX)
            return STATUS_LIMIT;
        if (elements[i].id > 14 || elements[i].data.size == 0 || elements[i].data.size > 16)
            two = true;
    }
    *two_byte = two;
    return STATUS_OK;
}

enum status rtp_extension_write(struct writer *w, const struct rtp_extension *elements,
                                size_t count, uint16_t *profile)
{
    bool two_byte = false;
    enum status status = choose_form(elements, count, &two_byte);
    if (status != STATUS_OK)
        return status;
    size_t begun_at = writer_size(w);
    for (size_t i = 0; i < count; i++) {
        if (two_byte) {
            write_u8(w, elements[i].id);
            write_u8(w, (uint8_t)elements[i].data.size);
        } else {
            write_u8(w, (uint8_t)((size_t)elements[i].id << 4 | (elements[i].data.size - 1)));
        }
        write_bytes(w, elements[i].data);
    }
    write_zeros(w, (4 - (writer_size(w) - begun_at) % 4) % 4);
    if (w->failed)
        return STATUS_TRUNCATED;
    *profile = two_byte ? RTP_EXTENSION_PROFILE_TWO_BYTE : RTP_EXTENSION_PROFILE_ONE_BYTE;
    return STATUS_OK;
}

bool rtp_extension_parse_audio_level(struct bytes data, struct rtp_audio_level *out)
{
    /* Two-byte senders may add a byte of padding (RFC 6464 section 3). */
    if (data.size < 1 || data.size > 2)
        return false;
    out->level = data.data[0] & 0x7f;
    out->voice = (data.data[0] & 0x80) != 0;
    return true;
}

uint8_t rtp_extension_audio_level_byte(struct rtp_audio_level level)
{
    uint8_t clamped = level.level > 127 ? 127 : level.level;
    return (uint8_t)(clamped | (level.voice ? 0x80 : 0));
}

uint32_t rtp_abs_send_time_of(usec_t at)
{
    usec_t rest = at % ABS_SEND_TIME_WRAP_US;
    if (rest < 0)
        rest += ABS_SEND_TIME_WRAP_US;
    return (uint32_t)(rest * ABS_SEND_TIME_WRAP / ABS_SEND_TIME_WRAP_US);
}

usec_t rtp_abs_send_time_diff_us(uint32_t a, uint32_t b)
{
    int32_t delta = (int32_t)((a - b) & (ABS_SEND_TIME_WRAP - 1));
    if (delta >= ABS_SEND_TIME_WRAP / 2)
        delta -= ABS_SEND_TIME_WRAP;
    return delta * ABS_SEND_TIME_WRAP_US / ABS_SEND_TIME_WRAP;
}

bool rtp_extension_parse_abs_send_time(struct bytes data, uint32_t *out)
{
    struct reader r = reader_of(data);
    if (data.size != RTP_ABS_SEND_TIME_BYTES)
        return false;
    *out = read_u24(&r);
    return true;
}

void rtp_extension_store_abs_send_time(uint8_t data[RTP_ABS_SEND_TIME_BYTES], uint32_t value)
{
    data[0] = (uint8_t)(value >> 16);
    store_u16(data + 1, (uint16_t)value);
}

bool rtp_extension_parse_transport_seq(struct bytes data, uint16_t *out)
{
    /* Version 2 of the extension puts a feedback request behind the number. */
    if (data.size != RTP_TRANSPORT_SEQ_BYTES && data.size != 4)
        return false;
    *out = load_u16(data.data);
    return true;
}

bool rtp_extension_parse_text(struct bytes data, char *text, size_t capacity)
{
    for (size_t i = 0; i < data.size; i++) {
        if (data.data[i] <= 0x20 || data.data[i] >= 0x7f)
            data.size = 0;
    }
    return bytes_to_string(data, text, capacity) && data.size > 0;
}
