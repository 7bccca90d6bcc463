#include "relay/shell/control_loop.h"

#include "host/host_clock.h"
#include "host/service_notify.h"
#include "host/signals.h"
#include "relay/shell/machine_stats.h"

#include <errno.h>

#define MEASURE_US SECONDS(1)
#define SHARD_HANGS_AFTER_US SECONDS(5)
#define RING_FULL_RETRY_US MILLISECONDS(1)

enum { FD_SIGNAL, FD_RINGS, FD_CONTROL, FD_COUNT = FD_CONTROL + CONTROL_LINK_FDS };

struct control_loop {
    const struct control_loop_config *config;
    struct shard_link link;
    struct machine_stats machine;
    usec_t measure_at;
    /* An order whose ring is full waits here, and those behind it in the director. */
    bool held;
    uint32_t held_shard;
    struct shard_message held_message;
    bool more, stopping;
};

static bool deliver(struct control_loop *l, uint32_t shard, const struct shard_message *message)
{
    struct shard_message *slot = shard_link_reserve(&l->link, shard);
    if (slot == NULL)
        return false;
    *slot = *message;
    shard_link_commit(&l->link, shard);
    return true;
}

static void deliver_orders(struct control_loop *l)
{
    const struct shard_message *message;
    if (l->held && !deliver(l, l->held_shard, &l->held_message))
        return;
    l->held = false;
    while (!l->held && director_poll_shard(l->config->director, &l->held_shard, &message)) {
        if (deliver(l, l->held_shard, message))
            continue;
        l->held = true;
        l->held_message = *message;
        log_warn(&l->config->log, "shard_ring_full", "shard=%u", l->held_shard);
    }
}

/* Systemd's watchdog is fed for the shards: when one hangs, the service is to be started again. */
static void measure(struct control_loop *l, usec_t now)
{
    struct director_machine machine;
    bool all_turn = true;
    machine_stats_read(&l->machine, &machine);
    director_set_machine(l->config->director, &machine);
    for (uint32_t i = 0; i < l->config->shard_count; i++) {
        struct shard_load load = shard_get_load(l->config->shards[i]);
        director_set_shard_load(l->config->director, i, load.cpu_permille, load.loop_p50_us,
                                load.loop_p99_us);
        if (now - load.turned_at < SHARD_HANGS_AFTER_US)
            continue;
        all_turn = false;
        log_error(&l->config->log, "shard_hangs", "shard=%u", i);
    }
    if (all_turn)
        service_notify_watchdog();
    l->measure_at = now + MEASURE_US;
}

static void handle_signals(struct control_loop *l)
{
    for (enum signals_event event; (event = signals_read(l->config->signal_fd)) != SIGNALS_NONE;) {
        if (event == SIGNALS_STOP)
            l->stopping = true;
    }
}

static void handle_shards(struct control_loop *l, usec_t now)
{
    const struct shard_message *message;
    while (shard_link_next(&l->link, &message))
        director_handle_shard(l->config->director, now, message);
    l->more = shard_link_release(&l->link);
}

static int wait_ms(const struct control_loop *l, usec_t now)
{
    usec_t until = usec_min(director_next_timeout(l->config->director),
                            control_link_next_timeout(l->config->control));
    until = usec_min(until, l->measure_at);
    if (l->held)
        until = usec_min(until, now + RING_FULL_RETRY_US);
    if (l->more || until <= now)
        return 0;
    return (int)((until - now + 999) / 1000);
}

static enum status turn(struct control_loop *l)
{
    const struct control_loop_config *c = l->config;
    struct pollfd fds[FD_COUNT];
    fds[FD_SIGNAL] = (struct pollfd){.fd = c->signal_fd, .events = POLLIN};
    fds[FD_RINGS] = (struct pollfd){.fd = shard_link_get_fd(&l->link), .events = POLLIN};
    control_link_prepare(c->control, &fds[FD_CONTROL]);
    if (poll(fds, FD_COUNT, wait_ms(l, host_clock_now())) < 0 && errno != EINTR)
        return STATUS_SYSTEM;
    usec_t now = host_clock_now();
    if (fds[FD_SIGNAL].revents != 0)
        handle_signals(l);
    if (fds[FD_RINGS].revents != 0)
        shard_link_drain_fd(&l->link);
    handle_shards(l, now);
    control_link_handle(c->control, now, &fds[FD_CONTROL]);
    if (now >= l->measure_at)
        measure(l, now);
    if (director_next_timeout(c->director) <= now)
        director_handle_timeout(c->director, now);
    deliver_orders(l);
    shard_link_wake(&l->link);
    control_link_flush(c->control, now);
    return STATUS_OK;
}

enum status control_loop_run(const struct control_loop_config *config)
{
    struct control_loop l = {.config = config};
    enum status status = STATUS_OK;
    shard_link_init(&l.link, config->links, config->shard_count);
    measure(&l, host_clock_now());
    while (!l.stopping && status == STATUS_OK)
        status = turn(&l);
    if (l.held && l.held_message.type == SHARD_PARTICIPANT_ADD)
        free(l.held_message.participant_add);
    return status;
}
