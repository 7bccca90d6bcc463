/* Datagrams of any size and either class, written in pieces of any size, at any time: what comes
 * out are whole frames with what was put in, in order within their class, none later than allowed;
 * what does not come out was counted. */
#include "relay/core/stream_queue.h"

#include "base/check.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct stream_queue q;
    struct stream_frames frames; /* as the other side reads them */
    usec_t now;
    uint32_t pushed[STREAM_CLASS_COUNT], pushed_count, taken_count;
    uint32_t newest[STREAM_CLASS_COUNT]; /* number of the last one taken, plus 1 */
};

#define HEAD_BYTES 13 /* class, number, time */

static void push(struct world *w, enum stream_class class, size_t size)
{
    uint8_t datagram[STREAM_FRAME_BYTES_MAX + 1];
    struct writer out = writer_of((struct bytes_mut){datagram, sizeof datagram});
    write_u8(&out, (uint8_t) class);
    write_u32(&out, w->pushed[class]);
    write_u64(&out, (uint64_t)w->now);
    size = size < HEAD_BYTES ? HEAD_BYTES : size > sizeof datagram ? sizeof datagram : size;
    memset(datagram + HEAD_BYTES, (int)(w->pushed[class] & 0xff), size - HEAD_BYTES);
    bool is_taken = stream_queue_push(&w->q, w->now, class, bytes_of(datagram, size));
    CHECK(is_taken == (size <= STREAM_FRAME_BYTES_MAX));
    w->pushed[class]++;
    w->pushed_count++;
}

static void look_at(struct world *w, struct bytes frame)
{
    struct reader r = reader_of(frame);
    uint8_t class = read_u8(&r);
    uint32_t number = read_u32(&r);
    CHECK(class < STREAM_CLASS_COUNT && number < w->pushed[class] && number >= w->newest[class]);
    w->newest[class] = number + 1;
    (void)read_u64(&r);
    struct bytes rest = read_rest(&r);
    CHECK(!r.failed);
    for (size_t i = 0; i < rest.size; i++)
        CHECK(rest.data[i] == (uint8_t)number);
    w->taken_count++;
}

/* Writes at most `most` bytes, as a socket that takes no more. */
static void take(struct world *w, size_t most)
{
    while (most > 0) {
        bool begins = w->q.leaving_at == w->q.leaving_bytes;
        struct bytes next = stream_queue_peek(&w->q, w->now);
        if (next.size == 0) {
            CHECK(stream_queue_is_empty(&w->q));
            return;
        }
        if (begins) {
            usec_t waited = w->now - (usec_t)(((uint64_t)load_u32(next.data + 7) << 32) |
                                              load_u32(next.data + 11));
            CHECK(waited <= (next.data[2] == STREAM_CLASS_VIDEO ? STREAM_QUEUE_VIDEO_US
                                                                : STREAM_QUEUE_FIRST_US));
        }
        uint8_t piece[STREAM_FRAME_LENGTH_BYTES + STREAM_FRAME_BYTES_MAX];
        size_t size = next.size < most ? next.size : most;
        memcpy(piece, next.data, size);
        stream_queue_consume(&w->q, size);
        most -= size;
        struct bytes_mut input = {piece, size}, frame;
        enum status status;
        while ((status = stream_frames_take(&w->frames, &input, &frame)) == STATUS_OK)
            look_at(w, bytes_const(frame));
        CHECK(status == STATUS_TRUNCATED);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    struct world *w = calloc(1, sizeof *w);
    CHECK(w != NULL && stream_queue_init(&w->q) == STATUS_OK);
    w->now = SECONDS(1);
    while (reader_left(&r) >= 2) {
        uint8_t what = read_u8(&r);
        uint8_t value = read_u8(&r);
        if ((what & 3) == 0)
            w->now += (usec_t)value * 2000;
        else if ((what & 3) == 1)
            take(w, value * (what & 4 ? 1u : 100u));
        else
            for (unsigned i = 0; i <= what >> 3; i++)
                push(w, (what & 1) != 0 ? STREAM_CLASS_VIDEO : STREAM_CLASS_FIRST,
                     value * (what & 4 ? 1u : 6u));
    }
    take(w, SIZE_MAX);
    CHECK(stream_queue_is_empty(&w->q) && !stream_frames_is_partial(&w->frames));
    CHECK(w->taken_count + w->q.dropped == w->pushed_count);
    stream_queue_destroy(&w->q);
    free(w);
    return 0;
}
