#include "ctl/command_line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 5

const char command_usage[] =
    "Usage: amphi-ctl [options] COMMAND\n"
    "\n"
    "Asks and steers an Amphi server through its HTTP API.\n"
    "\n"
    "  classes list\n"
    "  classes create --title TEXT\n"
    "  classes show CLASS\n"
    "  classes end CLASS\n"
    "  invites list CLASS\n"
    "  invites create CLASS --role trainer|learner|operator [--name TEXT]\n"
    "                       [--expires-in SECONDS] [--single-use]\n"
    "  invites revoke CLASS INVITE\n"
    "  participants CLASS\n"
    "  floor give CLASS PARTICIPANT\n"
    "  floor take CLASS PARTICIPANT\n"
    "  remove CLASS PARTICIPANT\n"
    "  health\n"
    "  metrics\n"
    "\n"
    "  --data DIR        where run.json and api_key are             (./data)\n"
    "  --url URL         the server, instead of run.json's base_url\n"
    "  --key KEY         the API key (better --key-file: others see a command line)\n"
    "  --key-file FILE   the file it is in, instead of run.json's api_key\n"
    "  --ca FILE         certificate authority to trust, PEM\n"
    "  --json            print the server's answer as it is\n"
    "  --help, --version\n"
    "\n"
    "Ends with 0, or with 1 when the server refuses, 2 for a bad command line, 3 when the server\n"
    "cannot be reached, 4 when it is not healthy.\n";

/* What stands on the command line, before it has a meaning. */
struct words {
    const char *word[WORDS_MAX];
    size_t count;
    const char *title, *role, *name, *expires_in;
    bool single_use;
};

__attribute__((format(printf, 2, 3))) static enum status refuse(char *error, const char *format,
                                                                ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error, COMMAND_ERROR_BYTES, format, args);
    va_end(args);
    return STATUS_CONFIG;
}

static const char **value_option(struct command *command, struct words *words, const char *name)
{
    const struct {
        const char *name;
        const char **value;
    } options[] = {
        {"--data", &command->data},
        {"--url", &command->url},
        {"--key", &command->key},
        {"--key-file", &command->key_file},
        {"--ca", &command->ca},
        {"--title", &words->title},
        {"--role", &words->role},
        {"--name", &words->name},
        {"--expires-in", &words->expires_in},
    };
    for (size_t i = 0; i < COUNT_OF(options); i++)
        if (strcmp(name, options[i].name) == 0)
            return options[i].value;
    return NULL;
}

static bool take_flag(struct command *command, struct words *words, const char *name)
{
    if (strcmp(name, "--json") == 0)
        command->json = true;
    else if (strcmp(name, "--single-use") == 0)
        words->single_use = true;
    else if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        command->kind = COMMAND_HELP;
    else if (strcmp(name, "--version") == 0)
        command->kind = COMMAND_VERSION;
    else
        return false;
    return true;
}

static enum status split(int argc, char **argv, struct command *command, struct words *words,
                         char *error)
{
    for (int i = 1; i < argc; i++) {
        const char *argument = argv[i];
        const char **value = value_option(command, words, argument);
        if (value != NULL) {
            if (i + 1 >= argc)
                return refuse(error, "%s needs a value", argument);
            *value = argv[++i];
        } else if (take_flag(command, words, argument)) {
            continue;
        } else if (argument[0] == '-') {
            return refuse(error, "unknown option '%s'", argument);
        } else if (words->count == WORDS_MAX) {
            return refuse(error, "unexpected '%s'", argument);
        } else {
            words->word[words->count++] = argument;
        }
    }
    return STATUS_OK;
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

static enum status make_class(const struct words *words, struct command *command, char *error)
{
    if (words->title == NULL)
        return refuse(error, "classes create needs --title");
    command->body = json_object();
    return set_member(command->body, "title", json_string(words->title), error);
}

static enum status add_expiry(const struct words *words, struct command *command, char *error)
{
    char *end = NULL;
    if (words->expires_in == NULL)
        return STATUS_OK;
    errno = 0;
    long seconds = strtol(words->expires_in, &end, 10);
    if (errno != 0 || end == words->expires_in || *end != '\0' || seconds < 1)
        return refuse(error, "--expires-in: expected a number of seconds, got '%s'",
                      words->expires_in);
    return set_member(command->body, "expires_in_s", json_integer(seconds), error);
}

static enum status make_invite(const struct words *words, struct command *command, char *error)
{
    static const char *const roles[] = {"trainer", "learner", "operator"};
    bool known = false;
    for (size_t i = 0; words->role != NULL && i < COUNT_OF(roles); i++)
        known = known || strcmp(words->role, roles[i]) == 0;
    if (!known)
        return refuse(error, "invites create needs --role trainer, learner or operator");
    command->body = json_object();
    enum status status = set_member(command->body, "role", json_string(words->role), error);
    if (status == STATUS_OK && words->name != NULL)
        status = set_member(command->body, "name", json_string(words->name), error);
    if (status == STATUS_OK && words->single_use)
        status = set_member(command->body, "single_use", json_true(), error);
    return status == STATUS_OK ? add_expiry(words, command, error) : status;
}

/* --- Commands */

static const struct form {
    const char *first, *second; /* second NULL: the first alone names it */
    size_t identifiers;
    const char *method, *path;
    enum command_view view;
    enum status (*make_body)(const struct words *, struct command *, char *);
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
        status = form->make_body(words, command, error);
    return status;
}

enum status command_parse(int argc, char **argv, struct command *out, char *error)
{
    struct words words = {0};
    struct command command = {.kind = COMMAND_CALL};
    enum status status = split(argc, argv, &command, &words, error);
    if (status == STATUS_OK && command.kind == COMMAND_CALL)
        status = fill(&words, &command, error);
    if (status != STATUS_OK) {
        command_destroy(&command);
        return status;
    }
    *out = command;
    return STATUS_OK;
}

void command_destroy(struct command *command)
{
    json_decref(command->body);
    command->body = NULL;
}
