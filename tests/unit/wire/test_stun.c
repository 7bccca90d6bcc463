#include "wire/stun_attribute.h"

#include "unit/wire/wire_test.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

/* RFC 5769 section 2. */
#define VECTOR_TRANSACTION 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae
#define COOKIE 0x21, 0x12, 0xa4, 0x42
#define PASSWORD bytes_of_string("VOkJxbRl1RmTxUk/WvJxBt")

static const uint8_t vector_request[] = {
    0x00, 0x01, 0x00, 0x58, COOKIE, VECTOR_TRANSACTION,
    /* SOFTWARE "STUN test client" */
    0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73, 0x74, 0x20, 0x63, 0x6c,
    0x69, 0x65, 0x6e, 0x74,
    /* PRIORITY, ICE-CONTROLLED */
    0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1,
    0x51, 0x26, 0x3b, 0x36,
    /* USERNAME, padded with spaces */
    0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20,
    0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5,
    0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf};

static const uint8_t vector_response_ipv4[] = {0x01, 0x01, 0x00, 0x3c, COOKIE, VECTOR_TRANSACTION,
                                               0x80, 0x22, 0x00, 0x0b, 0x74,   0x65,
                                               0x73, 0x74, 0x20, 0x76, 0x65,   0x63,
                                               0x74, 0x6f, 0x72, 0x20, 0x00,   0x20,
                                               0x00, 0x08, 0x00, 0x01, 0xa1,   0x47,
                                               0xe1, 0x12, 0xa6, 0x43, 0x00,   0x08,
                                               0x00, 0x14, 0x2b, 0x91, 0xf5,   0x99,
                                               0xfd, 0x9e, 0x90, 0xc3, 0x8c,   0x74,
                                               0x89, 0xf9, 0x2a, 0xf9, 0xba,   0x53,
                                               0xf0, 0x6b, 0xe7, 0xd7, 0x80,   0x28,
                                               0x00, 0x04, 0xc0, 0x7d, 0x4c,   0x96};

static const uint8_t vector_response_ipv6[] = {0x01, 0x01, 0x00, 0x48, COOKIE, VECTOR_TRANSACTION,
                                               0x80, 0x22, 0x00, 0x0b, 0x74,   0x65,
                                               0x73, 0x74, 0x20, 0x76, 0x65,   0x63,
                                               0x74, 0x6f, 0x72, 0x20, 0x00,   0x20,
                                               0x00, 0x14, 0x00, 0x02, 0xa1,   0x47,
                                               0x01, 0x13, 0xa9, 0xfa, 0xa5,   0xd3,
                                               0xf1, 0x79, 0xbc, 0x25, 0xf4,   0xb5,
                                               0xbe, 0xd2, 0xb9, 0xd9, 0x00,   0x08,
                                               0x00, 0x14, 0xa3, 0x82, 0x95,   0x4e,
                                               0x4b, 0xe6, 0x7b, 0xf1, 0x17,   0x84,
                                               0xc9, 0x7c, 0x82, 0x92, 0xc2,   0x75,
                                               0xbf, 0xe3, 0xed, 0x41, 0x80,   0x28,
                                               0x00, 0x04, 0xc8, 0xfb, 0x0b,   0x4c};

/* Long-term credentials: REALM and NONCE are understood, the key is an MD5 digest. */
static const uint8_t vector_request_long_term[] = {
    0x00, 0x01, 0x00, 0x60, COOKIE, 0x78, 0xad, 0x34, 0x33, 0xc6, 0xad, 0x72, 0xc0, 0x29, 0xda,
    0x41, 0x2e, 0x00, 0x06, 0x00,   0x12, 0xe3, 0x83, 0x9e, 0xe3, 0x83, 0x88, 0xe3, 0x83, 0xaa,
    0xe3, 0x83, 0x83, 0xe3, 0x82,   0xaf, 0xe3, 0x82, 0xb9, 0x00, 0x00, 0x00, 0x15, 0x00, 0x1c,
    0x66, 0x2f, 0x2f, 0x34, 0x39,   0x39, 0x6b, 0x39, 0x35, 0x34, 0x64, 0x36, 0x4f, 0x4c, 0x33,
    0x34, 0x6f, 0x4c, 0x39, 0x46,   0x53, 0x54, 0x76, 0x79, 0x36, 0x34, 0x73, 0x41, 0x00, 0x14,
    0x00, 0x0b, 0x65, 0x78, 0x61,   0x6d, 0x70, 0x6c, 0x65, 0x2e, 0x6f, 0x72, 0x67, 0x00, 0x00,
    0x08, 0x00, 0x14, 0xf6, 0x70,   0x24, 0x65, 0x6d, 0xd6, 0x4a, 0x3e, 0x02, 0xb8, 0xe0, 0x71,
    0x2e, 0x85, 0xc9, 0xa2, 0x8c,   0xa8, 0x96, 0x66};

static const uint8_t transaction[STUN_TRANSACTION_BYTES] = {VECTOR_TRANSACTION};

static void the_request_of_rfc_5769_is_read_and_its_integrity_holds(void **state)
{
    struct stun_message m;
    assert_int_equal(stun_parse_message(bytes_of(vector_request, sizeof vector_request), &m),
                     STATUS_OK);
    assert_int_equal(m.class, STUN_CLASS_REQUEST);
    assert_int_equal(m.method, STUN_METHOD_BINDING);
    assert_memory_equal(m.transaction, transaction, sizeof transaction);
    assert_true(bytes_equal_string(m.username, "evtj:h6vY"));
    assert_true(m.has_priority);
    assert_int_equal(m.priority, 0x6e0001ff);
    assert_int_equal(m.role, STUN_ROLE_CONTROLLED);
    assert_true(m.tie_breaker == 0x932ff9b151263b36u);
    assert_true(m.has_fingerprint);
    assert_int_equal(m.unknown_count, 0);
    assert_int_equal(stun_verify_integrity(&m, PASSWORD), STATUS_OK);
    assert_int_equal(stun_verify_integrity(&m, bytes_of_string("wrong")), STATUS_AUTH);
    (void)state;
}

static void the_responses_of_rfc_5769_give_the_mapped_address(void **state)
{
    const struct {
        struct bytes message;
        const char *ip;
    } cases[] = {
        {{vector_response_ipv4, sizeof vector_response_ipv4}, "192.0.2.1"},
        {{vector_response_ipv6, sizeof vector_response_ipv6},
         "2001:db8:1234:5678:11:2233:4455:6677"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct stun_message m;
        char text[NET_ADDR_TEXT_BYTES];
        assert_int_equal(stun_parse_message(cases[i].message, &m), STATUS_OK);
        assert_int_equal(m.class, STUN_CLASS_SUCCESS);
        assert_string_equal(net_addr_write_ip(&m.mapped, text), cases[i].ip);
        assert_int_equal(m.mapped.port, 32853);
        assert_int_equal(stun_verify_integrity(&m, PASSWORD), STATUS_OK);
    }
    (void)state;
}

static void the_long_term_request_of_rfc_5769_verifies_with_its_md5_key(void **state)
{
    /* MD5 of "<username>:example.org:TheMatrIX" */
    static const uint8_t key[] = {0xe8, 0xca, 0x7a, 0xd5, 0x9d, 0x5e, 0xb0, 0x51,
                                  0x8e, 0x31, 0x29, 0x11, 0xd2, 0xda, 0xb2, 0xa9};
    struct stun_message m;
    struct bytes message = bytes_of(vector_request_long_term, sizeof vector_request_long_term);
    assert_int_equal(stun_parse_message(message, &m), STATUS_OK);
    assert_int_equal(m.unknown_count, 0);
    assert_false(m.has_fingerprint);
    assert_int_equal(stun_verify_integrity(&m, bytes_of(key, sizeof key)), STATUS_OK);
    (void)state;
}

static void every_cut_of_a_message_is_truncated(void **state)
{
    struct bytes whole = bytes_of(vector_request, sizeof vector_request);
    for (size_t size = 0; size < whole.size; size++) {
        struct stun_message m;
        struct bytes_mut cut = exact_copy(whole, size);
        assert_int_equal(stun_parse_message(bytes_const(cut), &m), STATUS_TRUNCATED);
        free(cut.data);
    }
    (void)state;
}

static void a_flipped_bit_never_leaves_a_message_with_a_fingerprint(void **state)
{
    for (size_t bit = 0; bit < sizeof vector_request * 8; bit++) {
        struct stun_message m;
        struct bytes_mut copy =
            exact_copy(bytes_of(vector_request, sizeof vector_request), sizeof vector_request);
        copy.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum status status = stun_parse_message(bytes_const(copy), &m);
        /* A changed attribute number of FINGERPRINT itself leaves a valid message without one. */
        if (status == STATUS_OK && m.has_fingerprint)
            fail_msg("bit %zu went unnoticed", bit);
        free(copy.data);
    }
    (void)state;
}

#define HEAD(length) 0x00, 0x01, 0x00, length, COOKIE, VECTOR_TRANSACTION

static void a_malformed_message_is_rejected(void **state)
{
    const struct {
        const char *why;
        struct bytes message;
        enum status expected;
    } cases[] = {
        {"header alone is a message", OCTETS(HEAD(0)), STATUS_OK},
        {"top bits set", OCTETS(0x40, 1, 0, 0, COOKIE, VECTOR_TRANSACTION), STATUS_MALFORMED},
        {"no cookie", OCTETS(0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x43, VECTOR_TRANSACTION),
         STATUS_MALFORMED},
        {"odd length", OCTETS(HEAD(2), 0, 0), STATUS_MALFORMED},
        {"longer than the datagram", OCTETS(HEAD(8), 0, 0x25, 0, 0), STATUS_TRUNCATED},
        {"shorter than the datagram", OCTETS(HEAD(0), 0, 0x25, 0, 0), STATUS_MALFORMED},
        {"attribute runs over", OCTETS(HEAD(8), 0x80, 0x22, 0, 5, 1, 2, 3, 4), STATUS_MALFORMED},
        {"attribute size 65535", OCTETS(HEAD(4), 0x80, 0x22, 0xff, 0xff), STATUS_MALFORMED},
        {"PRIORITY of 8 bytes", OCTETS(HEAD(12), 0, 0x24, 0, 8, ZEROS4, ZEROS4), STATUS_MALFORMED},
        {"USE-CANDIDATE with a value", OCTETS(HEAD(8), 0, 0x25, 0, 4, ZEROS4), STATUS_MALFORMED},
        {"empty USERNAME", OCTETS(HEAD(4), 0, 6, 0, 0), STATUS_MALFORMED},
        {"integrity of 16 bytes", OCTETS(HEAD(20), 0, 8, 0, 16, ZEROS4, ZEROS4, ZEROS4, ZEROS4),
         STATUS_MALFORMED},
        {"wrong FINGERPRINT", OCTETS(HEAD(8), 0x80, 0x28, 0, 4, 1, 2, 3, 4), STATUS_MALFORMED},
        {"IPv4 family with 16 bytes",
         OCTETS(HEAD(24), 0, 0x20, 0, 20, 0, 1, 1, 2, ZEROS4, ZEROS4, ZEROS4, ZEROS4),
         STATUS_MALFORMED},
        {"IPv6 family with 4 bytes", OCTETS(HEAD(12), 0, 0x20, 0, 8, 0, 2, 1, 2, ZEROS4),
         STATUS_MALFORMED},
        {"unknown address family", OCTETS(HEAD(12), 0, 0x20, 0, 8, 0, 3, 1, 2, ZEROS4),
         STATUS_MALFORMED},
        {"error class 2", OCTETS(HEAD(8), 0, 9, 0, 4, 0, 0, 2, 0), STATUS_MALFORMED},
        {"error number 100", OCTETS(HEAD(8), 0, 9, 0, 4, 0, 0, 4, 100), STATUS_MALFORMED},
        {"both roles",
         OCTETS(HEAD(24), 0x80, 0x29, 0, 8, ZEROS4, ZEROS4, 0x80, 0x2a, 0, 8, ZEROS4, ZEROS4),
         STATUS_MALFORMED},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct stun_message m;
        struct bytes_mut copy = exact_copy(cases[i].message, cases[i].message.size);
        expect_status(cases[i].why, stun_parse_message(bytes_const(copy), &m), cases[i].expected);
        free(copy.data);
    }
    (void)state;
}

static void nothing_may_follow_the_fingerprint(void **state)
{
    uint8_t data[sizeof vector_request + 4];
    struct stun_message m;
    memcpy(data, vector_request, sizeof vector_request);
    memcpy(data + sizeof vector_request, "\x80\x22\0\0", 4);
    store_u16(data + 2, (uint16_t)(sizeof data - STUN_HEADER_BYTES));
    assert_int_equal(stun_parse_message(bytes_of(data, sizeof data), &m), STATUS_MALFORMED);
    (void)state;
}

static void the_number_of_attributes_and_bytes_is_bounded(void **state)
{
    uint8_t data[STUN_BYTES_MAX + 4] = {0, 1, 0, 0, COOKIE, VECTOR_TRANSACTION};
    struct stun_message m;
    for (size_t at = STUN_HEADER_BYTES; at < sizeof data; at += 4)
        memcpy(data + at, "\x80\x22\0\0", 4);
    store_u16(data + 2, 4 * STUN_ATTRIBUTES_MAX);
    assert_int_equal(
        stun_parse_message(bytes_of(data, STUN_HEADER_BYTES + 4 * STUN_ATTRIBUTES_MAX), &m),
        STATUS_OK);
    store_u16(data + 2, 4 * STUN_ATTRIBUTES_MAX + 4);
    assert_int_equal(
        stun_parse_message(bytes_of(data, STUN_HEADER_BYTES + 4 * STUN_ATTRIBUTES_MAX + 4), &m),
        STATUS_LIMIT);
    store_u16(data + 2, sizeof data - STUN_HEADER_BYTES);
    assert_int_equal(stun_parse_message(bytes_of(data, sizeof data), &m), STATUS_LIMIT);
    (void)state;
}

/* libwebrtc can carry DTLS in attribute 0xC070. */
static void a_large_optional_attribute_is_ignored(void **state)
{
    uint8_t data[STUN_HEADER_BYTES + 4 + 1100] = {0, 1, 0, 0, COOKIE, VECTOR_TRANSACTION};
    struct stun_message m;
    store_u16(data + 2, 4 + 1100);
    store_u16(data + 20, 0xc070);
    store_u16(data + 22, 1100);
    assert_int_equal(stun_parse_message(bytes_of(data, sizeof data), &m), STATUS_OK);
    assert_int_equal(m.unknown_count, 0);
    (void)state;
}

static void the_first_of_repeated_attributes_counts(void **state)
{
    const struct bytes message = OCTETS(HEAD(32), 0, 6, 0, 1, 'a', 0, 0, 0, 0, 6, 0, 1, 'b', 0, 0,
                                        0, 0, 0x24, 0, 4, 0, 0, 0, 7, 0, 0x24, 0, 4, 0, 0, 0, 8);
    struct stun_message m;
    assert_int_equal(stun_parse_message(message, &m), STATUS_OK);
    assert_true(bytes_equal_string(m.username, "a"));
    assert_int_equal(m.priority, 7);
    (void)state;
}

static void attributes_behind_the_integrity_are_ignored(void **state)
{
    uint8_t memory[200];
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    struct stun_request request = {.username = bytes_of_string("them:us"), .priority = 5};
    struct stun_message m;
    assert_int_equal(stun_write_request(&w, &request, PASSWORD), STATUS_OK);
    /* In FINGERPRINT's place: USE-CANDIDATE and an unknown required attribute. */
    size_t size = writer_size(&w);
    memcpy(memory + size - 8, "\x00\x25\0\0\x7f\x01\0\0", 8);
    assert_int_equal(stun_parse_message(bytes_of(memory, size), &m), STATUS_OK);
    assert_false(m.use_candidate);
    assert_int_equal(m.unknown_count, 0);
    assert_int_equal(stun_verify_integrity(&m, PASSWORD), STATUS_OK);
    (void)state;
}

static void unknown_required_attributes_are_listed_up_to_the_limit(void **state)
{
    uint8_t data[STUN_HEADER_BYTES + 4 * 20] = {0, 1, 0, 80, COOKIE, VECTOR_TRANSACTION};
    struct stun_message m;
    for (size_t i = 0; i < 20; i++) /* alternately required and optional */
        store_u16(data + STUN_HEADER_BYTES + 4 * i, (uint16_t)((i % 2 == 0 ? 0x7f00 : 0xff00) + i));
    assert_int_equal(stun_parse_message(bytes_of(data, sizeof data), &m), STATUS_OK);
    assert_int_equal(m.unknown_count, STUN_UNKNOWN_MAX);
    assert_int_equal(m.unknown[0], 0x7f00);
    assert_int_equal(m.unknown[7], 0x7f0e);
    (void)state;
}

static void a_written_request_reads_back(void **state)
{
    uint8_t memory[STUN_BYTES_MAX];
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    struct stun_request request = {.transaction = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
                                   .username = bytes_of_string("theirs:ours"),
                                   .priority = 0x6e7f1eff,
                                   .role = STUN_ROLE_CONTROLLING,
                                   .tie_breaker = 0x1122334455667788u,
                                   .use_candidate = true,
                                   .has_nomination = true,
                                   .nomination = 9};
    struct stun_message m;
    struct bytes ours, theirs;
    assert_int_equal(stun_write_request(&w, &request, PASSWORD), STATUS_OK);
    assert_int_equal(stun_parse_message(bytes_const(writer_written(&w)), &m), STATUS_OK);
    assert_int_equal(m.class, STUN_CLASS_REQUEST);
    assert_memory_equal(m.transaction, request.transaction, sizeof m.transaction);
    assert_true(bytes_equal(m.username, request.username));
    assert_int_equal(m.priority, request.priority);
    assert_int_equal(m.role, STUN_ROLE_CONTROLLING);
    assert_true(m.tie_breaker == request.tie_breaker);
    assert_true(m.use_candidate && m.has_nomination && m.has_fingerprint);
    assert_int_equal(m.nomination, 9);
    assert_int_equal(stun_verify_integrity(&m, PASSWORD), STATUS_OK);
    assert_true(stun_split_username(m.username, &ours, &theirs));
    assert_true(bytes_equal_string(ours, "theirs") && bytes_equal_string(theirs, "ours"));
    (void)state;
}

static void written_responses_read_back(void **state)
{
    const uint16_t unknown[] = {0x7f01, 0x0003, 0x0002};
    struct net_addr addr;
    struct stun_message m;
    for (int v6 = 0; v6 < 2; v6++) {
        uint8_t memory[200];
        struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
        assert_int_equal(net_addr_parse_ip(v6 ? "2001:db8::7" : "198.51.100.7", 4711, &addr),
                         STATUS_OK);
        assert_int_equal(stun_write_success(&w, transaction, &addr, PASSWORD), STATUS_OK);
        assert_int_equal(stun_parse_message(bytes_const(writer_written(&w)), &m), STATUS_OK);
        assert_int_equal(m.class, STUN_CLASS_SUCCESS);
        assert_true(net_addr_equal(&m.mapped, &addr));
        assert_int_equal(stun_verify_integrity(&m, PASSWORD), STATUS_OK);
    }
    for (size_t count = 0; count <= COUNT_OF(unknown); count++) {
        uint8_t memory[200];
        struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
        assert_int_equal(stun_write_error(&w, transaction, STUN_ERROR_UNKNOWN_ATTRIBUTE, unknown,
                                          count, PASSWORD),
                         STATUS_OK);
        assert_int_equal(stun_parse_message(bytes_const(writer_written(&w)), &m), STATUS_OK);
        assert_int_equal(m.class, STUN_CLASS_ERROR);
        assert_int_equal(m.error_code, 420);
        assert_int_equal(stun_verify_integrity(&m, PASSWORD), STATUS_OK);
    }
    (void)state;
}

static void integrity_is_openssl_s_hmac_for_passwords_and_messages_of_any_length(void **state)
{
    uint8_t text[STUN_BYTES_MAX + 1], password[200], ours[STUN_INTEGRITY_BYTES],
        theirs[STUN_INTEGRITY_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 7 + 3);
    for (size_t i = 0; i < sizeof password; i++)
        password[i] = (uint8_t)(i * 5 + 1);
    for (size_t key = 0; key <= sizeof password; key++) {
        size_t size = STUN_HEADER_BYTES + key * 7; /* up to 1420 */
        unsigned bytes = 0;
        store_u16(text + 2,
                  (uint16_t)(size + STUN_ATTRIBUTE_HEAD_BYTES + sizeof ours - STUN_HEADER_BYTES));
        assert_non_null(HMAC(EVP_sha1(), password, (int)key, text, size, theirs, &bytes));
        store_u16(text + 2, 0xbeef); /* whatever stood there */
        assert_int_equal(stun_integrity(bytes_of(text, size), bytes_of(password, key), ours),
                         STATUS_OK);
        assert_memory_equal(ours, theirs, sizeof ours);
    }
    assert_int_equal(stun_integrity(bytes_of(text, STUN_BYTES_MAX), bytes_of(password, 1), ours),
                     STATUS_OK);
    assert_int_equal(
        stun_integrity(bytes_of(text, STUN_BYTES_MAX + 1), bytes_of(password, 1), ours),
        STATUS_LIMIT);
    assert_int_equal(
        stun_integrity(bytes_of(text, STUN_HEADER_BYTES - 1), bytes_of(password, 1), ours),
        STATUS_LIMIT);
}

static void an_error_without_a_password_has_no_integrity(void **state)
{
    uint8_t memory[200];
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    struct stun_message m;
    assert_int_equal(
        stun_write_error(&w, transaction, STUN_ERROR_UNAUTHENTICATED, NULL, 0, BYTES_NONE),
        STATUS_OK);
    assert_int_equal(stun_parse_message(bytes_const(writer_written(&w)), &m), STATUS_OK);
    assert_int_equal(m.error_code, 401);
    assert_true(m.has_fingerprint);
    assert_int_equal(stun_verify_integrity(&m, PASSWORD), STATUS_AUTH);
    (void)state;
}

static void writing_without_room_fails_at_every_size(void **state)
{
    uint8_t memory[200];
    struct stun_request request = {.username = bytes_of_string("a:b"), .priority = 1};
    struct writer whole = writer_of((struct bytes_mut){memory, sizeof memory});
    assert_int_equal(stun_write_request(&whole, &request, PASSWORD), STATUS_OK);
    for (size_t size = 0; size < writer_size(&whole); size++) {
        uint8_t *exact = malloc(size + 1);
        struct writer w = writer_of((struct bytes_mut){exact, size});
        assert_int_equal(stun_write_request(&w, &request, PASSWORD), STATUS_TRUNCATED);
        assert_true(w.failed);
        free(exact);
    }
    (void)state;
}

static void class_and_method_survive_their_interleaved_bits(void **state)
{
    for (unsigned method = 0; method < 0x1000; method++) {
        for (unsigned class = 0; class < 4; class ++) {
            enum stun_class got_class;
            uint16_t got_method;
            uint16_t type = stun_encode_type((enum stun_class) class, (uint16_t)method);
            stun_decode_type(type, &got_class, &got_method);
            assert_int_equal(type >> 14, 0);
            assert_int_equal(got_class, class);
            assert_int_equal(got_method, method);
        }
    }
    assert_int_equal(stun_encode_type(STUN_CLASS_ERROR, STUN_METHOD_BINDING), 0x0111);
    (void)state;
}

static void a_user_name_without_two_sides_is_refused(void **state)
{
    static const char *const bad[] = {"", ":", "a", "a:", ":b"};
    struct bytes ours, theirs;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(stun_split_username(bytes_of_string(bad[i]), &ours, &theirs));
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_of_rfc_5769_is_read_and_its_integrity_holds),
        cmocka_unit_test(the_responses_of_rfc_5769_give_the_mapped_address),
        cmocka_unit_test(the_long_term_request_of_rfc_5769_verifies_with_its_md5_key),
        cmocka_unit_test(every_cut_of_a_message_is_truncated),
        cmocka_unit_test(a_flipped_bit_never_leaves_a_message_with_a_fingerprint),
        cmocka_unit_test(a_malformed_message_is_rejected),
        cmocka_unit_test(nothing_may_follow_the_fingerprint),
        cmocka_unit_test(the_number_of_attributes_and_bytes_is_bounded),
        cmocka_unit_test(a_large_optional_attribute_is_ignored),
        cmocka_unit_test(the_first_of_repeated_attributes_counts),
        cmocka_unit_test(attributes_behind_the_integrity_are_ignored),
        cmocka_unit_test(unknown_required_attributes_are_listed_up_to_the_limit),
        cmocka_unit_test(a_written_request_reads_back),
        cmocka_unit_test(written_responses_read_back),
        cmocka_unit_test(integrity_is_openssl_s_hmac_for_passwords_and_messages_of_any_length),
        cmocka_unit_test(an_error_without_a_password_has_no_integrity),
        cmocka_unit_test(writing_without_room_fails_at_every_size),
        cmocka_unit_test(class_and_method_survive_their_interleaved_bits),
        cmocka_unit_test(a_user_name_without_two_sides_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
