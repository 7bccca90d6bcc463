/* Reads JSON from strangers: bounded before the parser sees it, since jansson recurses once per
 * level; duplicate keys, NUL, invalid UTF-8 and trailing data are refused. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#include <jansson.h>

/* *out is the caller's, to json_decref. STATUS_LIMIT past LIMIT_JSON_DEPTH, LIMIT_JSON_TOKENS or
 * `size_max` bytes; STATUS_MALFORMED otherwise. */
MUST_CHECK enum status strict_json_parse(struct bytes text, size_t size_max, json_t **out);

/* Fields of an object. All are false, with *out untouched, when the field has another type. A
 * missing field, with `required` false, is true and leaves *out alone. Strings are borrowed from
 * the object. */
bool strict_json_get_string(const json_t *object, const char *key, bool required, const char **out);
bool strict_json_get_bool(const json_t *object, const char *key, bool required, bool *out);
/* An integer (not 1.0) from `min` to `max`. */
bool strict_json_get_int(const json_t *object, const char *key, bool required, int64_t min,
                         int64_t max, int64_t *out);
