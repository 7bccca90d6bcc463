/* The operator's view: every class, the relays, the machine, each 2 s; and an hour's history in
 * points of 10 s. One text serves every watcher. */
#include "signaling/core/service_internal.h"
#include "signaling/core/talk_fan_out.h"

static double fraction(uint64_t permille)
{
    return (double)permille / 1000.0;
}

static double percent(uint64_t permille)
{
    return (double)permille / 10.0;
}

static void write_participant(const struct participant *p, struct text_json *text)
{
    text_json_open(text, NULL, '{');
    text_json_id(text, "id", p->record.id);
    text_json_string(text, "name", p->record.name);
    text_json_string(text, "role", role_name(p->record.role));
    text_json_string(text, "media", participant_media_name(p->media));
    text_json_string(text, "path", talk_path_name(p));
    text_json_string(text, "hears", control_hearing_name(p->delivered.hears));
    text_json_uint(text, "behind_s", p->delivered.screen_behind_ms / 1000);
    text_json_open(text, "sending", '[');
    for (size_t slot = 0; slot < SEND_SLOT_COUNT; slot++) {
        if ((p->sending & 1u << slot) != 0)
            text_json_string(text, NULL, send_slot_name((enum send_slot)slot));
    }
    text_json_close(text, ']');
    text_json_uint(text, "bps_in", p->rates.bps_in);
    text_json_uint(text, "bps_out", p->rates.bps_out);
    text_json_number(text, "loss_in", percent(p->rates.loss_in_permille));
    text_json_number(text, "loss_out", percent(p->rates.loss_out_permille));
    text_json_uint(text, "rtt_ms", (p->rates.rtt_us + 500) / 1000);
    text_json_close(text, '}');
}

static void write_class(const struct classroom *classroom, struct text_json *text)
{
    uint64_t bps_in = 0, bps_out = 0;
    for (const struct participant *p = classroom->first; p != NULL; p = p->next) {
        bps_in += p->rates.bps_in;
        bps_out += p->rates.bps_out;
    }
    text_json_open(text, NULL, '{');
    text_json_string(text, "id", classroom->record.id);
    text_json_string(text, "title", classroom->record.title);
    text_json_string(text, "state", "open");
    text_json_int(text, "started_ms", classroom->record.started_ms);
    text_json_uint(text, "bps_in", bps_in);
    text_json_uint(text, "bps_out", bps_out);
    text_json_open(text, "participants", '[');
    for (const struct participant *p = classroom->first; p != NULL; p = p->next)
        write_participant(p, text);
    text_json_close(text, ']');
    text_json_close(text, '}');
}

/* Per second, between a relay's last two statistics. */
static uint64_t rate_of(const struct relay *relay, uint64_t now, uint64_t before)
{
    uint64_t interval_ms = relay->stats.interval_ms;
    return relay->has_before && interval_ms > 0 && now > before
               ? (now - before) * 1000 / interval_ms
               : 0;
}

static void write_shard(const struct relay *relay, size_t i, struct text_json *text)
{
    const struct control_shard_stats *now = &relay->stats.shards[i];
    const struct control_shard_stats *before = &relay->before.shards[i];
    text_json_open(text, NULL, '{');
    text_json_uint(text, "participants", now->participants);
    text_json_number(text, "cpu", fraction(now->cpu_permille));
    text_json_uint(text, "packets_in_s", rate_of(relay, now->packets_in, before->packets_in));
    text_json_uint(text, "packets_out_s", rate_of(relay, now->packets_out, before->packets_out));
    text_json_uint(text, "bps_in", 8 * rate_of(relay, now->bytes_in, before->bytes_in));
    text_json_uint(text, "bps_out", 8 * rate_of(relay, now->bytes_out, before->bytes_out));
    text_json_uint(text, "loop_p50_us", now->loop_p50_us);
    text_json_uint(text, "loop_p99_us", now->loop_p99_us);
    text_json_close(text, '}');
}

static uint64_t drops_before(const struct relay *relay, const char *reason)
{
    for (size_t i = 0; i < relay->before.drop_count; i++) {
        if (strcmp(relay->before.drops[i].reason, reason) == 0)
            return relay->before.drops[i].count;
    }
    return 0;
}

static void write_drops(const struct relay *relay, struct text_json *text)
{
    text_json_open(text, "drops_s", '{');
    for (size_t i = 0; i < relay->stats.drop_count; i++) {
        const char *reason = relay->stats.drops[i].reason;
        uint64_t rate = rate_of(relay, relay->stats.drops[i].count, drops_before(relay, reason));
        if (rate > 0)
            text_json_uint(text, reason, rate);
    }
    text_json_close(text, '}');
}

static void write_relay(const struct relay *relay, struct text_json *text)
{
    text_json_open(text, NULL, '{');
    text_json_bool(text, "connected", relay->synced);
    text_json_uint(text, "participants", relay_get_participants(relay));
    text_json_uint(text, "capacity", relay->hello.capacity);
    text_json_open(text, "shards", '[');
    for (size_t i = 0; relay->has_stats && i < relay->stats.shard_count; i++)
        write_shard(relay, i, text);
    text_json_close(text, ']');
    write_drops(relay, text);
    text_json_close(text, '}');
}

/* Signaling runs beside its first relay: that one's machine is the machine. */
static const struct relay *find_local_relay(const struct service *service)
{
    for (size_t i = 0; i < SERVICE_RELAYS_MAX; i++) {
        if (service->relays.relays[i].has_stats)
            return &service->relays.relays[i];
    }
    return NULL;
}

static void write_machine(const struct service *service, struct text_json *text)
{
    const struct relay *relay = find_local_relay(service);
    text_json_open(text, "machine", '{');
    text_json_number(text, "cpu", relay != NULL ? fraction(relay->stats.machine_cpu_permille) : 0);
    text_json_uint(text, "cores", relay != NULL ? relay->stats.machine_cores : 0);
    text_json_uint(text, "memory_total", relay != NULL ? relay->stats.memory_total_bytes : 0);
    text_json_uint(text, "memory_available",
                   relay != NULL ? relay->stats.memory_available_bytes : 0);
    text_json_close(text, '}');
}

static void write_left(const struct service *service, struct text_json *text)
{
    uint64_t left = 0;
    for (size_t i = 0; i < SERVICE_RELAYS_MAX; i++)
        left += relay_get_left(&service->relays.relays[i]);
    text_json_open(text, "left", '{');
    text_json_uint(text, "learners", left);
    text_json_close(text, '}');
}

/* --- History */

static struct history_point measure(const struct service *service, struct instant at)
{
    struct history_point point = {.unix_ms = instant_ms(at)};
    const struct relay *local = find_local_relay(service);
    point.cpu_permille = local != NULL ? local->stats.machine_cpu_permille : 0;
    for (size_t i = 0; i < SERVICE_RELAYS_MAX; i++) {
        const struct relay *relay = &service->relays.relays[i];
        point.participants += relay_get_participants(relay);
        for (size_t s = 0; relay->has_stats && s < relay->stats.shard_count; s++) {
            point.bps_in += 8 * rate_of(relay, relay->stats.shards[s].bytes_in,
                                        relay->before.shards[s].bytes_in);
            point.bps_out += 8 * rate_of(relay, relay->stats.shards[s].bytes_out,
                                         relay->before.shards[s].bytes_out);
        }
    }
    return point;
}

static void add_point(struct service *service, struct instant at)
{
    service->history[service->history_next] = measure(service, at);
    service->history_next = (service->history_next + 1) % HISTORY_POINTS;
    if (service->history_count < HISTORY_POINTS)
        service->history_count++;
}

static void write_history(const struct service *service, size_t count, struct text_json *text)
{
    count = count < service->history_count ? count : service->history_count;
    text_json_open(text, "history", '[');
    for (size_t i = 0; i < count; i++) {
        size_t at = (service->history_next + HISTORY_POINTS - count + i) % HISTORY_POINTS;
        const struct history_point *point = &service->history[at];
        text_json_open(text, NULL, '{');
        text_json_int(text, "t", point->unix_ms);
        text_json_number(text, "cpu", fraction(point->cpu_permille));
        text_json_uint(text, "participants", point->participants);
        text_json_uint(text, "bps_in", point->bps_in);
        text_json_uint(text, "bps_out", point->bps_out);
        text_json_close(text, '}');
    }
    text_json_close(text, ']');
}

/* --- The whole */

static struct bytes write_overview(struct service *service, struct instant at, size_t points)
{
    struct text_json text = {0};
    text_json_open(&text, NULL, '{');
    text_json_string(&text, "type", "overview");
    text_json_int(&text, "time_ms", instant_ms(at));
    text_json_open(&text, "classes", '[');
    for (size_t i = 0; i < service->registry.class_count; i++)
        write_class(service->registry.classes[i], &text);
    text_json_close(&text, ']');
    text_json_open(&text, "relays", '[');
    for (size_t i = 0; i < SERVICE_RELAYS_MAX; i++) {
        if (service->relays.relays[i].known || service->relays.relays[i].connected)
            write_relay(&service->relays.relays[i], &text);
    }
    text_json_close(&text, ']');
    write_machine(service, &text);
    write_left(service, &text);
    write_history(service, points, &text);
    text_json_close(&text, '}');
    return output_queue_keep(&service->outputs, &text);
}

void overview_send_first(struct service *service, struct instant at, struct connection *connection)
{
    output_queue_send(&service->outputs, connection->id,
                      write_overview(service, at, HISTORY_POINTS));
    if (service->overview_due == USEC_NEVER)
        service->overview_due = at.now + OVERVIEW_INTERVAL_US;
}

static void send_to_watchers(struct service *service, struct instant at)
{
    struct bytes text = write_overview(service, at, 1);
    for (const struct connection *c = service->first_connection; c != NULL; c = c->next) {
        if (c->watching && !c->closing)
            output_queue_send(&service->outputs, c->id, text);
    }
}

void overview_handle_timeout(struct service *service, struct instant at)
{
    if (service->history_due <= at.now) {
        add_point(service, at);
        service->history_due = at.now + HISTORY_INTERVAL_US;
    }
    if (service->overview_due > at.now)
        return;
    service->overview_due = service->watchers > 0 ? at.now + OVERVIEW_INTERVAL_US : USEC_NEVER;
    if (service->watchers > 0)
        send_to_watchers(service, at);
}
