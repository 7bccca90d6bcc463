/* Where an encoding can be begun: at its newest key frame, from the cache, and how long the way
 * from there to what is shown now is. Inside layer_selector only. */
#pragma once

#include "relay/core/layer_selector.h"

/* It has come, and the receiver has its codec. */
bool layer_start_is_usable(const struct layer_source *s);
/* The encoding's newest key frame, when it is near enough to the live edge to begin with. */
bool layer_start_find(const struct layer_source *s, bool however_far, uint64_t *first);
/* Cached packets of the picture with that source time stamp, from `first` on. */
uint64_t layer_start_count_picture(const struct layer_source *s, uint64_t first,
                                   uint32_t timestamp);
/* Packets that have to go out from there until the newest picture is shown; of upper layers none.
 */
uint64_t layer_start_way(const struct layer_source *s, uint64_t first);
