#include "relay/core/tx_batch.h"

#define RTP_HEADER_BYTES 12u
#define RTP_VERSION 0x80
#define RTP_PADDING 0x20
#define RTP_EXTENSION 0x10
#define RTP_MARKER 0x80
#define SLOTS 512
#define NOT_PADDED UINT8_MAX
_Static_assert(NOT_PADDED > TX_PADDING_MAX, "no length of padding");
#define PREFIX_IS_PADDING 0x80 /* beside an entry's prefix */
#define PREFIX_IS_REPEATABLE 0x40
#define PREFIX_IS_AGAIN 0x20
#define PREFIX_INDEX 0x1f
_Static_assert(TX_PREFIXES <= PREFIX_INDEX + 1, "three bits are left");

struct tx_slot {
    uint32_t refs; /* entries, and one while it is open */
    uint32_t next_free;
    usec_t arrived_at;
    uint16_t payload_bytes;
    uint8_t padding; /* bytes that stand behind the payload; 0: none yet; NOT_PADDED: none ever */
    uint8_t prefix_count;
    uint64_t layouts[TX_PREFIXES];
    uint8_t payload[TX_PAYLOAD_BYTES + TX_PADDING_MAX];
    struct tx_prefix prefixes[TX_PREFIXES];
};

struct tx_entry {
    uint32_t next; /* of the same receiver and class, or free; 0: none */
    uint32_t slot;
    uint32_t timestamp, ssrc;
    uint16_t seq;
    uint16_t stamp;
    uint8_t prefix;          /* index, and PREFIX_IS_... */
    uint8_t marker_and_type; /* second byte of the header */
};

/* Packets of one receiver that go as one message. */
struct run {
    uint32_t entries[TX_SEGMENTS_MAX];
    uint16_t sizes[TX_SEGMENTS_MAX]; /* before padding and sealing */
    size_t count;
    size_t segment; /* before sealing; the last one may be shorter */
};

/* --- Life */

static bool allocate(struct tx_batch *tx, const struct tx_sink *sink)
{
    /* Untouched memory of these takes no pages. */
    tx->entries = calloc((size_t)tx->entry_count + 1, sizeof *tx->entries);
    tx->slots = calloc((size_t)tx->slot_count + 1, sizeof *tx->slots);
    tx->receivers = calloc(tx->receiver_count, sizeof *tx->receivers);
    bool done = tx->entries != NULL && tx->slots != NULL && tx->receivers != NULL &&
                tx_plan_create(&tx->plan, sink, tx->stats) == STATUS_OK;
    for (int class = 0; class < TX_CLASS_COUNT; class ++) {
        tx->queues[class].receivers = calloc(tx->receiver_count, sizeof(uint32_t));
        done = done && tx->queues[class].receivers != NULL;
    }
    return done;
}

enum status tx_batch_init(struct tx_batch *tx, uint32_t receivers, uint32_t entries,
                          const struct tx_sink *sink, struct relay_stats *stats)
{
    if (receivers == 0 || entries == 0)
        return STATUS_CONFIG;
    *tx = (struct tx_batch){.entry_count = entries,
                            .slot_count = SLOTS,
                            .receiver_count = receivers,
                            .hold_until = USEC_NEVER,
                            .stats = stats};
    if (allocate(tx, sink))
        return STATUS_OK;
    tx_batch_destroy(tx);
    return STATUS_NO_MEMORY;
}

void tx_batch_destroy(struct tx_batch *tx)
{
    free(tx->entries);
    free(tx->slots);
    free(tx->receivers);
    tx_plan_free(tx->plan);
    for (int class = 0; class < TX_CLASS_COUNT; class ++)
        free(tx->queues[class].receivers);
    *tx = (struct tx_batch){0};
}

/* --- Slots and entries */

static uint32_t place_of(const struct tx_batch *tx, const struct tx_queue *q, uint32_t ahead)
{
    uint32_t place = q->first + ahead;
    return place >= tx->receiver_count ? place - tx->receiver_count : place;
}

static uint32_t take_slot(struct tx_batch *tx)
{
    uint32_t slot = tx->free_slot;
    if (slot != 0)
        tx->free_slot = tx->slots[slot].next_free;
    else if (tx->slots_used < tx->slot_count)
        slot = ++tx->slots_used;
    return slot;
}

static void release_slot(struct tx_batch *tx, uint32_t slot)
{
    if (--tx->slots[slot].refs > 0)
        return;
    tx->slots[slot].next_free = tx->free_slot;
    tx->free_slot = slot;
}

static uint32_t take_entry(struct tx_batch *tx)
{
    uint32_t entry = tx->free_entry;
    if (entry != 0)
        tx->free_entry = tx->entries[entry].next;
    else if (tx->entries_used < tx->entry_count)
        entry = ++tx->entries_used;
    return entry;
}

/* When nobody waits any more they are taken from the front again: one behind the other, as those
 * who wait for one packet will stand. A list of those that came back would lead all over the cache.
 */
static void release_entry(struct tx_batch *tx, uint32_t entry)
{
    tx->entries[entry].next = tx->free_entry;
    tx->free_entry = entry;
    if (tx->waiting[TX_CLASS_FIRST] + tx->waiting[TX_CLASS_VIDEO] == 0)
        tx->free_entry = tx->entries_used = 0;
}

/* The receiver's first entry of a class is done with. */
static void drop_head(struct tx_batch *tx, struct tx_receiver *r, enum tx_class class)
{
    uint32_t at = r->head[class];
    struct tx_entry *e = &tx->entries[at];
    r->head[class] = e->next;
    if (e->next == 0)
        r->tail[class] = 0;
    r->count[class]--;
    tx->waiting[class]--;
    release_slot(tx, e->slot);
    release_entry(tx, at);
}

static void drop_all(struct tx_batch *tx, struct tx_receiver *r, enum tx_class class)
{
    while (r->head[class] != 0)
        drop_head(tx, r, class);
}

void tx_batch_set_receiver(struct tx_batch *tx, uint32_t index, struct transport *transport)
{
    CHECK(index < tx->receiver_count);
    struct tx_receiver *r = &tx->receivers[index];
    if (transport != r->transport) {
        drop_all(tx, r, TX_CLASS_FIRST);
        drop_all(tx, r, TX_CLASS_VIDEO);
    }
    if (transport != r->transport)
        r->bytes = 0;
    r->transport = transport;
    r->route.until = 0;
}

void tx_batch_refresh_receiver(struct tx_batch *tx, uint32_t index)
{
    CHECK(index < tx->receiver_count);
    tx->receivers[index].route.until = 0;
}

uint64_t tx_batch_get_bytes(const struct tx_batch *tx, uint32_t index)
{
    CHECK(index < tx->receiver_count);
    return tx->receivers[index].bytes;
}

static bool has_route(struct tx_receiver *r, usec_t now)
{
    return now < r->route.until ||
           (r->transport != NULL && transport_get_route(r->transport, now, &r->route));
}

/* --- What needs no queue */

static void commit_single(struct tx_batch *tx, const struct net_addr *to, size_t bytes)
{
    tx_plan_commit(
        tx->plan,
        &(struct tx_message){
            .to = *to, .segment_bytes = (uint16_t)bytes, .segments = 1, .class = TX_CLASS_FIRST},
        bytes);
}

void tx_batch_add_raw(struct tx_batch *tx, const struct net_addr *to, struct bytes data)
{
    if (data.size > TX_PACKET_BYTES || data.size == 0)
        return;
    memcpy(tx_plan_make_room(tx->plan, data.size, 0), data.data, data.size);
    commit_single(tx, to, data.size);
}

void tx_batch_add_sealed_rtcp(struct tx_batch *tx, usec_t now, uint32_t receiver, struct bytes data)
{
    CHECK(receiver < tx->receiver_count);
    struct tx_receiver *r = &tx->receivers[receiver];
    size_t size = data.size;
    if (size + TRANSPORT_SEAL_BYTES > TX_PACKET_BYTES || r->transport == NULL)
        return;
    if (!has_route(r, now)) {
        tx->stats->drops[DROP_NO_ADDRESS]++;
        return;
    }
    uint8_t *packet = tx_plan_make_room(tx->plan, size + TRANSPORT_SEAL_BYTES, 0);
    memcpy(packet, data.data, size);
    r->bytes += size;
    if (srtp_sender_protect_rtcp(r->route.sender, packet, &size) != STATUS_OK)
        tx->stats->drops[DROP_SEAL_FAILED]++;
    else
        commit_single(tx, &r->route.to, size);
}

/* --- Runs */

static const struct tx_prefix *prefix_of(const struct tx_slot *slot, const struct tx_entry *e)
{
    return &slot->prefixes[e->prefix & PREFIX_INDEX];
}

static size_t size_of(const struct tx_batch *tx, const struct tx_entry *e)
{
    const struct tx_slot *slot = &tx->slots[e->slot];
    return RTP_HEADER_BYTES + prefix_of(slot, e)->bytes + slot->payload_bytes;
}

/* The longest run from `at` on: sizes that padding can make equal, the last one as it is. */
static void find_run(const struct tx_batch *tx, uint32_t at, struct run *run)
{
    size_t longest = 0, shortest = SIZE_MAX;
    run->count = 0;
    for (; at != 0 && run->count < TX_SEGMENTS_MAX; at = tx->entries[at].next) {
        size_t size = size_of(tx, &tx->entries[at]);
        size_t spread = size > longest ? size - shortest : longest - size;
        bool apart = run->count > 0 && spread > TX_PADDING_MAX;
        if (apart && size > longest)
            break;
        run->entries[run->count] = at;
        run->sizes[run->count++] = (uint16_t)size;
        if (apart)
            break;
        longest = size > longest ? size : longest;
        shortest = size < shortest ? size : shortest;
    }
    run->segment = longest;
}

/* Padding (RFC 3550 5.1) lies behind the payload that all receivers share: one length for all. */
static bool pad(struct tx_slot *slot, size_t bytes)
{
    if (bytes == 0 || slot->padding == bytes)
        return true;
    if (slot->padding != 0)
        return false;
    slot->padding = (uint8_t)bytes;
    memset(slot->payload + slot->payload_bytes, 0, bytes - 1);
    slot->payload[slot->payload_bytes + bytes - 1] = (uint8_t)bytes;
    return true;
}

/* Ends the run behind the first packet that cannot be made as long as the others. */
static void pad_run(struct tx_batch *tx, struct run *run)
{
    for (size_t i = 0; i + 1 < run->count; i++) {
        const struct tx_entry *e = &tx->entries[run->entries[i]];
        size_t bytes = run->segment - run->sizes[i];
        bool must_stay = bytes > 0 && (e->prefix & PREFIX_IS_REPEATABLE) != 0;
        if (must_stay || !pad(&tx->slots[e->slot], bytes))
            run->count = i + 1;
        else
            run->sizes[i] = (uint16_t)run->segment;
    }
    if (run->count == 1)
        run->segment = run->sizes[0];
}

static void write_packet(struct tx_batch *tx, struct srtp_sender *sender, const struct tx_entry *e,
                         enum tx_class class, size_t size, uint8_t *out)
{
    const struct tx_slot *slot = &tx->slots[e->slot];
    const struct tx_prefix *prefix = prefix_of(slot, e);
    size_t header = RTP_HEADER_BYTES + prefix->bytes;
    bool padded = size > header + slot->payload_bytes || (e->prefix & PREFIX_IS_PADDING) != 0;
    out[0] = (uint8_t)(RTP_VERSION | (padded ? RTP_PADDING : 0) |
                       (prefix->bytes > 0 ? RTP_EXTENSION : 0));
    out[1] = e->marker_and_type;
    store_u16(out + 2, e->seq);
    store_u32(out + 4, e->timestamp);
    store_u32(out + 8, e->ssrc);
    memcpy(out + RTP_HEADER_BYTES, prefix->data, prefix->bytes);
    if (prefix->stamp_at != 0)
        store_u16(out + RTP_HEADER_BYTES + prefix->stamp_at, e->stamp);
    struct srtp_job job = {.sender = sender,
                           .packet = out,
                           .header_bytes = header,
                           .payload = bytes_of(slot->payload, size - header),
                           .is_repeat = (e->prefix & PREFIX_IS_AGAIN) != 0};
    if ((e->prefix & PREFIX_IS_REPEATABLE) != 0)
        job.repeats = class == TX_CLASS_VIDEO ? TX_REPEATS_VIDEO : TX_REPEATS_VOICE;
    tx_plan_add_job(tx->plan, &job);
}

static size_t send_run(struct tx_batch *tx, struct tx_receiver *r, enum tx_class class)
{
    struct run run;
    struct srtp_sender *sender = r->route.sender;
    find_run(tx, r->head[class], &run);
    pad_run(tx, &run);
    size_t tag = srtp_sender_get_tag_bytes(sender);
    size_t segment = run.segment + tag;
    uint8_t *out = tx_plan_make_room(tx->plan, run.count * segment, run.count);
    usec_t arrived_at = tx->slots[tx->entries[run.entries[0]].slot].arrived_at;
    for (size_t i = 0; i < run.count; i++) {
        write_packet(tx, sender, &tx->entries[run.entries[i]], class, run.sizes[i],
                     out + i * segment);
        drop_head(tx, r, class);
    }
    tx_plan_commit(tx->plan,
                   &(struct tx_message){.to = r->route.to,
                                        .segment_bytes = (uint16_t)segment,
                                        .segments = (uint16_t)run.count,
                                        .class = class,
                                        .arrived_at = arrived_at},
                   (run.count - 1) * segment + run.sizes[run.count - 1] + tag);
    return run.count;
}

static size_t send_receiver(struct tx_batch *tx, usec_t now, struct tx_receiver *r,
                            enum tx_class class)
{
    size_t sent = 0;
    if (!has_route(r, now)) {
        tx->stats->drops[DROP_NO_ADDRESS] += r->count[class];
        drop_all(tx, r, class);
    }
    while (r->head[class] != 0)
        sent += send_run(tx, r, class);
    return sent;
}

/* What the receivers behind the first one will need: their state, then their sender, then its key.
 */
static void prefetch(const struct tx_batch *tx, usec_t now, const struct tx_queue *q,
                     enum tx_class class)
{
    if (q->count > 4) {
        const struct tx_receiver *far = &tx->receivers[q->receivers[place_of(tx, q, 4)]];
        __builtin_prefetch(far, 1);
        __builtin_prefetch(&far->route);
    }
    if (q->count > 2) {
        const struct tx_receiver *near = &tx->receivers[q->receivers[place_of(tx, q, 2)]];
        srtp_sender_prefetch(near->route.sender);
        __builtin_prefetch(&tx->entries[near->head[class]]);
    }
    if (q->count > 1) {
        const struct tx_receiver *next = &tx->receivers[q->receivers[place_of(tx, q, 1)]];
        const struct tx_entry *e = &tx->entries[next->head[class]];
        if (now < next->route.until)
            srtp_sender_prefetch_key(next->route.sender, e->ssrc, e->seq,
                                     tx->slots[e->slot].payload_bytes);
    }
}

/* About `limit` packets of one class, receiver by receiver. */
static void send_class(struct tx_batch *tx, usec_t now, enum tx_class class, size_t limit)
{
    struct tx_queue *q = &tx->queues[class];
    for (size_t sent = 0; q->count > 0 && sent < limit;) {
        struct tx_receiver *r = &tx->receivers[q->receivers[q->first]];
        prefetch(tx, now, q, class);
        q->first = place_of(tx, q, 1);
        q->count--;
        r->queued[class] = false;
        sent += send_receiver(tx, now, r, class);
    }
}

/* --- Adding */

#define PORTION 256 /* packets of video sent to make room */

static void make_room(struct tx_batch *tx, usec_t now)
{
    send_class(tx, now, TX_CLASS_FIRST, SIZE_MAX);
    send_class(tx, now, TX_CLASS_VIDEO, PORTION);
    tx_plan_emit(tx->plan);
}

static uint32_t open_slot(struct tx_batch *tx, usec_t now, struct bytes payload)
{
    uint32_t slot;
    while ((slot = take_slot(tx)) == 0)
        make_room(tx, now);
    struct tx_slot *s = &tx->slots[slot];
    s->refs = 1;
    s->arrived_at = tx->arrived_at;
    s->padding = 0;
    s->prefix_count = 0;
    s->payload_bytes = (uint16_t)payload.size;
    if (payload.size > 0)
        memcpy(s->payload, payload.data, payload.size);
    return slot;
}

bool tx_batch_begin(struct tx_batch *tx, usec_t now, struct bytes payload)
{
    tx_batch_end(tx);
    if (payload.size > TX_PAYLOAD_BYTES) {
        tx->stats->drops[DROP_TOO_LONG]++;
        return false;
    }
    tx->open = open_slot(tx, now, payload);
    return true;
}

void tx_batch_end(struct tx_batch *tx)
{
    if (tx->open != 0)
        release_slot(tx, tx->open);
    tx->open = 0;
}

const struct tx_prefix *tx_batch_find_prefix(const struct tx_batch *tx, uint64_t layout)
{
    CHECK(tx->open != 0);
    const struct tx_slot *s = &tx->slots[tx->open];
    for (size_t i = 0; i < s->prefix_count; i++) {
        if (s->layouts[i] == layout)
            return &s->prefixes[i];
    }
    return NULL;
}

struct tx_prefix *tx_batch_add_prefix(struct tx_batch *tx, usec_t now, uint64_t layout)
{
    CHECK(tx->open != 0);
    if (tx->slots[tx->open].prefix_count == TX_PREFIXES) {
        const struct tx_slot *old = &tx->slots[tx->open];
        uint32_t copy = open_slot(tx, now, bytes_of(old->payload, old->payload_bytes));
        release_slot(tx, tx->open);
        tx->open = copy;
    }
    struct tx_slot *s = &tx->slots[tx->open];
    s->layouts[s->prefix_count] = layout;
    struct tx_prefix *prefix = &s->prefixes[s->prefix_count++];
    prefix->bytes = 0;
    prefix->stamp_at = 0;
    return prefix;
}

size_t tx_batch_get_payload_bytes(const struct tx_batch *tx)
{
    CHECK(tx->open != 0);
    return tx->slots[tx->open].payload_bytes;
}

static void enqueue(struct tx_batch *tx, uint32_t receiver, enum tx_class class)
{
    struct tx_queue *q = &tx->queues[class];
    struct tx_receiver *r = &tx->receivers[receiver];
    if (r->queued[class])
        return;
    r->queued[class] = true;
    q->receivers[place_of(tx, q, q->count)] = receiver;
    q->count++;
}

/* Video waits for the rest of its frame; a frame's end, or a full run, ends the wait. */
static void set_hold(struct tx_batch *tx, usec_t now, const struct tx_receiver *r, bool marker)
{
    if (tx->hold_until == USEC_NEVER)
        tx->hold_until = now + TX_HOLD_US;
    if (marker || r->count[TX_CLASS_VIDEO] >= TX_SEGMENTS_MAX)
        tx->hold_until = usec_min(tx->hold_until, now);
}

void tx_batch_add(struct tx_batch *tx, usec_t now, uint32_t receiver, enum tx_class class,
                  const struct tx_prefix *prefix, const struct tx_rtp *rtp)
{
    CHECK(tx->open != 0 && receiver < tx->receiver_count);
    uint32_t slot = tx->open;
    struct tx_slot *s = &tx->slots[slot];
    size_t size = RTP_HEADER_BYTES + prefix->bytes + s->payload_bytes;
    if (size + TX_PADDING_MAX + SRTP_RTP_TAG_BYTES_MAX > TX_PACKET_BYTES) {
        tx->stats->drops[DROP_TOO_LONG]++;
        return;
    }
    uint32_t entry;
    while ((entry = take_entry(tx)) == 0)
        make_room(tx, now);
    tx->entries[entry] = (struct tx_entry){
        .slot = slot,
        .timestamp = rtp->timestamp,
        .ssrc = rtp->ssrc,
        .seq = rtp->seq,
        .stamp = rtp->stamp,
        .prefix = (uint8_t)((prefix - s->prefixes) | (rtp->is_padding ? PREFIX_IS_PADDING : 0) |
                            (rtp->repeat != TX_ONCE ? PREFIX_IS_REPEATABLE : 0) |
                            (rtp->repeat == TX_AGAIN ? PREFIX_IS_AGAIN : 0)),
        .marker_and_type = (uint8_t)((rtp->marker ? RTP_MARKER : 0) | rtp->payload_type)};
    if (rtp->is_padding)
        s->padding = NOT_PADDED;
    struct tx_receiver *r = &tx->receivers[receiver];
    if (r->tail[class] != 0)
        tx->entries[r->tail[class]].next = entry;
    else
        r->head[class] = entry;
    r->tail[class] = entry;
    r->count[class]++;
    r->bytes += size;
    tx->waiting[class]++;
    s->refs++;
    enqueue(tx, receiver, class);
    if (class == TX_CLASS_VIDEO)
        set_hold(tx, now, r, rtp->marker);
}

/* --- Sending */

static void end_turn(struct tx_batch *tx)
{
    tx->is_voice_ahead = false;
    if (tx->waiting[TX_CLASS_VIDEO] == 0)
        tx->hold_until = USEC_NEVER;
}

void tx_batch_let_voice_ahead(struct tx_batch *tx, usec_t now, uint32_t least)
{
    if (tx->is_voice_ahead || tx->waiting[TX_CLASS_FIRST] < least)
        return;
    send_class(tx, now, TX_CLASS_FIRST, SIZE_MAX);
    tx_plan_emit(tx->plan);
    tx->is_voice_ahead = true;
}

void tx_batch_flush(struct tx_batch *tx, usec_t now)
{
    send_class(tx, now, TX_CLASS_FIRST, SIZE_MAX);
    send_class(tx, now, TX_CLASS_VIDEO, SIZE_MAX);
    tx_plan_emit(tx->plan);
    end_turn(tx);
}

void tx_batch_flush_some(struct tx_batch *tx, usec_t now, uint32_t video_packets)
{
    send_class(tx, now, TX_CLASS_FIRST, SIZE_MAX);
    if (tx->waiting[TX_CLASS_VIDEO] < TX_HOLD_ENTRIES)
        tx->hold_until = usec_min(tx->hold_until, now);
    if (tx->hold_until <= now)
        send_class(tx, now, TX_CLASS_VIDEO, video_packets);
    tx_plan_emit(tx->plan);
    end_turn(tx);
}

usec_t tx_batch_next_timeout(const struct tx_batch *tx)
{
    return tx->hold_until;
}
