/* "Do they see and hear me?": what a page says of itself, the staff's one line and its list. */
#include "signaling/core/requests.h"
#include "signaling/core/talk_fan_out.h"

REQUEST(report)
{
    (void)at;
    struct participant *p = c->participant;
    struct delivery_claim claim = p->claim;
    if ((message->sound == NULL && message->picture == NULL) ||
        (message->sound != NULL &&
         !delivery_sound_find(bytes_of_string(message->sound), &claim.sound)) ||
        (message->picture != NULL &&
         !delivery_picture_find(bytes_of_string(message->picture), &claim.picture)))
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

static struct delivery_state judge(const struct participant *p)
{
    return delivery_judge(p->media == MEDIA_CONNECTED, p->screen, p->claim);
}

static void write_ids(const struct classroom *classroom, const char *key,
                      bool (*belongs)(struct delivery_state), struct text_json *text)
{
    size_t written = 0;
    text_json_open(text, key, '[');
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (is_counted(p) && belongs(judge(p)) && written++ < LIMIT_QUEUE_SHOWN)
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

static bool is_claimed(struct delivery_state state)
{
    return state.claimed;
}

void talk_write_delivery(const struct classroom *classroom, struct text_json *text)
{
    size_t total = 0, fine = 0;
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        if (!is_counted(p))
            continue;
        struct delivery_state state = judge(p);
        total++;
        fine += !state.deaf && !state.blind;
    }
    text_json_uint(text, "total", total);
    text_json_uint(text, "ok", fine);
    write_ids(classroom, "deaf", is_deaf, text);
    write_ids(classroom, "blind", is_blind, text);
    write_ids(classroom, "reduced", is_reduced, text);
    write_ids(classroom, "claimed", is_claimed, text);
}

static void write_person(const struct participant *p, struct text_json *text)
{
    struct delivery_state state = judge(p);
    text_json_open(text, NULL, '{');
    text_json_id(text, "id", p->record.id);
    text_json_string(text, "name", p->record.name);
    text_json_string(text, "media", participant_media_name(p->media));
    text_json_bool(text, "deaf", state.deaf);
    text_json_bool(text, "blind", state.blind);
    text_json_bool(text, "claimed", state.claimed);
    text_json_string(text, "screen", control_quality_name(p->screen));
    text_json_string(text, "sound", delivery_sound_name(p->claim.sound));
    text_json_string(text, "picture", delivery_picture_name(p->claim.picture));
    text_json_number(text, "loss", p->rates.loss_out_permille / 10.0);
    text_json_uint(text, "rtt_ms", p->rates.rtt_us / 1000);
    text_json_uint(text, "bps", p->rates.bps_out);
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
