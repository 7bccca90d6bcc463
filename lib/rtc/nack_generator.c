#include "rtc/nack_generator.h"

#include <string.h>

struct nack_generator_config nack_generator_config_default(void)
{
    return (struct nack_generator_config){.reorder_wait_us = MILLISECONDS(10),
                                          .retry_min_us = MILLISECONDS(20),
                                          .retry_max_us = MILLISECONDS(400),
                                          .tries_max = 10,
                                          .missing_max = 250};
}

enum status nack_generator_init(struct nack_generator *nack,
                                const struct nack_generator_config *config)
{
    if (config->reorder_wait_us < 0 || config->retry_min_us <= 0 ||
        config->retry_max_us < config->retry_min_us || config->tries_max == 0 ||
        config->missing_max == 0 || config->missing_max > NACK_MISSING_MAX)
        return STATUS_CONFIG;
    *nack = (struct nack_generator){.config = *config};
    return STATUS_OK;
}

static void remove_at(struct nack_generator *nack, size_t index)
{
    nack->count--;
    memmove(&nack->missing[index], &nack->missing[index + 1],
            (nack->count - index) * sizeof nack->missing[0]);
}

static void remove_seq(struct nack_generator *nack, uint64_t seq)
{
    for (size_t i = 0; i < nack->count && nack->missing[i].seq <= seq; i++) {
        if (nack->missing[i].seq == seq) {
            remove_at(nack, i);
            return;
        }
    }
}

enum status nack_generator_handle_packet(struct nack_generator *nack, usec_t now, uint64_t seq)
{
    if (!nack->started) {
        nack->started = true;
        nack->highest = seq;
        return STATUS_OK;
    }
    if (seq <= nack->highest) {
        remove_seq(nack, seq);
        return STATUS_OK;
    }
    uint64_t gap = seq - nack->highest - 1;
    if (nack->count + gap > nack->config.missing_max) {
        nack->count = 0;
        nack->highest = seq;
        return STATUS_LIMIT;
    }
    for (uint64_t lost = nack->highest + 1; lost < seq; lost++) {
        nack->missing[nack->count].seq = lost;
        nack->missing[nack->count].due = now + nack->config.reorder_wait_us;
        nack->missing[nack->count].wait_us = 0;
        nack->missing[nack->count].tries = 0;
        nack->count++;
    }
    nack->highest = seq;
    return STATUS_OK;
}

size_t nack_generator_take_due(struct nack_generator *nack, usec_t now, usec_t rtt_us,
                               uint64_t *seqs, size_t capacity, size_t *given_up)
{
    size_t taken = 0;
    *given_up = 0;
    for (size_t i = 0; i < nack->count && taken < capacity;) {
        if (nack->missing[i].due > now) {
            i++;
            continue;
        }
        if (nack->missing[i].tries == nack->config.tries_max) {
            remove_at(nack, i);
            (*given_up)++;
            continue;
        }
        /* Each wait is a quarter longer than the last, from a round trip on. */
        usec_t wait = nack->missing[i].tries == 0 ? usec_max(rtt_us, nack->config.retry_min_us)
                                                  : nack->missing[i].wait_us;
        wait = usec_min(wait * 5 / 4, nack->config.retry_max_us);
        nack->missing[i].wait_us = wait;
        nack->missing[i].due = now + wait;
        nack->missing[i].tries++;
        seqs[taken++] = nack->missing[i].seq;
        i++;
    }
    return taken;
}

usec_t nack_generator_next_timeout(const struct nack_generator *nack)
{
    usec_t next = USEC_NEVER;
    for (size_t i = 0; i < nack->count; i++)
        next = usec_min(next, nack->missing[i].due);
    return next;
}

void nack_generator_forget_before(struct nack_generator *nack, uint64_t seq)
{
    size_t old = 0;
    while (old < nack->count && nack->missing[old].seq < seq)
        old++;
    nack->count -= old;
    memmove(&nack->missing[0], &nack->missing[old], nack->count * sizeof nack->missing[0]);
}
