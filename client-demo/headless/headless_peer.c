#include "client-demo/headless/headless_peer.h"

#include "base/wipe.h"
#include "rtc/ice_lite.h"
#include "wire/demux.h"

#include <jansson.h>

#define OFFER_ID_FIRST 100 /* behind the numbers of other requests */
#define OFFER_AGAIN_US SECONDS(3)

static enum status init_encodings(struct headless_peer *p)
{
    const struct headless_config *config = &p->config;
    for (size_t i = 0; i < HEADLESS_ENCODINGS; i++) {
        struct headless_encoding *e = &p->encodings[i];
        if (i > 0 && (config->ivf != NULL || config->made_up[i].fps == 0))
            break;
        e->sent = calloc(HEADLESS_SENT_KEPT, sizeof *e->sent);
        if (e->sent == NULL)
            return STATUS_NO_MEMORY;
        enum status status = STATUS_OK;
        if (config->ivf != NULL)
            video_source_init(&e->source, config->ivf);
        else
            status = video_source_init_made_up(&e->source, &config->made_up[i]);
        if (status != STATUS_OK)
            return status;
        e->is_wanted = i == 0;
        p->encoding_count++;
    }
    return STATUS_OK;
}

enum status headless_peer_init(struct headless_peer *p, const struct headless_config *config)
{
    memset(p, 0, sizeof *p);
    p->config = *config;
    p->rng = rng_of_seed(config->seed);
    p->offer_again_at = USEC_NEVER;
    p->pictures = calloc(1, sizeof *p->pictures);
    p->datagrams = calloc(HEADLESS_OUT_DATAGRAMS, sizeof *p->datagrams);
    p->has_voice = config->wav != NULL || config->made_up_voice;
    p->has_screen = config->ivf != NULL || config->made_up[0].fps > 0;
    enum status status = p->pictures == NULL || p->datagrams == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    for (int line = 0; line < HEADLESS_LINE_COUNT && status == STATUS_OK; line++) {
        if (headless_line_kind((enum headless_line)line) == MEDIA_KIND_AUDIO)
            status = audio_sink_init(&p->sounds[line], config->decode);
    }
    if (status == STATUS_OK && config->wav != NULL)
        status = audio_source_init(&p->voice, config->wav, 32000);
    else if (status == STATUS_OK)
        audio_source_init_made_up(&p->voice);
    if (status == STATUS_OK && p->has_voice) {
        p->mic_sent = calloc(HEADLESS_VOICE_KEPT, sizeof *p->mic_sent);
        status = p->mic_sent == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    }
    if (status == STATUS_OK && p->has_screen)
        status = init_encodings(p);
    if (status != STATUS_OK)
        headless_peer_destroy(p);
    return status;
}

static void drop_session(struct headless_peer *p)
{
    dtls_free(p->dtls);
    media_cipher_free(p->cipher);
    p->dtls = NULL;
    p->cipher = NULL;
    p->connected_at = 0;
}

static void forget_texts(struct headless_peer *p)
{
    for (; p->text_count > 0; p->text_count--, p->text_head++)
        free(p->texts[p->text_head % HEADLESS_OUT_TEXTS]);
}

void headless_peer_destroy(struct headless_peer *p)
{
    drop_session(p);
    for (int line = 0; line < HEADLESS_LINE_COUNT; line++)
        audio_sink_destroy(&p->sounds[line]);
    if (p->has_voice)
        audio_source_destroy(&p->voice);
    for (size_t i = 0; i < HEADLESS_ENCODINGS; i++) {
        video_source_destroy(&p->encodings[i].source);
        free(p->encodings[i].sent);
    }
    forget_texts(p);
    free(p->text_given);
    free(p->mic_sent);
    free(p->pictures);
    free(p->datagrams);
    memory_wipe(p, sizeof *p);
}

static void set_state(struct headless_peer *p, enum headless_state next, const char *reason)
{
    static const char *const names[] = {"idle",       "joining",   "negotiating",
                                        "connecting", "connected", "ended"};
    log_debug(&p->config.log, "peer_state", "from=%s to=%s reason=%s", names[p->state], names[next],
              reason);
    p->state = next;
}

static void fail(struct headless_peer *p, const char *what)
{
    snprintf(p->failure, sizeof p->failure, "%s", what);
    set_state(p, HEADLESS_ENDED, what);
}

/* --- Texts */

/* Takes `message` over. Without a socket nothing is kept: the next one begins with hello. */
static void send_json(struct headless_peer *p, json_t *message)
{
    char *text = message != NULL ? json_dumps(message, JSON_COMPACT) : NULL;
    json_decref(message);
    if (text == NULL || p->text_count == HEADLESS_OUT_TEXTS || !p->is_open) {
        free(text);
        return;
    }
    p->texts[(p->text_head + p->text_count++) % HEADLESS_OUT_TEXTS] = text;
}

bool headless_peer_poll_text(struct headless_peer *p, struct bytes *out)
{
    free(p->text_given);
    p->text_given = NULL;
    if (p->text_count == 0 || !p->is_open)
        return false;
    p->text_given = p->texts[p->text_head % HEADLESS_OUT_TEXTS];
    p->text_head++;
    p->text_count--;
    *out = bytes_of_string(p->text_given);
    return true;
}

void headless_peer_handle_opened(struct headless_peer *p, usec_t now)
{
    p->is_open = true;
    if (p->opened_at == 0)
        p->opened_at = now;
    json_t *hello = json_pack("{s:s, s:i, s:i, s:s}", "type", "hello", "id", 1, "version", 1,
                              "lang", p->config.lang);
    if (p->resume[0] != '\0') {
        json_object_set_new(hello, "resume", json_string(p->resume));
    } else {
        json_object_set_new(hello, "token", json_string(p->config.token));
        if (p->config.name[0] != '\0')
            json_object_set_new(hello, "name", json_string(p->config.name));
        set_state(p, HEADLESS_JOINING, "opened");
    }
    send_json(p, hello);
}

void headless_peer_handle_closed(struct headless_peer *p, usec_t now)
{
    (void)now;
    p->is_open = false;
    p->wants_restart = false;
    p->offer_again_at = USEC_NEVER; /* with the next socket */
    forget_texts(p);
}

/* With new ICE credentials. */
static bool queue_offer(struct headless_peer *p, bool restart)
{
    struct headless_offer_params params = {.is_active_setup = false};
    char text[HEADLESS_OFFER_BYTES_MAX];
    if (ice_credentials_generate(&p->ice_local) != STATUS_OK) {
        fail(p, "no_random");
        return false;
    }
    params.ice = p->ice_local;
    dtls_context_get_fingerprint(p->config.dtls, params.fingerprint);
    params.ssrcs[0] = p->mic.ssrc;
    params.ssrcs[1] = p->encodings[0].sender.ssrc;
    params.rtx_ssrc = p->encodings[0].rtx_ssrc;
    params.has_rids = p->encoding_count > 1;
    params.lacks_rtx = p->config.lacks_rtx;
    params.lacks_nack = p->config.lacks_nack;
    params.lacks_red = p->config.lacks_red;
    params.sends_remb = p->config.remb != HEADLESS_REMB_NONE;
    params.repeats_voice = p->config.repeats_voice;
    params.lacks_numbers = p->config.lacks_numbers;
    if (headless_offer_write(&params, text, sizeof text) != STATUS_OK) {
        fail(p, "offer");
        return false;
    }
    p->offer_again_at = USEC_NEVER;
    p->offer_id = p->offer_id < OFFER_ID_FIRST ? OFFER_ID_FIRST : p->offer_id + 1;
    send_json(p, json_pack("{s:s, s:i, s:s, s:b}", "type", "offer", "id", (int)p->offer_id, "sdp",
                           text, "restart", restart));
    return true;
}

static void send_offer(struct headless_peer *p, usec_t now)
{
    drop_session(p);
    p->wants_restart = p->is_restarting = false;
    p->mic.ssrc = rng_u32(&p->rng) | 1;
    for (uint32_t i = 0; i < HEADLESS_ENCODINGS; i++) {
        p->encodings[i].sender.ssrc = p->mic.ssrc + 2 + 4 * i;
        p->encodings[i].rtx_ssrc = p->mic.ssrc + 4 + 4 * i;
    }
    p->our_ssrc = p->mic.ssrc;
    if (!queue_offer(p, false))
        return;
    p->offered_at = now;
    p->sessions++;
    set_state(p, HEADLESS_NEGOTIATING, "offer");
}

void headless_peer_restart_ice(struct headless_peer *p, usec_t now)
{
    (void)now;
    if (p->state == HEADLESS_CONNECTED && p->is_open)
        p->wants_restart = queue_offer(p, true);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void handle_welcome(struct headless_peer *p, usec_t now, const json_t *m)
{
    const json_t *self = json_object_get(m, "participant");
    snprintf(p->resume, sizeof p->resume, "%s", text_of(m, "resume_token"));
    snprintf(p->role, sizeof p->role, "%s", text_of(self, "role"));
    bool is_trainer = strcmp(p->role, "trainer") == 0;
    p->may_speak = p->may_speak || is_trainer;
    /* A resumed participant whose transport still lives goes on as it is. */
    if (p->cipher != NULL && strcmp(text_of(m, "media"), "none") != 0)
        return;
    send_offer(p, now);
    if (is_trainer && p->has_screen)
        send_json(p, json_pack("{s:s, s:i, s:b}", "type", "share_start", "id", 3, "audio", 0));
    if (!is_trainer && p->config.raise_hand)
        send_json(p, json_pack("{s:s, s:i, s:b}", "type", "hand", "id", 4, "raised", 1));
}

static void handle_send_encodings(struct headless_peer *p, usec_t now, const json_t *wanted)
{
    for (size_t i = 1; i < p->encoding_count; i++) {
        struct headless_encoding *e = &p->encodings[i];
        bool is_wanted = json_is_true(json_array_get(wanted, i));
        if (is_wanted && !e->is_wanted) {
            e->sender.next_at = usec_max(e->sender.next_at, now);
            headless_media_request_key_frame(p, e);
        }
        e->is_wanted = is_wanted;
    }
}

static enum status start_ice(struct headless_peer *p, usec_t now, struct ice_client *ice)
{
    struct ice_client_config config = {.local = p->ice_local,
                                       .remote = p->answer.ice,
                                       .candidate_count = p->answer.candidate_count,
                                       .tie_breaker = rng_next(&p->rng)};
    memcpy(config.candidates, p->answer.candidates, sizeof config.candidates);
    return ice_client_init(ice, now, &config, rng_next(&p->rng));
}

static void handle_restart_answer(struct headless_peer *p, usec_t now, const json_t *m)
{
    struct headless_answer answer;
    p->wants_restart = false;
    if (headless_answer_parse(bytes_of_string(text_of(m, "sdp")), &answer) != STATUS_OK ||
        memcmp(answer.fingerprint, p->answer.fingerprint, FINGERPRINT_BYTES) != 0) {
        fail(p, "bad_answer");
        return;
    }
    p->answer = answer;
    p->is_restarting = start_ice(p, now, &p->restarted_ice) == STATUS_OK;
}

static void handle_answer(struct headless_peer *p, usec_t now, const json_t *m)
{
    if (p->state == HEADLESS_CONNECTED && p->wants_restart)
        handle_restart_answer(p, now, m);
    if (p->state != HEADLESS_NEGOTIATING)
        return;
    if (headless_answer_parse(bytes_of_string(text_of(m, "sdp")), &p->answer) != STATUS_OK) {
        fail(p, "bad_answer");
        return;
    }
    if (start_ice(p, now, &p->ice) != STATUS_OK ||
        dtls_create(&p->dtls, now, p->config.dtls, p->answer.our_role, p->answer.fingerprint,
                    &p->config.log) != STATUS_OK) {
        fail(p, "transport");
        return;
    }
    set_state(p, HEADLESS_CONNECTING, "answer");
}

/* As the page does it: what may pass is tried again, a restart that is refused changes nothing
 * unless the transport is gone. */
static void handle_refused_offer(struct headless_peer *p, usec_t now, const char *code)
{
    bool is_gone = strcmp(code, "media_gone") == 0;
    if (p->wants_restart) {
        p->wants_restart = false;
        if (is_gone)
            send_offer(p, now);
    } else if (is_gone || strcmp(code, "no_relay") == 0 || strcmp(code, "too_many") == 0) {
        p->offer_again_at = now + OFFER_AGAIN_US;
    } else {
        fail(p, code);
    }
}

static void handle_error(struct headless_peer *p, usec_t now, const json_t *m)
{
    json_int_t to = json_integer_value(json_object_get(m, "to"));
    const char *code = text_of(m, "code");
    log_warn(&p->config.log, "refused", "request=%d code=%s", (int)to, code);
    if (to == 1)
        fail(p, code);
    else if (to == (json_int_t)p->offer_id)
        handle_refused_offer(p, now, code);
}

void headless_peer_handle_text(struct headless_peer *p, usec_t now, struct bytes text)
{
    json_t *m = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
    const char *type = text_of(m, "type");
    if (strcmp(type, "welcome") == 0)
        handle_welcome(p, now, m);
    else if (strcmp(type, "answer") == 0)
        handle_answer(p, now, m);
    else if (strcmp(type, "error") == 0)
        handle_error(p, now, m);
    else if (strcmp(type, "media_reset") == 0)
        send_offer(p, now);
    else if (strcmp(type, "send_encodings") == 0)
        handle_send_encodings(p, now, json_object_get(m, "wanted"));
    else if (strcmp(type, "floor") == 0)
        p->may_speak = json_is_true(json_object_get(m, "granted"));
    else if (strcmp(type, "goodbye") == 0 && strcmp(text_of(m, "code"), "shutting_down") != 0)
        set_state(p, HEADLESS_ENDED, text_of(m, "code"));
    json_decref(m);
}

/* --- Datagrams */

uint8_t *headless_peer_queue_datagram(struct headless_peer *p, const struct net_addr *to)
{
    if (p->datagram_count == HEADLESS_OUT_DATAGRAMS)
        return NULL;
    size_t place = (p->datagram_head + p->datagram_count) % HEADLESS_OUT_DATAGRAMS;
    p->datagrams[place].to = *to;
    return p->datagrams[place].data;
}

void headless_peer_commit_datagram(struct headless_peer *p, size_t size)
{
    size_t place = (p->datagram_head + p->datagram_count++) % HEADLESS_OUT_DATAGRAMS;
    p->datagrams[place].size = size;
}

static void queue_copy(struct headless_peer *p, const struct net_addr *to, struct bytes data)
{
    uint8_t *space =
        data.size <= HEADLESS_DATAGRAM_BYTES ? headless_peer_queue_datagram(p, to) : NULL;
    if (space == NULL)
        return;
    memcpy(space, data.data, data.size);
    headless_peer_commit_datagram(p, data.size);
}

bool headless_peer_poll_datagram(struct headless_peer *p, struct net_addr *to, struct bytes *out)
{
    if (p->datagram_count == 0)
        return false;
    size_t place = p->datagram_head;
    *to = p->datagrams[place].to;
    *out = bytes_of(p->datagrams[place].data, p->datagrams[place].size);
    p->datagram_head = (p->datagram_head + 1) % HEADLESS_OUT_DATAGRAMS;
    p->datagram_count--;
    return true;
}

/* What ICE and DTLS want to send, and what has come of the handshake. */
static void drain(struct headless_peer *p, usec_t now)
{
    struct net_addr to;
    struct bytes data;
    while (ice_client_poll_datagram(&p->ice, &to, &data))
        queue_copy(p, &to, data);
    while (p->is_restarting && ice_client_poll_datagram(&p->restarted_ice, &to, &data))
        queue_copy(p, &to, data);
    if (p->is_restarting && ice_client_get_remote(&p->restarted_ice, now, &to)) {
        p->ice = p->restarted_ice;
        p->is_restarting = false;
    }
    if (p->dtls == NULL || !ice_client_get_remote(&p->ice, now, &to))
        return;
    dtls_start(p->dtls, now);
    while (dtls_poll_datagram(p->dtls, &data))
        queue_copy(p, &to, data);
    enum dtls_state state = dtls_get_state(p->dtls);
    if (state == DTLS_FAILED || (state == DTLS_CLOSED && p->state == HEADLESS_CONNECTING)) {
        fail(p, dtls_get_reason(p->dtls));
    } else if (state == DTLS_CONNECTED && p->cipher == NULL) {
        struct media_keys keys;
        if (dtls_export_keys(p->dtls, &keys) != STATUS_OK ||
            media_cipher_create(&p->cipher, &keys) != STATUS_OK)
            fail(p, "no_keys");
        memory_wipe(&keys, sizeof keys);
        if (p->cipher == NULL)
            return;
        p->connected_at = now;
        set_state(p, HEADLESS_CONNECTED, "handshake");
        headless_media_start(p, now);
    }
}

void headless_peer_handle_datagram(struct headless_peer *p, usec_t now, const struct net_addr *from,
                                   struct bytes_mut datagram)
{
    size_t size = datagram.size;
    if (p->state != HEADLESS_CONNECTING && p->state != HEADLESS_CONNECTED)
        return;
    switch (demux_classify(bytes_const(datagram))) {
    case DEMUX_STUN:
        ice_client_handle_datagram(&p->ice, now, from, bytes_const(datagram));
        if (p->is_restarting)
            ice_client_handle_datagram(&p->restarted_ice, now, from, bytes_const(datagram));
        break;
    case DEMUX_DTLS:
        (void)!dtls_handle_datagram(p->dtls, now, bytes_const(datagram));
        break;
    case DEMUX_RTP:
        if (p->cipher != NULL &&
            media_cipher_unprotect_rtp(p->cipher, datagram.data, &size) == STATUS_OK)
            headless_media_handle_rtp(p, now, (struct bytes_mut){datagram.data, size});
        return;
    case DEMUX_RTCP:
        if (p->cipher != NULL &&
            media_cipher_unprotect_rtcp(p->cipher, datagram.data, &size) == STATUS_OK)
            headless_media_handle_rtcp(p, now, bytes_of(datagram.data, size));
        return;
    default:
        return;
    }
    drain(p, now);
}

void headless_peer_handle_timeout(struct headless_peer *p, usec_t now)
{
    if (p->state == HEADLESS_NEGOTIATING && p->offer_again_at <= now)
        send_offer(p, now);
    if (p->state != HEADLESS_CONNECTING && p->state != HEADLESS_CONNECTED)
        return;
    ice_client_handle_timeout(&p->ice, now);
    if (p->is_restarting)
        ice_client_handle_timeout(&p->restarted_ice, now);
    dtls_handle_timeout(p->dtls, now);
    drain(p, now);
    if (p->state == HEADLESS_CONNECTED)
        headless_media_handle_timeout(p, now);
}

usec_t headless_peer_next_timeout(const struct headless_peer *p, usec_t now)
{
    if (p->state == HEADLESS_NEGOTIATING)
        return p->offer_again_at;
    if (p->state != HEADLESS_CONNECTING && p->state != HEADLESS_CONNECTED)
        return USEC_NEVER;
    usec_t next = usec_min(ice_client_next_timeout(&p->ice), dtls_next_timeout(p->dtls, now));
    if (p->is_restarting)
        next = usec_min(next, ice_client_next_timeout(&p->restarted_ice));
    return p->state == HEADLESS_CONNECTED ? usec_min(next, headless_media_next_timeout(p)) : next;
}
