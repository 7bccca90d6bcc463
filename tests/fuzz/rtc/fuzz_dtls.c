/* One side of a handshake that is given its peer's true flights, mutilated ones, and made-up ones,
 * in any order and at any time. The input is a list of such steps. */
#include "support/dtls_link.c"
#include "support/virtual_gettimeofday.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 64

enum step { STEP_TRUE, STEP_FLIPPED, STEP_CUT, STEP_MADE_UP, STEP_LOST, STEP_TWICE, STEP_WAIT };
#define STEP_COUNT 7

static struct dtls_link link_;

static void give(struct dtls *to, usec_t now, struct bytes data)
{
    /* A copy of the exact size, so that the address sanitizer sees a read past its end. */
    uint8_t *exact = malloc(data.size + 1);
    CHECK(exact != NULL);
    if (data.size > 0)
        memcpy(exact, data.data, data.size);
    (void)!dtls_handle_datagram(to, now, bytes_of(exact, data.size));
    free(exact);
}

/* The next true datagram towards the side under test, changed as `step` says. */
static void pass_on(struct dtls *from, struct dtls *to, enum step step, struct reader *r)
{
    struct bytes next;
    uint8_t copy[DTLS_DATAGRAM_BYTES_MAX];
    if (!dtls_poll_datagram(from, &next))
        return;
    size_t size = next.size;
    memcpy(copy, next.data, size);
    uint16_t at = read_u16(r);
    if (step == STEP_FLIPPED && size > 0)
        copy[at % size] ^= (uint8_t)(read_u8(r) | 1);
    if (step == STEP_CUT && size > 0)
        size = at % size;
    if (step == STEP_LOST)
        return;
    give(to, link_.now, bytes_of(copy, size));
    if (step == STEP_TWICE)
        give(to, link_.now, bytes_of(copy, size));
}

static void check_invariants(struct dtls *d)
{
    struct media_keys keys;
    enum dtls_state state = dtls_get_state(d);
    enum status status = dtls_export_keys(d, &keys);
    CHECK((status == STATUS_OK) == (state == DTLS_CONNECTED));
    CHECK(state != DTLS_FAILED || dtls_get_reason(d)[0] != '\0');
    CHECK((dtls_next_timeout(d, link_.now) == USEC_NEVER) == (state >= DTLS_CONNECTED));
}

static void run_step(struct dtls *tested, struct dtls *peer, struct reader *r)
{
    enum step step = (enum step)(read_u8(r) % STEP_COUNT);
    struct bytes out;
    if (step == STEP_MADE_UP)
        give(tested, link_.now, read_bytes(r, read_u8(r)));
    else if (step == STEP_WAIT)
        set_now(&link_, link_.now + MILLISECONDS(50) * read_u8(r));
    else
        pass_on(peer, tested, step, r);
    dtls_handle_timeout(tested, link_.now);
    dtls_handle_timeout(peer, link_.now);
    while (dtls_poll_datagram(tested, &out)) {
        CHECK(out.size > 0 && out.size <= DTLS_MTU);
        give(peer, link_.now, out);
    }
    check_invariants(tested);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    if (link_.client_context == NULL)
        dtls_link_init(&link_, SECONDS(1));
    dtls_link_reset(&link_, SECONDS(1));
    bool is_server = (read_u8(&r) & 1) != 0;
    struct dtls *tested = is_server ? link_.server : link_.client;
    struct dtls *peer = is_server ? link_.client : link_.server;
    dtls_start(link_.client, link_.now);
    struct bytes out;
    while (!is_server && dtls_poll_datagram(tested, &out))
        give(peer, link_.now, out);
    for (size_t i = 0; i < STEPS_MAX && reader_left(&r) > 0; i++)
        run_step(tested, peer, &r);
    return 0;
}
