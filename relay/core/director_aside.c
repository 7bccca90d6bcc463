/* Who speaks with whom in private. A pair is always mutual, and ends with the transport of either:
 * then nobody hears the other one, until signaling says otherwise. */
#include "relay/core/director_private.h"

/* The microphone of `p` goes to `listener` alone (NULL: no longer to `last`, who may be on another
 * shard). */
static void order_voice(struct director *d, const struct director_participant *p,
                        const struct director_participant *listener,
                        const struct director_participant *last)
{
    uint32_t other = listener != NULL ? listener->shard : last->shard;
    uint32_t shards[] = {p->shard, other};
    for (size_t i = 0; i < (other == p->shard ? 1 : 2); i++) {
        struct shard_message *m = director_order(d, shards[i], SHARD_ASIDE);
        if (m == NULL)
            continue;
        m->aside.room = p->room;
        m->aside.ref = (struct publication_ref){p->id, SEND_SLOT_MIC};
        m->aside.home = p->shard;
        m->aside.listener = listener != NULL ? listener->id : 0;
        m->aside.listener_shard = other;
    }
}

/* What was granted is heard again, or what is private no longer by all. */
static void refresh_voice(struct director *d, usec_t now, const struct director_participant *p)
{
    struct director_room *room = director_find_room(d, p->room);
    if (room != NULL && p->present && p->has_mic)
        director_room_set_voice(d, now, room, p->id, p->grants[SEND_SLOT_MIC].open);
}

void director_end_aside(struct director *d, usec_t now, struct director_participant *p)
{
    struct director_participant *with =
        p->aside != 0 ? director_find_participant(d, p->aside) : NULL;
    p->aside = 0;
    if (with == NULL)
        return;
    with->aside = 0;
    order_voice(d, p, NULL, with);
    order_voice(d, with, NULL, p);
    refresh_voice(d, now, p);
    refresh_voice(d, now, with);
}

static void begin(struct director *d, usec_t now, struct director_participant *p,
                  struct director_participant *with)
{
    director_end_aside(d, now, p);
    director_end_aside(d, now, with);
    p->aside = with->id;
    with->aside = p->id;
    refresh_voice(d, now, p); /* off its room slot, before it has another way */
    refresh_voice(d, now, with);
    order_voice(d, p, with, NULL);
    order_voice(d, with, p, NULL);
}

void director_handle_aside(struct director *d, usec_t now, const struct control_message *in)
{
    struct director_participant *p = director_find_participant(d, in->aside.participant);
    struct director_participant *with =
        in->aside.with != 0 ? director_find_participant(d, in->aside.with) : NULL;
    bool possible = p != NULL && with != NULL && p != with && p->present && with->present &&
                    p->room == with->room;
    if (p != NULL && !possible)
        director_end_aside(d, now, p);
    if (in->aside.with != 0 && !possible) {
        director_answer_error(d, in->id, "not_found", "They are not both in one room.");
        return;
    }
    if (possible && p->aside != with->id)
        begin(d, now, p, with);
    if (possible)
        p->aside_confirmed = with->aside_confirmed = true;
    director_answer_ok(d, in->id);
}
