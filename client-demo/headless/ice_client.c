#include "client-demo/headless/ice_client.h"

#include "wire/stun.h"

#define CHECK_RETRY_FIRST_US MILLISECONDS(50)
#define CHECK_RETRY_LAST_US MILLISECONDS(1600)
#define CONSENT_EVERY_US MILLISECONDS(2500)
#define CONSENT_LASTS_US SECONDS(30)
#define HOST_PRIORITY 2130706431u /* RFC 8445 5.1.2.1, type preference 126 */

enum status ice_client_init(struct ice_client *ice, usec_t now,
                            const struct ice_client_config *config, uint64_t seed)
{
    if (config->candidate_count == 0 || config->candidate_count > ICE_CLIENT_CANDIDATES_MAX)
        return STATUS_CONFIG;
    *ice = (struct ice_client){.config = *config,
                               .rng = rng_of_seed(seed),
                               .next_check_at = now,
                               .retry_us = CHECK_RETRY_FIRST_US};
    return STATUS_OK;
}

static void send_check(struct ice_client *ice, usec_t now, const struct net_addr *to)
{
    char username[2 * ICE_UFRAG_BYTES];
    snprintf(username, sizeof username, "%s:%s", ice->config.remote.ufrag, ice->config.local.ufrag);
    struct stun_request request = {
        .username = bytes_of_string(username),
        .priority = HOST_PRIORITY,
        .role = STUN_ROLE_CONTROLLING,
        .tie_breaker = ice->config.tie_breaker,
        .use_candidate = true,
    };
    for (size_t i = 0; i < sizeof request.transaction; i++)
        request.transaction[i] = (uint8_t)rng_next(&ice->rng);
    struct writer w = writer_of((struct bytes_mut){ice->output, sizeof ice->output});
    if (stun_write_request(&w, &request, bytes_of_string(ice->config.remote.pwd)) != STATUS_OK)
        return;
    memcpy(ice->transaction, request.transaction, sizeof ice->transaction);
    ice->checked = *to;
    ice->checked_at = now;
    ice->output_to = *to;
    ice->output_bytes = writer_size(&w);
    ice->has_output = true;
}

void ice_client_handle_timeout(struct ice_client *ice, usec_t now)
{
    if (now < ice->next_check_at)
        return;
    if (ice->has_selected) {
        send_check(ice, now, &ice->selected);
        /* RFC 7675 5.1: between 0.8 and 1.2 of the interval. */
        ice->next_check_at = now + CONSENT_EVERY_US * 8 / 10 +
                             (usec_t)rng_below(&ice->rng, (uint64_t)CONSENT_EVERY_US * 4 / 10);
        return;
    }
    send_check(ice, now, &ice->config.candidates[ice->next_candidate]);
    ice->next_candidate = (ice->next_candidate + 1) % ice->config.candidate_count;
    ice->next_check_at = now + ice->retry_us;
    if (ice->next_candidate == 0)
        ice->retry_us = usec_min(ice->retry_us * 2, CHECK_RETRY_LAST_US);
}

usec_t ice_client_next_timeout(const struct ice_client *ice)
{
    return ice->next_check_at;
}

void ice_client_handle_datagram(struct ice_client *ice, usec_t now, const struct net_addr *from,
                                struct bytes datagram)
{
    struct stun_message message;
    if (stun_parse_message(datagram, &message) != STATUS_OK ||
        message.class != STUN_CLASS_SUCCESS ||
        memcmp(message.transaction, ice->transaction, sizeof ice->transaction) != 0 ||
        !net_addr_equal(from, &ice->checked) ||
        stun_verify_integrity(&message, bytes_of_string(ice->config.remote.pwd)) != STATUS_OK)
        return;
    ice->rtt_us = now - ice->checked_at;
    ice->consent_at = now;
    if (ice->has_selected)
        return;
    ice->selected = *from;
    ice->has_selected = true;
    ice->next_check_at = now + CONSENT_EVERY_US;
}

bool ice_client_poll_datagram(struct ice_client *ice, struct net_addr *to, struct bytes *out)
{
    if (!ice->has_output)
        return false;
    ice->has_output = false;
    *to = ice->output_to;
    *out = bytes_of(ice->output, ice->output_bytes);
    return true;
}

bool ice_client_get_remote(const struct ice_client *ice, usec_t now, struct net_addr *out)
{
    if (!ice->has_selected || now - ice->consent_at > CONSENT_LASTS_US)
        return false;
    *out = ice->selected;
    return true;
}
