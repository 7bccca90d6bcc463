#include "signaling/core/access_token.h"

#include "base/wipe.h"
#include "signaling/core/secrets.h"
#include "signaling/core/strict_json.h"
#include "signaling/core/text_json.h"
#include "signaling/core/text_rules.h"

#include <jwt.h>

#define ISSUER "amphi"
#define LATEST_S 253402300799 /* end of the year 9999 */

/* The JSON object in one part of the token; NULL when it is not one. */
static json_t *parse_part(struct bytes part)
{
    uint8_t text[LIMIT_TOKEN_BYTES];
    size_t size;
    json_t *object = NULL;
    if (base64url_decode(part, (struct bytes_mut){text, sizeof text}, &size) != STATUS_OK ||
        strict_json_parse(bytes_of(text, size), sizeof text, &object) != STATUS_OK)
        return NULL;
    if (!json_is_object(object)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* Exactly HS256, spelt so; no critical extensions, no embedded keys. Checked before libjwt sees
 * the token, because libjwt takes the algorithm from it. */
static bool is_header_ours(struct bytes part)
{
    json_t *header = parse_part(part);
    const char *algorithm = "", *type = "JWT";
    bool ours = header != NULL && strict_json_get_string(header, "alg", true, &algorithm) &&
                strict_json_get_string(header, "typ", false, &type) &&
                strcmp(algorithm, "HS256") == 0 && strcmp(type, "JWT") == 0 &&
                json_object_size(header) <= 2;
    json_decref(header);
    return ours;
}

/* libjwt compares the signature's text, so there is one spelling of it. */
static bool is_signature_valid(struct bytes token, const uint8_t key[ACCESS_KEY_BYTES])
{
    char text[LIMIT_TOKEN_BYTES + 1];
    if (!bytes_to_string(token, text, sizeof text))
        return false;
    jwt_t *jwt = NULL;
    bool valid = jwt_decode(&jwt, text, key, ACCESS_KEY_BYTES) == 0 && jwt != NULL &&
                 jwt_get_alg(jwt) == JWT_ALG_HS256;
    jwt_free(jwt);
    return valid;
}

static bool copy_text(const char *from, char *to, size_t capacity)
{
    return from[0] != '\0' && bytes_to_string(bytes_of_string(from), to, capacity);
}

static bool read_claims(const json_t *payload, struct access_claims *out)
{
    const char *issuer = "", *class_id = "", *invite_id = "", *role = "", *name = "";
    struct access_claims claims = {0};
    bool complete = strict_json_get_string(payload, "iss", true, &issuer) &&
                    strict_json_get_string(payload, "aud", true, &class_id) &&
                    strict_json_get_string(payload, "jti", true, &invite_id) &&
                    strict_json_get_string(payload, "role", true, &role) &&
                    strict_json_get_string(payload, "name", false, &name) &&
                    strict_json_get_int(payload, "exp", true, 0, LATEST_S, &claims.expires_s) &&
                    strict_json_get_int(payload, "nbf", true, 0, LATEST_S, &claims.not_before_s);
    if (!complete || strcmp(issuer, ISSUER) != 0 ||
        !copy_text(class_id, claims.class_id, sizeof claims.class_id) ||
        !copy_text(invite_id, claims.invite_id, sizeof claims.invite_id) ||
        !role_find(bytes_of_string(role), &claims.role) ||
        text_rules_clean(name, LIMIT_NAME_CODE_POINTS, claims.name, sizeof claims.name) !=
            STATUS_OK)
        return false;
    *out = claims;
    return true;
}

static enum access_result judge_times(const struct access_claims *claims, int64_t unix_s)
{
    if (unix_s + TOKEN_LEEWAY_S < claims->not_before_s)
        return ACCESS_INVALID;
    return unix_s >= claims->expires_s ? ACCESS_EXPIRED : ACCESS_OK;
}

enum access_result access_token_verify(struct bytes token, const uint8_t key[ACCESS_KEY_BYTES],
                                       int64_t unix_s, struct access_claims *out)
{
    if (token.size == 0 || token.size > LIMIT_TOKEN_BYTES)
        return ACCESS_INVALID;
    const uint8_t *end = token.data + token.size;
    const uint8_t *first = memchr(token.data, '.', token.size);
    if (first == NULL)
        return ACCESS_INVALID;
    const uint8_t *second = memchr(first + 1, '.', (size_t)(end - first - 1));
    if (second == NULL)
        return ACCESS_INVALID;
    struct bytes header = {token.data, (size_t)(first - token.data)};
    struct bytes body = {first + 1, (size_t)(second - first - 1)};
    if (!is_header_ours(header))
        return ACCESS_INVALID;
    json_t *payload = parse_part(body); /* bounds its depth before libjwt parses it again */
    if (payload == NULL)
        return ACCESS_INVALID;
    struct access_claims claims = {0};
    enum access_result result = ACCESS_INVALID;
    if (is_signature_valid(token, key) && read_claims(payload, &claims))
        result = judge_times(&claims, unix_s);
    json_decref(payload);
    if (result != ACCESS_INVALID)
        *out = claims;
    return result;
}

static void write_payload(const struct access_claims *claims, struct text_json *text)
{
    text_json_open(text, NULL, '{');
    text_json_string(text, "iss", ISSUER);
    text_json_string(text, "aud", claims->class_id);
    text_json_string(text, "jti", claims->invite_id);
    text_json_string(text, "role", role_name(claims->role));
    if (claims->name[0] != '\0')
        text_json_string(text, "name", claims->name);
    if (claims->title[0] != '\0')
        text_json_string(text, "title", claims->title);
    text_json_int(text, "nbf", claims->not_before_s);
    text_json_int(text, "exp", claims->expires_s);
    text_json_close(text, '}');
}

enum status access_token_sign(const struct access_claims *claims,
                              const uint8_t key[ACCESS_KEY_BYTES], char *out, size_t capacity)
{
    enum status status = STATUS_NO_MEMORY;
    struct text_json payload = {0};
    jwt_t *jwt = NULL;
    char *encoded = NULL;
    write_payload(claims, &payload);
    if (payload.failed || jwt_new(&jwt) != 0 ||
        jwt_set_alg(jwt, JWT_ALG_HS256, key, ACCESS_KEY_BYTES) != 0 ||
        jwt_add_grants_json(jwt, payload.data) != 0)
        goto done;
    encoded = jwt_encode_str(jwt);
    if (encoded == NULL)
        goto done;
    status =
        bytes_to_string(bytes_of_string(encoded), out, capacity) ? STATUS_OK : STATUS_TRUNCATED;
done:
    if (encoded != NULL) {
        memory_wipe(encoded, strlen(encoded));
        free(encoded);
    }
    jwt_free(jwt);
    text_json_destroy(&payload);
    return status;
}
