#include "sim/sim_participant.h"

#include "sim/sim_private.h"
#include "wire/rtp.h"

#include <jansson.h>

#define RECONNECT_FIRST_US MILLISECONDS(250)
#define RECONNECT_LAST_US SECONDS(4)

/* --- What it heard */

static void note_packet(void *context, usec_t now, const struct headless_packet *packet)
{
    struct sim_participant *p = context;
    struct headless_stamp stamp;
    if (!headless_stamp_parse(packet->payload, &stamp) || stamp.who == 0 ||
        stamp.who > (uint64_t)p->sim->participant_count || stamp.at > now)
        return;
    bool video = headless_line_kind(packet->line) == MEDIA_KIND_VIDEO;
    struct sim_heard *heard = &p->heard[stamp.who - 1];
    if (sim_is_forbidden(p->sim, (int)stamp.who - 1, p->number, video, stamp.at))
        p->forbidden++;
    if (video && packet->header->marker) {
        size_t i = packet->header->seq % SIM_ENDS;
        p->ends[i].seq = packet->header->seq;
        p->ends[i].slide_at = stamp.slide_at;
    }
    if (packet->is_repeated)
        return;
    delay_histogram_add(video ? &p->video_delays : &p->voice_delays, now - stamp.at);
    if (video) {
        heard->video++;
        return;
    }
    if (heard->voice++ == 0)
        heard->first_behind_ticks = (uint32_t)(now * 48 / 1000) - packet->header->timestamp;
    heard->first_voice_at = heard->first_voice_at == 0 ? now : heard->first_voice_at;
    heard->last_voice_at = now;
    heard->last_voice_sent_at = usec_max(heard->last_voice_sent_at, stamp.at);
    heard->voice_line = packet->line;
}

static void note_slide(struct sim_participant *p, usec_t now, usec_t slide_at)
{
    if (slide_at == 0 || p->slide_count == SIM_SLIDES_MAX ||
        (p->slide_count > 0 && p->slides[p->slide_count - 1].at >= slide_at))
        return;
    p->slides[p->slide_count].at = slide_at;
    p->slides[p->slide_count++].read_at = now;
}

/* Which pictures have become complete. */
static void look_at_screen(struct sim_participant *p, usec_t now)
{
    uint64_t next = p->peer.pictures->next;
    uint64_t from =
        p->shown_next < next && next - p->shown_next < SIM_ENDS ? p->shown_next : next - SIM_ENDS;
    if (next < SIM_ENDS || !p->peer.pictures->synced)
        return;
    for (uint64_t seq = from; seq < next; seq++) {
        if (p->ends[seq % SIM_ENDS].seq == (uint16_t)seq)
            note_slide(p, now, p->ends[seq % SIM_ENDS].slide_at);
    }
    p->shown_next = next;
}

static void count_text(struct sim_participant *p, const char *type)
{
    p->texts++;
    for (size_t i = 0; i < SIM_MESSAGE_KINDS_MAX; i++) {
        if (p->told[i].type[0] == '\0')
            snprintf(p->told[i].type, sizeof p->told[i].type, "%s", type);
        if (strcmp(p->told[i].type, type) != 0)
            continue;
        p->told[i].count++;
        return;
    }
}

/* --- Out */

static void flush(struct sim_participant *p)
{
    struct net_addr to;
    struct bytes data;
    usec_t now = p->sim->clock.now;
    while (p->connection != 0 && headless_peer_poll_text(&p->peer, &data))
        sim_pipe_send(&p->to_signaling, now, sim_link_text_delay(&p->link, LINK_UP, data.size),
                      data);
    while (headless_peer_poll_datagram(&p->peer, &to, &data))
        sim_link_send(&p->link, LINK_UP, &p->address, &to, data);
    sim_clock_arm(&p->sim->clock, &p->timer, headless_peer_next_timeout(&p->peer, now));
}

static void handle_due(void *owner, usec_t now)
{
    struct sim_participant *p = owner;
    headless_peer_handle_timeout(&p->peer, now);
    flush(p);
}

void sim_participant_send_down(struct sim_participant *p, const struct net_addr *from,
                               const struct net_addr *to, struct bytes data)
{
    sim_link_send(&p->link, LINK_DOWN, from, to, data);
}

static void arrive(void *owner, usec_t now, struct sim_link_datagram *datagram)
{
    struct sim_participant *p = owner;
    sim_digest(p->sim, bytes_const(datagram->data));
    if (p->is_blocked || (p->is_blocked_down && datagram->direction == LINK_DOWN))
        return;
    if (datagram->direction == LINK_UP) {
        sim_handle_datagram(p->sim, now, datagram);
        return;
    }
    if (!net_addr_equal(&datagram->to, &p->address))
        return; /* no such mapping at the NAT any more */
    headless_peer_handle_datagram(&p->peer, now, &datagram->from, datagram->data);
    look_at_screen(p, now);
    flush(p);
}

/* --- The WebSocket: an empty message stands for its opening. */

static void arrive_at_signaling(void *owner, usec_t now, struct bytes text)
{
    struct sim_participant *p = owner;
    (void)now;
    char ip[32];
    snprintf(ip, sizeof ip, "198.51.100.%d", p->number + 1);
    if (text.size > 0)
        sim_signaling_handle_text(p->sim->signaling, p->connection, text);
    else
        sim_signaling_handle_socket(p->sim->signaling, p->connection, ip);
}

static void arrive_at_participant(void *owner, usec_t now, struct bytes text)
{
    struct sim_participant *p = owner;
    if (text.size == 0) { /* closed from the other side */
        uint64_t connection = p->connection;
        sim_participant_handle_closed(p);
        sim_signaling_handle_closed(p->sim->signaling, connection);
        return;
    }
    json_t *m = json_loadb((const char *)text.data, text.size, 0, NULL);
    const char *type = json_string_value(json_object_get(m, "type"));
    CHECK(type != NULL); /* whatever signaling sends is JSON with a type */
    count_text(p, type);
    if (strcmp(type, "delivery") == 0)
        snprintf(p->delivery, sizeof p->delivery, "%.*s", (int)text.size, (const char *)text.data);
    p->reconnect_wait_us = RECONNECT_FIRST_US;
    if (strcmp(type, "welcome") == 0) {
        const json_t *self = json_object_get(m, "participant");
        const char *id = json_string_value(json_object_get(self, "id"));
        p->id = id != NULL ? strtoull(id, NULL, 10) : 0;
    }
    headless_peer_handle_text(&p->peer, now, text);
    json_decref(m);
    flush(p);
}

static bool is_lost_up(void *owner)
{
    return sim_link_loses_text(&((struct sim_participant *)owner)->link, LINK_UP);
}

static bool is_lost_down(void *owner)
{
    return sim_link_loses_text(&((struct sim_participant *)owner)->link, LINK_DOWN);
}

void sim_participant_handle_text(struct sim_participant *p, struct bytes text)
{
    sim_pipe_send(&p->from_signaling, p->sim->clock.now,
                  sim_link_text_delay(&p->link, LINK_DOWN, text.size), text);
}

static void connect_socket(void *owner, usec_t now)
{
    struct sim_participant *p = owner;
    if (p->peer.state == HEADLESS_ENDED || p->stays_away)
        return;
    if (!sim_signaling_is_running(p->sim->signaling)) {
        usec_t shortened = (usec_t)rng_below(&p->sim->rng, (uint64_t)p->reconnect_wait_us / 2);
        sim_clock_arm(&p->sim->clock, &p->reconnect_timer, now + p->reconnect_wait_us - shortened);
        p->reconnect_wait_us = usec_min(2 * p->reconnect_wait_us, RECONNECT_LAST_US);
        return;
    }
    p->connection = ++p->sim->last_connection;
    sim_pipe_send(&p->to_signaling, now, 2 * sim_link_text_delay(&p->link, LINK_UP, 100),
                  BYTES_NONE);
    headless_peer_handle_opened(&p->peer, now);
    flush(p);
}

void sim_participant_connect(struct sim_participant *p)
{
    connect_socket(p, p->sim->clock.now);
}

void sim_participant_handle_closed(struct sim_participant *p)
{
    p->connection = 0;
    sim_pipe_clear(&p->to_signaling);
    headless_peer_handle_closed(&p->peer, p->sim->clock.now);
    sim_clock_arm(&p->sim->clock, &p->reconnect_timer, p->sim->clock.now);
}

void sim_participant_cut_socket(struct sim_participant *p, usec_t for_us)
{
    uint64_t connection = p->connection;
    sim_pipe_clear(&p->from_signaling);
    sim_participant_handle_closed(p);
    if (connection != 0)
        sim_signaling_handle_closed(p->sim->signaling, connection);
    sim_clock_arm(&p->sim->clock, &p->reconnect_timer, p->sim->clock.now + for_us);
}

void sim_participant_say(struct sim_participant *p, const char *text)
{
    if (p->connection == 0)
        return;
    struct bytes data = bytes_of_string(text);
    sim_pipe_send(&p->to_signaling, p->sim->clock.now,
                  sim_link_text_delay(&p->link, LINK_UP, data.size), data);
}

void sim_participant_leave(struct sim_participant *p)
{
    p->stays_away = true;
    sim_participant_say(p, "{\"type\":\"leave\",\"id\":99}");
}

void sim_participant_move(struct sim_participant *p)
{
    p->address.port = (uint16_t)(p->address.port + SIM_PORT_STEP);
}

void sim_participant_restart_ice(struct sim_participant *p)
{
    headless_peer_restart_ice(&p->peer, p->sim->clock.now);
    flush(p);
}

/* --- Life */

void sim_participant_forget(struct sim_participant *p)
{
    memset(p->heard, 0, sizeof p->heard);
    memset(p->told, 0, sizeof p->told);
    p->voice_delays = p->video_delays = (struct delay_histogram){0};
    p->texts = 0;
    for (int line = 0; line < HEADLESS_LINE_COUNT; line++) {
        voice_playout_advance(&p->peer.playouts[line], p->sim->clock.now);
        voice_playout_forget(&p->peer.playouts[line]);
    }
    p->peer.pictures->longest_freeze_us = 0;
    p->forgotten_at = p->sim->clock.now;
    p->mark.frames = p->peer.pictures->frames;
    p->mark.key_frames = p->peer.pictures->key_frames;
    p->mark.bytes_down = link_model_stats(p->link.models[LINK_DOWN])->bytes_in;
    p->mark.requests = p->peer.key_frames_requested;
    p->mark.asked = p->peer.key_frames_wanted;
}

static void init_peer(struct sim_participant *p, const struct sim_participant_config *config)
{
    struct headless_config peer = {
        .token = p->token,
        .name = "",
        .lang = "en",
        .made_up_voice = config->talks,
        .ignores_floor = config->ignores_floor,
        .lacks_rtx = config->lacks_rtx,
        .lacks_nack = config->lacks_nack,
        .lacks_red = config->lacks_red,
        .remb = config->remb,
        .feedback_us = config->feedback_us,
        .pli_us = config->pli_us,
        .pace_bps = config->pace_bps,
        .repeats_voice = config->repeats_voice,
        .lacks_numbers = config->lacks_numbers,
        .keys_together = config->keys_together,
        .impatient_us = config->impatient_us,
        .stamp = (uint64_t)p->number + 1,
        .on_packet = note_packet,
        .on_packet_context = p,
        .ntp_at_zero = SIM_NTP_AT_ZERO,
        .seed = rng_next(&p->sim->rng),
        .dtls = p->sim->client_dtls,
        .log = log_with(&p->sim->log, "client=%d", p->number),
    };
    if (config->shares)
        memcpy(peer.made_up, config->screen, sizeof peer.made_up);
    CHECK(headless_peer_init(&p->peer, &peer) == STATUS_OK);
}

struct sim_participant *sim_participant_create(struct sim *sim, int number,
                                               const struct sim_participant_config *config,
                                               const char *token)
{
    struct sim_participant *p = calloc(1, sizeof *p);
    CHECK(p != NULL);
    p->sim = sim;
    p->number = number;
    p->token = calloc(1, strlen(token) + 1);
    CHECK(p->token != NULL);
    memcpy(p->token, token, strlen(token));
    snprintf(p->role, sizeof p->role, "%s", config->role);
    p->entered_at = sim->clock.now;
    p->reconnect_wait_us = RECONNECT_FIRST_US;
    p->address = (struct net_addr){.ip = {198, 51, 100, (uint8_t)(number + 1)},
                                   .port = (uint16_t)(SIM_PORT_BASE + (unsigned)number),
                                   .family = NET_FAMILY_IPV4};
    p->timer = (struct sim_timer){.fire = handle_due, .owner = p};
    p->reconnect_timer = (struct sim_timer){.fire = connect_socket, .owner = p};
    sim_link_init(&p->link, &sim->clock, rng_next(&sim->rng), p, arrive);
    sim_pipe_init(&p->to_signaling, &sim->clock, p, arrive_at_signaling);
    sim_pipe_init(&p->from_signaling, &sim->clock, p, arrive_at_participant);
    p->to_signaling.is_lost = is_lost_up;
    p->from_signaling.is_lost = is_lost_down;
    init_peer(p, config);
    return p;
}

void sim_participant_free(struct sim_participant *p)
{
    sim_clock_arm(&p->sim->clock, &p->timer, USEC_NEVER);
    sim_clock_arm(&p->sim->clock, &p->reconnect_timer, USEC_NEVER);
    sim_pipe_clear(&p->to_signaling);
    sim_pipe_clear(&p->from_signaling);
    sim_link_destroy(&p->link);
    headless_peer_destroy(&p->peer);
    free(p->token);
    free(p);
}
