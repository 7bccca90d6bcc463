#include "rtc/bwe_probe.h"

#define PACKETS_MIN 5
#define PACKETS_BYTES_MIN 3000 /* fewer packets will do when they are large */
#define RUN_US_MAX MILLISECONDS(250)
#define SLOW_FACTOR 2 /* as long as it should take, and a timer's tick: then it is no cluster */
#define SLOW_US MILLISECONDS(10)
#define BACKOFF_FIRST_US SECONDS(1)
#define ARRIVED_SHARE_MIN 0.6
#define PASSED_SHARE 0.9
#define JITTER_PART 3 /* of its time: more, and any line would seem to carry it */
#define RATE_MAX_BPS 1000000000u

static uint8_t next_cluster(const struct bwe_probe *p)
{
    uint8_t cluster = (uint8_t)(p->cluster + 1);
    return cluster != 0 ? cluster : 1;
}

void bwe_probe_begin(struct bwe_probe *p, usec_t now, uint64_t rate_bps, uint32_t bytes)
{
    *p = (struct bwe_probe){.state = BWE_PROBE_RUNNING,
                            .cluster = next_cluster(p),
                            .lacks_padding = p->lacks_padding,
                            .rate_bps = rate_bps,
                            .began_at = now,
                            .backoff_us = p->backoff_us,
                            .bytes_wanted = bytes};
}

static bool is_complete(const struct bwe_probe *p)
{
    return p->sent_bytes >= p->bytes_wanted &&
           (p->sent >= PACKETS_MIN || p->sent_bytes >= PACKETS_BYTES_MIN);
}

/* What has left is too far apart to show anything: voice, while nothing else waits. */
static bool is_slow(const struct bwe_probe *p, usec_t now)
{
    usec_t due_us = (usec_t)((uint64_t)p->sent_bytes * 8 * 1000000 / p->rate_bps);
    return p->sent > 0 && now - p->first_sent_at > SLOW_FACTOR * due_us + SLOW_US;
}

/* The packet that leaves now is the first one. */
static void begin_again(struct bwe_probe *p)
{
    p->cluster = next_cluster(p);
    p->sent = p->sent_bytes = 0;
    p->arrived = p->arrived_bytes = p->lost = 0;
}

uint8_t bwe_probe_handle_send(struct bwe_probe *p, usec_t now, size_t bytes)
{
    if (p->state != BWE_PROBE_RUNNING)
        return 0;
    if (p->lacks_padding && is_slow(p, now))
        begin_again(p);
    if (p->sent == 0)
        p->first_sent_at = now;
    p->last_sent_at = now;
    p->last_bytes = (uint16_t)bytes;
    p->sent++;
    p->sent_bytes += (uint32_t)bytes;
    if (is_complete(p)) {
        p->state = BWE_PROBE_WAITING;
        p->ended_at = now;
    }
    return p->cluster;
}

void bwe_probe_handle_fate(struct bwe_probe *p, uint8_t cluster, usec_t arrival, size_t bytes,
                           bool lost)
{
    if (p->state == BWE_PROBE_IDLE || cluster == 0 || cluster != p->cluster)
        return;
    if (lost) {
        p->lost++;
        return;
    }
    if (p->arrived == 0) {
        p->first_arrival = p->last_arrival = arrival;
        p->first_bytes = (uint16_t)bytes;
    }
    p->first_arrival = usec_min(p->first_arrival, arrival);
    p->last_arrival = usec_max(p->last_arrival, arrival);
    p->arrived++;
    p->arrived_bytes += (uint32_t)bytes;
}

static uint64_t rate_of(uint64_t bytes, usec_t us)
{
    uint64_t rate = us > 0 ? bytes * 8 * 1000000 / (uint64_t)us : RATE_MAX_BPS;
    return rate < RATE_MAX_BPS ? rate : RATE_MAX_BPS;
}

static enum bwe_probe_outcome judge(const struct bwe_probe *p, usec_t jitter_us, uint64_t *bps)
{
    if (p->arrived < 3 || (double)p->arrived_bytes < ARRIVED_SHARE_MIN * p->sent_bytes)
        return BWE_PROBE_FAILED;
    usec_t sent_us = p->last_sent_at - p->first_sent_at;
    usec_t arrival_us = p->last_arrival - p->first_arrival;
    jitter_us = usec_min(jitter_us, sent_us / JITTER_PART);
    if (arrival_us > sent_us)
        arrival_us = usec_max(arrival_us - jitter_us, sent_us);
    uint64_t sent = rate_of(p->sent_bytes - p->last_bytes, sent_us);
    uint64_t arrived = rate_of(p->arrived_bytes - p->first_bytes, arrival_us);
    bool passed = (double)arrived >= PASSED_SHARE * (double)sent;
    *bps = arrived < sent ? arrived : sent;
    return passed ? BWE_PROBE_PASSED : BWE_PROBE_LIMITED;
}

enum bwe_probe_outcome bwe_probe_take_outcome(struct bwe_probe *p, usec_t now, usec_t patience_us,
                                              usec_t jitter_us, uint64_t *bps)
{
    if (p->state == BWE_PROBE_RUNNING && now - p->began_at > RUN_US_MAX) {
        p->state = p->lacks_padding ? BWE_PROBE_IDLE : BWE_PROBE_WAITING;
        p->ended_at = now; /* there was nothing to send it with */
        if (p->lacks_padding)
            return BWE_PROBE_UNUSED;
    }
    if (p->state != BWE_PROBE_WAITING ||
        (p->arrived + p->lost < p->sent && now - p->ended_at < patience_us))
        return BWE_PROBE_NONE;
    p->state = BWE_PROBE_IDLE;
    return judge(p, jitter_us, bps);
}

void bwe_probe_allow_after(struct bwe_probe *p, usec_t now, usec_t delay_us)
{
    p->backoff_us = 0;
    p->next_at = now + delay_us;
}

void bwe_probe_put_off(struct bwe_probe *p, usec_t now, usec_t backoff_max_us)
{
    p->backoff_us = p->backoff_us == 0 ? BACKOFF_FIRST_US : p->backoff_us * 2;
    p->backoff_us = usec_min(p->backoff_us, backoff_max_us);
    p->next_at = now + p->backoff_us;
}

void bwe_probe_abort(struct bwe_probe *p, usec_t now)
{
    if (p->state != BWE_PROBE_RUNNING)
        return;
    p->state = BWE_PROBE_IDLE;
    p->next_at = now;
}
