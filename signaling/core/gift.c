#include "signaling/core/gift.h"

#include "signaling/core/text_rules.h"

/* --- Characters: escapes undone, comments passed over, lines counted */

struct scan {
    const char *at, *end;
    unsigned line;
    bool at_line_start;
};

struct unit {
    char c;
    bool escaped;
    unsigned line;
};

static bool is_gap(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_comment(struct scan *scan)
{
    const char *at = scan->at;
    while (at < scan->end && (*at == ' ' || *at == '\t'))
        at++;
    if (scan->end - at < 2 || at[0] != '/' || at[1] != '/')
        return;
    while (at < scan->end && *at != '\n')
        at++;
    scan->at = at;
}

static bool next_unit(struct scan *scan, struct unit *out)
{
    if (scan->at_line_start)
        skip_comment(scan);
    scan->at_line_start = false;
    if (scan->at == scan->end)
        return false;
    *out = (struct unit){.c = *scan->at++, .line = scan->line};
    if (out->c == '\n') {
        scan->line++;
        scan->at_line_start = true;
    }
    if (out->c != '\\' || scan->at == scan->end)
        return true;
    char c = *scan->at;
    if (c == 'n') {
        out->c = '\n';
    } else if (c != '\0' && strchr("~=#{}:\\", c) != NULL) {
        out->c = c;
    } else {
        return true; /* a backslash that escapes nothing is one */
    }
    out->escaped = true;
    scan->at++;
    return true;
}

static bool is_special(const struct unit *unit, char c)
{
    return unit->c == c && !unit->escaped;
}

/* --- A text as it grows: gaps become one space */

struct growing {
    char data[POLL_QUESTION_BYTES];
    size_t size;
    bool gap_due, too_long;
    unsigned line; /* of its first character; 0: empty */
};

static void push(struct growing *text, char c)
{
    if (text->size + 1 < sizeof text->data)
        text->data[text->size++] = c;
    else
        text->too_long = true;
}

static void grow(struct growing *text, const struct unit *unit)
{
    if (is_gap(unit->c) && !unit->escaped) {
        text->gap_due = text->size > 0;
        return;
    }
    if (text->gap_due && unit->c != '\n')
        push(text, ' ');
    text->gap_due = false;
    push(text, unit->c);
    if (text->line == 0)
        text->line = unit->line;
}

static enum gift_error take(struct growing *text, size_t code_points_max, char *out,
                            size_t capacity)
{
    text->data[text->size] = '\0';
    if (text->too_long || memchr(text->data, '\0', text->size) != NULL)
        return text->too_long ? GIFT_TOO_LONG : GIFT_BAD_TEXT;
    enum status status = text_rules_take_text(text->data, code_points_max, out, capacity);
    if (status == STATUS_OK)
        return GIFT_OK;
    return status == STATUS_LIMIT ? GIFT_TOO_LONG : GIFT_BAD_TEXT;
}

/* --- One question */

struct parser {
    const struct gift_sink *sink;
    struct poll_question question;
    unsigned line; /* of the question's text, and then of the error */
    size_t right, wrong, weighted;
    size_t questions, errors;
};

static enum gift_error at_line(struct parser *p, unsigned line, enum gift_error error)
{
    if (error != GIFT_OK)
        p->line = line;
    return error;
}

/* `::title::` before the question. */
static void skip_title(struct scan *scan)
{
    struct scan start = *scan, ahead = *scan;
    struct unit unit;
    size_t colons = 0;
    bool opened = false;
    while (next_unit(&ahead, &unit)) {
        if (!opened && colons == 0 && is_gap(unit.c) && !unit.escaped)
            continue;
        colons = is_special(&unit, ':') ? colons + 1 : 0;
        if (colons == 2 && opened) {
            *scan = ahead;
            return;
        }
        if (colons == 2) {
            opened = true;
            colons = 0;
        } else if ((colons == 0 && !opened) || is_special(&unit, '{')) {
            break;
        }
    }
    *scan = start;
}

/* Up to the brace that opens the answers. */
static enum gift_error read_question(struct parser *p, struct scan *scan, bool *blank)
{
    struct growing text = {0};
    struct unit unit = {0};
    unsigned brace = 0;
    skip_title(scan);
    while (brace == 0 && next_unit(scan, &unit)) {
        if (is_special(&unit, '}'))
            return at_line(p, unit.line, GIFT_UNCLOSED_BRACES);
        if (is_special(&unit, '{'))
            brace = unit.line;
        else
            grow(&text, &unit);
    }
    *blank = brace == 0 && text.line == 0;
    p->line = text.line;
    if (brace == 0)
        return GIFT_NO_ANSWERS;
    if (text.line == 0)
        return at_line(p, brace, GIFT_NO_QUESTION);
    return at_line(p, text.line,
                   take(&text, LIMIT_POLL_QUESTION_CODE_POINTS, p->question.question,
                        sizeof p->question.question));
}

/* Finds the closing brace; *body ends before it, and nothing may follow. `scan` stands behind the
 * opening one. */
static enum gift_error find_body(struct parser *p, struct scan *scan, struct scan *body)
{
    struct unit unit;
    unsigned opened = scan->line;
    *body = *scan;
    for (;;) {
        if (!next_unit(scan, &unit))
            return at_line(p, opened, GIFT_UNCLOSED_BRACES);
        if (is_special(&unit, '{'))
            return at_line(p, unit.line, GIFT_UNCLOSED_BRACES);
        if (!is_special(&unit, '}'))
            continue;
        body->end = scan->at - 1;
        break;
    }
    while (next_unit(scan, &unit)) {
        if (is_special(&unit, '}') || is_special(&unit, '{'))
            return at_line(p, unit.line, GIFT_UNCLOSED_BRACES);
        if (!is_gap(unit.c) || unit.escaped)
            return at_line(p, unit.line, GIFT_TEXT_AFTER_ANSWERS);
    }
    return GIFT_OK;
}

/* "50", "-33.333": hundredths of a per cent are beyond what decides right or wrong. */
static bool read_weight(const char *text, int *sign)
{
    bool negative = *text == '-';
    unsigned whole = 0, digits = 0;
    bool positive = false;
    if (negative)
        text++;
    for (; *text >= '0' && *text <= '9' && digits < 4; text++, digits++) {
        whole = whole * 10 + (unsigned)(*text - '0');
        positive = positive || *text != '0';
    }
    if (digits == 0 || digits > 3 || whole > 100)
        return false;
    if (*text == '.') {
        const char *point = text++;
        for (; *text >= '0' && *text <= '9'; text++) {
            if (*text != '0' && whole == 100)
                return false;
            positive = positive || *text != '0';
        }
        if (text == point + 1)
            return false;
    }
    if (*text != '\0')
        return false;
    *sign = !positive ? 0 : negative ? -1 : 1;
    return true;
}

/* `%weight%` right behind the marker; *sign stays 2 where there is none. */
static enum gift_error take_weight(struct scan *scan, int *sign)
{
    struct scan ahead = *scan;
    struct unit unit;
    char text[16];
    size_t size = 0;
    if (!next_unit(&ahead, &unit) || !is_special(&unit, '%'))
        return GIFT_OK;
    while (next_unit(&ahead, &unit) && !is_special(&unit, '%')) {
        if (size + 1 == sizeof text || unit.c == '\0')
            return GIFT_BAD_WEIGHT;
        text[size++] = unit.c;
    }
    text[size] = '\0';
    if (!is_special(&unit, '%') || !read_weight(text, sign))
        return GIFT_BAD_WEIGHT;
    *scan = ahead;
    return GIFT_OK;
}

static enum gift_error add_answer(struct parser *p, struct growing *text, char marker, int sign)
{
    size_t place = p->question.text_count;
    if (text->size == 0)
        return GIFT_NO_ANSWERS;
    if (place == LIMIT_POLL_OPTIONS)
        return GIFT_TOO_MANY;
    if (marker == '=' && strstr(text->data, "->") != NULL)
        return GIFT_MATCHING;
    enum gift_error error = take(text, LIMIT_POLL_OPTION_CODE_POINTS, p->question.texts[place],
                                 sizeof p->question.texts[place]);
    if (error != GIFT_OK)
        return error;
    bool weighted = sign != 2;
    if (marker == '=' && weighted && sign <= 0)
        return GIFT_BAD_WEIGHT;
    p->weighted += weighted && marker == '~';
    p->right += marker == '=';
    p->wrong += marker == '~';
    if (marker == '=' || sign == 1)
        p->question.correct |= 1u << place;
    p->question.text_count++;
    return GIFT_OK;
}

/* One answer behind its marker; *marker is the next one, or 0 at the end. */
static enum gift_error read_answer(struct parser *p, struct scan *scan, char *marker)
{
    struct growing text = {.line = 0};
    struct unit unit;
    int sign = 2;
    unsigned line = scan->line;
    char next = 0;
    bool feedback = false;
    enum gift_error error = take_weight(scan, &sign);
    while (error == GIFT_OK && next == 0 && next_unit(scan, &unit)) {
        if (is_special(&unit, '=') || is_special(&unit, '~'))
            next = unit.c;
        else if (is_special(&unit, '#'))
            feedback = true;
        else if (!feedback)
            grow(&text, &unit);
    }
    if (error == GIFT_OK) {
        text.data[text.size] = '\0';
        error = add_answer(p, &text, *marker, sign);
    }
    *marker = next;
    return at_line(p, text.line != 0 ? text.line : line, error);
}

static void set_true_or_false(struct parser *p, bool right)
{
    struct poll_question *question = &p->question;
    question->kind = POLL_SINGLE;
    question->text_count = 2;
    snprintf(question->texts[0], sizeof question->texts[0], "%s", p->sink->true_text);
    snprintf(question->texts[1], sizeof question->texts[1], "%s", p->sink->false_text);
    question->correct = right ? 1u : 2u;
}

/* What stands before the first marker: nothing, or a word that says true or false. */
static enum gift_error read_opening(struct parser *p, struct scan *body, char *marker, bool *done)
{
    struct growing word = {.line = 0};
    struct unit unit;
    unsigned line = body->line;
    bool feedback = false;
    *marker = 0;
    while (*marker == 0 && next_unit(body, &unit)) {
        if (is_special(&unit, '#') && word.line == 0)
            return at_line(p, unit.line, GIFT_NUMERIC);
        if (is_special(&unit, '#'))
            feedback = true;
        else if (!feedback && (is_special(&unit, '=') || is_special(&unit, '~')))
            *marker = unit.c;
        else if (!feedback)
            grow(&word, &unit);
    }
    word.data[word.size] = '\0';
    *done = *marker == 0;
    bool right = strcmp(word.data, "T") == 0 || strcmp(word.data, "TRUE") == 0;
    bool wrong = strcmp(word.data, "F") == 0 || strcmp(word.data, "FALSE") == 0;
    if (*done && (right || wrong))
        set_true_or_false(p, right);
    else if (*done && word.line == 0)
        p->question.kind = POLL_TEXT;
    else if (word.line != 0)
        return at_line(p, word.line, GIFT_NO_ANSWERS);
    return at_line(p, line, GIFT_OK);
}

static enum gift_error read_answers(struct parser *p, struct scan body)
{
    char marker;
    bool done;
    unsigned line = body.line;
    enum gift_error error = read_opening(p, &body, &marker, &done);
    if (error != GIFT_OK || done)
        return error;
    while (error == GIFT_OK && marker != 0)
        error = read_answer(p, &body, &marker);
    if (error != GIFT_OK)
        return error;
    p->question.kind = p->wrong == 0 ? POLL_TEXT : p->weighted > 0 ? POLL_MULTIPLE : POLL_SINGLE;
    if (p->question.kind == POLL_TEXT)
        p->question.correct = 0;
    return poll_question_is_valid(&p->question) ? GIFT_OK : at_line(p, line, GIFT_NO_ANSWERS);
}

static void report(struct parser *p, enum gift_error error)
{
    if (error == GIFT_OK && p->questions == LIMIT_GIFT_QUESTIONS)
        error = GIFT_TOO_MANY;
    if (error != GIFT_OK) {
        p->errors++;
        p->sink->on_error(p->sink->context, p->line, error);
        return;
    }
    p->questions++;
    p->sink->on_question(p->sink->context, p->line, &p->question);
}

static void parse_chunk(struct parser *p, struct scan scan)
{
    bool blank = false;
    struct scan body;
    if (scan.at == scan.end)
        return;
    p->question.text_count = 0;
    p->question.correct = 0;
    p->right = p->wrong = p->weighted = 0;
    enum gift_error error = read_question(p, &scan, &blank);
    if (blank)
        return;
    unsigned line = p->line;
    if (error == GIFT_OK)
        error = find_body(p, &scan, &body);
    if (error == GIFT_OK)
        error = read_answers(p, body);
    if (error == GIFT_OK)
        p->line = line;
    report(p, error);
}

/* --- The whole text: chunks between blank lines */

/* The end of the line at `at`, its line break included. */
static const char *end_of_line(const char *at, const char *end)
{
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    return stop != NULL ? stop + 1 : end;
}

static bool is_blank_line(const char *at, const char *end)
{
    while (at < end && is_gap(*at))
        at++;
    return at == end;
}

void gift_parse(struct bytes text, const struct gift_sink *sink)
{
    struct parser p = {.sink = sink};
    const char *at = (const char *)text.data, *end = at + text.size;
    unsigned line = 1;
    if (text.size >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
        at += 3;
    while (at < end && p.questions <= LIMIT_GIFT_QUESTIONS && p.errors < LIMIT_GIFT_ERRORS) {
        struct scan chunk = {.at = at, .end = at, .line = line, .at_line_start = true};
        while (at < end) {
            const char *next = end_of_line(at, end);
            bool blank = is_blank_line(at, next);
            at = next;
            line++;
            if (blank)
                break;
            chunk.end = next;
        }
        size_t before = p.errors;
        parse_chunk(&p, chunk);
        if (p.errors != before && p.questions == LIMIT_GIFT_QUESTIONS)
            return;
    }
}

static const struct {
    const char *name, *french, *english;
} errors[GIFT_ERROR_COUNT] = {
    [GIFT_OK] = {"ok", "", ""},
    [GIFT_UNCLOSED_BRACES] = {"unclosed_braces",
                              "Les accolades { } de cette question ne vont pas par deux.",
                              "The braces { } of this question do not come in pairs."},
    [GIFT_NO_ANSWERS] = {"no_answers", "Cette question n'a pas de réponses utilisables.",
                         "This question has no answers that can be used."},
    [GIFT_NO_QUESTION] = {"no_question", "Il manque le texte de la question.",
                          "The text of the question is missing."},
    [GIFT_MATCHING] = {"matching", "Les questions d'appariement (->) ne sont pas prises.",
                       "Matching questions (->) are not supported."},
    [GIFT_NUMERIC] = {"numeric", "Les questions numériques ({#...}) ne sont pas prises.",
                      "Numeric questions ({#...}) are not supported."},
    [GIFT_TOO_LONG] = {"too_long", "Ce texte est trop long.", "This text is too long."},
    [GIFT_TOO_MANY] = {"too_many", "Il y en a trop.", "There are too many."},
    [GIFT_BAD_WEIGHT] = {"bad_weight", "Ce poids (%...%) n'est pas un nombre de -100 à 100.",
                         "This weight (%...%) is not a number from -100 to 100."},
    [GIFT_BAD_TEXT] = {"bad_text", "Ce texte contient des caractères qui ne sont pas permis.",
                       "This text has characters that are not allowed."},
    [GIFT_TEXT_AFTER_ANSWERS] =
        {"text_after_answers", "Du texte suit les réponses : les textes à trous ne sont pas pris.",
         "Text follows the answers: gaps in a text are not supported."},
};

const char *gift_error_name(enum gift_error error)
{
    CHECK(error < GIFT_ERROR_COUNT);
    return errors[error].name;
}

const char *gift_error_sentence(enum gift_error error, enum language language)
{
    CHECK(error < GIFT_ERROR_COUNT);
    return language == LANGUAGE_ENGLISH ? errors[error].english : errors[error].french;
}
