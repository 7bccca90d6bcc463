/* "Do they see and hear me?": one learner's state, from what the relay measures and, marked as
 * such, from what its page says of itself. A page can only make it worse: whoever the relay does
 * not reach is not reached, whatever the page claims. Pure. */
#pragma once

#include "control/control_message.h"

/* The page's own word about what it plays. */
enum delivery_sound { SOUND_OK, SOUND_MUTED, SOUND_BLOCKED, SOUND_SILENT, SOUND_COUNT };
enum delivery_picture { PICTURE_OK, PICTURE_FROZEN, PICTURE_COUNT };

struct delivery_claim {
    enum delivery_sound sound;
    enum delivery_picture picture;
    bool relayed; /* its media goes through the relay behind TLS, which only the page can tell */
};

struct delivery_state {
    bool unknown;      /* nothing is known to arrive, nor that nothing does */
    bool deaf, blind;  /* hears nothing, sees nothing new */
    bool poor;         /* hears badly */
    bool reduced;      /* sees the screen with fewer pictures, or as a still */
    bool narrow;       /* on a line so narrow that what is new comes late */
    bool claimed;      /* deaf or blind by the page's word alone */
    uint32_t behind_s; /* what it sees is so old; 0: it is not behind */
};

/* `shares`: somebody shows a screen; `screen`: what the relay sends of it, of what the line can
 * carry; `measured`: what is known to arrive of all that it sends. */
struct delivery_state delivery_judge(bool media_flows, bool shares, enum control_quality screen,
                                     const struct control_delivery *measured,
                                     struct delivery_claim claim);
/* It is known to be reached, and nothing is against it. */
bool delivery_is_fine(struct delivery_state state);
bool delivery_is_equal(struct delivery_state a, struct delivery_state b);

const char *delivery_sound_name(enum delivery_sound sound);
const char *delivery_picture_name(enum delivery_picture picture);
bool delivery_sound_find(struct bytes name, enum delivery_sound *out);
bool delivery_picture_find(struct bytes name, enum delivery_picture *out);
