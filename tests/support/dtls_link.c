#include "support/dtls_link.h"

void virtual_time_set(usec_t now);

static void set_now(struct dtls_link *link, usec_t now)
{
    link->now = now;
    virtual_time_set(now);
}

void dtls_link_init(struct dtls_link *link, usec_t now)
{
    *link = (struct dtls_link){0};
    CHECK(dtls_context_create(&link->client_context) == STATUS_OK);
    CHECK(dtls_context_create(&link->server_context) == STATUS_OK);
    dtls_link_reset(link, now);
}

static void free_sides(struct dtls_link *link)
{
    dtls_free(link->client);
    dtls_free(link->server);
    link->client = link->server = NULL;
}

void dtls_link_destroy(struct dtls_link *link)
{
    free_sides(link);
    dtls_context_free(link->client_context);
    dtls_context_free(link->server_context);
}

void dtls_link_reset(struct dtls_link *link, usec_t now)
{
    static const struct log silent = {0};
    uint8_t client[FINGERPRINT_BYTES];
    uint8_t server[FINGERPRINT_BYTES];
    free_sides(link);
    set_now(link, now);
    dtls_context_get_fingerprint(link->client_context, client);
    dtls_context_get_fingerprint(link->server_context, server);
    CHECK(dtls_create(&link->client, now, link->client_context, DTLS_ROLE_CLIENT, server,
                      &silent) == STATUS_OK);
    CHECK(dtls_create(&link->server, now, link->server_context, DTLS_ROLE_SERVER, client,
                      &silent) == STATUS_OK);
    link->drop_mask = 0;
    link->rests = false;
    link->loss_percent = link->duplicate_percent = 0;
    link->delay_us = MILLISECONDS(10);
    link->jitter_us = 0;
    link->rng = rng_of_seed(1);
    link->sent = link->flying_count = 0;
}

void dtls_link_send(struct dtls_link *link, bool to_server, struct bytes data, usec_t delay_us)
{
    CHECK(link->flying_count < DTLS_LINK_FLYING_MAX && data.size <= DTLS_DATAGRAM_BYTES_MAX);
    struct dtls_flying *f = &link->flying[link->flying_count++];
    f->at = link->now + delay_us;
    f->to_server = to_server;
    f->size = data.size;
    memcpy(f->data, data.data, data.size);
}

static bool is_chance(struct dtls_link *link, unsigned percent)
{
    return rng_below(&link->rng, 100) < percent;
}

static void collect_side(struct dtls_link *link, struct dtls *from, bool to_server)
{
    struct bytes data;
    while (dtls_poll_datagram(from, &data)) {
        size_t number = link->sent++;
        if ((number < 64 && (link->drop_mask >> number & 1) != 0) ||
            is_chance(link, link->loss_percent))
            continue;
        size_t copies = is_chance(link, link->duplicate_percent) ? 2 : 1;
        for (size_t i = 0; i < copies; i++)
            dtls_link_send(link, to_server, data,
                           link->delay_us +
                               (usec_t)rng_below(&link->rng, (uint64_t)link->jitter_us));
    }
}

void dtls_link_collect(struct dtls_link *link)
{
    collect_side(link, link->client, true);
    collect_side(link, link->server, false);
}

/* The next to arrive, in the order of sending when several arrive at once. */
static struct dtls_flying *find_next(struct dtls_link *link)
{
    struct dtls_flying *next = NULL;
    for (size_t i = 0; i < link->flying_count; i++) {
        if (next == NULL || link->flying[i].at < next->at)
            next = &link->flying[i];
    }
    return next;
}

static void deliver(struct dtls_link *link, struct dtls_flying *f)
{
    struct dtls_flying arrived = *f;
    size_t index = (size_t)(f - link->flying);
    link->flying_count--;
    memmove(f, f + 1, (link->flying_count - index) * sizeof *f);
    struct dtls *to = arrived.to_server ? link->server : link->client;
    (void)!dtls_handle_datagram(to, link->now, bytes_of(arrived.data, arrived.size));
}

static void rest(struct dtls *d, struct media_keys *keys)
{
    if (dtls_get_state(d) == DTLS_CONNECTED && dtls_export_keys(d, keys) == STATUS_OK)
        dtls_rest(d);
}

static bool is_handshaking(const struct dtls *d)
{
    return dtls_get_state(d) == DTLS_NEW || dtls_get_state(d) == DTLS_HANDSHAKING;
}

bool dtls_link_run(struct dtls_link *link, usec_t deadline)
{
    dtls_start(link->client, link->now);
    for (;;) {
        dtls_link_collect(link);
        struct dtls_flying *f = find_next(link);
        if (f == NULL && !is_handshaking(link->client) && !is_handshaking(link->server))
            break;
        usec_t next = usec_min(dtls_next_timeout(link->client, link->now),
                               dtls_next_timeout(link->server, link->now));
        if (f != NULL && f->at <= next)
            next = f->at;
        if (next >= deadline)
            break;
        set_now(link, usec_max(next, link->now));
        if (f != NULL && f->at <= link->now)
            deliver(link, f);
        dtls_handle_timeout(link->client, link->now);
        dtls_handle_timeout(link->server, link->now);
        if (link->rests) {
            rest(link->client, &link->client_keys);
            rest(link->server, &link->server_keys);
        }
    }
    return dtls_get_state(link->client) == DTLS_CONNECTED &&
           dtls_get_state(link->server) == DTLS_CONNECTED;
}
