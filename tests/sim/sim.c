#include "sim/sim_private.h"

#include "base/hash.h"
#include "rtc/dtls.h"
#include "sim/sim_random.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define PARTICIPANTS_EACH_SHARD 80
#define CONNECTED_WITHIN_US SECONDS(20)

/* --- Between the parts */

static void send_datagram(void *owner, const struct net_addr *from, const struct net_addr *to,
                          struct bytes data)
{
    struct sim *sim = owner;
    int number = to->ip[3] - 1; /* their addresses are 198.51.100.1 and up */
    if (number >= 0 && number < sim->participant_count)
        sim_participant_send_down(sim->participants[number], from, to, data);
}

void sim_handle_datagram(struct sim *sim, usec_t now, struct sim_link_datagram *datagram)
{
    if (sim->relay != NULL)
        sim_relay_handle_datagram(sim->relay, now, &datagram->from, &datagram->to, datagram->data);
}

static void relay_sends_frame(void *owner, struct bytes frame)
{
    sim_control_send_to_signaling(&((struct sim *)owner)->control, frame);
}

static void relay_hangs_up(void *owner)
{
    sim_control_hang_up_relay(&((struct sim *)owner)->control);
}

static void signaling_sends_frame(void *owner, struct bytes frame)
{
    sim_control_send_to_relay(&((struct sim *)owner)->control, frame);
}

static void signaling_hangs_up(void *owner)
{
    sim_control_hang_up_signaling(&((struct sim *)owner)->control);
}

static struct sim_participant *find_connection(const struct sim *sim, uint64_t connection)
{
    for (int i = 0; i < sim->participant_count; i++) {
        if (sim->participants[i]->connection == connection)
            return sim->participants[i];
    }
    return NULL;
}

static void send_text(void *owner, uint64_t connection, struct bytes text)
{
    struct sim_participant *p = find_connection(owner, connection);
    if (p == NULL)
        return;
    sim_slots_note_text(owner, p, text);
    sim_participant_handle_text(p, text);
}

static void close_socket(void *owner, uint64_t connection)
{
    struct sim_participant *p = find_connection(owner, connection);
    if (p != NULL)
        sim_participant_handle_text(p, BYTES_NONE);
}

static void note_order(void *owner, const struct control_message *message)
{
    sim_slots_note_order(owner, message);
}

void sim_digest(struct sim *sim, struct bytes data)
{
    const uint64_t key[2] = {sim->digest, (uint64_t)sim->clock.now};
    sim->digest = hash_bytes(data, key);
}

/* --- Services */

void sim_start_relay(struct sim *sim)
{
    struct sim_relay_config config = {
        .shards = sim->shards,
        .participants_max = PARTICIPANTS_EACH_SHARD,
        .seed = sim->seed * 1000 + ++sim->relay_starts,
        .ntp_at_zero = SIM_NTP_AT_ZERO,
        .dtls = sim->relay_dtls,
        .log = log_with(&sim->log, "relay=%d", (int)sim->relay_starts),
        .owner = sim,
        .send_datagram = send_datagram,
        .send_frame = relay_sends_frame,
        .hang_up = relay_hangs_up,
    };
    CHECK(sim->relay == NULL);
    sim->relay = sim_relay_create(&sim->clock, &config);
}

void sim_kill_relay(struct sim *sim)
{
    sim_relay_free(sim->relay);
    sim->relay = NULL;
    sim_control_relay_died(&sim->control);
}

void sim_kill_signaling(struct sim *sim)
{
    sim_signaling_kill(sim->signaling);
    sim_control_signaling_died(&sim->control);
    for (int i = 0; i < sim->participant_count; i++)
        sim_participant_cut_socket(sim->participants[i], 0);
}

void sim_start_signaling(struct sim *sim)
{
    sim_signaling_start(sim->signaling);
    sim_control_signaling_started(&sim->control);
}

struct relay_stats sim_relay_stats(const struct sim *sim)
{
    return sim_relay_get_stats(sim->relay);
}

void sim_hold_shard(struct sim *sim, uint32_t shard, usec_t for_us)
{
    sim_relay_hold_shard(sim->relay, shard, sim->clock.now + for_us);
}

static void start_signaling(struct sim *sim)
{
    const struct sim_signaling_config config = {
        .log = log_with(&sim->log, "signaling=1"),
        .owner = sim,
        .send_text = send_text,
        .close_socket = close_socket,
        .send_frame = signaling_sends_frame,
        .hang_up = signaling_hangs_up,
        .note_order = note_order,
    };
    sim->signaling = sim_signaling_create(&sim->clock, &config);
    const char *body =
        sim_signaling_call(sim->signaling, HTTP_POST, "/api/v1/classes", "{\"title\":\"Sim\"}");
    json_t *answer = json_loads(body, 0, NULL);
    snprintf(sim->class_id, sizeof sim->class_id, "%s",
             json_string_value(json_object_get(answer, "class_id")));
    json_decref(answer);
}

/* --- Life */

static void write_log(void *context, enum log_level level, const char *event, const char *line)
{
    const struct sim *sim = context;
    fprintf(stderr, "%9.3f %s %s %s\n", (double)(sim->clock.now - SIM_BEGINS_AT) / 1e6,
            log_level_name(level), event, line);
}

static void open_log(struct sim *sim)
{
    const char *level = getenv("AMPHI_SIM_LOG");
    if (level == NULL)
        return;
    sim->sink = (struct log_sink){.level = LOG_LEVEL_DEBUG, .write = write_log, .context = sim};
    sim->log.sink = &sim->sink;
}

/* Once in a program. */
static void init_libraries(void)
{
    static bool done;
    if (!done)
        CHECK(media_cipher_init_library() == STATUS_OK);
    done = true;
}

struct sim *sim_create(uint64_t seed, uint32_t shards)
{
    struct sim *sim = calloc(1, sizeof *sim);
    for (int i = 0; sim != NULL && i < SIM_PARTICIPANTS_MAX; i++)
        sim->asides[i].with = sim->asides[i].last = -1;
    CHECK(sim != NULL && shards > 0 && shards <= SIM_SHARDS_MAX);
    sim->seed = seed;
    sim->shards = shards;
    sim->rng = rng_of_seed(seed);
    sim_random_begin(rng_next(&sim->rng));
    sim_clock_init(&sim->clock);
    open_log(sim);
    init_libraries();
    CHECK(dtls_context_create(&sim->relay_dtls) == STATUS_OK);
    CHECK(dtls_context_create(&sim->client_dtls) == STATUS_OK);
    sim_start_relay(sim);
    start_signaling(sim);
    sim_control_init(&sim->control, sim);
    return sim;
}

void sim_free(struct sim *sim)
{
    if (sim == NULL)
        return;
    sim_control_destroy(&sim->control);
    for (int i = 0; i < sim->participant_count; i++)
        sim_participant_free(sim->participants[i]);
    sim_signaling_free(sim->signaling);
    sim_relay_free(sim->relay);
    dtls_context_free(sim->relay_dtls);
    dtls_context_free(sim->client_dtls);
    sim_clock_destroy(&sim->clock);
    sim_random_end();
    free(sim);
}

uint64_t sim_seed(const struct sim *sim)
{
    return sim->seed;
}

uint32_t sim_shards(const struct sim *sim)
{
    return sim->shards;
}

/* --- Time */

usec_t sim_now(const struct sim *sim)
{
    return sim->clock.now;
}

void sim_run_for(struct sim *sim, usec_t duration)
{
    usec_t end = sim->clock.now + duration;
    while (sim_clock_step(&sim->clock, end))
        ;
}

bool sim_run_until(struct sim *sim, usec_t limit, bool (*is_done)(struct sim *sim, void *context),
                   void *context)
{
    usec_t end = sim->clock.now + limit;
    while (!is_done(sim, context)) {
        if (!sim_clock_step(&sim->clock, end))
            return is_done(sim, context);
    }
    return true;
}

static bool all_connected(struct sim *sim, void *context)
{
    (void)context;
    for (int i = 0; i < sim->participant_count; i++) {
        if (!sim->participants[i]->stays_away && !sim_is_connected(sim, i))
            return false;
    }
    return true;
}

void sim_wait_connected(struct sim *sim)
{
    if (!sim_run_until(sim, CONNECTED_WITHIN_US, all_connected, NULL))
        fail_msg("somebody is not connected after 20 s");
}

uint64_t sim_draw(struct sim *sim, uint64_t below)
{
    return rng_below(&sim->rng, below);
}

/* --- People */

struct sim_participant_config sim_participant_config_default(const char *role)
{
    bool trainer = strcmp(role, "trainer") == 0;
    return (struct sim_participant_config){.role = role,
                                           .talks = true,
                                           .shares = trainer,
                                           .screen[0] = {.bitrate_bps = 300000, .fps = 10}};
}

int sim_enter_with(struct sim *sim, const struct sim_participant_config *config)
{
    char path[160], body[160];
    int number = sim->participant_count;
    CHECK(number < SIM_PARTICIPANTS_MAX);
    snprintf(path, sizeof path, "/api/v1/classes/%s/invites", sim->class_id);
    snprintf(body, sizeof body, "{\"role\":\"%s\",\"name\":\"P%d\"}", config->role, number);
    json_t *answer = json_loads(sim_signaling_call(sim->signaling, HTTP_POST, path, body), 0, NULL);
    const char *token = json_string_value(json_object_get(answer, "token"));
    CHECK(token != NULL);
    sim->participants[number] = sim_participant_create(sim, number, config, token);
    sim->participant_count++;
    json_decref(answer);
    sim_link_set(sim, number, SIM_USUAL_LINE);
    sim_participant_connect(sim->participants[number]);
    return number;
}

int sim_enter(struct sim *sim, const char *role)
{
    struct sim_participant_config config = sim_participant_config_default(role);
    return sim_enter_with(sim, &config);
}

struct sim_participant *sim_participant(const struct sim *sim, int who)
{
    CHECK(who >= 0 && who < sim->participant_count);
    return sim->participants[who];
}

void sim_leave(struct sim *sim, int who)
{
    sim_participant_leave(sim_participant(sim, who));
}

bool sim_is_connected(const struct sim *sim, int who)
{
    return sim_participant(sim, who)->peer.state == HEADLESS_CONNECTED;
}

void sim_say(struct sim *sim, int who, const char *text)
{
    sim_participant_say(sim_participant(sim, who), text);
}

static void rule_floor(struct sim *sim, int who, const char *request)
{
    char text[120];
    int trainer = 0;
    while (trainer < sim->participant_count &&
           (strcmp(sim->participants[trainer]->role, "trainer") != 0 ||
            sim->participants[trainer]->stays_away))
        trainer++;
    snprintf(text, sizeof text, "{\"type\":\"%s\",\"id\":70,\"participant\":\"%llu\"}", request,
             (unsigned long long)sim_participant(sim, who)->id);
    sim_say(sim, trainer, text);
}

void sim_give_floor(struct sim *sim, int who)
{
    rule_floor(sim, who, "floor_give");
}

void sim_take_floor(struct sim *sim, int who)
{
    rule_floor(sim, who, "floor_take");
}

void sim_cut_socket(struct sim *sim, int who, usec_t for_us)
{
    sim_participant_cut_socket(sim_participant(sim, who), for_us);
}

void sim_move(struct sim *sim, int who)
{
    sim_participant_move(sim_participant(sim, who));
}

void sim_restart_ice(struct sim *sim, int who)
{
    sim_participant_restart_ice(sim_participant(sim, who));
}

void sim_lose_picture(struct sim *sim, int who)
{
    struct video_sink *pictures = sim_participant(sim, who)->peer.pictures;
    pictures->synced = false;
    pictures->wants_key_frame = true;
}

void sim_link_block_media(struct sim *sim, int who, bool on)
{
    sim_participant(sim, who)->is_blocked = on;
}

void sim_link_block_media_down(struct sim *sim, int who, bool on)
{
    sim_participant(sim, who)->is_blocked_down = on;
}

void sim_link_set(struct sim *sim, int who, const char *script)
{
    sim_link_play(&sim_participant(sim, who)->link, script);
}
