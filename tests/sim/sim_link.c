#include "sim/sim_link.h"

#include "base/check.h"

#include <string.h>

/* --- Datagrams: both addresses, IPv4, stand where headers would. */

static void store_addr(uint8_t *at, const struct net_addr *addr)
{
    CHECK(addr->family == NET_FAMILY_IPV4);
    memcpy(at, addr->ip, 4);
    store_u16(at + 4, addr->port);
}

static struct net_addr load_addr(const uint8_t *at)
{
    struct net_addr addr = {.family = NET_FAMILY_IPV4, .port = load_u16(at + 4)};
    memcpy(addr.ip, at, 4);
    return addr;
}

static void arm(struct sim_link *link)
{
    sim_clock_arm(link->clock, &link->timer,
                  usec_min(link_model_next_timeout(link->models[LINK_DOWN]),
                           link_model_next_timeout(link->models[LINK_UP])));
}

static void deliver(void *owner, usec_t now)
{
    struct sim_link *link = owner;
    uint8_t copy[LINK_PACKET_BYTES_MAX];
    struct bytes packet;
    for (int d = 0; d < LINK_DIRECTION_COUNT; d++) {
        while (link_model_poll_packet(link->models[d], now, &packet)) {
            memcpy(copy, packet.data, packet.size);
            struct sim_link_datagram datagram = {
                .direction = (enum link_direction)d,
                .from = load_addr(copy),
                .to = load_addr(copy + 6),
                .data = {copy + SIM_LINK_OVERHEAD_BYTES, packet.size - SIM_LINK_OVERHEAD_BYTES}};
            link->arrive(link->owner, now, &datagram);
        }
    }
    arm(link);
}

void sim_link_send(struct sim_link *link, enum link_direction direction,
                   const struct net_addr *from, const struct net_addr *to, struct bytes data)
{
    uint8_t packet[LINK_PACKET_BYTES_MAX] = {0};
    CHECK(data.size + SIM_LINK_OVERHEAD_BYTES <= sizeof packet);
    store_addr(packet, from);
    store_addr(packet + 6, to);
    memcpy(packet + SIM_LINK_OVERHEAD_BYTES, data.data, data.size);
    link_model_handle_packet(link->models[direction], link->clock->now,
                             bytes_of(packet, data.size + SIM_LINK_OVERHEAD_BYTES));
    arm(link);
}

usec_t sim_link_text_delay(struct sim_link *link, enum link_direction direction, size_t bytes)
{
    const struct link_config *c = link_model_config(link->models[direction]);
    usec_t jitter = (usec_t)((2 * rng_fraction(&link->rng) - 1) * (double)c->jitter_us);
    usec_t delay = usec_max(0, c->delay_us + jitter);
    if (c->rate_bps > 0)
        delay += (usec_t)(bytes * 8 * 1000000 / c->rate_bps);
    return delay;
}

bool sim_link_loses_text(struct sim_link *link, enum link_direction direction)
{
    const struct link_config *c = link_model_config(link->models[direction]);
    return rng_fraction(&link->rng) < c->loss + c->burst_loss;
}

/* --- Settings */

void sim_link_set_direction(struct sim_link *link, enum link_direction direction,
                            struct link_config config)
{
    const struct link_config usual = link_config_default();
    config.queue_us = config.queue_us == 0 ? usual.queue_us : config.queue_us;
    config.burst_length = config.burst_length < 1 ? usual.burst_length : config.burst_length;
    CHECK(link_model_set_config(link->models[direction], link->clock->now, &config) == STATUS_OK);
    arm(link);
}

static void apply(struct sim_link *link, const struct link_change *change)
{
    for (int d = 0; d < LINK_DIRECTION_COUNT; d++) {
        struct link_config config = *link_model_config(link->models[d]);
        if (!change->applies[d])
            continue;
        link_change_apply(change, &config);
        sim_link_set_direction(link, (enum link_direction)d, config);
    }
}

static void apply_due(void *owner, usec_t now)
{
    struct sim_link *link = owner;
    size_t done = 0;
    for (; done < link->change_count && link->changes[done].at <= now; done++)
        apply(link, &link->changes[done]);
    link->change_count -= done;
    memmove(link->changes, link->changes + done, link->change_count * sizeof link->changes[0]);
    sim_clock_arm(link->clock, &link->script_timer,
                  link->change_count > 0 ? link->changes[0].at : USEC_NEVER);
}

void sim_link_play(struct sim_link *link, const char *script)
{
    link->change_count = 0;
    for (const char *line = script; *line != '\0';) {
        size_t size = strcspn(line, "\n");
        CHECK(link->change_count < SIM_LINK_CHANGES_MAX);
        struct link_change *change = &link->changes[link->change_count];
        CHECK(link_script_parse_line(bytes_of(line, size), change) == STATUS_OK);
        change->at += link->clock->now;
        CHECK(link->change_count == 0 || change[-1].at <= change->at);
        link->change_count += change->setting_count > 0 ? 1 : 0;
        line += size + (line[size] == '\n' ? 1 : 0);
    }
    apply_due(link, link->clock->now);
}

/* --- Life */

void sim_link_init(struct sim_link *link, struct sim_clock *clock, uint64_t seed, void *owner,
                   void (*arrive)(void *owner, usec_t now, struct sim_link_datagram *datagram))
{
    *link = (struct sim_link){
        .clock = clock, .rng = rng_of_seed(seed), .owner = owner, .arrive = arrive};
    link->timer.fire = deliver;
    link->timer.owner = link;
    link->script_timer.fire = apply_due;
    link->script_timer.owner = link;
    for (int d = 0; d < LINK_DIRECTION_COUNT; d++)
        CHECK(link_model_create(&link->models[d], rng_next(&link->rng)) == STATUS_OK);
}

void sim_link_destroy(struct sim_link *link)
{
    sim_clock_arm(link->clock, &link->timer, USEC_NEVER);
    sim_clock_arm(link->clock, &link->script_timer, USEC_NEVER);
    for (int d = 0; d < LINK_DIRECTION_COUNT; d++)
        link_model_free(link->models[d]);
}
