#include "host/frame_stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_CAPACITY (4 * (FRAME_STREAM_PAYLOAD_MAX + 4))

enum status frame_stream_init(struct frame_stream *s, int fd)
{
    *s = (struct frame_stream){.fd = fd, .in = malloc(IN_CAPACITY)};
    if (s->in != NULL)
        return STATUS_OK;
    frame_stream_destroy(s);
    return STATUS_NO_MEMORY;
}

void frame_stream_destroy(struct frame_stream *s)
{
    if (s->fd >= 0)
        close(s->fd);
    free(s->in);
    free(s->out);
    *s = (struct frame_stream){.fd = -1};
}

enum status frame_stream_fill(struct frame_stream *s)
{
    memmove(s->in, s->in + s->in_start, s->in_end - s->in_start);
    s->in_end -= s->in_start;
    s->in_start = 0;
    while (s->in_end < IN_CAPACITY) {
        ssize_t got = recv(s->fd, s->in + s->in_end, IN_CAPACITY - s->in_end, 0);
        if (got > 0)
            s->in_end += (size_t)got;
        else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return STATUS_OK;
        else if (got == 0 || errno != EINTR)
            return STATUS_SYSTEM;
    }
    return STATUS_OK;
}

enum status frame_stream_next(struct frame_stream *s, struct bytes *out)
{
    struct reader r = reader_of(bytes_of(s->in + s->in_start, s->in_end - s->in_start));
    size_t size = read_u32(&r);
    if (!r.failed && size > FRAME_STREAM_PAYLOAD_MAX)
        return STATUS_LIMIT;
    struct bytes payload = read_bytes(&r, size);
    if (r.failed)
        return STATUS_NOT_FOUND;
    *out = payload;
    s->in_start += 4 + size;
    return STATUS_OK;
}

static enum status make_room(struct frame_stream *s, size_t more)
{
    /* Moved only when it pays: a long queue is not shifted for each frame. */
    if (s->out_sent > s->out_bytes / 2) {
        memmove(s->out, s->out + s->out_sent, s->out_bytes - s->out_sent);
        s->out_bytes -= s->out_sent;
        s->out_sent = 0;
    }
    if (s->out_bytes - s->out_sent + more > FRAME_STREAM_OUT_MAX)
        return STATUS_LIMIT;
    if (s->out_bytes + more <= s->out_capacity)
        return STATUS_OK;
    size_t capacity = (s->out_bytes + more) * 2;
    uint8_t *grown = realloc(s->out, capacity);
    if (grown == NULL)
        return STATUS_NO_MEMORY;
    s->out = grown;
    s->out_capacity = capacity;
    return STATUS_OK;
}

enum status frame_stream_queue(struct frame_stream *s, struct bytes payload)
{
    if (payload.size > FRAME_STREAM_PAYLOAD_MAX)
        return STATUS_LIMIT;
    enum status status = make_room(s, payload.size + 4);
    if (status != STATUS_OK)
        return status;
    struct writer w =
        writer_of((struct bytes_mut){s->out + s->out_bytes, s->out_capacity - s->out_bytes});
    write_u32(&w, (uint32_t)payload.size);
    write_bytes(&w, payload);
    CHECK(!w.failed);
    s->out_bytes += writer_size(&w);
    return STATUS_OK;
}

enum status frame_stream_flush(struct frame_stream *s)
{
    while (s->out_sent < s->out_bytes) {
        ssize_t sent = send(s->fd, s->out + s->out_sent, s->out_bytes - s->out_sent, MSG_NOSIGNAL);
        if (sent > 0)
            s->out_sent += (size_t)sent;
        else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return STATUS_OK;
        else if (sent == 0 || errno != EINTR)
            return STATUS_SYSTEM;
    }
    return STATUS_OK;
}

bool frame_stream_wants_write(const struct frame_stream *s)
{
    return s->out_sent < s->out_bytes;
}
