/* The first byte says how the rest is cut; a stream must read alike however it is cut. */
#include "signaling/shell/http_parser.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    unsigned requests;
    int error;
    size_t body_bytes;
};

static struct outcome read_stream(struct bytes stream, size_t step)
{
    struct outcome outcome = {0};
    struct http_parser parser;
    http_parser_init(&parser);
    for (size_t at = 0; at < stream.size && outcome.error == 0; at += step) {
        struct bytes input = {stream.data + at, stream.size - at < step ? stream.size - at : step};
        while (input.size > 0 && outcome.error == 0) {
            enum http_parse_result result = http_parser_feed(&parser, &input);
            if (result == HTTP_PARSE_ERROR)
                outcome.error = parser.error_status;
            if (result != HTTP_PARSE_DONE)
                continue;
            CHECK(parser.message.path[0] == '/' &&
                  strlen(parser.message.path) < HTTP_PATH_BYTES_MAX);
            CHECK(strstr(parser.message.path, "/../") == NULL);
            CHECK(parser.message.body.size <= HTTP_BODY_BYTES_MAX);
            outcome.requests++;
            outcome.body_bytes += parser.message.body.size;
            http_parser_reset(&parser);
        }
    }
    http_parser_destroy(&parser);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct bytes stream = {data + 1, size - 1};
    struct outcome whole = read_stream(stream, SIZE_MAX / 2);
    struct outcome cut = read_stream(stream, (size_t)data[0] + 1);
    CHECK(whole.requests == cut.requests && whole.body_bytes == cut.body_bytes);
    CHECK((whole.error != 0) == (cut.error != 0));
    return 0;
}
