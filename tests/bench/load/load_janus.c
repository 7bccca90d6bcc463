/* Janus's VideoRoom over its HTTP interface: one session, a handle for each participant. Answers
 * to plugin messages come through a request that waits (long poll). */
#include "tests/bench/load/load_join.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define ROOM 4711

/* Takes `message` over. `handle` 0: the session's own. */
static void post(struct load_join *join, uint64_t handle, json_t *message, load_http_done *done,
                 struct load_peer *p)
{
    char url[600], transaction[32];
    size_t at = (size_t)snprintf(url, sizeof url, "%s/janus", join->config.base_url);
    if (join->session != 0)
        at += (size_t)snprintf(url + at, sizeof url - at, "/%" PRIu64, join->session);
    if (handle != 0)
        snprintf(url + at, sizeof url - at, "/%" PRIu64, handle);
    snprintf(transaction, sizeof transaction, "%zu", p != NULL ? p->index : 0);
    json_object_set_new(message, "transaction", json_string(transaction));
    char *text = json_dumps(message, JSON_COMPACT);
    json_decref(message);
    if (text == NULL || load_http_request(join->http, "POST", url, text, "application/json", NULL,
                                          done, join, p) != STATUS_OK)
        fprintf(stderr, "bench-load: a request could not be made\n");
    free(text);
}

static void ignore(void *owner, void *subject, const struct load_http_answer *answer)
{
    (void)owner, (void)subject;
    if (strstr(answer->body, "\"error\"") != NULL)
        fprintf(stderr, "bench-load: Janus: %s\n", answer->body);
}

static uint64_t id_of(const struct load_http_answer *answer)
{
    json_t *m = json_loads(answer->body, 0, NULL);
    json_int_t id = json_integer_value(json_object_get(json_object_get(m, "data"), "id"));
    json_decref(m);
    if (id == 0)
        fprintf(stderr, "bench-load: Janus: HTTP %ld %s\n", answer->status, answer->body);
    return (uint64_t)id;
}

/* --- Events */

static void send_start(struct load_join *join, struct load_peer *p)
{
    char sdp[LOAD_SDP_BYTES];
    if (load_join_describe(join, p, &p->remote, sdp) != STATUS_OK) {
        load_join_fail(p, "answer");
        return;
    }
    post(join, p->handle,
         json_pack("{s:s, s:{s:s}, s:{s:s, s:s}}", "janus", "message", "body", "request", "start",
                   "jsep", "type", "answer", "sdp", sdp),
         ignore, p);
}

static void send_publish(struct load_join *join, struct load_peer *p)
{
    char sdp[LOAD_SDP_BYTES];
    if (load_join_describe(join, p, NULL, sdp) != STATUS_OK) {
        load_join_fail(p, "offer");
        return;
    }
    post(join, p->handle,
         json_pack("{s:s, s:{s:s}, s:{s:s, s:s}}", "janus", "message", "body", "request", "publish",
                   "jsep", "type", "offer", "sdp", sdp),
         ignore, p);
}

static void take_event(struct load_join *join, const json_t *event)
{
    json_int_t sender = json_integer_value(json_object_get(event, "sender"));
    const json_t *data = json_object_get(json_object_get(event, "plugindata"), "data");
    const char *kind = json_string_value(json_object_get(data, "videoroom"));
    const char *sdp = json_string_value(json_object_get(json_object_get(event, "jsep"), "sdp"));
    struct load_peer *p = NULL;
    for (size_t i = 0; i < join->peer_count && p == NULL; i++) {
        if (join->peers[i].handle == (uint64_t)sender)
            p = &join->peers[i];
    }
    if (p == NULL || kind == NULL)
        return;
    if (json_object_get(data, "error") != NULL) {
        fprintf(stderr, "bench-load: Janus: %s\n",
                json_string_value(json_object_get(data, "error")));
        load_join_fail(p, "refused");
    } else if (strcmp(kind, "joined") == 0) {
        join->feed = (uint64_t)json_integer_value(json_object_get(data, "id"));
        send_publish(join, p);
    } else if (sdp != NULL && p->state == LOAD_SIGNALLING) {
        load_join_connect(join, p, sdp);
        if (p->index > 0 && p->state == LOAD_CONNECTING)
            send_start(join, p);
    }
}

static void wait_for_events(struct load_join *join);

static void take_events(void *owner, void *subject, const struct load_http_answer *answer)
{
    struct load_join *join = owner;
    size_t index;
    json_t *event;
    (void)subject;
    json_t *m = json_loads(answer->body, 0, NULL);
    wait_for_events(join);
    if (json_is_array(m)) {
        json_array_foreach(m, index, event) take_event(join, event);
    } else {
        take_event(join, m);
    }
    json_decref(m);
}

static void wait_for_events(struct load_join *join)
{
    char url[600];
    snprintf(url, sizeof url, "%s/janus/%" PRIu64 "?maxev=50", join->config.base_url,
             join->session);
    if (load_http_request(join->http, "GET", url, NULL, NULL, NULL, take_events, join, NULL) !=
        STATUS_OK)
        fprintf(stderr, "bench-load: cannot wait for events\n");
}

/* --- Session and room */

static void room_made(void *owner, void *subject, const struct load_http_answer *answer)
{
    struct load_join *join = owner;
    ignore(owner, subject, answer);
    join->room_ready = true;
}

static void room_attached(void *owner, void *subject, const struct load_http_answer *answer)
{
    struct load_join *join = owner;
    (void)subject;
    join->room_handle = id_of(answer);
    json_t *body = json_pack("{s:s, s:i, s:i, s:s, s:s, s:b, s:i, s:b}", "request", "create",
                             "room", ROOM, "publishers", 3, "audiocodec", "opus", "videocodec",
                             "vp8", "transport_wide_cc_ext", 0, "fir_freq", 0, "notify_joining", 0);
    post(join, join->room_handle, json_pack("{s:s, s:o}", "janus", "message", "body", body),
         room_made, NULL);
}

static json_t *attach(void)
{
    return json_pack("{s:s, s:s}", "janus", "attach", "plugin", "janus.plugin.videoroom");
}

static void session_made(void *owner, void *subject, const struct load_http_answer *answer)
{
    struct load_join *join = owner;
    (void)subject;
    join->session = id_of(answer);
    if (join->session == 0)
        return;
    wait_for_events(join);
    post(join, 0, attach(), room_attached, NULL);
}

static enum status janus_begin(struct load_join *join)
{
    post(join, 0, json_pack("{s:s}", "janus", "create"), session_made, NULL);
    return STATUS_OK;
}

static bool janus_is_ready(const struct load_join *join)
{
    return join->room_ready;
}

static void attached(void *owner, void *subject, const struct load_http_answer *answer)
{
    struct load_join *join = owner;
    struct load_peer *p = subject;
    p->handle = id_of(answer);
    if (p->handle == 0) {
        load_join_fail(p, "no handle");
        return;
    }
    json_t *body =
        p->index == 0
            ? json_pack("{s:s, s:s, s:i}", "request", "join", "ptype", "publisher", "room", ROOM)
            : json_pack("{s:s, s:s, s:i, s:[{s:I}]}", "request", "join", "ptype", "subscriber",
                        "room", ROOM, "streams", "feed", (json_int_t)join->feed);
    post(join, p->handle, json_pack("{s:s, s:o}", "janus", "message", "body", body), ignore, p);
}

static void janus_add(struct load_join *join, struct load_peer *p, usec_t now)
{
    p->state = LOAD_SIGNALLING;
    p->begun_at = now;
    post(join, 0, attach(), attached, p);
}

static void janus_remove(struct load_join *join, struct load_peer *p)
{
    (void)join, (void)p; /* the server is stopped instead */
}

const struct load_join_ops load_join_janus = {janus_begin, janus_is_ready, janus_add, janus_remove};
