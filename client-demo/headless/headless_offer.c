#include "client-demo/headless/headless_offer.h"

#include <stdarg.h>

const char *const headless_rids[HEADLESS_ENCODINGS] = {"h", "l"};

static const struct {
    const char *name;
    enum media_kind kind;
    bool sent;
} lines[HEADLESS_LINE_COUNT] = {
    [HEADLESS_LINE_MIC] = {"mic", MEDIA_KIND_AUDIO, true},
    [HEADLESS_LINE_SCREEN] = {"screen", MEDIA_KIND_VIDEO, true},
    [HEADLESS_LINE_VOICE_0] = {"voice_0", MEDIA_KIND_AUDIO, false},
    [HEADLESS_LINE_VOICE_1] = {"voice_1", MEDIA_KIND_AUDIO, false},
    [HEADLESS_LINE_VOICE_2] = {"voice_2", MEDIA_KIND_AUDIO, false},
    [HEADLESS_LINE_SCREEN_AUDIO] = {"screen_audio", MEDIA_KIND_AUDIO, false},
    [HEADLESS_LINE_SCREEN_IN] = {"screen", MEDIA_KIND_VIDEO, false},
};

const char *headless_line_name(enum headless_line line)
{
    return lines[line].name;
}

bool headless_line_is_sent(enum headless_line line)
{
    return lines[line].sent;
}

enum media_kind headless_line_kind(enum headless_line line)
{
    return lines[line].kind;
}

struct text {
    char *at;
    size_t left;
    bool failed;
};

PRINTF_LIKE(2, 3) static void add(struct text *text, const char *format, ...)
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

static void add_video_codec(struct text *text, const struct headless_offer_params *params,
                            const char *name, int pt, int rtx, const char *fmtp)
{
    add(text, "a=rtpmap:%d %s/90000\r\na=rtcp-fb:%d nack pli\r\n", pt, name, pt);
    add(text, "a=rtcp-fb:%d ccm fir\r\n", pt);
    if (!params->lacks_nack)
        add(text, "a=rtcp-fb:%d nack\r\n", pt);
    if (params->sends_remb)
        add(text, "a=rtcp-fb:%d goog-remb\r\n", pt);
    if (!params->lacks_numbers)
        add(text, "a=rtcp-fb:%d transport-cc\r\n", pt);
    if (fmtp != NULL)
        add(text, "a=fmtp:%d %s\r\n", pt, fmtp);
    if (!params->lacks_rtx)
        add(text, "a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d\r\n", rtx, rtx, pt);
}

static void add_codecs(struct text *text, const struct headless_offer_params *params,
                       enum media_kind kind, bool sent)
{
    if (kind == MEDIA_KIND_AUDIO) {
        add(text, "a=rtpmap:%d opus/48000/2\r\na=fmtp:%d minptime=10;useinbandfec=1\r\n",
            HEADLESS_PT_OPUS, HEADLESS_PT_OPUS);
        if (!params->lacks_numbers)
            add(text, "a=rtcp-fb:%d transport-cc\r\n", HEADLESS_PT_OPUS);
        if (sent && params->repeats_voice)
            add(text, "a=rtcp-fb:%d nack\r\n", HEADLESS_PT_OPUS);
        if (!params->lacks_red)
            add(text, "a=rtpmap:%d red/48000/2\r\na=fmtp:%d %d/%d\r\n", HEADLESS_PT_RED,
                HEADLESS_PT_RED, HEADLESS_PT_OPUS, HEADLESS_PT_OPUS);
        return;
    }
    add_video_codec(text, params, "VP8", HEADLESS_PT_VP8, HEADLESS_PT_VP8_RTX, NULL);
    add_video_codec(text, params, "VP9", HEADLESS_PT_VP9, HEADLESS_PT_VP9_RTX, "profile-id=0");
    add_video_codec(text, params, "H264", HEADLESS_PT_H264, HEADLESS_PT_H264_RTX,
                    "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f");
    add_video_codec(text, params, "AV1", HEADLESS_PT_AV1, HEADLESS_PT_AV1_RTX, NULL);
}

static void add_line(struct text *text, const struct headless_offer_params *params,
                     enum headless_line line)
{
    enum media_kind kind = lines[line].kind;
    add(text, "m=%s 9 UDP/TLS/RTP/SAVPF %s\r\nc=IN IP4 0.0.0.0\r\n", media_kind_name(kind),
        kind == MEDIA_KIND_AUDIO ? (params->lacks_red ? "111" : "111 63")
        : params->lacks_rtx      ? "96 98 102 45"
                                 : "96 97 98 99 102 103 45 46");
    add(text, "a=mid:%d\r\na=%s\r\na=rtcp-mux\r\na=rtcp-rsize\r\n", (int)line,
        lines[line].sent ? "sendonly" : "recvonly");
    add(text, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", params->ice.ufrag, params->ice.pwd);
    add(text, "a=fingerprint:sha-256 ");
    for (size_t i = 0; i < FINGERPRINT_BYTES; i++)
        add(text, "%s%02X", i == 0 ? "" : ":", params->fingerprint[i]);
    add(text, "\r\na=setup:%s\r\n", params->is_active_setup ? "active" : "actpass");
    add(text, "a=extmap:%d %s\r\n", HEADLESS_EXT_MID, header_extension_uri(HEADER_EXTENSION_MID));
    if (kind == MEDIA_KIND_AUDIO)
        add(text, "a=extmap:%d %s\r\n", HEADLESS_EXT_AUDIO_LEVEL,
            header_extension_uri(HEADER_EXTENSION_AUDIO_LEVEL));
    add(text, "a=extmap:%d %s\r\n", HEADLESS_EXT_ABS_CAPTURE_TIME,
        header_extension_uri(HEADER_EXTENSION_ABS_CAPTURE_TIME));
    add(text, "a=extmap:%d %s\r\n", HEADLESS_EXT_TRANSPORT_CC,
        header_extension_uri(HEADER_EXTENSION_TRANSPORT_CC));
    add_codecs(text, params, kind, lines[line].sent);
    if (!lines[line].sent)
        return;
    if (kind == MEDIA_KIND_VIDEO && params->has_rids) {
        add(text, "a=extmap:%d %s\r\n", HEADLESS_EXT_RID,
            header_extension_uri(HEADER_EXTENSION_RID));
        add(text, "a=extmap:%d %s\r\n", HEADLESS_EXT_REPAIRED_RID,
            header_extension_uri(HEADER_EXTENSION_REPAIRED_RID));
        add(text, "a=rid:%s send\r\na=rid:%s send\r\na=simulcast:send %s;%s\r\n", headless_rids[0],
            headless_rids[1], headless_rids[0], headless_rids[1]);
        return;
    }
    uint32_t ssrc = params->ssrcs[line];
    if (kind == MEDIA_KIND_VIDEO) {
        add(text, "a=ssrc-group:FID %u %u\r\n", ssrc, params->rtx_ssrc);
        add(text, "a=ssrc:%u cname:headless\r\n", params->rtx_ssrc);
    }
    add(text, "a=ssrc:%u cname:headless\r\n", ssrc);
}

enum status headless_offer_write(const struct headless_offer_params *params, char *out,
                                 size_t capacity)
{
    struct text text = {.at = out, .left = capacity};
    add(&text, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE");
    for (int line = 0; line < HEADLESS_LINE_COUNT; line++)
        add(&text, " %d", line);
    add(&text, "\r\na=extmap-allow-mixed\r\n");
    for (int line = 0; line < HEADLESS_LINE_COUNT; line++)
        add_line(&text, params, (enum headless_line)line);
    return text.failed ? STATUS_TRUNCATED : STATUS_OK;
}
