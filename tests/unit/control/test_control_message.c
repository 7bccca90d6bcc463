#include "base/rng.h"
#include "unit/control/control_test.h"

#define ROUNDS 40

/* --- Messages with random contents. Zeroed first, so that equal messages are equal bytes. */

static uint64_t random_id(struct rng *rng)
{
    return rng_below(rng, ((uint64_t)1 << 53) + 1);
}

static void fill_text(struct rng *rng, char *text, size_t capacity)
{
    /* UTF-8, quotes, a backslash and a control character: all must survive. */
    static const char letters[] = "abcXYZ019+/=_- \"\\\n";
    size_t size = rng_below(rng, capacity);
    for (size_t i = 0; i < size; i++)
        text[i] = letters[rng_below(rng, sizeof letters - 1)];
    if (size >= 2 && rng_below(rng, 2) == 0)
        memcpy(text, "\xc3\xa9", 2);
}

static void fill_bytes(struct rng *rng, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)rng_u32(rng);
}

static bool flip(struct rng *rng)
{
    return rng_below(rng, 2) == 1;
}

static void fill_ice(struct rng *rng, struct ice_parameters *ice)
{
    fill_text(rng, ice->ufrag, 32);
    fill_text(rng, ice->pwd, ICE_PWD_BYTES);
}

static size_t fill_codecs(struct rng *rng, struct codec_parameters *codecs, size_t max)
{
    size_t count = rng_below(rng, max + 1);
    for (size_t i = 0; i < count; i++) {
        struct codec_parameters *c = &codecs[i];
        c->codec = (enum media_codec)(1 + rng_below(rng, MEDIA_CODEC_COUNT - 1));
        c->payload_type = (uint8_t)rng_below(rng, 128);
        c->rtx_payload_type = (uint8_t)rng_below(rng, 128);
        c->red_payload_type = (uint8_t)rng_below(rng, 128);
        c->channels = (uint8_t)rng_below(rng, 256);
        c->clock_rate = 1 + rng_u32(rng) / 2;
        c->nack = flip(rng);
        c->pli = flip(rng);
        c->fir = flip(rng);
        c->transport_cc = flip(rng);
        c->remb = flip(rng);
        fill_text(rng, c->profile, CODEC_PROFILE_BYTES);
    }
    return count;
}

static void fill_send_slot(struct rng *rng, struct send_slot_parameters *s)
{
    s->slot = (enum send_slot)rng_below(rng, SEND_SLOT_COUNT);
    fill_text(rng, s->mid, MID_BYTES);
    s->codec_count = fill_codecs(rng, s->codecs, 4);
    s->rid_count = rng_below(rng, CONTROL_ENCODINGS_MAX + 1);
    for (size_t i = 0; i < s->rid_count; i++)
        fill_text(rng, s->rids[i], RID_BYTES);
    s->is_unordered = flip(rng);
    s->encoding_count = rng_below(rng, CONTROL_ENCODINGS_MAX + 1);
    for (size_t i = 0; i < s->encoding_count; i++) {
        s->encodings[i].ssrc = rng_u32(rng);
        s->encodings[i].rtx_ssrc = rng_u32(rng);
    }
}

static void fill_participant_add(struct rng *rng, struct control_participant_add *a)
{
    a->room = random_id(rng);
    a->participant = random_id(rng);
    a->session = rng_u32(rng);
    fill_ice(rng, &a->remote_ice);
    a->relay_role = flip(rng) ? DTLS_ROLE_CLIENT : DTLS_ROLE_SERVER;
    fill_bytes(rng, a->remote_fingerprint, FINGERPRINT_BYTES);
    fill_bytes(rng, a->extension_ids, HEADER_EXTENSION_COUNT);
    a->send_slot_count = rng_below(rng, CONTROL_SLOTS_MAX + 1);
    for (size_t i = 0; i < a->send_slot_count; i++)
        fill_send_slot(rng, &a->send_slots[i]);
    a->receive_slot_count = rng_below(rng, CONTROL_SLOTS_MAX + 1);
    for (size_t i = 0; i < a->receive_slot_count; i++) {
        struct receive_slot_parameters *r = &a->receive_slots[i];
        r->slot = (enum room_slot)rng_below(rng, ROOM_SLOT_COUNT);
        fill_text(rng, r->mid, MID_BYTES);
        r->codec_count = fill_codecs(rng, r->codecs, 4);
        r->ssrc = rng_u32(rng);
        r->rtx_ssrc = rng_u32(rng);
    }
}

static void fill_participant_added(struct rng *rng, struct control_participant_added *a)
{
    a->shard = rng_u32(rng);
    fill_ice(rng, &a->local_ice);
    fill_bytes(rng, a->local_fingerprint, FINGERPRINT_BYTES);
    a->candidate_count = rng_below(rng, CONTROL_CANDIDATES_MAX + 1);
    for (size_t i = 0; i < a->candidate_count; i++) {
        struct control_candidate *c = &a->candidates[i];
        c->addr.family = flip(rng) ? NET_FAMILY_IPV6 : NET_FAMILY_IPV4;
        fill_bytes(rng, c->addr.ip, net_addr_ip_bytes(&c->addr));
        c->addr.port = (uint16_t)rng_u32(rng);
        c->tcp = flip(rng);
        c->priority = rng_u32(rng);
    }
}

static enum control_media_state random_state(struct rng *rng)
{
    return (enum control_media_state)rng_below(rng, CONTROL_MEDIA_CLOSED + 1);
}

static void fill_relay_stats(struct rng *rng, struct control_relay_stats *s)
{
    s->interval_ms = rng_u32(rng);
    s->room_count = rng_u32(rng);
    s->shard_count = rng_below(rng, CONTROL_SHARDS_MAX + 1);
    for (size_t i = 0; i < s->shard_count; i++) {
        struct control_shard_stats *stats = &s->shards[i];
        stats->participants = rng_u32(rng);
        stats->publications = rng_u32(rng);
        stats->packets_in = random_id(rng);
        stats->packets_out = random_id(rng);
        stats->bytes_in = random_id(rng);
        stats->bytes_out = random_id(rng);
        stats->drops = random_id(rng);
        stats->cpu_permille = rng_u32(rng);
        stats->loop_p50_us = rng_u32(rng);
        stats->loop_p99_us = rng_u32(rng);
        for (int kind = 0; kind < CONTROL_DELAY_KINDS; kind++) {
            for (int k = 0; k < CONTROL_DELAY_BUCKETS; k++)
                stats->delays[kind].packets[k] = random_id(rng);
            stats->delays[kind].sum_us = random_id(rng);
        }
    }
    s->drop_count = rng_below(rng, CONTROL_DROP_REASONS_MAX + 1);
    for (size_t i = 0; i < s->drop_count; i++) {
        fill_text(rng, s->drops[i].reason, sizeof s->drops[i].reason);
        s->drops[i].count = random_id(rng);
    }
    s->machine_cpu_permille = rng_u32(rng);
    s->machine_cores = rng_u32(rng);
    s->memory_total_bytes = random_id(rng);
    s->memory_available_bytes = random_id(rng);
    s->relay_memory_bytes = random_id(rng);
}

static struct control_delivery random_delivery(struct rng *rng, uint64_t participant)
{
    struct control_delivery d;
    memset(&d, 0, sizeof d);
    d.participant = participant;
    d.session = rng_u32(rng);
    d.hears = (enum control_hearing)rng_below(rng, CONTROL_HEARING_NO + 1u);
    d.reached = flip(rng);
    d.narrow = flip(rng);
    d.voice_loss_permille = rng_u32(rng);
    d.voice_delay_ms = rng_u32(rng);
    d.screen_behind_ms = rng_u32(rng);
    d.estimate_bps = rng_u32(rng);
    d.encoding = rng_u32(rng);
    d.temporal_max = rng_u32(rng);
    return d;
}

static void fill_room_stats(struct rng *rng, struct control_room_stats *s)
{
    s->room = random_id(rng);
    s->more = flip(rng);
    s->count = rng_below(rng, CONTROL_ROOM_STATS_MAX + 1);
    for (size_t i = 0; i < s->count; i++) {
        s->participants[i].participant = random_id(rng);
        s->participants[i].bps_in = random_id(rng);
        s->participants[i].bps_out = random_id(rng);
        s->participants[i].loss_in_permille = rng_u32(rng);
        s->participants[i].voice_loss_in_permille = rng_u32(rng);
        s->participants[i].loss_out_permille = rng_u32(rng);
        s->participants[i].rtt_us = rng_u32(rng);
        s->participants[i].tcp = flip(rng);
        s->participants[i].state = random_state(rng);
        s->participants[i].delivery = random_delivery(rng, s->participants[i].participant);
    }
}

static void fill_hello(struct rng *rng, struct control_hello *h)
{
    h->version = CONTROL_VERSION;
    fill_text(rng, h->name, sizeof h->name);
    fill_text(rng, h->boot_id, sizeof h->boot_id);
    h->shards = rng_u32(rng);
    h->media_port_base = (uint16_t)rng_u32(rng);
    h->capacity = rng_u32(rng);
}

static void fill_body(struct rng *rng, struct control_message *m)
{
    switch (m->type) {
    case CONTROL_HELLO:
        fill_hello(rng, &m->hello);
        break;
    case CONTROL_ERROR:
        fill_text(rng, m->error.code, sizeof m->error.code);
        fill_text(rng, m->error.text, sizeof m->error.text);
        break;
    case CONTROL_SYNC_PARTICIPANT:
        m->sync_participant.room = random_id(rng);
        m->sync_participant.participant = random_id(rng);
        m->sync_participant.session = rng_u32(rng);
        m->sync_participant.state = random_state(rng);
        break;
    case CONTROL_PARTICIPANT_ADD:
        fill_participant_add(rng, &m->participant_add);
        break;
    case CONTROL_PARTICIPANT_ADDED:
        fill_participant_added(rng, &m->participant_added);
        break;
    case CONTROL_ICE_RESTART:
        m->ice_restart.participant = random_id(rng);
        m->ice_restart.session = rng_u32(rng);
        fill_ice(rng, &m->ice_restart.remote_ice);
        break;
    case CONTROL_PARTICIPANT_REMOVE:
        m->participant_remove.participant = random_id(rng);
        m->participant_remove.session = rng_u32(rng);
        break;
    case CONTROL_GRANT:
        m->grant.participant = random_id(rng);
        m->grant.slot = (enum send_slot)rng_below(rng, SEND_SLOT_COUNT);
        m->grant.open = flip(rng);
        m->grant.reserved = flip(rng);
        break;
    case CONTROL_BIND:
        m->bind.room = random_id(rng);
        m->bind.slot = (enum room_slot)rng_below(rng, ROOM_SLOT_COUNT);
        m->bind.participant = random_id(rng);
        m->bind.source = (enum send_slot)rng_below(rng, SEND_SLOT_COUNT);
        break;
    case CONTROL_ASIDE:
        m->aside.participant = random_id(rng);
        m->aside.with = random_id(rng);
        break;
    case CONTROL_ROOM_CLOSE:
        m->room_close = random_id(rng);
        break;
    case CONTROL_PARTICIPANT_STATE:
        m->participant_state.participant = random_id(rng);
        m->participant_state.session = rng_u32(rng);
        m->participant_state.state = random_state(rng);
        fill_text(rng, m->participant_state.reason, sizeof m->participant_state.reason);
        break;
    case CONTROL_SLOT_BOUND:
        m->slot_bound.room = random_id(rng);
        m->slot_bound.slot = (enum room_slot)rng_below(rng, ROOM_SLOT_COUNT);
        m->slot_bound.participant = random_id(rng);
        break;
    case CONTROL_PUBLICATION:
        m->publication.participant = random_id(rng);
        m->publication.slot = (enum send_slot)rng_below(rng, SEND_SLOT_COUNT);
        m->publication.active = flip(rng);
        m->publication.codec = (enum media_codec)rng_below(rng, MEDIA_CODEC_COUNT);
        break;
    case CONTROL_PARTICIPANT_QUALITY:
        m->participant_quality.participant = random_id(rng);
        m->participant_quality.screen =
            (enum control_quality)rng_below(rng, CONTROL_QUALITY_OFF + 1u);
        break;
    case CONTROL_DELIVERY:
        m->delivery.count = rng_below(rng, CONTROL_DELIVERIES_MAX + 1);
        for (size_t i = 0; i < m->delivery.count; i++)
            m->delivery.list[i] = random_delivery(rng, random_id(rng));
        break;
    case CONTROL_DEMAND:
        m->demand.participant = random_id(rng);
        m->demand.slot = (enum send_slot)rng_below(rng, SEND_SLOT_COUNT);
        m->demand.encodings = (uint32_t)rng_below(rng, 16);
        break;
    case CONTROL_SPEAKERS:
        m->speakers.room = random_id(rng);
        m->speakers.count = rng_below(rng, CONTROL_SPEAKERS_MAX + 1);
        for (size_t i = 0; i < m->speakers.count; i++)
            m->speakers.participants[i] = random_id(rng);
        break;
    case CONTROL_RELAY_STATS:
        fill_relay_stats(rng, &m->relay_stats);
        break;
    case CONTROL_ROOM_STATS:
        fill_room_stats(rng, &m->room_stats);
        break;
    default:
        break;
    }
}

static void every_message_comes_back_as_it_was(void **state)
{
    struct rng rng = rng_of_seed(20261123);
    struct control_message *sent = malloc(sizeof *sent);
    struct control_message *got = malloc(sizeof *got);
    char *text = malloc(2 * CONTROL_MESSAGE_BYTES_MAX);
    assert_true(sent != NULL && got != NULL && text != NULL);
    for (int round = 0; round < ROUNDS * CONTROL_TYPE_COUNT; round++) {
        memset(sent, 0, sizeof *sent);
        sent->type = (enum control_type)(round % CONTROL_TYPE_COUNT);
        sent->id = flip(&rng) ? rng_u32(&rng) : 0;
        sent->to = flip(&rng) ? rng_u32(&rng) : 0;
        fill_body(&rng, sent);
        size_t size = 0;
        enum status status = control_message_write(
            sent, (struct bytes_mut){(uint8_t *)text, CONTROL_MESSAGE_BYTES_MAX}, &size);
        if (status == STATUS_OK)
            status = parse_text(text, size, got);
        if (status != STATUS_OK || memcmp(sent, got, sizeof *sent) != 0)
            fail_msg("round %d, %s: %s\n%.*s", round, control_type_name(sent->type),
                     status_name(status), (int)size, text);
    }
    free(sent);
    free(got);
    free(text);
    (void)state;
}

/* --- Refusals */

#define FINGERPRINT                                                                                \
    "AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB" \
    ":AB"
#define ADD(id, fingerprint, role, ids, sending)                                                   \
    "{\"type\":\"participant_add\",\"room\":1,\"participant\":" id ",\"session\":1,"               \
    "\"ice\":{\"ufrag\":\"abcd\",\"pwd\":\"0123456789012345678901\"},\"relay_role\":\"" role       \
    "\",\"fingerprint\":\"" fingerprint "\",\"extension_ids\":" ids ",\"send_slots\":" sending     \
    ",\"receive_slots\":[]}"
#define MIC(codecs, rids)                                                                          \
    "[{\"slot\":\"mic\",\"mid\":\"0\",\"codecs\":" codecs ",\"rids\":" rids ",\"encodings\":[]}]"
#define OPUS(codec, type, rate)                                                                    \
    "[{\"codec\":\"" codec "\",\"payload_type\":" type                                             \
    ",\"rtx_payload_type\":0,\"red_payload_type\":0,\"channels\":2,\"clock_rate\":" rate           \
    ",\"nack\":true,\"pli\":false,\"fir\":false,\"transport_cc\":true,\"remb\":false,"             \
    "\"profile\":\"\"}]"
#define OPUS_BEFORE_RED                                                                            \
    "[{\"codec\":\"opus\",\"payload_type\":111,\"rtx_payload_type\":0,\"channels\":2,"             \
    "\"clock_rate\":48000,\"nack\":true,\"pli\":false,\"fir\":false,\"transport_cc\":true,"        \
    "\"remb\":false,\"profile\":\"\"}]"
#define BIND(slot, room)                                                                           \
    "{\"type\":\"bind\",\"room\":" room ",\"slot\":\"" slot                                        \
    "\",\"participant\":1,\"source\":\"mic\"}"

static void what_is_not_a_message_is_refused(void **state)
{
    static const struct {
        const char *why;
        const char *text;
        enum status expected;
    } cases[] = {
        {"good", ADD("7", FINGERPRINT, "server", "{}", MIC(OPUS("opus", "111", "48000"), "[]")),
         STATUS_OK},
        {"from before RED: the service at the other end was not upgraded yet",
         ADD("7", FINGERPRINT, "server", "{}", MIC(OPUS_BEFORE_RED, "[]")), STATUS_OK},
        {"empty", "", STATUS_MALFORMED},
        {"not JSON", "hello", STATUS_MALFORMED},
        {"an array", "[]", STATUS_MALFORMED},
        {"two texts", "{\"type\":\"ping\"}{}", STATUS_MALFORMED},
        {"cut", "{\"type\":\"ping\"", STATUS_MALFORMED},
        {"no type", "{}", STATUS_MALFORMED},
        {"type is a number", "{\"type\":1}", STATUS_MALFORMED},
        {"unknown type", "{\"type\":\"dance\"}", STATUS_UNSUPPORTED},
        {"key twice", "{\"type\":\"ping\",\"type\":\"pong\"}", STATUS_MALFORMED},
        {"id is a text", "{\"type\":\"ping\",\"id\":\"1\"}", STATUS_MALFORMED},
        {"id is negative", "{\"type\":\"ping\",\"id\":-1}", STATUS_MALFORMED},
        {"id past 32 bits", "{\"type\":\"ping\",\"id\":4294967296}", STATUS_MALFORMED},
        {"id is null", "{\"type\":\"ping\",\"id\":null}", STATUS_MALFORMED},
        {"unknown key is a newer version's", "{\"type\":\"ping\",\"new\":[1]}", STATUS_OK},
        {"not UTF-8", "{\"type\":\"ping\",\"x\":\"\xff\"}", STATUS_MALFORMED},
        {"NUL in a text", "{\"type\":\"error\",\"code\":\"a\\u0000b\",\"text\":\"\"}",
         STATUS_MALFORMED},
        {"text too long",
         "{\"type\":\"error\",\"code\":\"0123456789012345678901234567890123456789\",\"text\":\"\"}",
         STATUS_LIMIT},
        {"largest id", BIND("screen", "9007199254740992"), STATUS_OK},
        {"one past the largest id", BIND("screen", "9007199254740993"), STATUS_MALFORMED},
        {"id past 64 bits", BIND("screen", "99999999999999999999"), STATUS_MALFORMED},
        {"id is a fraction", BIND("screen", "1.0"), STATUS_MALFORMED},
        {"no such slot", BIND("stage", "1"), STATUS_MALFORMED},
        {"field missing", "{\"type\":\"grant\",\"participant\":1,\"slot\":\"mic\",\"open\":true}",
         STATUS_MALFORMED},
        {"a flag is a number",
         "{\"type\":\"grant\",\"participant\":1,\"slot\":\"mic\",\"open\":1,\"reserved\":false}",
         STATUS_MALFORMED},
        {"fingerprint in lower case",
         ADD("7",
             "ab"
             ":AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB"
             ":AB:AB:AB:AB:AB:AB:AB",
             "server", "{}", "[]"),
         STATUS_MALFORMED},
        {"fingerprint too short", ADD("7", "AB:AB", "server", "{}", "[]"), STATUS_MALFORMED},
        {"no such role", ADD("7", FINGERPRINT, "boss", "{}", "[]"), STATUS_MALFORMED},
        {"extension of a newer version",
         ADD("7", FINGERPRINT, "client", "{\"mid\":1,\"hologram\":2}", "[]"), STATUS_OK},
        {"extension ids as an array", ADD("7", FINGERPRINT, "client", "[]", "[]"),
         STATUS_MALFORMED},
        {"extension id past one byte", ADD("7", FINGERPRINT, "client", "{\"mid\":256}", "[]"),
         STATUS_MALFORMED},
        {"payload type past seven bits",
         ADD("7", FINGERPRINT, "server", "{}", MIC(OPUS("opus", "128", "48000"), "[]")),
         STATUS_MALFORMED},
        {"codec that nobody knows",
         ADD("7", FINGERPRINT, "server", "{}", MIC(OPUS("speex", "1", "48000"), "[]")),
         STATUS_MALFORMED},
        {"codec none", ADD("7", FINGERPRINT, "server", "{}", MIC(OPUS("none", "1", "48000"), "[]")),
         STATUS_MALFORMED},
        {"clock rate zero",
         ADD("7", FINGERPRINT, "server", "{}", MIC(OPUS("opus", "1", "0"), "[]")),
         STATUS_MALFORMED},
        {"rid too long",
         ADD("7", FINGERPRINT, "server", "{}", MIC("[]", "[\"01234567890123456\"]")), STATUS_LIMIT},
        {"rid is a number", ADD("7", FINGERPRINT, "server", "{}", MIC("[]", "[1]")),
         STATUS_MALFORMED},
        {"a slot is no object", ADD("7", FINGERPRINT, "server", "{}", "[1]"), STATUS_MALFORMED},
        {"slots are no array", ADD("7", FINGERPRINT, "server", "{}", "{}"), STATUS_MALFORMED},
        {"a quality that there is not",
         "{\"type\":\"participant_quality\",\"participant\":7,\"screen\":\"poor\"}",
         STATUS_MALFORMED},
        {"a hearing that there is not",
         "{\"type\":\"delivery\",\"participants\":[{\"participant\":7,\"hears\":\"well\"}]}",
         STATUS_MALFORMED},
        {"of which nothing is said but whom it is about",
         "{\"type\":\"delivery\",\"participants\":[{\"participant\":7}]}", STATUS_OK},
        {"demand for a slot that there is not",
         "{\"type\":\"demand\",\"participant\":7,\"slot\":\"voice_0\",\"encodings\":1}",
         STATUS_MALFORMED},
        {"speaker past the largest id",
         "{\"type\":\"speakers\",\"room\":1,\"participants\":[9007199254740993]}",
         STATUS_MALFORMED},
        {"another version's hello may look otherwise", "{\"type\":\"hello\",\"version\":2}",
         STATUS_OK},
        {"our version's may not", "{\"type\":\"hello\",\"version\":1}", STATUS_MALFORMED},
    };
    struct control_message *got = malloc(sizeof *got);
    assert_non_null(got);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum status status = parse_text(cases[i].text, strlen(cases[i].text), got);
        if (status != cases[i].expected)
            fail_msg("%s: got %s, expected %s", cases[i].why, status_name(status),
                     status_name(cases[i].expected));
    }
    free(got);
    (void)state;
}

/* `open`, then `count` times `unit` with `between`, then `close`. */
static enum status parse_repeated(const char *open, const char *unit, const char *between,
                                  size_t count, const char *close)
{
    size_t room = strlen(open) + (strlen(unit) + strlen(between)) * count + strlen(close) + 1;
    char *text = malloc(room);
    struct control_message *got = malloc(sizeof *got);
    assert_true(text != NULL && got != NULL);
    struct writer w = writer_of((struct bytes_mut){(uint8_t *)text, room});
    write_bytes(&w, bytes_of_string(open));
    for (size_t i = 0; i < count; i++) {
        write_bytes(&w, bytes_of_string(i > 0 ? between : ""));
        write_bytes(&w, bytes_of_string(unit));
    }
    write_bytes(&w, bytes_of_string(close));
    enum status status = parse_text(text, writer_size(&w), got);
    free(text);
    free(got);
    return status;
}

static void one_past_a_named_maximum_is_refused(void **state)
{
    static const struct {
        const char *why, *open, *unit, *between, *close;
        size_t max;
    } cases[] = {
        {"speakers", "{\"type\":\"speakers\",\"room\":1,\"participants\":[", "3", ",", "]}",
         CONTROL_SPEAKERS_MAX},
        {"drop reasons",
         "{\"type\":\"relay_stats\",\"interval_ms\":1,\"room_count\":1,\"shards\":[],"
         "\"machine_cpu_permille\":1,\"machine_cores\":1,\"memory_total_bytes\":1,"
         "\"memory_available_bytes\":1,\"relay_memory_bytes\":1,\"drops\":[",
         "{\"reason\":\"x\",\"count\":1}", ",", "]}", CONTROL_DROP_REASONS_MAX},
        {"room stats", "{\"type\":\"room_stats\",\"room\":1,\"more\":false,\"participants\":[",
         "{\"participant\":1,\"bps_in\":1,\"bps_out\":1,\"loss_in_permille\":1,"
         "\"loss_out_permille\":1,\"rtt_us\":1,\"state\":\"quiet\"}",
         ",", "]}", CONTROL_ROOM_STATS_MAX},
        {"deliveries", "{\"type\":\"delivery\",\"participants\":[", "{\"participant\":1}", ",",
         "]}", CONTROL_DELIVERIES_MAX},
        {"candidates",
         "{\"type\":\"participant_added\",\"shard\":0,\"ice\":{\"ufrag\":\"a\",\"pwd\":\"b\"},"
         "\"fingerprint\":\"" FINGERPRINT "\",\"candidates\":[",
         "{\"address\":\"::1\",\"port\":1,\"tcp\":false,\"priority\":1}", ",", "]}",
         CONTROL_CANDIDATES_MAX},
        {"whole text", "{\"type\":\"ping\"", " ", "", "}", CONTROL_MESSAGE_BYTES_MAX - 15},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum status at = parse_repeated(cases[i].open, cases[i].unit, cases[i].between,
                                        cases[i].max, cases[i].close);
        enum status past = parse_repeated(cases[i].open, cases[i].unit, cases[i].between,
                                          cases[i].max + 1, cases[i].close);
        if (at != STATUS_OK || past != STATUS_LIMIT)
            fail_msg("%s: at the maximum %s, past it %s", cases[i].why, status_name(at),
                     status_name(past));
    }
    (void)state;
}

static void deep_nesting_is_refused_before_the_json_library_sees_it(void **state)
{
    assert_int_equal(parse_repeated("{\"type\":\"ping\",\"x\":", "[", "", 30000, ""),
                     STATUS_MALFORMED);
    assert_int_equal(parse_repeated("{\"type\":\"ping\",\"x\":\"", "[{", "", 1000, "\"}"),
                     STATUS_OK); /* in a text it is only text */
    (void)state;
}

static void what_does_not_fit_or_is_no_text_is_not_written(void **state)
{
    struct control_message *m = calloc(1, sizeof *m);
    uint8_t buffer[256];
    size_t size = 77;
    assert_non_null(m);
    m->type = CONTROL_ERROR;
    snprintf(m->error.code, sizeof m->error.code, "full");
    assert_int_equal(control_message_write(m, (struct bytes_mut){buffer, 10}, &size),
                     STATUS_TRUNCATED);
    m->error.text[0] = (char)0xff; /* not UTF-8 */
    assert_int_equal(control_message_write(m, (struct bytes_mut){buffer, sizeof buffer}, &size),
                     STATUS_MALFORMED);
    m->type = CONTROL_ROOM_CLOSE;
    m->room_close = ((uint64_t)1 << 53) + 1;
    assert_int_equal(control_message_write(m, (struct bytes_mut){buffer, sizeof buffer}, &size),
                     STATUS_MALFORMED);
    assert_int_equal(size, 77);
    free(m);
    (void)state;
}

static void the_forms_are_those_of_the_protocol_page(void **state)
{
    struct control_message *m = calloc(1, sizeof *m);
    char text[1024];
    size_t size = 0;
    assert_non_null(m);
    m->type = CONTROL_PARTICIPANT_ADDED;
    m->to = 9;
    m->participant_added.shard = 1;
    m->participant_added.local_fingerprint[0] = 0xaf;
    m->participant_added.candidate_count = 1;
    struct control_candidate *c = &m->participant_added.candidates[0];
    assert_int_equal(net_addr_parse_ip("192.0.2.1", 40001, &c->addr), STATUS_OK);
    c->priority = 5;
    assert_int_equal(
        control_message_write(m, (struct bytes_mut){(uint8_t *)text, sizeof text - 1}, &size),
        STATUS_OK);
    text[size] = '\0';
    assert_non_null(strstr(text, "{\"type\":\"participant_added\",\"to\":9,\"shard\":1,"));
    assert_non_null(strstr(text, "\"fingerprint\":\"AF:00:00:"));
    assert_non_null(strstr(text, "\"address\":\"192.0.2.1\",\"port\":40001"));
    memset(m, 0, sizeof *m);
    m->type = CONTROL_PUBLICATION;
    m->publication = (struct control_publication){
        .participant = 3, .slot = SEND_SLOT_SCREEN_AUDIO, .codec = MEDIA_CODEC_OPUS};
    assert_int_equal(
        control_message_write(m, (struct bytes_mut){(uint8_t *)text, sizeof text - 1}, &size),
        STATUS_OK);
    text[size] = '\0';
    assert_string_equal(text,
                        "{\"type\":\"publication\",\"participant\":3,\"slot\":\"screen_audio\","
                        "\"active\":false,\"codec\":\"opus\"}");
    free(m);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_comes_back_as_it_was),
        cmocka_unit_test(what_is_not_a_message_is_refused),
        cmocka_unit_test(one_past_a_named_maximum_is_refused),
        cmocka_unit_test(deep_nesting_is_refused_before_the_json_library_sees_it),
        cmocka_unit_test(what_does_not_fit_or_is_no_text_is_not_written),
        cmocka_unit_test(the_forms_are_those_of_the_protocol_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
