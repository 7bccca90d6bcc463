/* What people read when something is refused or ends, in French and English: one table, one row
 * per code of docs/client-protocol.md. */
#pragma once

#include "base/bytes.h"

enum language { LANGUAGE_FRENCH, LANGUAGE_ENGLISH };

/* Error codes (section 1 and 2 of the client protocol), with the HTTP status that goes with each.
 */
#define CLIENT_ERROR_LIST(X)                                                                       \
    X(BAD_MESSAGE, "bad_message", 400)                                                             \
    X(UNKNOWN_TYPE, "unknown_type", 400)                                                           \
    X(TOO_LARGE, "too_large", 413)                                                                 \
    X(TOO_MANY, "too_many", 429)                                                                   \
    X(VERSION, "version", 400)                                                                     \
    X(NOT_AUTHENTICATED, "not_authenticated", 401)                                                 \
    X(INVALID_TOKEN, "invalid_token", 401)                                                         \
    X(EXPIRED_TOKEN, "expired_token", 401)                                                         \
    X(CLASS_ENDED, "class_ended", 409)                                                             \
    X(CLASS_FULL, "class_full", 503)                                                               \
    X(NOT_ALLOWED, "not_allowed", 403)                                                             \
    X(NOT_FOUND, "not_found", 404)                                                                 \
    X(CHAT_CLOSED, "chat_closed", 403)                                                             \
    X(POLL_OPEN, "poll_open", 409)                                                                 \
    X(FLOOR_REQUIRED, "floor_required", 403)                                                       \
    X(BAD_SDP, "bad_sdp", 400)                                                                     \
    X(NO_CODEC, "no_codec", 406)                                                                   \
    X(NO_RELAY, "no_relay", 503)                                                                   \
    X(MEDIA_GONE, "media_gone", 404)                                                               \
    X(INTERNAL, "internal", 500)                                                                   \
    X(METHOD, "method_not_allowed", 405)                                                           \
    X(CONTENT_TYPE, "content_type", 415)                                                           \
    X(LOBBY_FULL, "lobby_full", 503)                                                               \
    X(CLASS_LOCKED, "class_locked", 403)                                                           \
    X(BANNED, "banned", 403)                                                                       \
    X(STALE, "stale", 412)                                                                         \
    X(PRECONDITION, "precondition_required", 428)

enum client_error {
    CLIENT_OK,
#define X(name, text, status) CLIENT_##name,
    CLIENT_ERROR_LIST(X)
#undef X
        CLIENT_ERROR_COUNT
};

#define GOODBYE_LIST(X)                                                                            \
    X(CLASS_ENDED, "class_ended", 1000)                                                            \
    X(TAKEN_OVER, "taken_over", 4001)                                                              \
    X(REVOKED, "revoked", 4003)                                                                    \
    X(REMOVED, "removed", 4004)                                                                    \
    X(NOT_NOW, "not_now", 4005)                                                                    \
    X(BANNED, "banned", 4006)                                                                      \
    X(SLOW_CONSUMER, "slow_consumer", 1008)                                                        \
    X(PROTOCOL, "protocol", 1008)                                                                  \
    X(SHUTTING_DOWN, "shutting_down", 1001)

enum goodbye {
#define X(name, text, close) GOODBYE_##name,
    GOODBYE_LIST(X)
#undef X
        GOODBYE_COUNT
};

const char *client_error_name(enum client_error error);
int client_error_http_status(enum client_error error);
const char *client_error_sentence(enum client_error error, enum language language);

const char *goodbye_name(enum goodbye code);
uint16_t goodbye_close_code(enum goodbye code);
const char *goodbye_sentence(enum goodbye code, enum language language);

/* "fr" or "en"; false for anything else. */
bool language_find(const char *text, enum language *out);
