/* Helpers of the two halves of control_message: names of enums in JSON. Private to lib/control. */
#pragma once

#include "control/control_message.h"

#include <jansson.h>

#define CONTROL_ID_MAX ((uint64_t)1 << 53) /* what JSON numbers carry without loss */

bool control_type_find(const char *name, enum control_type *out);
bool control_media_state_find(const char *name, enum control_media_state *out);
bool control_hearing_find(const char *name, enum control_hearing *out);
bool control_quality_find(const char *name, enum control_quality *out);

/* control_message_write with another id than the message's. */
MUST_CHECK enum status control_message_write_as(const struct control_message *message, uint32_t id,
                                                struct bytes_mut out, size_t *size);
