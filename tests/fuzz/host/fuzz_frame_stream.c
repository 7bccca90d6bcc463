/* Frames over a real pair of sockets. Whatever bytes come, and however they are cut, the same
 * frames come out, none longer than allowed; and what is queued on one side is what the other
 * takes. The first byte says how long the pieces are. */
#include "host/frame_stream.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_BYTES_MAX 100000 /* what the kernel takes in without a reader */

struct outcome {
    uint64_t sum; /* of lengths and contents */
    size_t frames;
    enum status status;
};

static void open_pair(int fds[2])
{
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(fcntl(fds[i], F_SETFL, O_NONBLOCK) == 0);
}

/* Takes what is there; with `back`, each frame is queued there as well. */
static void take_frames(struct frame_stream *s, struct frame_stream *back, struct outcome *o)
{
    struct bytes frame;
    while ((o->status = frame_stream_next(s, &frame)) == STATUS_OK) {
        CHECK(frame.size <= FRAME_STREAM_PAYLOAD_MAX);
        o->sum = o->sum * 31 + frame.size;
        for (size_t i = 0; i < frame.size; i++)
            o->sum = o->sum * 31 + frame.data[i];
        o->frames++;
        if (back != NULL)
            CHECK(frame_stream_queue(back, frame) == STATUS_OK);
    }
}

static struct outcome run(struct bytes input, size_t piece, struct frame_stream *back)
{
    int fds[2];
    struct frame_stream s;
    struct outcome o = {.status = STATUS_NOT_FOUND};
    open_pair(fds);
    CHECK(frame_stream_init(&s, fds[0]) == STATUS_OK);
    for (size_t at = 0; at < input.size && o.status == STATUS_NOT_FOUND; at += piece) {
        size_t bytes = input.size - at < piece ? input.size - at : piece;
        CHECK(write(fds[1], input.data + at, bytes) == (ssize_t)bytes);
        CHECK(frame_stream_fill(&s) == STATUS_OK);
        take_frames(&s, back, &o);
    }
    close(fds[1]);
    CHECK(o.status == STATUS_LIMIT || frame_stream_fill(&s) == STATUS_SYSTEM);
    frame_stream_destroy(&s);
    return o;
}

/* Sends on what was taken until the other side has all of it. */
static struct outcome receive_all(struct frame_stream *from, struct frame_stream *to)
{
    struct outcome o = {.status = STATUS_NOT_FOUND};
    do {
        CHECK(frame_stream_flush(from) == STATUS_OK);
        CHECK(frame_stream_fill(to) == STATUS_OK);
        take_frames(to, NULL, &o);
        CHECK(o.status == STATUS_NOT_FOUND);
    } while (frame_stream_wants_write(from) || to->in_end > to->in_start);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fds[2];
    struct frame_stream from, to;
    if (size < 1 || size > INPUT_BYTES_MAX)
        return 0;
    struct bytes input = bytes_of(data + 1, size - 1);
    open_pair(fds);
    CHECK(frame_stream_init(&from, fds[0]) == STATUS_OK);
    CHECK(frame_stream_init(&to, fds[1]) == STATUS_OK);
    struct outcome whole = run(input, size, &from);
    struct outcome cut = run(input, (size_t)data[0] + 1, NULL);
    CHECK(whole.sum == cut.sum && whole.frames == cut.frames);
    CHECK(whole.status == cut.status);
    struct outcome again = receive_all(&from, &to);
    CHECK(again.sum == whole.sum && again.frames == whole.frames);
    frame_stream_destroy(&from);
    frame_stream_destroy(&to);
    return 0;
}
