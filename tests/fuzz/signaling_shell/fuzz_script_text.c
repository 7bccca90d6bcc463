/* Whatever is stripped keeps its lines, only gets shorter, and has nothing left to strip. */
#include "signaling/shell/script_text.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_lines(const uint8_t *text, size_t size)
{
    size_t lines = 0;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *text = malloc(size + 1);
    CHECK(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    size_t kept = script_text_strip(text, size);
    CHECK(kept <= size && count_lines(text, kept) == count_lines(data, size));
    CHECK(script_text_strip(text, kept) == kept);
    free(text);
    return 0;
}
