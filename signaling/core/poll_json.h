/* A poll's question as JSON: in `poll_start`, in what `poll_import` answers, in the store. */
#pragma once

#include "signaling/core/poll.h"
#include "signaling/core/strict_json.h"
#include "signaling/core/text_json.h"

/* Reads `kind`, `question`, `options`, `correct`, `min`, `max` of `object`; others are ignored.
 * STATUS_MALFORMED when it is no complete question; *out is then undefined. */
MUST_CHECK enum status poll_json_read(const json_t *object, struct poll_question *out);
/* The same from a text that poll_json_write has written. */
MUST_CHECK enum status poll_json_parse(const char *text, struct poll_question *out);

/* Writes the fields into the object that is open in `text`. `correct` is for who may know it. */
void poll_json_write(const struct poll_question *question, bool correct, struct text_json *text);
