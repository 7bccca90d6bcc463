/* The words that every part shares for media: kinds, codecs, slots, header extensions. The texts
 * are those of the control protocol and the client protocol. */
#pragma once

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum media_kind { MEDIA_KIND_AUDIO, MEDIA_KIND_VIDEO };

#define MEDIA_CODEC_LIST(X)                                                                        \
    X(NONE, "none", AUDIO)                                                                         \
    X(OPUS, "opus", AUDIO)                                                                         \
    X(RED, "red", AUDIO) /* RFC 2198 around Opus */                                                \
    X(VP8, "VP8", VIDEO)                                                                           \
    X(VP9, "VP9", VIDEO)                                                                           \
    X(H264, "H264", VIDEO)                                                                         \
    X(AV1, "AV1", VIDEO)

enum media_codec {
#define X(name, text, kind) MEDIA_CODEC_##name,
    MEDIA_CODEC_LIST(X)
#undef X
        MEDIA_CODEC_COUNT
};

/* What a participant may send, in the order of the offer's sending m-lines (design: one offer,
 * fixed slots). A closed slot's packets are dropped and counted. */
#define SEND_SLOT_LIST(X)                                                                          \
    X(MIC, "mic", AUDIO)                                                                           \
    X(SCREEN, "screen", VIDEO)                                                                     \
    X(SCREEN_AUDIO, "screen_audio", AUDIO)                                                         \
    X(CAMERA, "camera", VIDEO)

enum send_slot {
#define X(name, text, kind) SEND_SLOT_##name,
    SEND_SLOT_LIST(X)
#undef X
        SEND_SLOT_COUNT
};

/* What everybody in a room receives. A room slot carries one publication at a time; a participant's
 * receive slot follows one room slot for good. VOICE_ANY is for receivers with a single audio line
 * (WHEP): it follows the reserved voice, or whoever speaks. */
#define ROOM_SLOT_LIST(X)                                                                          \
    X(VOICE_0, "voice_0", AUDIO)                                                                   \
    X(VOICE_1, "voice_1", AUDIO)                                                                   \
    X(VOICE_2, "voice_2", AUDIO)                                                                   \
    X(SCREEN, "screen", VIDEO)                                                                     \
    X(SCREEN_AUDIO, "screen_audio", AUDIO)                                                         \
    X(CAMERA_0, "camera_0", VIDEO)                                                                 \
    X(CAMERA_1, "camera_1", VIDEO)                                                                 \
    X(CAMERA_2, "camera_2", VIDEO)                                                                 \
    X(VOICE_ANY, "voice_any", AUDIO)

enum room_slot {
#define X(name, text, kind) ROOM_SLOT_##name,
    ROOM_SLOT_LIST(X)
#undef X
        ROOM_SLOT_COUNT
};

#define ROOM_VOICE_SLOTS 3
#define ROOM_CAMERA_SLOTS 3

/* RTP header extensions we know (RFC 8285), by URI. */
#define HEADER_EXTENSION_LIST(X)                                                                   \
    X(MID, "mid", "urn:ietf:params:rtp-hdrext:sdes:mid")                                           \
    X(RID, "rid", "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id")                                 \
    X(REPAIRED_RID, "repaired_rid", "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id")      \
    X(AUDIO_LEVEL, "audio_level", "urn:ietf:params:rtp-hdrext:ssrc-audio-level")                   \
    X(ABS_SEND_TIME, "abs_send_time",                                                              \
      "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time")                                \
    X(TRANSPORT_CC, "transport_cc",                                                                \
      "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01")                 \
    X(VIDEO_ORIENTATION, "video_orientation", "urn:3gpp:video-orientation")                        \
    X(PLAYOUT_DELAY, "playout_delay",                                                              \
      "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay")                                \
    X(DEPENDENCY_DESCRIPTOR, "dependency_descriptor",                                              \
      "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension")   \
    X(CONTENT_TYPE, "content_type",                                                                \
      "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type")                           \
    X(COLOR_SPACE, "color_space", "http://www.webrtc.org/experiments/rtp-hdrext/color-space")      \
    X(ABS_CAPTURE_TIME, "abs_capture_time",                                                        \
      "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time")

enum header_extension {
#define X(name, text, uri) HEADER_EXTENSION_##name,
    HEADER_EXTENSION_LIST(X)
#undef X
        HEADER_EXTENSION_COUNT
};

const char *media_kind_name(enum media_kind kind);    /* "audio", "video" */
const char *media_codec_name(enum media_codec codec); /* as in SDP's rtpmap */
enum media_kind media_codec_kind(enum media_codec codec);
const char *send_slot_name(enum send_slot slot);
enum media_kind send_slot_kind(enum send_slot slot);
const char *room_slot_name(enum room_slot slot);
enum media_kind room_slot_kind(enum room_slot slot);
const char *header_extension_name(enum header_extension extension);
const char *header_extension_uri(enum header_extension extension);

/* Look-ups by text; false when there is none. Codec names compare without case (RFC 4855). */
bool media_codec_find(struct bytes name, enum media_codec *out);
bool send_slot_find(struct bytes name, enum send_slot *out);
bool room_slot_find(struct bytes name, enum room_slot *out);
bool header_extension_find_uri(struct bytes uri, enum header_extension *out);
bool header_extension_find_name(struct bytes name, enum header_extension *out);
