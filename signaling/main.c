/* amphi-signaling: reads its settings, opens store and sockets, and turns the loop until SIGTERM.
 */
#include "base/wipe.h"
#include "host/log_stderr.h"
#include "host/service_notify.h"
#include "host/signals.h"
#include "signaling/core/store.h"
#include "signaling/openapi_text.h"
#include "signaling/shell/relay_link.h"
#include "signaling/shell/secret_file.h"
#include "signaling/shell/web_server.h"
#include "signaling/shell/webhook_client.h"
#include "signaling/signaling_config.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_CHARACTERS_MIN 32
#define STOP_WITHIN_US SECONDS(4)
#define DESCRIPTORS_BESIDE_SOCKETS 64

struct program {
    struct signaling_config config;
    struct log log;
    struct store *store;
    struct service *service;
    struct static_files files;
    struct web_site site;
    struct event_loop *loop;
    struct web_server *web;
    struct relay_links *relays;
    struct webhook_client *webhook;
    struct event_timer service_timer, stop_timer;
    struct event_watch *signal_watch;
    usec_t service_deadline; /* what service_timer is armed for */
    int signal_fd;
    bool stopping, stopped;
};

/* --- Start */

static enum status make_data_folder(const struct program *p)
{
    const char *path = p->config.given.data;
    struct stat info;
    if (mkdir(path, 0700) < 0 && errno != EEXIST) {
        log_error(&p->log, "data_folder_failed", "path=%s reason=\"%s\"", path, strerror(errno));
        return STATUS_SYSTEM;
    }
    if (stat(path, &info) < 0 || !S_ISDIR(info.st_mode) || access(path, R_OK | W_OK | X_OK) < 0) {
        log_error(&p->log, "data_folder_unusable", "path=%s", path);
        return STATUS_SYSTEM;
    }
    return STATUS_OK;
}

/* Any long enough text signs: a hash of it is the key. */
static enum status load_token_key(const struct program *p, uint8_t key[32])
{
    char text[SECRET_TEXT_BYTES_MAX];
    enum status status =
        secret_file_load(p->config.token_key_file, KEY_CHARACTERS_MIN, text, &p->log);
    if (status == STATUS_OK && EVP_Digest(text, strlen(text), key, NULL, EVP_sha256(), NULL) != 1)
        status = STATUS_SYSTEM;
    memory_wipe(text, sizeof(text));
    return status;
}

static enum status load_turn(struct program *p, struct turn_config *turn)
{
    const struct setting_list *urls = &p->config.given.turn_urls;
    _Static_assert(TURN_SECRET_BYTES >= SECRET_TEXT_BYTES_MAX, "a whole line fits");
    for (size_t i = 0; i < urls->count; i++)
        snprintf(turn->urls[i], sizeof(turn->urls[i]), "%s", urls->items[i]);
    turn->url_count = urls->count;
    return urls->count == 0 ? STATUS_OK
                            : secret_file_load(p->config.given.turn_secret_file, KEY_CHARACTERS_MIN,
                                               turn->secret, &p->log);
}

static enum status create_service(struct program *p)
{
    char api_key[SECRET_TEXT_BYTES_MAX];
    struct service_config config = service_config_default();
    config.base_url = p->config.base_url;
    config.origins = p->config.origins;
    config.api_key = api_key;
    config.participants_per_class_max = (size_t)p->config.given.participants_per_class_max;
    config.classes_max = (size_t)p->config.given.classes_max;
    config.openapi_json = (const char *)openapi_text;
    enum status status =
        secret_file_load(p->config.api_key_file, KEY_CHARACTERS_MIN, api_key, &p->log);
    if (status == STATUS_OK)
        status = load_turn(p, &config.turn);
    if (status == STATUS_OK)
        status = load_token_key(p, config.token_key);
    if (status == STATUS_OK)
        status = store_open(&p->store, p->config.store_file, &p->log);
    if (status == STATUS_OK)
        status = service_create(&p->service, event_loop_instant(), &config, p->store, &p->log);
    memory_wipe(api_key, sizeof(api_key));
    memory_wipe(config.token_key, sizeof(config.token_key));
    memory_wipe(&config.turn, sizeof(config.turn));
    return status;
}

static void handle_service_due(void *context)
{
    struct program *p = context;
    p->service_deadline = USEC_NEVER;
    service_handle_timeout(p->service, event_loop_instant());
}

static void handle_stop_due(void *context)
{
    ((struct program *)context)->stopped = true;
}

static void begin_stop(struct program *p)
{
    struct instant at = event_loop_instant();
    if (p->stopping) {
        p->stopped = true; /* asked twice */
        return;
    }
    log_info(&p->log, "stopping", "connections=%zu", web_server_connection_count(p->web));
    service_notify_stopping();
    p->stopping = true;
    service_shut_down(p->service, at);
    web_server_stop_accepting(p->web, at);
    event_timer_arm(&p->stop_timer, at.now, at.now + STOP_WITHIN_US);
}

static void handle_signal(void *context)
{
    struct program *p = context;
    for (enum signals_event event; (event = signals_read(p->signal_fd)) != SIGNALS_NONE;) {
        if (event == SIGNALS_STOP)
            begin_stop(p);
        else
            web_server_reload_certificate(p->web);
    }
}

static void ignore(void *context)
{
    (void)context;
}

static enum status open_sockets(struct program *p)
{
    const struct signaling_config *config = &p->config;
    const char *relay_paths[SERVICE_RELAYS_MAX];
    struct web_server_config web = {
        .listen_count = config->listen_count,
        .cert = config->tls ? config->given.cert : NULL,
        .key = config->tls ? config->given.key : NULL,
        .connections_max = (size_t)config->given.connections_max,
    };
    memcpy(web.listen, config->listen, sizeof(config->listen));
    for (size_t i = 0; i < config->given.relay_sockets.count; i++)
        relay_paths[i] = config->given.relay_sockets.items[i];
    struct event_watch_callbacks on_signal = {
        .context = p, .on_readable = handle_signal, .on_writable = ignore};
    enum status status =
        event_loop_create(&p->loop, web.connections_max + DESCRIPTORS_BESIDE_SOCKETS, &p->log);
    if (status == STATUS_OK)
        status = event_loop_watch(p->loop, p->signal_fd, &on_signal, &p->signal_watch);
    if (status == STATUS_OK)
        status = web_server_create(&p->web, &web, p->loop, &p->site, &p->log);
    if (status == STATUS_OK)
        status = relay_links_create(&p->relays, relay_paths, config->given.relay_sockets.count,
                                    p->loop, p->service, &p->log);
    if (status == STATUS_OK)
        status = webhook_client_create(&p->webhook, p->loop, p->service, &config->webhook, &p->log);
    return status;
}

static enum status start(struct program *p)
{
    enum status status = make_data_folder(p);
    if (status == STATUS_OK)
        status = static_files_load(&p->files, p->config.given.web_root,
                                   p->config.given.modules_root, &p->log);
    if (status == STATUS_OK)
        status = create_service(p);
    if (status == STATUS_OK)
        status = web_site_init(&p->site, p->service, &p->files, p->config.base_url,
                               p->config.origins, &p->log);
    p->site.behind_proxy = p->config.given.behind_proxy;
    if (status == STATUS_OK)
        status = open_sockets(p);
    if (status != STATUS_OK)
        return status;
    event_timer_init(&p->service_timer, p->loop, p, handle_service_due);
    event_timer_init(&p->stop_timer, p->loop, p, handle_stop_due);
    p->service_deadline = USEC_NEVER;
    log_info(&p->log, "ready", "base_url=%s version=%s", p->config.base_url, AMPHI_VERSION);
    service_notify_ready();
    return STATUS_OK;
}

/* --- Turn */

/* Once a turn, so that one commit of the store serves all that came in with it. */
static void drain(struct program *p)
{
    struct service_output output;
    struct instant at = event_loop_instant();
    while (service_poll_output(p->service, &output)) {
        if (output.type == SERVICE_RELAY)
            relay_links_send(p->relays, at, output.relay, output.message);
        else
            web_server_handle_output(p->web, at, &output);
    }
    webhook_client_start_due(p->webhook, at);
    usec_t deadline = service_next_timeout(p->service);
    if (deadline != p->service_deadline)
        event_timer_arm(&p->service_timer, at.now, deadline);
    p->service_deadline = deadline;
}

static void run(struct program *p)
{
    drain(p);
    while (!p->stopped) {
        if (!event_loop_turn(p->loop)) {
            log_error(&p->log, "loop_failed", "errno=%d", errno);
            return;
        }
        drain(p);
        if (p->stopping && web_server_connection_count(p->web) == 0)
            p->stopped = true;
    }
}

static void stop(struct program *p)
{
    if (p->signal_watch != NULL)
        event_watch_remove(p->signal_watch);
    relay_links_free(p->relays);
    webhook_client_free(p->webhook);
    web_server_free(p->web);
    event_loop_free(p->loop);
    service_free(p->service);
    store_close(p->store);
    static_files_destroy(&p->files);
    if (p->signal_fd >= 0)
        close(p->signal_fd);
}

static int load_and_run(struct program *p, int argc, char **argv)
{
    enum settings_outcome outcome = signaling_config_load(&p->config, argc, argv);
    if (outcome != SETTINGS_RUN)
        return outcome == SETTINGS_EXIT_OK ? 0 : 2;
    umask(077);
    struct log_stderr *sink = log_stderr_create(p->config.log_level);
    if (sink == NULL || signals_open(&p->signal_fd) != STATUS_OK)
        return 1;
    p->log = log_stderr_get(sink);
    enum status status = start(p);
    if (status == STATUS_OK)
        run(p);
    else
        log_error(&p->log, "start_failed", "reason=%s", status_name(status));
    stop(p);
    log_info(&p->log, "stopped", "clean=%d", status == STATUS_OK);
    log_stderr_free(sink);
    return status == STATUS_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct program *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return 1;
    p->signal_fd = -1;
    int code = load_and_run(p, argc, argv);
    free(p);
    return code;
}
