/* The whole of signaling on a virtual clock: an in-memory store, sockets that are numbers, and a
 * scripted relay. Every output is kept in order, so that a test can ask what came before what. */
#pragma once

#include "signaling/core/service.h"
#include "signaling/core/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#define API_KEY "0123456789abcdef0123456789abcdef"
#define START_UNIX_US (INT64_C(1795449600) * 1000000)
#define RELAY 0

struct seen {
    enum service_output_type type;
    uint64_t number; /* connection, exchange or relay */
    char *text;      /* message or body */
    int status;      /* response */
    uint16_t close_code;
    char location[160], etag[64], content_type[64], allow[64], accept_post[64];
    struct control_message *message; /* relay */
};

struct harness {
    struct store *store;
    struct service *service;
    struct instant at;
    struct seen *seen;
    size_t seen_count, seen_capacity;
    size_t mark; /* where look-ups start: set by harness_forget */
    uint64_t next_connection, next_exchange;
    bool relay_answers; /* answers participant_add and ice_restart by itself */
    const char *remote_ip;
    size_t participants_max;
    char class_id[64];
};

/* An offer as a program sends it: one microphone, one screen. */
#define OFFER_WITH(ufrag, codec)                                                                   \
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"                    \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendrecv\r\n"             \
    "a=rtcp-mux\r\na=rtpmap:111 " codec "\r\na=ice-ufrag:" ufrag "\r\n"                            \
    "a=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n"                                      \
    "a=fingerprint:sha-256 "                                                                       \
    "AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:"   \
    "AB:AB\r\n"                                                                                    \
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sendrecv\r\n"              \
    "a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\na=ice-ufrag:" ufrag "\r\n"    \
    "a=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n"                                      \
    "a=fingerprint:sha-256 "                                                                       \
    "AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:"   \
    "AB:AB\r\n"
#define OFFER OFFER_WITH("abcd", "opus/48000/2")

/* The same as a JSON string. */
char *json_offer(const char *sdp);
char *copy_bytes(struct bytes bytes);
void harness_drain(struct harness *h);
void harness_relay_says(struct harness *h, const struct control_message *message);
struct service_config harness_config(const struct harness *h);
void harness_start_service(struct harness *h);

/* As after kill -9: the process is gone, the store is not. */
void harness_restart_service(struct harness *h);
void harness_relay_hello(struct harness *h, const char *boot_id);
void harness_relay_sync_end(struct harness *h);
void harness_relay_holds(struct harness *h, uint64_t room, uint64_t participant, uint32_t session);
void harness_relay_state(struct harness *h, uint64_t participant, uint32_t session,
                         enum control_media_state state);
/* The request of number `to`: what was added, or given other ICE credentials. */
void harness_relay_answers(struct harness *h, uint32_t to);
void harness_relay_up(struct harness *h);
void harness_relay_down(struct harness *h);

/* Runs every timer that falls due on the way. */
void harness_run_for(struct harness *h, usec_t duration);

/* --- Sockets */

uint64_t harness_connect(struct harness *h);
void harness_disconnect(struct harness *h, uint64_t connection);
void harness_send_bytes(struct harness *h, uint64_t connection, struct bytes text);

__attribute__((format(printf, 3, 4))) void harness_send(struct harness *h, uint64_t connection,
                                                        const char *format, ...);

/* --- What was seen since harness_forget */

void harness_forget(struct harness *h);

/* The place of the first text to `connection` that contains `part`; SIZE_MAX when there is none. */
size_t harness_place(const struct harness *h, uint64_t connection, const char *part);
bool harness_got(const struct harness *h, uint64_t connection, const char *part);
size_t harness_count(const struct harness *h, uint64_t connection, const char *part);

uint16_t harness_close_code(const struct harness *h, uint64_t connection);
size_t harness_relay_place(const struct harness *h, enum control_type type, uint64_t participant);

/* Both are places of something seen, the first before the second. */
void assert_before(size_t first, size_t second);

/* The last grant of a slot: 1 open, 0 closed, -1 never named. */
int harness_grant(const struct harness *h, uint64_t participant, enum send_slot slot);

/* Who is bound to a room slot, by what the relay was told; 0: nobody. */
uint64_t harness_bound(const struct harness *h, enum room_slot slot);

/* The string under "a.b" in the last text to `connection` that has a `type`; caller frees. */
char *harness_value(const struct harness *h, uint64_t connection, const char *type,
                    const char *outer, const char *key);

/* --- HTTP */

const struct seen *harness_response(const struct harness *h, uint64_t exchange);

/* Sends and drains; the exchange's number. */
uint64_t harness_http(struct harness *h, enum http_method method, const char *path,
                      const char *bearer, const char *content_type, const char *if_match,
                      const char *body);
const struct seen *harness_api(struct harness *h, enum http_method method, const char *path,
                               const char *body);

/* A string of the JSON body; caller frees. */
char *body_value(const struct seen *response, const char *key);
void harness_new_class(struct harness *h, const char *title, char *class_id);

/* The token of a new invite; caller frees. `more` like ",\"single_use\":true". */
char *harness_invite_to(struct harness *h, const char *class_id, const char *role, const char *name,
                        const char *more);
char *harness_invite(struct harness *h, const char *role, const char *name);
void harness_hello(struct harness *h, uint64_t connection, const char *token);
void harness_resume(struct harness *h, uint64_t connection, const char *token);

struct person {
    uint64_t connection, id;
    char resume[96];
};

/* Reads who a connection has become from its last welcome. */
void harness_read_welcome(struct harness *h, struct person *person);
struct person harness_join_with(struct harness *h, const char *token);
struct person harness_join(struct harness *h, const char *role, const char *name);
void harness_offer(struct harness *h, const struct person *person);

/* A request with the number 77, after whatever was gathering is out. */
__attribute__((format(printf, 4, 5))) void ask(struct harness *h, const struct person *who,
                                               const char *type, const char *format, ...);

#define ASK(h, who, type) ask(h, who, type, "%s", "")

void ask_about(struct harness *h, const struct person *who, const char *type,
               const struct person *about);
int harness_setup(void **state);
int harness_teardown(void **state);

#define HARNESS_TEST(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)
