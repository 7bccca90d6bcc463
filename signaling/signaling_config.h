/* amphi-signaling's settings: the table behind --help and the YAML file, and what follows from
 * them (addresses to listen on, base URL, allowed origins, default paths). */
#pragma once

#include "base/log.h"
#include "base/net_addr.h"
#include "host/settings.h"
#include "signaling/shell/webhook_client.h"

#define SIGNALING_ORIGINS_MAX (SETTING_LIST_MAX + 4)
#define SIGNALING_LISTEN_MAX 2
#define SIGNALING_URL_BYTES (SETTING_TEXT_BYTES + 96)
#define SIGNALING_PATH_BYTES (SETTING_TEXT_BYTES + 96)

/* As given. */
struct signaling_settings {
    char bind[SETTING_TEXT_BYTES];
    int64_t port;
    char data[SETTING_TEXT_BYTES];
    char base_url[SETTING_TEXT_BYTES];
    char cert[SETTING_TEXT_BYTES];
    char key[SETTING_TEXT_BYTES];
    bool plain_http;
    char web_root[SETTING_TEXT_BYTES];
    char modules_root[SETTING_TEXT_BYTES];
    struct setting_list origins;
    struct setting_list relay_sockets;
    struct setting_list turn_urls;
    char turn_secret_file[SETTING_TEXT_BYTES];
    char webhook_proxy[SETTING_TEXT_BYTES];
    bool webhook_public_only;
    bool behind_proxy;
    char api_key_file[SETTING_TEXT_BYTES];
    char token_key_file[SETTING_TEXT_BYTES];
    int64_t participants_per_class_max;
    int64_t classes_max;
    int64_t connections_max;
    char log_level[SETTING_TEXT_BYTES];
};

/* As meant. Pointers lead into this struct: it is not copied. */
struct signaling_config {
    struct signaling_settings given;
    struct settings_origins sources;
    struct net_addr listen[SIGNALING_LISTEN_MAX];
    size_t listen_count;
    bool loopback, tls;
    char base_url[SIGNALING_URL_BYTES]; /* no slash at the end */
    char origin_texts[SIGNALING_ORIGINS_MAX][SIGNALING_URL_BYTES];
    const char *origins[SIGNALING_ORIGINS_MAX + 1]; /* NULL-terminated */
    char api_key_file[SIGNALING_PATH_BYTES];
    char token_key_file[SIGNALING_PATH_BYTES];
    char store_file[SIGNALING_PATH_BYTES];
    struct webhook_client_config webhook;
    enum log_level log_level;
};

/* Reads command line and file. SETTINGS_EXIT_USAGE: a sentence about it is on stderr. */
enum settings_outcome signaling_config_load(struct signaling_config *config, int argc, char **argv);
