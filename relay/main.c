/* amphi-relay: reads its settings, opens the sockets, starts one thread per shard, and runs the
 * director on the main thread until SIGTERM. */
#include "host/host_clock.h"
#include "host/log_stderr.h"
#include "host/random_bytes.h"
#include "host/service_notify.h"
#include "host/signals.h"
#include "relay/relay_config.h"
#include "relay/shell/control_loop.h"
#include "rtc/dtls.h"
#include "rtc/media_cipher.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

struct program {
    struct relay_config config;
    struct log log;
    int signal_fd;
    struct dtls_context *dtls;
    struct shard_links *links;
    struct director *director;
    struct control_link *control;
    struct shard *shards[CONTROL_SHARDS_MAX];
};

/* --- Start */

/* Where another program may be in the way, the sentence says what to change. */
static void say_why_not_bound(const struct net_addr *addr, enum status status)
{
    char text[NET_ADDR_TEXT_BYTES];
    const char *protocol = addr->protocol == NET_PROTOCOL_TCP ? "TCP" : "UDP";
    if (addr->family == NET_FAMILY_NONE)
        return;
    net_addr_write_ip(addr, text);
    if (status == STATUS_EXISTS)
        fprintf(stderr,
                "amphi-relay: %s port %u of %s is in use by another program; choose another "
                "--media-port\n",
                protocol, addr->port, text);
    else
        fprintf(stderr, "amphi-relay: cannot receive on %s port %u of %s: %s\n", protocol,
                addr->port, text, strerror(errno));
}

static enum status create_shard(struct program *p, uint32_t number)
{
    struct shard_config config = {
        .core = shard_core_config_default(), .cpu = p->config.cpus[number], .links = p->links};
    struct net_addr failed;
    config.core.shard = number;
    config.core.shard_count = p->config.shard_count;
    config.core.participants_max = (uint32_t)p->config.given.capacity;
    config.core.ntp_at_zero = host_clock_ntp_at_zero();
    config.core.dtls = p->dtls;
    config.core.log = log_with(&p->log, "shard=%u", number);
    random_bytes(&config.core.seed, sizeof config.core.seed);
    random_bytes(config.core.hash_key, sizeof config.core.hash_key);
    config.streams = stream_peers_config_default();
    config.streams.connections_max = p->config.streams_each;
    random_bytes(config.streams.hash_key, sizeof config.streams.hash_key);
    config.bind_count = p->config.bind_count;
    if (p->config.given.this_machine) {
        config.sources = p->config.advertise;
        config.source_count = p->config.advertise_count;
    }
    for (size_t i = 0; i < config.bind_count; i++) {
        config.bind[i] = p->config.bind[i];
        config.bind[i].port = (uint16_t)(p->config.given.media_port + number);
    }
    enum status status = shard_create(&p->shards[number], &config, &failed);
    if (status != STATUS_OK)
        say_why_not_bound(&failed, status);
    return status;
}

static enum status create_director(struct program *p)
{
    struct director_config config = director_config_default();
    config.shard_count = p->config.shard_count;
    config.capacity = (uint32_t)p->config.given.capacity;
    config.address_count = p->config.advertise_count;
    memcpy(config.addresses, p->config.advertise, sizeof p->config.advertise);
    config.media_port_base = (uint16_t)p->config.given.media_port;
    config.media_tcp = p->config.streams_each > 0;
    dtls_context_get_fingerprint(p->dtls, config.fingerprint);
    random_bytes(&config.seed, sizeof config.seed);
    config.log = p->log;
    return director_create(&p->director, host_clock_now(), &config);
}

/* The folder of the socket is made when it is missing: signaling, which keeps its data there, may
 * start later. */
static void make_folder_of(const char *path)
{
    char folder[SETTING_TEXT_BYTES];
    const char *slash = strrchr(path, '/');
    if (slash != NULL && slash > path &&
        bytes_to_string(bytes_of(path, (size_t)(slash - path)), folder, sizeof folder))
        (void)mkdir(folder, 0700); /* what else is wrong with it, bind says */
}

static void make_boot_id(char *out)
{
    uint8_t id[16];
    random_bytes(id, sizeof id);
    for (size_t i = 0; i < sizeof id; i++)
        snprintf(out + 2 * i, 3, "%02x", id[i]);
}

static enum status open_control(struct program *p)
{
    const char *path = p->config.given.control_socket;
    struct control_link_config config = {
        .path = path,
        .hello = {.version = CONTROL_VERSION,
                  .name = "amphi-relay/" AMPHI_VERSION,
                  .shards = p->config.shard_count,
                  .media_port_base = (uint16_t)p->config.given.media_port,
                  .capacity = (uint32_t)p->config.given.capacity},
        .director = p->director,
        .log = p->log,
    };
    make_boot_id(config.hello.boot_id);
    make_folder_of(path);
    enum status status = control_link_create(&p->control, &config);
    if (status == STATUS_EXISTS)
        fprintf(stderr,
                "amphi-relay: %s is in use by another program; choose another "
                "--control-socket\n",
                path);
    else if (status == STATUS_CONFIG)
        fprintf(stderr, "amphi-relay: control-socket: expected a shorter path, got '%s'\n", path);
    else if (status != STATUS_OK)
        fprintf(stderr, "amphi-relay: cannot listen on %s: %s\n", path, strerror(errno));
    return status;
}

static enum status start(struct program *p)
{
    enum status status = media_cipher_init_library();
    if (status == STATUS_OK)
        status = srtp_sender_choose(p->config.srtp);
    if (status == STATUS_OK)
        status = dtls_context_create(&p->dtls);
    if (status == STATUS_OK)
        status = shard_links_create(&p->links, p->config.shard_count);
    for (uint32_t i = 0; i < p->config.shard_count && status == STATUS_OK; i++)
        status = create_shard(p, i);
    if (status == STATUS_OK)
        status = create_director(p);
    if (status == STATUS_OK)
        status = open_control(p);
    for (uint32_t i = 0; i < p->config.shard_count && status == STATUS_OK; i++)
        status = shard_start(p->shards[i]);
    return status;
}

/* --- Run and stop */

static enum status run(struct program *p)
{
    const struct control_loop_config config = {.director = p->director,
                                               .control = p->control,
                                               .links = p->links,
                                               .shards = p->shards,
                                               .shard_count = p->config.shard_count,
                                               .signal_fd = p->signal_fd,
                                               .log = p->log};
    log_info(&p->log, "ready", "media_port=%d shards=%u version=%s",
             (int)p->config.given.media_port, p->config.shard_count, AMPHI_VERSION);
    service_notify_ready();
    enum status status = control_loop_run(&config);
    service_notify_stopping();
    log_info(&p->log, "stopping", "status=%s", status_name(status));
    return status;
}

static void stop(struct program *p)
{
    control_link_free(p->control);
    for (uint32_t i = 0; i < p->config.shard_count; i++)
        shard_free(p->shards[i]); /* ends its thread */
    director_free(p->director);
    shard_links_free(p->links);
    dtls_context_free(p->dtls);
    if (p->signal_fd >= 0)
        close(p->signal_fd);
}

static int load_and_run(struct program *p, int argc, char **argv)
{
    enum settings_outcome outcome = relay_config_load(&p->config, argc, argv);
    if (outcome != SETTINGS_RUN)
        return outcome == SETTINGS_EXIT_OK ? 0 : 2;
    umask(077);
    struct log_stderr *sink = log_stderr_create(p->config.log_level);
    if (sink == NULL || signals_open(&p->signal_fd) != STATUS_OK) {
        log_stderr_free(sink);
        return 1;
    }
    p->log = log_stderr_get(sink);
    enum status status = start(p);
    if (status == STATUS_OK)
        status = run(p);
    else
        log_error(&p->log, "start_failed", "reason=%s", status_name(status));
    stop(p);
    log_stderr_free(sink);
    return status == STATUS_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct program *p = calloc(1, sizeof *p);
    if (p == NULL)
        return 1;
    p->signal_fd = -1;
    int code = load_and_run(p, argc, argv);
    free(p);
    return code;
}
