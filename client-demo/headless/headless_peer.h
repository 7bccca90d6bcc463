/* One participant without a browser: speaks the client protocol, connects to the relay, sends a
 * voice and a screen or listens to them, and keeps count. Sans-IO: the program carries texts and
 * datagrams.
 *
 *   idle --socket opened, hello--> joining --welcome, offer--> negotiating --answer--> connecting
 *   connecting --ICE, DTLS--> connected        any --media_reset--> negotiating        any
 * --goodbye--> ended
 */
#pragma once

#include "base/log.h"
#include "base/rng.h"
#include "client-demo/headless/headless_offer.h"
#include "client-demo/headless/headless_remb.h"
#include "client-demo/headless/media_sink.h"
#include "client-demo/headless/media_source.h"
#include "client-demo/headless/voice_playout.h"
#include "rtc/dtls.h"
#include "rtc/media_cipher.h"
#include "rtc/nack_generator.h"
#include "rtc/receive_stats.h"
#include "rtc/twcc_arrivals.h"
#include "wire/rtcp_feedback.h"

#define HEADLESS_OUT_TEXTS 16
#define HEADLESS_TEXT_BYTES (2 * HEADLESS_OFFER_BYTES_MAX)
#define HEADLESS_OUT_DATAGRAMS 256
#define HEADLESS_DATAGRAM_BYTES 1500
#define HEADLESS_SENT_KEPT 1024 /* video packets kept for retransmission */
#define HEADLESS_VOICE_KEPT 32  /* and packets of voice */
#define HEADLESS_RECEIVED_LINES 5
#define HEADLESS_REQUESTS_KEPT 8
#define HEADLESS_TOKEN_BYTES 4097

/* The end of a made-up packet's payload, in simulations: who made it, and when. */
#define HEADLESS_STAMP_BYTES 24
struct headless_stamp {
    uint64_t who;
    usec_t at;
    usec_t slide_at; /* of a picture: the slide that it lets read was shown then; 0: none */
};
bool headless_stamp_parse(struct bytes payload, struct headless_stamp *out);

/* A packet as it was opened and, for retransmissions and redundancy (RFC 2198), unwrapped. */
struct headless_packet {
    enum headless_line line;
    const struct rtp_header *header;
    struct bytes payload;
    bool is_repeated; /* came by retransmission, or in a later packet */
};

struct headless_config {
    const char *token; /* borrowed */
    const char *name, *lang;
    const struct wav_file *wav; /* NULL: no voice; borrowed */
    const struct ivf_file *ivf; /* NULL: no screen, or made up */
    /* Screen without a file, best encoding first; fps 0: none. A second one is offered by rid, and
     * sent when it is asked for. */
    struct made_up_screen made_up[HEADLESS_ENCODINGS];
    bool made_up_voice; /* voice without a file */
    bool raise_hand, decode;
    /* A client of another kind: what it does not know. */
    bool lacks_rtx, lacks_numbers, lacks_nack, lacks_red;
    enum headless_remb_kind remb; /* behind each receiver report */
    usec_t feedback_us; /* between two transport-wide feedbacks; 0: 100 ms, as browsers do */
    usec_t pli_us;      /* asks for a key frame so often, whatever it sees; 0: when it lacks one */
    uint32_t pace_bps;  /* of video that leaves; 0: each picture at once */
    bool repeats_voice; /* says that lost packets of its voice may be asked for */
    bool keys_together; /* a key frame of one encoding is one of all, as Chromium makes them */
    /* Without a whole picture for so long a key frame is asked for, as browsers do; 0: never. */
    usec_t impatient_us;
    bool ignores_floor; /* sends always: what a page does that somebody has tampered with */
    uint64_t stamp;     /* ends made-up payloads; 0: none */
    /* Told of each packet that came in; may be NULL. */
    void (*on_packet)(void *context, usec_t now, const struct headless_packet *packet);
    void *on_packet_context;
    uint64_t ntp_at_zero;
    uint64_t seed;
    struct dtls_context *dtls; /* borrowed */
    struct log log;
};

enum headless_state {
    HEADLESS_IDLE,
    HEADLESS_JOINING,
    HEADLESS_NEGOTIATING,
    HEADLESS_CONNECTING,
    HEADLESS_CONNECTED,
    HEADLESS_ENDED
};

struct headless_sent {
    uint16_t size;
    uint64_t seq;
    uint8_t data[HEADLESS_DATAGRAM_BYTES]; /* video: before it was sealed; voice: sealed */
};

struct headless_sender {
    uint32_t ssrc;
    uint64_t seq;
    uint32_t timestamp;
    uint64_t packets, bytes;
    usec_t next_at;
    usec_t report_at;
    struct bytes sealed; /* the packet just sent, as it leaves */
};

struct headless_encoding { /* of the screen that is sent */
    struct video_source source;
    struct headless_sender sender;
    uint32_t rtx_ssrc;
    uint64_t rtx_seq;
    struct headless_sent *sent; /* owned; publishers only */
    bool is_wanted;
    usec_t packet_at;                /* the next one of this frame may leave */
    usec_t slide_at, sharp_slide_at; /* shown since; and the newest that can be read */
};

struct headless_peer {
    struct headless_config config;
    struct rng rng;
    enum headless_state state;
    char failure[128];
    char resume[256];
    char role[16];
    bool may_speak;
    bool is_open; /* the socket */

    struct ice_parameters ice_local;
    struct ice_client ice;
    struct ice_client restarted_ice;   /* takes the place of `ice` once it has a path */
    bool wants_restart, is_restarting; /* asked for; answered and not in place yet */
    struct dtls *dtls;
    struct media_cipher *cipher;
    struct headless_answer answer;
    usec_t opened_at, offered_at, connected_at; /* 0: not yet */
    unsigned sessions;
    unsigned offer_id;     /* of the last request: an answer to an older one means nothing */
    usec_t offer_again_at; /* USEC_NEVER unless it was refused for now */

    struct audio_source voice;
    bool has_voice;
    bool has_screen;
    struct headless_sender mic;
    struct headless_sent *mic_sent; /* owned; NULL where nothing is said */
    struct headless_encoding encodings[HEADLESS_ENCODINGS];
    size_t encoding_count; /* 0: no screen */

    struct audio_sink sounds[HEADLESS_LINE_COUNT];
    struct voice_playout playouts[HEADLESS_LINE_COUNT];
    struct video_sink *pictures; /* owned: it is large */
    struct receive_stats received[HEADLESS_LINE_COUNT];
    struct nack_generator nack;
    usec_t feedback_at, report_at, key_frame_asked_at;
    usec_t picture_packet_at; /* the newest one of a screen that is watched */
    struct twcc_arrivals arrivals;
    usec_t transport_feedback_at;
    struct headless_remb remb;
    uint64_t key_frames_wanted, key_frames_requested;     /* by us; of us */
    usec_t key_frame_requests_at[HEADLESS_REQUESTS_KEPT]; /* the last ones of us; 0: none */
    uint64_t key_frames_requested_within_2_s;             /* most, up to HEADLESS_REQUESTS_KEPT */
    uint32_t our_ssrc;

    /* Output. */
    struct {
        struct net_addr to;
        size_t size;
        uint8_t data[HEADLESS_DATAGRAM_BYTES];
    } * datagrams; /* owned */
    size_t datagram_head, datagram_count;
    char *texts[HEADLESS_OUT_TEXTS]; /* each owned */
    size_t text_head, text_count;
    char *text_given;
};

MUST_CHECK enum status headless_peer_init(struct headless_peer *p,
                                          const struct headless_config *config);
void headless_peer_destroy(struct headless_peer *p);

void headless_peer_handle_opened(struct headless_peer *p, usec_t now);
void headless_peer_handle_text(struct headless_peer *p, usec_t now, struct bytes text);
/* The program connects again and calls handle_opened; the participant resumes. */
void headless_peer_handle_closed(struct headless_peer *p, usec_t now);
/* Opened in place. */
void headless_peer_handle_datagram(struct headless_peer *p, usec_t now, const struct net_addr *from,
                                   struct bytes_mut datagram);
/* New ICE credentials for the same connection, as a browser does when its network has changed;
 * nothing unless connected. */
void headless_peer_restart_ice(struct headless_peer *p, usec_t now);
void headless_peer_handle_timeout(struct headless_peer *p, usec_t now);
usec_t headless_peer_next_timeout(const struct headless_peer *p, usec_t now);

/* Borrowed until the next call of the same function. */
bool headless_peer_poll_text(struct headless_peer *p, struct bytes *out);
bool headless_peer_poll_datagram(struct headless_peer *p, struct net_addr *to, struct bytes *out);

/* headless_media.c */
void headless_media_start(struct headless_peer *p, usec_t now);
/* Of that encoding, and of those whose key frames come with it. */
void headless_media_request_key_frame(struct headless_peer *p, struct headless_encoding *e);
void headless_media_handle_timeout(struct headless_peer *p, usec_t now);
usec_t headless_media_next_timeout(const struct headless_peer *p);
void headless_media_handle_rtp(struct headless_peer *p, usec_t now, struct bytes_mut packet);
void headless_media_handle_rtcp(struct headless_peer *p, usec_t now, struct bytes compound);
/* Seals a packet and queues it. Returns how it leaves; nothing when it does not. */
struct bytes headless_media_seal(struct headless_peer *p, usec_t now, const uint8_t *packet,
                                 size_t size, bool is_rtcp);

/* headless_resend.c: packets that are asked for again. Voice has no stream for them: the same
 * packet once more, sealed as it was, which new keys put an end to. */
void headless_resend_keep_voice(struct headless_peer *p, uint64_t seq, struct bytes sealed);
void headless_resend_forget_voice(struct headless_peer *p);
void headless_resend_voice(struct headless_peer *p, usec_t now, const struct rtcp_nack *nack);
void headless_resend_video(struct headless_peer *p, usec_t now, struct headless_encoding *e,
                           const struct rtcp_nack *nack);

/* Room for a datagram of at most HEADLESS_DATAGRAM_BYTES; NULL when the queue is full. */
uint8_t *headless_peer_queue_datagram(struct headless_peer *p, const struct net_addr *to);
void headless_peer_commit_datagram(struct headless_peer *p, size_t size);
