/* permessage-deflate (RFC 7692), each message for itself: a session description of 25 kB is 2 kB on
 * the line. Stateless; nothing is held between two messages. */
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "base/status.h"

/* What is agreed to when ws_deflate_is_offered: both sides begin each message anew. */
#define WS_DEFLATE_AGREED                                                                          \
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

/* Whether one of the offers in a Sec-WebSocket-Extensions value (NULL when absent) can be agreed
 * to. One that limits the server's window, or says what RFC 7692 does not know, cannot. */
bool ws_deflate_is_offered(const char *extensions);

/* On STATUS_OK `*out` is the caller's to free(): at most `size_max` bytes, and one more that is not
 * counted. STATUS_LIMIT above that, STATUS_MALFORMED, STATUS_NO_MEMORY. */
MUST_CHECK enum status ws_deflate_unpack(struct bytes packed, size_t size_max,
                                         struct bytes_mut *out);
/* On STATUS_OK `*out` is the caller's to free(), or empty when packing would not save anything.
 * STATUS_NO_MEMORY. */
MUST_CHECK enum status ws_deflate_pack(struct bytes plain, struct bytes_mut *out);
