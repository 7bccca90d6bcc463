#include "signaling/core/poll.h"

#include "signaling/core/text_rules.h"

#include <stdlib.h>

static const char *const kind_names[POLL_KIND_COUNT] = {"single", "multiple", "text", "scale"};

const char *poll_kind_name(enum poll_kind kind)
{
    return kind < POLL_KIND_COUNT ? kind_names[kind] : "unknown";
}

bool poll_kind_find(struct bytes name, enum poll_kind *out)
{
    for (size_t i = 0; i < POLL_KIND_COUNT; i++) {
        if (!bytes_equal_string(name, kind_names[i]))
            continue;
        *out = (enum poll_kind)i;
        return true;
    }
    return false;
}

/* --- The question */

static bool has_options(const struct poll_question *question)
{
    return question->kind == POLL_SINGLE || question->kind == POLL_MULTIPLE;
}

bool poll_question_is_valid(const struct poll_question *question)
{
    if (question->question[0] == '\0')
        return false;
    if (question->kind == POLL_SCALE)
        return question->min < question->max &&
               question->max - question->min < LIMIT_POLL_SCALE_VALUES;
    if (question->kind == POLL_TEXT)
        return question->text_count <= LIMIT_POLL_OPTIONS;
    return has_options(question) && question->text_count >= 2 &&
           question->text_count <= LIMIT_POLL_OPTIONS &&
           question->correct < 1u << question->text_count;
}

size_t poll_question_count(const struct poll_question *question)
{
    if (question->kind == POLL_SCALE)
        return (size_t)(question->max - question->min) + 1;
    return has_options(question) ? question->text_count : 0;
}

bool poll_question_has_right_answer(const struct poll_question *question)
{
    return question->kind == POLL_TEXT ? question->text_count > 0 : question->correct != 0;
}

/* --- Answers */

void poll_init(struct poll *poll, uint64_t id, const struct poll_question *question, int64_t at_ms)
{
    *poll = (struct poll){.id = id, .question = *question, .at_ms = at_ms};
}

void poll_destroy(struct poll *poll)
{
    for (size_t i = 0; i < poll->answer_count; i++)
        free(poll->answers[i].text);
    free(poll->answers);
    *poll = (struct poll){0};
}

enum status poll_read_choices(const struct poll_question *question, const int64_t *choices,
                              size_t count, unsigned *out)
{
    unsigned bits = 0;
    if (!has_options(question) || count == 0 || (question->kind == POLL_SINGLE && count != 1))
        return STATUS_MALFORMED;
    for (size_t i = 0; i < count; i++) {
        if (choices[i] < 0 || choices[i] >= (int64_t)question->text_count ||
            (bits & 1u << choices[i]) != 0)
            return STATUS_MALFORMED;
        bits |= 1u << choices[i];
    }
    *out = bits;
    return STATUS_OK;
}

enum status poll_read_value(const struct poll_question *question, int64_t value, unsigned *out)
{
    if (question->kind != POLL_SCALE || value < question->min || value > question->max)
        return STATUS_MALFORMED;
    *out = 1u << (value - question->min);
    return STATUS_OK;
}

static struct poll_answer *find(const struct poll *poll, uint64_t participant)
{
    for (size_t i = 0; i < poll->answer_count; i++) {
        if (poll->answers[i].participant == participant)
            return &poll->answers[i];
    }
    return NULL;
}

const struct poll_answer *poll_find_answer(const struct poll *poll, uint64_t participant)
{
    return find(poll, participant);
}

static void count(struct poll *poll, unsigned choices, size_t one)
{
    for (size_t i = 0; i < LIMIT_POLL_OPTIONS; i++) {
        if ((choices & 1u << i) != 0)
            poll->counts[i] += one;
    }
}

/* A place for one more; NULL without memory. */
static struct poll_answer *append(struct poll *poll)
{
    if (poll->answer_count == poll->answer_capacity) {
        size_t capacity = poll->answer_capacity == 0 ? 32 : poll->answer_capacity * 2;
        struct poll_answer *answers = realloc(poll->answers, capacity * sizeof *answers);
        if (answers == NULL)
            return NULL;
        poll->answers = answers;
        poll->answer_capacity = capacity;
    }
    return &poll->answers[poll->answer_count++];
}

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

enum status poll_set_answer(struct poll *poll, uint64_t participant, unsigned choices,
                            const char *text)
{
    if (poll->closed_ms != 0)
        return STATUS_STATE;
    struct poll_answer *answer = find(poll, participant);
    if (answer == NULL && poll->answer_count >= LIMIT_POLL_ANSWERS)
        return STATUS_LIMIT;
    char *copy = text != NULL ? copy_text(text) : NULL;
    if (text != NULL && copy == NULL)
        return STATUS_NO_MEMORY;
    if (answer != NULL) {
        count(poll, answer->choices, (size_t)-1);
        free(answer->text);
    } else {
        answer = append(poll);
        if (answer == NULL) {
            free(copy);
            return STATUS_NO_MEMORY;
        }
        poll->answered++;
    }
    *answer = (struct poll_answer){.participant = participant, .choices = choices, .text = copy};
    count(poll, choices, 1);
    return STATUS_OK;
}

/* --- Right and wrong */

/* Lower case for the alphabets in which learners answer here; others are compared as they are. */
static uint32_t fold(uint32_t c)
{
    if (c == 0x2019 || c == 0x2bc)
        return '\'';
    if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) ||
        (c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f))
        return c + 32;
    if (c >= 0x400 && c <= 0x40f)
        return c + 80;
    bool odd_upper = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e);
    bool even_upper = (c >= 0x100 && c <= 0x137) || (c >= 0x14a && c <= 0x177);
    if (c == 0x130 || c == 0x131)
        return 'i';
    if ((odd_upper && c % 2 == 1) || (even_upper && c % 2 == 0))
        return c + 1;
    return c == 0x178 ? 0xff : c;
}

static bool is_text_equal(const char *a, const char *b)
{
    char left[POLL_OPTION_BYTES], right[POLL_OPTION_BYTES];
    /* One space where several or line breaks were. */
    if (text_rules_squeeze(a, left, sizeof left) != STATUS_OK ||
        text_rules_squeeze(b, right, sizeof right) != STATUS_OK)
        return false;
    const char *x = left, *y = right;
    for (;;) {
        uint32_t c = 0, d = 0;
        bool more = text_rules_next_code_point(&x, &c);
        if (more != text_rules_next_code_point(&y, &d))
            return false;
        if (!more)
            return *x == *y;
        if (fold(c) != fold(d))
            return false;
    }
}

static bool is_right(const struct poll_question *question, const struct poll_answer *answer)
{
    if (question->kind == POLL_MULTIPLE)
        return answer->choices == question->correct;
    if (question->kind == POLL_SINGLE)
        return (answer->choices & question->correct) != 0;
    for (size_t i = 0; i < question->text_count; i++) {
        if (answer->text != NULL && is_text_equal(answer->text, question->texts[i]))
            return true;
    }
    return false;
}

enum poll_mark poll_mark_participant(const struct poll *poll, uint64_t participant)
{
    if (!poll_question_has_right_answer(&poll->question))
        return POLL_UNKNOWN;
    const struct poll_answer *answer = find(poll, participant);
    return answer != NULL && is_right(&poll->question, answer) ? POLL_RIGHT : POLL_WRONG;
}

/* --- The end */

void poll_close(struct poll *poll, int64_t unix_ms)
{
    if (poll->closed_ms == 0)
        poll->closed_ms = unix_ms;
}

void poll_forget_answers(struct poll *poll)
{
    size_t kept = poll->question.kind == POLL_TEXT ? LIMIT_POLL_TEXTS : 0;
    for (size_t i = 0; i < poll->answer_count; i++) {
        poll->answers[i].participant = 0;
        if (i < kept)
            continue;
        free(poll->answers[i].text);
        poll->answers[i].text = NULL;
    }
    if (poll->answer_count > kept)
        poll->answer_count = kept;
    if (kept > 0)
        return;
    free(poll->answers);
    poll->answers = NULL;
    poll->answer_capacity = 0;
}
