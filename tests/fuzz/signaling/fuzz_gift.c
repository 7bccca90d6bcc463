/* Any text: each question found is complete and survives being written as JSON and read again;
 * lines only grow. */
#include "signaling/core/gift.h"
#include "signaling/core/poll_json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct found {
    unsigned lines_max;
    size_t questions, errors;
};

static void require(bool fact)
{
    if (!fact)
        abort();
}

static void on_question(void *context, unsigned line, const struct poll_question *question)
{
    struct found *found = context;
    struct text_json text = {0};
    static struct poll_question again;
    require(line >= 1 && line <= found->lines_max && poll_question_is_valid(question));
    text_json_open(&text, NULL, '{');
    poll_json_write(question, true, &text);
    text_json_close(&text, '}');
    if (!text.failed) {
        require(poll_json_parse(text.data, &again) == STATUS_OK);
        require(again.kind == question->kind && again.correct == question->correct &&
                again.text_count == question->text_count &&
                strcmp(again.question, question->question) == 0);
        for (size_t i = 0; i < again.text_count; i++)
            require(strcmp(again.texts[i], question->texts[i]) == 0);
    }
    text_json_destroy(&text);
    found->questions++;
}

static void on_error(void *context, unsigned line, enum gift_error error)
{
    struct found *found = context;
    require(line >= 1 && line <= found->lines_max && error > GIFT_OK && error < GIFT_ERROR_COUNT);
    found->errors++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct found found = {.lines_max = 1};
    for (size_t i = 0; i < size; i++)
        found.lines_max += data[i] == '\n';
    struct gift_sink sink = {&found, "Vrai", "Faux", on_question, on_error};
    gift_parse(bytes_of(data, size), &sink);
    require(found.questions <= LIMIT_GIFT_QUESTIONS && found.errors <= LIMIT_GIFT_ERRORS + 1);
    return 0;
}
