/* What happens in classes, numbered without a gap and written to the store with whatever it tells
 * of: acknowledged together or not at all. Read back by GET /api/v1/events, sent on by the webhook
 * (docs/client-protocol.md, section 3). */
#pragma once

#include "signaling/core/service_internal.h"

void event_log_class_started(struct service *service, const struct classroom *classroom);
void event_log_class_ended(struct service *service, const struct classroom *classroom, uint64_t by);
void event_log_left(struct service *service, const struct participant *p, enum leave_reason reason);
void event_log_poll_closed(struct service *service, const struct classroom *classroom,
                           const struct poll *poll);
/* Joined, floor and mode: straight from what changed. Other changes are nothing to it. */
void event_log_note_change(struct service *service, const struct classroom *classroom,
                           const struct classroom_change *change);
/* One event as it is handed out: {"seq":…,"type":…,"class_id":…,"at_ms":…,"data":{…}}. */
void event_log_write(const struct store_event *event, const char *key, struct text_json *text);
