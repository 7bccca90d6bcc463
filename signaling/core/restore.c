/* After a restart: classes and everybody in them come back from the store. */
#include "signaling/core/poll_json.h"
#include "signaling/core/service_internal.h"

struct restore {
    struct service *service;
    struct instant at;
    enum status status;
};

static bool restore_class(void *context, const struct store_class *record)
{
    struct restore *restore = context;
    struct classroom *classroom;
    restore->status = classroom_registry_open(&restore->service->registry, record, &classroom);
    if (restore->status == STATUS_OK)
        classroom->timer.owner = classroom;
    return restore->status == STATUS_OK;
}

static bool restore_answer(void *context, const struct store_poll_answer *answer)
{
    struct poll *poll = context;
    bool text = poll->question.kind == POLL_TEXT;
    return poll_set_answer(poll, answer->participant, text ? 0 : (unsigned)answer->choices,
                           text ? answer->text : NULL) == STATUS_OK;
}

struct restore_polls {
    struct service *service;
    struct talk *talk;
    enum status status;
};

static enum status add_poll(struct restore_polls *polls, const struct store_poll *record,
                            const struct poll_question *question)
{
    enum status status = talk_add_poll(polls->talk, record->id, question, record->at_ms);
    if (status != STATUS_OK)
        return status;
    struct poll *poll = talk_newest_poll(polls->talk);
    poll->shown = record->shown;
    status = store_each_poll_answer(polls->service->store, record->id, restore_answer, poll);
    if (record->closed_ms != 0) {
        poll_close(poll, record->closed_ms);
        poll_forget_answers(poll);
    }
    return status;
}

static bool restore_poll(void *context, const struct store_poll *record)
{
    struct restore_polls *polls = context;
    struct poll_question *question = malloc(sizeof *question);
    if (question == NULL)
        polls->status = STATUS_NO_MEMORY;
    else if (poll_json_parse(record->definition, question) == STATUS_OK)
        polls->status = add_poll(polls, record, question);
    free(question);
    return polls->status == STATUS_OK;
}

static enum status restore_talk(struct service *service, struct classroom *classroom)
{
    uint64_t last = 0, count = 0;
    struct talk *talk = &classroom->talk;
    struct restore_polls polls = {.service = service, .talk = talk};
    enum status status = store_last_message(service->store, classroom->record.room, &last, &count);
    chat_restore(&talk->chat, last, count);
    if (status == STATUS_OK)
        status = store_each_poll(service->store, classroom->record.room, restore_poll, &polls);
    return status == STATUS_OK ? polls.status : status;
}

static enum status restore_webhook(struct service *service)
{
    struct store_webhook record;
    uint64_t last = 0;
    enum status status = store_last_event(service->store, &last);
    if (status != STATUS_OK)
        return status;
    status = store_get_webhook(service->store, &record);
    webhook_init(&service->webhook, status == STATUS_OK ? &record : NULL, last);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* A page has the usual time to resume, counted from now. WHIP and WHEP sessions live as long as
 * the relay holds them: the first resync decides. Until then a transport that was is presumed to
 * be, so that a page which resumes first does not tear down media that flows. */
static bool restore_participant(void *context, const struct store_participant *record)
{
    struct restore *restore = context;
    struct service *service = restore->service;
    struct classroom *classroom = classroom_registry_find_room(&service->registry, record->room);
    if (classroom == NULL)
        return true; /* more classes on the disk than the configuration takes */
    struct participant *p = calloc(1, sizeof *p);
    if (p == NULL) {
        restore->status = STATUS_NO_MEMORY;
        return false;
    }
    p->record = *record;
    p->timer.owner = p;
    p->here = record->kind != PARTICIPANT_PAGE;
    p->media = record->session > 0 ? MEDIA_CONNECTED : MEDIA_NONE;
    p->transport_wanted = record->session > 0;
    /* What it reads was in its offer, which is gone: what everybody reads. */
    p->screen_codecs = record->kind == PARTICIPANT_WHIP ? 0 : 1u << MEDIA_CODEC_VP8;
    p->gone_at = p->here ? USEC_NEVER : restore->at.now + service->config.resume_for_us;
    restore->status = classroom_registry_enter(&service->registry, p);
    if (restore->status == STATUS_OK)
        restore->status = classroom_add(classroom, p, SIZE_MAX, true);
    if (restore->status != STATUS_OK) {
        classroom_registry_leave(&service->registry, p);
        free(p);
        return false;
    }
    service_arm_participant(service, p);
    return true;
}

/* Sockets went with the service that ran before: its last beat says until when they were there. */
static void note_gone(struct service *service, const struct classroom *classroom, int64_t beat_ms)
{
    for (struct participant *p = classroom->first; p != NULL && beat_ms != 0; p = p->next) {
        if (p->here || p->record.gone_ms != 0)
            continue;
        p->record.gone_ms = beat_ms > p->record.joined_ms ? beat_ms : p->record.joined_ms;
        p->unsaved = true;
        service_save_participant(service, p);
    }
}

enum status service_restore(struct service *service, struct instant at)
{
    struct restore restore = {.service = service, .at = at};
    int64_t beat_ms = 0;
    enum status status = store_get_beat(service->store, &beat_ms);
    if (status == STATUS_OK)
        status = store_each_class(service->store, true, service->config.classes_max, restore_class,
                                  &restore);
    if (status == STATUS_OK && restore.status == STATUS_OK)
        status = store_each_participant(service->store, restore_participant, &restore);
    if (status == STATUS_OK)
        status = restore_webhook(service);
    for (size_t i = 0; i < service->registry.class_count; i++) {
        if (status == STATUS_OK)
            status = restore_talk(service, service->registry.classes[i]);
        classroom_finish_restore(service->registry.classes[i]);
        note_gone(service, service->registry.classes[i], beat_ms);
        service_arm_classroom(service, service->registry.classes[i]);
    }
    return status != STATUS_OK ? status : restore.status;
}
