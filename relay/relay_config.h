/* amphi-relay's settings: what was given, and what follows from it. */
#pragma once

#include "host/settings.h"
#include "relay/core/director.h"
#include "relay/shell/shard.h"
#include "rtc/srtp_sender.h"

struct relay_settings {
    struct setting_list bind, advertise;
    int64_t media_port, shards, capacity;
    bool lan, pin, this_machine, media_tcp;
    char control_socket[SETTING_TEXT_BYTES];
    char srtp[SETTING_TEXT_BYTES];
    char log_level[SETTING_TEXT_BYTES];
};

struct relay_config {
    struct relay_settings given;
    struct settings_origins sources;
    enum log_level log_level;
    enum srtp_backend srtp;
    struct net_addr bind[SHARD_SOCKETS_MAX]; /* one of each family at most; without ports */
    size_t bind_count;
    struct net_addr advertise[DIRECTOR_ADDRESSES_MAX]; /* what participants are told */
    size_t advertise_count;
    uint32_t shard_count;
    uint32_t streams_each;        /* TCP connections that a shard takes; 0: no media over TCP */
    int cpus[CONTROL_SHARDS_MAX]; /* where each shard stays; -1: anywhere */
};

/* Reads command line and file, and completes them. Anything wrong is said on stderr. */
enum settings_outcome relay_config_load(struct relay_config *config, int argc, char **argv);
