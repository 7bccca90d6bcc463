#include "signaling/core/talk.h"

#include <stdlib.h>

void talk_init(struct talk *talk)
{
    *talk = (struct talk){
        .results_due = USEC_NEVER, .results_said_at = -POLL_RESULTS_INTERVAL_US, .due = USEC_NEVER};
    chat_init(&talk->chat);
}

void talk_destroy(struct talk *talk)
{
    for (size_t i = 0; i < talk->poll_count; i++) {
        poll_destroy(talk->polls[i]);
        free(talk->polls[i]);
    }
    pace_destroy(&talk->pace);
    *talk = (struct talk){0};
}

struct poll *talk_newest_poll(const struct talk *talk)
{
    return talk->poll_count > 0 ? talk->polls[talk->poll_count - 1] : NULL;
}

struct poll *talk_open_poll(const struct talk *talk)
{
    struct poll *newest = talk_newest_poll(talk);
    return newest != NULL && newest->closed_ms == 0 ? newest : NULL;
}

struct poll *talk_find_poll(const struct talk *talk, uint64_t id)
{
    for (size_t i = 0; i < talk->poll_count; i++) {
        if (talk->polls[i]->id == id)
            return talk->polls[i];
    }
    return NULL;
}

enum status talk_check_place(const struct talk *talk)
{
    if (talk_open_poll(talk) != NULL)
        return STATUS_STATE;
    return talk->poll_count < LIMIT_POLLS_PER_CLASS ? STATUS_OK : STATUS_LIMIT;
}

enum status talk_add_poll(struct talk *talk, uint64_t id, const struct poll_question *question,
                          int64_t at_ms)
{
    enum status status = talk_check_place(talk);
    if (status != STATUS_OK)
        return status;
    struct poll *poll = malloc(sizeof *poll);
    if (poll == NULL)
        return STATUS_NO_MEMORY;
    poll_init(poll, id, question, at_ms);
    talk->polls[talk->poll_count++] = poll;
    return STATUS_OK;
}

void talk_note_answer(struct talk *talk, usec_t now)
{
    if (talk->results_due == USEC_NEVER)
        talk->results_due = usec_max(now, talk->results_said_at + POLL_RESULTS_INTERVAL_US);
}

bool talk_poll_results_due(struct talk *talk, usec_t now)
{
    if (talk->results_due > now)
        return false;
    talk->results_due = USEC_NEVER;
    talk->results_said_at = now;
    return true;
}

usec_t talk_next_timeout(const struct talk *talk, usec_t now)
{
    return usec_min(usec_min(talk->chat.due, talk->results_due),
                    pace_next_timeout(&talk->pace, now));
}
