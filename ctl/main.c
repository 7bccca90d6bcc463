/* amphi-ctl: one call of the HTTP API per run. */
#include "ctl/api_client.h"
#include "ctl/command_line.h"
#include "ctl/print_answer.h"

#include <errno.h>
#include <string.h>

enum exit_code { EXIT_DONE, EXIT_REFUSED, EXIT_USAGE, EXIT_UNREACHABLE, EXIT_UNHEALTHY };

#define KEY_BYTES SETTING_TEXT_BYTES
#define URL_BYTES SETTING_TEXT_BYTES
#define PATH_BYTES 4096

struct target {
    char url[URL_BYTES];
    char key[KEY_BYTES];
};

static bool read_first_line(const char *path, char *out, size_t capacity)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool got = fgets(out, (int)capacity, file) != NULL;
    fclose(file);
    if (got)
        out[strcspn(out, "\r\n")] = '\0';
    return got && out[0] != '\0';
}

static void copy_member(const json_t *object, const char *key, char *out, size_t capacity)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text != NULL)
        snprintf(out, capacity, "%s", text);
}

/* run.json of the data directory, then its api_key; what the command line gives wins. */
static void find_target(const struct command *command, struct target *target)
{
    char path[PATH_BYTES];
    const struct command_settings *given = &command->settings;
    *target = (struct target){.url = "", .key = ""};
    snprintf(path, sizeof(path), "%s/run.json", given->data);
    json_t *run = json_load_file(path, 0, NULL);
    copy_member(run, "base_url", target->url, sizeof(target->url));
    copy_member(run, "api_key", target->key, sizeof(target->key));
    json_decref(run);
    snprintf(path, sizeof(path), "%s/api_key", given->data);
    if (target->key[0] == '\0')
        (void)read_first_line(path, target->key, sizeof(target->key));
    if (given->url[0] != '\0')
        snprintf(target->url, sizeof(target->url), "%s", given->url);
    if (given->key[0] != '\0')
        snprintf(target->key, sizeof(target->key), "%s", given->key);
    size_t size = strlen(target->url);
    while (size > 0 && target->url[size - 1] == '/')
        target->url[--size] = '\0';
}

static int complain(const char *what, const char *detail)
{
    fprintf(stderr, "amphi-ctl: %s%s%s\n", what, detail[0] != '\0' ? ": " : "", detail);
    return EXIT_USAGE;
}

static int show(const struct command *command, const struct api_answer *answer)
{
    bool health = command->view == VIEW_HEALTH;
    bool good = answer->status >= 200 && answer->status < 300;
    if (!good && !(health && answer->status == 503)) {
        if (command->settings.json)
            puts(answer->text);
        print_problem(stderr, answer->status, answer->text);
        return EXIT_REFUSED;
    }
    if (command->settings.json && command->view != VIEW_TEXT) {
        if (answer->size > 0)
            puts(answer->text);
    } else {
        print_answer(stdout, command->view, answer->text);
    }
    return good ? EXIT_DONE : EXIT_UNHEALTHY;
}

static int run(const struct command *command)
{
    struct target target;
    struct api_answer answer;
    char error[256];
    find_target(command, &target);
    const char *key_file = command->settings.key_file;
    if (key_file[0] != '\0' && !read_first_line(key_file, target.key, sizeof(target.key)))
        return complain("cannot read the key file", key_file);
    if (target.url[0] == '\0')
        return complain("no server: give --url, or --data with a run.json", "");
    if (target.key[0] == '\0' && !command->needs_no_key)
        return complain("no API key: give --key-file, or --data", "");
    struct api_client client = {
        .base_url = target.url,
        .key = target.key[0] != '\0' && !command->needs_no_key ? target.key : NULL,
        .ca = command->settings.ca[0] != '\0' ? command->settings.ca : NULL,
        .connect = command->settings.connect[0] != '\0' ? command->settings.connect : NULL,
    };
    enum status status =
        api_call(&client, command->method, command->path, command->body, &answer, error);
    if (status != STATUS_OK) {
        fprintf(stderr, "amphi-ctl: %s: %s\n", target.url, error);
        return EXIT_UNREACHABLE;
    }
    int code = show(command, &answer);
    api_answer_destroy(&answer);
    return code;
}

int main(int argc, char **argv)
{
    struct command command;
    enum settings_outcome outcome = command_load(argc, argv, &command);
    if (outcome != SETTINGS_RUN)
        return outcome == SETTINGS_EXIT_OK ? EXIT_DONE : EXIT_USAGE;
    int code = run(&command);
    command_destroy(&command);
    return code;
}
