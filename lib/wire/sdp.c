#include "wire/sdp.h"

#include <strings.h>

/* --- Text */

static bool is_equal_nocase(struct bytes a, const char *text)
{
    return a.size == strlen(text) && strncasecmp((const char *)a.data, text, a.size) == 0;
}

/* Cuts `text` at the first `separator`: what stands before it is given, what stands behind stays.
 */
static struct bytes take_until(struct bytes *text, char separator)
{
    size_t i = 0;
    while (i < text->size && text->data[i] != (uint8_t)separator)
        i++;
    struct bytes head = {text->data, i};
    size_t skip = i < text->size ? i + 1 : i;
    *text = bytes_of(text->data + skip, text->size - skip);
    return head;
}

static struct bytes trim(struct bytes b)
{
    while (b.size > 0 && b.data[0] == ' ')
        b = bytes_of(b.data + 1, b.size - 1);
    while (b.size > 0 && b.data[b.size - 1] == ' ')
        b.size--;
    return b;
}

bool sdp_parse_number(struct bytes text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (text.size == 0 || text.size > 10)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (value > max)
        return false;
    *out = value;
    return true;
}

struct bytes sdp_fmtp_find(struct bytes fmtp, const char *key)
{
    while (fmtp.size > 0) {
        struct bytes entry = trim(take_until(&fmtp, ';'));
        struct bytes name = take_until(&entry, '=');
        if (is_equal_nocase(trim(name), key))
            return trim(entry);
    }
    return BYTES_NONE;
}

/* RFC 3629; NUL is refused as well. */
static bool is_clean_utf8(struct bytes b)
{
    for (size_t i = 0; i < b.size;) {
        uint8_t c = b.data[i];
        size_t more = c < 0x80                ? 0
                      : c >= 0xc2 && c < 0xe0 ? 1
                      : c >= 0xe0 && c < 0xf0 ? 2
                      : c >= 0xf0 && c < 0xf5 ? 3
                                              : 9;
        if (c == 0 || more == 9 || i + more >= b.size)
            return false;
        for (size_t k = 1; k <= more; k++) {
            if ((b.data[i + k] & 0xc0) != 0x80)
                return false;
        }
        uint8_t second = more > 0 ? b.data[i + 1] : 0;
        if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) ||
            (c == 0xf0 && second < 0x90) || (c == 0xf4 && second > 0x8f))
            return false;
        i += more + 1;
    }
    return true;
}

static bool is_token(struct bytes b, size_t max)
{
    for (size_t i = 0; i < b.size; i++) {
        if (b.data[i] <= ' ' || b.data[i] >= 0x7f)
            return false;
    }
    return b.size > 0 && b.size <= max;
}

/* --- Attributes */

static struct sdp_codec *codec_of(struct sdp_media *m, struct bytes payload_type)
{
    uint64_t number;
    if (!sdp_parse_number(payload_type, 127, &number))
        return NULL;
    for (size_t i = 0; i < m->codec_count; i++) {
        if (m->codecs[i].payload_type == number)
            return &m->codecs[i];
    }
    return NULL;
}

/* "111 opus/48000/2" */
static enum status parse_rtpmap(struct sdp_media *m, struct bytes value)
{
    struct sdp_codec *codec = codec_of(m, take_until(&value, ' '));
    uint64_t rate;
    uint64_t channels = 1;
    if (codec == NULL)
        return STATUS_OK; /* not on the m-line, or beyond our maximum */
    struct bytes name = take_until(&value, '/');
    struct bytes rate_text = take_until(&value, '/');
    if (!is_token(name, 64) || !sdp_parse_number(rate_text, UINT32_MAX, &rate) || rate == 0 ||
        (value.size > 0 && !sdp_parse_number(value, 255, &channels)))
        return STATUS_MALFORMED;
    codec->name = name;
    codec->clock_rate = (uint32_t)rate;
    codec->channels = (uint8_t)channels;
    return STATUS_OK;
}

static void note_feedback(struct sdp_codec *codec, struct bytes value)
{
    codec->nack = codec->nack || bytes_equal_string(value, "nack");
    codec->pli = codec->pli || bytes_equal_string(value, "nack pli");
    codec->fir = codec->fir || bytes_equal_string(value, "ccm fir");
    codec->transport_cc = codec->transport_cc || bytes_equal_string(value, "transport-cc");
    codec->remb = codec->remb || bytes_equal_string(value, "goog-remb");
}

static void parse_feedback(struct sdp_media *m, struct bytes value)
{
    struct bytes payload_type = take_until(&value, ' ');
    bool all = bytes_equal_string(payload_type, "*");
    struct sdp_codec *one = codec_of(m, payload_type);
    for (size_t i = 0; i < m->codec_count; i++) {
        if (all || &m->codecs[i] == one)
            note_feedback(&m->codecs[i], trim(value));
    }
}

/* "3/sendonly urn:ietf:params:rtp-hdrext:sdes:mid attributes" */
static enum status parse_extmap(struct sdp_media *m, struct bytes value)
{
    struct bytes id_text = take_until(&value, ' ');
    struct bytes number_text = take_until(&id_text, '/');
    struct bytes uri = take_until(&value, ' ');
    uint64_t id;
    if (!sdp_parse_number(number_text, 4351, &id) || id == 0 || !is_token(uri, 256))
        return STATUS_MALFORMED;
    /* 15 is reserved in the one-byte form; above 255 are only proposals (RFC 8285 5). */
    if (id == 15 || id > 255 || m->extension_count == SDP_EXTENSIONS_MAX)
        return STATUS_OK;
    struct sdp_extension *e = &m->extensions[m->extension_count++];
    *e = (struct sdp_extension){.id = (uint8_t)id, .uri = uri};
    if (bytes_equal_string(id_text, "sendonly"))
        e->direction = SDP_SENDONLY;
    else if (bytes_equal_string(id_text, "recvonly"))
        e->direction = SDP_RECVONLY;
    else if (bytes_equal_string(id_text, "inactive"))
        e->direction = SDP_INACTIVE;
    return STATUS_OK;
}

static void parse_ssrc(struct sdp_media *m, struct bytes value)
{
    uint64_t ssrc;
    if (!sdp_parse_number(take_until(&value, ' '), UINT32_MAX, &ssrc) || ssrc == 0)
        return;
    for (size_t i = 0; i < m->ssrc_count; i++) {
        if (m->ssrcs[i] == ssrc)
            return;
    }
    if (m->ssrc_count < SDP_SSRCS_MAX)
        m->ssrcs[m->ssrc_count++] = (uint32_t)ssrc;
}

static void parse_ssrc_group(struct sdp_media *m, struct bytes value)
{
    uint64_t ssrc;
    uint64_t rtx;
    if (!bytes_equal_string(take_until(&value, ' '), "FID") || m->pair_count == SDP_SSRCS_MAX / 2)
        return;
    if (!sdp_parse_number(take_until(&value, ' '), UINT32_MAX, &ssrc) ||
        !sdp_parse_number(take_until(&value, ' '), UINT32_MAX, &rtx) || ssrc == rtx)
        return;
    m->pairs[m->pair_count].ssrc = (uint32_t)ssrc;
    m->pairs[m->pair_count++].rtx_ssrc = (uint32_t)rtx;
}

/* Only SHA-256 is used; others are passed over (RFC 8122 5 allows several). */
static enum status parse_fingerprint(struct sdp_media *m, struct bytes value)
{
    struct bytes hash = take_until(&value, ' ');
    value = trim(value);
    if (!is_equal_nocase(hash, "sha-256"))
        return STATUS_OK;
    if (value.size != SDP_FINGERPRINT_BYTES * 3 - 1)
        return STATUS_MALFORMED;
    for (size_t i = 0; i < SDP_FINGERPRINT_BYTES; i++) {
        int high = bytes_get_hex_digit(value.data[i * 3]);
        int low = bytes_get_hex_digit(value.data[i * 3 + 1]);
        if (high < 0 || low < 0 || (i + 1 < SDP_FINGERPRINT_BYTES && value.data[i * 3 + 2] != ':'))
            return STATUS_MALFORMED;
        m->fingerprint[i] = (uint8_t)(high << 4 | low);
    }
    m->has_fingerprint = true;
    return STATUS_OK;
}

static enum status parse_setup(struct sdp_media *m, struct bytes value)
{
    static const struct {
        const char *text;
        enum sdp_setup setup;
    } words[] = {{"actpass", SDP_SETUP_ACTPASS},
                 {"active", SDP_SETUP_ACTIVE},
                 {"passive", SDP_SETUP_PASSIVE},
                 {"holdconn", SDP_SETUP_HOLDCONN}};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (bytes_equal_string(value, words[i].text)) {
            m->setup = words[i].setup;
            return STATUS_OK;
        }
    }
    return STATUS_MALFORMED;
}

static enum status parse_ice_text(struct bytes value, size_t min, struct bytes *out)
{
    if (value.size < min || !is_token(value, SDP_ICE_CHARACTERS_MAX))
        return STATUS_MALFORMED;
    *out = value;
    return STATUS_OK;
}

/* RFC 8851 4: letters, digits, '-' and '_'. Others would break a=simulcast. */
static bool is_rid(struct bytes b)
{
    for (size_t i = 0; i < b.size; i++) {
        uint8_t c = b.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return b.size > 0 && b.size <= SDP_MID_CHARACTERS_MAX;
}

/* "hi send pt=96;max-width=…" */
static void parse_rid(struct sdp_media *m, struct bytes value)
{
    struct bytes id = take_until(&value, ' ');
    if (!bytes_equal_string(take_until(&value, ' '), "send") || !is_rid(id) ||
        m->rid_count == SDP_RIDS_MAX)
        return;
    for (size_t i = 0; i < m->rid_count; i++) {
        if (bytes_equal(m->rids[i], id))
            return;
    }
    m->rids[m->rid_count++] = id;
}

static bool parse_direction(struct bytes name, enum sdp_direction *out)
{
    static const char *const names[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (bytes_equal_string(name, names[i])) {
            *out = (enum sdp_direction)i;
            return true;
        }
    }
    return false;
}

static enum status parse_attribute(struct sdp *sdp, struct sdp_media *m, struct bytes line)
{
    struct bytes value = line;
    struct bytes name = take_until(&value, ':');
    struct sdp_codec *codec;
    if (parse_direction(name, &m->direction))
        return STATUS_OK;
    if (bytes_equal_string(name, "rtpmap"))
        return parse_rtpmap(m, value);
    if (bytes_equal_string(name, "extmap"))
        return parse_extmap(m, value);
    if (bytes_equal_string(name, "fingerprint"))
        return parse_fingerprint(m, value);
    if (bytes_equal_string(name, "setup"))
        return parse_setup(m, value);
    if (bytes_equal_string(name, "ice-ufrag"))
        return parse_ice_text(value, SDP_UFRAG_CHARACTERS_MIN, &m->ufrag);
    if (bytes_equal_string(name, "ice-pwd"))
        return parse_ice_text(value, SDP_PWD_CHARACTERS_MIN, &m->pwd);
    if (bytes_equal_string(name, "mid")) {
        m->mid = value;
        return is_token(value, SDP_MID_CHARACTERS_MAX) ? STATUS_OK : STATUS_MALFORMED;
    }
    if (bytes_equal_string(name, "fmtp")) {
        codec = codec_of(m, take_until(&value, ' '));
        if (codec != NULL)
            codec->fmtp = trim(value);
    } else if (bytes_equal_string(name, "rtcp-fb")) {
        parse_feedback(m, value);
    } else if (bytes_equal_string(name, "ssrc")) {
        parse_ssrc(m, value);
    } else if (bytes_equal_string(name, "ssrc-group")) {
        parse_ssrc_group(m, value);
    } else if (bytes_equal_string(name, "rid")) {
        parse_rid(m, value);
    } else if (bytes_equal_string(name, "simulcast")) {
        m->has_simulcast = true;
    } else if (bytes_equal_string(name, "rtcp-mux")) {
        m->rtcp_mux = true;
    } else if (bytes_equal_string(name, "rtcp-rsize")) {
        m->rtcp_rsize = true;
    } else if (bytes_equal_string(name, "bundle-only")) {
        m->bundle_only = true;
    } else if (bytes_equal_string(name, "extmap-allow-mixed")) {
        sdp->extmap_allow_mixed = true;
    } else if (bytes_equal_string(name, "ice-lite")) {
        sdp->ice_lite = true;
    } else if (bytes_equal_string(name, "group") && sdp->bundle_count == 0 &&
               bytes_equal_string(take_until(&value, ' '), "BUNDLE")) {
        while (value.size > 0 && sdp->bundle_count < SDP_MEDIA_MAX)
            sdp->bundle[sdp->bundle_count++] = take_until(&value, ' ');
    }
    return STATUS_OK;
}

/* "audio 9 UDP/TLS/RTP/SAVPF 111 63" */
static enum status parse_media_line(struct sdp *sdp, struct bytes value)
{
    if (sdp->media_count == SDP_MEDIA_MAX)
        return STATUS_LIMIT;
    struct sdp_media *m = &sdp->media[sdp->media_count++];
    m->kind = take_until(&value, ' ');
    struct bytes port_text = take_until(&value, ' ');
    uint64_t port;
    m->protocol = take_until(&value, ' ');
    if (!is_token(m->kind, 32) || !is_token(m->protocol, 64) ||
        !sdp_parse_number(take_until(&port_text, '/'), UINT16_MAX, &port))
        return STATUS_MALFORMED;
    m->port = (uint16_t)port;
    m->direction = sdp->session.direction;
    bool is_rtp = bytes_equal_string(m->kind, "audio") || bytes_equal_string(m->kind, "video");
    while (is_rtp && value.size > 0) {
        uint64_t number;
        if (!sdp_parse_number(take_until(&value, ' '), 127, &number))
            return STATUS_MALFORMED;
        if (m->codec_count < SDP_CODECS_MAX)
            m->codecs[m->codec_count++] =
                (struct sdp_codec){.payload_type = (uint8_t)number, .channels = 1};
    }
    return STATUS_OK;
}

static void inherit(struct sdp_media *m, const struct sdp_media *session)
{
    if (m->ufrag.size == 0)
        m->ufrag = session->ufrag;
    if (m->pwd.size == 0)
        m->pwd = session->pwd;
    if (m->setup == SDP_SETUP_NONE)
        m->setup = session->setup;
    if (!m->has_fingerprint && session->has_fingerprint) {
        m->has_fingerprint = true;
        memcpy(m->fingerprint, session->fingerprint, sizeof m->fingerprint);
    }
    for (size_t i = 0; i < session->extension_count && m->extension_count < SDP_EXTENSIONS_MAX; i++)
        m->extensions[m->extension_count++] = session->extensions[i];
}

static bool has_equal_mids(const struct sdp *sdp)
{
    for (size_t i = 0; i < sdp->media_count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (sdp->media[i].mid.size > 0 && bytes_equal(sdp->media[i].mid, sdp->media[k].mid))
                return true;
        }
    }
    return false;
}

/* The next line, without its end; empty ones are passed over. */
static enum status take_line(struct bytes *text, size_t *count, struct bytes *line)
{
    *line = BYTES_NONE;
    while (text->size > 0 && line->size == 0) {
        if ((*count)++ == SDP_LINES_MAX)
            return STATUS_LIMIT;
        *line = take_until(text, '\n');
        if (line->size > 0 && line->data[line->size - 1] == '\r')
            line->size--;
    }
    if (line->size == 0)
        return STATUS_OK;
    return line->size < 2 || line->data[1] != '=' || memchr(line->data, '\r', line->size) != NULL
               ? STATUS_MALFORMED
               : STATUS_OK;
}

static enum status parse_line(struct sdp *sdp, struct sdp_media **at, struct bytes line)
{
    struct bytes value = bytes_of(line.data + 2, line.size - 2);
    if (line.data[0] == 'a')
        return parse_attribute(sdp, *at, value);
    if (line.data[0] != 'm')
        return STATUS_OK;
    enum status status = parse_media_line(sdp, value);
    if (status == STATUS_OK)
        *at = &sdp->media[sdp->media_count - 1];
    return status;
}

enum status sdp_parse(struct bytes text, struct sdp *out)
{
    size_t count = 0;
    struct bytes line;
    if (text.size > SDP_BYTES_MAX)
        return STATUS_LIMIT;
    memset(out, 0, sizeof *out);
    struct sdp_media *at = &out->session;
    if (!is_clean_utf8(text))
        return STATUS_MALFORMED;
    enum status status = take_line(&text, &count, &line);
    if (status == STATUS_OK && !bytes_equal_string(line, "v=0"))
        return STATUS_MALFORMED;
    while (status == STATUS_OK && line.size > 0) {
        status = parse_line(out, &at, line);
        if (status == STATUS_OK)
            status = take_line(&text, &count, &line);
    }
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < out->media_count; i++)
        inherit(&out->media[i], &out->session);
    return has_equal_mids(out) ? STATUS_MALFORMED : STATUS_OK;
}

enum status sdp_parse_fragment(struct bytes text, struct sdp_fragment *out)
{
    struct sdp_fragment found = {0};
    size_t count = 0;
    struct bytes line;
    if (text.size > SDP_BYTES_MAX)
        return STATUS_LIMIT;
    if (!is_clean_utf8(text))
        return STATUS_MALFORMED;
    enum status status = take_line(&text, &count, &line);
    for (; status == STATUS_OK && line.size > 0; status = take_line(&text, &count, &line)) {
        struct bytes value = bytes_of(line.data + 2, line.size - 2);
        struct bytes name = take_until(&value, ':');
        enum status valid = STATUS_OK;
        if (line.data[0] == 'a' && bytes_equal_string(name, "ice-ufrag") && found.ufrag.size == 0)
            valid = parse_ice_text(value, SDP_UFRAG_CHARACTERS_MIN, &found.ufrag);
        else if (line.data[0] == 'a' && bytes_equal_string(name, "ice-pwd") && found.pwd.size == 0)
            valid = parse_ice_text(value, SDP_PWD_CHARACTERS_MIN, &found.pwd);
        if (valid != STATUS_OK)
            return valid;
    }
    if (status != STATUS_OK)
        return status;
    if ((found.ufrag.size == 0) != (found.pwd.size == 0))
        return STATUS_MALFORMED;
    *out = found;
    return STATUS_OK;
}
