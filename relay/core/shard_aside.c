/* Asides: one voice to one participant, past every room slot. Who is spoken to hears it on one of
 * its own lines, which follows no room slot meanwhile. */
#include "relay/core/shard_private.h"

/* The last of its voices, so that the class goes on being heard on the others; or the only one. */
static struct subscription *choose_line(struct participant *p)
{
    struct subscription *chosen = NULL;
    for (size_t i = 0; i < p->subscription_count; i++) {
        struct subscription *s = &p->subscriptions[i];
        bool is_voice = s->slot <= ROOM_SLOT_VOICE_2 || s->slot == ROOM_SLOT_VOICE_ANY;
        if (is_voice &&
            (chosen == NULL || (s->slot <= ROOM_SLOT_VOICE_2 && s->slot >= chosen->slot)))
            chosen = s;
    }
    return chosen;
}

struct subscription *shard_find_aside(struct participant *p)
{
    for (size_t i = 0; i < p->subscription_count; i++) {
        if (p->subscriptions[i].is_aside)
            return &p->subscriptions[i];
    }
    return NULL;
}

void shard_stop_aside(struct shard_core *c, usec_t now, struct publication *p, struct tx_batch *tx)
{
    struct participant *to = p->listener != 0 ? shard_find_participant(c, p->listener) : NULL;
    struct subscription *s = to != NULL && to->aside == p ? shard_find_aside(to) : NULL;
    if (s == NULL)
        return;
    voice_end_aside(now, p, s, tx);
    subscription_reset_source(s);
    s->is_aside = false;
    to->aside = NULL;
}

static void start(struct shard_core *c, struct publication *p)
{
    struct participant *to = shard_find_participant(c, p->listener);
    struct subscription *s = to != NULL && to->aside == NULL ? choose_line(to) : NULL;
    if (s == NULL)
        return; /* it has no line for a voice: nobody hears it */
    subscription_reset_source(s);
    publication_begin_turn(p);
    s->is_aside = true;
    to->aside = p;
}

uint64_t shard_others_of(struct shard_core *c, const struct publication *p)
{
    uint64_t own = (uint64_t)1 << c->config.shard;
    if (p->listener != 0)
        return (uint64_t)1 << p->listener_shard & ~own;
    const struct room *room = p->slots != 0 ? shard_find_room(c, p->room) : NULL;
    return room != NULL ? room->members_on & ~own : 0;
}

/* Its own, or a replica made now; NULL: there is none, and none is needed. */
static struct publication *publication_for(struct shard_core *c, const struct shard_message *m)
{
    bool is_home = m->aside.home == c->config.shard;
    struct publication *p = shard_find_publication(c, m->aside.ref);
    if (p != NULL && p->is_home == is_home)
        return p;
    if (p != NULL && p->is_home)
        return NULL; /* the publisher has come here meanwhile */
    if (p != NULL)
        shard_remove_publication(c, p);
    if (is_home || m->aside.listener == 0 ||
        shard_add_publication(c, m->aside.ref, m->aside.room, false, m->aside.home, &p) !=
            STATUS_OK)
        return NULL;
    return p;
}

void shard_handle_aside(struct shard_core *c, usec_t now, const struct shard_message *m,
                        struct tx_batch *tx)
{
    struct publication *p = publication_for(c, m);
    if (p == NULL)
        return;
    if (p->listener != m->aside.listener) {
        shard_stop_aside(c, now, p, tx);
        publication_clear_caches(p);
        shard_restart_publication(p, now);
        if (p->listener != 0)
            p->quiet_until = now + PUBLICATION_ASIDE_END_US;
    }
    p->listener = m->aside.listener;
    p->listener_shard = m->aside.listener_shard;
    if (p->listener != 0)
        start(c, p);
    else if (!p->is_home && p->slots == 0)
        shard_remove_publication(c, p);
}
