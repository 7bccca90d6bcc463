/* What the files of the HTTP API share: api.c has the routes, classes, invites and participants,
 * api_floor.c what a page does in class, api_events.c what happened. */
#pragma once

#include "signaling/core/service_internal.h"

#include <jansson.h>

#define PARTS_MAX 6
#define PART_BYTES 64

/* A path under /api/v1/, in parts. */
struct api_call {
    struct service *service;
    struct instant at;
    const struct http_request *request;
    char parts[PARTS_MAX][PART_BYTES];
    size_t part_count;
    struct store_class record;   /* of parts[1], once looked up */
    struct classroom *classroom; /* NULL when it has ended */
};

void api_fail(const struct api_call *call, enum client_error error);
void api_send_json(const struct api_call *call, int status, struct text_json *body);
/* 200 with the class of the path. */
void api_send_class(struct api_call *call);
/* The object in the body; on NULL the answer has been given. */
json_t *api_read_body(const struct api_call *call);
/* The participant that the path names; NULL when the answer has been given. */
struct participant *api_find_participant(struct api_call *call);
void api_write_participant(const struct participant *p, struct text_json *text);

/* --- api_events.c */
void api_list_events(struct api_call *call);
void api_get_webhook(struct api_call *call);
void api_set_webhook(struct api_call *call);
void api_remove_webhook(struct api_call *call);

/* --- api_floor.c */
void api_set_mode(struct api_call *call);
void api_set_lead(struct api_call *call);
void api_set_lock(struct api_call *call);
void api_set_lobby(struct api_call *call);
void api_list_lobby(struct api_call *call);
void api_admit(struct api_call *call);
void api_refuse(struct api_call *call);
void api_set_floor(struct api_call *call);
void api_floor_next(struct api_call *call);
void api_set_mute(struct api_call *call);
void api_mute_all(struct api_call *call);
void api_lower_hand(struct api_call *call);
void api_kick(struct api_call *call);
void api_to_lobby(struct api_call *call);
void api_ban(struct api_call *call);
