/* Every number that bounds signaling, in one place. Each has a test that goes one past it,
 * among its module's own. */
#pragma once

#include "base/usec.h"

/* --- Texts */
#define LIMIT_CLIENT_MESSAGE_BYTES 65536 /* one WebSocket message */
#define LIMIT_HTTP_BODY_BYTES 65536
#define LIMIT_JSON_DEPTH 16
#define LIMIT_JSON_TOKENS 4096 /* strings, numbers, brackets, commas and colons together */
#define LIMIT_NAME_CODE_POINTS 64
#define LIMIT_VISIT_BYTES_MIN 16 /* a shorter word could be guessed */
#define LIMIT_TITLE_CODE_POINTS 120
#define LIMIT_REASON_CODE_POINTS 200 /* of a ban */
#define LIMIT_TOKEN_BYTES 4096
#define LIMIT_CHAT_CODE_POINTS 1000
#define LIMIT_POLL_QUESTION_CODE_POINTS 500
#define LIMIT_POLL_OPTION_CODE_POINTS 200 /* and of a text that answers */
#define LIMIT_REQUEST_ID_MAX 2147483647   /* `id` of a client's request */

/* --- Sizes of fields, with their terminating zero */
#define CLASS_ID_BYTES 33 /* 128 random bits as base64url take 22 characters */
#define INVITE_ID_BYTES 33
#define NAME_BYTES (LIMIT_NAME_CODE_POINTS * 4 + 8) /* UTF-8, and room for " 1234" */
#define TITLE_BYTES (LIMIT_TITLE_CODE_POINTS * 4 + 1)
#define SESSION_ID_BYTES 33
#define ETAG_BYTES 33
#define RESUME_TOKEN_BYTES 64 /* "participant.22 characters" */
#define RESUME_HASH_BYTES 32  /* SHA-256 */
#define REASON_BYTES (LIMIT_REASON_CODE_POINTS * 4 + 1)
#define REMOTE_IP_BYTES 48
#define CHAT_TEXT_BYTES (LIMIT_CHAT_CODE_POINTS * 4 + 1)
#define POLL_QUESTION_BYTES (LIMIT_POLL_QUESTION_CODE_POINTS * 4 + 1)
#define POLL_OPTION_BYTES (LIMIT_POLL_OPTION_CODE_POINTS * 4 + 1)
#define WEBHOOK_URL_BYTES 1025
#define WEBHOOK_SECRET_BYTES 257

/* --- How many */
#define LIMIT_PARTICIPANTS_PER_CLASS 1500
#define LIMIT_STAFF_PER_CLASS 64   /* who is no learner: most are told about everybody */
#define LIMIT_FLOOR_HOLDERS 32     /* learners with the floor at one time */
#define LIMIT_SPARED 32            /* named in one mute_all */
#define LIMIT_QUEUE_SHOWN 100      /* of the queue and of the lobby; the rest is a number */
#define LIMIT_HOLDS_PER_CLASS 2000 /* who was put out and may not simply come back */
#define LIMIT_WAITING 1500         /* in one lobby */
#define LIMIT_WAITING_PER_IP 250   /* of them: a link that is everybody's is no way to fill it */
#define LIMIT_SHARES 64            /* people who share at one time; the newest is shown */
#define LIMIT_CLASSES_OPEN 500
#define LIMIT_PARTICIPANTS 20000 /* in all classes */
#define LIMIT_CONNECTIONS 24000
#define LIMIT_UNAUTHENTICATED 4096        /* sockets before hello, in all */
#define LIMIT_UNAUTHENTICATED_PER_IP 1000 /* a school behind one address joins at once */
#define LIMIT_WATCHERS 64                 /* operators with `watch` on */
#define LIMIT_CLASSES_LISTED 1000         /* GET /api/v1/classes, newest first */
#define LIMIT_INVITES_LISTED 2000
#define LIMIT_INVITES_PER_CLASS 10000
#define LIMIT_MESSAGES_PER_CLASS 20000
#define LIMIT_MESSAGES_FOR_STAFF 1000 /* of them; learners cannot use these up */
#define LIMIT_MESSAGES_LISTED 50      /* in one `chat_history` */
#define LIMIT_POLLS_PER_CLASS 100
#define LIMIT_POLL_OPTIONS 12
#define LIMIT_POLL_SCALE_VALUES 11
#define LIMIT_POLL_ANSWERS 2000
#define LIMIT_POLL_TEXTS 100 /* in results */
#define LIMIT_PACE_ANSWERS 2000
#define PACE_ANSWERS_MIN 3 /* fewer would name somebody */
#define LIMIT_GIFT_QUESTIONS 100
#define LIMIT_GIFT_ERRORS 100
#define LIMIT_EVENTS_LISTED 500
#define LIMIT_EVENTS_KEPT 1000000 /* older ones go; the rest stays without a gap */
#define LIMIT_OUTPUTS 1048576     /* texts waiting for the shell; it drains after each call */
#define LIMIT_IP_BUCKETS 8192     /* addresses remembered for rate limits */

/* --- Rates: `per` tokens in `interval`, saved up to `burst` */
#define RATE_MESSAGES_PER_S 20
#define RATE_MESSAGES_BURST 60
#define RATE_SDP_PER_MINUTE 5
#define RATE_SDP_BURST 10
#define RATE_FAILED_TOKENS_PER_MINUTE 30 /* and burst, per address */
#define RATE_HTTP_SDP_PER_S 50           /* WHIP and WHEP requests, per address */
#define RATE_HTTP_SDP_BURST 1000
#define RATE_CHAT_PER_S 1 /* messages of one participant */
#define RATE_CHAT_BURST 10
#define RATE_CHAT_CLASS_PER_S 50 /* of all learners of a class together */
#define RATE_CHAT_CLASS_BURST 1500
#define RATE_HISTORY_PER_S 2 /* pages of the chat's past */
#define RATE_HISTORY_BURST 20
#define LIMIT_ERRORS 20 /* more in LIMIT_ERRORS_WITHIN_US close the socket */
#define LIMIT_ERRORS_WITHIN_US SECONDS(10)

/* --- Times */
#define HELLO_WITHIN_US SECONDS(10)
#define RESUME_FOR_US SECONDS(60)
#define RELAY_ANSWER_WITHIN_US SECONDS(5)   /* an offer's whole wait for the relay */
#define BATCH_INTERVAL_US MILLISECONDS(250) /* `people`, `count`, `queue`, `speaking` */
#define BATCH_PER_PERSON_US 500             /* what goes to all of 1000: every 500 ms */
#define SLOTS_HOLD_US MILLISECONDS(20)      /* slot changes of one moment go out as one `slots` */
#define SLOTS_PER_PERSON_US 100
#define CHAT_HOLD_US MILLISECONDS(250) /* messages of one burst go out together */
#define CHAT_AT_ONCE 100 /* of them; the floor of a class of 1,000 waits behind no more */
#define POLL_RESULTS_INTERVAL_US MILLISECONDS(500)
#define DELIVERY_INTERVAL_US MILLISECONDS(250) /* who hears and sees, to staff */
#define PACE_INTERVAL_US SECONDS(1)
#define PACE_FORGET_US SECONDS(600)
#define WEBHOOK_WAIT_MIN_US SECONDS(1) /* after a failed attempt, doubled each time */
#define WEBHOOK_WAIT_MAX_US SECONDS(300)
#define OVERVIEW_INTERVAL_US SECONDS(2)
#define HISTORY_INTERVAL_US SECONDS(10)
/* How far attendance may be short when signaling ends without a word. */
#define BEAT_INTERVAL_US SECONDS(10)
#define HISTORY_POINTS 360 /* one hour */
#define TOKEN_LEEWAY_S 30  /* a clock set back must not refuse links made a moment ago */
#define INVITE_DEFAULT_S (24 * 3600)
#define INVITE_MAX_S (400 * 24 * 3600)

/* --- Estimates */
#define LEFT_CPU_CEILING_PERMILLE 850 /* of a shard's core: above it latency grows */
