/* What voices take of one participant's line: how much of them is sent twice, and whether they come
 * thin. Inside downlink only; what others call stands in downlink.h. */
#pragma once

#include "relay/core/downlink.h"

/* Redundant voice takes no more of a narrow line than it is worth there: against losses that come
 * from the line's being full it only adds to them. */
void downlink_voice_limit(struct participant *p);
/* On a line that voices would fill they give way to the screen, as far as every word stays clear
 * (docs/decisions/thin-voice.md). */
void downlink_voice_choose(usec_t now, struct participant *p);
/* They come as they are spoken again. */
void downlink_voice_make_whole(struct participant *p);
/* Browsers report a voice's losses every five seconds; this tells of the same line at once. What a
 * full line drops is none of it: more to send would not help there, and it shows itself by its
 * queue within a second. */
void downlink_voice_note_loss(usec_t now, struct participant *p);
