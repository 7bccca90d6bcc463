#include "relay/core/director_private.h"

struct director_config director_config_default(void)
{
    return (struct director_config){
        .shard_count = 1, .capacity = 2000, .rooms_max = 512, .media_port_base = 40000};
}

enum status director_create(struct director **out, usec_t now, const struct director_config *config)
{
    if (config->shard_count == 0 || config->shard_count > CONTROL_SHARDS_MAX ||
        config->capacity == 0 || config->rooms_max == 0 ||
        config->address_count > DIRECTOR_ADDRESSES_MAX)
        return STATUS_CONFIG;
    struct director *d = calloc(1, sizeof *d);
    if (d == NULL)
        return STATUS_NO_MEMORY;
    d->config = *config;
    d->log = config->log;
    d->rng = rng_of_seed(config->seed);
    d->report_at = now + DIRECTOR_REPORT_US;
    d->ask_at = d->report_at - DIRECTOR_ASK_BEFORE_US;
    d->voices_at = USEC_NEVER;
    /* Twice the capacity: grants may wait for participants still to come. */
    uint32_t places = config->capacity * 2;
    if (director_queue_init(&d->messages) && director_queue_init(&d->shard_messages) &&
        pool_init(&d->participants, sizeof(struct director_participant), places) == STATUS_OK &&
        pool_init(&d->rooms, sizeof(struct director_room), config->rooms_max) == STATUS_OK &&
        hash_map_init(&d->participants_by_id, places) == STATUS_OK &&
        hash_map_init(&d->rooms_by_id, config->rooms_max) == STATUS_OK) {
        *out = d;
        return STATUS_OK;
    }
    director_free(d);
    return STATUS_NO_MEMORY;
}

void director_free(struct director *d)
{
    if (d == NULL)
        return;
    while (d->shard_messages.count > 0) {
        struct shard_message *m = director_queue_pop(&d->shard_messages);
        if (m->type == SHARD_PARTICIPANT_ADD)
            free(m->participant_add);
    }
    director_queue_clear(&d->messages);
    director_queue_clear(&d->shard_messages);
    free(d->messages.items);
    free(d->shard_messages.items);
    pool_destroy(&d->participants);
    pool_destroy(&d->rooms);
    hash_map_destroy(&d->participants_by_id);
    hash_map_destroy(&d->rooms_by_id);
    free(d);
}

struct director_participant *director_find_participant(struct director *d, uint64_t id)
{
    uint64_t index;
    if (id == 0 || !hash_map_find(&d->participants_by_id, id, &index))
        return NULL;
    struct pool_handle handle = {(uint32_t)index, d->participants.generations[index]};
    return pool_find(&d->participants, handle);
}

struct director_participant *director_add_participant(struct director *d, uint64_t id)
{
    struct director_participant *p = director_find_participant(d, id);
    if (p != NULL)
        return p;
    struct pool_handle handle;
    p = id == 0 ? NULL : pool_take(&d->participants, &handle);
    if (p == NULL)
        return NULL;
    p->handle = handle;
    p->id = id;
    p->state = CONTROL_MEDIA_CLOSED;
    CHECK(hash_map_set(&d->participants_by_id, id, handle.index) == STATUS_OK);
    return p;
}

struct director_room *director_find_room(struct director *d, uint64_t id)
{
    uint64_t index;
    if (!hash_map_find(&d->rooms_by_id, id, &index))
        return NULL;
    struct pool_handle handle = {(uint32_t)index, d->rooms.generations[index]};
    return pool_find(&d->rooms, handle);
}

void director_answer_error(struct director *d, uint32_t to, const char *code, const char *text)
{
    /* What came without a number is not answered: an unnumbered error would speak of the link. */
    struct control_message *m = to != 0 ? director_tell(d, CONTROL_ERROR) : NULL;
    if (to == 0)
        log_warn(&d->log, "control_refused", "code=%s", code);
    if (m == NULL)
        return;
    m->to = to;
    snprintf(m->error.code, sizeof m->error.code, "%s", code);
    snprintf(m->error.text, sizeof m->error.text, "%s", text);
}

void director_answer_ok(struct director *d, uint32_t to)
{
    struct control_message *m = to != 0 ? director_tell(d, CONTROL_OK) : NULL;
    if (m != NULL)
        m->to = to;
}

static void handle_bind(struct director *d, usec_t now, const struct control_message *in)
{
    const struct control_bind *bind = &in->bind;
    if (room_slot_kind(bind->slot) == MEDIA_KIND_AUDIO && bind->slot != ROOM_SLOT_SCREEN_AUDIO) {
        director_answer_error(d, in->id, "bad_parameters", "Voices are bound by the relay.");
        return;
    }
    if (bind->participant != 0 && room_slot_kind(bind->slot) != send_slot_kind(bind->source)) {
        director_answer_error(d, in->id, "bad_parameters",
                              "This slot does not take that kind of media.");
        return;
    }
    struct director_room *room = bind->participant != 0 ? director_room_add(d, bind->room)
                                                        : director_find_room(d, bind->room);
    if (room == NULL && bind->participant != 0) {
        director_answer_error(d, in->id, "full", "This relay takes no more rooms.");
        return;
    }
    if (room != NULL)
        director_room_bind(d, now, room, bind->slot,
                           (struct publication_ref){bind->participant, bind->source});
    if (room != NULL && director_room_is_unused(room))
        director_room_free_if_empty(d, room);
    director_answer_ok(d, in->id);
}

static void close_room(struct director *d, usec_t now, uint64_t id)
{
    uint32_t at = 0;
    struct pool_handle handle;
    struct director_participant *p;
    while ((p = pool_next(&d->participants, &at, &handle)) != NULL) {
        if (p->room == id)
            director_remove_participant(d, now, p);
    }
    struct director_room *room = director_find_room(d, id);
    if (room != NULL)
        director_room_free_if_empty(d, room);
}

void director_handle_message(struct director *d, usec_t now, const struct control_message *in)
{
    switch (in->type) {
    case CONTROL_PARTICIPANT_ADD:
        director_handle_participant_add(d, now, in);
        break;
    case CONTROL_ICE_RESTART:
        director_handle_ice_restart(d, in);
        break;
    case CONTROL_PARTICIPANT_REMOVE: {
        struct director_participant *p =
            director_find_participant(d, in->participant_remove.participant);
        if (p != NULL && p->session <= in->participant_remove.session)
            director_remove_participant(d, now, p);
        director_answer_ok(d, in->id);
        break;
    }
    case CONTROL_GRANT:
        director_handle_grant(d, now, in);
        break;
    case CONTROL_BIND:
        handle_bind(d, now, in);
        break;
    case CONTROL_ASIDE:
        director_handle_aside(d, now, in);
        break;
    case CONTROL_ROOM_CLOSE:
        close_room(d, now, in->room_close);
        director_answer_ok(d, in->id);
        break;
    case CONTROL_SYNC_END:
        director_handle_sync_end(d, now);
        break;
    default:
        if (in->id != 0)
            director_answer_error(d, in->id, "bad_parameters",
                                  "A relay does not take this message.");
        break;
    }
}

static void handle_state(struct director *d, usec_t now, const struct shard_message *in)
{
    struct director_participant *p = director_find_participant(d, in->state.participant);
    if (p == NULL || !p->present || p->session != in->state.session)
        return;
    if (in->state.state == CONTROL_MEDIA_CLOSED) {
        director_close_participant(d, now, p, in->state.reason);
        return;
    }
    p->state = in->state.state;
    director_tell_state(d, p, in->state.reason);
}

static void handle_level(struct director *d, usec_t now, const struct shard_message *in)
{
    struct director_participant *p = director_find_participant(d, in->level.participant);
    struct director_room *room = p != NULL ? director_find_room(d, p->room) : NULL;
    if (room == NULL)
        return;
    speaker_handle_level(&p->speaker, now, in->level.level);
    director_room_update_voices(d, now, room);
    d->voices_at = usec_min(d->voices_at, now + SPEAKER_OFF_US / 2);
}

static void handle_publication(struct director *d, usec_t now, const struct shard_message *in)
{
    struct director_participant *p = director_find_participant(d, in->publication.ref.participant);
    struct director_room *room = p != NULL ? director_find_room(d, p->room) : NULL;
    enum send_slot source = in->publication.ref.source;
    if (room == NULL || !p->grants[source].open)
        return; /* of before it was closed */
    p->active[source] = in->publication.active;
    p->codecs[source] = in->publication.codec;
    if (source == SEND_SLOT_MIC)
        director_room_set_voice(d, now, room, p->id, true);
}

static void handle_quality(struct director *d, const struct shard_message *in)
{
    struct director_participant *p = director_find_participant(d, in->quality.participant);
    if (p == NULL)
        return;
    p->screen = in->quality.screen;
    director_tell_quality(d, p);
}

static void handle_demand(struct director *d, const struct shard_message *in)
{
    struct director_participant *p = director_find_participant(d, in->demand.ref.participant);
    if (p == NULL)
        return;
    p->demand[in->demand.ref.source] = in->demand.encodings;
    director_tell_demand(d, p, in->demand.ref.source);
}

static void handle_delivery(struct director *d, const struct shard_message *in)
{
    struct control_message *m = director_tell(d, CONTROL_DELIVERY);
    if (m == NULL)
        return;
    _Static_assert(SHARD_DELIVERIES <= CONTROL_DELIVERIES_MAX, "one message has them all");
    m->delivery.count = in->delivery.count;
    memcpy(m->delivery.list, in->delivery.list, in->delivery.count * sizeof in->delivery.list[0]);
}

void director_handle_shard(struct director *d, usec_t now, const struct shard_message *in)
{
    struct director_participant *p;
    switch (in->type) {
    case SHARD_QUALITY:
        handle_quality(d, in);
        break;
    case SHARD_DELIVERY:
        handle_delivery(d, in);
        break;
    case SHARD_DEMAND:
        handle_demand(d, in);
        break;
    case SHARD_STATE:
        handle_state(d, now, in);
        break;
    case SHARD_LEVEL:
        handle_level(d, now, in);
        break;
    case SHARD_PUBLICATION: {
        handle_publication(d, now, in);
        struct control_message *m = director_tell(d, CONTROL_PUBLICATION);
        if (m != NULL)
            m->publication = (struct control_publication){
                in->publication.ref.participant, in->publication.ref.source, in->publication.active,
                in->publication.codec};
        break;
    }
    case SHARD_STATS:
        d->shards[in->from].publications = in->stats.publications;
        d->shards[in->from].counters = in->stats.counters;
        break;
    case SHARD_PARTICIPANT_STATS:
        for (size_t i = 0; i < in->participant_stats.count; i++) {
            p = director_find_participant(d, in->participant_stats.list[i].participant);
            if (p != NULL)
                p->stats = in->participant_stats.list[i];
        }
        break;
    default:
        break;
    }
}

void director_handle_timeout(struct director *d, usec_t now)
{
    director_reset_shards(d, now);
    if (now >= d->voices_at) {
        uint32_t at = 0;
        struct pool_handle handle;
        struct director_room *room;
        bool anybody = false;
        while ((room = pool_next(&d->rooms, &at, &handle)) != NULL) {
            director_room_update_voices(d, now, room);
            anybody = anybody || room->speaker_count > 0;
        }
        d->voices_at = anybody ? now + SPEAKER_OFF_US / 2 : USEC_NEVER;
    }
    /* The shards are asked a moment before the report, so that its figures are of now. */
    if (now >= d->ask_at) {
        d->ask_at = d->report_at + DIRECTOR_REPORT_US - DIRECTOR_ASK_BEFORE_US;
        for (uint32_t i = 0; i < d->config.shard_count; i++)
            (void)director_order(d, i, SHARD_STATS_WANTED);
    }
    if (now >= d->report_at) {
        d->report_at += DIRECTOR_REPORT_US;
        director_report(d, now);
    }
}

usec_t director_next_timeout(const struct director *d)
{
    return usec_min(usec_min(d->ask_at, d->report_at), d->voices_at);
}

void director_set_machine(struct director *d, const struct director_machine *machine)
{
    d->machine = *machine;
}

void director_set_shard_load(struct director *d, uint32_t shard, uint32_t cpu_permille,
                             uint32_t loop_p50_us, uint32_t loop_p99_us)
{
    CHECK(shard < d->config.shard_count);
    d->shards[shard].cpu_permille = cpu_permille;
    d->shards[shard].loop_p50_us = loop_p50_us;
    d->shards[shard].loop_p99_us = loop_p99_us;
}
