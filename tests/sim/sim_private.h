/* What the parts of a simulation share. */
#pragma once

#include "sim/sim.h"
#include "sim/sim_control.h"
#include "sim/sim_relay.h"
#include "sim/sim_signaling.h"

#define SIM_NTP_AT_ZERO ((uint64_t)3900000000u << 32)

/* A send slot as signaling rules it. */
struct sim_slot {
    bool open;
    usec_t closed_at;
};

/* Who speaks with whom in private, as the relay was told: until `ended_at` what is said is for
 * that one, and nothing of it for anybody else. */
struct sim_aside {
    int with, last; /* -1: nobody */
    usec_t began_at, said_at, ended_at;
};

struct sim {
    struct sim_clock clock;
    struct rng rng;
    uint64_t seed;
    uint32_t shards;
    struct log_sink sink;
    struct log log;
    struct dtls_context *relay_dtls, *client_dtls;
    struct sim_relay *relay; /* NULL: it does not run */
    struct sim_signaling *signaling;
    struct sim_control control;
    uint64_t relay_starts;
    char class_id[64];
    struct sim_participant *participants[SIM_PARTICIPANTS_MAX];
    int participant_count;
    uint64_t last_connection;
    struct sim_slot slots[SIM_PARTICIPANTS_MAX][SEND_SLOT_COUNT];
    struct sim_aside asides[SIM_PARTICIPANTS_MAX];
    uint64_t digest;
};

void sim_digest(struct sim *sim, struct bytes data);
void sim_handle_datagram(struct sim *sim, usec_t now, struct sim_link_datagram *datagram);

/* sim_slots.c: whether a packet that a publisher sent at `sent_at` must not have reached
 * `listener`. */
bool sim_is_forbidden(const struct sim *sim, int publisher, int listener, bool video,
                      usec_t sent_at);
void sim_slots_note_order(struct sim *sim, const struct control_message *message);
void sim_slots_note_text(struct sim *sim, const struct sim_participant *p, struct bytes text);
