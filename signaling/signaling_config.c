#include "signaling/signaling_config.h"

#include "host/log_stderr.h"
#include "signaling/core/limits.h"
#include "signaling/core/service.h"

#include <stdio.h>
#include <strings.h>

#define AT(field) offsetof(struct signaling_settings, field)

static const struct setting table[] = {
    {"bind", SETTING_STRING, AT(bind), 0, 0, "127.0.0.1", "address",
     "where to listen: an IP address, or localhost for both loopbacks; 0.0.0.0 or :: for all"},
    {"port", SETTING_INTEGER, AT(port), 1, 65535, "8443", "port", "of page, WebSocket and API"},
    {"data", SETTING_STRING, AT(data), 0, 0, "data", "folder",
     "classes and keys; made (0700) when missing"},
    {"base-url", SETTING_STRING, AT(base_url), 0, 0, NULL, "URL",
     "how browsers reach this server; from bind, port and cert when empty"},
    {"cert", SETTING_STRING, AT(cert), 0, 0, NULL, "file", "TLS certificate chain, PEM"},
    {"key", SETTING_STRING, AT(key), 0, 0, NULL, "file", "its private key, PEM"},
    {"plain-http", SETTING_BOOLEAN, AT(plain_http), 0, 0, NULL, NULL,
     "no TLS off the loopback: behind a reverse proxy, or in a test network"},
    {"behind-proxy", SETTING_BOOLEAN, AT(behind_proxy), 0, 0, NULL, NULL,
     "what comes from this machine comes through a proxy: X-Forwarded-For says for whom"},
    {"web-root", SETTING_STRING, AT(web_root), 0, 0, "client-demo/web", "folder", "the page"},
    {"modules-root", SETTING_STRING, AT(modules_root), 0, 0, "client-demo/node_modules", "folder",
     "where npm has put the page's libraries"},
    {"origin", SETTING_LIST, AT(origins), 0, 0, NULL, "URL",
     "further origin whose pages may connect, such as https://example.org"},
    {"relay-socket", SETTING_LIST, AT(relay_sockets), 0, 0, NULL, "file",
     "Unix socket of a relay; DATA/relay.sock when empty"},
    {"turn-url", SETTING_LIST, AT(turn_urls), 0, 0, NULL, "URL",
     "TURN server for participants, such as turns:classe.example.org:443?transport=tcp"},
    {"turn-secret-file", SETTING_STRING, AT(turn_secret_file), 0, 0, NULL, "file",
     "what its credentials are made with: its static-auth-secret; the first line counts"},
    {"webhook-proxy", SETTING_STRING, AT(webhook_proxy), 0, 0, NULL, "URL",
     "proxy for the webhook, such as http://proxy:3128; the environment's are not asked"},
    {"webhook-public-only", SETTING_BOOLEAN, AT(webhook_public_only), 0, 0, NULL, NULL,
     "the webhook reaches no private address, whatever its name leads to"},
    {"api-key-file", SETTING_STRING, AT(api_key_file), 0, 0, NULL, "file",
     "key of the HTTP API; DATA/api_key when empty; made when missing"},
    {"token-key-file", SETTING_STRING, AT(token_key_file), 0, 0, NULL, "file",
     "key that signs invites; DATA/token_key when empty; made when missing"},
    {"participants-per-class-max", SETTING_INTEGER, AT(participants_per_class_max), 1,
     LIMIT_PARTICIPANTS, "1500", "participants", "a class takes no more"},
    {"classes-max", SETTING_INTEGER, AT(classes_max), 1, LIMIT_CLASSES_OPEN, "500", "classes",
     "open at one time"},
    {"connections-max", SETTING_INTEGER, AT(connections_max), 16, LIMIT_CONNECTIONS, "24000",
     "sockets", "open at one time"},
    {"log-level", SETTING_STRING, AT(log_level), 0, 0, "info", NULL,
     "error, warn, info, debug or trace"},
};

static const struct settings_program program = {
    .name = "amphi-signaling",
    .summary = "Classes, participants and rights of Amphi: page, WebSocket, HTTP API, WHIP, WHEP.",
};

static enum settings_outcome refuse(const struct signaling_config *config, const char *key,
                                    const char *expected, const char *got)
{
    return settings_refuse(&config->sources, key, expected, got);
}

static bool listen_on(struct signaling_config *config, const char *address)
{
    return net_addr_parse_ip(address, (uint16_t)config->given.port,
                             &config->listen[config->listen_count]) == STATUS_OK &&
           ++config->listen_count > 0;
}

static enum settings_outcome find_addresses(struct signaling_config *config)
{
    const char *bind = config->given.bind;
    bool good = strcasecmp(bind, "localhost") == 0
                    ? listen_on(config, "127.0.0.1") && listen_on(config, "::1")
                    : listen_on(config, bind);
    if (!good)
        return refuse(config, "bind", "an IP address or localhost", bind);
    config->loopback = net_addr_is_loopback(&config->listen[0]);
    return SETTINGS_RUN;
}

static enum settings_outcome check_tls(struct signaling_config *config)
{
    const struct signaling_settings *given = &config->given;
    if ((given->cert[0] != '\0') != (given->key[0] != '\0'))
        return refuse(config, "cert", "cert and key together", given->cert);
    config->tls = given->cert[0] != '\0';
    if (config->tls && given->plain_http)
        return refuse(config, "plain-http", "no certificate beside it", given->cert);
    if (!config->tls && !given->plain_http && !config->loopback)
        return refuse(config, "cert", "a certificate and its key, or plain-http, off the loopback",
                      "");
    return SETTINGS_RUN;
}

/* --- Base URL and origins */

/* "scheme://host[:port]" and nothing more: what browsers send as Origin. */
static bool is_origin(const char *text)
{
    const char *host = strncmp(text, "https://", 8) == 0  ? text + 8
                       : strncmp(text, "http://", 7) == 0 ? text + 7
                                                          : NULL;
    if (host == NULL || *host == '\0')
        return false;
    for (const char *c = host; *c != '\0'; c++)
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f ||
            strchr("/?#@'\";,\\<>", *c) != NULL)
            return false;
    return true;
}

static void write_url(const struct signaling_config *config, const char *host, char *out)
{
    int port = (int)config->given.port;
    bool usual = port == (config->tls ? 443 : 80);
    const char *scheme = config->tls ? "https" : "http";
    const char *open = strchr(host, ':') != NULL ? "[" : "";
    const char *close = *open != '\0' ? "]" : "";
    if (usual)
        snprintf(out, SIGNALING_URL_BYTES, "%s://%s%s%s", scheme, open, host, close);
    else
        snprintf(out, SIGNALING_URL_BYTES, "%s://%s%s%s:%d", scheme, open, host, close, port);
}

static enum settings_outcome find_base_url(struct signaling_config *config)
{
    const char *given = config->given.base_url;
    if (given[0] == '\0') {
        bool name = config->loopback || net_addr_is_any(&config->listen[0]);
        write_url(config, name ? "localhost" : config->given.bind, config->base_url);
        return SETTINGS_RUN;
    }
    snprintf(config->base_url, sizeof(config->base_url), "%s", given);
    size_t size = strlen(config->base_url);
    if (size > 0 && config->base_url[size - 1] == '/')
        config->base_url[size - 1] = '\0';
    return is_origin(config->base_url)
               ? SETTINGS_RUN
               : refuse(config, "base-url", "http(s)://host or http(s)://host:port", given);
}

static void add_origin(struct signaling_config *config, size_t *count, const char *origin)
{
    snprintf(config->origin_texts[*count], SIGNALING_URL_BYTES, "%s", origin);
    config->origins[*count] = config->origin_texts[*count];
    (*count)++;
}

static enum settings_outcome find_origins(struct signaling_config *config)
{
    static const char *const loopbacks[] = {"localhost", "127.0.0.1", "::1"};
    size_t count = 0;
    char url[SIGNALING_URL_BYTES];
    for (size_t i = 0; i < config->given.origins.count; i++) {
        const char *origin = config->given.origins.items[i];
        if (!is_origin(origin))
            return refuse(config, "origin", "http(s)://host or http(s)://host:port", origin);
        add_origin(config, &count, origin);
    }
    for (size_t i = 0; config->loopback && i < COUNT_OF(loopbacks); i++) {
        write_url(config, loopbacks[i], url);
        if (strcmp(url, config->base_url) != 0)
            add_origin(config, &count, url);
    }
    return SETTINGS_RUN;
}

/* --- Paths */

static void find_path(const struct signaling_config *config, const char *given, const char *name,
                      char *out)
{
    if (given[0] != '\0')
        snprintf(out, SIGNALING_PATH_BYTES, "%s", given);
    else
        snprintf(out, SIGNALING_PATH_BYTES, "%s/%s", config->given.data, name);
}

static enum settings_outcome find_paths(struct signaling_config *config)
{
    struct signaling_settings *given = &config->given;
    struct setting_list *relays = &given->relay_sockets;
    if (strlen(given->data) > SETTING_ITEM_BYTES - 32)
        return refuse(config, "data", "a shorter path", given->data);
    find_path(config, given->api_key_file, "api_key", config->api_key_file);
    find_path(config, given->token_key_file, "token_key", config->token_key_file);
    find_path(config, "", "signaling.db", config->store_file);
    if (relays->count == 0) {
        char path[SIGNALING_PATH_BYTES];
        find_path(config, "", "relay.sock", path);
        snprintf(relays->items[0], SETTING_ITEM_BYTES, "%.*s", SETTING_ITEM_BYTES - 1, path);
        relays->count = 1;
    }
    if (relays->count > SERVICE_RELAYS_MAX)
        return refuse(config, "relay-socket", "at most 8 relays",
                      relays->items[SERVICE_RELAYS_MAX]);
    return SETTINGS_RUN;
}

static enum settings_outcome check_turn(struct signaling_config *config)
{
    const struct setting_list *urls = &config->given.turn_urls;
    const char *secret = config->given.turn_secret_file;
    if (urls->count > TURN_URLS_MAX)
        return refuse(config, "turn-url", "at most 4", urls->items[TURN_URLS_MAX]);
    for (size_t i = 0; i < urls->count; i++) {
        bool is_turn =
            strncmp(urls->items[i], "turn:", 5) == 0 || strncmp(urls->items[i], "turns:", 6) == 0;
        if (!is_turn || strpbrk(urls->items[i], "<>\" \t\r\n") != NULL) /* it goes into a header */
            return refuse(config, "turn-url", "turn:... or turns:...", urls->items[i]);
    }
    if ((urls->count > 0) != (secret[0] != '\0'))
        return refuse(config, "turn-secret-file", "turn-url and turn-secret-file together", secret);
    return SETTINGS_RUN;
}

static enum settings_outcome check_webhook(struct signaling_config *config)
{
    const struct signaling_settings *given = &config->given;
    const char *proxy = given->webhook_proxy;
    if (proxy[0] != '\0' && !is_origin(proxy))
        return refuse(config, "webhook-proxy", "http(s)://host or http(s)://host:port", proxy);
    if (proxy[0] != '\0' && given->webhook_public_only)
        return refuse(config, "webhook-public-only",
                      "no webhook-proxy beside it: the addresses are the proxy's to judge", proxy);
    config->webhook =
        (struct webhook_client_config){.proxy = proxy, .public_only = given->webhook_public_only};
    return SETTINGS_RUN;
}

enum settings_outcome signaling_config_load(struct signaling_config *config, int argc, char **argv)
{
    enum settings_outcome (*const steps[])(struct signaling_config *) = {
        find_addresses, check_tls,  find_base_url, find_origins,
        find_paths,     check_turn, check_webhook};
    *config = (struct signaling_config){0};
    size_t arguments = 0;
    enum settings_outcome outcome = settings_load_noting(
        &program, table, COUNT_OF(table), argc, argv, &config->given, &arguments, &config->sources);
    for (size_t i = 0; outcome == SETTINGS_RUN && i < COUNT_OF(steps); i++)
        outcome = steps[i](config);
    if (outcome == SETTINGS_RUN && !log_level_find(config->given.log_level, &config->log_level))
        outcome = refuse(config, "log-level", "error, warn, info, debug or trace",
                         config->given.log_level);
    return outcome;
}
