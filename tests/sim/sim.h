/* A class in one process on a virtual clock: both services' cores, participants, and the lines
 * between them. No socket, no thread, no sleep; the same seed gives the same run, to the byte.
 *
 *   participants (client-demo/headless)  --sim_link: delay, jitter, loss, rate, a script--+
 *        | texts                                                                          | UDP
 *   sim_signaling (service, store)  --sim_control: the control link, can be cut--  sim_relay
 *                                                                       (director, shards, rings)
 *
 * A test enters participants, lets time pass, changes lines, kills services, and asks what was
 * heard and seen:
 *
 *     int trainer = sim_enter(sim, "trainer"), learner = sim_enter(sim, "learner");
 *     sim_wait_connected(sim);
 *     sim_link_set(sim, learner, "down loss 5%");
 *     sim_run_for(sim, SECONDS(20));
 *     assert_true(sim_voice(sim, learner, trainer).concealed < 10);
 *
 * Participants are numbers, in the order in which they entered. A trainer talks and shares its
 * screen as soon as it may; a learner talks while it has the floor. What they send is made up, and
 * ends with who sent it and when, so that everything that is heard can be told apart. */
#pragma once

#include "control/control_message.h"
#include "netlab/link_model.h"
#include "relay/core/relay_stats.h"
#include "sim/sim_participant.h"
#include "sim/sim_relay.h"

struct sim;

#define SIM_USUAL_LINE "delay 15ms" /* each way, between participant and server */

/* Aborts when it cannot. `shards` 1 to SIM_SHARDS_MAX. */
struct sim *sim_create(uint64_t seed, uint32_t shards);
void sim_free(struct sim *sim);
uint64_t sim_seed(const struct sim *sim);
uint32_t sim_shards(const struct sim *sim);

/* --- Time */
usec_t sim_now(const struct sim *sim);
void sim_run_for(struct sim *sim, usec_t duration);
/* Until `is_done(sim, context)`, asked after every event. False when `limit` has passed before. */
bool sim_run_until(struct sim *sim, usec_t limit, bool (*is_done)(struct sim *sim, void *context),
                   void *context);
/* Until everybody is connected; aborts the test when that takes more than 20 s. */
void sim_wait_connected(struct sim *sim);
/* The simulation's own generator: for what a test draws. */
uint64_t sim_draw(struct sim *sim, uint64_t below);

/* --- People. `role` as in the protocol. */
int sim_enter(struct sim *sim, const char *role);
struct sim_participant_config sim_participant_config_default(const char *role);
int sim_enter_with(struct sim *sim, const struct sim_participant_config *config);
void sim_leave(struct sim *sim, int who);
/* Asked by the first participant that is a trainer. */
void sim_give_floor(struct sim *sim, int who);
void sim_take_floor(struct sim *sim, int who);
/* Any text of the client protocol. */
void sim_say(struct sim *sim, int who, const char *text);
bool sim_is_connected(const struct sim *sim, int who);
struct sim_participant *sim_participant(const struct sim *sim, int who);

/* --- Lines. Words of tests/netlab/link_script.h, one change per line of text:
 *   "down loss 5%", "at 10 down rate 400k queue 200ms\nat 40 down rate 3M" */
void sim_link_set(struct sim *sim, int who, const char *script);
void sim_link_set_config(struct sim *sim, int who, enum link_direction direction,
                         struct link_config config);
const struct link_stats *sim_link_stats(const struct sim *sim, int who,
                                        enum link_direction direction);
/* A firewall that lets texts through and no datagram. */
void sim_link_block_media(struct sim *sim, int who, bool on);
/* The same on the way down alone. */
void sim_link_block_media_down(struct sim *sim, int who, bool on);
/* Its packets come from another port from now on (a NAT that forgot). */
void sim_move(struct sim *sim, int who);
/* Its page asks for an ICE restart. */
void sim_restart_ice(struct sim *sim, int who);
/* Its decoder has lost what it had: only a key frame helps. */
void sim_lose_picture(struct sim *sim, int who);
/* Its WebSocket breaks, and is opened again after `for_us`. */
void sim_cut_socket(struct sim *sim, int who, usec_t for_us);

/* --- Services. A relay that dies comes back empty, signaling with its store. */
void sim_kill_relay(struct sim *sim);
void sim_start_relay(struct sim *sim);
void sim_kill_signaling(struct sim *sim);
void sim_start_signaling(struct sim *sim);
/* The control link. Cut: both ends notice, and it cannot be opened before it is mended. Silent:
 * whatever is written to it vanishes. */
enum sim_control_fault { SIM_CONTROL_MENDED, SIM_CONTROL_CUT, SIM_CONTROL_SILENT };
void sim_control_set(struct sim *sim, enum sim_control_fault fault);
bool sim_control_is_up(const struct sim *sim);
struct relay_stats sim_relay_stats(const struct sim *sim);
/* The shard does nothing for so long. */
void sim_hold_shard(struct sim *sim, uint32_t shard, usec_t for_us);

/* --- What was heard and seen, since the beginning or since sim_forget. */
void sim_forget(struct sim *sim);

struct sim_voice {
    uint64_t packets;            /* of this speaker */
    uint64_t played, concealed;  /* 20 ms each, of the line on which the speaker came last */
    uint64_t late;               /* packets that came when their turn was over */
    usec_t longest_gap_us;       /* the longest made-up sound, one that lasts included */
    usec_t first_at, last_at;    /* arrival; 0: none came */
    usec_t last_sent_at;         /* when the speaker sent the newest one */
    uint32_t first_behind_ticks; /* wall minus time stamp of the first packet, at 48 kHz */
};
struct sim_voice sim_voice(const struct sim *sim, int listener, int speaker);

struct sim_screen {
    uint64_t frames, key_frames; /* complete, in order */
    usec_t first_frame_us;     /* after the viewer entered; USEC_NEVER: none came (not forgotten) */
    usec_t longest_freeze_us;  /* between complete frames, one that lasts included */
    uint64_t key_frames_asked; /* by the viewer */
};
struct sim_screen sim_screen(const struct sim *sim, int viewer);

/* Slides that were shown for their whole time since the beginning, or since sim_forget. */
struct sim_slides {
    int shown, never;             /* never: not once to be read */
    usec_t median_us, longest_us; /* from being shown to being readable, of those that were */
};
struct sim_slides sim_slides(const struct sim *sim, int viewer, int publisher);

/* From publisher to listener, all voices or the screen; `quantile` 0 to 1. */
usec_t sim_voice_delay_us(const struct sim *sim, int listener, double quantile);
usec_t sim_screen_delay_us(const struct sim *sim, int viewer, double quantile);
/* Key-frame requests that reached a publisher. */
uint64_t sim_key_frame_requests(const struct sim *sim, int publisher);
/* Given to its line by the relay, headers included. */
uint64_t sim_bytes_down(const struct sim *sim, int who);
/* How many messages of a type signaling has sent to it. */
uint64_t sim_told(const struct sim *sim, int who, const char *type);
/* The newest event `delivery` that it was sent: "" when there was none; not forgotten. */
const char *sim_delivery(const struct sim *sim, int who);
/* Packets that anybody was given though their publisher's slot was closed, as signaling sees it;
 * never forgotten. Always 0 unless the relay is wrong. */
uint64_t sim_forbidden(const struct sim *sim);
/* Of every datagram that arrived anywhere, and when: equal runs have equal digests. */
uint64_t sim_get_digest(const struct sim *sim);
