/* relay_stats and room_stats, every two seconds. */
#include "relay/core/director_private.h"

static void report_relay(struct director *d)
{
    struct control_message *m = director_tell(d, CONTROL_RELAY_STATS);
    if (m == NULL)
        return;
    struct control_relay_stats *out = &m->relay_stats;
    uint64_t drops[DROP_REASON_COUNT] = {0};
    out->interval_ms = (uint32_t)(DIRECTOR_REPORT_US / 1000);
    out->room_count = d->rooms.used;
    out->shard_count = d->config.shard_count;
    for (uint32_t i = 0; i < d->config.shard_count; i++) {
        const struct director_shard *s = &d->shards[i];
        out->shards[i] = (struct control_shard_stats){
            .participants = s->participants,
            .publications = s->publications,
            .packets_in = s->counters.packets_in,
            .packets_out = s->counters.packets_out,
            .bytes_in = s->counters.bytes_in,
            .bytes_out = s->counters.bytes_out,
            .cpu_permille = s->cpu_permille,
            .loop_p50_us = s->loop_p50_us,
            .loop_p99_us = s->loop_p99_us,
        };
        memcpy(out->shards[i].delays, s->counters.delays, sizeof out->shards[i].delays);
        for (int r = 0; r < DROP_REASON_COUNT; r++) {
            drops[r] += s->counters.drops[r];
            out->shards[i].drops += s->counters.drops[r];
        }
    }
    _Static_assert(DROP_REASON_COUNT <= CONTROL_DROP_REASONS_MAX, "one message has them all");
    for (int r = 0; r < DROP_REASON_COUNT; r++) {
        snprintf(out->drops[r].reason, sizeof out->drops[r].reason, "%s",
                 drop_reason_name((enum drop_reason)r));
        out->drops[r].count = drops[r];
    }
    out->drop_count = DROP_REASON_COUNT;
    out->machine_cpu_permille = d->machine.cpu_permille;
    out->machine_cores = d->machine.cores;
    out->memory_total_bytes = d->machine.memory_total_bytes;
    out->memory_available_bytes = d->machine.memory_available_bytes;
    out->relay_memory_bytes = d->machine.relay_memory_bytes;
}

static uint64_t rate_bps(uint64_t bytes, uint64_t before, usec_t elapsed_us)
{
    return elapsed_us > 0 && bytes > before ? (bytes - before) * 8 * 1000000u / (uint64_t)elapsed_us
                                            : 0;
}

#define VOICE_PACKETS_MIN 20

/* Another stream counts from zero; of a few packets nothing can be said. */
static uint32_t voice_loss_permille(const struct shard_participant_stats *before,
                                    const struct shard_participant_stats *now)
{
    if (now->voice_expected < before->voice_expected + VOICE_PACKETS_MIN)
        return 0;
    uint64_t expected = now->voice_expected - before->voice_expected;
    uint64_t received = now->voice_received - before->voice_received;
    return received < expected ? (uint32_t)((expected - received) * 1000 / expected) : 0;
}

static void add_participant(struct director *d, usec_t now, struct control_room_stats *out,
                            struct director_participant *p)
{
    usec_t elapsed = p->reported_at != 0 ? now - p->reported_at : DIRECTOR_REPORT_US;
    size_t i = out->count++;
    (void)d;
    out->participants[i].participant = p->id;
    out->participants[i].bps_in = rate_bps(p->stats.bytes_in, p->reported.bytes_in, elapsed);
    out->participants[i].bps_out = rate_bps(p->stats.bytes_out, p->reported.bytes_out, elapsed);
    out->participants[i].loss_in_permille = p->stats.loss_in_permille;
    out->participants[i].voice_loss_in_permille = voice_loss_permille(&p->reported, &p->stats);
    out->participants[i].loss_out_permille = p->stats.loss_out_permille;
    out->participants[i].rtt_us = p->stats.rtt_us;
    out->participants[i].tcp = p->stats.tcp;
    out->participants[i].state = p->state;
    out->participants[i].delivery = p->stats.delivery;
    p->reported = p->stats;
    p->reported_at = now;
}

/* One walk over all participants for each room; rooms are few against participants. */
static void report_room(struct director *d, usec_t now, const struct director_room *room)
{
    uint32_t at = 0;
    struct pool_handle handle;
    struct director_participant *p;
    struct control_message *m = NULL;
    while ((p = pool_next(&d->participants, &at, &handle)) != NULL) {
        if (!p->present || p->room != room->id)
            continue;
        if (m != NULL && m->room_stats.count == CONTROL_ROOM_STATS_MAX) {
            m->room_stats.more = true;
            m = NULL;
        }
        if (m == NULL) {
            m = director_tell(d, CONTROL_ROOM_STATS);
            if (m == NULL)
                return;
            m->room_stats.room = room->id;
        }
        add_participant(d, now, &m->room_stats, p);
    }
}

void director_report(struct director *d, usec_t now)
{
    if (!d->connected)
        return;
    report_relay(d);
    uint32_t at = 0;
    struct pool_handle handle;
    const struct director_room *room;
    while ((room = pool_next(&d->rooms, &at, &handle)) != NULL)
        report_room(d, now, room);
}
