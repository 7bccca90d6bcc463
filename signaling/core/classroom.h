/* One class and who is in it: presence, hands, floor, the stack of sharers, who is on which room
 * slot. Deterministic, without I/O. Every action leaves differences in a queue, in the order in
 * which they must go out: what closes or opens a slot in the relay comes before what tells people.
 *
 *     participant:  joined --> here <--> away (socket gone) --> left
 *     floor:        trainer always; learner none <--> given
 *     share stack:  start pushes, stop or leave or losing the floor removes; the top is shown
 *
 * Owner: classroom_registry for the class; the classroom owns its participants. */
#pragma once

#include "base/timer_heap.h"
#include "control/control_message.h"
#include "signaling/core/delivery.h"
#include "signaling/core/floor_queue.h"
#include "signaling/core/lobby.h"
#include "signaling/core/store.h"
#include "signaling/core/talk.h"

enum participant_media { MEDIA_NONE, MEDIA_CONNECTING, MEDIA_CONNECTED, MEDIA_QUIET };

enum leave_reason { LEAVE_LEFT, LEAVE_TIMEOUT, LEAVE_ENDED, LEAVE_REMOVED, LEAVE_LOBBY };

struct offer; /* signaling/core/offers.h: an exchange with the relay under way */

/* What the relay measured last, for the operator's view. */
struct participant_rates {
    uint64_t bps_in, bps_out;
    uint32_t loss_in_permille, loss_out_permille, rtt_us;
    bool tcp; /* media goes to it over TCP */
};

struct participant {
    struct store_participant record; /* what survives a restart; saved when `unsaved` */
    struct classroom *classroom;
    struct participant *previous, *next; /* in the order of joining */
    bool unsaved;
    uint64_t connection;              /* 0: no socket (or not a page) */
    uint8_t visit[RESUME_HASH_BYTES]; /* hash of its page's word; zero: none */
    uint32_t hello;                   /* of that page, the newest that was answered */
    bool here;                        /* socket up; WHIP and WHEP: always */
    bool mic_on;                      /* what the page says */
    bool mic_held;                    /* closed until the page says what its microphone does now */
    unsigned rights_told;             /* send slots, as said to itself */
    bool muted_told;
    size_t queue_place, queue_told; /* 0: not in the queue; as it is, as it was told last */
    size_t queue_length_told;
    bool untold; /* who sees everybody has yet to be told what changed */
    enum participant_media media;
    bool transport_wanted; /* the relay has, or is being told to make, its transport */
    unsigned grants;       /* as told to the relay, a bit per send slot */
    unsigned sending;      /* as the relay reports it, a bit per send slot */
    struct participant_rates rates;
    enum control_quality screen; /* what it sees of it, as the relay said last */
    unsigned screen_codecs; /* that it can be shown, bit n: enum media_codec n; 0: receives none */
    uint32_t demand[SEND_SLOT_COUNT]; /* encodings that anybody receives; 0: not known */
    struct rate_limit chat_limit, history_limit;
    struct delivery_claim claim;
    struct control_delivery delivered; /* what is known to arrive, as the relay said last */
    unsigned voice_lost_percent;       /* on its way to the relay, as told; 0: next to nothing */
    bool has_spoken;                   /* since it came, or since signaling started */
    bool repaired; /* nothing arrived at a new transport: told once to make another */
    bool unreached_told;

    /* The service's */
    struct offer *offer; /* NULL: none under way */
    usec_t gone_at;      /* when a missing socket ends it; USEC_NEVER while here */
    uint32_t sync_round; /* of the relay's last sync that named it */
    struct timer timer;
};

enum classroom_change_type {
    CHANGE_GRANT,       /* to the relay: participant, slot, open, reserved */
    CHANGE_BIND,        /* to the relay: slot, participant (0: nobody), source */
    CHANGE_FLOOR,       /* to the participant: granted, by */
    CHANGE_ASIDE,       /* to the relay: participant speaks in private with `by` (0: nobody) */
    CHANGE_ASIDE_TOLD,  /* to the participant: with whom it does so now, by whose word */
    CHANGE_PERSON,      /* the participant changed; `wide`: everybody is told, else itself */
    CHANGE_PEOPLE,      /* to who sees everybody: all that are `untold` */
    CHANGE_PERSON_LEFT, /* participant, reason, wide */
    CHANGE_COUNT,
    CHANGE_SLOTS,
    CHANGE_SPEAKING,
    CHANGE_MODE,         /* to all */
    CHANGE_CLASS,        /* to all: lead, lobby, lock, chat */
    CHANGE_RIGHTS,       /* to the participant: its send slots, after the relay has been told */
    CHANGE_QUEUE,        /* to staff, and to whoever is in it or just was */
    CHANGE_QUEUE_LENGTH, /* to everybody else */
    CHANGE_DELIVERY,     /* to staff: who hears and sees */
    CHANGE_LOBBY,        /* to whoever may open the door */
};

/* What is said at most so often, whatever happens: differences gather until then. The interval of
 * what goes to all grows with the class, so that a thousand people cost what a hundred cost. */
enum announcement {
    ANNOUNCE_COUNT,
    ANNOUNCE_PEOPLE,
    ANNOUNCE_QUEUE,
    ANNOUNCE_QUEUE_LENGTH,
    ANNOUNCE_SLOTS,
    ANNOUNCE_SPEAKING,
    ANNOUNCE_LOBBY,
    ANNOUNCE_DELIVERY,
    ANNOUNCEMENT_COUNT
};

struct classroom_change {
    enum classroom_change_type type;
    uint64_t participant;
    enum send_slot source;
    enum room_slot slot;
    bool open, reserved, wide, granted, joined;
    uint64_t by; /* 0: the API */
    enum leave_reason reason;
};

struct classroom {
    struct store_class record;
    struct participant *first, *last;
    size_t count[ROLE_COUNT];
    size_t floor_holders; /* of those who need the floor */
    struct floor_queue queue;
    struct lobby waiting;
    struct talk talk;
    uint64_t shares[LIMIT_SHARES];
    size_t share_count;   /* the last one is shown */
    uint32_t share_order; /* of the newest share ever */
    struct {
        uint64_t participant; /* 0: nobody */
        enum send_slot source;
    } bound[ROOM_SLOT_COUNT];        /* as told to the relay: screen, screen_audio, cameras */
    uint64_t slots[ROOM_SLOT_COUNT]; /* as the relay says */
    uint64_t speaking[CONTROL_SPEAKERS_MAX];
    size_t speaking_count;
    size_t relay;   /* where its media is; SIZE_MAX: not chosen yet */
    bool reads_av1; /* everybody who receives a screen can be shown AV1, and somebody does */
    struct {
        usec_t due, said_at; /* due USEC_NEVER: nothing to say */
    } announcements[ANNOUNCEMENT_COUNT];
    struct timer timer; /* the service's */
    bool unsaved;

    struct classroom_change *changes; /* a queue; room is made at each join */
    size_t change_head, change_count, change_capacity;
};

void classroom_init(struct classroom *classroom, const struct store_class *record);
/* Frees its participants as well; their timers and offers must be idle by then. */
void classroom_destroy(struct classroom *classroom);

size_t classroom_size(const struct classroom *classroom);

/* Takes ownership of `participant`, whose record is complete. STATUS_LIMIT for a full class,
 * STATUS_NO_MEMORY; then the caller keeps it. `restored`: after a restart of signaling: floor, hand
 * and share come from the record, and nobody is told. */
MUST_CHECK enum status classroom_add(struct classroom *classroom, struct participant *participant,
                                     size_t participants_max, bool restored);
/* After the last restored participant: rebuilds the stack of sharers. */
void classroom_finish_restore(struct classroom *classroom);
/* Takes it out: floor, hand and share cleared. The caller frees it once the changes are drained. */
void classroom_remove(struct classroom *classroom, struct participant *participant,
                      enum leave_reason reason, usec_t now);
struct participant *classroom_find(const struct classroom *classroom, uint64_t participant);

/* "Aïcha", or "Aïcha 2" when there is one already. Writes to `out` (NAME_BYTES). */
void classroom_choose_name(const struct classroom *classroom, const char *wanted, char *out);

void classroom_set_here(struct classroom *classroom, struct participant *participant, bool here);
/* One place in the queue for each: raising twice keeps it. */
void classroom_set_hand(struct classroom *classroom, struct participant *participant, bool raised,
                        int64_t unix_ms);
/* The first of the queue whose socket is up; NULL: nobody. */
struct participant *classroom_next_in_queue(const struct classroom *classroom);
void classroom_lower_hands(struct classroom *classroom);
/* Every floor is taken, every mute lifted, every send slot set as the mode says. */
void classroom_set_mode(struct classroom *classroom, enum class_mode mode, int64_t minutes,
                        int64_t unix_ms, uint64_t by);
/* Takes the floor as well. STATUS_STATE for who cannot have it. */
MUST_CHECK enum status classroom_set_muted(struct classroom *classroom,
                                           struct participant *participant, bool muted,
                                           uint64_t by);
/* STATUS_STATE for who does not teach. */
MUST_CHECK enum status classroom_give_lead(struct classroom *classroom,
                                           struct participant *participant);
/* Whether strangers wait; nobody who waits is let in by it. */
void classroom_set_lobby(struct classroom *classroom, bool on);
void classroom_set_locked(struct classroom *classroom, bool on);
/* Who waits has changed. */
void classroom_note_lobby(struct classroom *classroom);
/* --- classroom_talk.c */
void classroom_set_chat_open(struct classroom *classroom, bool open);
/* The bell: ringing again keeps the time; `helper` is who comes, 0: nobody any more. */
void classroom_set_help(struct classroom *classroom, struct participant *participant, bool on,
                        int64_t unix_ms);
void classroom_set_helper(struct classroom *classroom, struct participant *participant,
                          uint64_t helper);

/* --- classroom_aside.c: staff and one learner speak in private, in practical mode. Neither is
 * heard by anybody else meanwhile. STATUS_STATE in another mode, when one of them does so already,
 * is not here or has no page, and for who is no learner. */
MUST_CHECK enum status classroom_start_aside(struct classroom *classroom, struct participant *staff,
                                             struct participant *learner);
/* Nothing when it has none. `by` 0: the server. */
void classroom_end_aside(struct classroom *classroom, struct participant *participant, uint64_t by);
/* With whom; NULL: nobody. */
struct participant *classroom_find_aside(const struct participant *participant);

void classroom_set_mic(struct classroom *classroom, struct participant *participant, bool on);

/* Only learners and assistants. STATUS_LIMIT with LIMIT_FLOOR_HOLDERS, STATUS_STATE for other roles
 * and in a break. Giving it twice is fine. `by` is a participant, or 0 for the API. */
MUST_CHECK enum status classroom_give_floor(struct classroom *classroom,
                                            struct participant *participant, uint64_t by);
void classroom_take_floor(struct classroom *classroom, struct participant *participant,
                          uint64_t by);
/* Gives it; with `only` everybody else loses theirs first, if giving is possible at all. */
MUST_CHECK enum status classroom_pass_floor(struct classroom *classroom,
                                            struct participant *participant, bool only,
                                            uint64_t by);
/* Everybody's but `kept`'s. */
void classroom_take_other_floors(struct classroom *classroom, const struct participant *kept,
                                 uint64_t by);
/* All but `spared` (participants). In a discussion microphones are closed, too. */
void classroom_mute_all(struct classroom *classroom, const uint64_t *spared, size_t spared_count,
                        uint64_t by);

/* STATUS_AUTH without the right to; STATUS_STATE in a break; STATUS_LIMIT with LIMIT_SHARES.
 * Sharing again moves to the top. */
MUST_CHECK enum status classroom_start_share(struct classroom *classroom,
                                             struct participant *participant, bool audio);
void classroom_stop_share(struct classroom *classroom, struct participant *participant);
bool classroom_is_sharing(const struct participant *participant);

/* The relay is about to get this participant's transport: grants and binds are told (again). */
void classroom_handle_transport_added(struct classroom *classroom, struct participant *participant);
void classroom_set_media(struct classroom *classroom, struct participant *participant,
                         enum participant_media media);
void classroom_set_publication(struct classroom *classroom, struct participant *participant,
                               enum send_slot slot, bool active);
/* What the relay says is on a room slot, and who speaks. Unknown participants count as nobody. */
void classroom_set_slot(struct classroom *classroom, enum room_slot slot, uint64_t participant,
                        usec_t now);
void classroom_set_speaking(struct classroom *classroom, const uint64_t *participants,
                            size_t count);
/* Who hears and sees has changed. */
void classroom_note_delivery(struct classroom *classroom);
/* What the relay knows to arrive; staff is told when that changes anything for them. */
void classroom_set_delivered(struct classroom *classroom, struct participant *participant,
                             const struct control_delivery *delivered);
/* Of its voice so much is lost on its way to the relay. Who hears it is told (`slots`), so that no
 * listener's page blames the listener's own line. */
void classroom_set_voice_loss(struct classroom *classroom, struct participant *participant,
                              uint32_t permille);
/* The relay is out of reach: what it said last may no longer be so. */
void classroom_forget_delivered(struct classroom *classroom);
struct delivery_state participant_get_delivery(const struct participant *participant);
/* What the page says of its own playing. */
void classroom_set_claim(struct classroom *classroom, struct participant *participant,
                         struct delivery_claim claim);
/* Resync: queues every open grant and every bind once more. */
void classroom_repeat_relay_state(struct classroom *classroom);

bool classroom_poll_change(struct classroom *classroom, struct classroom_change *out);
void classroom_handle_timeout(struct classroom *classroom, usec_t now);
usec_t classroom_next_timeout(const struct classroom *classroom);

/* Whether `viewer` is told about `subject` by name. */
bool classroom_is_visible(const struct participant *viewer, const struct participant *subject);

/* The send slots that are open by right now, whether it has a transport or not. */
unsigned participant_send_slots(const struct participant *participant);
struct role_standing participant_standing(const struct participant *participant);
bool participant_has_floor(const struct participant *participant); /* trainers always */
const char *participant_media_name(enum participant_media media);
const char *leave_reason_name(enum leave_reason reason);
const char *participant_kind_name(enum participant_kind kind);
