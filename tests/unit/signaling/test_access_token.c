#include "signaling/core/access_token.h"
#include "signaling/core/secrets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define NOW INT64_C(1795449600)

static const uint8_t key[ACCESS_KEY_BYTES] = {1, 2, 3};
static const struct access_claims sample = {.class_id = "c7Qm",
                                            .invite_id = "i1",
                                            .role = ROLE_TRAINER,
                                            .name = "Mme Petit",
                                            .not_before_s = NOW,
                                            .expires_s = NOW + 3600};

/* A token with any header and payload, signed as RFC 7515 says: independent of the code tested. */
static void sign_by_hand(const char *header, const char *payload, char *out, size_t capacity)
{
    char first[2048], second[4096], signature[64];
    uint8_t digest[32];
    unsigned size = sizeof digest;
    assert_int_equal(base64url_encode(bytes_of_string(header), first, sizeof first), STATUS_OK);
    assert_int_equal(base64url_encode(bytes_of_string(payload), second, sizeof second), STATUS_OK);
    int used = snprintf(out, capacity, "%s.%s", first, second);
    assert_true(used > 0 && (size_t)used < capacity);
    assert_non_null(
        HMAC(EVP_sha256(), key, sizeof key, (const uint8_t *)out, (size_t)used, digest, &size));
    assert_int_equal(base64url_encode(bytes_of(digest, size), signature, sizeof signature),
                     STATUS_OK);
    snprintf(out + used, capacity - (size_t)used, ".%s", signature);
}

static enum access_result verify(const char *token, int64_t now)
{
    struct access_claims claims;
    return access_token_verify(bytes_of_string(token), key, now, &claims);
}

static void a_signed_token_is_read_back(void **state)
{
    char token[LIMIT_TOKEN_BYTES];
    assert_int_equal(access_token_sign(&sample, key, token, sizeof token), STATUS_OK);
    struct access_claims claims;
    assert_int_equal(access_token_verify(bytes_of_string(token), key, NOW, &claims), ACCESS_OK);
    assert_string_equal(claims.class_id, sample.class_id);
    assert_string_equal(claims.invite_id, sample.invite_id);
    assert_string_equal(claims.name, sample.name);
    assert_int_equal(claims.role, ROLE_TRAINER);
    (void)state;
}

static void the_longest_name_and_title_fit_into_a_token(void **state)
{
    char token[LIMIT_TOKEN_BYTES];
    struct access_claims claims = sample, back;
    /* Escaped in JSON to two characters each, and what takes the most bytes otherwise. */
    static const char *const characters[] = {"\"", "\U0001F600"};
    for (size_t i = 0; i < COUNT_OF(characters); i++) {
        size_t size = strlen(characters[i]);
        for (size_t k = 0; k < LIMIT_NAME_CODE_POINTS; k++)
            memcpy(claims.name + k * size, characters[i], size + 1);
        for (size_t k = 0; k < LIMIT_TITLE_CODE_POINTS; k++)
            memcpy(claims.title + k * size, characters[i], size + 1);
        assert_int_equal(access_token_sign(&claims, key, token, sizeof token), STATUS_OK);
        assert_int_equal(access_token_verify(bytes_of_string(token), key, NOW, &back), ACCESS_OK);
        assert_string_equal(back.name, claims.name);
    }
    (void)state;
}

static void times_are_judged_to_the_second(void **state)
{
    char token[LIMIT_TOKEN_BYTES];
    assert_int_equal(access_token_sign(&sample, key, token, sizeof token), STATUS_OK);
    assert_int_equal(verify(token, NOW - TOKEN_LEEWAY_S), ACCESS_OK);
    assert_int_equal(verify(token, NOW - TOKEN_LEEWAY_S - 1), ACCESS_INVALID);
    assert_int_equal(verify(token, NOW + 3599), ACCESS_OK);
    assert_int_equal(verify(token, NOW + 3600), ACCESS_EXPIRED);
    (void)state;
}

#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS                                                                                     \
    "\"iss\":\"amphi\",\"aud\":\"c\",\"jti\":\"i\",\"role\":\"learner\",\"nbf\":1,"                \
    "\"exp\":4000000000"

static void headers_and_claims_that_are_not_ours_are_refused(void **state)
{
    static const struct {
        const char *why, *header, *payload;
        enum access_result expected;
    } cases[] = {
        {"ours", HS256, "{" CLAIMS "}", ACCESS_OK},
        {"without typ", "{\"alg\":\"HS256\"}", "{" CLAIMS "}", ACCESS_OK},
        {"alg none", "{\"alg\":\"none\"}", "{" CLAIMS "}", ACCESS_INVALID},
        {"alg None", "{\"alg\":\"None\"}", "{" CLAIMS "}", ACCESS_INVALID},
        {"alg nOnE", "{\"alg\":\"nOnE\"}", "{" CLAIMS "}", ACCESS_INVALID},
        {"alg hs256", "{\"alg\":\"hs256\"}", "{" CLAIMS "}", ACCESS_INVALID},
        {"alg HS384", "{\"alg\":\"HS384\"}", "{" CLAIMS "}", ACCESS_INVALID},
        {"alg RS256", "{\"alg\":\"RS256\"}", "{" CLAIMS "}", ACCESS_INVALID},
        {"alg ES256", "{\"alg\":\"ES256\"}", "{" CLAIMS "}", ACCESS_INVALID},
        {"alg twice", "{\"alg\":\"HS256\",\"alg\":\"none\"}", "{" CLAIMS "}", ACCESS_INVALID},
        {"alg is a list", "{\"alg\":[\"HS256\"]}", "{" CLAIMS "}", ACCESS_INVALID},
        {"no alg", "{\"typ\":\"JWT\"}", "{" CLAIMS "}", ACCESS_INVALID},
        {"another typ", "{\"alg\":\"HS256\",\"typ\":\"JWE\"}", "{" CLAIMS "}", ACCESS_INVALID},
        {"kid with a path", "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"../../etc/passwd\"}",
         "{" CLAIMS "}", ACCESS_INVALID},
        {"crit", "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"crit\":[\"x\"]}", "{" CLAIMS "}",
         ACCESS_INVALID},
        {"header is a list", "[]", "{" CLAIMS "}", ACCESS_INVALID},
        {"payload is a list", HS256, "[]", ACCESS_INVALID},
        {"payload is deep", HS256, "{" CLAIMS ",\"x\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}",
         ACCESS_INVALID},
        {"a claim twice", HS256, "{" CLAIMS ",\"role\":\"trainer\"}", ACCESS_INVALID},
        {"empty", HS256, "{}", ACCESS_INVALID},
        {"another issuer", HS256,
         "{\"iss\":\"x\",\"aud\":\"c\",\"jti\":\"i\",\"role\":\"learner\",\"nbf\":1,"
         "\"exp\":4000000000}",
         ACCESS_INVALID},
        {"unknown role", HS256,
         "{\"iss\":\"amphi\",\"aud\":\"c\",\"jti\":\"i\",\"role\":\"king\",\"nbf\":1,"
         "\"exp\":4000000000}",
         ACCESS_INVALID},
        {"aud is a list", HS256,
         "{\"iss\":\"amphi\",\"aud\":[\"c\"],\"jti\":\"i\",\"role\":\"learner\",\"nbf\":1,"
         "\"exp\":4000000000}",
         ACCESS_INVALID},
        {"exp is a fraction", HS256,
         "{\"iss\":\"amphi\",\"aud\":\"c\",\"jti\":\"i\",\"role\":\"learner\",\"nbf\":1,"
         "\"exp\":4000000000.5}",
         ACCESS_INVALID},
        {"exp is a string", HS256,
         "{\"iss\":\"amphi\",\"aud\":\"c\",\"jti\":\"i\",\"role\":\"learner\",\"nbf\":1,"
         "\"exp\":\"4000000000\"}",
         ACCESS_INVALID},
        {"no exp", HS256,
         "{\"iss\":\"amphi\",\"aud\":\"c\",\"jti\":\"i\",\"role\":\"learner\",\"nbf\":1}",
         ACCESS_INVALID},
        {"exp is negative", HS256,
         "{\"iss\":\"amphi\",\"aud\":\"c\",\"jti\":\"i\",\"role\":\"learner\",\"nbf\":1,"
         "\"exp\":-1}",
         ACCESS_INVALID},
        {"exp long ago", HS256,
         "{\"iss\":\"amphi\",\"aud\":\"c\",\"jti\":\"i\",\"role\":\"learner\",\"nbf\":1,"
         "\"exp\":2}",
         ACCESS_EXPIRED},
        {"class id too long", HS256,
         "{\"iss\":\"amphi\",\"aud\":\"012345678901234567890123456789012\",\"jti\":\"i\","
         "\"role\":\"learner\",\"nbf\":1,\"exp\":4000000000}",
         ACCESS_INVALID},
        {"a name with a control character", HS256, "{" CLAIMS ",\"name\":\"a\\u0007\"}",
         ACCESS_INVALID},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char token[8192];
        sign_by_hand(cases[i].header, cases[i].payload, token, sizeof token);
        enum access_result got = verify(token, NOW);
        if (got != cases[i].expected)
            fail_msg("%s: got %d", cases[i].why, got);
    }
    (void)state;
}

static void a_token_changed_in_any_character_is_refused(void **state)
{
    char token[LIMIT_TOKEN_BYTES], changed[LIMIT_TOKEN_BYTES];
    assert_int_equal(access_token_sign(&sample, key, token, sizeof token), STATUS_OK);
    for (size_t i = 0; i < strlen(token); i++) {
        memcpy(changed, token, sizeof changed);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_int_equal(verify(changed, NOW), ACCESS_INVALID);
    }
    (void)state;
}

static void shapes_that_are_not_three_parts_are_refused(void **state)
{
    char token[LIMIT_TOKEN_BYTES];
    char shaped[2 * LIMIT_TOKEN_BYTES];
    assert_int_equal(access_token_sign(&sample, key, token, sizeof token), STATUS_OK);
    static const char *const formats[] = {"%s.",  ".%s", " %s",  "%s ", "%s\n",
                                          "%s==", "%s=", "%s.x", "x%s", "%sA"};
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        const char *at = strchr(formats[i], '%');
        snprintf(shaped, sizeof shaped, "%.*s%s%s", (int)(at - formats[i]), formats[i], token,
                 at + 2);
        if (verify(shaped, NOW) != ACCESS_INVALID)
            fail_msg("%s", formats[i]);
    }
    *strrchr(token, '.') = '\0';
    assert_int_equal(verify(token, NOW), ACCESS_INVALID);
    (void)state;
}

static void one_byte_more_than_4_KiB_is_refused(void **state)
{
    char payload[3100], token[8192];
    size_t pad = 0;
    for (size_t target = LIMIT_TOKEN_BYTES;; pad++) {
        snprintf(payload, sizeof payload, "{" CLAIMS ",\"x\":\"%0*d\"}", (int)(2800 + pad), 0);
        sign_by_hand(HS256, payload, token, sizeof token);
        if (strlen(token) >= target - 1)
            break;
    }
    assert_true(strlen(token) <= LIMIT_TOKEN_BYTES);
    assert_int_equal(verify(token, NOW), ACCESS_OK);
    snprintf(payload, sizeof payload, "{" CLAIMS ",\"x\":\"%0*d\"}", (int)(2802 + pad), 0);
    sign_by_hand(HS256, payload, token, sizeof token);
    assert_true(strlen(token) > LIMIT_TOKEN_BYTES);
    assert_int_equal(verify(token, NOW), ACCESS_INVALID);
    (void)state;
}

static void base64url_follows_rfc_4648(void **state)
{
    static const struct {
        struct bytes data;
        const char *text;
    } vectors[] = {{BYTES(""), ""},
                   {BYTES("f"), "Zg"},
                   {BYTES("fo"), "Zm8"},
                   {BYTES("foo"), "Zm9v"},
                   {BYTES("foob"), "Zm9vYg"},
                   {BYTES("fooba"), "Zm9vYmE"},
                   {BYTES("foobar"), "Zm9vYmFy"},
                   {BYTES("\xfb\xff"), "-_8"}};
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        char text[32];
        uint8_t data[32];
        size_t size;
        assert_int_equal(base64url_encode(vectors[i].data, text, sizeof text), STATUS_OK);
        assert_string_equal(text, vectors[i].text);
        assert_int_equal(
            base64url_decode(bytes_of_string(text), (struct bytes_mut){data, sizeof data}, &size),
            STATUS_OK);
        assert_true(bytes_equal(bytes_of(data, size), vectors[i].data));
    }
    static const char *const bad[] = {"Z", "Zg==", "Zh", "Zm9", "a b", "+/", "Zm8="};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        uint8_t data[32];
        size_t size;
        assert_int_equal(
            base64url_decode(bytes_of_string(bad[i]), (struct bytes_mut){data, sizeof data}, &size),
            STATUS_MALFORMED);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_token_is_read_back),
        cmocka_unit_test(the_longest_name_and_title_fit_into_a_token),
        cmocka_unit_test(times_are_judged_to_the_second),
        cmocka_unit_test(headers_and_claims_that_are_not_ours_are_refused),
        cmocka_unit_test(a_token_changed_in_any_character_is_refused),
        cmocka_unit_test(shapes_that_are_not_three_parts_are_refused),
        cmocka_unit_test(one_byte_more_than_4_KiB_is_refused),
        cmocka_unit_test(base64url_follows_rfc_4648),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
