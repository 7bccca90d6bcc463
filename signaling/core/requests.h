/* What the dispatcher hands on: requests of a participant whose right to them has been checked.
 * Each answers by itself, or returns the error to answer with. */
#pragma once

#include "signaling/core/client_message.h"
#include "signaling/core/service_internal.h"

/* Everything asked for goes to the relay and to the others first: `ok` means done. */
void dispatcher_send_ok(struct service *service, const struct connection *c, uint32_t to);
void dispatcher_open_answer(struct text_json *text, const char *type, uint32_t to);
/* Decimal, without a leading zero. */
bool dispatcher_read_id(const char *id, uint64_t *out);
/* NULL is an empty list. False for more than LIMIT_SPARED or anything but ids. */
bool dispatcher_read_ids(const json_t *array, uint64_t *out, size_t *count);
/* Somebody in the asker's own class, or NULL. */
struct participant *dispatcher_find_classmate(const struct service *service,
                                              const struct connection *c, const char *id);

#define REQUEST(name)                                                                              \
    enum client_error request_##name(struct service *service, struct instant at,                   \
                                     struct connection *c, const struct client_message *message)

/* --- requests_floor.c */
REQUEST(floor_give);
REQUEST(floor_take);
REQUEST(floor_next);
REQUEST(hand_lower);
REQUEST(mute);
REQUEST(mute_all);
REQUEST(mute_ask);
REQUEST(mode_set);
REQUEST(lead_give);

/* --- requests_door.c */
REQUEST(lobby_set);
REQUEST(lobby_admit);
REQUEST(lobby_refuse);
REQUEST(lock);
REQUEST(kick);
REQUEST(to_lobby);
REQUEST(ban);

/* --- requests_chat.c */
REQUEST(chat_send);
REQUEST(chat_answered);
REQUEST(chat_delete);
REQUEST(chat_open);
REQUEST(chat_history);

/* --- requests_poll.c */
REQUEST(poll_start);
REQUEST(poll_answer);
REQUEST(poll_close);
REQUEST(poll_show);
REQUEST(poll_import);

/* --- requests_delivery.c */
REQUEST(report);
REQUEST(delivery_list);

/* --- requests_help.c */
REQUEST(pace);
REQUEST(help);
REQUEST(help_answer);
REQUEST(help_done);
REQUEST(aside_start);
REQUEST(aside_stop);
