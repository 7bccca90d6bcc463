/* JSON to structures. Every getter checks type and range and fails for good: one look at the end.
 */
#include "base/bounded_json.h"
#include "control/control_message_private.h"

#define DEPTH_MAX 8 /* deeper than any message is */

struct take {
    enum status status; /* STATUS_OK until something is wrong */
};

static void fail(struct take *t, enum status status)
{
    if (t->status == STATUS_OK)
        t->status = status;
}

static uint64_t get_integer(struct take *t, const json_t *object, const char *key, uint64_t max)
{
    const json_t *value = json_object_get(object, key);
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || (uint64_t)number > max) {
        fail(t, STATUS_MALFORMED);
        return 0;
    }
    return (uint64_t)number;
}

/* A field that came later than its message: a service that was not upgraded yet leaves it out. */
static uint64_t get_later_integer(struct take *t, const json_t *object, const char *key,
                                  uint64_t max)
{
    return json_object_get(object, key) != NULL ? get_integer(t, object, key, max) : 0;
}

static uint64_t get_id(struct take *t, const json_t *object, const char *key)
{
    return get_integer(t, object, key, CONTROL_ID_MAX);
}

static uint32_t get_u32(struct take *t, const json_t *object, const char *key)
{
    return (uint32_t)get_integer(t, object, key, UINT32_MAX);
}

static uint8_t get_u8(struct take *t, const json_t *object, const char *key)
{
    return (uint8_t)get_integer(t, object, key, UINT8_MAX);
}

static bool get_flag(struct take *t, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_boolean(value))
        fail(t, STATUS_MALFORMED);
    return json_is_true(value);
}

static bool get_later_flag(struct take *t, const json_t *object, const char *key)
{
    return json_object_get(object, key) != NULL && get_flag(t, object, key);
}

static struct bytes get_bytes(struct take *t, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value)) {
        fail(t, STATUS_MALFORMED);
        return BYTES_NONE;
    }
    return bytes_of(json_string_value(value), json_string_length(value));
}

static void get_text(struct take *t, const json_t *object, const char *key, char *out,
                     size_t capacity)
{
    struct bytes b = get_bytes(t, object, key);
    if (!bytes_to_string(b, out, capacity))
        fail(t, STATUS_LIMIT);
    else if (strlen(out) != b.size)
        fail(t, STATUS_MALFORMED); /* a NUL inside */
}

/* An array of at most `max` entries; *count is 0 when it is not. */
static const json_t *get_array(struct take *t, const json_t *object, const char *key, size_t max,
                               size_t *count)
{
    const json_t *array = json_object_get(object, key);
    *count = 0;
    if (!json_is_array(array))
        fail(t, STATUS_MALFORMED);
    else if (json_array_size(array) > max)
        fail(t, STATUS_LIMIT);
    else
        *count = json_array_size(array);
    return array;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void get_fingerprint(struct take *t, const json_t *object, uint8_t *out)
{
    struct bytes text = get_bytes(t, object, "fingerprint");
    if (text.size != FINGERPRINT_BYTES * 3 - 1) {
        fail(t, STATUS_MALFORMED);
        return;
    }
    for (size_t i = 0; i < FINGERPRINT_BYTES; i++) {
        int high = hex_digit((char)text.data[i * 3]);
        int low = hex_digit((char)text.data[i * 3 + 1]);
        bool colon = i + 1 == FINGERPRINT_BYTES || text.data[i * 3 + 2] == ':';
        if (high < 0 || low < 0 || !colon)
            fail(t, STATUS_MALFORMED);
        else
            out[i] = (uint8_t)(high << 4 | low);
    }
}

static void get_ice(struct take *t, const json_t *object, struct ice_parameters *out)
{
    const json_t *ice = json_object_get(object, "ice");
    get_text(t, ice, "ufrag", out->ufrag, sizeof out->ufrag);
    get_text(t, ice, "pwd", out->pwd, sizeof out->pwd);
}

static enum send_slot get_send_slot(struct take *t, const json_t *object, const char *key)
{
    enum send_slot slot = SEND_SLOT_MIC;
    if (!send_slot_find(get_bytes(t, object, key), &slot))
        fail(t, STATUS_MALFORMED);
    return slot;
}

static enum room_slot get_room_slot(struct take *t, const json_t *object, const char *key)
{
    enum room_slot slot = ROOM_SLOT_VOICE_0;
    if (!room_slot_find(get_bytes(t, object, key), &slot))
        fail(t, STATUS_MALFORMED);
    return slot;
}

static enum control_media_state get_state(struct take *t, const json_t *object)
{
    enum control_media_state state = CONTROL_MEDIA_CLOSED;
    char text[32] = "";
    get_text(t, object, "state", text, sizeof text);
    if (!control_media_state_find(text, &state))
        fail(t, STATUS_MALFORMED);
    return state;
}

static enum control_quality get_quality(struct take *t, const json_t *object)
{
    enum control_quality quality = CONTROL_QUALITY_FULL;
    char text[32] = "";
    get_text(t, object, "screen", text, sizeof text);
    if (!control_quality_find(text, &quality))
        fail(t, STATUS_MALFORMED);
    return quality;
}

static enum media_codec get_codec(struct take *t, const json_t *object)
{
    struct bytes name = get_bytes(t, object, "codec");
    enum media_codec codec = MEDIA_CODEC_NONE;
    if (!bytes_equal_string(name, media_codec_name(MEDIA_CODEC_NONE)) &&
        !media_codec_find(name, &codec))
        fail(t, STATUS_MALFORMED);
    return codec;
}

static void parse_codecs(struct take *t, const json_t *object, struct codec_parameters *codecs,
                         size_t *out_count)
{
    size_t count;
    const json_t *array = get_array(t, object, "codecs", CONTROL_CODECS_MAX, &count);
    for (size_t i = 0; i < count; i++) {
        const json_t *o = json_array_get(array, i);
        struct codec_parameters *c = &codecs[i];
        c->codec = get_codec(t, o);
        c->payload_type = (uint8_t)get_integer(t, o, "payload_type", 127);
        c->rtx_payload_type = (uint8_t)get_integer(t, o, "rtx_payload_type", 127);
        c->red_payload_type = (uint8_t)get_later_integer(t, o, "red_payload_type", 127);
        c->channels = get_u8(t, o, "channels");
        c->clock_rate = get_u32(t, o, "clock_rate");
        c->nack = get_flag(t, o, "nack");
        c->pli = get_flag(t, o, "pli");
        c->fir = get_flag(t, o, "fir");
        c->transport_cc = get_flag(t, o, "transport_cc");
        c->remb = get_flag(t, o, "remb");
        get_text(t, o, "profile", c->profile, sizeof c->profile);
        if (c->codec == MEDIA_CODEC_NONE || c->clock_rate == 0)
            fail(t, STATUS_MALFORMED);
    }
    *out_count = count;
}

static void parse_send_slot(struct take *t, const json_t *o, struct send_slot_parameters *s)
{
    s->slot = get_send_slot(t, o, "slot");
    get_text(t, o, "mid", s->mid, sizeof s->mid);
    parse_codecs(t, o, s->codecs, &s->codec_count);
    const json_t *rids = get_array(t, o, "rids", CONTROL_ENCODINGS_MAX, &s->rid_count);
    for (size_t i = 0; i < s->rid_count; i++) {
        const json_t *rid = json_array_get(rids, i);
        struct bytes text = bytes_of(json_string_value(rid), json_string_length(rid));
        if (!json_is_string(rid))
            fail(t, STATUS_MALFORMED);
        else if (!bytes_to_string(text, s->rids[i], RID_BYTES))
            fail(t, STATUS_LIMIT);
    }
    s->is_unordered = get_later_flag(t, o, "unordered");
    const json_t *encodings =
        get_array(t, o, "encodings", CONTROL_ENCODINGS_MAX, &s->encoding_count);
    for (size_t i = 0; i < s->encoding_count; i++) {
        s->encodings[i].ssrc = get_u32(t, json_array_get(encodings, i), "ssrc");
        s->encodings[i].rtx_ssrc = get_u32(t, json_array_get(encodings, i), "rtx_ssrc");
    }
}

static void parse_receive_slot(struct take *t, const json_t *o, struct receive_slot_parameters *r)
{
    r->slot = get_room_slot(t, o, "slot");
    get_text(t, o, "mid", r->mid, sizeof r->mid);
    parse_codecs(t, o, r->codecs, &r->codec_count);
    r->ssrc = get_u32(t, o, "ssrc");
    r->rtx_ssrc = get_u32(t, o, "rtx_ssrc");
}

static void parse_extension_ids(struct take *t, const json_t *o, uint8_t *ids)
{
    json_t *object = json_object_get(o, "extension_ids");
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        fail(t, STATUS_MALFORMED);
    json_object_foreach(object, key, value)
    {
        enum header_extension extension;
        /* A name that we do not know is from a newer version: the extension is not used. */
        if (header_extension_find_name(bytes_of_string(key), &extension))
            ids[extension] = (uint8_t)get_integer(t, object, key, UINT8_MAX);
    }
}

static void parse_participant_add(struct take *t, const json_t *o,
                                  struct control_participant_add *a)
{
    a->room = get_id(t, o, "room");
    a->participant = get_id(t, o, "participant");
    a->session = get_u32(t, o, "session");
    get_ice(t, o, &a->remote_ice);
    struct bytes role = get_bytes(t, o, "relay_role");
    a->relay_role = bytes_equal_string(role, "client") ? DTLS_ROLE_CLIENT : DTLS_ROLE_SERVER;
    if (a->relay_role == DTLS_ROLE_SERVER && !bytes_equal_string(role, "server"))
        fail(t, STATUS_MALFORMED);
    get_fingerprint(t, o, a->remote_fingerprint);
    parse_extension_ids(t, o, a->extension_ids);
    const json_t *send = get_array(t, o, "send_slots", CONTROL_SLOTS_MAX, &a->send_slot_count);
    for (size_t i = 0; i < a->send_slot_count; i++)
        parse_send_slot(t, json_array_get(send, i), &a->send_slots[i]);
    const json_t *receive =
        get_array(t, o, "receive_slots", CONTROL_SLOTS_MAX, &a->receive_slot_count);
    for (size_t i = 0; i < a->receive_slot_count; i++)
        parse_receive_slot(t, json_array_get(receive, i), &a->receive_slots[i]);
}

static void parse_participant_added(struct take *t, const json_t *o,
                                    struct control_participant_added *a)
{
    a->shard = get_u32(t, o, "shard");
    get_ice(t, o, &a->local_ice);
    get_fingerprint(t, o, a->local_fingerprint);
    const json_t *candidates =
        get_array(t, o, "candidates", CONTROL_CANDIDATES_MAX, &a->candidate_count);
    for (size_t i = 0; i < a->candidate_count; i++) {
        const json_t *c = json_array_get(candidates, i);
        char text[NET_ADDR_TEXT_BYTES] = "";
        get_text(t, c, "address", text, sizeof text);
        uint16_t port = (uint16_t)get_integer(t, c, "port", UINT16_MAX);
        if (net_addr_parse_ip(text, port, &a->candidates[i].addr) != STATUS_OK)
            fail(t, STATUS_MALFORMED);
        a->candidates[i].tcp = get_flag(t, c, "tcp");
        a->candidates[i].priority = get_u32(t, c, "priority");
    }
}

/* A histogram's buckets and then its sum; a relay that was not upgraded yet has none, or other
 * edges under another key. */
static void get_delays(struct take *t, const json_t *object, const char *key,
                       struct control_delays *out)
{
    const json_t *array = json_object_get(object, key);
    if (array == NULL)
        return;
    if (!json_is_array(array) || json_array_size(array) != CONTROL_DELAY_BUCKETS + 1) {
        fail(t, STATUS_MALFORMED);
        return;
    }
    for (size_t i = 0; i <= CONTROL_DELAY_BUCKETS; i++) {
        const json_t *value = json_array_get(array, i);
        uint64_t *to = i < CONTROL_DELAY_BUCKETS ? &out->packets[i] : &out->sum_us;
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            fail(t, STATUS_MALFORMED);
        else
            *to = (uint64_t)json_integer_value(value);
    }
}

static void parse_relay_stats(struct take *t, const json_t *o, struct control_relay_stats *s)
{
    s->interval_ms = get_u32(t, o, "interval_ms");
    s->room_count = get_u32(t, o, "room_count");
    const json_t *shards = get_array(t, o, "shards", CONTROL_SHARDS_MAX, &s->shard_count);
    for (size_t i = 0; i < s->shard_count; i++) {
        const json_t *e = json_array_get(shards, i);
        struct control_shard_stats *stats = &s->shards[i];
        stats->participants = get_u32(t, e, "participants");
        stats->publications = get_u32(t, e, "publications");
        stats->packets_in = get_id(t, e, "packets_in");
        stats->packets_out = get_id(t, e, "packets_out");
        stats->bytes_in = get_id(t, e, "bytes_in");
        stats->bytes_out = get_id(t, e, "bytes_out");
        stats->drops = get_id(t, e, "drops");
        stats->cpu_permille = get_u32(t, e, "cpu_permille");
        stats->loop_p50_us = get_u32(t, e, "loop_p50_us");
        stats->loop_p99_us = get_u32(t, e, "loop_p99_us");
        get_delays(t, e, "voice_delay_counts", &stats->delays[CONTROL_DELAY_VOICE]);
        get_delays(t, e, "video_delay_counts", &stats->delays[CONTROL_DELAY_VIDEO]);
    }
    const json_t *drops = get_array(t, o, "drops", CONTROL_DROP_REASONS_MAX, &s->drop_count);
    for (size_t i = 0; i < s->drop_count; i++) {
        const json_t *d = json_array_get(drops, i);
        get_text(t, d, "reason", s->drops[i].reason, sizeof s->drops[i].reason);
        s->drops[i].count = get_id(t, d, "count");
    }
    s->machine_cpu_permille = get_u32(t, o, "machine_cpu_permille");
    s->machine_cores = get_u32(t, o, "machine_cores");
    s->memory_total_bytes = get_id(t, o, "memory_total_bytes");
    s->memory_available_bytes = get_id(t, o, "memory_available_bytes");
    s->relay_memory_bytes = get_id(t, o, "relay_memory_bytes");
}

/* All of it came later than the messages that it is part of. */
static void get_delivery(struct take *t, const json_t *o, struct control_delivery *d)
{
    char hears[32] = "unknown";
    if (json_object_get(o, "hears") != NULL)
        get_text(t, o, "hears", hears, sizeof hears);
    if (!control_hearing_find(hears, &d->hears))
        fail(t, STATUS_MALFORMED);
    d->session = (uint32_t)get_later_integer(t, o, "session", UINT32_MAX);
    d->reached = get_later_flag(t, o, "reached");
    d->voice_loss_permille = (uint32_t)get_later_integer(t, o, "voice_loss_permille", UINT32_MAX);
    d->voice_delay_ms = (uint32_t)get_later_integer(t, o, "voice_delay_ms", UINT32_MAX);
    d->screen_behind_ms = (uint32_t)get_later_integer(t, o, "screen_behind_ms", UINT32_MAX);
    d->estimate_bps = (uint32_t)get_later_integer(t, o, "estimate_bps", UINT32_MAX);
    d->narrow = get_later_flag(t, o, "narrow");
    d->encoding = (uint32_t)get_later_integer(t, o, "encoding", UINT32_MAX);
    d->temporal_max = (uint32_t)get_later_integer(t, o, "temporal_max", UINT32_MAX);
}

static void parse_deliveries(struct take *t, const json_t *o, struct control_deliveries *d)
{
    const json_t *participants = get_array(t, o, "participants", CONTROL_DELIVERIES_MAX, &d->count);
    for (size_t i = 0; i < d->count; i++) {
        const json_t *p = json_array_get(participants, i);
        d->list[i].participant = get_id(t, p, "participant");
        get_delivery(t, p, &d->list[i]);
    }
}

static void parse_room_stats(struct take *t, const json_t *o, struct control_room_stats *s)
{
    s->room = get_id(t, o, "room");
    s->more = get_flag(t, o, "more");
    const json_t *participants = get_array(t, o, "participants", CONTROL_ROOM_STATS_MAX, &s->count);
    for (size_t i = 0; i < s->count; i++) {
        const json_t *p = json_array_get(participants, i);
        s->participants[i].participant = get_id(t, p, "participant");
        s->participants[i].bps_in = get_id(t, p, "bps_in");
        s->participants[i].bps_out = get_id(t, p, "bps_out");
        s->participants[i].loss_in_permille = get_u32(t, p, "loss_in_permille");
        s->participants[i].voice_loss_in_permille =
            (uint32_t)get_later_integer(t, p, "voice_loss_in_permille", UINT32_MAX);
        s->participants[i].loss_out_permille = get_u32(t, p, "loss_out_permille");
        s->participants[i].rtt_us = get_u32(t, p, "rtt_us");
        s->participants[i].tcp = get_later_flag(t, p, "tcp");
        s->participants[i].state = get_state(t, p);
        s->participants[i].delivery.participant = s->participants[i].participant;
        get_delivery(t, p, &s->participants[i].delivery);
    }
}

static void parse_hello(struct take *t, const json_t *o, struct control_hello *h)
{
    h->version = get_u32(t, o, "version");
    if (h->version != CONTROL_VERSION)
        return; /* refused for that; its other fields are not ours to judge */
    get_text(t, o, "name", h->name, sizeof h->name);
    get_text(t, o, "boot_id", h->boot_id, sizeof h->boot_id);
    h->shards = get_u32(t, o, "shards");
    h->media_port_base = (uint16_t)get_integer(t, o, "media_port_base", UINT16_MAX);
    h->capacity = get_u32(t, o, "capacity");
}

static void parse_speakers(struct take *t, const json_t *o, struct control_speakers *s)
{
    s->room = get_id(t, o, "room");
    const json_t *array = get_array(t, o, "participants", CONTROL_SPEAKERS_MAX, &s->count);
    for (size_t i = 0; i < s->count; i++) {
        const json_t *id = json_array_get(array, i);
        json_int_t number = json_integer_value(id);
        if (!json_is_integer(id) || number < 0 || (uint64_t)number > CONTROL_ID_MAX)
            fail(t, STATUS_MALFORMED);
        s->participants[i] = (uint64_t)number;
    }
}

static void parse_body(struct take *t, const json_t *o, struct control_message *m)
{
    switch (m->type) {
    case CONTROL_HELLO:
        parse_hello(t, o, &m->hello);
        break;
    case CONTROL_ERROR:
        get_text(t, o, "code", m->error.code, sizeof m->error.code);
        get_text(t, o, "text", m->error.text, sizeof m->error.text);
        break;
    case CONTROL_SYNC_PARTICIPANT:
        m->sync_participant.room = get_id(t, o, "room");
        m->sync_participant.participant = get_id(t, o, "participant");
        m->sync_participant.session = get_u32(t, o, "session");
        m->sync_participant.state = get_state(t, o);
        break;
    case CONTROL_PARTICIPANT_ADD:
        parse_participant_add(t, o, &m->participant_add);
        break;
    case CONTROL_PARTICIPANT_ADDED:
        parse_participant_added(t, o, &m->participant_added);
        break;
    case CONTROL_ICE_RESTART:
        m->ice_restart.participant = get_id(t, o, "participant");
        m->ice_restart.session = get_u32(t, o, "session");
        get_ice(t, o, &m->ice_restart.remote_ice);
        break;
    case CONTROL_PARTICIPANT_REMOVE:
        m->participant_remove.participant = get_id(t, o, "participant");
        m->participant_remove.session = get_u32(t, o, "session");
        break;
    case CONTROL_GRANT:
        m->grant.participant = get_id(t, o, "participant");
        m->grant.slot = get_send_slot(t, o, "slot");
        m->grant.open = get_flag(t, o, "open");
        m->grant.reserved = get_flag(t, o, "reserved");
        break;
    case CONTROL_BIND:
        m->bind.room = get_id(t, o, "room");
        m->bind.slot = get_room_slot(t, o, "slot");
        m->bind.participant = get_id(t, o, "participant");
        m->bind.source = get_send_slot(t, o, "source");
        break;
    case CONTROL_ASIDE:
        m->aside.participant = get_id(t, o, "participant");
        m->aside.with = get_id(t, o, "with");
        break;
    case CONTROL_ROOM_CLOSE:
        m->room_close = get_id(t, o, "room");
        break;
    case CONTROL_PARTICIPANT_STATE:
        m->participant_state.participant = get_id(t, o, "participant");
        m->participant_state.session = get_u32(t, o, "session");
        m->participant_state.state = get_state(t, o);
        get_text(t, o, "reason", m->participant_state.reason, sizeof m->participant_state.reason);
        break;
    case CONTROL_SLOT_BOUND:
        m->slot_bound.room = get_id(t, o, "room");
        m->slot_bound.slot = get_room_slot(t, o, "slot");
        m->slot_bound.participant = get_id(t, o, "participant");
        break;
    case CONTROL_PUBLICATION:
        m->publication.participant = get_id(t, o, "participant");
        m->publication.slot = get_send_slot(t, o, "slot");
        m->publication.active = get_flag(t, o, "active");
        m->publication.codec = get_codec(t, o);
        break;
    case CONTROL_PARTICIPANT_QUALITY:
        m->participant_quality.participant = get_id(t, o, "participant");
        m->participant_quality.screen = get_quality(t, o);
        break;
    case CONTROL_DELIVERY:
        parse_deliveries(t, o, &m->delivery);
        break;
    case CONTROL_DEMAND:
        m->demand.participant = get_id(t, o, "participant");
        m->demand.slot = get_send_slot(t, o, "slot");
        m->demand.encodings = get_u32(t, o, "encodings");
        break;
    case CONTROL_SPEAKERS:
        parse_speakers(t, o, &m->speakers);
        break;
    case CONTROL_RELAY_STATS:
        parse_relay_stats(t, o, &m->relay_stats);
        break;
    case CONTROL_ROOM_STATS:
        parse_room_stats(t, o, &m->room_stats);
        break;
    case CONTROL_PING:
    case CONTROL_PONG:
    case CONTROL_OK:
    case CONTROL_SYNC_END:
    case CONTROL_TYPE_COUNT:
        break;
    }
}

enum status control_message_parse(struct bytes text, struct control_message *out)
{
    if (text.size > CONTROL_MESSAGE_BYTES_MAX)
        return STATUS_LIMIT;
    if (bounded_json_check(text, DEPTH_MAX, SIZE_MAX) != STATUS_OK)
        return STATUS_MALFORMED;
    json_t *o = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(o)) {
        json_decref(o);
        return STATUS_MALFORMED;
    }
    struct take t = {STATUS_OK};
    char type[32] = "";
    memset(out, 0, sizeof *out);
    get_text(&t, o, "type", type, sizeof type);
    if (t.status == STATUS_OK && !control_type_find(type, &out->type))
        fail(&t, STATUS_UNSUPPORTED);
    if (json_object_get(o, "id") != NULL)
        out->id = get_u32(&t, o, "id");
    if (json_object_get(o, "to") != NULL)
        out->to = get_u32(&t, o, "to");
    if (t.status == STATUS_OK)
        parse_body(&t, o, out);
    json_decref(o);
    return t.status;
}
