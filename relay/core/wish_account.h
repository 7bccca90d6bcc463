/* What one learner's wishes for key frames of one stream are worth: nothing, the cached key frame
 * and what followed it, or a new one, which everybody gets. Pictures flow meanwhile, so who is well
 * is not thrown back, and who only asks a lot is not charged for it. Sans-IO; the subscription
 * owns one once there is something to note.
 *
 *             a wish
 *   SEES ---------------> is something lost since the last key frame went out to it?
 *    ^                      |                     |
 *    |                      | yes                 | nothing is known of that
 *    |                      v                     v
 *    |     cached, near and whole? <---- within 2 s of it, and no wish before it?
 *    |        | yes      | no       yes     | no
 *    |        |          |                  v
 *    |        |          |               has it wished on behind two key frames?
 *    |        |          |                  | yes: habit, 20 s      | no
 *    |        v          v                  v  after the last       v
 *    |    REPLAYED    ASKED (1)          ASKED (2)              ASKED (1)
 *    |        |          |                  |                       |
 *    `--------+----------+------------------+-----------------------'
 *        1 s or two round trips behind the key frame, or 200 ms and a round trip behind it and the
 *        last packet asked for where it has answered: until then wishes change nothing
 *
 * (1) From an account of two, one more in 10 s; of five and 4 s where the line is not poor.
 * (2) The same, where one more is left for a real loss.
 * Where one is wanted of the publisher already: without charge.
 *
 * Something is lost for sure when a packet was asked for a third time, or cannot be sent again, or
 * when who asks for no packet reports losses. Who asks for packets at all may have lost something,
 * and so may who has not been heard of for a while: that is believed of who does not wish out of
 * habit. Who has lost the first packet of all cannot know of it, and asks for nothing. */
#pragma once

#include "base/usec.h"

#include <stdbool.h>
#include <stdint.h>

#define WISH_KEY_FRAME_US SECONDS(10)     /* for one that everybody gets because of this learner */
#define WISH_KEY_FRAMES_MAX 2             /* saved up */
#define WISH_KEY_FRAME_WIDE_US SECONDS(4) /* the same of one whose line is not poor */
#define WISH_KEY_FRAMES_WIDE_MAX 5
#define WISH_REPLAY_US SECONDS(4) /* for one from the cache: it costs its own line alone */
#define WISH_REPLAYS_MAX 5
#define WISH_SETTLE_US                                                                             \
    SECONDS(1) /* or two round trips: a key frame and what lacks of it has come */
#define WISH_ANSWERED_US MILLISECONDS(200) /* and a round trip: the same, of who has answered */
#define WISH_RECENT_US SECONDS(2) /* behind a key frame: it is that one that was not whole */
#define WISH_GAP_US SECONDS(5)    /* a packet that was asked for says something for so long */
#define WISH_SILENT_US SECONDS(3) /* without a report: its line may have been gone */
#define WISH_RUN_US SECONDS(5)    /* without a wish: what comes then is no habit */
#define WISH_HABIT_KEY_FRAMES 2   /* behind so many it has wished on */
#define WISH_HABIT_US SECONDS(20) /* since the last key frame: for who wishes on all the same */
#define WISH_BEHIND_US SECONDS(5) /* who gets things late waits for what is on its way */

/* Zero-initialised is ready for use. */
struct wish_account {
    usec_t full_at, replays_full_at; /* all that can be saved up is there from then on */
    usec_t gap_at;                   /* it asked for a packet; 0: never */
    usec_t lost_at;                  /* what does not come again was lost; 0: never */
    usec_t run_from, run_at;         /* first and last wish of those that nothing lost explains */
    usec_t key_frame_at;             /* as wish.key_frame_at, of times that nobody else knows of */
    usec_t run_key_at;               /* what counts as the next key frame of these went out then,
                                      * or later */
    uint8_t in_vain;                 /* key frames behind which they went on; at most so many as
                                      * make a habit */
};

/* How the stream stands when the wish comes. */
struct wish {
    usec_t key_frame_at; /* the last one went out to it; 0: none */
    usec_t settled_at;   /* what it wishes before then is answered by that one; USEC_NEVER: one is
                          * on its way */
    bool can_replay;     /* the cached one, without a hole behind it */
    bool is_wanted;      /* a new one is wanted of the publisher */
    bool is_behind;      /* something waits to be sent to it */
    bool is_poor;        /* its line: paced, or reported to be in trouble */
    bool is_silent;      /* it has not reported for a while */
};

/* WISH_ASK: a new one is asked for, and all goes on meanwhile. WISH_RENEW: too, but what would be
 * sent before it is of no use. */
enum wish_answer { WISH_WAIT, WISH_REPLAY, WISH_ASK, WISH_RENEW };

/* What is to be done for it; charges the account. */
enum wish_answer wish_account_answer(struct wish_account *w, usec_t now, const struct wish *wish);

/* Whether a new key frame may be asked for on its account; notes it when so. One that is not urgent
 * leaves another behind. */
bool wish_account_admit(struct wish_account *w, usec_t now, bool is_poor, bool is_urgent);

/* It asks for a packet again. */
void wish_account_note_gap(struct wish_account *w, usec_t now);
/* For one that cannot be had, or that was lost again and again. */
void wish_account_note_lost(struct wish_account *w, usec_t now);
/* It reports losses: of who asks for no packet they stay. */
void wish_account_note_losses(struct wish_account *w, usec_t now);
/* A key frame goes out to it, or went out then. */
void wish_account_note_key_frame(struct wish_account *w, usec_t at);
