/* "Do they see and hear me?": what a page says of itself, the staff's one line and its list. */
#include "signaling/core/requests.h"
#include "signaling/core/talk_fan_out.h"

#include <inttypes.h>

/* The relay sees UDP and TCP itself; that a TURN server stands between only the page knows. */
static bool find_path(const char *path, bool *relayed)
{
    *relayed = strcmp(path, "tls") == 0;
    return *relayed || strcmp(path, "udp") == 0 || strcmp(path, "tcp") == 0;
}

REQUEST(report)
{
    (void)at;
    struct participant *p = c->participant;
    struct delivery_claim claim = p->claim;
    if ((message->sound == NULL && message->picture == NULL && message->path == NULL) ||
        (message->sound != NULL &&
         !delivery_sound_find(bytes_of_string(message->sound), &claim.sound)) ||
        (message->picture != NULL &&
         !delivery_picture_find(bytes_of_string(message->picture), &claim.picture)))
        return CLIENT_BAD_MESSAGE;
    if (message->path != NULL && !find_path(message->path, &claim.relayed))
        return CLIENT_BAD_MESSAGE;
    classroom_set_claim(p->classroom, p, claim);
    dispatcher_send_ok(service, c, message->id);
    return CLIENT_OK;
}

/* Of learners: they are who a class is taught to. */
static bool is_counted(const struct participant *p)
{
    return p->record.role == ROLE_LEARNER && p->record.kind != PARTICIPANT_WHIP;
}

static void write_ids(const struct classroom *classroom, const char *key,
                      bool (*belongs)(struct delivery_state), struct text_json *text)
{
    size_t written = 0;
    text_json_open(text, key, '[');
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (is_counted(p) && belongs(participant_get_delivery(p)) && written++ < LIMIT_QUEUE_SHOWN)
            text_json_id(text, NULL, p->record.id);
    }
    text_json_close(text, ']');
}

static bool is_deaf(struct delivery_state state)
{
    return state.deaf;
}

static bool is_blind(struct delivery_state state)
{
    return state.blind;
}

static bool is_reduced(struct delivery_state state)
{
    return state.reduced;
}

static bool is_narrow(struct delivery_state state)
{
    return state.narrow;
}

static bool is_unknown(struct delivery_state state)
{
    return state.unknown;
}

static bool is_claimed(struct delivery_state state)
{
    return state.claimed;
}

static bool is_poor(struct delivery_state state)
{
    return state.poor;
}

/* Who is blind is in another list: here is who sees, but too late. */
static bool is_late(struct delivery_state state)
{
    return state.behind_s > 0 && !state.blind;
}

static void write_late(const struct classroom *classroom, struct text_json *text)
{
    size_t written = 0;
    text_json_open(text, "late", '[');
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        struct delivery_state state = participant_get_delivery(p);
        if (!is_counted(p) || !is_late(state) || written++ >= LIMIT_QUEUE_SHOWN)
            continue;
        text_json_open(text, NULL, '{');
        text_json_id(text, "id", p->record.id);
        text_json_uint(text, "behind_s", state.behind_s);
        text_json_close(text, '}');
    }
    text_json_close(text, ']');
}

/* Of those in `claimed` whose sound is the trouble: what their page says of it. */
static void write_sounds(const struct classroom *classroom, struct text_json *text)
{
    size_t written = 0;
    char id[24];
    text_json_open(text, "sounds", '{');
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        struct delivery_state state = participant_get_delivery(p);
        if (!is_counted(p) || !state.claimed || !state.deaf || written++ >= LIMIT_QUEUE_SHOWN)
            continue;
        snprintf(id, sizeof id, "%" PRIu64, p->record.id);
        text_json_string(text, id, delivery_sound_name(p->claim.sound));
    }
    text_json_close(text, '}');
}

void talk_write_delivery(const struct classroom *classroom, struct text_json *text)
{
    size_t total = 0, fine = 0;
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (!is_counted(p))
            continue;
        total++;
        fine += delivery_is_fine(participant_get_delivery(p));
    }
    text_json_uint(text, "total", total);
    text_json_uint(text, "ok", fine);
    write_ids(classroom, "deaf", is_deaf, text);
    write_ids(classroom, "blind", is_blind, text);
    write_ids(classroom, "reduced", is_reduced, text);
    write_ids(classroom, "narrow", is_narrow, text);
    write_ids(classroom, "unknown", is_unknown, text);
    write_ids(classroom, "claimed", is_claimed, text);
    write_ids(classroom, "poor", is_poor, text);
    write_late(classroom, text);
    write_sounds(classroom, text);
}

const char *talk_path_name(const struct participant *p)
{
    if (p->media != MEDIA_CONNECTED)
        return NULL;
    return p->claim.relayed ? "tls" : p->rates.tcp ? "tcp" : "udp";
}

static void write_measured(const struct participant *p, struct text_json *text)
{
    const struct control_delivery *d = &p->delivered;
    text_json_string(text, "hears", control_hearing_name(d->hears));
    text_json_bool(text, "reached", d->reached);
    text_json_uint(text, "behind_s", d->screen_behind_ms / 1000);
    text_json_number(text, "loss", p->rates.loss_out_permille / 10.0);
    text_json_number(text, "voice_loss", d->voice_loss_permille / 10.0);
    text_json_uint(text, "voice_delay_ms", d->voice_delay_ms);
    text_json_uint(text, "rtt_ms", p->rates.rtt_us / 1000);
    text_json_uint(text, "bps", p->rates.bps_out);
    if (d->estimate_bps > 0)
        text_json_uint(text, "estimate_bps", d->estimate_bps);
    else
        text_json_null(text, "estimate_bps");
    text_json_uint(text, "encoding", d->encoding);
    if (d->temporal_max < UINT8_MAX)
        text_json_uint(text, "temporal_max", d->temporal_max);
    else
        text_json_null(text, "temporal_max");
    text_json_string(text, "path", talk_path_name(p));
}

static void write_person(const struct participant *p, struct text_json *text)
{
    struct delivery_state state = participant_get_delivery(p);
    text_json_open(text, NULL, '{');
    text_json_id(text, "id", p->record.id);
    text_json_string(text, "name", p->record.name);
    text_json_string(text, "media", participant_media_name(p->media));
    text_json_bool(text, "deaf", state.deaf);
    text_json_bool(text, "blind", state.blind);
    text_json_bool(text, "claimed", state.claimed);
    text_json_bool(text, "narrow", state.narrow);
    text_json_string(text, "screen", control_quality_name(p->screen));
    text_json_string(text, "sound", delivery_sound_name(p->claim.sound));
    text_json_string(text, "picture", delivery_picture_name(p->claim.picture));
    text_json_bool(text, "silent", !p->has_spoken);
    write_measured(p, text);
    text_json_close(text, '}');
}

REQUEST(delivery_list)
{
    static const struct rate_limit_rule rule = {SECONDS(1) / RATE_HISTORY_PER_S,
                                                RATE_HISTORY_BURST};
    if (!rate_limit_take(&c->participant->history_limit, at.now, rule))
        return CLIENT_TOO_MANY;
    struct text_json text = {0};
    dispatcher_open_answer(&text, "delivery_list", message->id);
    text_json_open(&text, "people", '[');
    for (const struct participant *p = c->participant->classroom->first; p != NULL; p = p->next) {
        if (is_counted(p))
            write_person(p, &text);
    }
    text_json_close(&text, ']');
    text_json_close(&text, '}');
    service_send_text(service, c->id, &text);
    return CLIENT_OK;
}
