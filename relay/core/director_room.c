/* Which publication is on which slot of a room: voices by loudness, the rest as signaling says. */
#include "relay/core/director_private.h"

struct director_room *director_room_add(struct director *d, uint64_t id)
{
    struct director_room *room = director_find_room(d, id);
    if (room != NULL)
        return room;
    struct pool_handle handle;
    room = pool_take(&d->rooms, &handle);
    if (room == NULL)
        return NULL;
    room->handle = handle;
    room->id = id;
    CHECK(hash_map_set(&d->rooms_by_id, id, handle.index) == STATUS_OK);
    return room;
}

static uint64_t shard_mask(const struct director *d, const struct director_room *room)
{
    uint64_t mask = 0;
    for (uint32_t i = 0; i < d->config.shard_count; i++)
        mask |= room->members_on[i] > 0 ? (uint64_t)1 << i : 0;
    return mask;
}

static void order_bind(struct director *d, const struct director_room *room, enum room_slot slot,
                       uint32_t shard)
{
    const struct director_participant *p =
        director_find_participant(d, room->slots[slot].ref.participant);
    struct shard_message *m = director_order(d, shard, SHARD_BIND);
    if (m == NULL)
        return;
    m->bind.room = room->id;
    m->bind.slot = slot;
    if (p != NULL && p->present && p->room == room->id) {
        m->bind.ref = room->slots[slot].ref;
        m->bind.home = p->shard;
    }
}

void director_room_brief_shard(struct director *d, struct director_room *room, uint32_t shard)
{
    for (int slot = 0; slot < ROOM_SLOT_COUNT; slot++) {
        if (room->slots[slot].ref.participant != 0)
            order_bind(d, room, (enum room_slot)slot, shard);
    }
}

void director_room_drop_replicas(struct director *d, const struct director_room *room,
                                 const struct director_participant *p, enum send_slot source)
{
    for (int slot = 0; slot < ROOM_SLOT_COUNT; slot++) {
        struct publication_ref ref = room->slots[slot].ref;
        for (uint32_t i = 0;
             ref.participant == p->id && ref.source == source && i < d->config.shard_count; i++) {
            if (i != p->shard && room->members_on[i] > 0)
                order_bind(d, room, (enum room_slot)slot, i);
        }
    }
}

void director_room_member_changed(struct director *d, struct director_room *room, uint32_t shard,
                                  int change)
{
    uint64_t before = shard_mask(d, room);
    room->members_on[shard] = (uint32_t)((int)room->members_on[shard] + change);
    room->members = (uint32_t)((int)room->members + change);
    uint64_t mask = shard_mask(d, room);
    if (mask == before)
        return;
    for (uint32_t i = 0; i < d->config.shard_count; i++) {
        if (((mask | before) >> i & 1) == 0)
            continue;
        struct shard_message *m = director_order(d, i, SHARD_ROOM);
        if (m == NULL)
            continue;
        m->room.room = room->id;
        m->room.members = mask;
    }
    if (change > 0 && room->members_on[shard] == 1)
        director_room_brief_shard(d, room, shard);
}

static bool is_same(struct publication_ref a, struct publication_ref b)
{
    return a.participant == b.participant && (a.participant == 0 || a.source == b.source);
}

void director_room_bind(struct director *d, usec_t now, struct director_room *room,
                        enum room_slot slot, struct publication_ref ref)
{
    room->slots[slot].confirmed = true;
    if (is_same(room->slots[slot].ref, ref))
        return;
    room->slots[slot].ref = ref;
    room->slots[slot].since = now;
    for (uint32_t i = 0; i < d->config.shard_count; i++) {
        if (room->members_on[i] > 0)
            order_bind(d, room, slot, i);
    }
    struct control_message *m = director_tell(d, CONTROL_SLOT_BOUND);
    if (m != NULL)
        m->slot_bound = (struct control_slot_bound){room->id, slot, ref.participant};
}

void director_room_forget(struct director *d, usec_t now, struct director_room *room,
                          uint64_t participant)
{
    director_room_set_voice(d, now, room, participant, false);
    for (int slot = 0; slot < ROOM_SLOT_COUNT; slot++) {
        if (room->slots[slot].ref.participant == participant)
            director_room_bind(d, now, room, (enum room_slot)slot, (struct publication_ref){0});
    }
}

/* --- Voices */

static const struct publication_ref nobody;

static struct publication_ref mic_of(uint64_t participant)
{
    return (struct publication_ref){participant, SEND_SLOT_MIC};
}

static int slot_of_voice(const struct director_room *room, uint64_t participant)
{
    for (int i = 0; i < ROOM_VOICE_SLOTS; i++) {
        if (room->slots[ROOM_SLOT_VOICE_0 + i].ref.participant == participant)
            return i;
    }
    return -1;
}

static int free_voice_slot(const struct director_room *room)
{
    for (int i = 0; i < ROOM_VOICE_SLOTS; i++) {
        if (room->slots[ROOM_SLOT_VOICE_0 + i].ref.participant == 0)
            return i;
    }
    return -1;
}

/* A reserved microphone that sends nothing holds nobody's place. */
static bool is_reserved(struct director *d, uint64_t participant)
{
    const struct director_participant *p = director_find_participant(d, participant);
    return p != NULL && p->grants[SEND_SLOT_MIC].reserved && p->active[SEND_SLOT_MIC];
}

static const struct speaker *speaker_of(struct director *d, uint64_t participant)
{
    static const struct speaker silent;
    const struct director_participant *p = director_find_participant(d, participant);
    return p != NULL ? &p->speaker : &silent;
}

/* The slot whose voice is the least loss: never a reserved one's; first whoever is silent, then the
 * quietest. */
static int weakest_voice_slot(struct director *d, const struct director_room *room)
{
    int weakest = -1;
    const struct speaker *weakest_speaker = NULL;
    for (int i = 0; i < ROOM_VOICE_SLOTS; i++) {
        uint64_t holder = room->slots[ROOM_SLOT_VOICE_0 + i].ref.participant;
        const struct speaker *s = speaker_of(d, holder);
        if (is_reserved(d, holder))
            continue;
        bool weaker =
            weakest < 0 || (weakest_speaker->speaking && !s->speaking) ||
            (weakest_speaker->speaking == s->speaking && s->level > weakest_speaker->level);
        if (weaker) {
            weakest = i;
            weakest_speaker = s;
        }
    }
    return weakest;
}

/* Gives an open microphone a slot: a free one, or for a reserved voice another's. */
static void place_voice(struct director *d, usec_t now, struct director_room *room,
                        uint64_t participant)
{
    int slot = free_voice_slot(room);
    if (slot < 0 && is_reserved(d, participant))
        slot = weakest_voice_slot(d, room);
    if (slot >= 0)
        director_room_bind(d, now, room, (enum room_slot)(ROOM_SLOT_VOICE_0 + slot),
                           mic_of(participant));
}

/* With more open microphones than slots, a waiting voice that speaks takes a weaker one's place. */
static void let_speakers_in(struct director *d, usec_t now, struct director_room *room)
{
    for (size_t i = 0; i < room->voice_count; i++) {
        uint64_t waiting = room->voices[i];
        if (slot_of_voice(room, waiting) >= 0)
            continue;
        if (free_voice_slot(room) >= 0) {
            place_voice(d, now, room, waiting);
            continue;
        }
        int weakest = weakest_voice_slot(d, room);
        if (weakest < 0)
            continue;
        struct director_slot *s = &room->slots[ROOM_SLOT_VOICE_0 + weakest];
        if (speaker_may_take(speaker_of(d, waiting), speaker_of(d, s->ref.participant), now,
                             s->since))
            director_room_bind(d, now, room, (enum room_slot)(ROOM_SLOT_VOICE_0 + weakest),
                               mic_of(waiting));
    }
}

/* How much a voice deserves the one line of a receiver that has no more. A sender that tells no
 * level is taken to speak for as long as it sends. */
static int any_score(struct director *d, uint64_t participant)
{
    const struct director_participant *p = director_find_participant(d, participant);
    if (p == NULL || slot_of_voice(director_find_room(d, p->room), participant) < 0)
        return -1;
    bool speaks = p->active[SEND_SLOT_MIC] && (!p->speaker.has_level || p->speaker.speaking);
    return (speaks ? 4 : 0) + (p->active[SEND_SLOT_MIC] ? 2 : 0) +
           (p->grants[SEND_SLOT_MIC].reserved ? 1 : 0);
}

/* It changes only for a better one, so that two that speak at once do not chop each other. */
static void choose_any(struct director *d, usec_t now, struct director_room *room)
{
    uint64_t best = room->slots[ROOM_SLOT_VOICE_ANY].ref.participant;
    int best_score = best != 0 ? any_score(d, best) : -1;
    for (int i = 0; i < ROOM_VOICE_SLOTS; i++) {
        uint64_t holder = room->slots[ROOM_SLOT_VOICE_0 + i].ref.participant;
        int score = holder != 0 ? any_score(d, holder) : -1;
        if (score > best_score) {
            best = holder;
            best_score = score;
        }
    }
    director_room_bind(d, now, room, ROOM_SLOT_VOICE_ANY, best_score >= 0 ? mic_of(best) : nobody);
}

static void tell_speakers(struct director *d, usec_t now, struct director_room *room)
{
    uint64_t list[CONTROL_SPEAKERS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < room->voice_count && count < CONTROL_SPEAKERS_MAX; i++) {
        const struct speaker *s = speaker_of(d, room->voices[i]);
        if (!s->speaking)
            continue;
        size_t at = count++;
        while (at > 0 && speaker_of(d, list[at - 1])->level > s->level) {
            list[at] = list[at - 1];
            at--;
        }
        list[at] = room->voices[i];
    }
    if (count == room->speaker_count && memcmp(list, room->speakers, count * sizeof *list) == 0)
        return;
    if (now - room->told_at < DIRECTOR_SPEAKERS_US)
        return;
    struct control_message *m = director_tell(d, CONTROL_SPEAKERS);
    room->told_at = now;
    room->speaker_count = count;
    memcpy(room->speakers, list, count * sizeof *list);
    if (m == NULL)
        return;
    m->speakers.room = room->id;
    m->speakers.count = count;
    memcpy(m->speakers.participants, list, count * sizeof *list);
}

void director_room_update_voices(struct director *d, usec_t now, struct director_room *room)
{
    for (size_t i = 0; i < room->voice_count; i++) {
        struct director_participant *p = director_find_participant(d, room->voices[i]);
        if (p != NULL)
            speaker_handle_timeout(&p->speaker, now);
    }
    let_speakers_in(d, now, room);
    choose_any(d, now, room);
    tell_speakers(d, now, room);
}

static void remove_voice(struct director *d, usec_t now, struct director_room *room, size_t index)
{
    uint64_t participant = room->voices[index];
    room->voice_count--;
    memmove(&room->voices[index], &room->voices[index + 1],
            (room->voice_count - index) * sizeof *room->voices);
    int slot = slot_of_voice(room, participant);
    if (slot >= 0)
        director_room_bind(d, now, room, (enum room_slot)(ROOM_SLOT_VOICE_0 + slot), nobody);
}

void director_room_set_voice(struct director *d, usec_t now, struct director_room *room,
                             uint64_t participant, bool granted)
{
    const struct director_participant *p = director_find_participant(d, participant);
    bool open = granted && (p == NULL || p->aside == 0); /* in an aside it is on no room slot */
    size_t index = 0;
    while (index < room->voice_count && room->voices[index] != participant)
        index++;
    if (open && index == room->voice_count) {
        if (room->voice_count == DIRECTOR_VOICES_MAX) {
            log_warn(&d->log, "voices_full", "room=%llu", (unsigned long long)room->id);
            return;
        }
        room->voices[room->voice_count++] = participant;
        place_voice(d, now, room, participant);
    } else if (open && is_reserved(d, participant) && slot_of_voice(room, participant) < 0) {
        place_voice(d, now, room, participant);
    } else if (!open && index < room->voice_count) {
        remove_voice(d, now, room, index);
    }
    director_room_update_voices(d, now, room);
}

bool director_room_is_unused(const struct director_room *room)
{
    for (int slot = 0; slot < ROOM_SLOT_COUNT; slot++) {
        if (room->slots[slot].ref.participant != 0)
            return false;
    }
    return room->members == 0;
}

void director_room_free_if_empty(struct director *d, struct director_room *room)
{
    if (room->members > 0)
        return;
    hash_map_remove(&d->rooms_by_id, room->id);
    pool_release(&d->rooms, room->handle);
}
