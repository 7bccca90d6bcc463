#include "signaling/core/strict_json.h"

#include "base/bounded_json.h"
#include "signaling/core/limits.h"

enum status strict_json_parse(struct bytes text, size_t size_max, json_t **out)
{
    if (text.size > size_max)
        return STATUS_LIMIT;
    if (text.size == 0)
        return STATUS_MALFORMED;
    enum status status = bounded_json_check(text, LIMIT_JSON_DEPTH, LIMIT_JSON_TOKENS);
    if (status != STATUS_OK)
        return status;
    json_error_t error;
    json_t *value = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
    if (value == NULL)
        return STATUS_MALFORMED;
    *out = value;
    return STATUS_OK;
}

bool strict_json_get_string(const json_t *object, const char *key, bool required, const char **out)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL)
        return !required;
    if (!json_is_string(value))
        return false;
    *out = json_string_value(value);
    return true;
}

bool strict_json_get_bool(const json_t *object, const char *key, bool required, bool *out)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL)
        return !required;
    if (!json_is_boolean(value))
        return false;
    *out = json_is_true(value);
    return true;
}

bool strict_json_get_int(const json_t *object, const char *key, bool required, int64_t min,
                         int64_t max, int64_t *out)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL)
        return !required;
    if (!json_is_integer(value))
        return false;
    int64_t number = json_integer_value(value);
    if (number < min || number > max)
        return false;
    *out = number;
    return true;
}
