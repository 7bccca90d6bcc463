/* Where events are sent, one after the other: which is next, when it is tried again, and how it is
 * signed. Sans-IO; the events are the store's, the sending is the shell's.
 *
 *     idle --event--> ready --taken--> in flight --2xx--> idle or ready
 *                       ^                  |
 *                       +---- waiting <----+ anything else: 1 s, doubled up to 5 min
 *
 * One event is under way at a time, so that order is kept. */
#pragma once

#include "signaling/core/store.h"

#define WEBHOOK_SIGNATURE_BYTES 128

struct webhook {
    bool set;
    struct store_webhook record;
    uint64_t last;      /* the newest event that there is */
    uint64_t number;    /* of the attempt under way, or of the last one; never reused */
    uint64_t in_flight; /* its event; 0: none is under way */
    unsigned attempts;  /* failed ones of the next event */
    int last_status;    /* what the last attempt brought; 0: no answer */
    usec_t due;         /* of the next attempt; USEC_NEVER: nothing to send, or under way */
    bool ready;         /* it was due, and waits to be taken */
};

/* `last` is the store's newest event. */
void webhook_init(struct webhook *webhook, const struct store_webhook *record, uint64_t last);
/* Another address or secret, or NULL for none. What is under way counts for nothing. */
void webhook_change(struct webhook *webhook, usec_t now, const struct store_webhook *record);
void webhook_note_event(struct webhook *webhook, uint64_t seq);

void webhook_handle_timeout(struct webhook *webhook, usec_t now);
/* True when an attempt is to be made: everything after *after is to be sent, the next event first.
 */
bool webhook_is_ready(const struct webhook *webhook, uint64_t *after);
/* That event is under way now; returns the attempt's number. */
uint64_t webhook_start(struct webhook *webhook, uint64_t seq);
/* There was no such event after all. */
void webhook_rest(struct webhook *webhook);
/* `status` of HTTP, 0 for none. True when record.delivered has moved on: to be stored. */
bool webhook_handle_result(struct webhook *webhook, usec_t now, uint64_t number, int status);

/* http or https, a host, no blanks or controls, no user and password. */
bool webhook_is_url(const char *url);

/* The value of Amphi-Signature for a body sent at `unix_s`. STATUS_SYSTEM when OpenSSL fails. */
MUST_CHECK enum status webhook_sign(const char *secret, int64_t unix_s, struct bytes body,
                                    char out[WEBHOOK_SIGNATURE_BYTES]);
