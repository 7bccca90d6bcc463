#include "signaling/core/client_message.h"

#include "signaling/core/limits.h"

/* FIELD_SET is true unless the message says otherwise. FIELD_STRINGS is an array of texts. */
enum field_type { FIELD_STRING, FIELD_BOOL, FIELD_SET, FIELD_INT, FIELD_STRINGS };

struct field {
    const char *key;
    enum field_type type;
    bool required;
    size_t offset;
};

#define AT(member) offsetof(struct client_message, member)
#define FIELDS_MAX 6

static const struct {
    const char *name;
    struct field fields[FIELDS_MAX]; /* ends at the first without a key */
} shapes[CLIENT_MESSAGE_TYPE_COUNT] = {
#define X(id, text) [CLIENT_MESSAGE_##id].name = text,
    CLIENT_MESSAGE_LIST(X)
#undef X
        [CLIENT_MESSAGE_HELLO]
            .fields = {{"version", FIELD_INT, true, AT(version)},
                       {"token", FIELD_STRING, false, AT(token)},
                       {"resume", FIELD_STRING, false, AT(resume)},
                       {"lang", FIELD_STRING, false, AT(lang)},
                       {"name", FIELD_STRING, false, AT(name)},
                       {"visit", FIELD_STRING, false, AT(visit)}},
    [CLIENT_MESSAGE_OFFER].fields = {{"sdp", FIELD_STRING, true, AT(sdp)},
                                     {"restart", FIELD_BOOL, false, AT(flag)}},
    [CLIENT_MESSAGE_SHARE_START].fields = {{"audio", FIELD_BOOL, false, AT(flag)}},
    [CLIENT_MESSAGE_MIC].fields = {{"on", FIELD_BOOL, true, AT(flag)}},
    [CLIENT_MESSAGE_HAND].fields = {{"raised", FIELD_BOOL, true, AT(flag)}},
    [CLIENT_MESSAGE_FLOOR_GIVE].fields = {{"participant", FIELD_STRING, true, AT(participant)},
                                          {"only", FIELD_BOOL, false, AT(flag)}},
    [CLIENT_MESSAGE_FLOOR_NEXT].fields = {{"only", FIELD_SET, false, AT(flag)}},
    [CLIENT_MESSAGE_HAND_LOWER].fields = {{"participant", FIELD_STRING, false, AT(participant)}},
    [CLIENT_MESSAGE_MUTE].fields = {{"participant", FIELD_STRING, true, AT(participant)},
                                    {"on", FIELD_SET, false, AT(flag)}},
    [CLIENT_MESSAGE_MUTE_ALL].fields = {{"except", FIELD_STRINGS, false, AT(except)}},
    [CLIENT_MESSAGE_MUTE_ASK].fields = {{"participant", FIELD_STRING, true, AT(participant)}},
    [CLIENT_MESSAGE_MODE_SET].fields = {{"mode", FIELD_STRING, true, AT(mode)},
                                        {"minutes", FIELD_INT, false, AT(minutes)}},
    [CLIENT_MESSAGE_LEAD_GIVE].fields = {{"participant", FIELD_STRING, true, AT(participant)}},
    [CLIENT_MESSAGE_FLOOR_TAKE].fields = {{"participant", FIELD_STRING, true, AT(participant)}},
    [CLIENT_MESSAGE_LOBBY_SET].fields = {{"on", FIELD_BOOL, true, AT(flag)}},
    [CLIENT_MESSAGE_LOBBY_ADMIT].fields = {{"waiting", FIELD_STRING, false, AT(waiting)}},
    [CLIENT_MESSAGE_LOBBY_REFUSE].fields = {{"waiting", FIELD_STRING, true, AT(waiting)}},
    [CLIENT_MESSAGE_LOCK].fields = {{"on", FIELD_BOOL, true, AT(flag)}},
    [CLIENT_MESSAGE_KICK].fields = {{"participant", FIELD_STRING, true, AT(participant)}},
    [CLIENT_MESSAGE_TO_LOBBY].fields = {{"participant", FIELD_STRING, true, AT(participant)}},
    [CLIENT_MESSAGE_BAN].fields = {{"participant", FIELD_STRING, true, AT(participant)},
                                   {"reason", FIELD_STRING, true, AT(reason)}},
    [CLIENT_MESSAGE_CHAT_SEND].fields = {{"text", FIELD_STRING, true, AT(text)},
                                         {"to", FIELD_STRING, false, AT(recipient)},
                                         {"question", FIELD_BOOL, false, AT(flag)}},
    [CLIENT_MESSAGE_CHAT_ANSWERED].fields = {{"message", FIELD_STRING, true, AT(message)}},
    [CLIENT_MESSAGE_CHAT_DELETE].fields = {{"message", FIELD_STRING, true, AT(message)}},
    [CLIENT_MESSAGE_CHAT_OPEN].fields = {{"on", FIELD_BOOL, true, AT(flag)}},
    [CLIENT_MESSAGE_CHAT_HISTORY].fields = {{"before", FIELD_STRING, false, AT(before)}},
    [CLIENT_MESSAGE_POLL_ANSWER].fields = {{"poll", FIELD_STRING, true, AT(poll)}},
    [CLIENT_MESSAGE_POLL_CLOSE].fields = {{"poll", FIELD_STRING, true, AT(poll)}},
    [CLIENT_MESSAGE_POLL_SHOW].fields = {{"poll", FIELD_STRING, true, AT(poll)},
                                         {"on", FIELD_SET, false, AT(flag)}},
    [CLIENT_MESSAGE_POLL_IMPORT].fields = {{"gift", FIELD_STRING, true, AT(gift)}},
    [CLIENT_MESSAGE_PACE].fields = {{"value", FIELD_STRING, true, AT(value)}},
    [CLIENT_MESSAGE_HELP].fields = {{"on", FIELD_BOOL, true, AT(flag)}},
    [CLIENT_MESSAGE_HELP_ANSWER].fields = {{"participant", FIELD_STRING, true, AT(participant)}},
    [CLIENT_MESSAGE_HELP_DONE].fields = {{"participant", FIELD_STRING, true, AT(participant)}},
    [CLIENT_MESSAGE_ASIDE_START].fields = {{"participant", FIELD_STRING, true, AT(participant)}},
    [CLIENT_MESSAGE_REPORT].fields = {{"sound", FIELD_STRING, false, AT(sound)},
                                      {"picture", FIELD_STRING, false, AT(picture)},
                                      {"path", FIELD_STRING, false, AT(path)}},
    [CLIENT_MESSAGE_CLASS_END].fields = {{"class", FIELD_STRING, false, AT(class_id)}},
    [CLIENT_MESSAGE_WATCH].fields = {{"on", FIELD_BOOL, true, AT(flag)}},
};

static bool read_strings(const json_t *array, const json_t **out)
{
    if (array == NULL)
        return true;
    if (!json_is_array(array))
        return false;
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (!json_is_string(json_array_get(array, i)))
            return false;
    }
    *out = array;
    return true;
}

static bool read_field(const json_t *object, const struct field *field,
                       struct client_message *message)
{
    void *place = (char *)message + field->offset;
    switch (field->type) {
    case FIELD_STRING:
        return strict_json_get_string(object, field->key, field->required, place);
    case FIELD_STRINGS:
        return read_strings(json_object_get(object, field->key), place);
    case FIELD_SET:
        *(bool *)place = true;
        return strict_json_get_bool(object, field->key, field->required, place);
    case FIELD_BOOL:
        return strict_json_get_bool(object, field->key, field->required, place);
    case FIELD_INT:
        return strict_json_get_int(object, field->key, field->required, INT32_MIN, INT32_MAX,
                                   place);
    }
    return false;
}

static enum status find_type(const json_t *object, enum client_message_type *out)
{
    const char *name = NULL;
    if (!strict_json_get_string(object, "type", true, &name))
        return STATUS_MALFORMED;
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        if (strcmp(name, shapes[i].name) != 0)
            continue;
        *out = (enum client_message_type)i;
        return STATUS_OK;
    }
    return STATUS_UNSUPPORTED;
}

static enum status read_object(const json_t *object, struct client_message *message)
{
    int64_t id = 0;
    if (!json_is_object(object) ||
        !strict_json_get_int(object, "id", true, 1, LIMIT_REQUEST_ID_MAX, &id))
        return STATUS_MALFORMED;
    message->id = (uint32_t)id;
    enum status status = find_type(object, &message->type);
    if (status != STATUS_OK)
        return status;
    const struct field *fields = shapes[message->type].fields;
    for (size_t i = 0; i < FIELDS_MAX && fields[i].key != NULL; i++) {
        if (!read_field(object, &fields[i], message))
            return STATUS_MALFORMED;
    }
    return STATUS_OK;
}

enum status client_message_parse(struct bytes text, struct client_message *out)
{
    *out = (struct client_message){0};
    json_t *tree = NULL;
    enum status status = strict_json_parse(text, LIMIT_CLIENT_MESSAGE_BYTES, &tree);
    if (status != STATUS_OK)
        return status;
    struct client_message message = {.tree = tree};
    status = read_object(tree, &message);
    if (status == STATUS_OK) {
        *out = message;
        return STATUS_OK;
    }
    out->id = message.id;
    json_decref(tree);
    return status;
}

void client_message_destroy(struct client_message *message)
{
    json_decref(message->tree);
    *message = (struct client_message){0};
}

const char *client_message_name(enum client_message_type type)
{
    return type < CLIENT_MESSAGE_TYPE_COUNT ? shapes[type].name : "unknown";
}
