#include "ctl/print_answer.h"

#include <string.h>
#include <time.h>

/* A name may hold what moves a terminal's cursor; the server refuses that, an older one did not. */
static void print_text(FILE *out, const json_t *value)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "-";
    for (; *text != '\0'; text++)
        fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, out);
}

static void print_field(FILE *out, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value))
        fprintf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? "yes" : "no", out);
    else
        print_text(out, value);
}

static void print_time(FILE *out, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    time_t seconds = (time_t)(json_integer_value(value) / 1000);
    struct tm local;
    char text[64];
    if (!json_is_integer(value) || localtime_r(&seconds, &local) == NULL ||
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &local) == 0)
        fputs("-", out);
    else
        fputs(text, out);
}

static void print_class(FILE *out, const json_t *entry)
{
    print_field(out, entry, "class_id");
    fputs("  ", out);
    print_field(out, entry, "state");
    fputs("  ", out);
    print_time(out, entry, "created_ms");
    fputs("  ", out);
    print_field(out, json_object_get(entry, "count"), "learner");
    fputs(" learners  ", out);
    print_field(out, entry, "title");
    fputc('\n', out);
}

static void print_invite(FILE *out, const json_t *entry)
{
    print_field(out, entry, "invite_id");
    fputs("  ", out);
    print_field(out, entry, "role");
    fputs("  until ", out);
    print_field(out, entry, "expires_at");
    fputs(json_is_true(json_object_get(entry, "revoked")) ? "  revoked" : "", out);
    fputs(json_is_true(json_object_get(entry, "single_use")) ? "  single-use" : "", out);
    fputs("  ", out);
    print_field(out, entry, "name");
    fputc('\n', out);
    if (json_object_get(entry, "url") != NULL) {
        print_field(out, entry, "url");
        fputc('\n', out);
    }
}

static void print_participant(FILE *out, const json_t *entry)
{
    print_field(out, entry, "id");
    fputs("  ", out);
    print_field(out, entry, "role");
    fputs("  ", out);
    print_field(out, entry, "media");
    fputs(json_is_true(json_object_get(entry, "floor")) ? "  floor" : "", out);
    fputs(json_is_integer(json_object_get(entry, "hand")) ? "  hand" : "", out);
    fputs(json_is_false(json_object_get(entry, "here")) ? "  away" : "", out);
    fputs("  ", out);
    print_field(out, entry, "name");
    fputc('\n', out);
}

static void print_health(FILE *out, const json_t *answer)
{
    fputs("healthy: ", out);
    print_field(out, answer, "ok");
    fputs(", relay connected: ", out);
    print_field(out, answer, "relay");
    fputc('\n', out);
}

static void print_each(FILE *out, const json_t *list, void (*print)(FILE *, const json_t *))
{
    for (size_t i = 0; i < json_array_size(list); i++)
        print(out, json_array_get(list, i));
}

void print_answer(FILE *out, enum command_view view, const char *text)
{
    json_t *answer = view == VIEW_TEXT ? NULL : json_loads(text, 0, NULL);
    if (view == VIEW_NOTHING)
        ;
    else if (!json_is_object(answer))
        fputs(text, out);
    else if (view == VIEW_CLASSES)
        print_each(out, json_object_get(answer, "classes"), print_class);
    else if (view == VIEW_INVITES)
        print_each(out, json_object_get(answer, "invites"), print_invite);
    else if (view == VIEW_PARTICIPANTS)
        print_each(out, json_object_get(answer, "participants"), print_participant);
    else if (view == VIEW_CLASS)
        print_class(out, answer);
    else if (view == VIEW_INVITE)
        print_invite(out, answer);
    else if (view == VIEW_PARTICIPANT)
        print_participant(out, answer);
    else if (view == VIEW_HEALTH)
        print_health(out, answer);
    json_decref(answer);
}

void print_problem(FILE *out, long status, const char *text)
{
    json_t *problem = json_loads(text, 0, NULL);
    fprintf(out, "amphi-ctl: the server answered %ld", status);
    if (json_is_object(problem)) {
        fputs(": ", out);
        print_field(out, problem, "code");
        fputs(": ", out);
        print_field(out, problem, "detail");
    }
    fputc('\n', out);
    json_decref(problem);
}
