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
    while (s->in_bytes < IN_CAPACITY) {
        ssize_t got = recv(s->fd, s->in + s->in_bytes, IN_CAPACITY - s->in_bytes, 0);
        if (got > 0)
            s->in_bytes += (size_t)got;
        else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return STATUS_OK;
        else if (got == 0 || errno != EINTR)
            return STATUS_SYSTEM;
    }
    return STATUS_OK;
}

enum status frame_stream_next(struct frame_stream *s, struct bytes *out)
{
    if (s->given > 0) {
        memmove(s->in, s->in + s->given, s->in_bytes - s->given);
        s->in_bytes -= s->given;
        s->given = 0;
    }
    if (s->in_bytes < 4)
        return STATUS_NOT_FOUND;
    size_t size = load_u32(s->in);
    if (size > FRAME_STREAM_PAYLOAD_MAX)
        return STATUS_LIMIT;
    if (s->in_bytes < 4 + size)
        return STATUS_NOT_FOUND;
    *out = bytes_of(s->in + 4, size);
    s->given = 4 + size;
    return STATUS_OK;
}

static enum status make_room(struct frame_stream *s, size_t more)
{
    if (s->out_sent > 0) {
        memmove(s->out, s->out + s->out_sent, s->out_bytes - s->out_sent);
        s->out_bytes -= s->out_sent;
        s->out_sent = 0;
    }
    if (s->out_bytes + more <= s->out_capacity)
        return STATUS_OK;
    if (s->out_bytes + more > FRAME_STREAM_OUT_MAX)
        return STATUS_LIMIT;
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
    store_u32(s->out + s->out_bytes, (uint32_t)payload.size);
    memcpy(s->out + s->out_bytes + 4, payload.data, payload.size);
    s->out_bytes += payload.size + 4;
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
