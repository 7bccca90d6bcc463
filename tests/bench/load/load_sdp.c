#include "tests/bench/load/load_sdp.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/media.h"
#include "wire/sdp.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PT_OPUS 111
#define PT_VP8 96

struct text {
    char *at;
    size_t left;
    bool failed;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text->at, text->left, format, args);
    va_end(args);
    if (size < 0 || (size_t)size >= text->left) {
        text->failed = true;
        return;
    }
    text->at += size;
    text->left -= (size_t)size;
}

static void add_line(struct text *text, const struct load_sdp_params *p, int line)
{
    static const char *const kinds[LOAD_LINE_COUNT] = {"audio", "video"};
    static const char *const codecs[LOAD_LINE_COUNT] = {"opus/48000/2", "VP8/90000"};
    const struct load_description *to = p->answers;
    int pt = to != NULL ? to->lines[line].payload_type : line == LOAD_LINE_VOICE ? PT_OPUS : PT_VP8;
    bool has_rtx = p->twcc && line == LOAD_LINE_VIDEO;
    add(text, "m=%s 9 UDP/TLS/RTP/SAVPF %d", kinds[line], pt);
    if (has_rtx)
        add(text, " %d", LOAD_PT_RTX);
    add(text, "\r\nc=IN IP4 0.0.0.0\r\n");
    if (to != NULL)
        add(text, "a=mid:%s\r\n", to->lines[line].mid);
    else
        add(text, "a=mid:%d\r\n", line);
    add(text, "a=%s\r\na=rtcp-mux\r\n", p->sends ? "sendonly" : "recvonly");
    add(text, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 ", p->ice.ufrag, p->ice.pwd);
    for (size_t i = 0; i < FINGERPRINT_BYTES; i++)
        add(text, "%s%02X", i == 0 ? "" : ":", p->fingerprint[i]);
    add(text, "\r\na=setup:%s\r\n", to != NULL ? "active" : "actpass");
    add(text, "a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:mid\r\n", LOAD_EXT_MID);
    if (line == LOAD_LINE_VOICE)
        add(text, "a=extmap:%d urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
            LOAD_EXT_AUDIO_LEVEL);
    add(text, "a=rtpmap:%d %s\r\n", pt, codecs[line]);
    if (line == LOAD_LINE_VIDEO) {
        add(text, "a=rtcp-fb:%d nack pli\r\na=rtcp-fb:%d ccm fir\r\n", pt, pt);
        if (p->nack || p->twcc)
            add(text, "a=rtcp-fb:%d nack\r\n", pt);
    }
    if (p->twcc) {
        add(text, "a=extmap:%d %s\r\na=rtcp-fb:%d transport-cc\r\n", LOAD_EXT_TRANSPORT_CC,
            header_extension_uri(HEADER_EXTENSION_TRANSPORT_CC), pt);
    }
    if (has_rtx)
        add(text, "a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d\r\n", LOAD_PT_RTX, LOAD_PT_RTX, pt);
    if (p->candidate != NULL) {
        char address[NET_ADDR_TEXT_BYTES];
        add(text, "a=candidate:1 1 udp 2130706431 %s %u typ host\r\na=end-of-candidates\r\n",
            net_addr_write_ip(p->candidate, address), p->candidate->port);
    }
    if (p->sends)
        add(text, "a=ssrc:%u cname:bench\r\n", p->ssrc + (uint32_t)line);
}

enum status load_sdp_write(const struct load_sdp_params *p, char *out, size_t capacity)
{
    struct text text = {.at = out, .left = capacity};
    add(&text, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE");
    for (int line = 0; line < LOAD_LINE_COUNT; line++) {
        if (p->answers != NULL)
            add(&text, " %s", p->answers->lines[line].mid);
        else
            add(&text, " %d", line);
    }
    add(&text, "\r\n%s", p->candidate != NULL ? "a=ice-lite\r\n" : "");
    for (int line = 0; line < LOAD_LINE_COUNT; line++)
        add_line(&text, p, line);
    return text.failed ? STATUS_TRUNCATED : STATUS_OK;
}

static void take_candidate(const char *line, struct load_description *out)
{
    char copy[256];
    char *words[6] = {0}, *rest = copy;
    uint64_t port;
    snprintf(copy, sizeof copy, "%.*s", (int)strcspn(line, "\r\n"), line);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        words[i] = strsep(&rest, " ");
        if (words[i] == NULL)
            return;
    }
    if (strcasecmp(words[2], "udp") != 0 || out->candidate_count == ICE_CLIENT_CANDIDATES_MAX ||
        !sdp_parse_number(bytes_of_string(words[5]), UINT16_MAX, &port))
        return;
    if (net_addr_parse_ip(words[4], (uint16_t)port, &out->candidates[out->candidate_count]) ==
        STATUS_OK)
        out->candidate_count++;
}

static enum status take_media(const struct sdp *sdp, struct load_description *out)
{
    for (size_t i = 0; i < LOAD_LINE_COUNT; i++) {
        const struct sdp_media *m = &sdp->media[i];
        if (m->port == 0 || m->codec_count == 0 || !m->has_fingerprint ||
            !bytes_to_string(m->ufrag, out->ice.ufrag, sizeof out->ice.ufrag) ||
            !bytes_to_string(m->pwd, out->ice.pwd, sizeof out->ice.pwd) ||
            !bytes_to_string(m->mid, out->lines[i].mid, sizeof out->lines[i].mid))
            return STATUS_MALFORMED;
        out->lines[i].payload_type = m->codecs[0].payload_type;
        out->lines[i].ssrc = m->pair_count > 0   ? m->pairs[0].ssrc
                             : m->ssrc_count > 0 ? m->ssrcs[0]
                                                 : 0;
        memcpy(out->fingerprint, m->fingerprint, sizeof out->fingerprint);
        out->our_role = m->setup == SDP_SETUP_ACTIVE ? DTLS_ROLE_SERVER : DTLS_ROLE_CLIENT;
    }
    return STATUS_OK;
}

enum status load_sdp_parse(const char *text, struct load_description *out)
{
    struct sdp *sdp = malloc(sizeof *sdp);
    if (sdp == NULL)
        return STATUS_NO_MEMORY;
    *out = (struct load_description){0};
    enum status status = sdp_parse(bytes_of_string(text), sdp);
    if (status == STATUS_OK && sdp->media_count != LOAD_LINE_COUNT)
        status = STATUS_MALFORMED;
    if (status == STATUS_OK)
        status = take_media(sdp, out);
    free(sdp);
    for (const char *at = text; (at = strstr(at, "a=candidate:")) != NULL; at++)
        take_candidate(at + strlen("a=candidate:"), out);
    return status == STATUS_OK && out->candidate_count == 0 ? STATUS_MALFORMED : status;
}
