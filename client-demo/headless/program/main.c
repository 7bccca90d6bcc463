/* amphi-client: participants without a browser, for tests and load. One thread, one UDP socket per
 * participant. */
#include "client-demo/headless/client_socket.h"
#include "client-demo/headless/headless_report.h"
#include "host/host_clock.h"
#include "host/log_stderr.h"
#include "host/random_bytes.h"
#include "host/settings.h"
#include "host/signals.h"
#include "host/udp_batch.h"

#include <math.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PARTICIPANTS_MAX 5000
#define SOCKETS_EVERY_US 5000 /* how often libwebsockets is served */
#define RECONNECT_US 500000
#define TONE_HZ 440.0

struct options {
    char url[SETTING_TEXT_BYTES], wav[SETTING_TEXT_BYTES];
    char ivf[SETTING_TEXT_BYTES], name[SETTING_TEXT_BYTES], lang[SETTING_TEXT_BYTES];
    char ca[SETTING_TEXT_BYTES], out[SETTING_TEXT_BYTES], log_level[SETTING_TEXT_BYTES];
    int64_t learners, join_rate, seconds, video_kbps, video_fps, lose;
    bool tone, raise_hand, decode;
};

#define AT(field) offsetof(struct options, field)
static const struct setting table[] = {
    {"url", SETTING_STRING, AT(url), 0, 0, NULL, NULL, "a class link, as ./run prints it"},
    {"learners", SETTING_INTEGER, AT(learners), 1, PARTICIPANTS_MAX, "1", "participants",
     "that join by this link"},
    {"join-rate", SETTING_INTEGER, AT(join_rate), 1, 1000, "50", "per second",
     "how fast they join"},
    {"seconds", SETTING_INTEGER, AT(seconds), 1, 86400, "10", "s",
     "to stay, from the last join on"},
    {"wav", SETTING_STRING, AT(wav), 0, 0, NULL, NULL, "voice to send: a WAV file, 16-bit PCM"},
    {"tone", SETTING_BOOLEAN, AT(tone), 0, 0, NULL, NULL, "send a 440 Hz tone as voice"},
    {"ivf", SETTING_STRING, AT(ivf), 0, 0, NULL, NULL, "screen to send: an IVF file, VP8 or VP9"},
    {"video-kbps", SETTING_INTEGER, AT(video_kbps), 0, 20000, "0", "kbit/s",
     "send made-up video of this rate instead (no picture, for load)"},
    {"video-fps", SETTING_INTEGER, AT(video_fps), 1, 120, "30", "frames/s", "of made-up video"},
    {"lose", SETTING_INTEGER, AT(lose), 0, 90, "0", "%",
     "of what arrives once connected is thrown away unread, as a poor line does"},
    {"raise-hand", SETTING_BOOLEAN, AT(raise_hand), 0, 0, NULL, NULL, "learners raise their hands"},
    {"decode", SETTING_BOOLEAN, AT(decode), 0, 0, "true", NULL,
     "decode voices, not only count them"},
    {"name", SETTING_STRING, AT(name), 0, 0, "Client", NULL, "where the link names nobody"},
    {"lang", SETTING_STRING, AT(lang), 0, 0, "fr", NULL, "fr or en"},
    {"ca", SETTING_STRING, AT(ca), 0, 0, NULL, NULL, "CA certificate to trust, PEM"},
    {"out", SETTING_STRING, AT(out), 0, 0, NULL, NULL,
     "file for the report; standard output without"},
    {"log-level", SETTING_STRING, AT(log_level), 0, 0, "warn", NULL,
     "error, warn, info, debug or trace"},
};
static const struct settings_program program = {
    .name = "amphi-client",
    .summary =
        "Joins a class without a browser, as a trainer or as many learners, and reports as JSON.",
};

struct member {
    struct headless_peer *peer;
    struct client *client;
    struct client_socket *socket; /* NULL: not connected */
    struct udp_socket udp;
    struct rng losses;
    usec_t connect_at;
};

struct client {
    struct options options;
    struct client_url url;
    struct log_stderr *log;
    struct client_sockets *sockets;
    struct dtls_context *dtls;
    struct udp_receive_batch *batch;
    struct wav_file wav;
    struct ivf_file ivf;
    struct headless_peer *peers;
    struct member *members;
    size_t count;
    int epoll_fd, signal_fd;
    usec_t now;
    usec_t unix_minus_now;
    uint64_t ntp_at_zero;
    bool stopping;
};

/* --- The WebSockets' events */

static void on_opened(void *owner)
{
    struct member *m = owner;
    headless_peer_handle_opened(m->peer, m->client->now);
}

static void on_text(void *owner, struct bytes text)
{
    struct member *m = owner;
    headless_peer_handle_text(m->peer, m->client->now, text);
}

static void on_closed(void *owner, const char *why)
{
    struct member *m = owner;
    struct log log = log_stderr_get(m->client->log);
    m->socket = NULL;
    m->connect_at = m->client->now + RECONNECT_US;
    headless_peer_handle_closed(m->peer, m->client->now);
    if (!m->client->stopping)
        log_info(&log, "socket_closed", "why=%s", why);
}

/* --- One participant's output */

static void flush_member(struct member *m)
{
    struct udp_outgoing out[UDP_BATCH_DATAGRAMS];
    uint8_t copies[UDP_BATCH_DATAGRAMS][HEADLESS_DATAGRAM_BYTES];
    struct bytes data;
    size_t count = 0;
    while (m->socket != NULL && headless_peer_poll_text(m->peer, &data)) {
        if (client_socket_send(m->socket, data) != STATUS_OK)
            return;
    }
    while (headless_peer_poll_datagram(m->peer, &out[count].to, &data)) {
        memcpy(copies[count], data.data, data.size);
        out[count].data = bytes_of(copies[count], data.size);
        if (++count == UDP_BATCH_DATAGRAMS) {
            (void)udp_send_batch(&m->udp, out, count);
            count = 0;
        }
    }
    if (count > 0)
        (void)udp_send_batch(&m->udp, out, count);
}

static bool is_lost(const struct client *c, struct member *m)
{
    return c->options.lose > 0 && m->peer->state == HEADLESS_CONNECTED &&
           rng_below(&m->losses, 100) < (uint64_t)c->options.lose;
}

static void receive_member(struct client *c, struct member *m)
{
    size_t cut = 0;
    bool more = true;
    while (more) {
        size_t count = udp_receive_batch_fetch(c->batch, &m->udp, &cut, &more);
        for (size_t i = 0; i < count; i++) {
            const struct udp_received *r = udp_receive_batch_get(c->batch, i);
            if (is_lost(c, m))
                continue;
            /* The kernel's time of arrival: what waits in our own socket is not the relay's delay.
             */
            usec_t arrived = r->arrived_unix > 0 ? r->arrived_unix - c->unix_minus_now : c->now;
            headless_peer_handle_datagram(m->peer, usec_min(arrived, c->now), &r->from, r->data);
        }
    }
}

/* --- Set-up */

static enum status make_tone(struct wav_file *out)
{
    size_t count = 48000; /* one second holds whole periods */
    int16_t *samples = malloc(count * sizeof *samples);
    if (samples == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        samples[i] =
            (int16_t)(12000.0 * sin(2.0 * 3.14159265358979 * TONE_HZ * (double)i / 48000.0));
    *out = (struct wav_file){.samples = samples, .count = count};
    return STATUS_OK;
}

static enum status load_media(struct client *c)
{
    const struct options *o = &c->options;
    enum status status = STATUS_OK;
    if (o->wav[0] != '\0')
        status = wav_file_load(o->wav, &c->wav);
    else if (o->tone)
        status = make_tone(&c->wav);
    if (status != STATUS_OK) {
        fprintf(stderr,
                "amphi-client: --wav: expected a readable WAV file of 16-bit PCM, got '%s' (%s)\n",
                o->wav, status_name(status));
        return status;
    }
    if (o->ivf[0] != '\0')
        status = ivf_file_load(o->ivf, &c->ivf);
    if (status != STATUS_OK)
        fprintf(stderr,
                "amphi-client: --ivf: expected a readable IVF file of VP8 or VP9 that begins with "
                "a key frame, got '%s' (%s)\n",
                o->ivf, status_name(status));
    return status;
}

static enum status add_member(struct client *c, size_t index)
{
    struct member *m = &c->members[index];
    struct log log = log_stderr_get(c->log);
    struct headless_config config = {
        .token = c->url.token,
        .name = c->options.name,
        .lang = c->options.lang,
        .wav = c->wav.count > 0 ? &c->wav : NULL,
        .ivf = c->ivf.count > 0 ? &c->ivf : NULL,
        .made_up[0] = {.bitrate_bps = (uint32_t)c->options.video_kbps * 1000,
                       .fps = c->options.video_kbps > 0 ? (uint32_t)c->options.video_fps : 0},
        .raise_hand = c->options.raise_hand,
        .decode = c->options.decode,
        .ntp_at_zero = c->ntp_at_zero,
        .dtls = c->dtls,
        .log = log_with(&log, "participant=%zu", index + 1),
    };
    random_bytes(&config.seed, sizeof config.seed);
    enum status status = headless_peer_init(&c->peers[index], &config);
    if (status != STATUS_OK)
        return status;
    *m = (struct member){.peer = &c->peers[index],
                         .client = c,
                         .udp.fd = -1,
                         .losses = rng_of_seed(index + 1),
                         .connect_at = c->now + (usec_t)index * SECONDS(1) / c->options.join_rate};
    c->count = index + 1;
    struct net_addr any = {.family = NET_FAMILY_IPV4};
    status = udp_socket_open(&m->udp, &any, &log);
    if (status == STATUS_OK)
        udp_socket_ask_times(&m->udp);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = index};
    if (status == STATUS_OK && epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, m->udp.fd, &event) != 0)
        status = STATUS_SYSTEM;
    return status;
}

static enum status set_up(struct client *c)
{
    static const struct client_socket_events events = {on_opened, on_text, on_closed};
    const char *ca = c->options.ca[0] != '\0' ? c->options.ca : NULL;
    size_t count = (size_t)c->options.learners;
    enum status status = media_cipher_init_library();
    if (status == STATUS_OK)
        status = dtls_context_create(&c->dtls);
    if (status == STATUS_OK)
        status = client_sockets_create(&c->sockets, ca, &events);
    if (status == STATUS_OK)
        status = udp_receive_batch_create(&c->batch);
    c->peers = calloc(count, sizeof *c->peers);
    c->members = calloc(count, sizeof *c->members);
    c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (status == STATUS_OK && (c->peers == NULL || c->members == NULL || c->epoll_fd < 0))
        status = STATUS_SYSTEM;
    c->now = host_clock_now();
    c->unix_minus_now = host_clock_unix() - c->now;
    c->ntp_at_zero = host_clock_ntp_at_zero();
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = add_member(c, i);
    return status;
}

static void tear_down(struct client *c)
{
    c->stopping = true;
    client_sockets_free(c->sockets);
    for (size_t i = 0; i < c->count; i++) {
        headless_peer_destroy(&c->peers[i]);
        udp_socket_close(&c->members[i].udp);
    }
    dtls_context_free(c->dtls);
    udp_receive_batch_free(c->batch);
    wav_file_destroy(&c->wav);
    ivf_file_destroy(&c->ivf);
    free(c->peers);
    free(c->members);
    if (c->epoll_fd > 0)
        close(c->epoll_fd);
}

/* --- The loop */

static void connect_due(struct client *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct member *m = &c->members[i];
        if (m->socket != NULL || m->connect_at > c->now || m->peer->state == HEADLESS_ENDED)
            continue;
        m->connect_at = c->now + RECONNECT_US;
        if (client_sockets_connect(c->sockets, &c->url, m, &m->socket) != STATUS_OK)
            m->socket = NULL;
    }
}

static usec_t run_timers(struct client *c)
{
    usec_t next = c->now + SOCKETS_EVERY_US;
    for (size_t i = 0; i < c->count; i++) {
        struct member *m = &c->members[i];
        if (headless_peer_next_timeout(m->peer, c->now) <= c->now)
            headless_peer_handle_timeout(m->peer, c->now);
        flush_member(m);
        next = usec_min(next, headless_peer_next_timeout(m->peer, c->now));
    }
    return next;
}

static void run(struct client *c)
{
    struct epoll_event events[256];
    usec_t last_join = (c->options.learners - 1) * SECONDS(1) / c->options.join_rate;
    usec_t end = c->now + last_join + SECONDS(c->options.seconds);
    usec_t sockets_at = 0;
    while (c->now < end && signals_read(c->signal_fd) != SIGNALS_STOP) {
        if (c->now >= sockets_at) {
            sockets_at = c->now + SOCKETS_EVERY_US;
            connect_due(c);
            client_sockets_service(c->sockets);
        }
        usec_t next = run_timers(c);
        usec_t wait = next > c->now ? (next - c->now + 999) / 1000 : 0;
        int count = epoll_wait(c->epoll_fd, events, (int)COUNT_OF(events), (int)wait);
        c->now = host_clock_now();
        for (int i = 0; i < count; i++)
            receive_member(c, &c->members[events[i].data.u64]);
    }
}

static int report(const struct client *c, double seconds)
{
    char *text = headless_report_write(c->peers, c->count, c->now, seconds);
    FILE *out = c->options.out[0] != '\0' ? fopen(c->options.out, "w") : stdout;
    size_t unconnected = 0;
    for (size_t i = 0; i < c->count; i++)
        unconnected += c->peers[i].connected_at == 0;
    if (unconnected > 0)
        fprintf(stderr, "amphi-client: %zu of %zu never connected\n", unconnected, c->count);
    bool written = text != NULL && out != NULL && fprintf(out, "%s\n", text) >= 0;
    if (!written)
        fprintf(stderr, "amphi-client: the report cannot be written\n");
    if (out != NULL && out != stdout)
        fclose(out);
    free(text);
    return written && unconnected == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    static struct client c;
    struct settings_origins origins;
    enum log_level level = LOG_LEVEL_WARN;
    enum settings_outcome outcome = settings_load_noting(&program, table, COUNT_OF(table), argc,
                                                         argv, &c.options, NULL, &origins);
    if (outcome != SETTINGS_RUN)
        return outcome == SETTINGS_EXIT_OK ? 0 : 2;
    if (client_url_parse(c.options.url, &c.url) != STATUS_OK || c.url.token[0] == '\0') {
        settings_refuse(&origins, "url", "a class link with its token", c.options.url);
        return 2;
    }
    if (!log_level_find(c.options.log_level, &level)) {
        settings_refuse(&origins, "log-level", "error, warn, info, debug or trace",
                        c.options.log_level);
        return 2;
    }
    if (strcmp(c.options.lang, "fr") != 0 && strcmp(c.options.lang, "en") != 0) {
        settings_refuse(&origins, "lang", "fr or en", c.options.lang);
        return 2;
    }
    if (load_media(&c) != STATUS_OK)
        return 2;
    c.log = log_stderr_create(level);
    if (signals_open(&c.signal_fd) != STATUS_OK || set_up(&c) != STATUS_OK) {
        fprintf(stderr, "amphi-client: cannot start (memory, sockets or descriptors)\n");
        tear_down(&c);
        return 1;
    }
    usec_t began = c.now;
    run(&c);
    int code = report(&c, (double)(c.now - began) / 1e6);
    tear_down(&c);
    log_stderr_free(c.log);
    return code;
}
