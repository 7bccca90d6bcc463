#include "ctl/command_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 5
#define EXPIRES_IN_MAX_S (400 * 24 * 3600)
#define AT(field) offsetof(struct command_settings, field)

static const struct setting table[] = {
    {"data", SETTING_STRING, AT(data), 0, 0, "data", "folder", "where run.json and api_key are"},
    {"url", SETTING_STRING, AT(url), 0, 0, NULL, "URL",
     "the server, instead of run.json's base_url"},
    {"key", SETTING_STRING, AT(key), 0, 0, NULL, NULL,
     "the API key (better key-file: others see a command line)"},
    {"key-file", SETTING_STRING, AT(key_file), 0, 0, NULL, "file",
     "the file it is in, instead of run.json's api_key"},
    {"ca", SETTING_STRING, AT(ca), 0, 0, NULL, "file", "certificate authority to trust, PEM"},
    {"connect", SETTING_STRING, AT(connect), 0, 0, NULL, NULL,
     "IP address of the server, where its name does not lead to it from here"},
    {"json", SETTING_BOOLEAN, AT(json), 0, 0, NULL, NULL, "print the server's answer as it is"},
    {"title", SETTING_STRING, AT(title), 0, 0, NULL, NULL, "of a class to create"},
    {"role", SETTING_STRING, AT(role), 0, 0, NULL, NULL,
     "of an invite: trainer, co_trainer, assistant, learner, inspector or operator"},
    {"name", SETTING_STRING, AT(name), 0, 0, NULL, NULL,
     "whose invite; empty: the person types it"},
    {"expires-in", SETTING_INTEGER, AT(expires_in_s), 0, EXPIRES_IN_MAX_S, "0", "s",
     "how long an invite is good; 0: the server's usual day"},
    {"single-use", SETTING_BOOLEAN, AT(single_use), 0, 0, NULL, NULL, "an invite for one join"},
    {"personal", SETTING_BOOLEAN, AT(personal), 0, 0, NULL, NULL,
     "an invite for one person: who opens it again takes over"},
    {"mode", SETTING_STRING, AT(mode), 0, 0, NULL, NULL,
     "of a class: lecture, discussion, practical, quiz or break"},
    {"minutes", SETTING_INTEGER, AT(minutes), 0, 240, "0", "min", "of a break; 0: without an end"},
    {"reason", SETTING_STRING, AT(reason), 0, 0, NULL, NULL, "of a ban; the person reads it"},
};

static const struct settings_program program = {
    .name = "amphi-ctl",
    .summary = "Asks and steers an Amphi server through its HTTP API.",
    .usage =
        "[options] COMMAND\n"
        "\n"
        "  classes list\n"
        "  classes create --title TEXT\n"
        "  classes show CLASS\n"
        "  classes end CLASS\n"
        "  invites list CLASS\n"
        "  invites create CLASS --role ROLE [--name TEXT] [--expires-in SECONDS] [--single-use]\n"
        "                       [--personal]\n"
        "  invites revoke CLASS INVITE\n"
        "  participants CLASS\n"
        "  floor give CLASS PARTICIPANT\n"
        "  floor take CLASS PARTICIPANT\n"
        "  floor next CLASS\n"
        "  mute CLASS PARTICIPANT, unmute CLASS PARTICIPANT, mute-all CLASS\n"
        "  mode CLASS --mode MODE [--minutes N]\n"
        "  lobby list CLASS, lobby on CLASS, lobby off CLASS, lobby admit CLASS\n"
        "  lock CLASS, unlock CLASS\n"
        "  remove CLASS PARTICIPANT (may come back through the lobby)\n"
        "  to-lobby CLASS PARTICIPANT\n"
        "  ban CLASS PARTICIPANT --reason TEXT\n"
        "  health\n"
        "  metrics\n"
        "\n"
        "Ends with 0; 1 when the server refuses, 2 for a bad command line, 3 when the server "
        "cannot\n"
        "be reached, 4 when it is not healthy.",
    .takes_arguments = true,
};

/* The words of the command. */
struct words {
    const char *word[WORDS_MAX];
    size_t count;
};

PRINTF_LIKE(2, 3) static enum status refuse(char *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error, COMMAND_ERROR_BYTES, format, args);
    va_end(args);
    return STATUS_CONFIG;
}

/* --- Paths */

/* "*" in `form` stands for the next word, percent-encoded. */
static enum status make_path(const char *form, const char *const *words, char *path, char *error)
{
    size_t used = 0;
    for (const char *at = form; *at != '\0'; at++) {
        const char *text = *at == '*' ? *words++ : NULL;
        if (text == NULL) {
            path[used++] = *at;
        } else {
            if (*text == '\0')
                return refuse(error, "an identifier is empty");
            for (; *text != '\0'; text++) {
                bool plain = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789-_",
                                    *text) != NULL;
                if (used + 4 >= COMMAND_PATH_BYTES / 2)
                    return refuse(error, "an identifier is too long");
                if (plain)
                    path[used++] = *text;
                else
                    used += (size_t)snprintf(path + used, 4, "%%%02X", (unsigned char)*text);
            }
        }
        if (used + 4 >= COMMAND_PATH_BYTES)
            return refuse(error, "an identifier is too long");
    }
    path[used] = '\0';
    return STATUS_OK;
}

/* --- Bodies */

static enum status set_member(json_t *object, const char *key, json_t *value, char *error)
{
    return json_object_set_new(object, key, value) == 0
               ? STATUS_OK
               : refuse(error, "'%s' is not valid UTF-8", key);
}

static enum status make_class(struct command *command, char *error)
{
    if (command->settings.title[0] == '\0')
        return refuse(error, "classes create needs --title");
    command->body = json_object();
    return set_member(command->body, "title", json_string(command->settings.title), error);
}

static enum status make_invite(struct command *command, char *error)
{
    static const char *const roles[] = {"trainer", "co_trainer", "assistant",
                                        "learner", "inspector",  "operator"};
    const struct command_settings *given = &command->settings;
    bool known = false;
    for (size_t i = 0; i < COUNT_OF(roles); i++)
        known = known || strcmp(given->role, roles[i]) == 0;
    if (!known)
        return refuse(error, "invites create needs --role trainer, co_trainer, assistant, learner, "
                             "inspector or operator");
    command->body = json_object();
    enum status status = set_member(command->body, "role", json_string(given->role), error);
    if (status == STATUS_OK)
        status = set_member(command->body, "name", json_string(given->name), error);
    if (status == STATUS_OK)
        status = set_member(command->body, "single_use", json_boolean(given->single_use), error);
    if (status == STATUS_OK && given->personal)
        status = set_member(command->body, "personal", json_true(), error);
    if (status == STATUS_OK && given->expires_in_s > 0)
        status =
            set_member(command->body, "expires_in_s", json_integer(given->expires_in_s), error);
    return status;
}

static enum status make_mode(struct command *command, char *error)
{
    if (command->settings.mode[0] == '\0')
        return refuse(error, "mode needs --mode");
    command->body = json_object();
    enum status status =
        set_member(command->body, "mode", json_string(command->settings.mode), error);
    if (status == STATUS_OK && command->settings.minutes > 0)
        status =
            set_member(command->body, "minutes", json_integer(command->settings.minutes), error);
    return status;
}

static enum status make_on(struct command *command, char *error)
{
    command->body = json_object();
    return set_member(command->body, "on", json_true(), error);
}

static enum status make_off(struct command *command, char *error)
{
    command->body = json_object();
    return set_member(command->body, "on", json_false(), error);
}

static enum status make_ban(struct command *command, char *error)
{
    if (command->settings.reason[0] == '\0')
        return refuse(error, "ban needs --reason");
    command->body = json_object();
    return set_member(command->body, "reason", json_string(command->settings.reason), error);
}

/* --- Commands */

static const struct form {
    const char *first, *second; /* second NULL: the first alone names it */
    size_t identifiers;
    const char *method, *path;
    enum command_view view;
    enum status (*make_body)(struct command *, char *);
    bool needs_no_key;
} forms[] = {
    {"classes", "list", 0, "GET", "/api/v1/classes", VIEW_CLASSES, NULL, false},
    {"classes", "create", 0, "POST", "/api/v1/classes", VIEW_CLASS, make_class, false},
    {"classes", "show", 1, "GET", "/api/v1/classes/*", VIEW_CLASS, NULL, false},
    {"classes", "end", 1, "POST", "/api/v1/classes/*/end", VIEW_CLASS, NULL, false},
    {"invites", "list", 1, "GET", "/api/v1/classes/*/invites", VIEW_INVITES, NULL, false},
    {"invites", "create", 1, "POST", "/api/v1/classes/*/invites", VIEW_INVITE, make_invite, false},
    {"invites", "revoke", 2, "DELETE", "/api/v1/classes/*/invites/*", VIEW_NOTHING, NULL, false},
    {"participants", NULL, 1, "GET", "/api/v1/classes/*/participants", VIEW_PARTICIPANTS, NULL,
     false},
    {"floor", "give", 2, "PUT", "/api/v1/classes/*/participants/*/floor", VIEW_PARTICIPANT, NULL,
     false},
    {"floor", "take", 2, "DELETE", "/api/v1/classes/*/participants/*/floor", VIEW_PARTICIPANT, NULL,
     false},
    {"floor", "next", 1, "POST", "/api/v1/classes/*/floor/next", VIEW_PARTICIPANT, NULL, false},
    {"mute", NULL, 2, "PUT", "/api/v1/classes/*/participants/*/mute", VIEW_PARTICIPANT, NULL,
     false},
    {"unmute", NULL, 2, "DELETE", "/api/v1/classes/*/participants/*/mute", VIEW_PARTICIPANT, NULL,
     false},
    {"mute-all", NULL, 1, "POST", "/api/v1/classes/*/mute_all", VIEW_CLASS, NULL, false},
    {"mode", NULL, 1, "PUT", "/api/v1/classes/*/mode", VIEW_CLASS, make_mode, false},
    {"lobby", "list", 1, "GET", "/api/v1/classes/*/lobby", VIEW_TEXT, NULL, false},
    {"lobby", "on", 1, "PUT", "/api/v1/classes/*/lobby", VIEW_CLASS, make_on, false},
    {"lobby", "off", 1, "PUT", "/api/v1/classes/*/lobby", VIEW_CLASS, make_off, false},
    {"lobby", "admit", 1, "POST", "/api/v1/classes/*/lobby/admit", VIEW_TEXT, NULL, false},
    {"lock", NULL, 1, "PUT", "/api/v1/classes/*/lock", VIEW_CLASS, make_on, false},
    {"unlock", NULL, 1, "PUT", "/api/v1/classes/*/lock", VIEW_CLASS, make_off, false},
    {"to-lobby", NULL, 2, "POST", "/api/v1/classes/*/participants/*/to_lobby", VIEW_NOTHING, NULL,
     false},
    {"ban", NULL, 2, "POST", "/api/v1/classes/*/participants/*/ban", VIEW_NOTHING, make_ban, false},
    {"remove", NULL, 2, "DELETE", "/api/v1/classes/*/participants/*", VIEW_NOTHING, NULL, false},
    {"health", NULL, 0, "GET", "/healthz", VIEW_HEALTH, NULL, true},
    {"metrics", NULL, 0, "GET", "/metrics", VIEW_TEXT, NULL, true},
};

static const struct form *find_form(const struct words *words)
{
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        if (words->count == 0 || strcmp(words->word[0], forms[i].first) != 0)
            continue;
        if (forms[i].second == NULL ||
            (words->count > 1 && strcmp(words->word[1], forms[i].second) == 0))
            return &forms[i];
    }
    return NULL;
}

static enum status fill(const struct words *words, struct command *command, char *error)
{
    const struct form *form = find_form(words);
    if (words->count == 0)
        return refuse(error, "a command is missing");
    if (form == NULL)
        return refuse(error, "unknown command '%s%s%s'", words->word[0],
                      words->count > 1 ? " " : "", words->count > 1 ? words->word[1] : "");
    size_t named = form->second != NULL ? 2 : 1;
    if (words->count != named + form->identifiers)
        return refuse(error, "%s%s%s takes %zu identifier%s, got %zu", form->first,
                      named == 2 ? " " : "", named == 2 ? form->second : "", form->identifiers,
                      form->identifiers == 1 ? "" : "s", words->count - named);
    command->method = form->method;
    command->view = form->view;
    command->needs_no_key = form->needs_no_key;
    enum status status = make_path(form->path, words->word + named, command->path, error);
    if (status == STATUS_OK && form->make_body != NULL)
        status = form->make_body(command, error);
    return status;
}

enum settings_outcome command_load(int argc, char **argv, struct command *out)
{
    char error[COMMAND_ERROR_BYTES];
    struct words words = {0};
    size_t count = 0;
    *out = (struct command){.method = NULL};
    enum settings_outcome outcome =
        settings_load(&program, table, COUNT_OF(table), argc, argv, &out->settings, &count);
    if (outcome != SETTINGS_RUN)
        return outcome;
    for (; words.count < count && words.count < WORDS_MAX; words.count++)
        words.word[words.count] = argv[1 + words.count];
    enum status status = count > WORDS_MAX ? refuse(error, "unexpected '%s'", argv[1 + WORDS_MAX])
                                           : fill(&words, out, error);
    if (status == STATUS_OK)
        return SETTINGS_RUN;
    command_destroy(out);
    fprintf(stderr, "amphi-ctl: %s\nSee amphi-ctl --help.\n", error);
    return SETTINGS_EXIT_USAGE;
}

void command_destroy(struct command *command)
{
    json_decref(command->body);
    command->body = NULL;
}
