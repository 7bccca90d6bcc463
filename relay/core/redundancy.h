/* Voice with what was said just before in every packet (RFC 2198), for receivers that take it: a
 * packet lost on a home line is heard all the same, without a round trip. Sans-IO.
 *
 *   level   carries besides itself the packets      asked for by a loss of
 *     0     -                                       (the receiver takes no RED)
 *     1     1 before                                -
 *     2     1 and 5 before                          0.5 %; a burst of five is heard
 *     3     1, 2 and 8 before                       4 %; a burst of eight is heard
 *
 * What is heard of a burst comes late: receivers must wait for it
 * (client-demo/web/voice_buffer.js).
 */
#pragma once

#include "relay/core/publication.h"
#include "relay/core/subscription.h"

#define REDUNDANCY_LEVELS 4
#define REDUNDANCY_BYTES_MAX 1150 /* of a payload; an MTU's room */
#define REDUNDANCY_KEEP_US SECONDS(30)

/* The receiver reported this share of its voice as lost. */
void redundancy_handle_loss(struct subscription *s, usec_t now, uint32_t loss_permille);

/* What voice that arrives at `bps` takes on the line of this receiver, at a level. */
uint32_t redundancy_line_bps(uint32_t bps, unsigned level);
/* The highest level at which that is at most `most_bps`; 0 when even the first is too wide. */
unsigned redundancy_fit(uint32_t bps, uint64_t most_bps);
/* The level that this receiver's voice goes out at now. */
unsigned redundancy_get_level(const struct subscription *s);

/* At which level this receiver gets this packet: what it has no right or no use to hear again (a
 * packet of before its epoch) is not in it. */
unsigned redundancy_choose(const struct subscription *s, const struct media_packet *packet);

/* The payload for `level`, blocks of `payload_type`: from the publication's cache. Returns its
 * size; at least the packet itself is in it. 0 when that does not fit. */
size_t redundancy_write(const struct publication *p, const struct media_packet *packet,
                        unsigned level, uint8_t payload_type, uint8_t out[REDUNDANCY_BYTES_MAX]);
