#include "relay/core/tx_batch.h"

enum status tx_batch_init(struct tx_batch *tx, uint32_t receivers, uint32_t capacity,
                          const struct tx_sink *sink, struct relay_stats *stats)
{
    if (receivers == 0 || capacity == 0)
        return STATUS_CONFIG;
    *tx = (struct tx_batch){
        .capacity = capacity, .receiver_count = receivers, .sink = *sink, .stats = stats};
    tx->entries = calloc(capacity, sizeof *tx->entries);
    tx->touched = calloc(receivers, sizeof *tx->touched);
    tx->receivers = calloc(receivers, sizeof *tx->receivers);
    tx->packets = calloc(TX_BURST, sizeof *tx->packets);
    if (tx->entries != NULL && tx->touched != NULL && tx->receivers != NULL && tx->packets != NULL)
        return STATUS_OK;
    tx_batch_destroy(tx);
    return STATUS_NO_MEMORY;
}

void tx_batch_destroy(struct tx_batch *tx)
{
    free(tx->entries);
    free(tx->touched);
    free(tx->receivers);
    free(tx->packets);
    *tx = (struct tx_batch){0};
}

void tx_batch_set_receiver(struct tx_batch *tx, uint32_t index, struct transport *transport)
{
    CHECK(index < tx->receiver_count);
    tx->receivers[index].transport = transport;
}

static void send_burst(struct tx_batch *tx)
{
    size_t failed = 0;
    if (tx->burst_count == 0)
        return;
    size_t sent = tx->sink.send(tx->sink.context, tx->burst, tx->burst_count, &failed);
    tx->stats->packets_out += sent;
    tx->stats->drops[DROP_SEND_FAILED] += failed;
    tx->stats->drops[DROP_SEND_BLOCKED] += tx->burst_count - sent - failed;
    tx->burst_count = 0;
}

static void commit_packet(struct tx_batch *tx, const struct net_addr *to, size_t size)
{
    tx->burst[tx->burst_count] =
        (struct tx_datagram){.to = *to, .data = bytes_of(tx->packets[tx->burst_count], size)};
    tx->stats->bytes_out += size;
    if (++tx->burst_count == TX_BURST)
        send_burst(tx);
}

void tx_batch_add_raw(struct tx_batch *tx, const struct net_addr *to, struct bytes data)
{
    if (data.size > TX_PACKET_BYTES || data.size == 0)
        return;
    memcpy(tx->packets[tx->burst_count], data.data, data.size);
    commit_packet(tx, to, data.size);
}

void tx_batch_add_sealed_rtcp(struct tx_batch *tx, usec_t now, uint32_t receiver, struct bytes data)
{
    CHECK(receiver < tx->receiver_count);
    struct tx_receiver *r = &tx->receivers[receiver];
    struct net_addr to;
    uint8_t *packet = tx->packets[tx->burst_count];
    size_t size = data.size;
    if (size + TRANSPORT_SEAL_BYTES > TX_PACKET_BYTES || r->transport == NULL)
        return;
    if (!transport_get_remote(r->transport, now, &to)) {
        tx->stats->drops[DROP_NO_ADDRESS]++;
        return;
    }
    memcpy(packet, data.data, size);
    if (transport_protect_rtcp(r->transport, packet, &size) != STATUS_OK)
        tx->stats->drops[DROP_SEAL_FAILED]++;
    else
        commit_packet(tx, &to, size);
}

struct tx_entry *tx_batch_add(struct tx_batch *tx, usec_t now, uint32_t receiver,
                              enum tx_class class, struct bytes payload)
{
    CHECK(receiver < tx->receiver_count);
    if (tx->used == tx->capacity)
        tx_batch_flush(tx, now);
    struct tx_receiver *r = &tx->receivers[receiver];
    if (!r->queued) {
        r->queued = true;
        tx->touched[tx->touched_count++] = receiver;
    }
    uint32_t place = ++tx->used; /* index + 1 */
    if (r->tail[class] != 0)
        tx->entries[r->tail[class] - 1].next = place;
    else
        r->head[class] = place;
    r->tail[class] = place;
    struct tx_entry *entry = &tx->entries[place - 1];
    entry->next = 0;
    entry->payload = payload;
    entry->header_bytes = 0;
    return entry;
}

static void send_entry(struct tx_batch *tx, const struct tx_receiver *r,
                       const struct tx_entry *entry)
{
    uint8_t *packet = tx->packets[tx->burst_count];
    size_t size = (size_t)entry->header_bytes + entry->payload.size;
    if (size + TRANSPORT_SEAL_BYTES > TX_PACKET_BYTES) {
        tx->stats->drops[DROP_TOO_LONG]++;
        return;
    }
    memcpy(packet, entry->header, entry->header_bytes);
    if (entry->payload.size > 0)
        memcpy(packet + entry->header_bytes, entry->payload.data, entry->payload.size);
    if (transport_protect_rtp(r->transport, packet, &size) != STATUS_OK) {
        tx->stats->drops[DROP_SEAL_FAILED]++;
        return;
    }
    commit_packet(tx, &r->to, size);
}

/* One class of all receivers; each receiver's packets in a row. */
static void send_class(struct tx_batch *tx, enum tx_class class)
{
    for (uint32_t i = 0; i < tx->touched_count; i++) {
        struct tx_receiver *r = &tx->receivers[tx->touched[i]];
        for (uint32_t at = r->head[class]; at != 0; at = tx->entries[at - 1].next) {
            if (r->has_address)
                send_entry(tx, r, &tx->entries[at - 1]);
            else
                tx->stats->drops[DROP_NO_ADDRESS]++;
        }
        r->head[class] = r->tail[class] = 0;
    }
}

void tx_batch_flush(struct tx_batch *tx, usec_t now)
{
    for (uint32_t i = 0; i < tx->touched_count; i++) {
        struct tx_receiver *r = &tx->receivers[tx->touched[i]];
        r->queued = false;
        r->has_address = r->transport != NULL && transport_get_remote(r->transport, now, &r->to);
    }
    send_class(tx, TX_CLASS_FIRST);
    send_class(tx, TX_CLASS_VIDEO);
    send_burst(tx);
    tx->touched_count = 0;
    tx->used = 0;
}
