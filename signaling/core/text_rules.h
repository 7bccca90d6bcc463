/* What may stand in a name or a title that others will see: valid UTF-8, no control and no
 * bidirectional or invisible formatting characters, one space where several were, trimmed. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

/* Writes the cleaned text to `out`. STATUS_MALFORMED for bytes that are not UTF-8 or characters
 * that are refused; STATUS_LIMIT past `code_points_max` or `capacity`. An empty result is fine. */
MUST_CHECK enum status text_rules_clean(const char *text, size_t code_points_max, char *out,
                                        size_t capacity);

/* What people write to each other, over several lines: valid UTF-8 with something to see in it, no
 * control characters and nothing that turns the reading direction of what stands around it. Line
 * ends become '\n', tabs spaces; both ends are trimmed. STATUS_MALFORMED, also for an empty text;
 * STATUS_LIMIT past `code_points_max` or `capacity`. */
MUST_CHECK enum status text_rules_take_text(const char *text, size_t code_points_max, char *out,
                                            size_t capacity);

/* One space where several spaces or line ends were, trimmed: for comparing. STATUS_LIMIT without
 * room, STATUS_MALFORMED for invalid UTF-8. */
MUST_CHECK enum status text_rules_squeeze(const char *text, char *out, size_t capacity);

/* Decodes one code point at *at, which moves on; false at the end or for invalid UTF-8 (overlong,
 * surrogates, past U+10FFFF). */
bool text_rules_next_code_point(const char **at, uint32_t *out);
