#include "wire/stun.h"

#include "wire/stun_attribute.h"

#include <openssl/crypto.h>

#define FINGERPRINT_XOR 0x5354554eu

/* The attributes that we understand, with the sizes they may have. */
static const struct known_attribute {
    uint16_t type;
    uint16_t min_bytes;
    uint16_t max_bytes;
} known_attributes[] = {
    {STUN_ATTRIBUTE_MAPPED_ADDRESS, 8, 20},
    {STUN_ATTRIBUTE_USERNAME, 1, STUN_USERNAME_BYTES_MAX},
    {STUN_ATTRIBUTE_MESSAGE_INTEGRITY, STUN_INTEGRITY_BYTES, STUN_INTEGRITY_BYTES},
    {STUN_ATTRIBUTE_ERROR_CODE, 4, 767},
    {STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES, 0, STUN_BYTES_MAX},
    {STUN_ATTRIBUTE_REALM, 0, 763},
    {STUN_ATTRIBUTE_NONCE, 0, 763},
    {STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, 8, 20},
    {STUN_ATTRIBUTE_PRIORITY, 4, 4},
    {STUN_ATTRIBUTE_USE_CANDIDATE, 0, 0},
    {STUN_ATTRIBUTE_FINGERPRINT, 4, 4},
    {STUN_ATTRIBUTE_ICE_CONTROLLED, 8, 8},
    {STUN_ATTRIBUTE_ICE_CONTROLLING, 8, 8},
    {STUN_ATTRIBUTE_NOMINATION, 4, 4},
};

void stun_decode_type(uint16_t type, enum stun_class *class, uint16_t *method)
{
    *class = (enum stun_class)((type >> 7 & 2) | (type >> 4 & 1));
    *method = (uint16_t)((type & 0x000f) | (type >> 1 & 0x0070) | (type >> 2 & 0x0f80));
}

uint16_t stun_encode_type(enum stun_class class, uint16_t method)
{
    unsigned c = (unsigned)class;
    unsigned m = method;
    return (uint16_t)((m & 0x000f) | (c & 1) << 4 | (m & 0x0070) << 1 | (c & 2) << 7 |
                      (m & 0x0f80) << 2);
}

/* CRC-32 as in ITU V.42, four bits at a time: checks are rare and a large table would be cold. */
static uint32_t crc32_of(struct bytes b)
{
    static const uint32_t steps[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < b.size; i++) {
        crc ^= b.data[i];
        crc = crc >> 4 ^ steps[crc & 0x0f];
        crc = crc >> 4 ^ steps[crc & 0x0f];
    }
    return ~crc;
}

uint32_t stun_fingerprint(struct bytes before)
{
    return crc32_of(before) ^ FINGERPRINT_XOR;
}

void stun_address_mask(const uint8_t transaction[STUN_TRANSACTION_BYTES], uint8_t mask[16])
{
    store_u32(mask, STUN_COOKIE);
    memcpy(mask + 4, transaction, STUN_TRANSACTION_BYTES);
}

static bool read_xor_address(struct stun_message *m, struct bytes value)
{
    struct reader r = reader_of(value);
    struct net_addr addr = {0};
    uint8_t mask[16];
    stun_address_mask(m->transaction, mask);
    read_u8(&r);
    uint8_t family = read_u8(&r);
    addr.port = (uint16_t)(read_u16(&r) ^ (STUN_COOKIE >> 16));
    struct bytes ip = read_rest(&r);
    if (family == 1 && ip.size == 4)
        addr.family = NET_FAMILY_IPV4;
    else if (family == 2 && ip.size == 16)
        addr.family = NET_FAMILY_IPV6;
    else
        return false;
    for (size_t i = 0; i < ip.size; i++)
        addr.ip[i] = ip.data[i] ^ mask[i];
    m->mapped = addr;
    return true;
}

static bool read_error_code(struct stun_message *m, struct bytes value)
{
    struct reader r = reader_of(value);
    uint32_t word = read_u32(&r);
    uint32_t hundreds = word >> 8 & 7;
    uint32_t rest = word & 0xff;
    if (hundreds < 3 || hundreds > 6 || rest > 99)
        return false;
    m->error_code = (uint16_t)(hundreds * 100 + rest);
    return true;
}

/* Two roles in one message contradict each other: such a message is nobody's. */
static bool read_role(struct stun_message *m, enum stun_role role, struct bytes value)
{
    struct reader r = reader_of(value);
    if (m->role != STUN_ROLE_NONE)
        return false;
    m->role = role;
    m->tie_breaker = read_u64(&r);
    return true;
}

/* Stores a known attribute of the right size, not seen before. `at` is its offset. */
static bool read_known_attribute(struct stun_message *m, uint16_t type, struct bytes value,
                                 size_t at)
{
    struct reader r = reader_of(value);
    switch (type) {
    case STUN_ATTRIBUTE_USERNAME:
        m->username = value;
        return true;
    case STUN_ATTRIBUTE_MESSAGE_INTEGRITY:
        m->integrity_at = (uint16_t)at;
        return true;
    case STUN_ATTRIBUTE_ERROR_CODE:
        return read_error_code(m, value);
    case STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS:
        return read_xor_address(m, value);
    case STUN_ATTRIBUTE_PRIORITY:
        m->priority = read_u32(&r);
        m->has_priority = true;
        return true;
    case STUN_ATTRIBUTE_USE_CANDIDATE:
        m->use_candidate = true;
        return true;
    case STUN_ATTRIBUTE_NOMINATION:
        m->nomination = read_u32(&r);
        m->has_nomination = true;
        return true;
    case STUN_ATTRIBUTE_ICE_CONTROLLED:
        return read_role(m, STUN_ROLE_CONTROLLED, value);
    case STUN_ATTRIBUTE_ICE_CONTROLLING:
        return read_role(m, STUN_ROLE_CONTROLLING, value);
    case STUN_ATTRIBUTE_FINGERPRINT:
        m->has_fingerprint = read_u32(&r) == stun_fingerprint(bytes_of(m->whole.data, at));
        return m->has_fingerprint;
    default: /* understood and of no interest */
        return true;
    }
}

static bool find_known_attribute(uint16_t type, size_t *index)
{
    for (size_t i = 0; i < COUNT_OF(known_attributes); i++) {
        if (known_attributes[i].type == type) {
            *index = i;
            return true;
        }
    }
    return false;
}

static void note_unknown(struct stun_message *m, uint16_t type)
{
    if (type < 0x8000 && m->unknown_count < STUN_UNKNOWN_MAX)
        m->unknown[m->unknown_count++] = type;
}

/* One attribute; `seen` has a bit for each row of known_attributes. */
static bool read_attribute(struct stun_message *m, struct reader *r, uint32_t *seen)
{
    size_t at = m->whole.size - reader_left(r);
    uint16_t type = read_u16(r);
    uint16_t size = read_u16(r);
    struct bytes value = read_bytes(r, size);
    read_bytes(r, (4u - size % 4u) % 4u);
    if (r->failed || m->has_fingerprint) /* nothing may follow FINGERPRINT */
        return false;
    if (m->integrity_at != 0 && type != STUN_ATTRIBUTE_FINGERPRINT)
        return true; /* not covered by the integrity, so worth nothing */
    size_t index;
    if (!find_known_attribute(type, &index)) {
        note_unknown(m, type);
        return true;
    }
    if (size < known_attributes[index].min_bytes || size > known_attributes[index].max_bytes)
        return false;
    if ((*seen & 1u << index) != 0)
        return true;
    *seen |= 1u << index;
    return read_known_attribute(m, type, value, at);
}

/* The header's 20 bytes; the length must be that of the datagram. */
static enum status read_message_header(struct stun_message *m, struct reader *r)
{
    uint16_t type = read_u16(r);
    uint16_t length = read_u16(r);
    uint32_t cookie = read_u32(r);
    struct bytes transaction = read_bytes(r, STUN_TRANSACTION_BYTES);
    if (r->failed)
        return STATUS_TRUNCATED;
    if (type >> 14 != 0 || cookie != STUN_COOKIE || length % 4 != 0 || length < reader_left(r))
        return STATUS_MALFORMED;
    if (length > reader_left(r))
        return STATUS_TRUNCATED;
    stun_decode_type(type, &m->class, &m->method);
    memcpy(m->transaction, transaction.data, STUN_TRANSACTION_BYTES);
    return STATUS_OK;
}

enum status stun_parse_message(struct bytes datagram, struct stun_message *out)
{
    struct reader r = reader_of(datagram);
    struct stun_message m = {.whole = datagram};
    uint32_t seen = 0;
    if (datagram.size > STUN_BYTES_MAX)
        return STATUS_LIMIT;
    enum status status = read_message_header(&m, &r);
    if (status != STATUS_OK)
        return status;
    for (size_t count = 0; reader_left(&r) > 0; count++) {
        if (count == STUN_ATTRIBUTES_MAX)
            return STATUS_LIMIT;
        if (!read_attribute(&m, &r, &seen))
            return STATUS_MALFORMED;
    }
    *out = m;
    return STATUS_OK;
}

enum status stun_verify_integrity(const struct stun_message *message, struct bytes password)
{
    uint8_t mac[STUN_INTEGRITY_BYTES];
    if (message->integrity_at == 0)
        return STATUS_AUTH;
    struct bytes before = bytes_of(message->whole.data, message->integrity_at);
    enum status status = stun_integrity(before, password, mac);
    if (status != STATUS_OK)
        return status;
    const uint8_t *received =
        message->whole.data + message->integrity_at + STUN_ATTRIBUTE_HEAD_BYTES;
    return CRYPTO_memcmp(mac, received, sizeof mac) == 0 ? STATUS_OK : STATUS_AUTH;
}

bool stun_split_username(struct bytes username, struct bytes *ours, struct bytes *theirs)
{
    const uint8_t *colon = username.size > 0 ? memchr(username.data, ':', username.size) : NULL;
    if (colon == NULL)
        return false;
    size_t before = (size_t)(colon - username.data);
    if (before == 0 || before + 1 == username.size)
        return false;
    *ours = bytes_of(username.data, before);
    *theirs = bytes_of(colon + 1, username.size - before - 1);
    return true;
}
