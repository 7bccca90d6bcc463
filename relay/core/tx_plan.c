#include "relay/core/tx_plan.h"

#include <stdlib.h>

struct bytes tx_message_get(const struct tx_message *m, size_t index)
{
    size_t at = index * m->segment_bytes;
    size_t left = m->data.size - at;
    return bytes_of(m->data.data + at, left < m->segment_bytes ? left : m->segment_bytes);
}

enum status tx_plan_create(struct tx_plan **out, const struct tx_sink *sink,
                           struct relay_stats *stats)
{
    struct tx_plan *p = calloc(1, sizeof *p);
    if (p == NULL)
        return STATUS_NO_MEMORY;
    enum status status = srtp_worker_create(&p->worker);
    if (status != STATUS_OK) {
        free(p);
        return status;
    }
    p->sink = *sink;
    p->stats = stats;
    *out = p;
    return STATUS_OK;
}

void tx_plan_free(struct tx_plan *p)
{
    if (p == NULL)
        return;
    srtp_worker_free(p->worker);
    free(p);
}

/* --- Sending */

static void hand_over(struct tx_plan *p, const struct tx_message *messages, size_t count)
{
    size_t failed = 0;
    size_t datagrams = 0;
    for (size_t i = 0; i < count; i++) {
        datagrams += messages[i].segments;
        p->stats->bytes_out += messages[i].data.size;
    }
    size_t sent = p->sink.send(p->sink.context, messages, count, &failed);
    p->stats->packets_out += sent;
    p->stats->drops[DROP_SEND_FAILED] += failed;
    p->stats->drops[DROP_SEND_BLOCKED] += datagrams - sent - failed;
}

/* A message with packets that could not be sealed: what lies between them goes on its own. */
static void hand_over_rest(struct tx_plan *p, const struct tx_message *m,
                           const struct tx_plan_part *part)
{
    for (size_t i = 0; i < part->jobs;) {
        size_t n = 0;
        while (i + n < part->jobs && !p->failed[part->first_job + i + n])
            n++;
        if (n > 0) {
            struct bytes last = tx_message_get(m, i + n - 1);
            struct tx_message rest = *m;
            rest.data.data = m->data.data + i * m->segment_bytes;
            rest.data.size = (size_t)(last.data + last.size - rest.data.data);
            rest.segments = (uint16_t)n;
            hand_over(p, &rest, 1);
            i += n;
            continue;
        }
        p->stats->drops[DROP_SEAL_FAILED]++;
        i++;
    }
}

static bool is_whole(const struct tx_plan *p, const struct tx_plan_part *part)
{
    for (size_t i = 0; i < part->jobs; i++) {
        if (p->failed[part->first_job + i])
            return false;
    }
    return true;
}

static void note_sealed(struct tx_plan *p, size_t place, enum status status)
{
    p->failed[place] = status != STATUS_OK;
    p->has_failed = p->has_failed || status != STATUS_OK;
}

static void seal_waiting(struct tx_plan *p)
{
    srtp_sender_protect_rtp(p->worker, p->jobs, p->waiting);
    for (size_t i = 0; i < p->waiting; i++)
        note_sealed(p, p->places[i], p->jobs[i].status);
    p->waiting = 0;
}

void tx_plan_emit(struct tx_plan *p)
{
    size_t first = 0;
    seal_waiting(p);
    for (size_t i = 0; p->has_failed && i < p->count; i++) {
        if (is_whole(p, &p->parts[i]))
            continue;
        if (i > first)
            hand_over(p, p->messages + first, i - first);
        hand_over_rest(p, &p->messages[i], &p->parts[i]);
        first = i + 1;
    }
    if (p->count > first)
        hand_over(p, p->messages + first, p->count - first);
    p->count = p->job_count = p->committed = p->used = 0;
    p->has_failed = false;
}

/* --- Putting together */

uint8_t *tx_plan_make_room(struct tx_plan *p, size_t bytes, size_t jobs)
{
    if (p->count == TX_MESSAGES || p->job_count + jobs > TX_JOBS ||
        p->used + bytes > TX_BLOCK_BYTES)
        tx_plan_emit(p);
    return p->block + p->used;
}

void tx_plan_add_job(struct tx_plan *p, const struct srtp_job *job)
{
    CHECK(p->job_count < TX_JOBS);
    size_t place = p->job_count++;
    if (srtp_sender_gains_by_bursts(job->sender)) {
        p->places[p->waiting] = (uint16_t)place;
        p->jobs[p->waiting++] = *job;
        return;
    }
    struct srtp_job now = *job;
    srtp_sender_protect_rtp(NULL, &now, 1);
    note_sealed(p, place, now.status);
}

void tx_plan_commit(struct tx_plan *p, const struct tx_message *message, size_t bytes)
{
    CHECK(p->count < TX_MESSAGES && bytes <= TX_BLOCK_BYTES - p->used);
    struct tx_message *m = &p->messages[p->count];
    *m = *message;
    m->data = bytes_of(p->block + p->used, bytes);
    p->parts[p->count++] =
        (struct tx_plan_part){(uint16_t)p->committed, (uint16_t)(p->job_count - p->committed)};
    p->committed = p->job_count;
    p->used += bytes;
}
