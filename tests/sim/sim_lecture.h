/* A trainer who talks and shows slides, one learner behind a line, and what came of it. */
#pragma once

#include "sim/sim.h"

/* Sizes that an encoder gave to real slides of 1280x720, one each five seconds, five pictures a
 * second: AV1 in Chromium, with a second encoding and temporal layers; and without either, as WHIP
 * publishers send it in VP8. */
struct sim_participant_config sim_lecture_layered(void);
struct sim_participant_config sim_lecture_plain(void);
/* The same from the page of today, whose slides take less. */
struct sim_participant_config sim_lecture_page(void);

#define SIM_LECTURE_JOIN_US SECONDS(2)

struct sim_lecture_config {
    struct sim_participant_config trainer, learner;
    const char *line;         /* the learner's, as for sim_link_set, its times from entering on */
    const char *trainer_line; /* NULL: the usual one */
    usec_t enters_after_us;   /* into the class; 0: two to seven seconds */
    usec_t duration;
};

struct sim_lecture {
    usec_t connected_us, voice_us,
        first_us; /* after the learner entered; first voice, first picture; USEC_NEVER: none */
    double
        join_concealed; /* percent, of the first SIM_LECTURE_JOIN_US from its being connected on */
    double concealed;   /* and of all from then on, those included */
    double later_concealed; /* and without them */
    usec_t voice_p99_us;    /* from here on: since the end of the join */
    usec_t gap_us;          /* longest made-up sound */
    struct sim_slides slides;
    usec_t freeze_us; /* the longest time without a new picture */
    usec_t age_us;    /* of the pictures' packets when they came, median */
    uint64_t frames, key_frames, requests, down_bps;
};

/* In a simulation of its own, with the seed of `sim`. */
struct sim_lecture sim_lecture_hold(struct sim *sim, const struct sim_lecture_config *config);
/* A learner as our page is, behind `line`, two to seven seconds into the class. */
struct sim_lecture sim_lecture_run(struct sim *sim, const char *line,
                                   struct sim_participant_config trainer, usec_t duration);
void sim_lecture_print(const char *what, const struct sim_lecture *l);
