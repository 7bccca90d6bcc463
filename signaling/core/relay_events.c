/* What relays say, and the resync after either side was away (docs/control-protocol.md). */
#include "signaling/core/service_internal.h"

#include <inttypes.h>

static struct participant *find_participant(const struct service *service, uint64_t id)
{
    return classroom_registry_find_participant(&service->registry, id);
}

static enum participant_media media_of(enum control_media_state state)
{
    switch (state) {
    case CONTROL_MEDIA_CONNECTING:
        return MEDIA_CONNECTING;
    case CONTROL_MEDIA_CONNECTED:
        return MEDIA_CONNECTED;
    case CONTROL_MEDIA_QUIET:
        return MEDIA_QUIET;
    case CONTROL_MEDIA_CLOSED:
        break;
    }
    return MEDIA_NONE;
}

/* Its transport is gone: a page makes a new one, a WHIP or WHEP session ends with it. */
static void lose_transport(struct service *service, struct instant at, struct participant *p,
                           const char *reason)
{
    if (p->record.kind != PARTICIPANT_PAGE) {
        if (p->offer == NULL || offer_is_patch(p))
            service_remove_participant(service, at, p, LEAVE_TIMEOUT, GOODBYE_COUNT);
        return;
    }
    bool told = p->media != MEDIA_NONE && p->offer == NULL;
    fan_out_set_media(service, p, MEDIA_NONE);
    if (told)
        fan_out_media_reset(service, p, reason);
}

/* --- Resync */

static void remove_stray(struct service *service, size_t relay,
                         const struct control_sync_participant *held)
{
    struct control_message message = {
        .type = CONTROL_PARTICIPANT_REMOVE,
        .participant_remove = {.participant = held->participant, .session = held->session}};
    service_tell_relay(service, relay, &message);
}

static void handle_sync_participant(struct service *service, size_t relay,
                                    const struct control_sync_participant *held)
{
    struct participant *p = find_participant(service, held->participant);
    if (p == NULL || p->classroom->record.room != held->room ||
        (p->classroom->relay != relay && p->classroom->relay != SIZE_MAX)) {
        remove_stray(service, relay, held);
        return;
    }
    p->classroom->relay = relay;
    p->sync_round = service->relays.relays[relay].sync_round;
    /* A session number that we never saved: the store lost its last moments. Never reuse it. */
    if (held->session > p->record.session) {
        p->record.session = held->session;
        p->unsaved = true;
        service_save_participant(service, p);
        remove_stray(service, relay, held);
        p->sync_round = 0;
        return;
    }
    if (held->session < p->record.session || held->state == CONTROL_MEDIA_CLOSED) {
        remove_stray(service, relay, held);
        p->sync_round = 0;
        return;
    }
    p->transport_wanted = true;
    fan_out_set_media(service, p, media_of(held->state));
}

static bool is_another_syncing(const struct service *service, size_t relay)
{
    for (size_t i = 0; i < SERVICE_RELAYS_MAX; i++) {
        const struct relay *r = &service->relays.relays[i];
        if (i != relay && r->connected && !r->synced)
            return true;
    }
    return false;
}

/* Whether this class's media is this relay's business. A class restored from the store with
 * transports, which no relay has claimed, was on a relay that is gone. */
static bool is_class_of(const struct service *service, const struct classroom *classroom,
                        size_t relay)
{
    return classroom->relay == relay ||
           (classroom->relay == SIZE_MAX && !is_another_syncing(service, relay));
}

static void drop_missing(struct service *service, struct instant at, size_t relay,
                         struct classroom *classroom)
{
    const struct relay *r = &service->relays.relays[relay];
    const char *reason = r->restarted ? "relay_restarted" : "lost";
    for (struct participant *p = classroom->first, *next; p != NULL; p = next) {
        next = p->next;
        if (p->media != MEDIA_NONE && p->sync_round != r->sync_round)
            lose_transport(service, at, p, reason);
    }
}

static void handle_sync_end(struct service *service, struct instant at, size_t relay)
{
    struct relay *r = &service->relays.relays[relay];
    if (r->synced)
        return;
    for (size_t i = 0; i < service->registry.class_count; i++) {
        struct classroom *classroom = service->registry.classes[i];
        if (!is_class_of(service, classroom, relay))
            continue;
        drop_missing(service, at, relay, classroom);
        if (classroom->relay != relay)
            continue;
        classroom_repeat_relay_state(classroom);
        fan_out_changes(service, classroom);
    }
    struct control_message end = {.type = CONTROL_SYNC_END};
    service_tell_relay(service, relay, &end);
    r->synced = true;
    r->restarted = false;
    log_info(&service->log, "relay_synced", "relay=%zu", relay);
    offer_dispatch_waiting(service, at, relay);
}

/* --- Events */

static void handle_state(struct service *service, struct instant at,
                         const struct control_participant_state *state)
{
    struct participant *p = find_participant(service, state->participant);
    if (p == NULL || p->record.session != state->session)
        return; /* of a transport that has been replaced, or of somebody who left */
    if (state->state == CONTROL_MEDIA_CLOSED)
        lose_transport(service, at, p, "lost");
    else
        fan_out_set_media(service, p, media_of(state->state));
}

static void handle_publication(struct service *service,
                               const struct control_publication *publication)
{
    struct participant *p = find_participant(service, publication->participant);
    if (p == NULL || publication->slot >= SEND_SLOT_COUNT)
        return;
    classroom_set_publication(p->classroom, p, publication->slot, publication->active);
    service_save_participant(service, p);
    fan_out_changes(service, p->classroom);
}

static void handle_quality(struct service *service,
                           const struct control_participant_quality *quality)
{
    struct participant *p = find_participant(service, quality->participant);
    if (p == NULL || p->screen == quality->screen)
        return;
    p->screen = quality->screen;
    fan_out_quality(service, p);
    classroom_note_delivery(p->classroom);
    service_arm_classroom(service, p->classroom);
}

/* A join is finished when something is known to arrive. Where nothing does, the page is told to
 * connect once more; should that not help either, it is told so, and staff sees it in the list. */
static void repair(struct service *service, struct instant at, struct participant *p)
{
    bool is_lost = p->delivered.hears == CONTROL_HEARING_NO && !p->delivered.reached;
    if (p->delivered.reached)
        p->repaired = false;
    if (is_lost && !p->repaired && p->media == MEDIA_CONNECTED && p->offer == NULL &&
        p->record.kind == PARTICIPANT_PAGE) {
        p->repaired = true;
        log_info(&service->log, "participant_unreached", "participant=%" PRIu64, p->record.id);
        lose_transport(service, at, p, "unreached");
    } else if (is_lost != p->unreached_told) {
        p->unreached_told = is_lost;
        fan_out_reached(service, p, !is_lost);
    }
}

static void note_delivered(struct service *service, struct instant at,
                           const struct control_delivery *delivered)
{
    struct participant *p = find_participant(service, delivered->participant);
    if (p == NULL || p->record.session != delivered->session || p->media == MEDIA_NONE)
        return; /* of a transport that has been replaced; or said by a relay that does not measure
                 */
    classroom_set_delivered(p->classroom, p, delivered);
    service_arm_classroom(service, p->classroom);
    repair(service, at, p);
}

static void handle_delivery(struct service *service, struct instant at,
                            const struct control_deliveries *deliveries)
{
    for (size_t i = 0; i < deliveries->count; i++)
        note_delivered(service, at, &deliveries->list[i]);
}

static void handle_demand(struct service *service, const struct control_demand *demand)
{
    struct participant *p = find_participant(service, demand->participant);
    if (p == NULL || demand->slot >= SEND_SLOT_COUNT ||
        p->demand[demand->slot] == demand->encodings)
        return;
    p->demand[demand->slot] = demand->encodings;
    fan_out_demand(service, p, demand->slot);
}

static void handle_slot_bound(struct service *service, struct instant at,
                              const struct control_slot_bound *bound)
{
    struct classroom *classroom = classroom_registry_find_room(&service->registry, bound->room);
    if (classroom == NULL || bound->slot >= ROOM_SLOT_COUNT)
        return;
    classroom_set_slot(classroom, bound->slot, bound->participant, at.now);
    service_arm_classroom(service, classroom);
}

static void handle_speakers(struct service *service, const struct control_speakers *speakers)
{
    struct classroom *classroom = classroom_registry_find_room(&service->registry, speakers->room);
    if (classroom == NULL)
        return;
    classroom_set_speaking(classroom, speakers->participants, speakers->count);
    service_arm_classroom(service, classroom);
}

static void handle_room_stats(struct service *service, struct instant at,
                              const struct control_room_stats *stats)
{
    for (size_t i = 0; i < stats->count && i < CONTROL_ROOM_STATS_MAX; i++) {
        struct participant *p = find_participant(service, stats->participants[i].participant);
        if (p == NULL || p->classroom->record.room != stats->room)
            continue;
        p->rates = (struct participant_rates){
            .bps_in = stats->participants[i].bps_in,
            .bps_out = stats->participants[i].bps_out,
            .loss_in_permille = stats->participants[i].loss_in_permille,
            .loss_out_permille = stats->participants[i].loss_out_permille,
            .rtt_us = stats->participants[i].rtt_us,
            .tcp = stats->participants[i].tcp};
        classroom_set_voice_loss(p->classroom, p, stats->participants[i].voice_loss_in_permille);
        service_arm_classroom(service, p->classroom);
        note_delivered(service, at, &stats->participants[i].delivery);
    }
}

static void handle_answer(struct service *service, struct instant at,
                          const struct control_message *message)
{
    if (message->type == CONTROL_ERROR) {
        service->counters.relay_errors++;
        log_warn(&service->log, "relay_refused", "code=%s", message->error.code);
    }
    struct participant *p =
        find_participant(service, relay_directory_finish_request(&service->relays, message->to));
    if (p == NULL)
        return;
    if (message->type == CONTROL_PARTICIPANT_ADDED)
        offer_handle_added(service, at, p, message->to, &message->participant_added);
    else if (message->type == CONTROL_ERROR)
        offer_handle_error(service, at, p, message->to, message->error.code);
}

void relay_events_handle(struct service *service, struct instant at, size_t relay,
                         const struct control_message *message)
{
    if (!service->relays.relays[relay].connected)
        return;
    if (message->to != 0) {
        handle_answer(service, at, message);
        return;
    }
    switch (message->type) {
    case CONTROL_HELLO:
        relay_directory_handle_hello(&service->relays, relay, &message->hello);
        break;
    case CONTROL_SYNC_PARTICIPANT:
        handle_sync_participant(service, relay, &message->sync_participant);
        break;
    case CONTROL_SYNC_END:
        handle_sync_end(service, at, relay);
        break;
    case CONTROL_PARTICIPANT_STATE:
        handle_state(service, at, &message->participant_state);
        break;
    case CONTROL_SLOT_BOUND:
        handle_slot_bound(service, at, &message->slot_bound);
        break;
    case CONTROL_PUBLICATION:
        handle_publication(service, &message->publication);
        break;
    case CONTROL_PARTICIPANT_QUALITY:
        handle_quality(service, &message->participant_quality);
        break;
    case CONTROL_DELIVERY:
        handle_delivery(service, at, &message->delivery);
        break;
    case CONTROL_DEMAND:
        handle_demand(service, &message->demand);
        break;
    case CONTROL_SPEAKERS:
        handle_speakers(service, &message->speakers);
        break;
    case CONTROL_RELAY_STATS:
        relay_directory_handle_stats(&service->relays, relay, &message->relay_stats);
        break;
    case CONTROL_ROOM_STATS:
        handle_room_stats(service, at, &message->room_stats);
        break;
    default: /* a relay asks nothing */
        break;
    }
}

void relay_events_handle_connected(struct service *service, size_t relay)
{
    relay_directory_handle_connected(&service->relays, relay);
    log_info(&service->log, "relay_connected", "relay=%zu", relay);
}

void relay_events_handle_disconnected(struct service *service, size_t relay)
{
    relay_directory_handle_disconnected(&service->relays, relay);
    log_warn(&service->log, "relay_lost", "relay=%zu", relay);
    /* Answers to what was under way will never come: it is sent again after the resync. */
    for (size_t i = 0; i < service->registry.class_count; i++) {
        struct classroom *classroom = service->registry.classes[i];
        if (classroom->relay != relay)
            continue;
        for (struct participant *p = classroom->first; p != NULL; p = p->next)
            offer_mark_unsent(p);
        classroom_forget_delivered(classroom); /* media may flow on, but nobody sees it */
        service_arm_classroom(service, classroom);
    }
}
