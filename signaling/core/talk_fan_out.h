/* From chat, polls and pace to who is told what. */
#pragma once

#include "signaling/core/service_internal.h"

/* One event's text, begun, and ended as what many may be sent. */
void event_open(struct text_json *text, const char *type);
struct bytes event_finish(struct service *service, struct text_json *text);

/* Hands out what is due: messages, results, the pace. Cheap when nothing is. */
void talk_fan_out_due(struct service *service, struct instant at, struct classroom *classroom);
void talk_write_message(const struct store_message *message, const char *key,
                        struct text_json *text);
/* `message` has changed: it was answered, or deleted (its deleted_ms is set). */
void talk_send_message_changed(struct service *service, const struct classroom *classroom,
                               const struct store_message *message);
/* A poll was started, closed, shown or hidden. */
void talk_send_poll(struct service *service, const struct classroom *classroom,
                    const struct poll *poll);
/* To staff, and to all when they are shown. */
void talk_send_results(struct service *service, const struct classroom *classroom,
                       const struct poll *poll);
/* Each learner its own, when a poll closes. */
void talk_send_scores(struct service *service, const struct classroom *classroom,
                      const struct poll *poll);
/* Closes an open poll: everybody is told, quizzes are scored, the log has it. */
void talk_close_poll(struct service *service, struct instant at, struct classroom *classroom,
                     struct poll *poll);
/* Fields of the event `delivery` (requests_delivery.c). */
void talk_write_delivery(const struct classroom *classroom, struct text_json *text);
/* `udp`, `tcp` or `tls`; NULL: it is not connected. */
const char *talk_path_name(const struct participant *participant);
void talk_send_delivery(struct service *service, const struct classroom *classroom);
/* The part of `state` that is about this: poll, poll_results, poll_score, pace, delivery. */
void talk_write_snapshot(const struct participant *viewer, struct text_json *text);
