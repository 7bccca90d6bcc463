#include "signaling/shell/ws_frames.h"

#include "signaling/shell/ws_deflate.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>

#define MESSAGE_FIRST_BYTES 1024
#define MESSAGE_KEEP_BYTES 4096 /* a larger buffer is given back after its message */

void ws_receiver_init(struct ws_receiver *receiver)
{
    *receiver = (struct ws_receiver){.header_wanted = 2};
}

void ws_receiver_destroy(struct ws_receiver *receiver)
{
    free(receiver->message);
    ws_receiver_init(receiver);
}

static void fail_with(struct ws_receiver *receiver, struct ws_event *out, uint16_t code)
{
    receiver->failed = true;
    *out = (struct ws_event){.type = WS_EVENT_FAIL, .code = code};
}

/* 0, or the close code for a frame header that may not be. */
static uint16_t check_opcode(const struct ws_receiver *receiver)
{
    bool control = (receiver->opcode & 8) != 0;
    switch (receiver->opcode) {
    case WS_TEXT:
        return receiver->inside_message ? WS_CODE_PROTOCOL : 0;
    case WS_BINARY:
        return WS_CODE_UNSUPPORTED;
    case WS_CONTINUATION:
        return receiver->inside_message ? 0 : WS_CODE_PROTOCOL;
    case WS_CLOSE:
    case WS_PING:
    case WS_PONG:
        break;
    default:
        return WS_CODE_PROTOCOL;
    }
    return control && (!receiver->final || receiver->payload_left > WS_CONTROL_BYTES_MAX)
               ? WS_CODE_PROTOCOL
               : 0;
}

/* After the first two bytes: flags, and how long the header is. */
static uint16_t begin_header(struct ws_receiver *receiver)
{
    uint8_t first = receiver->header[0], second = receiver->header[1];
    receiver->final = (first & 0x80) != 0;
    receiver->opcode = first & 0x0f;
    receiver->payload_left = second & 0x7f; /* 126 and 127 are past any control frame's length */
    uint8_t reserved = first & 0x70;
    if (reserved == WS_PACKED && receiver->takes_packed && receiver->opcode == WS_TEXT)
        reserved = 0;
    if (reserved != 0 || (second & 0x80) == 0)
        return WS_CODE_PROTOCOL; /* no extension was agreed; clients mask */
    if (receiver->opcode == WS_TEXT && !receiver->inside_message)
        receiver->packed = (first & WS_PACKED) != 0;
    size_t length_bytes = receiver->payload_left == 127 ? 8 : receiver->payload_left == 126 ? 2 : 0;
    receiver->header_wanted = 2 + length_bytes + 4;
    return check_opcode(receiver);
}

static uint16_t finish_header(struct ws_receiver *receiver)
{
    struct reader r = reader_of(bytes_of(receiver->header + 2, receiver->header_size - 2));
    size_t length_bytes = receiver->header_size - 6;
    if (length_bytes > 0)
        receiver->payload_left = read_uint(&r, length_bytes);
    if ((length_bytes == 2 && receiver->payload_left < 126) ||
        (length_bytes == 8 && receiver->payload_left <= UINT16_MAX) ||
        receiver->payload_left >> 63 != 0)
        return WS_CODE_PROTOCOL; /* not the shortest form, or 2^63 and beyond */
    memcpy(receiver->mask, read_bytes(&r, 4).data, 4);
    receiver->mask_at = 0;
    receiver->control_size = 0;
    if ((receiver->opcode & 8) != 0)
        return 0;
    receiver->inside_message = true;
    if (receiver->opcode == WS_TEXT)
        receiver->fragments = 0;
    if (++receiver->fragments > WS_FRAGMENTS_MAX)
        return WS_CODE_POLICY;
    return receiver->message_size + receiver->payload_left > WS_MESSAGE_BYTES_MAX ? WS_CODE_TOO_BIG
                                                                                  : 0;
}

static bool reserve_message(struct ws_receiver *receiver, size_t more)
{
    size_t wanted = receiver->message_size + more;
    size_t capacity =
        receiver->message_capacity > 0 ? receiver->message_capacity : MESSAGE_FIRST_BYTES;
    if (wanted <= receiver->message_capacity)
        return true;
    while (capacity < wanted)
        capacity *= 2;
    uint8_t *grown = realloc(receiver->message, capacity);
    if (grown == NULL)
        return false;
    receiver->message = grown;
    receiver->message_capacity = capacity;
    return true;
}

static uint16_t take_payload(struct ws_receiver *receiver, struct bytes *input)
{
    size_t size =
        input->size < receiver->payload_left ? input->size : (size_t)receiver->payload_left;
    uint8_t *to = receiver->control + receiver->control_size;
    if ((receiver->opcode & 8) == 0) {
        if (!reserve_message(receiver, size))
            return WS_CODE_INTERNAL;
        to = receiver->message + receiver->message_size;
        receiver->message_size += size;
    } else {
        receiver->control_size += size;
    }
    for (size_t i = 0; i < size; i++)
        to[i] = input->data[i] ^ receiver->mask[(receiver->mask_at + i) & 3];
    receiver->mask_at = (receiver->mask_at + size) & 3;
    receiver->payload_left -= size;
    input->data += size;
    input->size -= size;
    return 0;
}

static bool is_close_code(uint16_t code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static void finish_close(struct ws_receiver *receiver, struct ws_event *out)
{
    uint16_t code = WS_CODE_NORMAL;
    if (receiver->control_size == 1)
        code = WS_CODE_PROTOCOL;
    else if (receiver->control_size >= 2) {
        code = load_u16(receiver->control);
        struct bytes reason = bytes_of(receiver->control + 2, receiver->control_size - 2);
        if (!is_close_code(code))
            code = WS_CODE_PROTOCOL;
        else if (!ws_is_utf8(reason))
            code = WS_CODE_BAD_DATA;
    }
    receiver->failed = true; /* nothing follows a close */
    *out = (struct ws_event){.type = WS_EVENT_CLOSE, .code = code};
}

/* Puts what the message unpacks to in its place. 0, or the close code. */
static uint16_t unpack_message(struct ws_receiver *receiver)
{
    struct bytes packed = bytes_of(receiver->message, receiver->message_size);
    struct bytes_mut plain;
    switch (ws_deflate_unpack(packed, WS_MESSAGE_BYTES_MAX, &plain)) {
    case STATUS_OK:
        break;
    case STATUS_LIMIT:
        return WS_CODE_TOO_BIG;
    case STATUS_MALFORMED:
        return WS_CODE_BAD_DATA;
    default:
        return WS_CODE_INTERNAL;
    }
    free(receiver->message);
    receiver->message = plain.data;
    receiver->message_size = receiver->message_capacity = plain.size;
    return 0;
}

static void finish_message(struct ws_receiver *receiver, struct ws_event *out)
{
    receiver->inside_message = false;
    receiver->message_done = true;
    uint16_t code = receiver->packed ? unpack_message(receiver) : 0;
    struct bytes text = bytes_of(receiver->message, receiver->message_size);
    if (code == 0 && !ws_is_utf8(text))
        code = WS_CODE_BAD_DATA;
    if (code != 0)
        fail_with(receiver, out, code);
    else
        *out = (struct ws_event){.type = WS_EVENT_TEXT, .payload = text};
}

static void finish_frame(struct ws_receiver *receiver, struct ws_event *out)
{
    receiver->header_size = 0;
    receiver->header_wanted = 2;
    struct bytes control = bytes_of(receiver->control, receiver->control_size);
    if (receiver->opcode == WS_CLOSE) {
        finish_close(receiver, out);
    } else if (receiver->opcode == WS_PING) {
        *out = (struct ws_event){.type = WS_EVENT_PING, .payload = control};
    } else if (receiver->opcode == WS_PONG) {
        *out = (struct ws_event){.type = WS_EVENT_PONG, .payload = control};
    } else if (receiver->final) {
        finish_message(receiver, out);
    }
}

static void drop_message(struct ws_receiver *receiver)
{
    receiver->message_done = false;
    receiver->message_size = 0;
    if (receiver->message_capacity > MESSAGE_KEEP_BYTES) {
        free(receiver->message);
        receiver->message = NULL;
        receiver->message_capacity = 0;
    }
}

void ws_receiver_feed(struct ws_receiver *receiver, struct bytes *input, struct ws_event *out)
{
    *out = (struct ws_event){.type = WS_EVENT_NONE};
    if (receiver->message_done)
        drop_message(receiver);
    while (input->size > 0 && out->type == WS_EVENT_NONE && !receiver->failed) {
        uint16_t code = 0;
        if (receiver->header_size < receiver->header_wanted) {
            receiver->header[receiver->header_size++] = *input->data;
            input->data++;
            input->size--;
            if (receiver->header_size == 2)
                code = begin_header(receiver);
            else if (receiver->header_size == receiver->header_wanted)
                code = finish_header(receiver);
        } else {
            code = take_payload(receiver, input);
        }
        if (code != 0)
            fail_with(receiver, out, code);
        else if (receiver->header_size == receiver->header_wanted && receiver->payload_left == 0)
            finish_frame(receiver, out);
    }
}

size_t ws_write_header(unsigned opcode, size_t payload_size, uint8_t out[WS_HEADER_BYTES_MAX])
{
    struct writer w = writer_of((struct bytes_mut){out, WS_HEADER_BYTES_MAX});
    write_u8(&w, (uint8_t)(0x80 | opcode));
    if (payload_size < 126) {
        write_u8(&w, (uint8_t)payload_size);
    } else if (payload_size <= UINT16_MAX) {
        write_u8(&w, 126);
        write_u16(&w, (uint16_t)payload_size);
    } else {
        write_u8(&w, 127);
        write_u64(&w, payload_size);
    }
    return writer_size(&w);
}

enum status ws_accept_key(const char *key, char out[WS_ACCEPT_BYTES])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* section 1.3 */
    uint8_t decoded[18], digest[SHA_DIGEST_LENGTH];
    char joined[24 + sizeof(guid)];
    if (strlen(key) != 24 || strcmp(key + 22, "==") != 0 ||
        EVP_DecodeBlock(decoded, (const uint8_t *)key, 24) != 18)
        return STATUS_MALFORMED;
    memcpy(joined, key, 24);
    memcpy(joined + 24, guid, sizeof(guid));
    if (EVP_Digest(joined, 24 + sizeof(guid) - 1, digest, NULL, EVP_sha1(), NULL) != 1)
        return STATUS_SYSTEM;
    EVP_EncodeBlock((uint8_t *)out, digest, sizeof(digest));
    return STATUS_OK;
}

/* How many bytes a well-formed character at `at` takes (RFC 3629 section 4), 0 when it is none. */
static size_t utf8_length(const uint8_t *at, size_t left)
{
    static const struct {
        uint8_t first_min, first_max, second_min, second_max, length;
    } forms[] = {
        {0x00, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        if (at[0] < forms[i].first_min || at[0] > forms[i].first_max)
            continue;
        if (forms[i].length > left ||
            (forms[i].length > 1 && (at[1] < forms[i].second_min || at[1] > forms[i].second_max)))
            return 0;
        for (size_t j = 2; j < forms[i].length; j++)
            if ((at[j] & 0xc0) != 0x80)
                return 0;
        return forms[i].length;
    }
    return 0;
}

bool ws_is_utf8(struct bytes text)
{
    size_t at = 0;
    while (at < text.size) {
        size_t length = utf8_length(text.data + at, text.size - at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}
