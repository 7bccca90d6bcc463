/* The first byte says how the rest is cut, and whether packed messages were agreed; a stream must
 * read alike however it is cut. */
#include "signaling/shell/ws_frames.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    unsigned texts, pings, pongs;
    uint16_t code;
    size_t bytes;
};

static void note(struct outcome *outcome, const struct ws_event *event)
{
    outcome->texts += event->type == WS_EVENT_TEXT;
    outcome->pings += event->type == WS_EVENT_PING;
    outcome->pongs += event->type == WS_EVENT_PONG;
    outcome->bytes += event->payload.size;
    if (event->type == WS_EVENT_CLOSE || event->type == WS_EVENT_FAIL) {
        CHECK(event->code >= 1000 && event->code < 5000);
        outcome->code = event->code;
    }
    CHECK(event->payload.size <= WS_MESSAGE_BYTES_MAX);
}

static struct outcome read_stream(struct bytes stream, size_t step, bool takes_packed)
{
    struct outcome outcome = {0};
    struct ws_receiver receiver;
    ws_receiver_init(&receiver);
    receiver.takes_packed = takes_packed;
    for (size_t at = 0; at < stream.size && outcome.code == 0; at += step) {
        struct bytes input = {stream.data + at, stream.size - at < step ? stream.size - at : step};
        while (input.size > 0 && outcome.code == 0) {
            struct ws_event event;
            ws_receiver_feed(&receiver, &input, &event);
            note(&outcome, &event);
        }
    }
    CHECK(receiver.message_capacity <= 2 * WS_MESSAGE_BYTES_MAX);
    ws_receiver_destroy(&receiver);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct bytes stream = {data + 1, size - 1};
    bool packed = (data[0] & 1) != 0;
    struct outcome whole = read_stream(stream, SIZE_MAX / 2, packed);
    struct outcome cut = read_stream(stream, (size_t)data[0] + 1, packed);
    CHECK(whole.texts == cut.texts && whole.pings == cut.pings && whole.pongs == cut.pongs);
    CHECK(whole.code == cut.code && whole.bytes == cut.bytes);
    return 0;
}
