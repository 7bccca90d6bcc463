/* One participant: a headless peer behind its line, its WebSocket, and a record of all it heard. */
#pragma once

#include "client-demo/headless/delay_histogram.h"
#include "client-demo/headless/headless_peer.h"
#include "sim/sim_link.h"
#include "sim/sim_pipe.h"

#define SIM_PARTICIPANTS_MAX 64
#define SIM_ENDS 2048
#define SIM_SLIDES_MAX 256
#define SIM_MESSAGE_KINDS_MAX 32
#define SIM_DELIVERY_BYTES 2048
#define SIM_PORT_BASE 50000u
#define SIM_PORT_STEP 100u /* between a participant's addresses, one after the other */

struct sim;

/* What one participant heard of another. */
struct sim_heard {
    uint64_t voice, video;         /* packets, once each */
    usec_t first_voice_at;         /* 0: none */
    usec_t last_voice_at;          /* arrival */
    usec_t last_voice_sent_at;     /* of the newest: when the speaker sent it */
    enum headless_line voice_line; /* where it came last */
    uint32_t first_behind_ticks;   /* wall minus time stamp of the first one, at 48 kHz */
};

struct sim_participant {
    struct sim *sim;
    int number;
    char role[16];
    uint64_t id; /* signaling's; 0: not welcomed yet */
    struct headless_peer peer;
    char *token; /* owned */
    struct sim_link link;
    struct net_addr address;
    bool is_blocked, is_blocked_down; /* no datagram passes */
    struct sim_timer timer;

    uint64_t connection; /* 0: the socket is down */
    struct sim_pipe to_signaling, from_signaling;
    struct sim_timer reconnect_timer;
    usec_t reconnect_wait_us;
    bool stays_away; /* does not connect again */

    usec_t entered_at;
    struct sim_heard heard[SIM_PARTICIPANTS_MAX];
    struct { /* the last packets of pictures, by number: what is to be read then */
        uint16_t seq;
        usec_t slide_at;
    } ends[SIM_ENDS];
    uint64_t shown_next; /* pictures up to here were looked at */
    struct {
        usec_t at, read_at; /* shown by its publisher; first readable here */
    } slides[SIM_SLIDES_MAX];
    size_t slide_count;
    usec_t forgotten_at;
    struct delay_histogram voice_delays, video_delays; /* publisher to listener */
    uint64_t forbidden; /* packets whose publisher's slot was closed */
    uint64_t texts;
    struct {
        char type[24];
        uint64_t count;
    } told[SIM_MESSAGE_KINDS_MAX];
    char delivery[SIM_DELIVERY_BYTES]; /* the last event of that name */
    struct {                           /* when counts began anew */
        uint64_t frames, key_frames, bytes_down, requests, asked;
    } mark;
};

struct sim_participant_config {
    const char *role;
    bool talks, shares, ignores_floor;
    /* A client that is not our page (headless_peer.h). */
    bool lacks_rtx, lacks_numbers, lacks_nack, lacks_red;
    enum headless_remb_kind remb;
    usec_t feedback_us, pli_us;
    uint32_t pace_bps;
    bool repeats_voice;  /* as our page does in Chromium */
    bool keys_together;  /* of its encodings, as Chromium makes them */
    usec_t impatient_us; /* without a picture it asks for a key frame, as browsers do; 0: never */
    struct made_up_screen screen[HEADLESS_ENCODINGS]; /* best first */
};

/* Aborts when it cannot. `token` is copied. */
struct sim_participant *sim_participant_create(struct sim *sim, int number,
                                               const struct sim_participant_config *config,
                                               const char *token);
void sim_participant_free(struct sim_participant *p);

void sim_participant_connect(struct sim_participant *p);
/* In. */
void sim_participant_handle_text(struct sim_participant *p, struct bytes text);
void sim_participant_handle_closed(struct sim_participant *p);
/* From the relay, onto its line. */
void sim_participant_send_down(struct sim_participant *p, const struct net_addr *from,
                               const struct net_addr *to, struct bytes data);

void sim_participant_say(struct sim_participant *p, const char *text);
/* Its socket breaks; it connects again by itself after `for_us`. */
void sim_participant_cut_socket(struct sim_participant *p, usec_t for_us);
void sim_participant_leave(struct sim_participant *p);
/* From now on its packets come from another port, and what goes to the old one is lost. */
void sim_participant_move(struct sim_participant *p);
void sim_participant_restart_ice(struct sim_participant *p);
void sim_participant_forget(struct sim_participant *p);
