/* Two shards joined by direct calls, with peers that speak ICE, DTLS and SRTP to them, on a virtual
 * clock. A test program includes shard_bench.c and runs its tests between these. */
#pragma once

#include "relay/core/shard_private.h"
#include "rtc/dtls.h"
#include "rtc/media_cipher.h"
#include "support/ice_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SHARDS 2
#define PEERS_MAX 4
#define QUEUE_MAX 256
#define ROOM 9
#define SCREEN_SSRC 1000u
#define SCREEN_PT 96
#define RTX_PT 97
#define MID_ID 4
#define RID_ID 5
#define VOICE_PT 111
#define RED_PT 63

struct peer {
    uint64_t id;
    uint32_t shard;
    struct net_addr addr;
    struct dtls *dtls;
    struct media_cipher *cipher;
    struct ice_peer ice;
    uint32_t ssrc; /* of its screen */
    uint16_t seq;
    /* What it has got. */
    size_t screen, resent, plis, nacks;
    size_t plis_of[2]; /* of the encodings that send_encoding sends: "h", "l" */
    uint16_t first_seq, last_seq, last_resent;
    uint8_t last_tag; /* the payload's last byte */
    size_t voice;
    uint16_t first_voice_seq, last_voice_seq;
    uint8_t last_voice_tag;
    uint32_t voice_began, voice_end; /* time stamps: of the first packet, behind the last */
    size_t voice_breaks; /* packets that did not begin where the last one ended, or in number */
    bool misses;         /* the next RTP packet is lost on its line, and remembered, */
    size_t missed_again; /* and so often the very datagram came later */
    size_t missed_size;
    uint8_t missed[TX_PACKET_BYTES];
    size_t report_datagrams, screen_reports, voice_reports; /* sender reports */
};

struct bench {
    usec_t now;
    struct dtls_context *ours, *theirs;
    struct shard_core *cores[SHARDS];
    struct tx_batch tx[SHARDS];
    struct peer peers[PEERS_MAX];
    size_t peer_count;
    struct shard_message scratch;
    struct queued {
        uint32_t destination;
        struct shard_message message;
    } queue[QUEUE_MAX];
    size_t queue_count;
    size_t key_frames_wanted; /* from shard to shard */
    size_t publications_told;
    enum control_quality quality_told;
    size_t qualities_told;
    uint32_t demand_told;
    bool counts_allocations; /* while datagrams are handled */
    bool offers_simulcast;   /* the next peer's screen: "h" and "l" */
    bool is_unordered;       /* in any order */
    bool takes_red;          /* the next peer: voice with what was said before (RFC 2198) */
    bool lacks_rtx; /* the next peer: it asks for packets again, its voice's too, by NACK */
    bool is_server; /* the next peer: of DTLS */
    bool holds;     /* what is given waits for take_turns() where it can */
};
struct sent {
    uint8_t payload_type;
    uint16_t seq;
    uint32_t timestamp, ssrc;
    char mid, rid; /* rid 0: none */
    bool goes_on;  /* of a picture: its last packet is another one */
    struct bytes payload;
};

int bench_init_library(void **state);
int bench_free_library(void **state);
int bench_set_up(void **state);
int bench_tear_down(void **state);
#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)

/* Everything on its way between the shards arrives. */
void pump(struct bench *b);
void order(struct bench *b, uint32_t shard, const struct shard_message *m);
void pass_time(struct bench *b, usec_t duration);
/* The shard's loop turns until it has nothing to do. */
void take_turns(struct bench *b, uint32_t shard);
/* A datagram from the peer's address. */
void give(struct bench *b, const struct peer *p, const uint8_t *data, size_t size);
/* A connected participant that may send a screen and receives the screen slot. Its own screen's
 * SSRC is declared, or left to be bound by mid. */
struct peer *add_peer(struct bench *b, uint32_t shard, bool declared);
/* The same before it has said anything. */
struct peer *invite_peer(struct bench *b, uint32_t shard, bool declared);
/* Its address is proven. */
void check_path(struct bench *b, struct peer *p);
/* Its screen; its voice. NULL is bound: nobody. */
void grant(struct bench *b, const struct peer *p, bool open);
void grant_voice(struct bench *b, const struct peer *p, bool open);
void bind_screen(struct bench *b, const struct peer *p);
void bind_voice(struct bench *b, const struct peer *p);
/* One picture: of a peer with one encoding, of one encoding ('h' or 'l') of several. */
void send_screen(struct bench *b, struct peer *p, bool key_frame, uint8_t tag);
void send_encoding(struct bench *b, struct peer *p, char rid, bool key_frame, uint16_t seq,
                   uint8_t tag);
void send_voice(struct bench *b, struct peer *p, uint16_t seq, uint8_t tag);
void send_rtp(struct bench *b, struct peer *p, const struct sent *sent);
/* For the packet `seq` of the screen again; NULL: for a key frame. */
void ask(struct bench *b, struct peer *p, const uint16_t *seq);
void ask_voice(struct bench *b, struct peer *p, uint16_t seq);
uint64_t drops(const struct bench *b, uint32_t shard, enum drop_reason reason);
