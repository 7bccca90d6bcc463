/* The first byte says how the rest is cut and how requests are treated; the preface is given. */
#include "signaling/shell/http2.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void treat(struct http2 *h2, usec_t now, const struct http2_event *event, unsigned how)
{
    static const struct bytes head = BYTES("HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
    static uint8_t large[100000];
    if (event->type == HTTP2_EVENT_ABORTED)
        return;
    if (event->error_status == 0 && event->type == HTTP2_EVENT_REQUEST) {
        CHECK(event->message->path[0] == '/' && strstr(event->message->path, "/../") == NULL);
        CHECK(event->message->body.size <= HTTP_BODY_BYTES_MAX);
    }
    if (how == 1)
        http2_set_exchange(h2, event->stream, (uint64_t)event->stream);
    else
        CHECK(http2_respond(h2, now, event->stream, head,
                            how == 2 ? bytes_of(large, sizeof(large)) : bytes_of("x", 1),
                            how == 2) == STATUS_OK);
}

static void turn(struct http2 *h2, usec_t now, unsigned how)
{
    static uint8_t out[16384];
    struct http2_event event;
    while (http2_poll_event(h2, &event))
        treat(h2, now, &event, how);
    CHECK(http2_stream_count(h2) <= HTTP2_STREAMS_MAX);
    for (int i = 0; i < 64 && http2_take_output(h2, now, (struct bytes_mut){out, 16384}) > 0; i++)
        ;
    if (http2_next_timeout(h2) <= now)
        http2_handle_timeout(h2, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bytes preface = BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    struct http2 *h2 = NULL;
    usec_t now = SECONDS(1);
    if (size < 1 || http2_create(&h2, now) != STATUS_OK)
        return 0;
    unsigned how = data[0] & 3;
    size_t step = (size_t)(data[0] >> 2) * 8 + 1;
    enum status status = http2_handle_bytes(h2, now, preface);
    for (size_t at = 1; at < size && status == STATUS_OK && !http2_is_over(h2); at += step) {
        size_t piece = size - at < step ? size - at : step;
        now += SECONDS(1) / 4;
        status = http2_handle_bytes(h2, now, bytes_of(data + at, piece));
        turn(h2, now, how);
    }
    for (int i = 0; i < 3 && status == STATUS_OK; i++)
        turn(h2, now += SECONDS(40), how);
    while (http2_take_exchange(h2) != 0)
        ;
    http2_free(h2);
    return 0;
}
