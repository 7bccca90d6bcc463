/* Structures to JSON. */
#include "control/control_message_private.h"

/* Setters without results: a NULL anywhere (out of memory) is noticed once, at the end. */
struct build {
    bool failed;
};

static void set(struct build *b, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new_nocheck(object, key, value) != 0)
        b->failed = true;
}

static void set_integer(struct build *b, json_t *object, const char *key, uint64_t value)
{
    if (value > CONTROL_ID_MAX)
        b->failed = true;
    set(b, object, key, json_integer((json_int_t)value));
}

static void set_text(struct build *b, json_t *object, const char *key, const char *value)
{
    set(b, object, key, json_string(value));
}

static void set_flag(struct build *b, json_t *object, const char *key, bool value)
{
    set(b, object, key, json_boolean(value));
}

static void append(struct build *b, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        b->failed = true;
}

static void set_fingerprint(struct build *b, json_t *object, const uint8_t *fingerprint)
{
    static const char hex[] = "0123456789ABCDEF";
    char text[FINGERPRINT_BYTES * 3];
    for (size_t i = 0; i < FINGERPRINT_BYTES; i++) {
        text[i * 3] = hex[fingerprint[i] >> 4];
        text[i * 3 + 1] = hex[fingerprint[i] & 15];
        text[i * 3 + 2] = i + 1 < FINGERPRINT_BYTES ? ':' : '\0';
    }
    set_text(b, object, "fingerprint", text);
}

static void set_ice(struct build *b, json_t *object, const struct ice_parameters *ice)
{
    json_t *o = json_object();
    set_text(b, o, "ufrag", ice->ufrag);
    set_text(b, o, "pwd", ice->pwd);
    set(b, object, "ice", o);
}

static json_t *codec_object(struct build *b, const struct codec_parameters *c)
{
    json_t *o = json_object();
    set_text(b, o, "codec", media_codec_name(c->codec));
    set_integer(b, o, "payload_type", c->payload_type);
    set_integer(b, o, "rtx_payload_type", c->rtx_payload_type);
    set_integer(b, o, "red_payload_type", c->red_payload_type);
    set_integer(b, o, "channels", c->channels);
    set_integer(b, o, "clock_rate", c->clock_rate);
    set_flag(b, o, "nack", c->nack);
    set_flag(b, o, "pli", c->pli);
    set_flag(b, o, "fir", c->fir);
    set_flag(b, o, "transport_cc", c->transport_cc);
    set_flag(b, o, "remb", c->remb);
    set_text(b, o, "profile", c->profile);
    return o;
}

static json_t *codec_array(struct build *b, const struct codec_parameters *codecs, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        append(b, array, codec_object(b, &codecs[i]));
    return array;
}

static json_t *send_slot_object(struct build *b, const struct send_slot_parameters *s)
{
    json_t *o = json_object();
    set_text(b, o, "slot", send_slot_name(s->slot));
    set_text(b, o, "mid", s->mid);
    set(b, o, "codecs", codec_array(b, s->codecs, s->codec_count));
    json_t *rids = json_array();
    for (size_t i = 0; i < s->rid_count; i++)
        append(b, rids, json_string(s->rids[i]));
    set(b, o, "rids", rids);
    set_flag(b, o, "unordered", s->is_unordered);
    json_t *encodings = json_array();
    for (size_t i = 0; i < s->encoding_count; i++) {
        json_t *e = json_object();
        set_integer(b, e, "ssrc", s->encodings[i].ssrc);
        set_integer(b, e, "rtx_ssrc", s->encodings[i].rtx_ssrc);
        append(b, encodings, e);
    }
    set(b, o, "encodings", encodings);
    return o;
}

static json_t *receive_slot_object(struct build *b, const struct receive_slot_parameters *r)
{
    json_t *o = json_object();
    set_text(b, o, "slot", room_slot_name(r->slot));
    set_text(b, o, "mid", r->mid);
    set(b, o, "codecs", codec_array(b, r->codecs, r->codec_count));
    set_integer(b, o, "ssrc", r->ssrc);
    set_integer(b, o, "rtx_ssrc", r->rtx_ssrc);
    return o;
}

static void write_participant_add(struct build *b, json_t *o,
                                  const struct control_participant_add *a)
{
    set_integer(b, o, "room", a->room);
    set_integer(b, o, "participant", a->participant);
    set_integer(b, o, "session", a->session);
    set_ice(b, o, &a->remote_ice);
    set_text(b, o, "relay_role", a->relay_role == DTLS_ROLE_CLIENT ? "client" : "server");
    set_fingerprint(b, o, a->remote_fingerprint);
    json_t *extensions = json_object();
    for (size_t i = 0; i < HEADER_EXTENSION_COUNT; i++) {
        if (a->extension_ids[i] != 0)
            set_integer(b, extensions, header_extension_name((enum header_extension)i),
                        a->extension_ids[i]);
    }
    set(b, o, "extension_ids", extensions);
    json_t *send = json_array();
    for (size_t i = 0; i < a->send_slot_count; i++)
        append(b, send, send_slot_object(b, &a->send_slots[i]));
    set(b, o, "send_slots", send);
    json_t *receive = json_array();
    for (size_t i = 0; i < a->receive_slot_count; i++)
        append(b, receive, receive_slot_object(b, &a->receive_slots[i]));
    set(b, o, "receive_slots", receive);
}

static void write_participant_added(struct build *b, json_t *o,
                                    const struct control_participant_added *a)
{
    set_integer(b, o, "shard", a->shard);
    set_ice(b, o, &a->local_ice);
    set_fingerprint(b, o, a->local_fingerprint);
    json_t *candidates = json_array();
    for (size_t i = 0; i < a->candidate_count; i++) {
        char text[NET_ADDR_TEXT_BYTES];
        json_t *c = json_object();
        set_text(b, c, "address", net_addr_write_ip(&a->candidates[i].addr, text));
        set_integer(b, c, "port", a->candidates[i].addr.port);
        set_flag(b, c, "tcp", a->candidates[i].tcp);
        set_integer(b, c, "priority", a->candidates[i].priority);
        append(b, candidates, c);
    }
    set(b, o, "candidates", candidates);
}

static json_t *delays_array(struct build *b, const struct control_delays *delays)
{
    json_t *array = json_array();
    for (size_t i = 0; i < CONTROL_DELAY_BUCKETS; i++)
        append(b, array, json_integer((json_int_t)delays->packets[i]));
    append(b, array, json_integer((json_int_t)delays->sum_us));
    return array;
}

static json_t *shard_object(struct build *b, const struct control_shard_stats *s)
{
    json_t *o = json_object();
    set_integer(b, o, "participants", s->participants);
    set_integer(b, o, "publications", s->publications);
    set_integer(b, o, "packets_in", s->packets_in);
    set_integer(b, o, "packets_out", s->packets_out);
    set_integer(b, o, "bytes_in", s->bytes_in);
    set_integer(b, o, "bytes_out", s->bytes_out);
    set_integer(b, o, "drops", s->drops);
    set_integer(b, o, "cpu_permille", s->cpu_permille);
    set_integer(b, o, "loop_p50_us", s->loop_p50_us);
    set_integer(b, o, "loop_p99_us", s->loop_p99_us);
    set(b, o, "voice_delay_counts", delays_array(b, &s->delays[CONTROL_DELAY_VOICE]));
    set(b, o, "video_delay_counts", delays_array(b, &s->delays[CONTROL_DELAY_VIDEO]));
    return o;
}

static void write_relay_stats(struct build *b, json_t *o, const struct control_relay_stats *s)
{
    set_integer(b, o, "interval_ms", s->interval_ms);
    set_integer(b, o, "room_count", s->room_count);
    json_t *shards = json_array();
    for (size_t i = 0; i < s->shard_count; i++)
        append(b, shards, shard_object(b, &s->shards[i]));
    set(b, o, "shards", shards);
    json_t *drops = json_array();
    for (size_t i = 0; i < s->drop_count; i++) {
        json_t *d = json_object();
        set_text(b, d, "reason", s->drops[i].reason);
        set_integer(b, d, "count", s->drops[i].count);
        append(b, drops, d);
    }
    set(b, o, "drops", drops);
    set_integer(b, o, "machine_cpu_permille", s->machine_cpu_permille);
    set_integer(b, o, "machine_cores", s->machine_cores);
    set_integer(b, o, "memory_total_bytes", s->memory_total_bytes);
    set_integer(b, o, "memory_available_bytes", s->memory_available_bytes);
    set_integer(b, o, "relay_memory_bytes", s->relay_memory_bytes);
}

static void set_delivery(struct build *b, json_t *o, const struct control_delivery *d)
{
    set_integer(b, o, "session", d->session);
    set_text(b, o, "hears", control_hearing_name(d->hears));
    set_flag(b, o, "reached", d->reached);
    set_integer(b, o, "voice_loss_permille", d->voice_loss_permille);
    set_integer(b, o, "voice_delay_ms", d->voice_delay_ms);
    set_integer(b, o, "screen_behind_ms", d->screen_behind_ms);
    set_integer(b, o, "estimate_bps", d->estimate_bps);
    set_flag(b, o, "narrow", d->narrow);
    set_integer(b, o, "encoding", d->encoding);
    set_integer(b, o, "temporal_max", d->temporal_max);
}

static void write_deliveries(struct build *b, json_t *o, const struct control_deliveries *d)
{
    json_t *participants = json_array();
    for (size_t i = 0; i < d->count; i++) {
        json_t *p = json_object();
        set_integer(b, p, "participant", d->list[i].participant);
        set_delivery(b, p, &d->list[i]);
        append(b, participants, p);
    }
    set(b, o, "participants", participants);
}

static void write_room_stats(struct build *b, json_t *o, const struct control_room_stats *s)
{
    set_integer(b, o, "room", s->room);
    set_flag(b, o, "more", s->more);
    json_t *participants = json_array();
    for (size_t i = 0; i < s->count; i++) {
        json_t *p = json_object();
        set_integer(b, p, "participant", s->participants[i].participant);
        set_integer(b, p, "bps_in", s->participants[i].bps_in);
        set_integer(b, p, "bps_out", s->participants[i].bps_out);
        set_integer(b, p, "loss_in_permille", s->participants[i].loss_in_permille);
        set_integer(b, p, "voice_loss_in_permille", s->participants[i].voice_loss_in_permille);
        set_integer(b, p, "loss_out_permille", s->participants[i].loss_out_permille);
        set_integer(b, p, "rtt_us", s->participants[i].rtt_us);
        set_flag(b, p, "tcp", s->participants[i].tcp);
        set_text(b, p, "state", control_media_state_name(s->participants[i].state));
        set_delivery(b, p, &s->participants[i].delivery);
        append(b, participants, p);
    }
    set(b, o, "participants", participants);
}

static void write_hello(struct build *b, json_t *o, const struct control_hello *h)
{
    set_integer(b, o, "version", h->version);
    set_text(b, o, "name", h->name);
    set_text(b, o, "boot_id", h->boot_id);
    set_integer(b, o, "shards", h->shards);
    set_integer(b, o, "media_port_base", h->media_port_base);
    set_integer(b, o, "capacity", h->capacity);
}

static void write_speakers(struct build *b, json_t *o, const struct control_speakers *s)
{
    set_integer(b, o, "room", s->room);
    json_t *participants = json_array();
    for (size_t i = 0; i < s->count; i++)
        append(b, participants, json_integer((json_int_t)s->participants[i]));
    set(b, o, "participants", participants);
}

static void write_body(struct build *b, json_t *o, const struct control_message *m)
{
    switch (m->type) {
    case CONTROL_HELLO:
        write_hello(b, o, &m->hello);
        break;
    case CONTROL_ERROR:
        set_text(b, o, "code", m->error.code);
        set_text(b, o, "text", m->error.text);
        break;
    case CONTROL_SYNC_PARTICIPANT:
        set_integer(b, o, "room", m->sync_participant.room);
        set_integer(b, o, "participant", m->sync_participant.participant);
        set_integer(b, o, "session", m->sync_participant.session);
        set_text(b, o, "state", control_media_state_name(m->sync_participant.state));
        break;
    case CONTROL_PARTICIPANT_ADD:
        write_participant_add(b, o, &m->participant_add);
        break;
    case CONTROL_PARTICIPANT_ADDED:
        write_participant_added(b, o, &m->participant_added);
        break;
    case CONTROL_ICE_RESTART:
        set_integer(b, o, "participant", m->ice_restart.participant);
        set_integer(b, o, "session", m->ice_restart.session);
        set_ice(b, o, &m->ice_restart.remote_ice);
        break;
    case CONTROL_PARTICIPANT_REMOVE:
        set_integer(b, o, "participant", m->participant_remove.participant);
        set_integer(b, o, "session", m->participant_remove.session);
        break;
    case CONTROL_GRANT:
        set_integer(b, o, "participant", m->grant.participant);
        set_text(b, o, "slot", send_slot_name(m->grant.slot));
        set_flag(b, o, "open", m->grant.open);
        set_flag(b, o, "reserved", m->grant.reserved);
        break;
    case CONTROL_BIND:
        set_integer(b, o, "room", m->bind.room);
        set_text(b, o, "slot", room_slot_name(m->bind.slot));
        set_integer(b, o, "participant", m->bind.participant);
        set_text(b, o, "source", send_slot_name(m->bind.source));
        break;
    case CONTROL_ASIDE:
        set_integer(b, o, "participant", m->aside.participant);
        set_integer(b, o, "with", m->aside.with);
        break;
    case CONTROL_ROOM_CLOSE:
        set_integer(b, o, "room", m->room_close);
        break;
    case CONTROL_PARTICIPANT_STATE:
        set_integer(b, o, "participant", m->participant_state.participant);
        set_integer(b, o, "session", m->participant_state.session);
        set_text(b, o, "state", control_media_state_name(m->participant_state.state));
        set_text(b, o, "reason", m->participant_state.reason);
        break;
    case CONTROL_SLOT_BOUND:
        set_integer(b, o, "room", m->slot_bound.room);
        set_text(b, o, "slot", room_slot_name(m->slot_bound.slot));
        set_integer(b, o, "participant", m->slot_bound.participant);
        break;
    case CONTROL_PUBLICATION:
        set_integer(b, o, "participant", m->publication.participant);
        set_text(b, o, "slot", send_slot_name(m->publication.slot));
        set_flag(b, o, "active", m->publication.active);
        set_text(b, o, "codec", media_codec_name(m->publication.codec));
        break;
    case CONTROL_PARTICIPANT_QUALITY:
        set_integer(b, o, "participant", m->participant_quality.participant);
        set_text(b, o, "screen", control_quality_name(m->participant_quality.screen));
        break;
    case CONTROL_DELIVERY:
        write_deliveries(b, o, &m->delivery);
        break;
    case CONTROL_DEMAND:
        set_integer(b, o, "participant", m->demand.participant);
        set_text(b, o, "slot", send_slot_name(m->demand.slot));
        set_integer(b, o, "encodings", m->demand.encodings);
        break;
    case CONTROL_SPEAKERS:
        write_speakers(b, o, &m->speakers);
        break;
    case CONTROL_RELAY_STATS:
        write_relay_stats(b, o, &m->relay_stats);
        break;
    case CONTROL_ROOM_STATS:
        write_room_stats(b, o, &m->room_stats);
        break;
    case CONTROL_PING:
    case CONTROL_PONG:
    case CONTROL_OK:
    case CONTROL_SYNC_END:
    case CONTROL_TYPE_COUNT:
        break;
    }
}

enum status control_message_write_as(const struct control_message *message, uint32_t id,
                                     struct bytes_mut out, size_t *size)
{
    struct build b = {0};
    json_t *o = json_object();
    set_text(&b, o, "type", control_type_name(message->type));
    if (id != 0)
        set_integer(&b, o, "id", id);
    if (message->to != 0)
        set_integer(&b, o, "to", message->to);
    write_body(&b, o, message);
    size_t needed = b.failed ? 0 : json_dumpb(o, (char *)out.data, out.size, JSON_COMPACT);
    json_decref(o);
    if (b.failed)
        return STATUS_MALFORMED; /* not UTF-8, or a number past 2^53: ours to avoid */
    if (needed == 0 || needed > out.size)
        return STATUS_TRUNCATED;
    *size = needed;
    return STATUS_OK;
}

enum status control_message_write(const struct control_message *message, struct bytes_mut out,
                                  size_t *size)
{
    return control_message_write_as(message, message->id, out, size);
}
