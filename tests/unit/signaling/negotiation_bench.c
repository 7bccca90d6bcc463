#include "unit/signaling/negotiation_bench.h"

int set_up(void **state)
{
    *state = malloc(sizeof(struct fixture));
    return *state == NULL;
}

int tear_down(void **state)
{
    free(*state);
    return 0;
}

enum status accept_text(struct fixture *f, enum negotiation_kind kind, const char *text)
{
    return negotiation_accept_offer(kind, bytes_of_string(text), &f->n);
}

void answer_to(struct fixture *f, const char *what, struct bytes offer)
{
    enum status status = negotiation_write_answer(
        &f->n, &relay, (struct bytes_mut){f->text, ANSWER_BYTES}, &f->size);
    if (status != STATUS_OK)
        fail_msg("%s: answer: %s", what, status_name(status));
    f->text[f->size] = '\0';
    assert_int_equal(sdp_parse(offer, &f->offer), STATUS_OK);
    const char *wrong =
        answer_check(&f->offer, &f->n, &relay, bytes_of(f->text, f->size), &f->answer);
    if (wrong != NULL)
        fail_msg("%s: %s\n%s", what, wrong, (const char *)f->text);
}

const char *change(struct fixture *f, const char *from, const char *to)
{
    const char *at = strstr(OFFER, from);
    if (at == NULL)
        fail_msg("not in the offer: %s", from);
    snprintf(f->changed, sizeof f->changed, "%.*s%s%s", (int)(at - OFFER), OFFER, to,
             at + strlen(from));
    return f->changed;
}

bool answer_says(const struct fixture *f, const char *text)
{
    return strstr((const char *)f->text, text) != NULL;
}
