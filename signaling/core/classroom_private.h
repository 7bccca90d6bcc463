/* What the files of the classroom share: classroom.c (who is here, what the relay is told) and
 * classroom_floor.c (who may be heard and seen). */
#pragma once

#include "signaling/core/classroom.h"

void classroom_push(struct classroom *classroom, struct classroom_change change);
void classroom_push_person(struct classroom *classroom, struct participant *p, bool wide);
void classroom_person_changed(struct classroom *classroom, struct participant *p);
/* With the next timeout, or when its interval is over. */
void classroom_announce(struct classroom *classroom, enum announcement what);
/* Opens and closes send slots so that exactly what role, mode, floor and muting allow is open. */
void classroom_refresh_grants(struct classroom *classroom, struct participant *p);
void classroom_push_share(struct classroom *classroom, struct participant *p, bool audio);
void classroom_drop_share(struct classroom *classroom, struct participant *p);
void classroom_release_camera(struct classroom *classroom, struct participant *p);
/* Whether everybody, and not only who sees everybody, is told of this participant. */
bool participant_is_seen_by_all(const struct participant *p);
bool participant_can_hold_floor(const struct participant *p);
/* The same, and tells the participant when its rights are others than it was told. */
void classroom_refresh_rights(struct classroom *classroom, struct participant *p);
/* To the relay, which forgets an aside with the transport of either. */
void classroom_repeat_aside(struct classroom *classroom, const struct participant *p);
/* Who was coming to somebody's help has left. */
void classroom_forget_helper(struct classroom *classroom, uint64_t helper);
/* Out of the queue, if it is in it; nobody is told but by the queue itself. */
void classroom_leave_queue(struct classroom *classroom, struct participant *p);
