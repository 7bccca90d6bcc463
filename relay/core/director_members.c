/* Who is on which shard and what each may send. */
#include "relay/core/director_private.h"

#include "rtc/ice_lite.h"

/* Its transport is gone, and with it what it was granted: the next one begins closed. */
static void leave(struct director *d, usec_t now, struct director_participant *p)
{
    if (!p->present)
        return;
    struct director_room *room = director_find_room(d, p->room);
    director_end_aside(d, now, p);
    p->present = false;
    p->state = CONTROL_MEDIA_CLOSED;
    memset(p->grants, 0, sizeof p->grants);
    memset(p->active, 0, sizeof p->active);
    d->shards[p->shard].participants--;
    if (room != NULL) {
        director_room_forget(d, now, room, p->id);
        director_room_member_changed(d, room, p->shard, -1);
        director_room_free_if_empty(d, room);
    }
}

void director_forget_participant(struct director *d, usec_t now, struct director_participant *p)
{
    leave(d, now, p);
    hash_map_remove(&d->participants_by_id, p->id);
    pool_release(&d->participants, p->handle);
}

void director_remove_participant(struct director *d, usec_t now, struct director_participant *p)
{
    if (p->present) {
        struct shard_message *m = director_order(d, p->shard, SHARD_PARTICIPANT_REMOVE);
        if (m != NULL)
            m->participant_remove = (struct control_participant_ref){p->id, p->session};
    }
    director_forget_participant(d, now, p);
}

void director_tell_state(struct director *d, const struct director_participant *p,
                         const char *reason)
{
    struct control_message *m = director_tell(d, CONTROL_PARTICIPANT_STATE);
    if (m == NULL)
        return;
    m->participant_state.participant = p->id;
    m->participant_state.session = p->session;
    m->participant_state.state = p->state;
    snprintf(m->participant_state.reason, sizeof m->participant_state.reason, "%s", reason);
}

void director_close_participant(struct director *d, usec_t now, struct director_participant *p,
                                const char *reason)
{
    p->state = CONTROL_MEDIA_CLOSED;
    director_tell_state(d, p, reason);
    director_forget_participant(d, now, p);
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
    for (uint32_t i = 0; i < d->config.address_count; i++) {
        struct control_candidate *c = &out->candidates[out->candidate_count++];
        c->addr = d->config.addresses[i];
        c->addr.port = (uint16_t)(d->config.media_port_base + shard);
        /* RFC 8445 5.1.2.1: host type 126, earlier addresses preferred, component 1. */
        c->priority = 126u << 24 | (65535u - i) << 8 | 255u;
        if (!d->config.media_tcp)
            continue;
        /* RFC 6544 4.2: below every UDP candidate, so that UDP is used where it works; direction 4
         * (passive) of host candidates in the upper bits of the local preference. */
        c = &out->candidates[out->candidate_count++];
        *c = c[-1];
        c->tcp = true;
        c->priority = 90u << 24 | (4u << 13 | (8191u - i)) << 8 | 255u;
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

/* A newer session takes the place of the one that is there. */
static void end_session(struct director *d, usec_t now, struct director_participant *p)
{
    struct shard_message *m = director_order(d, p->shard, SHARD_PARTICIPANT_REMOVE);
    if (m != NULL)
        m->participant_remove = (struct control_participant_ref){p->id, p->session};
    leave(d, now, p);
}

static struct director_room *find_place(struct director *d, uint64_t room)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < d->config.shard_count; i++)
        total += d->shards[i].participants;
    return total < d->config.capacity ? director_room_add(d, room) : NULL;
}

/* Its grants stay: they may have been given ahead of it. */
static void begin_session(struct director *d, struct director_participant *p,
                          const struct control_participant_add *add)
{
    p->room = add->room;
    p->session = add->session;
    p->shard = least_loaded_shard(d);
    p->present = true;
    p->screen = CONTROL_QUALITY_FULL;
    memset(p->demand, 0, sizeof p->demand);
    p->state = CONTROL_MEDIA_CONNECTING;
    p->speaker = (struct speaker){0};
    memset(p->active, 0, sizeof p->active);
    p->has_mic = false;
    for (size_t i = 0; i < add->send_slot_count; i++)
        p->has_mic = p->has_mic || add->send_slots[i].slot == SEND_SLOT_MIC;
    memset(&p->stats, 0, sizeof p->stats);
    memset(&p->reported, 0, sizeof p->reported);
    d->shards[p->shard].participants++;
}

void director_handle_participant_add(struct director *d, usec_t now,
                                     const struct control_message *in)
{
    const struct control_participant_add *add = &in->participant_add;
    struct director_participant *p = director_find_participant(d, add->participant);
    if (p != NULL && p->present && add->session < p->session) {
        director_answer_error(d, in->id, "stale_session",
                              "A newer session of this participant is known.");
        return;
    }
    if (p != NULL && p->present)
        end_session(d, now, p);
    struct director_room *room = find_place(d, add->room);
    p = room != NULL ? director_add_participant(d, add->participant) : NULL;
    struct shard_participant_add *order = p != NULL ? calloc(1, sizeof *order) : NULL;
    if (order == NULL || ice_credentials_generate(&order->local_ice) != STATUS_OK) {
        free(order);
        if (room != NULL)
            director_room_free_if_empty(d, room);
        director_answer_error(d, in->id, "full", "This relay takes no more participants.");
        return;
    }
    order->params = *add;
    begin_session(d, p, add);
    /* The shard learns of the room first, then of the participant, then what it may send. */
    director_room_member_changed(d, room, p->shard, 1);
    struct shard_message *m = director_order(d, p->shard, SHARD_PARTICIPANT_ADD);
    if (m == NULL) {
        free(order);
        director_forget_participant(d, now, p);
        director_answer_error(d, in->id, "full", "This relay is not keeping up.");
        return;
    }
    struct control_message *answer = director_tell(d, CONTROL_PARTICIPANT_ADDED);
    if (answer != NULL) {
        answer->to = in->id;
        fill_added(d, p->shard, &order->local_ice, &answer->participant_added);
    }
    m->participant_add = order;
    order_grants(d, p);
    rebind(d, now, room, p);
}

void director_handle_ice_restart(struct director *d, const struct control_message *in)
{
    const struct control_ice_restart *restart = &in->ice_restart;
    struct director_participant *p = director_find_participant(d, restart->participant);
    struct ice_parameters local;
    if (p == NULL || !p->present || p->session != restart->session ||
        ice_credentials_generate(&local) != STATUS_OK) {
        director_answer_error(d, in->id, "not_found", "There is no such transport.");
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

void director_apply_grant(struct director *d, usec_t now, struct director_participant *p,
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

bool director_has_grants(const struct director_participant *p)
{
    for (int slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        if (p->grants[slot].open)
            return true;
    }
    return false;
}

void director_handle_grant(struct director *d, usec_t now, const struct control_message *in)
{
    const struct control_grant *grant = &in->grant;
    struct director_participant *p = grant->open ? director_add_participant(d, grant->participant)
                                                 : director_find_participant(d, grant->participant);
    if (p == NULL && grant->open) {
        director_answer_error(d, in->id, "full", "This relay keeps no more grants.");
        return;
    }
    if (p != NULL)
        director_apply_grant(d, now, p, grant);
    if (p != NULL && !p->present && !director_has_grants(p))
        director_forget_participant(d, now, p);
    director_answer_ok(d, in->id);
}

static void reset_shard(struct director *d, usec_t now, uint32_t shard)
{
    uint32_t at = 0;
    struct pool_handle handle;
    struct director_participant *p;
    (void)director_order(d, shard, SHARD_RESET);
    while ((p = pool_next(&d->participants, &at, &handle)) != NULL) {
        if (p->present && p->shard == shard)
            director_close_participant(d, now, p, "failed");
    }
}

void director_reset_shards(struct director *d, usec_t now)
{
    if (d->shard_messages.count > 0)
        return; /* what waits is of before; and nothing can be lost of what follows */
    for (uint32_t i = 0; i < d->config.shard_count; i++) {
        if (!d->shards[i].has_lost_orders)
            continue;
        d->shards[i].has_lost_orders = false;
        log_warn(&d->log, "shard_reset", "shard=%u participants=%u", i, d->shards[i].participants);
        reset_shard(d, now, i);
    }
}
