/* Looks at JSON of strangers before a parser does, which recurses once per level and allocates per
 * token. Builds nothing; whether it is JSON at all the parser says. */
#pragma once

#include "base/bytes.h"
#include "base/status.h"

/* Tokens are taken for twice the brackets and separators that open or part them, and one.
 * STATUS_LIMIT past either maximum, STATUS_MALFORMED when more is closed than was opened. */
MUST_CHECK enum status bounded_json_check(struct bytes text, size_t depth_max, size_t tokens_max);
