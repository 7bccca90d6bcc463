/* One SDP exchange: the client's offer becomes a request to the relay, the relay's parameters
 * become the answer. While the relay is away an offer waits for it, RELAY_ANSWER_WITHIN_US in all.
 */
#include "signaling/core/negotiation.h"
#include "signaling/core/secrets.h"
#include "signaling/core/service_internal.h"

#define ANSWER_BYTES 81920

struct offer {
    struct offer_reply reply;
    usec_t deadline;
    bool is_restart;  /* ICE only: the transport stays */
    bool is_fragment; /* the answer is a fragment, not SDP */
    bool sent;
    uint32_t request; /* of the control link, when sent */
    struct negotiation negotiation;
};

usec_t offer_get_deadline(const struct participant *p)
{
    return p->offer != NULL ? p->offer->deadline : USEC_NEVER;
}

uint64_t offer_get_exchange(const struct participant *p)
{
    return p->offer != NULL ? p->offer->reply.exchange : 0;
}

bool offer_is_patch(const struct participant *p)
{
    return p->offer != NULL && p->offer->reply.is_patch;
}

void offer_mark_unsent(struct participant *p)
{
    if (p->offer != NULL)
        p->offer->sent = false;
}

static void forget(struct service *service, struct participant *p)
{
    if (p->offer == NULL)
        return;
    if (p->offer->sent)
        (void)relay_directory_finish_request(&service->relays, p->offer->request);
    free(p->offer);
    p->offer = NULL;
}

void offer_cancel(struct service *service, struct instant at, struct participant *p,
                  enum client_error error)
{
    if (p->offer == NULL)
        return;
    struct offer_reply reply = p->offer->reply;
    forget(service, p);
    if (error == CLIENT_OK)
        return;
    struct connection *c = service_find_connection(service, reply.connection);
    if (c != NULL)
        dispatcher_refuse(service, at, c, reply.to, error);
    else if (reply.exchange != 0)
        http_reply_error(service, reply.exchange, error);
}

/* --- To the relay */

static void send_add(struct service *service, struct participant *p, struct offer *offer)
{
    struct control_message message = {.type = CONTROL_PARTICIPANT_ADD, .id = offer->request};
    message.participant_add = offer->negotiation.add;
    message.participant_add.room = p->classroom->record.room;
    message.participant_add.participant = p->record.id;
    message.participant_add.session = p->record.session;
    service_tell_relay(service, p->classroom->relay, &message);
    /* In order behind the add: what this participant may send, and what it is bound to. */
    classroom_handle_transport_added(p->classroom, p);
}

static void send_restart(struct service *service, struct participant *p, struct offer *offer)
{
    struct control_message message = {.type = CONTROL_ICE_RESTART, .id = offer->request};
    message.ice_restart =
        (struct control_ice_restart){.participant = p->record.id,
                                     .session = p->record.session,
                                     .remote_ice = offer->negotiation.add.remote_ice};
    service_tell_relay(service, p->classroom->relay, &message);
}

/* WHIP: what it can show is shown as soon as it may be: at once for a trainer. */
static void share_what_is_published(struct participant *p)
{
    if (p->record.kind != PARTICIPANT_WHIP || !p->record.publishes_video || classroom_is_sharing(p))
        return;
    /* Refused for a learner without the floor: it is shared when the floor is given. */
    enum status status = classroom_start_share(p->classroom, p, false);
    (void)status;
}

/* A new transport has a new number, on disk before the relay sees it: a number is never reused. */
static void dispatch(struct service *service, struct instant at, struct participant *p)
{
    struct offer *offer = p->offer;
    if (p->classroom->relay == SIZE_MAX)
        p->classroom->relay = relay_directory_choose(&service->relays);
    if (!relay_directory_is_ready(&service->relays, p->classroom->relay))
        return; /* waits */
    if (relay_directory_start_request(&service->relays, p->record.id, &offer->request) !=
        STATUS_OK) {
        offer_cancel(service, at, p, CLIENT_NO_RELAY);
        return;
    }
    offer->sent = true;
    if (offer->is_restart) {
        send_restart(service, p, offer);
        return;
    }
    p->record.session++;
    p->unsaved = true;
    /* What arrived at the old one is no proof of the new one. */
    classroom_set_delivered(p->classroom, p, &(struct control_delivery){0});
    service_save_participant(service, p);
    send_add(service, p, offer);
    share_what_is_published(p);
    fan_out_changes(service, p->classroom);
}

void offer_dispatch_waiting(struct service *service, struct instant at, size_t relay)
{
    for (size_t i = 0; i < service->registry.class_count; i++) {
        struct classroom *classroom = service->registry.classes[i];
        if (classroom->relay != relay && classroom->relay != SIZE_MAX)
            continue;
        for (struct participant *p = classroom->first; p != NULL; p = p->next) {
            if (p->offer != NULL && !p->offer->sent)
                dispatch(service, at, p);
        }
    }
}

/* --- From the client */

static enum negotiation_kind kind_of(enum participant_kind kind)
{
    switch (kind) {
    case PARTICIPANT_WHIP:
        return NEGOTIATION_WHIP;
    case PARTICIPANT_WHEP:
        return NEGOTIATION_WHEP;
    case PARTICIPANT_PAGE:
        break;
    }
    return NEGOTIATION_PAGE;
}

static enum client_error error_of(enum status status)
{
    if (status == STATUS_OK)
        return CLIENT_OK;
    if (status == STATUS_NO_MEMORY || status == STATUS_SYSTEM)
        return CLIENT_INTERNAL;
    return status == STATUS_UNSUPPORTED ? CLIENT_NO_CODEC : CLIENT_BAD_SDP;
}

enum client_error offer_check(enum participant_kind kind, struct bytes sdp, const char **fault)
{
    struct negotiation *negotiation = calloc(1, sizeof *negotiation);
    *fault = NULL;
    if (negotiation == NULL)
        return CLIENT_INTERNAL;
    enum client_error error = error_of(negotiation_accept_offer(kind_of(kind), sdp, negotiation));
    *fault = error == CLIENT_BAD_SDP ? negotiation->fault : NULL;
    free(negotiation);
    return error;
}

static bool has_send_slot(const struct control_participant_add *add, enum send_slot slot)
{
    for (size_t i = 0; i < add->send_slot_count; i++) {
        if (add->send_slots[i].slot == slot)
            return true;
    }
    return false;
}

/* A bit per codec in which a screen can be received. */
static unsigned screen_codecs_of(const struct control_participant_add *add)
{
    unsigned codecs = 0;
    for (size_t i = 0; i < add->receive_slot_count; i++) {
        const struct receive_slot_parameters *r = &add->receive_slots[i];
        for (size_t k = 0; r->slot == ROOM_SLOT_SCREEN && k < r->codec_count; k++)
            codecs |= 1u << r->codecs[k].codec;
    }
    return codecs;
}

/* The newest offer counts: the one under way, if any, is answered with media_gone; but a restart
 * that a newer one replaces has lost no transport. */
static void put_under_way(struct service *service, struct instant at, struct participant *p,
                          struct offer *offer)
{
    bool both_restart = offer->is_restart && p->offer != NULL && p->offer->is_restart;
    offer_cancel(service, at, p, both_restart ? CLIENT_STALE : CLIENT_MEDIA_GONE);
    p->offer = offer;
    offer->deadline = at.now + RELAY_ANSWER_WITHIN_US;
    dispatch(service, at, p);
    service_arm_participant(service, p);
}

static bool is_transport_there(const struct participant *p)
{
    return p->media != MEDIA_NONE && p->record.session > 0 &&
           (p->offer == NULL || p->offer->is_restart);
}

enum client_error offer_start(struct service *service, struct instant at, struct participant *p,
                              struct bytes sdp, bool restart, struct offer_reply reply)
{
    if (restart && !is_transport_there(p))
        return CLIENT_MEDIA_GONE;
    struct offer *offer = calloc(1, sizeof *offer);
    if (offer == NULL)
        return CLIENT_INTERNAL;
    enum client_error error =
        error_of(negotiation_accept_offer(kind_of(p->record.kind), sdp, &offer->negotiation));
    if (error != CLIENT_OK) {
        free(offer);
        return error == CLIENT_NO_CODEC && p->record.kind == PARTICIPANT_PAGE ? CLIENT_BAD_SDP
                                                                              : error;
    }
    offer->reply = reply;
    offer->is_restart = restart;
    if (!restart)
        p->screen_codecs = screen_codecs_of(&offer->negotiation.add);
    if (p->record.kind == PARTICIPANT_WHIP && !restart)
        p->record.publishes_video = has_send_slot(&offer->negotiation.add, SEND_SLOT_SCREEN);
    put_under_way(service, at, p, offer);
    return CLIENT_OK;
}

/* --- Fragments (RFC 8840) */

enum status offer_parse_fragment(struct bytes body, struct ice_fragment *out)
{
    *out = (struct ice_fragment){0};
    return negotiation_parse_fragment(body, &out->ice);
}

bool offer_is_restart(const struct participant *p, const struct ice_fragment *fragment)
{
    uint8_t hash[RESUME_HASH_BYTES];
    if (fragment->ice.ufrag[0] == '\0')
        return false;
    secret_hash(bytes_of_string(fragment->ice.ufrag), hash);
    return memcmp(hash, p->record.ufrag_hash, sizeof hash) != 0;
}

enum client_error offer_start_fragment(struct service *service, struct instant at,
                                       struct participant *p, const struct ice_fragment *fragment,
                                       struct offer_reply reply)
{
    if (!is_transport_there(p))
        return CLIENT_MEDIA_GONE;
    if (fragment->ice.pwd[0] == '\0')
        return CLIENT_BAD_SDP;
    struct offer *offer = calloc(1, sizeof *offer);
    if (offer == NULL)
        return CLIENT_INTERNAL;
    offer->reply = reply;
    offer->is_restart = offer->is_fragment = true;
    offer->negotiation.add.remote_ice = fragment->ice;
    put_under_way(service, at, p, offer);
    return CLIENT_OK;
}

/* --- From the relay */

static void send_page_answer(struct service *service, const struct offer *offer, struct bytes sdp)
{
    struct text_json text = {0};
    char *copy = malloc(sdp.size + 1);
    if (copy == NULL || !bytes_to_string(sdp, copy, sdp.size + 1)) {
        free(copy);
        return; /* the page's own time limit makes it ask again */
    }
    text_json_open(&text, NULL, '{');
    text_json_string(&text, "type", "answer");
    text_json_uint(&text, "to", offer->reply.to);
    text_json_string(&text, "sdp", copy);
    text_json_close(&text, '}');
    free(copy);
    output_queue_send_packable(&service->outputs, offer->reply.connection,
                               output_queue_keep(&service->outputs, &text));
}

static enum status write_answer(const struct offer *offer,
                                const struct control_participant_added *added, struct bytes_mut out,
                                size_t *size)
{
    if (offer->is_fragment)
        return negotiation_write_fragment(added, out, size);
    return negotiation_write_answer(&offer->negotiation, added, out, size);
}

/* What a later PATCH is compared with, and its ETag. */
static void remember_ice(struct participant *p, const struct offer *offer)
{
    secret_hash(bytes_of_string(offer->negotiation.add.remote_ice.ufrag), p->record.ufrag_hash);
    if (p->record.kind != PARTICIPANT_PAGE && offer->is_restart &&
        secret_id_make(p->record.etag) != STATUS_OK)
        p->record.etag[0] = '\0';
    p->unsaved = true;
}

void offer_handle_added(struct service *service, struct instant at, struct participant *p,
                        uint32_t to, const struct control_participant_added *added)
{
    struct offer *offer = p->offer;
    if (offer == NULL || !offer->sent || offer->request != to)
        return;
    uint8_t *text = malloc(ANSWER_BYTES);
    size_t size = 0;
    enum status status = STATUS_NO_MEMORY;
    if (text != NULL)
        status = write_answer(offer, added, (struct bytes_mut){text, ANSWER_BYTES}, &size);
    if (status != STATUS_OK) {
        free(text);
        log_error(&service->log, "answer_failed", "status=%s", status_name(status));
        offer_cancel(service, at, p, CLIENT_INTERNAL);
        return;
    }
    remember_ice(p, offer);
    service_save_participant(service, p);
    if (offer->reply.exchange != 0)
        whip_handle_answer(service, at, p, offer->reply, bytes_of(text, size));
    else
        send_page_answer(service, offer, bytes_of(text, size));
    free(text);
    bool restart = offer->is_restart;
    forget(service, p);
    service_arm_participant(service, p);
    if (!restart)
        fan_out_set_media(service, p, MEDIA_CONNECTING);
}

/* The exchange failed; a WHIP or WHEP session that never began ends with it. */
static void give_up(struct service *service, struct instant at, struct participant *p,
                    enum client_error error)
{
    bool session_fails =
        p->record.kind != PARTICIPANT_PAGE && (!p->offer->is_restart || error == CLIENT_MEDIA_GONE);
    offer_cancel(service, at, p, error);
    service_arm_participant(service, p);
    if (session_fails)
        service_remove_participant(service, at, p, LEAVE_REMOVED, GOODBYE_COUNT);
    else if (p->media == MEDIA_NONE)
        fan_out_set_media(service, p, MEDIA_NONE); /* what was granted ahead went nowhere */
}

void offer_handle_error(struct service *service, struct instant at, struct participant *p,
                        uint32_t to, const char *code)
{
    if (p->offer == NULL || !p->offer->sent || p->offer->request != to)
        return;
    enum client_error error = CLIENT_INTERNAL;
    if (strcmp(code, "full") == 0 || strcmp(code, "timeout") == 0)
        error = CLIENT_NO_RELAY;
    else if (strcmp(code, "bad_parameters") == 0)
        error = CLIENT_BAD_SDP;
    else if (strcmp(code, "not_found") == 0 || strcmp(code, "stale_session") == 0)
        error = CLIENT_MEDIA_GONE;
    p->offer->sent = false; /* the request is finished */
    give_up(service, at, p, error);
}

void offer_handle_timeout(struct service *service, struct instant at, struct participant *p)
{
    if (p->offer == NULL || p->offer->deadline > at.now) {
        service_arm_participant(service, p);
        return;
    }
    give_up(service, at, p, CLIENT_NO_RELAY);
}
