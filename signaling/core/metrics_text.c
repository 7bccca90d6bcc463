/* /metrics in Prometheus' text format. Labels are bounded: shards, roles, reasons and codes; never
 * a class or a person. */
#include "signaling/core/service_internal.h"

#include <inttypes.h>

static void describe(struct text_json *text, const char *name, const char *type, const char *help)
{
    text_json_raw(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_one(struct text_json *text, const char *name, const char *type, const char *help,
                      uint64_t value)
{
    describe(text, name, type, help);
    text_json_raw(text, "%s %" PRIu64 "\n", name, value);
}

static void write_rooms(const struct service *service, struct text_json *text)
{
    size_t count[ROLE_COUNT] = {0};
    size_t here = 0;
    for (size_t i = 0; i < service->registry.class_count; i++) {
        const struct classroom *classroom = service->registry.classes[i];
        for (size_t role = 0; role < ROLE_COUNT; role++)
            count[role] += classroom->count[role];
    }
    for (const struct connection *c = service->first_connection; c != NULL; c = c->next)
        here += c->participant != NULL;
    write_one(text, "amphi_rooms", "gauge", "Open classes.", service->registry.class_count);
    describe(text, "amphi_participants", "gauge", "Participants by role.");
    for (size_t role = 0; role < ROLE_COUNT; role++)
        text_json_raw(text, "amphi_participants{role=\"%s\"} %zu\n", role_name((enum role)role),
                      count[role]);
    describe(text, "amphi_connections", "gauge", "WebSockets by state.");
    text_json_raw(text, "amphi_connections{state=\"authenticated\"} %zu\n", here);
    text_json_raw(text, "amphi_connections{state=\"unauthenticated\"} %zu\n",
                  service->unauthenticated);
}

#define DELIVERY_METRIC_LIST(X)                                                                    \
    X("reached", state_is_fine)                                                                    \
    X("unknown", state.unknown)                                                                    \
    X("deaf", state.deaf)                                                                          \
    X("poor", state.poor)                                                                          \
    X("blind", state.blind)                                                                        \
    X("late", state.behind_s > 0)                                                                  \
    X("reduced", state.reduced)

/* Learners by what reaches them; one may be in several. */
static void write_delivery(const struct service *service, struct text_json *text)
{
    enum {
        KIND_COUNT = 0
#define X(name, belongs) +1
        DELIVERY_METRIC_LIST(X)
#undef X
    };
    static const char *const names[KIND_COUNT] = {
#define X(name, belongs) name,
        DELIVERY_METRIC_LIST(X)
#undef X
    };
    size_t counts[KIND_COUNT] = {0};
    for (size_t i = 0; i < service->registry.class_count; i++) {
        for (const struct participant *p = service->registry.classes[i]->first; p != NULL;
             p = p->next) {
            struct delivery_state state = participant_get_delivery(p);
            bool state_is_fine = delivery_is_fine(state);
            size_t kind = 0;
            if (p->record.role != ROLE_LEARNER)
                continue;
#define X(name, belongs) counts[kind++] += (belongs) ? 1 : 0;
            DELIVERY_METRIC_LIST(X)
#undef X
        }
    }
    describe(text, "amphi_learners", "gauge", "Learners by what is known to reach them.");
    for (size_t kind = 0; kind < KIND_COUNT; kind++)
        text_json_raw(text, "amphi_learners{delivery=\"%s\"} %zu\n", names[kind], counts[kind]);
}

static void write_service(const struct service *service, struct text_json *text)
{
    const struct service_counters *counters = &service->counters;
    write_one(text, "amphi_messages_total", "counter", "WebSocket messages received.",
              counters->messages);
    write_one(text, "amphi_joins_total", "counter", "Participants who came in.", counters->joins);
    write_one(text, "amphi_resumes_total", "counter", "Pages that came back.", counters->resumes);
    write_one(text, "amphi_store_errors_total", "counter", "Failures of the store.",
              counters->store_errors);
    write_one(text, "amphi_relay_refusals_total", "counter", "Requests that a relay refused.",
              counters->relay_errors);
    write_one(text, "amphi_outputs_dropped_total", "counter", "Texts that found no room.",
              service->outputs.dropped);
    describe(text, "amphi_requests_total", "counter", "Requests by outcome.");
    for (size_t code = 0; code < CLIENT_ERROR_COUNT; code++)
        text_json_raw(text, "amphi_requests_total{code=\"%s\"} %" PRIu64 "\n",
                      client_error_name((enum client_error)code), counters->requests[code]);
}

#define SHARD_METRIC_LIST(X)                                                                       \
    X("amphi_shard_participants", "gauge", "Transports on a shard.", participants)                 \
    X("amphi_packets_in_total", "counter", "Datagrams received.", packets_in)                      \
    X("amphi_packets_out_total", "counter", "Datagrams sent.", packets_out)                        \
    X("amphi_bytes_in_total", "counter", "Bytes received.", bytes_in)                              \
    X("amphi_bytes_out_total", "counter", "Bytes sent.", bytes_out)                                \
    X("amphi_shard_cpu_permille", "gauge", "Of one core, over the last interval.", cpu_permille)   \
    X("amphi_loop_p50_microseconds", "gauge", "Length of a loop turn.", loop_p50_us)               \
    X("amphi_loop_p99_microseconds", "gauge", "Length of a loop turn.", loop_p99_us)

/* As Prometheus has histograms: each bucket counts all below it too. */
static void write_delays(struct text_json *text, size_t relay, size_t shard,
                         enum control_delay_kind kind, const struct control_delays *d)
{
    const char *name = control_delay_kind_name(kind);
    uint64_t count = 0;
    for (size_t i = 0; i < CONTROL_DELAY_BUCKETS; i++) {
        char edge[24] = "+Inf";
        count += d->packets[i];
        if (i + 1 < CONTROL_DELAY_BUCKETS)
            snprintf(edge, sizeof edge, "%g", (double)control_delay_edges_us[i] / 1e6);
        text_json_raw(
            text,
            "amphi_delay_seconds_bucket{relay=\"%zu\",shard=\"%zu\",kind=\"%s\",le=\"%s\"} "
            "%" PRIu64 "\n",
            relay, shard, name, edge, count);
    }
    text_json_raw(text, "amphi_delay_seconds_sum{relay=\"%zu\",shard=\"%zu\",kind=\"%s\"} %.6f\n",
                  relay, shard, name, (double)d->sum_us / 1e6);
    text_json_raw(
        text, "amphi_delay_seconds_count{relay=\"%zu\",shard=\"%zu\",kind=\"%s\"} %" PRIu64 "\n",
        relay, shard, name, count);
}

static void write_relays(const struct service *service, struct text_json *text)
{
    const struct relay *relays = service->relays.relays;
    describe(text, "amphi_relay_connected", "gauge", "1 when the relay is ready for offers.");
    for (size_t r = 0; r < SERVICE_RELAYS_MAX; r++) {
        if (relays[r].known || relays[r].connected)
            text_json_raw(text, "amphi_relay_connected{relay=\"%zu\"} %d\n", r,
                          relays[r].synced ? 1 : 0);
    }
#define X(name, type, help, field)                                                                 \
    describe(text, name, type, help);                                                              \
    for (size_t r = 0; r < SERVICE_RELAYS_MAX; r++)                                                \
        for (size_t s = 0; relays[r].has_stats && s < relays[r].stats.shard_count; s++)            \
            text_json_raw(text, "%s{relay=\"%zu\",shard=\"%zu\"} %" PRIu64 "\n", name, r, s,       \
                          (uint64_t)relays[r].stats.shards[s].field);
    SHARD_METRIC_LIST(X)
#undef X
    describe(text, "amphi_delay_seconds", "histogram",
             "From a packet's arrival at the relay to its copy's leaving for one receiver.");
    for (size_t r = 0; r < SERVICE_RELAYS_MAX; r++) {
        for (size_t s = 0; relays[r].has_stats && s < relays[r].stats.shard_count; s++) {
            for (int kind = 0; kind < CONTROL_DELAY_KINDS; kind++)
                write_delays(text, r, s, (enum control_delay_kind)kind,
                             &relays[r].stats.shards[s].delays[kind]);
        }
    }
    describe(text, "amphi_drops_total", "counter", "Refused packets by reason.");
    for (size_t r = 0; r < SERVICE_RELAYS_MAX; r++) {
        for (size_t i = 0; relays[r].has_stats && i < relays[r].stats.drop_count; i++)
            text_json_raw(text, "amphi_drops_total{relay=\"%zu\",reason=\"%s\"} %" PRIu64 "\n", r,
                          relays[r].stats.drops[i].reason, relays[r].stats.drops[i].count);
    }
}

void metrics_text_write(struct service *service, struct text_json *text)
{
    write_rooms(service, text);
    write_delivery(service, text);
    write_service(service, text);
    write_relays(service, text);
}
