/* What a shard tells the director every two seconds. */
#include "relay/core/shard_private.h"

static uint32_t worst_loss_in(const struct participant *p)
{
    uint32_t worst = 0;
    for (size_t slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        for (size_t e = 0; p->publications[slot] != NULL && e < CONTROL_ENCODINGS_MAX; e++) {
            uint32_t loss =
                (uint32_t)p->publications[slot]->encodings[e].received.fraction_lost * 1000 / 256;
            worst = loss > worst ? loss : worst;
        }
    }
    return worst;
}

/* What is not there yet may still come: it is counted over two seconds. */
static void count_voice_in(const struct participant *p, struct shard_participant_stats *out)
{
    const struct publication *mic = p->publications[SEND_SLOT_MIC];
    if (mic == NULL || !mic->encodings[0].received.started)
        return;
    const struct receive_stats *s = &mic->encodings[0].received;
    out->voice_expected = s->highest - s->base_seq + 1;
    out->voice_received = s->received;
}

static enum control_media_state state_of(const struct participant *p)
{
    switch (transport_get_state(p->transport)) {
    case TRANSPORT_CONNECTED:
        return CONTROL_MEDIA_CONNECTED;
    case TRANSPORT_QUIET:
        return CONTROL_MEDIA_QUIET;
    case TRANSPORT_CLOSED:
        return CONTROL_MEDIA_CLOSED;
    default:
        return CONTROL_MEDIA_CONNECTING;
    }
}

static bool is_over_tcp(const struct participant *p, usec_t now)
{
    struct net_addr to;
    return transport_get_remote(p->transport, now, &to) && to.protocol == NET_PROTOCOL_TCP;
}

static void report_participants(struct shard_core *c, usec_t now)
{
    uint32_t at = 0;
    struct pool_handle handle;
    struct participant *p;
    struct shard_message *m = NULL;
    uint32_t director = c->config.shard_count;
    while ((p = pool_next(&c->participants, &at, &handle)) != NULL) {
        if (m == NULL) {
            m = shard_reserve(c, director, SHARD_PARTICIPANT_STATS);
            if (m == NULL)
                return;
            m->participant_stats.count = 0;
        }
        struct shard_participant_stats *out =
            &m->participant_stats.list[m->participant_stats.count++];
        *out = (struct shard_participant_stats){.room = p->room->id,
                                                .participant = p->id,
                                                .bytes_in = p->bytes_in,
                                                .bytes_out =
                                                    tx_batch_get_bytes(c->tx, p->handle.index),
                                                .loss_in_permille = worst_loss_in(p),
                                                .loss_out_permille = p->loss_out_permille,
                                                .rtt_us = (uint32_t)p->rtt_us,
                                                .tcp = is_over_tcp(p, now),
                                                .state = state_of(p)};
        count_voice_in(p, out);
        shard_assess_delivery(now, p, &out->delivery);
        if (m->participant_stats.count == SHARD_STATS_PARTICIPANTS) {
            shard_commit(c, director);
            m = NULL;
        }
    }
    if (m != NULL)
        shard_commit(c, director);
}

void shard_report(struct shard_core *c, usec_t now)
{
    struct shard_message *m = shard_reserve(c, c->config.shard_count, SHARD_STATS);
    if (m != NULL) {
        m->stats.participants = c->participants.used;
        m->stats.publications = c->publication_count;
        m->stats.counters = c->stats;
        shard_commit(c, c->config.shard_count);
    }
    report_participants(c, now);
}
