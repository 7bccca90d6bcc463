#include "signaling/core/talk_fan_out.h"

#include "signaling/core/poll_json.h"

static bool is_staff(const struct participant *p)
{
    return role_policy_is_always_allowed(p->record.role, ROLE_HEAR_AS_STAFF);
}

void event_open(struct text_json *text, const char *type)
{
    text_json_open(text, NULL, '{');
    text_json_string(text, "type", type);
}

struct bytes event_finish(struct service *service, struct text_json *text)
{
    text_json_close(text, '}');
    return output_queue_keep(&service->outputs, text);
}

static void write_ms_or_null(struct text_json *text, const char *key, int64_t ms)
{
    if (ms != 0)
        text_json_int(text, key, ms);
    else
        text_json_null(text, key);
}

/* --- Chat */

void talk_write_message(const struct store_message *message, const char *key,
                        struct text_json *text)
{
    text_json_open(text, key, '{');
    text_json_id(text, "id", message->id);
    text_json_id(text, "from", message->author);
    text_json_string(text, "name", message->name);
    text_json_string(text, "role", role_name(message->role));
    if (message->recipient > 0)
        text_json_id(text, "to", (uint64_t)message->recipient);
    else
        text_json_string(text, "to", message->recipient == MESSAGE_TO_ALL ? "all" : "staff");
    text_json_string(text, "text", message->text);
    text_json_int(text, "at_ms", message->at_ms);
    text_json_bool(text, "question", message->question);
    write_ms_or_null(text, "answered_ms", message->answered_ms);
    text_json_close(text, '}');
}

/* The one way of a message, or of news about one, to people. */
static void send_to_readers(struct service *service, const struct classroom *classroom,
                            const struct store_message *message, struct bytes text)
{
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (p->connection != 0 &&
            chat_may_see(p->record.id, is_staff(p), message->author, message->recipient))
            output_queue_send(&service->outputs, p->connection, text);
    }
}

struct handing_out {
    struct service *service;
    struct classroom *classroom;
    size_t count;
    uint64_t last;
};

static bool hand_out(void *context, const struct store_message *message)
{
    struct handing_out *out = context;
    if (out->count == CHAT_AT_ONCE) {
        chat_hold_rest(&out->classroom->talk.chat, out->last);
        return false;
    }
    out->count++;
    out->last = message->id;
    struct text_json text = {0};
    event_open(&text, "chat");
    talk_write_message(message, "message", &text);
    send_to_readers(out->service, out->classroom, message, event_finish(out->service, &text));
    return true;
}

static void send_messages(struct service *service, struct classroom *classroom, uint64_t after)
{
    struct handing_out out = {.service = service, .classroom = classroom};
    if (store_each_message_after(service->store, classroom->record.room, after, hand_out, &out) !=
        STATUS_OK)
        service->counters.store_errors++;
}

void talk_send_message_changed(struct service *service, const struct classroom *classroom,
                               const struct store_message *message)
{
    struct text_json text = {0};
    event_open(&text, "chat_changed");
    text_json_id(&text, "id", message->id);
    write_ms_or_null(&text, "answered_ms", message->answered_ms);
    text_json_bool(&text, "deleted", message->deleted_ms != 0);
    send_to_readers(service, classroom, message, event_finish(service, &text));
}

/* --- Polls */

/* The right answer is for staff, and for all once the poll is closed and shown. */
static void write_poll(const struct poll *poll, bool staff, const char *key,
                       const struct poll_answer *mine, struct text_json *text)
{
    bool closed = poll->closed_ms != 0;
    text_json_open(text, key, '{');
    text_json_id(text, "id", poll->id);
    poll_json_write(&poll->question, staff || (closed && poll->shown), text);
    text_json_bool(text, "open", !closed);
    text_json_bool(text, "shown", poll->shown);
    text_json_int(text, "at_ms", poll->at_ms);
    if (mine != NULL && mine->text != NULL)
        text_json_string(text, "answer", mine->text);
    if (mine != NULL && mine->text == NULL) {
        text_json_open(text, "answer", '[');
        for (unsigned i = 0; i < LIMIT_POLL_OPTIONS; i++) {
            int first = poll->question.kind == POLL_SCALE ? poll->question.min : 0;
            if ((mine->choices & 1u << i) != 0)
                text_json_int(text, NULL, first + (int)i);
        }
        text_json_close(text, ']');
    }
    text_json_close(text, '}');
}

static void write_results(const struct poll *poll, struct text_json *text)
{
    text_json_id(text, "id", poll->id);
    text_json_uint(text, "answered", poll->answered);
    text_json_open(text, "counts", '[');
    for (size_t i = 0; i < poll_question_count(&poll->question); i++)
        text_json_uint(text, NULL, poll->counts[i]);
    text_json_close(text, ']');
    text_json_open(text, "texts", '[');
    for (size_t i = 0; i < poll->answer_count && i < LIMIT_POLL_TEXTS; i++) {
        if (poll->answers[i].text != NULL)
            text_json_string(text, NULL, poll->answers[i].text);
    }
    text_json_close(text, ']');
}

static void write_score(const struct participant *p, uint64_t poll, enum poll_mark mark,
                        struct text_json *text)
{
    text_json_id(text, "id", poll);
    if (mark == POLL_UNKNOWN)
        text_json_null(text, "right");
    else
        text_json_bool(text, "right", mark == POLL_RIGHT);
    text_json_uint(text, "score", p->record.score);
    text_json_uint(text, "streak", p->record.streak);
}

static struct bytes write_poll_event(struct service *service, const struct poll *poll, bool staff)
{
    struct text_json text = {0};
    event_open(&text, "poll");
    write_poll(poll, staff, "poll", NULL, &text);
    return event_finish(service, &text);
}

void talk_send_poll(struct service *service, const struct classroom *classroom,
                    const struct poll *poll)
{
    struct bytes for_staff = write_poll_event(service, poll, true);
    struct bytes for_all = write_poll_event(service, poll, false);
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (p->connection != 0)
            output_queue_send(&service->outputs, p->connection, is_staff(p) ? for_staff : for_all);
    }
}

void talk_send_results(struct service *service, const struct classroom *classroom,
                       const struct poll *poll)
{
    struct text_json text = {0};
    event_open(&text, "poll_results");
    write_results(poll, &text);
    struct bytes written = event_finish(service, &text);
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (p->connection != 0 && (poll->shown || is_staff(p)))
            output_queue_send(&service->outputs, p->connection, written);
    }
}

void talk_send_scores(struct service *service, const struct classroom *classroom,
                      const struct poll *poll)
{
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (p->connection == 0 || !role_policy_is_always_allowed(p->record.role, ROLE_POLL_ANSWER))
            continue;
        struct text_json text = {0};
        event_open(&text, "poll_score");
        write_score(p, poll->id, poll_mark_participant(poll, p->record.id), &text);
        output_queue_send(&service->outputs, p->connection, event_finish(service, &text));
    }
}

/* --- Pace */

static void write_pace(const struct pace_numbers *numbers, struct text_json *text)
{
    text_json_uint(text, "fast", numbers->counts[PACE_FAST]);
    text_json_uint(text, "fine", numbers->counts[PACE_FINE]);
    text_json_uint(text, "lost", numbers->counts[PACE_LOST]);
}

static void send_pace(struct service *service, const struct classroom *classroom,
                      const struct pace_numbers *numbers)
{
    struct text_json text = {0};
    event_open(&text, "pace");
    write_pace(numbers, &text);
    struct bytes written = event_finish(service, &text);
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (p->connection != 0 && is_staff(p))
            output_queue_send(&service->outputs, p->connection, written);
    }
}

void talk_send_delivery(struct service *service, const struct classroom *classroom)
{
    struct text_json text = {0};
    event_open(&text, "delivery");
    talk_write_delivery(classroom, &text);
    struct bytes written = event_finish(service, &text);
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (p->connection != 0 && is_staff(p))
            output_queue_send(&service->outputs, p->connection, written);
    }
}

/* --- When */

void talk_fan_out_due(struct service *service, struct instant at, struct classroom *classroom)
{
    struct talk *talk = &classroom->talk;
    uint64_t after;
    struct pace_numbers numbers;
    if (chat_poll_due(&talk->chat, at.now, &after))
        send_messages(service, classroom, after);
    if (talk_poll_results_due(talk, at.now) && talk_open_poll(talk) != NULL)
        talk_send_results(service, classroom, talk_open_poll(talk));
    if (pace_poll_change(&talk->pace, at.now, &numbers))
        send_pace(service, classroom, &numbers);
    talk->due = talk_next_timeout(talk, at.now);
    service_arm_classroom(service, classroom);
}

void talk_write_snapshot(const struct participant *viewer, struct text_json *text)
{
    const struct talk *talk = &viewer->classroom->talk;
    const struct poll *poll = talk_newest_poll(talk);
    bool staff = is_staff(viewer);
    if (poll == NULL) {
        text_json_null(text, "poll");
        text_json_null(text, "poll_results");
    } else {
        write_poll(poll, staff, "poll", poll_find_answer(poll, viewer->record.id), text);
    }
    if (poll != NULL && (staff || poll->shown)) {
        text_json_open(text, "poll_results", '{');
        write_results(poll, text);
        text_json_close(text, '}');
    } else if (poll != NULL) {
        text_json_null(text, "poll_results");
    }
    if (role_policy_is_always_allowed(viewer->record.role, ROLE_POLL_ANSWER)) {
        text_json_open(text, "poll_score", '{');
        text_json_uint(text, "score", viewer->record.score);
        text_json_uint(text, "streak", viewer->record.streak);
        text_json_close(text, '}');
    }
    if (staff) {
        text_json_open(text, "pace", '{');
        write_pace(&talk->pace.said, text);
        text_json_close(text, '}');
        text_json_open(text, "delivery", '{');
        talk_write_delivery(viewer->classroom, text);
        text_json_close(text, '}');
    }
}
