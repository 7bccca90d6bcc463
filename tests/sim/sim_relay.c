#include "sim/sim_relay.h"

#include "base/spsc_ring.h"
#include "relay/core/shard_message.h"
#include "rtc/dtls.h"

#include <stdio.h>

#define RING_SLOTS 1024  /* as relay/shell/shard_link.c */
#define RING_BATCH 64    /* messages of one ring in one turn, as there */
#define ADDS_EACH_TURN 2 /* as relay/shell/shard.h */
#define TX_ENTRIES 65536 /* as there */
#define TX_PORTION 256   /* as there */
#define RING_FULL_RETRY_US MILLISECONDS(1)
#define MACHINE_US SECONDS(1)

struct sim_shard {
    struct sim_relay *relay;
    uint32_t number;
    struct shard_core *core;
    struct tx_batch tx;
    struct sim_timer timer;
    bool waits; /* something is in its rings or was left over */
    usec_t held_until;
};

struct sim_relay {
    struct sim_clock *clock;
    struct sim_relay_config config;
    struct sim_shard shards[SIM_SHARDS_MAX];
    struct director *director;
    struct sim_timer director_timer;
    usec_t machine_at;
    struct spsc_ring rings[SIM_SHARDS_MAX + 1][SIM_SHARDS_MAX + 1]; /* from, to */
    bool has_order;                                                 /* its ring is full */
    uint32_t order_shard;
    struct shard_message order;
    bool is_connected;
    struct control_hello hello;
    struct control_session session;
    uint8_t frame[CONTROL_MESSAGE_BYTES_MAX];
};

/* --- Rings */

static void arm_shard(struct sim_shard *s)
{
    usec_t due = usec_min(shard_core_next_timeout(s->core), tx_batch_next_timeout(&s->tx));
    due = s->waits ? s->relay->clock->now : due;
    sim_clock_arm(s->relay->clock, &s->timer, usec_max(due, s->held_until));
}

static void wake(struct sim_relay *r, uint32_t end)
{
    if (end == r->config.shards) {
        sim_clock_arm(r->clock, &r->director_timer, r->clock->now);
    } else {
        r->shards[end].waits = true;
        arm_shard(&r->shards[end]);
    }
}

static struct shard_message *reserve(void *context, uint32_t destination)
{
    struct sim_shard *s = context;
    return spsc_ring_reserve(&s->relay->rings[s->number][destination]);
}

static void commit(void *context, uint32_t destination)
{
    struct sim_shard *s = context;
    spsc_ring_commit(&s->relay->rings[s->number][destination]);
    wake(s->relay, destination);
}

/* --- A shard's turn */

static size_t send_messages(void *context, const struct tx_message *messages, size_t count,
                            size_t *failed)
{
    struct sim_shard *s = context;
    size_t sent = 0;
    *failed = 0;
    struct net_addr from = {.ip = {192, 0, 2, 1},
                            .port = (uint16_t)(SIM_RELAY_PORT + s->number),
                            .family = NET_FAMILY_IPV4};
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < messages[i].segments; k++, sent++)
            s->relay->config.send_datagram(s->relay->config.owner, &from, &messages[i].to,
                                           tx_message_get(&messages[i], k));
    }
    return sent;
}

/* True when something is left. */
static bool handle_messages(struct sim_shard *s, usec_t now)
{
    struct sim_relay *r = s->relay;
    bool more = false;
    int added = 0;
    for (uint32_t from = 0; from <= r->config.shards; from++) {
        struct spsc_ring *ring = &r->rings[from][s->number];
        struct shard_message *m;
        for (int i = 0; from != s->number && (m = spsc_ring_peek(ring)) != NULL; i++) {
            if (i == RING_BATCH || added == ADDS_EACH_TURN) {
                more = true;
                break;
            }
            added += m->type == SHARD_PARTICIPANT_ADD ? 1 : 0;
            shard_core_handle_message(s->core, now, m, &s->tx);
            spsc_ring_release(ring);
        }
    }
    return more;
}

static void end_turn(struct sim_shard *s, usec_t now)
{
    if (shard_core_next_timeout(s->core) <= now)
        shard_core_handle_timeout(s->core, now, &s->tx);
    tx_batch_flush_some(&s->tx, now, TX_PORTION);
    arm_shard(s);
}

static void turn_shard(void *owner, usec_t now)
{
    struct sim_shard *s = owner;
    s->waits = handle_messages(s, now);
    end_turn(s, now);
}

void sim_relay_handle_datagram(struct sim_relay *r, usec_t now, const struct net_addr *from,
                               const struct net_addr *to, struct bytes_mut data)
{
    uint32_t number = (uint32_t)to->port - SIM_RELAY_PORT;
    if (number >= r->config.shards || r->shards[number].held_until > now)
        return;
    struct sim_shard *s = &r->shards[number];
    shard_core_handle_datagram(s->core, now, from, data, &s->tx);
    end_turn(s, now);
}

void sim_relay_hold_shard(struct sim_relay *r, uint32_t shard, usec_t until)
{
    r->shards[shard].held_until = until;
    arm_shard(&r->shards[shard]);
}

/* --- The control link */

static void close_link(struct sim_relay *r, usec_t now, bool hang_up)
{
    if (!r->is_connected)
        return;
    r->is_connected = false;
    control_session_destroy(&r->session);
    director_handle_disconnected(r->director, now);
    if (hang_up)
        r->config.hang_up(r->config.owner);
}

static void send_own_frames(struct sim_relay *r, usec_t now)
{
    struct bytes_mut room = {r->frame, sizeof r->frame};
    struct bytes frame;
    while (r->is_connected && control_session_poll_frame(&r->session, now, room, &frame))
        r->config.send_frame(r->config.owner, frame);
}

static void handle_control_events(struct sim_relay *r, usec_t now)
{
    struct control_event event;
    while (r->is_connected && control_session_poll_event(&r->session, now, &event)) {
        if (event.type == CONTROL_EVENT_UP) {
            director_handle_connected(r->director, now);
        } else if (event.type == CONTROL_EVENT_MESSAGE) {
            director_handle_message(r->director, now, event.message);
        } else if (event.type == CONTROL_EVENT_CLOSED) {
            send_own_frames(r, now);
            close_link(r, now, true);
        }
    }
}

static void flush_link(struct sim_relay *r, usec_t now)
{
    const struct control_message *m;
    struct bytes_mut room = {r->frame, sizeof r->frame};
    struct bytes frame;
    while (director_poll_message(r->director, &m)) {
        if (!r->is_connected)
            continue;
        CHECK(control_session_write(&r->session, now, m, false, 0, room, &frame) == STATUS_OK);
        r->config.send_frame(r->config.owner, frame);
    }
    send_own_frames(r, now);
}

/* --- The director's turn */

static bool deliver_order(struct sim_relay *r, uint32_t shard, const struct shard_message *order)
{
    struct spsc_ring *ring = &r->rings[r->config.shards][shard];
    struct shard_message *slot = spsc_ring_reserve(ring);
    if (slot == NULL)
        return false;
    *slot = *order;
    spsc_ring_commit(ring);
    wake(r, shard);
    return true;
}

static void deliver_orders(struct sim_relay *r)
{
    const struct shard_message *order;
    if (r->has_order && !deliver_order(r, r->order_shard, &r->order))
        return;
    r->has_order = false;
    while (!r->has_order && director_poll_shard(r->director, &r->order_shard, &order)) {
        r->has_order = !deliver_order(r, r->order_shard, order);
        if (r->has_order)
            r->order = *order;
    }
}

static void measure(struct sim_relay *r, usec_t now)
{
    const struct director_machine machine = {
        .cores = 2, .memory_total_bytes = 1u << 31, .memory_available_bytes = 1u << 30};
    director_set_machine(r->director, &machine);
    for (uint32_t i = 0; i < r->config.shards; i++)
        director_set_shard_load(r->director, i, 100, 100, 200);
    r->machine_at = now + MACHINE_US;
}

static void settle_director(struct sim_relay *r, usec_t now)
{
    deliver_orders(r);
    flush_link(r, now);
    usec_t due = usec_min(director_next_timeout(r->director), r->machine_at);
    if (r->is_connected)
        due = usec_min(due, control_session_next_timeout(&r->session));
    if (r->has_order)
        due = usec_min(due, now + RING_FULL_RETRY_US);
    sim_clock_arm(r->clock, &r->director_timer, due);
}

static void turn_director(void *owner, usec_t now)
{
    struct sim_relay *r = owner;
    struct shard_message *m;
    for (uint32_t from = 0; from < r->config.shards; from++) {
        while ((m = spsc_ring_peek(&r->rings[from][r->config.shards])) != NULL) {
            director_handle_shard(r->director, now, m);
            spsc_ring_release(&r->rings[from][r->config.shards]);
        }
    }
    if (r->is_connected && control_session_next_timeout(&r->session) <= now)
        control_session_handle_timeout(&r->session, now);
    handle_control_events(r, now);
    if (now >= r->machine_at)
        measure(r, now);
    if (director_next_timeout(r->director) <= now)
        director_handle_timeout(r->director, now);
    settle_director(r, now);
}

void sim_relay_handle_connected(struct sim_relay *r, usec_t now)
{
    close_link(r, now, false);
    CHECK(control_session_init(&r->session, now, &r->hello, &r->config.log) == STATUS_OK);
    r->is_connected = true;
    settle_director(r, now);
}

void sim_relay_handle_frame(struct sim_relay *r, usec_t now, struct bytes frame)
{
    if (!r->is_connected)
        return;
    control_session_handle_frame(&r->session, now, frame);
    handle_control_events(r, now);
    settle_director(r, now);
}

void sim_relay_handle_disconnected(struct sim_relay *r, usec_t now)
{
    close_link(r, now, false);
    settle_director(r, now);
}

struct relay_stats sim_relay_get_stats(const struct sim_relay *r)
{
    struct relay_stats sum = {0};
    for (uint32_t i = 0; i < r->config.shards; i++) {
        const struct relay_stats *s = shard_core_get_stats(r->shards[i].core);
        sum.packets_in += s->packets_in;
        sum.packets_out += s->packets_out;
        sum.rtp_in += s->rtp_in;
        sum.rtp_forwarded += s->rtp_forwarded;
        sum.retransmitted += s->retransmitted;
        sum.key_frame_requests += s->key_frame_requests;
        for (size_t d = 0; d < DROP_REASON_COUNT; d++)
            sum.drops[d] += s->drops[d];
    }
    return sum;
}

/* --- Life */

static void create_shard(struct sim_relay *r, uint32_t number)
{
    struct sim_shard *s = &r->shards[number];
    *s = (struct sim_shard){.relay = r, .number = number};
    s->timer.fire = turn_shard;
    s->timer.owner = s;
    struct shard_core_config config = shard_core_config_default();
    config.shard = number;
    config.shard_count = r->config.shards;
    config.participants_max = r->config.participants_max;
    config.rooms_max = 16;
    config.ntp_at_zero = r->config.ntp_at_zero;
    config.seed = r->config.seed + number;
    config.hash_key[0] = r->config.seed;
    config.hash_key[1] = number;
    config.dtls = r->config.dtls;
    config.log = log_with(&r->config.log, "shard=%u", number);
    struct shard_port port = {s, reserve, commit};
    struct tx_sink sink = {s, send_messages};
    CHECK(shard_core_create(&s->core, r->clock->now, &config, &port) == STATUS_OK);
    CHECK(tx_batch_init(&s->tx, config.participants_max, TX_ENTRIES, &sink,
                        shard_core_get_stats(s->core)) == STATUS_OK);
}

static void create_director(struct sim_relay *r)
{
    struct director_config config = director_config_default();
    config.shard_count = r->config.shards;
    config.capacity = r->config.participants_max * r->config.shards;
    config.addresses[0] = (struct net_addr){.ip = {192, 0, 2, 1}, .family = NET_FAMILY_IPV4};
    config.address_count = 1;
    config.media_port_base = SIM_RELAY_PORT;
    dtls_context_get_fingerprint(r->config.dtls, config.fingerprint);
    config.seed = r->config.seed + 100;
    config.log = r->config.log;
    CHECK(director_create(&r->director, r->clock->now, &config) == STATUS_OK);
    r->director_timer.fire = turn_director;
    r->director_timer.owner = r;
}

struct sim_relay *sim_relay_create(struct sim_clock *clock, const struct sim_relay_config *config)
{
    struct sim_relay *r = aligned_alloc(64, (sizeof *r + 63) & ~(size_t)63);
    CHECK(r != NULL && config->shards > 0 && config->shards <= SIM_SHARDS_MAX);
    memset(r, 0, sizeof *r);
    r->clock = clock;
    r->config = *config;
    r->hello = (struct control_hello){.version = CONTROL_VERSION,
                                      .name = "amphi-relay/sim",
                                      .shards = config->shards,
                                      .media_port_base = SIM_RELAY_PORT,
                                      .capacity = config->participants_max * config->shards};
    snprintf(r->hello.boot_id, sizeof r->hello.boot_id, "%032llx",
             (unsigned long long)config->seed);
    for (uint32_t from = 0; from <= config->shards; from++) {
        for (uint32_t to = 0; to <= config->shards; to++)
            CHECK(spsc_ring_init(&r->rings[from][to], sizeof(struct shard_message), RING_SLOTS) ==
                  STATUS_OK);
    }
    for (uint32_t i = 0; i < config->shards; i++)
        create_shard(r, i);
    create_director(r);
    turn_director(r, clock->now);
    return r;
}

static void empty_ring(struct spsc_ring *ring)
{
    struct shard_message *m;
    for (; (m = spsc_ring_peek(ring)) != NULL; spsc_ring_release(ring)) {
        if (m->type == SHARD_PARTICIPANT_ADD)
            free(m->participant_add);
    }
    spsc_ring_destroy(ring);
}

void sim_relay_free(struct sim_relay *r)
{
    if (r == NULL)
        return;
    if (r->is_connected)
        control_session_destroy(&r->session);
    sim_clock_arm(r->clock, &r->director_timer, USEC_NEVER);
    for (uint32_t i = 0; i < r->config.shards; i++) {
        shard_core_free(r->shards[i].core);
        tx_batch_destroy(&r->shards[i].tx);
        sim_clock_arm(r->clock, &r->shards[i].timer, USEC_NEVER);
    }
    if (r->has_order && r->order.type == SHARD_PARTICIPANT_ADD)
        free(r->order.participant_add);
    director_free(r->director);
    for (uint32_t from = 0; from <= r->config.shards; from++) {
        for (uint32_t to = 0; to <= r->config.shards; to++)
            empty_ring(&r->rings[from][to]);
    }
    free(r);
}
