#include "unit/relay/shard_bench.h"

#include "rtc/ice_lite.h"
#include "support/allocations.c"
#include "support/ice_peer.c"
#include "support/virtual_gettimeofday.c"
#include "wire/rtcp_feedback.h"
#include "wire/rtp_extension.h"

#include <opus.h>

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
    struct rtcp_report report;
    struct rtcp_pli pli;
    size_t reports = 0;
    while (rtcp_next(&it, &packet) == STATUS_OK) {
        if (rtcp_parse_report(&packet, &report) == STATUS_OK && report.has_sender_info) {
            reports++;
            p->screen_reports += report.ssrc == 70 + p->id;
            p->voice_reports += report.ssrc == 270 + p->id;
        }
        p->plis += rtcp_feedback_of(&packet) == RTCP_FEEDBACK_PLI ? 1 : 0;
        if (rtcp_parse_pli(&packet, &pli) == STATUS_OK)
            p->plis_of[pli.media_ssrc == 9000]++;
        p->nacks += rtcp_feedback_of(&packet) == RTCP_FEEDBACK_NACK ? 1 : 0;
    }
    p->report_datagrams += reports > 0;
}

static void note_time(struct peer *p, const struct rtp_header *header)
{
    int ticks =
        opus_packet_get_nb_samples(header->payload.data, (opus_int32)header->payload.size, 48000);
    p->voice_began = p->voice == 0 ? header->timestamp : p->voice_began;
    p->voice_breaks += p->voice > 0 && (header->timestamp != p->voice_end ||
                                        header->seq != (uint16_t)(p->last_voice_seq + 1));
    p->voice_end = header->timestamp + (uint32_t)ticks;
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
    if (header.payload_type == RED_PT)
        return;
    if (header.payload_type == VOICE_PT) {
        assert_int_equal(header.ssrc, 270 + p->id);
        p->first_voice_seq = p->voice == 0 ? header.seq : p->first_voice_seq;
        note_time(p, &header);
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
    } else if (copy[0] >= 128 && p->misses) {
        p->misses = false;
        p->missed_size = size;
        memcpy(p->missed, copy, size);
    } else if (copy[0] >= 128) {
        p->missed_again += size == p->missed_size && memcmp(p->missed, copy, size) == 0;
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

void pump(struct bench *b)
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

void order(struct bench *b, uint32_t shard, const struct shard_message *m)
{
    shard_core_handle_message(b->cores[shard], b->now, m, &b->tx[shard]);
    pump(b);
}

void pass_time(struct bench *b, usec_t duration)
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

void take_turns(struct bench *b, uint32_t shard)
{
    while (shard_core_next_timeout(b->cores[shard]) <= b->now) /* handshakes, a few at once */
        shard_core_handle_timeout(b->cores[shard], b->now, &b->tx[shard]);
    tx_batch_flush(&b->tx[shard], b->now);
    pump(b);
}

void give(struct bench *b, const struct peer *p, const uint8_t *data, size_t size)
{
    uint8_t copy[2000];
    memcpy(copy, data, size);
    allocations_set_counting(b->counts_allocations);
    shard_core_handle_datagram(b->cores[p->shard], b->now, &p->addr, (struct bytes_mut){copy, size},
                               &b->tx[p->shard]);
    if (!b->holds)
        take_turns(b, p->shard);
    allocations_set_counting(false);
}

int bench_set_up(void **state)
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

int bench_tear_down(void **state)
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

static const struct codec_parameters screen_codec = {.codec = MEDIA_CODEC_VP8,
                                                     .payload_type = SCREEN_PT,
                                                     .rtx_payload_type = RTX_PT,
                                                     .clock_rate = 90000,
                                                     .nack = true};
static const struct codec_parameters voice_codec = {.codec = MEDIA_CODEC_OPUS,
                                                    .payload_type = VOICE_PT,
                                                    .channels = 2,
                                                    .clock_rate = 48000,
                                                    .nack = true};

void check_path(struct bench *b, struct peer *p)
{
    uint8_t check[STUN_BYTES_MAX];
    give(b, p, check, ice_peer_write_check(&p->ice, check));
}

static void connect_peer(struct bench *b, struct peer *p)
{
    struct bytes out;
    check_path(b, p);
    dtls_start(p->dtls, b->now);
    for (int round = 0; round < 8; round++) {
        while (dtls_poll_datagram(p->dtls, &out))
            give(b, p, out.data, out.size);
    }
    assert_true(shard_find_participant(b->cores[p->shard], p->id)->connected);
}

/* What it sends: a screen, of which `b` may offer two encodings, and a voice. */
static void offer_sending(const struct bench *b, const struct peer *p, bool declared,
                          struct control_participant_add *params)
{
    params->send_slots[0] =
        (struct send_slot_parameters){.slot = SEND_SLOT_SCREEN, .mid = "s", .codec_count = 1};
    params->send_slots[0].codecs[0] = screen_codec;
    params->send_slots[0].encodings[0].ssrc = p->ssrc;
    params->send_slots[0].encoding_count = declared ? 1 : 0;
    if (b->offers_simulcast) {
        params->extension_ids[HEADER_EXTENSION_RID] = RID_ID;
        memcpy(params->send_slots[0].rids, (char[2][RID_BYTES]){"h", "l"},
               2 * sizeof(char[RID_BYTES]));
        params->send_slots[0].rid_count = 2;
        params->send_slots[0].is_unordered = b->is_unordered;
        params->send_slots[0].encoding_count = 0;
    }
    params->send_slots[1] =
        (struct send_slot_parameters){.slot = SEND_SLOT_MIC, .mid = "m", .codec_count = 1};
    params->send_slots[1].codecs[0] = voice_codec;
    params->send_slot_count = 2;
}

static void offer_receiving(const struct bench *b, const struct peer *p,
                            struct control_participant_add *params)
{
    params->receive_slots[0] =
        (struct receive_slot_parameters){.slot = ROOM_SLOT_SCREEN,
                                         .mid = "r",
                                         .codec_count = 1,
                                         .ssrc = (uint32_t)(70 + p->id),
                                         .rtx_ssrc = (uint32_t)(170 + p->id)};
    params->receive_slots[0].codecs[0] = screen_codec;
    params->receive_slots[1] = (struct receive_slot_parameters){
        .slot = ROOM_SLOT_VOICE_0, .mid = "v", .codec_count = 1, .ssrc = (uint32_t)(270 + p->id)};
    params->receive_slots[1].codecs[0] = voice_codec;
    params->receive_slot_count = 2;
    params->receive_slots[1].codecs[0].red_payload_type = b->takes_red ? RED_PT : 0;
    if (b->lacks_rtx) {
        params->receive_slots[0].rtx_ssrc = 0;
        params->receive_slots[0].codecs[0].rtx_payload_type = 0;
        params->receive_slots[1].codecs[0].nack = true;
    }
}

struct peer *invite_peer(struct bench *b, uint32_t shard, bool declared)
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
    params->relay_role = b->is_server ? DTLS_ROLE_CLIENT : DTLS_ROLE_SERVER;
    dtls_context_get_fingerprint(b->theirs, params->remote_fingerprint);
    params->extension_ids[HEADER_EXTENSION_MID] = MID_ID;
    offer_sending(b, p, declared, params);
    offer_receiving(b, p, params);
    ice_peer_init(&p->ice, &theirs, &add->local_ice);
    dtls_context_get_fingerprint(b->ours, fingerprint);
    assert_int_equal(dtls_create(&p->dtls, b->now, b->theirs,
                                 b->is_server ? DTLS_ROLE_SERVER : DTLS_ROLE_CLIENT, fingerprint,
                                 &silent),
                     STATUS_OK);
    struct shard_message m = {.type = SHARD_PARTICIPANT_ADD, .participant_add = add};
    order(b, shard, &m);
    return p;
}

struct peer *add_peer(struct bench *b, uint32_t shard, bool declared)
{
    struct peer *p = invite_peer(b, shard, declared);
    connect_peer(b, p);
    return p;
}

static void grant_slot(struct bench *b, const struct peer *p, enum send_slot slot, bool open)
{
    struct shard_message m = {.type = SHARD_GRANT};
    m.grant = (struct control_grant){p->id, slot, open, false};
    order(b, p->shard, &m);
}

void grant(struct bench *b, const struct peer *p, bool open)
{
    grant_slot(b, p, SEND_SLOT_SCREEN, open);
}

void grant_voice(struct bench *b, const struct peer *p, bool open)
{
    grant_slot(b, p, SEND_SLOT_MIC, open);
}

static void bind_slot(struct bench *b, const struct peer *p, enum room_slot slot,
                      enum send_slot source)
{
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct shard_message m = {.type = SHARD_BIND};
        m.bind.room = ROOM;
        m.bind.slot = slot;
        if (p != NULL) {
            m.bind.ref = (struct publication_ref){p->id, source};
            m.bind.home = p->shard;
        }
        order(b, i, &m);
    }
}

void bind_screen(struct bench *b, const struct peer *p)
{
    bind_slot(b, p, ROOM_SLOT_SCREEN, SEND_SLOT_SCREEN);
}

void bind_voice(struct bench *b, const struct peer *p)
{
    bind_slot(b, p, ROOM_SLOT_VOICE_0, SEND_SLOT_MIC);
}

void send_screen(struct bench *b, struct peer *p, bool key_frame, uint8_t tag)
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

void send_rtp(struct bench *b, struct peer *p, const struct sent *sent)
{
    uint8_t packet[1300] = {0};
    uint8_t extension[] = {MID_ID << 4, (uint8_t)sent->mid, RID_ID << 4, (uint8_t)sent->rid};
    size_t extension_bytes = sizeof extension;
    if (sent->rid == 0)
        memset(extension + 2, 0, 2); /* padding */
    struct writer w = writer_of((struct bytes_mut){packet, sizeof packet});
    struct rtp_header header = {.payload_type = sent->payload_type,
                                .marker = sent->payload_type == SCREEN_PT && !sent->goes_on,
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

void send_voice(struct bench *b, struct peer *p, uint16_t seq, uint8_t tag)
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

void send_encoding(struct bench *b, struct peer *p, char rid, bool key_frame, uint16_t seq,
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

static void ask_of(struct bench *b, struct peer *p, uint32_t ssrc, const uint16_t *seq)
{
    uint8_t packet[200];
    struct writer w = writer_of((struct bytes_mut){packet, 100});
    if (seq != NULL)
        assert_int_equal(rtcp_write_nack(&w, 5, ssrc, seq, 1), 1);
    else
        rtcp_write_pli(&w, 5, ssrc);
    size_t size = writer_size(&w);
    assert_int_equal(media_cipher_protect_rtcp(p->cipher, packet, &size), STATUS_OK);
    give(b, p, packet, size);
}

void ask(struct bench *b, struct peer *p, const uint16_t *seq)
{
    ask_of(b, p, (uint32_t)(70 + p->id), seq);
}

void ask_voice(struct bench *b, struct peer *p, uint16_t seq)
{
    ask_of(b, p, (uint32_t)(270 + p->id), &seq);
}

uint64_t drops(const struct bench *b, uint32_t shard, enum drop_reason reason)
{
    return shard_core_get_stats(b->cores[shard])->drops[reason];
}

int bench_init_library(void **state)
{
    (void)state;
    if (dtls_context_create(&the_bench.ours) != STATUS_OK ||
        dtls_context_create(&the_bench.theirs) != STATUS_OK)
        return -1;
    return media_cipher_init_library() == STATUS_OK ? 0 : -1;
}

int bench_free_library(void **state)
{
    (void)state;
    dtls_context_free(the_bench.ours);
    dtls_context_free(the_bench.theirs);
    return 0;
}
