/* WebSocket framing, server side (RFC 6455 section 5): bytes in, whole messages and control frames
 * out. Sans-IO. Text only; a message may come in fragments, up to 64 KiB in all, and packed where
 * that was agreed (ws_deflate.h), up to 64 KiB when unpacked.
 *
 * libwebsockets' own framing is not used: it takes frames without a mask, which section 5.1 tells a
 * server to refuse (docs/decisions/http-and-websocket-framing.md). */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#define WS_MESSAGE_BYTES_MAX 65536
#define WS_FRAGMENTS_MAX 256 /* of one message: more is nobody's honest work */
#define WS_CONTROL_BYTES_MAX 125
#define WS_HEADER_BYTES_MAX 10 /* of an unmasked frame */
#define WS_ACCEPT_BYTES 29     /* Sec-WebSocket-Accept with its zero */
#define WS_PACKED 0x40         /* in a header's first byte: RFC 7692 section 6 */

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10
};

enum ws_close_code {
    WS_CODE_NORMAL = 1000,
    WS_CODE_GOING_AWAY = 1001,
    WS_CODE_PROTOCOL = 1002,
    WS_CODE_UNSUPPORTED = 1003,
    WS_CODE_BAD_DATA = 1007,
    WS_CODE_POLICY = 1008,
    WS_CODE_TOO_BIG = 1009,
    WS_CODE_INTERNAL = 1011
};

enum ws_event_type {
    WS_EVENT_NONE, /* give it more bytes */
    WS_EVENT_TEXT, /* `payload` is one valid UTF-8 text */
    WS_EVENT_PING,
    WS_EVENT_PONG,
    WS_EVENT_CLOSE, /* the peer closes; `code` is what to send back */
    WS_EVENT_FAIL   /* close with `code`; feed nothing more */
};

struct ws_event {
    enum ws_event_type type;
    struct bytes payload; /* until the next feed */
    uint16_t code;
};

struct ws_receiver {
    uint8_t header[14];
    size_t header_size, header_wanted;
    uint64_t payload_left;
    uint8_t mask[4];
    size_t mask_at;
    uint8_t opcode;
    bool final;
    bool takes_packed;   /* agreed in the handshake: set by the owner */
    bool packed;         /* the present text is */
    bool inside_message; /* a text has begun and its last fragment has not come */
    bool failed;
    unsigned fragments;
    uint8_t control[WS_CONTROL_BYTES_MAX];
    size_t control_size;
    uint8_t *message; /* grows with what has come */
    size_t message_size, message_capacity;
    bool message_done; /* handed out: cleared by the next feed */
};

void ws_receiver_init(struct ws_receiver *receiver);
void ws_receiver_destroy(struct ws_receiver *receiver);

/* Takes bytes off the front of *input until there is something to tell or nothing left. */
void ws_receiver_feed(struct ws_receiver *receiver, struct bytes *input, struct ws_event *out);

/* The header of an unmasked, unfragmented frame, `opcode` with WS_PACKED or without; returns its
 * size. */
size_t ws_write_header(unsigned opcode, size_t payload_size, uint8_t out[WS_HEADER_BYTES_MAX]);

/* Sec-WebSocket-Accept for a client's key. STATUS_MALFORMED unless the key is 16 bytes in base64.
 */
MUST_CHECK enum status ws_accept_key(const char *key, char out[WS_ACCEPT_BYTES]);

bool ws_is_utf8(struct bytes text);
