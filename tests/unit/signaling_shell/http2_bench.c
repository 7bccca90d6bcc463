#include "unit/signaling_shell/http2_bench.h"

#include <stdlib.h>

size_t slot_of(int32_t stream)
{
    size_t slot = (size_t)stream / 2;
    return slot < ANSWERS_MAX ? slot : ANSWERS_MAX - 1;
}

static int note_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                       size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                       void *user)
{
    struct pair *pair = user;
    (void)session;
    (void)flags;
    if (bytes_equal_string(bytes_of(name, name_size), ":status") && value_size == 3)
        pair->status[slot_of(frame->hd.stream_id)] = atoi((const char *)value);
    pair->connection_field |= bytes_equal_string(bytes_of(name, name_size), "connection");
    pair->small_letters |= bytes_equal_string(bytes_of(name, name_size), "x-mixed");
    return 0;
}

static int note_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
                     size_t size, void *user)
{
    struct pair *pair = user;
    (void)session;
    (void)flags;
    (void)data;
    pair->body_bytes[slot_of(stream)] += size;
    return 0;
}

static int note_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct pair *pair = user;
    (void)session;
    if (frame->hd.type == NGHTTP2_RST_STREAM)
        pair->reset[slot_of(frame->hd.stream_id)] = frame->rst_stream.error_code + 1;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        pair->goaway = frame->goaway.error_code + 1;
    return 0;
}

ssize_t give_upload(nghttp2_session *session, int32_t stream, uint8_t *buffer, size_t size,
                    uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct pair *pair = user;
    (void)session;
    (void)stream;
    (void)source;
    size_t given = size < pair->upload_left ? size : pair->upload_left;
    memset(buffer, 'x', given);
    pair->upload_left -= given;
    if (pair->upload_left == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)given;
}

ssize_t give_nothing(nghttp2_session *session, int32_t stream, uint8_t *buffer, size_t size,
                     uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)session;
    (void)stream;
    (void)buffer;
    (void)size;
    (void)flags;
    (void)source;
    (void)user;
    return NGHTTP2_ERR_DEFERRED;
}

static int create_pair(void **state, bool opens_windows)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    assert_int_equal(nghttp2_option_new(&option), 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, note_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, note_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, note_frame);
    nghttp2_option_set_peer_max_concurrent_streams(option, 1000);
    nghttp2_option_set_no_auto_window_update(option, !opens_windows);
    pair->now = NOW;
    pair->reading = true;
    assert_int_equal(nghttp2_session_client_new2(&pair->client, callbacks, pair, option), 0);
    assert_int_equal(nghttp2_submit_settings(pair->client, 0, NULL, 0), 0);
    assert_int_equal(http2_create(&pair->server, pair->now), STATUS_OK);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    *state = pair;
    return 0;
}

int set_up(void **state)
{
    return create_pair(state, true);
}

int set_up_for_pieces(void **state)
{
    return create_pair(state, false);
}

int tear_down(void **state)
{
    struct pair *pair = *state;
    nghttp2_session_del(pair->client);
    http2_free(pair->server);
    free(pair);
    return 0;
}

void server_writes(struct pair *pair)
{
    uint8_t out[4096];
    size_t size = 0;
    while (pair->reading &&
           (size = http2_take_output(pair->server, pair->now, (struct bytes_mut){out, 4096})) > 0)
        (void)nghttp2_session_mem_recv(pair->client, out, size);
}

void client_writes(struct pair *pair)
{
    const uint8_t *data = NULL;
    ssize_t size = 0;
    while (!pair->closed && (size = nghttp2_session_mem_send(pair->client, &data)) > 0)
        pair->closed =
            http2_handle_bytes(pair->server, pair->now, bytes_of(data, (size_t)size)) != STATUS_OK;
}

void run(struct pair *pair)
{
    for (int i = 0; i < 50; i++) {
        client_writes(pair);
        server_writes(pair);
    }
}

#define FIELD(n, v)                                                                                \
    {                                                                                              \
        .name = (uint8_t *)(n), .value = (uint8_t *)(v), .namelen = strlen(n),                     \
        .valuelen = strlen(v)                                                                      \
    }

int32_t ask_with(struct pair *pair, const char *method, const char *path, const char *extra,
                 nghttp2_data_source_read_callback upload)
{
    nghttp2_nv fields[] = {FIELD(":method", method), FIELD(":scheme", "https"),
                           FIELD(":authority", "localhost"), FIELD(":path", path),
                           FIELD("origin", extra)};
    nghttp2_data_provider provider = {.read_callback = upload};
    int32_t stream = nghttp2_submit_request(pair->client, NULL, fields, COUNT_OF(fields),
                                            upload != NULL ? &provider : NULL, NULL);
    assert_true(stream > 0);
    return stream;
}

int32_t ask(struct pair *pair, const char *path)
{
    return ask_with(pair, "GET", path, "https://o", NULL);
}

void answer(struct pair *pair, int32_t stream, struct bytes head, struct bytes body)
{
    assert_int_equal(http2_respond(pair->server, pair->now, stream, head, body, true), STATUS_OK);
}

size_t answer_all(struct pair *pair)
{
    struct http2_event event;
    size_t count = 0;
    for (; http2_poll_event(pair->server, &event); count++)
        if (event.error_status != 0)
            answer(pair, event.stream, HEAD("431", "1"), TEXT("e"));
        else
            answer(pair, event.stream, HEAD("200", "5"), TEXT("hello"));
    return count;
}
