/* The page's own scripts and styles are served as they were written but for the lines that are
 * comments: on a line of 300 kbit/s these would take most of a second. */
#pragma once

#include "base/bytes.h"

/* Takes, in place, what stands in whole lines of comment (JavaScript's and CSS's; line breaks stay,
 * so that a fault names the line it was written on) out of `text`, and gives the size that is left.
 * Nothing is taken out of a template literal that spans lines, and a comment without an end is left
 * alone. A comment that is a text's own line within a template inside a template would be taken:
 * the page has none (tests/integration/test_http.py compares what is served with what was written).
 */
size_t script_text_strip(uint8_t *text, size_t size);
