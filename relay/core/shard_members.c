/* Participants and rooms of a shard: how they come, what they may do, how they go. */
#include "relay/core/shard_private.h"

#include "base/hash.h"
#include "base/wipe.h"

struct room *shard_find_room(struct shard_core *c, uint64_t id)
{
    uint64_t index;
    if (!hash_map_find(&c->rooms_by_id, id, &index))
        return NULL;
    struct pool_handle handle = {(uint32_t)index, c->rooms.generations[index]};
    return pool_find(&c->rooms, handle);
}

static struct room *add_room(struct shard_core *c, uint64_t id)
{
    struct room *room = shard_find_room(c, id);
    struct pool_handle handle;
    if (room != NULL)
        return room;
    room = pool_take(&c->rooms, &handle);
    if (room == NULL)
        return NULL;
    room->handle = handle;
    room->id = id;
    CHECK(hash_map_set(&c->rooms_by_id, id, handle.index) == STATUS_OK);
    return room;
}

static void clear_slot(struct shard_core *c, struct room *room, enum room_slot slot)
{
    struct publication *p = room->slots[slot];
    room->slots[slot] = NULL;
    room->refs[slot] = (struct publication_ref){0};
    if (p == NULL)
        return;
    p->slots &= ~((uint32_t)1 << slot);
    if (!p->is_home && p->slots == 0 && p->listener == 0) {
        shard_remove_publication(c, p);
        return;
    }
    thinning_update_demand(c, p);
    if (p->slots == 0)
        thin_voices_end(c, p);
    if (p->slots == 0) { /* whoever has replicas drops them as well, and asks anew */
        memset(p->wanted_by, 0, sizeof p->wanted_by);
        p->wanted_elsewhere = 0;
        p->lingers_anywhere_until = 0;
        memset(p->lingers_until, 0, sizeof p->lingers_until);
    }
}

static void free_room_if_unused(struct shard_core *c, struct room *room)
{
    if (room->members > 0 || (room->members_on >> c->config.shard & 1) != 0)
        return;
    for (int slot = 0; slot < ROOM_SLOT_COUNT; slot++)
        clear_slot(c, room, (enum room_slot)slot);
    room_destroy(room);
    hash_map_remove(&c->rooms_by_id, room->id);
    pool_release(&c->rooms, room->handle);
}

void shard_handle_room(struct shard_core *c, const struct shard_message *m)
{
    bool here = (m->room.members >> c->config.shard & 1) != 0;
    struct room *room = here ? add_room(c, m->room.room) : shard_find_room(c, m->room.room);
    if (room == NULL) {
        if (here)
            log_error(&c->log, "rooms_full", "max=%u", c->config.rooms_max);
        return;
    }
    room->members_on = m->room.members;
    free_room_if_unused(c, room);
}

/* The slot's publication as far as this shard has it: its own, or a replica made now. */
static struct publication *publication_for_slot(struct shard_core *c, const struct room *room,
                                                struct publication_ref ref, uint32_t home)
{
    struct publication *p = shard_find_publication(c, ref);
    if (p != NULL && p->is_home == (home == c->config.shard))
        return p;
    if (p != NULL && !p->is_home)
        shard_remove_publication(c, p); /* the publisher has moved to this shard */
    else if (p != NULL)
        return NULL;
    if (home == c->config.shard)
        return NULL; /* it comes with its participant */
    return shard_add_publication(c, ref, room->id, false, home, &p) == STATUS_OK ? p : NULL;
}

static void start_slot(struct shard_core *c, usec_t now, struct room *room, enum room_slot slot,
                       struct publication *p, struct tx_batch *tx)
{
    const struct room_listeners *l = &room->listeners[slot];
    /* From the end: one that is thinned from now on leaves the list. */
    for (uint32_t i = l->count; i-- > 0;)
        forwarder_start_subscription(c, now, l->list[i], tx);
    thinning_update_demand(c, p);
    for (uint32_t i = room->thinned[slot].count; i-- > 0;)
        forwarder_start_subscription(c, now, room->thinned[slot].list[i], tx);
}

void shard_start_publication(struct shard_core *c, usec_t now, struct publication *p,
                             struct tx_batch *tx)
{
    struct room *room = p->slots != 0 ? shard_find_room(c, p->room) : NULL;
    for (uint32_t slots = room != NULL ? p->slots : 0; slots != 0; slots &= slots - 1)
        start_slot(c, now, room, (enum room_slot)__builtin_ctz(slots), p, tx);
}

static void attach(struct shard_core *c, usec_t now, struct room *room, enum room_slot slot,
                   struct publication *p, struct tx_batch *tx)
{
    if (p->slots == 0)
        publication_begin_turn(p);
    room->slots[slot] = p;
    p->slots |= (uint32_t)1 << slot;
    start_slot(c, now, room, slot, p, tx);
}

void shard_handle_bind(struct shard_core *c, usec_t now, const struct shard_message *m,
                       struct tx_batch *tx)
{
    struct room *room = shard_find_room(c, m->bind.room);
    if (room == NULL)
        return;
    if (m->bind.ref.participant == 0)
        voice_end_slot(c, now, room, m->bind.slot, tx);
    else if (room->slots[m->bind.slot] != NULL)
        thin_voices_flush(c, now, room, room->slots[m->bind.slot], tx);
    clear_slot(c, room, m->bind.slot);
    room->refs[m->bind.slot] = m->bind.ref;
    room->homes[m->bind.slot] = m->bind.home;
    if (m->bind.ref.participant == 0)
        return;
    struct publication *p = publication_for_slot(c, room, m->bind.ref, m->bind.home);
    if (p != NULL)
        attach(c, now, room, m->bind.slot, p, tx);
}

/* A publisher has come whose slots were bound before. */
static void attach_bound_slots(struct shard_core *c, usec_t now, struct room *room,
                               const struct participant *p, struct tx_batch *tx)
{
    for (int slot = 0; slot < ROOM_SLOT_COUNT; slot++) {
        struct publication_ref ref = room->refs[slot];
        if (ref.participant == p->id && room->slots[slot] == NULL &&
            p->publications[ref.source] != NULL)
            attach(c, now, room, (enum room_slot)slot, p->publications[ref.source], tx);
    }
}

static enum status add_publications(struct shard_core *c, struct participant *p)
{
    for (size_t i = 0; i < p->send_slot_count; i++) {
        struct send_slot_parameters *params = &p->send_slots[i];
        struct publication_ref ref = {p->id, params->slot};
        struct publication *publication = shard_find_publication(c, ref);
        if (p->publications[params->slot] != NULL)
            continue; /* one line per slot */
        if (publication != NULL)
            shard_remove_publication(c, publication); /* a replica from when it lived elsewhere */
        enum status status =
            shard_add_publication(c, ref, p->room->id, true, c->config.shard, &publication);
        if (status != STATUS_OK)
            return status;
        p->publications[params->slot] = publication;
        publication->params = params;
        /* The others need not be sent before somebody wants them: they can be had all the same. */
        publication->encodings_known = ((uint32_t)1 << params->rid_count) - 1;
        publication->demand_told = 1;
        for (size_t e = 0; params->rid_count == 0 && e < params->encoding_count; e++) {
            publication->encodings[e].ssrc = params->encodings[e].ssrc;
            publication->encodings[e].rtx_ssrc = params->encodings[e].rtx_ssrc;
        }
        for (size_t k = 0; k < params->codec_count; k++)
            p->gets_feedback =
                p->gets_feedback || (params->codecs[k].transport_cc &&
                                     p->extension_ids[HEADER_EXTENSION_TRANSPORT_CC] != 0);
    }
    return STATUS_OK;
}

static enum status add_subscriptions(struct shard_core *c, struct participant *p,
                                     const struct control_participant_add *params)
{
    if (params->receive_slot_count == 0)
        return STATUS_OK;
    p->subscriptions = calloc(params->receive_slot_count, sizeof *p->subscriptions);
    if (p->subscriptions == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < params->receive_slot_count; i++) {
        struct subscription *s = &p->subscriptions[i];
        subscription_init(s, p, &params->receive_slots[i], p->extension_ids, &c->rng);
        enum status status = room_add_listener(p->room, s);
        if (status != STATUS_OK)
            return status;
        p->subscription_count++;
    }
    return downlink_create(p);
}

static enum status set_up(struct shard_core *c, usec_t now, struct participant *p,
                          const struct shard_participant_add *add)
{
    const struct control_participant_add *params = &add->params;
    struct transport_params transport = {
        .local_ice = add->local_ice, .remote_ice = params->remote_ice, .role = params->relay_role};
    memcpy(transport.remote_fingerprint, params->remote_fingerprint, FINGERPRINT_BYTES);
    struct transport_config config = transport_config_default();
    struct log log = log_with(&c->log, "participant=%llu", (unsigned long long)p->id);
    enum status status =
        transport_create(&p->transport, now, &config, &transport, c->config.dtls, &log);
    memory_wipe(&transport, sizeof transport);
    if (status != STATUS_OK)
        return status;
    p->send_slot_count = params->send_slot_count;
    p->send_slots = calloc(params->send_slot_count + 1, sizeof *p->send_slots);
    if (p->send_slots == NULL)
        return STATUS_NO_MEMORY;
    memcpy(p->send_slots, params->send_slots, params->send_slot_count * sizeof *p->send_slots);
    memcpy(p->extension_ids, params->extension_ids, sizeof p->extension_ids);
    p->ssrc = rng_u32(&c->rng);
    p->rate_credit_bits = PARTICIPANT_BPS_MAX / 2;
    p->rate_at = now;
    uint64_t key = hash_bytes(bytes_of_string(add->local_ice.ufrag), c->config.hash_key);
    status = hash_map_set(&c->by_ufrag, key, p->handle.index);
    if (status == STATUS_OK)
        p->ufrag_keys[1] = key;
    if (status == STATUS_OK)
        status = add_publications(c, p);
    return status == STATUS_OK ? add_subscriptions(c, p, params) : status;
}

void shard_handle_add(struct shard_core *c, usec_t now, const struct shard_participant_add *add,
                      struct tx_batch *tx)
{
    struct participant *old = shard_find_participant(c, add->params.participant);
    if (old != NULL)
        shard_remove_participant(c, old, tx);
    struct room *room = add_room(c, add->params.room);
    struct pool_handle handle;
    struct participant *p = room != NULL ? pool_take(&c->participants, &handle) : NULL;
    if (p == NULL) {
        const struct participant unplaced = {.id = add->params.participant,
                                             .session = add->params.session};
        log_error(&c->log, "participant_add_failed", "reason=full");
        shard_tell_state(c, &unplaced, CONTROL_MEDIA_CLOSED, "failed");
        return;
    }
    p->handle = handle;
    p->id = add->params.participant;
    p->session = add->params.session;
    p->room = room;
    p->timer.owner = p->report_timer.owner = p;
    room->members++;
    CHECK(hash_map_set(&c->by_id, p->id, handle.index) == STATUS_OK);
    enum status status = set_up(c, now, p, add);
    if (status != STATUS_OK) {
        log_error(&c->log, "participant_add_failed", "reason=%s", status_name(status));
        shard_tell_state(c, p, CONTROL_MEDIA_CLOSED, "failed");
        shard_remove_participant(c, p, tx);
        return;
    }
    tx_batch_set_receiver(tx, handle.index, p->transport);
    attach_bound_slots(c, now, room, p, tx);
    shard_arm_timer(c, now, p);
}

static void remove_subscription(struct shard_core *c, struct room *room, struct subscription *s)
{
    thin_voices_forget(s);
    room_remove_listener(room, s);
    if (s->is_thinned && shard_source_of(s) != NULL)
        thinning_update_demand(c, shard_source_of(s));
}

void shard_remove_participant(struct shard_core *c, struct participant *p, struct tx_batch *tx)
{
    if (tx != NULL)
        tx_batch_set_receiver(tx, p->handle.index, NULL);
    timer_heap_cancel(&c->timers, &p->timer);
    timer_heap_cancel(&c->reports, &p->report_timer);
    for (size_t i = 0; i < p->subscription_count; i++)
        remove_subscription(c, p->room, &p->subscriptions[i]);
    for (int slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        if (p->publications[slot] != NULL)
            shard_remove_publication(c, p->publications[slot]);
    }
    hash_map_remove(&c->by_id, p->id);
    hash_map_remove(&c->by_ufrag, p->ufrag_keys[0]);
    hash_map_remove(&c->by_ufrag, p->ufrag_keys[1]);
    shard_forget_paths(c, p);
    transport_free(p->transport);
    free(p->send_slots);
    for (size_t i = 0; i < p->subscription_count; i++)
        subscription_destroy(&p->subscriptions[i]);
    free(p->subscriptions);
    downlink_free(p);
    free(p->arrivals);
    struct room *room = p->room;
    room->members--;
    pool_release(&c->participants, p->handle);
    free_room_if_unused(c, room);
}

void shard_reset(struct shard_core *c, struct tx_batch *tx)
{
    uint32_t at = 0;
    struct pool_handle handle;
    struct participant *p;
    struct room *room;
    while ((p = pool_next(&c->participants, &at, &handle)) != NULL)
        shard_remove_participant(c, p, tx);
    at = 0;
    while ((room = pool_next(&c->rooms, &at, &handle)) != NULL) {
        room->members_on = 0;
        free_room_if_unused(c, room);
    }
}

/* Opening begins a new epoch: what was dropped while the slot was closed must not look like loss.
 */
void shard_restart_publication(struct publication *p, usec_t now)
{
    p->active = false;
    publication_main(p)->wants_key_frame = send_slot_kind(p->ref.source) == MEDIA_KIND_VIDEO;
    for (size_t e = 0; e < CONTROL_ENCODINGS_MAX; e++)
        publication_end_past(&p->encodings[e], now);
}

void shard_handle_grant(struct shard_core *c, usec_t now, const struct control_grant *grant)
{
    struct participant *p = shard_find_participant(c, grant->participant);
    struct publication *publication = p != NULL ? p->publications[grant->slot] : NULL;
    if (publication == NULL || publication->open == grant->open)
        return;
    publication->open = grant->open;
    if (grant->open)
        shard_restart_publication(publication, now);
    else
        publication_clear_caches(publication);
}
