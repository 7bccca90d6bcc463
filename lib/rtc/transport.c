#include "rtc/transport.h"

#include "base/wipe.h"
#include "rtc/dtls.h"
#include "rtc/handshake_width.h"
#include "rtc/ice_lite.h"
#include "rtc/media_cipher.h"
#include "wire/demux.h"

#define PATH_CHANGES_MAX 4

struct transport {
    struct transport_config config;
    struct ice_lite ice;
    struct dtls *dtls;
    struct media_cipher *cipher; /* NULL until the handshake's end */
    enum transport_state state;
    enum transport_state told;
    const char *reason;
    usec_t created_at;
    struct net_addr dtls_to; /* where the peer's last flight came from */
    bool has_dtls_to;
    bool has_heard_dtls;
    bool has_answer;
    struct net_addr answer_to;
    size_t answer_bytes;
    uint8_t answer[ICE_ANSWER_BYTES_MAX];
    struct transport_path_change changes[PATH_CHANGES_MAX];
    size_t change_count;
    struct handshake_width width;
    struct transport_stats stats;
    struct log log;
};

struct transport_config transport_config_default(void)
{
    return (struct transport_config){.quiet_after_us = SECONDS(5),
                                     .close_after_us = SECONDS(30),
                                     .handshake_deadline_us = SECONDS(30),
                                     .old_credentials_us = SECONDS(20)};
}

const char *transport_input_name(enum transport_input input)
{
    static const char *const names[] = {
#define X(name, text) text,
        TRANSPORT_INPUT_LIST(X)
#undef X
    };
    return (size_t)input < COUNT_OF(names) ? names[input] : "unknown";
}

enum status transport_create(struct transport **out, usec_t now,
                             const struct transport_config *config,
                             const struct transport_params *params, struct dtls_context *dtls,
                             const struct log *log)
{
    if (config->quiet_after_us <= 0 || config->close_after_us <= config->quiet_after_us ||
        config->handshake_deadline_us <= 0 || params->local_ice.ufrag[0] == '\0' ||
        params->local_ice.pwd[0] == '\0' || params->remote_ice.ufrag[0] == '\0')
        return STATUS_CONFIG; /* an empty password would let anyone in */
    struct transport *t = calloc(1, sizeof *t);
    if (t == NULL)
        return STATUS_NO_MEMORY;
    t->config = *config;
    t->log = *log;
    t->reason = "";
    t->created_at = now;
    t->stats.srtp_profile = "";
    ice_lite_init(&t->ice, now, &params->local_ice, &params->remote_ice,
                  config->old_credentials_us);
    enum status status =
        dtls_create(&t->dtls, now, dtls, params->role, params->remote_fingerprint, log);
    if (status != STATUS_OK) {
        transport_free(t);
        return status;
    }
    *out = t;
    return STATUS_OK;
}

void transport_free(struct transport *t)
{
    if (t == NULL)
        return;
    dtls_free(t->dtls);
    media_cipher_free(t->cipher);
    memory_wipe(t, sizeof *t);
    free(t);
}

static void set_state(struct transport *t, enum transport_state next, const char *reason)
{
    static const char *const names[] = {"new", "checking", "connected", "quiet", "closed"};
    static const uint8_t allowed[] = {
        [TRANSPORT_NEW] = 1 << TRANSPORT_CHECKING | 1 << TRANSPORT_CLOSED,
        [TRANSPORT_CHECKING] = 1 << TRANSPORT_CONNECTED | 1 << TRANSPORT_CLOSED,
        [TRANSPORT_CONNECTED] = 1 << TRANSPORT_QUIET | 1 << TRANSPORT_CLOSED,
        [TRANSPORT_QUIET] = 1 << TRANSPORT_CONNECTED | 1 << TRANSPORT_CLOSED,
        [TRANSPORT_CLOSED] = 0,
    };
    CHECK((allowed[t->state] >> next & 1) != 0);
    log_info(&t->log, "transport_state", "from=%s to=%s reason=%s", names[t->state], names[next],
             reason);
    t->state = next;
    t->reason = reason;
}

/* What the DTLS engine has come to, after anything that may have moved it. */
static void follow_dtls(struct transport *t, usec_t now)
{
    enum dtls_state dtls = dtls_get_state(t->dtls);
    if (t->state == TRANSPORT_CLOSED)
        return;
    if (dtls == DTLS_FAILED || dtls == DTLS_CLOSED) {
        set_state(t, TRANSPORT_CLOSED, dtls_get_reason(t->dtls));
        return;
    }
    if (dtls != DTLS_CONNECTED || t->cipher != NULL)
        return;
    struct media_keys keys;
    enum status status = dtls_export_keys(t->dtls, &keys);
    if (status == STATUS_OK)
        status = media_cipher_create(&t->cipher, &keys);
    if (status != STATUS_OK) {
        memory_wipe(&keys, sizeof keys);
        set_state(t, TRANSPORT_CLOSED, "no_keys");
        return;
    }
    t->stats.srtp_profile = media_profile_get_name(keys.profile);
    t->stats.connected_at = now;
    handshake_width_note_done(&t->width, now);
    memory_wipe(&keys, sizeof keys);
    dtls_rest(t->dtls);
    set_state(t, TRANSPORT_CONNECTED, "");
}

static void note_alive(struct transport *t)
{
    if (t->state == TRANSPORT_QUIET)
        set_state(t, TRANSPORT_CONNECTED, "heard_again");
}

static void note_change(struct transport *t, const struct net_addr *addr, bool added)
{
    /* The owner drains after each datagram; one check changes two paths at most. */
    CHECK(t->change_count < PATH_CHANGES_MAX);
    t->changes[t->change_count++] = (struct transport_path_change){*addr, added};
}

static enum transport_input handle_stun(struct transport *t, usec_t now,
                                        const struct net_addr *from, struct bytes datagram)
{
    struct ice_path_change change;
    size_t size = 0;
    switch (ice_lite_handle_stun(&t->ice, now, from, datagram, t->answer, &size, &change)) {
    case ICE_MALFORMED:
        return TRANSPORT_INPUT_BAD_STUN;
    case ICE_REFUSED:
        return TRANSPORT_INPUT_STUN_AUTH;
    case ICE_IGNORED:
        return TRANSPORT_INPUT_CONSUMED;
    case ICE_ANSWERED:
        break;
    }
    t->has_answer = true;
    t->answer_to = *from;
    t->answer_bytes = size;
    handshake_width_note_check(&t->width, now, size);
    if (change.dropped)
        note_change(t, &change.dropped_addr, false);
    if (change.added)
        note_change(t, &change.added_addr, true);
    if (t->ice.path_count == 0)
        return TRANSPORT_INPUT_CONSUMED; /* refused with an error: no path yet */
    /* Our first flight is repeated to the best path so far: the first one may not carry it. */
    if (!t->has_heard_dtls)
        t->has_dtls_to = ice_lite_get_remote(&t->ice, now, &t->dtls_to);
    if (t->state == TRANSPORT_NEW) {
        set_state(t, TRANSPORT_CHECKING, "");
        dtls_start(t->dtls, now);
        follow_dtls(t, now);
    }
    note_alive(t);
    return TRANSPORT_INPUT_CONSUMED;
}

static enum transport_input handle_dtls(struct transport *t, usec_t now,
                                        const struct net_addr *from, struct bytes datagram)
{
    enum status status = dtls_handle_datagram(t->dtls, now, datagram);
    if (status != STATUS_MALFORMED) {
        t->dtls_to = *from; /* may move within one handshake, as browsers change paths */
        t->has_dtls_to = t->has_heard_dtls = true;
        handshake_width_note_datagram(&t->width, now);
    }
    /* Not a sign of life: OpenSSL does not tell whether a record was authentic. */
    follow_dtls(t, now);
    return status == STATUS_OK ? TRANSPORT_INPUT_CONSUMED : TRANSPORT_INPUT_BAD_DTLS;
}

static enum transport_input handle_media(struct transport *t, usec_t now,
                                         const struct net_addr *from, struct bytes_mut datagram,
                                         bool is_rtcp, struct bytes_mut *plain)
{
    if (t->cipher == NULL)
        return TRANSPORT_INPUT_NO_KEYS;
    size_t size = datagram.size;
    enum status status = is_rtcp ? media_cipher_unprotect_rtcp(t->cipher, datagram.data, &size)
                                 : media_cipher_unprotect_rtp(t->cipher, datagram.data, &size);
    if (status == STATUS_REPLAYED)
        return TRANSPORT_INPUT_SRTP_REPLAY;
    if (status == STATUS_AUTH)
        return TRANSPORT_INPUT_SRTP_AUTH;
    if (status != STATUS_OK)
        return TRANSPORT_INPUT_BAD_RTP;
    ice_lite_note_media(&t->ice, now, from);
    note_alive(t);
    *plain = (struct bytes_mut){datagram.data, size};
    return is_rtcp ? TRANSPORT_INPUT_RTCP : TRANSPORT_INPUT_RTP;
}

static enum transport_input handle_input(struct transport *t, usec_t now,
                                         const struct net_addr *from, struct bytes_mut datagram,
                                         struct bytes_mut *plain)
{
    if (t->state == TRANSPORT_CLOSED)
        return TRANSPORT_INPUT_NOT_OURS;
    enum demux_kind kind = demux_classify(bytes_const(datagram));
    if (kind == DEMUX_STUN)
        return handle_stun(t, now, from, bytes_const(datagram));
    if (kind != DEMUX_DTLS && kind != DEMUX_RTP && kind != DEMUX_RTCP)
        return TRANSPORT_INPUT_NOT_OURS;
    if (!ice_lite_is_path(&t->ice, from))
        return TRANSPORT_INPUT_UNKNOWN_PATH;
    if (kind == DEMUX_DTLS)
        return handle_dtls(t, now, from, bytes_const(datagram));
    return handle_media(t, now, from, datagram, kind == DEMUX_RTCP, plain);
}

enum transport_input transport_handle_datagram(struct transport *t, usec_t now,
                                               const struct net_addr *from,
                                               struct bytes_mut datagram, struct bytes_mut *plain)
{
    enum transport_input input = handle_input(t, now, from, datagram, plain);
    t->stats.inputs[input]++;
    t->stats.bytes_in += datagram.size;
    return input;
}

void transport_handle_path_closed(struct transport *t, usec_t now, const struct net_addr *path)
{
    if (!ice_lite_remove_path(&t->ice, path))
        return;
    /* A handshake under way goes on where the peer can still be reached. */
    if (t->has_dtls_to && net_addr_equal(&t->dtls_to, path))
        t->has_dtls_to = ice_lite_get_remote(&t->ice, now, &t->dtls_to);
}

bool transport_is_path(const struct transport *t, const struct net_addr *addr)
{
    return ice_lite_is_path(&t->ice, addr);
}

void transport_handle_timeout(struct transport *t, usec_t now)
{
    if (t->state == TRANSPORT_CLOSED)
        return;
    dtls_handle_timeout(t->dtls, now);
    handshake_width_note_timeout(&t->width);
    follow_dtls(t, now);
    if (t->state == TRANSPORT_CLOSED)
        return;
    usec_t silence = ice_lite_get_silence_us(&t->ice, now);
    if (silence >= t->config.close_after_us)
        set_state(t, TRANSPORT_CLOSED, "silence");
    else if (t->cipher == NULL && now - t->created_at >= t->config.handshake_deadline_us)
        set_state(t, TRANSPORT_CLOSED, "deadline");
    else if (silence >= t->config.quiet_after_us && t->state == TRANSPORT_CONNECTED)
        set_state(t, TRANSPORT_QUIET, "silence");
}

usec_t transport_next_timeout(const struct transport *t, usec_t now)
{
    if (t->state == TRANSPORT_CLOSED)
        return USEC_NEVER;
    usec_t next = t->ice.heard_at + (t->state == TRANSPORT_CONNECTED ? t->config.quiet_after_us
                                                                     : t->config.close_after_us);
    if (t->cipher == NULL)
        next = usec_min(usec_min(next, t->created_at + t->config.handshake_deadline_us),
                        dtls_next_timeout(t->dtls, now));
    return next;
}

bool transport_poll_datagram(struct transport *t, struct transport_datagram *out)
{
    if (t->has_answer) {
        t->has_answer = false;
        *out = (struct transport_datagram){t->answer_to, bytes_of(t->answer, t->answer_bytes)};
        return true;
    }
    if (!t->has_dtls_to || !dtls_poll_datagram(t->dtls, &out->data))
        return false;
    out->to = t->dtls_to;
    handshake_width_note_flight(&t->width, out->data.size);
    return true;
}

bool transport_poll_state(struct transport *t, enum transport_state *state, const char **reason)
{
    if (t->told == t->state)
        return false;
    t->told = t->state;
    *state = t->state;
    *reason = t->reason;
    return true;
}

enum transport_state transport_get_state(const struct transport *t)
{
    return t->state;
}

bool transport_get_remote(const struct transport *t, usec_t now, struct net_addr *out)
{
    return t->cipher != NULL && t->state != TRANSPORT_CLOSED &&
           ice_lite_get_remote(&t->ice, now, out);
}

bool transport_poll_path(struct transport *t, struct transport_path_change *out)
{
    if (t->change_count == 0)
        return false;
    *out = t->changes[0];
    t->change_count--;
    memmove(&t->changes[0], &t->changes[1], t->change_count * sizeof t->changes[0]);
    return true;
}

enum status transport_protect_rtp(struct transport *t, uint8_t *packet, size_t *size)
{
    return t->cipher == NULL ? STATUS_STATE : media_cipher_protect_rtp(t->cipher, packet, size);
}

enum status transport_protect_rtcp(struct transport *t, uint8_t *packet, size_t *size)
{
    return t->cipher == NULL ? STATUS_STATE : media_cipher_protect_rtcp(t->cipher, packet, size);
}

void transport_restart_ice(struct transport *t, usec_t now, const struct ice_parameters *local,
                           const struct ice_parameters *remote)
{
    ice_lite_restart(&t->ice, now, local, remote);
}

bool transport_is_user(const struct transport *t, struct bytes username)
{
    return ice_lite_is_user(&t->ice, username);
}

const struct transport_stats *transport_get_stats(const struct transport *t)
{
    return &t->stats;
}

uint64_t transport_get_narrow_bps(const struct transport *t)
{
    return handshake_width_get_bps(&t->width);
}

uint64_t transport_get_doubt_bps(const struct transport *t)
{
    return handshake_width_get_doubt_bps(&t->width);
}

usec_t transport_get_bare_round_us(const struct transport *t)
{
    return handshake_width_get_bare_us(&t->width);
}

usec_t transport_get_handshake_round_us(const struct transport *t)
{
    return handshake_width_get_round_us(&t->width);
}

bool transport_get_route(const struct transport *t, usec_t now, struct transport_route *out)
{
    if (!transport_get_remote(t, now, &out->to))
        return false;
    out->sender = media_cipher_get_sender(t->cipher);
    out->until = ice_lite_get_send_limit(&t->ice);
    return true;
}
