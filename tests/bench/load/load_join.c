#include "tests/bench/load/load_join.h"

#include <stdio.h>
#include <stdlib.h>

enum status load_join_describe(const struct load_join *join, const struct load_peer *p,
                               const struct load_description *to, char *text)
{
    struct load_sdp_params params = {.ice = p->ice_local,
                                     .candidate = join->shared->is_lite ? &p->udp.local : NULL,
                                     .sends = p->index == 0,
                                     .nack = join->config.nack,
                                     .twcc = join->config.twcc && p->index != 0,
                                     .ssrc = p->ssrc,
                                     .answers = to};
    dtls_context_get_fingerprint(join->shared->dtls, params.fingerprint);
    return load_sdp_write(&params, text, LOAD_SDP_BYTES);
}

void load_join_connect(struct load_join *join, struct load_peer *p, const char *sdp)
{
    if (load_sdp_parse(sdp, &p->remote) != STATUS_OK)
        load_join_fail(p, "a description that cannot be read");
    else if (load_peer_start(p, join->shared, join->now) != STATUS_OK)
        load_join_fail(p, "transport");
}

void load_join_fail(struct load_peer *p, const char *why)
{
    p->state = LOAD_FAILED;
    p->failure = why;
}

/* --- Amphi: one request each */

static enum status amphi_begin(struct load_join *join)
{
    (void)join;
    return STATUS_OK;
}

static bool amphi_is_ready(const struct load_join *join)
{
    (void)join;
    return true;
}

static void amphi_answered(void *owner, void *subject, const struct load_http_answer *answer)
{
    struct load_peer *p = subject;
    if (answer->status != 201) {
        fprintf(stderr, "bench-load: HTTP %ld: %s\n", answer->status, answer->body);
        load_join_fail(p, "refused");
        return;
    }
    p->location = strdup(answer->location);
    load_join_connect(owner, p, answer->body);
}

static void amphi_add(struct load_join *join, struct load_peer *p, usec_t now)
{
    char url[600], sdp[LOAD_SDP_BYTES];
    p->state = LOAD_SIGNALLING;
    p->begun_at = now;
    snprintf(url, sizeof url, "%s/%s/%s", join->config.base_url, p->index == 0 ? "whip" : "whep",
             join->config.class_id);
    if (load_join_describe(join, p, NULL, sdp) != STATUS_OK ||
        load_http_request(join->http, "POST", url, sdp, "application/sdp",
                          p->index == 0 ? join->config.trainer_token : join->config.learner_token,
                          amphi_answered, join, p) != STATUS_OK)
        load_join_fail(p, "request");
}

static void amphi_removed(void *owner, void *subject, const struct load_http_answer *answer)
{
    (void)owner, (void)subject, (void)answer;
}

static void amphi_remove(struct load_join *join, struct load_peer *p)
{
    char url[1200];
    if (p->location == NULL)
        return;
    snprintf(url, sizeof url, "%s%s", join->config.base_url, p->location);
    (void)!load_http_request(join->http, "DELETE", url, NULL, NULL,
                             p->index == 0 ? join->config.trainer_token
                                           : join->config.learner_token,
                             amphi_removed, NULL, NULL);
}

const struct load_join_ops load_join_amphi = {amphi_begin, amphi_is_ready, amphi_add, amphi_remove};
