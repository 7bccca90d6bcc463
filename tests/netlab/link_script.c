#include "netlab/link_script.h"

#include <string.h>

enum { TOKEN_DIGITS_MAX = 12 };

struct unit {
    const char *suffix;
    double factor;
};

static const struct unit time_units[] = {{"us", 1}, {"ms", 1000}, {"s", 1000000}, {NULL, 0}};
static const struct unit share_units[] = {{"%", 0.01}, {"", 1}, {NULL, 0}};
static const struct unit rate_units[] = {{"k", 1000}, {"M", 1000000}, {"", 1}, {NULL, 0}};
static const struct unit count_units[] = {{"", 1}, {NULL, 0}};
static const struct unit second_units[] = {{"", 1000000}, {NULL, 0}};

static const struct {
    const char *name;
    const struct unit *units;
} fields[] = {
    {"delay", time_units}, {"jitter", time_units},      {"queue", time_units},
    {"loss", share_units}, {"burst-loss", share_units}, {"burst-length", count_units},
    {"rate", rate_units},  {"reorder", share_units},    {"duplicate", share_units},
};

static void set_field(struct link_config *c, size_t field, double value)
{
    switch (field) {
    case 0:
        c->delay_us = (usec_t)value;
        break;
    case 1:
        c->jitter_us = (usec_t)value;
        break;
    case 2:
        c->queue_us = (usec_t)value;
        break;
    case 3:
        c->loss = value;
        break;
    case 4:
        c->burst_loss = value;
        break;
    case 5:
        c->burst_length = value;
        break;
    case 6:
        c->rate_bps = (uint64_t)value;
        break;
    case 7:
        c->reorder = value;
        break;
    case 8:
        c->duplicate = value;
        break;
    }
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next word, empty at the end of the line or at a comment. */
static struct bytes take_word(struct bytes *line)
{
    size_t start = 0;
    while (start < line->size && is_space(line->data[start]))
        start++;
    size_t end = start;
    while (end < line->size && !is_space(line->data[end]) && line->data[end] != '#')
        end++;
    struct bytes word = {line->data + start, end - start};
    *line = (struct bytes){line->data + end, line->size - end};
    return word;
}

static enum status parse_value(struct bytes word, const struct unit *units, double *out)
{
    double value = 0;
    double place = 1;
    bool fraction = false;
    size_t digits = 0;
    size_t at = 0;
    for (; at < word.size; at++) {
        uint8_t c = word.data[at];
        if (c == '.' && !fraction) {
            fraction = true;
        } else if (c >= '0' && c <= '9' && digits < TOKEN_DIGITS_MAX) {
            digits++;
            value = value * 10 + (c - '0');
            place *= fraction ? 10 : 1;
        } else {
            break;
        }
    }
    struct bytes suffix = {word.data + at, word.size - at};
    for (; digits > 0 && units->suffix != NULL; units++) {
        if (!bytes_equal_string(suffix, units->suffix))
            continue;
        *out = value / place * units->factor;
        return STATUS_OK;
    }
    return STATUS_MALFORMED;
}

static enum status parse_setting(struct bytes name, struct bytes value, struct link_setting *out)
{
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if (!bytes_equal_string(name, fields[i].name))
            continue;
        out->field = i;
        return parse_value(value, fields[i].units, &out->value);
    }
    return STATUS_MALFORMED;
}

enum status link_script_parse_line(struct bytes line, struct link_change *out)
{
    struct link_change change = {.applies = {true, true}};
    struct bytes word = take_word(&line);
    if (bytes_equal_string(word, "at")) {
        double at = 0;
        if (parse_value(take_word(&line), second_units, &at) != STATUS_OK)
            return STATUS_MALFORMED;
        change.at = (usec_t)at;
        word = take_word(&line);
        if (word.size == 0)
            return STATUS_MALFORMED;
    }
    if (bytes_equal_string(word, "down") || bytes_equal_string(word, "up")) {
        change.applies[bytes_equal_string(word, "down") ? LINK_UP : LINK_DOWN] = false;
        word = take_word(&line);
        if (word.size == 0)
            return STATUS_MALFORMED;
    }
    for (; word.size > 0; word = take_word(&line)) {
        if (change.setting_count == LINK_CHANGE_SETTINGS_MAX)
            return STATUS_LIMIT;
        enum status status =
            parse_setting(word, take_word(&line), &change.settings[change.setting_count]);
        if (status != STATUS_OK)
            return status;
        change.setting_count++;
    }
    *out = change;
    return STATUS_OK;
}

void link_change_apply(const struct link_change *change, struct link_config *config)
{
    for (size_t i = 0; i < change->setting_count; i++)
        set_field(config, change->settings[i].field, change->settings[i].value);
}
