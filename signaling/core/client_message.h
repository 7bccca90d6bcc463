/* A client's WebSocket message: JSON text to a struct with strict types (docs/client-protocol.md,
 * section 1). Fields that a type does not know are ignored; those it knows must have their type. */
#pragma once

#include "signaling/core/strict_json.h"

#define CLIENT_MESSAGE_LIST(X)                                                                     \
    X(HELLO, "hello")                                                                              \
    X(OFFER, "offer")                                                                              \
    X(SHARE_START, "share_start")                                                                  \
    X(SHARE_STOP, "share_stop")                                                                    \
    X(MIC, "mic")                                                                                  \
    X(HAND, "hand")                                                                                \
    X(FLOOR_GIVE, "floor_give")                                                                    \
    X(FLOOR_TAKE, "floor_take")                                                                    \
    X(FLOOR_NEXT, "floor_next")                                                                    \
    X(HAND_LOWER, "hand_lower")                                                                    \
    X(MUTE, "mute")                                                                                \
    X(MUTE_ALL, "mute_all")                                                                        \
    X(MUTE_ASK, "mute_ask")                                                                        \
    X(MODE_SET, "mode_set")                                                                        \
    X(LEAD_GIVE, "lead_give")                                                                      \
    X(LOBBY_SET, "lobby_set")                                                                      \
    X(LOBBY_ADMIT, "lobby_admit")                                                                  \
    X(LOBBY_REFUSE, "lobby_refuse")                                                                \
    X(LOCK, "lock")                                                                                \
    X(KICK, "kick")                                                                                \
    X(TO_LOBBY, "to_lobby")                                                                        \
    X(BAN, "ban")                                                                                  \
    X(CHAT_SEND, "chat_send")                                                                      \
    X(CHAT_ANSWERED, "chat_answered")                                                              \
    X(CHAT_DELETE, "chat_delete")                                                                  \
    X(CHAT_OPEN, "chat_open")                                                                      \
    X(CHAT_HISTORY, "chat_history")                                                                \
    X(POLL_START, "poll_start")                                                                    \
    X(POLL_ANSWER, "poll_answer")                                                                  \
    X(POLL_CLOSE, "poll_close")                                                                    \
    X(POLL_SHOW, "poll_show")                                                                      \
    X(POLL_IMPORT, "poll_import")                                                                  \
    X(PACE, "pace")                                                                                \
    X(HELP, "help")                                                                                \
    X(HELP_ANSWER, "help_answer")                                                                  \
    X(HELP_DONE, "help_done")                                                                      \
    X(ASIDE_START, "aside_start")                                                                  \
    X(ASIDE_STOP, "aside_stop")                                                                    \
    X(REPORT, "report")                                                                            \
    X(DELIVERY_LIST, "delivery_list")                                                              \
    X(CLASS_END, "class_end")                                                                      \
    X(WATCH, "watch")                                                                              \
    X(LEAVE, "leave")                                                                              \
    X(PING, "ping")

enum client_message_type {
#define X(name, text) CLIENT_MESSAGE_##name,
    CLIENT_MESSAGE_LIST(X)
#undef X
        CLIENT_MESSAGE_TYPE_COUNT
};

struct client_message {
    enum client_message_type type;
    uint32_t id;
    int64_t version;                                  /* hello */
    const char *token, *resume, *lang, *name, *visit; /* hello; NULL: absent */
    const char *sdp;                                  /* offer */
    const char *participant;                          /* whom it is about */
    const char *waiting;                              /* whom it is about, in the lobby */
    const char *reason;                               /* ban */
    const char *mode;                                 /* mode_set */
    int64_t minutes;                                  /* mode_set; 0: none */
    const json_t *except;                             /* mute_all: texts; NULL: none */
    const char *class_id;                             /* class_end; NULL: one's own */
    const char *text, *recipient;                     /* chat_send; recipient NULL: all */
    const char *message, *before;                     /* of the chat; before NULL: the newest */
    const char *sound, *picture, *path;               /* report; NULL: as before */
    const char *poll, *gift, *value;                  /* polls; pace */
    bool flag;                                        /* restart, audio, on, raised or only */
    json_t *tree;                                     /* owns the texts; poll_start, poll_answer */
};

/* STATUS_LIMIT past a size, depth or number of tokens; STATUS_UNSUPPORTED for an unknown type;
 * STATUS_MALFORMED otherwise. On failure only out->id is set: the request's number when it could
 * be read, else 0. On success call client_message_destroy. */
MUST_CHECK enum status client_message_parse(struct bytes text, struct client_message *out);
void client_message_destroy(struct client_message *message);

const char *client_message_name(enum client_message_type type);
