/* Writes JSON into growing memory, without a tree in between: a snapshot of a thousand people is
 * one pass. Commas are the writer's business. Failure (memory) is sticky; look once, at the end. */
#pragma once

#include "base/bytes.h"
#include "base/check.h"

struct text_json {
    char *data; /* zero-terminated once anything was written */
    size_t size, capacity;
    bool needs_comma, failed;
};

/* Zero-initialised is an empty text. */
void text_json_destroy(struct text_json *text);

/* `key` is NULL for an element of an array and for the outermost value. */
void text_json_open(struct text_json *text, const char *key, char bracket);        /* '{' or '[' */
void text_json_close(struct text_json *text, char bracket);                        /* '}' or ']' */
void text_json_string(struct text_json *text, const char *key, const char *value); /* NULL: null */
void text_json_uint(struct text_json *text, const char *key, uint64_t value);
void text_json_int(struct text_json *text, const char *key, int64_t value);
/* With three decimals; what is not finite becomes 0. */
void text_json_number(struct text_json *text, const char *key, double value);
void text_json_bool(struct text_json *text, const char *key, bool value);
void text_json_null(struct text_json *text, const char *key);
/* A number as a string: identifiers are opaque to clients. 0: null. */
void text_json_id(struct text_json *text, const char *key, uint64_t value);

/* `value` is JSON already. */
void text_json_value(struct text_json *text, const char *key, struct bytes value);

/* Anything else, as it is: for texts that are not JSON (metrics). */
PRINTF_LIKE(2, 3) void text_json_raw(struct text_json *text, const char *format, ...);
void text_json_bytes(struct text_json *text, struct bytes bytes);
