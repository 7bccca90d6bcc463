/* What every answer of ours must hold, whatever the offer was. */
#pragma once

#include "signaling/core/negotiation.h"
#include "wire/sdp.h"

#include <strings.h>

static inline bool answer_has_codec(const struct sdp_media *offered, const struct sdp_codec *codec)
{
    for (size_t i = 0; i < offered->codec_count; i++) {
        const struct sdp_codec *o = &offered->codecs[i];
        if (o->payload_type == codec->payload_type && o->name.size == codec->name.size &&
            (o->name.size == 0 || strncasecmp((const char *)o->name.data,
                                              (const char *)codec->name.data, o->name.size) == 0))
            return o->clock_rate == codec->clock_rate;
    }
    return false;
}

static inline const char *answer_check_codecs(const struct sdp_media *offered,
                                              const struct sdp_media *answered)
{
    if (answered->codec_count == 0)
        return "an accepted line without a codec";
    for (size_t i = 0; i < answered->codec_count; i++) {
        const struct sdp_codec *codec = &answered->codecs[i];
        uint64_t apt = 0;
        if (!answer_has_codec(offered, codec))
            return "a codec that was not offered";
        for (size_t k = 0; k < i; k++) {
            if (answered->codecs[k].payload_type == codec->payload_type)
                return "one payload type twice";
        }
        if (!bytes_equal_string(codec->name, "rtx"))
            continue;
        if (!sdp_parse_number(sdp_fmtp_find(codec->fmtp, "apt"), 127, &apt) || i == 0 ||
            answered->codecs[i - 1].payload_type != apt)
            return "an rtx that repairs nothing";
    }
    return NULL;
}

static inline bool answer_has_extension(const struct sdp_media *offered,
                                        const struct sdp_extension *extension)
{
    for (size_t i = 0; i < offered->extension_count; i++) {
        if (offered->extensions[i].id == extension->id &&
            bytes_equal(offered->extensions[i].uri, extension->uri))
            return true;
    }
    return false;
}

static inline const char *answer_check_extensions(const struct sdp *offer, const struct sdp *answer)
{
    struct bytes uris[256] = {{0}};
    for (size_t i = 0; i < answer->media_count; i++) {
        for (size_t k = 0; k < answer->media[i].extension_count; k++) {
            const struct sdp_extension *e = &answer->media[i].extensions[k];
            if (!answer_has_extension(&offer->media[i], e))
                return "an extension that was not offered so";
            if (uris[e->id].size > 0 && !bytes_equal(uris[e->id], e->uri))
                return "one id for two extensions";
            uris[e->id] = e->uri;
        }
    }
    for (size_t i = 0; i < COUNT_OF(uris); i++) {
        for (size_t k = 0; k < i; k++) {
            if (uris[i].size > 0 && bytes_equal(uris[i], uris[k]))
                return "one extension under two ids";
        }
    }
    return NULL;
}

static inline const char *answer_check_ssrcs(const struct negotiation *n, const struct sdp *answer)
{
    uint32_t seen[SDP_MEDIA_MAX * 2];
    size_t count = 0;
    for (size_t i = 0; i < answer->media_count; i++) {
        const struct sdp_media *m = &answer->media[i];
        bool wanted = n->lines[i].accepted && n->lines[i].is_received;
        if ((m->ssrc_count > 0) != wanted || m->ssrc_count > 2 ||
            m->pair_count != (m->ssrc_count == 2 ? 1 : 0))
            return "SSRCs are for lines that we send on: one, and one for RTX";
        for (size_t k = 0; k < m->ssrc_count; k++) {
            for (size_t s = 0; s < count; s++) {
                if (seen[s] == m->ssrcs[k])
                    return "one SSRC twice";
            }
            seen[count++] = m->ssrcs[k];
        }
    }
    return NULL;
}

static inline const char *answer_check_transport(const struct control_participant_added *added,
                                                 const struct sdp_media *offered,
                                                 const struct sdp_media *answered)
{
    enum sdp_setup setup =
        offered->setup == SDP_SETUP_PASSIVE ? SDP_SETUP_ACTIVE : SDP_SETUP_PASSIVE;
    if (!bytes_equal_string(answered->ufrag, added->local_ice.ufrag) ||
        !bytes_equal_string(answered->pwd, added->local_ice.pwd) || !answered->has_fingerprint ||
        memcmp(answered->fingerprint, added->local_fingerprint, FINGERPRINT_BYTES) != 0)
        return "credentials or fingerprint are not the relay's";
    if (answered->setup != setup)
        return "the wrong side begins with DTLS";
    return answered->rtcp_mux ? NULL : "an accepted line without rtcp-mux";
}

static inline const char *answer_check_line(const struct negotiation_line *line,
                                            const struct sdp_media *offered,
                                            const struct sdp_media *answered)
{
    if (!bytes_equal(offered->kind, answered->kind) || !bytes_equal(offered->mid, answered->mid) ||
        !bytes_equal(offered->protocol, answered->protocol))
        return "kind, protocol or mid differ from the offer's";
    if (!line->accepted && !line->is_held)
        return answered->port == 0 ? NULL : "a rejected line has a port";
    if (answered->port == 0)
        return "an accepted line has no port";
    if (line->is_held && (answered->direction != SDP_INACTIVE || answered->codec_count != 1))
        return "a held line is not inactive, or has more than one format";
    if (line->is_held)
        return answer_check_codecs(offered, answered);
    if (answered->direction != (line->is_received ? SDP_SENDONLY : SDP_RECVONLY) ||
        (offered->direction == SDP_RECVONLY && !line->is_received) ||
        (offered->direction == SDP_SENDONLY && line->is_received))
        return "the direction does not fit the offer's";
    return answer_check_codecs(offered, answered);
}

/* The mids of accepted lines, the tagged one first, and nothing else; no group without one in the
 * offer. */
static inline bool answer_has_bundle(const struct sdp *offer, const struct negotiation *n,
                                     const struct sdp *answer)
{
    size_t count = 0;
    if (offer->bundle_count == 0)
        return answer->bundle_count == 0;
    for (size_t i = 0; i < n->line_count; i++) {
        bool found = false;
        for (size_t k = 0; k < answer->bundle_count; k++)
            found = found || bytes_equal_string(answer->bundle[k], n->lines[i].mid);
        if (found != (n->lines[i].accepted || n->lines[i].is_held))
            return false;
        count += found;
        if (found && bytes_equal(offer->bundle[0], answer->media[i].mid) &&
            !bytes_equal(answer->bundle[0], answer->media[i].mid))
            return false;
    }
    return count == answer->bundle_count;
}

/* Candidates stand in one section, that of the first line with a port. */
static inline const char *answer_check_candidates(const struct negotiation *n, size_t expected,
                                                  struct bytes text)
{
    size_t line = 0; /* m-lines so far */
    size_t first = 0;
    size_t count = 0;
    while (first < n->line_count && !n->lines[first].accepted && !n->lines[first].is_held)
        first++;
    for (size_t i = 0; i + 13 < text.size; i++) {
        if (memcmp(text.data + i, "\nm=", 3) == 0)
            line++;
        if (memcmp(text.data + i, "\na=candidate:", 13) != 0)
            continue;
        if (line != first + 1)
            return "a candidate elsewhere than on the first accepted line";
        count++;
    }
    return count == expected ? NULL : "candidates are missing";
}

/* NULL, or what is wrong with `text`, the answer to `offer` that `n` and `added` made. `answer` is
 * room to parse it into. */
static inline const char *answer_check(const struct sdp *offer, const struct negotiation *n,
                                       const struct control_participant_added *added,
                                       struct bytes text, struct sdp *answer)
{
    const struct sdp_media *tagged = &offer->media[0];
    if (sdp_parse(text, answer) != STATUS_OK)
        return "it is no SDP";
    if (answer->media_count != offer->media_count || answer->media_count != n->line_count)
        return "the number of lines differs from the offer's";
    if (!answer->ice_lite || !answer_has_bundle(offer, n, answer))
        return "ice-lite or the right BUNDLE is missing";
    for (size_t i = 0; i < offer->media_count; i++) {
        if (offer->bundle_count > 0 && bytes_equal(offer->media[i].mid, offer->bundle[0]))
            tagged = &offer->media[i];
    }
    for (size_t i = 0; i < answer->media_count; i++) {
        const char *wrong = answer_check_line(&n->lines[i], &offer->media[i], &answer->media[i]);
        if (wrong == NULL && (n->lines[i].accepted || n->lines[i].is_held))
            wrong = answer_check_transport(added, tagged, &answer->media[i]);
        if (wrong != NULL)
            return wrong;
    }
    const char *wrong = answer_check_extensions(offer, answer);
    if (wrong == NULL)
        wrong = answer_check_ssrcs(n, answer);
    return wrong != NULL ? wrong : answer_check_candidates(n, added->candidate_count, text);
}
