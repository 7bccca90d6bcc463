/* Two shards joined by direct calls, with peers that speak ICE, DTLS and SRTP to them. */
#include "relay/core/shard_private.h"
#include "rtc/dtls.h"
#include "rtc/ice_lite.h"
#include "rtc/media_cipher.h"
#include "support/allocations.c"
#include "support/ice_peer.c"
#include "support/virtual_gettimeofday.c"
#include "wire/rtcp_feedback.h"
#include "wire/rtp_extension.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SHARDS 2
#define PEERS_MAX 4
#define QUEUE_MAX 256
#define ROOM 9
#define SCREEN_SSRC 1000u
#define SCREEN_PT 96
#define RTX_PT 97
#define MID_ID 4
#define RID_ID 5
#define VOICE_PT 111

struct peer {
    uint64_t id;
    uint32_t shard;
    struct net_addr addr;
    struct dtls *dtls;
    struct media_cipher *cipher;
    struct ice_peer ice;
    uint32_t ssrc; /* of its screen */
    uint16_t seq;
    /* What it has got. */
    size_t screen, resent, plis, nacks;
    uint16_t first_seq, last_seq, last_resent;
    uint8_t last_tag; /* the payload's last byte */
    size_t voice;
    uint16_t first_voice_seq, last_voice_seq;
    uint8_t last_voice_tag;
};

struct bench {
    usec_t now;
    struct dtls_context *ours, *theirs;
    struct shard_core *cores[SHARDS];
    struct tx_batch tx[SHARDS];
    struct peer peers[PEERS_MAX];
    size_t peer_count;
    struct shard_message scratch;
    struct queued {
        uint32_t destination;
        struct shard_message message;
    } queue[QUEUE_MAX];
    size_t queue_count;
    size_t key_frames_wanted; /* from shard to shard */
    size_t publications_told;
    enum control_quality quality_told;
    size_t qualities_told;
    uint32_t demand_told;
    bool counts_allocations; /* while datagrams are handled */
    bool offers_simulcast;   /* the next peer's screen: "h" and "l" */
};
static struct bench the_bench;

static struct shard_message *reserve(void *context, uint32_t destination)
{
    struct bench *b = context;
    (void)destination;
    return b->queue_count < QUEUE_MAX ? &b->scratch : NULL;
}

static void commit(void *context, uint32_t destination)
{
    struct bench *b = context;
    b->queue[b->queue_count++] = (struct queued){destination, b->scratch};
}

static void note_rtcp(struct peer *p, struct bytes compound)
{
    struct rtcp_iterator it = rtcp_iterate(compound);
    struct rtcp_packet packet;
    while (rtcp_next(&it, &packet) == STATUS_OK) {
        p->plis += rtcp_feedback_of(&packet) == RTCP_FEEDBACK_PLI ? 1 : 0;
        p->nacks += rtcp_feedback_of(&packet) == RTCP_FEEDBACK_NACK ? 1 : 0;
    }
}

static void note_rtp(struct peer *p, struct bytes packet)
{
    struct rtp_header header;
    assert_int_equal(rtp_parse_header(packet, &header), STATUS_OK);
    if (header.payload_type == RTX_PT) {
        p->resent++;
        p->last_resent = load_u16(header.payload.data);
        return;
    }
    if (header.payload_type == VOICE_PT) {
        assert_int_equal(header.ssrc, 270 + p->id);
        p->first_voice_seq = p->voice == 0 ? header.seq : p->first_voice_seq;
        p->voice++;
        p->last_voice_seq = header.seq;
        p->last_voice_tag = header.payload.data[header.payload.size - 1];
        return;
    }
    assert_int_equal(header.payload_type, SCREEN_PT);
    assert_int_equal(header.ssrc, 70 + p->id);
    p->first_seq = p->screen == 0 ? header.seq : p->first_seq;
    p->screen++;
    p->last_seq = header.seq;
    p->last_tag = header.payload.data[header.payload.size - 1];
}

/* The relay's first media may come right behind the handshake's last flight. */
static void take_keys(struct peer *p)
{
    struct media_keys keys;
    if (p->cipher != NULL || dtls_get_state(p->dtls) != DTLS_CONNECTED)
        return;
    assert_int_equal(dtls_export_keys(p->dtls, &keys), STATUS_OK);
    assert_int_equal(media_cipher_create(&p->cipher, &keys), STATUS_OK);
}

static void receive(struct peer *p, usec_t now, struct bytes data)
{
    uint8_t copy[TX_PACKET_BYTES];
    size_t size = data.size;
    memcpy(copy, data.data, size);
    if (copy[0] >= 20 && copy[0] <= 63) {
        (void)!dtls_handle_datagram(p->dtls, now, data);
        take_keys(p);
    } else if (copy[0] >= 128 && copy[1] >= 192 && copy[1] <= 223) {
        assert_int_equal(media_cipher_unprotect_rtcp(p->cipher, copy, &size), STATUS_OK);
        note_rtcp(p, bytes_of(copy, size));
    } else if (copy[0] >= 128) {
        assert_int_equal(media_cipher_unprotect_rtp(p->cipher, copy, &size), STATUS_OK);
        note_rtp(p, bytes_of(copy, size));
    }
}

static size_t sink_send(void *context, const struct tx_message *messages, size_t count,
                        size_t *failed)
{
    struct bench *b = context;
    size_t sent = 0;
    bool counting = allocations_set_counting(false); /* ours do not count */
    (void)failed;
    for (size_t i = 0; i < count; i++) {
        size_t index = messages[i].to.port - 50000u;
        assert_true(index < b->peer_count);
        for (size_t k = 0; k < messages[i].segments; k++, sent++)
            receive(&b->peers[index], b->now, tx_message_get(&messages[i], k));
    }
    allocations_set_counting(counting);
    return sent;
}

/* Everything on its way between the shards arrives. */
static void pump(struct bench *b)
{
    for (uint32_t i = 0; i < SHARDS; i++)
        tx_batch_flush(&b->tx[i], b->now);
    while (b->queue_count > 0) {
        static struct queued first;
        first = b->queue[0];
        memmove(&b->queue[0], &b->queue[1], --b->queue_count * sizeof b->queue[0]);
        b->key_frames_wanted += first.message.type == SHARD_KEY_FRAME_WANTED ? 1 : 0;
        b->publications_told += first.message.type == SHARD_PUBLICATION ? 1 : 0;
        if (first.message.type == SHARD_QUALITY) {
            b->qualities_told++;
            b->quality_told = first.message.quality.screen;
        }
        if (first.message.type == SHARD_DEMAND)
            b->demand_told = first.message.demand.encodings;
        if (first.destination < SHARDS) {
            shard_core_handle_message(b->cores[first.destination], b->now, &first.message,
                                      &b->tx[first.destination]);
            tx_batch_flush(&b->tx[first.destination], b->now);
        }
    }
}

static void order(struct bench *b, uint32_t shard, const struct shard_message *m)
{
    shard_core_handle_message(b->cores[shard], b->now, m, &b->tx[shard]);
    pump(b);
}

static void pass_time(struct bench *b, usec_t duration)
{
    usec_t end = b->now + duration;
    for (;;) {
        usec_t next =
            usec_min(shard_core_next_timeout(b->cores[0]), shard_core_next_timeout(b->cores[1]));
        if (next > end)
            break;
        b->now = usec_max(b->now, next);
        virtual_time_set(b->now);
        for (uint32_t i = 0; i < SHARDS; i++)
            shard_core_handle_timeout(b->cores[i], b->now, &b->tx[i]);
        pump(b);
    }
    b->now = end;
    virtual_time_set(b->now);
}

static void give(struct bench *b, const struct peer *p, const uint8_t *data, size_t size)
{
    uint8_t copy[2000];
    memcpy(copy, data, size);
    allocations_set_counting(b->counts_allocations);
    shard_core_handle_datagram(b->cores[p->shard], b->now, &p->addr, (struct bytes_mut){copy, size},
                               &b->tx[p->shard]);
    while (shard_core_next_timeout(b->cores[p->shard]) <= b->now) /* handshakes, a few at once */
        shard_core_handle_timeout(b->cores[p->shard], b->now, &b->tx[p->shard]);
    tx_batch_flush(&b->tx[p->shard], b->now);
    pump(b);
    allocations_set_counting(false);
}

static int set_up(void **state)
{
    struct bench *b = &the_bench;
    struct dtls_context *ours = b->ours;
    struct dtls_context *theirs = b->theirs;
    *b = (struct bench){.now = SECONDS(10), .ours = ours, .theirs = theirs};
    *state = b;
    virtual_time_set(b->now);
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct shard_core_config config = shard_core_config_default();
        config.shard = i;
        config.shard_count = SHARDS;
        config.participants_max = 8;
        config.rooms_max = 2;
        config.seed = i + 1;
        config.dtls = b->ours;
        struct shard_port port = {b, reserve, commit};
        struct tx_sink sink = {b, sink_send};
        assert_int_equal(shard_core_create(&b->cores[i], b->now, &config, &port), STATUS_OK);
        assert_int_equal(
            tx_batch_init(&b->tx[i], 8, 1024, &sink, shard_core_get_stats(b->cores[i])), STATUS_OK);
    }
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct shard_message m = {.type = SHARD_ROOM};
        m.room.room = ROOM;
        m.room.members = 3;
        order(b, i, &m);
    }
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < b->peer_count; i++) {
        dtls_free(b->peers[i].dtls);
        media_cipher_free(b->peers[i].cipher);
    }
    for (uint32_t i = 0; i < SHARDS; i++) {
        shard_core_free(b->cores[i]);
        tx_batch_destroy(&b->tx[i]);
    }
    return 0;
}

static void connect_peer(struct bench *b, struct peer *p)
{
    uint8_t check[STUN_BYTES_MAX];
    struct bytes out;
    give(b, p, check, ice_peer_write_check(&p->ice, check));
    dtls_start(p->dtls, b->now);
    for (int round = 0; round < 8; round++) {
        while (dtls_poll_datagram(p->dtls, &out))
            give(b, p, out.data, out.size);
    }
    assert_true(shard_find_participant(b->cores[p->shard], p->id)->connected);
}

/* A participant that may send a screen and receives the screen slot. Its own screen's SSRC is
 * declared, or left to be bound by mid. */
static struct peer *add_peer(struct bench *b, uint32_t shard, bool declared)
{
    static const struct log silent;
    struct peer *p = &b->peers[b->peer_count];
    uint8_t fingerprint[FINGERPRINT_BYTES];
    struct ice_parameters theirs;
    struct shard_participant_add *add = calloc(1, sizeof *add);
    assert_non_null(add);
    p->id = ++b->peer_count;
    p->shard = shard;
    p->ssrc = SCREEN_SSRC + (uint32_t)p->id;
    p->addr = (struct net_addr){
        .ip = {192, 0, 2, 1}, .port = (uint16_t)(50000 + p->id - 1), .family = NET_FAMILY_IPV4};
    assert_int_equal(ice_credentials_generate(&add->local_ice), STATUS_OK);
    assert_int_equal(ice_credentials_generate(&theirs), STATUS_OK);
    struct control_participant_add *params = &add->params;
    params->room = ROOM;
    params->participant = p->id;
    params->session = 1;
    params->remote_ice = theirs;
    dtls_context_get_fingerprint(b->theirs, params->remote_fingerprint);
    params->extension_ids[HEADER_EXTENSION_MID] = MID_ID;
    struct codec_parameters vp8 = {.codec = MEDIA_CODEC_VP8,
                                   .payload_type = SCREEN_PT,
                                   .rtx_payload_type = RTX_PT,
                                   .clock_rate = 90000,
                                   .nack = true};
    params->send_slots[0] =
        (struct send_slot_parameters){.slot = SEND_SLOT_SCREEN, .mid = "s", .codec_count = 1};
    params->send_slots[0].codecs[0] = vp8;
    params->send_slots[0].encodings[0].ssrc = p->ssrc;
    params->send_slots[0].encoding_count = declared ? 1 : 0;
    if (b->offers_simulcast) {
        params->extension_ids[HEADER_EXTENSION_RID] = RID_ID;
        memcpy(params->send_slots[0].rids, (char[2][RID_BYTES]){"h", "l"},
               2 * sizeof(char[RID_BYTES]));
        params->send_slots[0].rid_count = 2;
        params->send_slots[0].encoding_count = 0;
    }
    params->send_slots[1] =
        (struct send_slot_parameters){.slot = SEND_SLOT_MIC, .mid = "m", .codec_count = 1};
    struct codec_parameters opus = {
        .codec = MEDIA_CODEC_OPUS, .payload_type = VOICE_PT, .channels = 2, .clock_rate = 48000};
    params->send_slots[1].codecs[0] = opus;
    params->send_slot_count = 2;
    params->receive_slots[0] =
        (struct receive_slot_parameters){.slot = ROOM_SLOT_SCREEN,
                                         .mid = "r",
                                         .codec_count = 1,
                                         .ssrc = (uint32_t)(70 + p->id),
                                         .rtx_ssrc = (uint32_t)(170 + p->id)};
    params->receive_slots[0].codecs[0] = vp8;
    params->receive_slots[1] = (struct receive_slot_parameters){
        .slot = ROOM_SLOT_VOICE_0, .mid = "v", .codec_count = 1, .ssrc = (uint32_t)(270 + p->id)};
    params->receive_slots[1].codecs[0] = opus;
    params->receive_slot_count = 2;
    ice_peer_init(&p->ice, &theirs, &add->local_ice);
    dtls_context_get_fingerprint(b->ours, fingerprint);
    assert_int_equal(
        dtls_create(&p->dtls, b->now, b->theirs, DTLS_ROLE_CLIENT, fingerprint, &silent),
        STATUS_OK);
    struct shard_message m = {.type = SHARD_PARTICIPANT_ADD, .participant_add = add};
    order(b, shard, &m);
    connect_peer(b, p);
    return p;
}

static void grant(struct bench *b, const struct peer *p, bool open)
{
    struct shard_message m = {.type = SHARD_GRANT};
    m.grant = (struct control_grant){p->id, SEND_SLOT_SCREEN, open, false};
    order(b, p->shard, &m);
}

static void bind_screen(struct bench *b, const struct peer *p)
{
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct shard_message m = {.type = SHARD_BIND};
        m.bind.room = ROOM;
        m.bind.slot = ROOM_SLOT_SCREEN;
        if (p != NULL) {
            m.bind.ref = (struct publication_ref){p->id, SEND_SLOT_SCREEN};
            m.bind.home = p->shard;
        }
        order(b, i, &m);
    }
}

static void send_screen(struct bench *b, struct peer *p, bool key_frame, uint8_t tag)
{
    uint8_t packet[1300] = {0};
    uint8_t mid[] = {MID_ID << 4, 's', 0, 0}; /* RFC 8285, one-byte form */
    uint8_t frame[] = {0x10, key_frame ? 0x10 : 0x11, 2, 0, 0x9d, 1, 0x2a, 64, 0, 64, 0, tag};
    struct writer w = writer_of((struct bytes_mut){packet, sizeof packet});
    struct rtp_header header = {.payload_type = SCREEN_PT,
                                .marker = true,
                                .seq = p->seq++,
                                .timestamp = p->seq * 3000u,
                                .ssrc = p->ssrc,
                                .extension_profile = RTP_EXTENSION_PROFILE_ONE_BYTE,
                                .extension = {mid, sizeof mid}};
    rtp_write_header(&w, &header);
    write_bytes(&w, bytes_of(frame, sizeof frame));
    size_t size = writer_size(&w);
    assert_int_equal(media_cipher_protect_rtp(p->cipher, packet, &size), STATUS_OK);
    give(b, p, packet, size);
}

struct sent {
    uint8_t payload_type;
    uint16_t seq;
    uint32_t timestamp, ssrc;
    char mid, rid; /* rid 0: none */
    struct bytes payload;
};

static void send_rtp(struct bench *b, struct peer *p, const struct sent *sent)
{
    uint8_t packet[1300] = {0};
    uint8_t extension[] = {MID_ID << 4, (uint8_t)sent->mid, RID_ID << 4, (uint8_t)sent->rid};
    size_t extension_bytes = sizeof extension;
    if (sent->rid == 0)
        memset(extension + 2, 0, 2); /* padding */
    struct writer w = writer_of((struct bytes_mut){packet, sizeof packet});
    struct rtp_header header = {.payload_type = sent->payload_type,
                                .marker = sent->payload_type == SCREEN_PT,
                                .seq = sent->seq,
                                .timestamp = sent->timestamp,
                                .ssrc = sent->ssrc,
                                .extension_profile = RTP_EXTENSION_PROFILE_ONE_BYTE,
                                .extension = {extension, extension_bytes}};
    rtp_write_header(&w, &header);
    write_bytes(&w, sent->payload);
    size_t size = writer_size(&w);
    assert_int_equal(media_cipher_protect_rtp(p->cipher, packet, &size), STATUS_OK);
    give(b, p, packet, size);
}

static void send_voice(struct bench *b, struct peer *p, uint16_t seq, uint8_t tag)
{
    const uint8_t opus[] = {0x78, 1, 2, 3, tag};
    send_rtp(b, p,
             &(struct sent){.payload_type = VOICE_PT,
                            .seq = seq,
                            .timestamp = seq * 960u,
                            .ssrc = 5000 + (uint32_t)p->id,
                            .mid = 'm',
                            .payload = bytes_of(opus, sizeof opus)});
}

/* One picture of one encoding of the screen. */
static void send_encoding(struct bench *b, struct peer *p, char rid, bool key_frame, uint16_t seq,
                          uint8_t tag)
{
    const uint8_t frame[] = {0x10, key_frame ? 0x10 : 0x11, 2, 0, 0x9d, 1, 0x2a, 64, 0, 64, 0, tag};
    send_rtp(b, p,
             &(struct sent){.payload_type = SCREEN_PT,
                            .seq = seq,
                            .timestamp = seq * 3000u,
                            .ssrc = rid == 'h' ? 8000 : 9000,
                            .mid = 's',
                            .rid = rid,
                            .payload = bytes_of(frame, sizeof frame)});
}

static void ask(struct bench *b, struct peer *p, const uint16_t *seq)
{
    uint8_t packet[200];
    struct writer w = writer_of((struct bytes_mut){packet, 100});
    uint32_t ssrc = (uint32_t)(70 + p->id);
    if (seq != NULL)
        assert_int_equal(rtcp_write_nack(&w, 5, ssrc, seq, 1), 1);
    else
        rtcp_write_pli(&w, 5, ssrc);
    size_t size = writer_size(&w);
    assert_int_equal(media_cipher_protect_rtcp(p->cipher, packet, &size), STATUS_OK);
    give(b, p, packet, size);
}

static uint64_t drops(const struct bench *b, uint32_t shard, enum drop_reason reason)
{
    return shard_core_get_stats(b->cores[shard])->drops[reason];
}

static void a_closed_slot_forwards_nothing_and_an_open_one_the_next_packet(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *near = add_peer(b, 0, true);
    struct peer *far = add_peer(b, 1, true);
    bind_screen(b, sender);
    send_screen(b, sender, true, 1);
    assert_int_equal(drops(b, 0, DROP_CLOSED_SLOT), 1);
    assert_int_equal(near->screen + far->screen + b->publications_told, 0);
    grant(b, sender, true);
    send_screen(b, sender, true, 2);
    assert_int_equal(near->screen, 1);
    assert_int_equal(far->screen, 1);
    assert_int_equal(far->last_tag, 2);
    assert_int_equal(b->publications_told, 1);
    grant(b, sender, false);
    send_screen(b, sender, true, 3);
    assert_int_equal(near->screen + far->screen, 2);
    assert_int_equal(sender->screen, 0); /* nobody gets its own picture back */
}

static void whatever_the_order_of_grants_nothing_passes_while_closed(void **state)
{
    struct bench *b = *state;
    struct rng rng = rng_of_seed(7);
    struct peer *sender = add_peer(b, 0, true);
    struct peer *near = add_peer(b, 0, true);
    struct peer *far = add_peer(b, 1, true);
    bool open = false;
    size_t passed = 0;
    size_t closed = 0;
    uint16_t expected = 0;
    bind_screen(b, sender);
    for (int i = 0; i < 2000; i++) {
        if (rng_below(&rng, 5) == 0)
            grant(b, sender, open = rng_below(&rng, 2) == 0);
        b->now += MILLISECONDS(5);
        send_screen(b, sender, true, (uint8_t)i);
        passed += open ? 1 : 0;
        closed += open ? 0 : 1;
        assert_int_equal(near->screen, passed);
        assert_int_equal(far->screen, passed);
        if (!open)
            continue;
        assert_int_equal(near->last_tag, (uint8_t)i);
        expected = passed == 1 ? near->last_seq : (uint16_t)(expected + 1);
        assert_int_equal(near->last_seq, expected); /* closing leaves no gap */
    }
    assert_true(passed > 300 && closed > 300);
    assert_int_equal(drops(b, 0, DROP_CLOSED_SLOT), closed);
}

static void a_late_joiner_gets_the_key_frame_and_what_followed_without_a_request(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    (void)add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    for (uint8_t i = 0; i < 20; i++)
        send_screen(b, sender, i == 5, i); /* 15 from the key frame on */
    size_t asked = sender->plis;
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        const struct peer *late = add_peer(b, shard, true);
        assert_int_equal(late->screen, 15);
        assert_int_equal((uint16_t)(late->last_seq - late->first_seq), 14);
        assert_int_equal(late->last_tag, 19);
    }
    assert_int_equal(sender->plis, asked);
}

static void a_late_joiner_is_shown_nothing_of_a_slot_that_was_closed(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    (void)add_peer(b, 0, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    grant(b, sender, false);
    assert_int_equal(add_peer(b, 0, true)->screen, 0);
}

static void key_frame_requests_are_merged_and_go_back_to_the_publisher(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *near = add_peer(b, 0, true);
    struct peer *far = add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    pass_time(b, SECONDS(3));
    sender->plis = b->key_frames_wanted = 0;
    for (int i = 0; i < 50; i++) { /* five seconds */
        ask(b, far, NULL);
        ask(b, near, NULL);
        pass_time(b, MILLISECONDS(100));
        send_screen(b, sender, false, 2);
    }
    assert_in_range(sender->plis, 4, 6); /* once a second */
    assert_in_range(b->key_frames_wanted, 4, 6);
    send_screen(b, sender, true, 3);
    sender->plis = 0;
    pass_time(b, SECONDS(3));
    send_screen(b, sender, false, 4);
    assert_int_equal(sender->plis, 0); /* it came: nothing more is asked */
}

static void a_lost_packet_is_sent_again_from_the_replica(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *far = add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    for (uint8_t i = 0; i < 10; i++)
        send_screen(b, sender, i == 0, i);
    uint16_t wanted = (uint16_t)(far->last_seq - 3);
    ask(b, far, &wanted);
    assert_int_equal(far->resent, 1);
    assert_int_equal(far->last_resent, wanted);
    ask(b, far, &wanted);
    assert_int_equal(far->resent, 1);
    assert_int_equal(drops(b, 1, DROP_RETRANSMIT_LIMIT), 1);
    wanted = (uint16_t)(far->last_seq + 1);
    ask(b, far, &wanted);
    assert_int_equal(drops(b, 1, DROP_RETRANSMIT_GONE), 1);
    assert_int_equal(shard_core_get_stats(b->cores[0])->retransmitted, 0);
}

static void what_was_queued_from_a_cache_goes_before_the_cache_does(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *near = add_peer(b, 0, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    struct participant *p = shard_find_participant(b->cores[0], near->id);
    forwarder_resend(b->cores[0], b->now, p, &p->subscriptions[0], near->last_seq, &b->tx[0]);
    struct shard_message m = {.type = SHARD_PARTICIPANT_REMOVE, .participant_remove = {1, 1}};
    order(b, 0, &m); /* in the same turn */
    assert_int_equal(near->resent, 1);
}

static void an_undeclared_stream_is_bound_by_its_mid_also_when_it_changes(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, false);
    struct peer *near = add_peer(b, 0, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    sender->ssrc = 0xabcdef;
    send_screen(b, sender, true, 1);
    assert_int_equal(near->screen, 1);
    sender->ssrc = 0xabcdf0;
    sender->seq = 40000;
    send_screen(b, sender, false, 2); /* begins afresh: a key frame first */
    assert_int_equal(near->screen, 1);
    send_screen(b, sender, true, 3);
    assert_int_equal(near->screen, 2);
    assert_int_equal((uint16_t)(near->last_seq - near->first_seq), 1);
    sender->ssrc = 0;
    send_screen(b, sender, true, 4);
    assert_int_equal(drops(b, 0, DROP_UNKNOWN_SSRC), 1);
}

static void a_voice_is_heard_on_both_shards_and_by_nobody_when_the_floor_is_taken(void **state)
{
    struct bench *b = *state;
    struct peer *speaker = add_peer(b, 0, true);
    struct peer *near = add_peer(b, 0, true);
    struct peer *far = add_peer(b, 1, true);
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct shard_message m = {.type = SHARD_BIND};
        m.bind.room = ROOM;
        m.bind.slot = ROOM_SLOT_VOICE_0;
        m.bind.ref = (struct publication_ref){speaker->id, SEND_SLOT_MIC};
        order(b, i, &m);
    }
    struct shard_message open = {.type = SHARD_GRANT};
    open.grant = (struct control_grant){speaker->id, SEND_SLOT_MIC, true, false};
    order(b, 0, &open);
    for (uint16_t i = 0; i < 50; i++) {
        send_voice(b, speaker, (uint16_t)(65520 + i), (uint8_t)i);
        pass_time(b, MILLISECONDS(20));
    }
    struct peer *const heard_by[] = {near, far};
    for (size_t i = 0; i < COUNT_OF(heard_by); i++) {
        assert_int_equal(heard_by[i]->voice, 50);
        assert_int_equal((uint16_t)(heard_by[i]->last_voice_seq - heard_by[i]->first_voice_seq),
                         49);
        assert_int_equal(heard_by[i]->last_voice_tag, 49);
    }
    assert_int_equal(speaker->voice, 0); /* nobody hears themselves */
    open.grant.open = false;
    order(b, 0, &open);
    for (uint16_t i = 50; i < 60; i++) {
        send_voice(b, speaker, (uint16_t)(65520 + i), (uint8_t)i);
        pass_time(b, MILLISECONDS(20));
    }
    assert_int_equal(near->last_voice_tag, 49);
    assert_int_equal(far->last_voice_tag, 49);
    assert_int_equal(drops(b, 0, DROP_CLOSED_SLOT), 10);
}

static void a_publisher_that_stops_its_best_encoding_is_seen_by_the_next(void **state)
{
    struct bench *b = *state;
    b->offers_simulcast = true;
    struct peer *sender = add_peer(b, 0, true);
    b->offers_simulcast = false;
    struct peer *const seen_by[] = {add_peer(b, 0, true), add_peer(b, 1, true)};
    bind_screen(b, sender);
    grant(b, sender, true);
    uint16_t high = 100, low = 60000;
    /* Both come, the worse one first: the better one is shown. */
    for (int i = 0; i < 10; i++) {
        if (i > 0)
            send_encoding(b, sender, 'l', i == 1, low++, 0x10);
        send_encoding(b, sender, 'h', i == 0, high++, 0x80);
        pass_time(b, MILLISECONDS(100));
    }
    for (size_t i = 0; i < COUNT_OF(seen_by); i++) {
        assert_int_equal(seen_by[i]->screen, 10);
        assert_int_equal(seen_by[i]->last_tag, 0x80);
    }
    /* A still screen is no reason to change, whichever comes first behind it. */
    pass_time(b, SECONDS(5));
    send_encoding(b, sender, 'l', false, low++, 0x11);
    send_encoding(b, sender, 'h', false, high++, 0x81);
    pass_time(b, MILLISECONDS(10)); /* video may be held for a moment */
    assert_int_equal(seen_by[0]->screen, 11);
    assert_int_equal(seen_by[0]->last_tag, 0x81);
    /* The better one ends: within a second and a key frame the other is there, on both shards. */
    size_t plis = sender->plis;
    for (int i = 0; i < 12; i++) {
        pass_time(b, MILLISECONDS(100));
        send_encoding(b, sender, 'l', false, low++, 0x12);
    }
    assert_int_equal(seen_by[0]->screen, 11);
    assert_true(sender->plis > plis);
    send_encoding(b, sender, 'l', true, low++, 0x13);
    send_encoding(b, sender, 'l', false, low++, 0x14);
    pass_time(b, MILLISECONDS(10));
    for (size_t i = 0; i < COUNT_OF(seen_by); i++) {
        assert_int_equal(seen_by[i]->screen, 13);
        assert_int_equal(seen_by[i]->last_tag, 0x14);
        assert_int_equal((uint16_t)(seen_by[i]->last_seq - seen_by[i]->first_seq), 12); /* no gap */
    }
    /* It comes again, with a key frame as encoders begin, and is shown at once. */
    send_encoding(b, sender, 'h', true, high++, 0x82);
    send_encoding(b, sender, 'l', false, low++, 0x15);
    pass_time(b, MILLISECONDS(10));
    for (size_t i = 0; i < COUNT_OF(seen_by); i++)
        assert_int_equal(seen_by[i]->last_tag, 0x82);
}

static struct subscription *screen_of(struct bench *b, const struct peer *p)
{
    return &shard_find_participant(b->cores[p->shard], p->id)->subscriptions[0];
}

static void set_target(struct bench *b, const struct peer *p, struct layer_target target)
{
    struct shard_core *c = b->cores[p->shard];
    assert_true(thinning_set_target(c, b->now, screen_of(b, p), target, false, &b->tx[p->shard]));
    pump(b);
}

static void
a_learner_on_a_worse_encoding_gets_it_without_a_gap_and_the_others_the_best(void **state)
{
    static const struct layer_target low = {LAYER_LIVE, 1, LAYER_ALL};
    static const struct layer_target everything = {LAYER_LIVE, 0, LAYER_ALL};
    struct bench *b = *state;
    b->offers_simulcast = true;
    struct peer *sender = add_peer(b, 0, true);
    b->offers_simulcast = false;
    struct peer *near = add_peer(b, 0, true), *far = add_peer(b, 1, true);
    struct peer *other = add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    uint16_t high = 100, low_seq = 60000;
    for (int i = 0; i < 5; i++) {
        send_encoding(b, sender, 'h', i == 0, high++, 0x80);
        send_encoding(b, sender, 'l', i == 0, low_seq++, 0x10);
    }
    pass_time(b, MILLISECONDS(10));
    assert_int_equal(near->last_tag, 0x80);
    /* The other shard does not even get what nobody there wants. */
    const struct publication *replica =
        shard_find_publication(b->cores[1], (struct publication_ref){sender->id, SEND_SLOT_SCREEN});
    assert_int_equal(replica->streams[1].serial, 0);
    set_target(b, near, low);
    set_target(b, far, low);
    assert_int_equal(near->last_tag, 0x10); /* its key frame is here */
    /* The far one goes on with the best until the other's key frame comes: asked for once. */
    size_t plis = sender->plis;
    send_encoding(b, sender, 'h', false, high++, 0x81);
    send_encoding(b, sender, 'l', false, low_seq++, 0x11);
    send_encoding(b, sender, 'l', false, low_seq++, 0x11);
    pass_time(b, MILLISECONDS(10));
    assert_int_equal(near->last_tag, 0x11);
    assert_int_equal(far->last_tag, 0x81);
    assert_int_equal(sender->plis, plis + 1);
    send_encoding(b, sender, 'l', true, low_seq++, 0x12);
    send_encoding(b, sender, 'h', false, high++, 0x82);
    send_encoding(b, sender, 'l', false, low_seq++, 0x13);
    pass_time(b, MILLISECONDS(10));
    struct peer *const thinned[] = {near, far};
    for (size_t i = 0; i < COUNT_OF(thinned); i++) {
        assert_int_equal(thinned[i]->last_tag, 0x13);
        assert_int_equal((uint16_t)(thinned[i]->last_seq - thinned[i]->first_seq) + 1u,
                         thinned[i]->screen);
    }
    assert_int_equal(other->last_tag, 0x82);
    /* What is lost at home is sent again, whichever encoding it was. */
    for (uint16_t back = 0; back < 3; back++) {
        uint16_t seq = (uint16_t)(far->last_seq - back);
        size_t resent = far->resent;
        ask(b, far, &seq);
        pass_time(b, MILLISECONDS(10));
        assert_int_equal(far->resent, resent + 1);
        assert_int_equal(far->last_resent, seq);
    }
    /* Back: at the best one's next key frame, and then as if nothing had been. */
    set_target(b, near, everything);
    set_target(b, far, everything);
    for (int i = 0; i < 3; i++) {
        send_encoding(b, sender, 'h', i == 0, high++, (uint8_t)(0x90 + i));
        send_encoding(b, sender, 'l', false, low_seq++, 0x14);
    }
    pass_time(b, MILLISECONDS(10));
    for (size_t i = 0; i < COUNT_OF(thinned); i++) {
        assert_int_equal(thinned[i]->last_tag, 0x92);
        assert_false(screen_of(b, thinned[i])->is_thinned);
        assert_int_equal((uint16_t)(thinned[i]->last_seq - thinned[i]->first_seq) + 1u,
                         thinned[i]->screen);
    }
    uint16_t before = (uint16_t)(far->last_seq - 4); /* of the worse encoding */
    size_t resent = far->resent;
    ask(b, far, &before);
    pass_time(b, MILLISECONDS(10));
    assert_int_equal(far->resent, resent + 1);
    const struct publication *home =
        shard_find_publication(b->cores[0], (struct publication_ref){sender->id, SEND_SLOT_SCREEN});
    assert_int_equal(home->wanted_here | home->wanted_elsewhere, 0);
}

static void a_thinned_learner_that_leaves_wants_nothing_any_more(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *far = add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    set_target(b, far, (struct layer_target){LAYER_LIVE, 1, 0});
    const struct publication *home =
        shard_find_publication(b->cores[0], (struct publication_ref){sender->id, SEND_SLOT_SCREEN});
    assert_int_equal(home->wanted_elsewhere, 3);
    set_target(b, far, (struct layer_target){.mode = LAYER_OFF});
    assert_int_equal(home->wanted_elsewhere, 0);
    size_t screen = far->screen;
    send_screen(b, sender, false, 2);
    pass_time(b, MILLISECONDS(10));
    assert_int_equal(far->screen, screen);
    set_target(b, far, (struct layer_target){LAYER_LIVE, 1, 0});
    struct shard_message m = {.type = SHARD_PARTICIPANT_REMOVE};
    m.participant_remove = (struct control_participant_ref){far->id, 1};
    order(b, 1, &m);
    assert_int_equal(home->wanted_elsewhere, 0);
}

static void an_encoding_that_nobody_gets_is_told_off_after_a_while_and_on_at_once(void **state)
{
    static const struct layer_target low = {LAYER_LIVE, 1, LAYER_ALL};
    static const struct layer_target everything = {LAYER_LIVE, 0, LAYER_ALL};
    struct bench *b = *state;
    b->offers_simulcast = true;
    struct peer *sender = add_peer(b, 0, true);
    b->offers_simulcast = false;
    struct peer *far = add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    uint16_t high = 100, low_seq = 60000;
    for (int i = 0; i < 25; i++) {
        assert_int_equal(b->demand_told, i < 19 ? 0 : b->demand_told);
        send_encoding(b, sender, 'h', i == 0, high++, 0x80);
        send_encoding(b, sender, 'l', i == 0, low_seq++, 0x10);
        pass_time(b, MILLISECONDS(500));
    }
    assert_int_equal(b->demand_told, 1);
    set_target(b, far, low);
    assert_int_equal(b->demand_told, 3);
    assert_int_equal(b->quality_told, CONTROL_QUALITY_REDUCED);
    set_target(b, far, (struct layer_target){LAYER_STILL, 1, 0});
    assert_int_equal(b->quality_told, CONTROL_QUALITY_STILL);
    set_target(b, far, (struct layer_target){.mode = LAYER_OFF});
    assert_int_equal(b->quality_told, CONTROL_QUALITY_OFF);
    set_target(b, far, everything);
    set_target(b, far, everything);
    assert_int_equal(b->quality_told, CONTROL_QUALITY_FULL);
    assert_int_equal(b->qualities_told, 4);
    send_encoding(b, sender, 'h', true, high++, 0x81);
    assert_int_equal(b->demand_told, 3);
    pass_time(b, SECONDS(12));
    assert_int_equal(b->demand_told, 1);
}

/* A publisher that sends only its best encoding until it is asked for more, as a page does. */
static struct peer *add_sparing_peer(struct bench *b)
{
    b->offers_simulcast = true;
    struct peer *sender = add_peer(b, 0, true);
    b->offers_simulcast = false;
    bind_screen(b, sender);
    grant(b, sender, true);
    return sender;
}

/* Time passes for peers that are there: they check their paths as they must. */
static void live_on(struct bench *b, usec_t duration)
{
    uint8_t check[400];
    for (size_t i = 0; i < b->peer_count; i++)
        give(b, &b->peers[i], check, ice_peer_write_check(&b->peers[i].ice, check));
    pass_time(b, duration);
}

static struct allocator_stream describe(struct bench *b, const struct peer *p)
{
    struct allocator_stream out;
    thinning_describe(screen_of(b, p), b->now, &out);
    return out;
}

static void
a_low_encoding_that_nobody_needs_is_not_asked_for_and_at_once_when_one_does(void **state)
{
    static const struct layer_target low = {LAYER_LIVE, 1, LAYER_ALL};
    static const struct layer_target everything = {LAYER_LIVE, 0, LAYER_ALL};
    struct bench *b = *state;
    struct peer *sender = add_sparing_peer(b);
    struct peer *near = add_peer(b, 0, true), *far = add_peer(b, 1, true);
    struct peer *const learners[] = {near, far};
    uint16_t high = 100, low_seq = 60000;
    for (size_t i = 0; i < COUNT_OF(learners); i++)
        assert_false(describe(b, learners[i]).active); /* nothing is sent yet */
    for (int i = 0; i < 30; i++) {
        send_encoding(b, sender, 'h', i == 0, high++, 0x80);
        live_on(b, MILLISECONDS(500));
    }
    assert_int_equal(b->demand_told, 0);              /* never */
    for (size_t i = 0; i < COUNT_OF(learners); i++) { /* and yet it may be chosen */
        struct allocator_stream stream = describe(b, learners[i]);
        assert_true(stream.active);
        assert_true(stream.encodings[0].exists && stream.encodings[1].exists);
        assert_false(stream.encodings[2].exists);
        assert_int_equal(stream.encodings[1].layers, 0);
    }
    set_target(b, far, low);
    assert_int_equal(b->demand_told, 3);
    /* Until it comes, what there is. */
    send_encoding(b, sender, 'h', false, high++, 0x81);
    pass_time(b, MILLISECONDS(100));
    assert_int_equal(far->last_tag, 0x81);
    send_encoding(b, sender, 'l', true, low_seq++, 0x11);
    send_encoding(b, sender, 'h', true, high++, 0x82);
    pass_time(b, MILLISECONDS(100));
    assert_int_equal(far->last_tag, 0x11);
    assert_int_equal(near->last_tag, 0x82);
    assert_int_equal((uint16_t)(far->last_seq - far->first_seq) + 1u, far->screen);
    set_target(b, far, everything);
    for (int i = 0; i < 24; i++) {
        send_encoding(b, sender, 'h', i == 0, high++, 0x83);
        send_encoding(b, sender, 'l', false, low_seq++, 0x12);
        live_on(b, MILLISECONDS(500));
    }
    assert_int_equal(far->last_tag, 0x83);
    assert_int_equal(b->demand_told, 1);
}

static void
a_low_encoding_that_does_not_come_when_asked_for_is_no_choice_until_it_does(void **state)
{
    static const struct layer_target low = {LAYER_LIVE, 1, LAYER_ALL};
    struct bench *b = *state;
    struct peer *sender = add_sparing_peer(b);
    struct peer *near = add_peer(b, 0, true), *far = add_peer(b, 1, true);
    struct peer *const learners[] = {near, far};
    uint16_t high = 100;
    send_encoding(b, sender, 'h', true, high++, 0x80);
    set_target(b, far, low);
    /* While nothing at all comes it may be the line, or a still screen. */
    live_on(b, SECONDS(10));
    assert_true(describe(b, near).encodings[1].exists);
    send_encoding(b, sender, 'h', false, high++, 0x80);
    for (int i = 0; i < 7; i++) {
        live_on(b, MILLISECONDS(500));
        send_encoding(b, sender, 'h', false, high++, 0x81);
    }
    pass_time(b, MILLISECONDS(100));
    send_encoding(b, sender, 'h', false, high++, 0x82);
    for (size_t i = 0; i < COUNT_OF(learners); i++) {
        assert_true(describe(b, learners[i]).encodings[0].exists);
        assert_false(describe(b, learners[i]).encodings[1].exists);
    }
    for (int i = 0; i < 3; i++)
        live_on(b, SECONDS(5));
    assert_int_equal(b->demand_told, 3); /* it stays asked for: the page's line may be down */
    assert_int_equal(far->last_tag, 0x82);
    send_encoding(b, sender, 'l', true, 60000, 0x11);
    pass_time(b, MILLISECONDS(100));
    for (size_t i = 0; i < COUNT_OF(learners); i++)
        assert_true(describe(b, learners[i]).encodings[0].exists);
    assert_true(describe(b, near).encodings[1].exists);
    assert_int_equal(far->last_tag, 0x11);
}

static void sound_that_is_off_comes_again_without_a_gap(void **state)
{
    struct bench *b = *state;
    struct peer *speaker = add_peer(b, 0, true);
    struct peer *near = add_peer(b, 0, true);
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct shard_message m = {.type = SHARD_BIND};
        m.bind.room = ROOM;
        m.bind.slot = ROOM_SLOT_VOICE_0;
        m.bind.ref = (struct publication_ref){speaker->id, SEND_SLOT_MIC};
        order(b, i, &m);
    }
    struct shard_message m = {.type = SHARD_GRANT};
    m.grant = (struct control_grant){speaker->id, SEND_SLOT_MIC, true, false};
    order(b, 0, &m);
    struct subscription *s = &shard_find_participant(b->cores[0], near->id)->subscriptions[1];
    for (int i = 0; i < 30; i++) {
        bool on = i < 10 || i >= 20;
        assert_true(thinning_set_target(
            b->cores[0], b->now, s,
            (struct layer_target){on ? LAYER_LIVE : LAYER_OFF, 0, LAYER_ALL}, false, &b->tx[0]));
        send_voice(b, speaker, (uint16_t)(100 + i), (uint8_t)i);
        pass_time(b, MILLISECONDS(20));
    }
    assert_int_equal(near->voice, 20);
    assert_int_equal((uint16_t)(near->last_voice_seq - near->first_voice_seq), 19);
    assert_int_equal(near->last_voice_tag, 29);
}

static void a_publisher_above_its_rate_is_cut_to_it(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct participant *p = shard_find_participant(b->cores[0], sender->id);
    grant(b, sender, true);
    size_t passed = 0;
    for (int i = 0; i < 20000; i++) { /* 10 s at 16 Mbit/s, below the transport */
        uint8_t packet[1000] = {0x80, SCREEN_PT, (uint8_t)(i >> 8), (uint8_t)i};
        store_u32(packet + 8, sender->ssrc);
        packet[12] = 0x10;
        packet[13] = 1;
        uint64_t before = drops(b, 0, DROP_RATE_LIMIT);
        ingress_handle_rtp(b->cores[0], b->now, p, (struct bytes_mut){packet, sizeof packet},
                           &b->tx[0]);
        passed += drops(b, 0, DROP_RATE_LIMIT) == before ? 1 : 0;
        b->now += 500;
        b->queue_count = 0;
    }
    assert_in_range(passed, 10000, 10600); /* 8 Mbit/s and half a second's burst */
}

static void whoever_goes_leaves_nothing_behind(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    (void)add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    bind_screen(b, NULL);
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct shard_message m = {.type = SHARD_PARTICIPANT_REMOVE,
                                  .participant_remove = {i + 1, 1}};
        order(b, i, &m);
        m = (struct shard_message){.type = SHARD_ROOM};
        m.room.room = ROOM;
        order(b, i, &m);
        const struct shard_core *c = b->cores[i];
        assert_int_equal(c->participants.used, 0);
        assert_int_equal(c->rooms.used, 0);
        assert_int_equal(c->publication_count, 0);
        assert_int_equal(c->by_address.used + c->by_ufrag.used + c->by_id.used, 0);
        assert_int_equal(c->publications.used, 0);
        assert_int_equal(shard_core_next_timeout(c), USEC_NEVER);
    }
}

static void a_closed_connection_is_no_way_any_more_and_media_goes_on_by_another(void **state)
{
    struct bench *b = *state;
    struct peer *p = add_peer(b, 0, true);
    struct net_addr udp = p->addr;
    struct net_addr tcp = p->addr;
    struct net_addr to;
    uint8_t check[STUN_BYTES_MAX];
    const struct participant *participant = shard_find_participant(b->cores[0], p->id);
    tcp.protocol = NET_PROTOCOL_TCP;
    assert_false(shard_core_is_path(b->cores[0], &tcp));
    p->addr = tcp;
    p->ice.use_candidate = true;
    give(b, p, check, ice_peer_write_check(&p->ice, check));
    assert_true(shard_core_is_path(b->cores[0], &tcp));
    assert_true(transport_get_remote(participant->transport, b->now, &to));
    assert_true(net_addr_equal(&to, &tcp));
    uint32_t paths = b->cores[0]->by_address.used;
    shard_core_handle_path_closed(b->cores[0], b->now, &tcp, &b->tx[0]);
    assert_false(shard_core_is_path(b->cores[0], &tcp));
    assert_true(shard_core_is_path(b->cores[0], &udp));
    assert_int_equal(b->cores[0]->by_address.used, paths - 1);
    assert_true(transport_get_remote(participant->transport, b->now, &to));
    assert_true(net_addr_equal(&to, &udp));
}

static void a_shard_that_begins_anew_holds_nobody_and_takes_the_next(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *listener = add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    assert_int_equal(listener->screen, 1);
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct shard_message m = {.type = SHARD_RESET};
        order(b, i, &m);
        const struct shard_core *c = b->cores[i];
        assert_int_equal(c->participants.used + c->rooms.used + c->publications.used, 0);
        assert_int_equal(c->by_address.used + c->by_ufrag.used + c->by_id.used, 0);
        assert_int_equal(shard_core_next_timeout(c), USEC_NEVER);
    }
    struct shard_message m = {.type = SHARD_RESET};
    order(b, 0, &m);            /* of nothing is nothing */
    (void)add_peer(b, 0, true); /* connects */
    assert_int_equal(b->cores[0]->participants.used, 1);
}

static int init_library(void **state)
{
    (void)state;
    if (dtls_context_create(&the_bench.ours) != STATUS_OK ||
        dtls_context_create(&the_bench.theirs) != STATUS_OK)
        return -1;
    return media_cipher_init_library() == STATUS_OK ? 0 : -1;
}

static int free_library(void **state)
{
    (void)state;
    dtls_context_free(the_bench.ours);
    dtls_context_free(the_bench.theirs);
    return 0;
}

/* A class comes in all at once: its handshakes wait for their turn, and a voice does not. */
static void a_rush_of_handshakes_is_taken_a_few_at_a_time_and_media_passes_it(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    struct peer *near = add_peer(b, 0, true);
    struct peer *rusher = add_peer(b, 0, true);
    struct shard_core *c = b->cores[0];
    bind_screen(b, sender);
    grant(b, sender, true);
    uint8_t record[] = {22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 1, 7}; /* worth nothing */
    uint64_t bad = drops(b, 0, DROP_BAD_DTLS);
    for (int i = 0; i < HANDSHAKES_WAITING_EACH + 3; i++) {
        uint8_t copy[sizeof record];
        memcpy(copy, record, sizeof record);
        shard_core_handle_datagram(c, b->now, &rusher->addr, (struct bytes_mut){copy, sizeof copy},
                                   &b->tx[0]);
    }
    assert_int_equal(drops(b, 0, DROP_HANDSHAKES_FULL), 3);
    size_t waiting = HANDSHAKES_WAITING_EACH;
    while (waiting > 0) {
        assert_int_equal(c->handshakes.count, waiting);
        assert_true(shard_core_next_timeout(c) <= b->now);
        shard_core_handle_timeout(c, b->now, &b->tx[0]);
        waiting -= HANDSHAKES_EACH_TURN;
    }
    assert_true(shard_core_next_timeout(c) > b->now);
    assert_true(drops(b, 0, DROP_BAD_DTLS) <= bad + HANDSHAKES_WAITING_EACH);
    for (int i = 0; i < HANDSHAKES_EACH_TURN; i++) {
        uint8_t copy[sizeof record];
        memcpy(copy, record, sizeof record);
        shard_core_handle_datagram(c, b->now, &rusher->addr, (struct bytes_mut){copy, sizeof copy},
                                   &b->tx[0]);
    }
    shard_remove_participant(c, shard_find_participant(c, rusher->id), &b->tx[0]);
    send_screen(b, sender, true, 1); /* what waits for nobody is thrown away on the way */
    assert_int_equal(near->screen, 1);
    assert_int_equal(c->handshakes.count, 0);
}

/* What comes again would add to what the relay cannot take in. */
static void nothing_is_asked_for_again_while_the_relay_itself_loses_packets(void **state)
{
    struct bench *b = *state;
    struct peer *sender = add_peer(b, 0, true);
    (void)add_peer(b, 0, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    send_screen(b, sender, true, 1);
    shard_core_note_overload(b->cores[0], b->now);
    sender->seq += 3;
    send_screen(b, sender, false, 2);
    pass_time(b, OVERLOAD_US / 2);
    send_screen(b, sender, false, 3);
    assert_int_equal(sender->nacks, 0);
    pass_time(b, OVERLOAD_US);
    sender->seq += 3;
    send_screen(b, sender, false, 4);
    pass_time(b, MILLISECONDS(50));
    send_screen(b, sender, false, 5);
    assert_true(sender->nacks > 0);
}

static void forwarding_allocates_nothing(void **state)
{
    struct bench *b = *state;
    if (!allocations_can_be_counted())
        skip();
    struct peer *sender = add_peer(b, 0, true);
    struct peer *near = add_peer(b, 0, true);
    struct peer *far = add_peer(b, 1, true);
    bind_screen(b, sender);
    grant(b, sender, true);
    for (int i = 0; i < 100; i++) { /* streams, caches and tables are made by the first ones */
        b->now += MILLISECONDS(5);
        send_screen(b, sender, i == 0, 1);
    }
    size_t before = allocations_get_count();
    for (int i = 0; i < 2000; i++) {
        b->now += MILLISECONDS(5);
        b->counts_allocations = true;
        send_screen(b, sender, false, 1);
        b->counts_allocations = false;
    }
    assert_int_equal(near->screen, 2100);
    assert_int_equal(far->screen, 2100);
    assert_int_equal(allocations_get_count() - before, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_closed_slot_forwards_nothing_and_an_open_one_the_next_packet),
        TEST(whatever_the_order_of_grants_nothing_passes_while_closed),
        TEST(a_late_joiner_gets_the_key_frame_and_what_followed_without_a_request),
        TEST(a_late_joiner_is_shown_nothing_of_a_slot_that_was_closed),
        TEST(key_frame_requests_are_merged_and_go_back_to_the_publisher),
        TEST(a_lost_packet_is_sent_again_from_the_replica),
        TEST(what_was_queued_from_a_cache_goes_before_the_cache_does),
        TEST(an_undeclared_stream_is_bound_by_its_mid_also_when_it_changes),
        TEST(a_voice_is_heard_on_both_shards_and_by_nobody_when_the_floor_is_taken),
        TEST(a_publisher_that_stops_its_best_encoding_is_seen_by_the_next),
        TEST(a_learner_on_a_worse_encoding_gets_it_without_a_gap_and_the_others_the_best),
        TEST(a_thinned_learner_that_leaves_wants_nothing_any_more),
        TEST(an_encoding_that_nobody_gets_is_told_off_after_a_while_and_on_at_once),
        TEST(a_low_encoding_that_nobody_needs_is_not_asked_for_and_at_once_when_one_does),
        TEST(a_low_encoding_that_does_not_come_when_asked_for_is_no_choice_until_it_does),
        TEST(sound_that_is_off_comes_again_without_a_gap),
        TEST(a_publisher_above_its_rate_is_cut_to_it),
        TEST(a_rush_of_handshakes_is_taken_a_few_at_a_time_and_media_passes_it),
        TEST(nothing_is_asked_for_again_while_the_relay_itself_loses_packets),
        TEST(forwarding_allocates_nothing),
        TEST(whoever_goes_leaves_nothing_behind),
        TEST(a_closed_connection_is_no_way_any_more_and_media_goes_on_by_another),
        TEST(a_shard_that_begins_anew_holds_nobody_and_takes_the_next),
    };
    return cmocka_run_group_tests(tests, init_library, free_library);
}
