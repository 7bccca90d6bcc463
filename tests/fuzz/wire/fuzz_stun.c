/* Parses, verifies, and writes back what a message said. */
#include "wire/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(const struct stun_message *m)
{
    uint8_t memory[STUN_BYTES_MAX];
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    struct stun_request request = {.username = m->username,
                                   .priority = m->priority,
                                   .role = m->role,
                                   .tie_breaker = m->tie_breaker,
                                   .use_candidate = m->use_candidate,
                                   .has_nomination = m->has_nomination,
                                   .nomination = m->nomination};
    struct stun_message got;
    struct bytes password = bytes_of_string("password");
    memcpy(request.transaction, m->transaction, sizeof request.transaction);
    CHECK(stun_write_request(&w, &request, password) == STATUS_OK);
    CHECK(stun_parse_message(bytes_const(writer_written(&w)), &got) == STATUS_OK);
    CHECK(stun_verify_integrity(&got, password) == STATUS_OK);
    CHECK(bytes_equal(got.username, m->username) && got.priority == m->priority);
    CHECK(got.role == m->role && got.tie_breaker == m->tie_breaker);
    CHECK(got.use_candidate == m->use_candidate && got.nomination == m->nomination);
}

static void answer(const struct stun_message *m)
{
    uint8_t memory[STUN_BYTES_MAX];
    struct writer w = writer_of((struct bytes_mut){memory, sizeof memory});
    struct stun_message got;
    CHECK(stun_write_error(&w, m->transaction, STUN_ERROR_UNKNOWN_ATTRIBUTE, m->unknown,
                           m->unknown_count, BYTES_NONE) == STATUS_OK);
    CHECK(stun_parse_message(bytes_const(writer_written(&w)), &got) == STATUS_OK);
    CHECK(got.error_code == 420);
    if (m->mapped.family == NET_FAMILY_NONE)
        return;
    w = writer_of((struct bytes_mut){memory, sizeof memory});
    CHECK(stun_write_success(&w, m->transaction, &m->mapped, BYTES_NONE) == STATUS_OK);
    CHECK(stun_parse_message(bytes_const(writer_written(&w)), &got) == STATUS_OK);
    CHECK(net_addr_equal(&got.mapped, &m->mapped));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stun_message m;
    struct bytes ours, theirs;
    if (stun_parse_message(bytes_of(data, size), &m) != STATUS_OK)
        return 0;
    CHECK(m.unknown_count <= STUN_UNKNOWN_MAX);
    enum status status = stun_verify_integrity(&m, bytes_of_string("VOkJxbRl1RmTxUk/WvJxBt"));
    CHECK(status == STATUS_OK || status == STATUS_AUTH);
    stun_split_username(m.username, &ours, &theirs);
    write_again(&m);
    answer(&m);
    return 0;
}
