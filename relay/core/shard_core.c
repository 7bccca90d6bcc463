#include "relay/core/shard_private.h"

#include "base/hash.h"
#include "wire/demux.h"
#include "wire/stun.h"

struct shard_core_config shard_core_config_default(void)
{
    return (struct shard_core_config){.shard_count = 1, .participants_max = 2048, .rooms_max = 512};
}

enum status shard_core_create(struct shard_core **out, usec_t now,
                              const struct shard_core_config *config, const struct shard_port *port)
{
    (void)now;
    if (config->participants_max == 0 || config->rooms_max == 0 || config->shard_count == 0 ||
        config->shard >= config->shard_count || config->shard_count > CONTROL_SHARDS_MAX)
        return STATUS_CONFIG;
    struct shard_core *c = calloc(1, sizeof *c);
    if (c == NULL)
        return STATUS_NO_MEMORY;
    c->config = *config;
    c->port = *port;
    c->log = config->log;
    c->rng = rng_of_seed(config->seed);
    c->news.due = USEC_NEVER;
    uint32_t n = config->participants_max;
    if (pool_init(&c->participants, sizeof(struct participant), n) == STATUS_OK &&
        pool_init(&c->rooms, sizeof(struct room), config->rooms_max) == STATUS_OK &&
        hash_map_init(&c->by_address, n * TRANSPORT_PATHS_MAX) == STATUS_OK &&
        hash_map_init(&c->by_ufrag, n * 2) == STATUS_OK &&
        hash_map_init(&c->by_id, n) == STATUS_OK &&
        hash_map_init(&c->rooms_by_id, config->rooms_max) == STATUS_OK &&
        hash_map_init(&c->publications, n * SHARD_PUBLICATIONS_MAX_FACTOR) == STATUS_OK &&
        timer_heap_init(&c->timers, n) == STATUS_OK &&
        timer_heap_init(&c->reports, n) == STATUS_OK &&
        handshake_queue_init(&c->handshakes, HANDSHAKES_WAITING) == STATUS_OK) {
        *out = c;
        return STATUS_OK;
    }
    shard_core_free(c);
    return STATUS_NO_MEMORY;
}

/* Others may be gone already. */
static struct shard_message *reserve_nothing(void *context, uint32_t destination)
{
    (void)context;
    (void)destination;
    return NULL;
}

void shard_core_free(struct shard_core *c)
{
    if (c == NULL)
        return;
    c->port.reserve = reserve_nothing;
    c->tx = NULL; /* whatever it held is not sent any more */
    uint32_t at = 0;
    struct pool_handle handle;
    struct participant *p;
    while (c->participants.capacity > 0 && (p = pool_next(&c->participants, &at, &handle)) != NULL)
        shard_remove_participant(c, p, NULL);
    for (uint32_t i = 0; c->publications.entries != NULL && i <= c->publications.mask; i++) {
        if (c->publications.entries[i].used)
            publication_free((struct publication *)(uintptr_t)c->publications.entries[i].value);
    }
    struct room *room;
    at = 0;
    while (c->rooms.capacity > 0 && (room = pool_next(&c->rooms, &at, &handle)) != NULL)
        room_destroy(room);
    pool_destroy(&c->participants);
    pool_destroy(&c->rooms);
    hash_map_destroy(&c->by_address);
    hash_map_destroy(&c->by_ufrag);
    hash_map_destroy(&c->by_id);
    hash_map_destroy(&c->rooms_by_id);
    hash_map_destroy(&c->publications);
    timer_heap_destroy(&c->timers);
    timer_heap_destroy(&c->reports);
    handshake_queue_destroy(&c->handshakes);
    free(c);
}

void shard_drop(struct shard_core *c, enum drop_reason reason)
{
    c->stats.drops[reason]++;
}

struct shard_message *shard_reserve(struct shard_core *c, uint32_t destination,
                                    enum shard_message_type type)
{
    struct shard_message *m = c->port.reserve(c->port.context, destination);
    if (m == NULL) {
        shard_drop(c, DROP_RING_FULL);
        return NULL;
    }
    /* A ring slot holds what the last message left; a packet's 1500 bytes need no clearing. */
    if (type != SHARD_MEDIA)
        memset(m, 0, sizeof *m);
    m->type = type;
    m->from = c->config.shard;
    return m;
}

void shard_commit(struct shard_core *c, uint32_t destination)
{
    c->port.commit(c->port.context, destination);
}

static struct participant *participant_at(const struct shard_core *c, uint64_t index)
{
    struct pool_handle handle = {(uint32_t)index, c->participants.generations[index]};
    return pool_find(&c->participants, handle);
}

struct participant *shard_find_participant(struct shard_core *c, uint64_t id)
{
    uint64_t index;
    return hash_map_find(&c->by_id, id, &index) ? participant_at(c, index) : NULL;
}

/* Four send slots per participant: two bits. */
static uint64_t publication_key(struct publication_ref ref)
{
    _Static_assert(SEND_SLOT_COUNT <= 4, "two bits name a send slot");
    return ref.participant << 2 | (uint64_t)ref.source;
}

struct publication *shard_find_publication(struct shard_core *c, struct publication_ref ref)
{
    uint64_t value;
    return hash_map_find(&c->publications, publication_key(ref), &value)
               ? (struct publication *)(uintptr_t)value
               : NULL;
}

enum status shard_add_publication(struct shard_core *c, struct publication_ref ref, uint64_t room,
                                  bool is_home, uint32_t home, struct publication **out)
{
    struct publication *p;
    enum status status = publication_create(&p, ref, room, is_home, home);
    if (status != STATUS_OK)
        return status;
    status = hash_map_set(&c->publications, publication_key(ref), (uint64_t)(uintptr_t)p);
    if (status != STATUS_OK) {
        publication_free(p);
        return status;
    }
    c->publication_count++;
    *out = p;
    return STATUS_OK;
}

void shard_remove_publication(struct shard_core *c, struct publication *p)
{
    struct room *room = shard_find_room(c, p->room);
    shard_stop_aside(c, c->now, p, c->tx);
    for (int slot = 0; room != NULL && slot < ROOM_SLOT_COUNT; slot++) {
        if (room->slots[slot] == p)
            room->slots[slot] = NULL;
    }
    thin_voices_end(c, p);
    hash_map_remove(&c->publications, publication_key(p->ref));
    c->publication_count--;
    publication_free(p);
}

/* --- Datagrams */

/* Whose user name a check carries. */
static struct participant *find_user(struct shard_core *c, struct bytes datagram)
{
    uint64_t index;
    struct stun_message message;
    struct bytes ours;
    struct bytes theirs;
    if (demux_classify(datagram) != DEMUX_STUN ||
        stun_parse_message(datagram, &message) != STATUS_OK ||
        message.class != STUN_CLASS_REQUEST || /* nothing else proves who sent it */
        !stun_split_username(message.username, &ours, &theirs) ||
        !hash_map_find(&c->by_ufrag, hash_bytes(ours, c->config.hash_key), &index))
        return NULL;
    struct participant *p = participant_at(c, index);
    return p != NULL && transport_is_user(p->transport, message.username) ? p : NULL;
}

/* Behind one router a port may be another participant's today than yesterday: a check says by its
 * user name whose it is. Whatever else comes is of the address's last owner. */
static struct participant *find_owner(struct shard_core *c, const struct net_addr *from,
                                      struct bytes datagram)
{
    uint64_t index;
    struct participant *user = find_user(c, datagram);
    if (user != NULL)
        return user;
    return hash_map_find(&c->by_address, net_addr_hash(from, c->config.hash_key), &index)
               ? participant_at(c, index)
               : NULL;
}

void shard_tell_state(struct shard_core *c, const struct participant *p,
                      enum control_media_state state, const char *reason)
{
    struct shard_message *m = shard_reserve(c, c->config.shard_count, SHARD_STATE);
    if (m == NULL)
        return;
    m->state.participant = p->id;
    m->state.session = p->session;
    m->state.state = state;
    snprintf(m->state.reason, sizeof m->state.reason, "%s", reason);
    shard_commit(c, c->config.shard_count);
}

/* Media can flow: everything this participant has a line for begins. */
static void start_media(struct shard_core *c, usec_t now, struct participant *p,
                        struct tx_batch *tx)
{
    p->connected = true;
    p->report_at = now + (usec_t)rng_below(&c->rng, 1000000);
    for (size_t i = 0; i < p->subscription_count; i++) {
        p->subscriptions[i].is_live = true;
        p->subscriptions[i].report_at = now + (usec_t)rng_below(&c->rng, 1000000);
        forwarder_start_subscription(c, now, &p->subscriptions[i], tx);
    }
}

static void add_path(struct shard_core *c, struct participant *p, uint64_t key)
{
    size_t place = 0;
    while (place < TRANSPORT_PATHS_MAX && p->paths[place] != 0)
        place++;
    if (place < TRANSPORT_PATHS_MAX &&
        hash_map_set(&c->by_address, key, p->handle.index) == STATUS_OK)
        p->paths[place] = key;
}

/* An address may have become somebody else's meanwhile. */
static void unmap_path(struct shard_core *c, const struct participant *p, uint64_t key)
{
    uint64_t index;
    if (hash_map_find(&c->by_address, key, &index) && index == p->handle.index)
        hash_map_remove(&c->by_address, key);
}

/* An authentic check came from one of its paths: should the address have been another one's
 * meanwhile, it is not any more. */
static void claim_path(struct shard_core *c, const struct participant *p,
                       const struct net_addr *from)
{
    uint64_t key = net_addr_hash(from, c->config.hash_key);
    for (size_t i = 0; i < TRANSPORT_PATHS_MAX; i++) {
        if (p->paths[i] == key)
            (void)!hash_map_set(&c->by_address, key, p->handle.index); /* full: by the next one */
    }
}

static void remove_path(struct shard_core *c, struct participant *p, uint64_t key)
{
    for (size_t i = 0; i < TRANSPORT_PATHS_MAX; i++) {
        if (p->paths[i] == key)
            p->paths[i] = 0;
    }
    unmap_path(c, p, key);
}

void shard_forget_paths(struct shard_core *c, const struct participant *p)
{
    for (size_t i = 0; i < TRANSPORT_PATHS_MAX; i++) {
        if (p->paths[i] != 0)
            unmap_path(c, p, p->paths[i]);
    }
}

/* Takes everything out of the transport after an input. False when it has closed: `p` is then gone.
 */
static bool drain_transport(struct shard_core *c, usec_t now, struct participant *p,
                            struct tx_batch *tx)
{
    struct transport_path_change path;
    struct transport_datagram datagram;
    enum transport_state state;
    const char *reason;
    while (transport_poll_path(p->transport, &path)) {
        uint64_t key = net_addr_hash(&path.addr, c->config.hash_key);
        if (path.added)
            add_path(c, p, key);
        else
            remove_path(c, p, key);
    }
    while (transport_poll_datagram(p->transport, &datagram))
        tx_batch_add_raw(tx, &datagram.to, datagram.data);
    while (transport_poll_state(p->transport, &state, &reason)) {
        if (state == TRANSPORT_CLOSED) {
            shard_tell_state(c, p, CONTROL_MEDIA_CLOSED, reason);
            shard_remove_participant(c, p, tx);
            return false;
        }
        if (state == TRANSPORT_CONNECTED || state == TRANSPORT_QUIET)
            shard_tell_state(
                c, p, state == TRANSPORT_QUIET ? CONTROL_MEDIA_QUIET : CONTROL_MEDIA_CONNECTED,
                reason);
        if (state == TRANSPORT_CONNECTED && !p->connected)
            start_media(c, now, p, tx);
    }
    return true;
}

/* Reports, questions and what is far off may come a little late: they go out when the thread is
 * awake anyway, and wake it only at instants that participants share, so that a hundred of them do
 * not do so a hundred times. A pace is kept to the millisecond. */
void shard_arm_timer(struct shard_core *c, usec_t now, struct participant *p)
{
    usec_t may_wait = usec_min(rtcp_next_report(p), shard_delivery_next_timeout(p, now));
    usec_t next = usec_min(transport_next_timeout(p->transport, now), rtcp_next_timeout(p));
    bool is_near = next != USEC_NEVER && next - now < TIMER_EXACT_US;
    usec_t exact = usec_min(downlink_next_timeout(p, now), is_near ? next : USEC_NEVER);
    timer_heap_arm(&c->timers, &p->timer, exact);
    timer_heap_arm(&c->reports, &p->report_timer, is_near ? may_wait : usec_min(may_wait, next));
}

/* RFC 7983: by the first byte. */
static bool is_dtls(struct bytes_mut datagram)
{
    return datagram.size > 0 && datagram.data[0] >= 20 && datagram.data[0] <= 63;
}

static void handle_input(struct shard_core *c, usec_t now, struct participant *p,
                         const struct net_addr *from, struct bytes_mut datagram,
                         struct tx_batch *tx)
{
    struct bytes_mut plain;
    bool is_stun = demux_classify(bytes_const(datagram)) == DEMUX_STUN;
    tx_batch_refresh_receiver(tx, p->handle.index);
    enum transport_input input =
        transport_handle_datagram(p->transport, now, from, datagram, &plain);
    if (input == TRANSPORT_INPUT_RTP)
        ingress_handle_rtp(c, now, p, plain, tx);
    else if (input == TRANSPORT_INPUT_RTCP)
        rtcp_handle_compound(c, now, p, bytes_const(plain), tx);
    else if (input != TRANSPORT_INPUT_CONSUMED)
        shard_drop(c, drop_reason_of_input(input));
    if (!drain_transport(c, now, p, tx))
        return;
    if (input == TRANSPORT_INPUT_CONSUMED && is_stun)
        claim_path(c, p, from);
    shard_arm_timer(c, now, p);
}

static void queue_handshake(struct shard_core *c, struct participant *p,
                            const struct net_addr *from, struct bytes datagram)
{
    if (p->handshakes == HANDSHAKES_WAITING_EACH ||
        !handshake_queue_push(&c->handshakes, p->handle, from, datagram))
        shard_drop(c, DROP_HANDSHAKES_FULL);
    else
        p->handshakes++;
}

static void handle_handshakes(struct shard_core *c, usec_t now, struct tx_batch *tx)
{
    struct handshake *h;
    for (int i = 0; i < HANDSHAKES_EACH_TURN && (h = handshake_queue_pop(&c->handshakes)) != NULL;
         i++) {
        struct participant *p = pool_find(&c->participants, h->participant);
        if (p == NULL)
            continue;
        p->handshakes--;
        handle_input(c, now, p, &h->from, (struct bytes_mut){h->data, h->size}, tx);
    }
}

void shard_core_handle_datagram(struct shard_core *c, usec_t now, const struct net_addr *from,
                                struct bytes_mut datagram, struct tx_batch *tx)
{
    c->now = now;
    c->tx = tx;
    c->stats.packets_in++;
    c->stats.bytes_in += datagram.size;
    if (datagram.size > TRANSPORT_DATAGRAM_BYTES_MAX) {
        shard_drop(c, DROP_TOO_LONG);
        return;
    }
    struct participant *p = find_owner(c, from, bytes_const(datagram));
    if (p == NULL) {
        shard_drop(c, DROP_UNKNOWN_ADDRESS);
        return;
    }
    p->bytes_in += datagram.size;
    /* The first words may come right behind the peer's last flight: they wait for its keys. */
    bool is_early =
        !p->connected && p->handshakes > 0 && demux_classify(bytes_const(datagram)) != DEMUX_STUN;
    if (is_dtls(datagram) || is_early)
        queue_handshake(c, p, from, bytes_const(datagram));
    else
        handle_input(c, now, p, from, datagram, tx);
}

static struct participant *find_by_path(const struct shard_core *c, const struct net_addr *path)
{
    uint64_t index;
    if (!hash_map_find(&c->by_address, net_addr_hash(path, c->config.hash_key), &index))
        return NULL;
    struct participant *p = participant_at(c, index);
    return p != NULL && transport_is_path(p->transport, path) ? p : NULL;
}

bool shard_core_is_path(const struct shard_core *c, const struct net_addr *from)
{
    return find_by_path(c, from) != NULL;
}

void shard_core_handle_path_closed(struct shard_core *c, usec_t now, const struct net_addr *path,
                                   struct tx_batch *tx)
{
    struct participant *p = find_by_path(c, path);
    if (p == NULL)
        return;
    transport_handle_path_closed(p->transport, now, path);
    remove_path(c, p, net_addr_hash(path, c->config.hash_key));
    tx_batch_refresh_receiver(tx, p->handle.index);
}

static struct timer *take_due(struct shard_core *c, usec_t now)
{
    struct timer *timer = timer_heap_take_due(&c->timers, now);
    return timer != NULL ? timer : timer_heap_take_due(&c->reports, now);
}

void shard_core_handle_timeout(struct shard_core *c, usec_t now, struct tx_batch *tx)
{
    struct timer *timer;
    c->now = now;
    c->tx = tx;
    for (int i = 0; i < TIMERS_EACH_TURN && (timer = take_due(c, now)) != NULL; i++) {
        struct participant *p = timer->owner;
        tx_batch_refresh_receiver(tx, p->handle.index);
        transport_handle_timeout(p->transport, now);
        if (!drain_transport(c, now, p, tx))
            continue;
        rtcp_send_due(c, now, p, tx);
        downlink_handle_timeout(c, now, p, tx);
        shard_arm_timer(c, now, p);
        /* A timer that stays due would hold this loop: it waits for the next turn. */
        if (p->timer.place != 0 && p->timer.deadline <= now)
            timer_heap_arm(&c->timers, &p->timer, now + 1000);
        if (p->report_timer.place != 0 && p->report_timer.deadline <= now)
            timer_heap_arm(&c->reports, &p->report_timer, now + 1000);
    }
    handle_handshakes(c, now, tx);
    shard_send_news(c, now);
}

usec_t shard_core_next_timeout(const struct shard_core *c)
{
    usec_t report = timer_heap_next_timeout(&c->reports);
    if (report != USEC_NEVER)
        report = (report + TIMER_GRID_US - 1) / TIMER_GRID_US * TIMER_GRID_US;
    if (c->handshakes.count > 0)
        return c->now;
    return usec_min(usec_min(timer_heap_next_timeout(&c->timers), report), c->news.due);
}

void shard_core_note_overload(struct shard_core *c, usec_t now)
{
    c->overload_until = now + OVERLOAD_US;
}

struct relay_stats *shard_core_get_stats(struct shard_core *c)
{
    return &c->stats;
}

static void handle_ice_restart(struct shard_core *c, usec_t now, const struct shard_message *m)
{
    struct participant *p = shard_find_participant(c, m->ice_restart.participant);
    if (p == NULL || p->session != m->ice_restart.session)
        return;
    uint64_t key = hash_bytes(bytes_of_string(m->ice_restart.local.ufrag), c->config.hash_key);
    if (hash_map_set(&c->by_ufrag, key, p->handle.index) != STATUS_OK)
        return;
    /* Of three restarts in a row the first ufrag is of no use any more. */
    hash_map_remove(&c->by_ufrag, p->ufrag_keys[0]);
    p->ufrag_keys[0] = p->ufrag_keys[1];
    p->ufrag_keys[1] = key;
    transport_restart_ice(p->transport, now, &m->ice_restart.local, &m->ice_restart.remote);
    tx_batch_refresh_receiver(c->tx, p->handle.index); /* it may go elsewhere now */
}

static void handle_remove(struct shard_core *c, const struct control_participant_ref *ref,
                          struct tx_batch *tx)
{
    struct participant *p = shard_find_participant(c, ref->participant);
    if (p != NULL && p->session <= ref->session)
        shard_remove_participant(c, p, tx);
}

static void handle_sender_report(struct shard_core *c, const struct shard_message *m)
{
    struct publication *p = shard_find_publication(c, m->sender_report.ref);
    if (p == NULL || p->is_home)
        return;
    struct publication_stream *s = &p->streams[m->sender_report.encoding];
    s->has_clock = true;
    s->clock_ntp = m->sender_report.ntp;
    s->clock_timestamp = m->sender_report.rtp_timestamp;
}

static void handle_key_frame_wanted(struct shard_core *c, usec_t now, const struct shard_message *m,
                                    struct tx_batch *tx)
{
    struct publication *p = shard_find_publication(c, m->key_frame_wanted.ref);
    if (p != NULL && p->is_home)
        forwarder_handle_key_frame_wanted(c, now, p, m->key_frame_wanted.encoding, m->from,
                                          m->key_frame_wanted.has_none, tx);
}

static void handle_encodings_wanted(struct shard_core *c, usec_t now, const struct shard_message *m)
{
    struct publication *p = shard_find_publication(c, m->encodings_wanted.ref);
    if (p == NULL || !p->is_home)
        return;
    publication_note_wanted(p, now, m->from, m->encodings_wanted.wanted);
    thinning_tell_demand(c, now, p);
}

void shard_core_handle_message(struct shard_core *c, usec_t now, const struct shard_message *m,
                               struct tx_batch *tx)
{
    c->now = now;
    c->tx = tx;
    switch (m->type) {
    case SHARD_PARTICIPANT_ADD:
        shard_handle_add(c, now, m->participant_add, tx);
        free(m->participant_add);
        break;
    case SHARD_PARTICIPANT_REMOVE:
        handle_remove(c, &m->participant_remove, tx);
        break;
    case SHARD_ICE_RESTART:
        handle_ice_restart(c, now, m);
        break;
    case SHARD_GRANT:
        shard_handle_grant(c, now, &m->grant);
        break;
    case SHARD_ASIDE:
        shard_handle_aside(c, now, m, tx);
        break;
    case SHARD_ROOM:
        shard_handle_room(c, m);
        break;
    case SHARD_BIND:
        shard_handle_bind(c, now, m, tx);
        break;
    case SHARD_MEDIA:
        forwarder_handle_replica(c, now, &m->media, tx);
        break;
    case SHARD_SENDER_REPORT:
        handle_sender_report(c, m);
        break;
    case SHARD_KEY_FRAME_WANTED:
        handle_key_frame_wanted(c, now, m, tx);
        break;
    case SHARD_ENCODINGS_WANTED:
        handle_encodings_wanted(c, now, m);
        break;
    case SHARD_RESET:
        shard_reset(c, tx);
        break;
    case SHARD_STATS_WANTED:
        shard_report(c, now);
        break;
    default:
        break;
    }
}
