/* Requests about polls and quizzes. */
#include "signaling/core/event_log.h"
#include "signaling/core/gift.h"
#include "signaling/core/poll_json.h"
#include "signaling/core/requests.h"
#include "signaling/core/talk_fan_out.h"
#include "signaling/core/text_rules.h"

static struct poll *find_poll(const struct connection *c, const char *id)
{
    uint64_t number;
    return dispatcher_read_id(id, &number)
               ? talk_find_poll(&c->participant->classroom->talk, number)
               : NULL;
}

/* --- Starting */

static enum client_error save_poll(struct service *service, struct instant at,
                                   struct classroom *classroom,
                                   const struct poll_question *question, uint64_t *id)
{
    struct text_json text = {0};
    text_json_open(&text, NULL, '{');
    poll_json_write(question, true, &text);
    text_json_close(&text, '}');
    struct store_poll record = {
        .room = classroom->record.room, .definition = text.data, .at_ms = instant_ms(at)};
    enum status status = text.failed ? STATUS_NO_MEMORY : store_add_poll(service->store, &record);
    text_json_destroy(&text);
    if (status == STATUS_OK)
        status = talk_add_poll(&classroom->talk, record.id, question, record.at_ms);
    *id = record.id;
    return status == STATUS_OK ? CLIENT_OK : CLIENT_INTERNAL;
}

REQUEST(poll_start)
{
    struct classroom *classroom = c->participant->classroom;
    struct poll_question *question = malloc(sizeof *question);
    uint64_t id = 0;
    if (question == NULL)
        return CLIENT_INTERNAL;
    enum client_error error = CLIENT_OK;
    enum status place = talk_check_place(&classroom->talk);
    if (poll_json_read(message->tree, question) != STATUS_OK)
        error = CLIENT_BAD_MESSAGE;
    else if (place != STATUS_OK)
        error = place == STATUS_STATE ? CLIENT_POLL_OPEN : CLIENT_TOO_MANY;
    else
        error = save_poll(service, at, classroom, question, &id);
    free(question);
    if (error != CLIENT_OK)
        return error;
    talk_send_poll(service, classroom, talk_newest_poll(&classroom->talk));
    struct text_json text = {0};
    dispatcher_open_answer(&text, "ok", message->id);
    text_json_id(&text, "poll", id);
    text_json_close(&text, '}');
    service_send_text(service, c->id, &text);
    return CLIENT_OK;
}

/* --- Answering */

static enum client_error read_choices(const json_t *array, const struct poll_question *question,
                                      unsigned *out)
{
    int64_t choices[LIMIT_POLL_OPTIONS];
    size_t count = json_array_size(array);
    if (count > LIMIT_POLL_OPTIONS)
        return CLIENT_BAD_MESSAGE;
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(array, i);
        if (!json_is_integer(value))
            return CLIENT_BAD_MESSAGE;
        choices[i] = json_integer_value(value);
    }
    return poll_read_choices(question, choices, count, out) == STATUS_OK ? CLIENT_OK
                                                                         : CLIENT_BAD_MESSAGE;
}

/* Into bits, or into `text` (POLL_OPTION_BYTES), which is "" for kinds without. */
static enum client_error read_answer(const json_t *tree, const struct poll_question *question,
                                     unsigned *choices, char *text)
{
    const char *given = NULL;
    int64_t value = 0;
    text[0] = '\0';
    switch (question->kind) {
    case POLL_SINGLE:
    case POLL_MULTIPLE:
        return read_choices(json_object_get(tree, "choices"), question, choices);
    case POLL_SCALE:
        return strict_json_get_int(tree, "value", true, question->min, question->max, &value) &&
                       poll_read_value(question, value, choices) == STATUS_OK
                   ? CLIENT_OK
                   : CLIENT_BAD_MESSAGE;
    default:
        return strict_json_get_string(tree, "text", true, &given) &&
                       text_rules_take_text(given, LIMIT_POLL_OPTION_CODE_POINTS, text,
                                            POLL_OPTION_BYTES) == STATUS_OK
                   ? CLIENT_OK
                   : CLIENT_BAD_MESSAGE;
    }
}

REQUEST(poll_answer)
{
    struct participant *p = c->participant;
    struct poll *poll = find_poll(c, message->poll);
    unsigned choices = 0;
    char text[POLL_OPTION_BYTES];
    if (poll == NULL || poll->closed_ms != 0)
        return CLIENT_NOT_FOUND;
    enum client_error error = read_answer(message->tree, &poll->question, &choices, text);
    if (error != CLIENT_OK)
        return error;
    struct store_poll_answer record = {.poll = poll->id,
                                       .participant = p->record.id,
                                       .choices = choices,
                                       .text = text,
                                       .at_ms = instant_ms(at)};
    enum status status = poll_set_answer(poll, p->record.id, choices,
                                         poll->question.kind == POLL_TEXT ? text : NULL);
    if (status != STATUS_OK)
        return status == STATUS_LIMIT ? CLIENT_TOO_MANY : CLIENT_INTERNAL;
    if (store_set_poll_answer(service->store, &record) != STATUS_OK)
        return CLIENT_INTERNAL;
    talk_note_answer(&p->classroom->talk, at.now);
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

/* --- Closing and showing */

static void score(struct service *service, struct classroom *classroom, const struct poll *poll)
{
    if (!poll_question_has_right_answer(&poll->question))
        return;
    for (struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (!role_policy_is_always_allowed(p->record.role, ROLE_POLL_ANSWER))
            continue;
        bool right = poll_mark_participant(poll, p->record.id) == POLL_RIGHT;
        if (!right && p->record.streak == 0)
            continue;
        p->record.score += right;
        p->record.streak = right ? p->record.streak + 1 : 0;
        p->unsaved = true;
        service_save_participant(service, p);
    }
}

void talk_close_poll(struct service *service, struct instant at, struct classroom *classroom,
                     struct poll *poll)
{
    poll_close(poll, instant_ms(at));
    if (store_update_poll(service->store, poll->id, poll->closed_ms, poll->shown) != STATUS_OK)
        service->counters.store_errors++;
    score(service, classroom, poll);
    talk_send_poll(service, classroom, poll);
    talk_send_results(service, classroom, poll);
    talk_send_scores(service, classroom, poll);
    event_log_poll_closed(service, classroom, poll);
    poll_forget_answers(poll);
    classroom->talk.results_due = USEC_NEVER;
}

REQUEST(poll_close)
{
    struct poll *poll = find_poll(c, message->poll);
    if (poll == NULL)
        return CLIENT_NOT_FOUND;
    if (poll->closed_ms == 0)
        talk_close_poll(service, at, c->participant->classroom, poll);
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

REQUEST(poll_show)
{
    (void)at;
    const struct classroom *classroom = c->participant->classroom;
    struct poll *poll = find_poll(c, message->poll);
    if (poll == NULL)
        return CLIENT_NOT_FOUND;
    if (poll->shown != message->flag) {
        poll->shown = message->flag;
        if (store_update_poll(service->store, poll->id, poll->closed_ms, poll->shown) != STATUS_OK)
            return CLIENT_INTERNAL;
        talk_send_poll(service, classroom, poll);
        if (poll->shown)
            talk_send_results(service, classroom, poll);
    }
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

/* --- GIFT */

struct import {
    struct text_json questions, errors;
    enum language language;
};

static void import_question(void *context, unsigned line, const struct poll_question *question)
{
    struct import *import = context;
    text_json_open(&import->questions, NULL, '{');
    text_json_uint(&import->questions, "line", line);
    poll_json_write(question, true, &import->questions);
    text_json_close(&import->questions, '}');
}

static void import_error(void *context, unsigned line, enum gift_error error)
{
    struct import *import = context;
    text_json_open(&import->errors, NULL, '{');
    text_json_uint(&import->errors, "line", line);
    text_json_string(&import->errors, "code", gift_error_name(error));
    text_json_string(&import->errors, "text", gift_error_sentence(error, import->language));
    text_json_close(&import->errors, '}');
}

REQUEST(poll_import)
{
    (void)at;
    bool english = c->language == LANGUAGE_ENGLISH;
    struct import import = {.language = c->language};
    struct gift_sink sink = {&import, english ? "True" : "Vrai", english ? "False" : "Faux",
                             import_question, import_error};
    dispatcher_open_answer(&import.questions, "poll_import", message->id);
    text_json_open(&import.questions, "questions", '[');
    text_json_open(&import.errors, NULL, '[');
    gift_parse(bytes_of_string(message->gift), &sink);
    text_json_close(&import.questions, ']');
    text_json_close(&import.errors, ']');
    if (import.errors.failed)
        import.questions.failed = true;
    else
        text_json_value(&import.questions, "errors",
                        bytes_of(import.errors.data, import.errors.size));
    text_json_close(&import.questions, '}');
    service_send_text(service, c->id, &import.questions);
    text_json_destroy(&import.errors);
    return CLIENT_OK;
}
