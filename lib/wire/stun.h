/* STUN messages as ICE uses them (RFC 8489, RFC 8445 section 16.1): parse, verify, write. */
#pragma once

#include "base/net_addr.h"

#define STUN_HEADER_BYTES 20
#define STUN_BYTES_MAX 1500
#define STUN_TRANSACTION_BYTES 12
#define STUN_ATTRIBUTES_MAX 64      /* more in one message: STATUS_LIMIT */
#define STUN_UNKNOWN_MAX 8          /* further unknown attributes are not listed */
#define STUN_USERNAME_BYTES_MAX 513 /* RFC 8489 14.3 allows 508; RFC 8445 two ufrags of 256 */

enum stun_class { STUN_CLASS_REQUEST, STUN_CLASS_INDICATION, STUN_CLASS_SUCCESS, STUN_CLASS_ERROR };

#define STUN_METHOD_BINDING 0x001

enum stun_error {
    STUN_ERROR_BAD_REQUEST = 400,
    STUN_ERROR_UNAUTHENTICATED = 401,
    STUN_ERROR_UNKNOWN_ATTRIBUTE = 420,
    STUN_ERROR_ROLE_CONFLICT = 487, /* RFC 8445 7.3.1.1 */
    STUN_ERROR_SERVER = 500
};

/* The ICE role that the sender of a message claims. */
enum stun_role { STUN_ROLE_NONE, STUN_ROLE_CONTROLLING, STUN_ROLE_CONTROLLED };

/* A parsed message; views borrow from the datagram. Of repeated attributes the first counts, and of
 * those behind MESSAGE-INTEGRITY only FINGERPRINT (RFC 8489 14, 14.5). */
struct stun_message {
    struct bytes whole;
    enum stun_class class;
    uint16_t method;
    uint8_t transaction[STUN_TRANSACTION_BYTES];
    struct bytes username; /* empty: none */
    uint64_t tie_breaker;
    enum stun_role role;
    uint32_t priority;
    uint32_t nomination;    /* libwebrtc's attribute 0xC001: the highest value wins */
    struct net_addr mapped; /* XOR-MAPPED-ADDRESS; family NET_FAMILY_NONE: none */
    uint16_t error_code;    /* 300..699; 0: none */
    uint16_t integrity_at;  /* offset of MESSAGE-INTEGRITY; 0: none */
    bool has_priority;
    bool has_nomination;
    bool use_candidate;
    bool has_fingerprint; /* present, last and right; a wrong one fails the parse */
    /* Attributes below 0x8000 that we do not know: a request having any is answered 420, once its
     * integrity is verified. */
    uint16_t unknown[STUN_UNKNOWN_MAX];
    size_t unknown_count;
};

/* STATUS_TRUNCATED below 20 bytes or when the message is longer than the datagram; STATUS_LIMIT
 * above 1500 bytes or STUN_ATTRIBUTES_MAX; STATUS_MALFORMED for everything else that is wrong:
 * cookie, lengths, an attribute's size, FINGERPRINT wrong or not last. */
MUST_CHECK enum status stun_parse_message(struct bytes datagram, struct stun_message *out);

/* MESSAGE-INTEGRITY with the short-term credential `password` (HMAC-SHA1), compared in constant
 * time. STATUS_AUTH when it is missing or wrong, STATUS_SYSTEM when OpenSSL fails. */
MUST_CHECK enum status stun_verify_integrity(const struct stun_message *message,
                                             struct bytes password);

/* "ours:theirs" of an ICE USERNAME, from the view of who receives it (RFC 8445 7.2.2). False when
 * there is no colon, or either side is empty. */
bool stun_split_username(struct bytes username, struct bytes *ours, struct bytes *theirs);

/* The 14 bits of class and method as they stand in the header (RFC 8489 section 5). */
uint16_t stun_encode_type(enum stun_class class, uint16_t method);
void stun_decode_type(uint16_t type, enum stun_class *class, uint16_t *method);

/* Writers append one whole message, with MESSAGE-INTEGRITY under `password` (none when it is empty)
 * and FINGERPRINT. STATUS_TRUNCATED without room (the writer has then failed), STATUS_SYSTEM when
 * OpenSSL fails. */
struct stun_request {
    uint8_t transaction[STUN_TRANSACTION_BYTES]; /* 96 random bits, from OpenSSL */
    struct bytes username;                       /* "theirs:ours" of the sender */
    uint32_t priority;                           /* 0: attribute left out */
    enum stun_role role;
    uint64_t tie_breaker;
    bool use_candidate;
    bool has_nomination;
    uint32_t nomination;
};
MUST_CHECK enum status stun_write_request(struct writer *w, const struct stun_request *request,
                                          struct bytes password);
MUST_CHECK enum status stun_write_success(struct writer *w,
                                          const uint8_t transaction[STUN_TRANSACTION_BYTES],
                                          const struct net_addr *mapped, struct bytes password);
/* UNKNOWN-ATTRIBUTES is added when `unknown_count` > 0 (with STUN_ERROR_UNKNOWN_ATTRIBUTE). */
MUST_CHECK enum status stun_write_error(struct writer *w,
                                        const uint8_t transaction[STUN_TRANSACTION_BYTES],
                                        enum stun_error code, const uint16_t *unknown,
                                        size_t unknown_count, struct bytes password);
