#include "wire/stun.h"

#include "wire/stun_attribute.h"

/* Returns where the message starts; its length is stored as attributes are finished. */
static uint8_t *begin_message(struct writer *w, enum stun_class class,
                              const uint8_t transaction[STUN_TRANSACTION_BYTES])
{
    uint8_t *start = w->at;
    write_u16(w, stun_encode_type(class, STUN_METHOD_BINDING));
    write_u16(w, 0);
    write_u32(w, STUN_COOKIE);
    write_bytes(w, bytes_of(transaction, STUN_TRANSACTION_BYTES));
    return start;
}

static void write_attribute(struct writer *w, enum stun_attribute type, struct bytes value)
{
    write_u16(w, (uint16_t)type);
    write_u16(w, (uint16_t)value.size);
    write_bytes(w, value);
    write_zeros(w, (4 - value.size % 4) % 4);
}

static void write_attribute_uint(struct writer *w, enum stun_attribute type, uint64_t value,
                                 size_t size)
{
    write_u16(w, (uint16_t)type);
    write_u16(w, (uint16_t)size);
    write_uint(w, value, size);
}

static void store_length(uint8_t *start, size_t message_bytes)
{
    store_u16(start + 2, (uint16_t)(message_bytes - STUN_HEADER_BYTES));
}

static enum status write_integrity(struct writer *w, const uint8_t *start, struct bytes password)
{
    uint8_t mac[STUN_INTEGRITY_BYTES];
    enum status status = stun_integrity(bytes_of(start, (size_t)(w->at - start)), password, mac);
    if (status == STATUS_OK)
        write_attribute(w, STUN_ATTRIBUTE_MESSAGE_INTEGRITY, bytes_of(mac, sizeof mac));
    return status;
}

/* MESSAGE-INTEGRITY, FINGERPRINT and the final length. */
static enum status end_message(struct writer *w, uint8_t *start, struct bytes password)
{
    if (w->failed)
        return STATUS_TRUNCATED;
    if (password.size > 0) {
        enum status status = write_integrity(w, start, password);
        if (status != STATUS_OK) {
            w->failed = true;
            return status;
        }
    }
    size_t before = (size_t)(w->at - start);
    if (w->failed || writer_left(w) < STUN_ATTRIBUTE_HEAD_BYTES + 4 || before > STUN_BYTES_MAX) {
        w->failed = true;
        return STATUS_TRUNCATED;
    }
    store_length(start, before + STUN_ATTRIBUTE_HEAD_BYTES + 4);
    write_attribute_uint(w, STUN_ATTRIBUTE_FINGERPRINT, stun_fingerprint(bytes_of(start, before)),
                         4);
    return STATUS_OK;
}

enum status stun_write_request(struct writer *w, const struct stun_request *request,
                               struct bytes password)
{
    uint8_t *start = begin_message(w, STUN_CLASS_REQUEST, request->transaction);
    if (request->username.size > 0)
        write_attribute(w, STUN_ATTRIBUTE_USERNAME, request->username);
    if (request->role == STUN_ROLE_CONTROLLING)
        write_attribute_uint(w, STUN_ATTRIBUTE_ICE_CONTROLLING, request->tie_breaker, 8);
    else if (request->role == STUN_ROLE_CONTROLLED)
        write_attribute_uint(w, STUN_ATTRIBUTE_ICE_CONTROLLED, request->tie_breaker, 8);
    if (request->priority != 0)
        write_attribute_uint(w, STUN_ATTRIBUTE_PRIORITY, request->priority, 4);
    if (request->use_candidate)
        write_attribute(w, STUN_ATTRIBUTE_USE_CANDIDATE, BYTES_NONE);
    if (request->has_nomination)
        write_attribute_uint(w, STUN_ATTRIBUTE_NOMINATION, request->nomination, 4);
    return end_message(w, start, password);
}

static void write_xor_address(struct writer *w, const uint8_t transaction[STUN_TRANSACTION_BYTES],
                              const struct net_addr *addr)
{
    uint8_t mask[16];
    size_t ip_bytes = net_addr_ip_bytes(addr);
    stun_address_mask(transaction, mask);
    write_u16(w, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS);
    write_u16(w, (uint16_t)(4 + ip_bytes));
    write_u8(w, 0);
    write_u8(w, addr->family == NET_FAMILY_IPV6 ? 2 : 1);
    write_u16(w, (uint16_t)(addr->port ^ STUN_COOKIE >> 16));
    for (size_t i = 0; i < ip_bytes; i++)
        write_u8(w, addr->ip[i] ^ mask[i]);
}

enum status stun_write_success(struct writer *w, const uint8_t transaction[STUN_TRANSACTION_BYTES],
                               const struct net_addr *mapped, struct bytes password)
{
    uint8_t *start = begin_message(w, STUN_CLASS_SUCCESS, transaction);
    write_xor_address(w, transaction, mapped);
    return end_message(w, start, password);
}

static const char *error_reason(enum stun_error code)
{
    switch (code) {
    case STUN_ERROR_BAD_REQUEST:
        return "Bad Request";
    case STUN_ERROR_UNAUTHENTICATED:
        return "Unauthenticated";
    case STUN_ERROR_UNKNOWN_ATTRIBUTE:
        return "Unknown Attribute";
    case STUN_ERROR_ROLE_CONFLICT:
        return "Role Conflict";
    case STUN_ERROR_SERVER:
        return "Server Error";
    }
    return "";
}

static void write_error_code(struct writer *w, enum stun_error code)
{
    struct bytes reason = bytes_of_string(error_reason(code));
    unsigned number = (unsigned)code;
    write_u16(w, STUN_ATTRIBUTE_ERROR_CODE);
    write_u16(w, (uint16_t)(4 + reason.size));
    write_u32(w, number / 100 << 8 | number % 100);
    write_bytes(w, reason);
    write_zeros(w, (4 - reason.size % 4) % 4);
}

static void write_unknown_attributes(struct writer *w, const uint16_t *unknown, size_t count)
{
    write_u16(w, STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES);
    write_u16(w, (uint16_t)(2 * count));
    for (size_t i = 0; i < count; i++)
        write_u16(w, unknown[i]);
    write_zeros(w, count % 2 * 2);
}

enum status stun_write_error(struct writer *w, const uint8_t transaction[STUN_TRANSACTION_BYTES],
                             enum stun_error code, const uint16_t *unknown, size_t unknown_count,
                             struct bytes password)
{
    CHECK(unknown_count <= STUN_UNKNOWN_MAX);
    uint8_t *start = begin_message(w, STUN_CLASS_ERROR, transaction);
    write_error_code(w, code);
    if (unknown_count > 0)
        write_unknown_attributes(w, unknown, unknown_count);
    return end_message(w, start, password);
}
