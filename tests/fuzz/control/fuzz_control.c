/* One frame as a message, which must come back from its own text, and the whole input as frames of
 * a session, one a line. */
#include "control/control_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_one(struct bytes text)
{
    struct control_message *got = malloc(sizeof *got);
    struct control_message *again = malloc(sizeof *again);
    uint8_t *out = malloc(2 * CONTROL_MESSAGE_BYTES_MAX);
    size_t written = 0;
    CHECK(got != NULL && again != NULL && out != NULL);
    if (control_message_parse(text, got) == STATUS_OK) {
        /* Escapes can make our text longer than theirs: then it is too long to be read. */
        struct bytes_mut room = {out, 2 * CONTROL_MESSAGE_BYTES_MAX};
        enum status status = control_message_write(got, room, &written);
        CHECK(status == STATUS_OK || status == STATUS_TRUNCATED);
        if (status == STATUS_OK && written <= CONTROL_MESSAGE_BYTES_MAX) {
            CHECK(control_message_parse(bytes_of(out, written), again) == STATUS_OK);
            /* Of another version's hello only the version counts. */
            if (got->type != CONTROL_HELLO || got->hello.version == CONTROL_VERSION)
                CHECK(memcmp(got, again, sizeof *got) == 0);
        }
    }
    free(got);
    free(again);
    free(out);
}

static void drain(struct control_session *s, usec_t now, struct bytes_mut buffer)
{
    struct control_event event;
    struct bytes frame;
    while (control_session_poll_event(s, now, &event))
        CHECK(event.message != NULL);
    while (control_session_poll_frame(s, now, buffer, &frame))
        CHECK(frame.size > 0);
}

static void run_session(struct bytes input)
{
    struct control_hello hello = {.version = CONTROL_VERSION, .name = "fuzz"};
    struct log silent = {0};
    struct control_session s;
    struct control_message *request = calloc(1, sizeof *request);
    struct bytes_mut buffer = {malloc(CONTROL_MESSAGE_BYTES_MAX), CONTROL_MESSAGE_BYTES_MAX};
    usec_t now = 0;
    struct bytes frame;
    CHECK(control_session_init(&s, now, &hello, &silent) == STATUS_OK);
    CHECK(request != NULL && buffer.data != NULL);
    request->type = CONTROL_ROOM_CLOSE;
    for (size_t start = 0, at = 0; at <= input.size; at++) {
        if (at < input.size && input.data[at] != '\n')
            continue;
        now += MILLISECONDS(700);
        control_session_handle_timeout(&s, now);
        drain(&s, now, buffer);
        control_session_handle_frame(&s, now, bytes_of(input.data + start, at - start));
        drain(&s, now, buffer);
        enum status status = control_session_write(&s, now, request, true, at, buffer, &frame);
        CHECK((status == STATUS_OK) == (s.state == CONTROL_SESSION_UP));
        CHECK(control_session_next_timeout(&s) > now);
        start = at + 1;
    }
    control_session_destroy(&s);
    free(request);
    free(buffer.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse_one(bytes_of(data, size));
    if (size > 0)
        run_session(bytes_of(data, size));
    return 0;
}
