/* How much leaves to one participant, and when: a bucket that fills as fast as its line carries.
 * Voice takes from it at once, video and what is asked for again wait for it. Inside downlink
 * only; what others call stands in downlink.h. */
#pragma once

#include "relay/core/downlink.h"

#define DOWNLINK_SHORT_PERCENT 105 /* less than that of what is wanted: it is paced */
#define DOWNLINK_BEGIN_BYTES 40000 /* of the first picture may be on the way without an answer */

/* The state is a new one: nothing is owed, nothing waits. */
void downlink_pace_begin(struct downlink *d, usec_t now);
/* The line may be a very narrow one, and the first packets, which will tell, are on their way or
 * have not left yet. */
bool downlink_pace_awaits_train(const struct downlink *d);
/* The estimator has heard of what was sent. When all of it has come or is known to be lost, and
 * nothing stands in a queue, nothing is owed any more. */
void downlink_pace_handle_answer(struct downlink *d, usec_t now);
/* Sends what may leave now; d->next_at is when there may be more. */
void downlink_pace_go_on(struct shard_core *c, usec_t now, struct participant *p,
                         struct tx_batch *tx);

/* --- downlink.c, for downlink_reports.c */

/* What all that is on its slots may take at its bursts. */
uint64_t downlink_wanted_bps(const struct participant *p);
/* Something speaks against the line: it is looked at more closely for a while. */
void downlink_note_trouble(struct shard_core *c, usec_t now, struct participant *p,
                           const char *reason, struct tx_batch *tx);
/* Who tells of its line by reports alone asks for `packets` again. */
void downlink_note_missing(struct shard_core *c, usec_t now, struct participant *p, size_t packets,
                           struct tx_batch *tx);
/* It is certainly full: what is sent is paced at once. */
void downlink_note_storm(struct shard_core *c, usec_t now, struct participant *p,
                         struct tx_batch *tx);
/* What is known of the line has changed: its state follows. */
void downlink_update(struct shard_core *c, usec_t now, struct participant *p, struct tx_batch *tx);
