/* What may go to OpenSSL. It ends the handshake over one record in clear that is wrong, and anyone
 * who knows the peer's address can send that: an alert, a length that lies, a message that this
 * side never gets. Such records are dropped here (RFC 6347 4.1.2.7), and the handshake goes on. */
#include "rtc/dtls_private.h"

#define RECORD_CHANGE_CIPHER_SPEC 20
#define RECORD_ALERT 21
#define RECORD_HANDSHAKE 22
#define RECORD_APPLICATION_DATA 23
#define EPOCH_CLEAR 0 /* before keys */
#define EPOCH_KEYED 1 /* the only other one: there is no renegotiation */

enum message {
    MESSAGE_CLIENT_HELLO = 1,
    MESSAGE_SERVER_HELLO = 2,
    MESSAGE_HELLO_VERIFY_REQUEST = 3,
    MESSAGE_CERTIFICATE = 11,
    MESSAGE_SERVER_KEY_EXCHANGE = 12,
    MESSAGE_CERTIFICATE_REQUEST = 13,
    MESSAGE_SERVER_HELLO_DONE = 14,
    MESSAGE_CERTIFICATE_VERIFY = 15,
    MESSAGE_CLIENT_KEY_EXCHANGE = 16
};

/* Of those that travel in clear; Finished does not, and tickets are not agreed. */
static bool is_message_for(enum dtls_role role, enum dtls_phase phase, uint8_t type)
{
    if (phase == DTLS_PHASE_FIRST)
        return type == MESSAGE_CLIENT_HELLO;
    switch (type) {
    case MESSAGE_CERTIFICATE:
        return true;
    case MESSAGE_CLIENT_HELLO:
    case MESSAGE_CERTIFICATE_VERIFY:
    case MESSAGE_CLIENT_KEY_EXCHANGE:
        return role == DTLS_ROLE_SERVER;
    case MESSAGE_SERVER_HELLO:
    case MESSAGE_HELLO_VERIFY_REQUEST:
    case MESSAGE_SERVER_KEY_EXCHANGE:
    case MESSAGE_CERTIFICATE_REQUEST:
    case MESSAGE_SERVER_HELLO_DONE:
        return role == DTLS_ROLE_CLIENT;
    default:
        return false;
    }
}

/* One or more fragments that keep to their own words (RFC 6347 4.2.2); BoringSSL packs several into
 * one record. */
static bool has_sound_fragments(struct bytes body, enum dtls_role role, enum dtls_phase phase)
{
    struct reader r = reader_of(body);
    bool sound = body.size > 0;
    while (sound && reader_left(&r) > 0) {
        uint8_t type = read_u8(&r);
        uint32_t length = read_u24(&r);
        read_u16(&r); /* message_seq: OpenSSL takes a few ahead and drops the rest */
        uint32_t at = read_u24(&r);
        uint32_t size = read_u24(&r);
        read_bytes(&r, size);
        sound = !r.failed && is_message_for(role, phase, type) &&
                length <= DTLS_MESSAGE_BYTES_MAX && at <= length && size <= length - at &&
                (size > 0 || length == 0);
    }
    return sound;
}

static bool is_sound_in_clear(uint8_t type, struct bytes body, enum dtls_role role,
                              enum dtls_phase phase)
{
    if (type == RECORD_HANDSHAKE)
        return has_sound_fragments(body, role, phase);
    return type == RECORD_CHANGE_CIPHER_SPEC && phase == DTLS_PHASE_HANDSHAKE && body.size == 1 &&
           body.data[0] == 1;
}

bool dtls_screen_records(struct bytes datagram, enum dtls_role role, enum dtls_phase phase,
                         uint64_t *clear_count, struct writer *out)
{
    struct reader r = reader_of(datagram);
    while (reader_left(&r) > 0 && !r.failed) {
        uint8_t type = read_u8(&r);
        uint16_t version = read_u16(&r); /* 0xfeff: DTLS 1.0 in a first ClientHello, then 1.2 */
        uint16_t epoch = read_u16(&r);
        uint64_t number = read_uint(&r, 6);
        struct bytes body = read_bytes(&r, read_u16(&r));
        if (type < RECORD_CHANGE_CIPHER_SPEC || type > RECORD_APPLICATION_DATA ||
            version >> 8 != 0xfe)
            return false;
        bool clear = epoch == EPOCH_CLEAR && phase != DTLS_PHASE_CONNECTED &&
                     is_sound_in_clear(type, body, role, phase);
        bool keyed = epoch == EPOCH_KEYED && type != RECORD_CHANGE_CIPHER_SPEC;
        if (r.failed || (!clear && !keyed))
            continue;
        write_u8(out, type);
        write_u16(out, version);
        write_u16(out, epoch);
        write_uint(out, clear ? (*clear_count)++ : number, 6);
        write_u16(out, (uint16_t)body.size);
        write_bytes(out, body);
    }
    return datagram.size > 0 && !r.failed && !out->failed;
}
