#include "relay/relay_config.h"

#include "host/log_stderr.h"
#include "host/net_sockaddr.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define AT(field) offsetof(struct relay_settings, field)
#define CAPACITY_MAX 20000
#define OTHER_DESCRIPTORS                                                                          \
    64 /* files that are no TCP connection of media, and those of each shard */
#define OTHER_DESCRIPTORS_EACH 16

static const struct setting table[] = {
    {"bind", SETTING_LIST, AT(bind), 0, 0, "127.0.0.1", "address",
     "where to receive media: an IPv4 address, an IPv6 address, or both; 0.0.0.0 or :: for all"},
    {"media-port", SETTING_INTEGER, AT(media_port), 1024, 65535 - CONTROL_SHARDS_MAX, "40000",
     "port", "UDP and TCP, of the first shard; each further shard takes the next"},
    {"shards", SETTING_INTEGER, AT(shards), 0, CONTROL_SHARDS_MAX, "0", "threads",
     "that carry media; 0: one per core"},
    {"pin", SETTING_BOOLEAN, AT(pin), 0, 0, "true", NULL,
     "keep each shard on a core of its own, if there are as many"},
    {"media-tcp", SETTING_BOOLEAN, AT(media_tcp), 0, 0, "true", NULL,
     "media over TCP on the same ports, for networks that let no UDP through"},
    {"advertise", SETTING_LIST, AT(advertise), 0, 0, NULL, "address",
     "under which participants reach this relay; the bound addresses when empty"},
    {"lan", SETTING_BOOLEAN, AT(lan), 0, 0, NULL, NULL,
     "participants are in this machine's own network: private addresses may be advertised"},
    {"this-machine", SETTING_BOOLEAN, AT(this_machine), 0, 0, NULL, NULL,
     "for participants on this machine alone, instead of bind and advertise: all its IPv4 "
     "addresses are offered (Firefox takes no 127.0.0.1), nothing from the network comes in"},
    {"control-socket", SETTING_STRING, AT(control_socket), 0, 0, "data/relay.sock", "file",
     "Unix socket for amphi-signaling"},
    {"capacity", SETTING_INTEGER, AT(capacity), 1, CAPACITY_MAX, "2000", "participants",
     "taken at one time"},
    {"srtp", SETTING_STRING, AT(srtp), 0, 0, "auto", NULL,
     "what seals outgoing packets: ipsec-mb, openssl, libsrtp, or auto for the fastest that this "
     "machine has"},
    {"log-level", SETTING_STRING, AT(log_level), 0, 0, "info", NULL,
     "error, warn, info, debug or trace"},
};

static const struct settings_program program = {
    .name = "amphi-relay",
    .summary = "Media relay of Amphi: ICE, DTLS-SRTP and forwarding for classes.",
};

static enum settings_outcome refuse(const struct relay_config *config, const char *key,
                                    const char *expected, const char *got)
{
    return settings_refuse(&config->sources, key, expected, got);
}

static enum settings_outcome choose_srtp(struct relay_config *config)
{
    enum srtp_backend b = SRTP_BACKEND_AUTO;
    while (b < SRTP_BACKEND_COUNT && strcmp(config->given.srtp, srtp_backend_name(b)) != 0)
        b++;
    if (b == SRTP_BACKEND_COUNT)
        return refuse(config, "srtp", "auto, ipsec-mb, openssl or libsrtp", config->given.srtp);
    if (!srtp_backend_is_available(b))
        return refuse(config, "srtp", "one that this program and machine have", config->given.srtp);
    config->srtp = b;
    return SETTINGS_RUN;
}

/* --- Addresses */

/* Not reachable from the internet: RFC 1918, 6598, 3927, 4193, 4291. */
static bool is_private(const struct net_addr *a)
{
    if (a->family == NET_FAMILY_IPV6)
        return (a->ip[0] & 0xfe) == 0xfc || (a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80);
    return a->ip[0] == 10 || (a->ip[0] == 172 && (a->ip[1] & 0xf0) == 16) ||
           (a->ip[0] == 192 && a->ip[1] == 168) || (a->ip[0] == 100 && (a->ip[1] & 0xc0) == 64) ||
           (a->ip[0] == 169 && a->ip[1] == 254);
}

static bool has_family(const struct net_addr *list, size_t count, uint8_t family)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].family == family)
            return true;
    }
    return false;
}

static enum settings_outcome find_bind(struct relay_config *config)
{
    const struct setting_list *given = &config->given.bind;
    for (size_t i = 0; i < given->count; i++) {
        struct net_addr addr;
        if (net_addr_parse_ip(given->items[i], 0, &addr) != STATUS_OK)
            return refuse(config, "bind", "an IP address", given->items[i]);
        if (has_family(config->bind, config->bind_count, addr.family))
            return refuse(config, "bind",
                          "one IPv4 and one IPv6 address at most (0.0.0.0 or :: for all)",
                          given->items[i]);
        config->bind[config->bind_count++] = addr;
    }
    return config->bind_count > 0 ? SETTINGS_RUN : refuse(config, "bind", "an IP address", "");
}

static enum settings_outcome take_advertised(struct relay_config *config)
{
    const struct setting_list *given = &config->given.advertise;
    for (size_t i = 0; i < given->count; i++) {
        struct net_addr addr;
        if (net_addr_parse_ip(given->items[i], 0, &addr) != STATUS_OK || net_addr_is_any(&addr))
            return refuse(config, "advertise", "an IP address that participants can reach",
                          given->items[i]);
        if (!has_family(config->bind, config->bind_count, addr.family))
            return refuse(config, "advertise", "an address of a family that is bound",
                          given->items[i]);
        if (config->advertise_count == DIRECTOR_ADDRESSES_MAX)
            return refuse(config, "advertise", "at most 8 addresses", given->items[i]);
        config->advertise[config->advertise_count++] = addr;
    }
    return SETTINGS_RUN;
}

static void add_advertised(struct relay_config *config, const struct net_addr *addr)
{
    if (config->advertise_count < DIRECTOR_ADDRESSES_MAX)
        config->advertise[config->advertise_count++] = *addr;
}

/* The interfaces' addresses, or loopback on a machine without a network. */
static void advertise_interfaces(struct relay_config *config, uint8_t family)
{
    struct net_addr found[4 * DIRECTOR_ADDRESSES_MAX];
    struct net_addr loopback;
    size_t count = net_sockaddr_list_interfaces(found, COUNT_OF(found));
    size_t before = config->advertise_count;
    for (size_t i = 0; i < count; i++) {
        if (found[i].family == family)
            add_advertised(config, &found[i]);
    }
    if (config->advertise_count == before &&
        net_addr_parse_ip(family == NET_FAMILY_IPV6 ? "::1" : "127.0.0.1", 0, &loopback) ==
            STATUS_OK)
        add_advertised(config, &loopback);
}

/* What participants are told is never guessed: behind a wildcard or a private address only the
 * operator knows it, or says that everybody is in the same network. */
static enum settings_outcome derive_advertised(struct relay_config *config)
{
    for (size_t i = 0; i < config->bind_count; i++) {
        const struct net_addr *addr = &config->bind[i];
        bool any = net_addr_is_any(addr);
        if ((any || is_private(addr)) && !config->given.lan)
            return refuse(config, "advertise",
                          any ? "the address under which participants reach this relay (or lan, "
                                "when all are in this machine's network), since all are bound"
                              : "the address under which participants reach this relay (or lan, "
                                "when all are in this machine's network), since a private one "
                                "is bound",
                          "");
        if (any)
            advertise_interfaces(config, addr->family);
        else
            add_advertised(config, addr);
    }
    return SETTINGS_RUN;
}

/* --- Shards */

static void place_shards(struct relay_config *config)
{
    cpu_set_t set;
    uint32_t cores = 0;
    int cpus[CPU_SETSIZE];
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
            if (CPU_ISSET((size_t)cpu, &set))
                cpus[cores++] = cpu;
        }
    }
    config->shard_count = (uint32_t)config->given.shards;
    if (config->shard_count == 0)
        config->shard_count = cores == 0 ? 1 : cores;
    if (config->shard_count > CONTROL_SHARDS_MAX)
        config->shard_count = CONTROL_SHARDS_MAX;
    bool pin = config->given.pin && cores >= config->shard_count;
    for (uint32_t i = 0; i < CONTROL_SHARDS_MAX; i++)
        config->cpus[i] = pin && i < config->shard_count ? cpus[i] : -1;
}

static enum settings_outcome bind_this_machine(struct relay_config *config)
{
    struct net_addr any;
    struct net_addr loopback;
    if (net_addr_parse_ip("0.0.0.0", 0, &any) != STATUS_OK ||
        net_addr_parse_ip("127.0.0.1", 0, &loopback) != STATUS_OK)
        return SETTINGS_EXIT_USAGE;
    config->bind[config->bind_count++] = any;
    add_advertised(config, &loopback);
    advertise_interfaces(config, NET_FAMILY_IPV4);
    return SETTINGS_RUN;
}

/* The soft limit of open files is for programs that use select(); we take what we may. */
static enum settings_outcome share_descriptors(struct relay_config *config)
{
    struct rlimit limit;
    uint32_t wanted = stream_peers_config_default().connections_max;
    if (!config->given.media_tcp)
        return SETTINGS_RUN;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return SETTINGS_RUN;
    rlim_t soft = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        limit.rlim_cur = soft;
    rlim_t others = OTHER_DESCRIPTORS + OTHER_DESCRIPTORS_EACH * config->shard_count;
    rlim_t each = limit.rlim_cur > others ? (limit.rlim_cur - others) / config->shard_count : 0;
    config->streams_each = each < wanted ? (uint32_t)each : wanted;
    return SETTINGS_RUN;
}

enum settings_outcome relay_config_load(struct relay_config *config, int argc, char **argv)
{
    *config = (struct relay_config){0};
    enum settings_outcome outcome = settings_load_noting(
        &program, table, COUNT_OF(table), argc, argv, &config->given, NULL, &config->sources);
    if (outcome == SETTINGS_RUN && !log_level_find(config->given.log_level, &config->log_level))
        outcome = refuse(config, "log-level", "error, warn, info, debug or trace",
                         config->given.log_level);
    if (outcome == SETTINGS_RUN)
        outcome = choose_srtp(config);
    bool this_machine = config->given.this_machine;
    if (outcome == SETTINGS_RUN)
        outcome = this_machine ? bind_this_machine(config) : find_bind(config);
    if (outcome == SETTINGS_RUN && !this_machine)
        outcome = take_advertised(config);
    if (outcome == SETTINGS_RUN && config->advertise_count == 0)
        outcome = derive_advertised(config);
    place_shards(config);
    if (outcome == SETTINGS_RUN)
        outcome = share_descriptors(config);
    return outcome;
}
