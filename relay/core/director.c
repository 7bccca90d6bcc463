#include "relay/core/director_private.h"

#include "rtc/ice_lite.h"

#include <inttypes.h>

struct director_config director_config_default(void)
{
    return (struct director_config){
        .shard_count = 1, .capacity = 2000, .rooms_max = 512, .media_port_base = 40000};
}

static bool queue_init(struct director_queue *q)
{
    q->items = calloc(DIRECTOR_OUT_MAX, sizeof *q->items);
    return q->items != NULL;
}

static void *queue_push(struct director_queue *q, size_t bytes)
{
    bool fits = q->count < DIRECTOR_OUT_MAX && bytes <= DIRECTOR_OUT_BYTES_MAX - q->bytes;
    void *item = fits ? calloc(1, bytes) : NULL;
    if (item == NULL)
        return NULL;
    q->items[(q->head + q->count++) % DIRECTOR_OUT_MAX] =
        (struct director_queued){.message = item, .bytes = bytes};
    q->bytes += bytes;
    return item;
}

static void *queue_pop(struct director_queue *q)
{
    free(q->given);
    q->given = NULL;
    if (q->count == 0)
        return NULL;
    q->given = q->items[q->head].message;
    q->bytes -= q->items[q->head].bytes;
    q->head = (q->head + 1) % DIRECTOR_OUT_MAX;
    q->count--;
    return q->given;
}

static void queue_clear(struct director_queue *q)
{
    while (queue_pop(q) != NULL) {
    }
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
    if (queue_init(&d->messages) && queue_init(&d->shard_messages) &&
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
        struct shard_message *m = queue_pop(&d->shard_messages);
        if (m->type == SHARD_PARTICIPANT_ADD)
            free(m->participant_add);
    }
    queue_clear(&d->messages);
    queue_clear(&d->shard_messages);
    free(d->messages.items);
    free(d->shard_messages.items);
    pool_destroy(&d->participants);
    pool_destroy(&d->rooms);
    hash_map_destroy(&d->participants_by_id);
    hash_map_destroy(&d->rooms_by_id);
    free(d);
}

/* A message is as large as its largest kind, a participant's parameters; what a relay says is
 * small. Only the part that `type` uses is allocated. */
static size_t message_bytes(enum control_type type)
{
#define UP_TO(member)                                                                              \
    (offsetof(struct control_message, member) + sizeof((struct control_message *)0)->member)
    switch (type) {
    case CONTROL_OK:
    case CONTROL_SYNC_END:
        return offsetof(struct control_message, hello);
    case CONTROL_ERROR:
        return UP_TO(error);
    case CONTROL_SYNC_PARTICIPANT:
        return UP_TO(sync_participant);
    case CONTROL_PARTICIPANT_ADDED:
        return UP_TO(participant_added);
    case CONTROL_PARTICIPANT_STATE:
        return UP_TO(participant_state);
    case CONTROL_SLOT_BOUND:
        return UP_TO(slot_bound);
    case CONTROL_PUBLICATION:
        return UP_TO(publication);
    case CONTROL_SPEAKERS:
        return UP_TO(speakers);
    case CONTROL_RELAY_STATS:
        return UP_TO(relay_stats);
    case CONTROL_ROOM_STATS:
        return UP_TO(room_stats);
    default:
        return sizeof(struct control_message);
    }
#undef UP_TO
}

struct control_message *director_tell(struct director *d, enum control_type type)
{
    if (!d->connected)
        return NULL;
    struct control_message *m = queue_push(&d->messages, message_bytes(type));
    if (m == NULL)
        log_warn(&d->log, "control_queue_full", "type=%s", control_type_name(type));
    else
        m->type = type;
    return m;
}

struct shard_message *director_order(struct director *d, uint32_t shard,
                                     enum shard_message_type type)
{
    struct shard_message *m = queue_push(&d->shard_messages, sizeof *m);
    if (m == NULL) {
        log_error(&d->log, "shard_queue_full", "shard=%u", shard);
        return NULL;
    }
    m->type = type;
    m->from = shard; /* the destination while it is queued; poll says it and puts ours in */
    return m;
}

bool director_poll_message(struct director *d, const struct control_message **out)
{
    *out = queue_pop(&d->messages);
    return *out != NULL;
}

bool director_poll_shard(struct director *d, uint32_t *shard, const struct shard_message **out)
{
    struct shard_message *m = queue_pop(&d->shard_messages);
    if (m == NULL)
        return false;
    *shard = m->from;
    m->from = d->config.shard_count;
    *out = m;
    return true;
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

static void answer_error(struct director *d, uint32_t to, const char *code, const char *text)
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

static void answer_ok(struct director *d, uint32_t to)
{
    struct control_message *m = to != 0 ? director_tell(d, CONTROL_OK) : NULL;
    if (m != NULL)
        m->to = to;
}

/* Nobody is in it and nothing is kept for whoever comes. */
static bool is_unused(const struct director_room *room)
{
    for (int slot = 0; slot < ROOM_SLOT_COUNT; slot++) {
        if (room->slots[slot].ref.participant != 0)
            return false;
    }
    return room->members == 0;
}

static void free_room_if_empty(struct director *d, struct director_room *room)
{
    if (room->members > 0)
        return;
    hash_map_remove(&d->rooms_by_id, room->id);
    pool_release(&d->rooms, room->handle);
}

/* Its transport is gone, and with it what it was granted: the next one begins closed. */
static void leave(struct director *d, usec_t now, struct director_participant *p)
{
    if (!p->present)
        return;
    struct director_room *room = director_find_room(d, p->room);
    p->present = false;
    p->state = CONTROL_MEDIA_CLOSED;
    memset(p->grants, 0, sizeof p->grants);
    memset(p->active, 0, sizeof p->active);
    d->shards[p->shard].participants--;
    if (room != NULL) {
        director_room_forget(d, now, room, p->id);
        director_room_member_changed(d, room, p->shard, -1);
        free_room_if_empty(d, room);
    }
}

static void forget_participant(struct director *d, usec_t now, struct director_participant *p)
{
    leave(d, now, p);
    hash_map_remove(&d->participants_by_id, p->id);
    pool_release(&d->participants, p->handle);
}

static void remove_participant(struct director *d, usec_t now, struct director_participant *p)
{
    if (p->present) {
        struct shard_message *m = director_order(d, p->shard, SHARD_PARTICIPANT_REMOVE);
        if (m != NULL)
            m->participant_remove = (struct control_participant_ref){p->id, p->session};
    }
    forget_participant(d, now, p);
}

static uint32_t least_loaded_shard(const struct director *d)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < d->config.shard_count; i++) {
        if (d->shards[i].participants < d->shards[best].participants)
            best = i;
    }
    return best;
}

static void fill_added(const struct director *d, uint32_t shard, const struct ice_parameters *local,
                       struct control_participant_added *out)
{
    *out = (struct control_participant_added){.shard = shard, .local_ice = *local};
    memcpy(out->local_fingerprint, d->config.fingerprint, FINGERPRINT_BYTES);
    for (size_t i = 0; i < d->config.address_count; i++) {
        struct control_candidate *c = &out->candidates[out->candidate_count++];
        c->addr = d->config.addresses[i];
        c->addr.port = (uint16_t)(d->config.media_port_base + shard);
        /* RFC 8445 5.1.2.1: host type 126, earlier addresses preferred, component 1. */
        c->priority = 126u << 24 | (65535u - (uint32_t)i) << 8 | 255u;
    }
}

static void order_grants(struct director *d, const struct director_participant *p)
{
    for (int slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        if (!p->grants[slot].open)
            continue;
        struct shard_message *m = director_order(d, p->shard, SHARD_GRANT);
        if (m != NULL)
            m->grant =
                (struct control_grant){p->id, (enum send_slot)slot, true, p->grants[slot].reserved};
    }
}

/* Slots that signaling has bound to this participant before it was there are told again. */
static void rebind(struct director *d, usec_t now, struct director_room *room,
                   const struct director_participant *p)
{
    for (int i = 0; i < ROOM_SLOT_COUNT; i++) {
        struct publication_ref ref = room->slots[i].ref;
        if (ref.participant != p->id)
            continue;
        room->slots[i].ref = (struct publication_ref){0};
        director_room_bind(d, now, room, (enum room_slot)i, ref);
    }
    if (p->grants[SEND_SLOT_MIC].open && p->has_mic)
        director_room_set_voice(d, now, room, p->id, true);
}

static void handle_participant_add(struct director *d, usec_t now, const struct control_message *in)
{
    const struct control_participant_add *add = &in->participant_add;
    struct director_participant *p = director_find_participant(d, add->participant);
    if (p != NULL && p->present && add->session < p->session) {
        answer_error(d, in->id, "stale_session", "A newer session of this participant is known.");
        return;
    }
    if (p != NULL && p->present) {
        struct shard_message *m = director_order(d, p->shard, SHARD_PARTICIPANT_REMOVE);
        if (m != NULL)
            m->participant_remove = (struct control_participant_ref){p->id, p->session};
        leave(d, now, p);
    }
    uint32_t total = 0;
    for (uint32_t i = 0; i < d->config.shard_count; i++)
        total += d->shards[i].participants;
    struct director_room *room =
        total < d->config.capacity ? director_room_add(d, add->room) : NULL;
    p = room != NULL ? director_add_participant(d, add->participant) : NULL;
    struct shard_participant_add *order = p != NULL ? calloc(1, sizeof *order) : NULL;
    if (order == NULL || ice_credentials_generate(&order->local_ice) != STATUS_OK) {
        free(order);
        if (room != NULL)
            free_room_if_empty(d, room);
        answer_error(d, in->id, "full", "This relay takes no more participants.");
        return;
    }
    order->params = *add;
    p->room = add->room;
    p->session = add->session;
    p->shard = least_loaded_shard(d);
    p->present = true;
    p->state = CONTROL_MEDIA_CONNECTING;
    p->speaker = (struct speaker){0};
    memset(p->active, 0, sizeof p->active);
    p->has_mic = false;
    for (size_t i = 0; i < add->send_slot_count; i++)
        p->has_mic = p->has_mic || add->send_slots[i].slot == SEND_SLOT_MIC;
    memset(&p->stats, 0, sizeof p->stats);
    memset(&p->reported, 0, sizeof p->reported);
    d->shards[p->shard].participants++;
    /* The shard learns of the room first, then of the participant, then what it may send. */
    director_room_member_changed(d, room, p->shard, 1);
    struct control_message *answer = director_tell(d, CONTROL_PARTICIPANT_ADDED);
    if (answer != NULL) {
        answer->to = in->id;
        fill_added(d, p->shard, &order->local_ice, &answer->participant_added);
    }
    struct shard_message *m = director_order(d, p->shard, SHARD_PARTICIPANT_ADD);
    if (m == NULL) {
        free(order);
        return;
    }
    m->participant_add = order;
    order_grants(d, p);
    rebind(d, now, room, p);
}

static void handle_ice_restart(struct director *d, const struct control_message *in)
{
    const struct control_ice_restart *restart = &in->ice_restart;
    struct director_participant *p = director_find_participant(d, restart->participant);
    struct ice_parameters local;
    if (p == NULL || !p->present || p->session != restart->session ||
        ice_credentials_generate(&local) != STATUS_OK) {
        answer_error(d, in->id, "not_found", "There is no such transport.");
        return;
    }
    struct shard_message *m = director_order(d, p->shard, SHARD_ICE_RESTART);
    if (m != NULL) {
        m->ice_restart.participant = p->id;
        m->ice_restart.session = p->session;
        m->ice_restart.local = local;
        m->ice_restart.remote = restart->remote_ice;
    }
    struct control_message *answer = director_tell(d, CONTROL_PARTICIPANT_ADDED);
    if (answer == NULL)
        return;
    answer->to = in->id;
    fill_added(d, p->shard, &local, &answer->participant_added);
}

static void apply_grant(struct director *d, usec_t now, struct director_participant *p,
                        const struct control_grant *grant)
{
    struct director_grant *g = &p->grants[grant->slot];
    *g = (struct director_grant){
        .open = grant->open, .reserved = grant->open && grant->reserved, .confirmed = true};
    if (!grant->open)
        p->active[grant->slot] = false;
    if (!p->present)
        return;
    struct shard_message *m = director_order(d, p->shard, SHARD_GRANT);
    if (m != NULL)
        m->grant = *grant;
    struct director_room *room = director_find_room(d, p->room);
    if (room != NULL && !grant->open)
        director_room_drop_replicas(d, room, p, grant->slot);
    if (grant->slot == SEND_SLOT_MIC && room != NULL && p->has_mic)
        director_room_set_voice(d, now, room, p->id, grant->open);
}

static bool has_grants(const struct director_participant *p)
{
    for (int slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        if (p->grants[slot].open)
            return true;
    }
    return false;
}

static void handle_grant(struct director *d, usec_t now, const struct control_message *in)
{
    const struct control_grant *grant = &in->grant;
    struct director_participant *p = grant->open ? director_add_participant(d, grant->participant)
                                                 : director_find_participant(d, grant->participant);
    if (p == NULL && grant->open) {
        answer_error(d, in->id, "full", "This relay keeps no more grants.");
        return;
    }
    if (p != NULL)
        apply_grant(d, now, p, grant);
    if (p != NULL && !p->present && !has_grants(p))
        forget_participant(d, now, p);
    answer_ok(d, in->id);
}

static void handle_bind(struct director *d, usec_t now, const struct control_message *in)
{
    const struct control_bind *bind = &in->bind;
    if (room_slot_kind(bind->slot) == MEDIA_KIND_AUDIO && bind->slot != ROOM_SLOT_SCREEN_AUDIO) {
        answer_error(d, in->id, "bad_parameters", "Voices are bound by the relay.");
        return;
    }
    if (bind->participant != 0 && room_slot_kind(bind->slot) != send_slot_kind(bind->source)) {
        answer_error(d, in->id, "bad_parameters", "This slot does not take that kind of media.");
        return;
    }
    struct director_room *room = bind->participant != 0 ? director_room_add(d, bind->room)
                                                        : director_find_room(d, bind->room);
    if (room == NULL && bind->participant != 0) {
        answer_error(d, in->id, "full", "This relay takes no more rooms.");
        return;
    }
    if (room != NULL)
        director_room_bind(d, now, room, bind->slot,
                           (struct publication_ref){bind->participant, bind->source});
    if (room != NULL && is_unused(room))
        free_room_if_empty(d, room);
    answer_ok(d, in->id);
}

static void close_room(struct director *d, usec_t now, uint64_t id)
{
    uint32_t at = 0;
    struct pool_handle handle;
    struct director_participant *p;
    while ((p = pool_next(&d->participants, &at, &handle)) != NULL) {
        if (p->room == id)
            remove_participant(d, now, p);
    }
    struct director_room *room = director_find_room(d, id);
    if (room != NULL)
        free_room_if_empty(d, room);
}

static void tell_slots(struct director *d, const struct director_room *room)
{
    for (int slot = 0; slot < ROOM_SLOT_COUNT; slot++) {
        if (room->slots[slot].ref.participant == 0)
            continue;
        struct control_message *m = director_tell(d, CONTROL_SLOT_BOUND);
        if (m != NULL)
            m->slot_bound = (struct control_slot_bound){room->id, (enum room_slot)slot,
                                                        room->slots[slot].ref.participant};
    }
}

static void tell_publications(struct director *d, const struct director_participant *p)
{
    for (int slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        struct control_message *m =
            p->present && p->active[slot] ? director_tell(d, CONTROL_PUBLICATION) : NULL;
        if (m != NULL)
            m->publication =
                (struct control_publication){p->id, (enum send_slot)slot, true, p->codecs[slot]};
    }
}

static void close_unconfirmed(struct director *d, usec_t now, struct director_participant *p)
{
    for (int slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        struct control_grant closed = {p->id, (enum send_slot)slot, false, false};
        if (p->grants[slot].open && !p->grants[slot].confirmed)
            apply_grant(d, now, p, &closed);
    }
    if (!p->present && !has_grants(p))
        forget_participant(d, now, p);
}

static void empty_unconfirmed(struct director *d, usec_t now, struct director_room *room)
{
    for (int slot = ROOM_SLOT_SCREEN; slot <= ROOM_SLOT_CAMERA_2; slot++) {
        if (room->slots[slot].ref.participant != 0 && !room->slots[slot].confirmed)
            director_room_bind(d, now, room, (enum room_slot)slot, (struct publication_ref){0});
    }
    if (is_unused(room))
        free_room_if_empty(d, room);
}

/* Resync's end: what signaling did not say again is not so any more; what only the relay knows is
 * told. */
static void handle_sync_end(struct director *d, usec_t now)
{
    uint32_t at = 0;
    struct pool_handle handle;
    struct director_participant *p;
    while ((p = pool_next(&d->participants, &at, &handle)) != NULL)
        close_unconfirmed(d, now, p);
    struct director_room *room;
    at = 0;
    while ((room = pool_next(&d->rooms, &at, &handle)) != NULL)
        empty_unconfirmed(d, now, room);
    at = 0;
    while ((room = pool_next(&d->rooms, &at, &handle)) != NULL)
        tell_slots(d, room);
    at = 0;
    while ((p = pool_next(&d->participants, &at, &handle)) != NULL)
        tell_publications(d, p);
    d->synced = true;
}

void director_handle_message(struct director *d, usec_t now, const struct control_message *in)
{
    switch (in->type) {
    case CONTROL_PARTICIPANT_ADD:
        handle_participant_add(d, now, in);
        break;
    case CONTROL_ICE_RESTART:
        handle_ice_restart(d, in);
        break;
    case CONTROL_PARTICIPANT_REMOVE: {
        struct director_participant *p =
            director_find_participant(d, in->participant_remove.participant);
        if (p != NULL && p->session <= in->participant_remove.session)
            remove_participant(d, now, p);
        answer_ok(d, in->id);
        break;
    }
    case CONTROL_GRANT:
        handle_grant(d, now, in);
        break;
    case CONTROL_BIND:
        handle_bind(d, now, in);
        break;
    case CONTROL_ROOM_CLOSE:
        close_room(d, now, in->room_close);
        answer_ok(d, in->id);
        break;
    case CONTROL_SYNC_END:
        handle_sync_end(d, now);
        break;
    default:
        if (in->id != 0)
            answer_error(d, in->id, "bad_parameters", "A relay does not take this message.");
        break;
    }
}

void director_handle_connected(struct director *d, usec_t now)
{
    uint32_t at = 0;
    struct pool_handle handle;
    struct director_participant *p;
    (void)now;
    queue_clear(&d->messages);
    d->connected = true;
    d->synced = false;
    while ((p = pool_next(&d->participants, &at, &handle)) != NULL) {
        for (int slot = 0; slot < SEND_SLOT_COUNT; slot++)
            p->grants[slot].confirmed = false;
        struct control_message *m = p->present ? director_tell(d, CONTROL_SYNC_PARTICIPANT) : NULL;
        if (m != NULL)
            m->sync_participant =
                (struct control_sync_participant){p->room, p->id, p->session, p->state};
    }
    struct director_room *room;
    at = 0;
    while ((room = pool_next(&d->rooms, &at, &handle)) != NULL) {
        for (int slot = 0; slot < ROOM_SLOT_COUNT; slot++)
            room->slots[slot].confirmed = false;
        room->speaker_count = 0;
    }
    (void)director_tell(d, CONTROL_SYNC_END);
}

void director_handle_disconnected(struct director *d, usec_t now)
{
    (void)now;
    d->connected = false;
    queue_clear(&d->messages);
}

static void handle_state(struct director *d, usec_t now, const struct shard_message *in)
{
    struct director_participant *p = director_find_participant(d, in->state.participant);
    if (p == NULL || !p->present || p->session != in->state.session)
        return;
    p->state = in->state.state;
    struct control_message *m = director_tell(d, CONTROL_PARTICIPANT_STATE);
    if (m != NULL) {
        m->participant_state.participant = p->id;
        m->participant_state.session = p->session;
        m->participant_state.state = p->state;
        memcpy(m->participant_state.reason, in->state.reason, sizeof in->state.reason);
    }
    if (p->state == CONTROL_MEDIA_CLOSED)
        forget_participant(d, now, p);
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

void director_handle_shard(struct director *d, usec_t now, const struct shard_message *in)
{
    struct director_participant *p;
    switch (in->type) {
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
