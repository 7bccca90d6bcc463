/* Numbers of a selector's packets: inside layer_selector only (layer_selector.h tells what they
 * are). */
#pragma once

#include "relay/core/layer_selector.h"
#include "wire/rtp.h"

/* What a picture's first packet says of its numbers, as the source has them. */
struct picture_numbers {
    uint8_t picture_bits; /* 0: none */
    bool has_tl0, has_frame;
    uint16_t picture, frame;
    uint8_t tl0;
};
struct picture_numbers layer_numbers_read(const struct layer_source *source,
                                          const struct rtp_header *header);
/* Of a key frame: how its source's numbers become those sent. */
void layer_numbers_begin(struct layer_selector *l, const struct picture_numbers *n);
/* They go out. */
void layer_numbers_note(struct layer_selector *l, const struct picture_numbers *n);

/* `fresh` is gone on with at its picture of `timestamp`, behind what was sent of `old` (NULL: of
 * nothing): so much later at the receiver as it is at the publisher. */
void layer_numbers_begin_time(struct layer_selector *l, usec_t now, const struct layer_source *old,
                              const struct layer_source *fresh, uint32_t timestamp);

/* The source numbers [first, next) have a place now, by the present shift. */
void layer_numbers_note_segment(struct layer_selector *l, uint64_t first, uint64_t next,
                                uint8_t layer);
/* What was sent of the present source from number `from` on cannot be asked for any more. */
void layer_numbers_forget(struct layer_selector *l, uint64_t from);
