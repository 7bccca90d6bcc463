#include "signaling/core/poll_json.h"

#include "signaling/core/text_rules.h"

static bool read_text(const json_t *value, size_t code_points_max, char *out, size_t capacity)
{
    return json_is_string(value) && text_rules_take_text(json_string_value(value), code_points_max,
                                                         out, capacity) == STATUS_OK;
}

/* `texts` is an array of at most LIMIT_POLL_OPTIONS; NULL: none. */
static bool read_texts(const json_t *array, struct poll_question *out)
{
    if (array == NULL)
        return true;
    if (!json_is_array(array) || json_array_size(array) > LIMIT_POLL_OPTIONS)
        return false;
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (!read_text(json_array_get(array, i), LIMIT_POLL_OPTION_CODE_POINTS, out->texts[i],
                       sizeof out->texts[i]))
            return false;
    }
    out->text_count = json_array_size(array);
    return true;
}

static bool read_correct(const json_t *array, struct poll_question *out)
{
    if (array == NULL)
        return true;
    if (!json_is_array(array))
        return false;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *index = json_array_get(array, i);
        if (!json_is_integer(index) || json_integer_value(index) < 0 ||
            json_integer_value(index) >= (json_int_t)out->text_count)
            return false;
        out->correct |= 1u << json_integer_value(index);
    }
    return true;
}

static bool read_scale(const json_t *object, struct poll_question *out)
{
    int64_t min = 0, max = 0;
    if (!strict_json_get_int(object, "min", true, -1000000, 1000000, &min) ||
        !strict_json_get_int(object, "max", true, -1000000, 1000000, &max))
        return false;
    out->min = (int)min;
    out->max = (int)max;
    return json_object_get(object, "correct") == NULL;
}

enum status poll_json_read(const json_t *object, struct poll_question *out)
{
    const char *kind = NULL;
    *out = (struct poll_question){0};
    if (!strict_json_get_string(object, "kind", true, &kind) ||
        !poll_kind_find(bytes_of_string(kind), &out->kind) ||
        !read_text(json_object_get(object, "question"), LIMIT_POLL_QUESTION_CODE_POINTS,
                   out->question, sizeof out->question))
        return STATUS_MALFORMED;
    const json_t *options = json_object_get(object, "options");
    const json_t *correct = json_object_get(object, "correct");
    bool fine = false;
    switch (out->kind) {
    case POLL_SINGLE:
    case POLL_MULTIPLE:
        fine = read_texts(options, out) && read_correct(correct, out);
        break;
    case POLL_TEXT:
        fine = read_texts(correct, out);
        break;
    case POLL_SCALE:
        fine = read_scale(object, out);
        break;
    case POLL_KIND_COUNT:
        break;
    }
    return fine && poll_question_is_valid(out) ? STATUS_OK : STATUS_MALFORMED;
}

enum status poll_json_parse(const char *text, struct poll_question *out)
{
    json_t *tree = NULL;
    enum status status =
        strict_json_parse(bytes_of_string(text), LIMIT_CLIENT_MESSAGE_BYTES, &tree);
    if (status != STATUS_OK)
        return status;
    status = json_is_object(tree) ? poll_json_read(tree, out) : STATUS_MALFORMED;
    json_decref(tree);
    return status;
}

static void write_texts(const struct poll_question *question, const char *key,
                        struct text_json *text)
{
    text_json_open(text, key, '[');
    for (size_t i = 0; i < question->text_count; i++)
        text_json_string(text, NULL, question->texts[i]);
    text_json_close(text, ']');
}

static void write_indices(unsigned bits, struct text_json *text)
{
    text_json_open(text, "correct", '[');
    for (unsigned i = 0; i < LIMIT_POLL_OPTIONS; i++) {
        if ((bits & 1u << i) != 0)
            text_json_uint(text, NULL, i);
    }
    text_json_close(text, ']');
}

void poll_json_write(const struct poll_question *question, bool correct, struct text_json *text)
{
    text_json_string(text, "kind", poll_kind_name(question->kind));
    text_json_string(text, "question", question->question);
    bool known = correct && poll_question_has_right_answer(question);
    switch (question->kind) {
    case POLL_SINGLE:
    case POLL_MULTIPLE:
        write_texts(question, "options", text);
        if (known)
            write_indices(question->correct, text);
        break;
    case POLL_TEXT:
        if (known)
            write_texts(question, "correct", text);
        break;
    case POLL_SCALE:
        text_json_int(text, "min", question->min);
        text_json_int(text, "max", question->max);
        break;
    case POLL_KIND_COUNT:
        break;
    }
}
