/* "Do they see and hear me?" of one receiver, measured: what of that which is sent to it is known
 * to have arrived, by its own reports. Sans-IO; allocates nothing; the participant embeds it.
 *
 * A proof is the time at which the newest thing known to have arrived was sent. A healthy receiver
 * is left in peace (downlink), and its reports about voice alone come seconds apart: now and then
 * one packet is numbered, which is answered at once. While answers fail to come there are more.
 *
 *   UNKNOWN --proof--> YES <--losses, delay: twice and more--> POORLY
 *      |                |                                        |
 *      | (1)            | (2)                                    | (2)
 *      `--------------> NO <-------------------------------------'     NO --newer proof--> YES
 *
 *   (1) 5 s of questions without an answer
 *   (2) questions unanswered for a second, or a report that stands still
 *
 * Nothing here is called for every packet. A receiver that answers no numbers is judged by its
 * reports alone; one that reports nothing either stays UNKNOWN. */
#pragma once

#include "base/usec.h"
#include "control/control_message.h"
#include "wire/rtcp_twcc.h"

#define DELIVERY_ASK_US MILLISECONDS(600)       /* a proof each so often, while all is well */
#define DELIVERY_ASK_AGAIN_US MILLISECONDS(150) /* while an answer is late */
#define DELIVERY_ANSWER_US MILLISECONDS(400)    /* and the round trip: until it is late */
#define DELIVERY_LOST_US MILLISECONDS(800)      /* and the round trip: until nothing arrives */
#define DELIVERY_JOIN_US SECONDS(5)             /* the same for who has never answered */
#define DELIVERY_ASKED_MIN 4                    /* questions: fewer may have been lost */
#define DELIVERY_LATE_US SECONDS(1) /* a screen that does not arrive is behind from here on */
#define DELIVERY_LAG_US MILLISECONDS(1200) /* and one that waits with us: a slide takes a while */
#define DELIVERY_TELL_US MILLISECONDS(500) /* of one receiver not more often */

#define DELIVERY_QUESTIONS_MAX 8 /* remembered; answers to older ones come too late */

struct delivery {
    usec_t proof_at;     /* the newest that arrived was sent then; 0: nothing has */
    usec_t asked_at;     /* the last question, or attempt at one; 0: none */
    usec_t unproven_at;  /* the first question since the proof; 0: none */
    usec_t lost_at;      /* a report said then that voice stands still; 0: none has */
    usec_t screen_at;    /* what it had been sent of the screen by then is not known to be there: */
    uint64_t screen_seq; /* up to this number; 0: it has everything */
    usec_t screen_behind_us;
    usec_t screen_report_at; /* the last one; 0: none */
    usec_t told_at;
    struct {
        uint32_t at; /* low bits of microseconds; 0: none */
        uint16_t number;
    } questions[DELIVERY_QUESTIONS_MAX];
    uint8_t next_question;
    uint8_t asked; /* questions since the proof */
    bool answers;  /* a numbered packet has been answered: questions count */
    bool is_hurt;  /* hears poorly */
    /* It was cut: the next report counts what was lost meanwhile. */
    bool skips_voice_loss, skips_screen_loss;
    bool was_late, was_narrow;
    uint16_t loss_permille; /* smoothed over reports */
    uint16_t jitter_ms;
    uint8_t hears, told_hears; /* enum control_hearing */
    bool told_reached, told_narrow;
    uint16_t told_behind_s;
};

/* Something that was sent at `sent_at` has arrived. */
void delivery_handle_proof(struct delivery *d, usec_t sent_at);
/* The same, of a numbered packet: the receiver answers those. */
void delivery_handle_answer(struct delivery *d, usec_t sent_at);

/* The question got this transport-wide number. */
void delivery_note_number(struct delivery *d, usec_t now, uint16_t number);
/* What has arrived of those. */
void delivery_handle_feedback(struct delivery *d, usec_t now, const struct rtcp_twcc *feedback);

/* What one report block says of a stream. `missing`: packets sent behind the newest that it has
 * received, of `sent_at` the last. */
struct delivery_report {
    uint32_t loss_permille;
    usec_t jitter_us;
    usec_t rtt_us; /* 0: unknown */
    uint64_t missing;
    usec_t sent_at;
    bool has_moved; /* newer than at the report before */
};
void delivery_handle_voice_report(struct delivery *d, usec_t now, struct delivery_report report);
/* Of the screen: `next_seq` is what will be sent next, `highest` what was received. */
void delivery_handle_screen_report(struct delivery *d, usec_t now, struct delivery_report report,
                                   uint64_t highest, uint64_t next_seq);
/* Nobody shares: nothing can be behind. */
void delivery_reset_screen(struct delivery *d);

/* Whether a packet shall be numbered now, so that it is answered. */
bool delivery_wants_question(const struct delivery *d, usec_t now, usec_t rtt_us);
/* It was, or there was none that could be. */
void delivery_note_question(struct delivery *d, usec_t now, bool was_asked);

/* What is known now; `lag_us`: how long the screen's next packet has waited with us. Fills in
 * `hears`, `reached`, `voice_*` and `screen_behind_ms`. */
void delivery_assess(struct delivery *d, usec_t now, usec_t rtt_us, usec_t lag_us,
                     struct control_delivery *out);
/* Whether that has to be told before the next report of everybody; notes it when so. */
bool delivery_take_news(struct delivery *d, usec_t now, const struct control_delivery *state);
/* When judging again may give something else although nothing is heard. */
usec_t delivery_next_timeout(const struct delivery *d, usec_t now, usec_t rtt_us);
