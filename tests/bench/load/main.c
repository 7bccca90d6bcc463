/* bench-load: one trainer and N learners against a server, and what the server used meanwhile.
 * Prints one JSON object. One thread. docs/performance.md says how to read it. */
#include "client-demo/headless/client_socket.h"
#include "host/host_clock.h"
#include "host/log_stderr.h"
#include "host/random_bytes.h"
#include "host/settings.h"
#include "host/signals.h"
#include "rtc/dtls_private.h" /* which profiles are offered */
#include "tests/bench/load/load_join.h"
#include "tests/bench/load/load_media.h"
#include "tests/bench/load/process_use.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LEARNERS_MAX 4000
#define PIDS_MAX 4
#define NAP_US MILLISECONDS(1)
#define JOIN_NAP_US 200
#define SLICE_US MILLISECONDS(5) /* how often timers are looked at */

struct options {
    char server[SETTING_TEXT_BYTES], url[SETTING_TEXT_BYTES], class_id[SETTING_TEXT_BYTES];
    char trainer_token[SETTING_TEXT_BYTES], learner_token[SETTING_TEXT_BYTES];
    char bind[SETTING_TEXT_BYTES], learner_bind[SETTING_TEXT_BYTES],
        once_joined[SETTING_TEXT_BYTES];
    struct setting_list pids;
    int64_t learners, at_once, window_s, settle_s, join_s, video_kbps, sample, rush, rush_rate;
    bool gro, nack, twcc, cm, reports, sleep;
};

#define AT(field) offsetof(struct options, field)
static const struct setting table[] = {
    {"server", SETTING_STRING, AT(server), 0, 0, "amphi", NULL, "amphi or janus"},
    {"url", SETTING_STRING, AT(url), 0, 0, NULL, NULL, "its HTTP address, http://host:port"},
    {"class", SETTING_STRING, AT(class_id), 0, 0, NULL, NULL, "Amphi: the class"},
    {"trainer-token", SETTING_STRING, AT(trainer_token), 0, 0, NULL, NULL, "Amphi"},
    {"learner-token", SETTING_STRING, AT(learner_token), 0, 0, NULL, NULL, "Amphi"},
    {"bind", SETTING_STRING, AT(bind), 0, 0, "127.0.0.1", NULL, "address of our sockets"},
    {"learner-bind", SETTING_STRING, AT(learner_bind), 0, 0, "", NULL,
     "the learners' address, when it is another one"},
    {"once-joined", SETTING_STRING, AT(once_joined), 0, 0, "", NULL,
     "a command that turns their packets away to a device that nobody reads: then all that the "
     "trainer sent counts as forwarded"},
    {"pid", SETTING_LIST, AT(pids), 0, 0, NULL, NULL, "processes whose CPU time counts"},
    {"learners", SETTING_INTEGER, AT(learners), 1, LEARNERS_MAX, "10", NULL, "that join"},
    {"at-once", SETTING_INTEGER, AT(at_once), 1, 1000, "32", NULL, "joins under way at one time"},
    {"join-seconds", SETTING_INTEGER, AT(join_s), 1, 600, "60", "s", "to wait for all to join"},
    {"settle", SETTING_INTEGER, AT(settle_s), 0, 60, "2", "s", "between the joins and the window"},
    {"window", SETTING_INTEGER, AT(window_s), 1, 3600, "10", "s", "that is measured"},
    {"video-kbps", SETTING_INTEGER, AT(video_kbps), 0, 20000, "2500", "kbit/s",
     "VP8, 30 fps; 0: voice alone"},
    {"sample", SETTING_INTEGER, AT(sample), 1, 4096, "16", NULL,
     "one packet in so many is opened for its delay; a power of two"},
    {"gro", SETTING_BOOLEAN, AT(gro), 0, 0, "true", NULL, "learners take runs whole (UDP_GRO)"},
    {"rush", SETTING_INTEGER, AT(rush), 0, LEARNERS_MAX, "0", NULL,
     "more learners that join once the class was measured"},
    {"rush-rate", SETTING_INTEGER, AT(rush_rate), 1, 2000, "100", "per second", "how fast"},
    {"twcc", SETTING_BOOLEAN, AT(twcc), 0, 0, NULL, NULL,
     "learners take transport-wide numbers, answer them each 100 ms, and take RTX"},
    {"cm", SETTING_BOOLEAN, AT(cm), 0, 0, NULL, NULL, "AES_CM_128_HMAC_SHA1_80 in place of GCM"},
    {"reports", SETTING_BOOLEAN, AT(reports), 0, 0, "true", NULL, "learners send receiver reports"},
    {"sleep", SETTING_BOOLEAN, AT(sleep), 0, 0, NULL, NULL,
     "learners sleep until something comes: the server pays for waking them"},
    {"nack", SETTING_BOOLEAN, AT(nack), 0, 0, NULL, NULL, "negotiate retransmission requests"},
};
static const struct settings_program program = {
    .name = "bench-load",
    .summary = "Loads a media server with one trainer and many learners, and measures it.",
};

struct bench {
    struct options options;
    struct load_shared shared;
    struct load_join join;
    struct load_media media;
    struct load_peer *peers;
    size_t count;       /* the trainer among them, and those of the rush */
    size_t class_count; /* without the rush */
    size_t begun;
    int epoll_fd, signal_fd;
    usec_t now, timers_at;
    bool sends;
    bool is_behind; /* more stands in the sockets than one look took */
    bool stopped;
};

struct use {
    struct process_use sum, each[PIDS_MAX];
    struct rusage own;
    usec_t at;
};

/* --- The loop */

static void run_timers(struct bench *b)
{
    if (b->now < b->timers_at)
        return;
    b->timers_at = b->now + SLICE_US;
    for (size_t i = 0; i < b->count; i++) {
        if (load_peer_next_timeout(&b->peers[i], &b->shared, b->now) <= b->now)
            load_peer_handle_timeout(&b->peers[i], &b->shared, b->now);
    }
}

static void turn(struct bench *b, bool joining)
{
    struct epoll_event events[64];
    b->now = b->join.now = host_clock_now();
    if (b->sends)
        load_media_run(&b->media, &b->peers[0], b->now, &b->shared.key_frame_wanted);
    run_timers(b);
    load_http_poll(b->join.http);
    usec_t next = b->sends ? usec_min(b->timers_at, load_media_next(&b->media)) : b->timers_at;
    /* Sleeping in epoll_wait would have the server pay for waking us with nearly each packet, which
     * is no cost of sending to learners elsewhere; the kernel notes when packets arrive anyway. */
    usec_t nap = usec_min(usec_max(next - b->now, 0), joining ? JOIN_NAP_US : NAP_US);
    bool naps = !b->is_behind && nap > 0;
    if (naps && !b->options.sleep)
        nanosleep(&(struct timespec){.tv_nsec = nap * 1000}, NULL);
    int count = epoll_wait(b->epoll_fd, events, (int)COUNT_OF(events),
                           naps && b->options.sleep ? (int)((nap + 999) / 1000) : 0);
    b->is_behind = count == (int)COUNT_OF(events);
    b->now = b->join.now = host_clock_now();
    for (int i = 0; i < count; i++)
        load_peer_receive(&b->peers[events[i].data.u64], &b->shared, b->now);
    if (signals_read(b->signal_fd) == SIGNALS_STOP)
        b->stopped = true;
}

static void run_for(struct bench *b, usec_t duration)
{
    usec_t end = b->now + duration;
    while (b->now < end && !b->stopped)
        turn(b, false);
}

/* --- Joining */

static size_t count_state(const struct bench *b, enum load_state state, size_t from)
{
    size_t count = 0;
    for (size_t i = from; i < b->count; i++)
        count += b->peers[i].state == state;
    return count;
}

static bool join_trainer(struct bench *b)
{
    usec_t deadline = b->now + SECONDS(15);
    bool added = false;
    if (b->join.ops->begin(&b->join) != STATUS_OK)
        return false;
    while (b->peers[0].state != LOAD_CONNECTED && b->now < deadline && !b->stopped) {
        if (!added && b->join.ops->is_ready(&b->join)) {
            b->join.ops->add(&b->join, &b->peers[0], b->now);
            added = true;
        }
        if (b->peers[0].state == LOAD_FAILED)
            break;
        turn(b, true);
    }
    return b->peers[0].state == LOAD_CONNECTED;
}

/* `at_once` joins are under way until all below `end` have begun, but no more than `rate` a second
 * (0: as fast as it goes). Returns when the last one was connected. */
static usec_t join_learners(struct bench *b, size_t end, int64_t rate)
{
    usec_t began = b->now, deadline = began + SECONDS(b->options.join_s);
    size_t open = 0, first = b->begun;
    do {
        size_t due = rate == 0 ? end : first + (size_t)((b->now - began) * rate / SECONDS(1)) + 1;
        open = count_state(b, LOAD_SIGNALLING, 1) + count_state(b, LOAD_CONNECTING, 1);
        for (; open < (size_t)b->options.at_once && b->begun < end && b->begun < due; open++)
            b->join.ops->add(&b->join, &b->peers[b->begun++], b->now);
        turn(b, true);
    } while ((open > 0 || b->begun < end) && b->now < deadline && !b->stopped);
    return b->now;
}

/* --- Measuring */

static void read_use(const struct bench *b, struct use *out)
{
    *out = (struct use){.at = host_clock_now()};
    for (size_t i = 0; i < b->options.pids.count && i < PIDS_MAX; i++) {
        struct process_use one;
        if (process_use_read((int)strtol(b->options.pids.items[i], NULL, 10), &one) != STATUS_OK)
            continue;
        out->each[i] = one;
        out->sum.user_us += one.user_us;
        out->sum.system_us += one.system_us;
        out->sum.run_us += one.run_us;
        out->sum.waited_us += one.waited_us;
        out->sum.resident_bytes += one.resident_bytes;
        out->sum.threads += one.threads;
    }
    getrusage(RUSAGE_SELF, &out->own);
}

static double own_cpu_us(const struct rusage *r)
{
    return (double)SECONDS(r->ru_utime.tv_sec + r->ru_stime.tv_sec) +
           (double)(r->ru_utime.tv_usec + r->ru_stime.tv_usec);
}

static int compare_times(const void *a, const void *b)
{
    usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;
    return x < y ? -1 : x > y;
}

/* p50 and p95 in ms of connected (0), first packet (1), first video packet (2) since the join
 * began. */
static json_t *join_times(const struct bench *b, int what)
{
    usec_t *times = calloc(b->count, sizeof *times);
    size_t count = 0;
    for (size_t i = 1; times != NULL && i < b->count; i++) {
        const struct load_peer *p = &b->peers[i];
        usec_t at = what == 0 ? p->connected_at : what == 1 ? p->first_media_at : p->first_video_at;
        if (at > 0)
            times[count++] = at - p->begun_at;
    }
    if (count == 0) {
        free(times);
        return json_null();
    }
    qsort(times, count, sizeof *times, compare_times);
    json_t *out = json_pack("{s:f, s:f}", "p50", (double)times[count / 2] / 1000, "p95",
                            (double)times[count * 95 / 100] / 1000);
    free(times);
    return out;
}

static json_t *delays(const struct delay_histogram *h)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:I}", "p50", (double)delay_histogram_get(h, 0.5) / 1e3,
                     "p95", (double)delay_histogram_get(h, 0.95) / 1e3, "p99",
                     (double)delay_histogram_get(h, 0.99) / 1e3, "max", (double)h->largest_us / 1e3,
                     "samples", (json_int_t)h->total);
}

/* In the order of --pid. */
static json_t *each_process(const struct bench *b, const struct use *idle, const struct use *before,
                            const struct use *after)
{
    json_t *out = json_array();
    for (size_t i = 0; i < b->options.pids.count && i < PIDS_MAX; i++)
        json_array_append_new(out,
                              json_pack("{s:f, s:f, s:f}", "resident_before_kb",
                                        (double)idle->each[i].resident_bytes / 1024, "resident_kb",
                                        (double)after->each[i].resident_bytes / 1024, "cpu_percent",
                                        (double)(after->each[i].run_us - before->each[i].run_us) /
                                            (double)(after->at - before->at) * 100));
    return out;
}

static json_t *report(const struct bench *b, const struct use *idle, const struct use *joined,
                      const struct use *before, const struct use *after, usec_t join_us,
                      const uint64_t sent[LOAD_LINE_COUNT], usec_t late_us, uint64_t bursts)
{
    const struct load_totals *t = &b->shared.totals;
    size_t connected = count_state(b, LOAD_CONNECTED, 1);
    double expected = (double)(sent[0] + sent[1]) * (double)connected;
    bool unread = b->options.once_joined[0] != '\0';
    double packets = unread ? expected : (double)(t->packets[0] + t->packets[1]);
    double seconds = (double)(after->at - before->at) / 1e6;
    double user = (double)(after->sum.user_us - before->sum.user_us);
    double system = (double)(after->sum.system_us - before->sum.system_us);
    double run = (double)(after->sum.run_us - before->sum.run_us);
    double cpu = run > 0 ? run : user + system;
    double ticks = user + system > 0 ? user + system : 1;
    double join_cpu = (double)(joined->sum.run_us - idle->sum.run_us);
    uint64_t missing = 0;
    for (size_t i = 1; i < b->count; i++)
        missing += load_peer_get_missing(&b->peers[i]);
    json_t *all = delays(&t->delays[LOAD_LINE_VIDEO]);
    json_t *out = json_pack(
        "{s:s, s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "server", b->options.server,
        "learners", (int)b->options.learners, "connected", (int)connected, "seconds", seconds,
        "packets", packets, "packets_s", packets / seconds, "mbit_s",
        (double)t->bytes * 8 / seconds / 1e6, "cpu_us_per_packet", packets > 0 ? cpu / packets : 0,
        "user_us_per_packet", packets > 0 ? cpu / packets * user / ticks : 0,
        "system_us_per_packet", packets > 0 ? cpu / packets * system / ticks : 0);
    json_object_update_new(
        out, json_pack("{s:f, s:f, s:f, s:f, s:o, s:o}", "cpu_percent", cpu / seconds / 1e4,
                       "waited_percent",
                       (double)(after->sum.waited_us - before->sum.waited_us) / seconds / 1e4,
                       "delivered_percent", expected > 0 ? packets / expected * 100 : 0, "missing",
                       (double)missing, "video_delay_ms", all, "voice_delay_ms",
                       delays(&t->delays[LOAD_LINE_VOICE])));
    json_object_update_new(
        out,
        json_pack("{s:f, s:f, s:f, s:o, s:o, s:o, s:f, s:f, s:I}", "join_seconds",
                  (double)join_us / 1e6, "joins_per_second",
                  join_us > 0 ? (double)connected / ((double)join_us / 1e6) : 0,
                  "join_cpu_ms_with_media", connected > 0 ? join_cpu / 1000 / (double)connected : 0,
                  "connected_ms", join_times(b, 0), "first_packet_ms", join_times(b, 1),
                  "first_video_ms", join_times(b, 2), "resident_before_kb",
                  (double)idle->sum.resident_bytes / 1024, "resident_kb_per_learner",
                  connected > 0
                      ? ((double)before->sum.resident_bytes - (double)idle->sum.resident_bytes) /
                            1024 / (double)connected
                      : 0,
                  "threads", (json_int_t)after->sum.threads));
    json_object_set_new(out, "processes", each_process(b, idle, before, after));
    json_object_update_new(out,
                           json_pack("{s:I, s:I}", "began_unix_ms",
                                     (json_int_t)((before->at + b->shared.unix_minus_now) / 1000),
                                     "ended_unix_ms",
                                     (json_int_t)((after->at + b->shared.unix_minus_now) / 1000)));
    json_object_update_new(
        out,
        json_pack("{s:{s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:f}}", "generator", "cpu_percent",
                  (own_cpu_us(&after->own) - own_cpu_us(&before->own)) / seconds / 1e4,
                  "late_mean_ms", bursts > 0 ? (double)late_us / (double)bursts / 1e3 : 0,
                  "late_max_ms", (double)b->media.latest_us / 1e3, "packets_per_message",
                  t->messages > 0 ? packets / (double)t->messages : 0, "sampled",
                  (json_int_t)t->sampled, "not_opened", (json_int_t)t->not_opened, "refused",
                  (json_int_t)b->media.refused, "sent_s", (double)(sent[0] + sent[1]) / seconds));
    return out;
}

static json_t *measure(struct bench *b)
{
    struct use idle, joined, before, after;
    run_for(b, SECONDS(1));
    read_use(b, &idle);
    usec_t began = b->now;
    usec_t ended = join_learners(b, b->class_count, 0);
    read_use(b, &joined);
    if (b->options.once_joined[0] != '\0' && system(b->options.once_joined) != 0)
        fprintf(stderr, "bench-load: failed: %s\n", b->options.once_joined);
    run_for(b, SECONDS(b->options.settle_s));
    uint64_t sent[LOAD_LINE_COUNT] = {b->media.sent[0], b->media.sent[1]};
    usec_t late = b->media.late_us;
    b->media.latest_us = 0;
    for (size_t i = 1; i < b->count; i++)
        load_peer_begin_window(&b->peers[i]);
    b->shared.measuring = true;
    read_use(b, &before);
    run_for(b, SECONDS(b->options.window_s));
    read_use(b, &after);
    b->shared.measuring = false;
    for (int line = 0; line < LOAD_LINE_COUNT; line++)
        sent[line] = b->media.sent[line] - sent[line];
    return report(b, &idle, &joined, &before, &after, ended - began, sent, b->media.late_us - late,
                  (uint64_t)b->options.window_s * 80);
}

/* What the class feels while many more join at once. */
static json_t *rush(struct bench *b)
{
    uint64_t missing = 0;
    struct use before, after;
    b->shared.totals = (struct load_totals){0};
    b->shared.voice_sample_mask = 0; /* every voice packet counts here */
    for (size_t i = 1; i < b->class_count; i++)
        load_peer_begin_window(&b->peers[i]);
    b->shared.measuring = true;
    b->shared.measured_below = b->class_count;
    read_use(b, &before);
    usec_t began = b->now;
    usec_t ended = join_learners(b, b->count, b->options.rush_rate);
    read_use(b, &after);
    b->shared.measuring = false;
    usec_t unix_minus_now = b->shared.unix_minus_now;
    for (size_t i = 1; i < b->class_count; i++)
        missing += load_peer_get_missing(&b->peers[i]);
    return json_pack("{s:I, s:I, s:f, s:i, s:i, s:f, s:f, s:o, s:o}", "began_unix_ms",
                     (json_int_t)((before.at + unix_minus_now) / 1000), "ended_unix_ms",
                     (json_int_t)((after.at + unix_minus_now) / 1000), "seconds",
                     (double)(ended - began) / 1e6, "asked", (int)b->options.rush, "joined",
                     (int)count_state(b, LOAD_CONNECTED, b->class_count), "missing",
                     (double)missing, "cpu_percent",
                     (double)(after.sum.run_us - before.sum.run_us) /
                         (double)(after.at - before.at) * 100,
                     "voice_delay_ms", delays(&b->shared.totals.delays[LOAD_LINE_VOICE]),
                     "video_delay_ms", delays(&b->shared.totals.delays[LOAD_LINE_VIDEO]));
}

/* --- Set-up */

static enum status set_up(struct bench *b)
{
    struct net_addr local = {0}, learner;
    uint64_t seed;
    random_bytes(&seed, sizeof seed);
    b->shared.rng = rng_of_seed(seed);
    b->shared.gro = b->options.gro;
    b->shared.twcc = b->options.twcc;
    b->shared.reports = b->options.reports;
    b->shared.sample_mask = b->shared.voice_sample_mask = (unsigned)b->options.sample - 1;
    b->now = host_clock_now();
    b->shared.unix_minus_now = host_clock_unix() - b->now;
    b->class_count = (size_t)b->options.learners + 1;
    b->count = b->class_count + (size_t)b->options.rush;
    b->shared.measured_below = b->count;
    b->begun = 1;
    b->peers = calloc(b->count, sizeof *b->peers);
    b->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    enum status status = media_cipher_init_library();
    if (status == STATUS_OK)
        status = dtls_context_create(&b->shared.dtls);
    if (status == STATUS_OK && b->options.cm &&
        SSL_CTX_set_tlsext_use_srtp(b->shared.dtls->ssl, "SRTP_AES128_CM_SHA1_80") != 0)
        status = STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = load_http_create(&b->join.http);
    if (status == STATUS_OK)
        status = net_addr_parse_ip(b->options.bind, 0, &local);
    learner = local;
    if (status == STATUS_OK && b->options.learner_bind[0] != '\0')
        status = net_addr_parse_ip(b->options.learner_bind, 0, &learner);
    if (b->peers == NULL || b->epoll_fd < 0)
        status = STATUS_SYSTEM;
    for (size_t i = 0; i < b->count && status == STATUS_OK; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = i};
        status = load_peer_init(&b->peers[i], &b->shared, i, i == 0 ? &local : &learner);
        if (status == STATUS_OK &&
            epoll_ctl(b->epoll_fd, EPOLL_CTL_ADD, b->peers[i].udp.fd, &event) != 0)
            status = STATUS_SYSTEM;
    }
    b->shared.is_lite = strcmp(b->options.server, "janus") == 0;
    b->join.ops = b->shared.is_lite ? &load_join_janus : &load_join_amphi;
    b->join.config = (struct load_join_config){.base_url = b->options.url,
                                               .class_id = b->options.class_id,
                                               .trainer_token = b->options.trainer_token,
                                               .learner_token = b->options.learner_token,
                                               .nack = b->options.nack,
                                               .twcc = b->options.twcc};
    b->join.shared = &b->shared;
    b->join.peers = b->peers;
    b->join.peer_count = b->count;
    return status;
}

static void leave(struct bench *b)
{
    for (size_t i = b->count; i > 0; i--)
        b->join.ops->remove(&b->join, &b->peers[i - 1]);
    usec_t deadline = b->now + SECONDS(5);
    while (strcmp(b->options.server, "amphi") == 0 && load_http_poll(b->join.http) > 0 &&
           b->now < deadline)
        turn(b, true);
}

static void say_failures(const struct bench *b)
{
    size_t failed = count_state(b, LOAD_FAILED, 0);
    for (size_t i = 0; i < b->count && failed > 0; i++) {
        if (b->peers[i].state == LOAD_FAILED) {
            fprintf(stderr, "bench-load: %zu participants failed; the first: %s\n", failed,
                    b->peers[i].failure != NULL ? b->peers[i].failure : "?");
            return;
        }
    }
}

int main(int argc, char **argv)
{
    static struct bench b;
    if (settings_load(&program, table, COUNT_OF(table), argc, argv, &b.options, NULL) !=
        SETTINGS_RUN)
        return 2;
    if (signals_open(&b.signal_fd) != STATUS_OK || set_up(&b) != STATUS_OK) {
        fprintf(stderr, "bench-load: cannot start (memory, sockets or descriptors)\n");
        return 1;
    }
    if (!join_trainer(&b)) {
        say_failures(&b);
        fprintf(stderr, "bench-load: the trainer could not connect\n");
        return 1;
    }
    struct load_media_config media = {.video_bps = (uint32_t)b.options.video_kbps * 1000,
                                      .video_fps = 30,
                                      .key_frame_every_us = SECONDS(10),
                                      .seed = 1};
    load_media_init(&b.media, &media, b.now);
    b.sends = true;
    json_t *out = measure(&b);
    if (b.options.rush > 0 && !b.stopped)
        json_object_set_new(out, "rush", rush(&b));
    say_failures(&b);
    json_dumpf(out, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(out);
    leave(&b);
    for (size_t i = 0; i < b.count; i++)
        load_peer_destroy(&b.peers[i]);
    dtls_context_free(b.shared.dtls);
    load_http_free(b.join.http);
    free(b.peers);
    return 0;
}
