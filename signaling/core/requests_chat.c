/* Requests about the chat: write, mark as answered, delete, close, look back. */
#include "signaling/core/requests.h"
#include "signaling/core/talk_fan_out.h"
#include "signaling/core/text_rules.h"

static bool may(const struct participant *p, enum role_action action)
{
    return role_policy_is_allowed(p->record.role, action, participant_standing(p));
}

static bool is_staff(const struct participant *p)
{
    return role_policy_is_always_allowed(p->record.role, ROLE_HEAR_AS_STAFF);
}

static enum client_error find_recipient(const struct service *service, const struct connection *c,
                                        const char *to, int64_t *out)
{
    const struct participant *p = c->participant;
    if (to == NULL || strcmp(to, "all") == 0) {
        *out = MESSAGE_TO_ALL;
        return p->classroom->record.chat_closed && !may(p, ROLE_CHAT_MODERATE) ? CLIENT_CHAT_CLOSED
                                                                               : CLIENT_OK;
    }
    *out = MESSAGE_TO_STAFF;
    if (strcmp(to, "staff") == 0)
        return CLIENT_OK;
    if (!may(p, ROLE_CHAT_TO_ONE))
        return CLIENT_NOT_ALLOWED;
    const struct participant *recipient = dispatcher_find_classmate(service, c, to);
    if (recipient == NULL || recipient->record.kind != PARTICIPANT_PAGE)
        return CLIENT_NOT_FOUND;
    *out = (int64_t)recipient->record.id;
    return CLIENT_OK;
}

static enum client_error write_message(struct service *service, struct instant at,
                                       struct participant *p, struct store_message *message)
{
    struct chat *chat = &p->classroom->talk.chat;
    if (chat_take_place(chat, at.now, &p->chat_limit, is_staff(p)) != STATUS_OK)
        return CLIENT_TOO_MANY;
    message->room = p->record.room;
    message->author = p->record.id;
    message->role = p->record.role;
    message->at_ms = instant_ms(at);
    memcpy(message->name, p->record.name, sizeof message->name);
    if (store_add_message(service->store, message) != STATUS_OK)
        return CLIENT_INTERNAL;
    chat_note_message(chat, at.now, message->id);
    return CLIENT_OK;
}

REQUEST(chat_send)
{
    char text[CHAT_TEXT_BYTES];
    struct store_message written = {.text = text, .question = message->flag};
    if (text_rules_take_text(message->text, LIMIT_CHAT_CODE_POINTS, text, sizeof text) != STATUS_OK)
        return CLIENT_BAD_MESSAGE;
    enum client_error error = find_recipient(service, c, message->recipient, &written.recipient);
    if (error == CLIENT_OK)
        error = write_message(service, at, c->participant, &written);
    if (error != CLIENT_OK)
        return error;
    struct text_json answer = {0};
    dispatcher_open_answer(&answer, "ok", message->id);
    text_json_id(&answer, "message", written.id);
    text_json_close(&answer, '}');
    service_send_text(service, c->id, &answer);
    return CLIENT_OK;
}

/* --- A message that is there */

static bool keep_message(void *context, const struct store_message *message)
{
    struct store_message *out = context;
    *out = *message;
    out->text = NULL;
    return true;
}

/* Only what the asker may see exists for it. */
static enum client_error find_message(struct service *service, const struct participant *p,
                                      const char *id, struct store_message *out)
{
    uint64_t number;
    if (!dispatcher_read_id(id, &number))
        return CLIENT_NOT_FOUND;
    enum status status =
        store_find_message(service->store, p->record.room, number, keep_message, out);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? CLIENT_NOT_FOUND : CLIENT_INTERNAL;
    return chat_may_see(p->record.id, is_staff(p), out->author, out->recipient) ? CLIENT_OK
                                                                                : CLIENT_NOT_FOUND;
}

REQUEST(chat_answered)
{
    struct store_message found;
    enum client_error error = find_message(service, c->participant, message->message, &found);
    if (error != CLIENT_OK)
        return error;
    if (!found.question)
        return CLIENT_NOT_FOUND;
    if (found.answered_ms == 0) { /* the first answer is the delay that is kept */
        found.answered_ms = instant_ms(at);
        if (store_answer_message(service->store, found.id, found.answered_ms) != STATUS_OK)
            return CLIENT_INTERNAL;
        talk_fan_out_due(service, at, c->participant->classroom);
        talk_send_message_changed(service, c->participant->classroom, &found);
    }
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

REQUEST(chat_delete)
{
    struct store_message found;
    enum client_error error = find_message(service, c->participant, message->message, &found);
    if (error != CLIENT_OK)
        return error;
    found.deleted_ms = instant_ms(at);
    if (store_delete_message(service->store, found.id, found.deleted_ms) != STATUS_OK)
        return CLIENT_INTERNAL;
    talk_send_message_changed(service, c->participant->classroom, &found);
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

REQUEST(chat_open)
{
    (void)at;
    classroom_set_chat_open(c->participant->classroom, message->flag);
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

/* --- The past */

struct page {
    struct store_message *messages; /* newest first; each owns its text */
    size_t count;
    bool more, failed;
};

static bool keep_page(void *context, const struct store_message *message)
{
    struct page *page = context;
    if (page->count == LIMIT_MESSAGES_LISTED) {
        page->more = true;
        return false;
    }
    size_t size = strlen(message->text) + 1;
    char *copy = malloc(size);
    if (copy == NULL) {
        page->failed = true;
        return false;
    }
    memcpy(copy, message->text, size);
    page->messages[page->count] = *message;
    page->messages[page->count++].text = copy;
    return true;
}

static void write_page(const struct page *page, uint32_t to, struct text_json *text)
{
    dispatcher_open_answer(text, "chat_history", to);
    text_json_open(text, "messages", '[');
    for (size_t i = page->count; i > 0; i--)
        talk_write_message(&page->messages[i - 1], NULL, text);
    text_json_close(text, ']');
    text_json_bool(text, "more", page->more);
    text_json_close(text, '}');
}

REQUEST(chat_history)
{
    static const struct rate_limit_rule rule = {SECONDS(1) / RATE_HISTORY_PER_S,
                                                RATE_HISTORY_BURST};
    struct participant *p = c->participant;
    uint64_t before = UINT64_MAX;
    if (message->before != NULL && !dispatcher_read_id(message->before, &before))
        return CLIENT_NOT_FOUND;
    if (!rate_limit_take(&p->history_limit, at.now, rule))
        return CLIENT_TOO_MANY;
    struct page page = {.messages = calloc(LIMIT_MESSAGES_LISTED, sizeof *page.messages)};
    struct store_message_view view = {
        .room = p->record.room, .viewer = p->record.id, .staff = is_staff(p)};
    if (page.messages == NULL ||
        store_each_message_before(service->store, &view, before, LIMIT_MESSAGES_LISTED + 1,
                                  keep_page, &page) != STATUS_OK)
        page.failed = true;
    if (!page.failed) {
        struct text_json text = {0};
        write_page(&page, message->id, &text);
        service_send_text(service, c->id, &text);
    }
    for (size_t i = 0; i < page.count; i++)
        free((char *)(uintptr_t)page.messages[i].text);
    free(page.messages);
    return page.failed ? CLIENT_INTERNAL : CLIENT_OK;
}
