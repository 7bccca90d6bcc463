#include "signaling/shell/http2.h"

#include "signaling/shell/http2_fields.h"
#include "signaling/shell/send_queue.h"

#include <stdlib.h>

#define CONTINUATIONS_MAX 8 /* of one head: CVE-2024-28182 */
#define SETTINGS_MAX 32     /* in one frame */
#define UNSENT_ACKS_MAX 100
#define ANSWER_HEAD_BYTES 8192

enum stream_state { RECEIVING, READY, ASKED, OVERDUE, ANSWERED, ABORTED };

struct http2_stream {
    struct http2_stream *next;
    int32_t id;
    enum stream_state state;
    struct http_parser http;
    int error_status;
    bool whole; /* the peer has ended its side */
    uint8_t *body;
    size_t body_size;
    uint64_t exchange;
    usec_t deadline;
    struct send_queue answer;
    bool borrowed; /* what `answer` points to */
};

struct http2 {
    nghttp2_session *session;
    struct http2_stream *streams;
    size_t stream_count;
    struct http2_head *head;       /* that is being received: one at a time */
    size_t head_bytes, body_bytes; /* of requests not yet answered */
    usec_t now;                    /* of the call that is being handled */
    usec_t idle_deadline, progress_at;
    int64_t credit;
    usec_t credit_at;
    struct send_queue out;
    usec_t left_at, written_at; /* when the goodbye began, when some of it went out last */
    bool leaving;               /* told to go */
    bool broken;                /* cannot even be told */
};

/* --- Streams */

static struct http2_stream *find_stream(const struct http2 *h2, int32_t id)
{
    for (struct http2_stream *stream = h2->streams; stream != NULL; stream = stream->next)
        if (stream->id == id && stream->state != ABORTED)
            return stream;
    return NULL;
}

static void free_body(struct http2 *h2, struct http2_stream *stream)
{
    h2->body_bytes -= stream->body_size;
    free(stream->body);
    stream->body = NULL;
    stream->body_size = 0;
}

/* Whatever was in it but the method, by which an answer has a body or none. */
static void free_head(struct http2 *h2, struct http2_stream *stream)
{
    enum http_method method = stream->http.message.method;
    h2->head_bytes -= stream->http.head_size;
    http_parser_reset(&stream->http);
    stream->http.message.method = method;
}

static void remove_stream(struct http2 *h2, struct http2_stream *gone)
{
    struct http2_stream **link = &h2->streams;
    while (*link != gone)
        link = &(*link)->next;
    *link = gone->next;
    free_head(h2, gone);
    free_body(h2, gone);
    send_queue_destroy(&gone->answer);
    free(gone);
    if (--h2->stream_count == 0)
        h2->idle_deadline = h2->now + HTTP2_IDLE_US;
}

static struct http2_stream *add_stream(struct http2 *h2, int32_t id)
{
    struct http2_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL)
        return NULL;
    stream->id = id;
    stream->state = RECEIVING;
    stream->deadline = h2->now + HTTP2_REQUEST_WITHIN_US;
    http_parser_init(&stream->http);
    struct http2_stream **end = &h2->streams;
    while (*end != NULL)
        end = &(*end)->next;
    *end = stream; /* the order in which they came */
    h2->stream_count++;
    return stream;
}

static void refuse(struct http2_stream *stream, int status)
{
    stream->error_status = status;
    stream->state = READY;
}

/* --- What frames cost */

static void say_goodbye(struct http2 *h2, uint32_t error)
{
    if (h2->leaving)
        return;
    h2->leaving = true;
    h2->left_at = h2->written_at = h2->now;
    (void)nghttp2_session_terminate_session(h2->session, error);
}

static void pay(struct http2 *h2, int64_t price)
{
    h2->credit -= price;
    if (h2->credit < 0)
        say_goodbye(h2, NGHTTP2_ENHANCE_YOUR_CALM);
}

static void refill_credit(struct http2 *h2, usec_t now)
{
    int64_t earned = (now - h2->credit_at) * HTTP2_CREDIT_PER_SECOND / SECONDS(1);
    if (earned <= 0)
        return;
    h2->credit = h2->credit + earned < HTTP2_CREDIT_MAX ? h2->credit + earned : HTTP2_CREDIT_MAX;
    h2->credit_at = now;
}

/* --- Receiving */

static int handle_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct http2 *h2 = user;
    (void)session;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    free(h2->head);
    h2->head = http2_head_create();
    if (h2->head == NULL || add_stream(h2, frame->hd.stream_id) == NULL)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    return 0;
}

static int handle_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                         size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                         void *user)
{
    struct http2 *h2 = user;
    (void)session;
    (void)flags;
    if (h2->head != NULL && frame->hd.type == NGHTTP2_HEADERS &&
        frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        http2_head_add_field(h2->head, bytes_of(name, name_size), bytes_of(value, value_size));
    return 0;
}

static void end_head(struct http2 *h2, struct http2_stream *stream)
{
    int status = http2_head_read(h2->head, &stream->http);
    free(h2->head);
    h2->head = NULL;
    h2->head_bytes += stream->http.head_size;
    if (status == 0 && h2->head_bytes > HTTP2_HEAD_BYTES_MAX)
        status = 431;
    if (status == 0)
        return;
    free_head(h2, stream);
    refuse(stream, status);
}

static void end_request(struct http2_stream *stream)
{
    stream->whole = true;
    if (stream->state != RECEIVING)
        return;
    stream->http.message.body = bytes_of(stream->body, stream->body_size);
    stream->state = READY;
}

static int64_t price_of(const nghttp2_frame *frame)
{
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        return 0;
    case NGHTTP2_DATA:
        return frame->hd.length == 0 ? HTTP2_PRICE_OF_FRAME : 0;
    case NGHTTP2_RST_STREAM:
        return HTTP2_PRICE_OF_RESET;
    default:
        return HTTP2_PRICE_OF_FRAME;
    }
}

static int handle_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct http2 *h2 = user;
    (void)session;
    pay(h2, price_of(frame));
    struct http2_stream *stream = find_stream(h2, frame->hd.stream_id);
    if (stream == NULL)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST &&
        h2->head != NULL)
        end_head(h2, stream);
    if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        end_request(stream);
    return 0;
}

static int handle_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                       size_t size, void *user)
{
    struct http2 *h2 = user;
    struct http2_stream *stream = find_stream(h2, id);
    (void)session;
    (void)flags;
    if (stream == NULL || stream->state != RECEIVING)
        return 0; /* refused: what still comes is not kept */
    if (stream->body_size + size > HTTP_BODY_BYTES_MAX ||
        h2->body_bytes + size > HTTP2_BODY_BYTES_MAX) {
        free_body(h2, stream);
        refuse(stream, 413);
        return 0;
    }
    uint8_t *body = realloc(stream->body, stream->body_size + size + 1);
    if (body == NULL)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    memcpy(body + stream->body_size, data, size);
    stream->body = body;
    stream->body_size += size;
    h2->body_bytes += size;
    return 0;
}

static int handle_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *user)
{
    struct http2 *h2 = user;
    struct http2_stream *stream = find_stream(h2, id);
    (void)session;
    (void)error;
    if (stream == NULL)
        return 0;
    if (stream->exchange != 0 && stream->state != ANSWERED)
        stream->state = ABORTED; /* its owner is told */
    else
        remove_stream(h2, stream);
    return 0;
}

/* --- Sending */

/* Of answers that wait: when the peer must have taken some of them. */
static usec_t stalled_at(const struct http2 *h2)
{
    for (const struct http2_stream *stream = h2->streams; stream != NULL; stream = stream->next)
        if (stream->state == ANSWERED)
            return h2->progress_at + HTTP2_STALLED_AFTER_US;
    return USEC_NEVER;
}

static int handle_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct http2 *h2 = user;
    bool answers = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR)
        pay(h2, HTTP2_PRICE_OF_RESET);
    if (!answers)
        return 0;
    h2->progress_at = h2->now;
    struct http2_stream *stream = find_stream(h2, frame->hd.stream_id);
    if (stream != NULL && !stream->whole && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
    return 0;
}

static ssize_t read_answer(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t size,
                           uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct http2_stream *stream = source->ptr;
    (void)session;
    (void)id;
    (void)user;
    size_t taken = send_queue_take(&stream->answer, (struct bytes_mut){buffer, size});
    if (stream->answer.bytes == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)taken;
}

bool http2_has_room(const struct http2 *h2, size_t size)
{
    size_t waiting = 0;
    for (const struct http2_stream *stream = h2->streams; stream != NULL; stream = stream->next)
        if (!stream->borrowed)
            waiting += stream->answer.bytes;
    return waiting == 0 || waiting + size <= HTTP2_ANSWER_BYTES_MAX;
}

static size_t waiting_bytes(const struct http2 *h2)
{
    size_t waiting = 0;
    for (const struct http2_stream *stream = h2->streams; stream != NULL; stream = stream->next)
        waiting += stream->answer.bytes;
    return waiting;
}

enum status http2_respond(struct http2 *h2, usec_t now, int32_t id, struct bytes head,
                          struct bytes body, bool borrowed)
{
    char text[ANSWER_HEAD_BYTES + 1];
    nghttp2_nv fields[HTTP2_ANSWER_FIELDS_MAX];
    struct http2_stream *stream = find_stream(h2, id);
    if (stream == NULL || stream->state == ANSWERED)
        return STATUS_OK;
    if (!bytes_to_string(head, text, sizeof(text)))
        return STATUS_LIMIT;
    enum status status = borrowed ? send_queue_push_borrowed(&stream->answer, body)
                                  : send_queue_push(&stream->answer, body, BYTES_NONE);
    if (status != STATUS_OK)
        return status;
    nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = read_answer};
    size_t count = http2_fields_of_answer(text, fields);
    if (nghttp2_submit_response(h2->session, id, fields, count, body.size > 0 ? &provider : NULL) !=
        0)
        return STATUS_NO_MEMORY;
    if (stalled_at(h2) == USEC_NEVER)
        h2->progress_at = now;
    stream->state = ANSWERED;
    stream->borrowed = borrowed;
    stream->deadline =
        now + HTTP2_TAKEN_WITHIN_US + (usec_t)(waiting_bytes(h2) / HTTP2_PACE_BYTES) * SECONDS(1);
    free_body(h2, stream);
    free_head(h2, stream);
    return STATUS_OK;
}

/* One frame at a time, so that what is more urgent can still go before the next. */
static void fill_out(struct http2 *h2, size_t wanted)
{
    while (h2->out.bytes < wanted) {
        const uint8_t *data = NULL;
        ssize_t size = nghttp2_session_mem_send(h2->session, &data);
        if (size <= 0) {
            h2->broken |= size < 0;
            return;
        }
        if (send_queue_push(&h2->out, bytes_of(data, (size_t)size), BYTES_NONE) != STATUS_OK) {
            h2->broken = true;
            return;
        }
    }
}

size_t http2_take_output(struct http2 *h2, usec_t now, struct bytes_mut out)
{
    h2->now = now;
    fill_out(h2, out.size);
    size_t size = send_queue_take(&h2->out, out);
    if (size > 0)
        h2->written_at = now;
    return size;
}

bool http2_has_output(const struct http2 *h2)
{
    return !h2->broken && (h2->out.bytes > 0 || nghttp2_session_want_write(h2->session) != 0);
}

bool http2_is_over(const struct http2 *h2)
{
    return h2->broken ||
           (!http2_has_output(h2) && (h2->leaving || nghttp2_session_want_read(h2->session) == 0));
}

bool http2_is_lost(const struct http2 *h2)
{
    return h2->broken;
}

/* --- Events */

static void fill_event(struct http2_event *out, enum http2_event_type type,
                       const struct http2_stream *stream)
{
    *out = (struct http2_event){.type = type,
                                .stream = stream->id,
                                .message = &stream->http.message,
                                .error_status = stream->error_status,
                                .exchange = stream->exchange};
}

bool http2_poll_event(struct http2 *h2, struct http2_event *out)
{
    struct http2_stream *next = NULL;
    for (struct http2_stream *stream = h2->streams; stream != NULL; stream = next) {
        next = stream->next;
        if (stream->state == READY) {
            stream->state = ASKED;
            stream->deadline = h2->now + HTTP2_ANSWER_WITHIN_US;
            fill_event(out, HTTP2_EVENT_REQUEST, stream);
            return true;
        }
        if (stream->state == OVERDUE) {
            stream->state = ASKED;
            stream->deadline = USEC_NEVER;
            fill_event(out, HTTP2_EVENT_OVERDUE, stream);
            stream->exchange = 0;
            return true;
        }
        if (stream->state == ABORTED) {
            fill_event(out, HTTP2_EVENT_ABORTED, stream);
            out->message = NULL;
            remove_stream(h2, stream);
            return true;
        }
    }
    return false;
}

void http2_set_exchange(struct http2 *h2, int32_t id, uint64_t exchange)
{
    struct http2_stream *stream = find_stream(h2, id);
    if (stream != NULL)
        stream->exchange = exchange;
}

bool http2_find_exchange(const struct http2 *h2, uint64_t exchange, int32_t *id,
                         const struct http_message **message)
{
    for (const struct http2_stream *stream = h2->streams; stream != NULL; stream = stream->next)
        if (stream->exchange == exchange && stream->state == ASKED) {
            *id = stream->id;
            *message = &stream->http.message;
            return true;
        }
    return false;
}

uint64_t http2_take_exchange(struct http2 *h2)
{
    for (struct http2_stream *stream = h2->streams; stream != NULL; stream = stream->next)
        if (stream->exchange != 0 && stream->state != ANSWERED) {
            uint64_t exchange = stream->exchange;
            stream->exchange = 0;
            return exchange;
        }
    return 0;
}

/* --- Life */

static nghttp2_session *create_session(struct http2 *h2)
{
    nghttp2_session *session = NULL;
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&option) != 0)
        goto done;
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, handle_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, handle_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, handle_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, handle_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, handle_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, handle_frame_sent);
    nghttp2_option_set_max_continuations(option, CONTINUATIONS_MAX);
    nghttp2_option_set_max_settings(option, SETTINGS_MAX);
    nghttp2_option_set_max_outbound_ack(option, UNSENT_ACKS_MAX);
    nghttp2_option_set_no_closed_streams(option, 1);
    if (nghttp2_session_server_new2(&session, callbacks, h2, option) != 0)
        session = NULL;
done:
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return session;
}

enum status http2_create(struct http2 **out, usec_t now)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, HTTP2_STREAMS_MAX},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_HEAD_BYTES_MAX},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}, /* those of RFC 9218 hold */
    };
    struct http2 *h2 = calloc(1, sizeof(*h2));
    if (h2 == NULL)
        return STATUS_NO_MEMORY;
    *h2 = (struct http2){.now = now,
                         .progress_at = now,
                         .credit = HTTP2_CREDIT_MAX,
                         .credit_at = now,
                         .idle_deadline = now + HTTP2_FIRST_REQUEST_WITHIN_US};
    h2->session = create_session(h2);
    if (h2->session == NULL || nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings,
                                                       COUNT_OF(settings)) != 0) {
        http2_free(h2);
        return STATUS_NO_MEMORY;
    }
    *out = h2;
    return STATUS_OK;
}

void http2_free(struct http2 *h2)
{
    if (h2 == NULL)
        return;
    nghttp2_session_del(h2->session); /* calls no callback */
    while (h2->streams != NULL)
        remove_stream(h2, h2->streams);
    send_queue_destroy(&h2->out);
    free(h2->head);
    free(h2);
}

enum status http2_handle_bytes(struct http2 *h2, usec_t now, struct bytes bytes)
{
    h2->now = now;
    refill_credit(h2, now);
    if (h2->leaving)
        return STATUS_OK; /* it has been told; what it still sends is not read */
    ssize_t taken = nghttp2_session_mem_recv(h2->session, bytes.data, bytes.size);
    return taken < 0 ? STATUS_MALFORMED : STATUS_OK;
}

/* --- Time */

static usec_t goodbye_deadline(const struct http2 *h2)
{
    return usec_min(h2->written_at + HTTP2_GOODBYE_WITHIN_US, h2->left_at + HTTP2_GONE_WITHIN_US);
}

usec_t http2_next_timeout(const struct http2 *h2)
{
    if (h2->leaving)
        return goodbye_deadline(h2);
    if (h2->streams == NULL)
        return h2->idle_deadline;
    usec_t deadline = stalled_at(h2);
    for (const struct http2_stream *stream = h2->streams; stream != NULL; stream = stream->next)
        if (stream->state == RECEIVING || stream->state == ASKED || stream->state == ANSWERED)
            deadline = usec_min(deadline, stream->deadline);
    return deadline;
}

void http2_handle_timeout(struct http2 *h2, usec_t now)
{
    h2->now = now;
    if (h2->leaving && goodbye_deadline(h2) <= now)
        h2->broken = true;
    if (h2->streams == NULL && h2->idle_deadline <= now)
        say_goodbye(h2, NGHTTP2_NO_ERROR);
    if (stalled_at(h2) <= now)
        say_goodbye(h2, NGHTTP2_ENHANCE_YOUR_CALM);
    for (struct http2_stream *stream = h2->streams; stream != NULL; stream = stream->next) {
        if (stream->deadline > now)
            continue;
        if (stream->state == RECEIVING)
            refuse(stream, 408);
        else if (stream->state == ANSWERED)
            say_goodbye(h2, NGHTTP2_ENHANCE_YOUR_CALM);
        else if (stream->state == ASKED)
            stream->state = OVERDUE;
    }
}

void http2_shut_down(struct http2 *h2)
{
    int32_t last = nghttp2_session_get_last_proc_stream_id(h2->session);
    (void)nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
}

size_t http2_stream_count(const struct http2 *h2)
{
    return h2->stream_count;
}
