#include "signaling/core/negotiation.h"

#include "wire/sdp.h"

#include <stdlib.h>

#define RECEIVE_SSRC_BASE 0x616d0000u

/* --- Codecs */

static bool is_hex(struct bytes b)
{
    for (size_t i = 0; i < b.size; i++) {
        if (bytes_get_hex_digit(b.data[i]) < 0)
            return false;
    }
    return true;
}

/* What distinguishes two H.264 streams for a decoder: the profile and how it is packetised, not the
 * level (RFC 6184 8.1), and not the flags by which a sender promises to leave parts of the profile
 * out. Programs write high as 6400 or 640c, browsers take one or the other, and none sends what
 * they differ in. */
static void write_h264_profile(struct bytes fmtp, char *out, size_t capacity)
{
    struct bytes id = sdp_fmtp_find(fmtp, "profile-level-id");
    struct bytes mode = sdp_fmtp_find(fmtp, "packetization-mode");
    char text[3] = "42";
    if (id.size == 6 && is_hex(id))
        (void)bytes_to_string(bytes_of(id.data, 2), text, sizeof text);
    for (char *c = text; *c != '\0'; c++)
        *c = *c >= 'A' && *c <= 'F' ? (char)(*c - 'A' + 'a') : *c;
    snprintf(out, capacity, "%s/%c", text, mode.size == 1 && mode.data[0] == '1' ? '1' : '0');
}

static void write_profile(enum media_codec codec, struct bytes fmtp, char *out, size_t capacity)
{
    const char *key = codec == MEDIA_CODEC_VP9 ? "profile-id" : "profile";
    struct bytes value = sdp_fmtp_find(fmtp, key);
    out[0] = '\0';
    if (codec == MEDIA_CODEC_H264)
        write_h264_profile(fmtp, out, capacity);
    else if (codec == MEDIA_CODEC_VP9 || codec == MEDIA_CODEC_AV1)
        snprintf(out, capacity, "%c",
                 value.size == 1 && value.data[0] >= '0' && value.data[0] <= '3' ? value.data[0]
                                                                                 : '0');
}

/* The format parameters of our answer; "" for none. */
static void write_fmtp(enum media_codec codec, struct bytes offered, const char *profile,
                       bool stereo, char *out)
{
    out[0] = '\0';
    struct bytes id = sdp_fmtp_find(offered, "profile-level-id");
    if (codec == MEDIA_CODEC_OPUS)
        snprintf(out, NEGOTIATION_FMTP_BYTES, "minptime=10;useinbandfec=1%s",
                 stereo ? ";stereo=1" : "");
    else if (codec == MEDIA_CODEC_VP9)
        snprintf(out, NEGOTIATION_FMTP_BYTES, "profile-id=%s", profile);
    else if (codec == MEDIA_CODEC_AV1 && offered.size > 0)
        snprintf(out, NEGOTIATION_FMTP_BYTES, "profile=%s", profile);
    else if (codec == MEDIA_CODEC_H264)
        snprintf(out, NEGOTIATION_FMTP_BYTES,
                 "level-asymmetry-allowed=1;packetization-mode=%c;profile-level-id=%.6s",
                 profile[strlen(profile) - 1],
                 id.size == 6 && is_hex(id) ? (const char *)id.data : "42001f");
}

/* RFC 4588 8.1: at the clock rate of what it repairs. */
static uint8_t rtx_of(const struct sdp_media *m, const struct sdp_codec *codec)
{
    for (size_t i = 0; i < m->codec_count; i++) {
        uint64_t apt;
        if (bytes_equal_string(m->codecs[i].name, "rtx") &&
            (m->codecs[i].payload_type < 64 || m->codecs[i].payload_type > 95) &&
            sdp_parse_number(sdp_fmtp_find(m->codecs[i].fmtp, "apt"), 127, &apt) &&
            apt == codec->payload_type && m->codecs[i].clock_rate == codec->clock_rate)
            return m->codecs[i].payload_type;
    }
    return 0;
}

/* RFC 2198: "apt/apt" or more of it, all of one codec. */
static uint8_t red_of(const struct sdp_media *m, const struct sdp_codec *codec)
{
    for (size_t i = 0; i < m->codec_count; i++) {
        const struct sdp_codec *c = &m->codecs[i];
        struct bytes fmtp = c->fmtp;
        bool same = fmtp.size > 0;
        while (same && fmtp.size > 0) {
            const uint8_t *slash = memchr(fmtp.data, '/', fmtp.size);
            size_t size = slash == NULL ? fmtp.size : (size_t)(slash - fmtp.data);
            uint64_t apt;
            same = sdp_parse_number(bytes_of(fmtp.data, size), 127, &apt) &&
                   apt == codec->payload_type;
            size += slash != NULL;
            fmtp = bytes_of(fmtp.data + size, fmtp.size - size);
        }
        if (same && bytes_equal_string(c->name, "red") && c->clock_rate == codec->clock_rate &&
            c->channels == codec->channels && (c->payload_type < 64 || c->payload_type > 95))
            return c->payload_type;
    }
    return 0;
}

static bool is_wanted(const struct sdp_codec *c, enum media_kind kind, enum media_codec *codec)
{
    /* RFC 5761 4: from 64 to 95 a payload type with its marker looks like RTCP. */
    if ((c->payload_type >= 64 && c->payload_type <= 95) || !media_codec_find(c->name, codec) ||
        *codec == MEDIA_CODEC_NONE || *codec == MEDIA_CODEC_RED || media_codec_kind(*codec) != kind)
        return false;
    return kind == MEDIA_KIND_VIDEO ? c->clock_rate == 90000
                                    : c->clock_rate == 48000 && c->channels == 2;
}

/* Where a sending client shall look first: what every learner can decode. */
static int preference(enum media_codec codec)
{
    switch (codec) {
    case MEDIA_CODEC_OPUS:
    case MEDIA_CODEC_VP8:
        return 0;
    case MEDIA_CODEC_VP9:
        return 1;
    case MEDIA_CODEC_H264:
        return 2;
    default:
        return 3;
    }
}

struct codec_list {
    struct codec_parameters codecs[CONTROL_CODECS_MAX];
    size_t count;
};

/* Receiving lines keep the offer's order; sending lines get ours. */
static void choose_codecs(const struct sdp_media *m, enum media_kind kind, bool sending,
                          bool stereo, struct codec_list *list, struct negotiation_line *line)
{
    list->count = 0;
    for (int rank = 0; rank < (sending ? 4 : 1); rank++) {
        for (size_t i = 0; i < m->codec_count && list->count < CONTROL_CODECS_MAX; i++) {
            const struct sdp_codec *c = &m->codecs[i];
            enum media_codec codec;
            if (!is_wanted(c, kind, &codec) || (sending && preference(codec) != rank))
                continue;
            struct codec_parameters *out = &list->codecs[list->count];
            *out = (struct codec_parameters){
                .codec = codec,
                .payload_type = c->payload_type,
                .rtx_payload_type = rtx_of(m, c),
                .red_payload_type = sending || codec != MEDIA_CODEC_OPUS ? 0 : red_of(m, c),
                .channels = c->channels,
                .clock_rate = c->clock_rate,
                .nack = c->nack,
                .pli = c->pli,
                .fir = c->fir,
                .transport_cc = c->transport_cc,
                .remb = !sending && c->remb && !c->transport_cc};
            write_profile(codec, c->fmtp, out->profile, sizeof out->profile);
            write_fmtp(codec, c->fmtp, out->profile, stereo, line->fmtp[list->count]);
            list->count++;
        }
    }
}

/* --- Header extensions */

/* A receiver that takes no transport-wide numbers but sends REMB measures by our sending times. */
static bool estimates_itself(const struct sdp_media *m)
{
    bool remb = false;
    for (size_t i = 0; i < m->codec_count; i++) {
        if (m->codecs[i].transport_cc)
            return false;
        remb = remb || m->codecs[i].remb;
    }
    return remb;
}

/* One id, one URI in the whole bundle: browsers refuse anything else. A later use that breaks it is
 * left out. */
static void take_extensions(const struct sdp_media *m, bool is_received,
                            struct control_participant_add *add, struct negotiation_line *line)
{
    for (size_t i = 0; i < m->extension_count; i++) {
        enum header_extension e;
        bool taken = false;
        enum sdp_direction direction = m->extensions[i].direction;
        if (!header_extension_find_uri(m->extensions[i].uri, &e) ||
            (e == HEADER_EXTENSION_ABS_SEND_TIME && !(is_received && estimates_itself(m))) ||
            (direction != SDP_SENDRECV && direction != (is_received ? SDP_RECVONLY : SDP_SENDONLY)))
            continue;
        bool of_senders = e == HEADER_EXTENSION_RID || e == HEADER_EXTENSION_REPAIRED_RID;
        if (is_received && of_senders)
            continue;
        for (size_t k = 0; k < HEADER_EXTENSION_COUNT; k++)
            taken = taken || (k != (size_t)e && add->extension_ids[k] == m->extensions[i].id);
        if (taken || (add->extension_ids[e] != 0 && add->extension_ids[e] != m->extensions[i].id))
            continue;
        add->extension_ids[e] = m->extensions[i].id;
        line->extensions |= (uint32_t)1 << e;
        line->one_way |= (uint32_t)(direction != SDP_SENDRECV) << e;
    }
}

/* Transport-wide feedback is of use only where packets carry the number. */
static void keep_numbered_feedback(const struct negotiation_line *line, struct codec_list *list)
{
    bool numbered = (line->extensions >> HEADER_EXTENSION_TRANSPORT_CC & 1) != 0;
    for (size_t i = 0; line->is_received && i < list->count; i++)
        list->codecs[i].transport_cc = list->codecs[i].transport_cc && numbered;
}

/* --- Slots */

struct slot_counts {
    size_t received_audio; /* how many receiving audio lines there are in all */
    size_t audio_in, video_in, audio_out,
        video_out; /* used so far; in and out as the client sees it */
};

static bool find_receive_slot(struct slot_counts *counts, enum media_kind kind, enum room_slot *out)
{
    static const enum room_slot few[] = {ROOM_SLOT_VOICE_ANY, ROOM_SLOT_SCREEN_AUDIO};
    static const enum room_slot many[] = {ROOM_SLOT_VOICE_0, ROOM_SLOT_VOICE_1, ROOM_SLOT_VOICE_2,
                                          ROOM_SLOT_SCREEN_AUDIO};
    static const enum room_slot video[] = {ROOM_SLOT_SCREEN, ROOM_SLOT_CAMERA_0, ROOM_SLOT_CAMERA_1,
                                           ROOM_SLOT_CAMERA_2};
    bool has_few = counts->received_audio <= COUNT_OF(few);
    const enum room_slot *list = kind == MEDIA_KIND_VIDEO ? video : has_few ? few : many;
    size_t size = kind == MEDIA_KIND_VIDEO ? COUNT_OF(video)
                  : has_few                ? COUNT_OF(few)
                                           : COUNT_OF(many);
    size_t *used = kind == MEDIA_KIND_VIDEO ? &counts->video_in : &counts->audio_in;
    if (*used == size)
        return false;
    *out = list[(*used)++];
    return true;
}

static bool find_send_slot(struct slot_counts *counts, enum media_kind kind, enum send_slot *out)
{
    static const enum send_slot audio[] = {SEND_SLOT_MIC, SEND_SLOT_SCREEN_AUDIO};
    static const enum send_slot video[] = {SEND_SLOT_SCREEN, SEND_SLOT_CAMERA};
    size_t *used = kind == MEDIA_KIND_VIDEO ? &counts->video_out : &counts->audio_out;
    if (*used == COUNT_OF(audio))
        return false;
    *out = (kind == MEDIA_KIND_VIDEO ? video : audio)[(*used)++];
    return true;
}

static bool is_declared(const struct control_participant_add *add, uint32_t ssrc)
{
    for (size_t i = 0; i < add->send_slot_count; i++) {
        for (size_t k = 0; k < add->send_slots[i].encoding_count; k++) {
            if (add->send_slots[i].encodings[k].ssrc == ssrc ||
                add->send_slots[i].encodings[k].rtx_ssrc == ssrc)
                return true;
        }
    }
    return false;
}

/* An SSRC that two lines declare is the first one's. */
static void take_encodings(const struct sdp_media *m, const struct control_participant_add *add,
                           struct send_slot_parameters *slot)
{
    for (size_t i = 0; i < m->rid_count && slot->rid_count < CONTROL_ENCODINGS_MAX; i++)
        (void)bytes_to_string(m->rids[i], slot->rids[slot->rid_count++], RID_BYTES);
    for (size_t i = 0; i < m->ssrc_count && slot->encoding_count < CONTROL_ENCODINGS_MAX; i++) {
        uint32_t rtx = 0;
        bool is_rtx = false;
        for (size_t k = 0; k < m->pair_count; k++) {
            is_rtx = is_rtx || m->pairs[k].rtx_ssrc == m->ssrcs[i];
            rtx = m->pairs[k].ssrc == m->ssrcs[i] ? m->pairs[k].rtx_ssrc : rtx;
        }
        if (is_rtx || is_declared(add, m->ssrcs[i]))
            continue;
        rtx = is_declared(add, rtx) ? 0 : rtx;
        slot->encodings[slot->encoding_count].ssrc = m->ssrcs[i];
        slot->encodings[slot->encoding_count++].rtx_ssrc = rtx;
    }
}

static void add_receive_slot(struct control_participant_add *add, struct negotiation_line *line,
                             enum room_slot slot, const struct codec_list *list)
{
    line->slot = add->receive_slot_count;
    struct receive_slot_parameters *r = &add->receive_slots[add->receive_slot_count++];
    r->slot = slot;
    memcpy(r->mid, line->mid, sizeof r->mid);
    memcpy(r->codecs, list->codecs, sizeof r->codecs);
    r->codec_count = list->count;
    r->ssrc = RECEIVE_SSRC_BASE + (uint32_t)slot * 2;
    for (size_t i = 0; i < list->count; i++) {
        if (list->codecs[i].rtx_payload_type != 0)
            r->rtx_ssrc = r->ssrc + 1;
    }
}

static void add_send_slot(struct control_participant_add *add, struct negotiation_line *line,
                          const struct sdp_media *m, enum send_slot slot,
                          const struct codec_list *list, bool is_unordered)
{
    line->slot = add->send_slot_count;
    struct send_slot_parameters *s = &add->send_slots[add->send_slot_count++];
    s->slot = slot;
    s->is_unordered = is_unordered;
    memcpy(s->mid, line->mid, sizeof s->mid);
    memcpy(s->codecs, list->codecs, sizeof s->codecs);
    s->codec_count = list->count;
    take_encodings(m, add, s);
}

/* --- Lines */

/* What is wrong with the offer, in a sentence for the answer's "detail". */
static enum status refuse(struct negotiation *n, const char *fault)
{
    n->fault = fault;
    return STATUS_MALFORMED;
}

static bool is_bundled(const struct sdp *sdp, const struct sdp_media *m)
{
    if (sdp->bundle_count == 0)
        return sdp->media_count == 1;
    for (size_t i = 0; i < sdp->bundle_count; i++) {
        if (bytes_equal(sdp->bundle[i], m->mid))
            return true;
    }
    return false;
}

/* JSEP (RFC 8829 5.1.2): what older programs write besides UDP/TLS/RTP/SAVPF means the same. */
static bool is_dtls_srtp(struct bytes protocol)
{
    static const char *const names[] = {"UDP/TLS/RTP/SAVPF",  "UDP/TLS/RTP/SAVP",
                                        "TCP/DTLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVP",
                                        "RTP/SAVPF",          "RTP/SAVP"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (bytes_equal_string(protocol, names[i]))
            return true;
    }
    return false;
}

static bool is_media(const struct sdp_media *m, enum media_kind *kind)
{
    *kind = bytes_equal_string(m->kind, "video") ? MEDIA_KIND_VIDEO : MEDIA_KIND_AUDIO;
    return (bytes_equal_string(m->kind, "audio") || bytes_equal_string(m->kind, "video")) &&
           (m->port != 0 || m->bundle_only) && m->direction != SDP_INACTIVE &&
           is_dtls_srtp(m->protocol);
}

static bool receives(enum negotiation_kind kind, const struct sdp_media *m)
{
    return m->direction == SDP_RECVONLY ||
           (kind == NEGOTIATION_WHEP && m->direction == SDP_SENDRECV);
}

static enum status take_line(struct negotiation *n, const struct sdp *sdp,
                             const struct sdp_media *tag, const struct sdp_media *m,
                             struct slot_counts *counts, bool *lacks_codec)
{
    struct negotiation_line *line = &n->lines[n->line_count++];
    enum media_kind kind;
    struct codec_list list;
    enum room_slot room_slot = ROOM_SLOT_VOICE_0;
    enum send_slot send_slot = SEND_SLOT_MIC;
    line->fallback_payload_type = m->codec_count > 0 ? m->codecs[0].payload_type : 0;
    if (!bytes_to_string(m->kind, line->kind, sizeof line->kind) ||
        !bytes_to_string(m->protocol, line->protocol, sizeof line->protocol) ||
        !bytes_to_string(m->mid, line->mid, sizeof line->mid))
        return STATUS_MALFORMED;
    if (!is_media(m, &kind) || !is_bundled(sdp, m))
        return STATUS_OK;
    line->is_received = receives(n->kind, m);
    if (!line->is_received && n->kind == NEGOTIATION_WHEP)
        return STATUS_OK;
    /* What is bundle-only need not repeat what the bundle has (RFC 8843 7.1.3). */
    if (m->mid.size == 0 || !(m->rtcp_mux || (m->bundle_only && tag->rtcp_mux)))
        return refuse(n, "Every line of the offer needs a=mid and a=rtcp-mux.");
    bool has_slot = line->is_received ? find_receive_slot(counts, kind, &room_slot)
                                      : find_send_slot(counts, kind, &send_slot);
    bool stereo = line->is_received ? room_slot == ROOM_SLOT_SCREEN_AUDIO
                                    : send_slot == SEND_SLOT_SCREEN_AUDIO;
    choose_codecs(m, kind, !line->is_received, stereo, &list, line);
    *lacks_codec = *lacks_codec || list.count == 0;
    if (!has_slot || list.count == 0)
        return STATUS_OK;
    line->accepted = true;
    line->rtcp_rsize = m->rtcp_rsize;
    line->simulcast = m->has_simulcast;
    take_extensions(m, line->is_received, &n->add, line);
    keep_numbered_feedback(line, &list);
    if (line->is_received)
        add_receive_slot(&n->add, line, room_slot, &list);
    else
        add_send_slot(&n->add, line, m, send_slot, &list, n->kind == NEGOTIATION_WHIP);
    return STATUS_OK;
}

static enum status take_transport(struct negotiation *n, const struct sdp_media *m)
{
    if (m->ufrag.size == 0 || m->pwd.size == 0 || !m->has_fingerprint ||
        m->setup == SDP_SETUP_HOLDCONN ||
        !bytes_to_string(m->ufrag, n->add.remote_ice.ufrag, sizeof n->add.remote_ice.ufrag) ||
        !bytes_to_string(m->pwd, n->add.remote_ice.pwd, sizeof n->add.remote_ice.pwd))
        return refuse(n, "The offer lacks ICE credentials, a sha-256 fingerprint or a DTLS setup "
                         "that is not holdconn.");
    n->add.relay_role = m->setup == SDP_SETUP_PASSIVE ? DTLS_ROLE_CLIENT : DTLS_ROLE_SERVER;
    memcpy(n->add.remote_fingerprint, m->fingerprint, FINGERPRINT_BYTES);
    return STATUS_OK;
}

/* The line whose transport the whole bundle uses (RFC 8843 7.1.2, "offerer-tagged"): the group's
 * first, even where we reject what it carries. */
static const struct sdp_media *find_tagged(const struct sdp *sdp)
{
    for (size_t i = 0; sdp->bundle_count > 0 && i < sdp->media_count; i++) {
        if (bytes_equal(sdp->media[i].mid, sdp->bundle[0]))
            return &sdp->media[i];
    }
    return sdp->media_count > 0 ? &sdp->media[0] : NULL;
}

static bool is_format_name(struct bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i] | 0x20; /* lower case */
        if (!(c >= 'a' && c <= 'z') && !(name.data[i] >= '0' && name.data[i] <= '9') &&
            name.data[i] != '-' && name.data[i] != '.')
            return false;
    }
    return name.size > 0 && name.size <= 32;
}

static bool can_hold(const struct sdp *sdp, const struct sdp_media *m)
{
    return (bytes_equal_string(m->kind, "audio") || bytes_equal_string(m->kind, "video")) &&
           sdp->bundle_count > 0 && is_bundled(sdp, m) && m->port != 0 && m->rtcp_mux &&
           is_dtls_srtp(m->protocol);
}

/* The first format that stands for itself and can be repeated. */
static const struct sdp_codec *find_held_format(const struct sdp_media *m)
{
    for (size_t i = 0; i < m->codec_count; i++) {
        const struct sdp_codec *c = &m->codecs[i];
        bool is_static = c->name.size == 0 && c->payload_type <= 34; /* RFC 3551 6 */
        if (is_static || (is_format_name(c->name) && !bytes_equal_string(c->name, "rtx")))
            return c;
    }
    return NULL;
}

/* Chromium with max-bundle loses the transport when the tagged line is rejected ("Failed to setup
 * RTCP mux"). Such a line is accepted as inactive instead, with one format of its own. */
static void hold_tagged(struct negotiation *n, const struct sdp *sdp, const struct sdp_media *tag)
{
    struct negotiation_line *line = &n->lines[n->tagged];
    const struct sdp_codec *format = find_held_format(tag);
    char channels[8] = "";
    if (line->accepted || !can_hold(sdp, tag) || format == NULL)
        return;
    line->is_held = true;
    line->rtcp_rsize = tag->rtcp_rsize;
    line->fallback_payload_type = format->payload_type;
    if (format->channels > 1)
        snprintf(channels, sizeof channels, "/%u", format->channels);
    if (format->name.size > 0)
        snprintf(line->held, sizeof line->held, "%.*s/%u%s", (int)format->name.size,
                 (const char *)format->name.data, format->clock_rate, channels);
}

static enum status refuse_all(struct negotiation *n, const struct sdp *sdp, bool lacks_codec)
{
    if (lacks_codec)
        return STATUS_UNSUPPORTED;
    return refuse(n, sdp->bundle_count == 0 && sdp->media_count > 1
                         ? "All lines of the offer must be in one BUNDLE group."
                         : "The offer has no audio or video line that sends or receives here.");
}

static enum status accept_parsed(struct negotiation *n, const struct sdp *sdp)
{
    struct slot_counts counts = {0};
    bool lacks_codec = false;
    bool is_answerable = false;
    const struct sdp_media *tag = find_tagged(sdp);
    if (sdp->ice_lite) /* of two lite agents neither begins (RFC 8445 6.1.1) */
        return refuse(n, "The server is ICE-lite, so the client must not be.");
    if (tag == NULL)
        return refuse_all(n, sdp, false);
    for (size_t i = 0; i < sdp->media_count; i++) {
        enum media_kind kind;
        if (is_media(&sdp->media[i], &kind) && kind == MEDIA_KIND_AUDIO &&
            receives(n->kind, &sdp->media[i]))
            counts.received_audio++;
    }
    n->extmap_allow_mixed = sdp->extmap_allow_mixed;
    n->tagged = (size_t)(tag - sdp->media);
    n->has_bundle = sdp->bundle_count > 0;
    for (size_t i = 0; i < sdp->media_count; i++) {
        enum status status = take_line(n, sdp, tag, &sdp->media[i], &counts, &lacks_codec);
        if (status != STATUS_OK)
            return status;
        is_answerable = is_answerable || n->lines[i].accepted;
    }
    if (!is_answerable)
        return refuse_all(n, sdp, lacks_codec);
    hold_tagged(n, sdp, tag);
    return take_transport(n, tag);
}

enum status negotiation_accept_offer(enum negotiation_kind kind, struct bytes text,
                                     struct negotiation *out)
{
    struct sdp *sdp = malloc(sizeof *sdp);
    if (sdp == NULL)
        return STATUS_NO_MEMORY;
    memset(out, 0, sizeof *out);
    out->kind = kind;
    enum status status = sdp_parse(text, sdp);
    if (status == STATUS_OK)
        status = accept_parsed(out, sdp);
    free(sdp);
    if (status != STATUS_OK && out->fault == NULL)
        out->fault = "The offer is no SDP, or one with a line that breaks its grammar.";
    return status;
}

enum status negotiation_parse_fragment(struct bytes text, struct ice_parameters *out)
{
    struct sdp_fragment fragment;
    struct ice_parameters found;
    enum status status = sdp_parse_fragment(text, &fragment);
    if (status != STATUS_OK)
        return status;
    if (!bytes_to_string(fragment.ufrag, found.ufrag, sizeof found.ufrag) ||
        !bytes_to_string(fragment.pwd, found.pwd, sizeof found.pwd))
        return STATUS_MALFORMED;
    *out = found;
    return STATUS_OK;
}
