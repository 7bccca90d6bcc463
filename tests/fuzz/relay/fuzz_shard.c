/* RTP and RTCP as they come out of a transport, on a shard with a publisher and two receivers:
 * nothing of a closed slot is ever forwarded, nothing is left behind. */
#include "relay/core/shard_private.h"
#include "rtc/dtls.h"
#include "rtc/ice_lite.h"
#include "rtc/media_cipher.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM 1
#define PARTICIPANTS 3
#define PACKET_MAX 1500

enum step { STEP_RTP, STEP_RTCP, STEP_MEDIA, STEP_GRANT, STEP_BIND, STEP_TIME, STEP_COUNT };

static struct shard_message scratch;
static struct dtls_context *dtls;

/* Other shards and the director: whatever is told is heard and forgotten. */
static struct shard_message *reserve(void *context, uint32_t destination)
{
    (void)context;
    (void)destination;
    return &scratch;
}

static void commit(void *context, uint32_t destination)
{
    (void)context;
    CHECK(destination <= 2);
}

static size_t discard(void *context, const struct tx_message *messages, size_t count,
                      size_t *failed)
{
    size_t sent = 0;
    (void)context;
    (void)failed;
    for (size_t i = 0; i < count; i++)
        sent += messages[i].segments;
    return sent;
}

static const struct codec_parameters opus = {
    .codec = MEDIA_CODEC_OPUS, .payload_type = 111, .clock_rate = 48000, .channels = 2};
static const struct codec_parameters vp8 = {.codec = MEDIA_CODEC_VP8,
                                            .payload_type = 96,
                                            .rtx_payload_type = 97,
                                            .clock_rate = 90000,
                                            .nack = true,
                                            .transport_cc = true};
static const struct codec_parameters h264 = {.codec = MEDIA_CODEC_H264,
                                             .payload_type = 98,
                                             .rtx_payload_type = 99,
                                             .clock_rate = 90000,
                                             .nack = true};

static void fill_slots(struct control_participant_add *p)
{
    p->send_slots[0] = (struct send_slot_parameters){
        .slot = SEND_SLOT_MIC, .mid = "0", .codecs = {opus}, .codec_count = 1};
    p->send_slots[1] = (struct send_slot_parameters){
        .slot = SEND_SLOT_SCREEN, .mid = "1", .codecs = {vp8, h264}, .codec_count = 2};
    p->send_slots[1].encodings[0].ssrc = 1;
    p->send_slots[1].encodings[0].rtx_ssrc = 2;
    p->send_slots[1].encoding_count = 1;
    p->send_slots[2] = (struct send_slot_parameters){.slot = SEND_SLOT_CAMERA,
                                                     .mid = "2",
                                                     .codecs = {vp8},
                                                     .codec_count = 1,
                                                     .rids = {"h", "l"},
                                                     .rid_count = 2};
    p->send_slot_count = 3;
    for (uint32_t i = 0; i < ROOM_SLOT_COUNT; i++) {
        bool audio = room_slot_kind((enum room_slot)i) == MEDIA_KIND_AUDIO;
        p->receive_slots[i] = (struct receive_slot_parameters){.slot = (enum room_slot)i,
                                                               .mid = "9",
                                                               .codecs = {audio ? opus : vp8},
                                                               .codec_count = 1,
                                                               .ssrc = 100 + i,
                                                               .rtx_ssrc = 200 + i};
    }
    p->receive_slot_count = ROOM_SLOT_COUNT;
}

/* It asks for the very packets again, voices' too. */
static void leave_out_rtx(struct control_participant_add *p)
{
    for (size_t i = 0; i < p->receive_slot_count; i++) {
        p->receive_slots[i].rtx_ssrc = 0;
        p->receive_slots[i].codecs[0].rtx_payload_type = 0;
        p->receive_slots[i].codecs[0].nack = true;
    }
}

static void add(struct shard_core *c, uint64_t id, struct tx_batch *tx)
{
    struct shard_participant_add *add = calloc(1, sizeof *add);
    CHECK(add != NULL && ice_credentials_generate(&add->local_ice) == STATUS_OK &&
          ice_credentials_generate(&add->params.remote_ice) == STATUS_OK);
    add->params.room = ROOM;
    add->params.participant = id;
    for (size_t i = 0; i < HEADER_EXTENSION_COUNT; i++)
        add->params.extension_ids[i] = (uint8_t)(i + 1);
    fill_slots(&add->params);
    if (id == PARTICIPANTS)
        leave_out_rtx(&add->params);
    struct shard_message m = {.type = SHARD_PARTICIPANT_ADD, .participant_add = add};
    shard_core_handle_message(c, 0, &m, tx);
    struct participant *p = shard_find_participant(c, id);
    CHECK(p != NULL);
    p->connected = true;
    for (size_t i = 0; i < p->subscription_count; i++)
        p->subscriptions[i].is_live = true;
}

static size_t write_media(struct reader *r, uint8_t *out)
{
    static const uint8_t types[] = {111, 96, 97, 98, 99, 96};
    uint8_t kind = read_u8(r);
    struct writer w = writer_of((struct bytes_mut){out, PACKET_MAX});
    struct rtp_header header = {.payload_type = types[kind % sizeof types],
                                .ssrc = kind >> 5,
                                .seq = read_u16(r),
                                .timestamp = read_u32(r)};
    rtp_write_header(&w, &header);
    write_bytes(&w, read_bytes(r, read_u8(r) % 32));
    return writer_size(&w);
}

static bool is_any_open(const struct participant *p)
{
    for (size_t i = 0; i < SEND_SLOT_COUNT; i++) {
        if (p->publications[i] != NULL && p->publications[i]->open)
            return true;
    }
    return false;
}

static void handle_packet(struct shard_core *c, usec_t now, struct participant *p, enum step step,
                          struct reader *r, struct tx_batch *tx)
{
    uint8_t packet[PACKET_MAX];
    size_t size = 0;
    if (step == STEP_MEDIA) {
        size = write_media(r, packet);
    } else {
        struct bytes raw = read_bytes(r, read_u8(r));
        size = raw.size;
        if (size > 0)
            memcpy(packet, raw.data, size);
    }
    uint64_t before = c->stats.rtp_forwarded;
    if (step == STEP_RTCP)
        rtcp_handle_compound(c, now, p, bytes_of(packet, size), tx);
    else
        ingress_handle_rtp(c, now, p, (struct bytes_mut){packet, size}, tx);
    CHECK(c->stats.rtp_forwarded == before || (step != STEP_RTCP && is_any_open(p)));
    tx_batch_flush(tx, now);
}

static void give_order(struct shard_core *c, usec_t now, uint64_t id, enum step step, uint8_t value,
                       struct tx_batch *tx)
{
    struct shard_message m = {.type = step == STEP_GRANT ? SHARD_GRANT : SHARD_BIND};
    enum send_slot source = (enum send_slot)(value % SEND_SLOT_COUNT);
    if (step == STEP_GRANT) {
        m.grant = (struct control_grant){id, source, value >= 64, false};
    } else {
        m.bind.room = ROOM;
        m.bind.slot = (enum room_slot)(value % ROOM_SLOT_COUNT);
        m.bind.ref = (struct publication_ref){value >= 64 ? id : 0, source};
        if (room_slot_kind(m.bind.slot) != send_slot_kind(source))
            return;
    }
    shard_core_handle_message(c, now, &m, tx);
}

static void run(struct shard_core *c, struct reader *r, struct tx_batch *tx)
{
    usec_t now = SECONDS(1);
    while (!r->failed && r->at < r->end) {
        uint8_t head = read_u8(r);
        enum step step = (enum step)(head % STEP_COUNT);
        uint64_t id = 1 + head / STEP_COUNT % PARTICIPANTS;
        struct participant *p = shard_find_participant(c, id);
        if (step == STEP_TIME) {
            now += (usec_t)read_u8(r) * 5000;
            shard_core_handle_timeout(c, now, tx);
        } else if (step == STEP_GRANT || step == STEP_BIND) {
            give_order(c, now, id, step, read_u8(r), tx);
        } else if (p != NULL) {
            handle_packet(c, now, p, step, r, tx);
        }
        tx_batch_flush(tx, now);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (dtls == NULL)
        CHECK(dtls_context_create(&dtls) == STATUS_OK && media_cipher_init_library() == STATUS_OK);
    struct shard_core_config config = shard_core_config_default();
    struct shard_port port = {NULL, reserve, commit};
    struct tx_sink sink = {NULL, discard};
    struct shard_core *c;
    struct tx_batch tx;
    config.shard_count = 2;
    config.participants_max = 4;
    config.rooms_max = 2;
    config.dtls = dtls;
    CHECK(shard_core_create(&c, 0, &config, &port) == STATUS_OK);
    CHECK(tx_batch_init(&tx, 4, 64, &sink, shard_core_get_stats(c)) == STATUS_OK);
    struct shard_message room = {.type = SHARD_ROOM};
    room.room.room = ROOM;
    room.room.members = 3;
    shard_core_handle_message(c, 0, &room, &tx);
    for (uint64_t id = 1; id <= PARTICIPANTS; id++)
        add(c, id, &tx);
    struct reader r = reader_of(bytes_of(data, size));
    run(c, &r, &tx);
    for (uint64_t id = 1; id <= PARTICIPANTS; id++) {
        struct shard_message m = {.type = SHARD_PARTICIPANT_REMOVE, .participant_remove = {id, 9}};
        shard_core_handle_message(c, SECONDS(100), &m, &tx);
    }
    room.room.members = 0;
    shard_core_handle_message(c, SECONDS(100), &room, &tx);
    CHECK(c->publication_count == 0 && c->rooms.used == 0 && c->participants.used == 0);
    shard_core_free(c);
    tx_batch_destroy(&tx);
    return 0;
}
