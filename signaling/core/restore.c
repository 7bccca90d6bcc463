/* After a restart: classes and everybody in them come back from the store. */
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

enum status service_restore(struct service *service, struct instant at)
{
    struct restore restore = {.service = service, .at = at};
    enum status status = store_each_class(service->store, true, service->config.classes_max,
                                          restore_class, &restore);
    if (status == STATUS_OK && restore.status == STATUS_OK)
        status = store_each_participant(service->store, restore_participant, &restore);
    for (size_t i = 0; i < service->registry.class_count; i++) {
        classroom_finish_restore(service->registry.classes[i]);
        service_arm_classroom(service, service->registry.classes[i]);
    }
    return status != STATUS_OK ? status : restore.status;
}
