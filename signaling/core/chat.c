#include "signaling/core/chat.h"

void chat_init(struct chat *chat)
{
    *chat = (struct chat){.due = USEC_NEVER, .said_at = -CHAT_HOLD_US};
}

void chat_restore(struct chat *chat, uint64_t last_id, uint64_t count)
{
    chat->last_id = chat->said_id = last_id;
    chat->message_count = count;
}

enum status chat_take_place(struct chat *chat, usec_t now, struct rate_limit *mine, bool staff)
{
    static const struct rate_limit_rule one = {SECONDS(1) / RATE_CHAT_PER_S, RATE_CHAT_BURST};
    static const struct rate_limit_rule all = {SECONDS(1) / RATE_CHAT_CLASS_PER_S,
                                               RATE_CHAT_CLASS_BURST};
    /* What only the staff may still write leaves room to say why it is full. */
    if (chat->message_count >= LIMIT_MESSAGES_PER_CLASS - (staff ? 0 : LIMIT_MESSAGES_FOR_STAFF))
        return STATUS_LIMIT;
    if (!rate_limit_take(mine, now, one))
        return STATUS_LIMIT;
    return staff || rate_limit_take(&chat->learners, now, all) ? STATUS_OK : STATUS_LIMIT;
}

void chat_note_message(struct chat *chat, usec_t now, uint64_t id)
{
    chat->message_count++;
    chat->last_id = id;
    if (chat->due == USEC_NEVER)
        chat->due = usec_max(now, chat->said_at + CHAT_HOLD_US);
}

bool chat_poll_due(struct chat *chat, usec_t now, uint64_t *after)
{
    if (chat->due > now)
        return false;
    *after = chat->said_id;
    chat->said_id = chat->last_id;
    chat->said_at = now;
    chat->due = USEC_NEVER;
    return true;
}

void chat_hold_rest(struct chat *chat, uint64_t last)
{
    chat->said_id = last;
    chat->due = chat->said_at + CHAT_HOLD_US;
}

bool chat_may_see(uint64_t viewer, bool staff, uint64_t author, int64_t recipient)
{
    return author == viewer || recipient == MESSAGE_TO_ALL || recipient == (int64_t)viewer ||
           (recipient == MESSAGE_TO_STAFF && staff);
}
