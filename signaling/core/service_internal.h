/* What the files behind service.h share: the service itself, its connections, and who calls whom.
 *
 *   service.c      life, clock, connections              restore.c     what the store remembers
 *   dispatcher.c   WebSocket requests                    requests_*.c  what each of them does
 *   waiting.c      the lobby, kick and ban               door.c        who may come in
 *   admission.c    tokens and resume to participants     offers.c      SDP exchanges with the relay
 *   fan_out.c      classroom changes to texts            relay_events.c  what relays say, resync
 *   fan_out_media.c      to one, of its own media        event_log.c   what happened, numbered
 *   talk_fan_out.c       chat, polls, pace to texts
 *   api.c, whip.c, http_reply.c   HTTP                   overview.c, metrics_text.c   operators */
#pragma once

#include "base/log.h"
#include "signaling/core/classroom_registry.h"
#include "signaling/core/output_queue.h"
#include "signaling/core/rate_limit.h"
#include "signaling/core/relay_directory.h"
#include "signaling/core/sentences.h"
#include "signaling/core/service.h"
#include "signaling/core/store.h"
#include "signaling/core/text_json.h"
#include "signaling/core/webhook.h"

struct connection {
    uint64_t id;
    struct connection *next; /* in the service's list; order is free */
    struct connection *previous;
    struct participant *participant;  /* NULL: not yet authenticated, or closing */
    struct waiter *waiter;            /* said hello, not let in yet */
    uint32_t hello_to;                /* the request that `welcome` answers */
    uint8_t visit[RESUME_HASH_BYTES]; /* hash of its page's word; zero: none */
    uint64_t left_participant;        /* whose socket it was before it was told to close */
    enum language language;
    struct rate_limit messages, sdp;
    unsigned errors; /* since errors_since */
    usec_t errors_since;
    char remote_ip[REMOTE_IP_BYTES];
    bool stranger;               /* no hello yet, counted as such */
    bool closing;                /* told to close: hears and says nothing more */
    bool watching, watch_is_new; /* operator's overview */
    struct timer timer;          /* hello deadline */
};

struct history_point {
    int64_t unix_ms;
    uint32_t cpu_permille, participants;
    uint64_t bps_in, bps_out;
};

struct service_counters {
    uint64_t requests[CLIENT_ERROR_COUNT]; /* by outcome, WebSocket and HTTP */
    uint64_t messages, joins, resumes, store_errors, relay_errors;
};

struct service {
    struct service_config config;
    char *base_url, *api_key, *openapi_json;
    char **origins;
    struct store *store;
    bool store_failed; /* the last commit did; nobody new comes in before one succeeds */
    struct log log;
    struct classroom_registry registry;
    struct relay_directory relays;
    struct output_queue outputs;
    struct ip_limits ip_limits;
    struct hash_map connections; /* id -> struct connection * */
    struct connection *first_connection;
    size_t connection_count, unauthenticated, watchers;
    struct timer_heap connection_timers, participant_timers, classroom_timers;
    usec_t overview_due, history_due, beat_due;
    struct history_point history[HISTORY_POINTS];
    size_t history_next, history_count;
    struct service_counters counters;
    uint64_t last_waiter;
    bool shutting_down;
    int64_t turn_ms; /* since 1970: the instant of the call that is being served, for the record */
    struct webhook webhook;
    struct text_json post; /* the body under way */
    char post_signature[WEBHOOK_SIGNATURE_BYTES];
};

static inline int64_t instant_ms(struct instant at)
{
    return at.unix_us / 1000;
}

/* Who inspects a class is on record: when it came, when it went. */
static inline void log_inspector(struct service *service, const struct participant *p,
                                 const char *event)
{
    if (p->record.role == ROLE_INSPECTOR)
        log_info(&service->log, event, "room=%llu participant=%llu",
                 (unsigned long long)p->record.room, (unsigned long long)p->record.id);
}

/* --- service_connections.c */
/* Those that have not said in time who they are. */
void service_close_strangers(struct service *service, struct instant at);
struct connection *service_find_connection(const struct service *service, uint64_t id);
/* To a page's socket, if it has one. `text` is taken over. */
void service_send_text(struct service *service, uint64_t connection, struct text_json *text);
/* Last words: `goodbye`, then close. The participant is left alone. */
void service_say_goodbye(struct service *service, struct connection *connection, enum goodbye code);
/* `reason`: why, in somebody's words; NULL: none. */
void service_say_goodbye_for(struct service *service, struct connection *connection,
                             enum goodbye code, const char *reason);
void service_close_connection(struct service *service, struct connection *connection,
                              uint16_t code);

/* --- service.c */
void service_arm_participant(struct service *service, struct participant *participant);
void service_arm_classroom(struct service *service, struct classroom *classroom);
/* Writes the records that changed; afterwards everything waiting is in the open transaction. */
void service_save_participant(struct service *service, struct participant *participant);
void service_save_classroom(struct service *service, struct classroom *classroom);
/* Without an id unless the message has one: nobody waits for the answer to a grant, and a thousand
 * at once must not exhaust the link's list of requests under way. Dropped when the relay is not
 * connected: resync repairs. */
void service_tell_relay(struct service *service, size_t relay, struct control_message *message);
/* Takes a participant out for good, tells the relay and everybody, frees it. `code` is said to its
 * socket; GOODBYE_COUNT: nothing but a close. */
void service_remove_participant(struct service *service, struct instant at,
                                struct participant *participant, enum leave_reason reason,
                                enum goodbye code);
/* The relay is told to forget its transport; a new offer makes another one. */
void service_drop_transport(struct service *service, struct participant *participant);
void service_end_class(struct service *service, struct instant at, struct classroom *classroom,
                       uint64_t by);

/* --- restore.c */
MUST_CHECK enum status service_restore(struct service *service, struct instant at);

/* --- admission.c */
struct admission {
    struct classroom *classroom;
    struct store_invite invite;
    struct participant *again; /* who came in by the same link and visit already; NULL: nobody */
};
/* What a token gives right to. `for_session`: it only has to prove who made a WHIP or WHEP session:
 * an expired or used one still does. A used one does for the page that used it, too: `visit` is
 * the hash of its word (NULL: none), whose welcome may never have arrived. */
enum client_error admission_check_token(struct service *service, struct instant at,
                                        const char *remote_ip, struct bytes token, bool for_session,
                                        const uint8_t *visit, struct admission *out);
/* What somebody will be called, but for a number: as the invite says, or as typed (NULL: nothing).
 * `out` has NAME_BYTES. */
enum client_error admission_clean_name(const struct admission *admission, const char *typed,
                                       char *out);
/* CLIENT_OK: may walk in; or, with *waits, has to wait; *held: whatever the lobby says. */
enum client_error admission_ask_door(struct service *service, const struct admission *admission,
                                     const char *name, bool *waits, bool *held);
/* Opens a personal link again, or says hello again: whoever is in class by it is taken over. *out
 * is NULL when nobody is who can be: then it is a join like any other. */
enum client_error admission_take_over(struct service *service, struct instant at,
                                      const struct admission *admission, enum participant_kind kind,
                                      char *resume_token, struct participant **out);
/* `typed_name` may be NULL. For a page `resume_token` (RESUME_TOKEN_BYTES) is written. */
enum client_error admission_join(struct service *service, struct instant at,
                                 const struct admission *admission, enum participant_kind kind,
                                 const char *typed_name, char *resume_token,
                                 struct participant **out);
/* Its page has said a newer hello, which was answered: this one waited in a socket that was given
 * up. */
bool admission_is_late(const struct participant *p, const struct connection *c);
/* *out is NULL when the hello is late. */
enum client_error admission_resume(struct service *service, struct instant at,
                                   const struct connection *c, const char *token,
                                   char *resume_token, struct participant **out);
/* Counts a failure of `remote_ip`: `error`, or CLIENT_TOO_MANY past the limit. */
enum client_error admission_count_failure(struct service *service, struct instant at,
                                          const char *remote_ip, enum client_error error);

/* --- dispatcher.c */
void dispatcher_handle_message(struct service *service, struct instant at,
                               struct connection *connection, struct bytes text);
/* An error answer; `to` 0 leaves it out. Counts towards LIMIT_ERRORS. */
void dispatcher_refuse(struct service *service, struct instant at, struct connection *connection,
                       uint32_t to, enum client_error error);

/* The connection becomes the participant's; it and everybody is told. */
void dispatcher_welcome(struct service *service, struct instant at, struct connection *connection,
                        struct participant *participant, const char *resume_token, bool resumed);

/* --- waiting.c */
enum client_error waiting_enter(struct service *service, struct instant at,
                                struct connection *connection, const struct admission *admission,
                                const char *name, bool held);
/* Its socket is gone, or wants to be. */
void waiting_leave(struct service *service, struct connection *connection);
/* On success the waiter is gone: it is a participant. */
enum client_error waiting_admit(struct service *service, struct instant at, struct waiter *waiter);
/* CLIENT_CLASS_FULL: the rest goes on waiting. */
enum client_error waiting_admit_all(struct service *service, struct instant at,
                                    struct classroom *classroom, bool held_as_well);
void waiting_refuse(struct service *service, struct waiter *waiter, enum goodbye code);
void waiting_refuse_invite(struct service *service, struct classroom *classroom,
                           const char *invite_id, enum goodbye code);
/* "waiting" and "count". */
void waiting_write(const struct classroom *classroom, struct text_json *text);
/* Out, for now, back to the lobby, or for good. Whether the asker may is the caller's business. */
enum client_error moderation_kick(struct service *service, struct instant at,
                                  struct participant *participant);
enum client_error moderation_to_lobby(struct service *service, struct instant at,
                                      struct participant *participant);
enum client_error moderation_ban(struct service *service, struct instant at,
                                 struct participant *participant, const char *reason);

/* --- fan_out.c */
/* Turns every queued change of a class into outputs, saves who changed, arms its timer. */
void fan_out_changes(struct service *service, struct classroom *classroom);
void fan_out_write_snapshot(const struct participant *viewer, struct text_json *text);
void fan_out_write_class(const struct classroom *classroom, const char *key,
                         struct text_json *text);

/* --- fan_out_media.c */
/* Sets the media state and tells the participant itself. */
void fan_out_set_media(struct service *service, struct participant *participant,
                       enum participant_media media);
void fan_out_media_reset(struct service *service, struct participant *participant,
                         const char *reason);
/* Whether what is sent to it arrives, after a repair that did not help. */
void fan_out_reached(struct service *service, struct participant *participant, bool reached);
/* How the relay thins what it sees; which encodings of what it sends are received. To a page's
 * socket; `restore` says again what a page that comes back cannot know. */
void fan_out_quality(struct service *service, struct participant *participant);
void fan_out_demand(struct service *service, struct participant *participant, enum send_slot slot);
void fan_out_restore_media(struct service *service, struct participant *participant);

/* --- offers.c */
struct offer_reply {
    uint64_t connection; /* a page's, with `to`; or */
    uint32_t to;
    uint64_t exchange; /* a WHIP or WHEP request */
    bool is_patch;
};
/* Starts an exchange of SDP with the relay. On CLIENT_OK the answer goes out later, or an error. */
enum client_error offer_start(struct service *service, struct instant at,
                              struct participant *participant, struct bytes sdp, bool restart,
                              struct offer_reply reply);
/* Whether this SDP could be answered, without a participant: CLIENT_BAD_SDP, and what is wrong with
 * it, or CLIENT_NO_CODEC. */
enum client_error offer_check(enum participant_kind kind, struct bytes sdp, const char **fault);

/* The fragment of a PATCH (RFC 8840): candidates, or new credentials. */
struct ice_fragment {
    struct ice_parameters ice; /* empty texts: the fragment has none */
};
MUST_CHECK enum status offer_parse_fragment(struct bytes body, struct ice_fragment *out);
bool offer_is_restart(const struct participant *participant, const struct ice_fragment *fragment);
enum client_error offer_start_fragment(struct service *service, struct instant at,
                                       struct participant *participant,
                                       const struct ice_fragment *fragment,
                                       struct offer_reply reply);
uint64_t offer_get_exchange(const struct participant *participant); /* 0: none */
bool offer_is_patch(const struct participant *participant);
void offer_handle_added(struct service *service, struct instant at, struct participant *participant,
                        uint32_t to, const struct control_participant_added *added);
void offer_handle_error(struct service *service, struct instant at, struct participant *participant,
                        uint32_t to, const char *code);
/* Sends what waited for this relay, and again what it never answered. */
void offer_dispatch_waiting(struct service *service, struct instant at, size_t relay);
void offer_handle_timeout(struct service *service, struct instant at,
                          struct participant *participant);
usec_t offer_get_deadline(const struct participant *participant);
/* Ends the exchange; whoever waits for it is told `error`, unless it is CLIENT_OK. */
void offer_cancel(struct service *service, struct instant at, struct participant *participant,
                  enum client_error error);
void offer_mark_unsent(struct participant *participant);

/* --- relay_events.c */
void relay_events_handle(struct service *service, struct instant at, size_t relay,
                         const struct control_message *message);
void relay_events_handle_connected(struct service *service, size_t relay);
void relay_events_handle_disconnected(struct service *service, size_t relay);

/* --- http_reply.c: the only place that makes responses */
void http_reply_error(struct service *service, uint64_t exchange, enum client_error error);
/* With a sentence of its own as detail; NULL: the error's. */
void http_reply_fault(struct service *service, uint64_t exchange, enum client_error error,
                      const char *fault);
/* With a status of its own for the same code. */
void http_reply_problem(struct service *service, uint64_t exchange, enum client_error error,
                        int status);
void http_reply_json(struct service *service, uint64_t exchange, int status,
                     struct text_json *body);
void http_reply_empty(struct service *service, uint64_t exchange, int status);
void http_reply_method(struct service *service, uint64_t exchange, const char *allow);
/* `response` with kept or static texts; adds what every response has. */
void http_reply_send(struct service *service, uint64_t exchange, struct http_response *response);
void http_reply_add_header(struct http_response *response, const char *name, const char *value);

/* --- api.c, whip.c */
void api_handle(struct service *service, struct instant at, const struct http_request *request);
void whip_handle(struct service *service, struct instant at, const struct http_request *request);
/* The relay's answer to a POST or PATCH. `sdp` is the answer or the fragment. */
void whip_handle_answer(struct service *service, struct instant at, struct participant *participant,
                        struct offer_reply reply, struct bytes sdp);

/* --- overview.c, metrics_text.c */
void overview_handle_timeout(struct service *service, struct instant at);
void overview_send_first(struct service *service, struct instant at, struct connection *connection);
void metrics_text_write(struct service *service, struct text_json *text);
