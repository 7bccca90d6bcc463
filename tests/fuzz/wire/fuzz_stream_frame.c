/* RFC 4571 framing: however a stream is cut, the same datagrams come out, none longer than allowed,
 * and the first length that is too large ends it. The first byte says how long the pieces are. */
#include "wire/stream_frame.h"

#include "base/check.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A sum over lengths and contents, and how it ended. */
struct outcome {
    uint64_t sum;
    size_t frames;
    enum status status;
};

static struct outcome run(const uint8_t *data, size_t size, size_t piece)
{
    struct stream_frames frames = {0};
    struct outcome o = {.status = STATUS_TRUNCATED};
    uint8_t *copy = malloc(size + 1); /* exactly what is read: the sanitizer sees one byte more */
    CHECK(copy != NULL);
    memcpy(copy, data, size);
    for (size_t at = 0; at < size && o.status == STATUS_TRUNCATED; at += piece) {
        struct bytes_mut input = {copy + at, size - at < piece ? size - at : piece};
        struct bytes_mut frame;
        while ((o.status = stream_frames_take(&frames, &input, &frame)) == STATUS_OK) {
            CHECK(frame.size <= STREAM_FRAME_BYTES_MAX);
            o.sum = o.sum * 31 + frame.size;
            for (size_t i = 0; i < frame.size; i++)
                o.sum = o.sum * 31 + frame.data[i];
            if (frame.size > 0)
                frame.data[0] ^= 0xff; /* frames are opened in place */
            o.frames++;
        }
        CHECK(o.status == STATUS_LIMIT || input.size == 0);
    }
    free(copy);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct outcome whole = run(data + 1, size - 1, size);
    struct outcome cut = run(data + 1, size - 1, (size_t)data[0] + 1);
    CHECK(whole.sum == cut.sum && whole.frames == cut.frames && whole.status == cut.status);
    return 0;
}
