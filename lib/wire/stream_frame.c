#include "wire/stream_frame.h"

static void skip(struct bytes_mut *input, size_t size)
{
    input->data += size;
    input->size -= size;
}

/* Fills `frames` up to `wanted` bytes in all; false when the input ends before. */
static bool hold(struct stream_frames *frames, struct bytes_mut *input, size_t wanted)
{
    size_t missing = wanted - frames->held;
    size_t size = input->size < missing ? input->size : missing;
    if (size > 0)
        memcpy(frames->data + frames->held, input->data, size);
    frames->held = (uint16_t)(frames->held + size);
    skip(input, size);
    return frames->held == wanted;
}

enum status stream_frames_take(struct stream_frames *frames, struct bytes_mut *input,
                               struct bytes_mut *frame)
{
    /* Whole in the input, as nearly always: not copied. */
    if (frames->held == 0 && input->size >= STREAM_FRAME_LENGTH_BYTES) {
        size_t length = load_u16(input->data);
        if (length > STREAM_FRAME_BYTES_MAX)
            return STATUS_LIMIT;
        if (input->size >= STREAM_FRAME_LENGTH_BYTES + length) {
            *frame = (struct bytes_mut){input->data + STREAM_FRAME_LENGTH_BYTES, length};
            skip(input, STREAM_FRAME_LENGTH_BYTES + length);
            return STATUS_OK;
        }
    }
    if (frames->held < STREAM_FRAME_LENGTH_BYTES && !hold(frames, input, STREAM_FRAME_LENGTH_BYTES))
        return STATUS_TRUNCATED;
    size_t length = load_u16(frames->data);
    if (length > STREAM_FRAME_BYTES_MAX)
        return STATUS_LIMIT;
    if (!hold(frames, input, STREAM_FRAME_LENGTH_BYTES + length))
        return STATUS_TRUNCATED;
    *frame = (struct bytes_mut){frames->data + STREAM_FRAME_LENGTH_BYTES, length};
    frames->held = 0;
    return STATUS_OK;
}
